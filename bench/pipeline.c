/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * pipeline: put -> wake -> callback of the loop, with what each library
 * has or a mutex queue where it has none.
 *
 *  flood       as fast as there is room, loop on another CPU; per event
 *  flood_1cpu  the same with both threads on one CPU
 *  paced_put   a million events a second: mean cost of the put
 *  paced_latency, paced_lost   put to callback p50, events refused
 *  paced_100k_*  the same with a hundred thousand a second: each event finds
 *                a loop that sleeps or is about to
 */
#include <pthread.h>
#include <stdlib.h>

#include "bench.h"
#include "peer.h"
#include "stat.h"

enum {
	N_FLOOD = 1000000,
	N_PACED = 200000,
	PACED_INTERVAL_NS = 1000,
	N_PACED_100K = 50000,
	PACED_100K_INTERVAL_NS = 10000
};

static const struct peer *peer;
static struct flow flow;
static unsigned int producer_cpu;

static void *produce(void *arg)
{
	cpu_pin(producer_cpu);
	peer->flow_produce(&flow);
	return NULL;
}

/* Returns the time per event. */
static double flow_run(void)
{
	pthread_t thread;
	uint64_t start;
	double ns;

	cpu_pin(CPU_LOOP);
	flow.stop = peer->stop;
	peer->flow_open(&flow);
	start = tick_now();
	if (pthread_create(&thread, NULL, produce, NULL) != 0)
		exit(EXIT_FAILURE);
	peer->run();
	ns = tick_span_ns(start, tick_now()) / flow.n_events;
	pthread_join(thread, NULL);
	if (flow.n_out_of_order)
		exit(EXIT_FAILURE);
	return ns;
}

static void flood_child(const void *arg, double *ret_values)
{
	double ns;

	peer = arg;
	producer_cpu = CPU_PRODUCER;
	flow.n_events = bench_scale(N_FLOOD);
	ns = flow_run();
	if (flow.n_taken == flow.n_events)
		ret_values[0] = ns;
}

static void one_cpu_child(const void *arg, double *ret_values)
{
	double ns;

	peer = arg;
	producer_cpu = CPU_LOOP;
	flow.one_cpu = true;
	flow.n_events = bench_scale(N_FLOOD);
	ns = flow_run();
	if (flow.n_taken == flow.n_events)
		ret_values[0] = ns;
}

static void paced_run(unsigned int n_events, unsigned int interval_ns,
		      double *ret_values)
{
	static double latencies[N_PACED];

	producer_cpu = CPU_PRODUCER;
	flow.n_events = bench_scale(n_events);
	flow.interval_ns = interval_ns;
	flow.latencies_ns = latencies;
	flow_run();
	ret_values[0] = flow.push_sum_ns / flow.n_events;
	ret_values[1] = percentile(latencies, flow.n_latencies, 50);
	ret_values[2] = flow.n_events - flow.n_taken;
}

static void paced_child(const void *arg, double *ret_values)
{
	peer = arg;
	paced_run(N_PACED, PACED_INTERVAL_NS, ret_values);
}

static void paced_100k_child(const void *arg, double *ret_values)
{
	peer = arg;
	paced_run(N_PACED_100K, PACED_100K_INTERVAL_NS, ret_values);
}

static void paced_100k_peer(const struct peer *p)
{
	const char *subject = peer_subject_beside_spin(p);
	double v[CHILD_VALUES_MAX];

	child_run(paced_100k_child, p, 60, v);
	result_add("pipeline", subject, "paced_100k_put", "ns", v[0]);
	result_add("pipeline", subject, "paced_100k_latency", "ns", v[1]);
	result_add("pipeline", subject, "paced_100k_lost", "events", v[2]);
}

static void pipeline_peer(const struct peer *p)
{
	double v[CHILD_VALUES_MAX];

	child_run(one_cpu_child, p, 60, v);
	result_add("pipeline", p->subject, "flood_1cpu", "ns", v[0]);
	if (cpu_count() < 2)
		return;
	child_run(flood_child, p, 60, v);
	result_add("pipeline", p->subject, "flood", "ns", v[0]);
	child_run(paced_child, p, 60, v);
	result_add("pipeline", p->subject, "paced_put", "ns", v[0]);
	result_add("pipeline", p->subject, "paced_latency", "ns", v[1]);
	result_add("pipeline", p->subject, "paced_lost", "events", v[2]);
	paced_100k_peer(p);
}

void bench_pipeline(void)
{
	unsigned int i;

	for (i = 0; peers[i]; i++)
		if (peers[i]->flow_open)
			pipeline_peer(peers[i]);
	if (cpu_count() > 1)
		paced_100k_peer(&peer_isrloop_spin);
}
