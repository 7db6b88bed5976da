/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * lost: does a set ever fail to bring the loop round?
 *
 * The race is between whoever publishes an item and then looks whether the
 * loop has been told, and the loop, which notes that it has been told and
 * then looks for items. Without a full barrier between the two halves of
 * the first, the item can wait in the store buffer while the look already
 * says "told": the loop finds nothing and sleeps, and nobody wakes it.
 *
 * In a trial the loop is held in its callback while the thread sets (A),
 * so that it is awake and told. Then it is let go, and the thread publishes
 * and sets again (B) around the moment when the loop answers A, which is
 * known from earlier trials. One trial in 16 has no A: B then meets a loop
 * on its way to sleep.
 *
 * A wake-up is lost when B's set has returned, the kernel says that the
 * loop's thread sleeps, and B has not been seen. Then it is set once more,
 * counted, and the trials go on.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bench.h"
#include "peer.h"
#include "stat.h"

enum { N_TRIALS = 200000, N_PEER_TRIALS = 50000, N_ITEMS = 64 };

static const struct peer *peer;
static unsigned int n_trials;
static pid_t loop_tid;

/*
 * The queue: items, and how many there are. Plain stores, as on purpose. An
 * item has a cache line of its own that the loop read last, so it takes a
 * while to leave the store buffer. A is odd, B is even.
 */
static struct item {
	_Alignas(64) uint32_t value;
} items[N_ITEMS];
static _Alignas(128) _Atomic uint32_t published;
/* The loop's answer: what it saw, and when it looked. */
static _Alignas(128) _Atomic uint32_t seen;
static _Atomic uint64_t looked_at;
/* The loop is held until the B that it saw is not the last. */
static _Alignas(128) _Atomic uint32_t released;
static _Atomic uint32_t done;

/* For a while only: the thread may be off its CPU. */
static void hold(uint32_t n)
{
	uint64_t patience = ns_to_tick(20000), start = tick_now();

	/* relaxed: it decides about time, not about what is read */
	while (atomic_load_explicit(&released, memory_order_relaxed) <= n &&
	       tick_now() - start < patience)
		;
}

static void look_cb(void)
{
	uint32_t n = atomic_load_explicit(&published, memory_order_relaxed);
	/* relaxed: this side is its only writer */
	uint32_t i = atomic_load_explicit(&seen, memory_order_relaxed);

	/* The first look since the release answers A. */
	if (i % 2 == 0 && n != i)
		atomic_store_explicit(&looked_at, tick_now(),
				      memory_order_relaxed);
	for (i++; (int32_t)(i - n) <= 0; i++)
		if (i % 2 == 0 && items[i % N_ITEMS].value != i)
			abort();
	atomic_store_explicit(&seen, n, memory_order_release);
	if (atomic_load_explicit(&done, memory_order_relaxed))
		peer->stop();
	else if (n % 2 == 0)
		hold(n);
}

static void publish(uint32_t n, void (*set)(void))
{
	items[n % N_ITEMS].value = n;
	atomic_store_explicit(&published, n, memory_order_release);
	set();
}

static bool is_seen(uint32_t n)
{
	return atomic_load_explicit(&seen, memory_order_acquire) == n;
}

/* Returns whether the wake-up was lost. */
static bool wait_seen(uint32_t n)
{
	uint64_t patience = ns_to_tick(50000), start = tick_now();

	while (!is_seen(n)) {
		if (tick_now() - start < patience)
			continue;
		if (thread_is_blocked(loop_tid) && !is_seen(n))
			return true;
		start = tick_now();
	}
	return false;
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void pause_until(uint64_t tick)
{
	while ((int64_t)(tick_now() - tick) < 0)
		;
}

/* Where B goes, in ticks after the release: around the usual answer. */
static uint64_t aim(uint64_t usual, uint32_t *random)
{
	uint64_t early = ns_to_tick(300);
	uint64_t at = usual + next_random(random) % ns_to_tick(400);

	return at > early ? at - early : 0;
}

static uint64_t learn(uint64_t usual, uint64_t released_at)
{
	uint64_t at = atomic_load_explicit(&looked_at, memory_order_relaxed);

	/* An answer from before, or one after a stall, teaches nothing. */
	if (at - released_at > ns_to_tick(5000))
		return usual;
	return (usual * 15 + at - released_at) / 16;
}

static void release(uint32_t n)
{
	/* relaxed: see hold() */
	atomic_store_explicit(&released, n, memory_order_relaxed);
}

/* Returns whether B got lost. */
static bool trial(uint32_t a, uint64_t *usual, uint32_t *random)
{
	bool has_a = a / 2 % 16 != 0, is_lost = false;
	uint64_t released_at, wait;

	if (has_a)
		publish(a, peer->nudge ? peer->nudge : peer->set);
	released_at = tick_now();
	release(a);
	wait = has_a ? aim(*usual, random)
		     : next_random(random) % ns_to_tick(3000);
	pause_until(released_at + wait);
	publish(a + 1, peer->set);
	while (wait_seen(a + 1)) {
		is_lost = true;
		peer->set();
	}
	if (has_a)
		*usual = learn(*usual, released_at);
	return is_lost;
}

static void *trials_thread(void *arg)
{
	uint32_t i, random = 2463534242U;
	uint64_t usual = ns_to_tick(1000);
	uint32_t *ret_lost = arg;

	cpu_pin(CPU_PRODUCER);
	for (i = 0; i < n_trials; i++)
		*ret_lost += trial(2 * i + 1, &usual, &random);
	atomic_store_explicit(&done, 1, memory_order_relaxed);
	release(UINT32_MAX);
	publish(2 * i + 1, peer->set);
	while (wait_seen(2 * i + 1))
		peer->set();
	return NULL;
}

static void lost_child(const void *arg, double *ret_values)
{
	uint32_t n_lost = 0;
	pthread_t thread;

	peer = arg;
	n_trials =
		bench_scale(peer == &peer_isrloop || peer == &peer_isrloop_ring
				    ? N_TRIALS
				    : N_PEER_TRIALS);
	cpu_pin(CPU_LOOP);
	loop_tid = thread_id();
	peer->open(look_cb);
	if (pthread_create(&thread, NULL, trials_thread, &n_lost) != 0)
		exit(EXIT_FAILURE);
	peer->run();
	pthread_join(thread, NULL);
	ret_values[0] = n_lost;
	ret_values[1] = n_trials;
}

void bench_lost(void)
{
	double v[CHILD_VALUES_MAX];
	unsigned int i;

	for (i = 0; cpu_count() > 1 && peers[i]; i++) {
		if (!peers[i]->set || peers[i]->never_sleeps)
			continue;
		child_run(lost_child, peers[i], 60, v);
		result_add("wake", peers[i]->subject, "lost", "wake-ups", v[0]);
		result_add("wake", peers[i]->subject, "lost_trials", "trials",
			   v[1]);
	}
}
