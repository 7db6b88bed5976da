/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A flow: events from one producer thread through a peer's queue and wake
 * into its loop. Producer and consumer are the same for every peer; only
 * the push between them differs, and it is inlined.
 */
#ifndef BENCH_FLOW_H
#define BENCH_FLOW_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <isrloop/event.h>

#include "cpu.h"

enum {
	/* slots of every queue; one less in flight, as some keep one free */
	FLOW_SLOTS = 4096,
	FLOW_IN_FLIGHT = FLOW_SLOTS - 1,
	/* a consumer takes this many at a time, where it can choose */
	FLOW_BATCH = 128,
	/* every n-th event of a paced flow gives a latency */
	FLOW_SAMPLE_EVERY = 16
};

struct flow {
	/* constant */
	uint32_t n_events;
	bool one_cpu;
	/* 0: flood, as fast as there is room, nothing may be lost */
	double interval_ns;
	void (*stop)(void);

	/* producer */
	_Alignas(128) double push_sum_ns;
	uint32_t n_refused;

	/* consumer */
	_Alignas(128) uint32_t n_taken;
	uint32_t expect;
	uint32_t n_out_of_order;
	uint32_t n_latencies;
	double *latencies_ns;

	/* consumer writes, producer reads: room in the queue */
	_Alignas(128) _Atomic uint32_t n_consumed;
};

static inline void flow_publish(struct flow *f)
{
	atomic_store_explicit(&f->n_consumed, f->n_taken, memory_order_release);
}

static inline void flow_consume(struct flow *f, const struct isr_event *e)
{
	f->n_out_of_order += (int32_t)(e->line_seq - f->expect) < 0;
	f->expect = e->line_seq + 1;
	f->n_taken++;
	if (f->interval_ns > 0 && e->line_seq % FLOW_SAMPLE_EVERY == 0)
		f->latencies_ns[f->n_latencies++] =
			tick_span_ns(e->t_ns, tick_now());
	if (f->n_taken % 64 == 0)
		flow_publish(f);
	if (f->expect == f->n_events)
		f->stop();
}

static inline void flow_consume_many(struct flow *f, const struct isr_event *e,
				     size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		flow_consume(f, &e[i]);
	flow_publish(f);
}

typedef bool flow_push_fn(const struct isr_event *event);

static inline void flow_wait(const struct flow *f)
{
	if (f->one_cpu)
		sched_yield();
	else
		cpu_relax();
}

static inline __attribute__((always_inline)) void
flow_produce_flood(struct flow *f, flow_push_fn *push)
{
	uint32_t i, seen = 0;

	for (i = 0; i < f->n_events; i++) {
		struct isr_event e = {.kind = ISR_EVENT_USER,
				      .line_seq = i,
				      .value = (int32_t)i};

		while (i - seen >= FLOW_IN_FLIGHT) {
			seen = atomic_load_explicit(&f->n_consumed,
						    memory_order_acquire);
			if (i - seen >= FLOW_IN_FLIGHT)
				flow_wait(f);
		}
		while (!push(&e)) {
			f->n_refused++;
			flow_wait(f);
		}
	}
}

static inline __attribute__((always_inline)) void
flow_produce_paced(struct flow *f, flow_push_fn *push)
{
	uint64_t interval = ns_to_tick(f->interval_ns);
	uint64_t next = tick_now(), start;
	bool stored;
	uint32_t i;

	for (i = 0; i < f->n_events; i++) {
		struct isr_event e = {.kind = ISR_EVENT_USER,
				      .line_seq = i,
				      .value = (int32_t)i};

		next += interval;
		do {
			start = tick_now();
		} while ((int64_t)(start - next) < 0);
		e.t_ns = start;
		stored = push(&e);
		f->push_sum_ns += tick_span_ns(start, tick_now());
		f->n_refused += !stored;
		/* The last one ends the run: it has to arrive. */
		while (!stored && i == f->n_events - 1)
			stored = push(&e);
	}
}

#define FLOW_PRODUCE_AS(name, push)                  \
	static void name(struct flow *f)             \
	{                                            \
		if (f->interval_ns > 0)              \
			flow_produce_paced(f, push); \
		else                                 \
			flow_produce_flood(f, push); \
	}

#define FLOW_PRODUCE(push) FLOW_PRODUCE_AS(flow_produce, push)

#endif /* BENCH_FLOW_H */
