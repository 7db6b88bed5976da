/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Ten thousand traces of a button that bounces (bounce.h), for contacts that
 * are EAGER and STABLE each, and for any of its rules. What holds:
 *
 *   of every trace without losses, the kernel's merging included: the button
 *   tells what the manual says of the presses that were made, each with its
 *   exact time;
 *
 *   of every trace, however it is fed (edge by edge; with silence told in
 *   between, at any time at which it is true; by a loop that is blocked for
 *   200 ms at a time): the same events.
 *
 * A seed that fails is named; ISR_TRACE_SEED=N runs that alone.
 */
#include <isrloop/loop.h>

#include "bounce.h"
#include "xt-button-oracle.h"

static struct isr_loop *loop;
static struct isr_button button;
static struct bounce_trace trace;
static struct isri_button_rules rules;

static void setup(void)
{
	memset(&button, 0, sizeof(button));
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
}

static void teardown(void)
{
	isr_loop_free(loop);
}

static void on_button(struct isr_button *b,
		      const struct isr_button_event *event, void *arg)
{
	ck_assert_uint_lt(got.n, MAX_EVENTS);
	got.events[got.n++] = *event;
}

static int feed(const struct isr_event *event)
{
	return isr_button_feed(&button, event);
}

static struct isr_button_config make_config(void)
{
	return (struct isr_button_config){
		.sz = sizeof(struct isr_button_config),
		.contact.sz = sizeof(struct isr_switch_config),
		.contact.mode = trace.mode,
		.no_long = rules.long_ns == NEVER,
		.no_clicks = rules.click_ns == NEVER,
		.long_ns = rules.long_ns == NEVER ? 0 : rules.long_ns,
		.click_ns = rules.click_ns == NEVER ? 0 : rules.click_ns,
		.repeat_ns = rules.repeat_ns == NEVER ? 0 : rules.repeat_ns,
		.max_clicks = rules.click_ns == NEVER ? 0 : rules.max_clicks,
		.suppress = rules.suppress,
		.cb = on_button,
	};
}

static void run(enum bounce_feeding how)
{
	const struct isr_button_config config = make_config();

	got.n = 0;
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	bounce_feed(&trace, feed, how, 10000 * MS);
	xt_ok(isr_button_close(&button));
}

static void make_rules(void)
{
	static const uint64_t longs[] = {300 * MS, 150 * MS, 1000 * MS, NEVER};
	static const uint64_t clicks[] = {400 * MS, 100 * MS, 200 * MS, NEVER};
	static const uint64_t repeats[] = {NEVER, 7 * MS, 30 * MS};

	rules = (struct isri_button_rules){
		.long_ns = longs[bounce_below(&trace, 4)],
		.click_ns = clicks[bounce_below(&trace, 4)],
		.repeat_ns = repeats[bounce_below(&trace, 3)],
		.max_clicks = 2 + (uint32_t)bounce_below(&trace, 3),
		.suppress = (enum isr_button_suppress)bounce_below(&trace, 3),
	};
	if (rules.long_ns == NEVER)
		rules.repeat_ns = NEVER;
}

/* Its closings and openings, which take turns. */
static void read_presses(void)
{
	unsigned int i;

	ck_assert_uint_lt(trace.n_wants, 2 * MAX_PRESSES);
	ck_assert_uint_eq(trace.n_wants % 2, 0);
	n_presses = trace.n_wants / 2;
	for (i = 0; i < n_presses; i++) {
		presses[i].begin_ns = trace.wants[2 * i].t_ns;
		presses[i].end_ns = trace.wants[2 * i + 1].t_ns;
	}
}

static void assert_trace(uint64_t seed, enum isr_switch_mode mode)
{
	unsigned int how;

	bounce_make(&trace, seed, mode);
	make_rules();
	if (trace.how == BOUNCE_LOST) {
		run(BOUNCE_EDGE_BY_EDGE);
		expected = got;
	} else {
		read_presses();
		expect_all(&rules);
	}
	for (how = 0; how < BOUNCE_FEEDINGS; how++) {
		run(how);
		compare(seed, how);
	}
}

static const enum isr_switch_mode modes[] = {ISR_SWITCH_EAGER,
					     ISR_SWITCH_STABLE};

START_TEST(button_tells_what_was_meant_however_it_is_fed)
{
	const char *given = getenv("ISR_TRACE_SEED");
	uint64_t seed = (uint64_t)(_i / 2) * BOUNCE_CHUNK_TRACES;
	uint64_t end = seed + BOUNCE_CHUNK_TRACES;

	if (given) {
		seed = strtoull(given, NULL, 0);
		end = seed + 1;
	}
	for (; seed < end; seed++)
		assert_trace(seed, modes[_i % 2]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("button-traces");
	TCase *tc = xt_case(suite, "traces");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 240);
	tcase_add_loop_test(tc, button_tells_what_was_meant_however_it_is_fed,
			    0, 2 * BOUNCE_CHUNKS);
	return xt_main(suite);
}
