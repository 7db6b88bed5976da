/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What stays until it may go, for tests of who waits for it: a handler of
 * SIGUSR1 in another thread, or whatever else calls linger(). One at a time.
 * It may go as soon as somebody waits: see tests/waits.h.
 */
#ifndef TESTS_LINGER_H
#define TESTS_LINGER_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include <isrloop.h>

#include "xt.h"

static struct {
	atomic_bool entered, released, finished;
} lingers;

/* An isr_handler_cb. */
static inline int linger(struct isr_source *source,
			 const struct isr_event *event, void *arg)
{
	atomic_store(&lingers.entered, true);
	while (!atomic_load(&lingers.released))
		sched_yield();
	atomic_store(&lingers.finished, true);
	return 0;
}

/* A thread, for pthread_create(3). */
static inline void *linger_in_handler(void *arg)
{
	raise(SIGUSR1);
	return NULL;
}

static inline void linger_release(void)
{
	atomic_store(&lingers.released, true);
}

static inline void linger_begin(void)
{
	atomic_store(&lingers.entered, false);
	atomic_store(&lingers.released, false);
	atomic_store(&lingers.finished, false);
}

static inline void linger_await(void)
{
	xt_wait_until(atomic_load(&lingers.entered));
}

#endif /* TESTS_LINGER_H */
