/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What the manual says of a button, told another way than button-core.c does:
 * with all presses known, what must come out.
 */
#ifndef XT_BUTTON_ORACLE_H
#define XT_BUTTON_ORACLE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "button.h"
#include "xt.h"

#define MS UINT64_C(1000000)
#define NEVER ISRI_BUTTON_NEVER
#define MAX_PRESSES 128
#define MAX_EVENTS 4096

struct told {
	unsigned int n;
	struct isr_button_event events[MAX_EVENTS];
};

struct press {
	uint64_t begin_ns, end_ns;
};

static struct press presses[MAX_PRESSES];
static unsigned int n_presses;
static struct told expected, got;

static inline void expect(uint64_t t_ns, enum isr_button_kind kind,
			  uint64_t t_first_ns, uint32_t clicks,
			  uint32_t repeats)
{
	ck_assert_uint_lt(expected.n, MAX_EVENTS);
	expected.events[expected.n++] = (struct isr_button_event){
		.t_ns = t_ns,
		.t_first_ns = t_first_ns,
		.kind = kind,
		.clicks = clicks,
		.repeats = repeats,
	};
}

static inline uint64_t after(uint64_t t_ns, uint64_t ns)
{
	return ns == NEVER ? NEVER : t_ns + ns;
}

/* From the first press of a series: how many presses it has. */
static inline unsigned int count_clicks(const struct isri_button_rules *rules,
					const struct press *p,
					unsigned int left)
{
	uint64_t long_ns = after(p->begin_ns, rules->long_ns);
	unsigned int n = 1;

	/* Who became long first has no second click. */
	if (p->end_ns >= long_ns &&
	    long_ns <= after(p->begin_ns, rules->click_ns))
		return 1;
	while (rules->click_ns != NEVER && n < left && n < rules->max_clicks &&
	       p[n].begin_ns < p[n - 1].begin_ns + rules->click_ns)
		n++;
	return n;
}

/* A held one, from LONG to its last repeat. */
static inline void expect_hold(const struct isri_button_rules *rules,
			       const struct press *p)
{
	uint64_t t_ns = after(p->begin_ns, rules->long_ns);
	uint32_t repeats = 0;

	expect(t_ns, ISR_BUTTON_LONG, p->begin_ns, 1, 0);
	while (rules->repeat_ns != NEVER) {
		t_ns += rules->repeat_ns;
		/* What is due as it is released comes before that. */
		if (t_ns > p->end_ns)
			return;
		expect(t_ns, ISR_BUTTON_REPEAT, p->begin_ns, 1, ++repeats);
	}
}

static inline void expect_single(const struct isri_button_rules *rules,
				 const struct press *p)
{
	bool is_long = after(p->begin_ns, rules->long_ns) <= p->end_ns;
	uint64_t window_ns = rules->click_ns == NEVER
				     ? p->begin_ns
				     : p->begin_ns + rules->click_ns;
	uint64_t last_ns = window_ns > p->end_ns ? window_ns : p->end_ns;
	/* Nothing can become long: it is short once nobody clicks again. */
	uint64_t short_ns = rules->long_ns == NEVER ? window_ns : last_ns;

	if (rules->suppress != ISR_BUTTON_SUPPRESS_SHORT)
		expect(p->begin_ns, ISR_BUTTON_PRESS, p->begin_ns, 1, 0);
	else if (!is_long)
		expect(short_ns, ISR_BUTTON_PRESS, p->begin_ns, 1, 0);
	if (is_long)
		expect_hold(rules, p);
	if (rules->suppress == ISR_BUTTON_SUPPRESS_NONE)
		expect(p->end_ns, ISR_BUTTON_RELEASE, p->end_ns, 1, 0);
	else if (is_long && rules->suppress == ISR_BUTTON_SUPPRESS_SHORT)
		expect(p->end_ns, ISR_BUTTON_RELEASE, p->end_ns, 1, 0);
	else if (!is_long)
		expect(last_ns, ISR_BUTTON_RELEASE, p->end_ns, 1, 0);
}

static inline void expect_series(const struct isri_button_rules *rules,
				 const struct press *p, unsigned int n)
{
	uint64_t end_ns = n == rules->max_clicks
				  ? p[n - 1].begin_ns
				  : p[n - 1].begin_ns + rules->click_ns;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (rules->suppress != ISR_BUTTON_SUPPRESS_SHORT)
			expect(p[i].begin_ns, ISR_BUTTON_PRESS, p[i].begin_ns,
			       i + 1, 0);
		if (i == n - 1 && end_ns <= p[i].end_ns)
			expect(end_ns, ISR_BUTTON_CLICKS, p[i].begin_ns, n, 0);
		if (rules->suppress == ISR_BUTTON_SUPPRESS_NONE)
			expect(p[i].end_ns, ISR_BUTTON_RELEASE, p[i].end_ns,
			       i + 1, 0);
	}
	i = n - 1;
	if (end_ns > p[i].end_ns)
		expect(end_ns, ISR_BUTTON_CLICKS, p[i].begin_ns, n, 0);
	if (rules->suppress == ISR_BUTTON_SUPPRESS_SHORT)
		expect(end_ns > p[i].end_ns ? end_ns : p[i].end_ns,
		       ISR_BUTTON_RELEASE, p[i].end_ns, n, 0);
}

static inline void expect_all(const struct isri_button_rules *rules)
{
	unsigned int i, n;

	expected.n = 0;
	for (i = 0; i < n_presses; i += n) {
		n = count_clicks(rules, &presses[i], n_presses - i);
		if (n == 1)
			expect_single(rules, &presses[i]);
		else
			expect_series(rules, &presses[i], n);
	}
}

static inline bool is_same(const struct isr_button_event *a,
			   const struct isr_button_event *b)
{
	return a->t_ns == b->t_ns && a->t_first_ns == b->t_first_ns &&
	       a->kind == b->kind && a->clicks == b->clicks &&
	       a->repeats == b->repeats;
}

static inline void compare(uint64_t seed, unsigned int pieces)
{
	unsigned int i;

	for (i = 0; i < expected.n && i < got.n; i++) {
		const struct isr_button_event *e = &expected.events[i];
		const struct isr_button_event *g = &got.events[i];

		ck_assert_msg(is_same(e, g),
			      "seed %" PRIu64 " pieces %u event %u: "
			      "kind %u at %" PRIu64 " (%u clicks, %u repeats), "
			      "not %u at %" PRIu64 " (%u, %u)",
			      seed, pieces, i, g->kind, g->t_ns / MS, g->clicks,
			      g->repeats, e->kind, e->t_ns / MS, e->clicks,
			      e->repeats);
	}
	ck_assert_msg(got.n == expected.n,
		      "seed %" PRIu64 " pieces %u: %u events, not %u", seed,
		      pieces, got.n, expected.n);
}

#endif /* XT_BUTTON_ORACLE_H */
