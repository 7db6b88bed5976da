/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * see: what it costs a loop that it is watched. A callback sets its own flag,
 * so that there is always one delivery more; per delivery.
 *
 *  isrloop       counters, the longest step and its name: always on
 *  isrloop-hist  and the flag has a histogram
 *  isrloop-late  and steps over 1 s are told when they are over
 *  isrloop-soon  and while they run
 */
#include <stdio.h>
#include <stdlib.h>

#include <isrloop.h>

#include "bench.h"
#include "cpu.h"
#include "stat.h"

enum { N_CALLBACKS = 1000000 };

enum see { NOTHING, HIST, LATE, SOON };

static struct isr_loop *loop;
static struct isr_flag flag;
static unsigned int n_wanted, n_called;

static void check(int r, const char *what)
{
	if (r < 0) {
		fprintf(stderr, "bench: %s: error %d\n", what, r);
		exit(EXIT_FAILURE);
	}
}

static void on_slow(const struct isr_slow_report *report, void *arg)
{
	/* A machine that stops for a second is no figure. */
	_Exit(EXIT_FAILURE);
}

static void on_flag(struct isr_flag *f, uint32_t count, void *arg)
{
	if (++n_called == n_wanted)
		isr_loop_stop(loop);
	else
		isr_flag_set(f);
}

static void watch(enum see see)
{
	static struct isr_hist hist;
	const struct isr_slow_config config = {
		.sz = sizeof(config),
		.threshold_ns = 1000000000,
		.modes = see == SOON ? ISR_SLOW_SOON | ISR_SLOW_LATE
				     : ISR_SLOW_LATE,
	};

	if (see == HIST)
		check(isr_flag_set_hist(&flag, &hist), "isr_flag_set_hist");
	if (see >= LATE)
		check(isr_loop_set_slow_cb(loop, &config, on_slow, NULL),
		      "isr_loop_set_slow_cb");
}

static void see_child(const void *arg, double *ret_values)
{
	const enum see *see = arg;
	uint64_t start;

	n_wanted = bench_scale(N_CALLBACKS);
	cpu_pin(CPU_LOOP);
	check(isr_loop_new(NULL, &loop), "isr_loop_new");
	check(isr_flag_init(&flag, loop, ISR_FLAG_AUTO), "isr_flag_init");
	check(isr_flag_set_cb(&flag, on_flag, NULL), "isr_flag_set_cb");
	watch(*see);
	isr_flag_set(&flag);
	start = tick_now();
	check(isr_loop_run(loop), "isr_loop_run");
	ret_values[0] = tick_span_ns(start, tick_now()) / n_called;
}

void bench_see(void)
{
	static const char *const subjects[] = {"isrloop", "isrloop-hist",
					       "isrloop-late", "isrloop-soon"};
	double v[CHILD_VALUES_MAX];
	enum see see;

	for (see = NOTHING; see <= SOON; see++) {
		child_run(see_child, &see, 30, v);
		result_add("see", subjects[see], "callback", "ns", v[0]);
	}
}
