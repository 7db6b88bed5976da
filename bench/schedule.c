/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * schedule: have the loop call a function, from the loop's own thread while
 * it is awake, 32 at a time.
 *
 *  post  what asking costs, per call
 *  call  from asking to the end of the function, loop's round included, per
 *        call
 *
 * A library that has no such call gets a mutex and a list, a node allocated
 * per call, and is woken when the list was empty.
 */
#include <pthread.h>
#include <stdlib.h>

#include "bench.h"
#include "peer.h"
#include "stat.h"

enum { N_BATCHES = 20000, BATCH = 32 };

struct call {
	struct call *next;
	void (*fn)(void *arg);
	void *arg;
};

static const struct peer *peer;
static bool (*post)(void (*fn)(void *arg), void *arg);
static double posts[N_BATCHES];
static unsigned int n_wanted, n_batches, n_called;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* under the lock */
static struct call *first, **end = &first;
static unsigned int n_posted;

static bool list_post(void (*fn)(void *arg), void *arg)
{
	struct call *call = malloc(sizeof(*call));
	bool was_empty, has_room;

	if (!call)
		return false;
	*call = (struct call){.fn = fn, .arg = arg};
	pthread_mutex_lock(&lock);
	was_empty = !first;
	has_room = n_posted < 2 * BATCH;
	if (has_room) {
		*end = call;
		end = &call->next;
		n_posted++;
	}
	pthread_mutex_unlock(&lock);
	if (!has_room)
		free(call);
	else if (was_empty)
		peer->set();
	return has_room;
}

static void list_run(void)
{
	struct call *call, *next;

	pthread_mutex_lock(&lock);
	call = first;
	first = NULL;
	end = &first;
	n_posted = 0;
	pthread_mutex_unlock(&lock);
	for (; call; call = next) {
		next = call->next;
		call->fn(call->arg);
		free(call);
	}
}

static void count(void *arg)
{
	n_called++;
}

static void batch(void *arg)
{
	uint64_t start;
	unsigned int i;

	if (n_batches == n_wanted) {
		peer->stop();
		return;
	}
	start = tick_now();
	for (i = 0; i < BATCH - 1; i++)
		post(count, NULL);
	posts[n_batches++] = tick_span_ns(start, tick_now()) / (BATCH - 1);
	post(batch, NULL);
}

static void schedule_child(const void *arg, double *ret_values)
{
	uint64_t start;

	peer = arg;
	post = peer->post ? peer->post : list_post;
	n_wanted = bench_scale(N_BATCHES);
	cpu_pin(CPU_LOOP);
	cpu_be_threaded();
	peer->open(list_run);
	post(batch, NULL);
	start = tick_now();
	peer->run();
	/* One that was not called is a bug, not a figure. */
	if (n_called != n_wanted * (BATCH - 1))
		exit(EXIT_FAILURE);
	ret_values[0] = percentile(posts, n_wanted, 50);
	ret_values[1] = tick_span_ns(start, tick_now()) / n_wanted / BATCH;
}

void bench_schedule(void)
{
	double v[CHILD_VALUES_MAX];
	unsigned int i;

	for (i = 0; peers[i]; i++) {
		const struct peer *p = peers[i];

		if (!p->set || p->never_sleeps || p == &peer_isrloop_ring)
			continue;
		child_run(schedule_child, p, 30, v);
		result_add("schedule", p->subject, "post", "ns", v[0]);
		result_add("schedule", p->subject, "call", "ns", v[1]);
	}
}
