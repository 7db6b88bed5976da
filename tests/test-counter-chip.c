/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Counters of a chip's pins, simulated or the kernel's (see xt-pin.h): what is
 * measured is what follows from the stamps that came, whatever they are.
 */
#include "xt-counter.h"
#include "xt-pin.h"

#define HOUR (3600 * SECOND)
#define EDGES 300

static struct isr_event raw[EDGES];
static unsigned int n_raw;

static int on_raw(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	if (n_raw < EDGES)
		raw[n_raw] = *event;
	if (++n_raw == EDGES)
		isr_loop_stop(loop);
	return 0;
}

static void open_counter(enum xt_mode mode, uint64_t stop_ns)
{
	const struct isr_counter_config config = {
		.sz = sizeof(config),
		.pin = xt_pin("A", mode),
		.window_ns = HOUR,
		.stop_ns = stop_ns,
		.report_ns = HOUR,
		.cb = xt_stop_when_stopped,
		.raw_cb = on_raw,
	};

	n_raw = n_reports = 0;
	xt_ok(isr_counter_open(&counter, loop, &config, NULL));
}

static void teardown(void)
{
	xt_ok(isr_counter_close(&counter));
	xt_chip_teardown();
}

/* Rising ones have even numbers. */
static void check_periods(const struct isr_counter_reading *r)
{
	uint64_t period_ns, min_ns = UINT64_MAX, max_ns = 0, high_ns = 0;
	unsigned int i;

	for (i = 2; i < EDGES; i += 2) {
		period_ns = raw[i].t_ns - raw[i - 2].t_ns;
		min_ns = period_ns < min_ns ? period_ns : min_ns;
		max_ns = period_ns > max_ns ? period_ns : max_ns;
		high_ns += raw[i - 1].t_ns - raw[i - 2].t_ns;
	}
	ck_assert_uint_eq(r->periods, EDGES / 2 - 1);
	ck_assert_uint_eq(r->period_min_ns, min_ns);
	ck_assert_uint_eq(r->period_max_ns, max_ns);
	ck_assert(r->duty == (double)high_ns / (double)(r->to_ns - r->from_ns));
}

START_TEST(chip_counter_measures_the_stamps_that_came)
{
	struct isr_counter_reading r;

	open_counter((enum xt_mode)_i, 24 * HOUR);
	xt_edges(0, EDGES);
	xt_ok(isr_loop_run(loop));
	r = xt_read();

	ck_assert_uint_eq(r.lost + r.merged, 0);
	ck_assert_uint_eq(r.pulses, EDGES / 2);
	ck_assert_int_eq(isr_counter_get_count(&counter), EDGES / 2);
	ck_assert_uint_eq(r.from_ns, raw[0].t_ns);
	ck_assert_uint_eq(r.to_ns, raw[EDGES - 2].t_ns);
	ck_assert_uint_ge(r.t_ns, raw[EDGES - 1].t_ns);
	ck_assert_uint_eq(r.window_pulses_min, EDGES / 2 - 1);
	ck_assert_uint_eq(r.window_pulses_max, EDGES / 2 - 1);
	check_periods(&r);
}
END_TEST

START_TEST(chip_counter_tells_that_the_input_has_stopped)
{
	open_counter((enum xt_mode)_i, 50 * MS);
	xt_edges(0, 1);
	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(reports[n_reports - 1].t_ns, raw[0].t_ns + 50 * MS);
	ck_assert_uint_eq(reports[n_reports - 1].pulses, 1);
	ck_assert(reports[n_reports - 1].frequency_hz == 0);
	ck_assert(reports[n_reports - 1].duty == 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("counter chip");
	TCase *tc = xt_case(suite, "chip");

	tcase_add_checked_fixture(tc, xt_chip_setup, teardown);
	/* XT_SOFT and XT_LOOP */
	tcase_add_loop_test(tc, chip_counter_measures_the_stamps_that_came, 0,
			    XT_HARD);
	tcase_add_loop_test(tc, chip_counter_tells_that_the_input_has_stopped,
			    0, XT_HARD);
	return xt_main(suite);
}
