/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Pins of several lines: one request, so that the order of their edges is the
 * kernel's; and pins that do not interrupt. What the kernel's threads may do
 * to the order is put between chip and pin: isri_chip_request_read() is
 * wrapped by the linker.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "chip.h"
#include "loop.h"
#include "pin-order.h"
#include "pin.h"
#include "xt-gpio-sim.h"
#include "xt-pin.h"

enum { A, B, C, D };

static const char *const only_b[] = {"B"};
static struct isr_source *pin;

/* What becomes of a batch; NULL: nothing. */
typedef int spoil_fn(struct isr_event *events, int n);
static spoil_fn *spoil;

int __real_isri_chip_request_read(struct isri_chip_request *request,
				  struct isr_event *ret_events, size_t max);
int __wrap_isri_chip_request_read(struct isri_chip_request *request,
				  struct isr_event *ret_events, size_t max);

int __wrap_isri_chip_request_read(struct isri_chip_request *request,
				  struct isr_event *ret_events, size_t max)
{
	int n = __real_isri_chip_request_read(request, ret_events, max);

	return spoil && n > 0 ? spoil(ret_events, n) : n;
}

static void setup(void)
{
	xt_chip_setup();
	spoil = NULL;
}

static struct isr_source *open_two(enum xt_mode mode)
{
	struct isr_pin_config config = xt_pin("A", mode);
	struct isr_source *source;

	config.more_lines = only_b;
	config.n_more_lines = 1;
	xt_ok(isr_pin_open(loop, &config, xt_sink, &sink, &source, NULL));
	return source;
}

/* Toggle these lines, one after the other, at 1000, 1001, ... ns. */
static void toggle(const char *lines)
{
	static uint64_t t_ns = 1000;

	for (; *lines; lines++) {
		uint32_t line = (uint32_t)(*lines - 'A');

		chip.level[line] = !chip.level[line];
		ck_assert_int_eq(isr_chip_sim_set(chip.chip, line,
						  chip.level[line], t_ns++),
				 1);
	}
}

/* The sink has these events, of two lines: letter and level. */
static void assert_got(const char *expected)
{
	unsigned int i;

	ck_assert_uint_eq(sink.n, strlen(expected) / 2);
	for (i = 0; i < sink.n; i++) {
		const struct isr_event *event = &sink.events[i];
		char text[3] = {
			(char)('A' + event->source - isr_source_get_id(pin)),
			event->value ? '1' : '0'};

		ck_assert_msg(!strncmp(expected + 2 * i, text, 2),
			      "event %u is %s, expected %.2s", i, text,
			      expected + 2 * i);
	}
}

/*
 * Order and numbers.
 */

START_TEST(lines_tell_the_order_of_their_edges)
{
	static const uint32_t order[] = {B, A, A, B, B, A};
	int level[] = {0, 0}, values;
	unsigned int i;

	pin = open_two(_i);
	for (i = 0; i < 6; i++) {
		const struct isr_event *event = &sink.events[i];
		uint32_t line = order[i];

		level[line] = !level[line];
		xt_toggle(line);
		xt_sink_run(&sink, i + 1);

		ck_assert_uint_eq(event->line_seq, i + 1);
		ck_assert_uint_eq(event->source, isr_source_get_id(pin) + line);
		ck_assert_int_eq(event->value, level[line]);
		ck_assert_uint_eq(event->flags, chip.event_flags);
		ck_assert_uint_eq(event->lost, 0);
		xt_ok(isr_pin_get_value(pin, &values));
		ck_assert_int_eq(values, level[A] | level[B] << 1);
	}
	ck_assert_uint_eq(xt_stats(pin).delivered, 6);
	ck_assert_uint_eq(xt_stamped(pin), 6);
}
END_TEST

START_TEST(lines_keep_order_while_nobody_runs)
{
	pin = open_two(_i);
	toggle("AABBABABBA");

	xt_sink_run(&sink, 10);

	assert_got("A1A0B1B0A1B1A0B0B1A1");
	ck_assert_uint_eq(sink.events[9].t_ns - sink.events[0].t_ns, 9);
	ck_assert_uint_eq(xt_stats(pin).merged, 0);
	ck_assert_uint_eq(xt_stats(pin).line_seq, 10);
}
END_TEST

START_TEST(lines_have_numbers_in_a_row)
{
	static const char *const more[] = {"C", "D"};
	struct isr_pin_config config = xt_pin("B", XT_SOFT);
	struct isr_source *users[4];
	uint16_t first;
	int i;

	for (i = 0; i < 3; i++)
		xt_ok(isr_user_open(loop, NULL, xt_sink, &sink, &users[i]));
	first = isr_source_get_id(users[0]);
	xt_ok(isr_source_close(users[1]));
	config.more_lines = more;
	config.n_more_lines = 2;
	xt_ok(isr_pin_open(loop, &config, xt_sink, &sink, &pin, NULL));
	ck_assert_uint_eq(isr_source_get_id(pin), first + 3);

	/* One fits into the hole, the next one behind the lines. */
	xt_ok(isr_user_open(loop, NULL, xt_sink, &sink, &users[1]));
	xt_ok(isr_user_open(loop, NULL, xt_sink, &sink, &users[3]));
	ck_assert_uint_eq(isr_source_get_id(users[1]), first + 1);
	ck_assert_uint_eq(isr_source_get_id(users[3]), first + 6);

	xt_ok(isr_source_close(pin));
	for (i = 0; i < 4; i++)
		xt_ok(isr_source_close(users[i]));
	xt_ok(isr_pin_open(loop, &config, xt_sink, &sink, &pin, NULL));
	ck_assert_uint_eq(isr_source_get_id(pin), first);
}
END_TEST

START_TEST(lines_are_not_what_the_program_fires)
{
	struct isr_event event = {.kind = ISR_EVENT_USER, .source = 77};

	pin = open_two(_i);
	xt_ok(isr_source_fire(pin, &event));
	xt_sink_run(&sink, 1);

	ck_assert_uint_eq(sink.events[0].source, isr_source_get_id(pin));
}
END_TEST

START_TEST(lines_are_described)
{
	struct isr_line_info line;
	struct isr_pin_info info;

	pin = open_two(XT_SOFT);
	xt_ok(isr_pin_get_info(pin, &info));
	ck_assert_uint_eq(info.n_lines, 2);
	ck_assert_str_eq(info.line_name, "A");
	xt_ok(isr_pin_get_line_info(pin, 0, &line));
	ck_assert_str_eq(line.name, "A");
	xt_ok(isr_pin_get_line_info(pin, 1, &line));
	ck_assert_str_eq(line.name, "B");
	ck_assert_uint_eq(line.offset, B);

	xt_fails_with(EINVAL, isr_pin_get_line_info(pin, 2, &line));
	xt_fails_with(EINVAL, isr_pin_get_line_info(pin, 0, NULL));
	xt_fails_with(EINVAL, isr_pin_get_line_info(NULL, 0, &line));
}
END_TEST

/*
 * Refused.
 */

START_TEST(lines_busy_leave_the_others_free)
{
	struct isr_pin_config config = xt_pin("A", XT_SOFT);
	struct isr_source *holder = xt_pin_open("B", XT_LOOP);
	struct isr_error error;

	config.more_lines = only_b;
	config.n_more_lines = 1;
	xt_fails_with(EBUSY, isr_pin_open(loop, &config, xt_sink, &sink, &pin,
					  &error));
	ck_assert_msg(strstr(error.message, "\"B\": busy, held by"), "%s",
		      error.message);

	xt_ok(isr_source_close(xt_pin_open("A", XT_SOFT)));
	xt_ok(isr_source_close(holder));
	pin = open_two(XT_SOFT);
}
END_TEST

static const char *const too_many[ISR_PIN_LINES_MAX] = {
	"B", "C", "D", "B", "C", "D", "B", "C",
	"D", "B", "C", "D", "B", "C", "D", "B"};
static const struct {
	const char *lines[2];
	const char *const *more_lines; /* NULL: lines */
	uint32_t n;
	int error;
	const char *message;
} faults[] = {
	{{NULL}, too_many, 16, EINVAL, "more_lines are too many"},
	{{"B", NULL}, NULL, 2, EINVAL, "one of more_lines is not named"},
	{{"B", ""}, NULL, 2, EINVAL, "one of more_lines is not named"},
	{{"B", "A"}, NULL, 2, EINVAL, "named twice"},
	{{"B", "X"}, NULL, 2, ENOENT, "has no line \"X\""},
};

START_TEST(lines_that_cannot_be_are_refused)
{
	struct isr_pin_config config = xt_pin("A", XT_SOFT);
	struct isr_error error;

	config.more_lines = faults[_i].more_lines ? faults[_i].more_lines
						  : faults[_i].lines;
	config.n_more_lines = faults[_i].n;
	xt_fails_with(faults[_i].error, isr_pin_open(loop, &config, xt_sink,
						     &sink, &pin, &error));
	ck_assert_msg(strstr(error.message, faults[_i].message), "%s",
		      error.message);
	pin = open_two(XT_SOFT);
}
END_TEST

START_TEST(lines_without_an_array_are_refused)
{
	struct isr_pin_config config = xt_pin("A", XT_SOFT);

	config.n_more_lines = 1;
	xt_fails_with(EINVAL,
		      isr_pin_open(loop, &config, xt_sink, &sink, &pin, NULL));
}
END_TEST

/*
 * The account.
 */

/* Of three edges: the third repeats the first. */
static int repeat_the_first(struct isr_event *events, int n)
{
	ck_assert_int_eq(n, 3);
	events[2].kind = events[0].kind;
	events[2].value = events[0].value;
	return n;
}

START_TEST(lines_merge_each_for_itself)
{
	spoil = repeat_the_first;
	pin = open_two(XT_LOOP);
	toggle("ABA");

	xt_sink_run(&sink, 3);

	assert_got("A1B1A1");
	ck_assert(!(sink.events[1].flags & ISR_EVENT_FLAG_MERGED));
	ck_assert(sink.events[2].flags & ISR_EVENT_FLAG_MERGED);
	ck_assert_uint_eq(xt_stats(pin).merged, 1);
}
END_TEST

START_TEST(lines_share_a_gap)
{
	pin = open_two(_i);
	toggle("AB");
	xt_sink_run(&sink, 2);
	xt_ok(isr_chip_sim_set_line_seq(chip.chip, B, 10));
	toggle("AB");
	xt_sink_run(&sink, 4);

	ck_assert_uint_eq(sink.events[2].lost, 7);
	ck_assert_uint_eq(sink.events[3].lost, 0);
	ck_assert_uint_eq(sink.events[3].line_seq, 11);
	ck_assert_uint_eq(xt_stats(pin).lost_kernel, 7);
	ck_assert_uint_eq(xt_stamped(pin), 11);
}
END_TEST

/* Of A, A, B, A: the second one of A. */
static int lose_the_second(struct isr_event *events, int n)
{
	ck_assert_int_eq(n, 4);
	events[1] = events[2];
	events[2] = events[3];
	return 3;
}

START_TEST(lines_know_nothing_behind_a_gap)
{
	spoil = lose_the_second;
	pin = open_two(XT_LOOP);
	toggle("AABA");

	xt_sink_run(&sink, 3);

	/* The gap is before B, and yet it says that of A nothing is known. */
	assert_got("A1B1A1");
	ck_assert_uint_eq(sink.events[1].lost, 1);
	ck_assert_uint_eq(xt_stats(pin).merged, 0);
	ck_assert_uint_eq(xt_stamped(pin), 4);
}
END_TEST

static int turn_over(struct isr_event *events, int n)
{
	int i;

	for (i = 0; i < n / 2; i++) {
		struct isr_event event = events[i];

		events[i] = events[n - 1 - i];
		events[n - 1 - i] = event;
	}
	return n;
}

START_TEST(lines_stored_out_of_order_are_sorted)
{
	spoil = turn_over;
	pin = open_two(XT_LOOP);
	toggle("ABBAAB");

	ck_assert_int_eq(isri_pin_collect(pin), 0);

	assert_got("A1B1B0A0A1B1");
	ck_assert_uint_eq(xt_stats(pin).lost_kernel, 0);
	ck_assert_uint_eq(xt_stats(pin).merged, 0);
}
END_TEST

/* The last but one comes with the next batch, behind it. */
static struct isr_event kept;

static int keep_one(struct isr_event *events, int n)
{
	if (kept.kind == ISR_EVENT_NONE) {
		kept = events[n - 2];
		events[n - 2] = events[n - 1];
		return n - 1;
	}
	events[n] = kept;
	return n + 1;
}

static void spoil_by_keeping_one(void)
{
	kept.kind = ISR_EVENT_NONE;
	spoil = keep_one;
}

START_TEST(lines_late_edge_stays_lost)
{
	spoil_by_keeping_one();
	pin = open_two(XT_LOOP);
	toggle("AABB");
	xt_sink_run(&sink, 3);
	toggle("A");
	xt_sink_run(&sink, 4);
	xt_settle();

	assert_got("A1A0B0A1");
	ck_assert_uint_eq(sink.events[2].lost, 1);
	ck_assert_uint_eq(sink.events[3].lost, 0);
	ck_assert_uint_eq(xt_stats(pin).lost_kernel, 1);
	ck_assert_uint_eq(xt_stats(pin).line_seq, 5);
	ck_assert_uint_eq(xt_stamped(pin), 5);
}
END_TEST

START_TEST(lines_late_edge_while_disarmed_is_counted_once)
{
	spoil_by_keeping_one();
	pin = open_two(XT_LOOP);
	toggle("AABB");
	xt_sink_run(&sink, 3);
	xt_ok(isr_source_disarm(pin));
	toggle("A");

	ck_assert_uint_eq(xt_stats(pin).discarded, 1);
	ck_assert_uint_eq(xt_stamped(pin), 5);
}
END_TEST

/* Nobody else stores its edges: any number is the next one's. */
START_TEST(line_by_itself_is_taken_as_it_comes)
{
	pin = xt_pin_open("A", XT_LOOP);
	toggle("AAAA");
	xt_sink_run(&sink, 4);
	xt_ok(isr_chip_sim_set_line_seq(chip.chip, A, 3));
	toggle("A");
	ck_assert_int_eq(isri_pin_collect(pin), 0);

	ck_assert_uint_eq(sink.n, 5);
	ck_assert_uint_eq(sink.events[4].line_seq, 3);
	ck_assert_uint_eq(sink.events[4].lost, UINT32_MAX - 1);
}
END_TEST

START_TEST(order_goes_on_across_the_wrap)
{
	struct isr_event events[] = {
		{.line_seq = UINT32_MAX, .kind = ISR_EVENT_RISING},
		{.line_seq = 1, .kind = ISR_EVENT_FALLING, .source = 1},
		{.line_seq = 0, .kind = ISR_EVENT_RISING, .source = 1},
	};
	struct isri_pin_order order;
	uint32_t gap, i;

	isri_pin_order_init(&order, 2, true);
	order.next_seq = UINT32_MAX;
	isri_pin_order_sort(&order, events, 3);

	for (i = 0; i < 3; i++) {
		ck_assert_uint_eq(events[i].line_seq, UINT32_MAX + i);
		ck_assert(isri_pin_order_follow(&order, &events[i], &gap));
		ck_assert_uint_eq(gap, 0);
		ck_assert_uint_eq(events[i].flags, 0);
	}
	ck_assert(!isri_pin_order_follow(&order, &events[0], &gap));
}
END_TEST

/*
 * On a kernel: two lines that nobody keeps apart.
 */

#define FLOOD_EDGES 2000

static pid_t flood(uint32_t line)
{
	pid_t pid = fork();
	int i;

	ck_assert_int_ge(pid, 0);
	if (pid)
		return pid;
	for (i = 1; i <= FLOOD_EDGES; i++)
		xt_gpio_sim_pull("xt", line, i & 1);
	_exit(0);
}

/*
 * Its threads merge edges, store them out of order and give a number twice,
 * more so on two processors.
 */
START_TEST(lines_that_flood_add_up)
{
	struct isr_source_stats stats;
	uint32_t last_seq = 0;
	unsigned int i;
	pid_t pids[2];

	pin = open_two(XT_LOOP);
	pids[0] = flood(A);
	pids[1] = flood(B);
	/* Each edge is counted in its interrupt, and no number goes back. */
	while (xt_stats(pin).line_seq < 2 * FLOOD_EDGES)
		ck_assert_int_ge(isri_pin_collect(pin), 0);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(waitpid(pids[i], NULL, 0), pids[i]);

	stats = xt_stats(pin);
	ck_assert_uint_eq(stats.delivered, sink.n);
	ck_assert_uint_eq(sink.lost, stats.lost_kernel);
	ck_assert_uint_eq(stats.delivered + stats.lost_kernel, stats.line_seq);
	for (i = 0; i < sink.n; i++) {
		ck_assert_uint_eq(sink.events[i].line_seq,
				  last_seq + sink.events[i].lost + 1);
		last_seq = sink.events[i].line_seq;
	}
}
END_TEST

/*
 * No edges.
 */

static unsigned int count_threads(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < ISRI_IRQ_THREADS_MAX; i++)
		n += isri_loop_base(loop)->irq_threads.of[i] != NULL;
	return n;
}

START_TEST(line_without_edges_tells_its_level_only)
{
	struct isr_pin_config config = xt_pin("A", _i);
	int values;

	config.edge = ISR_EDGE_NONE;
	config.more_lines = only_b;
	config.n_more_lines = 1;
	xt_ok(isr_pin_open(loop, &config, xt_sink, &sink, &pin, NULL));
	ck_assert_uint_eq(count_threads(), 0);

	xt_toggle(B);
	xt_settle();
	ck_assert_uint_eq(sink.n, 0);
	xt_ok(isr_pin_get_value(pin, &values));
	ck_assert_int_eq(values, 2);

	xt_ok(isr_source_disarm(pin));
	xt_ok(isr_source_arm(pin));
	xt_ok(isr_source_mask(pin));
	xt_ok(isr_source_unmask(pin));
	xt_ok(isr_source_fire(pin, NULL));
	xt_sink_run(&sink, 1);
	ck_assert_uint_eq(xt_stamped(pin), 1);
}
END_TEST

int main(void)
{
	bool is_real = xt_gpio_sim_is_asked_for();
	Suite *suite = suite_create("pin-lines");
	TCase *tcase;

	tcase = xt_case(suite, "lines");
	tcase_add_checked_fixture(tcase, setup, xt_chip_teardown);
	tcase_add_loop_test(tcase, lines_tell_the_order_of_their_edges, 0,
			    XT_MODES);
	tcase_add_test(tcase, lines_have_numbers_in_a_row);
	tcase_add_loop_test(tcase, lines_are_not_what_the_program_fires, 0,
			    XT_MODES);
	tcase_add_test(tcase, lines_are_described);
	tcase_add_test(tcase, lines_busy_leave_the_others_free);
	tcase_add_loop_test(tcase, lines_that_cannot_be_are_refused, 0,
			    sizeof(faults) / sizeof(*faults));
	tcase_add_test(tcase, lines_without_an_array_are_refused);
	tcase_add_loop_test(tcase, line_without_edges_tells_its_level_only, 0,
			    XT_HARD);
	if (is_real) {
		tcase_add_test(tcase, lines_that_flood_add_up);
		return xt_main(suite);
	}

	/* With stamps and numbers that a chip of the kernel's makes itself. */
	tcase = xt_case(suite, "order");
	tcase_add_checked_fixture(tcase, setup, xt_chip_teardown);
	tcase_add_loop_test(tcase, lines_keep_order_while_nobody_runs, 0,
			    XT_MODES);
	tcase_add_test(tcase, lines_merge_each_for_itself);
	tcase_add_loop_test(tcase, lines_share_a_gap, 0, XT_MODES);
	tcase_add_test(tcase, lines_know_nothing_behind_a_gap);
	tcase_add_test(tcase, lines_stored_out_of_order_are_sorted);
	tcase_add_test(tcase, lines_late_edge_stays_lost);
	tcase_add_test(tcase, lines_late_edge_while_disarmed_is_counted_once);
	tcase_add_test(tcase, line_by_itself_is_taken_as_it_comes);
	tcase_add_test(tcase, order_goes_on_across_the_wrap);
	return xt_main(suite);
}
