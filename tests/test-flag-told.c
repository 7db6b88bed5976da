/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Waiters that are told, beside those that are handed their share.
 */
#include "xt-told.h"

#define MANY XT_TOLDS

START_TEST(told_takes_when_it_runs)
{
	begin_many(1, &flag);
	set(2, &flag);
	settle();

	ck_assert(tolds[0].is_due);
	ck_assert_uint_eq(isr_flag_peek(&flag), 2);
	set(1, &flag);
	assert_gets(0, 3);
	ck_assert_uint_eq(isr_flag_peek(&flag), 0);
}
END_TEST

START_TEST(told_word_is_free_when_it_is_empty)
{
	begin_many(1, &flag);
	set(1, &flag);
	assert_gets(0, 1);

	/* So the next set announces it, as of a flag that is new. */
	ck_assert_uint_eq(flag.word, 0);
	ck_assert_uint_eq(flag.state, ISRI_FLAG_UNSEEN);
}
END_TEST

START_TEST(told_word_is_kept_while_the_flag_is_queued)
{
	set(1, &flag);
	ck_assert(!begin(0, &flag));
	ck_assert_int_eq(tolds[0].got, 1);
	ck_assert_uint_eq(flag.word, ISRI_FLAG_KEPT);

	ck_assert(begin(0, &flag));
	set(1, &flag);
	assert_gets(0, 1);
}
END_TEST

START_TEST(told_goes_on_sleeping_when_the_flag_was_cleared)
{
	struct isr_flag *f = _i ? &sticky : &flag;

	begin_many(1, f);
	set(1, f);
	settle();
	xt_ok(isr_flag_clear(f));
	run(0);
	assert_sleeps(0);

	set(1, f);
	assert_gets(0, 1);
}
END_TEST

START_TEST(told_shares_in_order)
{
	begin_many(3, &flag);
	set(5, &flag);
	settle();
	ck_assert(!tolds[1].is_due && !tolds[2].is_due);

	assert_gets(0, 1);
	assert_gets(1, 1);
	assert_gets(2, 3);
}
END_TEST

START_TEST(told_of_a_hundred_leaves_nobody)
{
	unsigned int i;

	begin_many(MANY, &flag);
	for (i = 0; i < MANY; i++) {
		set(1, &flag);
		assert_gets(i, 1);
	}
	ck_assert_uint_eq(isr_flag_peek(&flag), 0);
}
END_TEST

START_TEST(told_of_a_hundred_for_one_sticky_set)
{
	unsigned int i;

	begin_many(MANY, &sticky);
	set(1, &sticky);
	settle();
	for (i = 0; i < MANY; i++) {
		ck_assert(tolds[i].is_due);
		run(i);
		ck_assert_int_eq(tolds[i].got, 1);
	}
	ck_assert_int_eq(isr_flag_take(&sticky), 1);
}
END_TEST

START_TEST(told_that_leaves_passes_it_on)
{
	begin_many(3, &flag);
	set(1, &flag);
	settle();
	ck_assert(tolds[0].is_due);

	leave(0);
	settle();
	ck_assert(tolds[1].is_due);
	leave(1);
	assert_gets(2, 1);
}
END_TEST

START_TEST(told_that_leaves_alone_keeps_it_for_the_next)
{
	begin_many(1, &flag);
	set(1, &flag);
	settle();
	leave(0);
	settle();

	ck_assert(!begin(1, &flag));
	ck_assert_int_eq(tolds[1].got, 1);
}
END_TEST

START_TEST(told_in_the_middle_may_leave)
{
	begin_many(3, &flag);
	leave(1);
	set(2, &flag);

	assert_gets(0, 1);
	assert_gets(2, 1);
}
END_TEST

START_TEST(told_is_refused_beside_another_on_an_exclusive_flag)
{
	static struct isr_flag exclusive;

	xt_ok(isr_flag_init(&exclusive, loop,
			    ISR_FLAG_AUTO | ISR_FLAG_EXCLUSIVE));
	ck_assert(begin(0, &exclusive));
	ck_assert(!begin(1, &exclusive));
	xt_fails_with(EBUSY, tolds[1].got);
	xt_fails_with(EBUSY, xt_wait_elsewhere(&exclusive, 0));
	set(1, &exclusive);
	ck_assert(!begin(1, &exclusive));
	xt_fails_with(EBUSY, tolds[1].got);
	assert_gets(0, 1);
	ck_assert(begin(1, &exclusive));
	leave(1);
}
END_TEST

/*
 * Beside threads
 */

START_TEST(told_behind_a_thread)
{
	xt_wait_start(&waiter, &flag, ISR_FOREVER);
	begin_many(1, &flag);
	set(3, &flag);
	ck_assert_int_eq(xt_wait_join(&waiter), 1);

	assert_gets(0, 2);
}
END_TEST

START_TEST(told_behind_a_thread_that_takes_all)
{
	xt_wait_start(&waiter, &flag, ISR_FOREVER);
	begin_many(1, &flag);
	set(1, &flag);
	ck_assert_int_eq(xt_wait_join(&waiter), 1);
	assert_sleeps(0);

	set(1, &flag);
	assert_gets(0, 1);
}
END_TEST

START_TEST(told_before_a_thread)
{
	begin_many(1, &flag);
	xt_wait_start(&waiter, &flag, ISR_FOREVER);
	set(1, &flag);
	settle();
	xt_fails_with(ETIMEDOUT, xt_wait_elsewhere(&flag, 0));
	ck_assert_uint_eq(xt_n_waiting(&flag), 2);
	assert_gets(0, 1);

	set(1, &flag);
	ck_assert_int_eq(xt_wait_join(&waiter), 1);
}
END_TEST

START_TEST(told_passes_the_rest_on_to_a_thread)
{
	begin_many(1, &flag);
	xt_wait_start(&waiter, &flag, ISR_FOREVER);
	set(_i ? 2 : 1, &flag);
	settle();
	if (_i)
		assert_gets(0, 1);
	else
		leave(0);

	ck_assert_int_eq(xt_wait_join(&waiter), 1);
	ck_assert_uint_eq(isr_flag_peek(&flag), 0);
}
END_TEST

/* The word is not 0, and the flag in no list: no set announces it. */
START_TEST(told_joins_after_a_thread_took_what_nobody_wanted)
{
	set(1, &flag);
	settle();
	ck_assert_int_eq(xt_wait_elsewhere(&flag, 0), 1);
	ck_assert_uint_eq(flag.word, ISRI_FLAG_KEPT);

	begin_many(1, &flag);
	set(1, &flag);
	assert_gets(0, 1);
}
END_TEST

START_TEST(told_and_a_thread_for_a_sticky_flag)
{
	ck_assert(begin(0, &sticky));
	xt_wait_start(&waiter, &sticky, ISR_FOREVER);
	ck_assert(begin(1, &sticky));
	set(2, &sticky);

	ck_assert_int_eq(xt_wait_join(&waiter), 2);
	assert_gets(0, 2);
	assert_gets(1, 2);
}
END_TEST

/*
 * A share that may be given back
 */

START_TEST(told_gives_back_what_it_took)
{
	set(3, &flag);
	latch(0, &flag);
	ck_assert_uint_eq(isr_flag_peek(&flag), 0);
	settle();
	ck_assert(begin(1, &flag));

	isri_told_give_back(waits(), &tolds[0].waiter);

	ck_assert_uint_eq(isr_flag_peek(&flag), 3);
	assert_gets(1, 3);
}
END_TEST

START_TEST(told_gives_back_to_a_flag_that_is_queued)
{
	set(1, &flag);
	latch(0, &flag);
	isri_told_give_back(waits(), &tolds[0].waiter);
	ck_assert_uint_eq(flag.word, ISRI_FLAG_KEPT | 1);

	settle();
	ck_assert(!begin(1, &flag));
	ck_assert_int_eq(tolds[1].got, 1);
}
END_TEST

START_TEST(told_gives_back_no_more_than_there_is_room_for)
{
	set(2, &flag);
	latch(0, &flag);
	settle();
	flag.word = ISR_FLAG_COUNT_MAX - 1;
	flag.state = ISRI_FLAG_TOLD;

	isri_told_give_back(waits(), &tolds[0].waiter);
	ck_assert_uint_eq(flag.word, ISR_FLAG_COUNT_MAX);
}
END_TEST

START_TEST(told_keeps_what_it_took)
{
	set(1, &flag);
	set(1, &sticky);
	latch(0, &flag);
	latch(1, &sticky);
	latch(2, &sticky);
	isri_told_keep(waits(), &tolds[0].waiter);
	isri_told_keep(waits(), &tolds[1].waiter);
	isri_told_give_back(waits(), &tolds[0].waiter);
	isri_told_give_back(waits(), &tolds[2].waiter);

	ck_assert_uint_eq(isr_flag_peek(&flag), 0);
	ck_assert_uint_eq(isr_flag_peek(&sticky), 1);
	ck_assert_ptr_null(waits()->latched);
}
END_TEST

START_TEST(told_gives_nothing_back_to_a_flag_that_ended)
{
	struct isr_flag other;

	xt_ok(isr_flag_init(&other, loop, ISR_FLAG_AUTO));
	set(1, &other);
	set(1, &flag);
	latch(0, &flag);
	latch(1, &other);
	set(1, &flag);
	latch(2, &flag);
	xt_ok(isr_flag_done(&other));
	memset(&other, 0, sizeof(other));

	isri_told_give_back(waits(), &tolds[1].waiter);
	ck_assert_uint_eq(other.word, 0);
	isri_told_give_back(waits(), &tolds[0].waiter);
	isri_told_give_back(waits(), &tolds[2].waiter);
	ck_assert_uint_eq(isr_flag_peek(&flag), 2);
	ck_assert_ptr_null(waits()->latched);
}
END_TEST

/*
 * The end
 */

START_TEST(told_ends_with_its_flag)
{
	begin_many(2, &flag);
	set(1, &flag);
	settle();
	ck_assert(tolds[0].is_due);
	xt_ok(isr_flag_done(&flag));

	ck_assert(tolds[1].is_due);
	run(0);
	run(1);
	ck_assert_int_eq(tolds[0].got, -ECANCELED);
	ck_assert_int_eq(tolds[1].got, -ECANCELED);
	ck_assert(!begin(2, &flag));
	xt_fails_with(ECANCELED, tolds[2].got);
}
END_TEST

START_TEST(told_ends_with_its_loop)
{
	begin_many(2, &flag);
	ck_assert(begin(2, &sticky));
	xt_ok(isr_loop_free(loop));
	loop = NULL;

	ck_assert_int_eq(tolds[0].waiter.result, -ECANCELED);
	ck_assert_int_eq(tolds[1].waiter.result, -ECANCELED);
	ck_assert_int_eq(tolds[2].waiter.result, -ECANCELED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flag told");
	TCase *tc = xt_case(suite, "share");

	tcase_add_checked_fixture(tc, setup, xt_wait_teardown);
	tcase_add_test(tc, told_takes_when_it_runs);
	tcase_add_test(tc, told_word_is_free_when_it_is_empty);
	tcase_add_test(tc, told_word_is_kept_while_the_flag_is_queued);
	tcase_add_loop_test(tc, told_goes_on_sleeping_when_the_flag_was_cleared,
			    0, 2);
	tcase_add_test(tc, told_shares_in_order);
	tcase_add_test(tc, told_of_a_hundred_leaves_nobody);
	tcase_add_test(tc, told_of_a_hundred_for_one_sticky_set);
	tcase_add_test(tc, told_that_leaves_passes_it_on);
	tcase_add_test(tc, told_that_leaves_alone_keeps_it_for_the_next);
	tcase_add_test(tc, told_in_the_middle_may_leave);
	tcase_add_test(tc, told_is_refused_beside_another_on_an_exclusive_flag);

	tc = xt_case(suite, "threads");
	tcase_add_checked_fixture(tc, setup, xt_wait_teardown);
	tcase_add_test(tc, told_behind_a_thread);
	tcase_add_test(tc, told_behind_a_thread_that_takes_all);
	tcase_add_loop_test(tc, told_passes_the_rest_on_to_a_thread, 0, 2);
	tcase_add_test(tc, told_joins_after_a_thread_took_what_nobody_wanted);
	tcase_add_test(tc, told_and_a_thread_for_a_sticky_flag);

	tc = xt_case(suite, "before");
	tcase_add_checked_fixture(tc, setup, xt_wait_teardown);
	tcase_add_test(tc, told_before_a_thread);

	tc = xt_case(suite, "latch");
	tcase_add_checked_fixture(tc, setup, xt_wait_teardown);
	tcase_add_test(tc, told_gives_back_what_it_took);
	tcase_add_test(tc, told_gives_back_to_a_flag_that_is_queued);
	tcase_add_test(tc, told_gives_back_no_more_than_there_is_room_for);
	tcase_add_test(tc, told_keeps_what_it_took);
	tcase_add_test(tc, told_gives_nothing_back_to_a_flag_that_ended);

	tc = xt_case(suite, "end");
	tcase_add_checked_fixture(tc, setup, xt_wait_teardown);
	tcase_add_test(tc, told_ends_with_its_flag);
	tcase_add_test(tc, told_ends_with_its_loop);
	return xt_main(suite);
}
