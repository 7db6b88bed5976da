/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Switches that are fed: what each mode decides, rule by rule. What they have
 * in common is in test-switch-common.c, traces of many edges are in
 * test-switch-traces.c, pins in test-switch-live.c.
 */
#include "xt-switch.h"

/*
 * EAGER
 */

START_TEST(eager_tells_at_the_first_edge)
{
	open_mode(ISR_SWITCH_EAGER);
	feed_level(0, 0);
	ck_assert_uint_eq(n_told, 0);

	rise(1000);
	ck_assert_uint_eq(n_told, 1);
	assert_told(0, ISR_SWITCH_CLOSED, 1000, 0, 0);
	fall(1100);
	rise(1400);
	ck_assert_uint_eq(n_told, 1);
	idle(1000 + DEBOUNCE - 1);
	ck_assert_uint_eq(n_told, 1);
	idle(1000 + DEBOUNCE);
	ck_assert_uint_eq(n_told, 2);
	assert_told(1, ISR_SWITCH_SETTLED, 1000, 1000 + DEBOUNCE, 2);
	ck_assert(told[1].closed);
}
END_TEST

START_TEST(eager_tells_both_ends_of_a_press_shorter_than_the_hold_off)
{
	open_mode(ISR_SWITCH_EAGER);
	feed_level(0, 0);

	rise(1000);
	fall(1200);
	rise(1500);
	fall(21000);
	rise(21300);
	fall(21700);
	idle(100000);

	ck_assert_uint_eq(n_told, 2);
	assert_told(0, ISR_SWITCH_CLOSED, 1000, 0, 0);
	assert_told(1, ISR_SWITCH_OPENED, 21000, 51000, 4);
	ck_assert_uint_eq(get_stats().bounces, 4);
	ck_assert_uint_eq(get_stats().edges, 6);
}
END_TEST

START_TEST(eager_holds_off_while_the_line_chatters)
{
	open_mode(ISR_SWITCH_EAGER);
	feed_level(0, 0);

	rise(0);
	fall(45000);
	idle(45000 + CHATTER - 1);
	ck_assert_uint_eq(n_told, 1);
	idle(45000 + CHATTER);
	ck_assert_uint_eq(n_told, 2);
	assert_told(1, ISR_SWITCH_OPENED, 45000, 45000 + CHATTER, 0);
}
END_TEST

START_TEST(eager_takes_the_first_edge_since_the_line_rested)
{
	open_mode(ISR_SWITCH_EAGER);
	feed_level(0, 0);

	rise(0);
	/* Away, and at rest again: another movement. */
	fall(1000);
	rise(2000);
	fall(2000 + CHATTER);
	/* Not long enough at rest: the same movement still. */
	rise(3000 + CHATTER);
	fall(2999 + 2 * CHATTER);
	idle(200000);

	ck_assert_uint_eq(n_told, 2);
	assert_told(1, ISR_SWITCH_OPENED, 2000 + CHATTER, DEBOUNCE, 4);
}
END_TEST

START_TEST(eager_keeps_the_movement_that_has_not_come_to_rest)
{
	open_mode(ISR_SWITCH_EAGER);
	feed_level(0, 0);

	rise(0);
	fall(1000);
	rise(2000);
	fall(2000 + CHATTER - 1);
	idle(200000);

	assert_told(1, ISR_SWITCH_OPENED, 1000, DEBOUNCE, 2);
}
END_TEST

START_TEST(eager_takes_the_next_press_after_the_hold_off)
{
	open_mode(ISR_SWITCH_EAGER);
	feed_level(0, 0);

	rise(0);
	fall(20000);
	/* Of the very moment: the deadline comes before the edge. */
	rise(DEBOUNCE);
	ck_assert_uint_eq(n_told, 3);
	assert_told(1, ISR_SWITCH_OPENED, 20000, DEBOUNCE, 0);
	assert_told(2, ISR_SWITCH_CLOSED, DEBOUNCE, 0, 0);
}
END_TEST

START_TEST(eager_takes_a_merged_edge_for_a_movement)
{
	open_mode(ISR_SWITCH_EAGER);
	feed_level(0, 0);

	/* The line was up again and down: the kernel saw it down. */
	feed_edge(1000, 0, ISR_EVENT_FLAG_MERGED, 0);
	assert_told(0, ISR_SWITCH_CLOSED, 1000, 0, 0);
	ck_assert_uint_eq(told[0].flags, ISR_EVENT_FLAG_MERGED);
	rise(1300);
	idle(100000);

	ck_assert_uint_eq(n_told, 2);
	assert_told(1, ISR_SWITCH_SETTLED, 1000, 1000 + DEBOUNCE, 1);
	ck_assert_uint_eq(told[1].flags, 0);
	ck_assert_uint_eq(get_stats().merged, 1);
}
END_TEST

START_TEST(eager_tells_both_ends_of_a_pulse_that_was_merged)
{
	open_mode(ISR_SWITCH_EAGER);
	feed_level(0, 0);

	feed_edge(1000, 0, ISR_EVENT_FLAG_MERGED, 0);
	idle(100000);

	ck_assert_uint_eq(n_told, 2);
	assert_told(0, ISR_SWITCH_CLOSED, 1000, 0, 0);
	assert_told(1, ISR_SWITCH_OPENED, 1000, 1000 + DEBOUNCE, 0);
}
END_TEST

START_TEST(eager_tells_a_pulse_that_was_merged_in_the_hold_off)
{
	open_mode(ISR_SWITCH_EAGER);
	feed_level(0, 0);

	rise(0);
	/* Down and up at 20 ms, and then down. */
	feed_edge(20000, 1, ISR_EVENT_FLAG_MERGED, 0);
	fall(20100);
	idle(100000);

	ck_assert_uint_eq(n_told, 2);
	assert_told(1, ISR_SWITCH_OPENED, 20000, DEBOUNCE, 1);
}
END_TEST

START_TEST(eager_tells_a_press_whose_edge_was_lost)
{
	open_mode(ISR_SWITCH_EAGER);
	feed_level(0, 0);

	/* The release of it. */
	feed_edge(1000, 0, 0, 1);
	assert_told(0, ISR_SWITCH_CLOSED, 1000, 0, 0);
	ck_assert_uint_eq(told[0].lost, 1);
	idle(100000);

	ck_assert_uint_eq(n_told, 2);
	assert_told(1, ISR_SWITCH_OPENED, 1000, 1000 + DEBOUNCE, 0);
	ck_assert_uint_eq(told[1].lost, 0);
	ck_assert_uint_eq(get_stats().lost, 1);
}
END_TEST

START_TEST(eager_does_not_double_a_press_with_a_loss_in_its_bounce)
{
	open_mode(ISR_SWITCH_EAGER);
	feed_level(0, 0);

	feed_edge(1000, 0, 0, 1);
	rise(1200);
	idle(100000);

	ck_assert_uint_eq(n_told, 2);
	assert_told(0, ISR_SWITCH_CLOSED, 1000, 0, 0);
	assert_told(1, ISR_SWITCH_SETTLED, 1000, 1000 + DEBOUNCE, 1);
}
END_TEST

/*
 * STABLE
 */

START_TEST(stable_tells_when_the_line_was_quiet)
{
	open_mode(ISR_SWITCH_STABLE);
	feed_level(0, 0);

	rise(1000);
	fall(1200);
	rise(1700);
	idle(1700 + DEBOUNCE - 1);
	ck_assert_uint_eq(n_told, 0);
	idle(1700 + DEBOUNCE);
	ck_assert_uint_eq(n_told, 1);
	assert_told(0, ISR_SWITCH_CLOSED, 1000, 1700 + DEBOUNCE, 2);

	fall(300000);
	idle(400000);
	ck_assert_uint_eq(n_told, 2);
	assert_told(1, ISR_SWITCH_OPENED, 300000, 300000 + DEBOUNCE, 0);
}
END_TEST

START_TEST(stable_counts_a_glitch_and_tells_nobody)
{
	open_mode(ISR_SWITCH_STABLE);
	feed_level(0, 0);

	rise(1000);
	fall(1200);
	idle(300000);
	feed_edge(400000, 0, ISR_EVENT_FLAG_MERGED, 0);
	idle(500000);

	ck_assert_uint_eq(n_told, 0);
	ck_assert_uint_eq(get_stats().glitches, 2);
	ck_assert_uint_eq(get_stats().bounces, 3);

	/* Not a matter of the next press. */
	rise(600000);
	idle(700000);
	assert_told(0, ISR_SWITCH_CLOSED, 600000, 600000 + DEBOUNCE, 0);
	ck_assert_uint_eq(told[0].flags, 0);
}
END_TEST

START_TEST(stable_knows_a_glitch_from_the_press_behind_it)
{
	open_mode(ISR_SWITCH_STABLE);
	feed_level(0, 0);

	rise(1000);
	fall(1200);
	rise(1200 + CHATTER);
	idle(300000);

	ck_assert_uint_eq(n_told, 1);
	assert_told(0, ISR_SWITCH_CLOSED, 1200 + CHATTER,
		    1200 + CHATTER + DEBOUNCE, 2);
}
END_TEST

START_TEST(stable_takes_a_merged_edge_for_the_first_one)
{
	open_mode(ISR_SWITCH_STABLE);
	feed_level(0, 0);

	feed_edge(1000, 0, ISR_EVENT_FLAG_MERGED, 0);
	rise(1500);
	idle(300000);

	ck_assert_uint_eq(n_told, 1);
	assert_told(0, ISR_SWITCH_CLOSED, 1000, 1500 + DEBOUNCE, 1);
	ck_assert_uint_eq(told[0].flags, ISR_EVENT_FLAG_MERGED);
}
END_TEST

START_TEST(stable_tells_a_press_whose_edge_was_lost)
{
	open_mode(ISR_SWITCH_STABLE);
	feed_level(0, 0);

	feed_edge(1000, 0, 0, 3);
	rise(1100);
	fall(1200);
	idle(300000);

	ck_assert_uint_eq(n_told, 2);
	assert_told(0, ISR_SWITCH_CLOSED, 1000, 1200 + DEBOUNCE, 0);
	assert_told(1, ISR_SWITCH_OPENED, 1000, 1200 + DEBOUNCE, 2);
	ck_assert_uint_eq(told[0].lost, 3);
	ck_assert_uint_eq(told[1].lost, 0);
}
END_TEST

START_TEST(stable_tells_a_loss_that_was_in_a_glitch)
{
	open_mode(ISR_SWITCH_STABLE);
	feed_level(0, 0);

	rise(1000);
	feed_edge(1100, 0, 0, 2);
	idle(300000);
	ck_assert_uint_eq(n_told, 0);
	rise(400000);
	idle(500000);

	ck_assert_uint_eq(n_told, 1);
	ck_assert_uint_eq(told[0].lost, 2);
}
END_TEST

/*
 * POLLED, RAW, the chip's
 */

START_TEST(polled_takes_samples_as_eager_takes_edges)
{
	open_mode(ISR_SWITCH_POLLED);
	feed_level(0, 0);
	feed_level(10000, 0);

	feed_level(20000, 1);
	feed_level(30000, 0);
	feed_level(40000, 1);
	feed_level(90000, 1);
	feed_level(100000, 0);
	feed_level(110000, 0);
	feed_level(160000, 0);

	ck_assert_uint_eq(n_told, 4);
	assert_told(0, ISR_SWITCH_CLOSED, 20000, 0, 0);
	assert_told(1, ISR_SWITCH_SETTLED, 20000, 70000, 2);
	assert_told(2, ISR_SWITCH_OPENED, 100000, 0, 0);
	assert_told(3, ISR_SWITCH_SETTLED, 100000, 150000, 0);
	ck_assert_uint_eq(told[0].flags, 0);
	ck_assert_uint_eq(get_stats().corrected, 0);
	ck_assert_uint_eq(get_stats().edges, 4);
}
END_TEST

START_TEST(raw_passes_every_edge_on)
{
	static const unsigned int flags[] = {0, ISR_EVENT_FLAG_MERGED, 0, 0};
	static const uint32_t lost[] = {0, 0, 7, 0};
	static const int levels[] = {1, 1, 0, 1};
	unsigned int i;

	open_mode(ISR_SWITCH_RAW);
	feed_level(0, 0);
	for (i = 0; i < 4; i++)
		feed_edge(100 * i, levels[i], flags[i], lost[i]);
	idle(1000000);

	ck_assert_uint_eq(n_told, 4);
	for (i = 0; i < 4; i++) {
		assert_told(i,
			    levels[i] ? ISR_SWITCH_CLOSED : ISR_SWITCH_OPENED,
			    100 * i, 0, 0);
		ck_assert_uint_eq(told[i].flags, flags[i]);
		ck_assert_uint_eq(told[i].lost, lost[i]);
	}
}
END_TEST

START_TEST(chip_that_debounces_is_believed)
{
	struct isr_switch_config config = config_of(ISR_SWITCH_STABLE);

	config.chip_debounces = true;
	xt_ok(isr_switch_open(&sw, loop, &config, NULL));
	feed_level(0, 0);

	rise(60000);
	ck_assert_uint_eq(n_told, 1);
	assert_told(0, ISR_SWITCH_CLOSED, 60000, 60000, 0);
	ck_assert_uint_eq(told[0].flags, ISR_EVENT_FLAG_DEBOUNCED);
	/* Its opening was lost. */
	feed_edge(260000, 1, 0, 1);
	ck_assert_uint_eq(n_told, 3);
	assert_told(1, ISR_SWITCH_OPENED, 260000, 260000, 0);
	assert_told(2, ISR_SWITCH_CLOSED, 260000, 260000, 0);
	ck_assert_uint_eq(told[1].lost, 1);
}
END_TEST

static void add_rules(Suite *suite)
{
	TCase *tcase = xt_switch_case(suite, "rules");

	tcase_add_test(tcase, eager_tells_at_the_first_edge);
	tcase_add_test(
		tcase,
		eager_tells_both_ends_of_a_press_shorter_than_the_hold_off);
	tcase_add_test(tcase, eager_holds_off_while_the_line_chatters);
	tcase_add_test(tcase, eager_takes_the_first_edge_since_the_line_rested);
	tcase_add_test(tcase,
		       eager_keeps_the_movement_that_has_not_come_to_rest);
	tcase_add_test(tcase, eager_takes_the_next_press_after_the_hold_off);
	tcase_add_test(tcase, eager_takes_a_merged_edge_for_a_movement);
	tcase_add_test(tcase, eager_tells_both_ends_of_a_pulse_that_was_merged);
	tcase_add_test(tcase,
		       eager_tells_a_pulse_that_was_merged_in_the_hold_off);
	tcase_add_test(tcase, eager_tells_a_press_whose_edge_was_lost);
	tcase_add_test(tcase,
		       eager_does_not_double_a_press_with_a_loss_in_its_bounce);
	tcase_add_test(tcase, stable_tells_when_the_line_was_quiet);
	tcase_add_test(tcase, stable_counts_a_glitch_and_tells_nobody);
	tcase_add_test(tcase, stable_knows_a_glitch_from_the_press_behind_it);
	tcase_add_test(tcase, stable_takes_a_merged_edge_for_the_first_one);
	tcase_add_test(tcase, stable_tells_a_press_whose_edge_was_lost);
	tcase_add_test(tcase, stable_tells_a_loss_that_was_in_a_glitch);
	tcase_add_test(tcase, polled_takes_samples_as_eager_takes_edges);
	tcase_add_test(tcase, raw_passes_every_edge_on);
	tcase_add_test(tcase, chip_that_debounces_is_believed);
}

int main(void)
{
	Suite *suite = suite_create("switch");

	add_rules(suite);
	return xt_main(suite);
}
