/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: a ring without loop, read in ISR context: one record at a time, by one
 * reader at a time (see turn.h). Its memory orders pair with those of ring.c,
 * where the table is.
 */
#include "atomic.h"
#include "ring.h"
#include "test-point.h"

bool isri_ring_take(struct isr_ring *ring, struct isr_event *ret_event)
{
	struct isr_event *slot;
	uint32_t tail;

	/* relaxed: this side is its only writer */
	tail = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_relaxed);
	slot = isri_ring_slot(ring, tail);
	ISR_TEST_POINT("ring:B");
	/* ring:B */
	if (atomic_load_explicit(ATOMIC(&slot->seq), memory_order_acquire) !=
	    tail + 1)
		return false;

	*ret_event = *slot;
	ISR_TEST_POINT("ring:C");
	/* ring:C */
	atomic_store_explicit(ATOMIC(&ring->tail), tail + 1,
			      memory_order_release);
	return true;
}

uint32_t isri_ring_take_untold(struct isr_ring *ring)
{
	/* relaxed: a count; whoever takes it tells it */
	if (!atomic_load_explicit(ATOMIC(&ring->unreported),
				  memory_order_relaxed))
		return 0;
	/* relaxed: as above */
	return atomic_exchange_explicit(ATOMIC(&ring->unreported), 0,
					memory_order_relaxed);
}

bool isri_ring_is_idle(const struct isr_ring *ring)
{
	uint32_t head, tail;

	/* relaxed: a put that the caller was told of, or made, is seen */
	head = atomic_load_explicit(ATOMIC(&ring->head), memory_order_relaxed);
	/* relaxed: this side is its only writer */
	tail = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_relaxed);
	/* relaxed: a count; whoever takes it tells it */
	return head == tail && !atomic_load_explicit(ATOMIC(&ring->unreported),
						     memory_order_relaxed);
}
