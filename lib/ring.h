/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: what both sides of a ring know. */
#ifndef ISRI_RING_H
#define ISRI_RING_H

#include <stdbool.h>

#include <isrloop/ring.h>

#include "atomic.h"

_Static_assert(sizeof(struct isr_ring) % 8 == 0, "isr_ring has no odd tail");

static inline struct isr_event *isri_ring_slot(const struct isr_ring *ring,
					       uint32_t place)
{
	return &ring->slots[place & ring->mask];
}

/* The loop's, between records: a guess. */
static inline bool isri_ring_seems_empty(const struct isr_ring *ring)
{
	/* relaxed: a guess, before it counts isr_ring_get() looks again */
	uint32_t head =
		atomic_load_explicit(ATOMIC(&ring->head), memory_order_relaxed);
	/* relaxed: as above */
	uint32_t tail =
		atomic_load_explicit(ATOMIC(&ring->tail), memory_order_relaxed);

	return head == tail;
}

/* lib/ring.c, signal class: a put that counts nothing as lost. */
int isri_ring_try_put(struct isr_ring *ring, const struct isr_event *event);

/* lib/ring-wait.c, any class: so many places were made, and somebody waits. */
void isri_ring_tell_room(struct isr_ring *ring, uint32_t n);
/* The same: whoever waits for room gives up, and nobody waits any more. */
void isri_ring_let_go(struct isr_ring *ring);

/*
 * Signal class: lib/ring-take.c. For a ring without loop that refuses what does
 * not fit (DROP_NEW), in place of isr_ring_get() and isr_ring_take_lost(). One
 * reader at a time.
 */

/* False when the oldest record is not there, or not yet complete. */
bool isri_ring_take(struct isr_ring *ring, struct isr_event *ret_event);
/* Losses that no record carries. */
uint32_t isri_ring_take_untold(struct isr_ring *ring);
/* Nothing is in it, or about to be, and no loss is to be told. */
bool isri_ring_is_idle(const struct isr_ring *ring);

#endif /* ISRI_RING_H */
