/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What isrmon takes of the daemon's records, and at what price. */
#include <stdio.h>

#include "daemon-record.h"
#include "xt.h"

/* All that any record of a device has. */
#define MEMBERS                                                         \
	"\"lost_records\":1,\"input\":1,\"level\":1,\"t_first_ns\":1,"  \
	"\"t_settled_ns\":1,\"bounces\":1,\"clicks\":1,\"repeats\":1,"  \
	"\"delta\":1,\"velocity\":1.5,\"uncertain\":1,"                 \
	"\"frequency_hz\":1.5,\"frequency_min_hz\":1.5,"                \
	"\"frequency_max_hz\":1.5,\"period_ns\":1.5,\"jitter_ns\":1.5," \
	"\"duty\":1.5,\"high_ns\":1.5,\"low_ns\":1.5"

static struct options options;
static struct monitor monitor;
static struct record record;
static struct device_members members;
static unsigned int num_searches;

json_t *__real_json_object_get(const json_t *object, const char *key);
json_t *__wrap_json_object_get(const json_t *object, const char *key);

json_t *__wrap_json_object_get(const json_t *object, const char *key)
{
	num_searches++;
	return __real_json_object_get(object, key);
}

static void setup(void)
{
	xt_ok(monitor_init(&monitor, &options));
	ck_assert_ptr_nonnull(monitor_add_line(&monitor, "PIN", "", "c", 0));
	ck_assert_ptr_nonnull(monitor_add_line(&monitor, "KEY", "", "c", 1));
	monitor.lines->next->device = DEVICE_BUTTON;
}

static void teardown(void)
{
	monitor_done(&monitor);
}

/* Returns whether it is a record; @record and @members are valid until then. */
static bool read_text(const char *line, const char *kind, const char *rest)
{
	char text[1024];
	json_t *event;
	bool is_one;

	snprintf(text, sizeof(text), "{\"line\":\"%s\",\"kind\":\"%s\",%s}",
		 line, kind, rest);
	event = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(event);
	num_searches = 0;
	is_one = daemon_read_record(&monitor, event, &record, &members);
	json_decref(event);
	return is_one;
}

static const struct {
	const char *kind;
	/* with a space before and behind each */
	const char *names;
} kinds[] = {
	{"edge", " lost_records input "},
	{"initial", " lost_records level "},
	{"lost", " lost_records "},
	{"open", " lost_records t_first_ns t_settled_ns bounces clicks "},
	{"close", " lost_records t_first_ns t_settled_ns bounces clicks "},
	{"settled", " lost_records t_first_ns t_settled_ns bounces clicks "},
	{"press", " lost_records t_first_ns t_settled_ns bounces clicks "},
	{"release", " lost_records t_first_ns t_settled_ns bounces clicks "},
	{"clicks", " lost_records t_first_ns t_settled_ns bounces clicks "},
	{"long", " lost_records t_first_ns t_settled_ns bounces clicks "},
	{"repeat",
	 " lost_records t_first_ns t_settled_ns bounces clicks repeats "},
	{"position", " lost_records delta velocity uncertain "},
	{"rate", " lost_records frequency_hz frequency_min_hz "
		 "frequency_max_hz period_ns jitter_ns duty high_ns low_ns "},
};

START_TEST(members_are_those_of_the_kind)
{
	const char *names = kinds[_i].names;
	char name[32];
	int i;

	ck_assert(read_text("KEY", kinds[_i].kind, MEMBERS));

	for (i = 0; i < DEVICE_NUM_MEMBERS; i++) {
		snprintf(name, sizeof(name), " %s ", device_get_member_name(i));
		ck_assert_msg(device_has(&members, i) ==
				      (strstr(names, name) != NULL),
			      "%s of %s", name, kinds[_i].kind);
		if (device_has(&members, i) && device_member_is_real(i))
			ck_assert_double_eq(device_get_real(&members, i), 1.5);
		else if (device_has(&members, i))
			ck_assert_int_eq(device_get_whole(&members, i), 1);
	}
}
END_TEST

/* Of a noisy contact most records are edges. */
START_TEST(edges_are_not_searched_for_what_devices_tell)
{
	unsigned int num_plain;

	ck_assert(read_text("PIN", "edge", MEMBERS));
	ck_assert_ptr_null(record.members);
	num_plain = num_searches;
	ck_assert(read_text("KEY", "edge", MEMBERS));

	ck_assert_uint_eq(num_searches, num_plain + 2);
}
END_TEST

START_TEST(members_of_another_type_are_none)
{
	ck_assert(
		read_text("KEY", "press", "\"bounces\":\"3\",\"clicks\":1.5"));

	ck_assert_uint_eq(members.known, 0);
}
END_TEST

START_TEST(what_is_not_known_is_skipped)
{
	ck_assert(!read_text("KEY", "shaken", "\"bounces\":1"));
	ck_assert(!read_text("OTHER", "press", MEMBERS));
}
END_TEST

START_TEST(loss_before_what_is_not_known_is_told)
{
	ck_assert(read_text("PIN", "shaken",
			    "\"lost\":5,\"lost_client\":2,\"bounces\":1"));
	ck_assert_uint_eq(record.kind, ISR_EVENT_LOST);
	ck_assert_uint_eq(record.lost, 5);
	ck_assert_uint_eq(record.lost_client, 2);

	ck_assert(read_text("KEY", "shaken", "\"lost_records\":3"));
	ck_assert_uint_eq(record.kind, ISR_EVENT_LOST);
	ck_assert_int_eq(device_get_whole(&members, DEVICE_LOST_RECORDS), 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon-record");
	TCase *tcase = xt_case(suite, "records");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, members_are_those_of_the_kind, 0,
			    sizeof(kinds) / sizeof(kinds[0]));
	tcase_add_test(tcase, edges_are_not_searched_for_what_devices_tell);
	tcase_add_test(tcase, members_of_another_type_are_none);
	tcase_add_test(tcase, what_is_not_known_is_skipped);
	tcase_add_test(tcase, loss_before_what_is_not_known_is_told);
	return xt_main(suite);
}
