/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Encoders on a chip: the tables again, at the highest rate that the chip
 * feeds, and flooded. With the thread that reads, and with the loop.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "xt-encoder-pin.h"
#include "xt-gpio-sim.h"

#define STEPS 100000
/* Edges on their way at most, when nothing is to be lost. */
#define ROOM (ISR_PIN_FIFO_EVENTS_MAX / 2)

static atomic_uint stop_at;

static int on_raw(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	ck_assert_uint_le(event->source - isr_source_get_id(source), 1);
	if (add_seen(event) >= atomic_load(&stop_at))
		isr_loop_stop(loop);
	return 0;
}

static void run_until_seen(unsigned int n)
{
	atomic_store(&stop_at, n);
	while (atomic_load(&n_seen) < n)
		xt_ok(isr_loop_run(loop));
	ck_assert_uint_eq(atomic_load(&n_seen), n);
	/* What was stopped for is handled after the raw handler. */
	xt_ok(isr_loop_dispatch(loop));
}

/* The shaft drives the lines; the encoder may be behind. */
static void drive(int direction)
{
	xt_toggle(turn_shaft(direction));
}

/* One by one: a kernel would merge edges that nobody waits for. */
static void turn_on_pin(int quarters)
{
	int direction = quarters < 0 ? -1 : 1;

	for (; quarters; quarters -= direction) {
		drive(direction);
		run_until_seen(atomic_load(&n_seen) + 1);
	}
}

START_TEST(edges_of_both_lines_are_steps)
{
	struct isr_encoder_config config = on_pin(soft_modes[_i], on_raw);
	unsigned int i;

	open_on_pin(&config);

	turn_on_pin(8);
	turn_on_pin(-16);

	ck_assert_uint_eq(n_told, 24);
	for (i = 0; i < 24; i++) {
		assert_told(i, i < 8 ? (int)i + 1 : 15 - (int)i,
			    i < 8 ? 1 : -1);
		ck_assert_uint_eq(told[i].flags, chip.event_flags);
		ck_assert_uint_eq(told[i].uncertain, 0);
	}
	ck_assert_uint_eq(stats_now().edges, 24);
	ck_assert_ptr_nonnull(isr_encoder_get_source(&encoder));
}
END_TEST

static void close_when_told(struct isr_encoder *enc,
			    const struct isr_encoder_event *event, void *arg)
{
	n_told++;
	xt_ok(isr_encoder_close(enc));
	memset((void *)enc, 0, sizeof(*enc));
}

START_TEST(encoder_may_be_closed_while_its_velocity_is_asked_for)
{
	static const struct isr_encoder zeroed;
	struct isr_encoder_config config = on_pin(XT_LOOP, on_raw);
	double velocity;
	int r;

	config.cb = close_when_told;
	config.raw_cb = NULL;
	open_on_pin(&config);
	drive(1);

	/* A real edge may be on its way. */
	do {
		r = isr_encoder_read_velocity(&encoder, &velocity);
	} while (r == 0);

	ck_assert_int_eq(r, -ECANCELED);
	ck_assert_uint_eq(n_told, 1);
	ck_assert(!memcmp(&encoder, &zeroed, sizeof(encoder)));
}
END_TEST

/* Callbacks in there would end it: they are not to come back within one. */
START_TEST(velocity_in_a_critical_section_is_as_of_before)
{
	struct isr_encoder_config config = on_pin(XT_LOOP, on_raw);
	int token;

	open_on_pin(&config);
	drive(1);

	token = isr_mask(loop);
	ck_assert_int_eq(token, 0);
	velocity_now();
	ck_assert_uint_eq(n_told, 0);
	xt_ok(isr_unmask(loop, token));

	while (n_told == 0)
		velocity_now();
	assert_told(0, 1, 1);
}
END_TEST

static void sleep_when_told(struct isr_encoder *enc,
			    const struct isr_encoder_event *event, void *arg)
{
	xt_fails_with(EDEADLK, isr_sleep(1));
	n_told++;
}

static int ask_until_told(void *arg)
{
	while (n_told == 0)
		velocity_now();
	isr_loop_stop(loop);
	return 0;
}

START_TEST(callback_is_no_task_when_one_asks_for_the_velocity)
{
	struct isr_encoder_config config = on_pin(XT_LOOP, on_raw);

	config.cb = sleep_when_told;
	/* The silence tells it. */
	config.report_ns = MS;
	open_on_pin(&config);
	atomic_store(&stop_at, UINT_MAX);
	drive(1);

	xt_ok(isr_spawn(loop, NULL, ask_until_told, NULL, NULL));
	xt_ok(isr_loop_run(loop));
	ck_assert_uint_eq(n_told, 1);
}
END_TEST

/* What follows from values that have been told by then. */
struct row {
	uint32_t divider;
	int64_t min, max, modulo;
	int turns[4]; /* in divider quarters */
	int64_t value;
	unsigned int told;
};

static const struct row rows[] = {
	{.divider = 1, .turns = {8}, .value = 8, .told = 8},
	{.divider = 1, .turns = {-8}, .value = -8, .told = 8},
	{.divider = 2, .turns = {4}, .value = 4, .told = 4},
	{.divider = 4, .turns = {4}, .value = 4, .told = 4},
	{.divider = 4, .turns = {-4}, .value = -4, .told = 4},
	{.divider = 1, .max = 3, .turns = {9}, .value = 3, .told = 3},
	{.divider = 1, .max = 3, .turns = {9, -1}, .value = 2, .told = 4},
	{.divider = 4, .min = -2, .turns = {-5, 1}, .value = -1, .told = 3},
	{.divider = 1, .modulo = 3, .turns = {7, -2}, .value = 2, .told = 9},
	{.divider = 1, .turns = {1, -1, 1, -1}, .value = 0, .told = 4},
};

START_TEST(tables_on_a_pin)
{
	const struct row *row = &rows[_i / 2];
	struct isr_encoder_config config = on_pin(soft_modes[_i % 2], on_raw);
	unsigned int i;

	config.divider = row->divider;
	config.min = row->min;
	config.max = row->max;
	config.modulo = row->modulo;
	open_on_pin(&config);
	for (i = 0; i < 4; i++)
		turn_on_pin(row->turns[i] * (int)row->divider);

	ck_assert_int_eq(isr_encoder_get_value(&encoder), row->value);
	ck_assert_uint_eq(n_told, row->told);
}
END_TEST

START_TEST(phases_on_a_pin)
{
	struct isr_encoder_config config = on_pin(XT_SOFT, on_raw);

	config.steps = 1;
	open_on_pin(&config);

	turn_on_pin(1);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 1);
	turn_on_pin(99);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 25);
	turn_on_pin(-103);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), 0);
	turn_on_pin(-1);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), -1);
}
END_TEST

START_TEST(position_begins_at_the_levels_that_there_are)
{
	struct isr_encoder_config config = on_pin(soft_modes[_i], on_raw);

	zero = -3;
	xt_toggle(1);
	open_on_pin(&config);
	turn_on_pin(1);
	turn_on_pin(-2);

	ck_assert_int_eq(isr_encoder_get_value(&encoder), -1);
	ck_assert_uint_eq(stats_now().invalid, 0);
	zero = 0;
}
END_TEST

START_TEST(encoder_wants_another_line_b)
{
	struct isr_encoder_config config = on_pin(XT_SOFT, on_raw);
	struct isr_error error;

	config.line_b = "none";
	xt_fails_with(ENOENT,
		      isr_encoder_open(&encoder, loop, &config, &error));
	ck_assert_ptr_null(encoder.changed.wake);
	config.line_b = "A";
	ck_assert_int_lt(isr_encoder_open(&encoder, loop, &config, &error), 0);
	config.line_b = "B";
	config.pin.source.hard = true;
	xt_fails_with(EINVAL,
		      isr_encoder_open(&encoder, loop, &config, &error));
}
END_TEST

/* What the pin has told, with its stamps. */
#define RAW_MAX 64
static struct isr_event raw[RAW_MAX];
static unsigned int n_raw;

static int keep_raw(struct isr_source *source, const struct isr_event *event,
		    void *arg)
{
	ck_assert_uint_lt(n_raw, RAW_MAX);
	raw[n_raw] = *event;
	raw[n_raw++].source -= isr_source_get_id(source);
	return on_raw(source, event, arg);
}

static void stop_when_told(struct isr_encoder *enc,
			   const struct isr_encoder_event *event, void *arg)
{
	on_told(enc, event, arg);
	isr_loop_stop(loop);
}

/* The same edges, in an encoder that has no clock but their stamps. */
static void replay(struct isr_encoder_config config)
{
	unsigned int i;

	memset(&config.pin, 0, sizeof(config.pin));
	config.line_b = NULL;
	config.raw_cb = NULL;
	config.cb = on_told;
	open_encoder(config);
	for (i = 0; i < n_raw; i++)
		feed_event(raw[i]);
	now_ns = raw[n_raw - 1].t_ns;
	pass(1000 * MS);
	xt_ok(isr_encoder_close(&encoder));
}

START_TEST(reports_on_a_pin_are_those_of_its_stamps)
{
	static struct isr_encoder_event on_pin_told[TOLD_MAX];
	struct isr_encoder_config config = on_pin(soft_modes[_i], on_raw);
	unsigned int n;

	config.raw_cb = keep_raw;
	config.cb = stop_when_told;
	config.report_ns = 20 * MS;
	n_raw = 0;
	open_on_pin(&config);
	turn_on_pin(16);
	while (n_told == 0 || told[n_told - 1].value != 16)
		xt_ok(isr_loop_run(loop));
	xt_ok(isr_encoder_close(&encoder));
	n = n_told;
	memcpy(on_pin_told, told, n * sizeof(told[0]));

	replay(config);

	ck_assert_uint_eq(n_told, n);
	ck_assert(!memcmp(told, on_pin_told, n * sizeof(told[0])));
}
END_TEST

static void stop_loop(struct isr_encoder *enc,
		      const struct isr_encoder_event *event, void *arg)
{
	isr_loop_stop(loop);
}

/* Who disarms the pin makes edges vanish; the levels tell of it. */
START_TEST(levels_are_compared_when_it_has_come_to_rest)
{
	struct isr_encoder_config config = on_pin(soft_modes[_i], on_raw);

	config.cb = stop_loop;
	config.stop_ns = MS;
	open_on_pin(&config);
	turn_on_pin(5);
	xt_ok(isr_source_disarm(isr_encoder_get_source(&encoder)));
	drive(1);
	xt_ok(isr_source_arm(isr_encoder_get_source(&encoder)));
	drive(1);
	drive(-1);
	while (!stats_now().corrected)
		xt_ok(isr_loop_run(loop));

	ck_assert_int_eq(isr_encoder_get_value(&encoder), shaft);
	ck_assert_uint_ge(stats_now().uncertain, 4);
	ck_assert_uint_eq(stats_now().corrected, 1);
}
END_TEST

static int close_in_raw(struct isr_source *source,
			const struct isr_event *event, void *arg)
{
	n_raw++;
	xt_ok(isr_encoder_close(&encoder));
	memset((void *)&encoder, 0, sizeof(encoder));
	isr_loop_stop(loop);
	return 0;
}

static void close_in_callback(struct isr_encoder *enc,
			      const struct isr_encoder_event *event, void *arg)
{
	(void)close_in_raw(NULL, NULL, NULL);
}

/* With more of them on their way. */
START_TEST(encoder_may_be_closed_by_its_edges)
{
	static const struct isr_encoder zeroed;
	struct isr_encoder_config config = on_pin(soft_modes[_i % 2], on_raw);

	n_raw = 0;
	config.cb = close_in_callback;
	config.raw_cb = _i / 2 ? close_in_raw : NULL;
	open_on_pin(&config);
	drive(1);
	drive(1);
	drive(1);
	xt_ok(isr_loop_run(loop));

	xt_settle();
	ck_assert_uint_eq(n_raw, 1);
	ck_assert(!memcmp(&encoder, &zeroed, sizeof(encoder)));
}
END_TEST

/* In a thread of its own. */
struct generator {
	unsigned int n;
	unsigned int room; /* 0: it does not wait */
};

static void *generate(void *arg)
{
	const struct generator *generator = arg;
	unsigned int i;

	for (i = 0; i < generator->n; i++) {
		while (generator->room &&
		       i - atomic_load(&n_seen) >= generator->room)
			sched_yield();
		/* A long way forward, a short way back. */
		drive(i % 1000 < 700 ? 1 : -1);
	}
	return NULL;
}

START_TEST(no_step_is_lost_at_the_highest_rate)
{
	struct isr_encoder_config config = on_pin(soft_modes[_i], on_raw);
	struct generator generator = {.n = STEPS, .room = ROOM};
	pthread_t thread;
	uint64_t begin_ns;

	config.cb = NULL;
	open_on_pin(&config);
	begin_ns = isr_now_ns();
	pthread_create(&thread, NULL, generate, &generator);
	run_until_seen(STEPS);
	pthread_join(thread, NULL);
	printf("# %.0f steps a second\n",
	       STEPS * 1e9 / (double)(isr_now_ns() - begin_ns));

	ck_assert_int_eq(shaft, STEPS / 1000 * 400);
	ck_assert_int_eq(isr_encoder_get_value(&encoder), shaft);
	ck_assert_uint_eq(stats_now().steps, STEPS);
	ck_assert_uint_eq(stats_now().edges, STEPS);
	ck_assert_uint_eq(stats_now().lost, 0);
	ck_assert_uint_eq(stats_now().invalid, 0);
	ck_assert_uint_eq(stats_now().uncertain, 0);
}
END_TEST

static void assert_told_what_is_lost(unsigned int n)
{
	struct isr_encoder_stats stats = stats_now();

	ck_assert_uint_eq(stats.edges + stats.lost, n);
	ck_assert_uint_eq(stats.invalid, 0);
	ck_assert_int_eq((stats.position - shaft) % 4, 0);
	ck_assert_uint_le((uint64_t)llabs(stats.position - shaft),
			  stats.uncertain);
}

/* Nobody waits, and how much is lost is as it comes. */
START_TEST(flood_loses_nothing_silently)
{
	struct isr_encoder_config config = on_pin(soft_modes[_i], on_raw);
	struct generator generator = {.n = STEPS};
	pthread_t thread;

	config.cb = NULL;
	open_on_pin(&config);
	pthread_create(&thread, NULL, generate, &generator);
	run_until_seen(STEPS);
	pthread_join(thread, NULL);

	assert_told_what_is_lost(STEPS);
}
END_TEST

/* The loop looks when all is over: the FIFO has the last edges. */
START_TEST(flood_of_a_loop_that_is_blocked)
{
	struct isr_encoder_config config = on_pin(XT_LOOP, on_raw);
	struct generator generator = {.n = STEPS + (unsigned int)_i};
	struct isr_encoder_stats stats;

	config.cb = NULL;
	open_on_pin(&config);
	generate(&generator);
	run_until_seen(generator.n);

	assert_told_what_is_lost(generator.n);
	stats = stats_now();
	ck_assert_uint_eq(stats.edges, ISR_PIN_FIFO_EVENTS_MAX);
	ck_assert_uint_eq(stats.resyncs, 1);
	ck_assert_uint_le(stats.uncertain, stats.lost + 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encoder-pin");
	TCase *tc = xt_case(suite, "pin");
	TCase *fast = xt_case(suite, "simulated");

	tcase_add_checked_fixture(tc, xt_chip_setup, xt_chip_teardown);
	tcase_add_loop_test(tc, edges_of_both_lines_are_steps, 0, 2);
	tcase_add_loop_test(tc, tables_on_a_pin, 0,
			    2 * sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, phases_on_a_pin);
	tcase_add_loop_test(tc, position_begins_at_the_levels_that_there_are, 0,
			    2);
	tcase_add_test(tc, encoder_wants_another_line_b);
	tcase_add_loop_test(tc, encoder_may_be_closed_by_its_edges, 0, 4);
	tcase_add_test(tc,
		       encoder_may_be_closed_while_its_velocity_is_asked_for);
	tcase_add_test(tc, velocity_in_a_critical_section_is_as_of_before);
	tcase_add_test(tc, callback_is_no_task_when_one_asks_for_the_velocity);

	/* Of the simulated chip: a kernel merges edges, and has them late. */
	if (xt_gpio_sim_is_asked_for())
		return xt_main(suite);
	tcase_set_timeout(fast, 600);
	tcase_add_checked_fixture(fast, xt_chip_setup, xt_chip_teardown);
	tcase_add_loop_test(fast, reports_on_a_pin_are_those_of_its_stamps, 0,
			    2);
	tcase_add_loop_test(fast, levels_are_compared_when_it_has_come_to_rest,
			    0, 2);
	tcase_add_loop_test(fast, no_step_is_lost_at_the_highest_rate, 0, 2);
	tcase_add_loop_test(fast, flood_loses_nothing_silently, 0, 2);
	tcase_add_loop_test(fast, flood_of_a_loop_that_is_blocked, 0, 4);
	return xt_main(suite);
}
