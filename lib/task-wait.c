/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F4: tasks wait for flags; how a flag treats them is in flag-wait.c.
 *
 * A wait looks when it begins and each time the task is resumed, whatever for,
 * and decides in this order: it was cancelled, one of its flags has ended, it
 * has what it waits for, its time is over. Only what decides that it has what
 * it waits for consumes anything.
 *
 * All of it is under the loop's lock of waiters, for threads may be in the
 * same circles. Setters need no lock, so a flag may be set while it looks.
 */
#include <errno.h>

#include "clock.h"
#include "context.h"
#include "flag-wait.h"
#include "futex.h"
#include "loop.h"
#include "task.h"
#include "test-point.h"

/* Room for so many costs a task's stack little. */
#define FEW 8

struct waiter {
	struct isri_waiter waiter; /* first */
	struct isr_task *task;
};

/* One wait, on the task's stack. */
struct wait {
	struct isr_task *self;
	struct isri_waits *waits;
	struct isr_flag *const *flags;
	struct waiter *waiters; /* one each */
	size_t n;
	bool is_all;
	/* What was consumed, of the first that has any: its place, and how
	 * much. */
	size_t place;
	uint32_t share;
};

static void on_wake(struct isri_waiter *waiter)
{
	isri_task_resume(((struct waiter *)waiter)->task, ISRI_BAND_URGENT);
}

static void wait_init(struct wait *wait)
{
	size_t i;

	wait->self = isri_task_current();
	wait->waits = &isri_wake_of(wait->self->loop)->waits;
	for (i = 0; i < wait->n; i++) {
		wait->waiters[i] = (struct waiter){
			.waiter = {.is_told = true, .wake = on_wake},
			.task = wait->self,
		};
	}
}

static int check_flags(const struct wait *wait)
{
	size_t i;
	int r;

	for (i = 0; i < wait->n; i++) {
		r = isri_told_check(wait->flags[i], wait->waits);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool has_share(const struct wait *wait, size_t i)
{
	return isri_told_has_share(wait->flags[i], &wait->waiters[i].waiter);
}

static uint32_t take(const struct wait *wait, size_t i)
{
	return isri_told_take(wait->flags[i], &wait->waiters[i].waiter);
}

/*
 * The lowest one. From the highest down, so that when it has seen that one is
 * set and looks at a lower one, that is set as well or was not set before.
 * Others take their shares under the lock, so what there is stays.
 */
static bool take_any(struct wait *wait)
{
	size_t i = wait->n;

	wait->place = i;
	while (i-- > 0) {
		ISR_TEST_POINT("task-wait:look");
		if (has_share(wait, i))
			wait->place = i;
	}
	if (wait->place == wait->n)
		return false;
	wait->share = take(wait, wait->place);
	return true;
}

/* What it has of some is kept for it while it waits for the others. */
static bool take_all(struct wait *wait)
{
	struct isri_waiter *waiter;
	size_t i, n_left = 0;

	for (i = 0; i < wait->n; i++) {
		waiter = &wait->waiters[i].waiter;
		if (waiter->is_latched)
			continue;
		ISR_TEST_POINT("task-wait:look");
		if (!has_share(wait, i)) {
			n_left++;
			continue;
		}
		wait->share = take(wait, i);
		isri_told_leave(waiter);
		isri_told_latch(waiter, wait->flags[i], wait->share);
	}
	return n_left == 0;
}

static bool has_ended_flag(const struct wait *wait)
{
	size_t i;

	for (i = 0; i < wait->n; i++) {
		if (wait->waiters[i].waiter.result < 0)
			return true;
	}
	return false;
}

/* 1: it has what it waits for; 0: it goes on; or why not. */
static int decide(struct wait *wait, bool is_due)
{
	if (isri_task_is_cancelled(wait->self) || has_ended_flag(wait))
		return -ECANCELED;
	if (wait->is_all ? take_all(wait) : take_any(wait))
		return 1;
	return is_due ? -ETIMEDOUT : 0;
}

static void join(struct wait *wait)
{
	size_t i;

	for (i = 0; i < wait->n; i++) {
		if (!wait->waiters[i].waiter.is_latched)
			isri_told_join(&wait->waiters[i].waiter,
				       wait->flags[i]);
	}
}

/* Nothing of it is left in any circle. */
static void end(struct wait *wait, bool has_all)
{
	struct isri_waiter *waiter;
	size_t i;

	for (i = 0; i < wait->n; i++) {
		waiter = &wait->waiters[i].waiter;
		isri_told_leave(waiter);
		if (has_all)
			isri_told_keep(wait->waits, waiter);
		else
			isri_told_give_back(wait->waits, waiter);
	}
}

static int begin(struct wait *wait, int64_t timeout_ns)
{
	int r;

	pthread_mutex_lock(&wait->waits->lock);
	r = check_flags(wait);
	if (r == 0) {
		r = decide(wait, timeout_ns == 0);
		if (r == 0)
			join(wait);
		else
			end(wait, r > 0);
	}
	pthread_mutex_unlock(&wait->waits->lock);
	return r;
}

static int go_on(struct wait *wait, bool is_due)
{
	int r;

	pthread_mutex_lock(&wait->waits->lock);
	r = decide(wait, is_due);
	if (r != 0)
		end(wait, r > 0);
	pthread_mutex_unlock(&wait->waits->lock);
	return r;
}

/* 1, or a negative errno. */
static int run(struct wait *wait, int64_t timeout_ns)
{
	uint64_t due_ns;
	int r;

	wait_init(wait);
	r = begin(wait, timeout_ns);
	if (r > 0)
		isri_task_go_on(wait->self, timeout_ns);
	if (r != 0)
		return r;
	due_ns = isri_futex_deadline_ns(timeout_ns);
	do
		r = go_on(wait, isri_task_suspend_until(wait->self, due_ns));
	while (r == 0);
	return r;
}

int isr_wait(struct isr_flag *flag, int64_t timeout_ns)
{
	struct waiter waiter;
	struct wait wait = {.flags = &flag, .waiters = &waiter, .n = 1};
	int r;

	if (!flag || timeout_ns < ISR_FOREVER)
		return -EINVAL;
	r = isri_task_check_wait();
	if (r < 0)
		return r;
	r = run(&wait, timeout_ns);
	return r < 0 ? r : (int)wait.share;
}

static int check_many(struct isr_flag *const *flags, size_t n,
		      int64_t timeout_ns)
{
	size_t i;

	if (!flags || n < 1 || n > ISR_WAIT_MAX || timeout_ns < ISR_FOREVER)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (!flags[i])
			return -EINVAL;
	}
	return 0;
}

/* Whose count could not be there for both places. */
static bool has_one_twice(struct isr_flag *const *flags, size_t n)
{
	size_t i, j;

	for (i = 1; i < n; i++) {
		for (j = 0; j < i; j++) {
			if (flags[i] == flags[j])
				return true;
		}
	}
	return false;
}

/* Apart, so that the room for many is on a stack only where it is used. */
static __attribute__((noinline)) int run_few(struct wait *wait,
					     int64_t timeout_ns)
{
	struct waiter waiters[FEW];

	wait->waiters = waiters;
	return run(wait, timeout_ns);
}

static __attribute__((noinline)) int run_many(struct wait *wait,
					      int64_t timeout_ns)
{
	struct waiter waiters[ISR_WAIT_MAX];

	wait->waiters = waiters;
	return run(wait, timeout_ns);
}

static int run_some(struct wait *wait, int64_t timeout_ns)
{
	return wait->n <= FEW ? run_few(wait, timeout_ns)
			      : run_many(wait, timeout_ns);
}

int isr_wait_any(struct isr_flag *const *flags, size_t n, int64_t timeout_ns)
{
	struct wait wait = {.flags = flags, .n = n};
	int r;

	r = check_many(flags, n, timeout_ns);
	if (r < 0)
		return r;
	r = isri_task_check_wait();
	if (r < 0)
		return r;
	r = run_some(&wait, timeout_ns);
	return r < 0 ? r : (int)wait.place;
}

int isr_wait_all(struct isr_flag *const *flags, size_t n, int64_t timeout_ns)
{
	struct wait wait = {.flags = flags, .n = n, .is_all = true};
	int r;

	r = check_many(flags, n, timeout_ns);
	if (r < 0)
		return r;
	if (has_one_twice(flags, n))
		return -EINVAL;
	r = isri_task_check_wait();
	if (r < 0)
		return r;
	r = run_some(&wait, timeout_ns);
	return r < 0 ? r : 0;
}

/* Until it looks again, or its time is over. */
static int pause_until(uint64_t due_ns, uint64_t period_ns)
{
	uint64_t now_ns = isr_now_ns();
	uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;

	if (period_ns > left_ns)
		period_ns = left_ns;
	return isr_sleep((int64_t)isri_clock_limit_ns(period_ns));
}

/*
 * The first question begins here, the others with the task's turn. last_ns: the
 * one before; 0: there is none.
 */
static bool ask(struct isr_loop *loop, isr_wait_until_cb *cb, void *arg,
		uint64_t *last_ns)
{
	struct isri_polling *polling = &isri_loop_base(loop)->polling;
	uint64_t begin_ns =
		*last_ns ? isri_pass_get_begin_ns(loop) : isr_now_ns();
	bool answer = cb(arg);

	polling->probes++;
	polling->probe_ns += isr_now_ns() - begin_ns;
	if (*last_ns) {
		polling->rounds++;
		polling->round_ns += begin_ns - *last_ns;
	}
	*last_ns = begin_ns;
	return answer;
}

/* The last question is asked when the time is over, however late that is. */
static int ask_until(isr_wait_until_cb *cb, void *arg, uint64_t period_ns,
		     int64_t timeout_ns)
{
	uint64_t due_ns = isri_futex_deadline_ns(timeout_ns), last_ns = 0;
	struct isr_task *self = isri_task_current();
	bool is_due = timeout_ns == 0;
	int r;

	/* Not after it: the answer must be true when the wait is over. */
	isri_task_go_on(self, timeout_ns);
	if (isri_task_is_cancelled(self))
		return -ECANCELED;
	while (!ask(self->loop, cb, arg, &last_ns)) {
		if (is_due)
			return -ETIMEDOUT;
		r = pause_until(due_ns, period_ns);
		if (r < 0)
			return r;
		is_due = isr_now_ns() >= due_ns;
	}
	return 0;
}

int isr_wait_until(isr_wait_until_cb *cb, void *arg, uint64_t period_ns,
		   int64_t timeout_ns)
{
	int r;

	if (!cb || timeout_ns < ISR_FOREVER)
		return -EINVAL;
	r = isri_task_check_wait();
	if (r < 0)
		return r;
	return ask_until(cb, arg, period_ns, timeout_ns);
}
