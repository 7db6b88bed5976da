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

static void flag_cb(struct isr_flag *flag, uint32_t count, void *arg)
{
	timer_burn();
	if (timer_is_done())
		isr_loop_stop(loop);
	else
		isr_flag_set(flag);
}

/* There is always one callback more to run. */
static void keep_busy(void)
{
	static struct isr_flag flag;

	check(isr_flag_init(&flag, loop, ISR_FLAG_AUTO), "isr_flag_init");
	check(isr_flag_set_cb(&flag, flag_cb, NULL), "isr_flag_set_cb");
	isr_flag_set(&flag);
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
