/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Tasks: how they begin, take turns, sleep, and what is theirs. */
#include "task.h"
#include "xt-task.h"

/*
 * Turns
 */

static int add_and_yield_twice(void *arg)
{
	int i;

	for (i = 0; i < 3; i++) {
		trace_add(*(const char *)arg);
		if (i < 2)
			xt_ok(isr_yield());
	}
	return 0;
}

START_TEST(spawn_begins_tasks_in_their_order)
{
	spawn(add_once, "a");
	spawn(add_once, "b");
	spawn(add_once, "c");
	ck_assert_str_eq(trace, "");
	run_all();

	ck_assert_str_eq(trace, "abc");
}
END_TEST

START_TEST(yield_lets_every_other_have_its_turn)
{
	spawn(add_and_yield_twice, "a");
	spawn(add_and_yield_twice, "b");
	spawn(add_and_yield_twice, "c");
	run_all();

	ck_assert_str_eq(trace, "abcabcabc");
}
END_TEST

static int spawn_more(void *arg)
{
	spawn(add_once, "b");
	spawn(add_once, "c");
	trace_add('a');
	xt_ok(isr_yield());
	trace_add('d');
	return 0;
}

START_TEST(spawn_in_a_task_goes_behind_what_is_ready)
{
	spawn(spawn_more, NULL);
	spawn(add_once, "x");
	run_all();

	ck_assert_str_eq(trace, "axbcd");
}
END_TEST

static void spawn_in_callback(struct isr_flag *flag, uint32_t count, void *arg)
{
	spawn(add_once, "b");
	trace_add('a');
}

START_TEST(spawn_in_a_callback_works)
{
	struct isr_flag flag;

	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, spawn_in_callback, NULL));
	isr_flag_set(&flag);
	xt_ok(isr_loop_dispatch(loop));
	run_all();
	xt_ok(isr_flag_done(&flag));

	ck_assert_str_eq(trace, "ab");
}
END_TEST

static void spawn_scheduled(void *arg)
{
	spawn(add_once, "s");
}

START_TEST(spawn_in_a_scheduled_call_works)
{
	xt_ok(isr_schedule(loop, spawn_scheduled, NULL));
	xt_ok(isr_loop_dispatch(loop));
	run_all();

	ck_assert_str_eq(trace, "s");
}
END_TEST

/*
 * Sleep
 */

struct sleeper {
	int64_t ns;
	char name;
};

static int sleep_and_add(void *arg)
{
	const struct sleeper *sleeper = arg;
	uint64_t due_ns = isr_now_ns() + (uint64_t)sleeper->ns;

	xt_ok(isr_sleep(sleeper->ns));
	ck_assert_uint_ge(isr_now_ns(), due_ns);
	trace_add(sleeper->name);
	return 0;
}

START_TEST(sleep_ends_in_the_order_of_the_times)
{
	struct sleeper sleepers[] = {
		{30 * MS, 'c'}, {10 * MS, 'a'}, {20 * MS, 'b'}};
	int i;

	for (i = 0; i < 3; i++)
		spawn(sleep_and_add, &sleepers[i]);
	run_all();

	ck_assert_str_eq(trace, "abc");
}
END_TEST

static uint64_t shared_due_ns;

static int sleep_until(void *arg)
{
	struct isr_task *self = isr_self();

	ck_assert(isri_task_suspend_until(self, shared_due_ns));
	trace_add(*(const char *)arg);
	return 0;
}

START_TEST(sleep_until_one_time_ends_in_the_order_of_its_begin)
{
	shared_due_ns = isr_now_ns() + 5 * MS;
	spawn(sleep_until, "a");
	spawn(sleep_until, "b");
	spawn(sleep_until, "c");
	run_all();

	ck_assert_str_eq(trace, "abc");
}
END_TEST

static int sleep_backwards(void *arg)
{
	trace_add('a');
	xt_ok(isr_sleep(*(const int64_t *)arg));
	trace_add('c');
	return 0;
}

START_TEST(sleep_of_no_time_is_a_yield)
{
	static const int64_t ns[] = {0, -1, INT64_MIN};

	spawn(sleep_backwards, &ns[_i]);
	spawn(add_once, "b");
	run_all();

	ck_assert_str_eq(trace, "abc");
}
END_TEST

static int sleep_once(void *arg)
{
	int r = isr_sleep(*(const int64_t *)arg);

	isr_loop_stop(loop);
	return r;
}

START_TEST(sleep_wakes_the_loop_once)
{
	static const int64_t short_ns = 20 * MS, long_ns = 3600 * SECOND;
	struct isr_loop_stats before, after;
	struct isr_task *late = spawn_named("late", sleep_once, &long_ns);

	spawn(sleep_once, &short_ns);
	xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_loop_get_stats(loop, &before));
	xt_ok(isr_loop_run(loop));
	xt_ok(isr_loop_get_stats(loop, &after));

	/* To sleep, to stop, and perhaps one more of libev's own. */
	ck_assert_uint_le(after.passes - before.passes, 3);
	ck_assert_uint_eq(after.tasks, 1);
	ck_assert_int_eq(isr_cancel(late), 1);
	xt_ok(isr_detach(late));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("task");
	TCase *tcase = xt_case(suite, "turns");

	tcase_add_checked_fixture(tcase, task_setup, task_teardown);
	tcase_add_test(tcase, spawn_begins_tasks_in_their_order);
	tcase_add_test(tcase, yield_lets_every_other_have_its_turn);
	tcase_add_test(tcase, spawn_in_a_task_goes_behind_what_is_ready);
	tcase_add_test(tcase, spawn_in_a_callback_works);
	tcase_add_test(tcase, spawn_in_a_scheduled_call_works);

	tcase = xt_case(suite, "sleep");
	tcase_add_checked_fixture(tcase, task_setup, task_teardown);
	tcase_add_test(tcase, sleep_ends_in_the_order_of_the_times);
	tcase_add_test(tcase,
		       sleep_until_one_time_ends_in_the_order_of_its_begin);
	tcase_add_loop_test(tcase, sleep_of_no_time_is_a_yield, 0, 3);
	tcase_add_test(tcase, sleep_wakes_the_loop_once);
	return suite;
}

int main(void)
{
	return xt_main(make_suite());
}
