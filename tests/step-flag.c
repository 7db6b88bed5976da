/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Interruption at every instruction: flags. */
#include <errno.h>
#include <string.h>

#include <isrloop/hist.h>

#include "context.h"
#include "flag.h"
#include "step.h"

enum {
	ARMED = 1, /* the loop sleeps, or is about to */
	STICKY = 2,
	SET = 4,   /* set already, and on the list */
	READY = 8, /* and taken from it */
	NO_CALLBACK = 16,
	FORGOTTEN = 32, /* set, then cleared while it was queued */
	FULL = 64,	/* saturated */
	NEARLY_FULL = 128,
	OVER_FULL = 256, /* setters are about to take back */
	TOLD = 512,	 /* by the loop, that did not consume it */
	OTHERS = 1024,	 /* there are more flags, before and behind it */
	ZEROED = 2048,	 /* never initialised */
	FINISHED = 4096,
	HALF = 8192,	/* a setter in another thread is half-way */
	KICKER = 16384, /* and this one is about to write */
	TIMED = 32768,	/* how long sets wait is measured */
	EDGE = 65536,	/* since the event of whose handler sets it */
	AHEAD = 131072	/* which is stamped ahead of its time */
};

static struct isr_flag flag, before, behind;
static struct isr_hist hist;
static uint64_t delivered, delivered_others, start;
static unsigned int calls;
static int result;
static bool half;

static bool is(int variant)
{
	return step_now->variant & variant;
}

static void on_flag(struct isr_flag *which, uint32_t count, void *arg)
{
	(void)which;
	(void)arg;
	step_expect(count > 0);
	delivered += count;
	calls++;
}

static void on_other(struct isr_flag *which, uint32_t count, void *arg)
{
	(void)which;
	(void)arg;
	delivered_others += count;
}

static void set_times(unsigned int n)
{
	start += n;
	while (n--)
		isr_flag_set(&flag);
}

static void init_other(struct isr_flag *other)
{
	isr_flag_init(other, (struct isr_loop *)&step_head, ISR_FLAG_AUTO);
	isr_flag_set_cb(other, on_other, NULL);
	isr_flag_set(other);
}

/* The state that the operation finds. */
static void prepare(void)
{
	if (is(SET | FORGOTTEN))
		set_times(2);
	if (is(FORGOTTEN)) {
		isr_flag_clear(&flag);
		start = 0;
	}
	if (is(TOLD)) {
		isr_flag_set_cb(&flag, NULL, NULL);
		set_times(1);
		isri_wake_deliver(&step_wake);
	}
	if (is(FULL | NEARLY_FULL | OVER_FULL)) {
		set_times(1);
		start = ISR_FLAG_COUNT_MAX - is(NEARLY_FULL);
		flag.word = (uint32_t)start + (is(OVER_FULL) ? 2 : 0);
	}
	if (is(HALF)) {
		flag.word = 1;
		start = 1;
		half = true;
	}
}

static void reset(void)
{
	struct isr_loop *loop = step_loop_init();

	delivered = delivered_others = start = 0;
	calls = 0;
	half = false;
	memset(&flag, 0, sizeof(flag));
	if (is(OTHERS))
		init_other(&before);
	if (!is(ZEROED)) {
		isr_flag_init(&flag, loop,
			      is(STICKY) ? ISR_FLAG_STICKY : ISR_FLAG_AUTO);
		if (!is(NO_CALLBACK))
			isr_flag_set_cb(&flag, on_flag, NULL);
	}
	memset(&hist, 0, sizeof(hist));
	if (is(TIMED))
		isr_flag_set_hist(&flag, &hist);
	if (is(EDGE))
		isr_flag_set_edge_hist(&flag, &hist);
	prepare();
	if (is(OTHERS))
		init_other(&behind);
	if (is(READY))
		isri_wake_collect(&step_wake);
	if (is(FINISHED))
		isr_flag_done(&flag);
	if (is(KICKER)) {
		half = true;
		atomic_store(&step_wake.kickers, 1);
	}
	if (is(ARMED))
		step_loop_arm();
}

/* Whatever happened: the flag still does what flags do. */
static void check_alive(void)
{
	uint64_t old = delivered;

	isr_flag_set_cb(&flag, on_flag, NULL);
	isr_flag_clear(&flag);
	step_loop_settle();
	step_equal(delivered, old);
	isr_flag_set(&flag);
	step_loop_settle();
	step_equal(delivered, old + 1);
	step_expect(!step_wake.ready);
	step_equal(atomic_load(&step_wake.kickers), 0);
}

static void handler_sets(void)
{
	(isr_flag_set)(&flag);
}

/* Sets by the handler. */
static unsigned int sets_over(void)
{
	return step_now->handler == handler_sets ? step_handled() : 0;
}

/* Each set is delivered or taken, once. */
static void check_sum(uint64_t taken, unsigned int sets)
{
	step_loop_settle();
	if (!flag.cb)
		taken += isr_flag_peek(&flag);
	step_equal(delivered + taken, start + sets + sets_over());
	check_alive();
}

/* The function, not the inline form. */
static void run_set(void)
{
	(isr_flag_set)(&flag);
}

/* Each delivery was measured, once. */
static void check_hist(void)
{
	step_loop_settle();
	if (is(TIMED | EDGE))
		step_equal(hist.count, calls);
}

static void check_set(void)
{
	if (!step_now->is_thread) {
		/* One write a sleep, however many sets. */
		step_equal(step_loop_kicks(), is(ARMED));
		step_equal(isr_flag_peek(&flag), start + 1 + sets_over());
		step_loop_settle();
		step_equal(calls, 1);
	}
	check_hist();
	check_sum(0, 1);
}

/* As in a handler; what it does is its own. */
static void run_set_in_handler(void)
{
	struct isri_frame frame;

	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL,
			   (struct isr_loop *)&step_head, NULL);
	frame.event_ns = is(AHEAD) ? UINT64_MAX : 1;
	(isr_flag_set)(&flag);
	isri_context_leave(&frame);
}

#define check_set_in_handler check_set

/* The form that programs have inline, as a function that can be named. */
__attribute__((noinline)) void step_set_inline(struct isr_flag *which)
{
	isr_flag_set(which);
}

static void run_set_inline(void)
{
	step_set_inline(&flag);
}

#define check_set_inline check_set

#define run_set_full run_set
#define run_set_full_loop run_set
#define run_set_dead run_set
#define run_set_inline_full run_set_inline
#define check_set_inline_full check_set_full

static void check_set_full(void)
{
	step_equal(isr_flag_peek(&flag), ISR_FLAG_COUNT_MAX);
	step_equal(flag.word & ISRI_FLAG_KEPT, 0);
	step_loop_settle();
	step_equal(delivered, ISR_FLAG_COUNT_MAX);
	check_alive();
}

/* What the set took back, it may have counted as well: no more than that. */
static void check_set_full_loop(void)
{
	step_loop_settle();
	step_expect(delivered >= ISR_FLAG_COUNT_MAX);
	step_expect(delivered <= ISR_FLAG_COUNT_MAX + 1ULL);
	check_alive();
}

static void run_take(void)
{
	result = isr_flag_take(&flag);
}

static void check_take(void)
{
	step_expect(result >= 0);
	check_sum((uint64_t)result, 0);
}

static void check_take_sticky(void)
{
	step_expect(result >= (int)start);
	step_equal(isr_flag_peek(&flag), start + sets_over());
	check_alive();
}

/* Only the sets behind the exchange are left, and those are exact. */
static void check_take_full(void)
{
	step_equal(result, ISR_FLAG_COUNT_MAX);
	step_loop_settle();
	step_expect(delivered <= step_handled());
	check_alive();
}

static void run_clear(void)
{
	result = isr_flag_clear(&flag);
}

static void check_clear(void)
{
	step_equal(result, 0);
	step_loop_settle();
	/* None of those before it; each one after it. */
	step_expect(delivered <= step_handled());
	check_alive();
}

static void run_deliver(void)
{
	isri_wake_deliver(&step_wake);
}

static void check_deliver(void)
{
	step_loop_settle();
	check_hist();
	if (is(STICKY)) {
		step_equal(isr_flag_peek(&flag), start + sets_over());
		step_expect(calls == 1 || is(FORGOTTEN));
		check_alive();
		return;
	}
	check_sum(0, 0);
	step_equal(delivered_others, is(OTHERS) ? 2 : 0);
}

static void check_deliver_full(void)
{
	step_loop_settle();
	step_expect(delivered >= ISR_FLAG_COUNT_MAX);
	step_expect(delivered <= ISR_FLAG_COUNT_MAX + step_handled());
	check_alive();
}

static void run_set_cb(void)
{
	result = isr_flag_set_cb(&flag, on_flag, NULL);
}

static void check_set_cb(void)
{
	step_equal(result, 0);
	check_sum(0, 0);
}

static void run_peek(void)
{
	result = (int)isr_flag_peek(&flag);
}

static void check_peek(void)
{
	step_expect(result >= (int)start);
	step_expect(result <= (int)(start + sets_over()));
	step_loop_settle();
	check_sum(0, 0);
}

static void check_peek_full(void)
{
	step_equal(result, ISR_FLAG_COUNT_MAX);
}

/* Sets of what is gone, or never was, do nothing but count. */
static void check_set_dead(void)
{
	step_expect(!step_wake.ready);
	step_expect(!atomic_load(&step_wake.pending));
	step_equal(step_loop_kicks(), 0);
}

static void finish_half_set(void)
{
	if (__atomic_exchange_n(&half, false, __ATOMIC_ACQ_REL))
		isri_wake_push(&step_wake, &flag);
}

#define run_take_sticky run_take
#define run_take_full run_take
#define run_deliver_full run_deliver
#define run_peek_full run_peek

static void run_done(void)
{
	result = isr_flag_done(&flag);
}

static void check_done(void)
{
	struct isr_flag *other;

	step_equal(result, 0);
	step_loop_settle();
	/* In no list, and it stays so. */
	isr_flag_set(&flag);
	step_loop_settle();
	step_equal(delivered, 0);
	step_equal(delivered_others, is(OTHERS) ? 2 : 0);
	step_expect(!flag.wake);
	for (other = step_wake.all; other; other = other->all_next)
		step_expect(other != &flag);
}

static void release_kicker(void)
{
	if (__atomic_exchange_n(&half, false, __ATOMIC_ACQ_REL))
		atomic_fetch_sub(&step_wake.kickers, 1);
}

static void run_finish_flags(void)
{
	isri_wake_finish_flags(&step_wake);
}

static void check_finish_flags(void)
{
	step_expect(!step_wake.all);
	step_expect(!step_wake.ready);
	step_expect(!flag.wake);
	step_equal(atomic_load(&step_wake.kickers), 0);
	isr_flag_set(&flag);
	step_equal(delivered + delivered_others, 0);
}

/* What a wrong caller gets, from each function: nothing changes. */
static void run_refused(void)
{
	const void *self = isri_context_thread();
	struct isr_flag zeroed = {.wake = NULL};
	struct isri_frame frame;
	int sum = 0;

	sum += isr_flag_take(NULL) == -EINVAL;
	sum += isr_flag_clear(NULL) == -EINVAL;
	sum += isr_flag_set_cb(NULL, NULL, NULL) == -EINVAL;
	sum += isr_flag_done(NULL) == 0;
	sum += isr_flag_take(&zeroed) == -EINVAL;
	sum += isr_flag_clear(&zeroed) == -EINVAL;
	sum += isr_flag_set_cb(&zeroed, NULL, NULL) == -EINVAL;
	sum += isr_flag_done(&zeroed) == 0;
	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, NULL, NULL);
	sum += isr_flag_take(&flag) == -EPERM;
	sum += isr_flag_done(&flag) == -EPERM;
	isri_context_leave(&frame);
	step_wake.generation++;
	sum += isr_flag_clear(&flag) == -EPERM;
	step_wake.generation--;
	atomic_store(&step_wake.owner, &zeroed);
	sum += isr_flag_set_cb(&flag, NULL, NULL) == -EPERM;
	atomic_store(&step_wake.owner, self);
	result = sum;
}

static void check_refused(void)
{
	step_equal(result, 12);
	step_loop_settle();
	check_sum(0, 0);
}

static void run_set_no_cb(void)
{
	result = isr_flag_set_cb(&flag, NULL, NULL);
}

#define check_set_no_cb check_set_cb

/* Not what the inline form calls it for, and nothing to do. */
static void run_set_rest(void)
{
	isr_flag_set_rest(&flag, 1);
}

static void check_set_rest(void)
{
	step_loop_settle();
	check_sum(0, 0);
}

#define SCENARIO(text, operation, what, ...)                                   \
	{                                                                      \
		.name = "flag: " text, .reset = reset, .run = run_##operation, \
		.check = check_##operation, .variant = (what), __VA_ARGS__     \
	}
#define SET_OVER(text, operation, what, ...)                                 \
	SCENARIO("set over " text, operation, what, .handler = handler_sets, \
		 ##__VA_ARGS__)
#define LOOP_OVER(text, operation, what, ...)        \
	SCENARIO("loop over " text, operation, what, \
		 .handler = step_loop_turn, .is_thread = true, ##__VA_ARGS__)

const struct step_scenario step_flag_scenarios[] = {
	SET_OVER("set", set, 0),
	SET_OVER("set, set already", set, SET),
	SET_OVER("set, armed", set, ARMED),
	SET_OVER("set, sticky", set, STICKY),
	SET_OVER("inline set", set_inline, 0),
	SET_OVER("inline set, armed", set_inline, ARMED),
	LOOP_OVER("set", set, 0),
	LOOP_OVER("set, set already", set, SET),
	LOOP_OVER("set, armed", set, ARMED),
	LOOP_OVER("inline set", set_inline, 0),
	SET_OVER("set, timed", set, TIMED),
	SET_OVER("inline set, timed", set_inline, TIMED),
	LOOP_OVER("set, timed", set, TIMED),
	SET_OVER("set, timed from the edge", set, EDGE),
	SET_OVER("set in a handler, timed from the edge", set_in_handler, EDGE),
	LOOP_OVER("set in a handler, timed from the edge", set_in_handler,
		  EDGE),
	SET_OVER("set in a handler, of an edge to come", set_in_handler,
		 EDGE | AHEAD),
	SET_OVER("set, one below full", set_full, NEARLY_FULL),
	SET_OVER("set, full", set_full, FULL),
	SET_OVER("inline set, full", set_inline_full, FULL),
	LOOP_OVER("set, full", set_full_loop, FULL),
	SET_OVER("the rest of a set", set_rest, SET),
	SET_OVER("set of a zeroed flag", set_dead, ZEROED),
	SET_OVER("set of a finished flag", set_dead, FINISHED),
	SET_OVER("take, not set", take, 0),
	SET_OVER("take, set", take, SET),
	SET_OVER("take, set and armed", take, ARMED),
	SET_OVER("take, forgotten", take, FORGOTTEN),
	SET_OVER("take, told", take, TOLD),
	SET_OVER("take, ready", take, SET | READY),
	SET_OVER("take, sticky", take_sticky, SET | STICKY),
	SET_OVER("take, over full", take_full, OVER_FULL),
	SET_OVER("clear, not set", clear, 0),
	SET_OVER("clear, set", clear, SET),
	SET_OVER("clear, told", clear, TOLD),
	SET_OVER("clear, sticky", clear, SET | STICKY),
	SET_OVER("clear, sticky and told", clear, TOLD | STICKY),
	SET_OVER("deliver, not set", deliver, 0),
	SET_OVER("deliver, set", deliver, SET),
	SET_OVER("deliver, among others", deliver, SET | OTHERS),
	SET_OVER("deliver, timed", deliver, SET | TIMED),
	SET_OVER("deliver, sticky and timed", deliver, SET | STICKY | TIMED),
	SET_OVER("deliver, forgotten", deliver, FORGOTTEN),
	SET_OVER("deliver, forgotten and sticky", deliver, FORGOTTEN | STICKY),
	SET_OVER("deliver, forgotten, no callback", deliver,
		 FORGOTTEN | NO_CALLBACK),
	SET_OVER("deliver, sticky", deliver, SET | STICKY),
	SET_OVER("deliver, no callback", deliver, SET | NO_CALLBACK),
	SET_OVER("deliver, over full", deliver_full, OVER_FULL),
	SET_OVER("set_cb, not set", set_cb, NO_CALLBACK),
	SET_OVER("set_cb, told", set_cb, TOLD),
	SET_OVER("set_cb, told and armed", set_cb, TOLD | ARMED),
	SET_OVER("set_cb, none", set_no_cb, SET),
	SET_OVER("peek", peek, SET),
	SET_OVER("peek, over full", peek_full, OVER_FULL),
	SET_OVER("done, not set", done, 0),
	SET_OVER("done, set", done, SET | OTHERS),
	SET_OVER("done, ready", done, SET | READY | OTHERS),
	SET_OVER("done, the only one", done, SET | READY),
	SET_OVER("done, told", done, TOLD),
	SCENARIO("a set ends over done", done, HALF | OTHERS,
		 .handler = finish_half_set, .nap = finish_half_set,
		 .is_thread = true),
	SET_OVER("the end of all, set", finish_flags, SET | OTHERS),
	SCENARIO("a set ends over the end of all", finish_flags, HALF,
		 .handler = finish_half_set, .nap = finish_half_set,
		 .is_thread = true),
	SCENARIO("a write ends over the end of all", finish_flags, KICKER,
		 .handler = release_kicker, .nap = release_kicker,
		 .is_thread = true),
	SET_OVER("what is refused", refused, SET),
	{.name = NULL},
};
