/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Threads that wait for flags of one loop, which the test's own thread runs.
 * A test knows that a thread waits because it finds it in the flag's circle.
 */
#ifndef XT_WAIT_H
#define XT_WAIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <isrloop/flag.h>
#include <isrloop/loop.h>

#include "flag-wait.h"
#include "wake.h"
#include "xt.h"

struct xt_waiter {
	struct isr_flag *flag;
	int64_t timeout_ns;
	pthread_t thread;
	int result;
	/* 1 for the one that ended first, and so on. */
	unsigned int place;
	atomic_bool ended;
};

/* After xt-source.h: its loop. */
#ifndef XT_SOURCE_H
static struct isr_loop *loop;
#endif
static atomic_uint xt_n_ended;

static inline void *xt_wait_in_thread(void *arg)
{
	struct xt_waiter *waiter = arg;

	waiter->result = isr_flag_wait(waiter->flag, waiter->timeout_ns);
	waiter->place = atomic_fetch_add(&xt_n_ended, 1) + 1;
	atomic_store(&waiter->ended, true);
	isr_loop_stop(loop);
	return NULL;
}

/* How many are in the circle. */
static inline unsigned int xt_n_waiting(struct isr_flag *flag)
{
	struct isri_waits *waits = &isri_wake_of(loop)->waits;
	struct isri_waiter *first, *waiter;
	unsigned int n = 0;

	pthread_mutex_lock(&waits->lock);
	first = flag->cb ? NULL : flag->arg;
	for (waiter = first; waiter && (n == 0 || waiter != first);
	     waiter = waiter->next)
		n++;
	pthread_mutex_unlock(&waits->lock);
	return n;
}

static inline void xt_await_waiting(struct isr_flag *flag, unsigned int n)
{
	xt_wait_until(xt_n_waiting(flag) == n);
}

/* Who came late tells the loop, which is to find that when it runs next. */
static inline bool xt_late_ones_have_told(void)
{
	struct isri_waits *waits = &isri_wake_of(loop)->waits;
	bool is_one_late;

	pthread_mutex_lock(&waits->lock);
	is_one_late = waits->late;
	pthread_mutex_unlock(&waits->lock);
	return !is_one_late || isr_flag_peek(&waits->came_late);
}

/* One more that waits: it is in the circle, and nothing is left to do. */
static inline void xt_wait_start(struct xt_waiter *waiter,
				 struct isr_flag *flag, int64_t timeout_ns)
{
	unsigned int n = xt_n_waiting(flag);

	*waiter = (struct xt_waiter){.flag = flag, .timeout_ns = timeout_ns};
	ck_assert_int_eq(pthread_create(&waiter->thread, NULL,
					xt_wait_in_thread, waiter),
			 0);
	xt_await_waiting(flag, n + 1);
	xt_wait_until(xt_late_ones_have_told());
}

/* Runs the loop until it ended; what it got. */
static inline int xt_wait_join(struct xt_waiter *waiter)
{
	while (!atomic_load(&waiter->ended))
		xt_ok(isr_loop_run(loop));
	pthread_join(waiter->thread, NULL);
	return waiter->result;
}

/* A wait in a thread, which needs no loop to end. */
static inline int xt_wait_elsewhere(struct isr_flag *flag, int64_t timeout_ns)
{
	struct xt_waiter waiter = {.flag = flag, .timeout_ns = timeout_ns};

	ck_assert_int_eq(pthread_create(&waiter.thread, NULL, xt_wait_in_thread,
					&waiter),
			 0);
	pthread_join(waiter.thread, NULL);
	return waiter.result;
}

static inline void xt_dispatch(void)
{
	unsigned int i;

	/* What one pass makes ready, the next delivers. */
	for (i = 0; i < 3; i++)
		xt_ok(isr_loop_dispatch(loop));
}

/* All that wait are let go, if they are, before this returns. */
static inline void xt_assert_served(struct isr_flag *flag)
{
	xt_dispatch();
	ck_assert_uint_eq(xt_n_waiting(flag), 0);
}

static inline void xt_wait_setup(void)
{
	xt_n_ended = 0;
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
}

static inline void xt_wait_teardown(void)
{
	isr_loop_free(loop);
	loop = NULL;
}

#endif /* XT_WAIT_H */
