/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* libuv: uv_timer, whose clock counts milliseconds. */
#include <uv.h>

#include "cpu.h"
#include "timer.h"

static uv_loop_t loop;

static void timer_cb(uv_timer_t *handle)
{
	if (timer_tick(0))
		uv_stop(&loop);
}

static void start_timer(void)
{
	static uv_timer_t timer;
	const uint64_t period_ms = TIMER_PERIOD_NS / 1000000;

	uv_timer_init(&loop, &timer);
	uv_update_time(&loop);
	timer_begin(clock_ns() + TIMER_PERIOD_NS);
	uv_timer_start(&timer, timer_cb, period_ms, period_ms);
}

static void idle_cb(uv_idle_t *handle)
{
	timer_burn();
}

static void run_idle(void)
{
	uv_loop_init(&loop);
	start_timer();
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void run_busy(void)
{
	static uv_idle_t idle;

	uv_loop_init(&loop);
	/* For libuv: in every round, which then does not sleep. */
	uv_idle_init(&loop, &idle);
	uv_idle_start(&idle, idle_cb);
	start_timer();
	uv_run(&loop, UV_RUN_DEFAULT);
}

const struct timer_peer timer_libuv = {
	.subject = "libuv",
	.run =
		{
			[TIMER_LOOP_IDLE] = run_idle,
			[TIMER_LOOP_BUSY] = run_busy,
		},
};
