/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * ring: the queue by itself, 32-byte events, 4096 slots.
 *
 *  put, get    one thread: fill 2048 slots, then empty them; per event
 *  put_get     their sum
 *  cross_cpu   one thread puts on one CPU, one gets on the other; per event
 *
 * Subject xchg is one locked exchange in a function of its own: what a put that
 * handlers may interrupt has to pay at least.
 */
#include <pthread.h>
#include <stdlib.h>

#include "bench.h"
#include "peer.h"
#include "stat.h"

enum { N_BURSTS = 400, N_CROSS = 2000000 };

static const struct hand *hand;
static uint32_t n_cross;

static void burst_child(const void *arg, double *ret_values)
{
	static double puts[N_BURSTS], gets[N_BURSTS];
	unsigned int i, n = bench_scale(N_BURSTS);

	hand = arg;
	cpu_pin(CPU_LOOP);
	hand->open();
	for (i = 0; i < n; i++)
		hand->burst(&puts[i], &gets[i]);
	ret_values[0] = percentile(puts, n, 50);
	ret_values[1] = percentile(gets, n, 50);
}

static void *produce(void *arg)
{
	cpu_pin(CPU_PRODUCER);
	hand->produce(n_cross);
	return NULL;
}

static void cross_child(const void *arg, double *ret_values)
{
	pthread_t thread;
	uint64_t start;

	hand = arg;
	n_cross = bench_scale(N_CROSS);
	cpu_pin(CPU_LOOP);
	hand->open();
	start = tick_now();
	if (pthread_create(&thread, NULL, produce, NULL) != 0)
		exit(EXIT_FAILURE);
	/* An event out of order is a bug, not a figure. */
	if (hand->consume(n_cross) != 0)
		exit(EXIT_FAILURE);
	ret_values[0] = tick_span_ns(start, tick_now()) / n_cross;
	pthread_join(thread, NULL);
}

static void ring_peer(const struct peer *p)
{
	double v[CHILD_VALUES_MAX];

	child_run(burst_child, p->hand, 20, v);
	result_add("ring", p->subject, "put", "ns", v[0]);
	result_add("ring", p->subject, "get", "ns", v[1]);
	result_add("ring", p->subject, "put_get", "ns", v[0] + v[1]);
	if (cpu_count() < 2)
		return;
	child_run(cross_child, p->hand, 60, v);
	result_add("ring", p->subject, "cross_cpu", "ns", v[0]);
}

static void xchg_child(const void *arg, double *ret_values)
{
	cpu_pin(CPU_LOOP);
	cpu_measure_xchg(bench_scale(1000000), &ret_values[0], &ret_values[1]);
}

void bench_ring(void)
{
	double v[CHILD_VALUES_MAX];
	unsigned int i;

	child_run(xchg_child, NULL, 20, v);
	result_add("ring", "xchg-inline", "put", "ns", v[0]);
	result_add("ring", "xchg", "put", "ns", v[1]);
	for (i = 0; peers[i]; i++)
		if (peers[i]->hand)
			ring_peer(peers[i]);
	bench_nest();
}
