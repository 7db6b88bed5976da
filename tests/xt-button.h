/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Scripts of how a button is pressed, what MicroPython's drivers made of them
 * on a virtual pin, and what ours must make of them: exactly.
 */
#ifndef XT_BUTTON_H
#define XT_BUTTON_H

#include <stdio.h>
#include <stdlib.h>

#include <isrloop/button.h>

#include "xt.h"

#define MS UINT64_C(1000000)
/* By how much the drivers that poll may be off. */
#define TOLERANCE_MS 60

/* The columns of the table, and two of its notes. */
enum xt_column {
	XT_NONE,	      /* EButton, suppress=0 */
	XT_SHORT,	      /* EButton, suppress=1 */
	XT_RELEASE,	      /* Pushbutton, suppress=1, all callbacks */
	XT_RELEASE_NO_CLICKS, /* the same, with release and long only */
	XT_RELEASE_NO_LONG,   /* the same, with release and double only */
	XT_COLUMNS
};

struct xt_vector {
	const char *name;
	/* ms: pressed, released, pressed, ...; the end is 0 */
	unsigned int script[8];
	/*
	 * What is told, KIND:MS/MS of the contact, since the first press: P
	 * press, R release, x2 double, L long, r1 first repeat. NULL: the table
	 * does not say.
	 */
	const char *told[XT_COLUMNS];
	/* The same, as MicroPython's did. */
	const char *golden[XT_COLUMNS];
};

static const struct xt_vector xt_vectors[] = {
	{
		"short press",
		{100},
		{"P:0/0 R:100/100", "P:400/0 R:400/100", "P:0/0 R:400/100",
		 "P:0/0 R:100/100", "P:0/0 R:400/100"},
		{"P:7 R:111", "P:412 R:413", "P:5 R:408", "P:5 R:108",
		 "P:5 R:407"},
	},
	{
		"long press",
		{2000},
		{"P:0/0 L:1000/0 R:2000/2000", "L:1000/0 R:2000/2000",
		 "P:0/0 L:1000/0"},
		{"P:8 L:1013 R:2006", "L:1010 R:2003", "P:5 L:1008"},
	},
	{
		"double press",
		{100, 100, 100},
		{"P:0/0 R:100/100 P:200/200 x2:200/200 R:300/300",
		 "x2:200/200 R:300/300", "P:0/0 P:200/200 x2:200/200"},
		{"P:6 R:109 P:210 x2:211 R:313", "x2:213 R:316",
		 "P:4 P:209 x2:209"},
	},
	{
		"double press, the second long",
		{100, 100, 2000},
		{"P:0/0 R:100/100 P:200/200 x2:200/200 R:2200/2200",
		 "x2:200/200 R:2200/2200", "P:0/0 P:200/200 x2:200/200"},
		{"P:7 R:111 P:212 x2:213 R:2206", "x2:211 R:2210",
		 "P:4 P:208 x2:208"},
	},
	/* Shorter than the hold-off. */
	{
		"glitch",
		{20},
		{"P:0/0 R:20/20", "P:400/0 R:400/20", "P:0/0 R:400/20"},
		{"P:7 R:60", "P:412 R:413", "P:5 R:408"},
	},
};

#define XT_VECTORS (sizeof(xt_vectors) / sizeof(*xt_vectors))

/* What was told, since base_ns. */
struct xt_trace {
	uint64_t base_ns;
	size_t length;
	char text[2048];
};

static inline void xt_trace(struct xt_trace *trace,
			    const struct isr_button_event *event)
{
	static const char names[] = "?PRxLr";
	char number[12] = "";

	/* Exactly: nothing is rounded. */
	ck_assert_uint_eq((event->t_ns - trace->base_ns) % MS, 0);
	ck_assert_uint_eq((event->t_first_ns - trace->base_ns) % MS, 0);
	if (event->kind == ISR_BUTTON_CLICKS)
		snprintf(number, sizeof(number), "%u", event->clicks);
	if (event->kind == ISR_BUTTON_REPEAT)
		snprintf(number, sizeof(number), "%u", event->repeats);
	trace->length += (size_t)snprintf(
		trace->text + trace->length,
		sizeof(trace->text) - trace->length, "%s%c%s:%u/%u",
		trace->length ? " " : "", names[event->kind], number,
		(unsigned int)((event->t_ns - trace->base_ns) / MS),
		(unsigned int)((event->t_first_ns - trace->base_ns) / MS));
	ck_assert_uint_lt(trace->length, sizeof(trace->text));
}

static inline void xt_set_column(struct isr_button_config *config,
				 unsigned int column)
{
	static const enum isr_button_suppress suppress[] = {
		ISR_BUTTON_SUPPRESS_NONE,    ISR_BUTTON_SUPPRESS_SHORT,
		ISR_BUTTON_SUPPRESS_RELEASE, ISR_BUTTON_SUPPRESS_RELEASE,
		ISR_BUTTON_SUPPRESS_RELEASE,
	};

	config->suppress = suppress[column];
	config->no_clicks = column == XT_RELEASE_NO_CLICKS;
	config->no_long = column == XT_RELEASE_NO_LONG;
}

/* "P:7" and "P:0/0" are the same kind, and not farther apart than allowed. */
static inline void xt_assert_near(const char *golden, const char *told)
{
	char kind[2][8];
	int ms[2], n[2], first;

	while (*golden || *told) {
		ck_assert_int_eq(
			sscanf(golden, " %7[^:]:%d%n", kind[0], &ms[0], &n[0]),
			2);
		ck_assert_int_eq(sscanf(told, " %7[^:]:%d/%d%n", kind[1],
					&ms[1], &first, &n[1]),
				 3);
		ck_assert_str_eq(kind[0], kind[1]);
		ck_assert_int_le(abs(ms[0] - ms[1]), TOLERANCE_MS);
		golden += n[0];
		told += n[1];
	}
}

#endif /* XT_BUTTON_H */
