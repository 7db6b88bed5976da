/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * wake: from the set to the callback of a loop that sleeps.
 *
 *  same_cpu, cross_cpu  set in another thread, there or here; p50 and p99
 *  set_blocked          what that set costs its thread (other CPU), p50
 *  handler              set in a signal handler on the loop's own thread
 *  cross_10us           set in another thread, there, 10 us after the last one
 *                       was consumed: a loop that may spin does so still
 *
 * A trial of the others begins when the kernel says that the loop's thread
 * sleeps.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "bench.h"
#include "handler.h"
#include "peer.h"
#include "stat.h"

enum { N_TRIALS = 2000 };

static const struct peer *peer;
static double latencies[N_TRIALS], costs[N_TRIALS];
static unsigned int n_wanted, n_calls;
static volatile uint64_t set_at;
static pid_t loop_tid;
static sem_t consumed;

static void wake_cb(void)
{
	latencies[n_calls] = tick_span_ns(set_at, tick_now());
	if (++n_calls == n_wanted)
		peer->stop();
	sem_post(&consumed);
}

static void *wake_thread(void *arg)
{
	const unsigned int *cpu = arg;
	unsigned int i;

	cpu_pin(*cpu);
	for (i = 0; i < n_wanted; i++) {
		thread_wait_blocked(loop_tid);
		set_at = tick_now();
		peer->set();
		costs[i] = tick_span_ns(set_at, tick_now());
		while (sem_wait(&consumed) < 0)
			;
	}
	return NULL;
}

static void *soon_thread(void *arg)
{
	const unsigned int *cpu = arg;
	const uint64_t pause = ns_to_tick(10000);
	unsigned int i;

	cpu_pin(*cpu);
	for (i = 0; i < n_wanted; i++) {
		uint64_t start = tick_now();

		while (tick_now() - start < pause)
			;
		set_at = tick_now();
		peer->set();
		costs[i] = tick_span_ns(set_at, tick_now());
		/* As the loop: sem_wait() would take longer than the pause. */
		while (sem_trywait(&consumed) < 0)
			cpu_relax();
	}
	return NULL;
}

static void wake_run(void *(*set_all)(void *), unsigned int producer_cpu,
		     double *ret_values)
{
	pthread_t thread;

	n_wanted = bench_scale(N_TRIALS);
	cpu_pin(CPU_LOOP);
	sem_init(&consumed, 0, 0);
	loop_tid = thread_id();
	peer->open(wake_cb);
	if (pthread_create(&thread, NULL, set_all, &producer_cpu) != 0)
		exit(EXIT_FAILURE);
	peer->run();
	pthread_join(thread, NULL);
	ret_values[0] = percentile(latencies, n_wanted, 50) / 1000;
	ret_values[1] = percentile(latencies, n_wanted, 99) / 1000;
	ret_values[2] = percentile(costs, n_wanted, 50) / 1000;
}

static void same_child(const void *arg, double *ret_values)
{
	peer = arg;
	wake_run(wake_thread, CPU_LOOP, ret_values);
}

static void cross_child(const void *arg, double *ret_values)
{
	peer = arg;
	wake_run(wake_thread, CPU_PRODUCER, ret_values);
}

static void soon_child(const void *arg, double *ret_values)
{
	peer = arg;
	wake_run(soon_thread, CPU_PRODUCER, ret_values);
}

static timer_t timer;

static void on_signal(int signal)
{
	set_at = tick_now();
	peer->set();
}

/* Back to sleep, and be woken by the next signal. */
static void handler_cb(void)
{
	uint64_t now = tick_now();

	if (n_calls > 0)
		latencies[n_calls - 1] = tick_span_ns(set_at, now);
	if (n_calls++ == n_wanted)
		peer->stop();
	else
		handler_arm(timer, 40000, 0);
}

static void handler_child(const void *arg, double *ret_values)
{
	peer = arg;
	n_wanted = bench_scale(N_TRIALS);
	cpu_pin(CPU_LOOP);
	handler_open(on_signal, &timer);
	peer->open(handler_cb);
	peer->set();
	peer->run();
	ret_values[0] = percentile(latencies, n_wanted, 50) / 1000;
	ret_values[1] = percentile(latencies, n_wanted, 99) / 1000;
}

static void soon_peer(const struct peer *p)
{
	const char *subject = peer_subject_beside_spin(p);
	double v[CHILD_VALUES_MAX];

	child_run(soon_child, p, 30, v);
	result_add("wake", subject, "cross_10us", "us", v[0]);
	result_add("wake", subject, "cross_10us_p99", "us", v[1]);
	result_add("wake", subject, "set_10us", "us", v[2]);
}

static void wake_peer(const struct peer *p)
{
	double v[CHILD_VALUES_MAX];

	child_run(same_child, p, 30, v);
	result_add("wake", p->subject, "same_cpu", "us", v[0]);
	result_add("wake", p->subject, "same_cpu_p99", "us", v[1]);
	if (cpu_count() > 1) {
		child_run(cross_child, p, 30, v);
		result_add("wake", p->subject, "cross_cpu", "us", v[0]);
		result_add("wake", p->subject, "cross_cpu_p99", "us", v[1]);
		result_add("wake", p->subject, "set_blocked", "us", v[2]);
	}
	if (!p->set_in_handler)
		return;
	child_run(handler_child, p, 30, v);
	result_add("wake", p->subject, "handler", "us", v[0]);
	result_add("wake", p->subject, "handler_p99", "us", v[1]);
}

void bench_wake(void)
{
	unsigned int i;

	for (i = 0; peers[i]; i++)
		if (peers[i]->set && !peers[i]->never_sleeps)
			wake_peer(peers[i]);
	if (cpu_count() > 1) {
		for (i = 0; peers[i]; i++)
			if (peers[i]->set)
				soon_peer(peers[i]);
		soon_peer(&peer_isrloop_spin);
	}
	bench_lost();
}
