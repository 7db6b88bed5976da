/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A handler has the loop call a function, with the struct that it belongs to.
 * There everything is legal: floating point, which a C handler may use as
 * well, printing and allocation, which it may not.
 *
 * usage: schedule [CALLS]
 */
#include <stdio.h>
#include <stdlib.h>

#include <isrloop.h>

struct foo {
	struct isr_loop *loop;
	double x;
	int calls_left;
};

static void bar(void *arg)
{
	struct foo *foo = arg;

	if (!foo->calls_left)
		return;
	foo->x *= 1.2;
	printf("%.6f\n", foo->x);
	if (--foo->calls_left == 0)
		isr_loop_stop(foo->loop);
}

/* In ISR context. A function and its struct are two words: nothing is made. */
static int on_timer(struct isr_source *timer, const struct isr_event *event,
		    void *arg)
{
	struct foo *foo = arg;

	/* Full: refused and counted, but no failure of this source. */
	(void)isr_schedule(foo->loop, bar, foo);
	return 0;
}

int main(int argc, char **argv)
{
	const struct isr_source_options options = {.hard = true};
	struct foo foo = {.x = 0.1};
	struct isr_source *timer;
	int r;

	foo.calls_left = argc > 1 ? atoi(argv[1]) : 5;
	if (isr_loop_new(NULL, &foo.loop) < 0)
		return 1;
	r = isr_timer_open(foo.loop, 1000000, 10000000, &options, on_timer,
			   &foo, &timer);
	if (r == 0)
		r = isr_loop_run(foo.loop);
	isr_loop_free(foo.loop);
	return r ? 1 : 0;
}
