/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Tasks that wait, each once, for flags of one loop. The test runs the loop as
 * a foreign loop does, only while it says that it is due: so a wake-up that is
 * lost is a task that still waits, and no hang.
 */
#ifndef XT_TASK_WAIT_H
#define XT_TASK_WAIT_H

#include <poll.h>

#include "flag-wait.h"
#include "flag.h"
#include "task.h"
#include "wake.h"
#include "xt-task.h"

enum wait_kind { WAIT_ONE, WAIT_ANY, WAIT_ALL };

/* One wait, and what became of it. */
struct xt_wait {
	enum wait_kind kind;
	struct isr_flag *flags[ISR_WAIT_MAX];
	size_t n;
	int64_t timeout_ns;
	struct isr_task *task;
	bool has_begun;
	bool has_ended;
	int result;
	/* 1 for the one that ended first, and so on. */
	unsigned int place;
};

static unsigned int n_ended;

static inline int wait_once(struct xt_wait *wait)
{
	switch (wait->kind) {
	case WAIT_ONE:
		return isr_wait(wait->flags[0], wait->timeout_ns);
	case WAIT_ANY:
		return isr_wait_any(wait->flags, wait->n, wait->timeout_ns);
	case WAIT_ALL:
		return isr_wait_all(wait->flags, wait->n, wait->timeout_ns);
	}
	return -EINVAL;
}

static inline int run_wait(void *arg)
{
	struct xt_wait *wait = arg;

	wait->has_begun = true;
	wait->result = wait_once(wait);
	wait->has_ended = true;
	wait->place = ++n_ended;
	return 0;
}

/* It runs when the loop does. */
static inline void spawn_wait(struct xt_wait *wait)
{
	wait->has_begun = wait->has_ended = false;
	wait->result = 0;
	wait->place = 0;
	xt_ok(isr_spawn(loop, NULL, run_wait, wait, &wait->task));
}

static inline bool loop_is_due(void)
{
	struct pollfd p = {.fd = isr_loop_get_fd(loop), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

/* The loop does all that there is to do, and would sleep then. */
static inline void run_dry(void)
{
	unsigned int i;

	for (i = 0; i < 10000 && loop_is_due(); i++)
		xt_ok(isr_loop_dispatch(loop));
	ck_assert(!loop_is_due());
}

/* It waits when this returns, or has ended. */
static inline void start(struct xt_wait *wait, struct isr_flag *flag)
{
	*wait = (struct xt_wait){
		.flags = {flag},
		.n = 1,
		.timeout_ns = ISR_FOREVER,
	};
	spawn_wait(wait);
	run_dry();
}

static inline void start_two(struct xt_wait *wait, enum wait_kind kind,
			     struct isr_flag *a, struct isr_flag *b)
{
	*wait = (struct xt_wait){
		.kind = kind,
		.flags = {a, b},
		.n = 2,
		.timeout_ns = ISR_FOREVER,
	};
	spawn_wait(wait);
	run_dry();
}

/* A wait that needs nobody else to end. */
static inline int wait_now(struct isr_flag *flag, int64_t timeout_ns)
{
	struct xt_wait wait = {.flags = {flag}, .timeout_ns = timeout_ns};

	spawn_wait(&wait);
	run_dry();
	ck_assert(wait.has_ended);
	xt_ok(isr_detach(wait.task));
	return wait.result;
}

/* Its time is over, as if it had waited for so long. */
static inline void time_out(struct xt_wait *wait)
{
	isri_alarm_set(loop, &wait->task->alarm, 1);
}

static inline void assert_waits(const struct xt_wait *wait)
{
	run_dry();
	ck_assert(wait->has_begun && !wait->has_ended);
}

static inline void assert_ends(struct xt_wait *wait, int result)
{
	run_dry();
	ck_assert(wait->has_ended);
	ck_assert_int_eq(wait->result, result);
	xt_ok(isr_detach(wait->task));
	wait->task = NULL;
}

static inline void set(unsigned int n, struct isr_flag *flag)
{
	while (n--)
		isr_flag_set(flag);
}

static inline struct isri_waits *waits(void)
{
	return &isri_wake_of(loop)->waits;
}

/* Threads and tasks. */
static inline unsigned int count_waiting(struct isr_flag *flag)
{
	struct isri_waiter *first, *waiter;
	unsigned int n = 0;

	pthread_mutex_lock(&waits()->lock);
	first = flag->cb ? NULL : flag->arg;
	for (waiter = first; waiter && (n == 0 || waiter != first);
	     waiter = waiter->next)
		n++;
	pthread_mutex_unlock(&waits()->lock);
	return n;
}

#endif /* XT_TASK_WAIT_H */
