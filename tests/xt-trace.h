/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Helpers of the tests that compare what tasks did, in one string, with what
 * MicroPython's tests of asyncio expect.
 *
 * Time is not the machine's: the clock goes on a little each time that it is
 * read, and when the loop would sleep, to where it would wake up. So however
 * busy the machine is, a trace of sleeps is always the same, and takes no
 * time. A program that includes this is linked with --wrap for isr_now_ns and
 * timerfd_settime.
 */
#ifndef XT_TRACE_H
#define XT_TRACE_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/timerfd.h>

#include <isrloop.h>

#include "xt.h"

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)

static struct isr_loop *loop;
static char trace[2048];

/*
 * The clock
 */

#define READING_NS 100

static _Atomic uint64_t clock_ns = SECOND;

extern uint64_t __wrap_isr_now_ns(void);
extern int __real_timerfd_settime(int fd, int flags,
				  const struct itimerspec *value,
				  struct itimerspec *old);
extern int __wrap_timerfd_settime(int fd, int flags,
				  const struct itimerspec *value,
				  struct itimerspec *old);

uint64_t __wrap_isr_now_ns(void)
{
	return atomic_fetch_add(&clock_ns, READING_NS);
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value,
			   struct itimerspec *old)
{
	struct itimerspec past = {.it_value = {.tv_nsec = 1}};
	uint64_t due_ns = (uint64_t)value->it_value.tv_sec * SECOND +
			  (uint64_t)value->it_value.tv_nsec;

	if (due_ns == 0)
		return __real_timerfd_settime(fd, flags, value, old);
	if (due_ns > clock_ns)
		clock_ns = due_ns;
	return __real_timerfd_settime(fd, flags, &past, old);
}

/*
 * The trace: words and numbers, with a blank between what was said at a time
 */

static inline void __attribute__((format(printf, 1, 2)))
say(const char *format, ...)
{
	size_t n = strlen(trace);
	va_list args;

	if (n)
		trace[n++] = ' ';
	va_start(args, format);
	n += (size_t)vsnprintf(trace + n, sizeof(trace) - n, format, args);
	va_end(args);
	ck_assert_uint_lt(n, sizeof(trace));
}

static inline void say_whether(bool is)
{
	say("%s", is ? "True" : "False");
}

/*
 * The loop
 */

static inline void trace_setup_with(const struct isr_loop_config *config)
{
	xt_ok(isr_loop_new(config, &loop));
	xt_ok(isr_loop_set_log_cb(loop, xt_log, NULL));
	memset(trace, 0, sizeof(trace));
}

static inline void trace_setup(void)
{
	trace_setup_with(NULL);
}

static inline void trace_teardown(void)
{
	xt_ok(isr_loop_free(loop));
	loop = NULL;
}

/* create_task() of one that nobody awaits. */
static inline void go(isr_task_cb *fn, void *arg)
{
	xt_ok(isr_spawn(loop, NULL, fn, arg, NULL));
}

/* create_task() */
static inline struct isr_task *create(isr_task_cb *fn, void *arg)
{
	struct isr_task *task = NULL;

	xt_ok(isr_spawn(loop, NULL, fn, arg, &task));
	return task;
}

static isr_task_cb *main_fn;

static inline int call_main(void *arg)
{
	int r = main_fn(arg);

	isr_loop_stop(loop);
	return r;
}

/* run(): to the end of the main task, not of those that it has made. */
static inline void run_main(isr_task_cb *fn, void *arg)
{
	main_fn = fn;
	go(call_main, arg);
	xt_ok(isr_loop_run(loop));
}

static inline uint64_t count_tasks(void)
{
	struct isr_loop_stats stats;

	xt_ok(isr_loop_get_stats(loop, &stats));
	return stats.tasks;
}

static inline void yield(void)
{
	xt_ok(isr_yield());
}

static inline void yield_times(int n)
{
	while (n--)
		yield();
}

static inline void doze(int64_t ns)
{
	xt_ok(isr_sleep(ns));
}

/*
 * await: who is cancelled meanwhile has the other cancelled, and goes on with
 * what became of that. The result of the task.
 */
static inline int await_task(struct isr_task *task)
{
	int r, result = 0;

	r = isr_join(task, &result, ISR_FOREVER);
	if (r == -ECANCELED) {
		xt_ok(isr_uncancel());
		xt_ok(isr_cancel(task));
		r = isr_join(task, &result, ISR_FOREVER);
	}
	xt_ok(r);
	return result;
}

#endif /* XT_TRACE_H */
