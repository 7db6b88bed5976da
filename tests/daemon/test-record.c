/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* A record is what jansson, too, takes for the JSON it should be. */
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

START_TEST(largest_numbers_fit)
{
	struct record record;

	memset(&record, 0xff, sizeof(record));
	record.event.kind = ISR_EVENT_FALLING;
	record.event.t_ns = INT64_MAX;
	record.event.seq_high = INT32_MAX;
	record.lost = record.lost_client = INT64_MAX;

	xt_ok(record_make_text("A", ISR_CLOCK_HTE, false, &text));

	json_decref(read_back(&record));
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
	tcase_add_test(tcase, largest_numbers_fit);
	tcase_add_test(tcase, name_that_is_no_text_is_refused);
	return xt_main(suite);
}
