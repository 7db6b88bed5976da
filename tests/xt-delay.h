/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A loop with a delay and another flag, and a clock that is set by hand. For
 * programs that are linked with -Wl,--wrap=isr_now_ns.
 */
#ifndef XT_DELAY_H
#define XT_DELAY_H

#include <poll.h>
#include <pthread.h>

#include <isrloop/delay.h>
#include <isrloop/emerg.h>

#include "race.h"

#define SECOND UINT64_C(1000000000)

static struct isr_loop *loop;
static struct isr_delay delay;
static struct isr_flag other;
static unsigned int n_expired;
static char trace[64];

/* 0: the clock goes by itself. */
static uint64_t hand_ns;

uint64_t __real_isr_now_ns(void);
uint64_t __wrap_isr_now_ns(void);

uint64_t __wrap_isr_now_ns(void)
{
	return hand_ns ? hand_ns : __real_isr_now_ns();
}

static inline void on_expired(struct isr_flag *flag, uint32_t count, void *arg)
{
	ck_assert_uint_eq(count, 1);
	n_expired++;
	if (arg)
		strcat(trace, arg);
}

static inline void setup(void)
{
#ifdef ISR_TEST_POINTS
	forget_races();
#endif
	hand_ns = isr_now_ns();
	n_expired = 0;
	trace[0] = '\0';
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
	xt_ok(isr_delay_init(&delay, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&delay.expired, on_expired, NULL));
	xt_ok(isr_flag_init(&other, loop, ISR_FLAG_AUTO));
}

static inline void teardown(void)
{
	isr_loop_free(loop);
}

/* The loop runs all that is due at that time. */
static inline void pass_time(uint64_t seconds)
{
	hand_ns += seconds * SECOND;
	xt_ok(isr_loop_dispatch(loop));
}

static inline void trigger_in(uint64_t seconds)
{
	xt_ok(isr_delay_trigger(&delay, seconds * SECOND));
}

static inline void assert_expires_in(uint64_t seconds)
{
	unsigned int n = n_expired;

	pass_time(seconds - 1);
	ck_assert_uint_eq(n_expired, n);
	ck_assert(isr_delay_is_running(&delay));
	pass_time(1);
	ck_assert_uint_eq(n_expired, n + 1);
	ck_assert(!isr_delay_is_running(&delay));
	pass_time(1000000);
	ck_assert_uint_eq(n_expired, n + 1);
}

#endif /* XT_DELAY_H */
