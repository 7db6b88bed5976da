/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The decisions of a button against what the manual says of them, told another
 * way. At random, with time passing in any pieces.
 */
#include "xt-button-oracle.h"

#define ROUNDS 4000

/* Numbers that repeat with the seed. */
static uint64_t state;

static uint64_t any(uint64_t below)
{
	state = state * 6364136223846793005U + 1442695040888963407U;
	return (state >> 33) % below;
}

static void take(const struct isri_button_told *told)
{
	unsigned int i;

	ck_assert_uint_le(told->n, 2);
	for (i = 0; i < told->n; i++) {
		ck_assert_uint_lt(got.n, MAX_EVENTS);
		got.events[got.n++] = told->events[i];
	}
}

static void pass_until(struct isri_button_core *core, uint64_t t_ns)
{
	struct isri_button_told told;

	while (isri_button_tick(core, t_ns, &told))
		take(&told);
}

/* In up to that many pieces. */
static void pass(struct isri_button_core *core, uint64_t from_ns,
		 uint64_t to_ns, unsigned int pieces)
{
	unsigned int i;

	for (i = 0; i < pieces; i++) {
		from_ns += any(to_ns - from_ns + 1);
		pass_until(core, from_ns);
	}
	pass_until(core, to_ns);
}

static void change(struct isri_button_core *core, uint64_t t_ns, bool pressed)
{
	struct isri_button_change change = {.t_first_ns = t_ns};
	struct isri_button_told told;

	isri_button_change(core, pressed, &change, &told);
	take(&told);
}

static void run(const struct isri_button_rules *rules, unsigned int pieces)
{
	struct isri_button_core core;
	uint64_t now_ns = 0;
	unsigned int i;

	got.n = 0;
	isri_button_init(&core, rules);
	for (i = 0; i < n_presses; i++) {
		pass(&core, now_ns, presses[i].begin_ns, pieces);
		change(&core, presses[i].begin_ns, true);
		pass(&core, presses[i].begin_ns, presses[i].end_ns, pieces);
		now_ns = presses[i].end_ns;
		change(&core, now_ns, false);
	}
	pass(&core, now_ns, now_ns + 100000 * MS, pieces);
}

/* Whole 50 ms, so that things fall together. */
static void make_presses(void)
{
	uint64_t t_ns = 1000 * MS;
	unsigned int i;

	n_presses = 1 + any(12);
	for (i = 0; i < n_presses; i++) {
		presses[i].begin_ns = t_ns;
		t_ns += (1 + any(any(3) ? 6 : 50)) * 50 * MS;
		presses[i].end_ns = t_ns;
		t_ns += (1 + any(any(3) ? 6 : 20)) * 50 * MS;
	}
}

static struct isri_button_rules make_rules(void)
{
	static const uint64_t longs[] = {1000 * MS, 500 * MS, 300 * MS, NEVER};
	static const uint64_t clicks[] = {400 * MS, 250 * MS, 500 * MS, NEVER};
	static const uint64_t repeats[] = {NEVER, 50 * MS, 130 * MS};

	return (struct isri_button_rules){
		.long_ns = longs[any(4)],
		.click_ns = clicks[any(4)],
		.repeat_ns = repeats[any(3)],
		.max_clicks = 2 + any(3),
		.suppress = any(3),
	};
}

START_TEST(any_presses_mean_what_the_manual_says)
{
	const char *given = getenv("SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : 1;
	uint64_t last = given ? seed : ROUNDS;

	for (; seed <= last; seed++) {
		struct isri_button_rules rules;
		unsigned int pieces;

		state = seed * 0x9e3779b97f4a7c15U;
		make_presses();
		rules = make_rules();
		expect_all(&rules);
		for (pieces = 0; pieces < 4; pieces++) {
			run(&rules, pieces);
			compare(seed, pieces);
		}
	}
}
END_TEST

START_TEST(time_does_not_step_back)
{
	static const struct isri_button_rules rules = {
		.long_ns = 1000 * MS,
		.click_ns = 400 * MS,
		.repeat_ns = NEVER,
		.max_clicks = 2,
	};
	struct isri_button_core core;

	got.n = 0;
	isri_button_init(&core, &rules);
	pass_until(&core, 500 * MS);
	change(&core, 480 * MS, true);
	change(&core, 470 * MS, false);

	ck_assert_uint_eq(got.n, 2);
	ck_assert_uint_eq(got.events[0].t_ns, 500 * MS);
	ck_assert_uint_eq(got.events[0].t_first_ns, 480 * MS);
	ck_assert_uint_eq(got.events[1].t_ns, 500 * MS);
	ck_assert_uint_eq(got.events[1].t_first_ns, 470 * MS);
	ck_assert_uint_eq(isri_button_get_due_ns(&core), 900 * MS);
}
END_TEST

/* Somebody held it when it was opened. */
static void release_first(enum isr_button_suppress suppress)
{
	const struct isri_button_rules rules = {
		.long_ns = 1000 * MS,
		.click_ns = 400 * MS,
		.repeat_ns = 100 * MS,
		.max_clicks = 2,
		.suppress = suppress,
	};
	struct isri_button_core core;

	got.n = 0;
	isri_button_init(&core, &rules);
	pass_until(&core, 5000 * MS);
	change(&core, 5000 * MS, false);
	pass_until(&core, 9000 * MS);
}

START_TEST(release_of_an_unseen_press_is_told_unless_suppressed)
{
	release_first(ISR_BUTTON_SUPPRESS_NONE);
	ck_assert_uint_eq(got.n, 1);
	ck_assert_uint_eq(got.events[0].kind, ISR_BUTTON_RELEASE);
	ck_assert_uint_eq(got.events[0].clicks, 0);

	release_first(ISR_BUTTON_SUPPRESS_SHORT);
	ck_assert_uint_eq(got.n, 0);
	release_first(ISR_BUTTON_SUPPRESS_RELEASE);
	ck_assert_uint_eq(got.n, 0);
}
END_TEST

START_TEST(what_is_known_later_is_told_later)
{
	static const struct isri_button_rules rules = {
		.long_ns = 1000 * MS,
		.click_ns = 400 * MS,
		.repeat_ns = NEVER,
		.max_clicks = 2,
	};
	const struct isri_button_change settled = {
		.t_first_ns = 5 * MS,
		.t_settled_ns = 55 * MS,
		.bounces = 3,
		.lost = 1,
		.flags = ISR_EVENT_FLAG_SIMULATED,
	};
	struct isri_button_core core;

	got.n = 0;
	isri_button_init(&core, &rules);
	change(&core, 5 * MS, true);
	isri_button_settle(&core, &settled);
	pass_until(&core, 2000 * MS);

	ck_assert_uint_eq(got.n, 2);
	ck_assert_uint_eq(got.events[0].t_settled_ns, 0);
	ck_assert_uint_eq(got.events[1].kind, ISR_BUTTON_LONG);
	ck_assert_uint_eq(got.events[1].t_settled_ns, 55 * MS);
	ck_assert_uint_eq(got.events[1].bounces, 3);
	ck_assert_uint_eq(got.events[1].lost, 1);
	ck_assert_uint_eq(got.events[1].flags, ISR_EVENT_FLAG_SIMULATED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("button-core");
	TCase *tc = xt_case(suite, "core");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, any_presses_mean_what_the_manual_says);
	tcase_add_test(tc, time_does_not_step_back);
	tcase_add_test(tc,
		       release_of_an_unseen_press_is_told_unless_suppressed);
	tcase_add_test(tc, what_is_known_later_is_told_later);
	return xt_main(suite);
}
