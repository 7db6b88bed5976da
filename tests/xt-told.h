/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Waiters that are told, on the loop's thread: what tasks build on, without a
 * task. One that was woken runs when the test says so; what else happens,
 * happens in between.
 */
#ifndef XT_TOLD_H
#define XT_TOLD_H

#include <stdbool.h>

#include "flag.h"
#include "race.h"
#include "xt-wait.h"

#define XT_TOLDS 100

struct told {
	struct isri_waiter waiter;
	struct isr_flag *flag;
	/* It was woken, and has not run since. */
	bool is_due;
	bool is_waiting;
	/* Its share, or -ECANCELED. */
	int got;
};

static struct isr_flag flag, sticky;
static struct told tolds[XT_TOLDS];
/* Used where there are test points. */
static struct xt_waiter waiter __attribute__((unused));

static inline struct isri_waits *waits(void)
{
	return &isri_wake_of(loop)->waits;
}

static inline void on_wake(struct isri_waiter *which)
{
	((struct told *)which)->is_due = true;
}

static inline void setup(void)
{
	memset(tolds, 0, sizeof(tolds));
	xt_wait_setup();
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&sticky, loop, ISR_FLAG_STICKY));
}

static inline void settle(void)
{
#ifdef ISR_TEST_POINTS
	dispatch_while_due(loop);
#else
	xt_dispatch();
#endif
}

static inline void set(unsigned int n, struct isr_flag *f)
{
	while (n--)
		isr_flag_set(f);
}

/* As a task that begins to wait; returns whether it sleeps. */
static inline bool begin(unsigned int i, struct isr_flag *f)
{
	struct told *told = &tolds[i];

	*told = (struct told){
		.waiter = {.wake = on_wake, .is_told = true},
		.flag = f,
	};
	pthread_mutex_lock(&waits()->lock);
	told->got = isri_told_check(f, waits());
	if (told->got == 0)
		told->got = (int)isri_told_take(f, &told->waiter);
	if (told->got == 0) {
		isri_told_join(&told->waiter, f);
		told->is_waiting = true;
	}
	pthread_mutex_unlock(&waits()->lock);
	return told->is_waiting;
}

static inline void begin_many(unsigned int n, struct isr_flag *f)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		ck_assert(begin(i, f));
}

/* As a task that goes on, and sleeps again if it has to. */
static inline void run(unsigned int i)
{
	struct told *told = &tolds[i];

	told->is_due = false;
	pthread_mutex_lock(&waits()->lock);
	told->got = told->waiter.result;
	if (!told->got && isri_told_has_share(told->flag, &told->waiter))
		told->got = (int)isri_told_take(told->flag, &told->waiter);
	if (told->got) {
		isri_told_leave(&told->waiter);
		told->is_waiting = false;
	}
	pthread_mutex_unlock(&waits()->lock);
}

/* As a task that was cancelled. */
static inline void leave(unsigned int i)
{
	tolds[i].is_due = false;
	pthread_mutex_lock(&waits()->lock);
	isri_told_leave(&tolds[i].waiter);
	tolds[i].is_waiting = false;
	pthread_mutex_unlock(&waits()->lock);
}

/* As a task that waits for another flag as well. */
static inline void latch(unsigned int i, struct isr_flag *f)
{
	ck_assert(!begin(i, f));
	isri_told_latch(&tolds[i].waiter, f, (uint32_t)tolds[i].got);
}

/* It is woken, runs, and has its share. */
static inline void assert_gets(unsigned int i, int count)
{
	settle();
	ck_assert(tolds[i].is_due);
	run(i);
	ck_assert_int_eq(tolds[i].got, count);
	ck_assert(!tolds[i].is_waiting);
}

static inline void assert_sleeps(unsigned int i)
{
	settle();
	ck_assert(!tolds[i].is_due);
	ck_assert(tolds[i].is_waiting);
}

#endif /* XT_TOLD_H */
