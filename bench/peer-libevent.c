/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * libevent: event_active() on an event of no descriptor, with its locking
 * switched on.
 */
#include <event2/event.h>
#include <event2/thread.h>

#include "peer.h"
#include "queue.h"

static struct event_base *base;
static struct event *event;
static peer_cb *told;

static void event_cb(evutil_socket_t fd, short what, void *arg)
{
	told();
}

static void open_loop(peer_cb *cb)
{
	told = cb;
	evthread_use_pthreads();
	base = event_base_new();
	event = event_new(base, -1, EV_PERSIST, event_cb, NULL);
	event_add(event, NULL);
}

static void run_loop(void)
{
	event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void stop_loop(void)
{
	event_base_loopbreak(base);
}

static void set(void)
{
	event_active(event, EV_READ, 0);
}

PEER_SET_LOOPS(set)

QUEUE_FLOW(set)

const struct peer peer_libevent = {
	.subject = "libevent",
	.open = open_loop,
	.run = run_loop,
	.stop = stop_loop,
	.set = set,
	.set_many = set_many,
	.set_timed = set_timed,
	.flow_open = flow_open,
	.flow_produce = flow_produce,
};
