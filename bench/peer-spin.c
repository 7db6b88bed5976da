/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The limit for a wake: a word that is exchanged, and a loop that never
 * sleeps but looks at it all the time. The exchange is a function of its
 * own, as what a library offers must be: on some CPUs a call round a locked
 * instruction costs nearly as much as the instruction.
 */
#include <stdatomic.h>

#include "peer.h"

static _Alignas(128) _Atomic uint32_t word;
static bool stopped;
static peer_cb *told;

static void open_loop(peer_cb *cb)
{
	told = cb;
}

static void run_loop(void)
{
	while (!stopped) {
		if (!atomic_load_explicit(&word, memory_order_acquire)) {
			cpu_relax();
			continue;
		}
		atomic_store_explicit(&word, 0, memory_order_seq_cst);
		told();
	}
}

static void stop_loop(void)
{
	stopped = true;
}

static __attribute__((noinline)) void set(void)
{
	atomic_exchange_explicit(&word, 1, memory_order_seq_cst);
}

PEER_SET_LOOPS(set)

/*
 * The limit for a flow: a ring for one producer, and the same loop.
 */

static struct isr_event slots[FLOW_SLOTS];
static _Alignas(128) _Atomic uint32_t head;
static _Alignas(128) _Atomic uint32_t tail;
static struct flow *flow;

static bool push(const struct isr_event *event)
{
	uint32_t at = atomic_load_explicit(&head, memory_order_relaxed);

	if (at - atomic_load_explicit(&tail, memory_order_acquire) >=
	    FLOW_SLOTS)
		return false;
	slots[at % FLOW_SLOTS] = *event;
	atomic_store_explicit(&head, at + 1, memory_order_release);
	atomic_store_explicit(&word, 1, memory_order_release);
	return true;
}

static void take(void)
{
	uint32_t at = atomic_load_explicit(&tail, memory_order_relaxed);

	while (at != atomic_load_explicit(&head, memory_order_acquire)) {
		flow_consume(flow, &slots[at % FLOW_SLOTS]);
		atomic_store_explicit(&tail, ++at, memory_order_release);
	}
	flow_publish(flow);
}

static void flow_open(struct flow *f)
{
	flow = f;
	open_loop(take);
}

FLOW_PRODUCE(push)

const struct peer peer_spin = {
	.subject = "spin",
	.open = open_loop,
	.run = run_loop,
	.stop = stop_loop,
	.set = set,
	.set_many = set_many,
	.set_timed = set_timed,
	.set_in_handler = true,
	.never_sleeps = true,
	.flow_open = flow_open,
	.flow_produce = flow_produce,
};
