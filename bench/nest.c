/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * nest: a signal handler that puts while its own thread is inside a put.
 *
 * A thread puts without pause; every few microseconds a signal interrupts it
 * wherever it is, and the handler puts as well. The consumer checks that
 * both streams arrive whole and in order. A queue in which one producer
 * waits for another stops for good: no put for half a second is a hang.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "handler.h"
#include "peer.h"
#include "stat.h"

enum { N_SIGNALS = 200000, SIGNAL_EVERY_NS = 10000, HANG_NS = 500000000 };

enum stream { STREAM_THREAD, STREAM_HANDLER, N_STREAMS };

static const struct hand *hand;
static unsigned int n_wanted;
static _Atomic unsigned int n_signals;
static _Atomic unsigned int n_puts;
static _Atomic int is_open, finished;
/* Next number of each stream; only its own context touches it. */
static uint32_t next_seq[N_STREAMS];

static void put_next(enum stream stream)
{
	struct isr_event e = {.kind = ISR_EVENT_USER,
			      .value = (int32_t)stream,
			      .line_seq = next_seq[stream]};

	if (hand->put(&e))
		next_seq[stream]++;
	atomic_fetch_add_explicit(&n_puts, 1, memory_order_relaxed);
}

static void on_signal(int signal)
{
	put_next(STREAM_HANDLER);
	atomic_fetch_add_explicit(&n_signals, 1, memory_order_relaxed);
}

static void *produce(void *arg)
{
	timer_t timer;

	cpu_pin(CPU_PRODUCER);
	handler_open(on_signal, &timer);
	handler_arm(timer, SIGNAL_EVERY_NS, SIGNAL_EVERY_NS);
	while (atomic_load_explicit(&n_signals, memory_order_relaxed) <
	       n_wanted)
		put_next(STREAM_THREAD);
	timer_delete(timer);
	atomic_store_explicit(&finished, 1, memory_order_release);
	return NULL;
}

/* Returns how many were wrong. */
static uint32_t check_batch(const struct isr_event *batch, size_t n,
			    uint32_t *expect)
{
	uint32_t wrong = 0;
	size_t i;

	for (i = 0; i < n; i++)
		wrong += batch[i].line_seq != expect[batch[i].value]++;
	return wrong;
}

static _Atomic uint32_t n_wrong;

static void *consume(void *arg)
{
	uint32_t expect[N_STREAMS] = {0}, wrong = 0;
	struct isr_event batch[HAND_BATCH];
	bool ended;
	size_t n;

	cpu_pin(CPU_LOOP);
	hand->open();
	atomic_store_explicit(&is_open, 1, memory_order_release);
	do {
		ended = atomic_load_explicit(&finished, memory_order_acquire);
		n = hand->get(batch);
		wrong += check_batch(batch, n, expect);
	} while (!(ended && n == 0));
	wrong += expect[STREAM_THREAD] != next_seq[STREAM_THREAD] ||
		 expect[STREAM_HANDLER] != next_seq[STREAM_HANDLER];
	atomic_store_explicit(&n_wrong, wrong, memory_order_relaxed);
	return NULL;
}

/* Returns whether nothing happened for too long before the end. */
static bool watch(void)
{
	const struct timespec moment = {.tv_nsec = HANG_NS};
	unsigned int before, now = 0;

	do {
		before = now;
		nanosleep(&moment, NULL);
		now = atomic_load_explicit(&n_puts, memory_order_relaxed);
		if (atomic_load_explicit(&finished, memory_order_acquire))
			return false;
	} while (now != before);
	return true;
}

static void nest_child(const void *arg, double *ret_values)
{
	pthread_t producer, consumer;

	hand = arg;
	n_wanted = bench_scale(N_SIGNALS);
	if (pthread_create(&consumer, NULL, consume, NULL) != 0)
		exit(EXIT_FAILURE);
	while (!atomic_load_explicit(&is_open, memory_order_acquire))
		sched_yield();
	if (pthread_create(&producer, NULL, produce, NULL) != 0)
		exit(EXIT_FAILURE);
	ret_values[0] = watch();
	ret_values[1] = n_signals;
	/* Both may hang for good, and then nothing can be said. */
	if (ret_values[0] != 0)
		_exit(EXIT_SUCCESS);
	pthread_join(producer, NULL);
	pthread_join(consumer, NULL);
	ret_values[2] = n_wrong;
}

void bench_nest(void)
{
	double v[CHILD_VALUES_MAX];
	const struct hand *h;
	unsigned int i;

	for (i = 0; cpu_count() > 1 && peers[i]; i++) {
		h = peers[i]->hand;
		if (!h || !h->many_producers)
			continue;
		child_run(nest_child, h, 30, v);
		result_add("ring", peers[i]->subject, "nested_hangs", "hangs",
			   v[0]);
		result_add("ring", peers[i]->subject, "nested_signals",
			   "signals", v[1]);
		result_add("ring", peers[i]->subject, "nested_wrong", "events",
			   v[2]);
	}
}
