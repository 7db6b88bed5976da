/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Tasks wait for what sets no flag: they ask again and again. */
#include <isrloop/mask.h>

#include "xt-task-wait.h"

static unsigned int n_asked, true_at;

static bool ask(void *arg)
{
	n_asked++;
	return true_at && n_asked >= true_at;
}

static int result_of_until;

struct until {
	uint64_t period_ns;
	int64_t timeout_ns;
};

static int run_until(void *arg)
{
	const struct until *until = arg;

	result_of_until =
		isr_wait_until(ask, NULL, until->period_ns, until->timeout_ns);
	trace_add('u');
	return 0;
}

static int wait_until(unsigned int when_true, uint64_t period_ns,
		      int64_t timeout_ns)
{
	const struct until until = {period_ns, timeout_ns};

	n_asked = 0;
	true_at = when_true;
	spawn(run_until, &until);
	run_all();
	return result_of_until;
}

START_TEST(until_asks_first)
{
	xt_ok(wait_until(1, SECOND, 0));
	ck_assert_uint_eq(n_asked, 1);
	xt_ok(wait_until(1, 0, ISR_FOREVER));
	ck_assert_uint_eq(n_asked, 1);
}
END_TEST

START_TEST(until_asks_again_each_period)
{
	uint64_t begin_ns = isr_now_ns();

	xt_ok(wait_until(4, MS, ISR_FOREVER));
	ck_assert_uint_eq(n_asked, 4);
	ck_assert_uint_ge(isr_now_ns() - begin_ns, 3 * MS);
}
END_TEST

static int count_turns(void *arg)
{
	unsigned int *n = arg;

	for (*n = 0; n_asked < 5; ++*n)
		xt_ok(isr_yield());
	return 0;
}

START_TEST(until_without_a_period_takes_turns)
{
	unsigned int n = 0;

	n_asked = 0;
	spawn(count_turns, &n);
	xt_ok(wait_until(5, 0, ISR_FOREVER));

	ck_assert_uint_eq(n_asked, 5);
	ck_assert_uint_eq(n, 5);
}
END_TEST

START_TEST(until_times_out_with_a_last_question)
{
	xt_fails_with(ETIMEDOUT, wait_until(0, SECOND, 0));
	ck_assert_uint_eq(n_asked, 1);
	xt_fails_with(ETIMEDOUT, wait_until(0, UINT64_MAX, MS));
	ck_assert_uint_eq(n_asked, 2);
	/* That one decides. */
	xt_ok(wait_until(2, 1000 * SECOND, MS));
}
END_TEST

/* The first question takes until after the time. */
static bool ask_for_long(void *arg)
{
	const uint64_t *due_ns = arg;

	while (isr_now_ns() <= *due_ns)
		;
	return ++n_asked == 2;
}

static int ask_late(void *arg)
{
	uint64_t due_ns = isr_now_ns() + 2 * MS;

	n_asked = 0;
	xt_ok(isr_wait_until(ask_for_long, &due_ns, MS, MS));
	return 0;
}

START_TEST(until_asks_again_however_late_it_is)
{
	spawn(ask_late, NULL);
	run_all();
	ck_assert_uint_eq(n_asked, 2);
}
END_TEST

static int section;

static void add_letter(struct isr_flag *which, uint32_t count, void *arg)
{
	trace_add('f');
}

static bool mask_and_agree(void *arg)
{
	section = isr_mask(loop);
	isr_flag_set(arg);
	return true;
}

static int wait_for_section(void *arg)
{
	xt_ok(isr_wait_until(mask_and_agree, arg, 0, ISR_FOREVER));
	trace_add('m');
	xt_ok(isr_unmask(loop, section));
	return 0;
}

START_TEST(until_leaves_a_critical_section_to_its_caller)
{
	struct isr_flag flag;

	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, add_letter, NULL));
	spawn(wait_for_section, &flag);
	run_all();
	xt_ok(isr_flag_done(&flag));

	ck_assert_str_eq(trace, "mf");
}
END_TEST

START_TEST(until_is_cancelled)
{
	const struct until until = {_i ? UINT64_MAX : 0, ISR_FOREVER};
	struct isr_task *task;

	n_asked = true_at = 0;
	task = spawn_named("u", run_until, &until);
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_int_eq(isr_cancel(task), 1);
	run_dry();

	xt_fails_with(ECANCELED, result_of_until);
	xt_ok(isr_detach(task));
}
END_TEST

START_TEST(until_refuses_bad_arguments)
{
	xt_fails_with(EINVAL, isr_wait_until(NULL, NULL, 0, 0));
	xt_fails_with(EINVAL, isr_wait_until(ask, NULL, 0, ISR_FOREVER - 1));
	n_asked = 0;
	xt_fails_with(EDEADLK, isr_wait_until(ask, NULL, 0, 0));
	ck_assert_uint_eq(n_asked, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("task until");
	TCase *tc;

	tc = xt_case(suite, "until");
	tcase_add_checked_fixture(tc, task_setup, task_teardown);
	tcase_add_test(tc, until_asks_first);
	tcase_add_test(tc, until_asks_again_each_period);
	tcase_add_test(tc, until_without_a_period_takes_turns);
	tcase_add_test(tc, until_times_out_with_a_last_question);
	tcase_add_test(tc, until_asks_again_however_late_it_is);
	tcase_add_test(tc, until_leaves_a_critical_section_to_its_caller);
	tcase_add_loop_test(tc, until_is_cancelled, 0, 2);
	tcase_add_test(tc, until_refuses_bad_arguments);
	return xt_main(suite);
}
