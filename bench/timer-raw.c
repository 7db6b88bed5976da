/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * No library: a thread that reads a timerfd, of real-time priority where a
 * busy thread shares its CPU; a signal handler (sigev) on that thread.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cpu.h"
#include "handler.h"
#include "timer.h"

/* Where the kernel puts its own threads of interrupts. */
enum { PRIORITY = 50 };

int timer_open_timerfd(int flags)
{
	struct itimerspec spec = {.it_interval = {.tv_nsec = TIMER_PERIOD_NS}};
	uint64_t first_ns = clock_ns() + 2 * (uint64_t)TIMER_PERIOD_NS;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | flags);

	spec.it_value.tv_sec = (time_t)(first_ns / 1000000000U);
	spec.it_value.tv_nsec = (long)(first_ns % 1000000000U);
	timer_begin(first_ns);
	if (fd < 0 || timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
		timer_die("bench: timerfd");
	return fd;
}

static void run_timerfd(void)
{
	int fd = timer_open_timerfd(0);
	uint64_t n;

	do {
		if (read(fd, &n, sizeof(n)) != sizeof(n))
			timer_die("bench: timerfd");
	} while (!timer_tick(n));
	close(fd);
}

static void *timerfd_thread(void *arg)
{
	run_timerfd();
	return NULL;
}

static void run_timerfd_fifo(void)
{
	struct sched_param param = {.sched_priority = PRIORITY};
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	if (pthread_create(&thread, &attr, timerfd_thread, NULL) != 0) {
		fputs("bench: SCHED_FIFO is not permitted: no timerfd\n",
		      stderr);
		return;
	}
	while (!timer_is_done())
		timer_burn();
	pthread_join(thread, NULL);
}

static timer_t timer;

static void on_signal(int signal)
{
	timer_tick((uint64_t)timer_getoverrun(timer) + 1);
}

static void run_sigev(void)
{
	handler_open(on_signal, &timer);
	timer_begin(clock_ns() + TIMER_PERIOD_NS);
	handler_arm(timer, TIMER_PERIOD_NS, TIMER_PERIOD_NS);
	while (!timer_is_done())
		timer_burn();
}

const struct timer_peer timer_timerfd = {
	.subject = "timerfd",
	.run =
		{
			[TIMER_LOOP_IDLE] = run_timerfd,
			[TIMER_ISR_BUSY] = run_timerfd_fifo,
		},
};

const struct timer_peer timer_sigev = {
	.subject = "sigev",
	.run = {[TIMER_ISR_BUSY] = run_sigev},
};
