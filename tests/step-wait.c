/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Interruption at every instruction: those who wait for a flag, and the loop
 * that delivers it to them.
 */
#include <errno.h>
#include <string.h>

#include "flag-wait.h"
#include "flag.h"
#include "step.h"

enum {
	STICKY = 1,
	SET = 2,      /* set already, and on the list */
	KEPT = 4,     /* set, then cleared while it was queued */
	ONE = 8,      /* somebody waits for it */
	TWO = 16,     /* and somebody else */
	LATE = 32,    /* they came when the flag's word was not 0 */
	VISITED = 64, /* a thread has not left it yet */
	TOLD = 128, /* the loop has seen that it is set, and nobody wanted it */
	EXCLUSIVE = 256,
	CALLBACK = 512,
	WOKEN = 1024, /* the loop has delivered it */
	FINISHED = 2048,
	TAKEN = 4096 /* a waiter that came then took what there was */
};

#define WAITERS 3

static struct isr_flag flag;
static struct isri_waiter waiters[WAITERS];
static bool is_waiting[WAITERS];
/* What each one got. */
static int results[WAITERS];
static unsigned int start;
static int result;

static bool is(int variant)
{
	return step_now->variant & variant;
}

static struct isri_waits *waits(void)
{
	return &step_wake.waits;
}

/* In a thread of its own, this would end the sleep. */
static void on_wake(struct isri_waiter *waiter)
{
	unsigned int i = (unsigned int)(waiter - waiters);

	step_expect(is_waiting[i]);
	step_equal(results[i], 0);
	is_waiting[i] = false;
	results[i] = waiter->result;
}

static int begin(unsigned int i)
{
	int r;

	memset(&waiters[i], 0, sizeof(waiters[i]));
	waiters[i].wake = on_wake;
	is_waiting[i] = true;
	r = isri_wait_begin(waits(), &waiters[i], &flag, true);
	if (r) {
		is_waiting[i] = false;
		results[i] = r;
	}
	return r;
}

static int end(unsigned int i)
{
	int r;

	if (!is_waiting[i])
		return results[i];
	r = isri_wait_end(waits(), &waiters[i]);
	is_waiting[i] = false;
	results[i] = r;
	return r;
}

static void set(void)
{
	start++;
	(isr_flag_set)(&flag);
}

static void on_flag(struct isr_flag *which, uint32_t count, void *arg)
{
	(void)which;
	(void)arg;
	results[0] += (int)count;
}

static void wait_before(void)
{
	if (is(ONE | TWO))
		step_equal(begin(1), 0);
	if (is(TWO))
		step_equal(begin(2), 0);
}

static void reset(void)
{
	struct isr_loop *loop = step_loop_init();

	memset(is_waiting, 0, sizeof(is_waiting));
	memset(results, 0, sizeof(results));
	start = 0;
	isr_flag_init(&flag, loop,
		      (is(STICKY) ? ISR_FLAG_STICKY : ISR_FLAG_AUTO) |
			      (is(EXCLUSIVE) ? ISR_FLAG_EXCLUSIVE : 0));
	if (is(CALLBACK))
		isr_flag_set_cb(&flag, on_flag, NULL);
	if (!is(LATE))
		wait_before();
	if (is(SET | KEPT)) {
		set();
		set();
	}
	if (is(KEPT)) {
		isr_flag_clear(&flag);
		start = 0;
	}
	if (is(LATE))
		wait_before();
	if (is(TOLD)) {
		set();
		isri_wake_deliver(&step_wake);
	}
	if (is(TAKEN))
		step_equal(begin(1), 1);
	if (is(VISITED))
		flag.visitors = 1;
	if (is(WOKEN))
		isri_wake_deliver(&step_wake);
	if (is(FINISHED))
		isr_flag_done(&flag);
}

static void handler_sets(void)
{
	(isr_flag_set)(&flag);
}

static unsigned int sets(void)
{
	return start + (step_now->handler == handler_sets ? step_handled() : 0);
}

static int sum(void)
{
	int total = 0, i;

	for (i = 0; i < WAITERS; i++) {
		if (results[i] > 0)
			total += results[i];
	}
	return total;
}

/* Nobody waits for what is there; each set is somebody's, once. */
static void check(void)
{
	int i;

	step_loop_settle();
	for (i = 0; i < WAITERS; i++)
		step_expect(!is_waiting[i] || !isr_flag_peek(&flag));
	if (is(STICKY))
		step_equal(isr_flag_peek(&flag), sets());
	else
		step_equal(sum() + isr_flag_peek(&flag), sets());

	/* Who still waits is served by the next sets, in order. */
	for (i = 0; i < WAITERS; i++)
		(isr_flag_set)(&flag);
	step_loop_settle();
	for (i = 0; i < WAITERS; i++)
		step_expect(!is_waiting[i]);
	step_expect(!flag.arg || flag.cb);
	step_expect(!waits()->late);
}

static void run_begin(void)
{
	result = begin(0);
}

static void check_begin(void)
{
	if (is(CALLBACK | EXCLUSIVE)) {
		step_equal(result, -EBUSY);
		results[0] = 0;
	} else {
		step_expect(result >= 0);
	}
	check();
}

/* Its time is over: it has its share, or has consumed nothing. */
static void run_end(void)
{
	result = end(1);
}

static void check_end(void)
{
	step_expect(result > 0 || result == -ETIMEDOUT);
	check();
}

static void run_deliver(void)
{
	isri_wake_deliver(&step_wake);
}

#define check_deliver check

/* Gives up, unless the loop holds the lock just now. */
static void handler_gives_up(void)
{
	if (pthread_mutex_trylock(&waits()->lock) != 0)
		return;
	pthread_mutex_unlock(&waits()->lock);
	end(1);
}

/* It was woken, and comes for what it got. */
static void run_come(void)
{
	result = isri_wait_end(waits(), &waiters[1]);
}

static void check_come(void)
{
	step_equal(result, 2);
	check();
}

/* Whoever waits is told, and nobody is forgotten. */
static void run_done(void)
{
	result = isr_flag_done(&flag);
}

static void check_done(void)
{
	int i;

	step_equal(result, 0);
	step_expect(!flag.wake);
	for (i = 0; i < WAITERS; i++)
		step_expect(!is_waiting[i]);
	step_equal(results[1], is(ONE | TWO) ? -ECANCELED : 0);
	step_equal(results[2], is(TWO) ? -ECANCELED : 0);
	step_equal(begin(0), -ECANCELED);
	isri_wake_finish_flags(&step_wake);
}

static void handler_leaves(void)
{
	flag.visitors = 0;
}

static void run_set_cb(void)
{
	result = isr_flag_set_cb(&flag, on_flag, NULL);
}

static void check_set_cb(void)
{
	step_equal(result, -EBUSY);
	check();
}

static void run_try(void)
{
	struct isri_waiter waiter = {.wake = on_wake};

	result = isri_wait_begin(waits(), &waiter, &flag, false);
}

static void check_try(void)
{
	if (result == -ETIMEDOUT)
		result = 0;
	step_expect(result >= 0);
	results[0] = result;
	check();
}

static void check_begin_finished(void)
{
	step_equal(result, -ECANCELED);
}

#define run_begin_finished run_begin

static void run_finish_flags(void)
{
	isri_wake_finish_flags(&step_wake);
	result = 0;
}

/* The lock is gone as well. */
static void check_finish_flags(void)
{
	step_expect(!step_wake.all);
	step_expect(!flag.wake);
	step_expect(!is_waiting[1]);
	step_equal(results[1], is(ONE) ? -ECANCELED : 0);
}

#define SCENARIO(text, operation, what, ...)                                   \
	{                                                                      \
		.name = "wait: " text, .reset = reset, .run = run_##operation, \
		.check = check_##operation, .variant = (what), __VA_ARGS__     \
	}
#define SET_OVER(text, operation, what) \
	SCENARIO("set over " text, operation, what, .handler = handler_sets)

const struct step_scenario step_wait_scenarios[] = {
	SET_OVER("begin", begin, 0),
	SET_OVER("begin, set", begin, SET),
	SET_OVER("begin, cleared", begin, KEPT),
	SET_OVER("begin, told", begin, TOLD),
	SET_OVER("begin, told and taken", begin, TOLD | TAKEN),
	SET_OVER("begin, sticky", begin, STICKY),
	SET_OVER("begin, sticky and set", begin, STICKY | SET),
	SET_OVER("begin, behind another", begin, ONE),
	SET_OVER("begin, behind two", begin, TWO | SET),
	SET_OVER("begin, exclusive", begin, ONE | EXCLUSIVE),
	SET_OVER("begin, there is a callback", begin, CALLBACK),
	SET_OVER("a try", try, 0),
	SET_OVER("end", end, ONE),
	SET_OVER("end, set", end, ONE | SET),
	SET_OVER("end, late", end, ONE | KEPT | LATE),
	SET_OVER("end, of two", end, TWO),
	SET_OVER("end, of two late ones", end, TWO | KEPT | LATE),
	SET_OVER("end, sticky", end, ONE | STICKY),
	SET_OVER("deliver, one", deliver, ONE | SET),
	SET_OVER("deliver, two", deliver, TWO | SET),
	SET_OVER("deliver, two, sticky", deliver, TWO | SET | STICKY),
	SET_OVER("deliver, sticky and cleared", deliver, ONE | KEPT | STICKY),
	SET_OVER("deliver, late", deliver, TWO | KEPT | LATE),
	SCENARIO("a waiter gives up over deliver", deliver, ONE | SET,
		 .handler = handler_gives_up, .is_thread = true),
	SCENARIO("a waiter gives up over deliver, sticky", deliver,
		 ONE | SET | STICKY, .handler = handler_gives_up,
		 .is_thread = true),
	SCENARIO("a waiter gives up over deliver, cleared", deliver, ONE | KEPT,
		 .handler = handler_gives_up, .is_thread = true),
	SET_OVER("end, woken", come, ONE | SET | WOKEN),
	SET_OVER("begin, finished", begin_finished, FINISHED),
	SET_OVER("the end of all", finish_flags, ONE),
	SCENARIO("a thread leaves over the end of all", finish_flags, VISITED,
		 .handler = handler_leaves, .nap = handler_leaves,
		 .is_thread = true),
	SET_OVER("done", done, ONE),
	SET_OVER("done, two", done, TWO | SET),
	SET_OVER("done, there is a callback", done, CALLBACK),
	SCENARIO("a thread leaves over done", done, VISITED,
		 .handler = handler_leaves, .nap = handler_leaves,
		 .is_thread = true),
	SET_OVER("set_cb, somebody waits", set_cb, ONE),
	{.name = NULL},
};
