/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A real contact. What a push button did in 24 movements, presses and releases
 * in turn, as adamfk measured it with an Arduino that sees pulses of 62 ns
 * (github.com/adamfk/bouncy-button, bbb-browser/startingDataText.js, tests 1 to
 * 24, version 0.2.3 of the recorder), in us. How long it rested between them
 * was not recorded: a second here.
 *
 * Where the recorder found the level that it had found before, though there
 * were edges, the kernel does: it tells the same edge twice.
 *
 * Most of the presses are over within a millisecond. Five are not: the contact
 * closed, and opened again for 43 to 87 ms. No rule tells such a press from a
 * release and the next press, but one that waits for longer than that.
 */
#include <stdlib.h>

#include "xt-switch.h"

#define MOVEMENTS 24
#define SECOND 1000000

/* When it was found closed, or open (negative); 0 ends it. */
static const int recorded[MOVEMENTS][48] = {
	{1},
	{-1},
	{1,	 45461,	 45527, -45545, 45548, -45623, 45625, -45673,
	 45681,	 -45740, 45767, -45803, 45814, -45973, 45988, 46018,
	 -46031, 46034,	 46145, -46194, 46197, -46252, 46258, -46360,
	 46370,	 -46433, 46443, -46491, 46493, -46674, 46707, -46765,
	 46792,	 -46838, 46846, -46910, 109746},
	{-1, 2, -48, 53, -412, 473, -607, 614, -737},
	{1, -126, 231, -491, 495},
	{-1, 9005, 12164, -12684, -12827, -13468, 13643, -13645},
	{1, -26, 28, -79, -81, 84},
	{-1},
	{1},
	{-1},
	{1, -47114, 47116, -47253, 90562},
	{1, -2151},
	{1, -17784, 17887, -18132, 105560},
	{1, -70},
	{1, 79, -76798, -125010, 125018},
	{1, -42},
	{1},
	{1, -73},
	{1, 73},
	{1, 162, -230, 232, -256},
	{1,    -2,    -383,   547,   -669,   -1112, 1341, -1611,
	 7728, -7856, 7859,   -8039, 8168,   -8312, 8345, -8577,
	 8580, 9144,  -55815, 55820, -56018, 132341},
	{-1, 2, -92},
	{-1, 94},
	{-1, 5, -67, 92, -399},
};

/* From a rest at the other level; returns how many edges there were. */
static unsigned int feed_movement(unsigned int i)
{
	bool was_closed = i % 2, closed;
	unsigned int n;

	for (n = 0; recorded[i][n]; n++) {
		closed = recorded[i][n] > 0;
		feed_event(i * SECOND + (uint64_t)abs(recorded[i][n]),
			   closed ? ISR_EVENT_RISING : ISR_EVENT_FALLING, 0,
			   closed == was_closed ? ISR_EVENT_FLAG_MERGED : 0, 0);
		was_closed = closed;
	}
	idle((i + 1) * SECOND);
	return n;
}

static void open_recorded(enum isr_switch_mode mode, uint64_t debounce_us)
{
	struct isr_switch_config config = config_of(mode);

	config.debounce_ns = debounce_us * US;
	xt_ok(isr_switch_open(&sw, loop, &config, NULL));
	feed_level(0, 0);
}

/* Those with a rest in their midst that is longer than the default. */
static const struct {
	unsigned int movement;
	int begins[3];
} interrupted[] = {
	{2, {1, -45461, 109746}},  {10, {1, -47114, 90562}},
	{12, {1, -17784, 105560}}, {14, {1, -76798, 125010}},
	{20, {1, -55815, 132341}},
};

#define INTERRUPTED (sizeof(interrupted) / sizeof(*interrupted))

static int find_interrupted(unsigned int movement)
{
	unsigned int i;

	for (i = 0; i < INTERRUPTED; i++) {
		if (interrupted[i].movement == movement)
			return (int)i;
	}
	return -1;
}

static void assert_change(unsigned int i, unsigned int movement, int begin)
{
	ck_assert_uint_gt(n_told, i);
	ck_assert_int_eq(told[i].kind,
			 begin > 0 ? ISR_SWITCH_CLOSED : ISR_SWITCH_OPENED);
	ck_assert_uint_eq(told[i].t_first_ns,
			  at(movement * SECOND + (uint64_t)abs(begin)));
}

/* Without what has settled, which says nothing new. */
static void leave_changes(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < n_told; i++) {
		if (told[i].kind != ISR_SWITCH_SETTLED)
			told[n++] = told[i];
	}
	n_told = n;
}

/* A release may begin with an edge that claims that it is closed still. */
static int get_begin(unsigned int i)
{
	return i % 2 ? -abs(recorded[i][0]) : abs(recorded[i][0]);
}

START_TEST(eager_tells_each_movement_once_and_at_its_first_edge)
{
	unsigned int i, n;

	open_recorded(ISR_SWITCH_EAGER, 150000);
	for (i = 0; i < MOVEMENTS; i++) {
		n_told = 0;
		n = feed_movement(i);

		ck_assert_uint_eq(n_told, 2);
		assert_change(0, i, get_begin(i));
		ck_assert_int_eq(told[1].kind, ISR_SWITCH_SETTLED);
		ck_assert_uint_eq(told[1].bounces, n - 1);
	}
	ck_assert_uint_eq(get_stats().events, MOVEMENTS);
	ck_assert_uint_eq(get_stats().lost, 0);
}
END_TEST

/* Of one that was interrupted the last part is what has stayed. */
START_TEST(stable_tells_each_movement_once)
{
	unsigned int i, n;
	int rest;

	open_recorded(ISR_SWITCH_STABLE, 150000);
	for (i = 0; i < MOVEMENTS; i++) {
		n_told = 0;
		n = feed_movement(i);
		rest = find_interrupted(i);

		ck_assert_uint_eq(n_told, 1);
		assert_change(0, i,
			      rest < 0 ? get_begin(i)
				       : interrupted[rest].begins[2]);
		ck_assert_uint_eq(told[0].t_settled_ns,
				  at(i * SECOND + 150000 +
				     (uint64_t)abs(recorded[i][n - 1])));
	}
	ck_assert_uint_eq(get_stats().events, MOVEMENTS);
}
END_TEST

START_TEST(eager_tells_what_rested_for_longer_than_its_hold_off)
{
	unsigned int i, j;
	int rest;

	open_recorded(ISR_SWITCH_EAGER, DEBOUNCE);
	for (i = 0; i < MOVEMENTS; i++) {
		n_told = 0;
		feed_movement(i);
		leave_changes();
		rest = find_interrupted(i);

		ck_assert_uint_eq(n_told, rest < 0 ? 1 : 3);
		assert_change(0, i, get_begin(i));
		for (j = 0; rest >= 0 && j < 3; j++)
			assert_change(j, i, interrupted[rest].begins[j]);
	}
	ck_assert_uint_eq(get_stats().events, MOVEMENTS + 2 * INTERRUPTED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("switch-recorded");
	TCase *tcase = xt_switch_case(suite, "recorded");

	tcase_add_test(tcase,
		       eager_tells_each_movement_once_and_at_its_first_edge);
	tcase_add_test(tcase, stable_tells_each_movement_once);
	tcase_add_test(tcase,
		       eager_tells_what_rested_for_longer_than_its_hold_off);
	suite_add_tcase(suite, tcase);
	return xt_main(suite);
}
