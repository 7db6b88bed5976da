/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Helpers of the tests of counters: one, its reports, edges that are fed. */
#ifndef XT_COUNTER_H
#define XT_COUNTER_H

#include <isrloop/counter.h>

#include "xt-source.h"

#define US 1000ULL
#define MS 1000000ULL
#define SECOND 1000000000ULL
/* Where the stamps of the tests begin: as if it had run for a day. */
#define DAY (86400 * SECOND)

#define XT_REPORTS 4096

static struct isr_counter counter;
static struct isr_counter_reading reports[XT_REPORTS];
static unsigned int n_reports;

static inline void xt_on_report(struct isr_counter *c,
				const struct isr_counter_reading *reading,
				void *arg)
{
	ck_assert_ptr_eq(c, &counter);
	ck_assert(!isr_in_context());
	ck_assert_uint_lt(n_reports, XT_REPORTS);
	reports[n_reports++] = *reading;
}

static inline void
xt_stop_when_stopped(struct isr_counter *c,
		     const struct isr_counter_reading *reading, void *arg)
{
	ck_assert(!isr_in_context());
	xt_on_report(c, reading, arg);
	if (reading->state == ISR_COUNTER_STOPPED)
		isr_loop_stop(loop);
}

/* With an argument its memory is the program's again. */
static inline void xt_close_in_report(struct isr_counter *c,
				      const struct isr_counter_reading *reading,
				      void *arg)
{
	n_reports++;
	xt_ok(isr_counter_close(c));
	if (arg)
		memset((void *)c, 0xff, sizeof(*c));
}

static inline void xt_open(struct isr_counter_config config)
{
	config.sz = sizeof(config);
	if (!config.cb)
		config.cb = xt_on_report;
	n_reports = 0;
	xt_ok(isr_counter_open(&counter, loop, &config, NULL));
}

static inline void xt_feed(struct isr_event event)
{
	xt_ok(isr_counter_feed(&counter, &event));
}

static inline void xt_rise(uint64_t t_ns)
{
	xt_feed((struct isr_event){.kind = ISR_EVENT_RISING, .t_ns = t_ns});
}

static inline void xt_fall(uint64_t t_ns)
{
	xt_feed((struct isr_event){.kind = ISR_EVENT_FALLING, .t_ns = t_ns});
}

static inline void xt_idle(uint64_t t_ns)
{
	xt_feed((struct isr_event){.kind = ISR_EVENT_IDLE, .t_ns = t_ns});
}

/* Returns when the next pulse would begin. */
static inline uint64_t xt_wave(uint64_t t_ns, uint64_t period_ns,
			       uint64_t high_ns, uint64_t n)
{
	for (; n--; t_ns += period_ns) {
		xt_rise(t_ns);
		xt_fall(t_ns + high_ns);
	}
	return t_ns;
}

static inline struct isr_counter_reading xt_read(void)
{
	struct isr_counter_reading reading;

	xt_ok(isr_counter_read(&counter, &reading));
	return reading;
}

static inline void xt_counter_teardown(void)
{
	xt_ok(isr_counter_close(&counter));
	xt_loop_teardown();
}

#endif /* XT_COUNTER_H */
