/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F4: what a loop did, for people to read: of itself, its sources, the flags
 * that have a histogram, and its tasks.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include <isrloop/hist.h>
#include <isrloop/loop.h>

#include "flag.h"
#include "loop.h"
#include "source.h"
#include "task.h"

static double to_us(uint64_t ns)
{
	return (double)ns / 1000;
}

static void print_hist(FILE *out, const char *what, const struct isr_hist *hist)
{
	uint64_t n = isr_hist_get_count(hist);

	if (!n)
		return;
	fprintf(out,
		"  %s, %" PRIu64
		" times: p50 %.1f us, p99 %.1f us, max %.1f us\n",
		what, n, to_us(isr_hist_get_percentile_ns(hist, 50)),
		to_us(isr_hist_get_percentile_ns(hist, 99)),
		to_us(isr_hist_get_max_ns(hist)));
}

static void print_polling(FILE *out, const struct isr_loop_stats *stats)
{
	double probe_ns, round_ns;

	if (!stats->rounds)
		return;
	probe_ns = (double)stats->probe_ns / (double)stats->probes;
	round_ns = (double)stats->round_ns / (double)stats->rounds;
	fprintf(out,
		"  polled %" PRIu64
		" times: %.1f us each, every %.1f us, %.2f %% overhead\n",
		stats->probes, probe_ns / 1000, round_ns / 1000,
		100 * probe_ns / round_ns);
}

static void print_loop(FILE *out, const struct isr_loop_stats *stats)
{
	fprintf(out,
		"loop: %" PRIu64 " wake-ups, %" PRIu64 " passes, %" PRIu64
		" deliveries, %" PRIu64 " calls (%" PRIu64 " refused)\n",
		stats->wakeups, stats->passes, stats->deliveries,
		stats->scheduled, stats->schedule_refused);
	fprintf(out,
		"  %" PRIu64 " steps, %" PRIu64 " of them urgent, %" PRIu64
		" times out of budget\n",
		stats->steps, stats->urgent_steps, stats->budget_exhausted);
	if (stats->step_max_ns)
		fprintf(out, "  longest step %.1f us: %s\n",
			to_us(stats->step_max_ns), stats->step_max_name);
	if (stats->masks)
		fprintf(out,
			"  %" PRIu64
			" critical sections, longest %.1f us: %s\n",
			stats->masks, to_us(stats->mask_max_ns),
			stats->mask_max_where ? stats->mask_max_where : "?");
	print_polling(out, stats);
}

static void print_source(FILE *out, struct isr_source *source)
{
	struct isr_source_stats stats;

	if (isr_source_get_stats(source, &stats) < 0)
		return;
	fprintf(out,
		"source %s: %" PRIu64 " delivered, %" PRIu64
		" lost in the kernel, %" PRIu64 " in the ring, %" PRIu64
		" merged, %" PRIu64 " discarded, %" PRIu64 " failed\n",
		source->name, (uint64_t)stats.delivered, stats.lost_kernel,
		stats.lost_ring, stats.merged, stats.discarded, stats.failed);
	if (source->budget_ns)
		fprintf(out,
			"  longest run %.1f us, %" PRIu64 " over the budget\n",
			to_us(stats.max_ns), stats.over_budget);
	print_hist(out,
		   source->hard ? "edge to hard handler" : "edge to callback",
		   &source->latency);
}

static void print_sources(FILE *out, struct isr_loop *loop)
{
	struct isri_loop_member *member;

	for (member = isri_loop_base(loop)->members; member;
	     member = member->next)
		if (member->is_source)
			print_source(
				out,
				(struct isr_source *)((char *)member -
						      offsetof(
							      struct isr_source,
							      member)));
}

static void print_flags(FILE *out, struct isr_loop *loop)
{
	const struct isr_flag *flag;

	for (flag = isri_wake_of(loop)->all; flag; flag = flag->all_next) {
		if (!flag->hist)
			continue;
		fprintf(out, "flag %p\n", (const void *)flag);
		print_hist(out,
			   flag->timed == ISRI_FLAG_TIMED_EDGE ? "edge to run"
							       : "set to run",
			   flag->hist);
	}
}

static void print_tasks(FILE *out, struct isr_loop *loop)
{
	const struct isri_tasks *tasks = isri_loop_base(loop)->tasks;
	const struct isr_task *task;
	struct isr_task_stats stats;

	for (task = tasks ? tasks->alive : NULL; task; task = task->next) {
		if (isr_task_get_stats(task, &stats) < 0)
			continue;
		fprintf(out,
			"task %s: %" PRIu64
			" steps, ran %.1f us, stack %zu of %zu bytes\n",
			stats.name, stats.steps, to_us(stats.run_ns),
			stats.stack_used_max, stats.stack_bytes);
	}
}

int isr_loop_print_stats(struct isr_loop *loop, FILE *out)
{
	struct isr_loop_stats stats;
	int r;

	r = isri_loop_check(loop);
	if (r < 0)
		return r;
	if (!out)
		return -EINVAL;
	isr_loop_get_stats(loop, &stats);
	print_loop(out, &stats);
	print_sources(out, loop);
	print_flags(out, loop);
	print_tasks(out, loop);
	return ferror(out) ? -EIO : 0;
}
