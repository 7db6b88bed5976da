/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A flood of signals into the thread that started it. A timer sends them:
 * another thread would have to wait for its turn on a busy machine, and then
 * for the target's, for each of them.
 */
#ifndef FLOOD_H
#define FLOOD_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "xt.h"

#define FLOOD_SIGNALS 10000U
#define FLOOD_PERIOD_NS 30000

/* Older C libraries have no name for it. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static struct {
	timer_t timer;
	struct sigaction found;
	void (*on_signal)(void);
	atomic_uint n;
} flood;

static inline void flood_handle(int signo)
{
	const struct itimerspec never = {{0, 0}, {0, 0}};

	(void)signo;
	if (flood.n == FLOOD_SIGNALS)
		return;
	flood.on_signal();
	if (++flood.n == FLOOD_SIGNALS)
		timer_settime(flood.timer, 0, &never, NULL);
}

static inline void flood_start(void (*on_signal)(void))
{
	const struct itimerspec often = {{0, FLOOD_PERIOD_NS},
					 {0, FLOOD_PERIOD_NS}};
	struct sigaction action = {.sa_handler = flood_handle,
				   .sa_flags = SA_RESTART};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
				 .sigev_signo = SIGUSR1};

	event.sigev_notify_thread_id = gettid();
	flood.on_signal = on_signal;
	flood.n = 0;
	sigaction(SIGUSR1, &action, &flood.found);
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &flood.timer),
			 0);
	ck_assert_int_eq(timer_settime(flood.timer, 0, &often, NULL), 0);
}

/* Exactly FLOOD_SIGNALS have been handled. */
static inline bool flood_is_over(void)
{
	return flood.n == FLOOD_SIGNALS;
}

static inline void flood_end(void)
{
	timer_delete(flood.timer);
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
