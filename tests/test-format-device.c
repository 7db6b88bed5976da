/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What devices tell, in words. */
#include "format-device.h"
#include "xt.h"

static struct device_members members;
static struct record record;

static void setup(void)
{
	memset(&members, 0, sizeof(members));
	record = (struct record){.t_ns = 5000000000, .members = &members};
}

static void check(const char *expected)
{
	char words[FORMAT_DEVICE_BYTES];

	format_device_words(&record, words);
	ck_assert_str_eq(words, expected);
}

static void set_rate(double hz, double min_hz, double max_hz)
{
	record.kind = DEVICE_KIND_RATE;
	device_set_real(&members, DEVICE_FREQUENCY_HZ, hz);
	device_set_real(&members, DEVICE_FREQUENCY_MIN_HZ, min_hz);
	device_set_real(&members, DEVICE_FREQUENCY_MAX_HZ, max_hz);
}

static void check_frequency(double hz, const char *expected)
{
	set_rate(hz, hz, hz);
	check(expected);
}

START_TEST(a_contact_that_did_not_bounce_needs_no_words)
{
	record.kind = DEVICE_KIND_PRESS;
	record.value = 1;
	device_set_whole(&members, DEVICE_T_FIRST_NS, 5000000000);
	device_set_whole(&members, DEVICE_BOUNCES, 0);
	device_set_whole(&members, DEVICE_CLICKS, 1);
	check("");
	record.members = NULL;
	check("");
}
END_TEST

START_TEST(bounces_and_settling_are_told)
{
	record.kind = DEVICE_KIND_PRESS;
	device_set_whole(&members, DEVICE_T_FIRST_NS, 5000000000);
	device_set_whole(&members, DEVICE_T_SETTLED_NS, 5004200000);
	device_set_whole(&members, DEVICE_BOUNCES, 3);
	check("bounces 3, settled after 4.200 ms");
	record.kind = DEVICE_KIND_SETTLED;
	record.value = 1;
	check("closed, bounces 3, after 4.200 ms");
	record.value = 0;
	check("open, bounces 3, after 4.200 ms");
}
END_TEST

START_TEST(clicks_are_counted)
{
	record.kind = DEVICE_KIND_CLICKS;
	device_set_whole(&members, DEVICE_CLICKS, 2);
	check("2 clicks");
	record.kind = DEVICE_KIND_RELEASE;
	device_set_whole(&members, DEVICE_BOUNCES, 1);
	check("click 2, bounces 1");
}
END_TEST

START_TEST(a_hold_has_its_length)
{
	record.kind = DEVICE_KIND_LONG;
	device_set_whole(&members, DEVICE_T_FIRST_NS, 4000000000);
	device_set_whole(&members, DEVICE_T_SETTLED_NS, 4005000000);
	device_set_whole(&members, DEVICE_BOUNCES, 9);
	check("held for 1.000 s");
	record.kind = DEVICE_KIND_REPEAT;
	device_set_whole(&members, DEVICE_REPEATS, 3);
	check("repeat 3, held for 1.000 s");
}
END_TEST

START_TEST(a_position_has_columns)
{
	record.kind = DEVICE_KIND_POSITION;
	record.value = -12;
	device_set_whole(&members, DEVICE_DELTA, -1);
	device_set_real(&members, DEVICE_VELOCITY, -40.04);
	device_set_whole(&members, DEVICE_UNCERTAIN, 0);
	check("     -12  delta     -1      -40.0/s");
	device_set_whole(&members, DEVICE_UNCERTAIN, 2);
	check("     -12  delta     -1      -40.0/s"
	      "  off by 2 quarter steps at most");
}
END_TEST

START_TEST(a_rate_has_units)
{
	set_rate(1000, 1000, 1000);
	device_set_real(&members, DEVICE_DUTY, 0.25);
	device_set_real(&members, DEVICE_HIGH_NS, 250000);
	device_set_real(&members, DEVICE_LOW_NS, 750000);
	check("  1.0000 kHz  duty  25.0 %  high 250.0 us  low 750.0 us");
}
END_TEST

START_TEST(frequencies_have_five_digits)
{
	check_frequency(0.5, "   0.5000 Hz");
	check_frequency(1, "   1.0000 Hz");
	check_frequency(50.0041, "   50.004 Hz");
	check_frequency(999.994, "   999.99 Hz");
	check_frequency(999.996, "  1.0000 kHz");
	check_frequency(123456, "  123.46 kHz");
	check_frequency(2.5e9, "  2500.0 MHz");
}
END_TEST

START_TEST(losses_leave_bounds_of_a_rate)
{
	set_rate(1000, 990, 1010);
	check("  1.0000 kHz  (990.00 Hz to 1.0100 kHz)");
}
END_TEST

START_TEST(a_silence_bounds_a_rate_from_above)
{
	set_rate(0.4, 0, 0.4);
	check("<  0.4000 Hz");
	set_rate(0, 0, 2);
	check("<  2.0000 Hz");
}
END_TEST

START_TEST(an_input_that_stopped_has_its_level)
{
	set_rate(0, 0, 0);
	check("        0 Hz  stopped");
	device_set_real(&members, DEVICE_DUTY, 1);
	check("        0 Hz  stopped, active");
	device_set_real(&members, DEVICE_DUTY, 0);
	check("        0 Hz  stopped, inactive");
}
END_TEST

START_TEST(the_widest_words_fit)
{
	record.kind = DEVICE_KIND_POSITION;
	record.value = INT64_MIN;
	device_set_whole(&members, DEVICE_DELTA, INT64_MIN);
	device_set_real(&members, DEVICE_VELOCITY, -1e300);
	device_set_whole(&members, DEVICE_UNCERTAIN, INT64_MAX);
	{
		char words[FORMAT_DEVICE_BYTES];

		format_device_words(&record, words);
		ck_assert_uint_eq(strlen(words), sizeof(words) - 1);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("format-device");
	TCase *tcase = xt_case(suite, "contacts");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, a_contact_that_did_not_bounce_needs_no_words);
	tcase_add_test(tcase, bounces_and_settling_are_told);
	tcase_add_test(tcase, clicks_are_counted);
	tcase_add_test(tcase, a_hold_has_its_length);

	tcase = xt_case(suite, "figures");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, a_position_has_columns);
	tcase_add_test(tcase, a_rate_has_units);
	tcase_add_test(tcase, frequencies_have_five_digits);
	tcase_add_test(tcase, losses_leave_bounds_of_a_rate);
	tcase_add_test(tcase, a_silence_bounds_a_rate_from_above);
	tcase_add_test(tcase, an_input_that_stopped_has_its_level);
	tcase_add_test(tcase, the_widest_words_fit);
	return xt_main(suite);
}
