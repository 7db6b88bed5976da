/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * libev: ev_async_send(), and a mutex queue beside it for events.
 */
#include <ev.h>

#include "peer.h"
#include "queue.h"

static struct ev_loop *loop;
static ev_async async;
static peer_cb *told;

static void async_cb(struct ev_loop *l, ev_async *w, int revents)
{
	told();
}

static void open_loop(peer_cb *cb)
{
	told = cb;
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

static void set(void)
{
	ev_async_send(loop, &async);
}

PEER_SET_LOOPS(set)

QUEUE_FLOW(set)

const struct peer peer_libev = {
	.subject = "libev",
	.open = open_loop,
	.run = run_loop,
	.stop = stop_loop,
	.set = set,
	.set_many = set_many,
	.set_timed = set_timed,
	.set_in_handler = true,
	.flow_open = flow_open,
	.flow_produce = flow_produce,
};
