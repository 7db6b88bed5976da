/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What measures a timer of 1 kHz, and the timers that it measures: each in
 * a process of its own, on one CPU.
 */
#ifndef BENCH_TIMER_H
#define BENCH_TIMER_H

#include <stdbool.h>
#include <stdint.h>

enum { TIMER_PERIOD_NS = 1000000 };

/* Where the timer runs, and what its CPU does meanwhile. */
enum timer_mode {
	TIMER_LOOP_IDLE, /* a callback of the loop, which sleeps between */
	TIMER_LOOP_BUSY, /* a callback of the loop, which is never idle */
	TIMER_ISR_BUSY,	 /* above the loop, which is never idle */
	TIMER_N_MODES
};

struct timer_peer {
	const char *subject;
	/* returns after timer_tick() said so; NULL: has no such timer */
	void (*run[TIMER_N_MODES])(void);
};

/* The first expiration is due at @first_ns of CLOCK_MONOTONIC. */
void timer_begin(uint64_t first_ns);

/*
 * First thing in each callback. @n expirations are told by it; 0: the
 * library does not say. Returns whether it was the last one.
 */
bool timer_tick(uint64_t n);

/* For whoever is not the callback. */
bool timer_is_done(void);

/* A callback of the busy loop: takes 0 to 600 us, evenly spread. */
void timer_burn(void);

/* Tell errno and end this run. */
void timer_die(const char *what) __attribute__((noreturn));

/* A timerfd that runs, and has begun; @flags as timerfd_create(2). */
int timer_open_timerfd(int flags);

extern const struct timer_peer timer_isrloop;
extern const struct timer_peer timer_isrloop_task;
extern const struct timer_peer timer_timerfd;
extern const struct timer_peer timer_sigev;
extern const struct timer_peer timer_libev;
extern const struct timer_peer timer_libev_timerfd;
extern const struct timer_peer timer_libuv;

#endif /* BENCH_TIMER_H */
