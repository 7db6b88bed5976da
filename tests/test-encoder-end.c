/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What encoders refuse, and how they end. */
#include "xt-encoder.h"

static void refuse(struct isr_encoder_config config, const char *what)
{
	static struct isr_encoder spare;
	struct isr_error error = {.code = 0};

	xt_fails_with(EINVAL, isr_encoder_open(&spare, loop, &config, &error));
	ck_assert_int_eq(error.code, -EINVAL);
	ck_assert_msg(strstr(error.message, what) != NULL, "%s", error.message);
	/* Which of several it is. */
	if (config.sz == sizeof(config) && !config.flag_mode)
		ck_assert_msg(strstr(error.message, config.pin.line
							    ? "encoder A: "
							    : "encoder without "
							      "a line: "),
			      "%s", error.message);
	ck_assert_ptr_null(spare.changed.wake);
}

#define REFUSES(member, set, what)                                      \
	do {                                                            \
		struct isr_encoder_config config = xt_encoder_config(); \
		config.member = set;                                    \
		refuse(config, what);                                   \
	} while (0)

START_TEST(configs_that_make_no_sense_are_refused)
{
	REFUSES(sz, 8, "set sz");
	REFUSES(steps, 3, "1, 2 or 4");
	REFUSES(steps, 8, "1, 2 or 4");
	REFUSES(modulo, -1, "modulo");
	REFUSES(max, -1, "greater");
	REFUSES(pin.line, "A", "two lines");
	REFUSES(line_b, "B", "two lines");
	REFUSES(pin.n_more_lines, 1, "line_b");
	REFUSES(pin.edge, ISR_EDGE_RISING, "both edges");
	REFUSES(pin.debounce_ns, 1, "debounced");
	REFUSES(flag_mode, 0x4000, "mode");
}
END_TEST

START_TEST(encoder_that_is_open_is_not_opened_again)
{
	struct isr_encoder_config config = xt_encoder_config();
	struct isr_error error = {0};

	open_encoder(config);
	xt_ok(isr_encoder_set_value(&encoder, 3));

	xt_fails_with(EBUSY, isr_encoder_open(&encoder, loop, &config, &error));

	ck_assert_ptr_nonnull(strstr(error.message, "close it first"));
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 3);
	xt_ok(isr_encoder_close(&encoder));
	xt_ok(isr_encoder_open(&encoder, loop, &config, NULL));
}
END_TEST

START_TEST(initial_value_outside_of_the_limits_is_refused)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.min = 1;
	config.max = 5;
	refuse(config, "initial");
	config.initial = 6;
	refuse(config, "initial");
}
END_TEST

START_TEST(config_of_a_later_version_is_refused)
{
	struct {
		struct isr_encoder_config config;
		uint64_t more;
	} later = {.config = xt_encoder_config()};

	later.config.sz = sizeof(later);
	xt_ok(isr_encoder_open(&encoder, loop, &later.config, NULL));
	xt_ok(isr_encoder_close(&encoder));
	later.more = 1;
	xt_fails_with(E2BIG,
		      isr_encoder_open(&encoder, loop, &later.config, NULL));
	later.more = 0;
	later.config.sz = sizeof(later.config);
	later.config.reserved[3] = 1;
	xt_fails_with(E2BIG,
		      isr_encoder_open(&encoder, loop, &later.config, NULL));
}
END_TEST

START_TEST(functions_refuse_what_is_not_open)
{
	static struct isr_encoder zeroed;
	struct isr_encoder_config config = xt_encoder_config();
	struct isr_encoder_stats stats;
	struct isr_event event = make_event(ISR_EVENT_IDLE, 0);
	double velocity;

	xt_fails_with(EINVAL, isr_encoder_open(NULL, loop, &config, NULL));
	xt_fails_with(EINVAL, isr_encoder_open(&zeroed, NULL, &config, NULL));
	xt_fails_with(EINVAL, isr_encoder_open(&zeroed, loop, NULL, NULL));
	xt_fails_with(EINVAL, isr_encoder_feed(NULL, &event));
	xt_fails_with(EINVAL, isr_encoder_feed(&zeroed, &event));
	xt_fails_with(EINVAL, isr_encoder_set_value(NULL, 0));
	xt_fails_with(EINVAL, isr_encoder_set_value(&zeroed, 0));
	xt_fails_with(EINVAL, isr_encoder_read_velocity(NULL, &velocity));
	xt_fails_with(EINVAL, isr_encoder_read_velocity(&zeroed, &velocity));
	xt_fails_with(EINVAL, isr_encoder_get_stats(NULL, &stats));
	xt_fails_with(EINVAL, isr_encoder_get_stats(&zeroed, &stats));
	ck_assert_ptr_null(isr_encoder_get_source(NULL));
	ck_assert_ptr_null(isr_encoder_get_source(&zeroed));
	xt_ok(isr_encoder_close(NULL));
	xt_ok(isr_encoder_close(&zeroed));

	open_encoder(config);
	xt_fails_with(EINVAL, isr_encoder_read_velocity(&encoder, NULL));
	xt_fails_with(EINVAL, isr_encoder_get_stats(&encoder, NULL));
	ck_assert_ptr_null(isr_encoder_get_source(&encoder));
}
END_TEST

START_TEST(feed_refuses_what_it_does_not_know)
{
	struct isr_event event;

	open_encoder(xt_encoder_config());

	xt_fails_with(EINVAL, isr_encoder_feed(&encoder, NULL));
	event = make_event(ISR_EVENT_RISING, 2);
	xt_fails_with(EINVAL, isr_encoder_feed(&encoder, &event));
	event = make_event(ISR_EVENT_USER, 0);
	xt_fails_with(EINVAL, isr_encoder_feed(&encoder, &event));
	ck_assert_uint_eq(stats_now().edges, 0);
}
END_TEST

static void feed_in_callback(struct isr_encoder *enc,
			     const struct isr_encoder_event *event, void *arg)
{
	struct isr_event another = make_event(ISR_EVENT_RISING, 1);

	n_told++;
	xt_fails_with(EBUSY, isr_encoder_feed(enc, &another));
}

START_TEST(callback_may_not_feed)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.cb = feed_in_callback;
	open_encoder(config);
	turn(2);

	ck_assert_uint_eq(n_told, 2);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 2);
}
END_TEST

static void set_in_callback(struct isr_encoder *enc,
			    const struct isr_encoder_event *event, void *arg)
{
	n_told++;
	xt_ok(isr_encoder_set_value(enc, 100));
}

START_TEST(callback_may_set_the_value)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.cb = set_in_callback;
	open_encoder(config);
	turn(2);

	ck_assert_uint_eq(n_told, 2);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 100);
}
END_TEST

static void close_in_callback(struct isr_encoder *enc,
			      const struct isr_encoder_event *event, void *arg)
{
	n_told++;
	xt_ok(isr_encoder_close(enc));
	/* Its memory is the program's again. */
	memset((void *)enc, 0, sizeof(*enc));
}

START_TEST(callback_may_close_the_encoder)
{
	static const struct isr_encoder zeroed;
	struct isr_encoder_config config = xt_encoder_config();

	config.cb = close_in_callback;
	config.report_ns = _i ? 50 * MS : 0;
	open_encoder(config);
	turn(1);
	/* At the window's end, with more to come. */
	if (_i) {
		now_ns += 100 * MS;
		turn(1);
	}

	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_told, 1);
	ck_assert(!memcmp(&encoder, &zeroed, sizeof(encoder)));
}
END_TEST

static void close_at_standstill(struct isr_encoder *enc,
				const struct isr_encoder_event *event,
				void *arg)
{
	if (event->delta == 0)
		close_in_callback(enc, event, arg);
}

START_TEST(callback_may_close_the_encoder_at_a_standstill)
{
	static const struct isr_encoder zeroed;
	struct isr_encoder_config config = xt_encoder_config();
	struct isr_event end;

	config.cb = close_at_standstill;
	config.tell_stop = true;
	open_encoder(config);
	turn(2);
	now_ns += 1000 * MS;
	end = make_event(_i ? ISR_EVENT_CHIP_LOST : ISR_EVENT_IDLE, 0);
	/* Before its time when the chip goes. */
	end.t_ns -= _i ? 999 * MS : 0;
	feed_event(end);

	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_told, 1);
	ck_assert(!memcmp(&encoder, &zeroed, sizeof(encoder)));
}
END_TEST

static void free_loop_in_callback(struct isr_encoder *enc,
				  const struct isr_encoder_event *event,
				  void *arg)
{
	n_told++;
	xt_ok(isr_loop_free(loop));
	loop = NULL;
	memset((void *)enc, 0xff, sizeof(*enc));
}

START_TEST(callback_may_free_the_loop)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.cb = free_loop_in_callback;
	config.report_ns = _i ? 50 * MS : 0;
	open_encoder(config);
	turn(1);
	if (_i)
		pass(100 * MS);

	ck_assert_uint_eq(n_told, 1);
	memset((void *)&encoder, 0, sizeof(encoder));
}
END_TEST

static void close_in_flag_callback(struct isr_flag *flag, uint32_t count,
				   void *arg)
{
	ck_assert_uint_eq(count, 2);
	xt_ok(isr_encoder_close(&encoder));
	memset((void *)&encoder, 0, sizeof(encoder));
	n_told++;
}

START_TEST(callback_of_the_flag_may_close_the_encoder)
{
	static const struct isr_encoder zeroed;
	struct isr_encoder_config config = xt_encoder_config();

	config.cb = NULL;
	open_encoder(config);
	xt_ok(isr_flag_set_cb(&encoder.changed, close_in_flag_callback, NULL));
	turn(2);

	xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_told, 1);
	ck_assert(!memcmp(&encoder, &zeroed, sizeof(encoder)));
}
END_TEST

START_TEST(closed_encoder_keeps_its_value_and_can_be_opened_again)
{
	open_encoder(xt_encoder_config());
	turn(3);
	xt_ok(isr_encoder_close(&encoder));
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 3);
	xt_ok(isr_encoder_close(&encoder));

	open_encoder(xt_encoder_config());
	turn(-1);
	assert_told(0, -1, -1);
}
END_TEST

START_TEST(loop_that_ends_closes_its_encoders)
{
	struct isr_event event = make_event(ISR_EVENT_IDLE, 0);

	open_encoder(xt_encoder_config());
	xt_ok(isr_loop_free(loop));
	loop = NULL;

	xt_fails_with(EINVAL, isr_encoder_feed(&encoder, &event));
	ck_assert_ptr_null(encoder.changed.wake);
	xt_ok(isr_encoder_close(&encoder));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encoder-end");
	TCase *tc = xt_case(suite, "end");

	tcase_add_checked_fixture(tc, xt_loop_setup, xt_loop_teardown);
	tcase_add_test(tc, configs_that_make_no_sense_are_refused);
	tcase_add_test(tc, encoder_that_is_open_is_not_opened_again);
	tcase_add_test(tc, initial_value_outside_of_the_limits_is_refused);
	tcase_add_test(tc, config_of_a_later_version_is_refused);
	tcase_add_test(tc, functions_refuse_what_is_not_open);
	tcase_add_test(tc, feed_refuses_what_it_does_not_know);
	tcase_add_test(tc, callback_may_not_feed);
	tcase_add_test(tc, callback_may_set_the_value);
	tcase_add_loop_test(tc, callback_may_close_the_encoder, 0, 2);
	tcase_add_loop_test(tc, callback_may_close_the_encoder_at_a_standstill,
			    0, 2);
	tcase_add_loop_test(tc, callback_may_free_the_loop, 0, 2);
	tcase_add_test(tc, callback_of_the_flag_may_close_the_encoder);
	tcase_add_test(tc,
		       closed_encoder_keeps_its_value_and_can_be_opened_again);
	tcase_add_test(tc, loop_that_ends_closes_its_encoders);
	return xt_main(suite);
}
