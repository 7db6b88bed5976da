/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The kernel's chips through libgpiod: how they are found, what is refused
 * and with which words, and what a request really gets. Runs as root in the
 * machine of scripts/vm-run, see tests/vm/scenario-chip.
 */
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "chip.h"
#include "xt-gpio-sim.h"
#include "xt.h"

#define NOBODY 65534
#define NSEC_PER_SEC 1000000000ULL

static const char *const first_lines[] = {"CLOCK", NULL, "BUTTON", "SAME"};
static const char *const second_lines[] = {"OTHER", "SAME"};

/* Of the first chip, but for the label of the second. */
static char name[32], path[64], number[32], link_path[64];
static struct isr_chip *chip;
static struct isri_chip_request *request;
static struct isr_error error;

static void setup(void)
{
	xt_gpio_sim_new("first", "label-1", first_lines, 4);
	xt_gpio_sim_new("second", "label-2", second_lines, 2);
	xt_gpio_sim_get_name("first", name, sizeof(name));
	snprintf(path, sizeof(path), "/dev/%s", name);
	snprintf(number, sizeof(number), "%s", name + strlen("gpiochip"));
	snprintf(link_path, sizeof(link_path), "./link-to-%s", name);
	ck_assert_int_eq(symlink(path, link_path), 0);
	memset(&error, 0, sizeof(error));
	chip = NULL;
	request = NULL;
}

static void teardown(void)
{
	isri_chip_request_release(request);
	isr_chip_unref(chip);
	unlink(link_path);
	xt_gpio_sim_free("first");
	xt_gpio_sim_free("second");
}

static void open_first(void)
{
	int r = isr_chip_open(name, &chip, &error);

	ck_assert_msg(r == 0, "%s", error.message);
}

static void ask(struct isri_chip_request_config config)
{
	int r;

	if (!chip)
		open_first();
	r = isri_chip_request(chip, &config, &request, &error);
	ck_assert_msg(r == 0, "%s", error.message);
}

static void assert_says(const char *text)
{
	ck_assert_msg(strstr(error.message, text), "\"%s\" is not in: %s", text,
		      error.message);
}

/* The next event, which is due. */
static struct isr_event next_event(void)
{
	struct pollfd pfd = {.fd = request->fd, .events = POLLIN};
	struct isr_event event;

	ck_assert_int_eq(poll(&pfd, 1, -1), 1);
	ck_assert_int_eq(isri_chip_request_read(request, &event, 1), 1);
	return event;
}

/*
 * Found.
 */

static const char *const specs[] = {name, path, number, link_path, "label-1"};

START_TEST(chip_opens_by_name_path_number_link_and_label)
{
	int r = isr_chip_open(specs[_i], &chip, &error);

	ck_assert_msg(r == 0, "%s", error.message);

	ck_assert_str_eq(isr_chip_get_name(chip), name);
	ck_assert_str_eq(isr_chip_get_label(chip), "label-1");
	ck_assert_uint_eq(isr_chip_get_num_lines(chip), 4);
	ck_assert(!isr_chip_is_simulated(chip));
}
END_TEST

START_TEST(chip_list_names_each_chip_once)
{
	char second[32], **list;
	int n, i, found = 0;

	xt_gpio_sim_get_name("second", second, sizeof(second));

	n = isr_chip_list(&list);

	ck_assert_int_eq(n, 2);
	for (i = 0; i < n; i++)
		found += !strcmp(list[i], name) + 2 * !strcmp(list[i], second);
	ck_assert_int_eq(found, 3);
	isr_chip_list_free(list);
}
END_TEST

START_TEST(chip_label_of_two_chips_is_refused)
{
	static const char *const lines[] = {"X"};
	char twin[32];

	xt_gpio_sim_new("twin", "label-1", lines, 1);
	xt_gpio_sim_get_name("twin", twin, sizeof(twin));

	xt_fails_with(ENOTUNIQ, isr_chip_open("label-1", &chip, &error));

	assert_says(name);
	assert_says(twin);
	xt_gpio_sim_free("twin");
}
END_TEST

START_TEST(chip_unknown_is_told_with_those_that_are_there)
{
	xt_fails_with(ENODEV, isr_chip_open("label-3", &chip, &error));

	assert_says(name);
	assert_says("label-1");
	assert_says("label-2");
}
END_TEST

START_TEST(chip_path_of_another_device_is_refused)
{
	xt_fails_with(ENODEV, isr_chip_open("/dev/null", &chip, &error));

	assert_says("/dev/null is not a GPIO chip");
}
END_TEST

START_TEST(line_is_found_on_whatever_chip_has_it)
{
	uint32_t offset;

	xt_ok(isr_line_find(NULL, "BUTTON", 0, &chip, &offset, &error));

	ck_assert_str_eq(isr_chip_get_name(chip), name);
	ck_assert_uint_eq(offset, 2);
}
END_TEST

START_TEST(line_name_of_two_chips_is_refused_when_strict)
{
	uint32_t offset;

	xt_fails_with(ENOTUNIQ,
		      isr_line_find(NULL, "SAME", ISR_LINE_FIND_STRICT, &chip,
				    &offset, &error));

	assert_says(name);
	assert_says("not unique");
}
END_TEST

START_TEST(line_unknown_is_told_with_near_names)
{
	uint32_t offset;

	xt_fails_with(ENOENT,
		      isr_line_find(NULL, "CLOK", 0, &chip, &offset, &error));
	assert_says("CLOCK");
	error.message[0] = '\0';
	xt_fails_with(ENOENT, isr_line_find("label-1", "BUTTN", 0, &chip,
					    &offset, &error));
	assert_says("BUTTON");
}
END_TEST

/*
 * Refused.
 */

START_TEST(line_busy_is_told_with_its_holder)
{
	struct isri_chip_request_config config = {.n_lines = 1,
						  .consumer = "the-holder"};
	struct isri_chip_request *second = NULL;
	struct isr_line_info info;

	ask(config);
	xt_ok(isr_chip_get_line_info(chip, 0, &info));
	ck_assert(info.used);
	ck_assert_str_eq(info.consumer, "the-holder");

	xt_fails_with(EBUSY, isri_chip_request(chip, &config, &second, &error));

	assert_says("line 0 \"CLOCK\"");
	assert_says("held by \"the-holder\"");
}
END_TEST

START_TEST(line_released_is_free_again)
{
	struct isri_chip_request_config config = {.n_lines = 1, .offsets = {0}};
	struct isr_line_info info;

	ask(config);
	isri_chip_request_release(request);
	request = NULL;

	xt_ok(isr_chip_get_line_info(chip, 0, &info));
	ck_assert(!info.used);
	ask(config);
}
END_TEST

START_TEST(line_without_timestamp_engine_is_told_so)
{
	struct isri_chip_request_config config = {.n_lines = 1,
						  .clock = ISR_CLOCK_HTE};

	open_first();

	xt_fails_with(EOPNOTSUPP,
		      isri_chip_request(chip, &config, &request, &error));

	assert_says("hardware timestamp engine");
	assert_says("clock monotonic");
}
END_TEST

static int open_as_nobody(void)
{
	int r;

	ck_assert_int_eq(seteuid(NOBODY), 0);
	r = isr_chip_open(path, &chip, &error);
	ck_assert_int_eq(seteuid(0), 0);
	return r;
}

START_TEST(chip_that_only_root_may_open)
{
	ck_assert_int_eq(chmod(path, 0600), 0);

	xt_fails_with(EACCES, open_as_nobody());

	assert_says("only root");
}
END_TEST

START_TEST(chip_of_a_group_is_told_with_that_group)
{
	struct group *group = getgrnam("dialout");

	ck_assert_ptr_nonnull(group);
	ck_assert_int_eq(chown(path, 0, group->gr_gid), 0);
	ck_assert_int_eq(chmod(path, 0660), 0);

	xt_fails_with(EACCES, open_as_nobody());

	assert_says("sudo adduser nobody dialout");
}
END_TEST

/*
 * Requested.
 */

START_TEST(request_descriptor_neither_blocks_nor_is_inherited)
{
	ask((struct isri_chip_request_config){.n_lines = 1});

	ck_assert(fcntl(request->fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(request->fd, F_GETFD) & FD_CLOEXEC);
}
END_TEST

static const struct {
	uint32_t asked, got;
} depths[] = {{0, 1024}, {1024, 1024}, {5000, 1024}, {100, 128}, {1, 16}};

/* The depth is what our rule says, and what the kernel then keeps. */
START_TEST(request_keeps_the_newest_of_1100_edges)
{
	uint32_t got = depths[_i].got, seq = 1100 - got;
	struct isr_event events[64];
	int i, n;

	ask((struct isri_chip_request_config){
		.n_lines = 1, .offsets = {2}, .fifo_events = depths[_i].asked});
	ck_assert_uint_eq(request->fifo_events, got);
	xt_gpio_sim_toggle("first", 2, 1100, ISR_EDGE_BOTH);

	while ((n = isri_chip_request_read(request, events, 64)) > 0) {
		for (i = 0; i < n; i++) {
			ck_assert_uint_eq(events[i].line_seq, ++seq);
			ck_assert_uint_eq(events[i].kind,
					  seq % 2 ? ISR_EVENT_RISING
						  : ISR_EVENT_FALLING);
		}
	}

	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(seq, 1100);
}
END_TEST

/*
 * Several lines.
 */

START_TEST(request_of_two_lines_has_one_sequence)
{
	static const uint32_t order[] = {2, 0, 0, 2, 2, 0};
	int level[4] = {0}, values;
	uint32_t i;

	ask((struct isri_chip_request_config){.n_lines = 2, .offsets = {0, 2}});
	for (i = 0; i < 6; i++) {
		struct isr_event event;

		level[order[i]] = !level[order[i]];
		xt_gpio_sim_pull("first", order[i], level[order[i]]);
		event = next_event();

		ck_assert_uint_eq(event.line_seq, i + 1);
		ck_assert_uint_eq(event.source, order[i] / 2);
		ck_assert_int_eq(event.value, level[order[i]]);
		xt_ok(isri_chip_request_get_values(request, &values));
		ck_assert_int_eq(values, level[0] | level[2] << 1);
	}
}
END_TEST

START_TEST(request_of_several_lines_is_all_or_none)
{
	struct isri_chip_request_config config = {.n_lines = 3,
						  .offsets = {0, 1, 2}};
	struct isri_chip_request *second = NULL;
	struct isr_line_info info;

	ask((struct isri_chip_request_config){
		.n_lines = 1, .offsets = {2}, .consumer = "the-holder"});

	xt_fails_with(EBUSY, isri_chip_request(chip, &config, &second, &error));

	assert_says("line 2 \"BUTTON\": busy, held by \"the-holder\"");
	xt_ok(isr_chip_get_line_info(chip, 0, &info));
	ck_assert(!info.used);
	isri_chip_request_release(request);
	ask(config);
}
END_TEST

START_TEST(request_without_edges_tells_the_level_only)
{
	struct pollfd pfd;
	int values;

	ask((struct isri_chip_request_config){.n_lines = 1,
					      .edge = ISR_EDGE_NONE});
	xt_gpio_sim_pull("first", 0, 1);

	pfd = (struct pollfd){.fd = request->fd, .events = POLLIN};
	ck_assert_int_eq(poll(&pfd, 1, 0), 0);
	xt_ok(isri_chip_request_get_values(request, &values));
	ck_assert_int_eq(values, 1);
}
END_TEST

START_TEST(request_of_a_noisy_line_takes_nothing_of_a_quiet_one)
{
	struct isri_chip_request_config config = {.n_lines = 1, .offsets = {2}};
	struct isri_chip_request *quiet;
	struct isr_event event;

	ask((struct isri_chip_request_config){.n_lines = 1, .offsets = {0}});
	xt_ok(isri_chip_request(chip, &config, &quiet, &error));
	xt_gpio_sim_toggle("first", 2, 1, ISR_EDGE_BOTH);
	xt_gpio_sim_toggle("first", 0, 1100, ISR_EDGE_BOTH);

	ck_assert_int_eq(isri_chip_request_read(quiet, &event, 1), 1);
	ck_assert_uint_eq(event.line_seq, 1);
	ck_assert_int_eq(isri_chip_request_read(request, &event, 1), 1);
	ck_assert_uint_eq(event.line_seq, 77);
	isri_chip_request_release(quiet);
}
END_TEST

START_TEST(request_tells_the_level)
{
	int value;

	ask((struct isri_chip_request_config){.n_lines = 1});
	xt_gpio_sim_pull("first", 0, 1);

	xt_ok(isri_chip_request_get_values(request, &value));

	ck_assert_int_eq(value, 1);
}
END_TEST

START_TEST(request_active_low_swaps_level_and_edges)
{
	struct isr_event event;
	int value;

	ask((struct isri_chip_request_config){.n_lines = 1,
					      .active_low = true});
	xt_ok(isri_chip_request_get_values(request, &value));
	ck_assert_int_eq(value, 1);
	xt_gpio_sim_pull("first", 0, 1);

	event = next_event();

	ck_assert_uint_eq(event.kind, ISR_EVENT_FALLING);
	ck_assert_int_eq(event.value, 0);
}
END_TEST

START_TEST(request_bias_pulls_the_line)
{
	struct isr_line_info info;
	int value;

	ask((struct isri_chip_request_config){.n_lines = 1,
					      .bias = ISR_BIAS_PULL_UP});

	xt_ok(isri_chip_request_get_values(request, &value));
	xt_ok(isr_chip_get_line_info(chip, 0, &info));
	ck_assert_int_eq(value, 1);
	ck_assert_uint_eq(info.bias, ISR_BIAS_PULL_UP);
}
END_TEST

START_TEST(request_debounced_says_so_and_drops_a_bounce)
{
	struct isr_line_info info;
	struct isr_event event;

	ask((struct isri_chip_request_config){.n_lines = 1,
					      .debounce_ns = 20000000});
	xt_ok(isr_chip_get_line_info(chip, 0, &info));
	ck_assert_uint_eq(info.debounce_us, 20000);
	xt_gpio_sim_pull("first", 0, 1);
	xt_gpio_sim_pull("first", 0, 0);
	xt_gpio_sim_pull("first", 0, 1);

	/* Had each been settled, the second one would be falling. */
	event = next_event();
	ck_assert_uint_eq(event.kind, ISR_EVENT_RISING);
	ck_assert_uint_eq(event.flags, ISR_EVENT_FLAG_DEBOUNCED);
}
END_TEST

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static const struct {
	enum isr_clock clock;
	clockid_t id;
} clocks[] = {{ISR_CLOCK_MONOTONIC, CLOCK_MONOTONIC},
	      {ISR_CLOCK_REALTIME, CLOCK_REALTIME}};

START_TEST(request_stamps_with_the_clock_asked_for)
{
	struct isr_event event;
	uint64_t before_ns;

	ask((struct isri_chip_request_config){.n_lines = 1,
					      .clock = clocks[_i].clock});
	before_ns = clock_ns(clocks[_i].id);
	xt_gpio_sim_pull("first", 0, 1);

	event = next_event();

	ck_assert_uint_ge(event.t_ns, before_ns);
	ck_assert_uint_le(event.t_ns, clock_ns(clocks[_i].id));
}
END_TEST

START_TEST(request_of_an_unplugged_chip_says_that_it_is_gone)
{
	struct isr_event event;
	struct pollfd pfd;

	ask((struct isri_chip_request_config){.n_lines = 1});
	xt_gpio_sim_unplug("first");

	pfd = (struct pollfd){.fd = request->fd, .events = POLLIN};
	ck_assert_int_eq(poll(&pfd, 1, -1), 1);
	xt_fails_with(ENODEV, isri_chip_request_read(request, &event, 1));

	/* Plugged in again it is another chip, of the same label. */
	isri_chip_request_release(request);
	chip = isr_chip_unref(chip);
	xt_gpio_sim_plug("first");
	xt_ok(isr_chip_open("label-1", &chip, &error));
	ask((struct isri_chip_request_config){.n_lines = 1});
	xt_gpio_sim_toggle("first", 0, 1, ISR_EDGE_BOTH);
	event = next_event();
	ck_assert_uint_eq(event.line_seq, 1);
}
END_TEST

static void add_found(Suite *suite)
{
	TCase *tcase = xt_case(suite, "found");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase,
			    chip_opens_by_name_path_number_link_and_label, 0,
			    sizeof(specs) / sizeof(*specs));
	tcase_add_test(tcase, chip_list_names_each_chip_once);
	tcase_add_test(tcase, chip_label_of_two_chips_is_refused);
	tcase_add_test(tcase, chip_unknown_is_told_with_those_that_are_there);
	tcase_add_test(tcase, chip_path_of_another_device_is_refused);
	tcase_add_test(tcase, line_is_found_on_whatever_chip_has_it);
	tcase_add_test(tcase, line_name_of_two_chips_is_refused_when_strict);
	tcase_add_test(tcase, line_unknown_is_told_with_near_names);
}

static void add_refused(Suite *suite)
{
	TCase *tcase = xt_case(suite, "refused");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, line_busy_is_told_with_its_holder);
	tcase_add_test(tcase, line_released_is_free_again);
	tcase_add_test(tcase, line_without_timestamp_engine_is_told_so);
	tcase_add_test(tcase, chip_that_only_root_may_open);
	tcase_add_test(tcase, chip_of_a_group_is_told_with_that_group);
}

static void add_requested(Suite *suite)
{
	TCase *tcase = xt_case(suite, "requested");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase,
		       request_descriptor_neither_blocks_nor_is_inherited);
	tcase_add_loop_test(tcase, request_keeps_the_newest_of_1100_edges, 0,
			    sizeof(depths) / sizeof(*depths));
	tcase_add_test(tcase,
		       request_of_a_noisy_line_takes_nothing_of_a_quiet_one);
	tcase_add_test(tcase, request_of_two_lines_has_one_sequence);
	tcase_add_test(tcase, request_of_several_lines_is_all_or_none);
	tcase_add_test(tcase, request_without_edges_tells_the_level_only);
	tcase_add_test(tcase, request_tells_the_level);
	tcase_add_test(tcase, request_active_low_swaps_level_and_edges);
	tcase_add_test(tcase, request_bias_pulls_the_line);
	tcase_add_test(tcase, request_debounced_says_so_and_drops_a_bounce);
	tcase_add_loop_test(tcase, request_stamps_with_the_clock_asked_for, 0,
			    sizeof(clocks) / sizeof(*clocks));
	tcase_add_test(tcase,
		       request_of_an_unplugged_chip_says_that_it_is_gone);
}

int main(void)
{
	Suite *suite = suite_create("chip-gpiod");

	add_found(suite);
	add_refused(suite);
	add_requested(suite);
	return xt_main(suite);
}
