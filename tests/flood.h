/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A flood of signals into the thread that started it: another thread sends
 * so many, each when the one before was handled, so that none is merged.
 */
#ifndef FLOOD_H
#define FLOOD_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "xt.h"

#define FLOOD_SIGNALS 20000U

static struct {
	pthread_t target, sender;
	struct sigaction found;
	void (*on_signal)(void);
	atomic_uint n;
} flood;

static inline void flood_handle(int signo)
{
	(void)signo;
	flood.on_signal();
	flood.n++;
}

static inline void *flood_send(void *arg)
{
	unsigned int i;

	for (i = 0; i < FLOOD_SIGNALS; i++) {
		pthread_kill(flood.target, SIGUSR1);
		while (flood.n == i)
			sched_yield();
	}
	return arg;
}

static inline void flood_start(void (*on_signal)(void))
{
	struct sigaction action = {.sa_handler = flood_handle};

	flood.target = pthread_self();
	flood.on_signal = on_signal;
	flood.n = 0;
	sigaction(SIGUSR1, &action, &flood.found);
	ck_assert_int_eq(pthread_create(&flood.sender, NULL, flood_send, NULL),
			 0);
}

static inline bool flood_is_over(void)
{
	return flood.n == FLOOD_SIGNALS;
}

static inline void flood_end(void)
{
	pthread_join(flood.sender, NULL);
	sigaction(SIGUSR1, &flood.found, NULL);
}

/*
 * The thread sanitizer's runtime puts a signal off until the next atomic
 * access: then plain accesses are not interrupted, and prove nothing.
 */
#ifdef __SANITIZE_THREAD__
#define FLOOD_INTERRUPTS_ANYWHERE 0
#else
#define FLOOD_INTERRUPTS_ANYWHERE 1
#endif

#endif /* FLOOD_H */
