/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* How tasks end: joined, detached, and with a failure that nobody joins. */
#include <stdio.h>

#include "loop.h"
#include "task.h"
#include "xt-task-end.h"

static const int five = 5, failure = -EIO, cancelled = -ECANCELED;

/*
 * Joining
 */

static int join_it(void *arg)
{
	int result = 0;

	xt_ok(isr_join(arg, &result, ISR_FOREVER));
	ck_assert_int_eq(result, 5);
	trace_add('j');
	return 0;
}

START_TEST(join_gives_the_result_of_one_that_has_ended)
{
	struct isr_task *task = spawn_named("a", return_it, &five);

	settle();
	ck_assert(task->has_ended);
	spawn(join_it, task);
	run_all();

	ck_assert_str_eq(trace, "j");
}
END_TEST

static int join_at_once(void *arg)
{
	int result = 0;

	xt_ok(isr_join(arg, &result, 0));
	ck_assert_int_eq(result, 5);
	return 0;
}

START_TEST(join_of_one_that_has_ended_needs_no_time)
{
	struct isr_task *task = spawn_named("a", return_it, &five);

	settle();
	spawn(join_at_once, task);
	run_all();
}
END_TEST

static int yield_and_return(void *arg)
{
	xt_ok(isr_yield());
	xt_ok(isr_sleep(MS));
	trace_add('a');
	return *(const int *)arg;
}

START_TEST(join_waits_for_the_end)
{
	spawn(join_it, spawn_named("a", yield_and_return, &five));
	run_all();

	ck_assert_str_eq(trace, "aj");
}
END_TEST

static int join_without_patience(void *arg)
{
	struct isr_task *task = arg;
	int result = 7;

	xt_fails_with(ETIMEDOUT, isr_join(task, &result, 0));
	xt_fails_with(ETIMEDOUT, isr_join(task, &result, MS));
	ck_assert_int_eq(result, 7);
	ck_assert_int_eq(isr_cancel(task), 1);
	xt_ok(isr_join(task, &result, ISR_FOREVER));
	ck_assert_int_eq(result, -ECANCELED);
	trace_add('j');
	return 0;
}

START_TEST(join_whose_time_is_over_leaves_the_handle)
{
	spawn(join_without_patience, spawn_named("a", sleep_long, NULL));
	run_all();

	ck_assert_str_eq(trace, "cj");
	ck_assert_uint_eq(n_told, 0);
}
END_TEST

static int join_cancelled(void *arg)
{
	xt_fails_with(ECANCELED, isr_join(arg, NULL, ISR_FOREVER));
	trace_add('c');
	ck_assert_int_eq(isr_uncancel(), 1);
	xt_ok(isr_join(arg, NULL, ISR_FOREVER));
	trace_add('j');
	return 0;
}

START_TEST(join_that_is_cancelled_leaves_the_handle)
{
	struct isr_task *task = spawn_named("a", yield_and_return, &five);
	struct isr_task *joiner = spawn_named("joiner", join_cancelled, task);

	settle();
	ck_assert_int_eq(isr_cancel(joiner), 1);
	run_all();

	ck_assert_str_eq(trace, "caj");
}
END_TEST

static int join_what_cannot_be(void *arg)
{
	struct isr_task *other = arg;
	struct isr_task *detached = spawn_named("a", return_it, &five);

	xt_fails_with(EDEADLK, isr_join(isr_self(), NULL, ISR_FOREVER));
	xt_fails_with(EXDEV, isr_join(other, NULL, ISR_FOREVER));
	xt_fails_with(EINVAL, isr_join(NULL, NULL, ISR_FOREVER));
	xt_fails_with(EINVAL, isr_join(detached, NULL, -2));
	xt_ok(isr_detach(detached));
	xt_fails_with(EINVAL, isr_join(detached, NULL, ISR_FOREVER));
	trace_add('j');
	return 0;
}

START_TEST(join_of_what_cannot_be_joined_is_refused)
{
	struct isr_loop *other;
	struct isr_task *task;

	xt_ok(isr_loop_new(NULL, &other));
	xt_ok(isr_spawn(other, NULL, return_it, (void *)&five, &task));
	spawn(join_what_cannot_be, task);
	run_all();

	ck_assert_str_eq(trace, "j");
	xt_ok(isr_loop_free(other));
}
END_TEST

static int join_second(void *arg)
{
	xt_fails_with(EBUSY, isr_join(arg, NULL, ISR_FOREVER));
	xt_fails_with(EBUSY, isr_detach(arg));
	trace_add('b');
	return 0;
}

START_TEST(join_of_one_that_is_joined_is_refused)
{
	struct isr_task *task = spawn_named("a", yield_and_return, &five);

	spawn(join_it, task);
	spawn(join_second, task);
	run_all();

	ck_assert_str_eq(trace, "baj");
}
END_TEST

static void on_done(struct isr_flag *flag, uint32_t count, void *arg)
{
	ck_assert_uint_eq(count, 1);
	trace_add('d');
}

START_TEST(done_is_set_once_at_the_end_and_stays)
{
	struct isr_task *task = spawn_named("a", yield_and_return, &five);
	struct isr_flag *done = isr_task_get_done(task);

	xt_ok(isr_flag_set_cb(done, on_done, NULL));
	ck_assert_uint_eq(isr_flag_peek(done), 0);
	run_all();
	settle();

	ck_assert_str_eq(trace, "ad");
	ck_assert_int_eq(isr_flag_take(done), 1);
	ck_assert_int_eq(isr_flag_take(done), 1);
	ck_assert_ptr_null(isr_task_get_done(NULL));
}
END_TEST

/*
 * Detaching, and failures that nobody joins
 */

START_TEST(detach_lets_a_task_go_on)
{
	struct isr_task *task = spawn_named("a", yield_and_return, &five);

	xt_ok(isr_detach(task));
	xt_fails_with(EINVAL, isr_detach(task));
	run_all();

	ck_assert_str_eq(trace, "a");
	ck_assert_ptr_null(isri_loop_base(loop)->tasks->ended);
}
END_TEST

START_TEST(detach_frees_what_has_ended)
{
	struct isr_task *task = spawn_named("a", return_it, &five);

	run_all();
	ck_assert_ptr_nonnull(isri_loop_base(loop)->tasks->ended);
	xt_ok(isr_detach(task));
	ck_assert_ptr_null(isri_loop_base(loop)->tasks->ended);
	xt_ok(isr_detach(NULL));
}
END_TEST

static int detach_self(void *arg)
{
	xt_ok(isr_detach(isr_self()));
	xt_ok(isr_yield());
	return 0;
}

START_TEST(detach_by_the_task_itself_works)
{
	spawn_named("a", detach_self, NULL);
	run_all();

	ck_assert_ptr_null(isri_loop_base(loop)->tasks->ended);
}
END_TEST

static void assert_told_once(const char *name, int result)
{
	char number[16];

	snprintf(number, sizeof(number), "(%d)", result);
	ck_assert_msg(n_told == 1 && strstr(told, name) && strstr(told, number),
		      "told %u: %s", n_told, told);
}

START_TEST(failure_of_a_detached_task_is_told_once)
{
	struct isr_task *task = spawn_named("poor", return_it, &failure);

	if (_i == 0)
		xt_ok(isr_detach(task));
	run_all();
	if (_i == 1) {
		ck_assert_uint_eq(n_told, 0);
		xt_ok(isr_detach(task));
	}
	assert_told_once("\"poor\"", -EIO);
	free_loop();
	ck_assert_uint_eq(n_told, 1);
}
END_TEST

START_TEST(failure_that_nobody_joins_is_told_at_the_loops_end)
{
	spawn_named("poor", return_it, &failure);
	spawn_named("good", return_it, &five);
	run_all();
	ck_assert_uint_eq(n_told, 0);
	free_loop();

	assert_told_once("\"poor\"", -EIO);
}
END_TEST

static int join_failure(void *arg)
{
	int result;

	xt_ok(isr_join(arg, &result, ISR_FOREVER));
	return result == -EIO ? 0 : -EINVAL;
}

static struct isr_task *first, *second;

static void note_and_end_all(enum isr_log_level level, const char *message,
			     void *arg)
{
	struct isr_task *other = strstr(message, "\"first\"") ? second : first;

	note(level, message, arg);
	first = second = NULL;
	xt_ok(isr_detach(other));
	if (loop)
		free_loop();
}

START_TEST(failure_may_be_told_to_who_ends_all)
{
	struct isr_task *task = spawn_named("poor", return_it, &failure);

	first = second = NULL;
	xt_ok(isr_loop_set_log_cb(loop, note_and_end_all, NULL));
	if (_i == 0) {
		xt_ok(isr_detach(task));
		xt_fails_with(ECANCELED, isr_loop_run(loop));
	} else {
		run_all();
		xt_ok(isr_detach(task));
	}
	ck_assert_ptr_null(loop);
	assert_told_once("\"poor\"", -EIO);
}
END_TEST

START_TEST(failure_told_at_the_loops_end_may_end_another)
{
	xt_ok(isr_loop_set_log_cb(loop, note_and_end_all, NULL));
	first = spawn_named("first", return_it, &failure);
	second = spawn_named("second", return_it, &failure);
	run_all();
	free_loop();

	ck_assert_uint_eq(n_told, 2);
	ck_assert_ptr_nonnull(strstr(told, "\"first\""));
	ck_assert_ptr_nonnull(strstr(told, "\"second\""));
}
END_TEST

START_TEST(failure_that_is_joined_is_not_told)
{
	spawn(join_failure, spawn_named("poor", return_it, &failure));
	run_all();
	free_loop();

	ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(cancelling_is_no_failure)
{
	struct isr_task *task = spawn_named("sleeper", sleep_long, NULL);
	struct isr_task *other = spawn_named("early", sleep_long, NULL);

	xt_ok(isr_detach(other));
	ck_assert_int_eq(isr_cancel(other), 1);
	settle();
	ck_assert_int_eq(isr_cancel(task), 1);
	run_all();
	free_loop();

	ck_assert_str_eq(trace, "c");
	ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(failure_that_looks_like_a_cancel_is_told)
{
	spawn_named("liar", return_it, &cancelled);
	run_all();
	free_loop();

	assert_told_once("\"liar\"", -ECANCELED);
}
END_TEST

static int fail_when_cancelled(void *arg)
{
	xt_fails_with(ECANCELED, isr_sleep(SECOND));
	return -EIO;
}

START_TEST(failure_of_a_cancelled_task_is_told)
{
	struct isr_task *task = spawn_named("poor", fail_when_cancelled, NULL);

	settle();
	ck_assert_int_eq(isr_cancel(task), 1);
	run_all();
	free_loop();

	assert_told_once("\"poor\"", -EIO);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *tcase = xt_case(suite, name);

	tcase_add_checked_fixture(tcase, end_setup, task_teardown);
	return tcase;
}

static Suite *make_suite(void)
{
	Suite *suite = suite_create("task-join");
	TCase *tcase = add_case(suite, "join");

	tcase_add_test(tcase, join_gives_the_result_of_one_that_has_ended);
	tcase_add_test(tcase, join_of_one_that_has_ended_needs_no_time);
	tcase_add_test(tcase, join_waits_for_the_end);
	tcase_add_test(tcase, join_whose_time_is_over_leaves_the_handle);
	tcase_add_test(tcase, join_that_is_cancelled_leaves_the_handle);
	tcase_add_test(tcase, join_of_what_cannot_be_joined_is_refused);
	tcase_add_test(tcase, join_of_one_that_is_joined_is_refused);
	tcase_add_test(tcase, done_is_set_once_at_the_end_and_stays);

	tcase = add_case(suite, "detach");
	tcase_add_test(tcase, detach_lets_a_task_go_on);
	tcase_add_test(tcase, detach_frees_what_has_ended);
	tcase_add_test(tcase, detach_by_the_task_itself_works);
	tcase_add_loop_test(tcase, failure_of_a_detached_task_is_told_once, 0,
			    2);
	tcase_add_test(tcase,
		       failure_that_nobody_joins_is_told_at_the_loops_end);
	tcase_add_loop_test(tcase, failure_may_be_told_to_who_ends_all, 0, 2);
	tcase_add_test(tcase, failure_told_at_the_loops_end_may_end_another);
	tcase_add_test(tcase, failure_that_is_joined_is_not_told);
	tcase_add_test(tcase, cancelling_is_no_failure);
	tcase_add_test(tcase, failure_that_looks_like_a_cancel_is_told);
	tcase_add_test(tcase, failure_of_a_cancelled_task_is_told);
	return suite;
}

int main(void)
{
	return xt_main(make_suite());
}
