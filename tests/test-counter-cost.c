/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A counter allocates nothing once it is open: neither for an edge, nor for a
 * report, nor to be read. This program's own malloc() counts for all of the
 * process.
 */
#include "xt-counter.h"
#include "xt-malloc.h"

/* No assertion where it is counted: Check's own allocate. */
static unsigned int n_wrong;

static void feed(uint8_t kind, uint64_t t_ns)
{
	const struct isr_event event = {.kind = kind, .t_ns = t_ns};
	struct isr_counter_reading reading;

	n_wrong += isr_counter_feed(&counter, &event) != 0;
	n_wrong += isr_counter_read(&counter, &reading) != 0;
}

static void on_report(struct isr_counter *c,
		      const struct isr_counter_reading *reading, void *arg)
{
	n_reports++;
	n_wrong += reading->state == ISR_COUNTER_STOPPED;
}

START_TEST(counter_allocates_nothing)
{
	unsigned long before;
	uint64_t t_ns;

	n_wrong = 0;
	xt_open((struct isr_counter_config){.report_ns = 100 * MS,
					    .cb = on_report});
	before = atomic_load(&n_allocations);
	for (t_ns = DAY; t_ns < DAY + 20 * SECOND; t_ns += MS) {
		feed(ISR_EVENT_RISING, t_ns);
		feed(ISR_EVENT_FALLING, t_ns + MS / 2);
	}

	ck_assert_uint_eq(atomic_load(&n_allocations), before);
	ck_assert_uint_eq(n_wrong, 0);
	ck_assert_uint_eq(n_reports, 199);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("counter cost");
	TCase *tc = xt_case(suite, "cost");

	tcase_add_checked_fixture(tc, xt_loop_setup, xt_counter_teardown);
	tcase_add_test(tc, counter_allocates_nothing);
	return xt_main(suite);
}
