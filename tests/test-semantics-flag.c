/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What MicroPython's tests say of a ThreadSafeFlag, as traces: the four cases
 * of asyncio_threadsafeflag.py, and what two waiters, two sets, a clear and a
 * cancelled wait do. Each is set from each context. A task is a thread that
 * waits; a yield is a pass of the loop.
 *
 * MicroPython resumes a waiter behind all that is ready; here it is released
 * by the next pass. So there is a second golden trace where that shows.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "wake.h"
#include "xt-pin.h"
#include "xt-wait.h"

enum context {
	FROM_LOOP,
	FROM_SCHEDULE,
	FROM_SIGNAL_HANDLER,
	FROM_THREAD,
	FROM_IRQ_THREAD,
	N_CONTEXTS
};

/* What a handler counts that does not run in ISR context. */
#define MISPLACED 1000

static struct isr_flag flag;
static atomic_uint n_set_by_handler;
static char trace[512];
static pthread_mutex_t trace_lock = PTHREAD_MUTEX_INITIALIZER;

static void say(const char *token)
{
	pthread_mutex_lock(&trace_lock);
	if (trace[0])
		strcat(trace, "/");
	ck_assert_uint_lt(strlen(trace) + strlen(token), sizeof(trace) - 1);
	strcat(trace, token);
	pthread_mutex_unlock(&trace_lock);
}

/*
 * Contexts
 */

static int set_in_handler(struct isr_source *source,
			  const struct isr_event *event, void *arg)
{
	isr_flag_set(&flag);
	/* No assertion here: it allocates. */
	atomic_fetch_add(&n_set_by_handler, isr_in_context() ? 1 : MISPLACED);
	return 0;
}

static void set_on_the_loop(void *arg)
{
	isr_flag_set(&flag);
}

/* Ends the run before the loop comes to the flag. */
static void stop_and_set(void *arg)
{
	isr_loop_stop(loop);
	isr_flag_set(&flag);
}

static void *set_in_thread(void *arg)
{
	isr_flag_set(&flag);
	return NULL;
}

static void await_handler(unsigned int n_before)
{
	xt_wait_until(atomic_load(&n_set_by_handler) != n_before);
	ck_assert_uint_lt(n_set_by_handler, MISPLACED);
}

/* When it returns the flag was set, and the loop has not delivered it. */
static void set_from(enum context context)
{
	unsigned int n = n_set_by_handler, count = isr_flag_peek(&flag);
	pthread_t thread;

	switch (context) {
	case FROM_SCHEDULE:
		xt_ok(isr_schedule(loop, stop_and_set, NULL));
		while (isr_flag_peek(&flag) == count)
			ck_assert_int_ge(isr_loop_dispatch(loop), 0);
		break;
	case FROM_SIGNAL_HANDLER:
		raise(SIGUSR1);
		await_handler(n);
		break;
	case FROM_THREAD:
		pthread_create(&thread, NULL, set_in_thread, NULL);
		pthread_join(thread, NULL);
		break;
	case FROM_IRQ_THREAD:
		xt_edges(0, 1);
		await_handler(n);
		break;
	default:
		set_on_the_loop(NULL);
	}
	ck_assert_uint_eq(isr_flag_peek(&flag), count + 1);
}

static void setup(void)
{
	const struct isr_source_options hard = {.hard = true};
	struct isr_pin_config pin;
	struct isr_source *source;

	xt_chip_setup();
	xt_n_ended = 0;
	n_set_by_handler = 0;
	trace[0] = '\0';
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_signal_open(loop, SIGUSR1, &hard, set_in_handler, NULL,
			      &source));
	pin = xt_pin("A", XT_HARD);
	xt_ok(isr_pin_open(loop, &pin, set_in_handler, NULL, &source, NULL));
}

/*
 * Tasks
 */

struct task {
	const char *name;
	struct xt_waiter waiter;
	char done[40];
};

static struct task tasks[2];

static void *run_task(void *arg)
{
	struct task *task = arg;

	say(task->name);
	xt_wait_in_thread(&task->waiter);
	if (task->waiter.result == 1)
		snprintf(task->done, sizeof(task->done), "%s done", task->name);
	else
		snprintf(task->done, sizeof(task->done), "%s got %d",
			 task->name, task->waiter.result);
	return NULL;
}

static void start(struct task *task, const char *name)
{
	*task = (struct task){
		.name = name,
		.waiter = {.flag = &flag, .timeout_ns = ISR_FOREVER},
	};
	ck_assert_int_eq(
		pthread_create(&task->waiter.thread, NULL, run_task, task), 0);
}

/* It waits, and does not have what it waits for, before this returns. */
static void start_and_block(struct task *task, const char *name)
{
	unsigned int n = xt_n_waiting(&flag);

	start(task, name);
	xt_await_waiting(&flag, n + 1);
}

/* As "await task", which it says before. */
static void join(struct task *task)
{
	xt_wait_join(&task->waiter);
	say(task->done);
}

static void set(enum context context)
{
	say("set event");
	set_from(context);
}

/*
 * asyncio_threadsafeflag.py
 */

START_TEST(threadsafeflag_set_while_a_task_waits)
{
	say("yield");
	start_and_block(&tasks[0], "task 1");
	set(_i);
	say("yield");
	say("wait task");
	join(&tasks[0]);

	ck_assert_str_eq(trace, "yield/task 1/set event/yield/wait task/"
				"task 1 done");
}
END_TEST

START_TEST(threadsafeflag_set_is_delivered_by_the_next_pass)
{
	say("yield");
	start_and_block(&tasks[0], "task 1");
	set(_i);
	say("yield");
	xt_assert_served(&flag);
	join(&tasks[0]);
	say("wait task");

	ck_assert_str_eq(trace, "yield/task 1/set event/yield/task 1 done/"
				"wait task");
}
END_TEST

START_TEST(threadsafeflag_set_before_the_wait)
{
	set(_i);
	say("yield");
	xt_dispatch();
	start(&tasks[0], "task 3");
	/* Nobody runs the loop for it. */
	pthread_join(tasks[0].waiter.thread, NULL);
	say(tasks[0].done);
	say("wait task");

	ck_assert_str_eq(trace, "set event/yield/task 3/task 3 done/wait task");
}
END_TEST

START_TEST(threadsafeflag_cleared_before_the_wait)
{
	set(_i);
	say("yield");
	xt_dispatch();
	say("clear event");
	xt_ok(isr_flag_clear(&flag));
	say("yield");
	xt_dispatch();
	say("yield");
	start_and_block(&tasks[0], "task 4");
	xt_dispatch();
	ck_assert_uint_eq(xt_n_waiting(&flag), 1);
	set(_i);
	say("yield");
	say("wait task");
	join(&tasks[0]);

	ck_assert_str_eq(trace, "set event/yield/clear event/yield/yield/"
				"task 4/set event/yield/wait task/task 4 done");
}
END_TEST

/*
 * Where ThreadSafeFlag loses a waiter, or a set
 */

START_TEST(two_waiters_are_released_by_two_sets_in_order)
{
	start_and_block(&tasks[0], "first");
	start_and_block(&tasks[1], "second");
	set(_i);
	xt_dispatch();
	ck_assert_uint_eq(xt_n_waiting(&flag), 1);
	join(&tasks[0]);
	set(_i);
	xt_assert_served(&flag);
	join(&tasks[1]);

	ck_assert_str_eq(trace, "first/second/set event/first done/"
				"set event/second done");
}
END_TEST

START_TEST(set_and_set_again_before_the_wait_is_one_release)
{
	set(_i);
	set(_i);
	start(&tasks[0], "task");
	pthread_join(tasks[0].waiter.thread, NULL);
	say(tasks[0].done);
	start_and_block(&tasks[0], "blocks");
	xt_dispatch();
	ck_assert_uint_eq(xt_n_waiting(&flag), 1);
	set(_i);
	join(&tasks[0]);

	ck_assert_str_eq(trace, "set event/set event/task/task got 2/blocks/"
				"set event/blocks done");
}
END_TEST

START_TEST(set_then_clear_blocks)
{
	set(_i);
	xt_ok(isr_flag_clear(&flag));
	start_and_block(&tasks[0], "blocks");
	xt_dispatch();
	ck_assert_uint_eq(xt_n_waiting(&flag), 1);
	set(_i);
	join(&tasks[0]);

	ck_assert_str_eq(trace, "set event/blocks/set event/blocks done");
}
END_TEST

START_TEST(cancelled_wait_leaves_the_flag_set)
{
	xt_fails_with(ETIMEDOUT, xt_wait_elsewhere(&flag, 1));
	set(_i);
	xt_dispatch();
	ck_assert_uint_eq(isr_flag_peek(&flag), 1);
	start(&tasks[0], "next");
	pthread_join(tasks[0].waiter.thread, NULL);
	say(tasks[0].done);

	ck_assert_str_eq(trace, "set event/next/next done");
	ck_assert_uint_eq(isr_flag_peek(&flag), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("semantics of a flag");
	TCase *tc = xt_case(suite, "asyncio_threadsafeflag");

	tcase_add_checked_fixture(tc, setup, xt_chip_teardown);
	tcase_add_loop_test(tc, threadsafeflag_set_while_a_task_waits, 0,
			    N_CONTEXTS);
	tcase_add_loop_test(tc,
			    threadsafeflag_set_is_delivered_by_the_next_pass, 0,
			    N_CONTEXTS);
	tcase_add_loop_test(tc, threadsafeflag_set_before_the_wait, 0,
			    N_CONTEXTS);
	tcase_add_loop_test(tc, threadsafeflag_cleared_before_the_wait, 0,
			    N_CONTEXTS);

	tc = xt_case(suite, "beyond");
	tcase_add_checked_fixture(tc, setup, xt_chip_teardown);
	tcase_add_loop_test(tc, two_waiters_are_released_by_two_sets_in_order,
			    0, N_CONTEXTS);
	tcase_add_loop_test(tc,
			    set_and_set_again_before_the_wait_is_one_release, 0,
			    N_CONTEXTS);
	tcase_add_loop_test(tc, set_then_clear_blocks, 0, N_CONTEXTS);
	tcase_add_loop_test(tc, cancelled_wait_leaves_the_flag_set, 0,
			    N_CONTEXTS);
	return xt_main(suite);
}
