/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Delays that handlers and threads trigger, at any moment.
 */
#include "flood.h"
#include "xt-delay.h"

/*
 * From handlers and threads
 */

static uint64_t from_handler_s;
static unsigned int n_from_handler;

static void trigger_from_handler(void)
{
	n_from_handler +=
		isr_delay_trigger(&delay, from_handler_s * SECOND) == 0;
}

/* delay_test.py's: 10 a second, of 200 ms, for 5 s; in seconds for its ms. */
START_TEST(handler_that_triggers_in_time_holds_it_off)
{
	int i;

	flood_start_by_hand(trigger_from_handler);
	n_from_handler = 0;
	from_handler_s = 200;
	trigger_in(200);
	for (i = 0; i < 50; i++) {
		pass_time(100);
		flood_let_in();
	}
	flood_end();
	ck_assert_uint_eq(n_from_handler, 50);

	ck_assert_uint_eq(n_expired, 0);
	assert_expires_in(200);
}
END_TEST

static bool is_woken(void)
{
	struct pollfd p = {.fd = isr_loop_get_fd(loop), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

START_TEST(trigger_that_puts_the_end_off_wakes_nobody)
{
	trigger_in(500);
	pass_time(0);
	ck_assert(!is_woken());

	trigger_in(600);
	ck_assert(!is_woken());
	trigger_in(500);
	ck_assert(!is_woken());

	hand_ns -= 10 * SECOND;
	trigger_in(500);
	ck_assert(is_woken());
	hand_ns += 10 * SECOND;
	pass_time(0);
	assert_expires_in(490);
}
END_TEST

/* However the signals come, the last trigger counts, and once. */
START_TEST(flood_of_triggers_expires_once)
{
	from_handler_s = 500;
	flood_start(trigger_from_handler);
	while (!flood_is_over()) {
		trigger_in(500);
		xt_ok(isr_loop_dispatch(loop));
		xt_ok(isr_delay_stop(&delay));
		xt_ok(isr_loop_dispatch(loop));
	}
	flood_end();
	ck_assert_uint_eq(n_expired, 0);

	trigger_in(500);
	assert_expires_in(500);
}
END_TEST

/* None of them is forgotten: what is due is never left running. */
START_TEST(flood_of_triggers_leaves_none_behind)
{
	hand_ns = 0;
	from_handler_s = 0;
	n_from_handler = 0;
	flood_start(trigger_from_handler);
	while (!flood_is_over())
		xt_ok(isr_loop_dispatch(loop));
	flood_end();
	while (is_woken())
		xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_from_handler, FLOOD_SIGNALS);
	ck_assert(!isr_delay_is_running(&delay));
	ck_assert_uint_ge(n_expired, 1);
	ck_assert_uint_le(n_expired, FLOOD_SIGNALS);
}
END_TEST

#define N_TRIGGERS 20000

static void *trigger_often(void *arg)
{
	unsigned int i;

	/* Of different lengths: half of them bring the end forward. */
	for (i = 0; i < N_TRIGGERS; i++)
		isr_delay_trigger(&delay, (i & 1) * 1000);
	return NULL;
}

static void stop_loop_once_idle(struct isr_flag *flag, uint32_t count,
				void *arg)
{
	n_expired++;
	if (isr_flag_peek(&other) == 2)
		isr_loop_stop(loop);
}

static void *trigger_to_the_end(void *arg)
{
	trigger_often(arg);
	isr_flag_set(&other);
	/* One that comes after all of the other thread's, or they after it. */
	isr_delay_trigger(&delay, 1);
	return NULL;
}

START_TEST(threads_that_trigger_lose_no_end)
{
	pthread_t threads[2];
	int i;

	hand_ns = 0;
	xt_ok(isr_flag_set_cb(&delay.expired, stop_loop_once_idle, NULL));
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
						trigger_to_the_end, NULL),
				 0);
	xt_ok(isr_loop_run(loop));
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);

	ck_assert_uint_ge(n_expired, 1);
}
END_TEST

#ifdef ISR_TEST_POINTS

static void trigger_900(void)
{
	trigger_in(900);
}

static void trigger_100(void)
{
	trigger_in(100);
}

/* The clock is read anew: a trigger that is held up is not one of the past. */
static void be_held_up(void)
{
	hand_ns += 100 * SECOND;
	trigger_in(1);
}

START_TEST(race_trigger_that_is_held_up_counts_from_its_end)
{
	race_at(0, "delay:A1", be_held_up);

	trigger_in(500);

	assert_raced(1);
	pass_time(0);
	assert_expires_in(500);
}
END_TEST

START_TEST(race_trigger_as_it_expires_wins)
{
	trigger_in(500);
	pass_time(0);
	race_at(0, "delay:C", trigger_900);

	pass_time(500);

	assert_raced(1);
	ck_assert_uint_eq(n_expired, 0);
	assert_expires_in(900);
}
END_TEST

/* Told to nobody, at each of the points where a handler can come. */
static void race_in_a_look(const char *point, void (*other_side)(void),
			   uint64_t seconds)
{
	trigger_in(500);
	pass_time(0);
	trigger_in(800);
	race_at(0, point, other_side);

	pass_time(500);

	assert_raced(1);
	ck_assert_uint_eq(n_expired, 0);
	assert_expires_in(seconds);
}

START_TEST(race_trigger_as_the_loop_looks_is_seen)
{
	static const char *const points[] = {"delay:B", "delay:B1"};

	race_in_a_look(points[_i / 2], _i % 2 ? trigger_900 : trigger_100,
		       _i % 2 ? 900 : 100);
}
END_TEST

/* Between the look at the deadline and the alarm's new time. */
START_TEST(race_trigger_as_the_alarm_is_set_is_seen)
{
	trigger_in(500);
	race_at(0, "delay:B", trigger_100);

	pass_time(0);

	assert_raced(1);
	assert_expires_in(100);
}
END_TEST

static void pass_500(void)
{
	pass_time(500);
}

/* The old alarm would have done; the one that the loop sets would not. */
START_TEST(race_alarm_put_off_in_a_trigger_is_seen)
{
	static const char *const points[] = {"delay:A1", "delay:A"};

	trigger_in(500);
	pass_time(0);
	trigger_in(800);
	race_at(0, points[_i], pass_500);

	trigger_in(600);

	assert_raced(1);
	pass_time(0);
	assert_expires_in(100);
}
END_TEST

/* A handler in the middle of a stop: before it, or after it. */
START_TEST(race_trigger_as_it_is_stopped_is_before_it)
{
	trigger_in(500);
	pass_time(0);
	race_at(0, "delay:B", trigger_900);

	ck_assert_int_eq(isr_delay_stop(&delay), 1);

	assert_raced(1);
	ck_assert(!isr_delay_is_running(&delay));
	pass_time(1000);
	ck_assert_uint_eq(n_expired, 0);
	trigger_in(700);
	assert_expires_in(700);
}
END_TEST

START_TEST(race_trigger_as_an_expiry_is_told_of_comes_after_it)
{
	trigger_in(500);
	pass_time(0);
	race_at(0, "flag:A", trigger_900);

	pass_time(500);

	assert_raced(1);
	ck_assert_uint_eq(n_expired, 0);
	assert_expires_in(900);
}
END_TEST

#endif

int main(void)
{
	Suite *suite = suite_create("delay-races");
	TCase *tc = xt_case(suite, "delay");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, handler_that_triggers_in_time_holds_it_off);
	tcase_add_test(tc, trigger_that_puts_the_end_off_wakes_nobody);
	tcase_add_test(tc, flood_of_triggers_expires_once);
	tcase_add_test(tc, flood_of_triggers_leaves_none_behind);
	tcase_add_test(tc, threads_that_trigger_lose_no_end);
#ifdef ISR_TEST_POINTS
	tcase_add_test(tc, race_trigger_that_is_held_up_counts_from_its_end);
	tcase_add_test(tc, race_trigger_as_it_expires_wins);
	tcase_add_loop_test(tc, race_trigger_as_the_loop_looks_is_seen, 0, 4);
	tcase_add_test(tc, race_trigger_as_the_alarm_is_set_is_seen);
	tcase_add_loop_test(tc, race_alarm_put_off_in_a_trigger_is_seen, 0, 2);
	tcase_add_test(tc, race_trigger_as_it_is_stopped_is_before_it);
	tcase_add_test(tc, race_trigger_as_an_expiry_is_told_of_comes_after_it);
#endif
	return xt_main(suite);
}
