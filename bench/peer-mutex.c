/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A mutex and a circular buffer: the queue that needs no thought. It is
 * emptied one event at a time, like ck_ring; subject mutex-batch takes all
 * that is there at once.
 */
#include <pthread.h>
#include <string.h>

#include "peer.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* under the lock */
static uint32_t head, tail;
static struct isr_event slots[HAND_SLOTS];

static bool put(const struct isr_event *event)
{
	bool has_room;

	pthread_mutex_lock(&lock);
	has_room = head - tail < HAND_SLOTS;
	if (has_room)
		slots[head++ % HAND_SLOTS] = *event;
	pthread_mutex_unlock(&lock);
	return has_room;
}

static size_t get_most(struct isr_event *ret_events, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&lock);
	while (n < max && tail != head)
		ret_events[n++] = slots[tail++ % HAND_SLOTS];
	pthread_mutex_unlock(&lock);
	return n;
}

static size_t get(struct isr_event *ret_events)
{
	return get_most(ret_events, 1);
}

static size_t get_batch(struct isr_event *ret_events)
{
	return get_most(ret_events, HAND_BATCH);
}

static void open_ring(void)
{
	memset(slots, 0, sizeof(slots));
	cpu_be_threaded();
}

HAND(hand, put, get, open_ring, true);
HAND(hand_batch, put, get_batch, open_ring, true);

const struct peer peer_mutex = {
	.subject = "mutex",
	.hand = &hand,
};

const struct peer peer_mutex_batch = {
	.subject = "mutex-batch",
	.hand = &hand_batch,
};
