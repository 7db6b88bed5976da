/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What counters measure, by the stamps that they are fed: nothing lost. See
 * test-counter-loss.c for what is, and test-counter-pin.c for real pins.
 */
#include <math.h>

#include "xt-counter.h"

static void open_default(void)
{
	xt_open((struct isr_counter_config){0});
}

/*
 * Steady input
 */

START_TEST(counter_counts_pulses)
{
	open_default();
	ck_assert_uint_eq(xt_read().pulses, 0);

	xt_wave(DAY, MS, MS / 2, 3);

	ck_assert_uint_eq(xt_read().pulses, 3);
	ck_assert_int_eq(xt_read().count, 3);
	ck_assert_int_eq(isr_counter_get_count(&counter), 3);
}
END_TEST

static const struct {
	uint64_t period_ns, high_ns, n;
} waves[] = {
	{MS, MS / 4, 3000},	      /* 1 kHz */
	{US, US / 2, 2000000},	      /* 1 MHz */
	{20 * MS, MS, 200},	      /* a servo */
	{3333, 1, 100000},	      /* never a round figure */
	{SECOND, SECOND - 1, 4},      /* as long as the window */
	{2 * SECOND, SECOND / 2, 10}, /* longer */
	{16777259, 7340033, 300},     /* primes */
};

START_TEST(counter_is_exact_of_a_steady_wave)
{
	uint64_t period_ns = waves[_i].period_ns, high_ns = waves[_i].high_ns;
	struct isr_counter_reading r;

	open_default();
	xt_wave(DAY, period_ns, high_ns, waves[_i].n);
	r = xt_read();

	ck_assert_int_eq(r.state, ISR_COUNTER_RUNNING);
	ck_assert(r.frequency_hz == 1e9 / (double)period_ns);
	ck_assert(r.frequency_min_hz == r.frequency_hz);
	ck_assert(r.frequency_max_hz == r.frequency_hz);
	ck_assert(r.period_mean_ns == (double)period_ns);
	ck_assert(r.period_stddev_ns == 0);
	ck_assert_uint_eq(r.period_min_ns, period_ns);
	ck_assert_uint_eq(r.period_max_ns, period_ns);
	ck_assert(r.duty == (double)high_ns / (double)period_ns);
	ck_assert(r.high_mean_ns == (double)high_ns);
	ck_assert_uint_eq(r.high_min_ns, high_ns);
	ck_assert_uint_eq(r.high_max_ns, high_ns);
	ck_assert(r.low_mean_ns == (double)(period_ns - high_ns));
	ck_assert_uint_eq(r.low_min_ns, period_ns - high_ns);
	ck_assert_uint_eq(r.low_max_ns, period_ns - high_ns);
	ck_assert_uint_eq(r.pulses, waves[_i].n);
	ck_assert_uint_eq(r.lost, 0);
	ck_assert_uint_eq(r.merged, 0);
}
END_TEST

/* It says itself over which stamps it is, and that is the last second. */
START_TEST(counter_says_what_its_window_is)
{
	struct isr_counter_reading r;
	uint64_t end_ns;
	int i;

	open_default();
	end_ns = xt_wave(DAY, 10 * MS, MS, 500);
	for (i = 0; i < 300; i++) {
		end_ns = xt_wave(end_ns, 10 * MS, MS, 1);
		r = xt_read();

		ck_assert_uint_eq(r.t_ns, end_ns - 9 * MS);
		ck_assert_uint_eq(r.to_ns, end_ns - 10 * MS);
		ck_assert_uint_gt(r.from_ns, r.t_ns - SECOND - 10 * MS);
		ck_assert_uint_le(r.from_ns, r.t_ns - SECOND / 16 * 15);
		ck_assert_uint_eq(r.periods, (r.to_ns - r.from_ns) / (10 * MS));
		ck_assert_uint_eq(r.window_pulses_min, r.periods);
		ck_assert_uint_eq(r.window_pulses_max, r.periods);
	}
}
END_TEST

START_TEST(counter_forgets_what_is_older_than_the_window)
{
	struct isr_counter_reading r;
	uint64_t t_ns;

	open_default();
	t_ns = xt_wave(DAY, MS, MS / 2, 5000);
	t_ns = xt_wave(t_ns, MS / 2, MS / 8, 1000);
	r = xt_read();
	ck_assert(r.frequency_hz > 1000 && r.frequency_hz < 2000);
	ck_assert_uint_eq(r.period_max_ns, MS);

	xt_wave(t_ns, MS / 2, MS / 8, 1001);
	r = xt_read();

	ck_assert(r.frequency_hz == 2000);
	ck_assert_uint_eq(r.period_max_ns, MS / 2);
	ck_assert(r.period_stddev_ns == 0);
	ck_assert(r.duty == 0.25);
}
END_TEST

/* A report at a multiple has the whole window before it. */
START_TEST(counter_reports_whole_windows)
{
	const struct isr_counter_config config = {.report_ns = SECOND};

	xt_open(config);
	xt_wave(DAY + MS, 10 * MS, MS, 400);

	ck_assert_uint_eq(n_reports, 3);
	ck_assert_uint_eq(reports[1].t_ns, DAY + 2 * SECOND);
	ck_assert_uint_eq(reports[1].periods, 100);
	ck_assert_uint_eq(reports[1].to_ns, DAY + 2 * SECOND - 9 * MS);
	ck_assert_uint_eq(reports[1].from_ns, DAY + SECOND - 9 * MS);
}
END_TEST

/*
 * Jitter
 */

static uint64_t seed;

static uint64_t chance(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

#define JITTERS 20000

static uint64_t rises[JITTERS];

/* By another way: two passes over the stamps themselves. */
static void check_statistics(const struct isr_counter_reading *r)
{
	long double sum = 0, squares = 0, mean;
	uint64_t n = 0, min = UINT64_MAX, max = 0, period_ns;
	unsigned int i, pass;

	for (pass = 0; pass < 2; pass++) {
		mean = n ? sum / n : 0;
		for (i = 1; i < JITTERS; i++) {
			if (rises[i] <= r->from_ns || rises[i] > r->to_ns)
				continue;
			period_ns = rises[i] - rises[i - 1];
			squares += (period_ns - mean) * (period_ns - mean);
			if (pass)
				continue;
			squares = 0;
			sum += period_ns;
			n++;
			min = period_ns < min ? period_ns : min;
			max = period_ns > max ? period_ns : max;
		}
	}
	ck_assert_uint_gt(n, 100);
	ck_assert_uint_eq(r->periods, n);
	ck_assert_uint_eq(r->period_min_ns, min);
	ck_assert_uint_eq(r->period_max_ns, max);
	ck_assert_double_eq_tol(r->period_mean_ns, (double)mean, 1e-6);
	ck_assert_double_eq_tol(r->period_stddev_ns,
				sqrt((double)(squares / n)), 1e-3);
}

/* Uniform: the deviation is a twelfth's root of its width. */
START_TEST(counter_tells_jitter_of_a_known_distribution)
{
	struct isr_counter_reading r;
	uint64_t t_ns = DAY;
	int i;

	seed = 12345;
	open_default();
	for (i = 0; i < JITTERS; i++) {
		rises[i] = t_ns;
		xt_rise(t_ns);
		xt_fall(t_ns + 200 * US);
		t_ns += 900 * US + chance(200 * US);
	}
	r = xt_read();

	check_statistics(&r);
	ck_assert_double_eq_tol(r.period_stddev_ns, 200e3 / sqrt(12), 2e3);
	ck_assert_double_eq_tol(r.frequency_hz, 1000, 5);
}
END_TEST

/* Where sums of squares would have no digit left. */
START_TEST(counter_tells_the_least_jitter_of_long_periods)
{
	const uint64_t hour = 3600 * SECOND;
	struct isr_counter_reading r;
	uint64_t t_ns = DAY;
	int i;

	xt_open((struct isr_counter_config){.window_ns = 3000 * hour});
	for (i = 0; i < 1000; i++) {
		xt_rise(t_ns);
		xt_fall(t_ns + SECOND);
		t_ns += hour + (i % 2 ? 1 : -1);
	}
	r = xt_read();

	ck_assert_uint_eq(r.periods, 999);
	ck_assert_double_eq_tol(r.period_stddev_ns, 1, 1e-3);
	ck_assert_uint_eq(r.period_max_ns - r.period_min_ns, 2);
}
END_TEST

/*
 * Input that stops
 */

START_TEST(counter_is_zero_when_the_input_stops)
{
	struct isr_counter_reading r;
	uint64_t last_ns;

	xt_open((struct isr_counter_config){.stop_ns = 500 * MS});
	last_ns = xt_wave(DAY, MS, MS / 2, 1000) - MS;

	xt_idle(last_ns + 500 * MS - 1);
	ck_assert_int_eq(xt_read().state, ISR_COUNTER_SLOWING);
	xt_idle(last_ns + 500 * MS);
	r = xt_read();

	ck_assert_int_eq(r.state, ISR_COUNTER_STOPPED);
	ck_assert(r.frequency_hz == 0);
	ck_assert(r.frequency_min_hz == 0);
	ck_assert(r.frequency_max_hz == 0);
	ck_assert_uint_eq(r.periods, 0);
	ck_assert(r.duty == 0);
	ck_assert_uint_eq(r.pulses, 1000);
}
END_TEST

/* However late it came. */
START_TEST(counter_stops_by_the_stamp_of_the_last_pulse)
{
	xt_open((struct isr_counter_config){.stop_ns = 100 * MS});
	xt_idle(DAY + 50 * MS);
	xt_rise(DAY);

	xt_idle(DAY + 100 * MS - 1);
	ck_assert_int_eq(xt_read().state, ISR_COUNTER_STARTED);
	xt_idle(DAY + 100 * MS);
	ck_assert_int_eq(xt_read().state, ISR_COUNTER_STOPPED);
}
END_TEST

/* The silence alone allows no more. */
START_TEST(counter_slows_down_with_the_silence)
{
	struct isr_counter_reading r;
	uint64_t last_ns, silence_ns;

	xt_open((struct isr_counter_config){.stop_ns = 10 * SECOND});
	last_ns = xt_wave(DAY, MS, MS / 2, 1000) - MS;
	xt_idle(last_ns + MS);
	r = xt_read();
	ck_assert_int_eq(r.state, ISR_COUNTER_RUNNING);
	ck_assert(r.frequency_hz == 1000);

	for (silence_ns = MS + 1; silence_ns < 9 * SECOND; silence_ns *= 2) {
		xt_idle(last_ns + silence_ns);
		r = xt_read();

		ck_assert_int_eq(r.state, ISR_COUNTER_SLOWING);
		ck_assert(r.frequency_hz == 1e9 / (double)silence_ns);
		ck_assert(r.frequency_max_hz == r.frequency_hz);
		ck_assert(r.frequency_min_hz == 0);
		ck_assert_uint_eq(r.to_ns, last_ns);
		ck_assert_uint_eq(r.t_ns, last_ns + silence_ns);
	}
}
END_TEST

START_TEST(counter_of_a_restart_knows_nothing_of_before)
{
	struct isr_counter_reading r;
	uint64_t t_ns;

	xt_open((struct isr_counter_config){.stop_ns = 100 * MS});
	t_ns = xt_wave(DAY, MS, MS / 2, 500) + 200 * MS;

	xt_rise(t_ns);
	r = xt_read();
	ck_assert_int_eq(r.state, ISR_COUNTER_STARTED);
	ck_assert(r.frequency_hz == 0);
	xt_fall(t_ns + MS);
	xt_wave(t_ns + 4 * MS, 4 * MS, MS, 10);
	r = xt_read();

	ck_assert_int_eq(r.state, ISR_COUNTER_RUNNING);
	ck_assert(r.frequency_hz == 250);
	ck_assert_uint_eq(r.periods, 10);
	ck_assert_uint_eq(r.from_ns, t_ns);
	ck_assert_uint_eq(r.period_max_ns, 4 * MS);
}
END_TEST

START_TEST(counter_of_a_line_that_stays_active_says_so)
{
	open_default();
	xt_wave(DAY, MS, MS / 2, 10);
	xt_rise(DAY + 10 * MS);

	xt_idle(DAY + 60 * SECOND);

	ck_assert_int_eq(xt_read().state, ISR_COUNTER_STOPPED);
	ck_assert(xt_read().duty == 1);
}
END_TEST

START_TEST(counter_measures_periods_that_are_longer_than_the_window)
{
	struct isr_counter_reading r;
	uint64_t t_ns;

	xt_open((struct isr_counter_config){.stop_ns = 30 * SECOND});
	t_ns = xt_wave(DAY, 10 * SECOND, SECOND, 5);
	r = xt_read();
	ck_assert_int_eq(r.state, ISR_COUNTER_RUNNING);
	ck_assert(r.frequency_hz == 0.1);

	xt_idle(t_ns - 1);
	r = xt_read();

	ck_assert(r.frequency_hz == 0.1);
	ck_assert(r.duty == 0.1);
	ck_assert_uint_eq(r.periods, 1);
	ck_assert_uint_eq(r.from_ns, t_ns - 20 * SECOND);
	ck_assert_uint_eq(r.to_ns, t_ns - 10 * SECOND);
}
END_TEST

START_TEST(counter_by_default_stops_after_three_windows)
{
	open_default();
	xt_wave(DAY, SECOND, MS, 2);

	xt_idle(DAY + 4 * SECOND - 1);
	ck_assert_int_eq(xt_read().state, ISR_COUNTER_SLOWING);
	xt_idle(DAY + 4 * SECOND);
	ck_assert_int_eq(xt_read().state, ISR_COUNTER_STOPPED);
}
END_TEST

START_TEST(counter_that_was_fed_nothing_reads_zero)
{
	static const struct isr_counter_reading nothing;
	struct isr_counter_reading r;

	open_default();
	r = xt_read();

	ck_assert_mem_eq(&r, &nothing, sizeof(r));
}
END_TEST

/*
 * One edge
 */

static void check_one_edge(enum isr_edge edge, uint64_t from_ns)
{
	struct isr_counter_reading r;

	xt_open((struct isr_counter_config){.pin.edge = edge});
	xt_wave(DAY, MS, MS / 4, 100);
	r = xt_read();

	ck_assert_uint_eq(r.pulses, 100);
	ck_assert(r.frequency_hz == 1000);
	ck_assert_uint_eq(r.periods, 99);
	ck_assert_uint_eq(r.from_ns, from_ns);
	ck_assert(r.duty == 0);
	ck_assert(r.high_mean_ns == 0);
	ck_assert_uint_eq(r.low_max_ns, 0);
}

START_TEST(counter_of_rising_edges_measures_no_widths)
{
	check_one_edge(ISR_EDGE_RISING, DAY);
}
END_TEST

START_TEST(counter_of_falling_edges_counts_those)
{
	check_one_edge(ISR_EDGE_FALLING, DAY + MS / 4);
}
END_TEST

/*
 * Stamps that step back, levels that are read
 */

START_TEST(counter_takes_a_late_stamp_for_no_period)
{
	struct isr_counter_reading r;

	open_default();
	xt_wave(DAY, MS, MS / 2, 10);
	xt_rise(DAY + 9 * MS + MS / 4);
	xt_fall(DAY + 10 * MS);
	xt_wave(DAY + 11 * MS, MS, MS / 2, 2);
	r = xt_read();

	ck_assert_uint_eq(r.pulses, 13);
	ck_assert_uint_eq(r.periods, 9 + 1);
	ck_assert_uint_eq(r.period_min_ns, MS);
	/* Neither does one begin where it was put. */
	ck_assert_uint_eq(r.period_max_ns, MS);
	ck_assert_uint_eq(r.to_ns - r.from_ns, 12 * MS);
	ck_assert_uint_eq(r.window_pulses_min, 12);
}
END_TEST

START_TEST(counter_time_never_steps_back)
{
	open_default();
	xt_idle(DAY + SECOND);
	xt_rise(DAY);
	ck_assert_uint_eq(xt_read().t_ns, DAY + SECOND);
	xt_idle(DAY + MS);
	ck_assert_uint_eq(xt_read().t_ns, DAY + SECOND);
}
END_TEST

static void feed_level(uint64_t t_ns, int value)
{
	xt_feed((struct isr_event){
		.kind = ISR_EVENT_INITIAL, .t_ns = t_ns, .value = value});
}

START_TEST(counter_takes_the_first_level_for_no_pulse)
{
	open_default();
	feed_level(DAY, 1);
	ck_assert_uint_eq(xt_read().pulses, 0);
	ck_assert(xt_read().duty == 1);

	xt_fall(DAY + MS);
	xt_rise(DAY + 2 * MS);

	ck_assert_uint_eq(xt_read().pulses, 1);
	ck_assert_uint_eq(xt_read().merged, 0);
}
END_TEST

START_TEST(counter_counts_an_edge_that_the_first_level_knew_of)
{
	open_default();
	feed_level(DAY + MS, 1);
	xt_rise(DAY);
	xt_fall(DAY + 2 * MS);
	xt_rise(DAY + 4 * MS);

	ck_assert_uint_eq(xt_read().pulses, 2);
	ck_assert_uint_eq(xt_read().merged, 0);
	ck_assert(xt_read().frequency_hz == 250);
}
END_TEST

/* A level tells of an edge that is missing, or that is on its way. */
START_TEST(counter_takes_another_level_for_a_missing_edge)
{
	struct isr_counter_reading r;

	open_default();
	xt_wave(DAY, MS, MS / 2, 10);
	feed_level(DAY + 10 * MS, 1);
	ck_assert_uint_eq(xt_read().merged, 1);
	xt_fall(DAY + 11 * MS);
	xt_rise(DAY + 12 * MS);
	r = xt_read();

	ck_assert_uint_eq(r.merged, 1);
	ck_assert_uint_eq(r.pulses, 11);
	ck_assert_uint_eq(r.periods, 9);
	ck_assert_uint_le(r.window_pulses_min, 11);
	ck_assert_uint_ge(r.window_pulses_max, 11);
}
END_TEST

START_TEST(counter_forgives_a_level_whose_edge_comes_late)
{
	struct isr_counter_reading r;

	open_default();
	xt_wave(DAY, MS, MS / 2, 10);
	feed_level(DAY + 10 * MS + 1, 1);
	xt_rise(DAY + 10 * MS);
	xt_fall(DAY + 10 * MS + MS / 2);
	xt_rise(DAY + 11 * MS);
	r = xt_read();

	ck_assert_uint_eq(r.merged, 0);
	ck_assert_uint_eq(r.pulses, 12);
	ck_assert_uint_le(r.window_pulses_min, 11);
	ck_assert_uint_ge(r.window_pulses_max, 11);
}
END_TEST

static void add_steady(Suite *suite)
{
	TCase *tc = xt_case(suite, "steady");

	tcase_add_checked_fixture(tc, xt_loop_setup, xt_counter_teardown);
	tcase_add_test(tc, counter_counts_pulses);
	tcase_add_loop_test(tc, counter_is_exact_of_a_steady_wave, 0,
			    sizeof(waves) / sizeof(waves[0]));
	tcase_add_test(tc, counter_says_what_its_window_is);
	tcase_add_test(tc, counter_forgets_what_is_older_than_the_window);
	tcase_add_test(tc, counter_reports_whole_windows);
	tcase_add_test(tc, counter_tells_jitter_of_a_known_distribution);
	tcase_add_test(tc, counter_tells_the_least_jitter_of_long_periods);
	tcase_add_test(tc, counter_of_rising_edges_measures_no_widths);
	tcase_add_test(tc, counter_of_falling_edges_counts_those);
}

static void add_stop(Suite *suite)
{
	TCase *tc = xt_case(suite, "stop");

	tcase_add_checked_fixture(tc, xt_loop_setup, xt_counter_teardown);
	tcase_add_test(tc, counter_is_zero_when_the_input_stops);
	tcase_add_test(tc, counter_stops_by_the_stamp_of_the_last_pulse);
	tcase_add_test(tc, counter_slows_down_with_the_silence);
	tcase_add_test(tc, counter_of_a_restart_knows_nothing_of_before);
	tcase_add_test(tc, counter_of_a_line_that_stays_active_says_so);
	tcase_add_test(
		tc, counter_measures_periods_that_are_longer_than_the_window);
	tcase_add_test(tc, counter_by_default_stops_after_three_windows);
	tcase_add_test(tc, counter_that_was_fed_nothing_reads_zero);
}

static void add_levels(Suite *suite)
{
	TCase *tc = xt_case(suite, "levels");

	tcase_add_checked_fixture(tc, xt_loop_setup, xt_counter_teardown);
	tcase_add_test(tc, counter_takes_a_late_stamp_for_no_period);
	tcase_add_test(tc, counter_time_never_steps_back);
	tcase_add_test(tc, counter_takes_the_first_level_for_no_pulse);
	tcase_add_test(tc, counter_counts_an_edge_that_the_first_level_knew_of);
	tcase_add_test(tc, counter_takes_another_level_for_a_missing_edge);
	tcase_add_test(tc, counter_forgives_a_level_whose_edge_comes_late);
}

int main(void)
{
	Suite *suite = suite_create("counter");

	add_steady(suite);
	add_stop(suite);
	add_levels(suite);
	return xt_main(suite);
}
