/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Near names: what a misspelt name could have meant. */
#include <stdlib.h>

#include "near.h"
#include "xt.h"

START_TEST(near_distance_counts_edits)
{
	ck_assert_uint_eq(isri_near_distance("BUTTON", "BUTTON"), 0);
	ck_assert_uint_eq(isri_near_distance("BUTON", "BUTTON"), 1);
	ck_assert_uint_eq(isri_near_distance("BUTTONS", "BUTTON"), 1);
	ck_assert_uint_eq(isri_near_distance("BOTTON", "BUTTON"), 1);
	ck_assert_uint_eq(isri_near_distance("kitten", "sitting"), 3);
	ck_assert_uint_eq(isri_near_distance("", "abc"), 3);
}
END_TEST

START_TEST(near_distance_takes_a_swap_of_neighbours_as_one_edit)
{
	ck_assert_uint_eq(isri_near_distance("BUTOTN", "BUTTON"), 1);
}
END_TEST

START_TEST(near_distance_ignores_case)
{
	ck_assert_uint_eq(isri_near_distance("button", "BUTTON"), 0);
}
END_TEST

START_TEST(near_keeps_the_nearest_first_and_each_once)
{
	struct isri_near near = {0};
	char text[256];

	isri_near_offer(&near, "ENC_A", "ENC_BB");
	isri_near_offer(&near, "ENC_A", "ENC_B");
	isri_near_offer(&near, "ENC_A", "ENC_B");
	isri_near_offer(&near, "ENC_A", "CLOCK");
	isri_near_offer(&near, "ENC_A", "");
	isri_near_format(&near, text, sizeof(text));

	ck_assert_str_eq(text, "; did you mean ENC_B or ENC_BB?");
}
END_TEST

START_TEST(near_drops_the_farthest_when_there_are_more_than_three)
{
	struct isri_near near = {0};
	char text[256];

	isri_near_offer(&near, "LINE00", "LINE11");
	isri_near_offer(&near, "LINE00", "LINE01");
	isri_near_offer(&near, "LINE00", "LINE02");
	isri_near_offer(&near, "LINE00", "LINE03");
	isri_near_format(&near, text, sizeof(text));

	ck_assert_str_eq(text, "; did you mean LINE01, LINE02 or LINE03?");
}
END_TEST

START_TEST(near_says_nothing_when_nothing_is_near)
{
	struct isri_near near = {0};
	char text[256];

	isri_near_offer(&near, "BUTTON", "CLOCK");
	isri_near_format(&near, text, sizeof(text));

	ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("near");
	TCase *tc = xt_case(suite, "names");

	tcase_add_test(tc, near_distance_counts_edits);
	tcase_add_test(tc,
		       near_distance_takes_a_swap_of_neighbours_as_one_edit);
	tcase_add_test(tc, near_distance_ignores_case);
	tcase_add_test(tc, near_keeps_the_nearest_first_and_each_once);
	tcase_add_test(tc,
		       near_drops_the_farthest_when_there_are_more_than_three);
	tcase_add_test(tc, near_says_nothing_when_nothing_is_near);
	return xt_main(suite);
}
