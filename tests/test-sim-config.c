/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The file of a simulated chip: what it makes, and every fault of it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim-config.h"
#include "xt.h"

static struct isri_sim_config config;
static struct isr_error error;
static char path[] = "test-sim-config-XXXXXX";

static void write_file(const char *text)
{
	int fd;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int read_text(const char *text)
{
	int r;

	memset(&error, 0, sizeof(error));
	write_file(text);
	r = isri_sim_config_read(path, &config, &error);
	unlink(path);
	return r;
}

/* Each fault must be told with the file and its line. */
static void expect_fault(const char *where_and_what)
{
	char text[256];

	snprintf(text, sizeof(text), "%s:%s", path, where_and_what);
	ck_assert_msg(strstr(error.message, text), "no `%s` in `%s`", text,
		      error.message);
}

START_TEST(sim_config_default_is_the_five_lines_of_the_manual)
{
	xt_ok(isri_sim_config_read(NULL, &config, &error));

	ck_assert_uint_eq(config.num_lines, 5);
	ck_assert(!config.no_debounce);
	ck_assert_str_eq(config.lines[0].name, "CLOCK");
	ck_assert_str_eq(config.lines[1].name, "BUTTON");
	ck_assert_str_eq(config.lines[2].name, "ENC_A");
	ck_assert_str_eq(config.lines[3].name, "ENC_B");
	ck_assert_str_eq(config.lines[4].name, "IDLE");
	ck_assert_int_eq(config.lines[4].pattern, -1);
	ck_assert_int_eq(config.lines[2].pattern, config.lines[3].pattern);
	ck_assert_uint_eq(config.patterns[0].cycle_ns, 1000000);
	ck_assert_uint_eq(config.patterns[0].high_ns, 500000);
}
END_TEST

START_TEST(sim_config_takes_every_key)
{
	xt_ok(read_text("# comment\n"
			"[chip]\n"
			"label = bench\n"
			"seed = 0x10\n"
			"debounce = no\n"
			"\n"
			"  [line C]\n"
			"  period_us = 200   ; comment\n"
			"  pattern = square\n"
			"  duty_percent = 25\n"
			"[line B]\npattern = button\nperiod_us = 1000\n"
			"hold_us = 300\nbounces = 2\nbounce_us = 50\n"
			"[encoder X Y]\nperiod_us = 400\ncycles = 3\n"
			"pause_us = 7\n"
			"[line D]\npattern = burst\nperiod_us = 500\n"
			"edges = 5\ngap_us = 9\n"
			"[line R]\npattern = random\nperiod_us = 11\n"
			"[line I]"));

	ck_assert_str_eq(config.label, "bench");
	ck_assert_uint_eq(config.seed, 16);
	ck_assert(config.no_debounce);
	ck_assert_uint_eq(config.num_lines, 7);
	ck_assert_uint_eq(config.num_patterns, 5);
	ck_assert_uint_eq(config.patterns[0].high_ns, 50000);
	ck_assert_uint_eq(config.patterns[1].bounces, 2);
	ck_assert_uint_eq(config.patterns[1].bounce_ns, 50000);
	ck_assert_uint_eq(config.patterns[1].high_ns, 300000);
	ck_assert_uint_eq(config.patterns[2].gap_ns, 100000);
	ck_assert_uint_eq(config.patterns[2].edges, 12);
	ck_assert_uint_eq(config.patterns[2].cycle_ns,
			  2 * (12 * 100000 + 7000));
	ck_assert_uint_eq(config.patterns[3].edges, 5);
	ck_assert_uint_eq(config.patterns[3].gap_ns, 9000);
	ck_assert_uint_eq(config.patterns[4].cycle_ns, 11000);
	ck_assert_str_eq(config.lines[6].name, "I");
}
END_TEST

START_TEST(sim_config_gives_each_pattern_its_own_chance)
{
	xt_ok(read_text("[line A]\npattern=random\n[line B]\npattern=random"));

	ck_assert_uint_ne(config.patterns[0].seed, config.patterns[1].seed);
}
END_TEST

START_TEST(sim_config_tells_all_faults_at_once)
{
	xt_fails_with(EIO, read_text("early = 1\n"
				     "[lin A]\n"
				     "what = ever\n"
				     "[line A]\n"
				     "pattern = squar\n"
				     "[line B]\n"
				     "perod_us = 3\n"
				     "no value\n"
				     "[chip]\n"
				     "seed = x\n"));

	expect_fault("1: early stands before any section");
	expect_fault("2: unknown section [lin]; did you mean line?");
	expect_fault("5: unknown pattern squar; did you mean square?");
	expect_fault("7: unknown key perod_us; did you mean period_us?");
	expect_fault("8: expected KEY = VALUE or [SECTION]");
	expect_fault("10: seed must be a number, not x");
}
END_TEST

static const struct {
	const char *text;
	const char *fault;
} wrong[] = {
	{"", "1: no lines: "},
	{"[chip]\nlabel = x\n", "2: no lines: "},
	{"[line]\n", "1: the name is missing"},
	{"[line A]\n[line A]\n", "2: line A is there twice"},
	{"[encoder A]\n", "1: an encoder has two lines"},
	{"[encoder A B C]\n", "1: an encoder has two lines"},
	{"[encoder A A]\n", "1: line A is there twice"},
	{"[line A\n", "1: the ] is missing"},
	{"[line A]\npattern=encoder\n", "2: unknown pattern encoder; an enc"},
	{"[line A]\nedges = 3\n", "2: edges means nothing to pattern idle"},
	{"[line A]\npattern=square\nduty_percent=100\n",
	 "3: duty_percent must be a number from 1 to 99"},
	{"[line A]\npattern=square\nperiod_us=-1\n",
	 "3: period_us must be a number from 1 to 3600000000"},
	{"[line A]\npattern=square\nperiod_us=1ms\n",
	 "3: period_us must be a number"},
	{"[line A]\npattern=square\nperiod_us=5\nperiod_us=6\n",
	 "4: period_us is there twice (line 3)"},
	{"[line A]\npattern=button\nperiod_us=100\n",
	 "1: period_us must be longer than hold_us + bounce_us"},
	{"[line A]\npattern=button\nhold_us=5\n",
	 "1: hold_us must be longer than bounce_us"},
	{"[line A]\npattern=button\nbounces=1000\nbounce_us=1\n",
	 "1: bounce_us is too short for so many bounces"},
	{"[line A]\npattern=burst\nedges=10\ngap_us=11\nperiod_us=100\n",
	 "1: period_us must be edges * gap_us or longer"},
	{"[chip]\nlabl=x\n[line A]\n", "2: unknown key labl; did you mean la"},
	{"[chip]\ndebonce=x\n[line A]\n", "2: unknown key debonce; did you m"},
	{"[chip]\ndebounce=0\n[line A]\n", "2: debounce is yes or no, not 0"},
};

#define NUM_WRONG ((int)(sizeof(wrong) / sizeof(*wrong)))

START_TEST(sim_config_names_the_line_of_a_fault)
{
	xt_fails_with(EIO, read_text(wrong[_i].text));

	expect_fault(wrong[_i].fault);
	ck_assert_int_eq(error.code, -EIO);
}
END_TEST

START_TEST(sim_config_says_that_more_faults_did_not_fit)
{
	char text[4096] = "";
	int i;

	for (i = 0; i < 200; i++)
		strcat(text, "nonsense\n");
	xt_fails_with(EIO, read_text(text));

	expect_fault("1: expected");
	ck_assert_ptr_nonnull(strstr(error.message, "(and more: 200 faults)"));
}
END_TEST

START_TEST(sim_config_refuses_more_lines_than_there_is_room_for)
{
	char text[4096] = "";
	int i;

	for (i = 0; i <= ISRI_SIM_LINES_MAX; i++)
		sprintf(text + strlen(text), "[line L%d]\npattern=random\n", i);
	xt_fails_with(EIO, read_text(text));

	expect_fault("129: more than 64 lines");
}
END_TEST

START_TEST(sim_config_refuses_a_line_that_is_too_long)
{
	char text[4096] = "[line A]\nperiod_us = ";

	memset(text + strlen(text), '1', 3000);
	xt_fails_with(EIO, read_text(text));

	expect_fault("2: the line is too long");
}
END_TEST

START_TEST(sim_config_names_a_file_that_cannot_be_read)
{
	xt_fails_with(ENOENT,
		      isri_sim_config_read("no/such/file", &config, &error));
	ck_assert_str_eq(error.message,
			 "cannot open no/such/file: No such file or directory");

	xt_fails_with(EISDIR, isri_sim_config_read("/", &config, &error));
	ck_assert_str_eq(error.message, "cannot read /: Is a directory");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim-config");
	TCase *tc = xt_case(suite, "good");

	tcase_add_test(tc, sim_config_default_is_the_five_lines_of_the_manual);
	tcase_add_test(tc, sim_config_takes_every_key);
	tcase_add_test(tc, sim_config_gives_each_pattern_its_own_chance);

	tc = xt_case(suite, "faults");
	tcase_add_test(tc, sim_config_tells_all_faults_at_once);
	tcase_add_loop_test(tc, sim_config_names_the_line_of_a_fault, 0,
			    NUM_WRONG);
	tcase_add_test(tc, sim_config_says_that_more_faults_did_not_fit);
	tcase_add_test(tc,
		       sim_config_refuses_more_lines_than_there_is_room_for);
	tcase_add_test(tc, sim_config_refuses_a_line_that_is_too_long);
	tcase_add_test(tc, sim_config_names_a_file_that_cannot_be_read);
	return xt_main(suite);
}
