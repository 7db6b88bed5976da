/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * set: what telling the loop costs whoever tells it.
 *
 *  coalesced     the loop knows already: a tight loop of sets, per set
 *  first         it does not, and is awake (in a callback): one set, p50
 *  *_remote      the same from another CPU, while a callback runs there
 *  *_syscalls    system calls in one first set, and in 1000 coalesced ones
 *  handler       first set in a signal handler that interrupts a callback
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "handler.h"
#include "peer.h"
#include "stat.h"

enum { N_COALESCED = 200000, N_FIRST = 2000, N_REMOTE_MANY = 400 };

/* One child, one peer: see peer.h. */
static const struct peer *peer;
static double *out;
static double samples[N_FIRST], many[N_FIRST];
static unsigned int n_calls, n_wanted;

/* Coalesced, then first: all on the loop's own thread, in its callback. */
static void own_cb(void)
{
	unsigned int n = bench_scale(N_COALESCED);
	uint64_t start;

	if (n_calls == n_wanted) {
		peer->stop();
		return;
	}
	if (n_calls++ > 0) {
		samples[n_calls - 2] = peer->set_timed();
		return;
	}
	peer->set();
	peer->set_many(1000);
	start = tick_now();
	peer->set_many(n);
	out[0] = tick_span_ns(start, tick_now()) / n;
}

static void own_child(const void *arg, double *ret_values)
{
	peer = arg;
	out = ret_values;
	n_wanted = bench_scale(N_FIRST);
	cpu_pin(CPU_LOOP);
	peer->open(own_cb);
	peer->set();
	peer->run();
	out[1] = percentile(samples, n_wanted - 1, 50);
}

/* The callback waits in here while the other CPU sets. */
static _Atomic unsigned int inside, released;

static void remote_cb(void)
{
	unsigned int n = ++n_calls;

	if (n > n_wanted) {
		peer->stop();
		return;
	}
	atomic_store_explicit(&inside, n, memory_order_release);
	while (atomic_load_explicit(&released, memory_order_acquire) != n)
		cpu_relax();
}

static void *remote_thread(void *arg)
{
	unsigned int n;
	uint64_t start;

	cpu_pin(CPU_PRODUCER);
	for (n = 1; n <= n_wanted; n++) {
		while (atomic_load_explicit(&inside, memory_order_acquire) != n)
			cpu_relax();
		samples[n - 1] = peer->set_timed();
		start = tick_now();
		peer->set_many(N_REMOTE_MANY);
		many[n - 1] = tick_span_ns(start, tick_now()) / N_REMOTE_MANY;
		atomic_store_explicit(&released, n, memory_order_release);
	}
	return NULL;
}

static void remote_child(const void *arg, double *ret_values)
{
	pthread_t thread;

	peer = arg;
	n_wanted = bench_scale(N_FIRST);
	cpu_pin(CPU_LOOP);
	peer->open(remote_cb);
	if (pthread_create(&thread, NULL, remote_thread, NULL) != 0)
		exit(EXIT_FAILURE);
	peer->set();
	peer->run();
	pthread_join(thread, NULL);
	ret_values[0] = percentile(many, n_wanted, 50);
	ret_values[1] = percentile(samples, n_wanted, 50);
	ret_values[2] = percentile(samples, n_wanted, 99);
}

static void syscalls_cb(void)
{
	unsigned int first;

	if (!syscalls_trap())
		_exit(EXIT_FAILURE);
	peer->set();
	first = syscalls_seen();
	peer->set_many(1000);
	out[0] = first;
	out[1] = syscalls_seen() - first;
	_exit(EXIT_SUCCESS);
}

static void syscalls_child(const void *arg, double *ret_values)
{
	peer = arg;
	out = ret_values;
	peer->open(syscalls_cb);
	peer->set();
	peer->run();
}

static timer_t timer;
static volatile unsigned int n_handled;

static void on_signal(int signal)
{
	samples[n_handled] = peer->set_timed();
	n_handled++;
}

/* Busy until interrupted; the handler's set brings the next call. */
static void busy_cb(void)
{
	unsigned int before = n_handled;

	if (before == n_wanted) {
		peer->stop();
		return;
	}
	handler_arm(timer, 15000, 0);
	while (n_handled == before)
		;
}

static void handler_child(const void *arg, double *ret_values)
{
	peer = arg;
	n_wanted = bench_scale(N_FIRST);
	cpu_pin(CPU_LOOP);
	handler_open(on_signal, &timer);
	peer->open(busy_cb);
	peer->set();
	peer->run();
	ret_values[0] = percentile(samples, n_wanted, 50);
	ret_values[1] = percentile(samples, n_wanted, 99);
}

static void set_peer(const struct peer *p)
{
	double v[CHILD_VALUES_MAX];

	child_run(own_child, p, 20, v);
	result_add("set", p->subject, "coalesced", "ns", v[0]);
	result_add("set", p->subject, "first", "ns", v[1]);
	child_run(syscalls_child, p, 20, v);
	result_add("set", p->subject, "first_syscalls", "calls", v[0]);
	result_add("set", p->subject, "coalesced_syscalls", "calls", v[1]);
	if (cpu_count() > 1) {
		child_run(remote_child, p, 20, v);
		result_add("set", p->subject, "coalesced_remote", "ns", v[0]);
		result_add("set", p->subject, "first_remote", "ns", v[1]);
		result_add("set", p->subject, "first_remote_p99", "ns", v[2]);
	}
	if (!p->set_in_handler)
		return;
	child_run(handler_child, p, 20, v);
	result_add("set", p->subject, "handler", "ns", v[0]);
	result_add("set", p->subject, "handler_p99", "ns", v[1]);
}

static void machine_child(const void *arg, double *ret_values)
{
	double line = 0, skew = 0;

	cpu_pin(CPU_LOOP);
	cpu_measure_xchg(bench_scale(1000000), &ret_values[0], &ret_values[1]);
	if (cpu_count() < 2)
		return;
	cpu_measure_line(&line, &skew);
	ret_values[2] = line;
	ret_values[3] = skew;
}

void bench_set(void)
{
	double v[CHILD_VALUES_MAX];
	unsigned int i;

	child_run(machine_child, NULL, 20, v);
	result_add("set", "xchg-inline", "coalesced", "ns", v[0]);
	result_add("set", "xchg", "coalesced", "ns", v[1]);
	result_add("set", "machine", "line_transfer", "ns", v[2]);
	result_add("set", "machine", "clock_skew", "ns", v[3]);
	for (i = 0; peers[i]; i++)
		if (peers[i]->set)
			set_peer(peers[i]);
}
