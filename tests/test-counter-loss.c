/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Counters whose edges are lost or merged: the true number of pulses is always
 * between the limits that a reading states, and a period in which an edge is
 * missing is never in its statistics.
 *
 * Random traces: edges that alternate, as on a line; of these the records that
 * a kernel would make, which reads the level late and misses what is too short
 * for it; of these what is left behind a queue that overflows. A failing trace
 * says its seed: CK_RUN_CASE=random ISR_SEED=N runs that one alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "xt-counter.h"

#define TRACES 4000
#define EDGES 600

struct trace {
	uint64_t seed, chance;
	enum isr_edge edge;
	/* true; even ones rise */
	uint64_t edges_ns[EDGES];
	/* what the kernel stamped */
	struct {
		uint64_t t_ns;
		int level;
	} records[EDGES];
	unsigned int n_records;
	/* what was fed */
	struct {
		uint64_t t_ns;
		int level;
		bool is_clean;
	} fed[EDGES];
	unsigned int n_fed;
};

static struct trace trace;

static uint64_t chance(uint64_t below)
{
	trace.chance ^= trace.chance << 13;
	trace.chance ^= trace.chance >> 7;
	trace.chance ^= trace.chance << 17;
	return (trace.chance * 0x2545f4914f6cdd1dULL >> 16) % below;
}

/* Regular for a while, then otherwise; now and then a pause. */
static void make_edges(void)
{
	uint64_t t_ns = DAY + chance(SECOND), scale_ns = MS;
	unsigned int i;

	for (i = 0; i < EDGES; i++) {
		if (!chance(50))
			scale_ns = US << chance(18);
		if (!chance(200))
			t_ns += chance(4 * SECOND);
		t_ns += scale_ns + chance(scale_ns);
		trace.edges_ns[i] = t_ns;
	}
}

static void add_record(uint64_t t_ns, int level)
{
	trace.records[trace.n_records].t_ns = t_ns;
	trace.records[trace.n_records++].level = level;
}

/* What the level is when it is read late: after which edge, from the next. */
static unsigned int read_level(unsigned int next, uint64_t stamp_ns,
			       uint64_t latency_ns, uint64_t *ret_read_ns)
{
	uint64_t read_ns = stamp_ns + (chance(4) ? 0 : chance(latency_ns));
	unsigned int end = next;

	while (end < EDGES && end < next + 2 && trace.edges_ns[end] <= read_ns)
		end++;
	if (end < EDGES && read_ns >= trace.edges_ns[end])
		read_ns = trace.edges_ns[end] - 1;
	*ret_read_ns = read_ns;
	return end;
}

/*
 * As the kernel: an edge is stamped when it interrupts, the level is read a
 * moment later; what comes until then, up to two edges (more would vanish in
 * pairs), interrupts once, after that, and may be read late again.
 */
static void make_records(void)
{
	uint64_t latency_ns = US << chance(10), stamp_ns, read_ns;
	unsigned int next = 1, end;

	trace.n_records = 0;
	stamp_ns = trace.edges_ns[0];
	for (;;) {
		end = read_level(next, stamp_ns, latency_ns, &read_ns);
		add_record(stamp_ns, end & 1);
		if (end == EDGES)
			break;
		stamp_ns = end > next ? read_ns : trace.edges_ns[end];
		next = end > next ? end : end + 1;
	}
}

/* On a line that reports one edge each of these is a record. */
static void make_records_of_one(void)
{
	unsigned int i;

	trace.n_records = 0;
	for (i = trace.edge == ISR_EDGE_FALLING; i < EDGES; i += 2) {
		add_record(trace.edges_ns[i], !(i & 1));
	}
}

/* Pulses after from_ns, until to_ns. */
static uint64_t true_pulses(uint64_t from_ns, uint64_t to_ns)
{
	unsigned int i;
	uint64_t n = 0;

	for (i = trace.edge == ISR_EDGE_FALLING; i < EDGES; i += 2)
		n += trace.edges_ns[i] > from_ns && trace.edges_ns[i] <= to_ns;
	return n;
}

static void expect(bool is_right, const char *what)
{
	ck_assert_msg(is_right, "ISR_SEED=%llu, edge %d: %s",
		      (unsigned long long)trace.seed, (int)trace.edge, what);
}

/* Record i ends a period: the pulse before is sure, and nothing between. */
static bool is_period(unsigned int i)
{
	if (trace.edge != ISR_EDGE_BOTH)
		return i >= 1 && trace.fed[i].is_clean;
	return i >= 2 && trace.fed[i].level && trace.fed[i].is_clean &&
	       trace.fed[i - 1].is_clean && trace.fed[i - 2].is_clean;
}

/* By the records that were fed: how many periods, and how long in all. */
static void check_periods(const struct isr_counter_reading *r)
{
	unsigned int step = trace.edge == ISR_EDGE_BOTH ? 2 : 1, i;
	uint64_t n = 0, sum_ns = 0;

	for (i = 0; i < trace.n_fed; i++) {
		if (trace.fed[i].t_ns <= r->from_ns ||
		    trace.fed[i].t_ns > r->to_ns || !is_period(i))
			continue;
		n++;
		sum_ns += trace.fed[i].t_ns - trace.fed[i - step].t_ns;
	}
	expect(r->periods == n, "another number of periods");
	expect(!n || r->period_mean_ns == (double)sum_ns / (double)n,
	       "other periods");
}

/* What says nothing of losses would have been wrong so often. */
static unsigned int n_readings, n_uncertain, n_wrong;

static void check_limits(const struct isr_counter_reading *r, uint64_t n,
			 uint64_t time_ns)
{
	double true_hz = (double)n * 1e9 / (double)time_ns;

	expect(true_hz >= r->frequency_min_hz * (1 - 1e-12),
	       "fewer pulses than stated");
	expect(true_hz <= r->frequency_max_hz * (1 + 1e-12),
	       "more pulses than stated");
}

static void check_reading(const struct isr_counter_reading *r)
{
	uint64_t n;

	expect(r->frequency_hz >= r->frequency_min_hz &&
		       r->frequency_hz <= r->frequency_max_hz,
	       "the frequency is not within its own limits");
	if (r->state == ISR_COUNTER_STOPPED)
		return;
	n = true_pulses(r->from_ns, r->to_ns);
	expect(n >= r->window_pulses_min, "fewer pulses in the window");
	expect(n <= r->window_pulses_max, "more pulses in the window");
	n_readings++;
	n_uncertain += r->window_pulses_min != r->window_pulses_max;
	n_wrong += r->periods != n;
	if (r->state == ISR_COUNTER_RUNNING)
		check_limits(r, n, r->to_ns - r->from_ns);
	else if (r->t_ns > r->to_ns)
		check_limits(r, true_pulses(r->to_ns, r->t_ns),
			     r->t_ns - r->to_ns);
	if (r->window_pulses_max)
		check_periods(r);
}

/* lost: told with it; is_gap: or before */
static void feed_record(unsigned int i, uint32_t lost, bool is_gap)
{
	int level = trace.records[i].level;
	bool is_same = trace.edge == ISR_EDGE_BOTH && trace.n_fed &&
		       trace.fed[trace.n_fed - 1].level == level;
	struct isr_event event = {
		.kind = level ? ISR_EVENT_RISING : ISR_EVENT_FALLING,
		.t_ns = trace.records[i].t_ns,
		.lost = lost,
		.value = level,
	};

	if (is_same && !is_gap)
		event.flags = ISR_EVENT_FLAG_MERGED;
	trace.fed[trace.n_fed].t_ns = event.t_ns;
	trace.fed[trace.n_fed].level = level;
	trace.fed[trace.n_fed++].is_clean = !is_gap && !is_same;
	xt_feed(event);
}

/* Some are told before the next edge comes. */
static uint32_t tell_lost(unsigned int i, uint32_t lost)
{
	struct isr_event event = {.kind = ISR_EVENT_LOST};

	if (!lost || chance(2))
		return lost;
	event.lost = 1 + (uint32_t)chance(lost);
	event.t_ns = trace.records[i - 1].t_ns;
	xt_feed(event);
	return lost - event.lost;
}

static void feed_trace(void)
{
	uint32_t lost = 0, losing = 0, loss = (uint32_t)chance(60) + 1;
	struct isr_counter_reading r;
	unsigned int i;

	trace.n_fed = 0;
	for (i = 0; i < trace.n_records; i++) {
		if (losing) {
			losing--;
			lost++;
			continue;
		}
		feed_record(i, tell_lost(i, lost), lost);
		lost = 0;
		if (!chance(loss))
			losing = 1 + (uint32_t)chance(12);
		if (chance(3))
			continue;
		if (i + 1 < trace.n_records && !chance(3) && !losing)
			xt_idle(trace.records[i].t_ns +
				chance(trace.records[i + 1].t_ns -
				       trace.records[i].t_ns));
		r = xt_read();
		check_reading(&r);
	}
}

static void run_trace(uint64_t seed)
{
	static const struct isr_counter_config configs[] = {
		{.window_ns = 100 * MS, .stop_ns = 10 * SECOND},
		{.window_ns = 100 * MS, .stop_ns = 50 * MS},
		{.window_ns = 3 * MS, .stop_ns = SECOND},
		{.window_ns = 1000 * SECOND},
	};
	struct isr_counter_config config = configs[seed % 4];

	trace.seed = seed;
	trace.chance = seed * 0x9e3779b97f4a7c15ULL + 1;
	trace.edge = chance(3) ? ISR_EDGE_BOTH : (enum isr_edge)(1 + chance(2));
	config.pin.edge = trace.edge;
	make_edges();
	if (trace.edge == ISR_EDGE_BOTH)
		make_records();
	else
		make_records_of_one();
	xt_open(config);
	feed_trace();
	xt_ok(isr_counter_close(&counter));
}

START_TEST(counter_states_limits_that_hold)
{
	const char *only = getenv("ISR_SEED");
	uint64_t seed;

	if (only) {
		run_trace(strtoull(only, NULL, 0));
		return;
	}
	for (seed = 1; seed <= TRACES; seed++)
		run_trace(seed);
	ck_assert_uint_gt(n_uncertain, n_readings / 10);
	ck_assert_uint_gt(n_wrong, n_readings / 10);
}
END_TEST

/*
 * One by one
 */

static void feed_lost(uint64_t t_ns, uint8_t kind, uint32_t lost)
{
	xt_feed((struct isr_event){.kind = kind, .t_ns = t_ns, .lost = lost});
}

static void feed_merged(uint64_t t_ns, uint8_t kind)
{
	xt_feed((struct isr_event){
		.kind = kind, .t_ns = t_ns, .flags = ISR_EVENT_FLAG_MERGED});
}

/* Four of 200 edges: so many pulses may be more or less. */
START_TEST(counter_limits_are_as_near_as_the_loss_is_small)
{
	struct isr_counter_reading r;

	xt_open((struct isr_counter_config){0});
	xt_wave(DAY, MS, MS / 2, 50);
	feed_lost(DAY + 52 * MS, ISR_EVENT_RISING, 4);
	xt_fall(DAY + 52 * MS + MS / 2);
	xt_wave(DAY + 53 * MS, MS, MS / 2, 48);
	r = xt_read();

	ck_assert_uint_eq(r.lost, 4);
	ck_assert_uint_eq(r.pulses, 99);
	ck_assert_uint_eq(r.to_ns - r.from_ns, 100 * MS);
	ck_assert_uint_eq(r.window_pulses_min, 100);
	ck_assert_uint_eq(r.window_pulses_max, 102);
	ck_assert(r.frequency_hz == 1000);
	ck_assert(r.frequency_min_hz == 1000);
	ck_assert(r.frequency_max_hz == 1020);
	ck_assert_uint_eq(r.periods, 49 + 47);
	ck_assert(r.period_stddev_ns == 0);
	ck_assert_uint_eq(r.high_max_ns, MS / 2);
}
END_TEST

START_TEST(counter_takes_merged_edges_for_no_period)
{
	struct isr_counter_reading r;

	xt_open((struct isr_counter_config){0});
	xt_wave(DAY, MS, MS / 2, 50);
	feed_merged(DAY + 51 * MS + MS / 2, ISR_EVENT_FALLING);
	xt_wave(DAY + 52 * MS, MS, MS / 2, 50);
	r = xt_read();

	ck_assert_uint_eq(r.merged, 1);
	ck_assert_uint_eq(r.lost, 0);
	ck_assert_uint_eq(r.periods, 98);
	ck_assert_uint_eq(r.period_max_ns, MS);
	ck_assert_uint_eq(r.low_max_ns, MS / 2);
	ck_assert_uint_eq(r.window_pulses_min, 99);
	ck_assert_uint_eq(r.window_pulses_max, 100);
}
END_TEST

/* Each was a pulse. */
START_TEST(counter_of_one_edge_knows_what_was_lost)
{
	struct isr_counter_reading r;

	xt_open((struct isr_counter_config){.pin.edge = ISR_EDGE_RISING});
	xt_wave(DAY, MS, MS / 2, 50);
	feed_lost(DAY + 57 * MS, ISR_EVENT_RISING, 7);
	r = xt_read();

	ck_assert_uint_eq(r.window_pulses_min, 57);
	ck_assert_uint_eq(r.window_pulses_max, 57);
	ck_assert(r.frequency_min_hz == 1000);
	ck_assert(r.frequency_max_hz == 1000);
	ck_assert_uint_eq(r.pulses, 51);
	ck_assert_uint_eq(r.periods, 49);
}
END_TEST

/* What is lost was not silence. */
START_TEST(counter_of_lost_edges_has_not_stopped)
{
	struct isr_counter_reading r;

	xt_open((struct isr_counter_config){.stop_ns = 100 * MS});
	xt_wave(DAY, MS, MS / 2, 50);
	feed_lost(DAY + 139 * MS, ISR_EVENT_LOST, 180);
	xt_idle(DAY + 239 * MS - 1);
	r = xt_read();
	ck_assert_int_ne(r.state, ISR_COUNTER_STOPPED);
	ck_assert(r.frequency_hz <= 1000);
	xt_idle(DAY + 239 * MS);

	ck_assert_int_eq(xt_read().state, ISR_COUNTER_STOPPED);
	ck_assert_uint_eq(xt_read().lost, 180);
}
END_TEST

/*
 * 1 kHz, and the edges of 1.5 s in the middle are lost. Reports that are due
 * there are made when that is known: for all that one knows the input may have
 * been as fast as ever.
 */
START_TEST(counter_reports_in_a_gap_what_may_have_been)
{
	const uint64_t stops[] = {3000 * MS, 200 * MS};
	unsigned int i;

	xt_open((struct isr_counter_config){.window_ns = 500 * MS,
					    .stop_ns = stops[_i],
					    .report_ns = 500 * MS});
	xt_wave(DAY, MS, MS / 2, 1000);
	feed_lost(DAY + 2500 * MS, ISR_EVENT_RISING, 3000);
	xt_fall(DAY + 2500 * MS + MS / 2);
	xt_wave(DAY + 2501 * MS, MS, MS / 2, 1000);

	ck_assert_uint_ge(n_reports, 5);
	for (i = 0; i < n_reports; i++) {
		ck_assert_int_ne(reports[i].state, ISR_COUNTER_STOPPED);
		ck_assert(reports[i].frequency_min_hz <= 1000);
		ck_assert(reports[i].frequency_max_hz >= 1000);
	}
}
END_TEST

/* No period at all, and still it says how fast it may be. */
START_TEST(counter_that_always_loses_goes_on)
{
	struct isr_counter_reading r;
	uint64_t t_ns = DAY;
	int i;

	xt_open((struct isr_counter_config){0});
	for (i = 0; i < 2000; i++, t_ns += 2 * MS)
		feed_lost(t_ns, ISR_EVENT_RISING, 3);
	r = xt_read();

	ck_assert_int_eq(r.state, ISR_COUNTER_RUNNING);
	ck_assert_uint_eq(r.periods, 0);
	ck_assert_uint_gt(r.from_ns, t_ns - 1100 * MS);
	ck_assert_uint_gt(r.to_ns, t_ns - 100 * MS);
	ck_assert(r.frequency_min_hz > 900 && r.frequency_min_hz <= 1000);
	ck_assert(r.frequency_max_hz >= 2000 && r.frequency_max_hz < 2200);
	ck_assert(r.frequency_hz > r.frequency_min_hz);
	ck_assert(r.frequency_hz < r.frequency_max_hz);
}
END_TEST

/* A short one: the kernel looks when it is over, and again. */
START_TEST(counter_takes_one_pulse_for_two_records_at_most)
{
	struct isr_counter_reading r;

	xt_open((struct isr_counter_config){0});
	xt_wave(DAY, MS, MS / 2, 10);
	feed_merged(DAY + 10 * MS, ISR_EVENT_FALLING);
	feed_merged(DAY + 10 * MS + 5 * US, ISR_EVENT_FALLING);
	xt_wave(DAY + 11 * MS, MS, MS / 2, 10);
	r = xt_read();

	ck_assert_uint_eq(r.merged, 2);
	ck_assert_uint_eq(r.window_pulses_min, 20);
	ck_assert_uint_eq(r.window_pulses_max, 21);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("counter loss");
	TCase *tc = xt_case(suite, "random");

	tcase_add_checked_fixture(tc, xt_loop_setup, xt_counter_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, counter_states_limits_that_hold);

	tc = xt_case(suite, "loss");
	tcase_add_checked_fixture(tc, xt_loop_setup, xt_counter_teardown);
	tcase_add_test(tc, counter_limits_are_as_near_as_the_loss_is_small);
	tcase_add_test(tc, counter_takes_merged_edges_for_no_period);
	tcase_add_test(tc, counter_of_one_edge_knows_what_was_lost);
	tcase_add_test(tc, counter_of_lost_edges_has_not_stopped);
	tcase_add_loop_test(tc, counter_reports_in_a_gap_what_may_have_been, 0,
			    2);
	tcase_add_test(tc, counter_that_always_loses_goes_on);
	tcase_add_test(tc, counter_takes_one_pulse_for_two_records_at_most);
	return xt_main(suite);
}
