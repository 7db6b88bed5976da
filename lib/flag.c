/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the side of a flag that any context may use. The loop's side is in
 * flag-loop.c.
 *
 * A word holds the count and one bit, "queued". Whoever turns that bit on
 * pushes the flag; everybody else is done with one locked operation.
 *
 * ORDERING
 *   flag:A (set, release add or cas of word) <-> flag:B (flag-loop.c, the
 *          loop consumes, exchange of word): what was written before the set
 *          is visible to the callback. seq_cst, not acquire, because a ring's
 *          ready flag needs the total order: ring.c
 *   flag:C (flag-loop.c, done, acq_rel or of "queued") <-> flag:A: from here
 *          on no setter finds the bit clear, so none pushes
 *
 * Count and bit share a word so that the loop takes both in one exchange.
 * With two words, or count-then-clear, a set in between would be lost.
 */
#include "flag.h"
#include "atomic.h"
#include "test-point.h"
#include "wake.h"

/* The first set since the flag was consumed: announce it. */
static void flag_announce(struct isr_flag *flag)
{
	/* A flag that was never initialised counts, and wakes nobody. */
	if (flag->wake)
		isri_wake_push(flag->wake, flag);
}

/*
 * Takes back a count that is one too many, unless the loop has consumed it
 * meanwhile: below zero is "queued", and would be so for ever.
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

void isr_flag_set(struct isr_flag *flag)
{
	uint32_t word = 0;

	/* relaxed: a guess that the cas below verifies */
	if (atomic_load_explicit(ATOMIC(&flag->word), memory_order_relaxed) ==
	    0) {
		ISR_TEST_POINT("flag:A");
		/* flag:A */
		if (atomic_compare_exchange_strong_explicit(
			    ATOMIC(&flag->word), &word, ISRI_FLAG_QUEUED | 1,
			    memory_order_seq_cst, memory_order_relaxed)) {
			flag_announce(flag);
			return;
		}
	}

	ISR_TEST_POINT("flag:A1");
	/* flag:A */
	word = atomic_fetch_add_explicit(ATOMIC(&flag->word), 1,
					 memory_order_release);
	if ((word & ISRI_FLAG_COUNT_MASK) >= ISR_FLAG_COUNT_MAX) {
		ISR_TEST_POINT("flag:A3");
		flag_saturate(flag);
		return;
	}
	if (word & ISRI_FLAG_QUEUED)
		return;

	/* Consumed between the guess and the add. */
	ISR_TEST_POINT("flag:A2");
	/* flag:A */
	word = atomic_fetch_or_explicit(ATOMIC(&flag->word), ISRI_FLAG_QUEUED,
					memory_order_seq_cst);
	if (!(word & ISRI_FLAG_QUEUED))
		flag_announce(flag);
}

uint32_t isr_flag_peek(const struct isr_flag *flag)
{
	uint32_t word;

	/* flag:B: who acts upon the count sees what came before it */
	word = atomic_load_explicit(ATOMIC(&flag->word), memory_order_acquire);
	word &= ISRI_FLAG_COUNT_MASK;
	return word < ISR_FLAG_COUNT_MAX ? word : ISR_FLAG_COUNT_MAX;
}
