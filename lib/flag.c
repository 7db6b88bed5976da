/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the side of a flag that any context may use. The loop's side is in
 * flag-loop.c.
 *
 * A word holds the count, and is 0 exactly when nobody announced the flag.
 * Whoever makes it differ from 0 pushes the flag; everybody is done with the
 * count by one locked operation and without a look before it.
 *
 * ORDERING
 *   flag:A (set, acq_rel add to word) <-> flag:B (flag-loop.c, the loop
 *          consumes, exchange of word): what was written before the set is
 *          visible to the callback, and who finds 0 pushes after the loop has
 *          let go of the members that link a flag. seq_cst, not acq_rel,
 *          because a ring's ready flag needs the total order: ring.c
 *   flag:C (flag-loop.c, done, acq_rel or of "kept" into word) <-> flag:A:
 *          from here on no setter finds 0, so none pushes
 *
 * Count and announcement share a word so that the loop takes both at once.
 * With two words, or count-then-clear, a set in between would be lost.
 */
#include <stddef.h>

#include "atomic.h"
#include "context.h"
#include "flag.h"
#include "hot.h"
#include "test-point.h"
#include "wake.h"

_Static_assert(offsetof(struct isr_flag, word) == 0, "inline in isr.h");
_Static_assert(sizeof(void *) != 8 || offsetof(struct isr_flag, cb) == 32,
	       "a set uses half a cache line");
_Static_assert(sizeof(void *) != 8 || offsetof(struct isr_flag, hist) == 64,
	       "a flag that is not timed uses a cache line");

/*
 * Takes back a count that is one too many, unless the loop has consumed it
 * meanwhile: below zero is "kept", and would be so for ever.
 */
static void flag_saturate(struct isr_flag *flag)
{
	uint32_t word;

	/* relaxed: takes back a count, publishes nothing */
	word = atomic_load_explicit(ATOMIC(&flag->word), memory_order_relaxed);
	while ((word & ISRI_FLAG_COUNT_MASK) > ISR_FLAG_COUNT_MAX) {
		/* relaxed: as above */
		if (atomic_compare_exchange_weak_explicit(
			    ATOMIC(&flag->word), &word, word - 1,
			    memory_order_relaxed, memory_order_relaxed))
			return;
	}
}

/* Apart, so that a flag without a histogram pays for one look. */
static ISRI_APART void stamp_since(struct isr_flag *flag, unsigned int timed)
{
	const struct isri_frame *frame = NULL;

	if (timed == ISRI_FLAG_TIMED_EDGE)
		frame = isri_context_get_frame();
	flag->since_ns =
		frame && frame->event_ns ? frame->event_ns : isr_now_ns();
}

void isri_flag_stamp(struct isr_flag *flag)
{
	unsigned int timed;

	/* relaxed: whether sets are timed from now on, no more */
	timed = atomic_load_explicit(ATOMIC(&flag->timed),
				     memory_order_relaxed);
	if (timed)
		stamp_since(flag, timed);
}

/* Kept apart from the add: that one is inline in the programs. */
static void finish_set(struct isr_flag *flag, uint32_t before)
{
	if (before == 0) {
		ISR_TEST_POINT("flag:A1");
		/* A flag that was never initialised wakes nobody. */
		if (flag->wake) {
			isri_flag_stamp(flag);
			isri_wake_push(flag->wake, flag);
		}
		return;
	}
	if ((before & ISRI_FLAG_COUNT_MASK) >= ISR_FLAG_COUNT_MAX) {
		ISR_TEST_POINT("flag:A2");
		flag_saturate(flag);
	}
}

ISRI_HOT void isr_flag_set_rest(struct isr_flag *flag, uint32_t before)
{
	finish_set(flag, before);
}

void(isr_flag_set)(struct isr_flag *flag)
{
	uint32_t word;

	ISR_TEST_POINT("flag:A");
	/* flag:A: the inline form in isr.h does the same */
	word = atomic_fetch_add_explicit(ATOMIC(&flag->word), 1,
					 memory_order_acq_rel);
	finish_set(flag, word);
}

uint32_t isr_flag_peek(const struct isr_flag *flag)
{
	uint32_t word;

	/* flag:B: who acts upon the count sees what came before it */
	word = atomic_load_explicit(ATOMIC(&flag->word), memory_order_acquire);
	word &= ISRI_FLAG_COUNT_MASK;
	return word < ISR_FLAG_COUNT_MAX ? word : ISR_FLAG_COUNT_MAX;
}
