/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Guards: ordinary code holds, handlers try, nobody is refused uncounted. */
#include <limits.h>
#include <pthread.h>
#include <sys/time.h>

#include <isrloop/flag.h>
#include <isrloop/guard.h>
#include <isrloop/loop.h>

#include "context.h"
#include "flood.h"
#include "guard.h"

static struct isr_guard guard;

static void setup(void)
{
	guard = (struct isr_guard)ISR_GUARD_INIT;
}

START_TEST(guard_is_taken_by_one_try)
{
	ck_assert(isr_guard_try(&guard));
	ck_assert(!isr_guard_try(&guard));

	isr_guard_release(&guard);
	ck_assert(isr_guard_try(&guard));
}
END_TEST

START_TEST(guard_drop_tells_how_many_tries_were_refused)
{
	xt_ok(isr_guard_hold(&guard));
	ck_assert(!isr_guard_try(&guard));
	ck_assert(!isr_guard_try(&guard));

	ck_assert_int_eq(isr_guard_drop(&guard), 2);

	xt_ok(isr_guard_hold(&guard));
	ck_assert_int_eq(isr_guard_drop(&guard), 0);
}
END_TEST

START_TEST(guard_drop_tells_nothing_of_before_the_hold)
{
	ck_assert(isr_guard_try(&guard));
	ck_assert(!isr_guard_try(&guard));
	isr_guard_release(&guard);

	xt_ok(isr_guard_hold(&guard));
	ck_assert_int_eq(isr_guard_drop(&guard), 0);
}
END_TEST

START_TEST(guard_is_held_once_by_a_thread)
{
	xt_ok(isr_guard_hold(&guard));
	xt_fails_with(EDEADLK, isr_guard_hold(&guard));

	xt_ok(isr_guard_drop(&guard));
	xt_fails_with(EPERM, isr_guard_drop(&guard));
}
END_TEST

START_TEST(guard_taken_by_a_try_is_neither_held_nor_dropped)
{
	ck_assert(isr_guard_try(&guard));
	xt_fails_with(EDEADLK, isr_guard_hold(&guard));
	xt_fails_with(EPERM, isr_guard_drop(&guard));

	ck_assert(!isr_guard_try(&guard));
	isr_guard_release(&guard);
	ck_assert(isr_guard_try(&guard));
}
END_TEST

START_TEST(guard_that_is_held_is_not_released)
{
	xt_ok(isr_guard_hold(&guard));
	ck_assert(!isr_guard_try(&guard));
	isr_guard_release(&guard);

	ck_assert(!isr_guard_try(&guard));
	ck_assert_int_eq(isr_guard_drop(&guard), 2);
}
END_TEST

static void *give_back_elsewhere(void *arg)
{
	ck_assert(!isr_guard_try(&guard));
	isr_guard_release(&guard);
	xt_fails_with(EPERM, isr_guard_drop(&guard));
	return arg;
}

START_TEST(guard_is_given_back_by_its_thread_only)
{
	pthread_t thread;

	if (_i)
		xt_ok(isr_guard_hold(&guard));
	else
		ck_assert(isr_guard_try(&guard));
	ck_assert_int_eq(
		pthread_create(&thread, NULL, give_back_elsewhere, NULL), 0);
	pthread_join(thread, NULL);

	ck_assert(!isr_guard_try(&guard));
}
END_TEST

START_TEST(guard_is_not_held_in_isr_context)
{
	struct isri_frame frame;

	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, NULL, NULL);
	xt_fails_with(EPERM, isr_guard_hold(&guard));
	isri_context_leave(&frame);

	xt_ok(isr_guard_hold(&guard));
	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, NULL, NULL);
	xt_fails_with(EPERM, isr_guard_drop(&guard));
	isri_context_leave(&frame);
	ck_assert(!isr_guard_try(&guard));
}
END_TEST

START_TEST(guard_count_of_tries_ends_before_it_means_something_else)
{
	unsigned int i;

	xt_ok(isr_guard_hold(&guard));
	guard.word += ISRI_GUARD_TRIES_MAX - 2;
	for (i = 0; i < 4; i++)
		ck_assert(!isr_guard_try(&guard));

	ck_assert_uint_eq(guard.word & ISRI_GUARD_TRIES_MASK,
			  ISRI_GUARD_TRIES_MAX);
	ck_assert_int_eq(isr_guard_drop(&guard), INT_MAX / 2);
	ck_assert(isr_guard_try(&guard));
}
END_TEST

START_TEST(guard_refuses_bad_arguments)
{
	xt_fails_with(EINVAL, isr_guard_hold(NULL));
	xt_fails_with(EINVAL, isr_guard_drop(NULL));
}
END_TEST

/*
 * Data of two words, which are the same whenever the guard is free. Between
 * the two there is time to be interrupted.
 */
static volatile unsigned int a, b;
static volatile unsigned int n_updated;
/* Read by who waits for a signal, which a sanitizer may put off until then. */
static atomic_uint n_denied;
static unsigned int n_split, n_told;

static void reset_pair(void)
{
	a = b = n_updated = n_denied = 0;
	n_split = n_told = 0;
}

static void linger(void)
{
	volatile unsigned int i;

	for (i = 0; i < 100; i++)
		;
}

static void update_or_skip(void)
{
	if (!isr_guard_try(&guard)) {
		n_denied++;
		return;
	}
	a = a + 1;
	b = b + 1;
	n_updated = n_updated + 1;
	isr_guard_release(&guard);
}

static bool is_split(void (*in_between)(void))
{
	unsigned int seen = a;

	in_between();
	return seen != b;
}

START_TEST(guard_keeps_a_pair_together_against_a_handler)
{
	int r;

	reset_pair();
	flood_start(update_or_skip);
	while (!flood_is_over()) {
		xt_ok(isr_guard_hold(&guard));
		n_split += is_split(linger);
		r = isr_guard_drop(&guard);
		n_told += (unsigned int)r;
	}
	flood_end();

	ck_assert_uint_eq(n_split, 0);
	ck_assert_uint_eq(n_told, n_denied);
	ck_assert_uint_eq(n_updated + n_denied, FLOOD_SIGNALS);
	ck_assert_uint_eq(a, n_updated);
}
END_TEST

static void update_always(void)
{
	a = a + 1;
	b = b + 1;
}

/* The power of the test above: it would see it. */
START_TEST(guard_broken_twin_a_pair_without_guard_is_split)
{
	reset_pair();
	flood_start_by_hand(update_always);
	while (!flood_is_over())
		n_split += is_split(flood_let_in);
	flood_end();

	ck_assert_uint_gt(n_split, 0);
}
END_TEST

#define HOLDS 2000U
#define DENIED 100U

static struct isr_loop *loop;
static unsigned int n_held;

/*
 * Ordinary code updates the pair, one word long after the other; at first so
 * long that the handler comes in between and is denied.
 */
static void update_in_a_step(struct isr_flag *flag, uint32_t count, void *arg)
{
	unsigned int i, denied;

	(void)count;
	(void)arg;
	xt_ok(isr_guard_hold(&guard));
	denied = n_denied;
	n_split += a != b;
	a = a + 1;
	for (i = 0; i < 50 || (n_held < DENIED && n_denied == denied); i++)
		linger();
	b = b + 1;
	n_told += (unsigned int)isr_guard_drop(&guard);
	if (++n_held == HOLDS)
		isr_loop_stop(loop);
	else
		isr_flag_set(flag);
}

static void on_alarm(int signo)
{
	(void)signo;
	update_or_skip();
}

/* After mutex_test.py: a timer's handler and a loop that both update. */
START_TEST(guard_keeps_a_pair_together_between_a_timer_and_the_loop)
{
	struct sigaction action = {.sa_handler = on_alarm}, found;
	struct itimerval period = {{0, 200}, {0, 200}};
	struct itimerval never = {{0, 0}, {0, 0}};
	struct isr_flag flag;

	reset_pair();
	n_held = 0;
	xt_ok(isr_loop_new(&xt_patient, &loop));
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, update_in_a_step, NULL));
	sigaction(SIGALRM, &action, &found);
	setitimer(ITIMER_REAL, &period, NULL);
	isr_flag_set(&flag);

	xt_ok(isr_loop_run(loop));

	setitimer(ITIMER_REAL, &never, NULL);
	/* One that is pending is handled here at the latest. */
	raise(SIGALRM);
	sigaction(SIGALRM, &found, NULL);
	xt_ok(isr_loop_free(loop));
	ck_assert_uint_eq(n_split, 0);
	ck_assert_uint_ge(n_told, DENIED);
	ck_assert_uint_eq(n_told, n_denied);
	ck_assert_uint_eq(a, n_held + n_updated);
	ck_assert_uint_eq(b, a);
}
END_TEST

#define ROUNDS 20000U

/* Written by whoever has the guard, and not atomic: it is the guard's work. */
static unsigned int n_inside, n_rounds;
static atomic_uint n_intruders, n_entered, n_refused, n_workers;

static void work_inside(void)
{
	n_intruders += n_inside++ != 0;
	n_rounds++;
	n_inside--;
	n_entered++;
}

static void try_to_work(void)
{
	if (isr_guard_try(&guard)) {
		work_inside();
		isr_guard_release(&guard);
	} else {
		n_refused++;
	}
}

static void *try_many(void *arg)
{
	struct isri_frame frame;
	unsigned int i;

	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, NULL, NULL);
	for (i = 0; i < ROUNDS; i++)
		try_to_work();
	isri_context_leave(&frame);
	n_workers--;
	return arg;
}

static void *hold_many(void *arg)
{
	unsigned int i;

	for (i = 0; i < ROUNDS / 10; i++) {
		isr_guard_hold(&guard);
		work_inside();
		isr_guard_drop(&guard);
	}
	n_workers--;
	return arg;
}

/* Two handlers in threads, one that interrupts, and two that may wait. */
START_TEST(guard_lets_one_in_at_a_time)
{
	void *(*const work[])(void *) = {try_many, try_many, hold_many};
	pthread_t threads[3];
	unsigned int i, n_mine = 0;

	n_inside = n_rounds = 0;
	n_intruders = n_entered = n_refused = 0;
	n_workers = 3;
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, work[i], NULL), 0);
	flood_start(try_to_work);
	while (!flood_is_over() || n_workers) {
		isr_guard_hold(&guard);
		work_inside();
		isr_guard_drop(&guard);
		n_mine++;
	}
	flood_end();
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);

	ck_assert_uint_eq(n_intruders, 0);
	ck_assert_uint_eq(n_rounds, n_entered);
	ck_assert_uint_eq(n_entered + n_refused,
			  2 * ROUNDS + ROUNDS / 10 + FLOOD_SIGNALS + n_mine);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guard");
	TCase *tc = xt_case(suite, "contract");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, guard_is_taken_by_one_try);
	tcase_add_test(tc, guard_drop_tells_how_many_tries_were_refused);
	tcase_add_test(tc, guard_drop_tells_nothing_of_before_the_hold);
	tcase_add_test(tc, guard_is_held_once_by_a_thread);
	tcase_add_test(tc, guard_taken_by_a_try_is_neither_held_nor_dropped);
	tcase_add_test(tc, guard_that_is_held_is_not_released);
	tcase_add_loop_test(tc, guard_is_given_back_by_its_thread_only, 0, 2);
	tcase_add_test(tc, guard_is_not_held_in_isr_context);
	tcase_add_test(
		tc, guard_count_of_tries_ends_before_it_means_something_else);
	tcase_add_test(tc, guard_refuses_bad_arguments);

	tc = xt_case(suite, "races");
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, guard_keeps_a_pair_together_against_a_handler);
	tcase_add_test(tc, guard_broken_twin_a_pair_without_guard_is_split);
	tcase_add_test(
		tc, guard_keeps_a_pair_together_between_a_timer_and_the_loop);
	tcase_add_test(tc, guard_lets_one_in_at_a_time);
	return xt_main(suite);
}
