/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the handler's side of a guard. The side of ordinary code is in
 * guard-hold.c.
 *
 * One word tells who has the guard and counts the tries: a try adds 1, and
 * who adds it to 0 has the guard. So a try is one locked operation that
 * cannot fail for another reason than that somebody has it, and a refused
 * one is counted in the same moment. With a count beside the word, a drop
 * between the two would tell a number that is too small.
 *
 * ORDERING
 *   guard:A (try, acquire add to word; hold, acquire cas of word) <->
 *          guard:B (release or drop, release exchange of word): what the one
 *          before did under the guard
 */
#include <stddef.h>

#include "atomic.h"
#include "context.h"
#include "guard.h"
#include "test-point.h"

bool isr_guard_try(struct isr_guard *guard)
{
	uint32_t word;

	/* relaxed: a guess; tries that come at once have room */
	word = atomic_load_explicit(ATOMIC(&guard->word), memory_order_relaxed);
	if ((word & ISRI_GUARD_TRIES_MASK) >= ISRI_GUARD_TRIES_MAX)
		return false;

	ISR_TEST_POINT("guard:A");
	/* guard:A */
	word = atomic_fetch_add_explicit(ATOMIC(&guard->word), 1,
					 memory_order_acquire);
	if (word != 0)
		return false;
	/* relaxed: only this thread compares it with itself */
	atomic_store_explicit(ATOMIC(&guard->owner), isri_context_thread(),
			      memory_order_relaxed);
	return true;
}

void isr_guard_release(struct isr_guard *guard)
{
	/* Who was refused has nothing to give back. */
	if (!isri_guard_is_mine(guard) || isri_guard_is_held(guard))
		return;

	/* relaxed: before the word, after which it is another's to write */
	atomic_store_explicit(ATOMIC(&guard->owner), NULL,
			      memory_order_relaxed);
	ISR_TEST_POINT("guard:B");
	/* guard:B */
	atomic_exchange_explicit(ATOMIC(&guard->word), 0, memory_order_release);
}
