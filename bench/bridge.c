/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * bridge: what the small bridges cost on one thread, where nobody else wants
 * them: per call, in a tight loop.
 *
 *  latch_store, latch_load  a value of 32 bytes; the load gets the same again
 *  latch                    a store and the load of what it stored
 *  guard_try                a handler's way: try and release
 *  guard_refused            a try while ordinary code holds it
 *  guard_hold               ordinary code's way: hold and drop
 *  bytes                    64 bytes into a ring of 4096, and out of it
 *  mask                     mask and unmask, of a loop with a
 *                           hard signal and a hard timer
 *
 * Subject mutex does the same under a mutex, which a handler may not; xchg is
 * one locked exchange in a function of its own.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <isrloop.h>

#include "bench.h"
#include "cpu.h"
#include "stat.h"

enum { N_CALLS = 1000000 };

struct cost {
	const char *subject, *metric;
	void (*many)(unsigned int n);
};

static const struct isr_event sent = {.kind = ISR_EVENT_USER, .value = 1};
static struct isr_event got;
static struct isr_latch latch;
static struct isr_event slots[3];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* under the lock */
static struct isr_event shared;

enum { RING_BYTES = 4096, PIECE_BYTES = 64 };
static struct isr_byte_ring ring;
static unsigned char ring_bytes[RING_BYTES], piece[PIECE_BYTES];

/* under the lock */
static unsigned char lock_bytes[RING_BYTES];
static uint32_t lock_head, lock_tail;

static int pipe_fds[2];

static void check(int r, const char *what)
{
	if (r < 0) {
		fprintf(stderr, "bench: %s: error %d\n", what, r);
		exit(EXIT_FAILURE);
	}
}

static struct isr_guard guard = ISR_GUARD_INIT, held = ISR_GUARD_INIT;
static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;

static struct isr_loop *loop;

static int handler(struct isr_source *source, const struct isr_event *event,
		   void *arg)
{
	return 0;
}

/* Of each kind of hard handler there is one to be kept off. */
static void open_loop(void)
{
	const struct isr_source_options hard = {.hard = true};
	struct isr_source *source;

	check(isr_loop_new(NULL, &loop), "isr_loop_new");
	check(isr_signal_open(loop, SIGUSR1, &hard, handler, NULL, &source),
	      "isr_signal_open");
	check(isr_timer_open(loop, 0, 0, &hard, handler, NULL, &source),
	      "isr_timer_open");
}

/* SIGUSR1, which the loop watches: what a program blocks without a loop. */
static sigset_t signals;
static pthread_mutex_t pi_lock;

static void open_peers(void)
{
	pthread_mutexattr_t attr;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	check(-pthread_mutex_init(&pi_lock, &attr), "pthread_mutex_init");
	pthread_mutexattr_destroy(&attr);
}

static void open_all(void)
{
	open_loop();
	open_peers();
	pthread_mutex_lock(&held_lock);
	check(isr_guard_hold(&held), "isr_guard_hold");
	check(isr_latch_init(&latch, NULL, slots, sizeof(slots[0])),
	      "isr_latch_init");
	check(isr_latch_store(&latch, &sent), "isr_latch_store");
	check(isr_byte_ring_init(&ring, NULL, ring_bytes, RING_BYTES),
	      "isr_byte_ring_init");
	check(pipe(pipe_fds), "pipe");
}

/* The loop around @code, so that no call of it goes through a pointer. */
#define MANY(name, code)                 \
	static void name(unsigned int n) \
	{                                \
		while (n--) {            \
			code;            \
		}                        \
	}

static void mutex_copy(struct isr_event *to, const struct isr_event *from)
{
	pthread_mutex_lock(&lock);
	*to = *from;
	pthread_mutex_unlock(&lock);
}

/* As many as there are until the end of the buffer, then the others. */
static uint32_t until_end(uint32_t place, uint32_t n)
{
	uint32_t left = RING_BYTES - place % RING_BYTES;

	return n < left ? n : left;
}

static void mutex_write(void)
{
	uint32_t n, first;

	pthread_mutex_lock(&lock);
	n = RING_BYTES - (lock_head - lock_tail);
	n = n < PIECE_BYTES ? n : PIECE_BYTES;
	first = until_end(lock_head, n);
	memcpy(lock_bytes + lock_head % RING_BYTES, piece, first);
	memcpy(lock_bytes, piece + first, n - first);
	lock_head += n;
	pthread_mutex_unlock(&lock);
}

static void mutex_read(void)
{
	uint32_t n, first;

	pthread_mutex_lock(&lock);
	n = lock_head - lock_tail;
	n = n < PIECE_BYTES ? n : PIECE_BYTES;
	first = until_end(lock_tail, n);
	memcpy(piece, lock_bytes + lock_tail % RING_BYTES, first);
	memcpy(piece + first, lock_bytes, n - first);
	lock_tail += n;
	pthread_mutex_unlock(&lock);
}

MANY(latch_stores, isr_latch_store(&latch, &sent))
MANY(latch_loads, isr_latch_load(&latch, &got, NULL))
MANY(latch_pairs, isr_latch_store(&latch, &sent);
     isr_latch_load(&latch, &got, NULL))
MANY(mutex_stores, mutex_copy(&shared, &sent))
MANY(mutex_loads, mutex_copy(&got, &shared))
MANY(mutex_pairs, mutex_copy(&shared, &sent); mutex_copy(&got, &shared))

MANY(guard_tries, isr_guard_try(&guard); isr_guard_release(&guard))
MANY(guard_refused, isr_guard_try(&held))
MANY(guard_holds, isr_guard_hold(&guard); isr_guard_drop(&guard))
MANY(mutex_tries, pthread_mutex_trylock(&lock); pthread_mutex_unlock(&lock))
MANY(mutex_refused, pthread_mutex_trylock(&held_lock))
MANY(mutex_holds, pthread_mutex_lock(&lock); pthread_mutex_unlock(&lock))
MANY(ring_bytes_pairs, isr_byte_ring_write(&ring, piece, PIECE_BYTES);
     isr_byte_ring_read(&ring, piece, PIECE_BYTES))
MANY(mutex_bytes, mutex_write(); mutex_read())
MANY(pipe_bytes, (void)!write(pipe_fds[1], piece, PIECE_BYTES);
     (void)!read(pipe_fds[0], piece, PIECE_BYTES))
MANY(masks, isr_unmask(loop, isr_mask(loop)))
MANY(sigmasks, pthread_sigmask(SIG_BLOCK, &signals, NULL);
     pthread_sigmask(SIG_UNBLOCK, &signals, NULL))
MANY(mutex_pis, pthread_mutex_lock(&pi_lock); pthread_mutex_unlock(&pi_lock))

static const struct cost costs[] = {
	{"isrloop", "latch_store", latch_stores},
	{"mutex", "latch_store", mutex_stores},
	{"isrloop", "latch_load", latch_loads},
	{"mutex", "latch_load", mutex_loads},
	{"isrloop", "latch", latch_pairs},
	{"mutex", "latch", mutex_pairs},
	{"isrloop", "guard_try", guard_tries},
	{"mutex", "guard_try", mutex_tries},
	{"isrloop", "guard_refused", guard_refused},
	{"mutex", "guard_refused", mutex_refused},
	{"isrloop", "guard_hold", guard_holds},
	{"mutex", "guard_hold", mutex_holds},
	{"isrloop", "bytes", ring_bytes_pairs},
	{"mutex", "bytes", mutex_bytes},
	{"pipe", "bytes", pipe_bytes},
	{"isrloop", "mask", masks},
	{"sigmask", "mask", sigmasks},
	{"mutex-pi", "mask", mutex_pis},
};

static void cost_child(const void *arg, double *ret_values)
{
	const struct cost *cost = arg;
	unsigned int n = bench_scale(N_CALLS);
	uint64_t start;

	cpu_pin(CPU_LOOP);
	cpu_be_threaded();
	open_all();
	cost->many(n / 10);
	start = tick_now();
	cost->many(n);
	ret_values[0] = tick_span_ns(start, tick_now()) / n;
}

static void xchg_child(const void *arg, double *ret_values)
{
	cpu_pin(CPU_LOOP);
	cpu_measure_xchg(bench_scale(N_CALLS), &ret_values[0], &ret_values[1]);
}

void bench_bridge(void)
{
	double v[CHILD_VALUES_MAX];
	size_t i;

	child_run(xchg_child, NULL, 20, v);
	result_add("bridge", "xchg", "latch_store", "ns", v[1]);
	for (i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
		child_run(cost_child, &costs[i], 20, v);
		result_add("bridge", costs[i].subject, costs[i].metric, "ns",
			   v[0]);
	}
}
