/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The races of rings. */
#include <stdbool.h>

#include <isrloop/loop.h>
#include <isrloop/ring.h>

#include "race.h"

#ifndef ISR_TEST_POINTS

#include <stdio.h>

int main(void)
{
	puts("test-ring-races: skipped: built without --enable-test-points");
	return 77;
}

#else

#define SLOTS 8

static struct isr_loop *loop;
static struct isr_ring ring;
static struct isr_event slots[SLOTS], got[SLOTS];
static uint32_t n_got, n_lost;

static void setup(void)
{
	forget_races();
	n_got = n_lost = 0;
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
}

static void teardown(void)
{
	forget_races();
	isr_ring_done(&ring);
	isr_loop_free(loop);
}

static void dispatch(void)
{
	xt_ok(isr_loop_dispatch(loop));
}

/* What a race may be about: both policies, with and without membarrier(2). */
enum { N_VARIANTS = 4 };

static void init_ring(unsigned int variant)
{
	xt_ok(isr_ring_init(&ring, loop, slots, SLOTS, variant & 1));
	ring.fenced = variant >> 1;
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

/* As the callback of a ready flag has to: until there is no more. */
static void drain(struct isr_flag *f, uint32_t sets, void *arg)
{
	uint32_t before;

	do {
		before = n_got;
		get_all();
	} while (n_got != before);
}

START_TEST(race_put_after_the_loop_looked_wakes_it)
{
	init_ring(_i);
	xt_ok(isr_flag_set_cb(&ring.ready, drain, NULL));
	ck_assert(!is_due(loop));
	put(1);
	race_at(0, "ring:A", dispatch);

	put(2);
	assert_raced(1);
	ck_assert_uint_eq(n_got, 1);
	dispatch_while_due(loop);

	ck_assert_uint_eq(n_got, 2);
}
END_TEST

START_TEST(race_put_while_the_loop_looks_wakes_it)
{
	init_ring(_i);
	xt_ok(isr_flag_set_cb(&ring.ready, drain, NULL));
	ck_assert(!is_due(loop));
	put(1);
	race_at(0, "ring:C", put_one);

	dispatch();
	assert_raced(1);
	dispatch_while_due(loop);

	ck_assert_uint_eq(n_got, 2);
}
END_TEST

START_TEST(race_put_after_no_more_was_found_is_found_or_wakes)
{
	init_ring(_i);
	xt_ok(isr_flag_set_cb(&ring.ready, drain, NULL));
	ck_assert(!is_due(loop));
	put(1);
	race_at(0, "ring:F", put_one);

	dispatch();
	assert_raced(1);
	dispatch_while_due(loop);

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
	Suite *suite = suite_create("ring races");
	TCase *tc = xt_case(suite, "ring");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, race_record_is_whole_when_it_is_seen, 0,
			    N_VARIANTS);
	tcase_add_loop_test(tc, race_record_is_not_seen_before_its_commit, 0,
			    N_VARIANTS);
	tcase_add_loop_test(tc, race_put_in_a_put_keeps_both, 0, N_VARIANTS);
	tcase_add_test(tc, race_put_in_a_put_that_takes_the_last_place);
	tcase_add_loop_test(tc, race_put_after_the_loop_looked_wakes_it, 0,
			    N_VARIANTS);
	tcase_add_loop_test(tc, race_put_while_the_loop_looks_wakes_it, 0,
			    N_VARIANTS);
	/* There is no such look when a ring is fenced. */
	tcase_add_loop_test(
		tc, race_put_after_no_more_was_found_is_found_or_wakes, 0, 2);
	tcase_add_test(tc, race_consumer_overtaken_while_it_copies);
	tcase_add_test(tc, race_consumer_always_overtaken_takes_the_rest);
	tcase_add_test(tc, race_consumer_makes_the_room_for_an_eviction);
	tcase_add_test(tc, race_eviction_in_an_eviction);
	tcase_add_loop_test(tc, race_refusal_in_a_refusal_is_counted, 0,
			    N_VARIANTS);
	tcase_add_test(tc, race_refusal_while_losses_are_told_is_counted);
	return xt_main(suite);
}

#endif
