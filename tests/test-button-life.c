/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The life of a button, and what its contact says; and what MicroPython's
 * drivers did wrong.
 */
#include "device.h"
#include "switch.h"
#include "xt-fed-button.h"

static const unsigned int one_click[] = {100, 0};
static const unsigned int two_clicks[] = {100, 100, 100, 0};

/*
 * What the contact says
 */

START_TEST(release_of_a_press_before_it_was_opened)
{
	const struct isr_event held = {.t_ns = FIRST_NS - 500 * MS,
				       .kind = ISR_EVENT_INITIAL,
				       .value = 1};

	xt_ok(isr_button_open(&button, loop, &config, NULL));
	xt_ok(isr_button_feed(&button, &held));
	ck_assert(isr_button_is_pressed(&button));
	feed_at(FIRST_NS + 5000 * MS, ISR_EVENT_IDLE);
	ck_assert_str_eq(trace.text, "");
	feed_at(FIRST_NS + 5000 * MS, ISR_EVENT_FALLING);
	feed_at(FIRST_NS + 9000 * MS, ISR_EVENT_IDLE);

	ck_assert(!isr_button_is_pressed(&button));
	ck_assert_str_eq(trace.text, "R:5000/5000");
}
END_TEST

START_TEST(raw_contact_that_repeats_itself_has_done_the_opposite)
{
	struct isr_event again = {.t_ns = FIRST_NS + 2000 * MS,
				  .kind = ISR_EVENT_RISING,
				  .value = 1,
				  .flags = ISR_EVENT_FLAG_MERGED};

	config.contact.mode = ISR_SWITCH_RAW;
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	feed_at(FIRST_NS - MS, ISR_EVENT_INITIAL);
	feed_at(FIRST_NS, ISR_EVENT_RISING);
	xt_ok(isr_button_feed(&button, &again));
	feed_at(FIRST_NS + 2100 * MS, ISR_EVENT_FALLING);

	ck_assert_str_eq(trace.text,
			 "P:0/0 L:1000/0 R:2000/2000 P:2000/2000 R:2100/2100");
}
END_TEST

START_TEST(is_pressed_follows_the_contact)
{
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	feed_at(FIRST_NS - MS, ISR_EVENT_INITIAL);
	ck_assert(!isr_button_is_pressed(&button));
	feed_at(FIRST_NS, ISR_EVENT_RISING);
	ck_assert(isr_button_is_pressed(&button));
	feed_at(FIRST_NS + 100 * MS, ISR_EVENT_FALLING);
	ck_assert(!isr_button_is_pressed(&button));
}
END_TEST

static struct isr_button_event last;

static void keep_last(struct isr_button *b,
		      const struct isr_button_event *event, void *arg)
{
	last = *event;
}

START_TEST(event_tells_what_was_lost_before_its_edge)
{
	const struct isr_event edge = {.t_ns = FIRST_NS,
				       .kind = ISR_EVENT_RISING,
				       .value = 1,
				       .lost = 3,
				       .flags = ISR_EVENT_FLAG_SIMULATED};

	config.cb = keep_last;
	config.suppress = ISR_BUTTON_SUPPRESS_SHORT;
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	feed_at(FIRST_NS - MS, ISR_EVENT_INITIAL);
	xt_ok(isr_button_feed(&button, &edge));
	feed_at(FIRST_NS + 2000 * MS, ISR_EVENT_IDLE);

	ck_assert_int_eq(last.kind, ISR_BUTTON_LONG);
	ck_assert_uint_eq(last.lost, 3);
	ck_assert_uint_eq(last.flags, ISR_EVENT_FLAG_SIMULATED);
	ck_assert_uint_eq(last.t_settled_ns, FIRST_NS + 50 * MS);
}
END_TEST

static struct isr_switch_event of_contact[4];
static unsigned int n_of_contact;
static bool closes_in_contact_cb;

/* The button has been told of it already. */
static void on_contact(struct isr_switch *contact,
		       const struct isr_switch_event *event, void *arg)
{
	ck_assert_ptr_eq(contact, &button.contact);
	ck_assert_str_eq(trace.text, arg);
	of_contact[n_of_contact++] = *event;
	if (closes_in_contact_cb)
		xt_ok(isr_button_close(&button));
}

START_TEST(contact_has_a_callback_of_its_own)
{
	n_of_contact = 0;
	closes_in_contact_cb = false;
	config.contact.cb = on_contact;
	config.contact.arg = (char *)"P:0/0";
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	feed_at(FIRST_NS - MS, ISR_EVENT_INITIAL);
	feed_at(FIRST_NS, ISR_EVENT_RISING);
	feed_at(FIRST_NS + 1 * MS, ISR_EVENT_FALLING);
	feed_at(FIRST_NS + 2 * MS, ISR_EVENT_RISING);
	feed_at(FIRST_NS + 60 * MS, ISR_EVENT_IDLE);

	ck_assert_uint_eq(n_of_contact, 2);
	ck_assert_int_eq(of_contact[0].kind, ISR_SWITCH_CLOSED);
	ck_assert_int_eq(of_contact[1].kind, ISR_SWITCH_SETTLED);
	ck_assert_uint_eq(of_contact[1].bounces, 2);
}
END_TEST

START_TEST(button_may_be_closed_in_the_callback_of_its_contact)
{
	n_of_contact = 0;
	closes_in_contact_cb = true;
	config.contact.cb = on_contact;
	config.contact.arg = (char *)"P:0/0";
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	feed_at(FIRST_NS - MS, ISR_EVENT_INITIAL);
	feed_at(FIRST_NS, ISR_EVENT_RISING);

	ck_assert_uint_eq(n_of_contact, 1);
	ck_assert_int_eq(isr_button_feed(&button, NULL), -EINVAL);
	ck_assert(!button.press.wake);
}
END_TEST

static uint64_t get_due_ns(void)
{
	struct isri_device *device = isri_switch_get_device(&button.contact);

	return device->ops->get_due_ns(device);
}

START_TEST(nothing_is_told_after_the_end_of_the_chip)
{
	const struct isr_event end = {.t_ns = FIRST_NS + 100 * MS,
				      .kind = ISR_EVENT_CHIP_LOST,
				      .value = -ENODEV};

	xt_ok(isr_button_open(&button, loop, &config, NULL));
	feed_at(FIRST_NS - MS, ISR_EVENT_INITIAL);
	feed_at(FIRST_NS, ISR_EVENT_RISING);
	ck_assert_uint_ne(get_due_ns(), ISRI_DEVICE_NEVER);
	xt_ok(isr_button_feed(&button, &end));
	ck_assert_uint_eq(get_due_ns(), ISRI_DEVICE_NEVER);
	feed_at(FIRST_NS + 5000 * MS, ISR_EVENT_IDLE);

	ck_assert_str_eq(trace.text, "P:0/0");
}
END_TEST

/*
 * Its life
 */

static const enum isr_button_kind kinds[] = {
	ISR_BUTTON_PRESS, ISR_BUTTON_RELEASE, ISR_BUTTON_CLICKS,
	ISR_BUTTON_LONG,  ISR_BUTTON_REPEAT,
};

START_TEST(button_may_close_in_its_callback)
{
	static const unsigned int held[] = {2000, 0};
	static const char *const told[] = {
		"P:0/0",
		"P:0/0 L:1000/0 r1:1300/0 r2:1600/0 r3:1900/0 R:2000/2000",
		"P:0/0 R:100/100 P:200/200 x2:200/200",
		"P:0/0 L:1000/0",
		"P:0/0 L:1000/0 r1:1300/0",
	};

	close_at = kinds[_i];
	config.repeat_ns = 300 * MS;
	late_ms = ALWAYS_LATE;
	run(close_at == ISR_BUTTON_CLICKS ? two_clicks : held);

	ck_assert_str_eq(trace.text, told[_i]);
	ck_assert(!button.press.wake);
	ck_assert(!button.contact.close.wake);
}
END_TEST

static void free_inside(struct isr_button *b,
			const struct isr_button_event *event, void *arg)
{
	if (event->kind != *(enum isr_button_kind *)arg)
		return;
	xt_ok(isr_button_close(b));
	free(b);
	*(enum isr_button_kind *)arg = 0;
}

START_TEST(memory_may_be_freed_in_its_callback)
{
	const struct isr_event stream[] = {
		{.kind = ISR_EVENT_INITIAL, .t_ns = FIRST_NS - MS},
		{.kind = ISR_EVENT_RISING, .t_ns = FIRST_NS},
		{.kind = ISR_EVENT_FALLING, .t_ns = FIRST_NS + 100 * MS},
		{.kind = ISR_EVENT_RISING, .t_ns = FIRST_NS + 200 * MS},
		{.kind = ISR_EVENT_FALLING, .t_ns = FIRST_NS + 300 * MS},
		{.kind = ISR_EVENT_RISING, .t_ns = FIRST_NS + 900 * MS},
		{.kind = ISR_EVENT_IDLE, .t_ns = FIRST_NS + 5000 * MS},
	};
	struct isr_button *b = calloc(1, sizeof(*b));
	enum isr_button_kind at = kinds[_i];
	unsigned int i;

	ck_assert_ptr_nonnull(b);
	config.cb = free_inside;
	config.arg = &at;
	config.repeat_ns = 300 * MS;
	xt_ok(isr_button_open(b, loop, &config, NULL));
	for (i = 0; at; i++) {
		ck_assert_uint_lt(i, sizeof(stream) / sizeof(*stream));
		xt_ok(isr_button_feed(b, &stream[i]));
	}
}
END_TEST

static void feed_inside(struct isr_button *b,
			const struct isr_button_event *event, void *arg)
{
	const struct isr_event idle = {.t_ns = event->t_ns + MS,
				       .kind = ISR_EVENT_IDLE};

	xt_fails_with(EBUSY, isr_button_feed(b, &idle));
	(*(unsigned int *)arg)++;
}

START_TEST(button_is_not_fed_in_its_callback)
{
	unsigned int n = 0;

	config.cb = feed_inside;
	config.arg = &n;
	run(one_click);

	ck_assert_uint_eq(n, 2);
}
END_TEST

/* MicroPython's raised an AttributeError, and left its poll task running. */
START_TEST(closed_button_is_quiet_and_can_be_opened_again)
{
	const struct isr_event idle = {.t_ns = FIRST_NS,
				       .kind = ISR_EVENT_IDLE};
	struct isr_button_stats stats;

	xt_ok(isr_button_open(&button, loop, &config, NULL));
	feed_at(FIRST_NS - MS, ISR_EVENT_INITIAL);
	feed_at(FIRST_NS, ISR_EVENT_RISING);
	xt_ok(isr_button_close(&button));
	xt_ok(isr_button_close(&button));
	xt_fails_with(EINVAL, isr_button_feed(&button, &idle));
	xt_fails_with(EINVAL, isr_button_get_stats(&button, &stats));

	run(one_click);
	ck_assert_str_eq(trace.text, "P:0/0 R:100/100");
	xt_ok(isr_button_close(NULL));
}
END_TEST

START_TEST(end_of_the_loop_closes_it)
{
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	feed_at(FIRST_NS - MS, ISR_EVENT_INITIAL);
	feed_at(FIRST_NS, ISR_EVENT_RISING);
	isr_loop_free(loop);
	xt_ok(isr_button_close(&button));

	xt_ok(isr_loop_new(&xt_patient, &loop));
	ck_assert_str_eq(trace.text, "P:0/0");
}
END_TEST

/* MicroPython's Pushbutton crashed without a release function. */
START_TEST(button_needs_no_callback)
{
	struct isr_button_stats stats;

	config.cb = NULL;
	config.suppress = ISR_BUTTON_SUPPRESS_RELEASE;
	config.repeat_ns = 400 * MS;
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	play(xt_vectors[0].script);
	trace.base_ns += END_MS * MS;
	ck_assert_int_eq(isr_flag_take(&button.press), 1);
	ck_assert_int_eq(isr_flag_take(&button.release), 1);

	xt_ok(isr_button_get_stats(&button, &stats));
	ck_assert_uint_eq(stats.presses, 1);
	ck_assert_uint_eq(stats.releases, 1);
	ck_assert_uint_eq(stats.series, 0);
}
END_TEST

START_TEST(stats_count_what_was_told)
{
	static const unsigned int script[] = {100, 100, 100, 300, 2000, 0};
	struct isr_button_stats stats;

	config.repeat_ns = 400 * MS;
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	play(script);
	xt_ok(isr_button_get_stats(&button, &stats));

	ck_assert_uint_eq(stats.presses, 3);
	ck_assert_uint_eq(stats.releases, 3);
	ck_assert_uint_eq(stats.series, 1);
	ck_assert_uint_eq(stats.longs, 1);
	ck_assert_uint_eq(stats.repeats, 2);
	xt_fails_with(EINVAL, isr_button_get_stats(&button, NULL));
	xt_fails_with(EINVAL, isr_button_get_stats(NULL, &stats));
}
END_TEST

/* The times of MicroPython's are one for all. */
START_TEST(buttons_have_their_own_times)
{
	static const unsigned int script[] = {450, 0};
	struct isr_button other;
	struct isr_button_config others = config;

	memset(&other, 0, sizeof(other));
	others.long_ns = 300 * MS;
	others.cb = NULL;
	xt_ok(isr_button_open(&other, loop, &others, NULL));
	run(script);
	ck_assert_str_eq(trace.text, "P:0/0 R:450/450");
	xt_ok(isr_button_close(&other));

	config.long_ns = 300 * MS;
	run(script);
	ck_assert_str_eq(trace.text, "P:0/0 L:300/0 R:450/450");
}
END_TEST

static void assert_refused(struct isr_button_config bad, int error,
			   const char *word)
{
	struct isr_error err = {0};
	struct isr_button b;

	memset(&b, 0, sizeof(b));
	ck_assert_int_eq(isr_button_open(&b, loop, &bad, &err), -error);
	ck_assert_int_eq(err.code, -error);
	ck_assert_msg(strstr(err.message, word), "%s: %s", word, err.message);
	ck_assert(!b.press.wake);
	xt_ok(isr_button_close(&b));
}

#define REFUSED(member, value, word)                     \
	do {                                             \
		struct isr_button_config wrong = config; \
                                                         \
		wrong.member = value;                    \
		assert_refused(wrong, EINVAL, word);     \
	} while (0)

START_TEST(button_that_is_open_is_not_opened_again)
{
	struct isr_error error = {0};

	xt_ok(isr_button_open(&button, loop, &config, NULL));
	xt_fails_with(EBUSY, isr_button_open(&button, loop, &config, &error));
	ck_assert_ptr_nonnull(strstr(error.message, "close it first"));
	/* Its contact is a device, too. */
	xt_fails_with(EBUSY, isr_switch_open(&button.contact, loop,
					     &config.contact, NULL));
	xt_ok(isr_button_close(&button));
	xt_ok(isr_button_open(&button, loop, &config, NULL));
}
END_TEST

START_TEST(config_that_makes_no_sense_is_refused)
{
	struct {
		struct isr_button_config config;
		uint64_t more;
	} later = {.config = config, .more = 1};
	struct isr_button_config bad = config;

	REFUSED(sz, sizeof(config) - 1, "size");
	REFUSED(suppress, 3, "suppress");
	REFUSED(max_clicks, 1, "max_clicks");
	REFUSED(repeat_ns, MS - 1, "repeat_ns");
	REFUSED(flag_mode, 77, "flag_mode");
	REFUSED(contact.mode, 99, "");
	bad.reserved[7] = 1;
	assert_refused(bad, E2BIG, "update");
	bad = config;
	bad.no_long = true;
	bad.repeat_ns = 5 * MS;
	assert_refused(bad, EINVAL, "no_long");
	bad = config;
	bad.no_clicks = true;
	bad.max_clicks = 2;
	assert_refused(bad, EINVAL, "no_clicks");

	later.config.sz = sizeof(later);
	ck_assert_int_eq(isr_button_open(&button, loop, &later.config, NULL),
			 -E2BIG);
	xt_fails_with(EINVAL, isr_button_open(NULL, loop, &config, NULL));
	xt_fails_with(EINVAL, isr_button_open(&button, loop, NULL, NULL));
	xt_fails_with(EINVAL, isr_button_open(&button, NULL, &config, NULL));
}
END_TEST

static void add_contact(Suite *suite)
{
	TCase *tc = xt_case(suite, "contact");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, release_of_a_press_before_it_was_opened);
	tcase_add_test(tc,
		       raw_contact_that_repeats_itself_has_done_the_opposite);
	tcase_add_test(tc, is_pressed_follows_the_contact);
	tcase_add_test(tc, event_tells_what_was_lost_before_its_edge);
	tcase_add_test(tc, contact_has_a_callback_of_its_own);
	tcase_add_test(tc, button_may_be_closed_in_the_callback_of_its_contact);
	tcase_add_test(tc, nothing_is_told_after_the_end_of_the_chip);
}

static void add_life(Suite *suite)
{
	TCase *tc = xt_case(suite, "life");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, button_may_close_in_its_callback, 0, 5);
	tcase_add_loop_test(tc, memory_may_be_freed_in_its_callback, 0, 5);
	tcase_add_test(tc, button_is_not_fed_in_its_callback);
	tcase_add_test(tc, closed_button_is_quiet_and_can_be_opened_again);
	tcase_add_test(tc, end_of_the_loop_closes_it);
	tcase_add_test(tc, button_needs_no_callback);
	tcase_add_test(tc, stats_count_what_was_told);
	tcase_add_test(tc, buttons_have_their_own_times);
	tcase_add_test(tc, button_that_is_open_is_not_opened_again);
	tcase_add_test(tc, config_that_makes_no_sense_is_refused);
}

int main(void)
{
	Suite *suite = suite_create("button-life");

	add_contact(suite);
	add_life(suite);
	return xt_main(suite);
}
