/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A flag that starts a piece of work for each interrupt. The handler must not
 * start it (the loop may be in the middle of something else), so it sets the
 * flag; the flag's callback, on the loop, starts as many as were counted.
 *
 * usage: flag-start [INTERRUPTS]
 */
#include <stdio.h>
#include <stdlib.h>

#include <isrloop.h>

struct app {
	struct isr_loop *loop;
	struct isr_flag ready;
	unsigned int handled;		/* the handler's */
	unsigned int to_start, started; /* the loop's */
};

static int on_timer(struct isr_source *timer, const struct isr_event *event,
		    void *arg)
{
	struct app *app = arg;

	app->handled++;
	isr_flag_set(&app->ready);
	return 0;
}

static void work(void *arg)
{
	struct app *app = arg;

	if (app->started == app->to_start)
		return;
	printf("job %u\n", ++app->started);
	if (app->started == app->to_start)
		isr_loop_stop(app->loop);
}

static void start_work(struct isr_flag *ready, uint32_t count, void *arg)
{
	struct app *app = arg;

	while (count--)
		if (isr_schedule(app->loop, work, app) < 0)
			fprintf(stderr, "too many jobs wait\n");
}

int main(int argc, char **argv)
{
	const struct isr_source_options options = {.hard = true};
	struct app app = {.to_start = argc > 1 ? (unsigned)atoi(argv[1]) : 5};
	struct isr_source *timer;
	int r;

	if (isr_loop_new(NULL, &app.loop) < 0)
		return 1;
	r = isr_flag_init(&app.ready, app.loop, ISR_FLAG_AUTO);
	if (r == 0)
		r = isr_flag_set_cb(&app.ready, start_work, &app);
	if (r == 0)
		r = isr_timer_open(app.loop, 1000000, 5000000, &options,
				   on_timer, &app, &timer);
	if (r == 0)
		r = isr_loop_run(app.loop);
	isr_loop_free(app.loop);
	return r ? 1 : 0;
}
