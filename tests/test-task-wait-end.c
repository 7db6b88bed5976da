/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Waits of tasks that cannot begin, and those whose flag ends. */
#include "xt-task-wait.h"

static struct isr_flag flag, sticky;
static struct xt_wait waits_of[4];

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
 * Refused
 */

START_TEST(wait_beside_another_on_an_exclusive_flag_is_refused)
{
	static struct isr_flag exclusive;

	xt_ok(isr_flag_init(&exclusive, loop,
			    ISR_FLAG_AUTO | ISR_FLAG_EXCLUSIVE));
	start(&waits_of[0], &exclusive);
	xt_fails_with(EBUSY, wait_now(&exclusive, 0));
	xt_fails_with(EBUSY, wait_now(&exclusive, ISR_FOREVER));
	set(1, &exclusive);

	assert_ends(&waits_of[0], 1);
	xt_fails_with(ETIMEDOUT, wait_now(&exclusive, 0));
}
END_TEST

static void note_count(struct isr_flag *f, uint32_t count, void *arg)
{
	trace_add('n');
}

START_TEST(wait_beside_a_callback_is_refused)
{
	xt_ok(isr_flag_set_cb(&flag, note_count, NULL));
	xt_fails_with(EBUSY, wait_now(&flag, ISR_FOREVER));

	xt_ok(isr_flag_set_cb(&flag, NULL, NULL));
	start(&waits_of[0], &flag);
	xt_fails_with(EBUSY, isr_flag_set_cb(&flag, note_count, NULL));
	set(1, &flag);
	assert_ends(&waits_of[0], 1);
	ck_assert_str_eq(trace, "");
}
END_TEST

START_TEST(wait_refuses_bad_arguments)
{
	static struct isr_flag zeroed;

	xt_fails_with(EINVAL, isr_wait(NULL, 0));
	xt_fails_with(EINVAL, isr_wait(&flag, ISR_FOREVER - 1));
	xt_fails_with(EINVAL, wait_now(&zeroed, ISR_FOREVER));
	xt_ok(isr_flag_done(&flag));
	xt_fails_with(ECANCELED, wait_now(&flag, ISR_FOREVER));
}
END_TEST

START_TEST(wait_for_a_flag_of_another_loop_is_refused)
{
	struct isr_loop *other;
	struct isr_flag others;

	xt_ok(isr_loop_new(NULL, &other));
	xt_ok(isr_flag_init(&others, other, ISR_FLAG_AUTO));
	set(1, &others);
	xt_fails_with(EXDEV, wait_now(&others, 0));
	xt_fails_with(EXDEV, wait_now(&others, ISR_FOREVER));

	ck_assert_uint_eq(isr_flag_peek(&others), 1);
	xt_ok(isr_loop_free(other));
}
END_TEST

static void wait_in_callback(struct isr_flag *f, uint32_t count, void *arg)
{
	xt_fails_with(EDEADLK, isr_wait(&flag, ISR_FOREVER));
	xt_fails_with(EDEADLK, isr_wait(&flag, 0));
	trace_add('c');
}

START_TEST(wait_outside_a_task_is_refused)
{
	set(1, &flag);
	xt_fails_with(EDEADLK, isr_wait(&flag, ISR_FOREVER));
	xt_ok(isr_flag_set_cb(&sticky, wait_in_callback, NULL));
	set(1, &sticky);
	run_dry();

	ck_assert_str_eq(trace, "c");
	ck_assert_uint_eq(isr_flag_peek(&flag), 1);
}
END_TEST

static int wait_masked(void *arg)
{
	int token;

	token = isr_mask(loop);
	xt_fails_with(EDEADLK, isr_wait(&flag, ISR_FOREVER));
	xt_fails_with(EDEADLK, isr_wait(&flag, 0));
	xt_ok(isr_unmask(loop, token));
	ck_assert_int_eq(isr_wait(&flag, ISR_FOREVER), 1);
	trace_add('m');
	return 0;
}

START_TEST(wait_in_a_critical_section_is_refused)
{
	set(1, &flag);
	spawn(wait_masked, NULL);
	run_dry();

	ck_assert_str_eq(trace, "m");
}
END_TEST

static int wait_as_a_thread(void *arg)
{
	set(1, &flag);
	xt_fails_with(EDEADLK, isr_flag_wait(&flag, ISR_FOREVER));
	ck_assert_int_eq(isr_wait(&flag, 0), 1);
	trace_add('t');
	return 0;
}

START_TEST(wait_as_a_thread_does_is_refused_in_a_task)
{
	spawn(wait_as_a_thread, NULL);
	run_dry();

	ck_assert_str_eq(trace, "t");
}
END_TEST

/*
 * The end
 */

START_TEST(wait_ends_with_its_flag)
{
	start_many(3, &flag);
	start(&waits_of[3], &sticky);
	set(1, &flag);
	if (_i)
		isri_wake_deliver(isri_wake_of(loop));
	xt_ok(isr_flag_done(&flag));
	memset(&flag, 0xff, sizeof(flag));

	assert_ends(&waits_of[0], -ECANCELED);
	assert_ends(&waits_of[1], -ECANCELED);
	assert_ends(&waits_of[2], -ECANCELED);
	assert_waits(&waits_of[3]);
	set(1, &sticky);
	assert_ends(&waits_of[3], 1);
	memset(&flag, 0, sizeof(flag));
}
END_TEST

static int end_the_flag(void *arg)
{
	ck_assert_int_eq(isr_wait(&flag, ISR_FOREVER), 1);
	xt_ok(isr_flag_done(&flag));
	memset(&flag, 0xff, sizeof(flag));
	return 0;
}

START_TEST(wait_ends_with_its_flag_in_another_waiter)
{
	spawn(end_the_flag, NULL);
	start_many(2, &flag);
	set(2, &flag);

	assert_ends(&waits_of[0], -ECANCELED);
	assert_ends(&waits_of[1], -ECANCELED);
	memset(&flag, 0, sizeof(flag));
}
END_TEST

static int wait_for_the_end(void *arg)
{
	xt_fails_with(ECANCELED, isr_wait(arg, ISR_FOREVER));
	/* And no further one begins. */
	xt_fails_with(ECANCELED, isr_wait(arg, ISR_FOREVER));
	trace_add('e');
	return 0;
}

START_TEST(wait_ends_with_its_loop)
{
	spawn(wait_for_the_end, &flag);
	spawn(wait_for_the_end, &flag);
	spawn(wait_for_the_end, &sticky);
	run_dry();
	if (_i)
		set(1, &flag);
	if (_i == 2)
		isri_wake_deliver(isri_wake_of(loop));
	xt_ok(isr_loop_free(loop));
	loop = NULL;

	ck_assert_str_eq(trace, "eee");
}
END_TEST

static int free_the_loop(void *arg)
{
	ck_assert_int_eq(isr_wait(&flag, ISR_FOREVER), 1);
	xt_ok(isr_loop_free(loop));
	trace_add('f');
	return 0;
}

START_TEST(wait_ends_with_its_loop_in_another_waiter)
{
	spawn(free_the_loop, NULL);
	spawn(wait_for_the_end, &flag);
	spawn(wait_for_the_end, &sticky);
	run_dry();
	set(2, &flag);
	xt_fails_with(ECANCELED, isr_loop_run(loop));
	loop = NULL;

	ck_assert_str_eq(trace, "eef");
}
END_TEST

START_TEST(wait_ends_with_its_ring)
{
	static struct isr_event slots[2];
	static struct isr_ring ring;

	xt_ok(isr_ring_init(&ring, loop, slots, 2, ISR_RING_DROP_NEW));
	start_many(2, &ring.ready);
	xt_ok(isr_ring_done(&ring));
	memset(&ring, 0xff, sizeof(ring));

	assert_ends(&waits_of[0], -ECANCELED);
	assert_ends(&waits_of[1], -ECANCELED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("task wait end");
	TCase *tc;

	tc = xt_case(suite, "refused");
	tcase_add_checked_fixture(tc, setup, task_teardown);
	tcase_add_test(tc, wait_beside_another_on_an_exclusive_flag_is_refused);
	tcase_add_test(tc, wait_beside_a_callback_is_refused);
	tcase_add_test(tc, wait_refuses_bad_arguments);
	tcase_add_test(tc, wait_for_a_flag_of_another_loop_is_refused);
	tcase_add_test(tc, wait_outside_a_task_is_refused);
	tcase_add_test(tc, wait_in_a_critical_section_is_refused);
	tcase_add_test(tc, wait_as_a_thread_does_is_refused_in_a_task);

	tc = xt_case(suite, "end");
	tcase_add_checked_fixture(tc, setup, task_teardown);
	tcase_add_loop_test(tc, wait_ends_with_its_flag, 0, 2);
	tcase_add_test(tc, wait_ends_with_its_flag_in_another_waiter);
	tcase_add_loop_test(tc, wait_ends_with_its_loop, 0, 3);
	tcase_add_test(tc, wait_ends_with_its_loop_in_another_waiter);
	tcase_add_test(tc, wait_ends_with_its_ring);

	return xt_main(suite);
}
