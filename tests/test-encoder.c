/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Encoders that are fed: the tables of MicroPython's encoders, limits, modulo.
 * What is told, and when, is in test-encoder-told.c, losses in
 * test-encoder-lost.c, what is refused in test-encoder-end.c.
 */
#include "xt-encoder.h"

/*
 * Tables
 */

static void assert_counts(int64_t sign)
{
	unsigned int i;

	ck_assert_uint_gt(n_told, 0);
	for (i = 0; i < n_told; i++)
		assert_told(i, sign * (i + 1), sign);
}

START_TEST(each_edge_is_one_value)
{
	open_encoder(xt_encoder_config());

	turn(8);

	ck_assert_uint_eq(n_told, 8);
	assert_counts(1);
	ck_assert_int_eq(stats_now().position, 8);
}
END_TEST

START_TEST(each_edge_backwards_is_one_value_less)
{
	open_encoder(xt_encoder_config());

	turn(-8);

	ck_assert_uint_eq(n_told, 8);
	assert_counts(-1);
}
END_TEST

START_TEST(divider_counts_so_many_edges)
{
	static const uint32_t dividers[] = {2, 4};
	static const int signs[] = {1, -1};
	struct isr_encoder_config config = xt_encoder_config();

	config.divider = dividers[_i / 2];
	open_encoder(config);

	turn(signs[_i % 2] * 4 * (int)config.divider);

	ck_assert_uint_eq(n_told, 4);
	assert_counts(signs[_i % 2]);
}
END_TEST

/* Half to even, as Python's round(). */
static int64_t round_half_even(int64_t a, int64_t b)
{
	int64_t below = (a - ((a % b) + b) % b) / b;
	int64_t twice = 2 * (a - below * b);

	if (twice == b)
		return below + (below % 2 != 0);
	return below + (twice > b);
}

/* MicroPython's, from -8 to 8; and ours, turned from below. */
static const struct {
	uint32_t divider;
	int64_t micropython[17];
	int64_t isrloop[17];
} rounds[] = {
	{2,
	 {-4, -4, -3, -2, -2, -2, -1, 0, 0, 0, 1, 2, 2, 2, 3, 4, 4},
	 {-4, -4, -3, -3, -2, -2, -1, -1, 0, 0, 1, 1, 2, 2, 3, 3, 4}},
	{4,
	 {-2, -2, -2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2},
	 {-2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2}},
};

START_TEST(compat_round)
{
	struct isr_encoder_config config = xt_encoder_config();
	int i;

	config.divider = rounds[_i].divider;
	open_encoder(config);
	turn(-16);
	turn(8);
	for (i = 0; i < 17; i++) {
		ck_assert_int_eq(round_half_even(i - 8, config.divider),
				 rounds[_i].micropython[i]);
		ck_assert_int_eq(isr_encoder_get_value(&encoder),
				 rounds[_i].isrloop[i]);
		turn(1);
	}
}
END_TEST

static unsigned int width_of(int64_t value)
{
	unsigned int width = 0;

	while (isr_encoder_get_value(&encoder) < value)
		turn(1);
	while (isr_encoder_get_value(&encoder) == value) {
		turn(1);
		width++;
	}
	return width;
}

/* That is what rounding half to even breaks. */
START_TEST(detents_are_all_equally_wide)
{
	struct isr_encoder_config config = xt_encoder_config();
	int64_t value;

	config.divider = (uint32_t)_i;
	open_encoder(config);
	turn(-12 * _i);

	for (value = -10; value < 10; value++)
		ck_assert_uint_eq(width_of(value), (unsigned int)_i);
}
END_TEST

/* From a detent to the next one, wherever it is and both ways. */
START_TEST(detent_is_one_value)
{
	struct isr_encoder_config config = xt_encoder_config();
	int i;

	config.divider = (uint32_t)_i;
	open_encoder(config);

	for (i = 1; i <= 10; i++) {
		turn(_i);
		ck_assert_int_eq(isr_encoder_get_value(&encoder), i);
	}
	for (i = 9; i >= -10; i--) {
		turn(-_i);
		ck_assert_int_eq(isr_encoder_get_value(&encoder), i);
	}
	ck_assert_uint_eq(n_told, 30);
}
END_TEST

/* Wherever it is, and less than that in all: one change at most. */
START_TEST(tremble_of_half_a_detent_is_no_values)
{
	struct isr_encoder_config config = xt_encoder_config();
	int place, i, half = _i == 2 ? 1 : (_i - 1) / 2;

	config.divider = (uint32_t)_i;
	for (place = -2 * _i; place <= 2 * _i; place++) {
		open_encoder(config);
		turn(place);
		n_told = 0;
		for (i = 0; i < 10; i++) {
			turn(half);
			turn(-half);
		}
		ck_assert_uint_le(n_told, 1);
		xt_ok(isr_encoder_close(&encoder));
	}
}
END_TEST

struct phases {
	int quarters;
	int64_t value[3];
};

/* machine_encoder.py: after each movement, with 1, 2 and 4 phases. */
static const struct phases phases[] = {
	{1, {1, 1, 1}},	      {1, {1, 1, 2}},	  {1, {1, 2, 3}},
	{1, {1, 2, 4}},	      {1, {2, 3, 5}},	  {1, {2, 3, 6}},
	{1, {2, 4, 7}},	      {1, {2, 4, 8}},	  {-1, {2, 4, 7}},
	{-3, {1, 2, 4}},      {-4, {0, 0, 0}},	  {-1, {0, 0, -1}},
	{-1, {0, -1, -2}},    {-1, {0, -1, -3}},  {-1, {-1, -2, -4}},
	{-1, {-1, -2, -5}},   {-3, {-2, -4, -8}}, {8, {0, 0, 0}},
	{100, {25, 50, 100}}, {-100, {0, 0, 0}},  {-100, {-25, -50, -100}},
	{100, {0, 0, 0}},
};

START_TEST(steps_are_the_phases_of_machine_encoder)
{
	static const uint32_t steps[] = {1, 2, 4};
	struct isr_encoder_config config = xt_encoder_config();
	size_t i;

	zero = 2; /* it begins at (1,1) */
	config.steps = steps[_i];
	open_encoder(config);
	for (i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		turn(phases[i].quarters);
		ck_assert_int_eq(isr_encoder_get_value(&encoder),
				 phases[i].value[_i]);
	}
	zero = 0;
}
END_TEST

START_TEST(jitter_adds_up_to_nothing)
{
	unsigned int i;

	open_encoder(xt_encoder_config());

	for (i = 0; i < 10; i++) {
		turn(1);
		turn(-1);
	}

	ck_assert_uint_eq(n_told, 20);
	for (i = 0; i < 20; i += 2) {
		assert_told(i, 1, 1);
		assert_told(i + 1, 0, -1);
	}
}
END_TEST

/*
 * Limits, modulo
 */

START_TEST(value_sticks_at_its_limits_and_turns_back_at_once)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.initial = 1;
	config.min = -2;
	config.max = 3;
	open_encoder(config);

	turn(10);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 3);
	ck_assert_uint_eq(n_told, 2);
	turn(-1);
	assert_told(2, 2, -1);
	turn(-20);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), -2);
	ck_assert_uint_eq(n_told, 7);
	turn(1);
	assert_told(7, -1, 1);
	ck_assert_int_eq(stats_now().position, -10);
}
END_TEST

START_TEST(limits_are_of_what_was_divided)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.divider = 4;
	config.max = 2;
	open_encoder(config);

	turn(5 * 4);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 2);
	turn(-4);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 1);
}
END_TEST

START_TEST(modulo_wraps_and_delta_is_the_difference)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.modulo = 3;
	open_encoder(config);

	turn(3);
	assert_told(0, 1, 1);
	assert_told(1, 2, 1);
	assert_told(2, 0, -2);
	turn(-2);
	assert_told(3, 2, 2);
	assert_told(4, 1, -1);
}
END_TEST

/* 12 hours on a clock of 5: limited first, then modulo. */
START_TEST(modulo_is_of_what_was_limited)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.divider = 2;
	config.min = -4;
	config.max = 7;
	config.modulo = 5;
	open_encoder(config);

	turn(2 * 20);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 7 % 5);
	turn(2 * -3);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 4);
	turn(2 * -20);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 1);
}
END_TEST

START_TEST(value_does_not_wrap_where_numbers_end)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.initial = INT64_MAX - 1;
	open_encoder(config);
	turn(3);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), INT64_MAX);
	turn(-1);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), INT64_MAX - 1);

	xt_ok(isr_encoder_set_value(&encoder, INT64_MIN + 1));
	turn(-3);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), INT64_MIN);
}
END_TEST

/*
 * The value is set
 */

START_TEST(set_value_is_no_change_that_is_told)
{
	open_encoder(xt_encoder_config());
	turn(3);
	n_told = 0;

	xt_ok(isr_encoder_set_value(&encoder, 100));
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 100);
	pass(1000 * MS);
	ck_assert_uint_eq(n_told, 0);
	turn(-1);

	assert_told(0, 99, -1);
	ck_assert_int_eq(stats_now().position, 2);
}
END_TEST

START_TEST(set_value_knows_the_limits_and_the_modulo)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.min = -10;
	config.max = 10;
	config.modulo = 4;
	open_encoder(config);

	xt_fails_with(EINVAL, isr_encoder_set_value(&encoder, 11));
	xt_fails_with(EINVAL, isr_encoder_set_value(&encoder, -11));
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 0);
	xt_ok(isr_encoder_set_value(&encoder, -7));
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 1);
}
END_TEST

START_TEST(set_value_keeps_the_detents_where_they_are)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.divider = 4;
	open_encoder(config);
	turn(2);
	xt_ok(isr_encoder_set_value(&encoder, 10));

	turn(2);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 11);
	turn(4);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 12);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encoder");
	TCase *tc = xt_case(suite, "tables");

	tcase_add_checked_fixture(tc, xt_loop_setup, xt_loop_teardown);
	tcase_add_test(tc, each_edge_is_one_value);
	tcase_add_test(tc, each_edge_backwards_is_one_value_less);
	tcase_add_loop_test(tc, divider_counts_so_many_edges, 0, 4);
	tcase_add_loop_test(tc, compat_round, 0, 2);
	tcase_add_loop_test(tc, detents_are_all_equally_wide, 1, 12);
	tcase_add_loop_test(tc, detent_is_one_value, 1, 12);
	tcase_add_loop_test(tc, tremble_of_half_a_detent_is_no_values, 2, 12);
	tcase_add_loop_test(tc, steps_are_the_phases_of_machine_encoder, 0, 3);
	tcase_add_test(tc, jitter_adds_up_to_nothing);
	tcase_add_test(tc, value_sticks_at_its_limits_and_turns_back_at_once);
	tcase_add_test(tc, limits_are_of_what_was_divided);
	tcase_add_test(tc, modulo_wraps_and_delta_is_the_difference);
	tcase_add_test(tc, modulo_is_of_what_was_limited);
	tcase_add_test(tc, value_does_not_wrap_where_numbers_end);
	tcase_add_test(tc, set_value_is_no_change_that_is_told);
	tcase_add_test(tc, set_value_knows_the_limits_and_the_modulo);
	tcase_add_test(tc, set_value_keeps_the_detents_where_they_are);
	return xt_main(suite);
}
