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
};
