/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isrmon --rate with isrloopd, whose part the test plays. The stamps are of
 * a time far ahead: the clock, which tells isrmon of silence, never gets
 * there, so that the test's records alone say what time it is.
 */
#include <inttypes.h>
#include <stdio.h>

#include "xt-isrloopd.h"

#define MS UINT64_C(1000000)
#define START_NS UINT64_C(4000000000000000000)

static uint64_t now_ns;

/* Without edges a stream's time is that of its records. */
static void serve(const char *records)
{
	isrloopd_serve_start_of(records);
	now_ns = START_NS;
}

static void edge(uint64_t ns_since, int value, unsigned int lost)
{
	char text[512];

	now_ns += ns_since;
	snprintf(text, sizeof(text),
		 "{\"continues\":true,\"parameters\":{\"events\":["
		 "{\"line\":\"BTN\",\"kind\":\"edge\",\"edge\":\"%s\","
		 "\"value\":%d,\"t_ns\":%" PRIu64
		 ",\"clock\":\"monotonic\",\"seq\":1,\"line_seq\":1,"
		 "\"lost\":%u,\"lost_client\":%u,\"merged\":false,"
		 "\"debounced\":false,\"simulated\":false}]}}",
		 value ? "rising" : "falling", value, now_ns, lost, lost);
	/* With the one before it may have had all that it was to show. */
	isrloopd_offer(text);
}

/* Pulses of 50 of 200 ms; the first begins 100 ms from now. */
static void pulse(int pulses)
{
	while (pulses--) {
		edge((now_ns == START_NS ? 100 : 150) * MS, 1, 0);
		edge(50 * MS, 0, 0);
	}
}

static void expect_text(const char *expected)
{
	ck_assert_str_eq(isrmon_out, expected);
}

START_TEST(edges_of_a_line_are_measured_here)
{
	isrmon_start("--rate", "-n", "1", "BTN");
	serve("");
	pulse(6);
	isrmon_finish(0);

	expect_text("4000000001.000000000\trate\t\"BTN\"\t   5.0000 Hz"
		    "  duty  25.0 %  high 50.00 ms  low 150.0 ms\n");
}
END_TEST

START_TEST(what_does_not_change_is_not_repeated)
{
	isrmon_start("--rate", "-n", "4", "BTN");
	serve("");
	/* the last one at 3.9 s; then it stands still */
	pulse(20);
	edge(20000 * MS, 1, 0);
	isrmon_finish(0);

	ck_assert_ptr_nonnull(strstr(isrmon_out, "4000000001.000000000\trate"));
	ck_assert_ptr_null(strstr(isrmon_out, "4000000002.000000000\trate"));
	ck_assert_ptr_null(strstr(isrmon_out, "4000000003.000000000\trate"));
	ck_assert_ptr_null(strstr(isrmon_out, "4000000004.000000000\trate"));
	ck_assert_ptr_nonnull(strstr(isrmon_out, "4000000005.000000000\trate"
						 "\t\"BTN\"\t<  0.9091 Hz"));
	ck_assert_ptr_nonnull(strstr(isrmon_out,
				     "4000000006.900000000\trate\t\"BTN\"\t"
				     "        0 Hz  stopped, inactive\n"));
}
END_TEST

START_TEST(losses_widen_it_and_are_told)
{
	isrmon_start("--rate", "-n", "1", "BTN");
	serve("");
	pulse(2);
	edge(550 * MS, 1, 4);
	edge(50 * MS, 0, 0);
	pulse(1);
	isrmon_finish(4);

	ck_assert_ptr_nonnull(strstr(isrmon_out, "4000000000.900000000\tlost"
						 "\t\"BTN\"\t4 at client\n"
						 "4000000001.000000000\trate"
						 "\t\"BTN\"\t   5.0000 Hz"));
	ck_assert_ptr_nonnull(strstr(isrmon_out, "low 150.0 ms  ("));
	isrmon_expect_error("BTN: 4 edges lost, 7 measured");
}
END_TEST

START_TEST(losses_before_a_report_are_told_together_and_once)
{
	const char *told;

	isrmon_start("--rate", "-n", "2", "BTN");
	serve("");
	pulse(2);
	edge(550 * MS, 1, 4);
	edge(50 * MS, 0, 2);
	pulse(6);
	isrmon_finish(4);

	told = strstr(isrmon_out, "\tlost\t\"BTN\"\t");
	ck_assert_ptr_nonnull(told);
	ck_assert_ptr_nonnull(strstr(told, "\t6 at client\n4000000001.0"));
	ck_assert_ptr_null(strstr(told + 1, "\tlost\t"));
	isrmon_expect_error("BTN: 6 edges lost");
}
END_TEST

START_TEST(a_loss_that_no_edge_followed_widens_it_too)
{
	isrmon_start("--rate", "-n", "1", "BTN");
	serve("");
	pulse(2);
	isrloopd_answer(REPLY(EVENT("BTN", "lost", "null", 0,
				    4000000000400000000, 1, 1, 4, 4, false)));
	edge(550 * MS, 1, 0);
	edge(50 * MS, 0, 0);
	pulse(1);
	isrmon_finish(4);

	ck_assert_ptr_nonnull(strstr(isrmon_out, "\t4 at client\n"));
	ck_assert_ptr_nonnull(strstr(isrmon_out, "low 150.0 ms  ("));
}
END_TEST

START_TEST(interval_is_that_of_reports_and_of_the_window)
{
	isrmon_start("--rate", "--interval=400ms", "-n2", "BTN");
	serve("");
	pulse(3);
	edge(50 * MS, 1, 0);
	edge(50 * MS, 0, 0);
	edge(50 * MS, 1, 0);
	edge(50 * MS, 0, 0);
	edge(500 * MS, 1, 0);
	isrmon_finish(0);

	ck_assert_int_eq(strncmp(isrmon_out, "4000000000.400000000\t", 21), 0);
	ck_assert_ptr_nonnull(strstr(isrmon_out, "\n4000000000.800000000\trate"
						 "\t\"BTN\"\t   7.5000 Hz"));
}
END_TEST

START_TEST(one_edge_is_measured_without_widths)
{
	isrmon_start("--rate", "-erising", "-n1", "BTN");
	serve("");
	edge(100 * MS, 1, 0);
	edge(200 * MS, 1, 0);
	edge(200 * MS, 1, 0);
	edge(900 * MS, 1, 0);
	isrmon_finish(0);

	expect_text("4000000001.000000000\trate\t\"BTN\"\t<  2.0000 Hz\n");
}
END_TEST

#define RATE(hz, min_hz, max_hz, t_ns)                                         \
	REPLY(DEVICE("METER", "rate", 7, t_ns,                                 \
		     ",\"frequency_hz\":" #hz ",\"frequency_min_hz\":" #min_hz \
		     ",\"frequency_max_hz\":" #max_hz                          \
		     ",\"period_ns\":1e7,\"jitter_ns\":12.5"                   \
		     ",\"duty\":0.5,\"high_ns\":5e6,\"low_ns\":5e6"))

START_TEST(a_counter_of_the_daemon_measures_itself)
{
	isrmon_start("--rate", "--json", "-n1", "METER");
	serve("devices");
	isrloopd_answer(RATE(100, 99.5, 100.5, 5000000000));
	isrmon_finish(0);

	ck_assert_ptr_nonnull(strstr(
		isrmon_out, "\"frequency_hz\":100,\"frequency_min_hz\":99.5,"
			    "\"frequency_max_hz\":100.5,\"period_ns\":10000000,"
			    "\"jitter_ns\":12.5,\"duty\":0.5,"
			    "\"high_ns\":5000000,\"low_ns\":5000000}\n"));
	ck_assert_ptr_nonnull(strstr(isrmon_out, "\"value\":7,"));
}
END_TEST

START_TEST(reports_that_the_daemon_lost_are_counted)
{
	isrmon_start("--rate", "-n", "1", "METER");
	serve("devices");
	isrloopd_answer(REPLY(
		DEVICE("METER", "lost", 0, 4000000000, ",\"lost_records\":2")));
	isrloopd_answer(RATE(100, 100, 100, 5000000000));
	isrmon_finish(4);

	isrmon_expect_error("METER: 2 records of its device lost");
}
END_TEST

START_TEST(reports_of_the_daemon_are_thinned)
{
	isrmon_start("--rate", "-n", "3", "METER");
	serve("devices");
	isrloopd_answer(RATE(100, 100, 100, 5000000000));
	/* too soon, then the same as was shown */
	isrloopd_answer(RATE(101, 101, 101, 5500000000));
	isrloopd_answer(RATE(100, 100, 100, 6000000000));
	isrloopd_answer(RATE(102, 102, 102, 7000000000));
	/* a stop is never too soon */
	isrloopd_answer(RATE(0, 0, 0, 7100000000));
	isrmon_finish(0);

	expect_text("5.000000000\trate\t\"METER\"\t   100.00 Hz"
		    "  duty  50.0 %  high 5.000 ms  low 5.000 ms\n"
		    "7.000000000\trate\t\"METER\"\t   102.00 Hz"
		    "  duty  50.0 %  high 5.000 ms  low 5.000 ms\n"
		    "7.100000000\trate\t\"METER\"\t        0 Hz"
		    "  stopped, active\n");
}
END_TEST

START_TEST(counters_and_other_lines_are_measured_together)
{
	isrmon_start("--rate", "-n3", "METER", "BTN");
	serve("");
	isrloopd_answer(RATE(100, 100, 100, 5000000000));
	isrloopd_answer(REPLY(EVENT("METER", "edge", "\"rising\"", 1,
				    5000000001, 1, 1, 0, 0, false)));
	pulse(6);
	isrloopd_answer(RATE(101, 101, 101, 6000000000));
	isrmon_finish(0);

	ck_assert_ptr_nonnull(strstr(isrmon_out, "\"METER\"\t   100.00 Hz"));
	ck_assert_ptr_nonnull(strstr(isrmon_out, "\"BTN\"\t   5.0000 Hz"));
	ck_assert_ptr_nonnull(strstr(isrmon_out, "\"METER\"\t   101.00 Hz"));
	ck_assert_ptr_null(strstr(isrmon_out, "rising"));
}
END_TEST

START_TEST(of_a_line_with_another_device_only_edges_are_asked_for)
{
	isrmon_start("--rate", "KEY", NULL, NULL);
	serve("edges");
	isrmon_kill();
}
END_TEST

static void expect_refusal(const char *line, const char *message)
{
	isrmon_start("--rate", line, NULL, NULL);
	json_decref(isrloopd_expect_call("io.isrloop.ListLines"));
	isrloopd_answer(LINES_REPLY);
	isrmon_finish(1);
	isrmon_expect_error(message);
}

START_TEST(an_encoder_has_no_rate)
{
	expect_refusal("KNOB", "KNOB is an encoder");
}
END_TEST

START_TEST(a_clock_that_cannot_be_read_has_no_rate)
{
	expect_refusal("STAMPED", "STAMPED is stamped by a clock");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("isrmon-rate");
	TCase *tcase = xt_case(suite, "edges");

	tcase_add_checked_fixture(tcase, isrloopd_setup, isrloopd_teardown);
	tcase_add_test(tcase, edges_of_a_line_are_measured_here);
	tcase_add_test(tcase, what_does_not_change_is_not_repeated);
	tcase_add_test(tcase, losses_widen_it_and_are_told);
	tcase_add_test(tcase,
		       losses_before_a_report_are_told_together_and_once);
	tcase_add_test(tcase, a_loss_that_no_edge_followed_widens_it_too);
	tcase_add_test(tcase, interval_is_that_of_reports_and_of_the_window);
	tcase_add_test(tcase, one_edge_is_measured_without_widths);

	tcase = xt_case(suite, "counters");
	tcase_add_checked_fixture(tcase, isrloopd_setup, isrloopd_teardown);
	tcase_add_test(tcase, a_counter_of_the_daemon_measures_itself);
	tcase_add_test(tcase, reports_that_the_daemon_lost_are_counted);
	tcase_add_test(tcase, reports_of_the_daemon_are_thinned);
	tcase_add_test(tcase, counters_and_other_lines_are_measured_together);
	tcase_add_test(tcase,
		       of_a_line_with_another_device_only_edges_are_asked_for);

	tcase = xt_case(suite, "refusals");
	tcase_add_checked_fixture(tcase, isrloopd_setup, isrloopd_teardown);
	tcase_add_test(tcase, an_encoder_has_no_rate);
	tcase_add_test(tcase, a_clock_that_cannot_be_read_has_no_rate);
	return xt_main(suite);
}
