/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Switches that are fed: what the modes have in common, and the interface.
 */
#include "xt-switch.h"

/*
 * Levels, losses, time: of all that decide
 */

static const enum isr_switch_mode deciding[] = {ISR_SWITCH_EAGER,
						ISR_SWITCH_STABLE};

START_TEST(first_level_is_no_event)
{
	open_mode(deciding[_i]);
	ck_assert(!isr_switch_is_closed(&sw));

	feed_level(0, 1);

	ck_assert(isr_switch_is_closed(&sw));
	idle(1000000);
	ck_assert_uint_eq(n_told, 0);
	ck_assert_uint_eq(isr_flag_peek(&sw.close), 0);
	fall(2000000);
	idle(3000000);
	ck_assert(!isr_switch_is_closed(&sw));
}
END_TEST

START_TEST(first_edge_tells_what_was_before_it)
{
	open_mode(deciding[_i]);

	fall(1000);
	idle(1000000);

	assert_told(0, ISR_SWITCH_OPENED, 1000,
		    deciding[_i] == ISR_SWITCH_STABLE ? 1000 + DEBOUNCE : 0, 0);
	ck_assert_uint_eq(get_stats().events, 1);
}
END_TEST

START_TEST(edge_that_the_level_has_told_is_known)
{
	open_mode(deciding[_i]);
	feed_level(1000, 1);

	rise(999);
	idle(1000000);

	ck_assert_uint_eq(n_told, 0);
	ck_assert_uint_eq(get_stats().edges, 0);
}
END_TEST

START_TEST(edge_after_the_level_is_a_movement_whatever_it_says)
{
	open_mode(deciding[_i]);
	feed_level(1000, 1);

	rise(1001);
	idle(1000000);

	ck_assert_uint_eq(get_stats().edges, 1);
	ck_assert_uint_eq(n_told, deciding[_i] == ISR_SWITCH_EAGER ? 2 : 0);
}
END_TEST

START_TEST(level_that_differs_is_an_edge)
{
	open_mode(deciding[_i]);
	feed_level(0, 0);
	feed_level(1000, 0);
	ck_assert_uint_eq(get_stats().edges, 0);

	feed_level(2000, 1);
	/* It had told it before the edge did. */
	rise(1500);
	idle(1000000);

	assert_told(0, ISR_SWITCH_CLOSED, 2000,
		    deciding[_i] == ISR_SWITCH_STABLE ? 2000 + DEBOUNCE : 0, 0);
	ck_assert_uint_eq(told[0].flags, ISR_EVENT_FLAG_MERGED);
	ck_assert_uint_eq(get_stats().events, 1);
	ck_assert_uint_eq(get_stats().corrected, 1);
	ck_assert_uint_eq(get_stats().edges, 1);
}
END_TEST

START_TEST(loss_that_nothing_came_after_is_told_by_the_next)
{
	open_mode(deciding[_i]);
	feed_level(0, 0);

	feed_event(1000, ISR_EVENT_LOST, 0, 0, 5);
	idle(1000000);
	ck_assert_uint_eq(n_told, 0);
	ck_assert_uint_eq(get_stats().lost, 5);
	/* The release of a press that was among them. */
	fall(2000000);
	idle(3000000);

	ck_assert_uint_eq(n_told, 2);
	ck_assert_int_eq(told[0].kind, ISR_SWITCH_CLOSED);
	ck_assert_int_eq(told[1].kind, ISR_SWITCH_OPENED);
	ck_assert_uint_eq(told[0].lost, 5);
	ck_assert_uint_eq(told[1].lost, 0);
}
END_TEST

START_TEST(level_after_a_loss_closes_the_gap)
{
	open_mode(deciding[_i]);
	feed_level(0, 0);

	feed_event(1000, ISR_EVENT_LOST, 0, 0, 5);
	feed_level(2000, 0);
	/* What the level has told. */
	fall(1500);
	idle(1000000);
	ck_assert_uint_eq(n_told, 0);

	rise(2000000);
	idle(3000000);
	ck_assert_uint_eq(get_stats().events, 1);
	ck_assert_uint_eq(told[0].lost, 5);
}
END_TEST

START_TEST(deadline_is_decided_as_of_its_time_however_late)
{
	open_mode(deciding[_i]);
	feed_level(0, 0);

	rise(1000);
	fall(101000);
	rise(1000000);
	idle(5000000);

	ck_assert_uint_eq(get_stats().events, 3);
	if (deciding[_i] == ISR_SWITCH_STABLE) {
		assert_told(0, ISR_SWITCH_CLOSED, 1000, 51000, 0);
		assert_told(1, ISR_SWITCH_OPENED, 101000, 151000, 0);
		assert_told(2, ISR_SWITCH_CLOSED, 1000000, 1050000, 0);
	} else {
		assert_told(1, ISR_SWITCH_SETTLED, 1000, 51000, 0);
		assert_told(3, ISR_SWITCH_SETTLED, 101000, 151000, 0);
		assert_told(5, ISR_SWITCH_SETTLED, 1000000, 1050000, 0);
	}
}
END_TEST

START_TEST(late_edge_keeps_its_stamp_and_turns_no_time_back)
{
	open_mode(deciding[_i]);
	feed_level(0, 0);
	idle(500000);

	rise(400000);
	idle(500000 + DEBOUNCE - 1);
	ck_assert_uint_eq(n_told, deciding[_i] == ISR_SWITCH_EAGER);
	idle(500000 + DEBOUNCE);

	ck_assert_uint_eq(get_stats().events, 1);
	ck_assert_uint_eq(told[0].t_first_ns, at(400000));
	ck_assert_uint_eq(told[n_told - 1].t_settled_ns, at(500000 + DEBOUNCE));
}
END_TEST

START_TEST(times_are_those_of_the_config)
{
	struct isr_switch_config config = config_of(deciding[_i]);

	config.debounce_ns = 3000 * US;
	config.chatter_ns = 2000 * US;
	xt_ok(isr_switch_open(&sw, loop, &config, NULL));
	feed_level(0, 0);
	rise(10000);
	fall(12000);
	idle(100000);

	/* EAGER: quiet for the chatter. STABLE: a glitch. */
	if (deciding[_i] == ISR_SWITCH_EAGER)
		assert_told(1, ISR_SWITCH_OPENED, 12000, 14000, 0);
	ck_assert_uint_eq(n_told, deciding[_i] == ISR_SWITCH_EAGER ? 2 : 0);
}
END_TEST

START_TEST(origin_of_edges_is_told)
{
	open_mode(deciding[_i]);
	feed_level(0, 0);

	feed_edge(1000, 1, ISR_EVENT_FLAG_SIMULATED, 0);
	idle(1000000);

	ck_assert_uint_ge(n_told, 1);
	ck_assert_uint_eq(told[0].flags, ISR_EVENT_FLAG_SIMULATED);
	ck_assert_uint_eq(told[n_told - 1].flags, ISR_EVENT_FLAG_SIMULATED);
}
END_TEST

static unsigned int n_logged;

static void on_log(enum isr_log_level level, const char *message, void *arg)
{
	ck_assert_int_eq(level, ISR_LOG_WARNING);
	ck_assert_str_eq(message, "a device without a line: its chip is gone "
				  "(No such device); it is followed no more");
	n_logged++;
}

START_TEST(chips_end_is_told_once)
{
	open_mode(deciding[_i]);
	n_logged = 0;
	isr_loop_set_log_cb(loop, on_log, NULL);
	feed_level(0, 1);

	feed_event(1000, ISR_EVENT_CHIP_LOST, -ENODEV, 0, 0);
	feed_event(1000, ISR_EVENT_CHIP_LOST, -ENODEV, 0, 0);
	fall(2000);
	idle(1000000);

	ck_assert_uint_eq(n_logged, 1);
	ck_assert_uint_eq(n_told, 0);
	ck_assert(isr_switch_is_closed(&sw));
	ck_assert_int_eq(get_stats().error, -ENODEV);
}
END_TEST

START_TEST(chips_end_has_a_reason)
{
	open_mode(deciding[_i]);
	n_logged = 0;
	isr_loop_set_log_cb(loop, on_log, NULL);
	feed_level(0, 1);

	feed_event(1000, ISR_EVENT_CHIP_LOST, 0, 0, 0);

	ck_assert_uint_eq(n_logged, 1);
	ck_assert_int_eq(get_stats().error, -ENODEV);
}
END_TEST

/*
 * The interface
 */

START_TEST(flags_are_set_once_an_event)
{
	open_mode(deciding[_i]);
	feed_level(0, 0);
	rise(1000);
	fall(1100);
	rise(1200);
	idle(200000);

	ck_assert_uint_eq(isr_flag_peek(&sw.close), 1);
	ck_assert_uint_eq(isr_flag_peek(&sw.open), 0);
	fall(300000);
	idle(400000);
	ck_assert_uint_eq(isr_flag_peek(&sw.close), 1);
	ck_assert_uint_eq(isr_flag_peek(&sw.open), 1);
}
END_TEST

START_TEST(flags_have_the_mode_of_the_config)
{
	struct isr_switch_config config = config_of(ISR_SWITCH_EAGER);

	config.flag_mode = ISR_FLAG_STICKY;
	config.cb = NULL;
	xt_ok(isr_switch_open(&sw, loop, &config, NULL));
	rise(0);

	ck_assert_int_eq(isr_flag_take(&sw.close), 1);
	ck_assert_int_eq(isr_flag_take(&sw.close), 1);
}
END_TEST

static void close_in_callback(struct isr_switch *self,
			      const struct isr_switch_event *event, void *arg)
{
	n_told++;
	xt_ok(isr_switch_close(self));
	/* The memory is the program's again. */
	memset(self, 0xa5, sizeof(*self));
}

START_TEST(switch_may_close_in_its_callback)
{
	struct isr_switch_config config = config_of(deciding[_i]);

	config.cb = close_in_callback;
	xt_ok(isr_switch_open(&sw, loop, &config, NULL));
	feed_level(0, 0);
	rise(1000);
	if (deciding[_i] == ISR_SWITCH_STABLE)
		fall(1000000);

	ck_assert_uint_eq(n_told, 1);
	memset(&sw, 0, sizeof(sw));
}
END_TEST

START_TEST(switch_may_close_between_the_events_of_a_loss)
{
	struct isr_switch_config config = config_of(ISR_SWITCH_STABLE);

	config.cb = close_in_callback;
	xt_ok(isr_switch_open(&sw, loop, &config, NULL));
	feed_level(0, 0);
	feed_edge(1000, 0, 0, 1);
	idle(1000000);

	ck_assert_uint_eq(n_told, 1);
	memset(&sw, 0, sizeof(sw));
}
END_TEST

static void feed_in_callback(struct isr_switch *self,
			     const struct isr_switch_event *event, void *arg)
{
	const struct isr_event edge = {.kind = ISR_EVENT_RISING};

	n_told++;
	xt_fails_with(EBUSY, isr_switch_feed(self, &edge));
}

START_TEST(switch_is_not_fed_in_its_callback)
{
	struct isr_switch_config config = config_of(ISR_SWITCH_EAGER);

	config.cb = feed_in_callback;
	xt_ok(isr_switch_open(&sw, loop, &config, NULL));
	rise(0);

	ck_assert_uint_eq(n_told, 1);
}
END_TEST

START_TEST(events_that_no_switch_has_are_refused)
{
	struct isr_event event = {.kind = ISR_EVENT_TIMER};

	open_mode(ISR_SWITCH_EAGER);

	xt_fails_with(EINVAL, isr_switch_feed(&sw, &event));
	event = (struct isr_event){.kind = ISR_EVENT_RISING, .source = 1};
	xt_fails_with(EINVAL, isr_switch_feed(&sw, &event));
	xt_fails_with(EINVAL, isr_switch_feed(&sw, NULL));
	ck_assert_uint_eq(n_told, 0);
}
END_TEST

START_TEST(switch_that_is_open_is_not_opened_again)
{
	struct isr_switch_config config = config_of(ISR_SWITCH_EAGER);
	struct isr_error error = {0};

	open_mode(ISR_SWITCH_EAGER);
	rise(0);

	xt_fails_with(EBUSY, isr_switch_open(&sw, loop, &config, &error));

	ck_assert_ptr_nonnull(strstr(error.message, "close it first"));
	ck_assert(isr_switch_is_closed(&sw));
	ck_assert_int_eq(isr_flag_take(&sw.close), 1);
	idle(1000000);
	assert_told(1, ISR_SWITCH_SETTLED, 0, DEBOUNCE, 0);
	xt_ok(isr_switch_close(&sw));
	xt_ok(isr_switch_open(&sw, loop, &config, &error));
}
END_TEST

START_TEST(loops_end_closes_the_switch)
{
	open_mode(ISR_SWITCH_EAGER);
	rise(0);
	isr_loop_free(loop);

	ck_assert(isr_switch_is_closed(&sw));
	xt_fails_with(EINVAL, isr_flag_take(&sw.close));
	xt_fails_with(EINVAL, isr_flag_take(&sw.open));
	xt_ok(isr_switch_close(&sw));
	xt_ok(isr_loop_new(&xt_patient, &loop));
}
END_TEST

START_TEST(closed_memory_is_legal)
{
	static const struct isr_event edge = {.kind = ISR_EVENT_RISING};
	struct isr_switch_stats stats;
	int i;

	for (i = 0; i < 2; i++) {
		xt_ok(isr_switch_close(&sw));
		xt_fails_with(EINVAL, isr_switch_feed(&sw, &edge));
		xt_fails_with(EINVAL, isr_switch_get_stats(&sw, &stats));
		ck_assert_ptr_null(isr_switch_get_source(&sw));
		ck_assert(!isr_switch_is_closed(&sw));
		open_mode(ISR_SWITCH_EAGER);
		ck_assert_ptr_null(isr_switch_get_source(&sw));
		xt_ok(isr_switch_close(&sw));
	}
	xt_ok(isr_switch_close(NULL));
	xt_fails_with(EINVAL, isr_switch_feed(NULL, &edge));
	xt_fails_with(EINVAL, isr_switch_get_stats(NULL, &stats));
	ck_assert_ptr_null(isr_switch_get_source(NULL));
	ck_assert(!isr_switch_is_closed(NULL));
}
END_TEST

/* Each with a word of what it is told. */
static void refuse(const struct isr_switch_config *config, int error,
		   const char *word)
{
	struct isr_error told_error = {0};

	ck_assert_int_eq(isr_switch_open(&sw, loop, config, &told_error),
			 -error);
	ck_assert_msg(strstr(told_error.message, word), "\"%s\": no %s",
		      told_error.message, word);
	xt_fails_with(EINVAL, isr_flag_take(&sw.close));
}

START_TEST(bad_configs_are_refused_with_the_reason)
{
	struct {
		struct isr_switch_config config;
		uint64_t later;
	} longer = {.config = config_of(ISR_SWITCH_EAGER), .later = 1};
	struct isr_switch_config config = config_of(ISR_SWITCH_EAGER);

	config.sz = 8;
	refuse(&config, EINVAL, "sz");
	longer.config.sz = sizeof(longer);
	refuse(&longer.config, E2BIG, "update");
	config = config_of(ISR_SWITCH_EAGER);
	config.reserved[3] = 1;
	refuse(&config, E2BIG, "update");
	config = config_of((enum isr_switch_mode)4);
	refuse(&config, EINVAL, "mode");
	config = config_of(ISR_SWITCH_EAGER);
	config.flag_mode = 0x77;
	refuse(&config, EINVAL, "flag_mode");
	config = config_of(ISR_SWITCH_EAGER);
	config.pin.debounce_ns = 1;
	refuse(&config, EINVAL, "pin.debounce_ns");
	config = config_of(ISR_SWITCH_EAGER);
	config.pin.edge = ISR_EDGE_RISING;
	refuse(&config, EINVAL, "both edges");
	config.pin.edge = ISR_EDGE_NONE;
	refuse(&config, EINVAL, "ISR_SWITCH_POLLED");
	config = config_of(ISR_SWITCH_EAGER);
	config.chip_debounces = true;
	refuse(&config, EINVAL, "chip_debounces");
	config = config_of(ISR_SWITCH_STABLE);
	config.poll_ns = ISR_SWITCH_POLL_MIN_NS;
	refuse(&config, EINVAL, "poll_ns is for");
	config = config_of(ISR_SWITCH_POLLED);
	config.poll_ns = ISR_SWITCH_POLL_MIN_NS - 1;
	refuse(&config, EINVAL, "poll_ns is 1 ms");
	config.poll_ns = ISR_SWITCH_POLL_MIN_NS;
	xt_ok(isr_switch_open(&sw, loop, &config, NULL));
	xt_ok(isr_switch_close(&sw));
	config = config_of(ISR_SWITCH_EAGER);
	config.raw_cb = isr_to_flag;
	refuse(&config, EINVAL, "raw_cb");
	config = config_of(ISR_SWITCH_EAGER);
	config.pin.line = "X";
	refuse(&config, EINVAL, "sz");

	xt_fails_with(EINVAL, isr_switch_open(NULL, loop, &config, NULL));
	xt_fails_with(EINVAL, isr_switch_open(&sw, NULL, &config, NULL));
	xt_fails_with(EINVAL, isr_switch_open(&sw, loop, NULL, NULL));
}
END_TEST

static void add_common_rules(Suite *suite)
{
	TCase *tcase = xt_switch_case(suite, "common");

	tcase_add_loop_test(tcase, first_level_is_no_event, 0, 2);
	tcase_add_loop_test(tcase, first_edge_tells_what_was_before_it, 0, 2);
	tcase_add_loop_test(tcase, edge_that_the_level_has_told_is_known, 0, 2);
	tcase_add_loop_test(tcase,
			    edge_after_the_level_is_a_movement_whatever_it_says,
			    0, 2);
	tcase_add_loop_test(tcase, level_that_differs_is_an_edge, 0, 2);
	tcase_add_loop_test(
		tcase, loss_that_nothing_came_after_is_told_by_the_next, 0, 2);
	tcase_add_loop_test(tcase, level_after_a_loss_closes_the_gap, 0, 2);
	tcase_add_loop_test(
		tcase, deadline_is_decided_as_of_its_time_however_late, 0, 2);
	tcase_add_loop_test(
		tcase, late_edge_keeps_its_stamp_and_turns_no_time_back, 0, 2);
	tcase_add_loop_test(tcase, times_are_those_of_the_config, 0, 2);
	tcase_add_loop_test(tcase, origin_of_edges_is_told, 0, 2);
	tcase_add_loop_test(tcase, chips_end_is_told_once, 0, 2);
	tcase_add_loop_test(tcase, chips_end_has_a_reason, 0, 2);
}

static void add_interface(Suite *suite)
{
	TCase *tcase = xt_switch_case(suite, "interface");

	tcase_add_loop_test(tcase, flags_are_set_once_an_event, 0, 2);
	tcase_add_test(tcase, flags_have_the_mode_of_the_config);
	tcase_add_loop_test(tcase, switch_may_close_in_its_callback, 0, 2);
	tcase_add_test(tcase, switch_may_close_between_the_events_of_a_loss);
	tcase_add_test(tcase, switch_is_not_fed_in_its_callback);
	tcase_add_test(tcase, events_that_no_switch_has_are_refused);
	tcase_add_test(tcase, switch_that_is_open_is_not_opened_again);
	tcase_add_test(tcase, loops_end_closes_the_switch);
	tcase_add_test(tcase, closed_memory_is_legal);
	tcase_add_test(tcase, bad_configs_are_refused_with_the_reason);
}

int main(void)
{
	Suite *suite = suite_create("switch-common");

	add_common_rules(suite);
	add_interface(suite);
	return xt_main(suite);
}
