/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * libev: ev_timer; as subject libev-timerfd the timerfd that its users take
 * when a millisecond matters, watched by an ev_io.
 */
#include <sys/timerfd.h>
#include <unistd.h>

#include <ev.h>

#include "cpu.h"
#include "timer.h"

static struct ev_loop *loop;

static void open_loop(void)
{
	loop = ev_loop_new(EVBACKEND_EPOLL);
	if (!loop)
		timer_die("bench: ev_loop_new");
}

static void idle_cb(struct ev_loop *l, ev_idle *w, int revents)
{
	timer_burn();
}

/* Whenever nothing else is to be done: the loop never sleeps. */
static void keep_busy(void)
{
	static ev_idle idle;

	ev_idle_init(&idle, idle_cb);
	ev_idle_start(loop, &idle);
}

static void timer_cb(struct ev_loop *l, ev_timer *w, int revents)
{
	if (timer_tick(0))
		ev_break(l, EVBREAK_ALL);
}

static void start_timer(void)
{
	static ev_timer timer;
	const double period = TIMER_PERIOD_NS / 1e9;

	ev_timer_init(&timer, timer_cb, period, period);
	ev_now_update(loop);
	timer_begin(clock_ns() + TIMER_PERIOD_NS);
	ev_timer_start(loop, &timer);
}

static void run_idle(void)
{
	open_loop();
	start_timer();
	ev_run(loop, 0);
}

static void run_busy(void)
{
	open_loop();
	keep_busy();
	start_timer();
	ev_run(loop, 0);
}

static void timerfd_cb(struct ev_loop *l, ev_io *w, int revents)
{
	uint64_t n;

	if (read(w->fd, &n, sizeof(n)) == sizeof(n) && timer_tick(n))
		ev_break(l, EVBREAK_ALL);
}

static void start_timerfd(void)
{
	static ev_io io;

	ev_io_init(&io, timerfd_cb, timer_open_timerfd(TFD_NONBLOCK), EV_READ);
	ev_io_start(loop, &io);
}

static void run_timerfd_idle(void)
{
	open_loop();
	start_timerfd();
	ev_run(loop, 0);
}

static void run_timerfd_busy(void)
{
	open_loop();
	keep_busy();
	start_timerfd();
	ev_run(loop, 0);
}

const struct timer_peer timer_libev = {
	.subject = "libev",
	.run =
		{
			[TIMER_LOOP_IDLE] = run_idle,
			[TIMER_LOOP_BUSY] = run_busy,
		},
};

const struct timer_peer timer_libev_timerfd = {
	.subject = "libev-timerfd",
	.run =
		{
			[TIMER_LOOP_IDLE] = run_timerfd_idle,
			[TIMER_LOOP_BUSY] = run_timerfd_busy,
		},
};
