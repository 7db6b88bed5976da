/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1, loop class: the consumer's side of a ring. Its memory orders pair with
 * those of ring.c, where the table is.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "atomic.h"
#include "barrier.h"
#include "cpu.h"
#include "flag.h"
#include "ring.h"
#include "test-point.h"
#include "wake.h"

/* How often to look for a commit that is due: a microsecond or so. */
#define SETTLE_LOOKS 32

/* The counterpart; what it gives is valid only if tail did not move. */
static void slot_read(struct isr_event *slot, struct isr_event *ret_event)
{
#define SLOT_LOAD(member)                                                \
	/* relaxed: the cas of tail that follows decides */              \
	(ret_event->member = atomic_load_explicit(ATOMIC(&slot->member), \
						  memory_order_relaxed))
	SLOT_LOAD(t_ns);
	SLOT_LOAD(seq);
	SLOT_LOAD(seq_high);
	SLOT_LOAD(line_seq);
	SLOT_LOAD(lost);
	SLOT_LOAD(value);
	SLOT_LOAD(source);
	SLOT_LOAD(kind);
	SLOT_LOAD(flags);
#undef SLOT_LOAD
}

static bool is_committed(const struct isr_ring *ring, uint32_t place)
{
	ISR_TEST_POINT("ring:B");
	/* ring:B: seq_cst is what a fenced ring needs */
	return atomic_load_explicit(ATOMIC(&isri_ring_slot(ring, place)->seq),
				    memory_order_seq_cst) == place + 1;
}

/* Nobody else moves tail: one store for the whole batch. */
static size_t get_drop_new(struct isr_ring *ring, struct isr_event *ret_events,
			   size_t max)
{
	uint32_t tail;
	size_t n = 0;

	/* relaxed: this side is its only writer */
	tail = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_relaxed);
	while (n < max && is_committed(ring, tail)) {
		ret_events[n++] = *isri_ring_slot(ring, tail);
		tail++;
	}
	if (n) {
		ISR_TEST_POINT("ring:C");
		/* ring:C */
		atomic_store_explicit(ATOMIC(&ring->tail), tail,
				      memory_order_release);
	}
	return n;
}

/*
 * Copies what is committed from place first on; returns how many. Whatever
 * producers give up meanwhile may be torn.
 */
static uint32_t copy_committed(struct isr_ring *ring, uint32_t first,
			       struct isr_event *ret_events, uint32_t max)
{
	uint32_t n;

	for (n = 0; n < max && is_committed(ring, first + n); n++)
		slot_read(isri_ring_slot(ring, first + n), &ret_events[n]);
	return n;
}

/*
 * Moves tail from *first or, when producers have moved it meanwhile, from
 * where it is now, to end; false when it is past end (or not at it, if there
 * is nothing to take). *first is where tail was.
 */
static bool take_until(struct isr_ring *ring, uint32_t *first, uint32_t end)
{
	bool is_empty = *first == end;

	/* ring:C and ring:D */
	while (!atomic_compare_exchange_strong_explicit(
		ATOMIC(&ring->tail), first, end, memory_order_acq_rel,
		memory_order_acquire)) {
		if (is_empty || (int32_t)(end - *first) <= 0)
			return false;
	}
	return true;
}

/*
 * What evicted records would have told: for the first record behind them.
 * Called after tail was moved, because whoever evicted has stored a record
 * since, and what was counted before that record was is visible with it.
 */
static uint32_t take_carried(struct isr_ring *ring)
{
	/* relaxed: see above; the line is read only, unless there was a loss */
	if (!atomic_load_explicit(ATOMIC(&ring->carried), memory_order_relaxed))
		return 0;
	/* relaxed: a count; whoever takes it tells it */
	return atomic_exchange_explicit(ATOMIC(&ring->carried), 0,
					memory_order_relaxed);
}

/*
 * Producers may move tail while it copies. They only ever give up the
 * oldest, so the rest of the batch is good: to start again would let a
 * flood keep the loop here for as long as it lasts.
 */
static size_t get_drop_old(struct isr_ring *ring, struct isr_event *ret_events,
			   size_t max)
{
	uint32_t first, now, end;

	/* ring:D: the slot's next life may be seen only after this one ended */
	now = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_acquire);
	do {
		first = now;
		end = first +
		      copy_committed(ring, first, ret_events, (uint32_t)max);
		ISR_TEST_POINT("ring:C");
	} while (!take_until(ring, &now, end));

	if (now != first)
		memmove(ret_events, ret_events + (now - first),
			(end - now) * sizeof(*ret_events));
	if (end != now) {
		/* Given up since the last get: just before the first. */
		ret_events[0].lost += now - ring->next + take_carried(ring);
		ring->next = end;
	}
	return end - now;
}

/* Whatever the oldest record is by now. */
static bool next_is_committed(struct isr_ring *ring)
{
	uint32_t tail, now;

	/* ring:D */
	now = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_acquire);
	do {
		tail = now;
		if (is_committed(ring, tail))
			return true;
		/* ring:D */
		now = atomic_load_explicit(ATOMIC(&ring->tail),
					   memory_order_acquire);
	} while (now != tail);
	return false;
}

/*
 * A place is claimed and not committed. Who claimed it will be done in a few
 * instructions, if it runs. If not, make sure that it sets the flag when it
 * goes on. Returns whether there is a record now.
 */
static bool settle(struct isr_ring *ring)
{
	unsigned int i;

	for (i = 0; i < SETTLE_LOOKS; i++) {
		if (next_is_committed(ring))
			return true;
		isri_cpu_relax();
	}
	ISR_TEST_POINT("ring:settle");
	/* Should it be gone since init, the loop has to come again. */
	if (isri_barrier_all() < 0)
		isr_flag_set(&ring->ready);
	return next_is_committed(ring);
}

/*
 * After nothing more was found: is there more by now? If not, the next put
 * sets the flag, even one that is half done.
 */
static bool has_more(struct isr_ring *ring)
{
	uint32_t tail, head;

	/* Polled, or its producers see to it. */
	if (!ring->ready.wake || ring->fenced)
		return false;

	/* ring:D */
	tail = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_acquire);
	ISR_TEST_POINT("ring:F");
	/* ring:F */
	head = atomic_load_explicit(ATOMIC(&ring->head), memory_order_seq_cst);
	return head != tail && settle(ring);
}

/* There is room for n more: whoever waits for it is told. */
static void tell_room(struct isr_ring *ring, uint32_t n)
{
	uint32_t waiting;

	if (ring->fenced) {
		/* ring-wait:B */
		waiting = atomic_fetch_add_explicit(ATOMIC(&ring->waiting), 0,
						    memory_order_acq_rel);
	} else {
		/* ring-wait:B: for the compiler; the others see to the CPU */
		atomic_signal_fence(memory_order_seq_cst);
		/* relaxed: ring-wait:B orders it */
		waiting = atomic_load_explicit(ATOMIC(&ring->waiting),
					       memory_order_relaxed);
	}
	if (waiting)
		isri_ring_tell_room(ring, n);
}

static size_t get_some(struct isr_ring *ring, struct isr_event *ret_events,
		       size_t max)
{
	if (ring->policy == ISR_RING_DROP_OLD)
		return get_drop_old(ring, ret_events, max);
	return get_drop_new(ring, ret_events, max);
}

/* A ring without loop is polled by one thread, any. */
static int ring_check_for(const struct isr_ring *ring, const char *function)
{
	if (!ring || !ring->slots)
		return -EINVAL;
	return isri_wake_check_if_any(ring->ready.wake, function);
}
#define ring_check(ring) ring_check_for(ring, __func__)

int isr_ring_get(struct isr_ring *ring, struct isr_event *ret_events,
		 size_t max_events)
{
	int r = ring_check(ring);
	size_t n;

	if (r < 0)
		return r;
	if (!ret_events)
		return -EINVAL;
	if (max_events > ring->mask + 1)
		max_events = ring->mask + 1;

	do {
		n = get_some(ring, ret_events, max_events);
	} while (n == 0 && max_events > 0 && has_more(ring));
	if (n)
		tell_room(ring, (uint32_t)n);
	return (int)n;
}

int isr_ring_take_lost(struct isr_ring *ring, uint32_t *ret_count)
{
	int r = ring_check(ring);

	if (r < 0)
		return r;
	if (!ret_count)
		return -EINVAL;
	/* relaxed: a count; whoever takes it tells it */
	*ret_count = atomic_exchange_explicit(ATOMIC(&ring->unreported), 0,
					      memory_order_relaxed);
	return 0;
}

int isr_ring_init(struct isr_ring *ring, struct isr_loop *loop,
		  struct isr_event *slots, uint32_t n_slots,
		  enum isr_ring_policy policy)
{
	int r;

	if (!ring || !slots || n_slots < 2 || n_slots > ISR_RING_SLOTS_MAX ||
	    (n_slots & (n_slots - 1)))
		return -EINVAL;
	if (policy != ISR_RING_DROP_NEW && policy != ISR_RING_DROP_OLD)
		return -EINVAL;
	r = isri_flag_init_of(&ring->ready, loop, __func__);
	if (r < 0)
		return r;

	if (loop)
		ring->ready.mode |= ISRI_FLAG_OF_RING;
	/* Also touches every page: a put must not fault. */
	memset(slots, 0, n_slots * sizeof(*slots));
	ring->slots = slots;
	ring->mask = n_slots - 1;
	ring->policy = policy;
	ring->fenced = isri_barrier_init() < 0;
	ring->head = 0;
	ring->tail_cached = 0;
	ring->tail = 0;
	ring->next = 0;
	ring->waiting = 0;
	ring->room = 0;
	ring->ended = 0;
	ring->unreported = 0;
	ring->carried = 0;
	ring->lost_total = 0;
	return 0;
}

int isr_ring_done(struct isr_ring *ring)
{
	int r;

	if (!ring || !ring->slots)
		return 0;
	r = isri_flag_done_of(&ring->ready, __func__);
	if (r < 0)
		return r;
	isri_ring_let_go(ring);
	isri_flag_await_visitors(&ring->ready);
	ring->slots = NULL;
	return 0;
}
