/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * libuv: uv_async_send(), and a mutex queue beside it for events; as subject
 * libuv-swap with the better of the two of queue.h.
 *
 * The send comes with every event, although it could be left out while the
 * queue is not empty: its own documentation tells users to rely on its
 * coalescing, and its cheap first look makes it nearly free.
 */
#include <uv.h>

#include "peer.h"
#include "queue.h"

static uv_loop_t loop;
static uv_async_t async;
static peer_cb *told;
static struct flow *flow;
static struct queue queue;
static struct swap swap;

static void async_cb(uv_async_t *handle)
{
	told();
}

static void open_loop(peer_cb *cb)
{
	told = cb;
	uv_loop_init(&loop);
	uv_async_init(&loop, &async, async_cb);
}

static void run_loop(void)
{
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void stop_loop(void)
{
	uv_stop(&loop);
}

static void set(void)
{
	uv_async_send(&async);
}

PEER_SET_LOOPS(set)

static bool push(const struct isr_event *event)
{
	bool was_empty;

	if (!queue_put(&queue, event, &was_empty))
		return false;
	set();
	return true;
}

static void take(void)
{
	queue_consume(&queue, flow);
}

static void flow_open(struct flow *f)
{
	flow = f;
	queue_init(&queue);
	open_loop(take);
}

FLOW_PRODUCE(push)

static bool push_swap(const struct isr_event *event)
{
	bool was_empty;

	if (!swap_put(&swap, event, &was_empty))
		return false;
	set();
	return true;
}

static void take_swap(void)
{
	swap_consume(&swap, flow);
}

static void flow_open_swap(struct flow *f)
{
	flow = f;
	swap_init(&swap);
	open_loop(take_swap);
}

FLOW_PRODUCE_AS(flow_produce_swap, push_swap)

const struct peer peer_libuv_swap = {
	.subject = "libuv-swap",
	.run = run_loop,
	.stop = stop_loop,
	.flow_open = flow_open_swap,
	.flow_produce = flow_produce_swap,
};

const struct peer peer_libuv = {
	.subject = "libuv",
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
