/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the two sides of a latch. Its beginning and end are in latch-loop.c.
 *
 * Three slots: one is the writer's, one the reader's, one lies between them.
 * The writer fills its own and exchanges it for the one between; the reader,
 * when that is new, exchanges its own for it. So each slot has one owner at
 * every moment, no value is read while it is written, and neither side ever
 * waits or tries again. With two slots one side would have to wait; a
 * seqlock's reader tries again for ever when it is the handler that
 * interrupted the writer.
 *
 * Which slot is a side's own is in a word of that side, taken by exchange
 * for the time of a call: whoever finds it taken is nested in the other
 * call, or parallel to it, and is refused.
 *
 * ORDERING
 *   latch:A (store, acq_rel exchange of shared) <-> latch:B (load, acq_rel
 *          exchange of shared): what is in a slot before the slot; what was
 *          read of it before it is written anew
 *   latch:C (a call begins, acquire exchange of back or front) <-> latch:D
 *          (it ends, release store): the calls of one side in order, though
 *          threads take turns
 */
#include <errno.h>
#include <string.h>

#include "atomic.h"
#include "latch.h"
#include "test-point.h"

static unsigned char *slot_of(const struct isr_latch *latch, uint32_t own)
{
	return latch->slots + (own & ISRI_LATCH_SLOT) * latch->value_bytes;
}

/* A side's own slot, or TAKEN. */
static uint32_t begin(uint32_t *side)
{
	ISR_TEST_POINT("latch:C");
	/* latch:C */
	return atomic_exchange_explicit(ATOMIC(side), ISRI_LATCH_TAKEN,
					memory_order_acquire);
}

static void end(uint32_t *side, uint32_t own)
{
	ISR_TEST_POINT("latch:D");
	/* latch:D */
	atomic_store_explicit(ATOMIC(side), own, memory_order_release);
}

static int refuse_store(struct isr_latch *latch)
{
	/* relaxed: a counter */
	atomic_fetch_add_explicit(ATOMIC(&latch->refused), 1,
				  memory_order_relaxed);
	return -EBUSY;
}

/* Its own slot for the one between. */
static uint32_t publish(struct isr_latch *latch, uint32_t own)
{
	ISR_TEST_POINT("latch:A");
	/* latch:A */
	own = atomic_exchange_explicit(ATOMIC(&latch->shared),
				       own | ISRI_LATCH_NEW,
				       memory_order_acq_rel);
	return own & ISRI_LATCH_SLOT;
}

int isr_latch_store(struct isr_latch *latch, const void *value)
{
	uint32_t own = begin(&latch->back);

	if (own == ISRI_LATCH_TAKEN)
		return refuse_store(latch);
	memcpy(slot_of(latch, own), value, latch->value_bytes);
	latch->generations[own] = ++latch->generation;
	own = publish(latch, own);
	end(&latch->back, own);
	/* relaxed: only whether; it goes when the loop ends, as we store */
	if (atomic_load_explicit(ATOMIC(&latch->updated.wake),
				 memory_order_relaxed))
		isr_flag_set(&latch->updated);
	return 0;
}

/* Only the reader makes it old, so what is new stays new till it is taken. */
static bool has_new(const struct isr_latch *latch)
{
	/* relaxed: the exchange that follows orders */
	return atomic_load_explicit(ATOMIC(&latch->shared),
				    memory_order_relaxed) &
	       ISRI_LATCH_NEW;
}

static uint32_t take_new(struct isr_latch *latch, uint32_t own)
{
	ISR_TEST_POINT("latch:B");
	/* latch:B */
	own = atomic_exchange_explicit(ATOMIC(&latch->shared),
				       own & ISRI_LATCH_SLOT,
				       memory_order_acq_rel);
	ISR_TEST_POINT("latch:B1");
	return own & ISRI_LATCH_SLOT;
}

int isr_latch_load(struct isr_latch *latch, void *ret_value,
		   uint32_t *ret_generation)
{
	uint32_t own = begin(&latch->front);
	int r = 0;

	if (own == ISRI_LATCH_TAKEN)
		return -EBUSY;
	if (has_new(latch)) {
		own = take_new(latch, own);
		r = 1;
	}
	if (own & ISRI_LATCH_EMPTY) {
		r = -ENODATA;
	} else {
		memcpy(ret_value, slot_of(latch, own), latch->value_bytes);
		if (ret_generation)
			*ret_generation = latch->generations[own];
	}
	end(&latch->front, own);
	return r;
}

uint64_t isr_latch_get_refused(const struct isr_latch *latch)
{
	/* relaxed: a counter */
	return atomic_load_explicit(ATOMIC(&latch->refused),
				    memory_order_relaxed);
}
