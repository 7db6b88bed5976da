/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A switch that is fed: times are in us since the start of its stream, and
 * what it tells is written down.
 */
#ifndef XT_SWITCH_H
#define XT_SWITCH_H

#include <stdio.h>

#include <isrloop/switch.h>

#include "xt.h"

#define US UINT64_C(1000)
/* Of stamps: a clock does not begin at 0. */
#define START UINT64_C(1000000000)
#define TOLD_MAX 256

/* The defaults, in us. */
#define DEBOUNCE 50000
#define CHATTER 10000

static struct isr_loop *loop;
static struct isr_switch sw;
static struct isr_switch_event told[TOLD_MAX];
static unsigned int n_told;

static void on_switch(struct isr_switch *self,
		      const struct isr_switch_event *event, void *arg)
{
	ck_assert_ptr_eq(self, &sw);
	ck_assert(!isr_in_context());
	ck_assert_uint_lt(n_told, TOLD_MAX);
	ck_assert_int_eq(isr_switch_is_closed(self), event->closed);
	told[n_told++] = *event;
}

static inline void setup(void)
{
	n_told = 0;
	memset(&sw, 0, sizeof(sw));
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
}

static inline void teardown(void)
{
	xt_ok(isr_switch_close(&sw));
	isr_loop_free(loop);
}

static inline struct isr_switch_config config_of(enum isr_switch_mode mode)
{
	return (struct isr_switch_config){
		.sz = sizeof(struct isr_switch_config),
		.mode = mode,
		.cb = on_switch,
	};
}

static inline void open_mode(enum isr_switch_mode mode)
{
	struct isr_switch_config config = config_of(mode);

	xt_ok(isr_switch_open(&sw, loop, &config, NULL));
}

static inline uint64_t at(uint64_t us)
{
	return START + us * US;
}

static inline void feed_event(uint64_t us, enum isr_event_kind kind, int value,
			      unsigned int flags, uint32_t lost)
{
	struct isr_event event = {
		.t_ns = at(us),
		.kind = (uint8_t)kind,
		.value = value,
		.flags = (uint8_t)flags,
		.lost = lost,
	};

	xt_ok(isr_switch_feed(&sw, &event));
}

static inline void feed_edge(uint64_t us, int level, unsigned int flags,
			     uint32_t lost)
{
	feed_event(us, level ? ISR_EVENT_RISING : ISR_EVENT_FALLING, level,
		   flags, lost);
}

static inline void rise(uint64_t us)
{
	feed_edge(us, 1, 0, 0);
}

static inline void fall(uint64_t us)
{
	feed_edge(us, 0, 0, 0);
}

static inline void feed_level(uint64_t us, int level)
{
	feed_event(us, ISR_EVENT_INITIAL, level, 0, 0);
}

static inline void idle(uint64_t us)
{
	feed_event(us, ISR_EVENT_IDLE, 0, 0, 0);
}

/* The next of those told that was not yet looked at. settled 0: not yet. */
static inline void assert_told(unsigned int i, enum isr_switch_kind kind,
			       uint64_t first_us, uint64_t settled_us,
			       uint32_t bounces)
{
	ck_assert_uint_gt(n_told, i);
	ck_assert_int_eq(told[i].kind, kind);
	if (kind != ISR_SWITCH_SETTLED)
		ck_assert_int_eq(told[i].closed, kind == ISR_SWITCH_CLOSED);
	ck_assert_uint_eq(told[i].t_first_ns, at(first_us));
	ck_assert_uint_eq(told[i].t_settled_ns,
			  settled_us ? at(settled_us) : 0);
	ck_assert_uint_eq(told[i].bounces, bounces);
}

static inline struct isr_switch_stats get_stats(void)
{
	struct isr_switch_stats stats;

	xt_ok(isr_switch_get_stats(&sw, &stats));
	return stats;
}

static inline TCase *xt_switch_case(Suite *suite, const char *name)
{
	TCase *tcase = xt_case(suite, name);

	tcase_add_checked_fixture(tcase, setup, teardown);
	return tcase;
}

#endif /* XT_SWITCH_H */
