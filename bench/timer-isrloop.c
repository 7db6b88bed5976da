/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* isrloop's timer sources: on the loop, and hard, in ISR context. */
#include <stdio.h>
#include <stdlib.h>

#include <isrloop.h>

#include "cpu.h"
#include "timer.h"

static struct isr_loop *loop;

static void check(int r, const char *what)
{
	if (r < 0) {
		fprintf(stderr, "bench: %s: error %d\n", what, r);
		exit(EXIT_FAILURE);
	}
}

static int burn(void *arg)
{
	do {
		timer_burn();
	} while (!timer_is_done() && isr_yield() == 0);
	isr_loop_stop(loop);
	return 0;
}

/* There is always one step more to run. */
static void keep_busy(void)
{
	check(isr_spawn(loop, NULL, burn, NULL, NULL), "isr_spawn");
}

/* When the first and the last expiration were due, as events tell. */
static uint64_t first_ns, last_ns;

static int timer_cb(struct isr_source *source, const struct isr_event *event,
		    void *arg)
{
	uint64_t n = (uint64_t)event->value;

	if (last_ns == 0) {
		first_ns = event->t_ns - (n - 1) * TIMER_PERIOD_NS;
		timer_begin(first_ns);
	} else if (event->t_ns != last_ns + n * TIMER_PERIOD_NS) {
		_Exit(EXIT_FAILURE);
	}
	last_ns = event->t_ns;
	if (timer_tick(n))
		isr_loop_stop(loop);
	return 0;
}

/* What the library says of the grid has to hold, or so does no figure. */
static void run_timer(bool hard)
{
	uint64_t before_ns = clock_ns(), after_ns;
	const struct isr_source_options options = {.hard = hard};
	struct isr_source *timer;

	check(isr_timer_open(loop, TIMER_PERIOD_NS, TIMER_PERIOD_NS, &options,
			     timer_cb, NULL, &timer),
	      "isr_timer_open");
	after_ns = clock_ns();
	check(isr_loop_run(loop), "isr_loop_run");
	check(isr_loop_free(loop), "isr_loop_free");
	if (first_ns < before_ns + TIMER_PERIOD_NS ||
	    first_ns > after_ns + TIMER_PERIOD_NS)
		exit(EXIT_FAILURE);
}

static void open_loop(void)
{
	check(isr_loop_new(NULL, &loop), "isr_loop_new");
}

static void run_idle(void)
{
	open_loop();
	run_timer(false);
}

static void run_busy(void)
{
	open_loop();
	keep_busy();
	run_timer(false);
}

static void run_hard(void)
{
	open_loop();
	keep_busy();
	run_timer(true);
}

const struct timer_peer timer_isrloop = {
	.subject = "isrloop",
	.run =
		{
			[TIMER_LOOP_IDLE] = run_idle,
			[TIMER_LOOP_BUSY] = run_busy,
			[TIMER_ISR_BUSY] = run_hard,
		},
};

/* A task that sleeps until the next point of the grid. */
static int keep_time(void *arg)
{
	uint64_t due_at_ns = clock_ns();

	timer_begin(due_at_ns + TIMER_PERIOD_NS);
	do {
		due_at_ns += TIMER_PERIOD_NS;
		isr_sleep((int64_t)(due_at_ns - clock_ns()));
	} while (!timer_tick(1));
	isr_loop_stop(loop);
	return 0;
}

static void run_task_idle(void)
{
	open_loop();
	check(isr_spawn(loop, NULL, keep_time, NULL, NULL), "isr_spawn");
	check(isr_loop_run(loop), "isr_loop_run");
}

static void run_task_busy(void)
{
	open_loop();
	keep_busy();
	check(isr_spawn(loop, NULL, keep_time, NULL, NULL), "isr_spawn");
	check(isr_loop_run(loop), "isr_loop_run");
}

const struct timer_peer timer_isrloop_task = {
	.subject = "isrloop-task",
	.run =
		{
			[TIMER_LOOP_IDLE] = run_task_idle,
			[TIMER_LOOP_BUSY] = run_task_busy,
		},
};
