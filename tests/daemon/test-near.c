/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What somebody may have meant. */
#include <limits.h>

#include "daemon/near.h"
#include "tests/xt.h"

static const struct {
	const char *a;
	const char *b;
	unsigned int distance;
} pairs[] = {
	{"", "", 0},
	{"", "abc", 3},
	{"abc", "", 3},
	{"edges", "edges", 0},
	{"edges", "EDGES", 0},
	{"edges", "edge", 1},
	{"edge", "edges", 1},
	{"edges", "odges", 1},
	{"debonuce", "debounce", 1},
	{"kitten", "sitting", 3},
	{"ab", "ba", 1},
	{"abcd", "badc", 2},
};

START_TEST(distance_counts_slips)
{
	ck_assert_uint_eq(near_distance(pairs[_i].a, pairs[_i].b),
			  pairs[_i].distance);
}
END_TEST

START_TEST(names_too_long_to_compare_are_far)
{
	char name[65];

	memset(name, 'x', 64);
	name[64] = '\0';

	ck_assert_uint_eq(near_distance(name, name), UINT_MAX);
	ck_assert(!near_is_near(name, name));
}
END_TEST

START_TEST(nearest_is_found_or_none)
{
	static const char *const names[] = {"chip", "clock", "line", NULL};

	ck_assert_str_eq(near_find("hcip", names), "chip");
	ck_assert_str_eq(near_find("clok", names), "clock");
	ck_assert_ptr_null(near_find("group", names));
	ck_assert_ptr_null(near_find("x", names));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("near");
	TCase *tcase = xt_case(suite, "near");

	tcase_add_loop_test(tcase, distance_counts_slips, 0,
			    sizeof(pairs) / sizeof(pairs[0]));
	tcase_add_test(tcase, names_too_long_to_compare_are_far);
	tcase_add_test(tcase, nearest_is_found_or_none);
	return xt_main(suite);
}
