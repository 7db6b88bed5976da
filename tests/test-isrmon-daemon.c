/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* isrmon as a client of isrloopd, whose part the test plays. */
#include "xt-isrloopd.h"

START_TEST(edges_are_shown_by_the_daemons_name)
{
	isrmon_start("-n", "2", "BTN", NULL);
	isrloopd_serve_start();
	isrloopd_answer(REPLY(
		EVENT("BTN", "edge", "\"rising\"", 1, 5000000001, 41, 8, 0, 0,
		      false) "," EVENT("BTN", "edge", "\"falling\"", 0,
				       6000000002, 42, 9, 0, 0, false)));
	isrmon_finish(0);

	ck_assert_str_eq(isrmon_out, "5.000000001\trising\t\"BTN\"\n"
				     "6.000000002\tfalling\t\"BTN\"\n");
	ck_assert_str_eq(isrmon_err, "");
}
END_TEST

START_TEST(lines_and_edges_are_asked_of_the_daemon)
{
	json_t *expected =
		json_pack("{s:s, s:[s]}", "edges", "rising", "lines", "BTN");
	json_t *parameters;

	isrmon_start("-e", "rising", "BTN", NULL);
	parameters = isrloopd_expect_subscribe();
	ck_assert(json_equal(parameters, expected));
	json_decref(parameters);
	json_decref(expected);
	isrmon_kill();
}
END_TEST

START_TEST(without_lines_all_are_watched)
{
	json_t *parameters;

	isrmon_start("-n", "1", "-F", "%a %l %c %o %s %n");
	parameters = isrloopd_expect_subscribe();
	ck_assert_ptr_null(json_object_get(parameters, "lines"));
	json_decref(parameters);
	isrloopd_answer(INITIAL);
	isrloopd_answer(REPLY(
		EVENT("DOOR", "edge", "\"rising\"", 1, 5, 41, 8, 0, 0, false)));
	isrmon_finish(0);

	ck_assert_str_eq(isrmon_out, "DOOR unnamed sim: 2 41 8\n");
	isrmon_expect_error("'DOOR' is simulated (sim:)");
}
END_TEST

START_TEST(losses_have_a_line_of_their_own_and_a_status)
{
	isrmon_start("-n", "1", "BTN", NULL);
	isrloopd_serve_start();
	isrloopd_answer(REPLY(EVENT("BTN", "edge", "\"rising\"", 1, 5, 141, 108,
				    100, 100, false)));
	isrmon_finish(4);

	ck_assert_str_eq(isrmon_out,
			 "0.000000005\tlost\t\"BTN\"\t100 at client\n"
			 "0.000000005\trising\t\"BTN\"\n");
	isrmon_expect_error("BTN: 100 edges lost, 1 shown");
}
END_TEST

START_TEST(losses_of_daemon_and_client_are_told_apart)
{
	isrmon_start("--json", "-n", "2", NULL);
	isrloopd_serve_start();
	isrloopd_answer(REPLY(EVENT(
		"BTN", "edge", "\"rising\"", 1, 5, 51, 18, 10, 4,
		false) "," EVENT("BTN", "lost", "null", 1, 6, 54, 21, 3, 0,
				 false) "," EVENT("BTN", "edge", "\"falling\"",
						  0, 7, 55, 22, 0, 0, true)));
	isrmon_finish(4);

	ck_assert_ptr_nonnull(strstr(isrmon_out,
				     "\"lost\":10,\"lost_at\":\"kernel, "
				     "ring or client\",\"lost_client\":4"));
	ck_assert_ptr_nonnull(strstr(isrmon_out, "\"kind\":\"lost\""));
	ck_assert_ptr_nonnull(strstr(
		isrmon_out, "\"lost\":3,\"lost_at\":\"kernel or ring\""));
	ck_assert_ptr_nonnull(strstr(isrmon_out, "\"merged\":true"));
	isrmon_expect_error("BTN: 13 edges lost, 2 shown");
}
END_TEST

START_TEST(losses_go_to_stderr_beside_a_format)
{
	isrmon_start("-n", "1", "-F", "%x");
	isrloopd_serve_start();
	isrloopd_answer(REPLY(EVENT("BTN", "edge", "\"rising\"", 1, 5, 141, 108,
				    100, 0, true)));
	isrmon_finish(4);

	ck_assert_str_eq(isrmon_out, "100\n");
	isrmon_expect_error("BTN: 100 lost at kernel or ring");
	isrmon_expect_error("BTN: edges merged");
}
END_TEST

START_TEST(width_is_not_told_across_a_loss)
{
	isrmon_start("-n", "4", "-F", "%d %w");
	isrloopd_serve_start();
	isrloopd_answer(REPLY(
		EVENT("BTN", "edge", "\"rising\"", 1, 5, 41, 8, 0, 0, false)));
	isrloopd_answer(
		REPLY(EVENT("BTN", "lost", "null", 1, 6, 42, 9, 1, 0, false)));
	isrloopd_answer(REPLY(EVENT("BTN", "edge", "\"falling\"", 0, 8, 43, 10,
				    0, 0, false)));
	isrloopd_answer(REPLY(
		EVENT("BTN", "edge", "\"rising\"", 1, 9, 44, 11, 0, 0, false)));
	/* an edge that tells a loss itself */
	isrloopd_answer(REPLY(EVENT("BTN", "edge", "\"falling\"", 0, 13, 47, 14,
				    2, 0, false)));
	isrmon_finish(4);

	ck_assert_str_eq(isrmon_out,
			 "- -\n0.000000003 -\n0.000000001 0.000000001\n"
			 "0.000000004 -\n");
}
END_TEST

START_TEST(merged_edges_alone_leave_the_status)
{
	isrmon_start("-n", "1", "BTN", NULL);
	isrloopd_serve_start();
	isrloopd_answer(REPLY(
		EVENT("BTN", "edge", "\"rising\"", 1, 5, 41, 8, 0, 0, true)));
	isrmon_finish(0);

	ck_assert_str_eq(
		isrmon_out,
		"0.000000005\tmerged\t\"BTN\"\tat least 1 falling edge\n"
		"0.000000005\trising\t\"BTN\"\n");
	isrmon_expect_error("BTN: at least 1 edges merged");
}
END_TEST

START_TEST(unknown_kinds_and_lines_are_skipped)
{
	isrmon_start("-n", "1", "-F", "%s");
	isrloopd_serve_start();
	isrloopd_answer(REPLY(EVENT(
		"BTN", "party", "null", 1, 5, 41, 8, 0, 0,
		false) "," EVENT("NEW", "edge", "\"rising\"", 1, 5, 42, 1, 0, 0,
				 false) "," EVENT("BTN", "edge", "\"rising\"",
						  1, 5, 43, 9, 0, 0, false)));
	isrmon_finish(0);

	ck_assert_str_eq(isrmon_out, "43\n");
}
END_TEST

START_TEST(initial_levels_are_shown_on_demand)
{
	isrmon_start("-I", "-n", "1", NULL);
	isrloopd_serve_start();
	isrloopd_answer(REPLY(
		EVENT("BTN", "edge", "\"rising\"", 1, 5, 41, 8, 0, 0, false)));
	isrmon_finish(0);

	ck_assert_str_eq(isrmon_out, "\"BTN\"=inactive\n"
				     "0.000000005\trising\t\"BTN\"\n");
}
END_TEST

START_TEST(idle_timeout_has_a_status_of_its_own)
{
	isrmon_start("--idle-timeout", "1ms", NULL, NULL);
	isrloopd_serve_start();
	isrmon_finish(3);
}
END_TEST

START_TEST(unknown_line_is_told_with_near_names)
{
	isrmon_start("BTM", NULL, NULL, NULL);
	json_decref(isrloopd_expect_subscribe());
	isrloopd_answer("{\"error\":\"io.isrloop.NoSuchLine\",\"parameters\":"
			"{\"line\":\"BTM\",\"near\":[\"BTN\",\"BTNS\"]}}");
	isrmon_finish(1);

	ck_assert_str_eq(isrmon_err, "isrmon: isrloopd has no line 'BTM': "
				     "did you mean 'BTN' or 'BTNS'?\n");
}
END_TEST

START_TEST(unknown_line_without_near_names_is_told_how_to_list)
{
	isrmon_start("XYZ", NULL, NULL, NULL);
	json_decref(isrloopd_expect_subscribe());
	isrloopd_answer("{\"error\":\"io.isrloop.NoSuchLine\",\"parameters\":"
			"{\"line\":\"XYZ\",\"near\":[]}}");
	isrmon_finish(1);

	isrmon_expect_error("isrloopd has no line 'XYZ': 'isrmon -I' shows");
}
END_TEST

START_TEST(too_many_clients_are_told)
{
	isrmon_start(NULL, NULL, NULL, NULL);
	json_decref(isrloopd_expect_call("io.isrloop.ListLines"));
	isrloopd_answer(
		"{\"error\":\"io.isrloop.TooManyClients\",\"parameters\":"
		"{\"max_clients\":64}}");
	isrmon_finish(1);

	isrmon_expect_error("as many clients as it may");
}
END_TEST

START_TEST(a_daemon_without_lines_is_told)
{
	isrmon_start(NULL, NULL, NULL, NULL);
	json_decref(isrloopd_expect_call("io.isrloop.ListLines"));
	isrloopd_answer("{\"parameters\":{\"lines\":[]}}");
	isrmon_finish(1);

	isrmon_expect_error("isrloopd has no lines");
}
END_TEST

START_TEST(a_daemon_that_ends_is_told)
{
	isrmon_start(NULL, NULL, NULL, NULL);
	isrloopd_serve_start();
	isrloopd_hang_up();
	isrmon_finish(5);

	isrmon_expect_error("isrloopd ended the connection");
}
END_TEST

START_TEST(what_is_no_daemon_is_told)
{
	isrmon_start(NULL, NULL, NULL, NULL);
	json_decref(isrloopd_expect_call("io.isrloop.ListLines"));
	isrloopd_answer("220 mail.example.org ESMTP");
	isrmon_finish(1);

	isrmon_expect_error("what answers is not isrloopd");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("isrmon-daemon");
	TCase *tcase = xt_case(suite, "records");

	tcase_add_checked_fixture(tcase, isrloopd_setup, isrloopd_teardown);
	tcase_add_test(tcase, edges_are_shown_by_the_daemons_name);
	tcase_add_test(tcase, lines_and_edges_are_asked_of_the_daemon);
	tcase_add_test(tcase, without_lines_all_are_watched);
	tcase_add_test(tcase, initial_levels_are_shown_on_demand);
	tcase_add_test(tcase, unknown_kinds_and_lines_are_skipped);
	tcase_add_test(tcase, idle_timeout_has_a_status_of_its_own);

	tcase = xt_case(suite, "losses");
	tcase_add_checked_fixture(tcase, isrloopd_setup, isrloopd_teardown);
	tcase_add_test(tcase, losses_have_a_line_of_their_own_and_a_status);
	tcase_add_test(tcase, losses_of_daemon_and_client_are_told_apart);
	tcase_add_test(tcase, losses_go_to_stderr_beside_a_format);
	tcase_add_test(tcase, width_is_not_told_across_a_loss);
	tcase_add_test(tcase, merged_edges_alone_leave_the_status);

	tcase = xt_case(suite, "errors");
	tcase_add_checked_fixture(tcase, isrloopd_setup, isrloopd_teardown);
	tcase_add_test(tcase, unknown_line_is_told_with_near_names);
	tcase_add_test(tcase,
		       unknown_line_without_near_names_is_told_how_to_list);
	tcase_add_test(tcase, too_many_clients_are_told);
	tcase_add_test(tcase, a_daemon_without_lines_is_told);
	tcase_add_test(tcase, a_daemon_that_ends_is_told);
	tcase_add_test(tcase, what_is_no_daemon_is_told);
	return xt_main(suite);
}
