/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the turn, one word.
 *
 * ORDERING
 *   turn:A (ask, acq_rel exchange) <-> turn:B (look, acq_rel exchange): what
 *          the asker put down is found by the look that follows
 *   turn:C (leave, release cas) <-> turn:A, turn:D (try, acquire cas): what
 *          the last one did with its turn, the next one sees
 *   turn:E (drop, acq_rel exchange) <-> turn:A: what those put down whose asks
 *          it takes back is found by the next one that asks
 * Leave succeeds only when nobody asked since the look: one word has one order
 * of changes, so an ask either makes it fail or gets the turn itself.
 */
#include "turn.h"
#include "atomic.h"
#include "test-point.h"

enum { FREE, TAKEN, ASKED };

bool isri_turn_try(struct isri_turn *turn)
{
	uint32_t word = FREE;

	ISR_TEST_POINT("turn:D");
	/* turn:D; relaxed when it fails: nothing is used then */
	return atomic_compare_exchange_strong_explicit(
		ATOMIC(&turn->word), &word, TAKEN, memory_order_acquire,
		memory_order_relaxed);
}

bool isri_turn_ask(struct isri_turn *turn)
{
	ISR_TEST_POINT("turn:A");
	/* turn:A */
	return atomic_exchange_explicit(ATOMIC(&turn->word), ASKED,
					memory_order_acq_rel) == FREE;
}

void isri_turn_look(struct isri_turn *turn)
{
	ISR_TEST_POINT("turn:B");
	/* turn:B */
	atomic_exchange_explicit(ATOMIC(&turn->word), TAKEN,
				 memory_order_acq_rel);
}

bool isri_turn_leave(struct isri_turn *turn)
{
	uint32_t word = TAKEN;

	ISR_TEST_POINT("turn:C");
	/* turn:C; relaxed when it fails: the look that follows orders */
	return atomic_compare_exchange_strong_explicit(
		ATOMIC(&turn->word), &word, FREE, memory_order_release,
		memory_order_relaxed);
}

void isri_turn_drop(struct isri_turn *turn)
{
	ISR_TEST_POINT("turn:E");
	/* turn:E */
	atomic_exchange_explicit(ATOMIC(&turn->word), FREE,
				 memory_order_acq_rel);
}
