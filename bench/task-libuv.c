/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* libuv has no tasks: a uv_idle is called each round, a uv_timer sleeps. */
#include <uv.h>

#include "task.h"

static uv_loop_t loop;

static void run_loop(void)
{
	task_begin();
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void turn_cb(uv_idle_t *handle)
{
	if (task_turn())
		uv_stop(&loop);
}

static void turns(void)
{
	static uv_idle_t idles[2];
	unsigned int i;

	uv_loop_init(&loop);
	for (i = 0; i < 2; i++) {
		uv_idle_init(&loop, &idles[i]);
		uv_idle_start(&idles[i], turn_cb);
	}
	run_loop();
}

static void sleep_cb(uv_timer_t *handle)
{
	if (task_turn())
		uv_stop(&loop);
	uv_timer_start(handle, sleep_cb, task_sleep_ms(), 0);
}

static void sleeps(void)
{
	static uv_timer_t timers[TASK_N_ALIVE];
	unsigned int i;

	uv_loop_init(&loop);
	for (i = 0; i < TASK_N_ALIVE; i++) {
		uv_timer_init(&loop, &timers[i]);
		uv_timer_start(&timers[i], sleep_cb, task_sleep_ms(), 0);
	}
	run_loop();
}

static void flood_cb(uv_async_t *handle)
{
	if (task_flood())
		uv_stop(&loop);
	else
		uv_async_send(handle);
}

static void ordinary_cb(uv_idle_t *handle)
{
	task_ordinary();
}

static void flood(void)
{
	static uv_async_t async;
	static uv_idle_t idle;

	uv_loop_init(&loop);
	uv_async_init(&loop, &async, flood_cb);
	uv_idle_init(&loop, &idle);
	uv_idle_start(&idle, ordinary_cb);
	uv_async_send(&async);
	run_loop();
}

const struct task_peer task_libuv = {
	.subject = "libuv",
	.turns = turns,
	.sleeps = sleeps,
	.flood = flood,
};
