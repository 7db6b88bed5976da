/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Interruption at every instruction: those who wait for a flag, and the loop
 * that delivers it to them.
 */
#include <errno.h>
#include <string.h>

#include <isrloop/hist.h>

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
	TAKEN = 4096,	  /* a waiter that came then took what there was */
	TASKS = 8192,	  /* those that wait are tasks */
	TASK = 16384,	  /* who begins is one */
	BEHIND = 65536,	  /* only the second of two that wait is a task */
	LATCHED = 32768,  /* a task has its share, and may give it back */
	BETWEEN = 131072, /* so have two others, of another flag as well */
	FULL = 262144,	  /* the flag cannot count more */
	TIMED = 524288	  /* how long sets wait is measured */
};

#define WAITERS 3

static struct isr_flag flag, other;
static struct isr_hist hist;
static struct isri_waiter waiters[WAITERS];
static bool is_waiting[WAITERS];
/* Tasks: woken, and not run since. */
static bool is_due[WAITERS];
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

	if (waiter->is_told) {
		is_due[i] = true;
		return;
	}
	step_expect(is_waiting[i]);
	step_equal(results[i], 0);
	is_waiting[i] = false;
	results[i] = waiter->result;
}

static int begin_told(unsigned int i)
{
	int r;

	waiters[i].is_told = true;
	pthread_mutex_lock(&waits()->lock);
	r = isri_told_check(&flag, waits());
	if (r == 0 && isri_told_has_share(&flag, &waiters[i]))
		r = (int)isri_told_take(&flag, &waiters[i]);
	if (r == 0)
		isri_told_join(&waiters[i], &flag);
	pthread_mutex_unlock(&waits()->lock);
	return r;
}

static int begin(unsigned int i)
{
	int r;

	memset(&waiters[i], 0, sizeof(waiters[i]));
	waiters[i].wake = on_wake;
	is_waiting[i] = true;
	if (is(i == 0 ? TASK : i == 2 ? TASKS | BEHIND : TASKS))
		r = begin_told(i);
	else
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

/* A task runs; cancelled, it consumes nothing. */
static int look(unsigned int i, bool is_cancelled)
{
	int r;

	is_due[i] = false;
	pthread_mutex_lock(&waits()->lock);
	r = waiters[i].result;
	if (!r && !is_cancelled && isri_told_has_share(&flag, &waiters[i]))
		r = (int)isri_told_take(&flag, &waiters[i]);
	if (r || is_cancelled) {
		isri_told_leave(&waiters[i]);
		is_waiting[i] = false;
		results[i] = r;
	}
	pthread_mutex_unlock(&waits()->lock);
	return r;
}

/* The loop runs what it has woken, until all of it sleeps. */
static void settle(void)
{
	bool any;
	unsigned int i;

	do {
		step_loop_settle();
		any = false;
		for (i = 0; i < WAITERS; i++) {
			if (!is_due[i])
				continue;
			any = true;
			if (is_waiting[i])
				look(i, false);
			is_due[i] = false;
		}
	} while (any);
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

static void latch_before(void)
{
	static struct isri_waiter others[2];

	isr_flag_init(&other, (struct isr_loop *)&step_head, ISR_FLAG_AUTO);
	if (is(BETWEEN))
		isri_told_latch(&others[0], &other, 1);
	isri_told_latch(&waiters[0], &flag, (uint32_t)begin(0));
	results[0] = 0;
	if (is(BETWEEN)) {
		set();
		isri_told_latch(&waiters[2], &flag, (uint32_t)begin(2));
		isri_told_latch(&others[1], &other, 1);
	}
	if (!is(FINISHED))
		step_equal(begin(1), 0);
	if (is(FULL)) {
		step_equal(flag.state, ISRI_FLAG_UNSEEN);
		flag.word = ISR_FLAG_COUNT_MAX;
	}
}

static void reset(void)
{
	struct isr_loop *loop = step_loop_init();

	memset(is_waiting, 0, sizeof(is_waiting));
	memset(is_due, 0, sizeof(is_due));
	memset(results, 0, sizeof(results));
	start = 0;
	isr_flag_init(&flag, loop,
		      (is(STICKY) ? ISR_FLAG_STICKY : ISR_FLAG_AUTO) |
			      (is(EXCLUSIVE) ? ISR_FLAG_EXCLUSIVE : 0));
	if (is(CALLBACK))
		isr_flag_set_cb(&flag, on_flag, NULL);
	memset(&hist, 0, sizeof(hist));
	if (is(TIMED))
		isr_flag_set_hist(&flag, &hist);
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
	if (is(TAKEN)) {
		/* By a thread: the word is kept. */
		memset(&waiters[1], 0, sizeof(waiters[1]));
		results[1] =
			isri_wait_begin(waits(), &waiters[1], &flag, false);
		step_equal(results[1], 1);
	}
	if (is(LATCHED))
		latch_before();
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

	settle();
	for (i = 0; i < WAITERS; i++)
		step_expect(!is_waiting[i] || !isr_flag_peek(&flag));
	if (is(STICKY))
		step_equal(isr_flag_peek(&flag), sets());
	else
		step_equal(sum() + isr_flag_peek(&flag), sets());

	/* Each delivery was measured; of those that were cleared, none. */
	step_expect(!is(TIMED) ||
		    (hist.count >= is(SET) && hist.count <= sets()));

	/* Who still waits is served by the next sets, in order. */
	for (i = 0; i < WAITERS; i++)
		(isr_flag_set)(&flag);
	settle();
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

/* A task goes on: it was woken, or was not. */
static void run_look(void)
{
	result = look(1, false);
}

#define check_look check

/* One that was cancelled. */
static void run_cancel(void)
{
	result = look(1, true);
}

static void check_cancel(void)
{
	step_equal(result, 0);
	check();
}

/* One behind another, which has not run yet. */
static void run_look_behind(void)
{
	result = look(2, false);
}

#define check_look_behind check

/* Its flag has ended. */
static void run_look_finished(void)
{
	result = look(1, false);
}

static void check_look_finished(void)
{
	step_equal(result, -ECANCELED);
}

static void run_give_back(void)
{
	isri_told_give_back(waits(), &waiters[0]);
}

static void check_give_back(void)
{
	step_expect(!waiters[0].result && !waiters[0].next);
	if (is(FULL)) {
		step_equal(flag.word, ISR_FLAG_COUNT_MAX);
	} else if (is(FINISHED)) {
		step_equal(flag.word & ISRI_FLAG_COUNT_MASK, step_handled());
	} else if (is(BETWEEN)) {
		step_expect(waits()->latched->next == &waiters[2]);
		isri_told_keep(waits(), &waiters[2]);
		check();
	} else {
		step_expect(!waits()->latched);
		check();
	}
}

static void run_done_latched(void)
{
	result = isr_flag_done(&flag);
}

static void check_done_latched(void)
{
	step_equal(result, 0);
	step_expect(!waiters[0].result && !waiters[2].result);
	step_equal(!waits()->latched, !is(BETWEEN));
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
	settle();
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
#define GIVE_UP_OVER(text, what)                                \
	SCENARIO("a waiter gives up over " text, deliver, what, \
		 .handler = handler_gives_up, .is_thread = true)

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
	GIVE_UP_OVER("deliver", ONE | SET),
	GIVE_UP_OVER("deliver, sticky", ONE | SET | STICKY),
	GIVE_UP_OVER("deliver, cleared", ONE | KEPT),
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
	SET_OVER("a task's begin", begin, TASK),
	SET_OVER("a task's begin, set", begin, TASK | SET),
	SET_OVER("a task's begin, cleared", begin, TASK | KEPT),
	SET_OVER("a task's begin, told", begin, TASK | TOLD),
	SET_OVER("a task's begin, told and taken", begin, TASK | TOLD | TAKEN),
	SET_OVER("a task's begin, sticky", begin, TASK | STICKY),
	SET_OVER("a task's begin, behind a thread", begin, TASK | ONE),
	SET_OVER("a task's begin, behind two", begin, TASK | TASKS | TWO | SET),
	SET_OVER("a task's look", look, TASKS | ONE),
	SET_OVER("a task's look, set", look, TASKS | ONE | SET),
	SET_OVER("a task's look, woken", look, TASKS | ONE | SET | WOKEN),
	SET_OVER("a task's look, before another", look,
		 TASKS | TWO | SET | WOKEN),
	SET_OVER("a task's look, sticky", look,
		 TASKS | TWO | STICKY | SET | WOKEN),
	SET_OVER("a task's cancel", cancel, TASKS | ONE),
	SET_OVER("a task's cancel, woken", cancel, TASKS | ONE | SET | WOKEN),
	SET_OVER("a task's cancel, before another", cancel,
		 TASKS | TWO | SET | WOKEN),
	SET_OVER("give back", give_back, TASK | SET | LATCHED),
	SET_OVER("give back, a task waits", give_back,
		 TASK | TASKS | SET | LATCHED),
	SET_OVER("a task's look, behind one", look_behind, TASKS | TWO | SET),
	SET_OVER("a task's look, finished", look_finished,
		 TASKS | ONE | FINISHED),
	SET_OVER("give back, between others", give_back,
		 TASK | TASKS | SET | LATCHED | BETWEEN),
	SET_OVER("give back, full", give_back,
		 TASK | TASKS | SET | LATCHED | FULL),
	SET_OVER("give back, finished", give_back,
		 TASK | SET | LATCHED | FINISHED),
	SET_OVER("done, latched", done_latched, TASK | TASKS | SET | LATCHED),
	SET_OVER("done, latched between others", done_latched,
		 TASK | TASKS | SET | LATCHED | BETWEEN),
	SET_OVER("give back, told", give_back, TASK | TASKS | TOLD | LATCHED),
	SET_OVER("deliver, timed", deliver, ONE | SET | TIMED),
	SET_OVER("deliver, cleared and timed", deliver, ONE | KEPT | TIMED),
	SET_OVER("deliver, a task", deliver, TASKS | ONE | SET),
	SET_OVER("deliver, two tasks", deliver, TASKS | TWO | SET),
	SET_OVER("deliver, a thread and a task", deliver, BEHIND | TWO | SET),
	SET_OVER("deliver, two tasks, sticky", deliver,
		 TASKS | TWO | SET | STICKY),
	SET_OVER("done, two tasks", done, TASKS | TWO | SET),
	{.name = NULL},
};
