/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* How tasks end before their time: cancelled, and with their loop. */
#include <ev.h>

#include "loop.h"
#include "task.h"
#include "xt-task-end.h"

static const int five = 5;

/*
 * Cancelling
 */

static int join_cancelled_one(void *arg)
{
	int result = 0;

	xt_ok(isr_join(arg, &result, ISR_FOREVER));
	ck_assert_int_eq(result, -ECANCELED);
	trace_add('j');
	return 0;
}

START_TEST(cancel_before_it_begins_means_it_never_does)
{
	struct isr_task *task = spawn_named("a", add_once, "x");

	ck_assert_int_eq(isr_cancel(task), 1);
	ck_assert_int_eq(isr_cancel(task), 1);
	spawn(join_cancelled_one, task);
	run_all();

	ck_assert_str_eq(trace, "j");
}
END_TEST

START_TEST(cancel_ends_a_sleep)
{
	struct isr_task *task = spawn_named("a", sleep_long, NULL);

	settle();
	ck_assert_ptr_nonnull(isri_loop_base(loop)->alarms.first);
	ck_assert_int_eq(isr_cancel(task), 1);
	spawn(join_cancelled_one, task);
	settle();

	ck_assert_str_eq(trace, "cj");
	ck_assert_ptr_null(isri_loop_base(loop)->alarms.first);
}
END_TEST

static int join_five(void *arg)
{
	int result = 0;

	xt_ok(isr_join(arg, &result, ISR_FOREVER));
	ck_assert_int_eq(result, 5);
	trace_add('j');
	return 0;
}

START_TEST(cancel_of_one_that_has_ended_does_nothing)
{
	struct isr_task *task = spawn_named("a", return_it, &five);

	run_all();
	ck_assert_int_eq(isr_cancel(task), 0);
	spawn(join_five, task);
	run_all();

	ck_assert_str_eq(trace, "j");
	xt_fails_with(EINVAL, isr_cancel(NULL));
}
END_TEST

static int cancel_self(void *arg)
{
	xt_fails_with(EDEADLK, isr_cancel(isr_self()));
	ck_assert_int_eq(isr_uncancel(), 0);
	xt_ok(isr_yield());
	return 0;
}

START_TEST(cancel_of_oneself_is_refused)
{
	spawn(cancel_self, NULL);
	run_all();
	ck_assert_uint_eq(n_told, 0);
}
END_TEST

#define YIELDS 5

/* Puts down how many yields went well, and that the rest did not. */
static int yield_often(void *arg)
{
	int i, n = 0;

	for (i = 0; i < YIELDS; i++) {
		int r = isr_yield();

		ck_assert(r == 0 || r == -ECANCELED);
		/* Sticky: none after the first that was cancelled. */
		ck_assert(r == -ECANCELED || n == i);
		n += r == 0;
	}
	trace_add((char)('0' + n));
	ck_assert_int_eq(isr_uncancel(), n < YIELDS);
	ck_assert_int_eq(isr_uncancel(), 0);
	xt_ok(isr_yield());
	xt_ok(isr_sleep(1));
	return 0;
}

static struct isr_task *victim;

static int cancel_after(void *arg)
{
	int i;

	for (i = 0; i < *(const int *)arg; i++)
		xt_ok(isr_yield());
	ck_assert_int_eq(isr_cancel(victim), 1);
	return 0;
}

/* At each of its yields. */
START_TEST(cancel_is_sticky_until_it_is_taken_back)
{
	const char expected[] = {(char)('0' + _i), '\0'};

	victim = spawn_named("victim", yield_often, NULL);
	spawn(cancel_after, &_i);
	run_all();

	ck_assert_str_eq(trace, expected);
	ck_assert_uint_eq(n_told, 0);
}
END_TEST

static bool is_over;

/* More waits than the others need turns. */
static int take_no_notice(void *arg)
{
	int i;

	for (i = 0; i < 10000 && !is_over; i++)
		isr_sleep(SECOND);
	ck_assert(is_over);
	return 0;
}

static int be_over(void *arg)
{
	xt_ok(isr_yield());
	xt_ok(isr_yield());
	trace_add('o');
	is_over = true;
	return 0;
}

START_TEST(cancelled_waits_let_others_run)
{
	struct isr_task *task = spawn_named("a", take_no_notice, NULL);

	is_over = false;
	settle();
	ck_assert_int_eq(isr_cancel(task), 1);
	spawn(be_over, NULL);
	run_all();

	ck_assert_str_eq(trace, "o");
}
END_TEST

static void cancel_in_callback(struct isr_flag *flag, uint32_t count, void *arg)
{
	ck_assert_int_eq(isr_cancel(arg), 1);
}

static void cancel_scheduled(void *arg)
{
	ck_assert_int_eq(isr_cancel(arg), 1);
}

START_TEST(cancel_in_a_callback_works)
{
	struct isr_task *task = spawn_named("a", sleep_long, NULL);
	struct isr_flag flag;

	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, cancel_in_callback, task));
	settle();
	if (_i)
		isr_flag_set(&flag);
	else
		xt_ok(isr_schedule(loop, cancel_scheduled, task));
	run_all();
	xt_ok(isr_flag_done(&flag));

	ck_assert_str_eq(trace, "c");
}
END_TEST

/*
 * The loop's end
 */

START_TEST(end_of_the_loop_cancels_all)
{
	const char *expected = "ccc";

	spawn(sleep_long, NULL);
	spawn_named("kept", sleep_long, NULL);
	spawn(sleep_long, NULL);
	settle();
	/* Not begun: it never does. */
	spawn(add_once, "x");
	spawn_named("kept", add_once, "x");
	free_loop();

	ck_assert_str_eq(trace, expected);
	ck_assert_str_eq(told, "");
}
END_TEST

static int close_own_source(void *arg)
{
	struct isr_source *timer;

	xt_ok(isr_timer_open(loop, SECOND, SECOND, NULL, isr_to_flag, arg,
			     &timer));
	xt_fails_with(ECANCELED, isr_sleep(SECOND));
	xt_ok(isr_source_close(timer));
	trace_add('c');
	return 0;
}

START_TEST(end_of_the_loop_comes_before_that_of_its_sources)
{
	struct isr_flag flag;

	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	spawn(close_own_source, &flag);
	settle();
	free_loop();

	ck_assert_str_eq(trace, "c");
}
END_TEST

static int try_all_at_the_end(void *arg)
{
	struct isr_task *other = NULL;

	xt_fails_with(ECANCELED, isr_sleep(SECOND));
	ck_assert_int_eq(isr_uncancel(), 0);
	xt_fails_with(ECANCELED, isr_yield());
	xt_fails_with(ECANCELED, isr_sleep(SECOND));
	xt_fails_with(ECANCELED, isr_join(arg, NULL, ISR_FOREVER));
	xt_fails_with(ECANCELED,
		      isr_spawn(loop, NULL, return_it, NULL, &other));
	ck_assert_ptr_null(other);
	/* Ended already, or about to. */
	isr_cancel(arg);
	xt_ok(isr_detach(arg));
	trace_add('t');
	return 0;
}

START_TEST(end_of_the_loop_cannot_be_put_off)
{
	struct isr_task *task = spawn_named("a", sleep_long, NULL);

	spawn(try_all_at_the_end, task);
	settle();
	free_loop();

	ck_assert_uint_eq(strlen(trace), 2);
	ck_assert(strchr(trace, 't') && strchr(trace, 'c'));
	ck_assert_str_eq(told, "");
}
END_TEST

static int join_at_the_end(void *arg)
{
	xt_fails_with(ECANCELED, isr_join(arg, NULL, ISR_FOREVER));
	trace_add('j');
	return 0;
}

START_TEST(end_of_the_loop_ends_a_join)
{
	struct isr_task *task = spawn_named("a", sleep_long, NULL);

	spawn(join_at_the_end, task);
	settle();
	free_loop();

	ck_assert_uint_eq(strlen(trace), 2);
}
END_TEST

static unsigned int n_turns;

static int never_end(void *arg)
{
	for (;;) {
		n_turns++;
		isr_sleep(SECOND);
	}
	return 0;
}

START_TEST(end_of_the_loop_gives_up_who_does_not_end)
{
	const struct isr_task_config config = {.sz = sizeof(config),
					       .name = "stubborn"};

	n_turns = 0;
	xt_ok(isr_spawn(loop, &config, never_end, NULL, NULL));
	settle();
	ck_assert_uint_eq(n_turns, 1);
	free_loop();

	ck_assert_uint_eq(n_turns, ISRI_TASK_LAST_STEPS + 1);
	ck_assert_uint_eq(n_told, 1);
	ck_assert_msg(strstr(told, "\"stubborn\" does not end"), "%s", told);
}
END_TEST

START_TEST(end_of_the_loop_ends_tasks_though_another_is_masked)
{
	struct isr_loop *other;
	int token;

	xt_ok(isr_loop_new(NULL, &other));
	spawn(sleep_long, NULL);
	n_turns = 0;
	settle();
	spawn(never_end, NULL);
	settle();
	token = isr_mask(other);
	xt_ok(token);
	free_loop();
	xt_ok(isr_unmask(other, token));
	xt_ok(isr_loop_free(other));

	ck_assert_str_eq(trace, "c");
	ck_assert_uint_eq(n_turns, ISRI_TASK_LAST_STEPS + 1);
}
END_TEST

/* Frees its loop, and goes on. */
static int free_own_loop(void *arg)
{
	trace_add('f');
	xt_ok(isr_loop_free(loop));
	trace_add('w');
	xt_fails_with(ECANCELED, isr_sleep(SECOND));
	xt_fails_with(ECANCELED, isr_yield());
	xt_ok(isr_loop_free(loop));
	trace_add('e');
	return 0;
}

START_TEST(free_by_a_task_ends_the_others_at_once)
{
	spawn(sleep_long, NULL);
	spawn(sleep_long, NULL);
	spawn(free_own_loop, NULL);
	xt_fails_with(ECANCELED, isr_loop_run(loop));
	loop = NULL;

	ck_assert_str_eq(trace, "fccwe");
	ck_assert_str_eq(told, "");
}
END_TEST

static int free_and_never_end(void *arg)
{
	xt_ok(isr_loop_free(loop));
	return never_end(NULL);
}

START_TEST(free_by_a_task_that_does_not_end_gives_it_up)
{
	n_turns = 0;
	spawn(free_and_never_end, NULL);
	xt_fails_with(ECANCELED, isr_loop_run(loop));
	loop = NULL;

	ck_assert_uint_eq(n_turns, ISRI_TASK_LAST_STEPS + 1);
	ck_assert_uint_eq(n_told, 1);
}
END_TEST

static void free_in_callback(struct isr_flag *flag, uint32_t count, void *arg)
{
	trace_add('f');
	xt_ok(isr_loop_free(loop));
}

START_TEST(free_by_a_callback_ends_tasks)
{
	struct isr_flag flag;

	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, free_in_callback, NULL));
	spawn(sleep_long, NULL);
	settle();
	isr_flag_set(&flag);
	xt_fails_with(ECANCELED, isr_loop_run(loop));
	loop = NULL;

	ck_assert_str_eq(trace, "fc");
}
END_TEST

/*
 * A task that runs libev itself
 */

static int run_libev(void *arg)
{
	trace_add('(');
	ev_run(isr_loop_get_ev(loop), EVRUN_NOWAIT);
	ev_run(isr_loop_get_ev(loop), EVRUN_NOWAIT);
	trace_add(')');
	xt_ok(isr_yield());
	trace_add('.');
	return 0;
}

START_TEST(task_that_runs_libev_gives_turns_to_others)
{
	spawn(run_libev, NULL);
	spawn(add_once, "a");
	run_all();

	ck_assert_str_eq(trace, "(a).");
}
END_TEST

static int run_libev_cancelled(void *arg)
{
	trace_add('(');
	ev_run(isr_loop_get_ev(loop), EVRUN_NOWAIT);
	ev_run(isr_loop_get_ev(loop), EVRUN_NOWAIT);
	trace_add(')');
	xt_fails_with(ECANCELED, isr_sleep(SECOND));
	trace_add('.');
	return 0;
}

START_TEST(task_that_runs_libev_is_not_begun_again)
{
	struct isr_task *task = spawn_named("a", run_libev_cancelled, NULL);
	static int no_turns = 0;

	victim = task;
	spawn(cancel_after, &no_turns);
	run_all();

	ck_assert_str_eq(trace, "().");
}
END_TEST

static int free_and_end(void *arg)
{
	trace_add('f');
	xt_ok(isr_loop_free(loop));
	return 0;
}

START_TEST(task_that_runs_libev_may_see_its_loop_freed)
{
	spawn(run_libev_cancelled, NULL);
	spawn(free_and_end, NULL);
	xt_fails_with(ECANCELED, isr_loop_run(loop));
	loop = NULL;

	ck_assert_str_eq(trace, "(f).");
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
	Suite *suite = suite_create("task-end");
	TCase *tcase = add_case(suite, "cancel");

	tcase_add_test(tcase, cancel_before_it_begins_means_it_never_does);
	tcase_add_test(tcase, cancel_ends_a_sleep);
	tcase_add_test(tcase, cancel_of_one_that_has_ended_does_nothing);
	tcase_add_test(tcase, cancel_of_oneself_is_refused);
	tcase_add_loop_test(tcase, cancel_is_sticky_until_it_is_taken_back, 0,
			    YIELDS);
	tcase_add_test(tcase, cancelled_waits_let_others_run);
	tcase_add_loop_test(tcase, cancel_in_a_callback_works, 0, 2);

	tcase = add_case(suite, "end");
	tcase_add_test(tcase, end_of_the_loop_cancels_all);
	tcase_add_test(tcase, end_of_the_loop_comes_before_that_of_its_sources);
	tcase_add_test(tcase, end_of_the_loop_cannot_be_put_off);
	tcase_add_test(tcase, end_of_the_loop_ends_a_join);
	tcase_add_test(tcase, end_of_the_loop_gives_up_who_does_not_end);
	tcase_add_test(tcase,
		       end_of_the_loop_ends_tasks_though_another_is_masked);
	tcase_add_test(tcase, free_by_a_task_ends_the_others_at_once);
	tcase_add_test(tcase, free_by_a_task_that_does_not_end_gives_it_up);
	tcase_add_test(tcase, free_by_a_callback_ends_tasks);

	tcase = add_case(suite, "libev");
	tcase_add_test(tcase, task_that_runs_libev_gives_turns_to_others);
	tcase_add_test(tcase, task_that_runs_libev_is_not_begun_again);
	tcase_add_test(tcase, task_that_runs_libev_may_see_its_loop_freed);
	return suite;
}

int main(void)
{
	return xt_main(make_suite());
}
