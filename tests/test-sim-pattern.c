/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What a simulated line does by itself: a pure function of its seed. */
#include <stdlib.h>

#include "sim-pattern.h"
#include "xt.h"

#define US 1000ULL

/* One of each kind, small enough to look at thousands of cycles. */
static const struct isri_pattern patterns[] = {
	{.kind = ISRI_PATTERN_SQUARE, .cycle_ns = 1000 * US, .high_ns = 250},
	{.kind = ISRI_PATTERN_BUTTON,
	 .seed = 7,
	 .cycle_ns = 10000,
	 .high_ns = 3000,
	 .bounce_ns = 101,
	 .bounces = 5},
	{.kind = ISRI_PATTERN_BUTTON,
	 .cycle_ns = 10000,
	 .high_ns = 3000,
	 .bounce_ns = 101},
	{.kind = ISRI_PATTERN_ENCODER,
	 .cycle_ns = 2 * (12 * 250 + 1000),
	 .gap_ns = 250,
	 .edges = 12},
	{.kind = ISRI_PATTERN_BURST,
	 .cycle_ns = 700,
	 .gap_ns = 100,
	 .edges = 7},
	{.kind = ISRI_PATTERN_RANDOM, .seed = 3, .cycle_ns = 1000},
};

#define NUM_PATTERNS ((int)(sizeof(patterns) / sizeof(*patterns)))
#define NUM_STEPS 500

static void run(const struct isri_pattern *pattern,
		struct isri_pattern_edge *ret_edges, int num)
{
	struct isri_pattern_cursor cursor = {0};
	int i;

	for (i = 0; i < num; i++)
		isri_pattern_next(pattern, &cursor, &ret_edges[i]);
}

START_TEST(pattern_edges_are_later_than_the_one_before)
{
	struct isri_pattern_edge edges[NUM_STEPS];
	int i;

	run(&patterns[_i], edges, NUM_STEPS);

	ck_assert_uint_gt(edges[0].t_ns, 0);
	for (i = 1; i < NUM_STEPS; i++)
		ck_assert_uint_gt(edges[i].t_ns, edges[i - 1].t_ns);
}
END_TEST

START_TEST(pattern_edges_change_their_channel)
{
	struct isri_pattern_edge edges[NUM_STEPS];
	uint8_t levels[ISRI_PATTERN_CHANNELS] = {0, 0};
	int i;

	run(&patterns[_i], edges, NUM_STEPS);

	for (i = 0; i < NUM_STEPS; i++) {
		ck_assert_uint_lt(edges[i].channel, ISRI_PATTERN_CHANNELS);
		ck_assert_uint_ne(edges[i].level, levels[edges[i].channel]);
		levels[edges[i].channel] = edges[i].level;
	}
}
END_TEST

START_TEST(pattern_seek_is_as_if_it_had_run)
{
	struct isri_pattern_edge edges[NUM_STEPS];
	uint8_t levels[ISRI_PATTERN_CHANNELS] = {0, 0};
	int i, back;

	run(&patterns[_i], edges, NUM_STEPS);

	for (i = 0; i + 1 < NUM_STEPS; i++) {
		levels[edges[i].channel] = edges[i].level;
		/* On the edge, and just before the next. */
		for (back = 0; back < 2; back++) {
			uint64_t t_ns =
				back ? edges[i + 1].t_ns - 1 : edges[i].t_ns;
			struct isri_pattern_cursor cursor;
			struct isri_pattern_edge edge;
			uint8_t sought[ISRI_PATTERN_CHANNELS];

			isri_pattern_seek(&patterns[_i], t_ns, &cursor, sought);
			isri_pattern_next(&patterns[_i], &cursor, &edge);

			ck_assert_uint_eq(edge.t_ns, edges[i + 1].t_ns);
			ck_assert_uint_eq(edge.level, edges[i + 1].level);
			ck_assert_mem_eq(sought, levels, sizeof(levels));
		}
	}
}
END_TEST

START_TEST(pattern_seek_to_the_start_finds_the_first_edge)
{
	struct isri_pattern_cursor cursor;
	uint8_t levels[ISRI_PATTERN_CHANNELS];

	isri_pattern_seek(&patterns[_i], 0, &cursor, levels);

	ck_assert_uint_eq(cursor.cycle, 0);
	ck_assert_uint_eq(cursor.index, 0);
	ck_assert_uint_eq(levels[0] + levels[1], 0);
}
END_TEST

START_TEST(pattern_square_keeps_its_duty)
{
	struct isri_pattern_edge edges[4];

	run(&patterns[0], edges, 4);

	ck_assert_uint_eq(edges[0].t_ns, 1000 * US - 250);
	ck_assert_uint_eq(edges[1].t_ns, 1000 * US);
	ck_assert_uint_eq(edges[2].t_ns, 2000 * US - 250);
	ck_assert_uint_eq(edges[0].level, 1);
}
END_TEST

START_TEST(pattern_button_bounces_only_for_its_time)
{
	const struct isri_pattern *p = &patterns[1];
	struct isri_pattern_edge edges[NUM_STEPS];
	int i, presses = 0;

	run(p, edges, NUM_STEPS);

	for (i = 0; i < NUM_STEPS; i++) {
		uint64_t t_ns = (edges[i].t_ns - 1) % p->cycle_ns + 1;
		uint64_t release_ns = p->cycle_ns - p->bounce_ns;
		uint64_t press_ns = release_ns - p->high_ns;

		ck_assert(
			(t_ns >= press_ns && t_ns <= press_ns + p->bounce_ns) ||
			t_ns >= release_ns);
		presses += t_ns == press_ns && edges[i].level;
	}
	ck_assert_int_gt(presses, 10);
}
END_TEST

START_TEST(pattern_encoder_turns_forth_and_back)
{
	const struct isri_pattern *p = &patterns[3];
	struct isri_pattern_edge edges[2 * 12];
	/* Position of the state AB in the cycle 00 10 11 01. */
	static const int phase[2][2] = {{0, 3}, {1, 2}};
	int ab[2] = {0, 0};
	int i, position = 0;

	run(p, edges, 2 * 12);

	for (i = 0; i < 2 * 12; i++) {
		int before = phase[ab[0]][ab[1]];
		int step;

		ab[edges[i].channel] = edges[i].level;
		step = (phase[ab[0]][ab[1]] - before + 4) % 4;
		ck_assert_int_eq(step, i < 12 ? 1 : 3);
		position += step == 1 ? 1 : -1;
		if (i == 11)
			ck_assert_int_eq(position, 12);
	}
	ck_assert_int_eq(position, 0);
}
END_TEST

START_TEST(pattern_random_depends_on_its_seed_alone)
{
	struct isri_pattern other = patterns[5];
	struct isri_pattern_edge a[NUM_STEPS], b[NUM_STEPS], c[NUM_STEPS];
	int i, differ = 0;

	other.seed++;
	run(&patterns[5], a, NUM_STEPS);
	run(&patterns[5], b, NUM_STEPS);
	run(&other, c, NUM_STEPS);

	for (i = 0; i < NUM_STEPS; i++) {
		ck_assert_uint_eq(a[i].t_ns, b[i].t_ns);
		differ += a[i].t_ns != c[i].t_ns;
	}
	ck_assert_int_gt(differ, NUM_STEPS / 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim-pattern");
	TCase *tc = xt_case(suite, "each");

	tcase_add_loop_test(tc, pattern_edges_are_later_than_the_one_before, 0,
			    NUM_PATTERNS);
	tcase_add_loop_test(tc, pattern_edges_change_their_channel, 0,
			    NUM_PATTERNS);
	tcase_add_loop_test(tc, pattern_seek_is_as_if_it_had_run, 0,
			    NUM_PATTERNS);
	tcase_add_loop_test(tc, pattern_seek_to_the_start_finds_the_first_edge,
			    0, NUM_PATTERNS);

	tc = xt_case(suite, "kinds");
	tcase_add_test(tc, pattern_square_keeps_its_duty);
	tcase_add_test(tc, pattern_button_bounces_only_for_its_time);
	tcase_add_test(tc, pattern_encoder_turns_forth_and_back);
	tcase_add_test(tc, pattern_random_depends_on_its_seed_alone);
	return xt_main(suite);
}
