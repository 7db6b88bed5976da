/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Interruption at every instruction: guards. */
#include <errno.h>
#include <stddef.h>

#include "guard.h"
#include "step.h"

enum {
	HELD = 1,   /* by the operation's thread */
	TRIED = 2,  /* by the operation's thread, and it has it */
	OTHERS = 4, /* another thread has it */
	FULL = 8,   /* no more tries are counted */
	MASKED = 16 /* the operation's thread is in a critical section */
};

static struct isr_guard guard;
/* Somebody is in what the guard guards. */
static bool inside;
static unsigned int refused;
static int result;
static bool got;

static bool is(int variant)
{
	return step_now->variant & variant;
}

static void reset(void)
{
	step_loop_init();
	guard = (struct isr_guard)ISR_GUARD_INIT;
	inside = false;
	refused = 0;
	result = 0;
	if (is(HELD))
		step_equal(isr_guard_hold(&guard), 0);
	if (is(TRIED))
		step_expect(isr_guard_try(&guard));
	if (is(OTHERS)) {
		guard.word = 1;
		guard.owner = &step_head;
	}
	if (is(FULL))
		guard.word = ISRI_GUARD_HELD | ISRI_GUARD_TRIES_MAX;
	inside = is(HELD | TRIED | OTHERS);
	if (is(MASKED))
		isri_context_section_begun();
}

static void enter(void)
{
	step_expect(!inside);
	inside = true;
}

static void leave(void)
{
	step_expect(inside);
	inside = false;
}

static void handler_tries(void)
{
	if (!isr_guard_try(&guard)) {
		refused++;
		return;
	}
	enter();
	leave();
	isr_guard_release(&guard);
}

/* Another thread that had it, and takes its time. */
static void handler_releases(void)
{
	if (guard.owner != &step_head)
		return;
	leave();
	guard.owner = NULL;
	guard.word = 0;
}

/* Another thread tries, and keeps it for a while. */
static void handler_keeps(void)
{
	uint32_t word = guard.word++;

	if (word != 0) {
		refused += (word & ISRI_GUARD_HELD) != 0;
		return;
	}
	guard.owner = &step_head;
	enter();
}

/* Nobody has it, and it can be had. */
static void check(void)
{
	step_expect(!inside);
	step_equal(guard.word, 0);
	step_expect(!guard.owner);
	step_expect(isr_guard_try(&guard));
	step_expect(!isr_guard_try(&guard));
	isr_guard_release(&guard);
	step_equal(isr_guard_hold(&guard), 0);
	step_expect(!isr_guard_try(&guard));
	step_equal(isr_guard_drop(&guard), 1);
}

static void run_hold_and_drop(void)
{
	isr_guard_hold(&guard);
	enter();
	leave();
	result = isr_guard_drop(&guard);
}

/* Each try that was refused is told, and no other. */
static void check_hold_and_drop(void)
{
	handler_releases();
	step_equal(result, refused);
	check();
}

/* In a critical section nobody is waited for. */
static void run_hold_masked(void)
{
	result = isr_guard_hold(&guard);
}

static void check_hold_masked(void)
{
	isri_context_section_ended();
	if (is(OTHERS)) {
		step_equal(result, -EDEADLK);
		step_expect(guard.owner == &step_head);
		handler_releases();
	} else {
		step_equal(result, 0);
		step_equal(isr_guard_drop(&guard), refused);
	}
	check();
}

static void run_drop(void)
{
	leave();
	result = isr_guard_drop(&guard);
}

static void check_drop(void)
{
	if (is(FULL))
		step_equal(result, ISRI_GUARD_TRIES_MAX);
	else
		step_equal(result, refused);
	check();
}

static void run_try(void)
{
	got = isr_guard_try(&guard);
	if (!got)
		return;
	enter();
	leave();
	isr_guard_release(&guard);
}

static void check_try(void)
{
	if (!is(HELD)) {
		step_expect(got);
		check();
		return;
	}
	step_expect(!got);
	inside = false;
	result = isr_guard_drop(&guard);
	step_equal(result, is(FULL) ? ISRI_GUARD_TRIES_MAX : refused + 1);
	check();
}

static void run_release(void)
{
	leave();
	isr_guard_release(&guard);
}

#define check_release check

/* Who has not got it cannot give it back. */
static void run_release_of_held(void)
{
	isr_guard_release(&guard);
}

static void check_release_of_held(void)
{
	inside = false;
	step_equal(isr_guard_drop(&guard), refused);
	check();
}

static void run_release_of_others(void)
{
	isr_guard_release(&guard);
}

static void check_release_of_others(void)
{
	step_expect(guard.owner == &step_head);
	handler_releases();
	check();
}

static void run_refused(void)
{
	struct isri_frame frame;
	int sum = 0;

	sum += isr_guard_hold(NULL) == -EINVAL;
	sum += isr_guard_drop(NULL) == -EINVAL;
	sum += isr_guard_hold(&guard) == -EDEADLK;
	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, NULL, NULL);
	sum += isr_guard_hold(&guard) == -EPERM;
	sum += isr_guard_drop(&guard) == -EPERM;
	isri_context_leave(&frame);
	result = sum;
}

static void check_refused(void)
{
	step_equal(result, 5);
	inside = false;
	if (is(HELD)) {
		step_equal(isr_guard_drop(&guard), refused);
	} else {
		step_equal(isr_guard_drop(&guard), -EPERM);
		isr_guard_release(&guard);
	}
	check();
}

static void run_drop_of_tried(void)
{
	result = isr_guard_drop(&guard);
}

static void check_drop_of_tried(void)
{
	step_equal(result, -EPERM);
	inside = false;
	isr_guard_release(&guard);
	check();
}

#define SCENARIO(text, operation, what, ...)                        \
	{                                                           \
		.name = "guard: " text, .reset = reset,             \
		.run = run_##operation, .check = check_##operation, \
		.variant = (what), __VA_ARGS__                      \
	}
#define TRY_OVER(text, operation, what) \
	SCENARIO("try over " text, operation, what, .handler = handler_tries)

const struct step_scenario step_guard_scenarios[] = {
	TRY_OVER("hold and drop", hold_and_drop, 0),
	TRY_OVER("hold, masked", hold_masked, MASKED),
	TRY_OVER("hold of what is another's, masked", hold_masked,
		 MASKED | OTHERS),
	TRY_OVER("drop", drop, HELD),
	TRY_OVER("drop, full", drop, HELD | FULL),
	TRY_OVER("try", try, 0),
	TRY_OVER("try, held", try, HELD),
	TRY_OVER("try, held and full", try, HELD | FULL),
	TRY_OVER("release", release, TRIED),
	TRY_OVER("release of what is held", release_of_held, HELD),
	TRY_OVER("release of what is another's", release_of_others, OTHERS),
	TRY_OVER("drop of what was tried", drop_of_tried, TRIED),
	TRY_OVER("what is refused, held", refused, HELD),
	TRY_OVER("what is refused, tried", refused, TRIED),
	SCENARIO("another thread's release over hold", hold_and_drop, OTHERS,
		 .handler = handler_releases, .nap = handler_releases,
		 .is_thread = true),
	SCENARIO("another thread's try over hold and drop", hold_and_drop, 0,
		 .handler = handler_keeps, .nap = handler_releases,
		 .is_thread = true),
	{.name = NULL},
};
