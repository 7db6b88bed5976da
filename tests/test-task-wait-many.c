/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Tasks wait for several flags: for any of them, and for all. */
#include "xt-task-wait.h"

static struct isr_flag a, b, c, sticky;
static struct xt_wait one, two, three;

static void setup(void)
{
	task_setup();
	n_ended = 0;
	xt_ok(isr_flag_init(&a, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&b, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&c, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&sticky, loop, ISR_FLAG_STICKY));
}

static void cancel(struct xt_wait *wait)
{
	ck_assert_int_eq(isr_cancel(wait->task), 1);
}

static void assert_counts(uint32_t of_a, uint32_t of_b)
{
	run_dry();
	ck_assert_uint_eq(isr_flag_peek(&a), of_a);
	ck_assert_uint_eq(isr_flag_peek(&b), of_b);
}

/*
 * Any
 */

START_TEST(any_takes_the_lowest_that_is_set)
{
	set(2, &b);
	set(3, &a);
	start_two(&one, WAIT_ANY, &a, &b);

	assert_ends(&one, 0);
	assert_counts(0, 2);
	start_two(&one, WAIT_ANY, &a, &b);
	assert_ends(&one, 1);
	assert_counts(0, 0);
}
END_TEST

START_TEST(any_takes_the_one_that_is_set_later)
{
	start_two(&one, WAIT_ANY, &a, &b);
	assert_waits(&one);
	set(2, &b);

	assert_ends(&one, 1);
	assert_counts(0, 0);
	ck_assert_uint_eq(count_waiting(&a), 0);
}
END_TEST

/* b woke it; then a is set as well, before it runs. */
START_TEST(any_takes_the_lowest_when_it_runs)
{
	start_two(&one, WAIT_ANY, &a, &b);
	set(2, &b);
	isri_wake_deliver(isri_wake_of(loop));
	set(3, &a);

	assert_ends(&one, 0);
	assert_counts(0, 2);
	ck_assert_int_eq(wait_now(&b, 0), 2);
}
END_TEST

START_TEST(any_goes_on_when_its_flag_was_cleared)
{
	start_two(&one, WAIT_ANY, &a, &b);
	set(1, &b);
	isri_wake_deliver(isri_wake_of(loop));
	xt_ok(isr_flag_clear(&b));
	assert_waits(&one);

	set(1, &a);
	assert_ends(&one, 0);
}
END_TEST

/* What it was told of and did not take is there for the next. */
START_TEST(any_passes_on_what_it_does_not_take)
{
	start_two(&one, WAIT_ANY, &a, &b);
	start(&two, &b);
	set(1, &b);
	isri_wake_deliver(isri_wake_of(loop));
	set(1, &a);

	assert_ends(&one, 0);
	assert_ends(&two, 1);
	assert_counts(0, 0);
}
END_TEST

START_TEST(any_leaves_the_queues_of_the_others)
{
	start_two(&one, WAIT_ANY, &a, &b);
	start(&two, &a);
	set(1, &b);
	assert_ends(&one, 1);
	assert_waits(&two);

	set(1, &a);
	assert_ends(&two, 1);
}
END_TEST

START_TEST(any_of_two_for_the_same_flags)
{
	start_two(&one, WAIT_ANY, &a, &b);
	start_two(&two, WAIT_ANY, &b, &a);
	set(2, &a);

	assert_ends(&one, 0);
	assert_ends(&two, 1);
	assert_counts(0, 0);
}
END_TEST

START_TEST(any_of_a_sticky_flag_keeps_it)
{
	start_two(&one, WAIT_ANY, &a, &sticky);
	start_two(&two, WAIT_ANY, &sticky, &a);
	set(1, &sticky);

	assert_ends(&one, 1);
	assert_ends(&two, 0);
	ck_assert_uint_eq(isr_flag_peek(&sticky), 1);
}
END_TEST

START_TEST(any_of_one_flag_twice)
{
	start_two(&one, WAIT_ANY, &a, &a);
	assert_waits(&one);
	set(1, &a);

	assert_ends(&one, 0);
	assert_counts(0, 0);
	ck_assert_uint_eq(count_waiting(&a), 0);
}
END_TEST

START_TEST(any_that_fails_consumes_nothing)
{
	start_two(&one, WAIT_ANY, &a, &b);
	start_two(&two, WAIT_ANY, &a, &b);
	time_out(&one);
	assert_ends(&one, -ETIMEDOUT);
	set(1, &a);
	set(1, &b);
	cancel(&two);
	assert_ends(&two, -ECANCELED);

	assert_counts(1, 1);
	ck_assert_uint_eq(count_waiting(&a), 0);
	ck_assert_uint_eq(count_waiting(&b), 0);
}
END_TEST

START_TEST(any_flag_wins_over_the_time)
{
	start_two(&one, WAIT_ANY, &a, &b);
	time_out(&one);
	set(1, &b);

	assert_ends(&one, 1);
}
END_TEST

/* It takes nothing, also of one that is set. */
START_TEST(any_ends_with_one_of_its_flags)
{
	start_two(&one, WAIT_ANY, &a, &b);
	set(1, &a);
	xt_ok(isr_flag_done(&b));
	memset(&b, 0xff, sizeof(b));

	assert_ends(&one, -ECANCELED);
	ck_assert_uint_eq(isr_flag_peek(&a), 1);
	ck_assert_uint_eq(count_waiting(&a), 0);
	memset(&b, 0, sizeof(b));
}
END_TEST

START_TEST(any_is_refused_for_one_of_its_flags)
{
	static struct isr_flag exclusive, zeroed;

	xt_ok(isr_flag_init(&exclusive, loop,
			    ISR_FLAG_AUTO | ISR_FLAG_EXCLUSIVE));
	set(1, &a);
	start(&one, &exclusive);
	start_two(&two, WAIT_ANY, &a, &exclusive);
	assert_ends(&two, -EBUSY);
	start_two(&two, WAIT_ANY, &a, &zeroed);
	assert_ends(&two, -EINVAL);
	start_two(&two, WAIT_ANY, &a, NULL);
	assert_ends(&two, -EINVAL);

	assert_counts(1, 0);
	set(1, &exclusive);
	assert_ends(&one, 1);
}
END_TEST

START_TEST(any_refuses_bad_arguments)
{
	struct isr_flag *flags[] = {&a};

	xt_fails_with(EINVAL, isr_wait_any(NULL, 1, 0));
	xt_fails_with(EINVAL, isr_wait_any(flags, 0, 0));
	xt_fails_with(EINVAL, isr_wait_any(flags, ISR_WAIT_MAX + 1, 0));
	xt_fails_with(EINVAL, isr_wait_any(flags, 1, ISR_FOREVER - 1));
	xt_fails_with(EINVAL, isr_wait_all(NULL, 1, 0));
	xt_fails_with(EINVAL, isr_wait_all(flags, 0, 0));
	xt_fails_with(EINVAL, isr_wait_all(flags, ISR_WAIT_MAX + 1, 0));
	xt_fails_with(EINVAL, isr_wait_all(flags, 1, ISR_FOREVER - 1));
	xt_fails_with(EDEADLK, isr_wait_any(flags, 1, 0));
	xt_fails_with(EDEADLK, isr_wait_all(flags, 1, 0));
}
END_TEST

static void start_many(struct xt_wait *wait, enum wait_kind kind,
		       struct isr_flag *flags, size_t n)
{
	size_t i;

	*wait = (struct xt_wait){
		.kind = kind, .n = n, .timeout_ns = ISR_FOREVER};
	for (i = 0; i < n; i++) {
		xt_ok(isr_flag_init(&flags[i], loop, ISR_FLAG_AUTO));
		wait->flags[i] = &flags[i];
	}
	spawn_wait(wait);
	run_dry();
}

START_TEST(any_of_as_many_as_there_may_be)
{
	static struct isr_flag many[ISR_WAIT_MAX];
	unsigned int i;

	start_many(&one, WAIT_ANY, many, ISR_WAIT_MAX);
	for (i = 0; i < ISR_WAIT_MAX; i++)
		ck_assert_uint_eq(count_waiting(&many[i]), 1);
	set(1, &many[ISR_WAIT_MAX - 1]);

	assert_ends(&one, ISR_WAIT_MAX - 1);
	for (i = 0; i < ISR_WAIT_MAX; i++)
		ck_assert_uint_eq(count_waiting(&many[i]), 0);
}
END_TEST

static int wait_nested(void *arg)
{
	struct isr_flag *inner[] = {&a, &b};

	xt_ok(isr_wait_all(inner, 2, ISR_FOREVER));
	trace_add('i');
	return 0;
}

/* A task is something to wait for, and may wait itself: for both, or c. */
START_TEST(any_of_a_task_that_waits_for_all)
{
	struct isr_task *inner = spawn_named("inner", wait_nested, NULL);

	start_two(&one, WAIT_ANY, &c, isr_task_get_done(inner));
	set(1, &b);
	assert_waits(&one);
	set(1, &a);

	assert_ends(&one, 1);
	ck_assert_str_eq(trace, "i");
	xt_ok(isr_detach(inner));
}
END_TEST

START_TEST(any_of_a_task_that_is_cancelled)
{
	struct isr_task *inner = spawn_named("inner", run_wait, &two);

	two = (struct xt_wait){.flags = {&a}, .timeout_ns = ISR_FOREVER};
	start_two(&one, WAIT_ANY, &c, isr_task_get_done(inner));
	ck_assert_int_eq(isr_cancel(inner), 1);

	assert_ends(&one, 1);
	xt_fails_with(ECANCELED, two.result);
	xt_ok(isr_detach(inner));
}
END_TEST

/*
 * All
 */

START_TEST(all_that_are_set_end_it_at_once)
{
	set(2, &a);
	set(1, &b);
	start_two(&one, WAIT_ALL, &a, &b);

	assert_ends(&one, 0);
	assert_counts(0, 0);
}
END_TEST

START_TEST(all_are_consumed_one_by_one)
{
	struct isr_flag *first = _i ? &a : &b, *second = _i ? &b : &a;

	start_two(&one, WAIT_ALL, &a, &b);
	set(1, first);
	assert_waits(&one);
	assert_counts(0, 0);
	/* No more of that one is wanted. */
	set(2, first);
	assert_waits(&one);
	ck_assert_uint_eq(isr_flag_peek(first), 2);
	set(1, second);

	assert_ends(&one, 0);
	ck_assert_uint_eq(isr_flag_peek(first), 2);
	ck_assert_uint_eq(isr_flag_peek(second), 0);
}
END_TEST

START_TEST(all_includes_a_sticky_flag_that_is_cleared_again)
{
	start_two(&one, WAIT_ALL, &sticky, &b);
	set(1, &sticky);
	assert_waits(&one);
	xt_ok(isr_flag_clear(&sticky));
	set(1, &b);

	assert_ends(&one, 0);
	ck_assert_uint_eq(isr_flag_peek(&sticky), 0);
}
END_TEST

START_TEST(all_that_fails_gives_back)
{
	set(3, &a);
	start_two(&one, WAIT_ALL, &a, &b);
	assert_counts(0, 0);
	if (_i & 1)
		cancel(&one);
	else
		time_out(&one);
	/* It is cancelled although it could have both. */
	if (_i & 2)
		set(1, &b);
	if (_i == 2) {
		assert_ends(&one, 0);
		assert_counts(0, 0);
		return;
	}

	assert_ends(&one, _i & 1 ? -ECANCELED : -ETIMEDOUT);
	assert_counts(3, _i == 3);
	ck_assert_uint_eq(count_waiting(&a), 0);
	ck_assert_uint_eq(count_waiting(&b), 0);
	ck_assert_ptr_null(waits()->latched);
}
END_TEST

START_TEST(all_gives_back_to_who_came_since)
{
	set(1, &a);
	start_two(&one, WAIT_ALL, &a, &b);
	start(&two, &a);
	assert_waits(&two);
	cancel(&one);

	assert_ends(&one, -ECANCELED);
	assert_ends(&two, 1);
	assert_counts(0, 0);
}
END_TEST

START_TEST(all_without_patience_takes_all_or_nothing)
{
	one = (struct xt_wait){.kind = WAIT_ALL, .flags = {&a, &b}, .n = 2};
	set(2, &a);
	spawn_wait(&one);
	assert_ends(&one, -ETIMEDOUT);
	assert_counts(2, 0);

	set(1, &b);
	spawn_wait(&one);
	assert_ends(&one, 0);
	assert_counts(0, 0);
}
END_TEST

START_TEST(all_of_two_for_the_same_flags)
{
	start_two(&one, WAIT_ALL, &a, &b);
	start_two(&two, WAIT_ALL, &b, &a);
	set(1, &b);
	set(1, &a);
	assert_ends(&one, 0);
	assert_waits(&two);

	set(1, &a);
	set(1, &b);
	assert_ends(&two, 0);
	assert_counts(0, 0);
}
END_TEST

START_TEST(all_does_not_miss_a_flag_that_it_had)
{
	start_two(&one, WAIT_ALL, &a, &b);
	set(1, &a);
	assert_waits(&one);
	xt_ok(isr_flag_done(&a));
	memset(&a, 0xff, sizeof(a));
	assert_waits(&one);
	if (_i)
		cancel(&one);
	else
		set(1, &b);

	assert_ends(&one, _i ? -ECANCELED : 0);
	memset(&a, 0, sizeof(a));
}
END_TEST

START_TEST(all_ends_with_a_flag_that_it_had_not)
{
	start_two(&one, WAIT_ALL, &a, &b);
	set(2, &a);
	assert_waits(&one);
	xt_ok(isr_flag_done(&b));
	memset(&b, 0xff, sizeof(b));

	assert_ends(&one, -ECANCELED);
	ck_assert_uint_eq(isr_flag_peek(&a), 2);
	memset(&b, 0, sizeof(b));
}
END_TEST

static int wait_all_to_the_end(void *arg)
{
	struct isr_flag *flags[] = {&a, &b};

	xt_fails_with(ECANCELED, isr_wait_all(flags, 2, ISR_FOREVER));
	trace_add('e');
	return 0;
}

START_TEST(all_ends_with_its_loop)
{
	spawn(wait_all_to_the_end, NULL);
	run_dry();
	set(1, &a);
	run_dry();
	xt_ok(isr_loop_free(loop));
	loop = NULL;

	ck_assert_str_eq(trace, "e");
}
END_TEST

START_TEST(all_of_one_flag_twice_is_refused)
{
	set(2, &a);
	start_two(&one, WAIT_ALL, &a, &a);

	assert_ends(&one, -EINVAL);
	assert_counts(2, 0);
}
END_TEST

START_TEST(all_of_as_many_as_there_may_be)
{
	static struct isr_flag many[ISR_WAIT_MAX];
	unsigned int i;

	start_many(&one, WAIT_ALL, many, ISR_WAIT_MAX);
	for (i = ISR_WAIT_MAX; i-- > 0;) {
		assert_waits(&one);
		set(1, &many[i]);
	}

	assert_ends(&one, 0);
	for (i = 0; i < ISR_WAIT_MAX; i++)
		ck_assert_uint_eq(isr_flag_peek(&many[i]), 0);
	ck_assert_ptr_null(waits()->latched);
}
END_TEST

START_TEST(all_beside_others_keeps_its_place)
{
	start_two(&one, WAIT_ALL, &a, &b);
	start(&two, &a);
	start(&three, &b);
	set(1, &b);
	assert_waits(&three);
	set(1, &a);
	assert_ends(&one, 0);
	assert_waits(&two);
	assert_waits(&three);
	set(1, &a);
	set(1, &b);
	assert_ends(&two, 1);
	assert_ends(&three, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("task wait many");
	TCase *tc = xt_case(suite, "any");

	tcase_add_checked_fixture(tc, setup, task_teardown);
	tcase_add_test(tc, any_takes_the_lowest_that_is_set);
	tcase_add_test(tc, any_takes_the_one_that_is_set_later);
	tcase_add_test(tc, any_takes_the_lowest_when_it_runs);
	tcase_add_test(tc, any_goes_on_when_its_flag_was_cleared);
	tcase_add_test(tc, any_passes_on_what_it_does_not_take);
	tcase_add_test(tc, any_leaves_the_queues_of_the_others);
	tcase_add_test(tc, any_of_two_for_the_same_flags);
	tcase_add_test(tc, any_of_a_sticky_flag_keeps_it);
	tcase_add_test(tc, any_of_one_flag_twice);
	tcase_add_test(tc, any_that_fails_consumes_nothing);
	tcase_add_test(tc, any_flag_wins_over_the_time);
	tcase_add_test(tc, any_ends_with_one_of_its_flags);
	tcase_add_test(tc, any_is_refused_for_one_of_its_flags);
	tcase_add_test(tc, any_refuses_bad_arguments);
	tcase_add_test(tc, any_of_as_many_as_there_may_be);
	tcase_add_test(tc, any_of_a_task_that_waits_for_all);
	tcase_add_test(tc, any_of_a_task_that_is_cancelled);

	tc = xt_case(suite, "all");
	tcase_add_checked_fixture(tc, setup, task_teardown);
	tcase_add_test(tc, all_that_are_set_end_it_at_once);
	tcase_add_loop_test(tc, all_are_consumed_one_by_one, 0, 2);
	tcase_add_test(tc, all_includes_a_sticky_flag_that_is_cleared_again);
	tcase_add_loop_test(tc, all_that_fails_gives_back, 0, 4);
	tcase_add_test(tc, all_gives_back_to_who_came_since);
	tcase_add_test(tc, all_without_patience_takes_all_or_nothing);
	tcase_add_test(tc, all_of_two_for_the_same_flags);
	tcase_add_loop_test(tc, all_does_not_miss_a_flag_that_it_had, 0, 2);
	tcase_add_test(tc, all_ends_with_a_flag_that_it_had_not);
	tcase_add_test(tc, all_ends_with_its_loop);
	tcase_add_test(tc, all_of_one_flag_twice_is_refused);
	tcase_add_test(tc, all_of_as_many_as_there_may_be);
	tcase_add_test(tc, all_beside_others_keeps_its_place);
	return xt_main(suite);
}
