/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What encoders tell, and when: each change, or one report of many, by stamps;
 * and how fast they turn.
 */
#include "xt-encoder.h"

/*
 * Reports
 */

static struct isr_encoder_config reports_each(uint64_t report_ns)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.report_ns = report_ns;
	return config;
}

START_TEST(burst_is_told_once_at_the_end_of_its_window)
{
	uint64_t first_ns;

	open_encoder(reports_each(100 * MS));
	pass(7 * MS);
	first_ns = now_ns + US;
	turn(8);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 8);
	now_ns = first_ns;
	pass(100 * MS - 1);
	ck_assert_uint_eq(n_told, 0);

	pass(1);

	ck_assert_uint_eq(n_told, 1);
	assert_told(0, 8, 8);
	ck_assert_uint_eq(told[0].t_ns, first_ns + 100 * MS);
}
END_TEST

START_TEST(window_ends_at_its_time_however_late_that_is_known)
{
	uint64_t first_ns;

	open_encoder(reports_each(50 * MS));
	first_ns = now_ns + US;
	turn(3);
	now_ns += 900 * MS;
	turn(1);
	pass(50 * MS);

	ck_assert_uint_eq(n_told, 2);
	assert_told(0, 3, 3);
	ck_assert_uint_eq(told[0].t_ns, first_ns + 50 * MS);
	assert_told(1, 4, 1);
	ck_assert_uint_eq(told[1].t_ns,
			  first_ns + 2 * US + 900 * MS + US + 50 * MS);
}
END_TEST

/* The window's end is before what comes at that very time. */
START_TEST(edge_at_the_end_of_a_window_begins_the_next)
{
	struct isr_event edge;

	open_encoder(reports_each(50 * MS));
	turn(1);
	now_ns += 50 * MS - US;
	edge = turn_unseen(1);
	feed_event(edge);

	ck_assert_uint_eq(n_told, 1);
	assert_told(0, 1, 1);
	ck_assert_uint_eq(told[0].t_ns, edge.t_ns);
	pass(50 * MS);
	assert_told(1, 2, 1);
}
END_TEST

START_TEST(nothing_is_told_of_a_value_that_is_back)
{
	open_encoder(reports_each(50 * MS));

	turn(4);
	turn(-4);
	pass(1000 * MS);

	ck_assert_uint_eq(n_told, 0);
	ck_assert_uint_eq(stats_now().events, 0);
}
END_TEST

START_TEST(value_that_is_set_ends_what_would_be_told)
{
	open_encoder(reports_each(50 * MS));

	turn(4);
	xt_ok(isr_encoder_set_value(&encoder, 4));
	pass(1000 * MS);

	ck_assert_uint_eq(n_told, 0);
}
END_TEST

START_TEST(flag_is_set_once_an_event)
{
	struct isr_encoder_config config = reports_each(50 * MS);

	open_encoder(config);
	turn(3);
	ck_assert_int_eq(isr_flag_take(&encoder.changed), 0);
	pass(50 * MS);
	ck_assert_int_eq(isr_flag_take(&encoder.changed), 1);
}
END_TEST

START_TEST(encoder_needs_no_callback)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.cb = NULL;
	config.flag_mode = ISR_FLAG_STICKY;
	open_encoder(config);

	turn(3);

	ck_assert_int_eq(isr_flag_take(&encoder.changed), 3);
	ck_assert_int_eq(isr_flag_take(&encoder.changed), 3);
}
END_TEST

START_TEST(stamp_that_steps_back_does_not_turn_back_time)
{
	struct isr_event edge;
	uint64_t latest_ns;

	open_encoder(xt_encoder_config());
	turn(1);
	latest_ns = now_ns;
	edge = turn_unseen(1);
	edge.t_ns = latest_ns - 5 * US;
	feed_event(edge);

	assert_told(1, 2, 1);
	ck_assert_uint_eq(told[1].t_ns, latest_ns);
}
END_TEST

START_TEST(simulated_edges_are_told_as_such)
{
	struct isr_event edge;

	open_encoder(xt_encoder_config());
	edge = turn_unseen(1);
	edge.flags = ISR_EVENT_FLAG_SIMULATED;
	feed_event(edge);
	turn(1);

	ck_assert_uint_eq(told[0].flags, ISR_EVENT_FLAG_SIMULATED);
	ck_assert_uint_eq(told[1].flags, 0);
}
END_TEST

/*
 * Velocity
 */

static void assert_near(double value, double expected)
{
	ck_assert_msg(fabs(value - expected) <= fabs(expected) * 1e-9,
		      "%.12g instead of %.12g", value, expected);
}

static void turn_every(int quarters, uint64_t period_ns)
{
	int direction = quarters < 0 ? -1 : 1;

	for (; quarters; quarters -= direction) {
		now_ns += period_ns - US;
		turn(direction);
	}
}

START_TEST(velocity_is_that_of_the_last_movements)
{
	open_encoder(xt_encoder_config());

	ck_assert(velocity_now() == 0);
	turn_every(1, 10 * MS);
	ck_assert(velocity_now() == 0);
	turn_every(1, 10 * MS);
	assert_near(velocity_now(), 100);
	assert_near(told[1].velocity, 100);
	turn_every(100, 10 * MS);
	assert_near(velocity_now(), 100);
	turn_every(7, 1 * MS);
	ck_assert(velocity_now() < 900);
	turn_every(1, 1 * MS);
	assert_near(velocity_now(), 1000);
}
END_TEST

START_TEST(velocity_is_negative_backwards)
{
	open_encoder(xt_encoder_config());
	turn_every(20, 2 * MS);
	turn_every(-9, 2 * MS);

	assert_near(velocity_now(), -500);
}
END_TEST

START_TEST(velocity_is_in_values)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.steps = 2;
	config.divider = 5;
	config.max = 1;
	open_encoder(config);

	turn_every(100, 1 * MS);

	assert_near(velocity_now(), 100);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 1);
}
END_TEST

START_TEST(trembling_shaft_has_no_velocity)
{
	int i;

	open_encoder(xt_encoder_config());
	for (i = 0; i < 10; i++) {
		turn_every(1, MS);
		turn_every(-1, MS);
	}

	ck_assert(fabs(velocity_now()) <= 1000 / 8.0);
	turn_every(1, MS);
	ck_assert(fabs(velocity_now()) <= 1000 / 8.0);
}
END_TEST

START_TEST(shaft_stands_still_after_its_time)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.stop_ns = (uint64_t)_i * 5 * MS;
	open_encoder(config);
	turn_every(20, MS);
	pass((_i ? config.stop_ns : 100 * MS) - 1);
	ck_assert(velocity_now() > 0);

	pass(1);

	ck_assert(velocity_now() == 0);
	turn_every(1, MS);
	ck_assert(velocity_now() == 0);
	turn_every(1, 2 * MS);
	assert_near(velocity_now(), 500);
}
END_TEST

/* Also when no silence was told: the stamps say so. */
START_TEST(standstill_is_seen_in_the_stamps)
{
	open_encoder(xt_encoder_config());
	turn_every(20, MS);
	turn_every(1, 200 * MS);
	ck_assert(velocity_now() == 0);
	ck_assert(told[20].velocity == 0);
}
END_TEST

START_TEST(velocity_falls_with_the_silence)
{
	int direction = _i ? -1 : 1;
	uint64_t ns;

	open_encoder(xt_encoder_config());
	turn_every(direction * 20, MS);
	/* As long as a step may still come in time. */
	for (ns = 100 * US; ns <= MS; ns += 100 * US) {
		pass(100 * US);
		assert_near(velocity_now(), direction * 1000);
	}
	for (; ns < 100 * MS; ns += 100 * US) {
		pass(100 * US);
		assert_near(velocity_now(), direction * 1e9 / (double)ns);
	}
	/* It says nothing of what comes after it. */
	turn_every(direction, US);
	assert_near(velocity_now(), direction * 8e9 / (106.901 * (double)MS));
}
END_TEST

START_TEST(silence_counts_in_values)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.steps = 2;
	config.divider = 5;
	open_encoder(config);
	turn_every(100, MS);

	pass(4 * MS);

	assert_near(velocity_now(), 25);
}
END_TEST

/* Quarters of 2, 6, 1 and 3 parts of a cycle, as bad encoders have them. */
START_TEST(steady_shaft_of_uneven_quarters_does_not_slow_down)
{
	static const uint64_t parts[] = {2, 6, 1, 3};
	int i, j, direction = _i ? -1 : 1;

	open_encoder(xt_encoder_config());
	for (i = 0; i < 40; i++) {
		for (j = 1; j < 100; j++) {
			pass(parts[i % 4] * 10 * US);
			if (i > 8)
				assert_near(velocity_now(),
					    direction * 1000 / 3.0);
		}
		now_ns += parts[i % 4] * 10 * US - US;
		turn(direction);
	}
	/* The next one would be that of 2 parts of 12: less than a quarter. */
	pass(10 * MS);
	assert_near(velocity_now(), direction * 100);
	/* And this one that of 6: as wide as two quarters. */
	turn(direction);
	pass(20 * MS);
	ck_assert(fabs(velocity_now()) > 50 && fabs(velocity_now()) <= 100);
}
END_TEST

START_TEST(missing_edges_may_have_been_steps)
{
	struct isr_event lost;

	open_encoder(xt_encoder_config());
	turn_every(20, MS);
	now_ns += 10 * MS;
	lost = make_event(ISR_EVENT_LOST, 0);
	lost.lost = 3;
	feed_event(lost);

	assert_near(velocity_now(), 400);
	pass(10 * MS);
	assert_near(velocity_now(), 200);
	/* Also those of before it was set. */
	xt_ok(isr_encoder_set_value(&encoder, 0));
	assert_near(velocity_now(), 200);
}
END_TEST

START_TEST(report_has_the_velocity_of_its_time)
{
	open_encoder(reports_each(50 * MS));
	turn_every(11, MS);

	pass(90 * MS);

	ck_assert_uint_eq(n_told, 1);
	assert_near(told[0].velocity, 25);
}
END_TEST

START_TEST(edges_of_one_time_have_no_velocity)
{
	struct isr_event edge;
	int i;

	open_encoder(xt_encoder_config());
	for (i = 0; i < 3; i++) {
		edge = turn_unseen(1);
		edge.t_ns = 2000 * MS;
		feed_event(edge);
	}
	ck_assert(velocity_now() == 0);
}
END_TEST

/*
 * Standstill
 */

static struct isr_encoder_config tells_stop(uint64_t report_ns,
					    uint64_t stop_ns)
{
	struct isr_encoder_config config = reports_each(report_ns);

	config.stop_ns = stop_ns;
	config.tell_stop = true;
	return config;
}

static void assert_told_stop(unsigned int i, int64_t value, int64_t delta,
			     uint64_t t_ns)
{
	assert_told(i, value, delta);
	ck_assert_uint_eq(told[i].t_ns, t_ns);
	ck_assert(told[i].velocity == 0);
}

START_TEST(standstill_is_told_at_its_deadline)
{
	uint64_t stop_ns = _i ? 7 * MS : 100 * MS, last_ns;

	open_encoder(tells_stop(0, _i ? stop_ns : 0));
	turn_every(4, MS);
	last_ns = now_ns;
	pass(stop_ns - 1);
	ck_assert_uint_eq(n_told, 4);

	pass(1);

	ck_assert_uint_eq(n_told, 5);
	assert_told_stop(4, 4, 0, last_ns + stop_ns);
	ck_assert_int_eq(isr_flag_take(&encoder.changed), 5);
	ck_assert_uint_eq(stats_now().events, 5);
	pass(1000 * MS);
	ck_assert_uint_eq(n_told, 5);
}
END_TEST

START_TEST(standstill_is_told_before_the_edge_that_shows_it)
{
	uint64_t last_ns;

	open_encoder(tells_stop(0, 0));
	turn_every(4, MS);
	last_ns = now_ns;

	turn_every(1, 900 * MS);

	ck_assert_uint_eq(n_told, 6);
	assert_told_stop(4, 4, 0, last_ns + 100 * MS);
	assert_told(5, 5, 1);
	ck_assert_uint_eq(told[5].t_ns, last_ns + 900 * MS);
}
END_TEST

START_TEST(standstill_is_told_to_those_who_ask)
{
	open_encoder(xt_encoder_config());
	turn_every(4, MS);

	pass(1000 * MS);

	ck_assert_uint_eq(n_told, 4);
	ck_assert_int_eq(isr_flag_take(&encoder.changed), 4);
}
END_TEST

/* What was told had no velocity, or nothing was told. */
START_TEST(standstill_is_no_news_after_a_step_or_a_tremble)
{
	struct isr_encoder_config config = tells_stop(0, 0);
	int i;

	open_encoder(config);
	turn(1);
	pass(1000 * MS);
	ck_assert_uint_eq(n_told, 1);
	xt_ok(isr_encoder_close(&encoder));

	config.divider = 4;
	open_encoder(config);
	for (i = 0; i < 10; i++) {
		turn_every(1, MS);
		turn_every(-1, MS);
	}
	pass(1000 * MS);
	ck_assert_uint_eq(n_told, 0);
}
END_TEST

START_TEST(standstill_ends_a_window)
{
	uint64_t first_ns, last_ns;

	open_encoder(tells_stop(50 * MS, 20 * MS));
	turn_every(1, MS);
	first_ns = now_ns;
	/* The second window begins with the 51st edge. */
	turn_every(60, MS);
	last_ns = now_ns;
	pass(20 * MS);

	ck_assert_uint_eq(n_told, 2);
	assert_told(0, 50, 50);
	ck_assert_uint_eq(told[0].t_ns, first_ns + 50 * MS);
	ck_assert(told[0].velocity > 0);
	assert_told_stop(1, 61, 11, last_ns + 20 * MS);

	/* The next one is as long as any. */
	turn_every(1, MS);
	last_ns = now_ns;
	pass(50 * MS - 1);
	ck_assert_uint_eq(n_told, 2);
	pass(1);
	assert_told_stop(2, 62, 1, last_ns + 50 * MS);
}
END_TEST

START_TEST(standstill_is_told_of_a_value_that_is_back)
{
	open_encoder(tells_stop(50 * MS, 20 * MS));
	turn_every(55, MS);
	assert_told(0, 50, 50);
	ck_assert(told[0].velocity > 0);
	turn_every(-5, MS);

	pass(1000 * MS);

	ck_assert_uint_eq(n_told, 2);
	assert_told_stop(1, 50, 0, now_ns - 980 * MS);
}
END_TEST

/* At the window's end, which is told anyway, and of which it is a part. */
START_TEST(standstill_before_the_end_of_the_first_window_waits_for_it)
{
	uint64_t first_ns;

	open_encoder(tells_stop(50 * MS, 20 * MS));
	first_ns = now_ns + MS;
	turn_every(9, MS);

	pass(1000 * MS);

	ck_assert_uint_eq(n_told, 1);
	assert_told_stop(0, 9, 9, first_ns + 50 * MS);
}
END_TEST

START_TEST(standstill_is_told_when_the_chip_goes)
{
	struct isr_event event;

	open_encoder(tells_stop(0, 0));
	turn_every(4, MS);
	now_ns += MS;
	event = make_event(ISR_EVENT_CHIP_LOST, 0);
	feed_event(event);

	ck_assert_uint_eq(n_told, 5);
	assert_told_stop(4, 4, 0, now_ns);
	pass(1000 * MS);
	ck_assert_uint_eq(n_told, 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encoder-told");
	TCase *tc = xt_case(suite, "told");

	tcase_add_checked_fixture(tc, xt_loop_setup, xt_loop_teardown);
	tcase_add_test(tc, burst_is_told_once_at_the_end_of_its_window);
	tcase_add_test(tc, window_ends_at_its_time_however_late_that_is_known);
	tcase_add_test(tc, edge_at_the_end_of_a_window_begins_the_next);
	tcase_add_test(tc, nothing_is_told_of_a_value_that_is_back);
	tcase_add_test(tc, value_that_is_set_ends_what_would_be_told);
	tcase_add_test(tc, flag_is_set_once_an_event);
	tcase_add_test(tc, encoder_needs_no_callback);
	tcase_add_test(tc, stamp_that_steps_back_does_not_turn_back_time);
	tcase_add_test(tc, simulated_edges_are_told_as_such);
	tcase_add_test(tc, velocity_is_that_of_the_last_movements);
	tcase_add_test(tc, velocity_is_negative_backwards);
	tcase_add_test(tc, velocity_is_in_values);
	tcase_add_test(tc, trembling_shaft_has_no_velocity);
	tcase_add_loop_test(tc, shaft_stands_still_after_its_time, 0, 3);
	tcase_add_test(tc, standstill_is_seen_in_the_stamps);
	tcase_add_loop_test(tc, velocity_falls_with_the_silence, 0, 2);
	tcase_add_test(tc, silence_counts_in_values);
	tcase_add_loop_test(
		tc, steady_shaft_of_uneven_quarters_does_not_slow_down, 0, 2);
	tcase_add_test(tc, missing_edges_may_have_been_steps);
	tcase_add_test(tc, report_has_the_velocity_of_its_time);
	tcase_add_test(tc, edges_of_one_time_have_no_velocity);
	tcase_add_loop_test(tc, standstill_is_told_at_its_deadline, 0, 2);
	tcase_add_test(tc, standstill_is_told_before_the_edge_that_shows_it);
	tcase_add_test(tc, standstill_is_told_to_those_who_ask);
	tcase_add_test(tc, standstill_is_no_news_after_a_step_or_a_tremble);
	tcase_add_test(tc, standstill_ends_a_window);
	tcase_add_test(tc, standstill_is_told_of_a_value_that_is_back);
	tcase_add_test(
		tc, standstill_before_the_end_of_the_first_window_waits_for_it);
	tcase_add_test(tc, standstill_is_told_when_the_chip_goes);
	return xt_main(suite);
}
