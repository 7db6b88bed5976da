/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What isrmon makes of its command line; its errors are in test-isrmon. */
#include <getopt.h>
#include <stdlib.h>

#include "options.h"
#include "xt.h"

static struct options options;

/* Arguments up to NULL; true: the program would go on. */
static bool parse(const char *const *arguments)
{
	static char *argv[32];
	int argc = 0;

	argv[argc++] = (char *)"isrmon";
	while (*arguments) {
		argv[argc++] = (char *)*arguments++;
		ck_assert_int_lt(argc, 32);
	}
	argv[argc] = NULL;
	optind = 0; /* glibc: start over */
	return options_parse(argc, argv, &options) < 0;
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

START_TEST(without_options_the_daemon_is_asked)
{
	unsetenv("ISRLOOP_SOCKET");
	ck_assert(parse((const char *const[]){NULL}));
	ck_assert(!options.direct);
	ck_assert_str_eq(options.socket, "/run/isrloop/io.isrloop");
	ck_assert_int_eq(options.num_lines, 0);
	ck_assert_int_eq(options.edges, ISR_EDGE_BOTH);
	ck_assert(options.style.convert);
}
END_TEST

START_TEST(socket_is_the_options_else_the_environments)
{
	setenv("ISRLOOP_SOCKET", "/env", 1);
	ck_assert(PARSE("--socket", "/option"));
	ck_assert_str_eq(options.socket, "/option");
	ck_assert(PARSE("BTN"));
	ck_assert_str_eq(options.socket, "/env");
	setenv("ISRLOOP_SOCKET", "", 1);
	ck_assert(PARSE("BTN"));
	ck_assert_str_eq(options.socket, "/run/isrloop/io.isrloop");
}
END_TEST

START_TEST(what_is_measured_has_an_interval)
{
	ck_assert(PARSE("--rate", "BTN"));
	ck_assert_int_eq(options.watch, WATCH_RATE);
	ck_assert_uint_eq(options.interval_ns, 1000000000);
	ck_assert(PARSE("--rate", "--interval", "1ms", "BTN"));
	ck_assert_uint_eq(options.interval_ns, 1000000);
	ck_assert(PARSE("--encoder", "--direct", "A", "B"));
	ck_assert_int_eq(options.watch, WATCH_ENCODER);
	ck_assert_uint_eq(options.interval_ns, 50000000);
	ck_assert(PARSE("--encoder", "--direct", "--interval=0", "--steps=2",
			"--divider=3", "A", "B"));
	ck_assert_uint_eq(options.interval_ns, 0);
	ck_assert_uint_eq(options.steps, 2);
	ck_assert_uint_eq(options.divider, 3);
}
END_TEST

/* The devices of the library know no other clock. */
START_TEST(what_is_measured_is_stamped_by_the_monotonic_clock)
{
	ck_assert(PARSE("--rate", "--direct", "--utc", "-c0", "BTN"));
	ck_assert_int_eq(options.clock, ISR_CLOCK_MONOTONIC);
	ck_assert(options.style.convert);
}
END_TEST

START_TEST(records_are_all_but_those_that_a_format_cannot_show)
{
	ck_assert(PARSE("BTN"));
	ck_assert_int_eq(options.records, RECORDS_ALL);
	ck_assert(PARSE("-F", "%a", "BTN"));
	ck_assert_int_eq(options.records, RECORDS_EDGES);
	ck_assert(PARSE("--records", "devices", "BTN"));
	ck_assert_int_eq(options.records, RECORDS_DEVICES);
}
END_TEST

START_TEST(short_options_are_gpiomons)
{
	ck_assert(PARSE("--direct", "-c", "0", "-C", "me", "-b", "pull-up",
			"-e", "falling", "-F", "%o", "-lqs", "-n5", "-p", "2s",
			"BTN"));
	ck_assert_str_eq(options.chip, "0");
	ck_assert_str_eq(options.consumer, "me");
	ck_assert_int_eq(options.bias, ISR_BIAS_PULL_UP);
	ck_assert_int_eq(options.edges, ISR_EDGE_FALLING);
	ck_assert_str_eq(options.style.format, "%o");
	ck_assert(options.active_low && options.quiet && options.strict);
	ck_assert_uint_eq(options.num_events, 5);
	ck_assert_uint_eq(options.debounce_ns, 2000000000);
	ck_assert(options.style.show_chip);
	ck_assert_int_eq(options.num_lines, 1);
}
END_TEST

START_TEST(long_options_are_gpiomons)
{
	ck_assert(PARSE("--direct", "--bias=disabled", "--by-name", "--banner",
			"--event-clock=hte", "--idle-timeout=1us", "--unquoted",
			"--silent", "BTN"));
	ck_assert_int_eq(options.bias, ISR_BIAS_DISABLED);
	ck_assert(options.by_name && options.banner && options.quiet);
	ck_assert(options.style.unquoted);
	ck_assert_int_eq(options.clock, ISR_CLOCK_HTE);
	ck_assert_uint_eq(options.idle_timeout_ns, 1000);
}
END_TEST

START_TEST(bias_is_each_of_its_words)
{
	ck_assert(PARSE("--direct", "-b", "pull-down", "BTN"));
	ck_assert_int_eq(options.bias, ISR_BIAS_PULL_DOWN);
	ck_assert(PARSE("--direct", "BTN"));
	ck_assert_int_eq(options.bias, ISR_BIAS_AS_IS);
}
END_TEST

START_TEST(options_may_stand_behind_lines)
{
	ck_assert(PARSE("BTN", "-n", "5", "DOOR"));
	ck_assert_uint_eq(options.num_events, 5);
	ck_assert_int_eq(options.num_lines, 2);
	ck_assert_str_eq(options.lines[0], "BTN");
	ck_assert_str_eq(options.lines[1], "DOOR");
}
END_TEST

START_TEST(two_dashes_end_the_options)
{
	ck_assert(PARSE("--", "-n"));
	ck_assert_str_eq(options.lines[0], "-n");
}
END_TEST

START_TEST(clock_and_time_style_follow_each_other_as_in_gpiomon)
{
	ck_assert(PARSE("--direct", "BTN"));
	ck_assert_int_eq(options.clock, ISR_CLOCK_MONOTONIC);
	ck_assert_int_eq(options.style.time, TIME_STYLE_RAW);

	ck_assert(PARSE("--direct", "--utc", "BTN"));
	ck_assert_int_eq(options.clock, ISR_CLOCK_REALTIME);
	ck_assert_int_eq(options.style.time, TIME_STYLE_UTC);

	ck_assert(PARSE("--direct", "--localtime", "BTN"));
	ck_assert_int_eq(options.clock, ISR_CLOCK_REALTIME);

	ck_assert(PARSE("--direct", "-E", "realtime", "BTN"));
	ck_assert_int_eq(options.style.time, TIME_STYLE_UTC);

	ck_assert(PARSE("--direct", "-E", "realtime", "--localtime", "BTN"));
	ck_assert_int_eq(options.style.time, TIME_STYLE_LOCAL);

	ck_assert(PARSE("--direct", "-E", "monotonic", "--utc", "BTN"));
	ck_assert_int_eq(options.clock, ISR_CLOCK_MONOTONIC);
	ck_assert(!options.style.convert);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = xt_case(suite, "both ways");

	tcase_add_test(tcase, without_options_the_daemon_is_asked);
	tcase_add_test(tcase, socket_is_the_options_else_the_environments);
	tcase_add_test(tcase, options_may_stand_behind_lines);
	tcase_add_test(tcase, two_dashes_end_the_options);

	tcase = xt_case(suite, "direct");
	tcase_add_test(tcase, what_is_measured_has_an_interval);
	tcase_add_test(tcase,
		       what_is_measured_is_stamped_by_the_monotonic_clock);
	tcase_add_test(tcase,
		       records_are_all_but_those_that_a_format_cannot_show);
	tcase_add_test(tcase, short_options_are_gpiomons);
	tcase_add_test(tcase, long_options_are_gpiomons);
	tcase_add_test(tcase, bias_is_each_of_its_words);
	tcase_add_test(tcase, bias_is_each_of_its_words);
	tcase_add_test(tcase,
		       clock_and_time_style_follow_each_other_as_in_gpiomon);
	return xt_main(suite);
}
