/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A flood of signals into the thread that started it. A timer sends them:
 * another thread would have to wait for its turn on a busy machine, and then
 * for the target's, for each of them. The timer starts again when a signal is
 * handled, so that what is interrupted gets on, however slow the machine is.
 *
 * When they come is chance: nothing that is right may fail, and this is all
 * that a flood proves. What is broken is shown to be noticed with a flood by
 * hand, whose signals come where the broken code lets them in.
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
#define FLOOD_PAUSE_NS 30000

/* Older C libraries have no name for it. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static struct {
	timer_t timer;
	bool by_hand;
	struct sigaction found;
	void (*on_signal)(void);
	atomic_uint n;
} flood;

static inline void flood_await_next(void)
{
	const struct itimerspec soon = {.it_value.tv_nsec = FLOOD_PAUSE_NS};

	if (!flood.by_hand)
		timer_settime(flood.timer, 0, &soon, NULL);
}

static inline void flood_handle(int signo)
{
	(void)signo;
	if (flood.n == FLOOD_SIGNALS)
		return;
	flood.on_signal();
	if (++flood.n < FLOOD_SIGNALS)
		flood_await_next();
}

static inline void flood_install(void (*on_signal)(void), bool by_hand)
{
	struct sigaction action = {.sa_handler = flood_handle,
				   .sa_flags = SA_RESTART};

	flood.on_signal = on_signal;
	flood.by_hand = by_hand;
	flood.n = 0;
	sigaction(SIGUSR1, &action, &flood.found);
}

static inline void flood_start(void (*on_signal)(void))
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
				 .sigev_signo = SIGUSR1};

	flood_install(on_signal, false);
	event.sigev_notify_thread_id = gettid();
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &flood.timer),
			 0);
	flood_await_next();
}

static inline void flood_start_by_hand(void (*on_signal)(void))
{
	flood_install(on_signal, true);
}

/* By hand: one signal, handled before this returns. */
static inline void flood_let_in(void)
{
	raise(SIGUSR1);
}

/* Exactly FLOOD_SIGNALS have been handled. */
static inline bool flood_is_over(void)
{
	return flood.n == FLOOD_SIGNALS;
}

static inline void flood_end(void)
{
	if (!flood.by_hand)
		timer_delete(flood.timer);
	sigaction(SIGUSR1, &flood.found, NULL);
}

#endif /* FLOOD_H */
