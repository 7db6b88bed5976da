/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Two LEDs blink at different rates. One function handles both timers: what
 * belongs to one LED is in its struct, which the handler gets as its argument.
 *
 * usage: leds [TOGGLES [PERIOD-MS]]    of the red one
 */
#include <stdio.h>
#include <stdlib.h>

#include <isrloop.h>

struct led {
	const char *name;
	struct isr_loop *loop;
	/* The handler's alone while the timer is armed. */
	unsigned int level, toggles;
	/* 0: as long as the other one goes on. */
	unsigned int stop_at;
};

/* In ISR context: short, no printing. */
static int toggle(struct isr_source *timer, const struct isr_event *event,
		  void *arg)
{
	struct led *led = arg;

	/* A handler that is late is told of all expirations at once. */
	led->toggles += (unsigned int)event->value;
	led->level = led->toggles & 1;
	if (led->stop_at && led->toggles >= led->stop_at)
		isr_loop_stop(led->loop);
	return 0;
}

static int blink(struct isr_loop *loop, struct led *led, uint64_t period_ns)
{
	const struct isr_source_options options = {
		.name = led->name,
		.hard = true,
	};
	struct isr_source *timer;

	led->loop = loop;
	return isr_timer_open(loop, period_ns, period_ns, &options, toggle, led,
			      &timer);
}

int main(int argc, char **argv)
{
	struct led red = {.name = "red"}, green = {.name = "green"};
	uint64_t period_ns = 200000000;
	struct isr_loop *loop;
	int r;

	red.stop_at = argc > 1 ? (unsigned int)atoi(argv[1]) : 10;
	if (argc > 2)
		period_ns = (uint64_t)atoi(argv[2]) * 1000000;

	if (isr_loop_new(NULL, &loop) < 0)
		return 1;
	r = blink(loop, &red, period_ns);
	if (r == 0)
		r = blink(loop, &green, period_ns + period_ns / 4);
	if (r == 0)
		r = isr_loop_run(loop);
	/* No handler runs any more, so the structs are ours again. */
	isr_loop_free(loop);

	printf("red %u, green %u\n", red.toggles, green.toggles);
	return r ? 1 : 0;
}
