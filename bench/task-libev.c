/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* libev has no tasks: an ev_idle is what is always ready, an ev_timer sleeps.
 */
#include <ev.h>

#include "task.h"

static struct ev_loop *loop;

static void open_loop(void)
{
	loop = ev_loop_new(EVBACKEND_EPOLL);
	if (!loop)
		task_die("ev_loop_new");
}

static void run_loop(void)
{
	task_begin();
	ev_run(loop, 0);
}

static void turn_cb(struct ev_loop *l, ev_idle *w, int revents)
{
	if (task_turn())
		ev_break(l, EVBREAK_ALL);
}

static void turns(void)
{
	static ev_idle idles[2];

	open_loop();
	ev_idle_init(&idles[0], turn_cb);
	ev_idle_init(&idles[1], turn_cb);
	ev_idle_start(loop, &idles[0]);
	ev_idle_start(loop, &idles[1]);
	run_loop();
}

static void sleep_cb(struct ev_loop *l, ev_timer *w, int revents)
{
	if (task_turn())
		ev_break(l, EVBREAK_ALL);
	ev_timer_set(w, task_sleep_ms() / 1000.0, 0);
	ev_timer_start(l, w);
}

static void sleeps(void)
{
	static ev_timer timers[TASK_N_ALIVE];
	unsigned int i;

	open_loop();
	for (i = 0; i < TASK_N_ALIVE; i++) {
		ev_timer_init(&timers[i], sleep_cb, task_sleep_ms() / 1000.0,
			      0);
		ev_timer_start(loop, &timers[i]);
	}
	run_loop();
}

static void flood_cb(struct ev_loop *l, ev_async *w, int revents)
{
	if (task_flood())
		ev_break(l, EVBREAK_ALL);
	else
		ev_async_send(l, w);
}

static void ordinary_cb(struct ev_loop *l, ev_idle *w, int revents)
{
	task_ordinary();
}

static void flood(void)
{
	static ev_async async;
	static ev_idle idle;

	open_loop();
	ev_async_init(&async, flood_cb);
	ev_async_start(loop, &async);
	ev_idle_init(&idle, ordinary_cb);
	ev_idle_start(loop, &idle);
	ev_async_send(loop, &async);
	run_loop();
}

const struct task_peer task_libev = {
	.subject = "libev",
	.turns = turns,
	.sleeps = sleeps,
	.flood = flood,
};
