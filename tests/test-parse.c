/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Numbers and words of isrmon's command line. */
#include "parse.h"
#include "xt.h"

static void check_period(const char *text, uint64_t expected_ns)
{
	uint64_t ns;

	xt_ok(parse_period(text, &ns));
	ck_assert_uint_eq(ns, expected_ns);
}

static void check_no_period(const char *text, int error)
{
	uint64_t ns = 4711;

	xt_fails_with(error, parse_period(text, &ns));
	ck_assert_uint_eq(ns, 4711);
}

START_TEST(period_without_unit_is_milliseconds)
{
	check_period("0", 0);
	check_period("10", 10000000);
}
END_TEST

START_TEST(period_takes_four_units)
{
	check_period("10us", 10000);
	check_period("10ms", 10000000);
	check_period("10s", 10000000000);
	check_period("2m", 120000000000);
}
END_TEST

START_TEST(period_rejects_what_is_behind_the_unit)
{
	check_no_period("10x", EINVAL);
	check_no_period("10u", EINVAL);
	check_no_period("10mss", EINVAL);
	check_no_period("10ss", EINVAL);
	check_no_period("10s ", EINVAL);
	check_no_period("10 s", EINVAL);
	check_no_period("10ns", EINVAL);
	check_no_period("1.5s", EINVAL);
}
END_TEST

START_TEST(period_needs_digits_first)
{
	check_no_period("", EINVAL);
	check_no_period("ms", EINVAL);
	check_no_period(" 5", EINVAL);
	check_no_period("-5", EINVAL);
	check_no_period("+5", EINVAL);
	check_no_period("0x10", EINVAL);
}
END_TEST

START_TEST(period_may_be_as_long_as_63_bits_of_ns)
{
	check_period("9223372036854775us", UINT64_C(9223372036854775000));
	check_no_period("9223372036854776us", ERANGE);
	check_no_period("153722868m", ERANGE);
	check_no_period("9223372036854775808", ERANGE);
	check_no_period("99999999999999999999999", ERANGE);
}
END_TEST

START_TEST(count_is_a_31_bit_number)
{
	uint32_t count;

	xt_ok(parse_count("0", &count));
	ck_assert_uint_eq(count, 0);
	xt_ok(parse_count("2147483647", &count));
	ck_assert_uint_eq(count, 2147483647);
	xt_fails_with(ERANGE, parse_count("2147483648", &count));
	xt_fails_with(EINVAL, parse_count("", &count));
	xt_fails_with(EINVAL, parse_count("-1", &count));
	xt_fails_with(EINVAL, parse_count("5x", &count));
}
END_TEST

START_TEST(word_is_matched_whole)
{
	static const char *const words[] = {"rising", "falling", NULL};

	ck_assert_int_eq(parse_word("rising", words), 0);
	ck_assert_int_eq(parse_word("falling", words), 1);
	xt_fails_with(EINVAL, parse_word("fall", words));
	xt_fails_with(EINVAL, parse_word("Rising", words));
	xt_fails_with(EINVAL, parse_word("", words));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("parse");
	TCase *tcase = xt_case(suite, "periods");

	tcase_add_test(tcase, period_without_unit_is_milliseconds);
	tcase_add_test(tcase, period_takes_four_units);
	tcase_add_test(tcase, period_rejects_what_is_behind_the_unit);
	tcase_add_test(tcase, period_needs_digits_first);
	tcase_add_test(tcase, period_may_be_as_long_as_63_bits_of_ns);

	tcase = xt_case(suite, "numbers and words");
	tcase_add_test(tcase, count_is_a_31_bit_number);
	tcase_add_test(tcase, word_is_matched_whole);
	return xt_main(suite);
}
