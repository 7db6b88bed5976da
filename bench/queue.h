/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What programs put beside a loop that has a wake but no queue.
 *
 * struct queue is what most write: a mutex and a list, a node allocated per
 * event, and the loop takes the whole list at once. struct swap is the best
 * that a mutex gives: two arrays, the producer appends to one, the loop
 * takes it whole and leaves the other. Its size is fixed.
 */
#ifndef BENCH_QUEUE_H
#define BENCH_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <isrloop/event.h>

#include "flow.h"

struct node {
	struct node *next;
	struct isr_event event;
};

struct queue {
	pthread_mutex_t lock;
	/* under the lock */
	struct node *first;
	struct node **end;
	size_t n;
};

static inline void queue_init(struct queue *q)
{
	pthread_mutex_init(&q->lock, NULL);
	q->first = NULL;
	q->end = &q->first;
	q->n = 0;
}

/* @ret_was_empty: whether the loop has to be told. */
static inline bool queue_put(struct queue *q, const struct isr_event *e,
			     bool *ret_was_empty)
{
	struct node *node = malloc(sizeof(*node));
	bool has_room;

	if (!node)
		return false;
	node->event = *e;
	node->next = NULL;
	pthread_mutex_lock(&q->lock);
	*ret_was_empty = q->n == 0;
	has_room = q->n < FLOW_SLOTS;
	if (has_room) {
		*q->end = node;
		q->end = &node->next;
		q->n++;
	}
	pthread_mutex_unlock(&q->lock);
	if (!has_room)
		free(node);
	return has_room;
}

static inline void queue_consume(struct queue *q, struct flow *flow)
{
	struct node *node, *next;

	pthread_mutex_lock(&q->lock);
	node = q->first;
	q->first = NULL;
	q->end = &q->first;
	q->n = 0;
	pthread_mutex_unlock(&q->lock);

	for (; node; node = next) {
		next = node->next;
		flow_consume(flow, &node->event);
		free(node);
	}
	flow_publish(flow);
}

struct swap {
	pthread_mutex_t lock;
	/* under the lock */
	size_t n;
	struct isr_event *in;
	/* the loop's, until the next take */
	struct isr_event *out;
	struct isr_event slots[2][FLOW_SLOTS];
};

static inline void swap_init(struct swap *q)
{
	pthread_mutex_init(&q->lock, NULL);
	q->in = q->slots[0];
	q->out = q->slots[1];
	q->n = 0;
	memset(q->slots, 0, sizeof(q->slots));
}

/* @ret_was_empty: whether the loop has to be told. */
static inline bool swap_put(struct swap *q, const struct isr_event *e,
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

static inline void swap_consume(struct swap *q, struct flow *flow)
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

	flow_consume_many(flow, full, n);
}

/*
 * A flow of events over a queue beside the loop's own wake-up, which is asked
 * for only when the queue was empty: what a careful user writes by hand. Its
 * file has open_loop() above it.
 */
#define QUEUE_FLOW(set)                                \
	static struct flow *flow;                      \
	static struct queue queue;                     \
                                                       \
	static bool push(const struct isr_event *e)    \
	{                                              \
		bool was_empty;                        \
                                                       \
		if (!queue_put(&queue, e, &was_empty)) \
			return false;                  \
		if (was_empty)                         \
			set();                         \
		return true;                           \
	}                                              \
	static void take(void)                         \
	{                                              \
		queue_consume(&queue, flow);           \
	}                                              \
	static void flow_open(struct flow *f)          \
	{                                              \
		flow = f;                              \
		queue_init(&queue);                    \
		open_loop(take);                       \
	}                                              \
	FLOW_PRODUCE(push)

#endif /* BENCH_QUEUE_H */
