/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The daemon's configuration: what it holds, and every fault of it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config-value.h"
#include "daemon/config.h"
#include "tests/xt.h"

static char directory[] = "/tmp/test-config-XXXXXX";
static char path[64];
static struct config *config;

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void load(const char *text)
{
	write_file(path, text);
	xt_ok(config_load(path, &config));
}

/* One more file beside it; before load(). */
static void add_dropin(const char *name, const char *text)
{
	char dropin[128];

	snprintf(dropin, sizeof(dropin), "%s.d", path);
	mkdir(dropin, 0700);
	snprintf(dropin, sizeof(dropin), "%s.d/%s", path, name);
	write_file(dropin, text);
}

/* The faults are these, with the path of the file taken off. */
static void assert_faults(const char *const *expected, size_t n)
{
	size_t i;

	for (i = 0; i < n && i < config->n_faults; i++)
		ck_assert_str_eq(config->faults[i] + strlen(path), expected[i]);
	ck_assert_uint_eq(config->n_faults, n);
}

#define assert_fault(expected) assert_faults((const char *const[]){expected}, 1)

static void setup(void)
{
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/conf", directory);
}

static void teardown(void)
{
	char command[128];

	config_free(config);
	config = NULL;
	snprintf(command, sizeof(command), "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(empty_file_has_the_defaults)
{
	load("");

	ck_assert_uint_eq(config->n_faults, 0);
	ck_assert_uint_eq(config->n_lines, 0);
	ck_assert_str_eq(config->daemon.socket, "/run/isrloop/io.isrloop");
	ck_assert_ptr_null(config->daemon.socket_group);
	ck_assert_uint_eq(config->daemon.socket_mode, 0660);
	ck_assert_uint_eq(config->daemon.max_clients, 64);
	ck_assert_uint_eq(config->daemon.client_queue_events, 4096);
}
END_TEST

START_TEST(daemon_section_is_read)
{
	load("[daemon]\n"
	     "socket = /tmp/s ; where\n"
	     "socket-group=gpio\n"
	     "socket-mode = 0600\n"
	     "max-clients = 3\n"
	     "client-queue = 17\n");

	ck_assert_uint_eq(config->n_faults, 0);
	ck_assert_str_eq(config->daemon.socket, "/tmp/s");
	ck_assert_str_eq(config->daemon.socket_group, "gpio");
	ck_assert_uint_eq(config->daemon.socket_mode, 0600);
	ck_assert_uint_eq(config->daemon.max_clients, 3);
	ck_assert_uint_eq(config->daemon.client_queue_events, 17);
}
END_TEST

START_TEST(line_section_is_read)
{
	const struct config_line *line;

	load("[line FRONT DOOR]\n"
	     "  chip = pinctrl-rp1\n"
	     "  line = 17\n"
	     "  edges = falling\n"
	     "  bias = pull-up\n"
	     "  active-low = yes\n"
	     "  debounce = 5\n"
	     "  clock = realtime\n"
	     "  reader = loop\n");

	ck_assert_uint_eq(config->n_faults, 0);
	ck_assert_uint_eq(config->n_lines, 1);
	line = &config->lines[0];
	ck_assert_str_eq(line->name, "FRONT DOOR");
	ck_assert_str_eq(line->chip, "pinctrl-rp1");
	ck_assert_str_eq(line->line, "17");
	ck_assert_int_eq(line->edge, ISR_EDGE_FALLING);
	ck_assert_int_eq(line->bias, ISR_BIAS_PULL_UP);
	ck_assert(line->active_low);
	ck_assert_uint_eq(line->debounce_ns, 5000000);
	ck_assert_int_eq(line->clock, ISR_CLOCK_REALTIME);
	ck_assert_int_eq(line->reader, ISR_READER_LOOP);
}
END_TEST

START_TEST(line_is_found_by_its_section_name)
{
	load("[line BUTTON]\n");

	ck_assert_uint_eq(config->n_faults, 0);
	ck_assert_str_eq(config->lines[0].line, "BUTTON");
	ck_assert_ptr_null(config->lines[0].chip);
}
END_TEST

START_TEST(dropins_are_read_in_order_and_override_the_daemon)
{
	add_dropin("20.conf", "[daemon]\nmax-clients = 20\n[line B]\n");
	add_dropin("10.conf", "[daemon]\nmax-clients = 10\n[line A]\n");
	add_dropin("30.off", "nonsense\n");
	load("[daemon]\nmax-clients = 1\n");

	ck_assert_uint_eq(config->n_faults, 0);
	ck_assert_uint_eq(config->daemon.max_clients, 20);
	ck_assert_uint_eq(config->n_lines, 2);
	ck_assert_str_eq(config->lines[0].name, "A");
}
END_TEST

START_TEST(missing_file_is_a_fault)
{
	xt_ok(config_load(path, &config));

	assert_fault(": No such file or directory");
}
END_TEST

START_TEST(every_fault_is_told_at_once)
{
	static const char *const expected[] = {
		":1: \"socket\" stands before the first section",
		":3: [daemon] has no key \"max-client\"; did you mean \"max-clients\"?",
		":4: no section [lien]; did you mean [line NAME]?",
		":7: edges is both, rising or falling, not \"risng\"; did you mean \"rising\"?",
		":8: \"bias\" is no \"key = value\"",
	};

	load("socket = /x\n"
	     "[daemon]\n"
	     "max-client = 3\n"
	     "[lien A]\n"
	     "not = looked at\n"
	     "[line A]\n"
	     "edges = risng\n"
	     "bias\n");

	assert_faults(expected, 5);
}
END_TEST

static const struct {
	const char *text;
	const char *fault;
} faults[] = {
	{"[daemon\n", ":1: \"[daemon\" lacks its \"]\""},
	{"[daemon] x\n", ":1: \"x\" behind a section's \"]\""},
	{"[daemon a]\n", ":1: [daemon] takes no name"},
	{"[network]\n",
	 ":1: no section [network]; there are [daemon] and [line NAME]"},
	{"[demon]\n", ":1: no section [demon]; did you mean [daemon]?"},
	{"[line]\n", ":1: [line NAME] needs a name of 1 to 63 bytes of UTF-8"},
	{"[line \xff]\n",
	 ":1: [line NAME] needs a name of 1 to 63 bytes of UTF-8"},
	{"[line A]\nedges =\n", ":2: edges has no value"},
	{"[line A]\ngroup = x\n", ":2: [line] has no key \"group\""},
	{"[line A]\ndebonuce = 5\n",
	 ":2: [line] has no key \"debonuce\"; did you mean \"debounce\"?"},
	{"[line A]\nactive-low = maybe\n",
	 ":2: active-low is yes or no, not \"maybe\""},
	{"[line A]\nreader = threat\n",
	 ":2: reader is thread or loop, not \"threat\"; did you mean \"thread\"?"},
	{"[line A]\nclock = cuckoo\n",
	 ":2: clock is monotonic, realtime or hte, not \"cuckoo\""},
	{"[line A]\nedges = both\nedges = both\n",
	 ":3: edges is set twice; first in line 2"},
	{"[line A]\nedges = both # and so on\n",
	 ":2: edges = both # and so on: a comment behind a value starts with \";\""},
	{"[line 17]\n", ":1: [line 17] is line 17 of which chip? Set chip"},
	{"[daemon]\nsocket = relative\n",
	 ":2: socket is an absolute path of at most 107 bytes, not \"relative\""},
	{"[daemon]\nsocket-mode = 0680\n",
	 ":2: socket-mode is octal permission bits like 0660, not \"0680\""},
	{"[daemon]\nclient-queue = 0\n",
	 ":2: client-queue is a number from 1 to 1048576, not \"0\""},
	{"[line A]\ndevice = decoder\n",
	 ":2: device is switch, button, encoder or counter, not \"decoder\"; did you mean \"encoder\"?"},
	{"[line A]\ndevice = butto\nlong = 1s\n",
	 ":2: device is switch, button, encoder or counter, not \"butto\"; did you mean \"button\"?"},
	{"[line A]\ndevice = switch\nholdoff = 1\n",
	 ":3: [line] has no key \"holdoff\"; did you mean \"hold-off\"?"},
	{"[line A]\nlong = 1s\n",
	 ":2: long is for a button; [line A] has no device"},
	{"[line A]\ncontact = raw\n",
	 ":2: contact is for a switch or a button; [line A] has no device"},
	{"[line A]\nsteps = 2\ndevice = counter\n",
	 ":2: steps is for an encoder; [line A] is a counter"},
	{"[line A]\ndevice = switch\nreport = 1s\n",
	 ":3: report is for an encoder or a counter; [line A] is a switch"},
	{"[line A]\ndevice = switch\nwindow = 1s\n",
	 ":3: window is for a counter; [line A] is a switch"},
	{"[line A]\ndevice = switch\nline-b = 2\n"
	 "chip = c\n",
	 ":3: line-b is for an encoder; [line A] is a switch"},
	{"[line A]\ndevice = switch\ncontact = eagre\n",
	 ":3: contact is eager, stable, polled or raw, not \"eagre\"; did you mean \"eager\"?"},
	{"[line A]\ndevice = switch\nedges = rising\n",
	 ":3: a switch needs edges = both, not rising"},
	{"[line A]\nedges = falling\ndevice = button\n",
	 ":2: a button needs edges = both, not falling"},
	{"[line A]\nedges = falling\nline-b = B\ndevice = encoder\n",
	 ":2: an encoder needs edges = both, not falling"},
	{"[line A]\ndevice = counter\nclock = realtime\n",
	 ":3: a counter needs clock = monotonic, not realtime"},
	{"[line A]\ndevice = switch\nhold-off = 0\n",
	 ":3: hold-off is a whole number of ms, or one with us, ms, s or m behind it and above 0 and at most 4294 s, not \"0\""},
	{"[line A]\ndevice = switch\nhold-off = 5\ncontact = raw\n",
	 ":3: contact = raw has no hold-off"},
	{"[line A]\ndevice = switch\npoll = 5\n",
	 ":3: poll needs contact = polled"},
	{"[line A]\ndevice = button\npoll = 999us\ncontact = polled\n",
	 ":3: poll is at least 1ms"},
	{"[line A]\ndevice = switch\ndebounce = 5\n",
	 ":3: debounce is the chip's and needs contact = stable; hold-off does without the chip"},
	{"[line A]\ndevice = button\ndebounce = 5\nhold-off = 5\n"
	 "contact = stable\n",
	 ":3: debounce and hold-off exclude each other: by the chip, or without it"},
	{"[line A]\ndevice = counter\ndebounce = 5\n",
	 ":3: debounce does not fit a counter"},
	{"[line A]\ndevice = button\nclicks = 0\n",
	 ":3: clicks is a number from 1 to 100, not \"0\""},
	{"[line A]\ndevice = button\nclicks = 1\nclick = 100\n",
	 ":4: click is the time of several clicks, and clicks = 1 has none"},
	{"[line A]\ndevice = button\nrepeat = 100\nlong = 0\n",
	 ":3: repeat follows a long press, and long = 0 has none"},
	{"[line A]\ndevice = button\nrepeat = 999us\n",
	 ":3: repeat is 0 or at least 1ms"},
	{"[line A]\ndevice = button\nsuppress = shorts\n",
	 ":3: suppress is none, short or release, not \"shorts\"; did you mean \"short\"?"},
	{"[line A]\ndevice = counter\nreport = 999us\n",
	 ":3: report is 0 or at least 1ms"},
	{"[line A]\n\ndevice = encoder\n",
	 ":3: an encoder needs line-b, its second line"},
	{"[line A]\ndevice = encoder\nline-b = A\n",
	 ":3: line-b is the same line as line"},
	{"[line A]\ndevice = encoder\nline-b = 4\n",
	 ":1: [line A] is line 4 of which chip? Set chip"},
	{"[line A]\ndevice = encoder\nline-b = B\nsteps = 3\n",
	 ":4: steps is 1, 2 or 4, not \"3\""},
	{"[line A]\ndevice = encoder\nline-b = B\nmin = 5\nmax = 5\n",
	 ":5: max is not above min"},
	{"[line A]\ndevice = encoder\nline-b = B\nmin = 9223372036854775807\n",
	 ":4: max is not above min"},
	{"[line A]\ndevice = encoder\nline-b = B\nmodulo = 0\n",
	 ":4: modulo is not above 0"},
	{"[line A]\ndevice = encoder\nline-b = B\nmin = low\n",
	 ":4: min is a whole number, not \"low\""},
	/* What is a fault by itself is not judged with others once more. */
	{"[line A]\ndevice = switch\ncontact = poled\npoll = 5\n",
	 ":3: contact is eager, stable, polled or raw, not \"poled\"; did you mean \"polled\"?"},
	{"[line A]\ndevice = switch\ncontact = stabel\ndebounce = 5\n",
	 ":3: contact is eager, stable, polled or raw, not \"stabel\"; did you mean \"stable\"?"},
	{"[line A]\ndevice = switch\ncontact = polled\npoll = soon\n",
	 ":4: poll is a whole number of ms, or one with us, ms, s or m behind it and above 0 and at most 4294 s, not \"soon\""},
	{"[line A]\ndevice = button\nlong = ever\nrepeat = 100\n",
	 ":3: long is a whole number of ms, or one with us, ms, s or m behind it and at most 4294 s, not \"ever\""},
	{"[line A]\ndevice = encoder\nline-b = B\nmin = low\nmax = -5\n",
	 ":4: min is a whole number, not \"low\""},
	{"[line A]\ndevice = encoder\nline-b = B\nmin = 5\nmax = high\n",
	 ":5: max is a whole number, not \"high\""},
	{"[line A]\ndevice = encoder\nline-b = B\nmodulo = many\n",
	 ":4: modulo is a whole number, not \"many\""},
	{"[line A]\ndevice = encoder\nline-b =\n", ":3: line-b has no value"},
};

START_TEST(fault_is_told)
{
	load(faults[_i].text);

	assert_fault(faults[_i].fault);
}
END_TEST

START_TEST(same_section_twice_names_the_first)
{
	char expected[128];

	load("[line A]\n\n[line A]\n");

	snprintf(expected, sizeof(expected),
		 ":3: [line A] is there twice; first at %s:1", path);
	assert_fault(expected);
}
END_TEST

START_TEST(same_section_twice_is_read_for_its_faults)
{
	load("[line A]\n[line A]\nbias = sideways\n");

	ck_assert_uint_eq(config->n_faults, 2);
}
END_TEST

START_TEST(one_line_in_two_sections_names_the_first)
{
	char expected[128];

	load("[line A]\nchip = c\nline = 1\n[line B]\nline = 1\nchip = c\n");

	snprintf(expected, sizeof(expected),
		 ":4: [line B] is the same line as [line A] at %s:1", path);
	assert_fault(expected);
}
END_TEST

START_TEST(second_line_of_an_encoder_is_a_line_too)
{
	char expected[2][128];
	const char *const pointers[] = {expected[0], expected[1]};

	load("[line A]\nchip = c\n"
	     "[line K]\nchip = c\ndevice = encoder\nline-b = A\n"
	     "[line L]\ndevice = encoder\nline-b = A\n"
	     "[line M]\nchip = c\nline = K\n");

	snprintf(expected[0], sizeof(expected[0]),
		 ":3: line A of [line K] is also one of [line A] at %s:1",
		 path);
	snprintf(expected[1], sizeof(expected[1]),
		 ":10: line K of [line M] is also one of [line K] at %s:3",
		 path);
	assert_faults(pointers, 2);
}
END_TEST

START_TEST(devices_have_their_defaults)
{
	const struct config_device *device;

	load("[line S]\ndevice = switch\n"
	     "[line B]\ndevice = button\n"
	     "[line E]\ndevice = encoder\nline-b = F\n"
	     "[line C]\ndevice = counter\n"
	     "[line L]\n");

	ck_assert_uint_eq(config->n_faults, 0);
	device = &config->lines[0].device;
	ck_assert_int_eq(device->type, CONFIG_DEVICE_SWITCH);
	ck_assert_int_eq(device->contact, ISR_SWITCH_EAGER);
	device = &config->lines[1].device;
	ck_assert_uint_eq(device->long_ns, 1000000000);
	ck_assert_uint_eq(device->click_ns, 400000000);
	ck_assert_uint_eq(device->clicks, 2);
	ck_assert_uint_eq(device->repeat_ns, 0);
	device = &config->lines[2].device;
	ck_assert_str_eq(device->line_b, "F");
	ck_assert_int_eq(device->steps, 4);
	ck_assert_uint_eq(device->divider, 1);
	ck_assert_int_eq(device->min, INT64_MIN);
	ck_assert_int_eq(device->max, INT64_MAX);
	ck_assert_int_eq(device->modulo, 0);
	ck_assert_uint_eq(device->report_ns, 0);
	device = &config->lines[3].device;
	ck_assert_uint_eq(device->window_ns, 1000000000);
	ck_assert_uint_eq(device->report_ns, 1000000000);
	ck_assert_int_eq(config->lines[4].device.type, CONFIG_DEVICE_NONE);
}
END_TEST

START_TEST(devices_are_read)
{
	const struct config_device *device;

	load("[line B]\ndevice = button\ncontact = stable\ndebounce = 7\n"
	     "long = 0\nclick = 300\nclicks = 3\nsuppress = release\n"
	     "[line E]\ndevice = encoder\nline-b = F\nsteps = 1\n"
	     "divider = 4\nmin = -10\nmax = +10\nmodulo = 8\nreport = 20\n"
	     "[line C]\ndevice = counter\nedges = rising\nwindow = 2s\n"
	     "report = 0\n"
	     "[line S]\ndevice = switch\ncontact = polled\npoll = 5\n"
	     "hold-off = 20\n");

	ck_assert_uint_eq(config->n_faults, 0);
	device = &config->lines[0].device;
	ck_assert_int_eq(device->contact, ISR_SWITCH_STABLE);
	ck_assert_uint_eq(device->long_ns, 0);
	ck_assert_uint_eq(device->click_ns, 300000000);
	ck_assert_uint_eq(device->clicks, 3);
	ck_assert_int_eq(device->suppress, ISR_BUTTON_SUPPRESS_RELEASE);
	device = &config->lines[1].device;
	ck_assert_int_eq(device->steps, 1);
	ck_assert_uint_eq(device->divider, 4);
	ck_assert_int_eq(device->min, -10);
	ck_assert_int_eq(device->max, 10);
	ck_assert_int_eq(device->modulo, 8);
	ck_assert_uint_eq(device->report_ns, 20000000);
	device = &config->lines[2].device;
	ck_assert_uint_eq(device->window_ns, 2000000000);
	ck_assert_uint_eq(device->report_ns, 0);
	device = &config->lines[3].device;
	ck_assert_int_eq(device->contact, ISR_SWITCH_POLLED);
	ck_assert_uint_eq(device->poll_ns, 5000000);
	ck_assert_uint_eq(device->hold_off_ns, 20000000);
}
END_TEST

START_TEST(too_long_line_is_a_fault_not_two_keys)
{
	char text[300] = "[line A]\nchip = ";

	memset(text + strlen(text), 'x', 230);
	load(text);

	assert_fault(":2: the line is longer than 197 bytes");
}
END_TEST

static const struct {
	const char *text;
	int r;
	uint64_t ns;
} periods[] = {
	{"0", 0, 0},	       {"10", 0, 10000000},
	{"10ms", 0, 10000000}, {"7us", 0, 7000},
	{"2s", 0, 2000000000}, {"1m", 0, 60000000000},
	{"010", 0, 10000000},  {"", -EINVAL, 0},
	{"ms", -EINVAL, 0},    {"-1", -EINVAL, 0},
	{" 1", -EINVAL, 0},    {"1 ms", -EINVAL, 0},
	{"1msx", -EINVAL, 0},  {"1.5s", -EINVAL, 0},
	{"1ns", -EINVAL, 0},   {"0x10", -EINVAL, 0},
	{"4295s", -ERANGE, 0}, {"99999999999999999999", -ERANGE, 0},
};

START_TEST(period_is_strict)
{
	uint64_t ns = 0;

	ck_assert_int_eq(config_value_period_ns(periods[_i].text, &ns),
			 periods[_i].r);

	ck_assert_uint_eq(ns, periods[_i].ns);
}
END_TEST

static const struct {
	const char *text;
	int r;
	int64_t value;
} integers[] = {
	{"0", 0, 0},
	{"-1", 0, -1},
	{"+1", 0, 1},
	{"-0", 0, 0},
	{"", -EINVAL, 0},
	{"-", -EINVAL, 0},
	{"--1", -EINVAL, 0},
	{"1 ", -EINVAL, 0},
	{"0x1", -EINVAL, 0},
	{"1.5", -EINVAL, 0},
	{"9223372036854775807", 0, INT64_MAX},
	{"9223372036854775808", -ERANGE, 0},
	{"-9223372036854775808", 0, INT64_MIN},
	{"-9223372036854775809", -ERANGE, 0},
	{"99999999999999999999", -ERANGE, 0},
};

START_TEST(integer_is_strict)
{
	int64_t value = 0;

	ck_assert_int_eq(config_value_integer(integers[_i].text, &value),
			 integers[_i].r);

	ck_assert_int_eq(value, integers[_i].value);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase;

	tcase = xt_case(suite, "config");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, empty_file_has_the_defaults);
	tcase_add_test(tcase, daemon_section_is_read);
	tcase_add_test(tcase, line_section_is_read);
	tcase_add_test(tcase, line_is_found_by_its_section_name);
	tcase_add_test(tcase,
		       dropins_are_read_in_order_and_override_the_daemon);
	tcase_add_test(tcase, missing_file_is_a_fault);
	tcase_add_test(tcase, every_fault_is_told_at_once);
	tcase_add_loop_test(tcase, fault_is_told, 0,
			    sizeof(faults) / sizeof(faults[0]));
	tcase_add_test(tcase, same_section_twice_names_the_first);
	tcase_add_test(tcase, same_section_twice_is_read_for_its_faults);
	tcase_add_test(tcase, one_line_in_two_sections_names_the_first);
	tcase_add_test(tcase, second_line_of_an_encoder_is_a_line_too);
	tcase_add_test(tcase, devices_have_their_defaults);
	tcase_add_test(tcase, devices_are_read);
	tcase_add_test(tcase, too_long_line_is_a_fault_not_two_keys);

	tcase = xt_case(suite, "value");
	tcase_add_loop_test(tcase, period_is_strict, 0,
			    sizeof(periods) / sizeof(periods[0]));
	tcase_add_loop_test(tcase, integer_is_strict, 0,
			    sizeof(integers) / sizeof(integers[0]));
	return xt_main(suite);
}
