/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * GLib: a GSource that looks at a variable, g_main_context_wakeup() to make
 * the loop look, and GAsyncQueue for events.
 */
#include <glib.h>

#include "peer.h"

static GMainContext *context;
static GMainLoop *loop;
static GAsyncQueue *queue;
static gint pending;
static peer_cb *told;
static struct flow *flow;
/* What the queue points to; more than may be in flight. */
static struct isr_event slots[2 * FLOW_SLOTS];
static unsigned int next_slot;

static gboolean prepare(GSource *source, gint *timeout_ms)
{
	*timeout_ms = -1;
	return g_atomic_int_get(&pending) != 0;
}

static gboolean check(GSource *source)
{
	return g_atomic_int_get(&pending) != 0;
}

static gboolean dispatch(GSource *source, GSourceFunc func, gpointer arg)
{
	g_atomic_int_set(&pending, 0);
	told();
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs funcs = {
	.prepare = prepare,
	.check = check,
	.dispatch = dispatch,
};

static void open_loop(peer_cb *cb)
{
	GSource *source;

	told = cb;
	context = g_main_context_new();
	loop = g_main_loop_new(context, FALSE);
	source = g_source_new(&funcs, sizeof(GSource));
	g_source_attach(source, context);
	g_source_unref(source);
}

static void run_loop(void)
{
	g_main_loop_run(loop);
}

static void stop_loop(void)
{
	g_main_loop_quit(loop);
}

static void set(void)
{
	g_atomic_int_set(&pending, 1);
	g_main_context_wakeup(context);
}

PEER_SET_LOOPS(set)

struct call {
	void (*fn)(void *arg);
	void *arg;
};

static gboolean make_call(gpointer arg)
{
	struct call *call = arg;

	call->fn(call->arg);
	return G_SOURCE_REMOVE;
}

/* As g_idle_add_full(), which knows the default context only. */
static bool post(void (*fn)(void *arg), void *arg)
{
	GSource *source = g_idle_source_new();
	struct call *call = g_new(struct call, 1);

	*call = (struct call){fn, arg};
	g_source_set_callback(source, make_call, call, g_free);
	g_source_attach(source, context);
	g_source_unref(source);
	return true;
}

static bool push(const struct isr_event *event)
{
	struct isr_event *slot = &slots[next_slot++ % (2 * FLOW_SLOTS)];

	/* A paced flow has no room check of its own. */
	if (g_async_queue_length(queue) >= FLOW_SLOTS)
		return false;
	*slot = *event;
	g_async_queue_push(queue, slot);
	set();
	return true;
}

static void take(void)
{
	struct isr_event *event;

	while ((event = g_async_queue_try_pop(queue)))
		flow_consume(flow, event);
	flow_publish(flow);
}

static void flow_open(struct flow *f)
{
	flow = f;
	queue = g_async_queue_new();
	open_loop(take);
}

FLOW_PRODUCE(push)

const struct peer peer_glib = {
	.subject = "glib",
	.open = open_loop,
	.run = run_loop,
	.stop = stop_loop,
	.set = set,
	.set_many = set_many,
	.set_timed = set_timed,
	.post = post,
	.flow_open = flow_open,
	.flow_produce = flow_produce,
};
