/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the door, one word.
 *
 * ORDERING
 *   door:A (enter, acq_rel cas) <-> door:B (shut, acq_rel or): one word has
 *          one order of changes. Whoever is inside when it is shut is counted,
 *          and whoever comes later finds it shut.
 *   door:C (leave, release sub) <-> door:D (is empty, acquire load): what was
 *          done inside
 *   door:E (open, acq_rel exchange) <-> door:A: what a refused one had put
 *          down is found by whoever opens; what was done behind the shut door
 *          is seen by those who come later
 * With a word for "shut" and another one for those inside, each side would
 * need a full barrier between its own word and its look at the other's.
 */
#include "door.h"
#include "atomic.h"
#include "test-point.h"

#define SHUT 0x80000000U
#define REFUSED 0x40000000U
#define INSIDE 0x3fffffffU

bool isri_door_enter(struct isri_door *door)
{
	uint32_t word, next;

	/* relaxed: verified by the cas */
	word = atomic_load_explicit(ATOMIC(&door->word), memory_order_relaxed);
	do {
		next = word & SHUT ? word | REFUSED : word + 1;
		ISR_TEST_POINT("door:A");
		/* door:A; relaxed when it fails: it is verified again */
	} while (!atomic_compare_exchange_weak_explicit(
		ATOMIC(&door->word), &word, next, memory_order_acq_rel,
		memory_order_relaxed));
	return !(word & SHUT);
}

void isri_door_leave(struct isri_door *door)
{
	ISR_TEST_POINT("door:C");
	/* door:C */
	atomic_fetch_sub_explicit(ATOMIC(&door->word), 1, memory_order_release);
}

void isri_door_shut(struct isri_door *door)
{
	ISR_TEST_POINT("door:B");
	/* door:B */
	atomic_fetch_or_explicit(ATOMIC(&door->word), SHUT,
				 memory_order_acq_rel);
}

bool isri_door_is_empty(const struct isri_door *door)
{
	ISR_TEST_POINT("door:D");
	/* door:D */
	return !(atomic_load_explicit(ATOMIC(&door->word),
				      memory_order_acquire) &
		 INSIDE);
}

bool isri_door_open(struct isri_door *door)
{
	ISR_TEST_POINT("door:E");
	/* door:E */
	return atomic_exchange_explicit(ATOMIC(&door->word), 0,
					memory_order_acq_rel) &
	       REFUSED;
}
