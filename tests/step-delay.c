/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Interruption at every instruction: delays that are triggered, expire and
 * are stopped. The loop's alarms are its own thread's alone, and are played.
 */
#include <errno.h>
#include <string.h>

#include "context.h"
#include "delay.h"
#include "step.h"

enum {
	RUNS = 1,    /* the loop will look at its time */
	UNSEEN = 2,  /* it was triggered, and the loop has not looked */
	DUE = 4,     /* its time has come, and the loop has not looked */
	PUT_OFF = 8, /* the loop will look before its time */
	TOLD = 16,   /* it has expired, and its flag is on its way */
	ON_LOOP = 32 /* the operation is in a callback of the loop */
};

#define S UINT64_C(1000000000)
/* Of the time: that the clock goes on meanwhile is less. */
#define MOMENT (S / 1000)

/* Told apart by how far off they are. */
#define BEFORE_NS (500 * S)
#define OPERATION_NS (300 * S)
#define SOONER_NS (100 * S)
#define LATER_NS (900 * S)

static struct isr_delay delay;
static unsigned int n_expired;
static bool is_gone;
static int result;
/* The operation's trigger had been before the handler's. */
static bool handler_was_last;

/*
 * The loop
 */

static struct isri_alarm *alarm;

void isri_alarm_set(struct isr_loop *loop, struct isri_alarm *which,
		    uint64_t due_ns)
{
	(void)loop;
	which->due_ns = due_ns;
	alarm = which;
}

void isri_alarm_cancel(struct isr_loop *loop, struct isri_alarm *which)
{
	(void)loop;
	if (alarm == which)
		alarm = NULL;
}

void isri_loop_member_add(struct isr_loop *loop,
			  struct isri_loop_member *member,
			  void (*close)(struct isri_loop_member *member))
{
	(void)loop;
	member->close = close;
}

void isri_loop_member_remove(struct isri_loop_member *member)
{
	member->close = NULL;
}

static struct isr_loop *loop(void)
{
	return (struct isr_loop *)&step_head;
}

static bool is(int variant)
{
	return step_now->variant & variant;
}

static bool ring_if_due(void)
{
	struct isri_alarm *due = alarm;

	if (!due || due->due_ns > isr_now_ns())
		return false;
	alarm = NULL;
	due->ring(due);
	return true;
}

/* What it does between two sleeps. */
static void turn(void)
{
	ring_if_due();
	step_loop_turn();
}

/* It wakes up only if it has to. */
static void settle(void)
{
	do
		step_loop_settle();
	while (ring_if_due());
}

static void pass_until(uint64_t t_ns)
{
	uint64_t now_ns = isr_now_ns();

	if (t_ns > now_ns)
		step_pass_time(t_ns - now_ns);
	settle();
}

static void on_expired(struct isr_flag *flag, uint32_t count, void *arg)
{
	(void)flag;
	(void)arg;
	step_equal(count, 1);
	n_expired++;
}

static void trigger(uint64_t delay_ns)
{
	step_equal(isr_delay_trigger(&delay, delay_ns), 0);
}

static void reset(void)
{
	step_loop_init();
	alarm = NULL;
	n_expired = 0;
	is_gone = handler_was_last = false;
	memset((void *)&delay, 0, sizeof(delay));
	isr_delay_init(&delay, loop(), ISR_FLAG_AUTO);
	isr_flag_set_cb(&delay.expired, on_expired, NULL);
	step_loop_arm();
	if (is(UNSEEN | RUNS | DUE | PUT_OFF | TOLD))
		trigger(BEFORE_NS);
	if (is(RUNS | DUE | PUT_OFF | TOLD))
		settle();
	if (is(PUT_OFF))
		trigger(BEFORE_NS + LATER_NS);
	if (is(DUE | PUT_OFF | TOLD))
		step_pass_time(BEFORE_NS + MOMENT);
	if (is(TOLD))
		ring_if_due();
}

/*
 * What must hold
 */

/* Of that many, at most, before: those that were due. */
static void check_times(unsigned int n_max)
{
	uint64_t deadline_ns;
	unsigned int n;

	settle();
	n = n_expired;
	step_expect(n <= n_max);
	if (isr_delay_is_running(&delay)) {
		deadline_ns = delay.deadline_ns;
		/* Otherwise it would sleep too long. */
		step_expect(alarm && alarm->due_ns <= deadline_ns);
		pass_until(deadline_ns - MOMENT);
		step_equal(n_expired, n);
		step_expect(isr_delay_is_running(&delay));
		pass_until(deadline_ns);
		step_equal(n_expired, ++n);
		step_expect(!isr_delay_is_running(&delay));
	}
	pass_until(isr_now_ns() + 2 * LATER_NS);
	step_equal(n_expired, n);

	trigger(SOONER_NS);
	settle();
	step_equal(n_expired, n);
	pass_until(isr_now_ns() + SOONER_NS);
	step_equal(n_expired, n + 1);
}

static bool is_in(uint64_t delay_ns)
{
	int64_t error_ns =
		(int64_t)(delay.deadline_ns - isr_now_ns()) - (int64_t)delay_ns;

	return error_ns > -(int64_t)MOMENT && error_ns < (int64_t)MOMENT;
}

/*
 * Who interrupts
 */

/* The operation has triggered it already: then this trigger counts. */
static void note_order(void)
{
	handler_was_last = is_in(OPERATION_NS);
}

static void handler_triggers_sooner(void)
{
	note_order();
	trigger(SOONER_NS);
}

static void handler_triggers_later(void)
{
	note_order();
	trigger(LATER_NS);
}

/* The operation plays a child that was forked. */
static void handler_triggers_at_home(void)
{
	if (isri_wake_is_at_home(&step_wake))
		trigger(SOONER_NS);
}

static void handler_triggers_now(void)
{
	note_order();
	trigger(0);
}

/* Perhaps it is not there any more, or not yet. */
static void handler_tries(void)
{
	int r = isr_delay_trigger(&delay, SOONER_NS);

	step_expect(r == 0 || r == -EINVAL);
}

static void thread_turns(void)
{
	turn();
}

static void thread_stops(void)
{
	isr_delay_stop(&delay);
}

/* It would wait for the end of a set that stands still. */
static void thread_ends_it(void)
{
	if (isr_flag_peek(&delay.changed))
		return;
	isr_delay_done(&delay);
	is_gone = true;
}

/* The loop's, several times. */
static void thread_turns_late(void)
{
	turn();
	step_pass_time(BEFORE_NS);
	turn();
}

/*
 * What is interrupted
 */

static void run_trigger(void)
{
	struct isri_frame frame;

	if (is(ON_LOOP))
		isri_context_enter(&frame, ISR_CONTEXT_LOOP, loop(), NULL);
	result = isr_delay_trigger(&delay, OPERATION_NS);
	if (is(ON_LOOP))
		isri_context_leave(&frame);
}

static void check_trigger(void)
{
	step_equal(result, 0);
	if (step_handled() && step_now->handler == handler_triggers_sooner)
		step_expect(is_in(SOONER_NS) ||
			    (!handler_was_last && is_in(OPERATION_NS)));
	else if (step_handled() && step_now->handler == handler_triggers_later)
		step_expect(is_in(LATER_NS) ||
			    (!handler_was_last && is_in(OPERATION_NS)));
	/* What was due before it; with a trigger of now, that one. */
	if (is(ON_LOOP))
		check_times(0);
	else
		check_times(is(DUE) || is(TOLD) ||
			    step_now->handler == handler_triggers_now ||
			    step_now->handler == thread_turns_late);
}

static void check_trigger_or_end(void)
{
	step_expect(result == 0 || (result == -EINVAL && is_gone));
	if (!is_gone) {
		check_times(0);
		return;
	}
	step_expect(!isr_delay_is_running(&delay));
	settle();
	step_expect(!alarm);
	step_equal(isr_delay_trigger(&delay, 0), -EINVAL);
	pass_until(isr_now_ns() + 2 * LATER_NS);
	step_equal(n_expired, 0);
}

#define run_trigger_or_end run_trigger

static void run_is_running(void)
{
	result = isr_delay_is_running(&delay);
}

static void check_is_running(void)
{
	step_expect(result || !is(RUNS));
	step_expect(!result || is(RUNS) || step_handled());
	check_times(0);
}

/* It looks, or does not: a trigger of a handler's is never lost. */
static void run_turn(void)
{
	turn();
}

static void check_turn(void)
{
	settle();
	if (step_handled() && step_now->handler != handler_triggers_now)
		step_expect(isr_delay_is_running(&delay));
	check_times(is(DUE) + (step_handled() &&
			       step_now->handler == handler_triggers_now));
}

static void run_stop(void)
{
	result = isr_delay_stop(&delay);
}

/* Before the stop, and told to nobody, or after it. */
static void check_stop(void)
{
	bool is_running = isr_delay_is_running(&delay);

	step_expect(result == 1 || (result == 0 && !is(RUNS | UNSEEN | DUE)));
	if (!step_handled())
		step_expect(!is_running);
	settle();
	if (!is_running)
		step_equal(n_expired, 0);
	check_times(is_running && step_now->handler == handler_triggers_now);
}

static void run_done(void)
{
	result = isr_delay_done(&delay);
	is_gone = true;
}

static void check_done(void)
{
	step_equal(result, 0);
	check_trigger_or_end();
}

static void run_close(void)
{
	struct isri_loop_member *member = &isri_delay_rest(&delay)->member;

	member->close(member);
	is_gone = true;
	result = 0;
}

#define check_close check_done

static void run_init(void)
{
	isr_delay_done(&delay);
	memset((void *)&delay, 0, sizeof(delay));
	result = isr_delay_init(&delay, loop(), ISR_FLAG_AUTO);
}

static void check_init(void)
{
	step_equal(result, 0);
	isr_flag_set_cb(&delay.expired, on_expired, NULL);
	check_times(0);
}

/* What is refused, and what is more than there is. */
static void run_refused(void)
{
	static struct isr_delay spare;
	int n = 0;

	n += isr_delay_trigger(NULL, 0) == -EINVAL;
	n += isr_delay_trigger(&spare, 0) == -EINVAL;
	n += isr_delay_stop(NULL) == -EINVAL;
	n += isr_delay_stop(&spare) == -EINVAL;
	n += isr_delay_done(NULL) == 0;
	n += isr_delay_done(&spare) == 0;
	n += !isr_delay_is_running(NULL);
	n += isr_delay_init(NULL, loop(), ISR_FLAG_AUTO) == -EINVAL;
	n += isr_flag_init(NULL, loop(), ISR_FLAG_AUTO) == -EINVAL;
	n += isri_wake_check_open(NULL, __func__) == 0;
	n += isr_delay_init(&spare, loop(), 0x4000) == -EINVAL;
	n += isr_delay_init(&spare, NULL, ISR_FLAG_AUTO) == -EINVAL;
	step_wake.generation++;
	n += isr_delay_stop(&delay) == -EPERM;
	n += isr_delay_done(&delay) == -EPERM;
	step_wake.generation--;
	n += isr_delay_trigger(&delay, UINT64_MAX) == 0;
	result = n;
}

static void check_refused(void)
{
	step_equal(result, 15);
	step_expect(isr_delay_is_running(&delay));
	isr_delay_stop(&delay);
	check_times(0);
}

#define SCENARIO(text, operation, by, what, ...)                           \
	{                                                                  \
		.name = "delay: " text, .reset = reset,                    \
		.run = run_##operation, .handler = handler_##by,           \
		.check = check_##operation, .variant = (what), __VA_ARGS__ \
	}
#define THREAD(text, operation, by, what)                       \
	{                                                       \
		.name = "delay: " text, .reset = reset,         \
		.run = run_##operation, .handler = thread_##by, \
		.check = check_##operation, .variant = (what),  \
		.is_thread = true                               \
	}

const struct step_scenario step_delay_scenarios[] = {
	SCENARIO("trigger over trigger", trigger, triggers_sooner, 0),
	SCENARIO("trigger over trigger, runs", trigger, triggers_sooner, RUNS),
	SCENARIO("trigger over trigger, unseen", trigger, triggers_later,
		 UNSEEN),
	SCENARIO("trigger over trigger, put off", trigger, triggers_later,
		 PUT_OFF),
	SCENARIO("trigger of now over trigger", trigger, triggers_now, RUNS),
	SCENARIO("trigger over trigger on the loop, told", trigger,
		 triggers_later, TOLD | ON_LOOP),
	THREAD("loop over trigger", trigger, turns, 0),
	THREAD("loop over trigger, runs", trigger, turns, RUNS),
	THREAD("loop over trigger, due", trigger, turns, DUE),
	THREAD("loop over trigger, put off", trigger, turns, PUT_OFF),
	THREAD("loop over trigger, late", trigger, turns_late, RUNS),
	THREAD("stop over trigger, runs", trigger, stops, RUNS),
	THREAD("end over trigger", trigger_or_end, ends_it, 0),
	THREAD("end over trigger, runs", trigger_or_end, ends_it, RUNS),
	SCENARIO("trigger over is_running", is_running, triggers_later, 0),
	SCENARIO("trigger over is_running, runs", is_running, triggers_later,
		 RUNS),
	SCENARIO("trigger over a look, unseen", turn, triggers_sooner, UNSEEN),
	SCENARIO("trigger of later over a look, unseen", turn, triggers_later,
		 UNSEEN),
	SCENARIO("trigger over a look, put off", turn, triggers_sooner,
		 PUT_OFF),
	SCENARIO("trigger over expiry", turn, triggers_later, DUE),
	SCENARIO("trigger of now over expiry", turn, triggers_now, DUE),
	SCENARIO("trigger over stop", stop, triggers_sooner, 0),
	SCENARIO("trigger over stop, runs", stop, triggers_later, RUNS),
	SCENARIO("trigger of now over stop, due", stop, triggers_now, DUE),
	SCENARIO("trigger over stop, told", stop, triggers_sooner, TOLD),
	SCENARIO("trigger over done", done, tries, RUNS),
	SCENARIO("trigger over the loop's end", close, tries, UNSEEN),
	SCENARIO("trigger over init", init, tries, RUNS),
	SCENARIO("trigger over what is refused", refused, triggers_at_home, 0),
	{.name = NULL},
};
