/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Tasks wait for a flag: who gets what, and when a wait fails. */
#include "xt-task-wait.h"

#define MANY 100

static struct isr_flag flag, sticky;
static struct xt_wait waits_of[MANY];

static void setup(void)
{
	task_setup();
	n_ended = 0;
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&sticky, loop, ISR_FLAG_STICKY));
}

static void start_many(unsigned int n, struct isr_flag *f)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		start(&waits_of[i], f);
}

/*
 * Who gets what
 */

START_TEST(wait_gets_what_was_set_before)
{
	set(2, &flag);

	ck_assert_int_eq(wait_now(&flag, ISR_FOREVER), 2);
	xt_fails_with(ETIMEDOUT, wait_now(&flag, 0));
}
END_TEST

START_TEST(wait_gets_what_is_set_later)
{
	start(&waits_of[0], &flag);
	assert_waits(&waits_of[0]);
	set(3, &flag);

	assert_ends(&waits_of[0], 3);
	ck_assert_uint_eq(isr_flag_peek(&flag), 0);
}
END_TEST

START_TEST(wait_after_set_and_clear_blocks)
{
	struct isr_flag *f = _i & 1 ? &sticky : &flag;

	set(1, f);
	/* The loop has seen it, or it is in the list. */
	if (_i & 2)
		run_dry();
	xt_ok(isr_flag_clear(f));
	start(&waits_of[0], f);
	assert_waits(&waits_of[0]);

	set(1, f);
	assert_ends(&waits_of[0], 1);
}
END_TEST

/* The task was woken; then the flag is cleared, before it has run. */
START_TEST(wait_goes_on_when_the_flag_was_cleared)
{
	struct isr_flag *f = _i & 1 ? &sticky : &flag;

	start(&waits_of[0], f);
	set(2, f);
	if (_i & 2)
		isri_wake_deliver(isri_wake_of(loop));
	xt_ok(isr_flag_clear(f));
	assert_waits(&waits_of[0]);

	set(1, f);
	assert_ends(&waits_of[0], 1);
}
END_TEST

START_TEST(wait_goes_on_when_the_count_was_taken)
{
	start(&waits_of[0], &flag);
	set(2, &flag);
	isri_wake_deliver(isri_wake_of(loop));
	ck_assert_int_eq(isr_flag_take(&flag), 2);
	assert_waits(&waits_of[0]);

	set(1, &flag);
	assert_ends(&waits_of[0], 1);
}
END_TEST

START_TEST(wait_of_two_leaves_nobody)
{
	start_many(2, &flag);
	set(1, &flag);
	assert_ends(&waits_of[0], 1);
	assert_waits(&waits_of[1]);

	set(1, &flag);
	assert_ends(&waits_of[1], 1);
}
END_TEST

START_TEST(wait_of_a_hundred_leaves_nobody)
{
	unsigned int i;

	start_many(MANY, &flag);
	for (i = 0; i < MANY; i++) {
		set(1, &flag);
		run_dry();
		ck_assert_uint_eq(waits_of[i].place, i + 1);
		assert_ends(&waits_of[i], 1);
	}
}
END_TEST

START_TEST(wait_of_a_hundred_for_a_hundred_sets_at_once)
{
	unsigned int i;

	start_many(MANY, &flag);
	set(MANY + 4, &flag);
	run_dry();
	for (i = 0; i < MANY; i++) {
		ck_assert_uint_eq(waits_of[i].place, i + 1);
		assert_ends(&waits_of[i], i == MANY - 1 ? 5 : 1);
	}
}
END_TEST

START_TEST(wait_of_a_hundred_for_one_sticky_set)
{
	unsigned int i;

	start_many(MANY, &sticky);
	set(1, &sticky);
	run_dry();
	for (i = 0; i < MANY; i++) {
		ck_assert_uint_eq(waits_of[i].place, i + 1);
		assert_ends(&waits_of[i], 1);
	}
	ck_assert_int_eq(isr_flag_take(&sticky), 1);
	ck_assert_int_eq(wait_now(&sticky, 0), 1);
}
END_TEST

static int clear_it(void *arg)
{
	ck_assert_int_eq(isr_wait(&sticky, ISR_FOREVER), 1);
	xt_ok(isr_flag_clear(&sticky));
	return 0;
}

/* The first one of those that were let go clears it. */
START_TEST(wait_for_a_sticky_flag_goes_on_when_another_cleared_it)
{
	spawn(clear_it, NULL);
	start(&waits_of[0], &sticky);
	set(1, &sticky);
	assert_waits(&waits_of[0]);

	set(1, &sticky);
	assert_ends(&waits_of[0], 1);
}
END_TEST

static int wait_and_add(void *arg)
{
	while (isr_wait(&flag, ISR_FOREVER) > 0)
		trace_add(*(const char *)arg);
	return 0;
}

/* Whoever comes back goes behind those that wait. */
START_TEST(wait_again_goes_behind_the_others)
{
	struct isr_task *a, *b;
	int i;

	a = spawn_named("a", wait_and_add, "a");
	b = spawn_named("b", wait_and_add, "b");
	for (i = 0; i < 6; i++) {
		run_dry();
		set(1, &flag);
	}
	run_dry();
	xt_ok(isr_cancel(a));
	xt_ok(isr_cancel(b));
	run_dry();

	ck_assert_str_eq(trace, "ababab");
	xt_ok(isr_detach(a));
	xt_ok(isr_detach(b));
}
END_TEST

/* What a flag wakes runs before what is ready anyway. */
START_TEST(wait_goes_on_before_other_work)
{
	struct isr_task *task = spawn_named("w", wait_and_add, "w");

	run_dry();
	spawn(add_once, "x");
	spawn(add_once, "y");
	set(1, &flag);
	run_dry();
	ck_assert_int_eq(isr_cancel(task), 1);
	run_dry();

	ck_assert_str_eq(trace, "wxy");
	xt_ok(isr_detach(task));
}
END_TEST

/*
 * ThreadSafeEvent of micropython-async fails these three.
 */

START_TEST(event_is_set_as_soon_as_it_was_set)
{
	isr_flag_set(&sticky);
	ck_assert_uint_eq(isr_flag_peek(&sticky), 1);
}
END_TEST

START_TEST(event_that_is_set_lets_a_task_through)
{
	isr_flag_set(&sticky);
	run_dry();
	ck_assert_int_eq(wait_now(&sticky, ISR_FOREVER), 1);
}
END_TEST

START_TEST(event_survives_that_its_first_waiter_is_cancelled)
{
	start_many(3, &sticky);
	ck_assert_int_eq(isr_cancel(waits_of[0].task), 1);
	assert_ends(&waits_of[0], -ECANCELED);
	isr_flag_set(&sticky);

	assert_ends(&waits_of[1], 1);
	assert_ends(&waits_of[2], 1);
}
END_TEST

/*
 * Time, and cancel
 */

static int try_beside_others(void *arg)
{
	spawn(add_once, "x");
	trace_add(isr_wait(&flag, 0) == -ETIMEDOUT ? 'a' : '?');
	set(1, &flag);
	trace_add(isr_wait(&flag, 0) == 1 ? 'b' : '?');
	set(1, &flag);
	trace_add(isr_wait(&flag, ISR_FOREVER) == 1 ? 'c' : '?');
	return 0;
}

START_TEST(wait_that_need_not_sleep_lets_nobody_run)
{
	spawn(try_beside_others, NULL);
	run_dry();

	ck_assert_str_eq(trace, "abcx");
}
END_TEST

static int wait_for_a_while(void *arg)
{
	uint64_t due_ns = isr_now_ns() + 3 * MS;

	xt_fails_with(ETIMEDOUT, isr_wait(&flag, 3 * MS));
	ck_assert_uint_ge(isr_now_ns(), due_ns);
	return 0;
}

START_TEST(wait_times_out_not_before_its_time)
{
	spawn(wait_for_a_while, NULL);
	run_all();

	ck_assert_uint_eq(count_waiting(&flag), 0);
	set(1, &flag);
	ck_assert_int_eq(wait_now(&flag, 0), 1);
}
END_TEST

START_TEST(wait_flag_wins_over_the_time)
{
	start(&waits_of[0], &flag);
	if (_i) {
		time_out(&waits_of[0]);
		set(2, &flag);
	} else {
		set(2, &flag);
		time_out(&waits_of[0]);
	}

	assert_ends(&waits_of[0], 2);
}
END_TEST

static int set_in_its_step(void *arg)
{
	struct xt_wait *wait = arg;

	/* By then it is queued, behind this task. */
	isri_task_ring(&wait->task->alarm);
	set(1, &flag);
	return 0;
}

START_TEST(wait_flag_wins_when_the_time_was_over_first)
{
	start(&waits_of[0], &flag);
	spawn(set_in_its_step, &waits_of[0]);

	assert_ends(&waits_of[0], 1);
}
END_TEST

START_TEST(wait_that_times_out_consumes_nothing)
{
	start_many(2, &flag);
	time_out(&waits_of[_i]);
	assert_ends(&waits_of[_i], -ETIMEDOUT);
	set(2, &flag);

	assert_ends(&waits_of[!_i], 2);
}
END_TEST

START_TEST(wait_set_then_cancel_leaves_it_set)
{
	start(&waits_of[0], &flag);
	set(2, &flag);
	if (_i)
		isri_wake_deliver(isri_wake_of(loop));
	ck_assert_int_eq(isr_cancel(waits_of[0].task), 1);
	assert_ends(&waits_of[0], -ECANCELED);

	ck_assert_uint_eq(isr_flag_peek(&flag), 2);
	ck_assert_int_eq(wait_now(&flag, ISR_FOREVER), 2);
}
END_TEST

START_TEST(wait_cancel_then_set_leaves_it_set)
{
	start(&waits_of[0], &flag);
	ck_assert_int_eq(isr_cancel(waits_of[0].task), 1);
	set(2, &flag);
	assert_ends(&waits_of[0], -ECANCELED);

	ck_assert_int_eq(wait_now(&flag, ISR_FOREVER), 2);
}
END_TEST

START_TEST(wait_set_then_cancel_wakes_the_next)
{
	start_many(3, &flag);
	set(1, &flag);
	if (_i)
		isri_wake_deliver(isri_wake_of(loop));
	ck_assert_int_eq(isr_cancel(waits_of[0].task), 1);

	assert_ends(&waits_of[1], 1);
	assert_ends(&waits_of[0], -ECANCELED);
	assert_waits(&waits_of[2]);
	set(1, &flag);
	assert_ends(&waits_of[2], 1);
}
END_TEST

static int wait_until_uncancelled(void *arg)
{
	xt_fails_with(ECANCELED, isr_wait(&flag, ISR_FOREVER));
	set(1, &flag);
	xt_fails_with(ECANCELED, isr_wait(&flag, ISR_FOREVER));
	xt_fails_with(ECANCELED, isr_wait(&flag, 0));
	ck_assert_int_eq(isr_uncancel(), 1);
	ck_assert_int_eq(isr_wait(&flag, ISR_FOREVER), 1);
	trace_add('a');
	return 0;
}

START_TEST(wait_of_a_cancelled_task_consumes_nothing)
{
	struct isr_task *task = spawn_named("a", wait_until_uncancelled, NULL);

	run_dry();
	ck_assert_int_eq(isr_cancel(task), 1);
	run_dry();

	ck_assert_str_eq(trace, "a");
	xt_ok(isr_detach(task));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("task wait");
	TCase *tc = xt_case(suite, "share");

	tcase_add_checked_fixture(tc, setup, task_teardown);
	tcase_add_test(tc, wait_gets_what_was_set_before);
	tcase_add_test(tc, wait_gets_what_is_set_later);
	tcase_add_loop_test(tc, wait_after_set_and_clear_blocks, 0, 4);
	tcase_add_loop_test(tc, wait_goes_on_when_the_flag_was_cleared, 0, 4);
	tcase_add_test(tc, wait_goes_on_when_the_count_was_taken);
	tcase_add_test(tc, wait_of_two_leaves_nobody);
	tcase_add_test(tc, wait_of_a_hundred_leaves_nobody);
	tcase_add_test(tc, wait_of_a_hundred_for_a_hundred_sets_at_once);
	tcase_add_test(tc, wait_of_a_hundred_for_one_sticky_set);
	tcase_add_test(tc,
		       wait_for_a_sticky_flag_goes_on_when_another_cleared_it);
	tcase_add_test(tc, wait_again_goes_behind_the_others);
	tcase_add_test(tc, wait_goes_on_before_other_work);

	tc = xt_case(suite, "event");
	tcase_add_checked_fixture(tc, setup, task_teardown);
	tcase_add_test(tc, event_is_set_as_soon_as_it_was_set);
	tcase_add_test(tc, event_that_is_set_lets_a_task_through);
	tcase_add_test(tc, event_survives_that_its_first_waiter_is_cancelled);

	tc = xt_case(suite, "time");
	tcase_add_checked_fixture(tc, setup, task_teardown);
	tcase_add_test(tc, wait_that_need_not_sleep_lets_nobody_run);
	tcase_add_test(tc, wait_times_out_not_before_its_time);
	tcase_add_loop_test(tc, wait_flag_wins_over_the_time, 0, 2);
	tcase_add_test(tc, wait_flag_wins_when_the_time_was_over_first);
	tcase_add_loop_test(tc, wait_that_times_out_consumes_nothing, 0, 2);
	tcase_add_loop_test(tc, wait_set_then_cancel_leaves_it_set, 0, 2);
	tcase_add_test(tc, wait_cancel_then_set_leaves_it_set);
	tcase_add_loop_test(tc, wait_set_then_cancel_wakes_the_next, 0, 2);
	tcase_add_test(tc, wait_of_a_cancelled_task_consumes_nothing);
	return xt_main(suite);
}
