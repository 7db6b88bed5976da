/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What a button decides: the vectors of MicroPython's drivers and more, with a
 * loop that is in time, late or has nothing to say, with clean and with
 * bouncing contacts.
 */
#include "xt-fed-button.h"

/* However late the loop is, and however the contact bounces. */
static void assert_tells(const unsigned int *script, const char *told)
{
	for (bounces = false;; bounces = true) {
		for (late_ms = ALWAYS_LATE; late_ms < 2400;
		     late_ms += late_ms < 0 ? 1 : 70) {
			run(script);
			ck_assert_msg(!strcmp(trace.text, told),
				      "late at %d%s: %s, not %s", late_ms,
				      bounces ? ", bounces" : "", trace.text,
				      told);
		}
		if (bounces)
			break;
	}
	bounces = false;
	late_ms = NEVER_LATE;
}

/*
 * The vectors
 */

static void assert_vectors(void)
{
	unsigned int i, column;

	for (i = 0; i < XT_VECTORS; i++) {
		const struct xt_vector *v = &xt_vectors[i];

		/* No shorter one can be seen with a contact that must rest. */
		if (config.contact.mode == ISR_SWITCH_STABLE &&
		    v->script[0] < 50)
			continue;
		for (column = 0; column < XT_COLUMNS; column++) {
			if (!v->told[column])
				continue;
			xt_set_column(&config, column);
			assert_tells(v->script, v->told[column]);
			xt_assert_near(v->golden[column], v->told[column]);
		}
	}
}

START_TEST(vectors_hold_however_late_the_loop_is)
{
	assert_vectors();
}
END_TEST

START_TEST(vectors_hold_with_a_contact_that_must_rest)
{
	config.contact.mode = ISR_SWITCH_STABLE;

	assert_vectors();
}
END_TEST

START_TEST(vectors_hold_with_a_contact_that_is_polled)
{
	config.contact.mode = ISR_SWITCH_POLLED;

	assert_vectors();
}
END_TEST

/* As event_test.py counts: three bits each. */
static unsigned int count_flags(void)
{
	return (unsigned int)isr_flag_take(&button.press) |
	       (unsigned int)isr_flag_take(&button.release) << 3 |
	       (unsigned int)isr_flag_take(&button.double_click) << 6 |
	       (unsigned int)isr_flag_take(&button.long_press) << 9;
}

START_TEST(flags_count_as_in_event_test)
{
	static const unsigned int counts[][2] = {
		{011, 011}, {0x209, 0x208}, {0x52, 0x48}, {0x52, 0x48}};
	unsigned int i;

	config.cb = NULL;
	config.suppress = _i;
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	for (i = 0; i < 4; i++) {
		trace.base_ns += END_MS * MS;
		play(xt_vectors[i].script);
		ck_assert_uint_eq(count_flags(), counts[i][_i]);
	}
}
END_TEST

START_TEST(bounce_is_told_of)
{
	static const unsigned int script[] = {2000, 0};

	bounces = true;
	run(script);

	/* Of PRESS and RELEASE not yet; of LONG those of the press. */
	ck_assert_uint_eq(n_bounces, 4);
}
END_TEST

/*
 * Several clicks
 */

static const unsigned int clicks[5][10] = {
	{100},
	{100, 100, 100},
	{100, 100, 100, 100, 100},
	{100, 100, 100, 100, 100, 100, 100},
	{100, 100, 100, 100, 100, 100, 100, 100, 100},
};

/* By max_clicks - 2 and number of clicks - 1. */
static const char *const series[3][5] = {
	{
		"P:400/0 R:400/100",
		"x2:200/200 R:300/300",
		"x2:200/200 R:300/300 P:800/400 R:800/500",
		"x2:200/200 R:300/300 x2:600/600 R:700/700",
		"x2:200/200 R:300/300 x2:600/600 R:700/700 "
		"P:1200/800 R:1200/900",
	},
	{
		"P:400/0 R:400/100",
		"x2:600/200 R:600/300",
		"x3:400/400 R:500/500",
		"x3:400/400 R:500/500 P:1000/600 R:1000/700",
		"x3:400/400 R:500/500 x2:1200/800 R:1200/900",
	},
	{
		"P:400/0 R:400/100",
		"x2:600/200 R:600/300",
		"x3:800/400 R:800/500",
		"x4:600/600 R:700/700",
		"x4:600/600 R:700/700 P:1200/800 R:1200/900",
	},
};

START_TEST(series_is_told_with_its_last_click_or_when_none_comes)
{
	unsigned int i;

	config.suppress = ISR_BUTTON_SUPPRESS_SHORT;
	config.max_clicks = 2 + _i;
	for (i = 0; i < 5; i++)
		assert_tells(clicks[i], series[_i][i]);
}
END_TEST

START_TEST(series_tells_its_presses_unless_suppressed)
{
	config.max_clicks = 3;
	assert_tells(clicks[1], "P:0/0 R:100/100 P:200/200 R:300/300 "
				"x2:600/200");

	config.suppress = ISR_BUTTON_SUPPRESS_RELEASE;
	assert_tells(clicks[1], "P:0/0 P:200/200 x2:600/200");
	assert_tells(clicks[2], "P:0/0 P:200/200 P:400/400 x3:400/400");
}
END_TEST

START_TEST(last_click_of_a_series_may_last)
{
	static const unsigned int script[] = {100, 100, 2000, 0};

	config.max_clicks = 3;
	config.suppress = ISR_BUTTON_SUPPRESS_SHORT;

	assert_tells(script, "x2:600/200 R:2200/2200");
}
END_TEST

/* What comes when the time is over comes after it. */
START_TEST(click_at_the_end_of_the_time_is_another_series)
{
	static const unsigned int in_time[] = {100, 299, 100, 0};
	static const unsigned int too_late[] = {100, 300, 100, 0};

	config.suppress = ISR_BUTTON_SUPPRESS_SHORT;
	assert_tells(in_time, "x2:399/399 R:499/499");
	assert_tells(too_late, "P:400/0 R:400/100 P:800/400 R:800/500");

	/* Known as late as 50 ms after it. */
	config.contact.mode = ISR_SWITCH_STABLE;
	assert_tells(in_time, "x2:399/399 R:499/499");
	assert_tells(too_late, "P:400/0 R:400/100 P:800/400 R:800/500");
}
END_TEST

/*
 * Long presses
 */

START_TEST(repeats_are_told_each_with_its_time)
{
	static const unsigned int script[] = {2000, 0};

	config.repeat_ns = 300 * MS;
	assert_tells(script, "P:0/0 L:1000/0 r1:1300/0 r2:1600/0 r3:1900/0 "
			     "R:2000/2000");
}
END_TEST

START_TEST(release_at_the_very_time_comes_after_long)
{
	static const unsigned int early[] = {999, 0};
	static const unsigned int exact[] = {1000, 0};

	config.suppress = ISR_BUTTON_SUPPRESS_SHORT;
	assert_tells(early, "P:999/0 R:999/999");
	assert_tells(exact, "L:1000/0 R:1000/1000");
}
END_TEST

/* MicroPython's forgets the press of such a one. */
START_TEST(press_between_click_and_long_is_short)
{
	static const unsigned int script[] = {700, 0};

	config.suppress = ISR_BUTTON_SUPPRESS_SHORT;
	assert_tells(script, "P:700/0 R:700/700");
	config.suppress = ISR_BUTTON_SUPPRESS_RELEASE;
	assert_tells(script, "P:0/0 R:700/700");
}
END_TEST

START_TEST(long_press_is_no_click)
{
	static const unsigned int script[] = {350, 20, 100, 0};

	config.long_ns = 300 * MS;
	assert_tells(script, "P:0/0 L:300/0 R:350/350 P:370/370 R:470/470");
}
END_TEST

/*
 * What is not wanted is not waited for
 */

START_TEST(nothing_waits_for_what_is_not_wanted)
{
	static const unsigned int two[] = {100, 100, 700, 0};
	static const unsigned int held[] = {2000, 0};

	config.suppress = ISR_BUTTON_SUPPRESS_SHORT;
	config.no_clicks = true;
	assert_tells(two, "P:100/0 R:100/100 P:900/200 R:900/900");
	assert_tells(held, "L:1000/0 R:2000/2000");

	config.no_long = true;
	assert_tells(two, "P:0/0 R:100/100 P:200/200 R:900/900");
	assert_tells(held, "P:0/0 R:2000/2000");

	config.no_clicks = false;
	assert_tells(held, "P:400/0 R:2000/2000");
	assert_tells(two, "x2:200/200 R:900/900");
}
END_TEST

START_TEST(release_waits_for_what_is_wanted_only)
{
	static const unsigned int two[] = {100, 100, 100, 0};
	static const unsigned int held[] = {2000, 0};

	config.suppress = ISR_BUTTON_SUPPRESS_RELEASE;
	config.no_long = true;
	assert_tells(held, "P:0/0 R:2000/2000");
	config.no_clicks = true;
	assert_tells(held, "P:0/0 R:2000/2000");
	assert_tells(two, "P:0/0 R:100/100 P:200/200 R:300/300");
	config.no_long = false;
	assert_tells(held, "P:0/0 L:1000/0");
	assert_tells(two, "P:0/0 R:100/100 P:200/200 R:300/300");
}
END_TEST

static void add_vectors(Suite *suite)
{
	TCase *tc = xt_case(suite, "vectors");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, vectors_hold_however_late_the_loop_is);
	tcase_add_test(tc, vectors_hold_with_a_contact_that_must_rest);
	tcase_add_test(tc, vectors_hold_with_a_contact_that_is_polled);
	tcase_add_loop_test(tc, flags_count_as_in_event_test, 0, 2);
	tcase_add_test(tc, bounce_is_told_of);
}

static void add_decisions(Suite *suite)
{
	TCase *tc = xt_case(suite, "decisions");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(
		tc, series_is_told_with_its_last_click_or_when_none_comes, 0,
		3);
	tcase_add_test(tc, series_tells_its_presses_unless_suppressed);
	tcase_add_test(tc, last_click_of_a_series_may_last);
	tcase_add_test(tc, click_at_the_end_of_the_time_is_another_series);
	tcase_add_test(tc, repeats_are_told_each_with_its_time);
	tcase_add_test(tc, release_at_the_very_time_comes_after_long);
	tcase_add_test(tc, press_between_click_and_long_is_short);
	tcase_add_test(tc, long_press_is_no_click);
	tcase_add_test(tc, nothing_waits_for_what_is_not_wanted);
	tcase_add_test(tc, release_waits_for_what_is_wanted_only);
}

int main(void)
{
	Suite *suite = suite_create("button");

	add_vectors(suite);
	add_decisions(suite);
	return xt_main(suite);
}
