/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What programs put beside a loop that has a wake but no queue: a mutex and
 * two arrays. The producer appends to one, the loop takes it whole and
 * leaves the other, so the lock is held for a copy of one event or a swap
 * of two pointers. No allocation, nothing a list would do better.
 */
#ifndef BENCH_QUEUE_H
#define BENCH_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <isrloop/event.h>

#include "flow.h"

struct queue {
	pthread_mutex_t lock;
	/* under the lock */
	size_t n;
	struct isr_event *in;
	/* the loop's, until the next take */
	struct isr_event *out;
	struct isr_event slots[2][FLOW_SLOTS];
};

static inline void queue_init(struct queue *q)
{
	pthread_mutex_init(&q->lock, NULL);
	q->in = q->slots[0];
	q->out = q->slots[1];
	q->n = 0;
	memset(q->slots, 0, sizeof(q->slots));
}

/* @ret_was_empty: whether the loop has to be told. */
static inline bool queue_put(struct queue *q, const struct isr_event *e,
			     bool *ret_was_empty)
{
	bool has_room;

	pthread_mutex_lock(&q->lock);
	*ret_was_empty = q->n == 0;
	has_room = q->n < FLOW_SLOTS;
	if (has_room)
		q->in[q->n++] = *e;
	pthread_mutex_unlock(&q->lock);
	return has_room;
}

static inline size_t queue_take(struct queue *q, struct isr_event **ret_events)
{
	struct isr_event *full;
	size_t n;

	pthread_mutex_lock(&q->lock);
	full = q->in;
	n = q->n;
	q->in = q->out;
	q->out = full;
	q->n = 0;
	pthread_mutex_unlock(&q->lock);
	*ret_events = full;
	return n;
}

#endif /* BENCH_QUEUE_H */
