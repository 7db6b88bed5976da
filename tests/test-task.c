/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Tasks: how they begin, take turns and sleep, and where they may not. */
#include <sys/wait.h>
#include <unistd.h>

#include "context.h"
#include "loop.h"
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
	do {
		xt_ok(isr_loop_dispatch(loop));
		xt_ok(isr_loop_get_stats(loop, &before));
	} while (before.steps < 2);
	xt_ok(isr_loop_run(loop));
	xt_ok(isr_loop_get_stats(loop, &after));

	/* To sleep, to stop, and perhaps one more of libev's own. */
	ck_assert_uint_le(after.passes - before.passes, 3);
	ck_assert_uint_eq(after.tasks, 1);
	ck_assert_int_eq(isr_cancel(late), 1);
	xt_ok(isr_detach(late));
}
END_TEST

/*
 * Where it is refused
 */

START_TEST(spawn_with_a_bad_config_is_refused)
{
	struct isr_task_config config = {.sz = sizeof(config)};
	struct isr_task *task = NULL;

	xt_fails_with(EINVAL, isr_spawn(NULL, NULL, add_once, NULL, &task));
	xt_fails_with(EINVAL, isr_spawn(loop, NULL, NULL, NULL, &task));
	config.sz = sizeof(config) - 1;
	xt_fails_with(EINVAL, isr_spawn(loop, &config, add_once, NULL, &task));
	config.sz = sizeof(config);
	config.reserved[3] = 1;
	xt_fails_with(E2BIG, isr_spawn(loop, &config, add_once, NULL, &task));
	config.reserved[3] = 0;
	config.stack_bytes = 1000;
	xt_fails_with(EINVAL, isr_spawn(loop, &config, add_once, NULL, &task));

	ck_assert_ptr_null(task);
	run_all();
	ck_assert_str_eq(trace, "");
}
END_TEST

START_TEST(wait_outside_a_task_is_refused)
{
	struct isr_task *task = spawn_named("a", add_once, "a");

	xt_fails_with(EDEADLK, isr_yield());
	xt_fails_with(EDEADLK, isr_sleep(1));
	xt_fails_with(EDEADLK, isr_uncancel());
	xt_fails_with(EDEADLK, isr_join(task, NULL, ISR_FOREVER));
}
END_TEST

static void wait_in_callback(struct isr_flag *flag, uint32_t count, void *arg)
{
	ck_assert_ptr_null(isr_self());
	xt_fails_with(EDEADLK, isr_yield());
	trace_add('c');
}

/* Another loop, which a task runs. */
static int dispatch_other(void *arg)
{
	struct isr_loop *other = arg;

	xt_ok(isr_loop_dispatch(other));
	xt_ok(isr_yield());
	trace_add('t');
	return 0;
}

START_TEST(wait_in_a_callback_of_a_task_is_refused)
{
	struct isr_loop *other;
	struct isr_flag flag;

	xt_ok(isr_loop_new(NULL, &other));
	xt_ok(isr_flag_init(&flag, other, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, wait_in_callback, NULL));
	isr_flag_set(&flag);
	spawn(dispatch_other, other);
	run_all();

	ck_assert_str_eq(trace, "ct");
	xt_ok(isr_loop_free(other));
}
END_TEST

static int wait_masked(void *arg)
{
	struct isr_task *other = spawn_named("other", add_once, "a");
	int token = isr_mask(loop);

	xt_ok(token);
	xt_fails_with(EDEADLK, isr_yield());
	xt_fails_with(EDEADLK, isr_sleep(1));
	xt_fails_with(EDEADLK, isr_join(other, NULL, ISR_FOREVER));
	xt_ok(isr_unmask(loop, token));
	xt_ok(isr_yield());
	trace_add('m');
	return 0;
}

START_TEST(wait_while_masked_is_refused)
{
	spawn(wait_masked, NULL);
	run_all();

	ck_assert_str_eq(trace, "am");
}
END_TEST

static int wait_in_isr(void *arg)
{
	struct isri_frame frame;

	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, loop, NULL);
	xt_fails_with(EPERM, isr_yield());
	xt_fails_with(EPERM, isr_sleep(1));
	xt_fails_with(EPERM, isr_uncancel());
	ck_assert_ptr_null(isr_self());
	isri_context_leave(&frame);
	xt_ok(isr_yield());
	trace_add('i');
	return 0;
}

START_TEST(wait_in_isr_context_is_refused)
{
	spawn(wait_in_isr, NULL);
	run_all();

	ck_assert_str_eq(trace, "i");
}
END_TEST

/* In a child only what makes its status. */
static int wait_in_child(void *arg)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0)
		_exit(isr_yield() == -EPERM && isr_sleep(1) == -EPERM &&
				      isr_uncancel() == -EPERM
			      ? 0
			      : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	return 0;
}

START_TEST(wait_in_a_forked_child_is_refused)
{
	spawn(wait_in_child, NULL);
	run_all();
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

	tcase = xt_case(suite, "refused");
	tcase_add_checked_fixture(tcase, task_setup, task_teardown);
	tcase_add_test(tcase, spawn_with_a_bad_config_is_refused);
	tcase_add_test(tcase, wait_outside_a_task_is_refused);
	tcase_add_test(tcase, wait_in_a_callback_of_a_task_is_refused);
	tcase_add_test(tcase, wait_while_masked_is_refused);
	tcase_add_test(tcase, wait_in_isr_context_is_refused);
	tcase_add_test(tcase, wait_in_a_forked_child_is_refused);

	return suite;
}

int main(void)
{
	return xt_main(make_suite());
}
