/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Words: one integer, changed by handlers and ordinary code. */
#include <pthread.h>

#include <isrloop/word.h>

#include "flood.h"
#include "race.h"

static struct isr_word word;

static void setup(void)
{
#ifdef ISR_TEST_POINTS
	forget_races();
#endif
	word = (struct isr_word)ISR_WORD_INIT(0);
}

START_TEST(word_begins_with_its_value)
{
	static struct isr_word zeroed;
	static struct isr_word negative = ISR_WORD_INIT(-5);

	ck_assert_int_eq(isr_word_load(&zeroed), 0);
	ck_assert_int_eq(isr_word_load(&negative), -5);
}
END_TEST

START_TEST(word_keeps_all_64_bits)
{
	isr_word_store(&word, INT64_MIN);
	ck_assert_int_eq(isr_word_load(&word), INT64_MIN);

	isr_word_store(&word, INT64_MAX);
	ck_assert_int_eq(isr_word_load(&word), INT64_MAX);
}
END_TEST

START_TEST(word_add_gives_the_sum)
{
	ck_assert_int_eq(isr_word_add(&word, 5), 5);
	ck_assert_int_eq(isr_word_add(&word, -7), -2);
	ck_assert_int_eq(isr_word_load(&word), -2);

	isr_word_store(&word, INT64_MAX);
	ck_assert_int_eq(isr_word_add(&word, 1), INT64_MIN);
}
END_TEST

START_TEST(word_exchange_gives_the_value_before)
{
	isr_word_store(&word, 3);

	ck_assert_int_eq(isr_word_exchange(&word, -4), 3);
	ck_assert_int_eq(isr_word_load(&word), -4);
}
END_TEST

START_TEST(word_compare_exchange_changes_what_is_expected_only)
{
	int64_t expected = 1;

	isr_word_store(&word, 2);

	ck_assert(!isr_word_compare_exchange(&word, &expected, 9));
	ck_assert_int_eq(expected, 2);
	ck_assert_int_eq(isr_word_load(&word), 2);
	ck_assert(isr_word_compare_exchange(&word, &expected, 9));
	ck_assert_int_eq(expected, 2);
	ck_assert_int_eq(isr_word_load(&word), 9);
}
END_TEST

static void add_one(void)
{
	isr_word_add(&word, 1);
}

#ifdef ISR_TEST_POINTS

/* Read, modify, write: in the middle of it a handler does the same. */
START_TEST(race_add_in_an_add_is_kept)
{
	race_at(0, "word:A", add_one);

	ck_assert_int_eq(isr_word_add(&word, 1), 2);

	assert_raced(1);
	ck_assert_int_eq(isr_word_load(&word), 2);
}
END_TEST

START_TEST(race_add_in_an_exchange_is_found)
{
	race_at(0, "word:A", add_one);

	ck_assert_int_eq(isr_word_exchange(&word, 9), 1);

	assert_raced(1);
	ck_assert_int_eq(isr_word_load(&word), 9);
}
END_TEST

START_TEST(race_add_in_a_compare_exchange_is_found)
{
	int64_t expected = 0;

	race_at(0, "word:A", add_one);

	ck_assert(!isr_word_compare_exchange(&word, &expected, 9));

	assert_raced(1);
	ck_assert_int_eq(expected, 1);
	ck_assert_int_eq(isr_word_load(&word), 1);
}
END_TEST

#endif

/* The same, wherever a signal happens to come. */
START_TEST(word_add_loses_nothing_to_a_handler)
{
	int64_t n = 0;

	flood_start(add_one);
	for (; !flood_is_over(); n++)
		isr_word_add(&word, 1);
	flood_end();

	ck_assert_int_eq(isr_word_load(&word), n + FLOOD_SIGNALS);
}
END_TEST

static void add_one_by_compare(void)
{
	int64_t seen = isr_word_load(&word);

	while (!isr_word_compare_exchange(&word, &seen, seen + 1))
		;
}

START_TEST(word_compare_exchange_loses_nothing_to_a_handler)
{
	int64_t n = 0;

	flood_start(add_one_by_compare);
	for (; !flood_is_over(); n++)
		add_one_by_compare();
	flood_end();

	ck_assert_int_eq(isr_word_load(&word), n + FLOOD_SIGNALS);
}
END_TEST

#define ADDS 200000

static void *add_many(void *arg)
{
	unsigned int i;

	for (i = 0; i < ADDS; i++)
		add_one();
	return arg;
}

START_TEST(word_add_loses_nothing_to_a_thread)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, add_many, NULL), 0);
	add_many(NULL);
	pthread_join(thread, NULL);

	ck_assert_int_eq(isr_word_load(&word), 2 * ADDS);
}
END_TEST

/* Two halves that differ, should a value ever be torn. */
static void store_halves(void)
{
	static int64_t number;

	number = (number + 1) & INT32_MAX;
	isr_word_store(&word, number << 32 | number);
}

START_TEST(word_is_never_torn)
{
	unsigned int n_torn = 0;
	int64_t seen;

	flood_start(store_halves);
	while (!flood_is_over()) {
		seen = isr_word_load(&word);
		n_torn += seen >> 32 != (int32_t)seen;
	}
	flood_end();

	ck_assert_uint_eq(n_torn, 0);
}
END_TEST

static volatile int64_t plain;

static void add_one_plain(void)
{
	plain = plain + 1;
}

/* As on machines that cannot add to memory in one instruction. */
static void add_one_in_two_steps(void)
{
	int64_t seen = plain;

	flood_let_in();
	plain = seen + 1;
}

/* The power of the tests above: they would see it. */
START_TEST(word_broken_twin_a_plain_add_is_lost)
{
	int64_t n = 0;

	plain = 0;
	flood_start_by_hand(add_one_plain);
	for (; !flood_is_over(); n++)
		add_one_in_two_steps();
	flood_end();

	ck_assert_int_lt(plain, n + FLOOD_SIGNALS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("word");
	TCase *tc = xt_case(suite, "contract");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, word_begins_with_its_value);
	tcase_add_test(tc, word_keeps_all_64_bits);
	tcase_add_test(tc, word_add_gives_the_sum);
	tcase_add_test(tc, word_exchange_gives_the_value_before);
	tcase_add_test(tc, word_compare_exchange_changes_what_is_expected_only);

	tc = xt_case(suite, "races");
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, word_add_loses_nothing_to_a_handler);
	tcase_add_test(tc, word_compare_exchange_loses_nothing_to_a_handler);
	tcase_add_test(tc, word_add_loses_nothing_to_a_thread);
	tcase_add_test(tc, word_is_never_torn);
	tcase_add_test(tc, word_broken_twin_a_plain_add_is_lost);

#ifdef ISR_TEST_POINTS
	tc = xt_case(suite, "race");
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, race_add_in_an_add_is_kept);
	tcase_add_test(tc, race_add_in_an_exchange_is_found);
	tcase_add_test(tc, race_add_in_a_compare_exchange_is_found);
#endif
	return xt_main(suite);
}
