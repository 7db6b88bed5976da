/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The limit for a queue across two CPUs: one producer, one consumer, each
 * with its own copy of the other's index. No locked instruction, and none of
 * what a ring for handlers needs. Subject spsc is how that is usually
 * written; spsc-prefetch also asks for the slots in time, and nothing can be
 * faster than that by much.
 */
#include <stdatomic.h>
#include <string.h>

#include "peer.h"

static struct {
	/* producer */
	_Alignas(128) _Atomic uint32_t head;
	uint32_t tail_cached;
	/* consumer */
	_Alignas(128) _Atomic uint32_t tail;
	uint32_t head_cached;
} ring;
static _Alignas(128) struct isr_event slots[HAND_SLOTS];

/*
 * Member by member: the event was written so a moment ago, and a wider load
 * would wait until those stores have left the store buffer.
 */
static void copy(struct isr_event *to, const struct isr_event *from)
{
	to->t_ns = from->t_ns;
	to->line_seq = from->line_seq;
	to->lost = from->lost;
	to->value = from->value;
	to->source = from->source;
	to->kind = from->kind;
	to->flags = from->flags;
}

/* For writing; the builtin would ask for reading on x86. */
static void prefetch(const struct isr_event *slot)
{
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" : : "m"(*slot));
#else
	__builtin_prefetch(slot, 1);
#endif
}

static inline __attribute__((always_inline)) bool
put_asking(const struct isr_event *event, bool asks)
{
	uint32_t head = atomic_load_explicit(&ring.head, memory_order_relaxed);

	if (head - ring.tail_cached == HAND_SLOTS) {
		ring.tail_cached =
			atomic_load_explicit(&ring.tail, memory_order_acquire);
		if (head - ring.tail_cached == HAND_SLOTS)
			return false;
	}
	if (asks)
		prefetch(&slots[(head + 16) % HAND_SLOTS]);
	copy(&slots[head % HAND_SLOTS], event);
	atomic_store_explicit(&ring.head, head + 1, memory_order_release);
	return true;
}

static bool put(const struct isr_event *event)
{
	return put_asking(event, false);
}

static bool put_prefetch(const struct isr_event *event)
{
	return put_asking(event, true);
}

static size_t get(struct isr_event *ret_events)
{
	uint32_t tail = atomic_load_explicit(&ring.tail, memory_order_relaxed);
	uint32_t n, i;

	if (ring.head_cached == tail)
		ring.head_cached =
			atomic_load_explicit(&ring.head, memory_order_acquire);
	n = ring.head_cached - tail;
	if (n > HAND_BATCH)
		n = HAND_BATCH;
	for (i = 0; i < n; i++)
		ret_events[i] = slots[(tail + i) % HAND_SLOTS];
	if (n > 0)
		atomic_store_explicit(&ring.tail, tail + n,
				      memory_order_release);
	return n;
}

static void open_ring(void)
{
	memset(slots, 0, sizeof(slots));
}

HAND(hand, put, get, open_ring, false);
HAND(hand_prefetch, put_prefetch, get, open_ring, false);

const struct peer peer_spsc = {
	.subject = "spsc",
	.hand = &hand,
};

const struct peer peer_spsc_prefetch = {
	.subject = "spsc-prefetch",
	.hand = &hand_prefetch,
};
