/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Flags: counting, delivery, consumption, end. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <isrloop/flag.h>
#include <isrloop/loop.h>

#include "flag.h"
#include "xt.h"

#define N_FLAGS 4

static struct isr_loop *loop;
static struct isr_flag flag, other;
/* What the callbacks saw, in order. */
static struct isr_flag *order[16];
static uint32_t counts[16];
static unsigned int n_calls;
static uint64_t n_sets;

static void setup(void)
{
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&other, loop, ISR_FLAG_AUTO));
	n_calls = 0;
	n_sets = 0;
}

static void teardown(void)
{
	isr_loop_free(loop);
}

static void note(struct isr_flag *f, uint32_t count, void *arg)
{
	order[n_calls % 16] = f;
	counts[n_calls % 16] = count;
	n_calls++;
	n_sets += count;
}

static void note_and_stop(struct isr_flag *f, uint32_t count, void *arg)
{
	note(f, count, arg);
	isr_loop_stop(loop);
}

START_TEST(flag_delivers_the_number_of_sets_once)
{
	xt_ok(isr_flag_set_cb(&flag, note, NULL));
	isr_flag_set(&flag);
	isr_flag_set(&flag);
	isr_flag_set(&flag);

	xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_calls, 1);
	ck_assert_uint_eq(counts[0], 3);
	ck_assert_uint_eq(isr_flag_peek(&flag), 0);
}
END_TEST

START_TEST(flag_hands_its_argument_on)
{
	static int seen;

	seen = 0;
	xt_ok(isr_flag_set_cb(&flag, note, &seen));
	ck_assert_ptr_eq(flag.arg, &seen);
}
END_TEST

START_TEST(flag_delivers_in_the_order_of_the_first_sets)
{
	xt_ok(isr_flag_set_cb(&flag, note, NULL));
	xt_ok(isr_flag_set_cb(&other, note, NULL));
	isr_flag_set(&other);
	isr_flag_set(&flag);
	isr_flag_set(&other);

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_calls, 2);
	ck_assert_ptr_eq(order[0], &other);
	ck_assert_ptr_eq(order[1], &flag);
}
END_TEST

static void set_other(struct isr_flag *f, uint32_t count, void *arg)
{
	note(f, count, arg);
	isr_flag_set(&other);
}

START_TEST(flag_set_by_a_callback_is_delivered_after_it)
{
	xt_ok(isr_flag_set_cb(&flag, set_other, NULL));
	xt_ok(isr_flag_set_cb(&other, note_and_stop, NULL));
	isr_flag_set(&flag);

	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(n_calls, 2);
	ck_assert_ptr_eq(order[1], &other);
}
END_TEST

START_TEST(flag_take_consumes_the_count)
{
	isr_flag_set(&flag);
	isr_flag_set(&flag);

	ck_assert_uint_eq(isr_flag_peek(&flag), 2);
	ck_assert_int_eq(isr_flag_take(&flag), 2);
	ck_assert_int_eq(isr_flag_take(&flag), 0);
}
END_TEST

START_TEST(flag_without_callback_keeps_its_count)
{
	isr_flag_set(&flag);
	xt_ok(isr_loop_dispatch(loop));
	isr_flag_set(&flag);
	xt_ok(isr_loop_dispatch(loop));

	ck_assert_int_eq(isr_flag_take(&flag), 2);
	isr_flag_set(&flag);
	ck_assert_int_eq(isr_flag_take(&flag), 1);
}
END_TEST

START_TEST(flag_callback_set_late_gets_earlier_sets)
{
	isr_flag_set(&flag);
	xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_flag_set_cb(&flag, note, NULL));

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_calls, 1);
	ck_assert_uint_eq(counts[0], 1);
}
END_TEST

START_TEST(flag_take_leaves_nothing_to_deliver)
{
	xt_ok(isr_flag_set_cb(&flag, note, NULL));
	isr_flag_set(&flag);
	ck_assert_int_eq(isr_flag_take(&flag), 1);

	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_calls, 0);

	isr_flag_set(&flag);
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_calls, 1);
}
END_TEST

START_TEST(flag_clear_cancels_a_queued_delivery)
{
	xt_ok(isr_flag_set_cb(&flag, note, NULL));
	isr_flag_set(&flag);
	xt_ok(isr_flag_clear(&flag));

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_calls, 0);
	isr_flag_set(&flag);
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_calls, 1);
}
END_TEST

START_TEST(flag_set_between_clear_and_delivery_is_delivered)
{
	xt_ok(isr_flag_set_cb(&flag, note, NULL));
	isr_flag_set(&flag);
	isr_flag_set(&flag);
	xt_ok(isr_flag_clear(&flag));
	isr_flag_set(&flag);

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_calls, 1);
	ck_assert_uint_eq(counts[0], 1);
}
END_TEST

START_TEST(flag_cleared_while_queued_stays_queued)
{
	isr_flag_set(&flag);
	xt_ok(isr_flag_clear(&flag));

	/* Or else the next set would link it into the list once more. */
	ck_assert_uint_eq(flag.word, ISRI_FLAG_KEPT);
}
END_TEST

static void set_self_once(struct isr_flag *f, uint32_t count, void *arg)
{
	note(f, count, arg);
	if (n_calls == 1)
		isr_flag_set(f);
}

START_TEST(flag_set_by_its_own_callback_keeps_others_queued)
{
	xt_ok(isr_flag_set_cb(&flag, set_self_once, NULL));
	xt_ok(isr_flag_set_cb(&other, note, NULL));
	isr_flag_set(&flag);
	isr_flag_set(&other);

	xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_calls, 3);
	ck_assert_ptr_eq(order[1], &other);
	ck_assert_ptr_eq(order[2], &flag);
}
END_TEST

START_TEST(flag_sticky_stays_set_until_cleared)
{
	static struct isr_flag sticky;

	xt_ok(isr_flag_init(&sticky, loop, ISR_FLAG_STICKY));
	isr_flag_set(&sticky);

	ck_assert_int_eq(isr_flag_take(&sticky), 1);
	ck_assert_int_eq(isr_flag_take(&sticky), 1);
	xt_ok(isr_flag_clear(&sticky));
	ck_assert_int_eq(isr_flag_take(&sticky), 0);
}
END_TEST

START_TEST(flag_sticky_is_told_once_each_time_it_gets_set)
{
	static struct isr_flag sticky;

	xt_ok(isr_flag_init(&sticky, loop, ISR_FLAG_STICKY));
	xt_ok(isr_flag_set_cb(&sticky, note, NULL));
	isr_flag_set(&sticky);
	xt_ok(isr_loop_dispatch(loop));
	isr_flag_set(&sticky);
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_calls, 1);

	xt_ok(isr_flag_clear(&sticky));
	isr_flag_set(&sticky);
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_calls, 2);
}
END_TEST

START_TEST(flag_sticky_cleared_while_queued_is_not_told)
{
	static struct isr_flag sticky;

	xt_ok(isr_flag_init(&sticky, loop, ISR_FLAG_STICKY));
	xt_ok(isr_flag_set_cb(&sticky, note, NULL));
	isr_flag_set(&sticky);
	xt_ok(isr_flag_clear(&sticky));
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_calls, 0);

	isr_flag_set(&sticky);
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_calls, 1);
}
END_TEST

START_TEST(flag_saturates)
{
	/* The state after 2^30 - 1 sets that nobody consumed. */
	isr_flag_set(&flag);
	flag.word |= ISR_FLAG_COUNT_MAX;
	isr_flag_set(&flag);

	ck_assert_uint_eq(isr_flag_peek(&flag), ISR_FLAG_COUNT_MAX);
	ck_assert_int_eq(isr_flag_take(&flag), ISR_FLAG_COUNT_MAX);
	ck_assert_int_eq(isr_flag_take(&flag), 0);
}
END_TEST

START_TEST(flag_set_after_done_does_nothing)
{
	xt_ok(isr_flag_set_cb(&flag, note, NULL));
	isr_flag_set(&flag);
	xt_ok(isr_flag_done(&flag));
	isr_flag_set(&flag);

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_calls, 0);
	xt_fails_with(EINVAL, isr_flag_take(&flag));
	xt_ok(isr_flag_done(&flag));
	xt_ok(isr_flag_done(NULL));
}
END_TEST

START_TEST(flag_memory_may_be_reused_after_done)
{
	xt_ok(isr_flag_set_cb(&other, note, NULL));
	isr_flag_set(&other);
	isr_flag_set(&flag);
	xt_ok(isr_flag_done(&flag));
	memset(&flag, 0xff, sizeof(flag));

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_calls, 1);
	ck_assert_ptr_eq(order[0], &other);
	memset(&flag, 0, sizeof(flag));
}
END_TEST

START_TEST(flag_set_after_the_end_of_its_loop_does_nothing)
{
	isr_loop_free(loop);
	loop = NULL;

	isr_flag_set(&flag);

	xt_fails_with(EINVAL, isr_flag_take(&flag));
}
END_TEST

START_TEST(flag_that_was_never_initialised_only_counts)
{
	static struct isr_flag zeroed;

	isr_flag_set(&zeroed);

	ck_assert_uint_eq(isr_flag_peek(&zeroed), 1);
	xt_ok(isr_flag_done(&zeroed));
}
END_TEST

static void finish_other(struct isr_flag *f, uint32_t count, void *arg)
{
	note(f, count, arg);
	xt_ok(isr_flag_done(&other));
}

START_TEST(flag_finished_by_an_earlier_callback_is_not_delivered)
{
	xt_ok(isr_flag_set_cb(&flag, finish_other, NULL));
	xt_ok(isr_flag_set_cb(&other, note, NULL));
	isr_flag_set(&flag);
	isr_flag_set(&other);

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_calls, 1);
	ck_assert_ptr_eq(order[0], &flag);
}
END_TEST

static void finish_self(struct isr_flag *f, uint32_t count, void *arg)
{
	note(f, count, arg);
	isr_flag_set(f);
	xt_ok(isr_flag_done(f));
}

START_TEST(flag_may_finish_itself)
{
	xt_ok(isr_flag_set_cb(&flag, finish_self, NULL));
	isr_flag_set(&flag);

	xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_calls, 1);
}
END_TEST

START_TEST(flag_refuses_bad_arguments)
{
	struct isr_flag f;

	xt_fails_with(EINVAL, isr_flag_init(NULL, loop, ISR_FLAG_AUTO));
	xt_fails_with(EINVAL, isr_flag_init(&f, NULL, ISR_FLAG_AUTO));
	xt_fails_with(EINVAL, isr_flag_init(&f, loop, (enum isr_flag_mode)7));
	xt_fails_with(EINVAL, isr_flag_take(NULL));
	xt_fails_with(EINVAL, isr_flag_clear(NULL));
	xt_fails_with(EINVAL, isr_flag_set_cb(NULL, note, NULL));
}
END_TEST

static void *use_elsewhere(void *arg)
{
	struct isr_flag f;

	xt_fails_with(EPERM, isr_flag_init(&f, loop, ISR_FLAG_AUTO));
	xt_fails_with(EPERM, isr_flag_set_cb(&flag, note, NULL));
	xt_fails_with(EPERM, isr_flag_take(&flag));
	xt_fails_with(EPERM, isr_flag_clear(&flag));
	xt_fails_with(EPERM, isr_flag_done(&flag));
	return NULL;
}

START_TEST(flag_refuses_other_threads)
{
	pthread_t thread;

	isr_flag_set(&flag);
	ck_assert_int_eq(pthread_create(&thread, NULL, use_elsewhere, NULL), 0);
	pthread_join(thread, NULL);

	ck_assert_int_eq(isr_flag_take(&flag), 1);
}
END_TEST

#define SETS_PER_THREAD 200000
#define N_THREADS 3

static struct isr_flag shared[N_FLAGS];

static void count_to_the_end(struct isr_flag *f, uint32_t count, void *arg)
{
	n_sets += count;
	if (n_sets == N_THREADS * SETS_PER_THREAD)
		isr_loop_stop(loop);
}

static void *set_many(void *arg)
{
	unsigned int i;

	for (i = 0; i < SETS_PER_THREAD; i++)
		isr_flag_set(&shared[i % N_FLAGS]);
	return NULL;
}

START_TEST(flag_counts_exactly_from_many_threads)
{
	pthread_t threads[N_THREADS];
	unsigned int i;

	for (i = 0; i < N_FLAGS; i++) {
		xt_ok(isr_flag_init(&shared[i], loop, ISR_FLAG_AUTO));
		xt_ok(isr_flag_set_cb(&shared[i], count_to_the_end, NULL));
	}
	for (i = 0; i < N_THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, set_many, NULL), 0);

	xt_ok(isr_loop_run(loop));

	for (i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_sets, N_THREADS * SETS_PER_THREAD);
}
END_TEST

#define SIGNALS 20000

static atomic_uint n_signals;

static void set_in_handler(int signo)
{
	isr_flag_set(&shared[n_signals % N_FLAGS]);
	n_signals++;
}

static void count_signals(struct isr_flag *f, uint32_t count, void *arg)
{
	n_sets += count;
	if (n_sets == SIGNALS + SETS_PER_THREAD)
		isr_loop_stop(loop);
}

/* Sets in a loop, interrupted by a handler that sets the same flags. */
static void *set_and_be_interrupted(void *arg)
{
	unsigned int i;

	for (i = 0; i < SETS_PER_THREAD; i++) {
		isr_flag_set(&shared[i % N_FLAGS]);
		if (i % (SETS_PER_THREAD / SIGNALS) == 0)
			pthread_kill(pthread_self(), SIGUSR1);
	}
	return NULL;
}

START_TEST(flag_counts_exactly_over_an_interrupted_set)
{
	struct sigaction action = {.sa_handler = set_in_handler};
	struct sigaction before;
	pthread_t thread;
	unsigned int i;

	n_signals = 0;
	sigaction(SIGUSR1, &action, &before);
	for (i = 0; i < N_FLAGS; i++) {
		xt_ok(isr_flag_init(&shared[i], loop, ISR_FLAG_AUTO));
		xt_ok(isr_flag_set_cb(&shared[i], count_signals, NULL));
	}
	ck_assert_int_eq(
		pthread_create(&thread, NULL, set_and_be_interrupted, NULL), 0);

	xt_ok(isr_loop_run(loop));

	pthread_join(thread, NULL);
	sigaction(SIGUSR1, &before, NULL);
	ck_assert_uint_eq(n_signals, SIGNALS);
	ck_assert_uint_eq(n_sets, SIGNALS + SETS_PER_THREAD);
}
END_TEST

START_TEST(flag_set_keeps_errno)
{
	/* Asleep as far as a setter can tell, so that it writes. */
	ck_assert_int_ge(isr_loop_get_fd(loop), 0);
	errno = 4711;
	isr_flag_set(&flag);
	ck_assert_int_eq(errno, 4711);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flag");
	TCase *tc = xt_case(suite, "contract");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, flag_delivers_the_number_of_sets_once);
	tcase_add_test(tc, flag_hands_its_argument_on);
	tcase_add_test(tc, flag_delivers_in_the_order_of_the_first_sets);
	tcase_add_test(tc, flag_set_by_a_callback_is_delivered_after_it);
	tcase_add_test(tc, flag_take_consumes_the_count);
	tcase_add_test(tc, flag_without_callback_keeps_its_count);
	tcase_add_test(tc, flag_callback_set_late_gets_earlier_sets);
	tcase_add_test(tc, flag_take_leaves_nothing_to_deliver);
	tcase_add_test(tc, flag_clear_cancels_a_queued_delivery);
	tcase_add_test(tc, flag_set_between_clear_and_delivery_is_delivered);
	tcase_add_test(tc, flag_cleared_while_queued_stays_queued);
	tcase_add_test(tc, flag_set_by_its_own_callback_keeps_others_queued);
	tcase_add_test(tc, flag_sticky_stays_set_until_cleared);
	tcase_add_test(tc, flag_sticky_is_told_once_each_time_it_gets_set);
	tcase_add_test(tc, flag_sticky_cleared_while_queued_is_not_told);
	tcase_add_test(tc, flag_saturates);
	tcase_add_test(tc, flag_set_after_done_does_nothing);
	tcase_add_test(tc, flag_memory_may_be_reused_after_done);
	tcase_add_test(tc, flag_set_after_the_end_of_its_loop_does_nothing);
	tcase_add_test(tc, flag_that_was_never_initialised_only_counts);
	tcase_add_test(tc,
		       flag_finished_by_an_earlier_callback_is_not_delivered);
	tcase_add_test(tc, flag_may_finish_itself);
	tcase_add_test(tc, flag_refuses_bad_arguments);
	tcase_add_test(tc, flag_refuses_other_threads);
	tcase_add_test(tc, flag_set_keeps_errno);

	tc = xt_case(suite, "races");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, flag_counts_exactly_from_many_threads);
	tcase_add_test(tc, flag_counts_exactly_over_an_interrupted_set);
	return xt_main(suite);
}
