/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Encoders of which edges are lost: each kind of loss, one at a time. All of
 * them together are in test-encoder-walks.c.
 */
#include <stdlib.h>

#include "xt-encoder.h"

/* Lost ones: they move the shaft, and nobody sees it. */
static uint32_t lose(int quarters)
{
	uint32_t n = 0;

	for (; quarters > 0; quarters--, n++)
		turn_unseen(1);
	for (; quarters < 0; quarters++, n++)
		turn_unseen(-1);
	return n;
}

/* The next edge, which tells how many were lost before it. */
static void turn_after_loss(int direction, uint32_t n)
{
	struct isr_event edge = turn_unseen(direction);

	edge.lost = n;
	feed_event(edge);
}

static void open_turning(int direction)
{
	open_encoder(xt_encoder_config());
	turn(direction * 5);
	n_told = 0;
}

START_TEST(gap_of_one_is_repaired)
{
	static const int signs[] = {1, -1};
	int before = signs[_i & 1], lost = signs[_i >> 1 & 1],
	    after = signs[_i >> 2 & 1];

	open_turning(before);

	turn_after_loss(after, lose(lost));

	ck_assert_int_eq(isr_encoder_get_value(&encoder), shaft);
	ck_assert_uint_eq(n_told, 1);
	ck_assert_int_eq(told[0].delta, lost + after);
	ck_assert_uint_eq(told[0].lost, 1);
	ck_assert_uint_eq(told[0].uncertain, 0);
	ck_assert_uint_eq(stats_now().lost, 1);
	ck_assert_uint_eq(stats_now().resyncs, 1);
	ck_assert_uint_eq(stats_now().uncertain, 0);
}
END_TEST

START_TEST(gap_of_two_there_and_back_is_repaired)
{
	open_turning(1);
	lose(1);
	lose(-1);
	turn_after_loss(1, 2);

	ck_assert_int_eq(isr_encoder_get_value(&encoder), shaft);
	ck_assert_uint_eq(stats_now().uncertain, 0);
}
END_TEST

/* Half a cycle is as far both ways: it went on, or a cycle is missing. */
START_TEST(gap_of_half_a_cycle_goes_on_as_before)
{
	int direction = _i ? -1 : 1;

	open_turning(direction);
	turn_after_loss(direction, lose(2 * direction));

	ck_assert_int_eq(isr_encoder_get_value(&encoder), shaft);
	ck_assert_int_eq(told[0].delta, 3 * direction);
	ck_assert_uint_eq(told[0].uncertain, 4);
}
END_TEST

START_TEST(wrong_guess_is_within_what_is_uncertain)
{
	open_turning(1);
	turn_after_loss(-1, lose(-2));

	ck_assert_int_eq(isr_encoder_get_value(&encoder), shaft + 4);
	ck_assert_uint_eq(told[0].uncertain, 4);
}
END_TEST

struct gap {
	int quarters;
	int64_t guessed;
	uint32_t uncertain;
};

/* All the same way, as many as are lost. */
static const struct gap gaps[] = {
	{1, 1, 0},   {2, 2, 4},	    {3, -1, 4},	   {4, 0, 4},  {5, 1, 4},
	{6, 2, 8},   {7, -1, 8},    {8, 0, 8},	   {9, 1, 8},  {10, 2, 12},
	{-1, -1, 0}, {-2, 2, 4},    {-3, 1, 4},	   {-4, 0, 4}, {-5, -1, 4},
	{-6, 2, 8},  {99, -1, 100}, {100, 0, 100},
};

START_TEST(gap_is_the_smallest_movement_and_the_farthest_is_told)
{
	const struct gap *gap = &gaps[_i];
	int64_t before;

	open_turning(1);
	before = isr_encoder_get_value(&encoder);
	turn_after_loss(1, lose(gap->quarters));

	ck_assert_int_eq(isr_encoder_get_value(&encoder) - before,
			 gap->guessed + 1);
	ck_assert_uint_eq(told[0].uncertain, gap->uncertain);
	ck_assert_int_le(labs((long)(isr_encoder_get_value(&encoder) - shaft)),
			 gap->uncertain);
}
END_TEST

START_TEST(more_than_all_numbers_are_lost)
{
	int i;

	open_turning(1);
	for (i = 0; i < 3; i++)
		turn_after_loss(1, UINT32_MAX);

	ck_assert_uint_eq(told[2].uncertain, UINT32_MAX);
	ck_assert_uint_eq(stats_now().lost, 3 * (uint64_t)UINT32_MAX);
	ck_assert_uint_gt(stats_now().uncertain, UINT32_MAX);
}
END_TEST

/* A loss with nothing after it, and then the edge that says what it was. */
START_TEST(report_is_told_at_once_and_settled_by_the_next_edge)
{
	struct isr_event report;

	open_turning(1);
	report = make_event(ISR_EVENT_LOST, 0);
	report.lost = lose(-1);
	feed_event(report);
	ck_assert_uint_eq(n_told, 1);
	assert_told(0, 5, 0);
	ck_assert_uint_eq(told[0].lost, 1);
	ck_assert_uint_eq(told[0].uncertain, 1);
	ck_assert_uint_eq(stats_now().uncertain, 1);

	turn(1);

	ck_assert_uint_eq(n_told, 1);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), shaft);
	ck_assert_uint_eq(stats_now().uncertain, 0);
	ck_assert_uint_eq(stats_now().lost, 1);
	turn(1);
	assert_told(1, 6, 1);
	ck_assert_uint_eq(told[1].uncertain, 0);
}
END_TEST

START_TEST(report_is_settled_by_a_level_too)
{
	struct isr_event report;
	unsigned int line;

	for (line = 0; line < 2; line++) {
		open_turning(1);
		report = make_event(ISR_EVENT_LOST, 0);
		report.lost = lose(-1);
		feed_event(report);

		feed_level(line);

		ck_assert_int_eq(isr_encoder_get_value(&encoder), shaft);
		ck_assert_uint_eq(stats_now().uncertain, 0);
		ck_assert_uint_eq(stats_now().corrected, 0);
		xt_ok(isr_encoder_close(&encoder));
	}
}
END_TEST

START_TEST(reports_add_up_with_the_next_edges_own)
{
	struct isr_event report;

	open_turning(1);
	report = make_event(ISR_EVENT_LOST, 0);
	report.lost = 3;
	feed_event(report);
	turn_after_loss(1, 2);

	ck_assert_uint_eq(stats_now().lost, 5);
	ck_assert_uint_eq(stats_now().uncertain, 4);
}
END_TEST

/* Loss is told even if nothing has moved; in the window, at its end. */
START_TEST(loss_is_told_when_the_value_is_back)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.report_ns = 50 * MS;
	open_encoder(config);
	turn_after_loss(1, lose(-1));
	ck_assert_uint_eq(n_told, 0);
	pass(50 * MS);

	ck_assert_uint_eq(n_told, 1);
	assert_told(0, 0, 0);
	ck_assert_uint_eq(told[0].lost, 1);
	turn(1);
	pass(50 * MS);
	ck_assert_uint_eq(told[1].lost, 0);
}
END_TEST

/*
 * Merged
 */

/* The line falls and rises, of which the second is seen. */
START_TEST(edge_that_is_there_again_is_no_movement)
{
	struct isr_event edge;

	open_turning(1);
	turn_unseen(-1);
	edge = turn_unseen(1);
	edge.flags = _i ? ISR_EVENT_FLAG_MERGED : 0;
	feed_event(edge);

	ck_assert_uint_eq(n_told, 0);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), shaft);
	ck_assert_uint_eq(stats_now().invalid, 1);
	ck_assert_uint_eq(stats_now().uncertain, 0);
	turn(1);
	assert_told(0, 6, 1);
	ck_assert_uint_eq(told[0].flags, ISR_EVENT_FLAG_MERGED);
	turn(1);
	ck_assert_uint_eq(told[1].flags, 0);
}
END_TEST

/* As above, but the other line has moved meanwhile: before it, or after? */
START_TEST(edge_that_is_there_again_after_another_is_uncertain)
{
	open_turning(1);
	turn(1);
	n_told = 0;
	/* B has moved last; A is seen rising, and has not fallen. */
	feed_event(make_event(
		level_of(0) ? ISR_EVENT_RISING : ISR_EVENT_FALLING, 0));

	ck_assert_uint_eq(n_told, 1);
	assert_told(0, 6, 0);
	ck_assert_uint_eq(told[0].uncertain, 4);
	ck_assert_uint_eq(told[0].flags, ISR_EVENT_FLAG_MERGED);
}
END_TEST

/*
 * Levels
 */

START_TEST(level_that_is_believed_is_no_news)
{
	open_turning(1);
	feed_levels();

	ck_assert_uint_eq(n_told, 0);
	ck_assert_uint_eq(stats_now().corrected, 0);
	ck_assert_uint_eq(stats_now().uncertain, 0);
}
END_TEST

START_TEST(level_that_is_not_believed_corrects)
{
	open_turning(1);
	lose(_i ? -1 : 1);
	feed_levels();

	ck_assert_int_eq(isr_encoder_get_value(&encoder), shaft);
	ck_assert_uint_eq(n_told, 1);
	ck_assert_int_eq(told[0].delta, _i ? -1 : 1);
	ck_assert_uint_eq(told[0].uncertain, 4);
	ck_assert_uint_eq(told[0].flags, ISR_EVENT_FLAG_MERGED);
	ck_assert_uint_eq(stats_now().corrected, 1);
	turn(1);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), shaft);
}
END_TEST

START_TEST(set_value_forgets_what_was_uncertain)
{
	open_turning(1);
	turn_after_loss(1, lose(4));
	ck_assert_uint_eq(stats_now().uncertain, 4);

	xt_ok(isr_encoder_set_value(&encoder, 0));
	ck_assert_uint_eq(stats_now().uncertain, 0);
	turn_after_loss(1, lose(1));
	ck_assert_uint_eq(told[n_told - 1].uncertain, 0);
	ck_assert_uint_eq(stats_now().lost, 5);
}
END_TEST

/* What was lost before is not the new value's; what was lost after it may be. */
START_TEST(set_value_is_of_where_the_shaft_is_after_a_report)
{
	static const int since[] = {0, 1, -1};
	struct isr_event report;

	open_turning(1);
	report = make_event(ISR_EVENT_LOST, 0);
	report.lost = lose(2);
	feed_event(report);
	ck_assert_uint_eq(stats_now().uncertain, 2);
	xt_ok(isr_encoder_set_value(&encoder, 100));
	ck_assert_uint_eq(stats_now().uncertain, 0);
	shaft = 100;
	zero += 100 - 7;

	turn_after_loss(1, lose(since[_i]));

	ck_assert_int_le(labs((long)(isr_encoder_get_value(&encoder) - shaft)),
			 since[_i] != 0);
	ck_assert_uint_eq(stats_now().uncertain, since[_i] != 0);
	ck_assert_int_eq((stats_now().position - (7 + since[_i] + 1)) % 4, 0);
	zero = 0;
}
END_TEST

/* Where nothing was known there is nothing to lose. */
START_TEST(position_begins_where_both_levels_are_known)
{
	struct isr_encoder_config config = xt_encoder_config();
	struct isr_event edge;

	n_told = 0;
	now_ns = MS;
	shaft = 0;
	xt_ok(isr_encoder_open(&encoder, loop, &config, NULL));
	edge = turn_unseen(1);
	edge.lost = 1000;
	feed_event(edge);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 0);
	turn(1);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 1);
	turn(10);

	ck_assert_int_eq(isr_encoder_get_value(&encoder), 11);
	ck_assert_uint_eq(stats_now().uncertain, 0);
	ck_assert_uint_eq(stats_now().invalid, 0);
}
END_TEST

/*
 * The chip
 */

START_TEST(chip_that_is_gone_ends_it)
{
	struct isr_encoder_config config = xt_encoder_config();
	struct isr_event gone;

	config.report_ns = 50 * MS;
	open_encoder(config);
	turn(3);
	gone = make_event(ISR_EVENT_CHIP_LOST, 0);
	gone.value = -ENODEV;
	feed_event(gone);

	/* What it was is told: no silence will be. */
	ck_assert_uint_eq(n_told, 1);
	assert_told(0, 3, 3);
	ck_assert_uint_eq(told[0].t_ns, gone.t_ns);
	ck_assert(told[0].velocity == 0);
	ck_assert(velocity_now() == 0);

	turn(3);
	pass(1000 * MS);
	ck_assert_int_eq(stats_now().chip_error, -ENODEV);
	ck_assert_uint_eq(n_told, 1);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 3);
}
END_TEST

START_TEST(what_was_lost_before_the_end_is_told)
{
	struct isr_event gone;

	open_encoder(xt_encoder_config());
	turn(1);
	gone = make_event(ISR_EVENT_CHIP_LOST, 0);
	gone.lost = 3;
	feed_event(gone);

	ck_assert_uint_eq(n_told, 2);
	assert_told(1, 1, 0);
	ck_assert_uint_eq(told[1].lost, 3);
	ck_assert_uint_eq(told[1].uncertain, 3);
	ck_assert_uint_eq(stats_now().lost, 3);
	ck_assert_uint_eq(stats_now().uncertain, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encoder-lost");
	TCase *tc = xt_case(suite, "lost");

	tcase_add_checked_fixture(tc, xt_loop_setup, xt_loop_teardown);
	tcase_add_loop_test(tc, gap_of_one_is_repaired, 0, 8);
	tcase_add_test(tc, gap_of_two_there_and_back_is_repaired);
	tcase_add_loop_test(tc, gap_of_half_a_cycle_goes_on_as_before, 0, 2);
	tcase_add_test(tc, wrong_guess_is_within_what_is_uncertain);
	tcase_add_loop_test(
		tc, gap_is_the_smallest_movement_and_the_farthest_is_told, 0,
		sizeof(gaps) / sizeof(gaps[0]));
	tcase_add_test(tc, more_than_all_numbers_are_lost);
	tcase_add_test(tc, report_is_told_at_once_and_settled_by_the_next_edge);
	tcase_add_test(tc, report_is_settled_by_a_level_too);
	tcase_add_test(tc, reports_add_up_with_the_next_edges_own);
	tcase_add_test(tc, loss_is_told_when_the_value_is_back);
	tcase_add_loop_test(tc, edge_that_is_there_again_is_no_movement, 0, 2);
	tcase_add_test(tc, edge_that_is_there_again_after_another_is_uncertain);
	tcase_add_test(tc, level_that_is_believed_is_no_news);
	tcase_add_loop_test(tc, level_that_is_not_believed_corrects, 0, 2);
	tcase_add_test(tc, set_value_forgets_what_was_uncertain);
	tcase_add_loop_test(
		tc, set_value_is_of_where_the_shaft_is_after_a_report, 0, 3);
	tcase_add_test(tc, position_begins_where_both_levels_are_known);
	tcase_add_test(tc, chip_that_is_gone_ends_it);
	tcase_add_test(tc, what_was_lost_before_the_end_is_told);
	return xt_main(suite);
}
