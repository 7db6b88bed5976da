/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: one integer of 64 bits, for all contexts.
 *
 * ORDERING
 *   word:A (store, add, exchange and compare-exchange, release) <-> word:B
 *          (load, add, exchange and compare-exchange, acquire): who sees a
 *          value sees what its writer did before
 */
#include <isrloop/word.h>

#include "atomic.h"
#include "test-point.h"

int64_t isr_word_load(const struct isr_word *word)
{
	/* word:B */
	return (int64_t)atomic_load_explicit(ATOMIC(&word->bits),
					     memory_order_acquire);
}

void isr_word_store(struct isr_word *word, int64_t value)
{
	/* word:A */
	atomic_store_explicit(ATOMIC(&word->bits), (uint64_t)value,
			      memory_order_release);
}

int64_t isr_word_add(struct isr_word *word, int64_t delta)
{
	uint64_t before;

	ISR_TEST_POINT("word:A");
	/* word:A and word:B */
	before = atomic_fetch_add_explicit(ATOMIC(&word->bits), (uint64_t)delta,
					   memory_order_acq_rel);
	return (int64_t)(before + (uint64_t)delta);
}

int64_t isr_word_exchange(struct isr_word *word, int64_t value)
{
	ISR_TEST_POINT("word:A");
	/* word:A and word:B */
	return (int64_t)atomic_exchange_explicit(
		ATOMIC(&word->bits), (uint64_t)value, memory_order_acq_rel);
}

bool isr_word_compare_exchange(struct isr_word *word, int64_t *expected,
			       int64_t desired)
{
	uint64_t found = (uint64_t)*expected;
	bool done;

	ISR_TEST_POINT("word:A");
	/* word:A and word:B */
	done = atomic_compare_exchange_strong_explicit(
		ATOMIC(&word->bits), &found, (uint64_t)desired,
		memory_order_acq_rel, memory_order_acquire);
	*expected = (int64_t)found;
	return done;
}
