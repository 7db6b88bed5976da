/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Threads wait for flags. */
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "context.h"
#include "flag.h"
#include "xt-wait.h"

#define MANY 100

static struct isr_flag flag, sticky;
static struct xt_waiter waiters[MANY];
static unsigned int n_calls;

static void setup(void)
{
	xt_wait_setup();
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&sticky, loop, ISR_FLAG_STICKY));
	n_calls = 0;
}

static void start(unsigned int n, struct isr_flag *f)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		xt_wait_start(&waiters[i], f, ISR_FOREVER);
}

static void set(unsigned int n, struct isr_flag *f)
{
	while (n--)
		isr_flag_set(f);
}

static void note(struct isr_flag *f, uint32_t count, void *arg)
{
	n_calls++;
}

/*
 * Who gets what
 */

START_TEST(wait_alone_gets_the_whole_count)
{
	start(1, &flag);
	set(3, &flag);

	ck_assert_int_eq(xt_wait_join(&waiters[0]), 3);
	ck_assert_uint_eq(isr_flag_peek(&flag), 0);
}
END_TEST

START_TEST(wait_takes_what_is_set_without_the_loop)
{
	set(2, &flag);
	set(2, &sticky);

	ck_assert_int_eq(xt_wait_elsewhere(&flag, ISR_FOREVER), 2);
	ck_assert_int_eq(xt_wait_elsewhere(&sticky, 0), 2);
	xt_fails_with(ETIMEDOUT, xt_wait_elsewhere(&flag, 0));
	ck_assert_uint_eq(isr_flag_peek(&sticky), 2);
}
END_TEST

START_TEST(wait_after_a_flag_was_told_to_nobody)
{
	set(1, &flag);
	xt_dispatch();
	ck_assert_int_eq(xt_wait_elsewhere(&flag, 0), 1);

	/* The word is not 0 by now, and no set announces it. */
	start(1, &flag);
	xt_dispatch();
	ck_assert_uint_eq(xt_n_waiting(&flag), 1);
	set(1, &flag);
	xt_assert_served(&flag);
	ck_assert_int_eq(xt_wait_join(&waiters[0]), 1);
}
END_TEST

START_TEST(wait_after_a_flag_was_taken_while_queued)
{
	set(1, &flag);
	ck_assert_int_eq(isr_flag_take(&flag), 1);

	start(1, &flag);
	set(2, &flag);

	xt_assert_served(&flag);
	ck_assert_int_eq(xt_wait_join(&waiters[0]), 2);
}
END_TEST

START_TEST(wait_releases_two_in_order)
{
	start(2, &flag);
	set(1, &flag);
	ck_assert_int_eq(xt_wait_join(&waiters[0]), 1);
	ck_assert_uint_eq(xt_n_waiting(&flag), 1);

	set(1, &flag);
	ck_assert_int_eq(xt_wait_join(&waiters[1]), 1);
	ck_assert_uint_eq(waiters[0].place, 1);
	ck_assert_uint_eq(waiters[1].place, 2);
}
END_TEST

START_TEST(wait_gives_the_last_what_is_left)
{
	start(3, &flag);
	set(5, &flag);

	xt_assert_served(&flag);
	ck_assert_int_eq(xt_wait_join(&waiters[0]), 1);
	ck_assert_int_eq(xt_wait_join(&waiters[1]), 1);
	ck_assert_int_eq(xt_wait_join(&waiters[2]), 3);
}
END_TEST

START_TEST(wait_of_a_hundred_leaves_nobody)
{
	unsigned int i;

	start(MANY, &flag);
	for (i = 0; i < MANY; i++) {
		set(1, &flag);
		ck_assert_int_eq(xt_wait_join(&waiters[i]), 1);
		ck_assert_uint_eq(waiters[i].place, i + 1);
	}
}
END_TEST

START_TEST(wait_of_a_hundred_for_one_sticky_set)
{
	unsigned int i;

	start(MANY, &sticky);
	set(1, &sticky);

	xt_assert_served(&sticky);
	for (i = 0; i < MANY; i++)
		ck_assert_int_eq(xt_wait_join(&waiters[i]), 1);
	ck_assert_int_eq(isr_flag_take(&sticky), 1);
}
END_TEST

START_TEST(wait_goes_on_when_the_flag_was_cleared)
{
	struct isr_flag *f = _i ? &sticky : &flag;

	start(1, f);
	set(1, f);
	xt_ok(isr_flag_clear(f));
	xt_dispatch();
	ck_assert_uint_eq(xt_n_waiting(f), 1);

	set(1, f);
	ck_assert_int_eq(xt_wait_join(&waiters[0]), 1);
}
END_TEST

START_TEST(wait_after_set_and_clear_blocks)
{
	struct isr_flag *f = _i ? &sticky : &flag;

	set(1, f);
	xt_dispatch();
	xt_ok(isr_flag_clear(f));

	start(1, f);
	xt_dispatch();
	ck_assert_uint_eq(xt_n_waiting(f), 1);
	set(1, f);
	ck_assert_int_eq(xt_wait_join(&waiters[0]), 1);
}
END_TEST

/*
 * Time-outs
 */

START_TEST(wait_that_times_out_consumes_nothing)
{
	xt_fails_with(ETIMEDOUT, xt_wait_elsewhere(&flag, 1));
	xt_fails_with(ETIMEDOUT, xt_wait_elsewhere(&flag, 0));
	set(1, &flag);
	xt_dispatch();

	ck_assert_uint_eq(xt_n_waiting(&flag), 0);
	ck_assert_int_eq(isr_flag_take(&flag), 1);
}
END_TEST

START_TEST(wait_that_times_out_leaves_their_share_to_others)
{
	start(1, &flag);
	set(1, &flag);
	xt_fails_with(ETIMEDOUT, xt_wait_elsewhere(&flag, 0));
	xt_fails_with(ETIMEDOUT, xt_wait_elsewhere(&flag, 1));
	set(1, &flag);
	ck_assert_int_eq(xt_wait_elsewhere(&flag, 0), 1);

	ck_assert_int_eq(xt_wait_join(&waiters[0]), 1);
	ck_assert_uint_eq(isr_flag_peek(&flag), 0);
}
END_TEST

START_TEST(wait_in_the_middle_may_time_out)
{
	start(1, &flag);
	xt_fails_with(ETIMEDOUT, xt_wait_elsewhere(&flag, 1));
	xt_wait_start(&waiters[1], &flag, ISR_FOREVER);
	xt_fails_with(ETIMEDOUT, xt_wait_elsewhere(&flag, 1));
	set(2, &flag);

	ck_assert_int_eq(xt_wait_join(&waiters[0]), 1);
	ck_assert_int_eq(xt_wait_join(&waiters[1]), 1);
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

START_TEST(event_that_is_set_lets_a_waiter_through)
{
	isr_flag_set(&sticky);
	xt_dispatch();
	ck_assert_int_eq(xt_wait_elsewhere(&sticky, ISR_FOREVER), 1);
}
END_TEST

START_TEST(event_survives_that_its_first_waiter_gave_up)
{
	xt_fails_with(ETIMEDOUT, xt_wait_elsewhere(&sticky, 1));

	start(2, &sticky);
	isr_flag_set(&sticky);

	ck_assert_int_eq(xt_wait_join(&waiters[0]), 1);
	ck_assert_int_eq(xt_wait_join(&waiters[1]), 1);
}
END_TEST

/*
 * Refused
 */

START_TEST(wait_beside_another_on_an_exclusive_flag_is_refused)
{
	static struct isr_flag exclusive;

	xt_ok(isr_flag_init(&exclusive, loop,
			    ISR_FLAG_AUTO | ISR_FLAG_EXCLUSIVE));
	start(1, &exclusive);
	xt_fails_with(EBUSY, xt_wait_elsewhere(&exclusive, 0));
	set(1, &exclusive);
	xt_fails_with(EBUSY, xt_wait_elsewhere(&exclusive, 1));

	ck_assert_int_eq(xt_wait_join(&waiters[0]), 1);
	xt_fails_with(ETIMEDOUT, xt_wait_elsewhere(&exclusive, 0));
}
END_TEST

START_TEST(wait_beside_a_callback_is_refused)
{
	xt_ok(isr_flag_set_cb(&flag, note, NULL));
	xt_fails_with(EBUSY, xt_wait_elsewhere(&flag, ISR_FOREVER));

	xt_ok(isr_flag_set_cb(&flag, NULL, &flag));
	start(1, &flag);
	xt_fails_with(EBUSY, isr_flag_set_cb(&flag, note, NULL));
	xt_ok(isr_flag_set_cb(&flag, NULL, NULL));
	set(1, &flag);

	ck_assert_int_eq(xt_wait_join(&waiters[0]), 1);
	ck_assert_uint_eq(n_calls, 0);
	xt_ok(isr_flag_set_cb(&flag, note, NULL));
}
END_TEST

START_TEST(wait_refuses_bad_arguments)
{
	static struct isr_flag zeroed;

	xt_fails_with(EINVAL, xt_wait_elsewhere(NULL, 0));
	xt_fails_with(EINVAL, xt_wait_elsewhere(&flag, ISR_FOREVER - 1));
	xt_fails_with(EINVAL, xt_wait_elsewhere(&zeroed, ISR_FOREVER));
}
END_TEST

START_TEST(wait_on_the_loop_is_refused)
{
	set(1, &flag);
	xt_fails_with(EDEADLK, isr_flag_wait(&flag, ISR_FOREVER));
	xt_fails_with(EDEADLK, isr_flag_wait(&flag, 0));
	ck_assert_int_eq(isr_flag_take(&flag), 1);
}
END_TEST

static void *wait_in_isr_context(void *arg)
{
	struct isri_frame frame;

	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, loop, NULL);
	*(int *)arg = isr_flag_wait(&flag, ISR_FOREVER);
	isri_context_leave(&frame);
	return NULL;
}

START_TEST(wait_in_isr_context_is_refused)
{
	pthread_t thread;
	int r;

	set(1, &flag);
	pthread_create(&thread, NULL, wait_in_isr_context, &r);
	pthread_join(thread, NULL);

	xt_fails_with(EPERM, r);
	ck_assert_int_eq(isr_flag_take(&flag), 1);
}
END_TEST

START_TEST(wait_in_a_child_is_refused)
{
	int status;
	pid_t pid;

	set(1, &flag);
	pid = fork();
	if (pid == 0)
		_exit(isr_flag_wait(&flag, ISR_FOREVER) == -EPERM ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);

	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(isr_flag_take(&flag), 1);
}
END_TEST

/*
 * The end
 */

START_TEST(wait_ends_with_its_flag)
{
	start(3, &flag);
	xt_wait_start(&waiters[3], &sticky, ISR_FOREVER);

	xt_ok(isr_flag_done(&flag));

	ck_assert_int_eq(xt_wait_join(&waiters[0]), -ECANCELED);
	ck_assert_int_eq(xt_wait_join(&waiters[1]), -ECANCELED);
	ck_assert_int_eq(xt_wait_join(&waiters[2]), -ECANCELED);
	ck_assert_uint_eq(xt_n_waiting(&sticky), 1);
	xt_fails_with(ECANCELED, xt_wait_elsewhere(&flag, ISR_FOREVER));
	set(1, &sticky);
	ck_assert_int_eq(xt_wait_join(&waiters[3]), 1);
}
END_TEST

START_TEST(wait_ends_with_its_loop)
{
	unsigned int i;

	/* One of them late, one whose count is there and not delivered. */
	set(1, &flag);
	ck_assert_int_eq(isr_flag_take(&flag), 1);
	start(2, &flag);
	xt_wait_start(&waiters[2], &sticky, ISR_FOREVER);
	set(1, &flag);

	xt_ok(isr_loop_free(loop));
	loop = NULL;

	for (i = 0; i < 3; i++) {
		pthread_join(waiters[i].thread, NULL);
		ck_assert_int_eq(waiters[i].result, -ECANCELED);
	}
	xt_fails_with(ECANCELED, xt_wait_elsewhere(&flag, 0));
}
END_TEST

/*
 * All of it at once
 */

#define N_SETTERS 3
#define SETS 20000
#define N_WAITERS 4

static atomic_uint n_taken;

static void *set_many(void *arg)
{
	unsigned int i;

	for (i = 0; i < SETS; i++)
		isr_flag_set(&flag);
	return NULL;
}

/* Some with patience, some without; all are interested in each set. */
static void *take_many(void *arg)
{
	int64_t timeouts[] = {0, 1, 20000, ISR_FOREVER};
	unsigned int i;

	for (i = (unsigned int)(uintptr_t)arg;; i++) {
		int r = isr_flag_wait(&flag, timeouts[i % 4]);

		if (r == -ECANCELED)
			return NULL;
		if (r > 0 &&
		    atomic_fetch_add(&n_taken, r) + r == N_SETTERS * SETS)
			isr_loop_stop(loop);
	}
}

START_TEST(wait_shares_out_each_set_once)
{
	pthread_t setters[N_SETTERS], takers[N_WAITERS];
	uintptr_t i;

	n_taken = 0;
	for (i = 0; i < N_WAITERS; i++)
		pthread_create(&takers[i], NULL, take_many, (void *)i);
	for (i = 0; i < N_SETTERS; i++)
		pthread_create(&setters[i], NULL, set_many, NULL);

	xt_ok(isr_loop_run(loop));

	for (i = 0; i < N_SETTERS; i++)
		pthread_join(setters[i], NULL);
	xt_ok(isr_flag_done(&flag));
	for (i = 0; i < N_WAITERS; i++)
		pthread_join(takers[i], NULL);
	ck_assert_uint_eq(n_taken, N_SETTERS * SETS);
}
END_TEST

START_TEST(wait_ends_with_its_loop_in_the_middle_of_a_flood)
{
	pthread_t setter, takers[N_WAITERS];
	uintptr_t i;

	n_taken = 0;
	for (i = 0; i < N_WAITERS; i++)
		pthread_create(&takers[i], NULL, take_many, (void *)i);
	pthread_create(&setter, NULL, set_many, NULL);
	while (n_taken < SETS / 10)
		xt_ok(isr_loop_dispatch(loop));

	xt_ok(isr_loop_free(loop));

	for (i = 0; i < N_WAITERS; i++)
		pthread_join(takers[i], NULL);
	pthread_join(setter, NULL);
	loop = NULL;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flag wait");
	TCase *tc = xt_case(suite, "share");

	tcase_add_checked_fixture(tc, setup, xt_wait_teardown);
	tcase_add_test(tc, wait_alone_gets_the_whole_count);
	tcase_add_test(tc, wait_takes_what_is_set_without_the_loop);
	tcase_add_test(tc, wait_after_a_flag_was_told_to_nobody);
	tcase_add_test(tc, wait_after_a_flag_was_taken_while_queued);
	tcase_add_test(tc, wait_releases_two_in_order);
	tcase_add_test(tc, wait_of_a_hundred_leaves_nobody);
	tcase_add_test(tc, wait_of_a_hundred_for_one_sticky_set);
	tcase_add_loop_test(tc, wait_goes_on_when_the_flag_was_cleared, 0, 2);
	tcase_add_loop_test(tc, wait_after_set_and_clear_blocks, 0, 2);

	tc = xt_case(suite, "rest");
	tcase_add_checked_fixture(tc, setup, xt_wait_teardown);
	tcase_add_test(tc, wait_gives_the_last_what_is_left);

	tc = xt_case(suite, "timeout");
	tcase_add_checked_fixture(tc, setup, xt_wait_teardown);
	tcase_add_test(tc, wait_that_times_out_consumes_nothing);
	tcase_add_test(tc, wait_that_times_out_leaves_their_share_to_others);
	tcase_add_test(tc, wait_in_the_middle_may_time_out);

	tc = xt_case(suite, "event");
	tcase_add_checked_fixture(tc, setup, xt_wait_teardown);
	tcase_add_test(tc, event_is_set_as_soon_as_it_was_set);
	tcase_add_test(tc, event_that_is_set_lets_a_waiter_through);
	tcase_add_test(tc, event_survives_that_its_first_waiter_gave_up);

	tc = xt_case(suite, "refused");
	tcase_add_checked_fixture(tc, setup, xt_wait_teardown);
	tcase_add_test(tc, wait_beside_another_on_an_exclusive_flag_is_refused);
	tcase_add_test(tc, wait_beside_a_callback_is_refused);
	tcase_add_test(tc, wait_refuses_bad_arguments);
	tcase_add_test(tc, wait_on_the_loop_is_refused);
	tcase_add_test(tc, wait_in_isr_context_is_refused);
	tcase_add_test(tc, wait_in_a_child_is_refused);

	tc = xt_case(suite, "end");
	tcase_add_checked_fixture(tc, setup, xt_wait_teardown);
	tcase_add_test(tc, wait_ends_with_its_flag);
	tcase_add_test(tc, wait_ends_with_its_loop);

	tc = xt_case(suite, "flood");
	tcase_add_checked_fixture(tc, setup, xt_wait_teardown);
	tcase_add_test(tc, wait_shares_out_each_set_once);
	tcase_add_test(tc, wait_ends_with_its_loop_in_the_middle_of_a_flood);
	return xt_main(suite);
}
