/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Records as text: gpiomon's output byte for byte, and what it cannot say. */
#include <stdlib.h>
#include <time.h>

#include "format.h"
#include "xt.h"

static char button_alias[] = "BTN", button_name[] = "BUTTON";
static char chip_name[] = "gpiochip3", no_name[] = "";

static struct line button = {
	.alias = button_alias,
	.name = button_name,
	.chip = chip_name,
	.offset = 17,
};

static struct line unnamed = {
	.alias = button_alias,
	.name = no_name,
	.chip = chip_name,
	.offset = 5,
};

static const struct record rising = {
	.line = &button,
	.kind = ISR_EVENT_RISING,
	.value = 1,
	.t_ns = 1234567890012345678,
	.line_seq = 42,
};

static const struct record falling = {
	.line = &button,
	.kind = ISR_EVENT_FALLING,
	.value = 0,
	.t_ns = 7000000009,
	.line_seq = 43,
};

typedef void put_record(FILE *out, const struct text_style *style,
			const struct record *record);

static const char *put(put_record *put_it, const struct text_style *style,
		       const struct record *record)
{
	static char text[512];
	FILE *out = fmemopen(text, sizeof(text), "w");

	ck_assert_ptr_nonnull(out);
	put_it(out, style, record);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

static void check_format(const char *format, const struct record *record,
			 const char *expected)
{
	struct text_style style = {.format = format};

	ck_assert_str_eq(put(format_edge, &style, record), expected);
}

START_TEST(edge_by_default_has_time_direction_and_quoted_name)
{
	struct text_style style = {0};

	ck_assert_str_eq(put(format_edge, &style, &rising),
			 "1234567890.012345678\trising\t\"BUTTON\"\n");
	ck_assert_str_eq(put(format_edge, &style, &falling),
			 "7.000000009\tfalling\t\"BUTTON\"\n");
}
END_TEST

START_TEST(edge_unquoted_has_the_bare_name)
{
	struct text_style style = {.unquoted = true};

	ck_assert_str_eq(put(format_edge, &style, &falling),
			 "7.000000009\tfalling\tBUTTON\n");
}
END_TEST

START_TEST(edge_with_chip_has_chip_and_offset_before_the_name)
{
	struct text_style style = {.show_chip = true};

	ck_assert_str_eq(put(format_edge, &style, &falling),
			 "7.000000009\tfalling\tgpiochip3 17 \"BUTTON\"\n");
}
END_TEST

START_TEST(edge_of_an_unnamed_line_has_chip_and_offset_only)
{
	struct text_style style = {.show_chip = true};
	struct record record = falling;

	record.line = &unnamed;

	ck_assert_str_eq(put(format_edge, &style, &record),
			 "7.000000009\tfalling\tgpiochip3 5\n");
}
END_TEST

START_TEST(edge_of_a_line_of_the_daemon_has_its_name_there)
{
	struct text_style style = {0};
	struct record record = falling;

	record.line = &unnamed;

	ck_assert_str_eq(put(format_edge, &style, &record),
			 "7.000000009\tfalling\t\"BTN\"\n");
}
END_TEST

START_TEST(edge_in_utc_ends_in_z)
{
	struct text_style style = {.time = TIME_STYLE_UTC};

	ck_assert_str_eq(
		put(format_edge, &style, &rising),
		"2009-02-13T23:31:30.012345678Z\trising\t\"BUTTON\"\n");
}
END_TEST

START_TEST(edge_in_local_time_has_no_zone)
{
	struct text_style style = {.time = TIME_STYLE_LOCAL};

	ck_assert_str_eq(put(format_edge, &style, &rising),
			 "2009-02-14T05:01:30.012345678\trising\t\"BUTTON\"\n");
}
END_TEST

START_TEST(utc_of_a_monotonic_stamp_is_converted_only_when_asked)
{
	struct text_style style = {.time = TIME_STYLE_UTC};
	struct record record = falling;

	record.has_realtime = true;
	record.realtime_offset_ns = 1234567890 * INT64_C(1000000000);

	ck_assert_str_eq(
		put(format_edge, &style, &record),
		"1970-01-01T00:00:07.000000009Z\tfalling\t\"BUTTON\"\n");
	style.convert = true;
	ck_assert_str_eq(
		put(format_edge, &style, &record),
		"2009-02-13T23:31:37.000000009Z\tfalling\t\"BUTTON\"\n");
}
END_TEST

START_TEST(letters_of_gpiomon_mean_what_they_mean_there)
{
	check_format("%o", &rising, "17\n");
	check_format("%l", &rising, "BUTTON\n");
	check_format("%c", &rising, "gpiochip3\n");
	check_format("%e", &rising, "1\n");
	check_format("%e", &falling, "2\n");
	check_format("%E", &rising, "rising\n");
	check_format("%E", &falling, "falling\n");
	check_format("%S", &falling, "7.000000009\n");
	check_format("%U", &falling, "1970-01-01T00:00:07.000000009Z\n");
	check_format("%L", &falling, "1970-01-01T05:30:07.000000009\n");
	check_format("%%", &rising, "%\n");
}
END_TEST

START_TEST(letter_l_of_an_unnamed_line_is_unnamed)
{
	struct record record = rising;

	record.line = &unnamed;

	check_format("%l %a", &record, "unnamed BTN\n");
}
END_TEST

START_TEST(unknown_letter_is_left_as_it_is)
{
	check_format("%z %q", &rising, "%z %q\n");
}
END_TEST

START_TEST(percent_at_the_end_is_left_as_it_is)
{
	check_format("%", &rising, "%\n");
	check_format("%o%", &rising, "17%\n");
	check_format("%%%", &rising, "%%\n");
}
END_TEST

START_TEST(escaped_percent_does_not_start_a_letter)
{
	check_format("%%o", &rising, "%o\n");
	check_format("100%%", &rising, "100%\n");
}
END_TEST

START_TEST(format_without_letters_is_plain_text)
{
	check_format("", &rising, "\n");
	check_format("edge\\n", &rising, "edge\\n\n");
}
END_TEST

START_TEST(format_may_repeat_and_join_letters)
{
	check_format("%o%o:%e %E,%l", &rising, "1717:1 rising,BUTTON\n");
}
END_TEST

START_TEST(letter_v_is_the_level)
{
	check_format("%v", &rising, "1\n");
	check_format("%v", &falling, "0\n");
}
END_TEST

START_TEST(letters_n_and_g_are_the_lines_sequence)
{
	check_format("%n %g", &rising, "42 42\n");
}
END_TEST

START_TEST(letter_s_is_the_daemons_sequence_or_a_dash)
{
	struct record record = rising;

	check_format("%s", &record, "-\n");
	record.has_seq = true;
	record.seq = UINT64_C(5000000000);
	check_format("%s", &record, "5000000000\n");
}
END_TEST

START_TEST(letters_d_and_w_are_seconds_or_a_dash)
{
	struct record record = rising;

	check_format("%d %w", &record, "- -\n");
	record.has_delta = true;
	record.delta_ns = 1000000001;
	check_format("%d %w", &record, "1.000000001 -\n");
	record.has_width = true;
	record.width_ns = 999;
	check_format("%d %w", &record, "1.000000001 0.000000999\n");
}
END_TEST

START_TEST(letter_d_may_be_negative_when_the_clock_was_set)
{
	struct record record = rising;

	record.has_delta = true;
	record.delta_ns = -1500000000;

	check_format("%d", &record, "-1.500000000\n");
}
END_TEST

START_TEST(letter_x_is_the_loss_before_the_edge)
{
	struct record record = rising;

	check_format("%x", &record, "0\n");
	record.lost = 76;
	check_format("%x", &record, "76\n");
}
END_TEST

START_TEST(letter_k_is_the_lines_clock)
{
	struct line line = button;
	struct record record = rising;

	record.line = &line;
	check_format("%k", &record, "monotonic\n");
	line.clock = ISR_CLOCK_REALTIME;
	check_format("%k", &record, "realtime\n");
	line.clock = ISR_CLOCK_HTE;
	check_format("%k", &record, "hte\n");
}
END_TEST

START_TEST(lost_has_the_columns_of_an_edge_and_the_place)
{
	struct text_style style = {0};
	struct record record = rising;

	record.lost = 76;
	record.lost_at = PLACE_KERNEL;

	ck_assert_str_eq(
		put(format_lost, &style, &record),
		"1234567890.012345678\tlost\t\"BUTTON\"\t76 at kernel\n");
}
END_TEST

START_TEST(merged_names_the_edge_that_lacks)
{
	struct text_style style = {0};

	ck_assert_str_eq(
		put(format_merged, &style, &falling),
		"7.000000009\tmerged\t\"BUTTON\"\tat least 1 rising edge\n");
}
END_TEST

START_TEST(notice_without_a_line_has_an_empty_column)
{
	struct text_style style = {0};
	struct record record = {.kind = ISR_EVENT_IDLE, .t_ns = 1};

	ck_assert_str_eq(put(format_notice, &style, &record),
			 "0.000000001\tidle\t\n");
}
END_TEST

START_TEST(places_have_a_name_in_every_combination)
{
	unsigned int places;

	for (places = 1; places < PLACE_CLIENT << 1; places++)
		ck_assert_str_ne(record_get_place_name(places), "unknown");
	ck_assert_str_eq(record_get_place_name(0), "unknown");
	ck_assert_str_eq(record_get_place_name(PLACE_CLIENT << 1), "unknown");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("format");
	TCase *tcase = xt_case(suite, "default output");

	tcase_add_test(tcase,
		       edge_by_default_has_time_direction_and_quoted_name);
	tcase_add_test(tcase, edge_unquoted_has_the_bare_name);
	tcase_add_test(tcase,
		       edge_with_chip_has_chip_and_offset_before_the_name);
	tcase_add_test(tcase, edge_of_an_unnamed_line_has_chip_and_offset_only);
	tcase_add_test(tcase,
		       edge_of_a_line_of_the_daemon_has_its_name_there);
	tcase_add_test(tcase, edge_in_utc_ends_in_z);
	tcase_add_test(tcase, edge_in_local_time_has_no_zone);
	tcase_add_test(tcase,
		       utc_of_a_monotonic_stamp_is_converted_only_when_asked);

	tcase = xt_case(suite, "letters of gpiomon");
	tcase_add_test(tcase, letters_of_gpiomon_mean_what_they_mean_there);
	tcase_add_test(tcase, letter_l_of_an_unnamed_line_is_unnamed);
	tcase_add_test(tcase, unknown_letter_is_left_as_it_is);
	tcase_add_test(tcase, percent_at_the_end_is_left_as_it_is);
	tcase_add_test(tcase, escaped_percent_does_not_start_a_letter);
	tcase_add_test(tcase, format_without_letters_is_plain_text);
	tcase_add_test(tcase, format_may_repeat_and_join_letters);

	tcase = xt_case(suite, "letters of our own");
	tcase_add_test(tcase, letter_v_is_the_level);
	tcase_add_test(tcase, letters_n_and_g_are_the_lines_sequence);
	tcase_add_test(tcase, letter_s_is_the_daemons_sequence_or_a_dash);
	tcase_add_test(tcase, letters_d_and_w_are_seconds_or_a_dash);
	tcase_add_test(tcase, letter_d_may_be_negative_when_the_clock_was_set);
	tcase_add_test(tcase, letter_x_is_the_loss_before_the_edge);
	tcase_add_test(tcase, letter_k_is_the_lines_clock);

	tcase = xt_case(suite, "what gpiomon cannot say");
	tcase_add_test(tcase, lost_has_the_columns_of_an_edge_and_the_place);
	tcase_add_test(tcase, merged_names_the_edge_that_lacks);
	tcase_add_test(tcase, notice_without_a_line_has_an_empty_column);
	tcase_add_test(tcase, places_have_a_name_in_every_combination);
	return suite;
}

int main(void)
{
	/* A zone with half an hour, and no file needed for it. */
	setenv("TZ", "XST-5:30", 1);
	tzset();
	return xt_main(make_suite());
}
