/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Records as JSON: read back by a parser, all with the same fields. */
#include <stdlib.h>

#include <jansson.h>

#include "json.h"
#include "xt.h"

static struct line line;

static void setup(void)
{
	static char alias[] = "BTN", name[] = "GPIO17", chip[] = "gpiochip0";

	line = (struct line){
		.alias = alias, .name = name, .chip = chip, .offset = 17};
	line.json_alias = json_quote(alias);
	line.json_name = json_quote(name);
	line.json_chip = json_quote(chip);
}

static void teardown(void)
{
	free(line.json_alias);
	free(line.json_name);
	free(line.json_chip);
}

/* The line as a parser sees it; one line it must be. */
static json_t *read_back(const struct record *record)
{
	char text[1024];
	FILE *out = fmemopen(text, sizeof(text), "w");
	json_error_t error;
	json_t *object;

	ck_assert_ptr_nonnull(out);
	json_record(out, record);
	ck_assert_int_eq(fclose(out), 0);

	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(object != NULL, "%s: %s", error.text, text);
	return object;
}

/* "KEY KEY ...", in their order. */
static char *get_keys(json_t *object)
{
	static char keys[1024];
	const char *key;
	json_t *value;

	keys[0] = '\0';
	json_object_foreach(object, key, value)
	{
		strcat(keys, key);
		strcat(keys, " ");
	}
	return keys;
}

START_TEST(edge_has_every_field)
{
	const struct record record = {
		.line = &line,
		.kind = ISR_EVENT_RISING,
		.flags = ISR_EVENT_FLAG_MERGED | ISR_EVENT_FLAG_DEBOUNCED,
		.value = 1,
		.t_ns = 5000000001,
		.has_seq = true,
		.seq = 5000000002,
		.line_seq = 4294967295,
		.lost = 76,
		.lost_client = 6,
		.lost_at = PLACE_KERNEL,
		.has_realtime = true,
		.realtime_offset_ns = 1000,
		.has_delta = true,
		.delta_ns = -5,
		.has_width = true,
		.width_ns = 7,
	};
	json_t *object = read_back(&record);
	json_t *expected = json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:s, s:I, s:I,"
		" s:I, s:i, s:s, s:i, s:b, s:b, s:b, s:b, s:i, s:i}",
		"v", 1, "kind", "edge", "edge", "rising", "line", "BTN", "name",
		"GPIO17", "chip", "gpiochip0", "offset", 17, "value", 1, "t_ns",
		(json_int_t)5000000001, "clock", "monotonic", "realtime_ns",
		(json_int_t)5000001001, "seq", (json_int_t)5000000002,
		"line_seq", (json_int_t)4294967295, "lost", 76, "lost_at",
		"kernel", "lost_client", 6, "merged", 1, "debounced", 1,
		"replayed", 0, "simulated", 0, "delta_ns", -5, "width_ns", 7);

	ck_assert(json_equal(object, expected));
	json_decref(object);
	json_decref(expected);
}
END_TEST

START_TEST(all_kinds_have_the_same_fields)
{
	const struct record edge = {.line = &line, .kind = ISR_EVENT_FALLING};
	static const enum isr_event_kind kinds[] = {
		ISR_EVENT_INITIAL,
		ISR_EVENT_LOST,
		ISR_EVENT_CHIP_LOST,
		ISR_EVENT_CHIP_BACK,
	};
	const struct record idle = {.kind = ISR_EVENT_IDLE};
	json_t *object = read_back(&edge);
	char *keys = strdup(get_keys(object));
	size_t i;

	json_decref(object);
	object = read_back(&idle);
	ck_assert_str_eq(get_keys(object), keys);
	json_decref(object);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct record record = {.line = &line, .kind = kinds[i]};

		object = read_back(&record);
		ck_assert_str_eq(get_keys(object), keys);
		ck_assert_str_eq(
			json_string_value(json_object_get(object, "kind")),
			record_get_kind_name(kinds[i]));
		ck_assert(json_is_null(json_object_get(object, "edge")));
		json_decref(object);
	}
	free(keys);
}
END_TEST

START_TEST(what_a_device_has_stands_behind)
{
	struct device_members members = {0};
	const struct record record = {
		.line = &line,
		.kind = DEVICE_KIND_POSITION,
		.value = -12,
		.members = &members,
	};
	json_t *object;

	device_set_whole(&members, DEVICE_DELTA, -1);
	device_set_real(&members, DEVICE_VELOCITY, -40.5);
	object = read_back(&record);
	ck_assert_ptr_nonnull(
		strstr(get_keys(object), "delta_ns width_ns delta velocity "));
	ck_assert_str_eq(json_string_value(json_object_get(object, "kind")),
			 "position");
	ck_assert_int_eq(json_integer_value(json_object_get(object, "value")),
			 -12);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "delta")),
			 -1);
	ck_assert_double_eq(
		json_number_value(json_object_get(object, "velocity")), -40.5);
	ck_assert(json_is_null(json_object_get(object, "edge")));
	ck_assert(json_is_null(json_object_get(object, "line_seq")));
	json_decref(object);
}
END_TEST

START_TEST(what_is_no_number_is_left_out)
{
	struct device_members members = {0};
	const struct record record = {
		.line = &line,
		.kind = DEVICE_KIND_RATE,
		.members = &members,
	};
	json_t *object;

	device_set_real(&members, DEVICE_DUTY, strtod("nan", NULL));
	device_set_real(&members, DEVICE_PERIOD_NS, strtod("inf", NULL));
	object = read_back(&record);
	ck_assert_ptr_null(json_object_get(object, "duty"));
	ck_assert_ptr_null(json_object_get(object, "period_ns"));
	json_decref(object);
}
END_TEST

START_TEST(what_does_not_apply_is_null)
{
	static const char *const keys[] = {
		"edge",	    "line",    "name",	      "chip",
		"offset",   "value",   "realtime_ns", "seq",
		"line_seq", "lost_at", "delta_ns",    "width_ns",
	};
	const struct record record = {.kind = ISR_EVENT_IDLE};
	json_t *object = read_back(&record);
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		ck_assert_msg(json_is_null(json_object_get(object, keys[i])),
			      "%s is not null", keys[i]);
	json_decref(object);
}
END_TEST

START_TEST(quote_escapes_what_would_break_a_line)
{
	char *quoted = json_quote("a\"b\\c\nd\x01");

	ck_assert_str_eq(quoted, "\"a\\\"b\\\\c\\nd\\u0001\"");
	free(quoted);
}
END_TEST

START_TEST(quote_replaces_what_is_no_utf8)
{
	char *quoted = json_quote("a\xff\xc3z");

	ck_assert_str_eq(quoted, "\"a??z\"");
	free(quoted);
}
END_TEST

START_TEST(quote_keeps_utf8)
{
	char *quoted = json_quote("T\xc3\xbcr");

	ck_assert_str_eq(quoted, "\"T\xc3\xbcr\"");
	free(quoted);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *tcase = xt_case(suite, "records");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, edge_has_every_field);
	tcase_add_test(tcase, all_kinds_have_the_same_fields);
	tcase_add_test(tcase, what_a_device_has_stands_behind);
	tcase_add_test(tcase, what_is_no_number_is_left_out);
	tcase_add_test(tcase, what_does_not_apply_is_null);

	tcase = xt_case(suite, "names");
	tcase_add_test(tcase, quote_escapes_what_would_break_a_line);
	tcase_add_test(tcase, quote_replaces_what_is_no_utf8);
	tcase_add_test(tcase, quote_keeps_utf8);
	return xt_main(suite);
}
