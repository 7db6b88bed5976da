/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The peers: what the same job looks like with other libraries, written as
 * a good user of each would. One file per peer; every measurement runs in a
 * process of its own, so a peer keeps its one loop in static variables.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"
#include "flow.h"
#include "hand.h"

/* Runs on the loop once per consumed wake, after the peer has cleared it. */
typedef void peer_cb(void);

struct peer {
	const char *subject;

	/* open, run and stop on the loop's thread; stop from the callback */
	void (*open)(peer_cb *cb);
	void (*run)(void);
	void (*stop)(void);

	/* from anywhere: tell the loop. NULL: has no such call */
	void (*set)(void);
	/* tell the loop although there is nothing. NULL: set is all there is */
	void (*nudge)(void);
	/* set in a tight loop, and once against the cycle clock (ns);
	 * here and not in the caller, so that every set is a direct call */
	void (*set_many)(unsigned int n);
	double (*set_timed)(void);
	/* may a signal handler call set? */
	bool set_in_handler;
	/* its loop polls: there is no sleep to be woken from */
	bool never_sleeps;

	/* have the loop call @fn; NULL: has no such call */
	bool (*post)(void (*fn)(void *arg), void *arg);

	/* carry events to flow_consume() on the loop; NULL: does not */
	void (*flow_open)(struct flow *flow);
	void (*flow_produce)(struct flow *flow);

	/* a queue without a loop; NULL: has none */
	const struct hand *hand;
};

/* NULL-terminated: isrloop first, then those that configure found. */
extern const struct peer *const peers[];

extern const struct peer peer_isrloop;
extern const struct peer peer_isrloop_ring;
/*
 * Looks for a set for a while before it blocks. Not in peers[]: it stands for
 * isrloop where that may be asked for, and isrloop is isrloop-block there.
 */
extern const struct peer peer_isrloop_spin;
extern const struct peer peer_eventfd;
extern const struct peer peer_libev;
extern const struct peer peer_libuv;
extern const struct peer peer_libuv_swap;
extern const struct peer peer_glib;
extern const struct peer peer_libevent;
extern const struct peer peer_ck;
extern const struct peer peer_spsc;
extern const struct peer peer_spsc_prefetch;
extern const struct peer peer_mutex;
extern const struct peer peer_mutex_batch;
extern const struct peer peer_spin;

static inline const char *peer_subject_beside_spin(const struct peer *p)
{
	if (p == &peer_isrloop_spin)
		return "isrloop";
	return p == &peer_isrloop ? "isrloop-block" : p->subject;
}

#define PEER_SET_LOOPS_AS(many, timed, set)             \
	static void many(unsigned int n)                \
	{                                               \
		while (n--)                             \
			set();                          \
	}                                               \
	static double timed(void)                       \
	{                                               \
		uint64_t start = tick_now();            \
                                                        \
		set();                                  \
		return tick_span_ns(start, tick_now()); \
	}

#define PEER_SET_LOOPS(set) PEER_SET_LOOPS_AS(set_many, set_timed, set)

#endif /* BENCH_PEER_H */
