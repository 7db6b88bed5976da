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
 *
 * And whether what the loop says that polling costs is so: a task that asks
 * every few milliseconds, in a loop that has nothing else to do.
 *
 *  isrloop       its own counters
 *  rusage        the CPU time that the process has used, of the time
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <isrloop.h>
#include <isrloop/task.h>

#include "bench.h"
#include "cpu.h"
#include "stat.h"

enum { N_CALLBACKS = 1000000, N_PROBES = 300 };

#define PROBE_NS 300000
#define PERIOD_NS 5000000

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

static uint64_t used_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return ((uint64_t)usage.ru_utime.tv_sec +
		(uint64_t)usage.ru_stime.tv_sec) *
		       1000000000 +
	       ((uint64_t)usage.ru_utime.tv_usec +
		(uint64_t)usage.ru_stime.tv_usec) *
		       1000;
}

/* As long as MicroPython's takes on its boards. */
static bool probe(void *arg)
{
	uint64_t end = clock_ns() + PROBE_NS;

	while (clock_ns() < end)
		;
	return ++n_called == n_wanted;
}

static int poll_for_long(void *arg)
{
	double *values = arg;
	uint64_t start_ns = clock_ns(), start_used_ns = used_ns();
	struct isr_loop_stats stats;

	check(isr_wait_until(probe, NULL, PERIOD_NS, ISR_FOREVER),
	      "isr_wait_until");
	values[1] = 100 * (double)(used_ns() - start_used_ns) /
		    (double)(clock_ns() - start_ns);
	check(isr_loop_get_stats(loop, &stats), "isr_loop_get_stats");
	values[0] = 100 * ((double)stats.probe_ns / (double)stats.probes) /
		    ((double)stats.round_ns / (double)stats.rounds);
	isr_loop_stop(loop);
	return 0;
}

static void polling_child(const void *arg, double *ret_values)
{
	n_wanted = bench_scale(N_PROBES);
	cpu_pin(CPU_LOOP);
	check(isr_loop_new(NULL, &loop), "isr_loop_new");
	check(isr_spawn(loop, NULL, poll_for_long, ret_values, NULL),
	      "isr_spawn");
	check(isr_loop_run(loop), "isr_loop_run");
}

static void see_polling(void)
{
	double v[CHILD_VALUES_MAX];

	child_run(polling_child, NULL, 60, v);
	result_add("see", "isrloop", "polling", "%", v[0]);
	result_add("see", "rusage", "polling", "%", v[1]);
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
	see_polling();
}
