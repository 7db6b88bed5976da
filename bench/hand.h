/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A hand-over: a queue measured by itself, without a loop that sleeps. The
 * measuring loops are the same for every queue and inline its put and get.
 */
#ifndef BENCH_HAND_H
#define BENCH_HAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isrloop/event.h>

#include "cpu.h"

enum { HAND_SLOTS = 4096, HAND_BATCH = 64 };

struct hand {
	/* may more than one thread put? */
	bool many_producers;
	/* on the thread that gets */
	void (*open)(void);
	/* from any thread; false: full */
	bool (*put)(const struct isr_event *event);
	/* at most HAND_BATCH, in order */
	size_t (*get)(struct isr_event *ret_events);
	/* fill half the slots, then empty them: ns per event each way */
	void (*burst)(double *ret_put_ns, double *ret_get_ns);
	/* put @n events numbered in line_seq, waiting while full */
	void (*produce)(uint32_t n);
	/* get @n events; returns how many came out of order */
	uint32_t (*consume)(uint32_t n);
};

typedef bool hand_put_fn(const struct isr_event *event);
typedef size_t hand_get_fn(struct isr_event *ret_events);

static inline __attribute__((always_inline)) void hand_fill(hand_put_fn *put,
							    uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		struct isr_event e = {.kind = ISR_EVENT_USER,
				      .line_seq = i,
				      .value = (int32_t)i};

		put(&e);
	}
}

static inline __attribute__((always_inline)) uint32_t
hand_drain(hand_get_fn *get, uint32_t n)
{
	struct isr_event batch[HAND_BATCH];
	uint32_t taken = 0, out_of_order = 0;
	size_t i, got;

	while (taken < n) {
		got = get(batch);
		for (i = 0; i < got; i++)
			out_of_order += batch[i].line_seq != taken + i;
		taken += (uint32_t)got;
		if (got == 0)
			cpu_relax();
	}
	return out_of_order;
}

static inline __attribute__((always_inline)) void hand_burst(hand_put_fn *put,
							     hand_get_fn *get,
							     double *ret_put_ns,
							     double *ret_get_ns)
{
	enum { N = HAND_SLOTS / 2 };
	uint64_t start = tick_now(), filled;

	hand_fill(put, N);
	filled = tick_now();
	hand_drain(get, N);
	*ret_put_ns = tick_span_ns(start, filled) / N;
	*ret_get_ns = tick_span_ns(filled, tick_now()) / N;
}

static inline __attribute__((always_inline)) void hand_produce(hand_put_fn *put,
							       uint32_t n)
{
	uint32_t i, spin;

	for (i = 0; i < n; i++) {
		struct isr_event e = {.kind = ISR_EVENT_USER,
				      .line_seq = i,
				      .value = (int32_t)i};

		/* Full: leave the lines to the consumer for a while. */
		while (!put(&e))
			for (spin = 0; spin < 64; spin++)
				cpu_relax();
	}
}

#define HAND(name, put_fn, get_fn, open_fn, is_many)                      \
	static void name##_bursts(double *ret_put_ns, double *ret_get_ns) \
	{                                                                 \
		hand_burst(put_fn, get_fn, ret_put_ns, ret_get_ns);       \
	}                                                                 \
	static void name##_produces(uint32_t n)                           \
	{                                                                 \
		hand_produce(put_fn, n);                                  \
	}                                                                 \
	static uint32_t name##_consumes(uint32_t n)                       \
	{                                                                 \
		return hand_drain(get_fn, n);                             \
	}                                                                 \
	static const struct hand name = {                                 \
		.many_producers = is_many,                                \
		.open = open_fn,                                          \
		.put = put_fn,                                            \
		.get = get_fn,                                            \
		.burst = name##_bursts,                                   \
		.produce = name##_produces,                               \
		.consume = name##_consumes,                               \
	}

#endif /* BENCH_HAND_H */
