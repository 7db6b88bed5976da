/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The races of latches: at each step of one side the other side runs. */
#include <stdbool.h>

#include <isrloop/latch.h>
#include <isrloop/loop.h>

#include "race.h"

#ifndef ISR_TEST_POINTS

#include <stdio.h>

int main(void)
{
	puts("test-latch-races: skipped: built without --enable-test-points");
	return 77;
}

#else

static struct isr_loop *loop;
static struct isr_latch latch;
static uint64_t slots[3][2];
static uint32_t stored, loaded;
static int load_result;
static int nested_result;

static void setup(void)
{
	forget_races();
	stored = loaded = 0;
	load_result = nested_result = 1234;
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
	xt_ok(isr_latch_init(&latch, loop, slots, sizeof(slots[0])));
}

static void teardown(void)
{
	forget_races();
	isr_latch_done(&latch);
	isr_loop_free(loop);
}

static int store(void)
{
	uint64_t value[2] = {stored + 1, ~(uint64_t)(stored + 1)};
	int r = isr_latch_store(&latch, value);

	if (r == 0)
		stored++;
	return r;
}

static void store_one(void)
{
	xt_ok(store());
}

static void store_three(void)
{
	store_one();
	store_one();
	store_one();
}

static void store_nested(void)
{
	nested_result = store();
}

/* The value is whole, and the one of the generation that is told. */
static void load(void)
{
	uint64_t value[2];
	uint32_t generation;

	load_result = isr_latch_load(&latch, value, &generation);
	if (load_result < 0)
		return;
	ck_assert_uint_eq(value[0], generation);
	ck_assert_uint_eq(value[1], ~(uint64_t)generation);
	ck_assert_uint_ge(generation, loaded);
	loaded = generation;
}

static void load_nested(void)
{
	uint64_t value[2];

	nested_result = isr_latch_load(&latch, value, NULL);
}

/* Nothing is lost of the three, and nobody shares one. */
static void assert_each_slot_has_one_owner(void)
{
	unsigned int owned = 1U << (latch.back & 3) | 1U << (latch.front & 3) |
			     1U << (latch.shared & 3);

	ck_assert_uint_eq(owned, 7);
}

START_TEST(race_load_before_the_store_is_published_gives_the_one_before)
{
	store_one();
	race_at(0, "latch:A", load);

	store_one();

	assert_raced(1);
	ck_assert_int_eq(load_result, 1);
	ck_assert_uint_eq(loaded, 1);
	assert_each_slot_has_one_owner();
	load();
	ck_assert_int_eq(load_result, 1);
	ck_assert_uint_eq(loaded, 2);
}
END_TEST

START_TEST(race_load_after_the_store_is_published_gives_it_whole)
{
	store_one();
	race_at(0, "latch:D", load);

	store_one();

	assert_raced(1);
	ck_assert_int_eq(load_result, 1);
	ck_assert_uint_eq(loaded, 2);
	assert_each_slot_has_one_owner();
}
END_TEST

START_TEST(race_load_when_the_flag_is_set_finds_the_value)
{
	race_at(0, "flag:A", load);

	store_one();

	assert_raced(1);
	ck_assert_int_eq(load_result, 1);
	ck_assert_uint_eq(loaded, 1);
}
END_TEST

START_TEST(race_stores_while_a_value_is_copied_leave_it_whole)
{
	store_one();
	store_one();
	race_at(0, "latch:B1", store_three);

	load();

	assert_raced(1);
	ck_assert_uint_eq(loaded, 2);
	assert_each_slot_has_one_owner();
	load();
	ck_assert_int_eq(load_result, 1);
	ck_assert_uint_eq(loaded, 5);
}
END_TEST

START_TEST(race_store_after_the_load_has_looked_is_loaded_or_told_later)
{
	store_one();
	race_at(0, "latch:B", store_one);

	load();

	assert_raced(1);
	ck_assert_int_eq(load_result, 1);
	ck_assert_uint_eq(loaded, 2);
	assert_each_slot_has_one_owner();
	load();
	ck_assert_int_eq(load_result, 0);
}
END_TEST

START_TEST(race_store_while_an_old_value_is_loaded_again_is_told_later)
{
	store_one();
	load();
	race_at(0, "latch:D", store_three);

	load();

	assert_raced(1);
	ck_assert_int_eq(load_result, 0);
	assert_each_slot_has_one_owner();
	load();
	ck_assert_int_eq(load_result, 1);
	ck_assert_uint_eq(loaded, 4);
}
END_TEST

START_TEST(race_store_in_a_store_is_refused_and_counted)
{
	store_one();
	race_at(0, _i ? "latch:A" : "latch:D", store_nested);

	store_one();

	assert_raced(1);
	ck_assert_int_eq(nested_result, -EBUSY);
	ck_assert_uint_eq(isr_latch_get_refused(&latch), 1);
	assert_each_slot_has_one_owner();
	store_one();
	load();
	ck_assert_uint_eq(loaded, 3);
}
END_TEST

START_TEST(race_store_before_a_store_has_begun_is_stored)
{
	uint32_t generation;
	uint64_t value[2];

	race_at(0, "latch:C", store_one);

	store_one();

	assert_raced(1);
	ck_assert_uint_eq(stored, 2);
	ck_assert_uint_eq(isr_latch_get_refused(&latch), 0);
	ck_assert_int_eq(isr_latch_load(&latch, value, &generation), 1);
	ck_assert_uint_eq(generation, 2);
	assert_each_slot_has_one_owner();
}
END_TEST

START_TEST(race_load_in_a_load_is_refused)
{
	static const char *const points[] = {"latch:B", "latch:B1", "latch:D"};

	store_one();
	race_at(0, points[_i], load_nested);

	load();

	assert_raced(1);
	ck_assert_int_eq(nested_result, -EBUSY);
	ck_assert_uint_eq(loaded, 1);
	assert_each_slot_has_one_owner();
	store_one();
	load();
	ck_assert_uint_eq(loaded, 2);
}
END_TEST

START_TEST(race_load_before_a_load_has_begun_takes_the_value)
{
	store_one();
	race_at(0, "latch:C", load_nested);

	load();

	assert_raced(1);
	ck_assert_int_eq(nested_result, 1);
	ck_assert_int_eq(load_result, 0);
	assert_each_slot_has_one_owner();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("latch races");
	TCase *tc = xt_case(suite, "latch");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(
		tc,
		race_load_before_the_store_is_published_gives_the_one_before);
	tcase_add_test(tc,
		       race_load_after_the_store_is_published_gives_it_whole);
	tcase_add_test(tc, race_load_when_the_flag_is_set_finds_the_value);
	tcase_add_test(tc, race_stores_while_a_value_is_copied_leave_it_whole);
	tcase_add_test(
		tc,
		race_store_after_the_load_has_looked_is_loaded_or_told_later);
	tcase_add_test(
		tc,
		race_store_while_an_old_value_is_loaded_again_is_told_later);
	tcase_add_loop_test(tc, race_store_in_a_store_is_refused_and_counted, 0,
			    2);
	tcase_add_test(tc, race_store_before_a_store_has_begun_is_stored);
	tcase_add_loop_test(tc, race_load_in_a_load_is_refused, 0, 3);
	tcase_add_test(tc, race_load_before_a_load_has_begun_takes_the_value);
	return xt_main(suite);
}

#endif
