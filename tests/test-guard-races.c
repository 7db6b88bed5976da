/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The races of guards. */
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include <isrloop/guard.h>

#include "race.h"

/* How often a hold naps while it waits. */
static unsigned int n_naps;

int __real_clock_nanosleep(clockid_t clock, int flags,
			   const struct timespec *time, struct timespec *left);
int __wrap_clock_nanosleep(clockid_t clock, int flags,
			   const struct timespec *time, struct timespec *left);

int __wrap_clock_nanosleep(clockid_t clock, int flags,
			   const struct timespec *time, struct timespec *left)
{
	n_naps++;
	return __real_clock_nanosleep(clock, flags, time, left);
}

#ifndef ISR_TEST_POINTS

#include <stdio.h>

int main(void)
{
	puts("test-guard-races: skipped: built without --enable-test-points");
	return 77;
}

#else

static struct isr_guard guard;
static bool nested_result;

static void setup(void)
{
	forget_races();
	guard = (struct isr_guard)ISR_GUARD_INIT;
	n_naps = 0;
}

static void try_nested(void)
{
	nested_result = isr_guard_try(&guard);
}

static void try_and_release(void)
{
	nested_result = isr_guard_try(&guard);
	isr_guard_release(&guard);
}

START_TEST(race_try_before_a_try_takes_it)
{
	race_at(0, "guard:A", try_nested);

	ck_assert(!isr_guard_try(&guard));

	assert_raced(1);
	ck_assert(nested_result);
}
END_TEST

START_TEST(race_try_and_release_before_a_try_leaves_it_free)
{
	race_at(0, "guard:A", try_and_release);

	ck_assert(isr_guard_try(&guard));

	assert_raced(1);
	ck_assert(nested_result);
}
END_TEST

START_TEST(race_try_before_the_hold_takes_and_gives_back)
{
	race_at(0, "guard:A", try_and_release);

	xt_ok(isr_guard_hold(&guard));

	assert_raced(1);
	ck_assert(nested_result);
	ck_assert_int_eq(isr_guard_drop(&guard), 0);
}
END_TEST

START_TEST(race_try_just_before_the_drop_is_told)
{
	xt_ok(isr_guard_hold(&guard));
	race_at(0, "guard:B", try_and_release);

	ck_assert_int_eq(isr_guard_drop(&guard), 1);

	assert_raced(1);
	ck_assert(!nested_result);
}
END_TEST

START_TEST(race_try_just_before_the_release_is_refused)
{
	ck_assert(isr_guard_try(&guard));
	race_at(0, "guard:B", try_and_release);

	isr_guard_release(&guard);

	assert_raced(1);
	ck_assert(!nested_result);
	ck_assert(isr_guard_try(&guard));
}
END_TEST

#define LOOKS 40U

static pthread_barrier_t barrier;
static unsigned int n_looks;

static void *have_it_for_a_while(void *arg)
{
	ck_assert(isr_guard_try(&guard));
	pthread_barrier_wait(&barrier);
	/* Until the other one has waited for long enough. */
	pthread_barrier_wait(&barrier);
	isr_guard_release(&guard);
	return arg;
}

static void let_go_at_last(const char *point)
{
	if (strcmp(point, "guard:wait") == 0 && ++n_looks == LOOKS)
		pthread_barrier_wait(&barrier);
}

START_TEST(race_hold_waits_for_a_handler_and_naps)
{
	pthread_t thread;

	n_looks = 0;
	pthread_barrier_init(&barrier, NULL, 2);
	ck_assert_int_eq(
		pthread_create(&thread, NULL, have_it_for_a_while, NULL), 0);
	pthread_barrier_wait(&barrier);
	isri_test_point_hook = let_go_at_last;

	xt_ok(isr_guard_hold(&guard));

	isri_test_point_hook = NULL;
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&barrier);
	ck_assert_uint_ge(n_looks, LOOKS);
	ck_assert_uint_gt(n_naps, 0);
	ck_assert_uint_lt(n_naps, n_looks);
	ck_assert_int_eq(isr_guard_drop(&guard), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guard races");
	TCase *tc = xt_case(suite, "guard");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, race_try_before_a_try_takes_it);
	tcase_add_test(tc, race_try_and_release_before_a_try_leaves_it_free);
	tcase_add_test(tc, race_try_before_the_hold_takes_and_gives_back);
	tcase_add_test(tc, race_try_just_before_the_drop_is_told);
	tcase_add_test(tc, race_try_just_before_the_release_is_refused);
	tcase_add_test(tc, race_hold_waits_for_a_handler_and_naps);
	return xt_main(suite);
}

#endif
