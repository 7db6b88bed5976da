/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A mutex and a circular buffer: the queue that needs no thought.
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

static size_t get(struct isr_event *ret_events)
{
	size_t n = 0;

	pthread_mutex_lock(&lock);
	while (n < HAND_BATCH && tail != head)
		ret_events[n++] = slots[tail++ % HAND_SLOTS];
	pthread_mutex_unlock(&lock);
	return n;
}

static void *nothing(void *arg)
{
	return arg;
}

static void open_ring(void)
{
	pthread_t thread;

	memset(slots, 0, sizeof(slots));
	/*
	 * The C library leaves the locked instruction out while a process
	 * has had one thread only; no real user of a mutex has.
	 */
	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		pthread_join(thread, NULL);
}

HAND(hand, put, get, open_ring, true);

const struct peer peer_mutex = {
	.subject = "mutex",
	.hand = &hand,
};
