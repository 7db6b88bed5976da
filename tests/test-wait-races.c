/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The races of threads that wait. One of them stops at a test point, and the
 * loop's thread goes on: so a wake-up that is lost is a failure at once.
 */
#include <semaphore.h>
#include <stdbool.h>

#include <isrloop/flag.h>
#include <isrloop/loop.h>
#include <isrloop/ring.h>

#include "atomic.h"
#include "flag.h"
#include "race.h"
#include "xt-wait.h"

#ifndef ISR_TEST_POINTS

#include <stdio.h>

int main(void)
{
	puts("test-wait-races: skipped: built without --enable-test-points");
	return 77;
}

#else

static struct isr_flag flag;
static struct xt_waiter waiter;
static sem_t half_way, released;
static atomic_bool over, over_before_release;

static void setup(void)
{
	forget_races();
	sem_init(&half_way, 0, 0);
	sem_init(&released, 0, 0);
	over = over_before_release = false;
	xt_wait_setup();
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	/* From here on the loop counts as asleep. */
	ck_assert(!is_due(loop));
}

static void teardown(void)
{
	forget_races();
	xt_wait_teardown();
}

static void set_flag(void)
{
	isr_flag_set(&flag);
}

static void tell_half_way(void)
{
	sem_post(&half_way);
}

static void stop_half_way(void)
{
	tell_half_way();
	while (sem_wait(&released) < 0)
		;
	over_before_release = over;
}

static void release(void)
{
	sem_post(&released);
}

static void await_half_way(void)
{
	while (sem_wait(&half_way) < 0)
		;
}

/* One that waits, and stands at the point when this returns. */
static void wait_half_way(const char *point, int64_t timeout_ns)
{
	waiter = (struct xt_waiter){.flag = &flag, .timeout_ns = timeout_ns};
	race_at(0, point, stop_half_way);
	ck_assert_int_eq(pthread_create(&waiter.thread, NULL, xt_wait_in_thread,
					&waiter),
			 0);
	await_half_way();
}

/* Nobody runs the loop for it: it was woken, or never will be. */
static int join(void)
{
	pthread_join(waiter.thread, NULL);
	return waiter.result;
}

START_TEST(race_set_and_told_before_it_joins)
{
	wait_half_way("flag-wait:join", ISR_FOREVER);
	isr_flag_set(&flag);
	dispatch_while_due(loop);
	race_at(1, "flag-wait:G", tell_half_way);
	release();
	await_half_way();
	dispatch_while_due(loop);

	ck_assert_uint_eq(xt_n_waiting(&flag), 0);
	ck_assert_int_eq(join(), 1);
	assert_raced(2);
}
END_TEST

START_TEST(race_set_when_it_has_joined)
{
	race_at(0, "flag-wait:A", set_flag);
	xt_wait_start(&waiter, &flag, ISR_FOREVER);

	dispatch_while_due(loop);

	ck_assert_uint_eq(xt_n_waiting(&flag), 0);
	ck_assert_int_eq(join(), 1);
	assert_raced(1);
}
END_TEST

START_TEST(race_served_before_it_sleeps)
{
	wait_half_way("flag-wait:G", ISR_FOREVER);
	isr_flag_set(&flag);
	dispatch_while_due(loop);
	ck_assert_uint_eq(xt_n_waiting(&flag), 0);
	release();

	ck_assert_int_eq(join(), 1);
	assert_raced(1);
}
END_TEST

START_TEST(race_served_while_it_times_out)
{
	wait_half_way("flag-wait:end", 1);
	isr_flag_set(&flag);
	dispatch_while_due(loop);
	ck_assert_uint_eq(isr_flag_peek(&flag), 0);
	release();

	ck_assert_int_eq(join(), 1);
	assert_raced(1);
}
END_TEST

START_TEST(race_set_while_it_times_out)
{
	wait_half_way("flag-wait:end", 1);
	isr_flag_set(&flag);
	release();

	ck_assert_int_eq(join(), 1);
	assert_raced(1);
	ck_assert_int_eq(isr_flag_take(&flag), 0);
}
END_TEST

/* It takes its share itself and goes; then there is one more set. */
static void give_up_and_set(void)
{
	release();
	ck_assert_int_eq(join(), 1);
	isr_flag_set(&flag);
}

START_TEST(race_gives_up_while_it_is_served)
{
	wait_half_way("flag-wait:end", 1);
	isr_flag_set(&flag);
	race_at(1, "flag-wait:deliver", give_up_and_set);

	dispatch_while_due(loop);

	assert_raced(2);
	ck_assert_int_eq(isr_flag_take(&flag), 1);
}
END_TEST

START_TEST(race_set_while_a_share_is_taken)
{
	isr_flag_set(&flag);
	race_at(0, "flag-wait:B", set_flag);

	ck_assert_int_eq(xt_wait_elsewhere(&flag, 0), 2);
	assert_raced(1);
	ck_assert_int_eq(isr_flag_take(&flag), 0);
}
END_TEST

START_TEST(race_share_of_a_queued_flag_keeps_it_queued)
{
	isr_flag_set(&flag);
	ck_assert_int_eq(xt_wait_elsewhere(&flag, 0), 1);

	/* Or else the next set would link it into the list once more. */
	ck_assert_uint_eq(flag.word, ISRI_FLAG_KEPT);
}
END_TEST

/*
 * Room in a ring
 */

static struct isr_ring ring;
static struct isr_event slots[2], got;
static pthread_t producer;
static atomic_int n_put;
static atomic_bool put_ended, about_to_sleep;
static uint32_t room_before;

static void *put_in_thread(void *arg)
{
	const struct isr_event event = {.line_seq = 3};

	n_put = isr_ring_put_wait(&ring, &event, ISR_FOREVER);
	put_ended = true;
	return NULL;
}

static uint32_t room(void)
{
	return atomic_load(ATOMIC(&ring.room));
}

/*
 * A full ring, and a thread that puts and stands at the point. It is the
 * second race, so that going on it does not meet one that is made meanwhile.
 */
static void put_half_way(bool is_fenced, const char *point)
{
	const struct isr_event event = {.line_seq = 1};

	xt_ok(isr_ring_init(&ring, loop, slots, 2, ISR_RING_DROP_NEW));
	ring.fenced = is_fenced;
	xt_ok(isr_ring_put(&ring, &event));
	xt_ok(isr_ring_put(&ring, &event));
	n_put = -1;
	put_ended = about_to_sleep = false;
	race_at(1, point, stop_half_way);
	ck_assert_int_eq(pthread_create(&producer, NULL, put_in_thread, NULL),
			 0);
	await_half_way();
}

static void get_one(void)
{
	ck_assert_int_eq(isr_ring_get(&ring, &got, 1), 1);
}

static void note_sleep(void)
{
	about_to_sleep = true;
}

/* There is room: from where it stands it puts, and sleeps no more. */
static void assert_put_without_sleep(void)
{
	race_at(0, "ring-wait:sleep", note_sleep);
	release();
	xt_wait_until(put_ended || about_to_sleep);
	ck_assert(!about_to_sleep);
	pthread_join(producer, NULL);
	ck_assert_int_eq(n_put, 0);
	xt_ok(isr_ring_done(&ring));
}

START_TEST(race_room_before_it_counts_itself)
{
	put_half_way(_i, "ring-wait:A");
	get_one();
	assert_put_without_sleep();
	assert_raced(1);
}
END_TEST

START_TEST(race_room_when_it_is_counted)
{
	put_half_way(_i, "ring-wait:D");
	room_before = room();
	get_one();

	ck_assert_uint_ne(room(), room_before);
	assert_put_without_sleep();
	assert_raced(1);
}
END_TEST

START_TEST(race_room_before_it_sleeps)
{
	put_half_way(_i, "ring-wait:sleep");
	room_before = room();
	get_one();

	/* So the kernel will not let it sleep. */
	ck_assert_uint_ne(room(), room_before);
	assert_put_without_sleep();
	assert_raced(1);
}
END_TEST

static void assert_not_told(void)
{
	ck_assert_uint_eq(room(), room_before);
}

START_TEST(race_room_is_told_when_it_is_there)
{
	put_half_way(_i, "ring-wait:sleep");
	room_before = room();
	race_at(0, "ring:C", assert_not_told);
	get_one();

	ck_assert_uint_ne(room(), room_before);
	assert_put_without_sleep();
	assert_raced(2);
}
END_TEST

static void pass(void)
{
}

START_TEST(race_consumer_passes_a_barrier_after_it_was_counted)
{
	put_half_way(false, "ring-wait:A");
	race_at(0, "barrier:all", pass);
	race_at(1, "ring-wait:D", stop_half_way);
	release();
	await_half_way();

	assert_raced(3);
	ck_assert_uint_eq(ring.waiting, 1);
	get_one();
	assert_put_without_sleep();
}
END_TEST

START_TEST(race_loop_ends_before_it_sleeps)
{
	put_half_way(false, "ring-wait:sleep");
	race_at(0, "flag-wait:D", release);

	xt_ok(isr_loop_free(loop));
	loop = NULL;

	over = true;
	release();
	pthread_join(producer, NULL);
	xt_fails_with(ECANCELED, n_put);
	ck_assert(!over_before_release);
	assert_raced(2);
}
END_TEST

static void *put_old_in_thread(void *arg)
{
	const struct isr_event event = {.line_seq = 1};

	ck_assert_int_eq(isr_ring_put(&ring, &event), 0);
	return NULL;
}

START_TEST(race_put_wait_while_the_oldest_is_half_put)
{
	const struct isr_event event = {.line_seq = 2};
	pthread_t oldest;

	xt_ok(isr_ring_init(&ring, loop, slots, 2, ISR_RING_DROP_OLD));
	race_at(0, "ring:A", stop_half_way);
	pthread_create(&oldest, NULL, put_old_in_thread, NULL);
	await_half_way();
	ck_assert_int_eq(isr_ring_put(&ring, &event), 0);
	/* It finds no room, and is not told when there is. */
	n_put = -1;
	race_at(1, "ring-wait:sleep", release);
	pthread_create(&producer, NULL, put_in_thread, NULL);

	pthread_join(producer, NULL);
	pthread_join(oldest, NULL);
	ck_assert_int_eq(n_put, 1);
	assert_raced(2);
	ck_assert_uint_eq(isr_ring_get_lost_total(&ring), 1);
	xt_ok(isr_ring_done(&ring));
}
END_TEST

/*
 * The end
 */

/* An end that did not wait has to let the waiter go here. */
static void assert_waited(void)
{
	over = true;
	release();
	xt_fails_with(ECANCELED, join());
	ck_assert(!over_before_release);
	assert_raced(2);
}

START_TEST(race_done_waits_for_who_leaves)
{
	wait_half_way("flag-wait:E", 1);
	race_at(1, "flag-wait:D", release);

	xt_ok(isr_flag_done(&flag));

	over = true;
	release();
	xt_fails_with(ETIMEDOUT, join());
	ck_assert(!over_before_release);
	assert_raced(2);
}
END_TEST

START_TEST(race_done_before_it_comes_in)
{
	wait_half_way("flag-wait:C", ISR_FOREVER);
	race_at(1, "flag-wait:D", release);

	xt_ok(isr_flag_done(&flag));

	assert_waited();
}
END_TEST

START_TEST(race_loop_ends_before_it_begins)
{
	wait_half_way("flag-wait:begin", ISR_FOREVER);
	race_at(1, "flag-wait:D", release);

	xt_ok(isr_loop_free(loop));
	loop = NULL;

	assert_waited();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wait races");
	TCase *tc = xt_case(suite, "flag");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, race_set_and_told_before_it_joins);
	tcase_add_test(tc, race_set_when_it_has_joined);
	tcase_add_test(tc, race_served_before_it_sleeps);
	tcase_add_test(tc, race_served_while_it_times_out);
	tcase_add_test(tc, race_set_while_it_times_out);
	tcase_add_test(tc, race_gives_up_while_it_is_served);
	tcase_add_test(tc, race_set_while_a_share_is_taken);
	tcase_add_test(tc, race_share_of_a_queued_flag_keeps_it_queued);

	tc = xt_case(suite, "room");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, race_room_before_it_counts_itself, 0, 2);
	tcase_add_loop_test(tc, race_room_when_it_is_counted, 0, 2);
	tcase_add_loop_test(tc, race_room_before_it_sleeps, 0, 2);
	tcase_add_loop_test(tc, race_room_is_told_when_it_is_there, 0, 2);
	tcase_add_test(tc, race_consumer_passes_a_barrier_after_it_was_counted);
	tcase_add_test(tc, race_loop_ends_before_it_sleeps);
	tcase_add_test(tc, race_put_wait_while_the_oldest_is_half_put);

	tc = xt_case(suite, "end");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, race_done_waits_for_who_leaves);
	tcase_add_test(tc, race_done_before_it_comes_in);
	tcase_add_test(tc, race_loop_ends_before_it_begins);
	return xt_main(suite);
}

#endif
