/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The races of flags, of the wake protocol and of their end. */
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#include <isrloop/flag.h>
#include <isrloop/loop.h>

#include "race.h"

#ifndef ISR_TEST_POINTS

#include <stdio.h>

int main(void)
{
	puts("test-races: skipped: built without --enable-test-points");
	return 77;
}

#else

static struct isr_loop *loop;
static struct isr_flag flag, other;
static uint32_t n_calls, n_sets;

static void setup(void)
{
	forget_races();
	n_calls = n_sets = 0;
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&other, loop, ISR_FLAG_AUTO));
}

static void teardown(void)
{
	forget_races();
	isr_loop_free(loop);
}

static void dispatch(void)
{
	xt_ok(isr_loop_dispatch(loop));
}

static void count(struct isr_flag *f, uint32_t sets, void *arg)
{
	n_calls++;
	n_sets += sets;
}

static void set_flag(void)
{
	isr_flag_set(&flag);
}

static void set_other(void)
{
	isr_flag_set(&other);
}

/*
 * The wake protocol
 */

START_TEST(race_set_before_the_loop_sleeps_is_seen)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	race_at(0, "wake:B", set_flag);

	ck_assert(is_due(loop));
	assert_raced(1);
	dispatch_while_due(loop);

	ck_assert_uint_eq(n_sets, 1);
}
END_TEST

static void sleep_now(void)
{
	xt_ok(isr_loop_get_fd(loop));
}

START_TEST(race_set_sees_a_loop_that_just_fell_asleep)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	race_at(0, "wake:A", sleep_now);

	isr_flag_set(&flag);
	assert_raced(1);
	dispatch_while_due(loop);

	ck_assert_uint_eq(n_sets, 1);
}
END_TEST

/* Before it has seen that the loop sleeps, and after that. */
START_TEST(race_set_in_the_set_that_wakes)
{
	static const char *const points[] = {"wake:A", "wake:A2"};

	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	xt_ok(isr_flag_set_cb(&other, count, NULL));
	ck_assert(!is_due(loop));
	race_at(0, points[_i], set_other);

	isr_flag_set(&flag);
	assert_raced(1);
	dispatch_while_due(loop);

	ck_assert_uint_eq(n_calls, 2);
}
END_TEST

/*
 * Flags
 */

START_TEST(race_set_in_a_first_set_is_counted)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	race_at(0, "flag:A1", set_flag);

	isr_flag_set(&flag);
	assert_raced(1);
	ck_assert_uint_eq(isr_flag_peek(&flag), 2);

	dispatch();
	ck_assert_uint_eq(n_calls, 1);
	ck_assert_uint_eq(n_sets, 2);
}
END_TEST

START_TEST(race_set_in_a_later_set_is_counted)
{
	isr_flag_set(&flag);
	race_at(0, "flag:A", set_flag);

	isr_flag_set(&flag);

	assert_raced(1);
	ck_assert_int_eq(isr_flag_take(&flag), 3);
}
END_TEST

START_TEST(race_set_while_it_is_consumed_is_counted)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	ck_assert(!is_due(loop));
	isr_flag_set(&flag);
	race_at(0, "flag:B", set_flag);

	dispatch();
	assert_raced(1);
	dispatch_while_due(loop);

	ck_assert_uint_eq(n_sets, 2);
}
END_TEST

START_TEST(race_consumed_in_the_middle_of_a_set)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	isr_flag_set(&flag);
	race_at(0, "flag:A", dispatch);

	isr_flag_set(&flag);
	assert_raced(1);
	ck_assert_uint_eq(n_sets, 1);
	ck_assert(is_due(loop));
	dispatch_while_due(loop);

	ck_assert_uint_eq(n_sets, 2);
}
END_TEST

START_TEST(race_consumed_in_a_set_too_many)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	isr_flag_set(&flag);
	/* The state after 2^30 - 1 sets that nobody consumed. */
	flag.word |= ISR_FLAG_COUNT_MAX;
	race_at(0, "flag:A2", dispatch);

	isr_flag_set(&flag);
	assert_raced(1);
	ck_assert_uint_eq(n_sets, ISR_FLAG_COUNT_MAX);
	ck_assert_uint_eq(isr_flag_peek(&flag), 0);

	isr_flag_set(&flag);
	dispatch();
	ck_assert_uint_eq(n_calls, 2);
}
END_TEST

static void take_flag(void)
{
	ck_assert_int_eq(isr_flag_take(&flag), 1);
}

START_TEST(race_taken_before_it_is_announced_is_told_no_more)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	ck_assert(!is_due(loop));
	race_at(0, "flag:A1", take_flag);

	isr_flag_set(&flag);
	assert_raced(1);
	dispatch_while_due(loop);
	ck_assert_uint_eq(n_calls, 0);

	isr_flag_set(&flag);
	dispatch_while_due(loop);
	ck_assert_uint_eq(n_sets, 1);
}
END_TEST

START_TEST(race_set_while_it_is_taken_is_counted)
{
	isr_flag_set(&flag);
	race_at(0, "flag:B2", set_flag);

	ck_assert_int_eq(isr_flag_take(&flag), 2);
	assert_raced(1);
	ck_assert_int_eq(isr_flag_take(&flag), 0);
}
END_TEST

/*
 * The end: one thread is in the middle of a set, the loop's finishes.
 */

static sem_t half_way, released;
static atomic_bool over, over_before_release;

static void stop_half_way(void)
{
	sem_post(&half_way);
	while (sem_wait(&released) < 0)
		;
	over_before_release = over;
}

static void release(void)
{
	sem_post(&released);
}

static void *set_in_thread(void *arg)
{
	isr_flag_set(&flag);
	return NULL;
}

/* The point where the setter stands, and where the end waits for it. */
static pthread_t set_half_way(const char *point, const char *end_waits_at)
{
	pthread_t thread;

	sem_init(&half_way, 0, 0);
	sem_init(&released, 0, 0);
	over = over_before_release = false;
	race_at(0, point, stop_half_way);
	race_at(1, end_waits_at, release);
	ck_assert_int_eq(pthread_create(&thread, NULL, set_in_thread, NULL), 0);
	while (sem_wait(&half_way) < 0)
		;
	return thread;
}

/* An end that did not wait has to let the setter go here. */
static void assert_waited(pthread_t thread)
{
	over = true;
	release();
	pthread_join(thread, NULL);
	ck_assert(!over_before_release);
	assert_raced(2);
}

START_TEST(race_done_waits_for_half_a_set)
{
	pthread_t thread = set_half_way("wake:A", "flag:C");

	xt_ok(isr_flag_done(&flag));

	assert_waited(thread);
}
END_TEST

START_TEST(race_free_waits_for_who_wakes_the_loop)
{
	pthread_t thread;

	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	ck_assert(!is_due(loop));
	thread = set_half_way("wake:D", "wake:E");
	dispatch();
	ck_assert_uint_eq(n_calls, 1);

	xt_ok(isr_loop_free(loop));
	loop = NULL;

	assert_waited(thread);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("races");
	TCase *tc = xt_case(suite, "wake");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, race_set_before_the_loop_sleeps_is_seen);
	tcase_add_test(tc, race_set_sees_a_loop_that_just_fell_asleep);
	tcase_add_loop_test(tc, race_set_in_the_set_that_wakes, 0, 2);

	tc = xt_case(suite, "flag");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, race_set_in_a_first_set_is_counted);
	tcase_add_test(tc, race_set_in_a_later_set_is_counted);
	tcase_add_test(tc, race_set_while_it_is_consumed_is_counted);
	tcase_add_test(tc, race_consumed_in_the_middle_of_a_set);
	tcase_add_test(tc, race_consumed_in_a_set_too_many);
	tcase_add_test(tc,
		       race_taken_before_it_is_announced_is_told_no_more);
	tcase_add_test(tc, race_set_while_it_is_taken_is_counted);

	tc = xt_case(suite, "end");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, race_done_waits_for_half_a_set);
	tcase_add_test(tc, race_free_waits_for_who_wakes_the_loop);
	return xt_main(suite);
}

#endif
