/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Interruption at every instruction: one integer that all contexts change. */
#include <isrloop/word.h>

#include "step.h"

/* All bits differ, so that half a value shows. */
#define START INT64_C(0x0123456789abcdef)
#define DELTA INT64_C(0x0101010101010101)
#define OTHER INT64_C(-0x0123456789abcdf0)

static struct isr_word word;
static int64_t result, expected;
static bool done;

static void reset(void)
{
	word = (struct isr_word)ISR_WORD_INIT(START);
	result = 0;
	expected = START;
	done = false;
}

static int64_t added(void)
{
	return step_handled() * DELTA;
}

static void handler_adds(void)
{
	isr_word_add(&word, DELTA);
}

static void handler_stores(void)
{
	isr_word_store(&word, OTHER);
}

static void run_add(void)
{
	result = isr_word_add(&word, 1);
}

static void check_add(void)
{
	step_equal(isr_word_load(&word), START + 1 + added());
	step_expect(result == START + 1 || result == START + 1 + added());
}

static void run_exchange(void)
{
	result = isr_word_exchange(&word, 0);
}

/* What was there and what is there now is all that was put. */
static void check_exchange(void)
{
	step_equal(result + isr_word_load(&word), START + added());
}

static void run_load(void)
{
	result = isr_word_load(&word);
}

static void check_load(void)
{
	step_expect(result == START || (result == OTHER && step_handled() > 0));
}

static void run_store(void)
{
	isr_word_store(&word, -1);
}

/* The handler's came before it or after it. */
static void check_store(void)
{
	int64_t now = isr_word_load(&word);

	step_expect(now == -1 || now == -1 + added());
}

static void run_compare_exchange(void)
{
	done = isr_word_compare_exchange(&word, &expected, 5);
}

/* It was done to what was expected, or not at all. */
static void check_compare_exchange(void)
{
	if (done) {
		step_equal(expected, START);
		step_equal(isr_word_load(&word), 5 + added());
	} else {
		step_equal(expected, START + added());
		step_equal(isr_word_load(&word), START + added());
		step_expect(step_handled() > 0);
	}
}

/* As a program does what there is no function for. */
static void run_loop(void)
{
	expected = isr_word_load(&word);
	while (!isr_word_compare_exchange(&word, &expected, expected + 7))
		;
}

static void check_loop(void)
{
	step_equal(isr_word_load(&word), START + 7 + added());
}

#define SCENARIO(text, operation, by)                                          \
	{                                                                      \
		.name = "word: " text, .reset = reset, .run = run_##operation, \
		.handler = handler_##by, .check = check_##operation            \
	}

const struct step_scenario step_word_scenarios[] = {
	SCENARIO("add over add", add, adds),
	SCENARIO("add over exchange", exchange, adds),
	SCENARIO("add over store", store, adds),
	SCENARIO("store over load", load, stores),
	SCENARIO("add over compare_exchange", compare_exchange, adds),
	SCENARIO("add over a loop of compare_exchange", loop, adds),
	{.name = NULL},
};
