/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Delays, one thing after the other: retriggered, brought forward, stopped, in
 * a loop that is late.
 */
#include "xt-delay.h"

/*
 * One after the other
 */

START_TEST(delay_expires_once_at_its_time)
{
	ck_assert(!isr_delay_is_running(&delay));
	trigger_in(500);
	ck_assert(isr_delay_is_running(&delay));

	assert_expires_in(500);
}
END_TEST

START_TEST(delay_can_be_triggered_again)
{
	trigger_in(500);
	assert_expires_in(500);
	trigger_in(300);
	assert_expires_in(300);
}
END_TEST

START_TEST(trigger_puts_the_end_off)
{
	trigger_in(500);
	pass_time(400);
	trigger_in(500);

	assert_expires_in(500);
}
END_TEST

START_TEST(trigger_brings_the_end_forward)
{
	trigger_in(1000);
	pass_time(1);
	trigger_in(300);

	assert_expires_in(300);
}
END_TEST

START_TEST(trigger_counts_before_the_loop_has_looked)
{
	trigger_in(10);
	trigger_in(500);
	trigger_in(300);

	assert_expires_in(300);
}
END_TEST

START_TEST(delay_of_nothing_expires_at_once)
{
	trigger_in(0);
	ck_assert(isr_delay_is_running(&delay));

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_expired, 1);
}
END_TEST

START_TEST(delay_may_be_longer_than_time_itself)
{
	xt_ok(isr_delay_trigger(&delay, UINT64_MAX));
	pass_time(100 * 365 * 86400UL);
	ck_assert(isr_delay_is_running(&delay));
	ck_assert_uint_eq(n_expired, 0);

	trigger_in(2);
	assert_expires_in(2);
}
END_TEST

START_TEST(delays_expire_by_time_then_by_trigger)
{
	struct isr_delay delays[3];
	static const char *names[] = {"a", "b", "c"};
	int i;

	for (i = 0; i < 3; i++) {
		xt_ok(isr_delay_init(&delays[i], loop, ISR_FLAG_AUTO));
		xt_ok(isr_flag_set_cb(&delays[i].expired, on_expired,
				      (void *)(uintptr_t)names[i]));
	}
	xt_ok(isr_delay_trigger(&delays[2], 5 * SECOND));
	xt_ok(isr_delay_trigger(&delays[1], 5 * SECOND));
	xt_ok(isr_delay_trigger(&delays[0], 4 * SECOND));
	pass_time(0);
	pass_time(9);

	ck_assert_str_eq(trace, "acb");
	for (i = 0; i < 3; i++)
		xt_ok(isr_delay_done(&delays[i]));
}
END_TEST

/*
 * Stop and end
 */

START_TEST(stop_keeps_it_from_expiring)
{
	trigger_in(500);
	pass_time(400);
	ck_assert_int_eq(isr_delay_stop(&delay), 1);
	ck_assert(!isr_delay_is_running(&delay));

	pass_time(1000);

	ck_assert_uint_eq(n_expired, 0);
	ck_assert_int_eq(isr_delay_stop(&delay), 0);
}
END_TEST

START_TEST(stop_right_after_a_trigger_keeps_it_from_expiring)
{
	trigger_in(0);
	ck_assert_int_eq(isr_delay_stop(&delay), 1);

	pass_time(1000);

	ck_assert_uint_eq(n_expired, 0);
}
END_TEST

START_TEST(trigger_after_a_stop_counts)
{
	trigger_in(500);
	pass_time(1);
	xt_ok(isr_delay_stop(&delay));
	trigger_in(700);

	assert_expires_in(700);
}
END_TEST

START_TEST(delay_that_is_done_cannot_be_triggered)
{
	static struct isr_delay zeroed;

	trigger_in(1);
	pass_time(0);
	xt_ok(isr_delay_done(&delay));
	pass_time(2);

	ck_assert_uint_eq(n_expired, 0);
	ck_assert(!isr_delay_is_running(&delay));
	xt_fails_with(EINVAL, isr_delay_trigger(&delay, 1));
	xt_fails_with(EINVAL, isr_delay_stop(&delay));
	xt_ok(isr_delay_done(&delay));
	xt_fails_with(EINVAL, isr_delay_trigger(&zeroed, 1));
	xt_fails_with(EINVAL, isr_delay_trigger(NULL, 1));
	xt_fails_with(EINVAL, isr_delay_stop(NULL));
	ck_assert(!isr_delay_is_running(&zeroed));
	ck_assert(!isr_delay_is_running(NULL));
	xt_ok(isr_delay_done(&zeroed));
	xt_ok(isr_delay_done(NULL));
}
END_TEST

START_TEST(delay_that_is_done_can_be_made_again)
{
	xt_ok(isr_delay_done(&delay));
	xt_ok(isr_delay_init(&delay, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&delay.expired, on_expired, NULL));
	trigger_in(5);

	assert_expires_in(5);
}
END_TEST

START_TEST(loop_that_ends_finishes_its_delays)
{
	trigger_in(5);
	pass_time(0);

	xt_ok(isr_loop_free(loop));
	loop = NULL;

	ck_assert(!isr_delay_is_running(&delay));
	xt_fails_with(EINVAL, isr_delay_trigger(&delay, 1));
	xt_fails_with(EINVAL, isr_delay_stop(&delay));
	xt_ok(isr_delay_done(&delay));
}
END_TEST

static void free_loop(struct isr_flag *flag, uint32_t count, void *arg)
{
	xt_ok(isr_loop_free(loop));
	xt_fails_with(EINVAL, isr_delay_trigger(&delay, 1));
	/* Its memory is the program's again. */
	memset((void *)&delay, 0xff, sizeof(delay));
}

START_TEST(delay_may_free_its_loop)
{
	xt_ok(isr_flag_set_cb(&delay.expired, free_loop, NULL));
	trigger_in(0);

	xt_fails_with(ECANCELED, isr_loop_dispatch(loop));

	loop = NULL;
}
END_TEST

static void end_delay(struct isr_flag *flag, uint32_t count, void *arg)
{
	n_expired++;
	xt_ok(isr_delay_done(&delay));
}

START_TEST(delay_may_end_itself)
{
	xt_ok(isr_flag_set_cb(&delay.expired, end_delay, NULL));
	trigger_in(0);
	pass_time(1);

	ck_assert_uint_eq(n_expired, 1);
	xt_fails_with(EINVAL, isr_delay_trigger(&delay, 1));
}
END_TEST

static void trigger_again(struct isr_flag *flag, uint32_t count, void *arg)
{
	n_expired++;
	trigger_in(10);
}

START_TEST(delay_may_trigger_itself)
{
	xt_ok(isr_flag_set_cb(&delay.expired, trigger_again, NULL));
	trigger_in(10);
	pass_time(0);
	pass_time(10);
	pass_time(9);
	ck_assert_uint_eq(n_expired, 1);
	pass_time(1);
	ck_assert_uint_eq(n_expired, 2);
}
END_TEST

/*
 * A loop that is late
 */

/* What the loop does for a long time, in which the delay's time comes. */
static void block(struct isr_flag *flag, uint32_t count, void *arg)
{
	void (*then)(void) = (void (*)(void))(uintptr_t)arg;

	hand_ns += 900 * SECOND;
	then();
}

static void trigger_200(void)
{
	trigger_in(200);
}

static void stop(void)
{
	xt_ok(isr_delay_stop(&delay));
}

static void trigger_and_stop(void)
{
	trigger_in(0);
	xt_ok(isr_delay_stop(&delay));
}

static void block_then(void (*then)(void))
{
	xt_ok(isr_flag_set_cb(&other, block, (void *)(uintptr_t)then));
	isr_flag_set(&other);
}

START_TEST(trigger_after_the_old_end_is_the_only_one)
{
	trigger_in(500);
	pass_time(0);
	block_then(trigger_200);
	pass_time(0);

	ck_assert_uint_eq(n_expired, 0);
	assert_expires_in(200);
}
END_TEST

START_TEST(stop_after_the_old_end_keeps_it_from_expiring)
{
	trigger_in(500);
	pass_time(0);
	block_then(stop);
	pass_time(0);

	pass_time(1000);

	ck_assert_uint_eq(n_expired, 0);
}
END_TEST

START_TEST(trigger_and_stop_in_one_step_tell_nobody)
{
	block_then(trigger_and_stop);
	pass_time(0);
	pass_time(1000);

	ck_assert_uint_eq(n_expired, 0);
}
END_TEST

/* It has expired, and the flag that came before tells it another thing. */
START_TEST(trigger_forgets_an_expiry_that_is_on_its_way)
{
	trigger_in(500);
	pass_time(0);
	block_then(trigger_200);
	pass_time(500);

	ck_assert_uint_eq(n_expired, 0);
	assert_expires_in(200);
}
END_TEST

START_TEST(stop_forgets_an_expiry_that_is_on_its_way)
{
	trigger_in(500);
	pass_time(0);
	block_then(stop);
	pass_time(500);
	pass_time(1000);

	ck_assert_uint_eq(n_expired, 0);
}
END_TEST

START_TEST(sticky_expiry_stays_until_the_next_trigger)
{
	xt_ok(isr_delay_done(&delay));
	xt_ok(isr_delay_init(&delay, loop, ISR_FLAG_STICKY));
	trigger_in(5);
	pass_time(0);
	pass_time(5);
	ck_assert_int_eq(isr_flag_take(&delay.expired), 1);
	pass_time(5);
	ck_assert_int_eq(isr_flag_take(&delay.expired), 1);

	trigger_in(5);
	pass_time(0);

	ck_assert_int_eq(isr_flag_take(&delay.expired), 0);
	pass_time(5);
	ck_assert_int_eq(isr_flag_take(&delay.expired), 1);
	ck_assert_int_eq(isr_delay_stop(&delay), 0);
	ck_assert_int_eq(isr_flag_take(&delay.expired), 0);
}
END_TEST

static void stop_loop(struct isr_flag *flag, uint32_t count, void *arg)
{
	isr_loop_stop(loop);
}

START_TEST(loop_that_sleeps_wakes_when_it_expires)
{
	uint64_t begin_ns;

	hand_ns = 0;
	xt_ok(isr_flag_set_cb(&delay.expired, stop_loop, NULL));
	begin_ns = isr_now_ns();
	xt_ok(isr_delay_trigger(&delay, 3000000));

	xt_ok(isr_loop_run(loop));

	ck_assert_uint_ge(isr_now_ns() - begin_ns, 3000000);
}
END_TEST

START_TEST(delay_refuses_what_makes_no_sense)
{
	struct isr_delay spare = {.alarm_ns = 0};

	xt_fails_with(EINVAL, isr_delay_init(NULL, loop, ISR_FLAG_AUTO));
	xt_fails_with(EINVAL, isr_delay_init(&spare, NULL, ISR_FLAG_AUTO));
	xt_fails_with(EINVAL, isr_delay_init(&spare, loop, 0x4000));
	xt_fails_with(EINVAL, isr_delay_trigger(&spare, 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("delay");
	TCase *tc = xt_case(suite, "delay");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, delay_expires_once_at_its_time);
	tcase_add_test(tc, delay_can_be_triggered_again);
	tcase_add_test(tc, trigger_puts_the_end_off);
	tcase_add_test(tc, trigger_brings_the_end_forward);
	tcase_add_test(tc, trigger_counts_before_the_loop_has_looked);
	tcase_add_test(tc, delay_of_nothing_expires_at_once);
	tcase_add_test(tc, delay_may_be_longer_than_time_itself);
	tcase_add_test(tc, delays_expire_by_time_then_by_trigger);
	tcase_add_test(tc, stop_keeps_it_from_expiring);
	tcase_add_test(tc, stop_right_after_a_trigger_keeps_it_from_expiring);
	tcase_add_test(tc, trigger_after_a_stop_counts);
	tcase_add_test(tc, delay_that_is_done_cannot_be_triggered);
	tcase_add_test(tc, delay_that_is_done_can_be_made_again);
	tcase_add_test(tc, loop_that_ends_finishes_its_delays);
	tcase_add_test(tc, delay_may_free_its_loop);
	tcase_add_test(tc, delay_may_end_itself);
	tcase_add_test(tc, delay_may_trigger_itself);
	tcase_add_test(tc, trigger_after_the_old_end_is_the_only_one);
	tcase_add_test(tc, stop_after_the_old_end_keeps_it_from_expiring);
	tcase_add_test(tc, trigger_and_stop_in_one_step_tell_nobody);
	tcase_add_test(tc, trigger_forgets_an_expiry_that_is_on_its_way);
	tcase_add_test(tc, stop_forgets_an_expiry_that_is_on_its_way);
	tcase_add_test(tc, sticky_expiry_stays_until_the_next_trigger);
	tcase_add_test(tc, loop_that_sleeps_wakes_when_it_expires);
	tcase_add_test(tc, delay_refuses_what_makes_no_sense);
	return xt_main(suite);
}
