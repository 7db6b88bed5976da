/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1, any class: threads wait for room in a ring.
 *
 * A producer that finds the ring full counts itself as waiting, tries again,
 * and sleeps on a word that the consumer changes when it has made room and
 * somebody is counted. The consumer makes room far more often than anybody
 * waits: for it this costs one load of a word on its own cache line, and the
 * full barrier between its two steps is paid by the one that waits, who has
 * it passed by all threads (barrier.c). Where the kernel does not give that
 * (a fenced ring), the consumer pays.
 *
 * It is no waiter of the ready flag: that tells of records, not of room, and
 * mostly has a callback. But it counts as the flag's visitor, so what ends
 * the flag, its loop's end as well, lets it go and waits until it is out.
 *
 * ORDERING
 *   ring-wait:A (a producer counts itself, acq_rel add to waiting, full
 *          barrier on all threads, then claims) <-> ring-wait:B (ring-loop.c,
 *          the consumer moves tail, then loads waiting; only the compiler is
 *          kept from turning the two round): either the claim sees the new
 *          tail, or the consumer sees that somebody waits. In a fenced ring
 *          the consumer adds nothing to waiting, acq_rel, instead of the
 *          load: one word has one order of changes.
 *   ring-wait:C (room is made, release add to room) <-> ring-wait:D (acquire
 *          load of room, then the claim; then it sleeps while room is as it
 *          was): who sees the change sees the room, and who does not is woken
 *   ring-wait:E (the end, seq_cst store to ended, then a look at the
 *          visitors, flag-wait:D) <-> ring-wait:F (a thread comes in,
 *          flag-wait:C, then seq_cst load of ended)
 */
#include <errno.h>
#include <stddef.h>

#include "atomic.h"
#include "barrier.h"
#include "context.h"
#include "flag.h"
#include "futex.h"
#include "ring.h"
#include "test-point.h"
#include "wake.h"

/*
 * How long to sleep where nobody may tell: a record is claimed and not
 * committed where the oldest has to go, or there is no barrier any more.
 */
#define SLICE_NS 1000000

_Static_assert(offsetof(struct isr_ring, ready) == 0, "a flag of a ring");

void isri_ring_tell_room(struct isr_ring *ring, uint32_t n)
{
	ISR_TEST_POINT("ring-wait:C");
	/* ring-wait:C */
	atomic_fetch_add_explicit(ATOMIC(&ring->room), 1, memory_order_release);
	isri_futex_wake(&ring->room, n);
}

void isri_ring_let_go(struct isr_ring *ring)
{
	/* ring-wait:E */
	atomic_store_explicit(ATOMIC(&ring->ended), 1, memory_order_seq_cst);
	isri_ring_tell_room(ring, UINT32_MAX);
}

/* 0 when the caller may wait for the ring's consumer. */
static int check(const struct isr_ring *ring)
{
	struct isri_wake *wake;

	/* ring-wait:F */
	if (atomic_load_explicit(ATOMIC(&ring->ended), memory_order_seq_cst))
		return -ECANCELED;
	/* flag-wait:C */
	wake = atomic_load_explicit(ATOMIC(&ring->ready.wake),
				    memory_order_seq_cst);
	if (wake)
		return isri_wake_check_waiter(wake);
	return ring->ready.mode & ISRI_FLAG_OF_RING ? -ECANCELED : 0;
}

/* Returns whether the consumer is sure to tell of room from here on. */
static bool start_waiting(struct isr_ring *ring)
{
	ISR_TEST_POINT("ring-wait:A");
	/* ring-wait:A */
	atomic_fetch_add_explicit(ATOMIC(&ring->waiting), 1,
				  memory_order_acq_rel);
	if (ring->fenced)
		return true;
	return isri_barrier_all() == 0;
}

static void stop_waiting(struct isr_ring *ring)
{
	/* relaxed: at worst the consumer tells nobody of room */
	atomic_fetch_sub_explicit(ATOMIC(&ring->waiting), 1,
				  memory_order_relaxed);
}

static uint64_t min_ns(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int put_or_sleep(struct isr_ring *ring, const struct isr_event *event,
			uint64_t deadline_ns, bool is_told)
{
	uint64_t until_ns = deadline_ns;
	uint32_t room;
	int r;

	for (;;) {
		ISR_TEST_POINT("ring-wait:D");
		/* ring-wait:D */
		room = atomic_load_explicit(ATOMIC(&ring->room),
					    memory_order_acquire);
		/* ring-wait:F */
		if (atomic_load_explicit(ATOMIC(&ring->ended),
					 memory_order_seq_cst))
			return -ECANCELED;
		r = isri_ring_try_put(ring, event);
		if (r != -ENOSPC)
			return r;
		if (deadline_ns <= isr_now_ns())
			return -ETIMEDOUT;
		if (!is_told)
			until_ns = min_ns(deadline_ns, isr_now_ns() + SLICE_NS);
		ISR_TEST_POINT("ring-wait:sleep");
		isri_futex_wait(&ring->room, room, until_ns);
	}
}

static int wait_as_visitor(struct isr_ring *ring, const struct isr_event *event,
			   int64_t timeout_ns)
{
	uint64_t deadline_ns;
	bool is_told;
	int r;

	r = check(ring);
	if (r < 0)
		return r;
	if (timeout_ns == 0)
		return -ETIMEDOUT;
	if (isri_context_is_masked())
		return -EDEADLK;

	deadline_ns = isri_futex_deadline_ns(timeout_ns);
	is_told = start_waiting(ring) && ring->policy == ISR_RING_DROP_NEW;
	r = put_or_sleep(ring, event, deadline_ns, is_told);
	stop_waiting(ring);
	return r;
}

int isr_ring_put_wait(struct isr_ring *ring, const struct isr_event *event,
		      int64_t timeout_ns)
{
	int r;

	if (!ring || !event || timeout_ns < ISR_FOREVER)
		return -EINVAL;
	r = isri_context_refuse_isr(__func__);
	if (r < 0)
		return r;
	if (!ring->slots)
		return -ECANCELED;
	r = isri_ring_try_put(ring, event);
	if (r != -ENOSPC)
		return r;

	/* flag-wait:C */
	atomic_fetch_add_explicit(ATOMIC(&ring->ready.visitors), 1,
				  memory_order_seq_cst);
	r = wait_as_visitor(ring, event, timeout_ns);
	ISR_TEST_POINT("flag-wait:E");
	/* flag-wait:E */
	atomic_fetch_sub_explicit(ATOMIC(&ring->ready.visitors), 1,
				  memory_order_release);
	return r;
}
