/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Races, made to happen: at a test point the other side of the race runs,
 * mostly in the same thread, as a signal handler there would. Each of these
 * tests kills a mutant of tests/mutants by name.
 */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>

#include <isrloop/flag.h>
#include <isrloop/loop.h>
#include <isrloop/ring.h>

#include "test-point.h"
#include "xt.h"

#ifndef ISR_TEST_POINTS

int main(void)
{
	puts("test-races: skipped: built without --enable-test-points");
	return 77;
}

#else

#define SLOTS 8

static struct isr_loop *loop;
static struct isr_flag flag, other;
static struct isr_ring ring;
static struct isr_event slots[SLOTS], got[SLOTS];
static uint32_t n_calls, n_sets, n_got, n_lost;

/* What happens at a point, once; two threads may have one point each. */
static struct race {
	const char *point;
	_Atomic(void (*)(void)) other_side;
} races[2];
static atomic_uint n_raced;

static void run_race(const char *point)
{
	void (*other_side)(void);
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (!races[i].point || strcmp(races[i].point, point) != 0)
			continue;
		other_side = atomic_exchange(&races[i].other_side, NULL);
		if (other_side) {
			n_raced++;
			other_side();
		}
	}
}

static void race_at(unsigned int i, const char *point, void (*other_side)(void))
{
	races[i].point = point;
	races[i].other_side = other_side;
	isri_test_point_hook = run_race;
}

static void assert_raced(unsigned int n)
{
	isri_test_point_hook = NULL;
	ck_assert_uint_eq(n_raced, n);
}

static void setup(void)
{
	memset(races, 0, sizeof(races));
	n_raced = 0;
	n_calls = n_sets = n_got = n_lost = 0;
	xt_ok(isr_loop_new(&loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&other, loop, ISR_FLAG_AUTO));
}

static void teardown(void)
{
	isri_test_point_hook = NULL;
	isr_ring_done(&ring);
	isr_loop_free(loop);
}

static bool is_due(void)
{
	struct pollfd p = {.fd = isr_loop_get_fd(loop), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void count(struct isr_flag *f, uint32_t sets, void *arg)
{
	n_calls++;
	n_sets += sets;
}

static void set_flag(void)
{
	isr_flag_set(&flag);
}

static void set_other(void)
{
	isr_flag_set(&other);
}

static void dispatch(void)
{
	xt_ok(isr_loop_dispatch(loop));
}

/* As the foreign loop would, so a wake-up that is lost is a failure at once. */
static void dispatch_while_due(void)
{
	unsigned int i;

	for (i = 0; i < 10 && is_due(); i++)
		dispatch();
}

/*
 * The wake protocol
 */

START_TEST(race_set_before_the_loop_sleeps_is_seen)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	race_at(0, "wake:B", set_flag);

	ck_assert(is_due());
	assert_raced(1);
	dispatch_while_due();

	ck_assert_uint_eq(n_sets, 1);
}
END_TEST

static void sleep_now(void)
{
	xt_ok(isr_loop_get_fd(loop));
}

START_TEST(race_set_sees_a_loop_that_just_fell_asleep)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	race_at(0, "wake:A", sleep_now);

	isr_flag_set(&flag);
	assert_raced(1);
	dispatch_while_due();

	ck_assert_uint_eq(n_sets, 1);
}
END_TEST

START_TEST(race_set_in_the_set_that_wakes)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	xt_ok(isr_flag_set_cb(&other, count, NULL));
	ck_assert(!is_due());
	race_at(0, "wake:A", set_other);

	isr_flag_set(&flag);
	assert_raced(1);
	dispatch_while_due();

	ck_assert_uint_eq(n_calls, 2);
}
END_TEST

/*
 * Flags
 */

START_TEST(race_set_in_a_first_set_is_counted)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	race_at(0, "flag:A", set_flag);

	isr_flag_set(&flag);
	assert_raced(1);
	ck_assert_uint_eq(isr_flag_peek(&flag), 2);

	dispatch();
	ck_assert_uint_eq(n_calls, 1);
	ck_assert_uint_eq(n_sets, 2);
}
END_TEST

START_TEST(race_set_in_a_later_set_is_counted)
{
	isr_flag_set(&flag);
	race_at(0, "flag:A1", set_flag);

	isr_flag_set(&flag);

	assert_raced(1);
	ck_assert_int_eq(isr_flag_take(&flag), 3);
}
END_TEST

START_TEST(race_set_while_it_is_consumed_is_counted)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	ck_assert(!is_due());
	isr_flag_set(&flag);
	race_at(0, "flag:B", set_flag);

	dispatch();
	assert_raced(1);
	dispatch_while_due();

	ck_assert_uint_eq(n_sets, 2);
}
END_TEST

START_TEST(race_consumed_in_the_middle_of_a_set)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	isr_flag_set(&flag);
	race_at(0, "flag:A1", dispatch);

	isr_flag_set(&flag);
	assert_raced(1);
	ck_assert_uint_eq(n_sets, 1);
	ck_assert(is_due());
	dispatch_while_due();

	ck_assert_uint_eq(n_sets, 2);
}
END_TEST

START_TEST(race_consumed_in_a_set_too_many)
{
	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	isr_flag_set(&flag);
	/* The state after 2^30 - 1 sets that nobody consumed. */
	flag.word |= ISR_FLAG_COUNT_MAX;
	race_at(0, "flag:A3", dispatch);

	isr_flag_set(&flag);
	assert_raced(1);
	ck_assert_uint_eq(n_sets, ISR_FLAG_COUNT_MAX);
	ck_assert_uint_eq(isr_flag_peek(&flag), 0);

	isr_flag_set(&flag);
	dispatch();
	ck_assert_uint_eq(n_calls, 2);
}
END_TEST

/*
 * The end: one thread is in the middle of a set, the loop's finishes.
 */

static sem_t half_way, released;
static atomic_bool over, over_before_release;

static void stop_half_way(void)
{
	sem_post(&half_way);
	while (sem_wait(&released) < 0)
		;
	over_before_release = over;
}

static void release(void)
{
	sem_post(&released);
}

static void *set_in_thread(void *arg)
{
	isr_flag_set(&flag);
	return NULL;
}

/* The point where the setter stands, and where the end waits for it. */
static pthread_t set_half_way(const char *point, const char *end_waits_at)
{
	pthread_t thread;

	sem_init(&half_way, 0, 0);
	sem_init(&released, 0, 0);
	over = over_before_release = false;
	race_at(0, point, stop_half_way);
	race_at(1, end_waits_at, release);
	ck_assert_int_eq(pthread_create(&thread, NULL, set_in_thread, NULL), 0);
	while (sem_wait(&half_way) < 0)
		;
	return thread;
}

/* An end that did not wait has to let the setter go here. */
static void assert_waited(pthread_t thread)
{
	over = true;
	release();
	pthread_join(thread, NULL);
	ck_assert(!over_before_release);
	assert_raced(2);
}

START_TEST(race_done_waits_for_half_a_set)
{
	pthread_t thread = set_half_way("wake:A", "flag:C");

	xt_ok(isr_flag_done(&flag));

	assert_waited(thread);
}
END_TEST

START_TEST(race_free_waits_for_who_wakes_the_loop)
{
	pthread_t thread;

	xt_ok(isr_flag_set_cb(&flag, count, NULL));
	ck_assert(!is_due());
	thread = set_half_way("wake:D", "wake:E");
	dispatch();
	ck_assert_uint_eq(n_calls, 1);

	xt_ok(isr_loop_free(loop));
	loop = NULL;

	assert_waited(thread);
}
END_TEST

/*
 * Rings
 */

static void init_ring(enum isr_ring_policy policy)
{
	xt_ok(isr_ring_init(&ring, loop, slots, SLOTS, policy));
}

static int put(uint32_t line_seq)
{
	struct isr_event event = {.line_seq = line_seq, .t_ns = ~0ULL};

	return isr_ring_put(&ring, &event);
}

static void put_one(void)
{
	put(100);
}

static void put_three(void)
{
	put(100);
	put(101);
	put(102);
}

static void fill(void)
{
	uint32_t i;

	for (i = 1; i <= SLOTS; i++)
		ck_assert_int_eq(put(i), 0);
}

/* Takes all there is; each is whole and newer than the one before. */
static void get_all(void)
{
	int i, n = isr_ring_get(&ring, got, SLOTS);

	xt_ok(n);
	for (i = 0; i < n; i++) {
		ck_assert_uint_eq(got[i].t_ns, ~0ULL);
		ck_assert(i == 0 || got[i].seq > got[i - 1].seq);
		n_lost += got[i].lost;
	}
	n_got += (uint32_t)n;
}

/* Of so many that were put none is unaccounted for. */
static void assert_accounted(uint32_t n_put)
{
	uint32_t lost;

	get_all();
	xt_ok(isr_ring_take_lost(&ring, &lost));
	ck_assert_uint_eq(n_got + n_lost + lost, n_put);
	ck_assert_uint_eq(n_lost + lost, isr_ring_get_lost_total(&ring));
}

START_TEST(race_record_is_whole_when_it_is_seen)
{
	init_ring(_i);
	race_at(0, "ring:E", get_all);

	put(1);

	assert_raced(1);
	ck_assert_uint_eq(n_got, 1);
	ck_assert_uint_eq(got[0].line_seq, 1);
}
END_TEST

START_TEST(race_record_is_not_seen_before_its_commit)
{
	init_ring(_i);
	race_at(0, "ring:A", get_all);

	put(1);

	assert_raced(1);
	ck_assert_uint_eq(n_got, 0);
	assert_accounted(1);
}
END_TEST

START_TEST(race_put_in_a_put_keeps_both)
{
	init_ring(_i);
	race_at(0, "ring:D", put_one);

	put(1);

	assert_raced(1);
	get_all();
	ck_assert_uint_eq(n_got, 2);
	ck_assert_uint_eq(got[0].line_seq, 100);
	ck_assert_uint_eq(got[1].line_seq, 1);
}
END_TEST

START_TEST(race_put_in_a_put_that_takes_the_last_place)
{
	uint32_t i;

	init_ring(ISR_RING_DROP_NEW);
	for (i = 1; i < SLOTS; i++)
		ck_assert_int_eq(put(i), 0);
	race_at(0, "ring:D", put_one);

	xt_fails_with(ENOSPC, put(SLOTS));

	assert_raced(1);
	assert_accounted(SLOTS + 1);
	ck_assert_uint_eq(n_got, SLOTS);
}
END_TEST

static void drain(struct isr_flag *f, uint32_t sets, void *arg)
{
	get_all();
}

START_TEST(race_put_after_the_loop_looked_wakes_it)
{
	init_ring(_i);
	xt_ok(isr_flag_set_cb(&ring.ready, drain, NULL));
	ck_assert(!is_due());
	put(1);
	race_at(0, "ring:A", dispatch);

	put(2);
	assert_raced(1);
	ck_assert_uint_eq(n_got, 1);
	dispatch_while_due();

	ck_assert_uint_eq(n_got, 2);
}
END_TEST

START_TEST(race_put_while_the_loop_looks_wakes_it)
{
	init_ring(_i);
	xt_ok(isr_flag_set_cb(&ring.ready, drain, NULL));
	ck_assert(!is_due());
	put(1);
	race_at(0, "ring:C", put_one);

	dispatch();
	assert_raced(1);
	dispatch_while_due();

	ck_assert_uint_eq(n_got, 2);
}
END_TEST

START_TEST(race_consumer_overtaken_while_it_copies)
{
	init_ring(ISR_RING_DROP_OLD);
	fill();
	race_at(0, "ring:C", put_three);

	get_all();

	assert_raced(1);
	ck_assert_uint_eq(n_got, SLOTS - 3);
	ck_assert_uint_eq(got[0].line_seq, 4);
	ck_assert_uint_eq(got[0].lost, 3);
	assert_accounted(SLOTS + 3);
	ck_assert_uint_eq(n_got, SLOTS);
}
END_TEST

static unsigned int n_overtaken;

/* At each of its attempts, not only once; no attempt too many. */
static void overtake(const char *point)
{
	if (strcmp(point, "ring:C") != 0)
		return;
	isri_test_point_hook = NULL;
	put(100);
	ck_assert_uint_le(++n_overtaken, 1);
	isri_test_point_hook = overtake;
}

START_TEST(race_consumer_always_overtaken_takes_the_rest)
{
	init_ring(ISR_RING_DROP_OLD);
	fill();
	n_overtaken = 0;
	isri_test_point_hook = overtake;

	get_all();

	isri_test_point_hook = NULL;
	ck_assert_uint_eq(n_overtaken, 1);
	ck_assert_uint_eq(n_got, SLOTS - 1);
	ck_assert_uint_eq(got[0].line_seq, 2);
	ck_assert_uint_eq(got[0].lost, 1);
	assert_accounted(SLOTS + 1);
}
END_TEST

START_TEST(race_consumer_makes_the_room_for_an_eviction)
{
	init_ring(ISR_RING_DROP_OLD);
	fill();
	race_at(0, "ring:C", get_all);

	ck_assert_int_eq(put(SLOTS + 1), 0);

	assert_raced(1);
	assert_accounted(SLOTS + 1);
	ck_assert_uint_eq(n_lost, 0);
}
END_TEST

START_TEST(race_eviction_in_an_eviction)
{
	init_ring(ISR_RING_DROP_OLD);
	fill();
	race_at(0, "ring:C", put_one);

	ck_assert_int_eq(put(SLOTS + 1), 1);

	assert_raced(1);
	assert_accounted(SLOTS + 2);
	ck_assert_uint_eq(n_lost, 2);
}
END_TEST

START_TEST(race_refusal_in_a_refusal_is_counted)
{
	init_ring(ISR_RING_DROP_NEW);
	fill();
	race_at(0, _i ? "ring:lost" : "ring:untold", put_one);

	xt_fails_with(ENOSPC, put(SLOTS + 1));

	assert_raced(1);
	assert_accounted(SLOTS + 2);
}
END_TEST

START_TEST(race_refusal_while_losses_are_told_is_counted)
{
	init_ring(ISR_RING_DROP_NEW);
	fill();
	xt_fails_with(ENOSPC, put(SLOTS + 1));
	ck_assert_int_eq(isr_ring_get(&ring, got, 1), 1);
	n_got++;
	race_at(0, "ring:told", put_one);

	ck_assert_int_eq(put(SLOTS + 2), 0);

	assert_raced(1);
	assert_accounted(SLOTS + 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("races");
	TCase *tc = xt_case(suite, "wake");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, race_set_before_the_loop_sleeps_is_seen);
	tcase_add_test(tc, race_set_sees_a_loop_that_just_fell_asleep);
	tcase_add_test(tc, race_set_in_the_set_that_wakes);

	tc = xt_case(suite, "flag");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, race_set_in_a_first_set_is_counted);
	tcase_add_test(tc, race_set_in_a_later_set_is_counted);
	tcase_add_test(tc, race_set_while_it_is_consumed_is_counted);
	tcase_add_test(tc, race_consumed_in_the_middle_of_a_set);
	tcase_add_test(tc, race_consumed_in_a_set_too_many);

	tc = xt_case(suite, "end");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, race_done_waits_for_half_a_set);
	tcase_add_test(tc, race_free_waits_for_who_wakes_the_loop);

	tc = xt_case(suite, "ring");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, race_record_is_whole_when_it_is_seen, 0, 2);
	tcase_add_loop_test(tc, race_record_is_not_seen_before_its_commit, 0,
			    2);
	tcase_add_loop_test(tc, race_put_in_a_put_keeps_both, 0, 2);
	tcase_add_test(tc, race_put_in_a_put_that_takes_the_last_place);
	tcase_add_loop_test(tc, race_put_after_the_loop_looked_wakes_it, 0, 2);
	tcase_add_loop_test(tc, race_put_while_the_loop_looks_wakes_it, 0, 2);
	tcase_add_test(tc, race_consumer_overtaken_while_it_copies);
	tcase_add_test(tc, race_consumer_always_overtaken_takes_the_rest);
	tcase_add_test(tc, race_consumer_makes_the_room_for_an_eviction);
	tcase_add_test(tc, race_eviction_in_an_eviction);
	tcase_add_loop_test(tc, race_refusal_in_a_refusal_is_counted, 0, 2);
	tcase_add_test(tc, race_refusal_while_losses_are_told_is_counted);
	return xt_main(suite);
}

#endif
