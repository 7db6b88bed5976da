/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the two sides of a byte ring. Its beginning and end are in
 * byte-ring-loop.c.
 *
 * The writer moves head and the reader moves tail, each by what it copied,
 * and nobody clears anything: "take the count, then clear it" would lose the
 * bytes that come in between. Places are 32-bit and free running, compared
 * by difference only, so that the whole room is usable.
 *
 * Each side has a word that is taken for the time of a call: whoever finds it
 * taken is nested in the other call, or parallel to it, and is refused.
 *
 * ORDERING
 *   byte-ring:A (write, release of head) <-> byte-ring:B (read, acquire of
 *          head): bytes before their place
 *   byte-ring:C (read, release of tail) <-> byte-ring:D (write, acquire of
 *          tail): copied out before it is written anew
 *   byte-ring:E (a call begins, acquire exchange of writing or reading) <->
 *          byte-ring:F (it ends, release store): the calls of one side in
 *          order, though threads take turns
 */
#include <errno.h>
#include <string.h>

#include "atomic.h"
#include "byte-ring.h"
#include "test-point.h"

static bool begin(uint32_t *side)
{
	ISR_TEST_POINT("byte-ring:E");
	/* byte-ring:E */
	return !atomic_exchange_explicit(ATOMIC(side), 1, memory_order_acquire);
}

static void end(uint32_t *side)
{
	ISR_TEST_POINT("byte-ring:F");
	/* byte-ring:F */
	atomic_store_explicit(ATOMIC(side), 0, memory_order_release);
}

static uint32_t min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* How many of n bytes from place on come before the end of the array. */
static uint32_t before_wrap(const struct isr_byte_ring *ring, uint32_t place,
			    uint32_t n)
{
	return min(n, ring->mask + 1 - (place & ring->mask));
}

static uint32_t store(struct isr_byte_ring *ring, const unsigned char *data,
		      uint32_t n)
{
	uint32_t head, tail, first;

	/* relaxed: this side is its only writer */
	head = atomic_load_explicit(ATOMIC(&ring->head), memory_order_relaxed);
	ISR_TEST_POINT("byte-ring:D");
	/* byte-ring:D */
	tail = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_acquire);
	n = min(n, ring->mask + 1 - (head - tail));
	first = before_wrap(ring, head, n);
	memcpy(ring->bytes + (head & ring->mask), data, first);
	memcpy(ring->bytes, data + first, n - first);
	ISR_TEST_POINT("byte-ring:A");
	/* byte-ring:A */
	atomic_store_explicit(ATOMIC(&ring->head), head + n,
			      memory_order_release);
	return n;
}

static void count_refused(struct isr_byte_ring *ring, uint32_t n)
{
	/* relaxed: a counter */
	atomic_fetch_add_explicit(ATOMIC(&ring->refused), n,
				  memory_order_relaxed);
}

int isr_byte_ring_write(struct isr_byte_ring *ring, const void *data,
			uint32_t n)
{
	uint32_t stored;

	if (!begin(&ring->writing)) {
		count_refused(ring, n);
		return -EBUSY;
	}
	stored = store(ring, data, n);
	end(&ring->writing);
	if (stored < n)
		count_refused(ring, n - stored);
	/* relaxed: only whether; it goes when the loop ends, as we write */
	if (stored && atomic_load_explicit(ATOMIC(&ring->ready.wake),
					   memory_order_relaxed))
		isr_flag_set(&ring->ready);
	return (int)stored;
}

static uint32_t take(struct isr_byte_ring *ring, unsigned char *ret_data,
		     uint32_t max)
{
	uint32_t head, tail, n, first;

	/* relaxed: this side is its only writer */
	tail = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_relaxed);
	ISR_TEST_POINT("byte-ring:B");
	/* byte-ring:B */
	head = atomic_load_explicit(ATOMIC(&ring->head), memory_order_acquire);
	n = min(max, head - tail);
	first = before_wrap(ring, tail, n);
	memcpy(ret_data, ring->bytes + (tail & ring->mask), first);
	memcpy(ret_data + first, ring->bytes, n - first);
	ISR_TEST_POINT("byte-ring:C");
	/* byte-ring:C */
	atomic_store_explicit(ATOMIC(&ring->tail), tail + n,
			      memory_order_release);
	return n;
}

int isr_byte_ring_read(struct isr_byte_ring *ring, void *ret_data, uint32_t max)
{
	uint32_t n;

	if (!begin(&ring->reading))
		return -EBUSY;
	n = take(ring, ret_data, max);
	end(&ring->reading);
	return (int)n;
}

uint32_t isr_byte_ring_get_count(const struct isr_byte_ring *ring)
{
	uint32_t head, tail;

	/* byte-ring:D; first, or a read in between would make it negative */
	tail = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_acquire);
	ISR_TEST_POINT("byte-ring:count");
	/* byte-ring:B */
	head = atomic_load_explicit(ATOMIC(&ring->head), memory_order_acquire);
	/* What was read and written in between is not in the ring as well. */
	return min(head - tail, ring->mask + 1);
}

uint64_t isr_byte_ring_get_refused(const struct isr_byte_ring *ring)
{
	/* relaxed: a counter */
	return atomic_load_explicit(ATOMIC(&ring->refused),
				    memory_order_relaxed);
}
