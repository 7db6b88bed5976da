/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isrloop itself, through its public interface and its shared library, as
 * any program has it.
 */
#include <stdio.h>
#include <stdlib.h>

#include <isrloop.h>

#include "peer.h"

/* How long a loop that spins does so: a little more than it has to wait. */
enum { SPIN_NS = 50000 };

static struct isr_loop_config config = {.sz = sizeof(config)};
static struct isr_loop *loop;
static struct isr_flag flag;
static struct isr_ring ring;
static struct isr_event slots[FLOW_SLOTS];
static peer_cb *told;
static struct flow *flow;

static void check(int r, const char *what)
{
	if (r < 0) {
		fprintf(stderr, "bench: %s: error %d\n", what, r);
		exit(EXIT_FAILURE);
	}
}

static void flag_cb(struct isr_flag *f, uint32_t count, void *arg)
{
	told();
}

static void open_loop(peer_cb *cb)
{
	told = cb;
	check(isr_loop_new(&config, &loop), "isr_loop_new");
	check(isr_flag_init(&flag, loop, ISR_FLAG_AUTO), "isr_flag_init");
	check(isr_flag_set_cb(&flag, flag_cb, NULL), "isr_flag_set_cb");
}

static void run_loop(void)
{
	check(isr_loop_run(loop), "isr_loop_run");
}

static void stop_loop(void)
{
	isr_loop_stop(loop);
}

static void set(void)
{
	isr_flag_set(&flag);
}

PEER_SET_LOOPS(set)

static bool post(void (*fn)(void *arg), void *arg)
{
	return isr_schedule(loop, fn, arg) == 0;
}

static bool put(const struct isr_event *event)
{
	return isr_ring_put(&ring, event) >= 0;
}

static size_t get(struct isr_event *ret_events)
{
	int n = isr_ring_get(&ring, ret_events, HAND_BATCH);

	check(n, "isr_ring_get");
	return (size_t)n;
}

static void ring_cb(struct isr_flag *f, uint32_t count, void *arg)
{
	struct isr_event batch[FLOW_BATCH];
	int n;

	while ((n = isr_ring_get(&ring, batch, FLOW_BATCH)) > 0)
		flow_consume_many(flow, batch, (size_t)n);
	check(n, "isr_ring_get");
}

/* Alone, as the peers' queues are: polled by the thread that consumes. */
static void open_ring(void)
{
	check(isr_ring_init(&ring, NULL, slots, FLOW_SLOTS, ISR_RING_DROP_NEW),
	      "isr_ring_init");
}

static void flow_open(struct flow *f)
{
	flow = f;
	check(isr_loop_new(&config, &loop), "isr_loop_new");
	check(isr_ring_init(&ring, loop, slots, FLOW_SLOTS, ISR_RING_DROP_NEW),
	      "isr_ring_init");
	check(isr_flag_set_cb(&ring.ready, ring_cb, NULL), "isr_flag_set_cb");
}

static void open_spinning(peer_cb *cb)
{
	config.spin_ns = SPIN_NS;
	open_loop(cb);
}

static void flow_open_spinning(struct flow *f)
{
	config.spin_ns = SPIN_NS;
	flow_open(f);
}

FLOW_PRODUCE(put)
HAND(hand, put, get, open_ring, true);

/* A put instead of a set: what it takes to tell the loop of one record. */
static void put_one(void)
{
	static const struct isr_event event = {.kind = ISR_EVENT_USER};

	isr_ring_put(&ring, &event);
}

static void nudge(void)
{
	isr_flag_set(&ring.ready);
}

static void told_cb(struct isr_flag *f, uint32_t count, void *arg)
{
	struct isr_event batch[FLOW_BATCH];

	while (isr_ring_get(&ring, batch, FLOW_BATCH) > 0)
		;
	told();
}

static void open_told(peer_cb *cb)
{
	told = cb;
	check(isr_loop_new(&config, &loop), "isr_loop_new");
	check(isr_ring_init(&ring, loop, slots, FLOW_SLOTS, ISR_RING_DROP_NEW),
	      "isr_ring_init");
	check(isr_flag_set_cb(&ring.ready, told_cb, NULL), "isr_flag_set_cb");
}

PEER_SET_LOOPS_AS(put_many, put_timed, put_one)

const struct peer peer_isrloop_ring = {
	.subject = "isrloop-ring",
	.open = open_told,
	.run = run_loop,
	.stop = stop_loop,
	.set = put_one,
	.nudge = nudge,
	.set_many = put_many,
	.set_timed = put_timed,
	.set_in_handler = true,
};

const struct peer peer_isrloop = {
	.subject = "isrloop",
	.open = open_loop,
	.run = run_loop,
	.stop = stop_loop,
	.set = set,
	.set_many = set_many,
	.set_timed = set_timed,
	.set_in_handler = true,
	.post = post,
	.flow_open = flow_open,
	.flow_produce = flow_produce,
	.hand = &hand,
};

const struct peer peer_isrloop_spin = {
	.subject = "isrloop-spin",
	.open = open_spinning,
	.run = run_loop,
	.stop = stop_loop,
	.set = set,
	.set_many = set_many,
	.set_timed = set_timed,
	.set_in_handler = true,
	.never_sleeps = true,
	.flow_open = flow_open_spinning,
	.flow_produce = flow_produce,
};
