/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Emergency records that come as often as handlers run are told once a second,
 * by a clock that the test moves.
 */
#include <signal.h>

#include "xt-source.h"

static _Atomic uint64_t test_now_ns;

uint64_t __wrap_isr_now_ns(void);

uint64_t __wrap_isr_now_ns(void)
{
	return atomic_load(&test_now_ns);
}

static struct isr_emerg record;
static struct isr_source *source;

static void setup(void)
{
	atomic_store(&test_now_ns, 1);
	xt_ok(isr_loop_new(&xt_patient, &loop));
}

static struct isr_emerg take(void)
{
	ck_assert_int_eq(isr_emerg_take(loop, &record), 1);
	return record;
}

static void raise_and_settle(int signo, unsigned int times)
{
	while (times--) {
		raise(signo);
		xt_settle();
	}
}

static unsigned int take_all(enum isr_emerg_kind kind)
{
	unsigned int n = 0;

	while (isr_emerg_take(loop, &record) == 1)
		n += record.kind == kind;
	return n;
}

/* By the test's clock: longer than its budget. */
static int fail_late(struct isr_source *s, const struct isr_event *event,
		     void *arg)
{
	atomic_fetch_add(&test_now_ns, 2);
	return -EIO;
}

static void open_late(int signo, enum isr_on_fail on_fail, bool hard,
		      struct isr_source **ret_source)
{
	const struct isr_source_options options = {
		.budget_ns = 1,
		.on_fail = on_fail,
		.hard = hard,
	};

	xt_ok(isr_signal_open(loop, signo, &options, fail_late, NULL,
			      ret_source));
}

/* Each of both kinds, and however often: all of them are counted. */
START_TEST(emerg_of_a_source_comes_once_a_second)
{
	const uint64_t second_ns = 1000000000;

	open_late(SIGUSR1, ISR_ON_FAIL_KEEP, _i, &source);
	raise_and_settle(SIGUSR1, 100);
	ck_assert_uint_eq(take().kind, ISR_EMERG_FAILED);
	ck_assert_uint_eq(take().kind, ISR_EMERG_OVER_BUDGET);
	ck_assert_int_eq(isr_emerg_take(loop, &record), 0);

	/* They were told at 3 ns, when the first run had taken 2. */
	atomic_store(&test_now_ns, second_ns);
	raise_and_settle(SIGUSR1, 1);
	ck_assert_uint_eq(take_all(ISR_EMERG_FAILED), 0);
	raise_and_settle(SIGUSR1, 1);
	ck_assert_uint_eq(take_all(ISR_EMERG_FAILED), 1);

	ck_assert_uint_eq(xt_stats(source).failed, 102);
	ck_assert_uint_eq(xt_stats(source).over_budget, 102);
	ck_assert_uint_eq(isr_emerg_get_lost(loop), 0);
}
END_TEST

START_TEST(emerg_of_a_source_does_not_hide_anothers)
{
	struct isr_source *second;

	open_late(SIGUSR1, ISR_ON_FAIL_KEEP, _i, &source);
	open_late(SIGUSR2, ISR_ON_FAIL_KEEP, _i, &second);
	raise_and_settle(SIGUSR1, 2);
	raise_and_settle(SIGUSR2, 2);

	ck_assert_uint_eq(take_all(ISR_EMERG_FAILED), 2);
	ck_assert_uint_eq(record.source, isr_source_get_id(second));
}
END_TEST

START_TEST(emerg_comes_again_after_arming)
{
	open_late(SIGUSR1, ISR_ON_FAIL_DISARM, _i, &source);
	raise_and_settle(SIGUSR1, 1);
	xt_ok(isr_source_arm(source));
	/* This one changes nothing. */
	xt_ok(isr_source_arm(source));
	raise_and_settle(SIGUSR1, 2);

	ck_assert_int_eq(isr_emerg_take(loop, &record), 1);
	ck_assert_int_eq(isr_emerg_take(loop, &record), 1);
	ck_assert_uint_eq(take().kind, ISR_EMERG_FAILED);
	ck_assert_uint_eq(take().kind, ISR_EMERG_OVER_BUDGET);
	ck_assert_int_eq(isr_emerg_take(loop, &record), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("emerg rate");
	TCase *tcase = xt_case(suite, "rate");

	tcase_add_checked_fixture(tcase, setup, xt_loop_teardown);
	tcase_add_loop_test(tcase, emerg_of_a_source_comes_once_a_second, 0, 2);
	tcase_add_loop_test(tcase, emerg_of_a_source_does_not_hide_anothers, 0,
			    2);
	tcase_add_loop_test(tcase, emerg_comes_again_after_arming, 0, 2);
	return xt_main(suite);
}
