/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What isrmon makes of the records of the daemon's devices. */
#include "xt-isrloopd.h"

START_TEST(initial_numbers_of_devices_are_shown)
{
	isrmon_start("-I", "-n", "1", NULL);
	json_decref(isrloopd_expect_subscribe());
	isrloopd_answer(
		REPLY(DEVICE("KEY", "initial", 1, 1, ",\"level\":0") "," DEVICE(
			"KNOB", "initial", -7, 1, ",\"level\":3")));
	isrloopd_answer(REPLY(INPUT("1", "rising", 1, 5)));
	isrmon_finish(0);

	ck_assert_str_eq(isrmon_out, "\"KEY\"=active\n\"KNOB\"=-7\n"
				     "0.000000005\trising\t\"KNOB\"\tB\n");
}
END_TEST

START_TEST(records_of_devices_are_shown_in_words)
{
	isrmon_start("-n", "1", "KEY", "BTN");
	isrloopd_serve_start();
	isrloopd_answer(
		REPLY(DEVICE("KEY", "press", 1, 5000000000,
			     ",\"t_first_ns\":5000000000,\"bounces\":3,"
			     "\"t_settled_ns\":5004200000,\"clicks\":1")));
	isrloopd_answer(
		REPLY(DEVICE("KEY", "clicks", 1, 5100000000,
			     ",\"clicks\":2,\"t_first_ns\":5000000000")));
	isrloopd_answer(REPLY(
		EVENT("BTN", "edge", "\"rising\"", 1, 5, 41, 8, 0, 0, false)));
	isrmon_finish(0);

	ck_assert_str_eq(isrmon_out, "5.000000000\tpress\t\"KEY\"\t"
				     "bounces 3, settled after 4.200 ms\n"
				     "5.100000000\tclicks\t\"KEY\"\t2 clicks\n"
				     "0.000000005\trising\t\"BTN\"\n");
}
END_TEST

START_TEST(standstill_of_an_encoder_is_shown)
{
	isrmon_start("--records=devices", "-n", "2", "KNOB");
	isrloopd_serve_start();
	isrloopd_answer(REPLY(DEVICE("KNOB", "position", 8, 5000000000,
				     ",\"delta\":1,\"velocity\":200.0,"
				     "\"uncertain\":0")));
	isrloopd_answer(REPLY(DEVICE("KNOB", "position", 8, 5100000000,
				     ",\"delta\":0,\"velocity\":0.0,"
				     "\"uncertain\":0")));
	isrmon_finish(0);

	ck_assert_str_eq(isrmon_out, "5.000000000\tposition\t\"KNOB\"\t"
				     "       8  delta     +1      200.0/s\n"
				     "5.100000000\tposition\t\"KNOB\"\t"
				     "       8  delta     +0        0.0/s\n");
}
END_TEST

START_TEST(members_of_devices_are_passed_on)
{
	json_t *object;
	char *line;

	isrmon_start("--json", "--records=devices", "-n", "1");
	isrloopd_serve_start();
	isrloopd_answer(REPLY(DEVICE("KNOB", "position", -12, 5000000000,
				     ",\"delta\":-1,\"velocity\":-40.25,"
				     "\"uncertain\":2,\"news\":7")));
	isrmon_finish(0);

	line = strstr(isrmon_out, "{\"v\":1,\"kind\":\"position\"");
	ck_assert_ptr_nonnull(line);
	object = json_loads(line, 0, NULL);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "value")),
			 -12);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "delta")),
			 -1);
	ck_assert_double_eq(
		json_real_value(json_object_get(object, "velocity")), -40.25);
	ck_assert_int_eq(
		json_integer_value(json_object_get(object, "uncertain")), 2);
	ck_assert_int_eq(
		json_integer_value(json_object_get(object, "line_seq")), 9);
	ck_assert_ptr_null(json_object_get(object, "duty"));
	json_decref(object);
}
END_TEST

START_TEST(records_are_chosen_by_the_daemon)
{
	isrmon_start("--records", "devices", "-n", "2");
	isrloopd_serve_start_of("devices");
	/* what is counted is what was asked for */
	isrloopd_answer(REPLY(
		EVENT("BTN", "edge", "\"rising\"", 1, 5, 41, 8, 0, 0, false)));
	isrloopd_answer(REPLY(DEVICE("KEY", "press", 1, 6, "")));
	isrloopd_answer(REPLY(DEVICE("KEY", "release", 0, 7, "")));
	isrmon_finish(0);

	ck_assert_str_eq(isrmon_out, "0.000000005\trising\t\"BTN\"\n"
				     "0.000000006\tpress\t\"KEY\"\n"
				     "0.000000007\trelease\t\"KEY\"\n");
}
END_TEST

START_TEST(a_format_asks_for_edges_alone)
{
	isrmon_start("-F", "%a %i %w", "-n", "3");
	isrloopd_serve_start_of("edges");
	/* each input has widths of its own */
	isrloopd_answer(REPLY(INPUT("0", "rising", 1, 1000000000) "," INPUT(
		"1", "rising", 1, 2000000000) "," INPUT("0", "falling", 0,
							4000000000)));
	isrmon_finish(0);

	ck_assert_str_eq(isrmon_out,
			 "KNOB A -\nKNOB B -\nKNOB A 3.000000000\n");
}
END_TEST

START_TEST(a_loss_may_be_of_any_input)
{
	isrmon_start("-F", "%i %w", "-n", "4");
	isrloopd_serve_start();
	isrloopd_answer(REPLY(INPUT("0", "rising", 1, 1000000000)));
	isrloopd_answer(REPLY(INPUT("1", "rising", 1, 2000000000)));
	isrloopd_answer(REPLY(EVENT("KNOB", "lost", "null", 1, 3000000000, 4, 4,
				    2, 2, false)));
	isrloopd_answer(REPLY(INPUT("1", "falling", 0, 4000000000)));
	isrloopd_answer(REPLY(INPUT("0", "falling", 0, 5000000000)));
	isrmon_finish(4);

	ck_assert_str_eq(isrmon_out, "A -\nB -\nB -\nA -\n");
}
END_TEST

START_TEST(lost_records_of_a_device_are_told)
{
	isrmon_start("-n", "1", "KEY", "BTN");
	isrloopd_serve_start();
	isrloopd_answer(
		REPLY(DEVICE("KEY", "press", 1, 5, ",\"lost_records\":3")));
	isrloopd_answer(
		REPLY(DEVICE("KEY", "lost", 1, 6, ",\"lost_records\":2")));
	isrloopd_answer(REPLY(
		EVENT("BTN", "edge", "\"rising\"", 1, 7, 41, 8, 0, 0, false)));
	isrmon_finish(4);

	ck_assert_str_eq(
		isrmon_out,
		"0.000000005\tlost\t\"KEY\"\t3 of its device at client\n"
		"0.000000005\tpress\t\"KEY\"\n"
		"0.000000006\tlost\t\"KEY\"\t2 of its device at client\n"
		"0.000000007\trising\t\"BTN\"\n");
	isrmon_expect_error("KEY: 5 records of its device lost");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("isrmon-device");
	TCase *tcase = xt_case(suite, "records");

	tcase_add_checked_fixture(tcase, isrloopd_setup, isrloopd_teardown);
	tcase_add_test(tcase, initial_numbers_of_devices_are_shown);
	tcase_add_test(tcase, records_of_devices_are_shown_in_words);
	tcase_add_test(tcase, standstill_of_an_encoder_is_shown);
	tcase_add_test(tcase, members_of_devices_are_passed_on);
	tcase_add_test(tcase, records_are_chosen_by_the_daemon);
	tcase_add_test(tcase, a_format_asks_for_edges_alone);
	tcase_add_test(tcase, a_loss_may_be_of_any_input);
	tcase_add_test(tcase, lost_records_of_a_device_are_told);
	return xt_main(suite);
}
