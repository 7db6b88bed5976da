/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The races of byte rings: at each step of one side the other side runs. */
#include <stdbool.h>

#include <isrloop/byte-ring.h>
#include <isrloop/loop.h>

#include "race.h"

#ifndef ISR_TEST_POINTS

#include <stdio.h>

int main(void)
{
	puts("test-byte-ring-races: skipped: built without "
	     "--enable-test-points");
	return 77;
}

#else

#define BYTES 8U

static struct isr_loop *loop;
static struct isr_byte_ring ring;
static unsigned char bytes[BYTES];
static unsigned char written, read_last;
static int write_result, read_result;

static void setup(void)
{
	forget_races();
	written = read_last = 0;
	write_result = read_result = 1234;
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
	xt_ok(isr_byte_ring_init(&ring, loop, bytes, BYTES));
}

static void teardown(void)
{
	forget_races();
	isr_byte_ring_done(&ring);
	isr_loop_free(loop);
}

static void write_n(uint32_t n)
{
	unsigned char data[2 * BYTES];
	uint32_t i;

	for (i = 0; i < n; i++)
		data[i] = (unsigned char)(written + 1 + i);
	write_result = isr_byte_ring_write(&ring, data, n);
	if (write_result > 0)
		written += (unsigned char)write_result;
}

static void write_one(void)
{
	write_n(1);
}

static void write_all(void)
{
	write_n(2 * BYTES);
}

/* Bytes come in order, and none twice. */
static void read_n(uint32_t max)
{
	unsigned char data[2 * BYTES];
	int i;

	read_result = isr_byte_ring_read(&ring, data, max);
	for (i = 0; i < read_result; i++)
		ck_assert_uint_eq(data[i], ++read_last);
}

static void read_all(void)
{
	read_n(2 * BYTES);
}

static void assert_nothing_is_lost(void)
{
	read_all();
	ck_assert_uint_eq(read_last, written);
	ck_assert_uint_eq(isr_byte_ring_get_count(&ring), 0);
}

START_TEST(race_read_before_a_write_is_published_finds_nothing_of_it)
{
	race_at(0, "byte-ring:A", read_all);

	write_n(3);

	assert_raced(1);
	ck_assert_int_eq(read_result, 0);
	assert_nothing_is_lost();
}
END_TEST

START_TEST(race_read_after_a_write_is_published_finds_all_of_it)
{
	race_at(0, _i ? "byte-ring:F" : "flag:A", read_all);

	write_n(3);

	assert_raced(1);
	ck_assert_int_eq(read_result, 3);
	assert_nothing_is_lost();
}
END_TEST

START_TEST(race_write_while_bytes_are_copied_out_has_no_room_there)
{
	write_all();
	race_at(0, "byte-ring:C", write_one);

	read_n(4);

	assert_raced(1);
	ck_assert_int_eq(write_result, 0);
	ck_assert_int_eq(read_result, 4);
	assert_nothing_is_lost();
}
END_TEST

START_TEST(race_write_between_look_and_end_of_a_read_stays)
{
	static const char *const points[] = {"byte-ring:B", "byte-ring:C",
					     "byte-ring:F"};

	write_n(3);
	race_at(0, points[_i], write_one);

	read_all();

	assert_raced(1);
	ck_assert_int_eq(write_result, 1);
	assert_nothing_is_lost();
}
END_TEST

START_TEST(race_read_in_a_write_makes_room_for_it_or_for_the_next)
{
	write_all();
	race_at(0, _i ? "byte-ring:D" : "byte-ring:A", read_all);

	write_one();

	assert_raced(1);
	ck_assert_int_eq(read_result, BYTES);
	ck_assert_int_eq(write_result, _i);
	assert_nothing_is_lost();
}
END_TEST

static int nested_result;

static void write_nested(void)
{
	nested_result = isr_byte_ring_write(&ring, "xy", 2);
}

START_TEST(race_write_in_a_write_is_refused_and_counted)
{
	static const char *const points[] = {"byte-ring:D", "byte-ring:A",
					     "byte-ring:F"};

	race_at(0, points[_i], write_nested);

	write_n(3);

	assert_raced(1);
	ck_assert_int_eq(nested_result, -EBUSY);
	ck_assert_uint_eq(isr_byte_ring_get_refused(&ring), 2);
	ck_assert_int_eq(write_result, 3);
	write_one();
	assert_nothing_is_lost();
}
END_TEST

START_TEST(race_write_before_a_write_has_begun_is_taken)
{
	unsigned char data[4];

	race_at(0, "byte-ring:E", write_nested);

	ck_assert_int_eq(isr_byte_ring_write(&ring, "z", 1), 1);

	assert_raced(1);
	ck_assert_int_eq(nested_result, 2);
	ck_assert_int_eq(isr_byte_ring_read(&ring, data, 4), 3);
	ck_assert_mem_eq(data, "xyz", 3);
}
END_TEST

static void read_nested(void)
{
	unsigned char data[BYTES];

	nested_result = isr_byte_ring_read(&ring, data, BYTES);
}

START_TEST(race_read_in_a_read_is_refused)
{
	static const char *const points[] = {"byte-ring:B", "byte-ring:C",
					     "byte-ring:F"};

	write_n(3);
	race_at(0, points[_i], read_nested);

	read_n(2);

	assert_raced(1);
	ck_assert_int_eq(nested_result, -EBUSY);
	ck_assert_int_eq(read_result, 2);
	assert_nothing_is_lost();
}
END_TEST

static void go_round(void)
{
	read_all();
	write_all();
}

START_TEST(race_count_is_never_more_than_there_is_room)
{
	write_all();
	race_at(0, "byte-ring:count", go_round);

	ck_assert_uint_eq(isr_byte_ring_get_count(&ring), BYTES);

	assert_raced(1);
	assert_nothing_is_lost();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("byte ring races");
	TCase *tc = xt_case(suite, "byte ring");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(
		tc, race_read_before_a_write_is_published_finds_nothing_of_it);
	tcase_add_loop_test(
		tc, race_read_after_a_write_is_published_finds_all_of_it, 0, 2);
	tcase_add_test(tc,
		       race_write_while_bytes_are_copied_out_has_no_room_there);
	tcase_add_loop_test(tc, race_write_between_look_and_end_of_a_read_stays,
			    0, 3);
	tcase_add_loop_test(
		tc, race_read_in_a_write_makes_room_for_it_or_for_the_next, 0,
		2);
	tcase_add_loop_test(tc, race_write_in_a_write_is_refused_and_counted, 0,
			    3);
	tcase_add_test(tc, race_write_before_a_write_has_begun_is_taken);
	tcase_add_loop_test(tc, race_read_in_a_read_is_refused, 0, 3);
	tcase_add_test(tc, race_count_is_never_more_than_there_is_room);
	return xt_main(suite);
}

#endif
