/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* A record is what jansson, too, takes for the JSON it should be. */
#include <math.h>
#include <stdlib.h>

#include <jansson.h>

#include "daemon/record.h"
#include "tests/xt.h"

static char *text;

static void teardown(void)
{
	free(text);
	text = NULL;
}

/* Write @record and read it back; the caller ends it with json_decref(). */
static json_t *read_back(const struct record *record)
{
	char out[2048];
	char *end = record_write(out, text, strlen(text), record);
	json_t *json;

	ck_assert_int_le(end - out, RECORD_BYTES_MAX + (long)strlen(text));
	json = json_loadb(out, (size_t)(end - out), 0, NULL);
	ck_assert_ptr_nonnull(json);
	return json;
}

static void assert_same(const struct record *record, json_t *expected)
{
	json_t *json = read_back(record);

	ck_assert_ptr_nonnull(expected);
	ck_assert_msg(json_equal(json, expected), "%s",
		      json_dumps(json, JSON_COMPACT));
	json_decref(json);
	json_decref(expected);
}

START_TEST(edge_is_written)
{
	const struct record record = {
		.event = {.kind = ISR_EVENT_RISING,
			  .value = 1,
			  .t_ns = 12345678901234567,
			  .seq = 5,
			  .seq_high = 1,
			  .line_seq = 4000000000,
			  .flags = ISR_EVENT_FLAG_MERGED},
		.lost = 3,
		.lost_client = 2,
		/* of an initial record only */
		.has_device = true,
	};

	xt_ok(record_make_text("A \"B\" \xc3\xa4\\", ISR_CLOCK_MONOTONIC, true,
			       &text));

	assert_same(
		&record,
		json_pack(
			"{s:s, s:s, s:s, s:i, s:I, s:s, s:I, s:I, s:i, s:i, s:b, s:b, s:b}",
			"kind", "edge", "line", "A \"B\" \xc3\xa4\\", "edge",
			"rising", "value", 1, "t_ns",
			(json_int_t)12345678901234567, "clock", "monotonic",
			"seq", (json_int_t)4294967301, "line_seq",
			(json_int_t)4000000000, "lost", 3, "lost_client", 2,
			"merged", 1, "debounced", 0, "simulated", 1));
}
END_TEST

START_TEST(level_and_loss_have_no_edge)
{
	struct record record = {.event = {.kind = ISR_EVENT_INITIAL}};
	json_t *json;

	xt_ok(record_make_text("A", ISR_CLOCK_REALTIME, false, &text));

	json = read_back(&record);
	ck_assert_str_eq(json_string_value(json_object_get(json, "kind")),
			 "initial");
	ck_assert(json_is_null(json_object_get(json, "edge")));
	json_decref(json);
	record.event.kind = ISR_EVENT_LOST;
	json = read_back(&record);
	ck_assert_str_eq(json_string_value(json_object_get(json, "kind")),
			 "lost");
	ck_assert(json_is_null(json_object_get(json, "edge")));
	json_decref(json);
}
END_TEST

/* An edge, a loss, and each kind of a device's record. */
static const uint8_t all_kinds[] = {
	ISR_EVENT_RISING,     ISR_EVENT_FALLING, ISR_EVENT_INITIAL,
	ISR_EVENT_LOST,	      DEVICE_KIND_OPEN,	 DEVICE_KIND_CLOSE,
	DEVICE_KIND_SETTLED,  DEVICE_KIND_PRESS, DEVICE_KIND_RELEASE,
	DEVICE_KIND_CLICKS,   DEVICE_KIND_LONG,	 DEVICE_KIND_REPEAT,
	DEVICE_KIND_POSITION, DEVICE_KIND_RATE,
};

START_TEST(largest_numbers_fit)
{
	const double longest = -1.23456789012e-300;
	struct record record;

	memset(&record, 0xff, sizeof(record));
	record.event.kind = all_kinds[_i];
	record.event.t_ns = INT64_MAX;
	record.event.seq_high = INT32_MAX;
	record.event.value = INT32_MAX;
	record.lost = record.lost_client = record.lost_records = INT64_MAX;
	record.has_device = all_kinds[_i] == ISR_EVENT_INITIAL;
	record.device.value = INT64_MIN;
	if (all_kinds[_i] == DEVICE_KIND_RATE) {
		record.device.rate = (struct device_rate){
			longest,  longest,  longest,  -longest,
			-longest, -longest, -longest, -longest};
	} else if (all_kinds[_i] == DEVICE_KIND_POSITION) {
		record.device.position = (struct device_position){
			INT64_MIN, longest, UINT32_MAX};
	} else {
		record.device.contact.t_first_ns = INT64_MAX;
		record.device.contact.t_settled_ns = INT64_MAX;
	}

	xt_ok(record_make_text("A", ISR_CLOCK_HTE, false, &text));

	json_decref(read_back(&record));
}
END_TEST

/* What @record has beside the members that every record has; jansson reads. */
static void assert_rest(struct record *record, const char *expected)
{
	static const char *const common[] = {
		"kind",	     "line",	  "edge", "t_ns",	 "clock",
		"seq",	     "line_seq",  "lost", "lost_client", "merged",
		"debounced", "simulated", NULL};
	json_t *json, *rest = json_loads(expected, 0, NULL);
	size_t i;

	xt_ok(record_make_text("A", ISR_CLOCK_MONOTONIC, true, &text));
	json = read_back(record);
	for (i = 0; common[i]; i++)
		xt_ok(json_object_del(json, common[i]));

	ck_assert_ptr_nonnull(rest);
	ck_assert_msg(json_equal(json, rest), "%s",
		      json_dumps(json, JSON_COMPACT));
	json_decref(json);
	json_decref(rest);
}

START_TEST(edge_of_an_encoder_names_its_input)
{
	struct record record = {
		.event = {.kind = ISR_EVENT_RISING, .value = 1}};

	record.event.flags = _i ? EVENT_FLAG_INPUT_B : EVENT_FLAG_INPUT_A;

	assert_rest(&record, _i ? "{\"value\":1,\"input\":1}"
				: "{\"value\":1,\"input\":0}");
}
END_TEST

START_TEST(initial_record_of_a_device_has_state_and_level)
{
	struct record record = {
		.event = {.kind = ISR_EVENT_INITIAL, .value = 2},
		.has_device = true,
		.device = {.value = -7}};

	assert_rest(&record, "{\"value\":-7,\"level\":2}");
}
END_TEST

START_TEST(contact_is_written)
{
	struct record record = {
		.event = {.kind = DEVICE_KIND_CLOSE},
		.device = {.value = 1, .contact = {.t_first_ns = 5}}};

	assert_rest(&record, "{\"value\":1,\"t_first_ns\":5,\"bounces\":0}");
}
END_TEST

START_TEST(repeat_is_written)
{
	struct record record = {
		.event = {.kind = DEVICE_KIND_REPEAT},
		.lost_records = 9,
		.device = {.value = 1,
			   .contact = {5, 6, 7, .clicks = 1, .repeats = 2}}};

	assert_rest(&record, "{\"value\":1,\"lost_records\":9,\"t_first_ns\":5,"
			     "\"t_settled_ns\":6,\"bounces\":7,\"clicks\":1,"
			     "\"repeats\":2}");
}
END_TEST

START_TEST(position_is_written)
{
	struct record record = {
		.event = {.kind = DEVICE_KIND_POSITION},
		.device = {.value = INT64_MIN, .position = {-3, -12.5, 4}}};

	assert_rest(&record, "{\"value\":-9223372036854775808,\"delta\":-3,"
			     "\"velocity\":-12.5,\"uncertain\":4}");
}
END_TEST

START_TEST(rate_has_what_is_known)
{
	struct record record = {.event = {.kind = DEVICE_KIND_RATE},
				.device = {.value = 7,
					   .rate = {1000, 999.5, INFINITY, -1,
						    -1, 0.25, -1, -1}}};

	assert_rest(&record,
		    "{\"value\":7,\"frequency_hz\":1000.0,"
		    "\"frequency_min_hz\":999.5,\"frequency_max_hz\":null,"
		    "\"duty\":0.25}");
}
END_TEST

START_TEST(name_that_is_no_text_is_refused)
{
	xt_fails_with(EINVAL, record_make_text("\xff", ISR_CLOCK_MONOTONIC,
					       false, &text));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = xt_case(suite, "record");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, edge_is_written);
	tcase_add_test(tcase, level_and_loss_have_no_edge);
	tcase_add_loop_test(tcase, largest_numbers_fit, 0,
			    sizeof(all_kinds) / sizeof(all_kinds[0]));
	tcase_add_loop_test(tcase, edge_of_an_encoder_names_its_input, 0, 2);
	tcase_add_test(tcase, initial_record_of_a_device_has_state_and_level);
	tcase_add_test(tcase, contact_is_written);
	tcase_add_test(tcase, repeat_is_written);
	tcase_add_test(tcase, position_is_written);
	tcase_add_test(tcase, rate_has_what_is_known);
	tcase_add_test(tcase, name_that_is_no_text_is_refused);
	return xt_main(suite);
}
