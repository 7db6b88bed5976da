/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Counters of pins of a simulated chip: edges by hand, with stamps that the
 * test chooses, and a square wave that the chip makes by itself. What is
 * measured is compared with the stamps that came, never with a clock.
 */
#include "device.h"
#include "xt-counter.h"
#include "xt-pin.h"

#define HOUR (3600 * SECOND)
#define RAW_MAX 20000

static struct isr_event raw[RAW_MAX];
static unsigned int n_raw, stop_at;
static uint64_t raw_lost;
static unsigned int n_wrong;

/* The chip may have made some, and lost some, before the device began. */
static bool is_before(const struct isr_event *event)
{
	const struct isri_device *device =
		(const struct isri_device *)(const void *)counter.rest.bytes;

	return event->t_ns < device->begin_ns;
}

static int on_raw(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	ck_assert_ptr_eq(source, isr_counter_get_source(&counter));
	if (is_before(event))
		return 0;
	ck_assert_uint_lt(n_raw, RAW_MAX);
	raw[n_raw++] = *event;
	raw_lost += event->lost;
	if (n_raw >= stop_at)
		isr_loop_stop(loop);
	return 0;
}

static struct isr_counter_config config_of(const char *line, enum xt_mode mode)
{
	return (struct isr_counter_config){
		.sz = sizeof(struct isr_counter_config),
		.pin = xt_pin(line, mode),
		.window_ns = HOUR,
		.stop_ns = 24 * HOUR,
		.raw_cb = on_raw,
	};
}

static void open_with(struct isr_counter_config config)
{
	n_raw = n_reports = n_wrong = 0;
	raw_lost = 0;
	stop_at = UINT32_MAX;
	xt_ok(isr_counter_open(&counter, loop, &config, NULL));
}

static void teardown(void)
{
	xt_ok(isr_counter_close(&counter));
	xt_chip_teardown();
}

static void set_level(uint32_t line, int level, uint64_t t_ns)
{
	ck_assert_int_eq(isr_chip_sim_set(chip.chip, line, level, t_ns), 1);
}

static void wave(uint64_t t_ns, uint64_t period_ns, uint64_t high_ns,
		 unsigned int n)
{
	for (; n--; t_ns += period_ns) {
		set_level(0, 1, t_ns);
		set_level(0, 0, t_ns + high_ns);
	}
}

/* The edges come all at once, their stamps are of the hour to come. */
START_TEST(pin_counter_measures_by_the_stamps)
{
	uint64_t start_ns = isr_now_ns() + HOUR;
	struct isr_counter_reading r;

	open_with(config_of("A", (enum xt_mode)_i));
	wave(start_ns, 10 * MS, 3 * MS, 200);
	stop_at = 400;
	xt_ok(isr_loop_run(loop));
	r = xt_read();

	ck_assert_int_eq(r.state, ISR_COUNTER_RUNNING);
	ck_assert_uint_eq(r.pulses, 200);
	ck_assert(r.frequency_hz == 100);
	ck_assert(r.duty == 0.3);
	ck_assert(r.period_stddev_ns == 0);
	ck_assert_uint_eq(r.from_ns, start_ns);
	ck_assert_uint_eq(r.to_ns, start_ns + 1990 * MS);
	ck_assert_uint_eq(r.t_ns, start_ns + 1993 * MS);
}
END_TEST

/* The loop has not run since. */
START_TEST(pin_counter_read_sees_what_the_chip_has)
{
	open_with(config_of("A", XT_LOOP));
	wave(isr_now_ns() + HOUR, 10 * MS, MS, 100);

	ck_assert_uint_eq(xt_read().pulses, 100);
	ck_assert_uint_eq(n_raw, 200);
}
END_TEST

START_TEST(pin_counter_counts_pulses_of_a_line_that_is_active_low)
{
	struct isr_counter_config config = config_of("A", XT_LOOP);
	uint64_t start_ns = isr_now_ns() + HOUR;
	struct isr_counter_reading r;

	config.pin.active_low = true;
	open_with(config);
	wave(start_ns, 10 * MS, 3 * MS, 100);
	r = xt_read();

	ck_assert_uint_eq(r.pulses, 100);
	ck_assert_uint_eq(r.from_ns, start_ns + 3 * MS);
	ck_assert(r.duty == 0.7);
}
END_TEST

START_TEST(pin_counter_of_one_edge_takes_half_the_events)
{
	struct isr_counter_config config = config_of("A", XT_LOOP);

	config.pin.edge = ISR_EDGE_FALLING;
	open_with(config);
	wave(isr_now_ns() + HOUR, 10 * MS, 3 * MS, 100);

	ck_assert_uint_eq(xt_read().pulses, 100);
	ck_assert(xt_read().frequency_hz == 100);
	ck_assert_uint_eq(n_raw, 100);
}
END_TEST

/* The chip's FIFO keeps the newest ones. */
START_TEST(pin_counter_states_what_a_loss_leaves_open)
{
	struct isr_counter_config config = config_of("A", XT_LOOP);
	struct isr_counter_reading r;
	uint64_t start_ns = isr_now_ns() + HOUR;

	config.pin.fifo_events = 16;
	open_with(config);
	wave(start_ns, 10 * MS, 3 * MS, 5);
	xt_read();
	wave(start_ns + 50 * MS, 10 * MS, 3 * MS, 100);
	r = xt_read();

	ck_assert_uint_eq(r.lost, raw_lost);
	ck_assert_uint_eq(r.lost, 200 - 16);
	ck_assert_uint_eq(r.pulses, 5 + 8);
	ck_assert(r.frequency_hz == 100);
	ck_assert(r.frequency_min_hz <= 100 && r.frequency_min_hz > 98);
	ck_assert(r.frequency_max_hz > 100 && r.frequency_max_hz < 200);
	ck_assert_uint_eq(r.period_max_ns, 10 * MS);
	ck_assert_uint_eq(r.to_ns, start_ns + 1040 * MS);
}
END_TEST

/* Nothing but time makes it so. */
START_TEST(pin_counter_tells_that_the_input_has_stopped)
{
	struct isr_counter_config config = config_of("A", (enum xt_mode)_i);
	uint64_t start_ns;

	config.stop_ns = 20 * MS;
	config.report_ns = SECOND;
	config.cb = xt_stop_when_stopped;
	open_with(config);
	start_ns = isr_now_ns();
	wave(start_ns, 1000, 500, 100);
	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(reports[n_reports - 1].t_ns,
			  start_ns + 99000 + 20 * MS);
	ck_assert_uint_eq(reports[n_reports - 1].pulses, 100);
	ck_assert(reports[n_reports - 1].frequency_hz == 0);
}
END_TEST

/*
 * A square wave of 1 kHz that the chip makes
 */

static uint64_t raw_pulses_before(uint64_t t_ns)
{
	unsigned int i;
	uint64_t n = 0;

	for (i = 0; i < n_raw; i++)
		n += raw[i].kind == ISR_EVENT_RISING && raw[i].t_ns < t_ns;
	return n;
}

/* Each at a multiple, with all that is stamped before, and nothing else. */
static void check_report(struct isr_counter *c,
			 const struct isr_counter_reading *reading, void *arg)
{
	n_wrong += reading->t_ns % (20 * MS) != 0 ||
		   reading->pulses != raw_pulses_before(reading->t_ns);
	if (++n_reports == 5)
		isr_loop_stop(loop);
}

START_TEST(pin_counter_measures_what_the_chip_makes)
{
	struct isr_counter_config config = config_of("CLOCK", (enum xt_mode)_i);
	struct isr_counter_reading r;

	config.pin.chip = "sim:";
	open_with(config);
	stop_at = 100;
	xt_ok(isr_loop_run(loop));
	stop_at = UINT32_MAX;
	r = xt_read();

	ck_assert_uint_ge(n_raw, 100);
	ck_assert_uint_eq(r.pulses, raw_pulses_before(UINT64_MAX));
	ck_assert_uint_eq(r.lost, raw_lost);
	ck_assert_uint_gt(r.periods, 0);
	ck_assert_uint_eq(r.period_min_ns, MS);
	ck_assert_uint_eq(r.period_max_ns, MS);
	ck_assert(r.duty == 0.5);
}
END_TEST

START_TEST(pin_counter_reports_what_the_chip_made_until_then)
{
	struct isr_counter_config config = config_of("CLOCK", (enum xt_mode)_i);

	config.pin.chip = "sim:";
	config.report_ns = 20 * MS;
	config.cb = check_report;
	open_with(config);
	xt_ok(isr_loop_run(loop));

	ck_assert_uint_ge(n_reports, 5);
	ck_assert_uint_eq(n_wrong, 0);
}
END_TEST

/*
 * A loop that is late
 */

static struct isr_counter_reading in_time[XT_REPORTS];

/* The loop runs after so many edges. */
static void run_late(enum xt_mode mode, uint64_t start_ns, unsigned int late)
{
	struct isr_counter_config config = config_of("A", mode);
	uint64_t t_ns = start_ns;
	unsigned int i;

	config.window_ns = SECOND;
	config.stop_ns = SECOND / 2;
	config.report_ns = 100 * MS;
	config.cb = xt_on_report;
	open_with(config);
	for (i = 0; i < 500; i++, t_ns += 7 * MS + i % 5 * MS) {
		t_ns += i % 100 ? 0 : SECOND;
		set_level(0, !(i % 2), t_ns);
		stop_at = i + 1;
		if (stop_at % late == 0)
			xt_ok(isr_loop_run(loop));
	}
	xt_ok(isr_counter_close(&counter));
}

START_TEST(pin_counter_reports_the_same_when_edges_come_at_once)
{
	uint64_t start_ns = isr_now_ns() + HOUR;
	static const unsigned int late[] = {10, 125, 500};
	unsigned int i, n;

	run_late((enum xt_mode)_i, start_ns, 1);
	n = n_reports;
	ck_assert_uint_gt(n, 30);
	memcpy(in_time, reports, sizeof(reports));

	for (i = 0; i < 3; i++) {
		run_late((enum xt_mode)_i, start_ns, late[i]);
		ck_assert_uint_eq(n_reports, n);
		ck_assert_mem_eq(reports, in_time, n * sizeof(reports[0]));
	}
}
END_TEST

/*
 * What is legal where
 */

START_TEST(pin_counter_is_not_fed)
{
	struct isr_event event = {.kind = ISR_EVENT_RISING, .t_ns = SECOND};

	open_with(config_of("A", XT_LOOP));

	xt_fails_with(EBUSY, isr_counter_feed(&counter, &event));
	ck_assert_str_eq(isr_source_get_name(isr_counter_get_source(&counter)),
			 "A");
}
END_TEST

START_TEST(pin_counter_refuses_what_a_pin_does)
{
	struct isr_counter_config config = config_of("A", XT_HARD);
	struct isr_error error;

	xt_fails_with(EINVAL,
		      isr_counter_open(&counter, loop, &config, &error));
	config = config_of("A", XT_LOOP);
	config.pin.clock = ISR_CLOCK_REALTIME;
	xt_fails_with(EINVAL,
		      isr_counter_open(&counter, loop, &config, &error));
	config = config_of("NOBODY", XT_LOOP);
	xt_fails_with(ENOENT,
		      isr_counter_open(&counter, loop, &config, &error));
	open_with(config_of("A", XT_LOOP));
	xt_ok(isr_counter_close(&counter));
	open_with(config_of("A", XT_LOOP));
}
END_TEST

static int close_in_raw(struct isr_source *source,
			const struct isr_event *event, void *arg)
{
	n_raw++;
	xt_ok(isr_counter_close(&counter));
	memset((void *)&counter, 0, sizeof(counter));
	isr_loop_stop(loop);
	return 0;
}

START_TEST(pin_counter_may_be_closed_by_its_raw_events)
{
	struct isr_counter_config config = config_of("A", (enum xt_mode)_i);

	config.raw_cb = close_in_raw;
	open_with(config);
	wave(isr_now_ns() + HOUR, 10 * MS, MS, 10);
	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(n_raw, 1);
}
END_TEST

START_TEST(pin_counter_that_is_closed_while_read_says_so)
{
	struct isr_counter_config config = config_of("A", XT_LOOP);
	struct isr_counter_reading r;

	config.report_ns = 100 * MS;
	config.cb = xt_close_in_report;
	open_with(config);
	wave(isr_now_ns() + HOUR, 10 * MS, MS, 100);

	xt_fails_with(ECANCELED, isr_counter_read(&counter, &r));
	ck_assert_uint_eq(n_reports, 1);
	ck_assert_int_le(isr_counter_get_count(&counter), 11);
}
END_TEST

static void read_in_callback(struct isr_flag *flag, uint32_t count, void *arg)
{
	struct isr_counter_reading *r = arg;

	wave(isr_now_ns() + HOUR, 10 * MS, MS, 100);
	ck_assert_uint_eq(n_reports, 0);
	xt_fails_with(ECANCELED, isr_counter_read(&counter, r));
	ck_assert_uint_eq(n_reports, 1);
	isr_loop_stop(loop);
}

/* What is due is told inside the read, wherever that is. */
START_TEST(pin_counter_may_report_in_another_callback)
{
	struct isr_counter_config config = config_of("A", XT_LOOP);
	struct isr_counter_reading r;
	struct isr_flag flag;

	config.report_ns = 100 * MS;
	config.cb = xt_close_in_report;
	open_with(config);
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, read_in_callback, &r));
	isr_flag_set(&flag);
	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(n_reports, 1);
	xt_ok(isr_flag_done(&flag));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("counter pin");
	TCase *tc = xt_case(suite, "pin");

	tcase_add_checked_fixture(tc, xt_chip_setup, teardown);
	/* XT_SOFT and XT_LOOP */
	tcase_add_loop_test(tc, pin_counter_measures_by_the_stamps, 0, XT_HARD);
	tcase_add_test(tc, pin_counter_read_sees_what_the_chip_has);
	tcase_add_test(tc,
		       pin_counter_counts_pulses_of_a_line_that_is_active_low);
	tcase_add_test(tc, pin_counter_of_one_edge_takes_half_the_events);
	tcase_add_test(tc, pin_counter_states_what_a_loss_leaves_open);
	tcase_add_loop_test(tc, pin_counter_tells_that_the_input_has_stopped, 0,
			    XT_HARD);
	tcase_add_loop_test(tc, pin_counter_measures_what_the_chip_makes, 0,
			    XT_HARD);
	tcase_add_loop_test(tc,
			    pin_counter_reports_what_the_chip_made_until_then,
			    0, XT_HARD);
	tcase_add_loop_test(
		tc, pin_counter_reports_the_same_when_edges_come_at_once, 0,
		XT_HARD);
	tcase_add_test(tc, pin_counter_is_not_fed);
	tcase_add_test(tc, pin_counter_refuses_what_a_pin_does);
	tcase_add_loop_test(tc, pin_counter_may_be_closed_by_its_raw_events, 0,
			    XT_HARD);
	tcase_add_test(tc, pin_counter_that_is_closed_while_read_says_so);
	tcase_add_test(tc, pin_counter_may_report_in_another_callback);
	return xt_main(suite);
}
