/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Concurrency Kit: ck_ring in its multi-producer mode, and libev to wake
 * the loop, the best that can be put together by hand from packages.
 */
#include <ck_ring.h>
#include <ev.h>

#include "peer.h"

CK_RING_PROTOTYPE(event, isr_event)

static ck_ring_t ring;
/* ck keeps one slot free */
static struct isr_event slots[FLOW_SLOTS];
static struct ev_loop *loop;
static ev_async async;
static struct flow *flow;

static bool put(const struct isr_event *event)
{
	/* ck wants a pointer that it may write; it does not */
	return ck_ring_enqueue_mpsc_event(&ring, slots,
					  (struct isr_event *)event);
}

static size_t get(struct isr_event *ret_events)
{
	size_t n = 0;

	while (n < HAND_BATCH &&
	       ck_ring_dequeue_mpsc_event(&ring, slots, &ret_events[n]))
		n++;
	return n;
}

static void open_ring(void)
{
	memset(slots, 0, sizeof(slots));
	ck_ring_init(&ring, FLOW_SLOTS);
}

HAND(hand, put, get, open_ring, true);

static void async_cb(struct ev_loop *l, ev_async *w, int revents)
{
	struct isr_event event;

	while (ck_ring_dequeue_mpsc_event(&ring, slots, &event))
		flow_consume(flow, &event);
	flow_publish(flow);
}

static bool push(const struct isr_event *event)
{
	if (!put(event))
		return false;
	ev_async_send(loop, &async);
	return true;
}

static void flow_open(struct flow *f)
{
	flow = f;
	open_ring();
	loop = ev_loop_new(EVBACKEND_EPOLL);
	ev_async_init(&async, async_cb);
	ev_async_start(loop, &async);
}

static void run_loop(void)
{
	ev_run(loop, 0);
}

static void stop_loop(void)
{
	ev_break(loop, EVBREAK_ALL);
}

FLOW_PRODUCE(push)

const struct peer peer_ck = {
	.subject = "ck",
	.run = run_loop,
	.stop = stop_loop,
	.flow_open = flow_open,
	.flow_produce = flow_produce,
	.hand = &hand,
};
