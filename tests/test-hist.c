/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The log-scaled histogram. */
#include <stdlib.h>

#include <isrloop/hist.h>

#include "xt.h"

static struct isr_hist hist;

static void setup(void)
{
	isr_hist_init(&hist);
}

START_TEST(hist_is_empty_at_first)
{
	ck_assert_uint_eq(isr_hist_get_count(&hist), 0);
	ck_assert_uint_eq(isr_hist_get_max_ns(&hist), 0);
	ck_assert_uint_eq(isr_hist_get_percentile_ns(&hist, 99), 0);
}
END_TEST

START_TEST(hist_is_exact_below_32)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		isr_hist_record(&hist, i);

	ck_assert_uint_eq(isr_hist_get_count(&hist), 32);
	for (i = 1; i <= 32; i++)
		ck_assert_uint_eq(
			isr_hist_get_percentile_ns(&hist, i * 100.0 / 32),
			i - 1);
}
END_TEST

START_TEST(hist_bounds_every_value_within_a_sixteenth)
{
	uint64_t value = 1;

	for (; value < UINT64_MAX / 3; value = value * 3 / 2 + 1) {
		uint64_t top;

		isr_hist_init(&hist);
		isr_hist_record(&hist, value);
		/* A larger one, so that the maximum does not clamp. */
		isr_hist_record(&hist, UINT64_MAX);
		top = isr_hist_get_percentile_ns(&hist, 50);

		ck_assert_uint_ge(top, value);
		ck_assert_uint_le(top - value, value / 16);
	}
}
END_TEST

START_TEST(hist_takes_the_whole_range)
{
	isr_hist_record(&hist, 0);
	isr_hist_record(&hist, UINT64_MAX);

	ck_assert_uint_eq(isr_hist_get_percentile_ns(&hist, 0), 0);
	ck_assert_uint_eq(isr_hist_get_percentile_ns(&hist, 100), UINT64_MAX);
	ck_assert_uint_eq(isr_hist_get_max_ns(&hist), UINT64_MAX);
}
END_TEST

START_TEST(hist_percentile_never_exceeds_the_maximum)
{
	isr_hist_record(&hist, 1000001);

	ck_assert_uint_eq(isr_hist_get_percentile_ns(&hist, 50), 1000001);
}
END_TEST

START_TEST(hist_counts_more_than_32_bits_of_one_duration)
{
	/* As after 50 days at 1 kHz. */
	isr_hist_record(&hist, 7);
	hist.buckets[7] = UINT32_MAX;
	isr_hist_record(&hist, 7);
	isr_hist_record(&hist, 1000);

	ck_assert_uint_eq(isr_hist_get_percentile_ns(&hist, 99), 7);
}
END_TEST

START_TEST(hist_clamps_a_share_outside_0_to_100)
{
	isr_hist_record(&hist, 1);
	isr_hist_record(&hist, 2);

	ck_assert_uint_eq(isr_hist_get_percentile_ns(&hist, -5), 1);
	ck_assert_uint_eq(isr_hist_get_percentile_ns(&hist, 1000), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hist");
	TCase *tc = xt_case(suite, "hist");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, hist_is_empty_at_first);
	tcase_add_test(tc, hist_is_exact_below_32);
	tcase_add_test(tc, hist_bounds_every_value_within_a_sixteenth);
	tcase_add_test(tc, hist_takes_the_whole_range);
	tcase_add_test(tc, hist_percentile_never_exceeds_the_maximum);
	tcase_add_test(tc, hist_counts_more_than_32_bits_of_one_duration);
	tcase_add_test(tc, hist_clamps_a_share_outside_0_to_100);
	return xt_main(suite);
}
