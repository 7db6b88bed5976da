/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Simulated chips: what they are, how their lines are found, and that their
 * patterns are as described.
 *
 * Nothing here waits for a time; what takes time waits for an edge.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "xt-chip.h"

/*
 * The chip.
 */

START_TEST(sim_is_plainly_labelled)
{
	ck_assert(isr_chip_is_simulated(chip));
	ck_assert_str_eq(isr_chip_get_name(chip), "sim:");
	ck_assert_str_eq(isr_chip_get_label(chip), "isrloop-sim");
	ck_assert_uint_eq(isr_chip_get_num_lines(chip), NUM_LINES);
}
END_TEST

START_TEST(sim_opened_twice_is_one_chip)
{
	struct isr_chip *again;

	xt_ok(isr_chip_open("sim:", &again, NULL));

	ck_assert_ptr_eq(again, chip);
	isr_chip_unref(again);
}
END_TEST

START_TEST(sim_file_with_faults_is_told)
{
	struct isr_error error;
	struct isr_chip *other;

	xt_fails_with(ENOENT,
		      isr_chip_open("sim:no-such-file", &other, &error));

	ck_assert_ptr_nonnull(strstr(error.message, "no-such-file"));
}
END_TEST

static void expect_refusal(const struct isri_chip_request_config *config,
			   const char *message)
{
	struct isri_chip_request *request;
	struct isr_line_info info;
	struct isr_error error;

	xt_fails_with(EOPNOTSUPP,
		      isri_chip_request(chip, config, &request, &error));
	ck_assert_ptr_nonnull(strstr(error.message, message));
	xt_ok(isr_chip_get_line_info(chip, config->offsets[0], &info));
	ck_assert(!info.used);
}

START_TEST(sim_has_no_hardware_clock)
{
	expect_refusal(
		&(struct isri_chip_request_config){.n_lines = 1,
						   .offsets = {IDLE},
						   .clock = ISR_CLOCK_HTE},
		"a simulated chip has no hardware "
		"timestamp engine; use clock monotonic");
}
END_TEST

START_TEST(sim_need_not_be_able_to_debounce)
{
	struct isri_chip_request_config config = {.n_lines = 1,
						  .debounce_ns = MS};

	xt_chip_open_file("[chip]\ndebounce = no\n[line A]\n");

	expect_refusal(&config,
		       "this simulated chip cannot debounce; ask for no "
		       "debounce");
	config.debounce_ns = 0;
	isri_chip_request_release(xt_chip_request_with(config));
}
END_TEST

START_TEST(sim_line_info_tells_the_holder)
{
	struct isri_chip_request *request = xt_chip_request_with(
		(struct isri_chip_request_config){.n_lines = 1,
						  .offsets = {IDLE},
						  .bias = ISR_BIAS_PULL_UP,
						  .active_low = true,
						  .debounce_ns = 5000000,
						  .consumer = "me"});
	struct isr_line_info info;

	xt_ok(isr_chip_get_line_info(chip, IDLE, &info));

	ck_assert(info.used);
	ck_assert(info.active_low);
	ck_assert_str_eq(info.name, "IDLE");
	ck_assert_str_eq(info.consumer, "me");
	ck_assert_int_eq(info.bias, ISR_BIAS_PULL_UP);
	ck_assert_int_eq(info.direction, ISR_DIRECTION_INPUT);
	ck_assert_uint_eq(info.debounce_us, 5000);

	isri_chip_request_release(request);
	xt_ok(isr_chip_get_line_info(chip, IDLE, &info));
	ck_assert(!info.used);
	ck_assert_str_eq(info.consumer, "");
	xt_fails_with(EINVAL, isr_chip_get_line_info(chip, NUM_LINES, &info));
}
END_TEST

/*
 * Lines by name.
 */

static struct isr_error find_fails(const char *line, unsigned int flags)
{
	struct isr_chip *found;
	struct isr_error error;
	uint32_t offset;

	xt_fails_with(ENOENT, isr_line_find("sim:", line, flags, &found,
					    &offset, &error));
	return error;
}

START_TEST(line_find_takes_names_and_offsets)
{
	struct isr_chip *found;
	uint32_t offset;

	xt_ok(isr_line_find("sim:", "ENC_B", 0, &found, &offset, NULL));
	ck_assert_ptr_eq(found, chip);
	ck_assert_uint_eq(offset, ENC_B);
	isr_chip_unref(found);

	xt_ok(isr_line_find("sim:", "4", ISR_LINE_FIND_STRICT, &found, &offset,
			    NULL));
	ck_assert_uint_eq(offset, IDLE);
	isr_chip_unref(found);
}
END_TEST

START_TEST(line_find_suggests_near_names)
{
	ck_assert_str_eq(find_fails("BUTON", 0).message,
			 "sim: [isrloop-sim] has no line \"BUTON\"; did you "
			 "mean BUTTON?");
}
END_TEST

START_TEST(line_find_lists_the_lines_when_none_is_near)
{
	ck_assert_str_eq(find_fails("xyzzy", 0).message,
			 "sim: [isrloop-sim] has no line \"xyzzy\"; its lines "
			 "are CLOCK, BUTTON, ENC_A, ENC_B, IDLE");
}
END_TEST

START_TEST(line_find_by_name_takes_no_offset)
{
	find_fails("4", ISR_LINE_FIND_BY_NAME);
}
END_TEST

START_TEST(line_find_tells_the_range_of_offsets)
{
	ck_assert_str_eq(find_fails("5", 0).message,
			 "sim: [isrloop-sim] has no line \"5\"; its offsets "
			 "are 0 to 4");
}
END_TEST

/*
 * Patterns.
 */

START_TEST(sim_clock_is_1_khz_exactly)
{
	struct isri_chip_request *request = xt_chip_request(CLOCK);
	struct isr_event events[20];
	int i;

	xt_chip_read(request, events, 20);

	for (i = 0; i < 20; i++) {
		ck_assert_uint_eq(events[i].line_seq, i + 1);
		ck_assert_int_eq(events[i].value, (i + 1) & 1);
		ck_assert_uint_eq(events[i].t_ns, events[0].t_ns + i * 500000);
	}
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_encoder_lines_keep_quadrature_across_requests)
{
	struct isri_chip_request *a, *b;
	struct isr_event first, events[10];
	int i;

	/* Forth for 40 s, so that it is still so when B is requested. */
	xt_chip_open_file("[encoder A B]\nperiod_us = 400\ncycles = 100000\n");
	a = xt_chip_request(0);
	b = xt_chip_request(1);
	xt_chip_read(a, &first, 1);
	xt_chip_read(b, events, 10);

	/* B follows A by a quarter of 400 us, rise by rise. */
	ck_assert_int_eq(first.value, 1);
	for (i = 0; i < 10; i++) {
		uint64_t since_ns = events[i].t_ns - first.t_ns;

		ck_assert_uint_eq(since_ns % 200000, 100000);
		ck_assert_int_eq(events[i].value, since_ns / 200000 % 2 == 0);
	}
	isri_chip_request_release(a);
	isri_chip_request_release(b);
}
END_TEST

START_TEST(sim_button_bounces_and_debounce_cures_it)
{
	struct isri_chip_request *raw, *clean;
	struct isr_event events[6];
	int i;

	/* The same seed twice: one line is seen raw, one debounced. */
	xt_chip_open_file("[line A]\npattern = button\nperiod_us = 20000\n"
			  "hold_us = 9000\nbounces = 9\nbounce_us = 2000\n"
			  "[line B]\npattern = button\nperiod_us = 20000\n"
			  "hold_us = 9000\nbounces = 9\nbounce_us = 2000\n");
	raw = xt_chip_request(0);
	clean = xt_chip_request_with((struct isri_chip_request_config){
		.n_lines = 1, .offsets = {1}, .debounce_ns = 3 * MS});

	xt_chip_read(clean, events, 6);
	for (i = 1; i < 6; i++) {
		ck_assert_int_eq(events[i].value, !events[i - 1].value);
		ck_assert_uint_gt(events[i].t_ns, events[i - 1].t_ns + 5 * MS);
	}
	/* Within one press there are at least two bounces. */
	xt_chip_read(raw, events, 3);
	ck_assert_uint_lt(events[2].t_ns - events[0].t_ns, 2 * MS);
	isri_chip_request_release(raw);
	isri_chip_request_release(clean);
}
END_TEST

START_TEST(sim_burst_overflows_a_shallow_fifo_like_the_kernel)
{
	struct isri_chip_request *shallow, *after;
	struct isr_event events[16], event;
	int i;

	xt_chip_open_file("[line A]\npattern = burst\nperiod_us = 10000\n"
			  "edges = 500\ngap_us = 1\n"
			  "[line B]\npattern = square\nperiod_us = 20002\n");
	shallow = xt_chip_request_with((struct isri_chip_request_config){
		.n_lines = 1, .offsets = {0}, .fifo_events = 16});
	after = xt_chip_request(1);

	/* B rises 1 us after the burst. The next one may come before this: */
	xt_chip_read(after, &event, 1);
	ck_assert_int_eq(isri_chip_request_read(shallow, events, 16), 16);

	ck_assert_uint_ge(events[0].line_seq, 500 - 15);
	for (i = 1; i < 16; i++) {
		ck_assert_uint_eq(events[i].line_seq, events[0].line_seq + i);
		ck_assert_int_eq(events[i].value, !events[i - 1].value);
	}
	isri_chip_request_release(shallow);
	isri_chip_request_release(after);
}
END_TEST

static void *read_all(void *arg)
{
	struct isr_event events[2000];

	xt_chip_read(arg, events, 2000);
	return NULL;
}

START_TEST(sim_serves_threads_at_once)
{
	struct isri_chip_request *request[2];
	pthread_t reader[2];
	int i;

	xt_chip_open_file("[line A]\npattern = random\nperiod_us = 10\n"
			  "[line B]\npattern = square\nperiod_us = 20\n"
			  "[line C]\n");
	for (i = 0; i < 2; i++) {
		request[i] = xt_chip_request(i);
		pthread_create(&reader[i], NULL, read_all, request[i]);
	}
	for (i = 0; i < 2000; i++) {
		struct isri_chip_request *third = xt_chip_request(2);

		isr_chip_sim_set(chip, 2, i & 1, 0);
		isri_chip_request_release(third);
	}
	for (i = 0; i < 2; i++) {
		pthread_join(reader[i], NULL);
		isri_chip_request_release(request[i]);
	}
}
END_TEST

static _Atomic uint64_t hand_ns; /* 0: the clock goes by itself */

uint64_t __real_isri_sim_now_ns(void);
uint64_t __wrap_isri_sim_now_ns(void);

uint64_t __wrap_isri_sim_now_ns(void)
{
	uint64_t now_ns = hand_ns;

	return now_ns ? now_ns : __real_isri_sim_now_ns();
}

/* The generator has no time to make them first, with 100000 of the other's. */
START_TEST(sim_read_has_what_is_due_behind_many_edges_of_others)
{
	struct isri_chip_request *fast, *slow;
	struct isr_event events[64];

	xt_chip_open_file("[line A]\npattern = square\nperiod_us = 2\n"
			  "[line B]\npattern = square\nperiod_us = 20000\n");
	hand_ns = __real_isri_sim_now_ns();
	fast = xt_chip_request(0);
	slow = xt_chip_request(1);
	hand_ns += 100 * MS;

	ck_assert_int_gt(isri_chip_request_read(slow, events, 64), 0);

	hand_ns = 0;
	isri_chip_request_release(slow);
	isri_chip_request_release(fast);
}
END_TEST

/* The thread of the only chip that has one; 0: there is none. */
static int find_generator(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	char path_of_name[300], name[32];
	FILE *file;
	int tid = 0;

	while ((entry = readdir(tasks))) {
		snprintf(path_of_name, sizeof(path_of_name),
			 "/proc/self/task/%s/comm", entry->d_name);
		file = fopen(path_of_name, "re");
		if (file && fgets(name, sizeof(name), file) &&
		    !strcmp(name, "isrloop-sim\n"))
			tid = atoi(entry->d_name);
		if (file)
			fclose(file);
	}
	closedir(tasks);
	return tid;
}

/* How often the thread went to sleep. */
static long count_sleeps(int tid)
{
	char status[64], line[256];
	long sleeps = -1;
	FILE *file;

	snprintf(status, sizeof(status), "/proc/self/task/%d/status", tid);
	file = fopen(status, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "voluntary_ctxt_switches: %ld", &sleeps);
	fclose(file);
	return sleeps;
}

START_TEST(sim_without_watched_pattern_has_no_thread)
{
	struct isri_chip_request *request = xt_chip_request(IDLE);

	xt_chip_toggle(IDLE, 3);

	ck_assert_int_eq(find_generator(), 0);
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_rests_when_no_pattern_is_watched_any_more)
{
	struct isri_chip_request *request = xt_chip_request(CLOCK);
	struct isr_event events[400];
	struct isr_chip *resting;
	long before;
	int tid;

	xt_chip_read(request, events, 3);
	tid = find_generator();
	ck_assert_int_gt(tid, 0);
	isri_chip_request_release(request);
	before = count_sleeps(tid);

	/* Another chip is the clock: this one would have had 400 edges too. */
	resting = isr_chip_ref(chip);
	xt_chip_open_file("[line A]\npattern = square\n");
	request = xt_chip_request(0);
	xt_chip_read(request, events, 400);

	/* The release wakes it, and it may find the lock taken. */
	ck_assert_int_le(count_sleeps(tid) - before, 4);
	isri_chip_request_release(request);
	isr_chip_unref(resting);
}
END_TEST

START_TEST(sim_pattern_goes_on_where_it_would_have_been)
{
	struct isri_chip_request *request = xt_chip_request(CLOCK);
	struct isr_event first, second;

	xt_chip_read(request, &first, 1);
	isri_chip_request_release(request);
	request = xt_chip_request(CLOCK);
	xt_chip_read(request, &second, 1);

	ck_assert_uint_gt(second.t_ns, first.t_ns);
	ck_assert_uint_eq((second.t_ns - first.t_ns) % 500000, 0);
	ck_assert_uint_eq(second.line_seq, 1);
	isri_chip_request_release(request);
}
END_TEST

static void add_lines(Suite *suite)
{
	TCase *tc = xt_case(suite, "chip");

	tcase_add_checked_fixture(tc, xt_chip_setup, xt_chip_teardown);
	tcase_add_test(tc, sim_is_plainly_labelled);
	tcase_add_test(tc, sim_opened_twice_is_one_chip);
	tcase_add_test(tc, sim_file_with_faults_is_told);
	tcase_add_test(tc, sim_has_no_hardware_clock);
	tcase_add_test(tc, sim_need_not_be_able_to_debounce);
	tcase_add_test(tc, sim_line_info_tells_the_holder);

	tc = xt_case(suite, "find");
	tcase_add_checked_fixture(tc, xt_chip_setup, xt_chip_teardown);
	tcase_add_test(tc, line_find_takes_names_and_offsets);
	tcase_add_test(tc, line_find_suggests_near_names);
	tcase_add_test(tc, line_find_lists_the_lines_when_none_is_near);
	tcase_add_test(tc, line_find_by_name_takes_no_offset);
	tcase_add_test(tc, line_find_tells_the_range_of_offsets);
}

static void add_patterns(Suite *suite)
{
	TCase *tc = xt_case(suite, "patterns");

	tcase_add_checked_fixture(tc, xt_chip_setup, xt_chip_teardown);
	tcase_add_test(tc, sim_clock_is_1_khz_exactly);
	tcase_add_test(tc, sim_encoder_lines_keep_quadrature_across_requests);
	tcase_add_test(tc, sim_button_bounces_and_debounce_cures_it);
	tcase_add_test(tc, sim_burst_overflows_a_shallow_fifo_like_the_kernel);
	tcase_add_test(tc, sim_serves_threads_at_once);
	tcase_add_test(tc,
		       sim_read_has_what_is_due_behind_many_edges_of_others);
	tcase_add_test(tc, sim_without_watched_pattern_has_no_thread);
	tcase_add_test(tc, sim_rests_when_no_pattern_is_watched_any_more);
	tcase_add_test(tc, sim_pattern_goes_on_where_it_would_have_been);
}

int main(void)
{
	Suite *suite = suite_create("chip-sim");

	add_lines(suite);
	add_patterns(suite);
	return xt_main(suite);
}
