/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Requests of simulated lines behave as the kernel's do. */
#include <stdlib.h>
#include <time.h>

#include "xt-chip.h"

/*
 * Requests.
 */

START_TEST(sim_request_of_a_held_line_is_busy_and_names_the_holder)
{
	struct isri_chip_request *first = xt_chip_request_with((
		struct isri_chip_request_config){
		.n_lines = 1, .offsets = {IDLE}, .consumer = "other program"});
	struct isri_chip_request_config config = {.n_lines = 1,
						  .offsets = {IDLE}};
	struct isri_chip_request *second;
	struct isr_error error;

	xt_fails_with(EBUSY, isri_chip_request(chip, &config, &second, &error));
	ck_assert_str_eq(error.message,
			 "sim: [isrloop-sim], line 4 \"IDLE\": busy, held by "
			 "\"other program\"; close that one first or use "
			 "another line");

	isri_chip_request_release(first);
	isri_chip_request_release(xt_chip_request(IDLE));
	isri_chip_request_release(NULL);
}
END_TEST

START_TEST(sim_request_refuses_what_it_cannot)
{
	struct isri_chip_request_config config = {
		.n_lines = 1, .offsets = {IDLE}, .clock = ISR_CLOCK_HTE};
	struct isri_chip_request *request;
	struct isr_error error;

	xt_fails_with(EOPNOTSUPP,
		      isri_chip_request(chip, &config, &request, &error));
	ck_assert_ptr_nonnull(strstr(error.message, "clock monotonic"));

	config.clock = 77;
	xt_fails_with(EINVAL,
		      isri_chip_request(chip, &config, &request, &error));
	config.clock = ISR_CLOCK_MONOTONIC;
	config.offsets[0] = NUM_LINES;
	xt_fails_with(EINVAL,
		      isri_chip_request(chip, &config, &request, &error));
	ck_assert_ptr_nonnull(strstr(error.message, "0 to 4"));
}
END_TEST

START_TEST(sim_edge_by_hand_is_an_event)
{
	struct isri_chip_request *request = xt_chip_request(IDLE);
	struct isr_event event;

	ck_assert(!xt_chip_is_readable(request));
	ck_assert_int_eq(isri_chip_request_read(request, &event, 1), 0);

	ck_assert_int_eq(isr_chip_sim_set(chip, IDLE, 1, 12345), 1);
	ck_assert(xt_chip_is_readable(request));
	event = xt_chip_read_one(request);
	ck_assert(!xt_chip_is_readable(request));

	ck_assert_uint_eq(event.t_ns, 12345);
	ck_assert_uint_eq(event.line_seq, 1);
	ck_assert_uint_eq(event.kind, ISR_EVENT_RISING);
	ck_assert_int_eq(event.value, 1);
	ck_assert_uint_eq(event.flags, ISR_EVENT_FLAG_SIMULATED);
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_level_that_stays_is_no_edge)
{
	struct isri_chip_request *request = xt_chip_request(IDLE);

	ck_assert_int_eq(isr_chip_sim_set(chip, IDLE, 0, 0), 0);

	ck_assert(!xt_chip_is_readable(request));
	xt_fails_with(EINVAL, isr_chip_sim_set(chip, IDLE, 2, 0));
	xt_fails_with(EINVAL, isr_chip_sim_set(chip, NUM_LINES, 1, 0));
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_filtered_edges_take_no_sequence_number)
{
	struct isri_chip_request *request = xt_chip_request_with((
		struct isri_chip_request_config){
		.n_lines = 1, .offsets = {IDLE}, .edge = ISR_EDGE_FALLING});
	struct isr_event events[2];

	xt_chip_toggle(IDLE, 4);
	xt_chip_read(request, events, 2);

	ck_assert(!xt_chip_is_readable(request));
	ck_assert_uint_eq(events[0].kind, ISR_EVENT_FALLING);
	ck_assert_uint_eq(events[1].kind, ISR_EVENT_FALLING);
	ck_assert_uint_eq(events[0].line_seq, 1);
	ck_assert_uint_eq(events[1].line_seq, 2);
	ck_assert_uint_eq(events[1].t_ns, 1003);
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_active_low_turns_edges_and_level_over)
{
	struct isri_chip_request *request = xt_chip_request_with(
		(struct isri_chip_request_config){.n_lines = 1,
						  .offsets = {IDLE},
						  .edge = ISR_EDGE_FALLING,
						  .active_low = true});
	struct isr_event event;
	int value;

	xt_ok(isri_chip_request_get_values(request, &value));
	ck_assert_int_eq(value, 1);

	xt_chip_toggle(IDLE, 1);
	event = xt_chip_read_one(request);

	ck_assert_uint_eq(event.kind, ISR_EVENT_FALLING);
	ck_assert_int_eq(event.value, 0);
	xt_ok(isri_chip_request_get_values(request, &value));
	ck_assert_int_eq(value, 0);
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_bias_moves_a_line_that_nobody_drives)
{
	struct isri_chip_request_config config = {
		.n_lines = 1, .offsets = {IDLE}, .bias = ISR_BIAS_PULL_UP};
	struct isri_chip_request *request = xt_chip_request_with(config);
	int value;

	xt_ok(isri_chip_request_get_values(request, &value));
	ck_assert_int_eq(value, 1);
	ck_assert(!xt_chip_is_readable(request));

	ck_assert_int_eq(isr_chip_sim_set(chip, IDLE, 0, 0), 1);
	isri_chip_request_release(request);
	request = xt_chip_request_with(config);
	xt_ok(isri_chip_request_get_values(request, &value));
	ck_assert_int_eq(value, 0);
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_realtime_stamps_are_of_that_clock)
{
	struct isri_chip_request *request = xt_chip_request_with((
		struct isri_chip_request_config){
		.n_lines = 1, .offsets = {IDLE}, .clock = ISR_CLOCK_REALTIME});
	struct timespec before, after;
	uint64_t t_ns;

	clock_gettime(CLOCK_REALTIME, &before);
	ck_assert_int_eq(isr_chip_sim_set(chip, IDLE, 1, 0), 1);
	clock_gettime(CLOCK_REALTIME, &after);
	t_ns = xt_chip_read_one(request).t_ns;

	/* The conversion reads two clocks: whole seconds are exact enough. */
	ck_assert_int_ge(t_ns / 1000000000, before.tv_sec - 1);
	ck_assert_int_le(t_ns / 1000000000, after.tv_sec + 1);
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_sequence_starts_anew_with_each_request)
{
	struct isri_chip_request *request = xt_chip_request(IDLE);

	xt_chip_toggle(IDLE, 2);
	isri_chip_request_release(request);
	request = xt_chip_request(IDLE);
	xt_chip_toggle(IDLE, 1);

	ck_assert_uint_eq(xt_chip_read_one(request).line_seq, 1);
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_sequence_wraps_at_32_bits)
{
	struct isri_chip_request *request = xt_chip_request(IDLE);

	xt_ok(isr_chip_sim_set_line_seq(chip, IDLE, UINT32_MAX));
	xt_chip_toggle(IDLE, 2);

	ck_assert_uint_eq(xt_chip_read_one(request).line_seq, UINT32_MAX);
	ck_assert_uint_eq(xt_chip_read_one(request).line_seq, 0);
	isri_chip_request_release(request);
	xt_fails_with(EINVAL, isr_chip_sim_set_line_seq(chip, IDLE, 1));
}
END_TEST

/*
 * Overflow.
 */

static const struct {
	uint32_t asked;
	int depth;
} depths[] = {{0, 1024}, {1, 16}, {17, 32}, {1024, 1024}};

START_TEST(sim_fifo_holds_its_depth)
{
	struct isri_chip_request *request =
		xt_chip_request_with((struct isri_chip_request_config){
			.n_lines = 1,
			.offsets = {IDLE},
			.fifo_events = depths[_i].asked});
	struct isr_event events[1024];
	int depth = depths[_i].depth;

	ck_assert_uint_eq(request->fifo_events, depth);
	xt_chip_toggle(IDLE, depth);
	xt_chip_read(request, events, depth);

	ck_assert(!xt_chip_is_readable(request));
	ck_assert_uint_eq(events[0].line_seq, 1);
	ck_assert_uint_eq(events[depth - 1].line_seq, depth);
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_fifo_drops_the_oldest_and_the_sequence_tells)
{
	struct isri_chip_request *request = xt_chip_request(IDLE);
	struct isr_event events[1024];
	int i;

	xt_chip_toggle(IDLE, 1100);
	xt_chip_read(request, events, 1024);

	ck_assert(!xt_chip_is_readable(request));
	for (i = 0; i < 1024; i++)
		ck_assert_uint_eq(events[i].line_seq, 77 + i);
	isri_chip_request_release(request);
}
END_TEST

/*
 * Debounce.
 */

static struct isri_chip_request *request_debounced(uint32_t offset)
{
	return xt_chip_request_with((struct isri_chip_request_config){
		.n_lines = 1, .offsets = {offset}, .debounce_ns = 5 * MS});
}

/* Far ahead: what settles does so by the next edge, not by time. */
#define FAR_NS (1ULL << 60)

/* More than the kernel's counter can hold, of us; all of it in ns. */
START_TEST(sim_debounce_that_would_wrap_is_refused)
{
	static const uint64_t ns[] = {UINT32_MAX * UINT64_C(1000) + 1,
				      UINT64_MAX};
	struct isri_chip_request_config config = {
		.n_lines = 1, .offsets = {IDLE}, .debounce_ns = ns[_i]};
	struct isri_chip_request *request;
	struct isr_error error;

	xt_fails_with(EINVAL,
		      isri_chip_request(chip, &config, &request, &error));
	ck_assert_ptr_nonnull(strstr(error.message, "debounce_ns"));

	config.debounce_ns = UINT32_MAX * UINT64_C(1000);
	isri_chip_request_release(xt_chip_request_with(config));
}
END_TEST

START_TEST(sim_debounce_reports_the_settled_time)
{
	struct isri_chip_request *request = request_debounced(IDLE);
	struct isr_event event;

	isr_chip_sim_set(chip, IDLE, 1, FAR_NS);
	isr_chip_sim_set(chip, IDLE, 0, FAR_NS + 1 * MS);
	isr_chip_sim_set(chip, IDLE, 1, FAR_NS + 2 * MS);
	isr_chip_sim_set(chip, IDLE, 0, FAR_NS + 100 * MS);
	event = xt_chip_read_one(request);

	ck_assert_uint_eq(event.t_ns, FAR_NS + 7 * MS);
	ck_assert_uint_eq(event.kind, ISR_EVENT_RISING);
	ck_assert_uint_eq(event.line_seq, 1);
	ck_assert(event.flags & ISR_EVENT_FLAG_DEBOUNCED);
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_debounce_swallows_a_pulse_that_is_too_short)
{
	struct isri_chip_request *request = request_debounced(IDLE);
	int value;

	isr_chip_sim_set(chip, IDLE, 1, FAR_NS);
	xt_ok(isri_chip_request_get_values(request, &value));
	ck_assert_int_eq(value, 0);
	isr_chip_sim_set(chip, IDLE, 0, FAR_NS + MS);
	isr_chip_sim_set(chip, IDLE, 1, FAR_NS + 100 * MS);
	isr_chip_sim_set(chip, IDLE, 0, FAR_NS + 200 * MS);

	ck_assert_uint_eq(xt_chip_read_one(request).t_ns, FAR_NS + 105 * MS);
	ck_assert(!xt_chip_is_readable(request));
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_debounce_settles_by_itself)
{
	struct isri_chip_request *request = request_debounced(IDLE);
	struct isr_event event;

	isr_chip_sim_set(chip, IDLE, 1, 100 * MS);
	xt_chip_read(request, &event, 1);

	ck_assert_uint_eq(event.t_ns, 105 * MS);
	isri_chip_request_release(request);
}
END_TEST

/*
 * Several lines.
 */

/* Of a chip whose lines move by hand only. */
enum { LEFT, RIGHT, SPARE };

static void setup_lines(void)
{
	xt_chip_setup();
	xt_chip_open_file("[line L]\npattern = idle\n"
			  "[line R]\npattern = idle\n"
			  "[line S]\npattern = idle\n");
}

static struct isri_chip_request *request_two(uint32_t first, uint32_t second)
{
	return xt_chip_request_with((struct isri_chip_request_config){
		.n_lines = 2, .offsets = {first, second}});
}

START_TEST(sim_lines_of_a_request_have_one_fifo_and_one_sequence)
{
	struct isri_chip_request *request = request_two(LEFT, RIGHT);
	struct isr_event events[4];
	uint32_t i;

	isr_chip_sim_set(chip, LEFT, 1, 1000);
	isr_chip_sim_set(chip, RIGHT, 1, 1001);
	isr_chip_sim_set(chip, RIGHT, 0, 1002);
	isr_chip_sim_set(chip, LEFT, 0, 1003);
	xt_chip_read(request, events, 4);

	for (i = 0; i < 4; i++) {
		ck_assert_uint_eq(events[i].line_seq, i + 1);
		ck_assert_uint_eq(events[i].t_ns, 1000 + i);
		ck_assert_uint_eq(events[i].source, i == 1 || i == 2);
		ck_assert_int_eq(events[i].value, i < 2);
	}
	ck_assert(!xt_chip_is_readable(request));
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_lines_have_one_bit_of_the_values_each)
{
	struct isri_chip_request *request = request_two(RIGHT, LEFT);
	int values;

	isr_chip_sim_set(chip, LEFT, 1, 0);
	xt_ok(isri_chip_request_get_values(request, &values));
	ck_assert_int_eq(values, 2);
	isr_chip_sim_set(chip, RIGHT, 1, 0);
	isr_chip_sim_set(chip, LEFT, 0, 0);
	xt_ok(isri_chip_request_get_values(request, &values));
	ck_assert_int_eq(values, 1);
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_lines_are_requested_all_or_none)
{
	struct isri_chip_request *holder =
		xt_chip_request_with((struct isri_chip_request_config){
			.n_lines = 1, .offsets = {LEFT}, .consumer = "other"});
	struct isri_chip_request_config config = {
		.n_lines = 3, .offsets = {RIGHT, SPARE, LEFT}};
	struct isri_chip_request *request;
	struct isr_error error;

	xt_fails_with(EBUSY,
		      isri_chip_request(chip, &config, &request, &error));
	ck_assert_ptr_nonnull(strstr(error.message, "line 0 \"L\": busy, "
						    "held by \"other\""));

	isri_chip_request_release(xt_chip_request(RIGHT));
	isri_chip_request_release(xt_chip_request(SPARE));
	isri_chip_request_release(holder);
	isri_chip_request_release(xt_chip_request_with(config));
	isri_chip_request_release(xt_chip_request_with(config));
}
END_TEST

START_TEST(sim_lines_of_a_request_differ_and_are_not_too_many)
{
	struct isri_chip_request_config config = {
		.n_lines = 3, .offsets = {LEFT, RIGHT, LEFT}};
	struct isri_chip_request *request;
	struct isr_error error;

	xt_fails_with(EINVAL,
		      isri_chip_request(chip, &config, &request, &error));
	ck_assert_ptr_nonnull(strstr(error.message, "line 0: named twice"));
	config.n_lines = 0;
	xt_fails_with(EINVAL,
		      isri_chip_request(chip, &config, &request, &error));
	config.n_lines = ISR_PIN_LINES_MAX + 1;
	xt_fails_with(EINVAL,
		      isri_chip_request(chip, &config, &request, &error));
	ck_assert_ptr_nonnull(strstr(error.message, "1 to 16 lines"));
}
END_TEST

START_TEST(sim_lines_settle_each_by_itself)
{
	struct isri_chip_request *request = xt_chip_request_with((
		struct isri_chip_request_config){
		.n_lines = 2, .offsets = {LEFT, RIGHT}, .debounce_ns = 5 * MS});
	struct isr_event event;

	isr_chip_sim_set(chip, LEFT, 1, FAR_NS);
	isr_chip_sim_set(chip, RIGHT, 1, FAR_NS + 1 * MS);
	isr_chip_sim_set(chip, LEFT, 0, FAR_NS + 100 * MS);
	event = xt_chip_read_one(request);
	ck_assert_uint_eq(event.source, 0);
	ck_assert_uint_eq(event.t_ns, FAR_NS + 5 * MS);
	ck_assert(!xt_chip_is_readable(request));

	isr_chip_sim_set(chip, RIGHT, 0, FAR_NS + 100 * MS);
	event = xt_chip_read_one(request);
	ck_assert_uint_eq(event.source, 1);
	ck_assert_uint_eq(event.t_ns, FAR_NS + 6 * MS);
	ck_assert_uint_eq(event.line_seq, 2);
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_lines_of_an_encoder_take_turns)
{
	struct isri_chip_request *request = request_two(ENC_A, ENC_B);
	struct isr_event events[8];
	uint32_t i;

	xt_chip_read(request, events, 8);

	for (i = 0; i < 8; i++)
		ck_assert_uint_eq(events[i].line_seq, i + 1);
	/* Where it turns, and only there, a line moves twice running. */
	for (i = 2; i < 8; i++)
		ck_assert(events[i].source != events[i - 1].source ||
			  events[i - 1].source != events[i - 2].source);
	isri_chip_request_release(request);
}
END_TEST

START_TEST(sim_line_without_edges_tells_its_level_only)
{
	struct isri_chip_request *request = xt_chip_request_with((
		struct isri_chip_request_config){
		.n_lines = 1, .offsets = {IDLE}, .edge = ISR_EDGE_NONE});
	int values;

	isr_chip_sim_set(chip, IDLE, 1, 1000);

	ck_assert(!xt_chip_is_readable(request));
	xt_ok(isri_chip_request_get_values(request, &values));
	ck_assert_int_eq(values, 1);
	isri_chip_request_release(request);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim-line");
	TCase *tc = xt_case(suite, "request");

	tcase_add_checked_fixture(tc, xt_chip_setup, xt_chip_teardown);
	tcase_add_test(tc,
		       sim_request_of_a_held_line_is_busy_and_names_the_holder);
	tcase_add_test(tc, sim_request_refuses_what_it_cannot);
	tcase_add_test(tc, sim_edge_by_hand_is_an_event);
	tcase_add_test(tc, sim_level_that_stays_is_no_edge);
	tcase_add_test(tc, sim_filtered_edges_take_no_sequence_number);
	tcase_add_test(tc, sim_active_low_turns_edges_and_level_over);
	tcase_add_test(tc, sim_bias_moves_a_line_that_nobody_drives);
	tcase_add_test(tc, sim_realtime_stamps_are_of_that_clock);
	tcase_add_test(tc, sim_sequence_starts_anew_with_each_request);
	tcase_add_test(tc, sim_sequence_wraps_at_32_bits);

	tc = xt_case(suite, "overflow");
	tcase_add_checked_fixture(tc, xt_chip_setup, xt_chip_teardown);
	tcase_add_loop_test(tc, sim_fifo_holds_its_depth, 0, 4);
	tcase_add_test(tc, sim_fifo_drops_the_oldest_and_the_sequence_tells);

	tc = xt_case(suite, "debounce");
	tcase_add_checked_fixture(tc, xt_chip_setup, xt_chip_teardown);
	tcase_add_loop_test(tc, sim_debounce_that_would_wrap_is_refused, 0, 2);
	tcase_add_test(tc, sim_debounce_reports_the_settled_time);
	tcase_add_test(tc, sim_debounce_swallows_a_pulse_that_is_too_short);
	tcase_add_test(tc, sim_debounce_settles_by_itself);

	tc = xt_case(suite, "lines");
	tcase_add_checked_fixture(tc, setup_lines, xt_chip_teardown);
	tcase_add_test(tc,
		       sim_lines_of_a_request_have_one_fifo_and_one_sequence);
	tcase_add_test(tc, sim_lines_have_one_bit_of_the_values_each);
	tcase_add_test(tc, sim_lines_are_requested_all_or_none);
	tcase_add_test(tc, sim_lines_of_a_request_differ_and_are_not_too_many);
	tcase_add_test(tc, sim_lines_settle_each_by_itself);

	tc = xt_case(suite, "pattern");
	tcase_add_checked_fixture(tc, xt_chip_setup, xt_chip_teardown);
	tcase_add_test(tc, sim_lines_of_an_encoder_take_turns);
	tcase_add_test(tc, sim_line_without_edges_tells_its_level_only);
	return xt_main(suite);
}
