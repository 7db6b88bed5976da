/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The races of waiters that are told: with a set at each test point, and with
 * threads and a handler that set as they like.
 */
#include <signal.h>

#include "xt-told.h"

#ifdef ISR_TEST_POINTS

/*
 * Races: at the point, in the same thread, as a handler would.
 */

static void race_setup(void)
{
	forget_races();
	setup();
	/* From here on the loop counts as asleep. */
	ck_assert(!is_due(loop));
}

static void race_teardown(void)
{
	forget_races();
	xt_wait_teardown();
}

static void set_flag(void)
{
	isr_flag_set(&flag);
}

START_TEST(told_race_set_before_it_joins)
{
	race_at(0, "flag-wait:join", set_flag);
	begin_many(1, &flag);

	assert_raced(1);
	assert_gets(0, 1);
}
END_TEST

START_TEST(told_race_set_before_it_joins_what_a_thread_took)
{
	set(1, &flag);
	settle();
	ck_assert_int_eq(xt_wait_elsewhere(&flag, 0), 1);
	race_at(0, "flag-wait:join", set_flag);
	begin_many(1, &flag);

	assert_raced(1);
	assert_gets(0, 1);
}
END_TEST

START_TEST(told_race_set_while_it_takes)
{
	begin_many(1, &flag);
	set(1, &flag);
	settle();
	race_at(0, "flag-wait:B", set_flag);

	assert_gets(0, 2);
	assert_raced(1);
	ck_assert_uint_eq(flag.word, 0);
	ck_assert(begin(1, &flag));
	set(1, &flag);
	assert_gets(1, 1);
}
END_TEST

START_TEST(told_race_set_while_a_thread_is_handed_its_share)
{
	/* From here on, because the thread looks there as well. */
	race_at(0, "flag:B3", set_flag);
	xt_wait_start(&waiter, &flag, ISR_FOREVER);
	begin_many(1, &flag);
	set(1, &flag);

	ck_assert_int_eq(xt_wait_join(&waiter), 1);
	assert_raced(1);
	assert_gets(0, 1);
}
END_TEST

START_TEST(told_race_set_while_it_gives_back)
{
	set(2, &flag);
	latch(0, &flag);
	settle();
	ck_assert(begin(1, &flag));
	race_at(0, "flag-wait:give-back", set_flag);
	isri_told_give_back(waits(), &tolds[0].waiter);

	assert_raced(1);
	ck_assert_uint_eq(isr_flag_peek(&flag), 3);
	assert_gets(1, 3);
}
END_TEST

/* A foreign loop sees only the descriptor. */
START_TEST(told_race_leaves_while_a_foreign_loop_sleeps)
{
	begin_many(2, &flag);
	set(1, &flag);
	settle();
	ck_assert(!is_due(loop));
	leave(0);

	ck_assert(is_due(loop));
	assert_gets(1, 1);
}
END_TEST

#endif

/*
 * All of it at once: tasks come and go, are cancelled and run, a thread waits
 * as well, and threads and a handler set; each set is somebody's, once.
 */

#define SETS 20000
#define TASKS 4

static atomic_uint n_taken, n_set;
/* Nobody sets any more, but a handler here. */
static atomic_bool is_over;

static void set_counted(void)
{
	isr_flag_set(&flag);
	atomic_fetch_add(&n_set, 1);
}

static void on_signal(int signo)
{
	set_counted();
}

static void *set_many(void *arg)
{
	unsigned int i;

	for (i = 0; i < SETS; i++)
		set_counted();
	is_over = true;
	return NULL;
}

static void *take_many(void *arg)
{
	int64_t timeouts[] = {0, 1, 20000, ISR_FOREVER};
	unsigned int i;
	int r;

	for (i = 0;; i++) {
		r = isr_flag_wait(&flag, timeouts[i % 4]);
		if (r == -ECANCELED)
			return NULL;
		if (r > 0)
			atomic_fetch_add(&n_taken, r);
	}
}

/* A turn of a task: it was woken, or comes, or goes. */
static void turn(unsigned int i, unsigned int choice)
{
	struct told *told = &tolds[i];

	if (!told->is_waiting)
		begin(i, &flag);
	else if (told->is_due)
		run(i);
	else if (choice % 16 == 0)
		leave(i);
	if (!told->is_waiting && told->got > 0) {
		atomic_fetch_add(&n_taken, told->got);
		told->got = 0;
	}
}

START_TEST(told_shares_out_each_set_once)
{
	struct sigaction action = {.sa_handler = on_signal};
	pthread_t setter, taker;
	unsigned int i;

	n_taken = n_set = 0;
	is_over = false;
	sigaction(SIGUSR1, &action, NULL);
	pthread_create(&taker, NULL, take_many, NULL);
	pthread_create(&setter, NULL, set_many, NULL);
	for (i = 0; !is_over || n_taken < n_set; i++) {
		turn(i % TASKS, i / TASKS);
		if (i % 8 == 0 && n_set < SETS)
			raise(SIGUSR1);
		xt_ok(isr_loop_dispatch(loop));
	}

	pthread_join(setter, NULL);
	for (i = 0; i < TASKS; i++) {
		if (tolds[i].is_waiting)
			leave(i);
	}
	xt_ok(isr_flag_done(&flag));
	pthread_join(taker, NULL);
	ck_assert_uint_eq(n_taken, n_set);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("told races");
	TCase *tc;

#ifdef ISR_TEST_POINTS
	tc = xt_case(suite, "race");
	tcase_add_checked_fixture(tc, race_setup, race_teardown);
	tcase_add_test(tc, told_race_set_before_it_joins);
	tcase_add_test(tc, told_race_set_before_it_joins_what_a_thread_took);
	tcase_add_test(tc, told_race_set_while_it_takes);
	tcase_add_test(tc, told_race_set_while_a_thread_is_handed_its_share);
	tcase_add_test(tc, told_race_set_while_it_gives_back);
	tcase_add_test(tc, told_race_leaves_while_a_foreign_loop_sleeps);
#endif

	tc = xt_case(suite, "flood");
	tcase_add_checked_fixture(tc, setup, xt_wait_teardown);
	tcase_add_test(tc, told_shares_out_each_set_once);
	return xt_main(suite);
}
