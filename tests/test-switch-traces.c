/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Ten thousand traces of a contact that bounces (bounce.h), for EAGER and for
 * STABLE each. What holds:
 *
 *   of every trace without losses, the kernel's merging included: the closings
 *   and openings told are exactly those that the contact made, in order, each
 *   with the stamp of the first edge of it that the chip told;
 *
 *   of a trace with a loss: all of it is counted, and the next event tells it;
 *   closings and openings alternate, and those of the cycles before it and
 *   after it are exact. What happened in the cycles with the lost edges, and in
 *   that of the first edge behind them, nobody can know: there presses may be
 *   missing, and the loss is what tells so;
 *
 *   of every trace, however it is fed (edge by edge; with silence told in
 *   between, at any time at which it is true; by a loop that is blocked for
 *   200 ms at a time): the same events, member by member.
 *
 * A seed that fails is named; ISR_TRACE_SEED=N runs that alone.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "bounce.h"
#include "switch.h"
#include "xt-switch.h"

#define REST (1000 * BOUNCE_MS)

/* What one run of a trace has told. */
struct record {
	struct isr_switch_event events[BOUNCE_EDGES_MAX];
	unsigned int n;
	struct isr_switch_stats stats;
};

static struct bounce_trace trace;
static struct record records[BOUNCE_FEEDINGS];

/* What a button sees: all of it is in the order of first edges. */
struct watcher {
	struct isri_switch_listener listener;
	uint64_t known_ns; /* all that began before that was told */
	unsigned int n_changes;
	const char *fault;
};

static struct watcher watcher;

static bool watch_event(struct isri_switch_listener *listener,
			const struct isr_switch_event *event)
{
	if (event->kind == ISR_SWITCH_SETTLED)
		return true;
	watcher.n_changes++;
	if (event->t_first_ns < watcher.known_ns)
		watcher.fault = "a change is told that was said to be known";
	if (event->t_first_ns > watcher.known_ns)
		watcher.fault = "a change is told before what was before it";
	return true;
}

static bool watch_time(struct isri_switch_listener *listener, uint64_t t_ns)
{
	if (t_ns < watcher.known_ns)
		watcher.fault = "time steps back";
	watcher.known_ns = t_ns;
	return true;
}

static uint64_t watch_nothing(const struct isri_switch_listener *listener)
{
	return ISRI_DEVICE_NEVER;
}

static void on_traced(struct isr_switch *self,
		      const struct isr_switch_event *event, void *arg)
{
	struct record *record = arg;

	if (record->n < BOUNCE_EDGES_MAX)
		record->events[record->n++] = *event;
}

static int feed(const struct isr_event *event)
{
	return isr_switch_feed(&sw, event);
}

static void run_trace(enum bounce_feeding how, struct record *record)
{
	struct isr_switch_config config = config_of(trace.mode);

	memset(record, 0, sizeof(*record));
	config.cb = on_traced;
	config.arg = record;
	watcher = (struct watcher){
		.listener = {watch_event, watch_time, watch_nothing},
	};
	xt_ok(isri_switch_open(&sw, loop, &config, &watcher.listener, NULL));
	bounce_feed(&trace, feed, how, REST);
	xt_ok(isr_switch_get_stats(&sw, &record->stats));
	xt_ok(isr_switch_close(&sw));
	if (watcher.known_ns != trace.end_ns + REST)
		watcher.fault = "time stands still";
	if (watcher.n_changes != record->stats.events)
		watcher.fault = "a change is not told to who listens";
}

static bool is_change(const struct isr_switch_event *event)
{
	return event->kind != ISR_SWITCH_SETTLED;
}

static const struct isr_switch_event *get_change(const struct record *record,
						 unsigned int i)
{
	const struct isr_switch_event *event = record->events;

	for (; event < record->events + record->n; event++)
		if (is_change(event) && i-- == 0)
			return event;
	return NULL;
}

static const char *check_change(const struct isr_switch_event *event,
				const struct bounce_want *want)
{
	if (!event)
		return "a change is not told";
	if (event->closed != want->closed ||
	    event->kind !=
		    (want->closed ? ISR_SWITCH_CLOSED : ISR_SWITCH_OPENED))
		return "another change is told";
	if (event->t_first_ns != want->t_ns)
		return "a change has not the stamp of its first edge";
	return NULL;
}

static const char *check_alternation(const struct record *record)
{
	bool closed = false;
	unsigned int i;

	for (i = 0; i < record->n; i++) {
		if (is_change(&record->events[i]))
			closed = !closed;
		if (record->events[i].closed != closed)
			return "closings and openings do not alternate";
	}
	return closed ? "it is closed at the end" : NULL;
}

/* STABLE has nothing to tell when all that came since was a glitch. */
static bool is_silent_since_loss(const struct record *record)
{
	return trace.lost_tail || !record->n ||
	       (trace.mode == ISR_SWITCH_STABLE &&
		record->events[record->n - 1].t_settled_ns < trace.lost_ns);
}

/* Every edge is somebody's first, or a bounce. */
static const char *check_account(const struct record *record)
{
	uint64_t lost = 0, bounces = 0;
	unsigned int i;

	for (i = 0; i < record->n; i++) {
		lost += record->events[i].lost;
		bounces += record->events[i].bounces;
	}
	if (record->stats.lost != trace.n_lost)
		return "a loss is not counted";
	if (lost != trace.n_lost && !is_silent_since_loss(record))
		return "a loss is not told";
	if (record->stats.edges - record->stats.corrected != trace.n_edges)
		return "edges are not counted";
	if (trace.mode == ISR_SWITCH_EAGER && record->stats.bounces != bounces)
		return "bounces are not told";
	if (trace.how == BOUNCE_PLAIN &&
	    record->stats.bounces + record->stats.events != trace.n_edges)
		return "bounces are not counted";
	return NULL;
}

static const char *check_wants(const struct record *record)
{
	unsigned int told_changes = 0, i, from_end;
	const char *fault = NULL;

	while (get_change(record, told_changes))
		told_changes++;
	if (trace.how != BOUNCE_LOST && told_changes > trace.n_wants)
		return "more is told than happened";
	for (i = 0; i < trace.n_wants && !fault; i++) {
		if (trace.how != BOUNCE_LOST ||
		    trace.wants[i].cycle < trace.first_hurt) {
			fault = check_change(get_change(record, i),
					     &trace.wants[i]);
		} else if (trace.wants[i].cycle > trace.last_hurt) {
			from_end = trace.n_wants - i;
			if (told_changes < from_end)
				return "a change behind a loss is not told";
			fault = check_change(
				get_change(record, told_changes - from_end),
				&trace.wants[i]);
		}
	}
	return fault;
}

static bool is_same_event(const struct isr_switch_event *a,
			  const struct isr_switch_event *b)
{
	return a->t_first_ns == b->t_first_ns &&
	       a->t_settled_ns == b->t_settled_ns && a->bounces == b->bounces &&
	       a->lost == b->lost && a->kind == b->kind &&
	       a->closed == b->closed && a->flags == b->flags;
}

static bool is_same(const struct record *a, const struct record *b)
{
	unsigned int i;

	for (i = 0; i < a->n && i < b->n; i++)
		if (!is_same_event(&a->events[i], &b->events[i]))
			return false;
	return a->n == b->n && a->stats.edges == b->stats.edges &&
	       a->stats.bounces == b->stats.bounces &&
	       a->stats.glitches == b->stats.glitches &&
	       a->stats.merged == b->stats.merged &&
	       a->stats.lost == b->stats.lost &&
	       a->stats.corrected == b->stats.corrected;
}

static const char *check_trace(void)
{
	const char *fault;
	int how;

	for (how = 0; how < BOUNCE_FEEDINGS; how++) {
		run_trace((enum bounce_feeding)how, &records[how]);
		if (watcher.fault)
			return watcher.fault;
	}
	fault = check_wants(&records[0]);
	if (!fault)
		fault = check_alternation(&records[0]);
	if (!fault)
		fault = check_account(&records[0]);
	if (!fault && !is_same(&records[0], &records[BOUNCE_WITH_SILENCE]))
		fault = "silence in between changes what is told";
	if (!fault && !is_same(&records[0], &records[BOUNCE_BLOCKED]))
		fault = "a loop that is blocked changes what is told";
	return fault;
}

static const enum isr_switch_mode modes[] = {ISR_SWITCH_EAGER,
					     ISR_SWITCH_STABLE};

static void try_seed(uint64_t seed)
{
	const char *fault;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		bounce_make(&trace, seed, modes[i]);
		fault = check_trace();
		ck_assert_msg(!fault, "%s: %s; ISR_TRACE_SEED=%" PRIu64,
			      i ? "STABLE" : "EAGER", fault, seed);
	}
}

START_TEST(every_press_is_told_once_at_its_time)
{
	const char *one = getenv("ISR_TRACE_SEED");
	uint64_t seed;

	if (one) {
		try_seed(strtoull(one, NULL, 0));
		return;
	}
	for (seed = 0; seed < BOUNCE_CHUNK_TRACES; seed++)
		try_seed(seed + (uint64_t)_i * BOUNCE_CHUNK_TRACES);
}
END_TEST

/* Of the contact itself. */
static bool get_level(uint64_t t_ns)
{
	bool level = false;
	unsigned int i;

	for (i = 0; i < trace.n_real && trace.real[i].t_ns <= t_ns; i++)
		level = trace.real[i].level;
	return level;
}

/*
 * What MicroPython's driver does: looks every 50 ms, and acts on a difference.
 * How many times it closes.
 */
static unsigned int count_polled(uint64_t first_ns)
{
	bool closed = false;
	unsigned int n = 0;
	uint64_t t_ns;

	for (t_ns = first_ns; t_ns < trace.end_ns; t_ns += 50 * BOUNCE_MS) {
		if (get_level(t_ns) == closed)
			continue;
		closed = !closed;
		n += closed;
	}
	return n;
}

static unsigned int count_closings(const struct record *record)
{
	unsigned int n = 0, i;

	for (i = 0; i < record->n; i++)
		n += record->events[i].kind == ISR_SWITCH_CLOSED;
	return n;
}

/* Glitches apart, of which EAGER tells and STABLE does not. */
static unsigned int count_wanted(void)
{
	unsigned int n = 0, i;

	for (i = 0; i < trace.n_wants; i++)
		n += trace.wants[i].closed;
	return n;
}

START_TEST(polling_loses_what_edges_tell)
{
	unsigned int n_real = 0, n_polled = 0, n_ours = 0;
	uint64_t seed;

	/* Those that are plain. */
	for (seed = 0; seed < 300; seed += BOUNCE_HOWS) {
		bounce_make(&trace, seed, ISR_SWITCH_EAGER);
		ck_assert_int_eq(trace.how, BOUNCE_PLAIN);
		run_trace(BOUNCE_EDGE_BY_EDGE, &records[0]);
		n_real += count_wanted();
		n_ours += count_closings(&records[0]);
		n_polled += count_polled(bounce_below(&trace, 50 * BOUNCE_MS));
	}

	printf("of %u closings polling every 50 ms told %u, isr_switch %u\n",
	       n_real, n_polled, n_ours);
	ck_assert_uint_eq(n_ours, n_real);
	ck_assert_uint_lt(n_polled, n_real);
}
END_TEST

/* The generator makes what it says. */
START_TEST(traces_have_all_that_is_to_be_survived)
{
	unsigned int n_short = 0, n_merged = 0, n_lost = 0, n_tails = 0;
	unsigned int n_told_loss = 0, i;
	uint64_t seed;

	for (seed = 0; seed < 300; seed++) {
		bounce_make(&trace, seed, ISR_SWITCH_EAGER);
		ck_assert_uint_lt(trace.n_real, BOUNCE_EDGES_MAX);
		n_tails += trace.lost_tail;
		n_lost += trace.n_lost;
		for (i = 0; i < trace.n_edges; i++) {
			n_merged += trace.edges[i].flags != 0;
			n_told_loss += trace.edges[i].lost > 0;
		}
		for (i = 1; i < trace.n_wants; i++)
			n_short +=
				!trace.wants[i].closed &&
				trace.wants[i].t_ns < trace.wants[i - 1].t_ns +
							      BOUNCE_DEBOUNCE;
	}

	ck_assert_uint_gt(n_short, 100);
	ck_assert_uint_gt(n_merged, 100);
	ck_assert_uint_gt(n_lost, 100);
	ck_assert_uint_gt(n_told_loss, 50);
	ck_assert_uint_gt(n_tails, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("switch-traces");
	TCase *tcase = xt_switch_case(suite, "traces");

	tcase_add_loop_test(tcase, every_press_is_told_once_at_its_time, 0,
			    BOUNCE_CHUNKS);
	tcase_add_test(tcase, polling_loses_what_edges_tell);
	tcase_add_test(tcase, traces_have_all_that_is_to_be_survived);
	return xt_main(suite);
}
