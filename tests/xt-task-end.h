/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Helpers of the tests of how tasks end: what the library told is noted. */
#ifndef XT_TASK_END_H
#define XT_TASK_END_H

#include "xt-task.h"

/* Errors that the library told, but for those of a test that fails. */
static char told[512];
static unsigned int n_told;

static inline void note(enum isr_log_level level, const char *message,
			void *arg)
{
	if (level > ISR_LOG_ERROR)
		return;
	n_told++;
	strncat(told, message, sizeof(told) - 1 - strlen(told));
}

/* In place of task_setup(): errors are noted. */
static inline void end_setup(void)
{
	task_setup();
	told[0] = '\0';
	n_told = 0;
	xt_ok(isr_loop_set_log_cb(loop, note, NULL));
}

static inline void free_loop(void)
{
	xt_ok(isr_loop_free(loop));
	loop = NULL;
}

/* An isr_task_cb that returns this number. */
static inline int return_it(void *arg)
{
	return *(const int *)arg;
}

/* Puts 's' down if it sleeps to the end, or 'c'. */
static inline int sleep_long(void *arg)
{
	int r = isr_sleep(3600 * SECOND);

	trace_add(r == -ECANCELED ? 'c' : 's');
	return r;
}

/* Runs what is ready, and a task's first turn is by then over. */
static inline void settle(void)
{
	int i;

	for (i = 0; i < 4; i++)
		xt_ok(isr_loop_dispatch(loop));
}

#endif /* XT_TASK_END_H */
