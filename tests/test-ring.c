/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Rings: order, capacity, exact loss, any number of producers. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include <isrloop/loop.h>
#include <isrloop/ring.h>

#include "xt.h"

#define SLOTS 8
#define BIG_SLOTS 256

static struct isr_loop *loop;
static struct isr_ring ring;
static struct isr_event slots[BIG_SLOTS];
static struct isr_event got[BIG_SLOTS];

static void setup(void)
{
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
}

static void teardown(void)
{
	isr_ring_done(&ring);
	isr_loop_free(loop);
}

static void init(struct isr_loop *l, uint32_t n, enum isr_ring_policy policy)
{
	xt_ok(isr_ring_init(&ring, l, slots, n, policy));
}

static int put(uint32_t line_seq)
{
	struct isr_event event = {.line_seq = line_seq};

	return isr_ring_put(&ring, &event);
}

static void put_range(uint32_t first, uint32_t last)
{
	for (; first <= last; first++)
		put(first);
}

START_TEST(ring_keeps_order_and_every_member)
{
	struct isr_event event = {
		.t_ns = 0x123456789abcdef0,
		.seq_high = 7,
		.line_seq = 42,
		.lost = 3,
		.value = -5,
		.source = 9,
		.kind = ISR_EVENT_RISING,
		.flags = ISR_EVENT_FLAG_MERGED,
	};

	init(NULL, SLOTS, _i);
	ck_assert_int_eq(isr_ring_put(&ring, &event), 0);
	put(43);

	ck_assert_int_eq(isr_ring_get(&ring, got, BIG_SLOTS), 2);
	event.seq = 1;
	ck_assert_mem_eq(&got[0], &event, sizeof(event));
	ck_assert_uint_eq(got[1].seq, 2);
	ck_assert_uint_eq(got[1].line_seq, 43);
	ck_assert_int_eq(isr_ring_get(&ring, got, BIG_SLOTS), 0);
}
END_TEST

START_TEST(ring_holds_its_full_capacity)
{
	init(NULL, SLOTS, _i);
	put_range(1, SLOTS);

	ck_assert_int_eq(isr_ring_get(&ring, got, BIG_SLOTS), SLOTS);
	ck_assert_uint_eq(got[0].lost, 0);
	ck_assert_uint_eq(got[SLOTS - 1].line_seq, SLOTS);
	ck_assert_uint_eq(isr_ring_get_lost_total(&ring), 0);
}
END_TEST

START_TEST(ring_goes_round_many_times)
{
	uint32_t i;

	init(NULL, SLOTS, _i);
	for (i = 1; i <= 100 * SLOTS; i++) {
		ck_assert_int_eq(put(i), 0);
		if (i % 3)
			continue;
		ck_assert_int_eq(isr_ring_get(&ring, got, 3), 3);
		ck_assert_uint_eq(got[0].line_seq, i - 2);
		ck_assert_uint_eq(got[2].line_seq, i);
		ck_assert_uint_eq(got[2].seq, i);
	}
}
END_TEST

START_TEST(ring_works_across_the_wrap_of_its_places)
{
	uint32_t i, n = 0;

	init(NULL, SLOTS, _i);
	ring.head = ring.tail = ring.tail_cached = ring.next = UINT32_MAX - 20;
	for (i = 1; i <= 64; i++) {
		ck_assert_int_eq(put(i), 0);
		ck_assert_int_eq(isr_ring_get(&ring, got, 1), 1);
		ck_assert_uint_eq(got[0].line_seq, ++n);
		ck_assert_uint_eq(got[0].lost, 0);
	}
	put_range(1, SLOTS + 3);
	ck_assert_uint_eq(isr_ring_get_lost_total(&ring), 3);
}
END_TEST

START_TEST(ring_gives_no_more_than_asked_for)
{
	init(NULL, SLOTS, _i);
	put_range(1, 5);

	ck_assert_int_eq(isr_ring_get(&ring, got, 0), 0);
	ck_assert_int_eq(isr_ring_get(&ring, got, 2), 2);
	ck_assert_int_eq(isr_ring_get(&ring, got, 9), 3);
}
END_TEST

START_TEST(ring_drop_new_refuses_and_tells_with_the_next)
{
	init(NULL, SLOTS, ISR_RING_DROP_NEW);
	put_range(1, SLOTS);
	xt_fails_with(ENOSPC, put(SLOTS + 1));
	xt_fails_with(ENOSPC, put(SLOTS + 2));

	ck_assert_int_eq(isr_ring_get(&ring, got, BIG_SLOTS), SLOTS);
	ck_assert_uint_eq(got[0].line_seq, 1);
	ck_assert_uint_eq(got[SLOTS - 1].lost, 0);

	ck_assert_int_eq(put(SLOTS + 3), 0);
	ck_assert_int_eq(put(SLOTS + 4), 0);
	ck_assert_int_eq(isr_ring_get(&ring, got, BIG_SLOTS), 2);
	ck_assert_uint_eq(got[0].lost, 2);
	ck_assert_uint_eq(got[1].lost, 0);
	ck_assert_uint_eq(isr_ring_get_lost_total(&ring), 2);
}
END_TEST

START_TEST(ring_drop_new_keeps_the_losses_of_what_it_refuses)
{
	struct isr_event event = {.lost = 10};
	uint32_t lost;

	init(NULL, SLOTS, ISR_RING_DROP_NEW);
	put_range(1, SLOTS);
	xt_fails_with(ENOSPC, isr_ring_put(&ring, &event));

	xt_ok(isr_ring_take_lost(&ring, &lost));
	ck_assert_uint_eq(lost, 11);
	xt_ok(isr_ring_take_lost(&ring, &lost));
	ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(ring_drop_old_keeps_the_newest_and_tells)
{
	init(NULL, SLOTS, ISR_RING_DROP_OLD);
	put_range(1, SLOTS);
	ck_assert_int_eq(put(SLOTS + 1), 1);
	ck_assert_int_eq(put(SLOTS + 2), 1);

	ck_assert_int_eq(isr_ring_get(&ring, got, BIG_SLOTS), SLOTS);
	ck_assert_uint_eq(got[0].line_seq, 3);
	ck_assert_uint_eq(got[0].lost, 2);
	ck_assert_uint_eq(got[1].lost, 0);
	ck_assert_uint_eq(got[SLOTS - 1].line_seq, SLOTS + 2);
	ck_assert_uint_eq(isr_ring_get_lost_total(&ring), 2);
}
END_TEST

START_TEST(ring_drop_old_keeps_the_losses_of_what_it_evicts)
{
	struct isr_event event = {.lost = 10};

	init(NULL, SLOTS, ISR_RING_DROP_OLD);
	ck_assert_int_eq(isr_ring_put(&ring, &event), 0);
	put_range(1, SLOTS);

	ck_assert_int_eq(isr_ring_get(&ring, got, BIG_SLOTS), SLOTS);
	ck_assert_uint_eq(got[0].line_seq, 1);
	ck_assert_uint_eq(got[0].lost, 11);
	ck_assert_uint_eq(got[SLOTS - 1].lost, 0);
}
END_TEST

START_TEST(ring_counts_a_refused_record_in_front_of_a_hole)
{
	init(NULL, SLOTS, ISR_RING_DROP_OLD);
	put_range(1, SLOTS);
	/* As a producer leaves it that was interrupted before its commit. */
	slots[0].seq = 0;

	xt_fails_with(ENOSPC, put(SLOTS + 1));
	ck_assert_int_eq(isr_ring_get(&ring, got, BIG_SLOTS), 0);

	slots[0].seq = 1;
	ck_assert_int_eq(put(SLOTS + 2), 1);
	ck_assert_int_eq(isr_ring_get(&ring, got, BIG_SLOTS), SLOTS);
	ck_assert_uint_eq(got[0].lost, 1);
	ck_assert_uint_eq(got[SLOTS - 1].lost, 1);
}
END_TEST

static unsigned int n_ready;
static uint64_t n_got, n_lost, n_expected;

static void drain(struct isr_flag *flag, uint32_t count, void *arg)
{
	int i, n;

	n_ready++;
	while ((n = isr_ring_get(&ring, got, BIG_SLOTS)) > 0) {
		for (i = 0; i < n; i++)
			n_lost += got[i].lost;
		n_got += (uint64_t)n;
	}
	xt_ok(n);
	if (n_got + n_lost >= n_expected)
		isr_loop_stop(loop);
}

static void expect(uint64_t n)
{
	n_expected = n;
	n_got = n_lost = 0;
	n_ready = 0;
	xt_ok(isr_flag_set_cb(&ring.ready, drain, NULL));
}

START_TEST(ring_wakes_its_loop_once_for_a_batch)
{
	init(loop, SLOTS, ISR_RING_DROP_NEW);
	expect(3);
	put_range(1, 3);

	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(n_got, 3);
	ck_assert_uint_eq(n_ready, 1);
}
END_TEST

START_TEST(ring_whose_flag_was_taken_wakes_its_loop_again)
{
	init(loop, SLOTS, ISR_RING_DROP_NEW);
	expect(1);
	put(1);
	ck_assert_int_eq(isr_flag_take(&ring.ready), 1);
	ck_assert_int_eq(isr_ring_get(&ring, got, SLOTS), 1);

	put(2);
	ck_assert_int_ge(isr_loop_dispatch(loop), 0);

	ck_assert_uint_eq(n_got, 1);
	ck_assert_uint_eq(n_ready, 1);
}
END_TEST

START_TEST(ring_refuses_bad_arguments)
{
	uint32_t lost;

	xt_fails_with(EINVAL,
		      isr_ring_init(NULL, loop, slots, 8, ISR_RING_DROP_NEW));
	xt_fails_with(EINVAL,
		      isr_ring_init(&ring, loop, NULL, 8, ISR_RING_DROP_NEW));
	xt_fails_with(EINVAL,
		      isr_ring_init(&ring, loop, slots, 0, ISR_RING_DROP_NEW));
	xt_fails_with(EINVAL,
		      isr_ring_init(&ring, loop, slots, 1, ISR_RING_DROP_NEW));
	xt_fails_with(EINVAL,
		      isr_ring_init(&ring, loop, slots, 12, ISR_RING_DROP_NEW));
	xt_fails_with(EINVAL, isr_ring_init(&ring, loop, slots, 8, 9));
	init(NULL, SLOTS, ISR_RING_DROP_NEW);
	xt_fails_with(EINVAL, isr_ring_get(&ring, NULL, 1));
	xt_fails_with(EINVAL, isr_ring_get(NULL, got, 1));
	xt_fails_with(EINVAL, isr_ring_take_lost(&ring, NULL));
	xt_fails_with(EINVAL, isr_ring_take_lost(NULL, &lost));
	xt_ok(isr_ring_done(NULL));
}
END_TEST

static void *get_elsewhere(void *arg)
{
	uint32_t lost;

	xt_fails_with(EPERM, isr_ring_get(&ring, got, 1));
	xt_fails_with(EPERM, isr_ring_take_lost(&ring, &lost));
	xt_fails_with(EPERM, isr_ring_done(&ring));
	return NULL;
}

START_TEST(ring_refuses_other_threads_to_consume)
{
	pthread_t thread;

	init(loop, SLOTS, ISR_RING_DROP_NEW);
	put(1);
	ck_assert_int_eq(pthread_create(&thread, NULL, get_elsewhere, NULL), 0);
	pthread_join(thread, NULL);

	ck_assert_int_eq(isr_ring_get(&ring, got, 1), 1);
}
END_TEST

#define PRODUCERS 3
#define PUTS 100000U

/*
 * Every member is a function of producer and number, so that a record mixed
 * from two is noticed.
 */
static struct isr_event made_by(uint16_t producer, uint32_t number)
{
	return (struct isr_event){
		.t_ns = (uint64_t)number * 0x9e3779b97f4a7c15 + producer,
		.seq_high = number ^ 0x5555,
		.line_seq = number,
		.value = (int32_t)~number,
		.source = producer,
		.kind = (uint8_t)number,
		.flags = (uint8_t)(number >> 8),
	};
}

static void assert_whole(const struct isr_event *event)
{
	struct isr_event right = made_by(event->source, event->line_seq);

	right.seq = event->seq;
	right.lost = event->lost;
	ck_assert_mem_eq(event, &right, sizeof(right));
}

/* Numbers of each producer only grow, and nothing is mixed or missing. */
static void check_and_drain(struct isr_flag *flag, uint32_t count, void *arg)
{
	uint32_t *last = arg;
	int i, n;

	while ((n = isr_ring_get(&ring, got, 7)) > 0) {
		for (i = 0; i < n; i++) {
			assert_whole(&got[i]);
			ck_assert_uint_gt(got[i].line_seq, last[got[i].source]);
			last[got[i].source] = got[i].line_seq;
			n_lost += got[i].lost;
		}
		n_got += (uint64_t)n;
	}
	xt_ok(n);
}

static atomic_uint n_finished;

static void *produce(void *arg)
{
	uint16_t producer = (uint16_t)(uintptr_t)arg;
	uint32_t i;

	for (i = 1; i <= PUTS; i++) {
		struct isr_event event = made_by(producer, i);

		isr_ring_put(&ring, &event);
	}
	if (++n_finished == PRODUCERS)
		isr_loop_stop(loop);
	return NULL;
}

START_TEST(ring_accounts_exactly_for_many_producers)
{
	static uint32_t last[PRODUCERS];
	pthread_t threads[PRODUCERS];
	uint32_t lost;
	unsigned int i;

	memset(last, 0, sizeof(last));
	init(loop, BIG_SLOTS, _i);
	n_got = n_lost = 0;
	n_finished = 0;
	xt_ok(isr_flag_set_cb(&ring.ready, check_and_drain, last));
	for (i = 0; i < PRODUCERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, produce,
						(void *)(uintptr_t)i),
				 0);

	xt_ok(isr_loop_run(loop));

	for (i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	check_and_drain(NULL, 0, last);
	xt_ok(isr_ring_take_lost(&ring, &lost));
	ck_assert_uint_eq(n_got + n_lost + lost, (uint64_t)PRODUCERS * PUTS);
	ck_assert_uint_eq(n_lost + lost, isr_ring_get_lost_total(&ring));
}
END_TEST

/* Each two are a wake-up, and a rest for a turn on a busy machine. */
#define PATIENT_PUTS 20000U

/* Back-pressure by retrying: then nothing may be lost, and no wake-up. */
static void *produce_patiently(void *arg)
{
	uint32_t i;

	for (i = 1; i <= PATIENT_PUTS; i++) {
		struct isr_event event = made_by(0, i);

		while (isr_ring_put(&ring, &event) < 0)
			sched_yield();
	}
	return NULL;
}

static void stop_at_the_last(struct isr_flag *flag, uint32_t count, void *arg)
{
	uint32_t *last = arg;

	check_and_drain(flag, count, arg);
	if (last[0] == PATIENT_PUTS)
		isr_loop_stop(loop);
}

START_TEST(ring_never_leaves_a_record_with_its_loop_asleep)
{
	static uint32_t last[1];
	pthread_t thread;

	last[0] = 0;
	/* Two slots: the loop empties it and sleeps all the time. */
	init(loop, 2, ISR_RING_DROP_NEW);
	n_got = n_lost = 0;
	xt_ok(isr_flag_set_cb(&ring.ready, stop_at_the_last, last));
	ck_assert_int_eq(pthread_create(&thread, NULL, produce_patiently, NULL),
			 0);

	xt_ok(isr_loop_run(loop));

	pthread_join(thread, NULL);
	ck_assert_uint_eq(n_got, PATIENT_PUTS);
}
END_TEST

static atomic_bool is_over;

static void *produce_to_the_end(void *arg)
{
	atomic_uint *n_puts = arg;

	do {
		struct isr_event event = made_by(0, ++*n_puts);

		isr_ring_put(&ring, &event);
	} while (!is_over);
	return NULL;
}

static void stop_at_once(struct isr_flag *flag, uint32_t count, void *arg)
{
	isr_loop_stop(loop);
}

/* Under thread sanitizer it also shows that this is no data race. */
START_TEST(ring_goes_on_counting_after_the_end_of_its_loop)
{
	atomic_uint n_puts = 0;
	pthread_t thread;
	uint32_t lost;
	int n;

	is_over = false;
	init(loop, SLOTS, ISR_RING_DROP_NEW);
	xt_ok(isr_flag_set_cb(&ring.ready, stop_at_once, NULL));
	ck_assert_int_eq(
		pthread_create(&thread, NULL, produce_to_the_end, &n_puts), 0);
	xt_ok(isr_loop_run(loop));

	xt_ok(isr_loop_free(loop));
	loop = NULL;

	is_over = true;
	pthread_join(thread, NULL);
	n = isr_ring_get(&ring, got, BIG_SLOTS);
	xt_ok(n);
	xt_ok(isr_ring_take_lost(&ring, &lost));
	ck_assert_uint_eq((uint32_t)n + lost, n_puts);
}
END_TEST

#define SIGNALS 20000U

static atomic_uint n_handled;

static void put_in_handler(int signo)
{
	struct isr_event event = made_by(1, ++n_handled);

	isr_ring_put(&ring, &event);
}

static void *produce_and_be_interrupted(void *arg)
{
	uint32_t i;

	for (i = 1; i <= PUTS; i++) {
		struct isr_event event = made_by(0, i);

		if (i % (PUTS / SIGNALS) == 0)
			pthread_kill(pthread_self(), SIGUSR1);
		isr_ring_put(&ring, &event);
	}
	isr_loop_stop(loop);
	return NULL;
}

START_TEST(ring_accounts_exactly_over_an_interrupted_put)
{
	struct sigaction action = {.sa_handler = put_in_handler};
	struct sigaction before;
	static uint32_t last[2];
	pthread_t thread;
	uint32_t lost;

	memset(last, 0, sizeof(last));
	sigaction(SIGUSR1, &action, &before);
	init(loop, BIG_SLOTS, _i);
	n_got = n_lost = 0;
	n_handled = 0;
	xt_ok(isr_flag_set_cb(&ring.ready, check_and_drain, last));
	ck_assert_int_eq(
		pthread_create(&thread, NULL, produce_and_be_interrupted, NULL),
		0);

	xt_ok(isr_loop_run(loop));

	pthread_join(thread, NULL);
	sigaction(SIGUSR1, &before, NULL);
	check_and_drain(NULL, 0, last);
	xt_ok(isr_ring_take_lost(&ring, &lost));
	ck_assert_uint_eq(n_handled, SIGNALS);
	ck_assert_uint_eq(n_got + n_lost + lost, PUTS + SIGNALS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tc = xt_case(suite, "both policies");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, ring_keeps_order_and_every_member, 0, 2);
	tcase_add_loop_test(tc, ring_holds_its_full_capacity, 0, 2);
	tcase_add_loop_test(tc, ring_goes_round_many_times, 0, 2);
	tcase_add_loop_test(tc, ring_works_across_the_wrap_of_its_places, 0, 2);
	tcase_add_loop_test(tc, ring_gives_no_more_than_asked_for, 0, 2);

	tc = xt_case(suite, "loss");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, ring_drop_new_refuses_and_tells_with_the_next);
	tcase_add_test(tc, ring_drop_new_keeps_the_losses_of_what_it_refuses);
	tcase_add_test(tc, ring_drop_old_keeps_the_newest_and_tells);
	tcase_add_test(tc, ring_drop_old_keeps_the_losses_of_what_it_evicts);
	tcase_add_test(tc, ring_counts_a_refused_record_in_front_of_a_hole);

	tc = xt_case(suite, "contract");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, ring_wakes_its_loop_once_for_a_batch);
	tcase_add_test(tc, ring_whose_flag_was_taken_wakes_its_loop_again);
	tcase_add_test(tc, ring_refuses_bad_arguments);
	tcase_add_test(tc, ring_refuses_other_threads_to_consume);

	tc = xt_case(suite, "races");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, ring_accounts_exactly_for_many_producers, 0, 2);
	tcase_add_test(tc, ring_never_leaves_a_record_with_its_loop_asleep);
	tcase_add_test(tc, ring_goes_on_counting_after_the_end_of_its_loop);
	tcase_add_loop_test(tc, ring_accounts_exactly_over_an_interrupted_put,
			    0, 2);
	return xt_main(suite);
}
