/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Helpers of the tests of tasks: a loop that runs until no task is left, and a
 * trace of one letter for each thing that happens.
 */
#ifndef XT_TASK_H
#define XT_TASK_H

#include <stdint.h>

#include <isrloop.h>

#include "xt.h"

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)

static struct isr_loop *loop;
static char trace[256];

static inline void trace_add(char c)
{
	size_t n = strlen(trace);

	ck_assert_uint_lt(n, sizeof(trace) - 1);
	trace[n] = c;
	trace[n + 1] = '\0';
}

static inline void task_setup(void)
{
	xt_ok(isr_loop_new(&xt_patient, &loop));
	xt_ok(isr_loop_set_log_cb(loop, xt_log, NULL));
	memset(trace, 0, sizeof(trace));
}

/* A test that has ended the loop sets it to NULL. */
static inline void task_teardown(void)
{
	xt_ok(isr_loop_free(loop));
	loop = NULL;
}

static inline void spawn(isr_task_cb *fn, const void *arg)
{
	xt_ok(isr_spawn(loop, NULL, fn, (void *)(uintptr_t)arg, NULL));
}

static inline struct isr_task *spawn_named(const char *name, isr_task_cb *fn,
					   const void *arg)
{
	const struct isr_task_config config = {
		.sz = sizeof(config),
		.name = name,
	};
	struct isr_task *task = NULL;

	xt_ok(isr_spawn(loop, &config, fn, (void *)(uintptr_t)arg, &task));
	return task;
}

static inline uint64_t count_alive(void)
{
	struct isr_loop_stats stats;

	xt_ok(isr_loop_get_stats(loop, &stats));
	return stats.tasks;
}

static inline int stop_at_the_end(void *arg)
{
	while (count_alive() > 1)
		xt_ok(isr_yield());
	isr_loop_stop(loop);
	return 0;
}

/* The loop runs until no task is left. */
static inline void run_all(void)
{
	spawn(stop_at_the_end, NULL);
	xt_ok(isr_loop_run(loop));
	ck_assert_uint_eq(count_alive(), 0);
}

/* An isr_task_cb that puts a letter down. */
static inline int add_once(void *arg)
{
	trace_add(*(const char *)arg);
	return 0;
}

#endif /* XT_TASK_H */
