/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: a bounded ring of events, many producers, one consumer. This is the
 * producers' side; the consumer's is in ring-loop.c.
 *
 * A producer claims a place by moving head, writes the slot and commits it
 * with the slot's own sequence number (its place plus 1). Nobody ever waits
 * for a producer that was interrupted between claim and commit: others go
 * on, and the consumer stops in front of the hole until it is filled. That
 * is what makes a put safe in a handler that interrupts a put.
 *
 * Full is decided before the claim, because a handler could not wait after
 * it. All places are 32-bit and free running: compared by unsigned
 * difference only.
 *
 * DROP_OLD lets a producer move tail as well. The consumer then may read a
 * slot while it is written anew: it copies with atomic accesses, and what
 * it copied counts only if its own move of tail succeeds.
 *
 * ORDERING
 *   ring:A (commit, release or stronger, of seq) <-> ring:B (get, acquire
 *          or stronger, of seq): the slot before its sequence
 *   ring:C (get or evict, release of tail) <-> ring:D (put, acquire of tail
 *          or tail_cached): copied out before it is written anew. A producer
 *          that caches the tail releases it again for other producers.
 *   ring:E (put, seq_cst cas of head, then seq_cst load of the ready flag's
 *          word) <-> ring:F (the loop consumes that flag, seq_cst exchange in
 *          flag-loop.c, and when it finds no more committed, seq_cst load of
 *          head): either the producer sees the flag consumed and sets it
 *          again, or the consumer sees that a place is claimed
 *
 * A consumer that sees a claimed place which is not committed has a barrier
 * passed by all threads (barrier.c) and looks again: either the commit is
 * seen now, or its producer is yet to look at the word, and sees 0 there.
 *
 * So a put has one locked operation, its claim, and whoever finds the ring
 * empty has the trouble; mostly a place that is claimed is committed before
 * it comes to a barrier. A full barrier between commit and the look at the
 * flag does the same, for each record; where the kernel gives no barrier on
 * all threads, it is what is done (fenced).
 */
#include <errno.h>
#include <stdbool.h>

#include "atomic.h"
#include "cpu.h"
#include "flag.h"
#include "hot.h"
#include "ring.h"
#include "test-point.h"

/*
 * Everything but seq. relaxed, all of it: ring:A orders it; it is atomic
 * only because a consumer of a DROP_OLD ring may be reading.
 */
static ISRI_INLINE void slot_write(struct isr_event *slot,
				   const struct isr_event *event, uint32_t lost)
{
#define SLOT_STORE(member, value)                           \
	/* relaxed: ring:A orders it */                     \
	atomic_store_explicit(ATOMIC(&slot->member), value, \
			      memory_order_relaxed)
	SLOT_STORE(t_ns, event->t_ns);
	SLOT_STORE(seq_high, event->seq_high);
	SLOT_STORE(line_seq, event->line_seq);
	SLOT_STORE(lost, lost);
	SLOT_STORE(value, event->value);
	SLOT_STORE(source, event->source);
	SLOT_STORE(kind, event->kind);
	SLOT_STORE(flags, event->flags);
#undef SLOT_STORE
}

/* One record is lost; told is what a later record has to tell for it. */
static void count_lost(struct isr_ring *ring, uint32_t *counter, uint32_t told)
{
	ISR_TEST_POINT("ring:lost");
	/* relaxed: counters; nothing else is published by them */
	atomic_fetch_add_explicit(ATOMIC(&ring->lost_total), 1,
				  memory_order_relaxed);
	if (told) {
		ISR_TEST_POINT("ring:untold");
		/* relaxed: as above, and the next commit publishes it */
		atomic_fetch_add_explicit(ATOMIC(counter), told,
					  memory_order_relaxed);
	}
}

/*
 * Makes room by giving up the oldest record. 1: given up; 0: tail has moved,
 * look again; -ENOSPC: that place is claimed but not committed, so it cannot
 * be given up and the new record is refused.
 */
static int evict(struct isr_ring *ring, uint32_t tail)
{
	struct isr_event *slot = isri_ring_slot(ring, tail);
	uint32_t seq, carried;

	/* ring:B */
	seq = atomic_load_explicit(ATOMIC(&slot->seq), memory_order_acquire);
	if (seq != tail + 1) {
		/* relaxed: a moved tail means no more than look again */
		if (atomic_load_explicit(ATOMIC(&ring->tail),
					 memory_order_relaxed) != tail)
			return 0;
		return -ENOSPC;
	}

	/* relaxed: counts only if the cas succeeds */
	carried =
		atomic_load_explicit(ATOMIC(&slot->lost), memory_order_relaxed);
	ISR_TEST_POINT("ring:C");
	/* ring:C: acquire as well, or the new record might be written early */
	if (!atomic_compare_exchange_strong_explicit(
		    ATOMIC(&ring->tail), &tail, tail + 1, memory_order_acq_rel,
		    memory_order_relaxed))
		return 0;

	/* The consumer sees the gap; not what the record carried. */
	count_lost(ring, &ring->carried, carried);
	return 1;
}

/* The consumer's place, fresh, for all producers to use. */
static uint32_t tail_refresh(struct isr_ring *ring)
{
	uint32_t tail;

	/* ring:D */
	tail = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_acquire);
	/* ring:C */
	atomic_store_explicit(ATOMIC(&ring->tail_cached), tail,
			      memory_order_release);
	return tail;
}

/*
 * Claims the next place: 0, 1 when the oldest record was given up for it, or
 * -ENOSPC and nothing was claimed.
 */
static ISRI_INLINE int claim(struct isr_ring *ring, uint32_t *ret_place)
{
	int evicted = 0, r;
	uint32_t head, tail;

	/* relaxed: verified by the cas */
	head = atomic_load_explicit(ATOMIC(&ring->head), memory_order_relaxed);
	for (;;) {
		/* ring:D */
		tail = atomic_load_explicit(ATOMIC(&ring->tail_cached),
					    memory_order_acquire);
		if (head - tail > ring->mask)
			tail = tail_refresh(ring);
		/* The signed test: a head so old that tail has passed it. */
		if (head - tail > ring->mask && (int32_t)(head - tail) > 0) {
			if (ring->policy != ISR_RING_DROP_OLD)
				return -ENOSPC;
			r = evict(ring, tail);
			if (r < 0)
				return r;
			evicted |= r;
			continue;
		}
		ISR_TEST_POINT("ring:D");
		/* ring:E; ring:D made the slot ours to use */
		if (atomic_compare_exchange_weak_explicit(
			    ATOMIC(&ring->head), &head, head + 1,
			    memory_order_seq_cst, memory_order_relaxed)) {
			*ret_place = head;
			return evicted;
		}
	}
}

static ISRI_INLINE void commit(struct isr_ring *ring, struct isr_event *slot,
			       uint32_t seq)
{
	uint32_t word;

	ISR_TEST_POINT("ring:A");
	if (ring->fenced) {
		/* ring:A */
		atomic_exchange_explicit(ATOMIC(&slot->seq), seq,
					 memory_order_seq_cst);
	} else {
		/* ring:A */
		atomic_store_explicit(ATOMIC(&slot->seq), seq,
				      memory_order_release);
	}
	ISR_TEST_POINT("ring:E");
	/* relaxed: only whether; it goes when the loop ends, as we put */
	if (!atomic_load_explicit(ATOMIC(&ring->ready.wake),
				  memory_order_relaxed))
		return;
	/* ring:E */
	word = atomic_load_explicit(ATOMIC(&ring->ready.word),
				    memory_order_seq_cst);
	/* No count is not yet 0: its count was taken while it was queued. */
	if (!(word & ISRI_FLAG_COUNT_MASK))
		isr_flag_set(&ring->ready);
}

/*
 * Asks for a slot that will be written soon. The consumer read it last, so
 * its line sits on another CPU, and a store would wait there until the next
 * locked operation, which lets no store be late, waits with it. Two lines
 * ahead is enough for one producer; more brings nothing, or evicts.
 */
static void prefetch(const struct isr_ring *ring, uint32_t place)
{
	isri_cpu_fetch(isri_ring_slot(ring, place + 4));
}

static ISRI_INLINE int put(struct isr_ring *ring, const struct isr_event *event,
			   bool is_counted)
{
	uint32_t place, lost = event->lost;
	struct isr_event *slot;
	int r;

	r = claim(ring, &place);
	if (r < 0 && is_counted)
		count_lost(ring, &ring->unreported, 1 + lost);
	if (r < 0)
		return r;

	/* relaxed: a count; whoever takes it tells it */
	if (atomic_load_explicit(ATOMIC(&ring->unreported),
				 memory_order_relaxed)) {
		ISR_TEST_POINT("ring:told");
		/* relaxed: as above */
		lost += atomic_exchange_explicit(ATOMIC(&ring->unreported), 0,
						 memory_order_relaxed);
	}

	prefetch(ring, place);
	slot = isri_ring_slot(ring, place);
	slot_write(slot, event, lost);
	commit(ring, slot, place + 1);
	return r;
}

ISRI_HOT int isr_ring_put(struct isr_ring *ring, const struct isr_event *event)
{
	return put(ring, event, true);
}

int isri_ring_try_put(struct isr_ring *ring, const struct isr_event *event)
{
	return put(ring, event, false);
}

uint64_t isr_ring_get_lost_total(const struct isr_ring *ring)
{
	/* relaxed: a counter */
	return atomic_load_explicit(ATOMIC(&ring->lost_total),
				    memory_order_relaxed);
}
