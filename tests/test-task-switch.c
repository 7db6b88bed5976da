/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The switch from one stack to another, and what it keeps. */
#include <fenv.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <unwind.h>

#include "stack.h"
#include "task-switch.h"
#include "xt.h"

#define BYTES ((size_t)64 * 1024)
#define ROUNDS 1000

static struct isri_stacks stacks;
/* The test's own, and another. */
static struct isri_task_switch here, there;
static struct isri_stack *stack;
static char trace[64];

static void trace_add(char c)
{
	size_t n = strlen(trace);

	ck_assert_uint_lt(n, sizeof(trace) - 1);
	trace[n] = c;
	trace[n + 1] = '\0';
}

static void setup(void)
{
	stacks = (struct isri_stacks){0};
	memset(&here, 0, sizeof(here));
	memset(trace, 0, sizeof(trace));
	xt_ok(isri_stack_get(&stacks, BYTES, "", &stack));
}

static void teardown(void)
{
	isri_task_switch_done(&there);
	isri_stack_put(&stacks, stack);
	isri_stacks_done(&stacks);
}

static void init(isri_task_switch_fn *fn, void *arg)
{
	isri_task_switch_init(&there, isri_stack_low(stack), stack->bytes, fn,
			      arg);
}

static void two_parts(void *arg)
{
	trace_add(*(const char *)arg);
	isri_task_switch_to(&there, &here);
	trace_add('d');
	isri_task_switch_leave(&there, &here);
}

START_TEST(switch_goes_on_where_it_was_left)
{
	char first = 'b';

	init(two_parts, &first);
	trace_add('a');
	isri_task_switch_to(&here, &there);
	trace_add('c');
	isri_task_switch_to(&here, &there);
	trace_add('e');

	ck_assert_str_eq(trace, "abcde");
}
END_TEST

static void look_at_the_stack(void *arg)
{
	/* As a program sees it: the sanitizer may have moved the variable. */
	const unsigned char *at = __builtin_frame_address(0);

	if (at >= isri_stack_low(stack) &&
	    at < isri_stack_low(stack) + stack->bytes)
		trace_add('y');
#ifdef ISRI_TASK_SWITCH_OWN
	/* The ABI's alignment, which vector instructions rely on. */
	ck_assert_uint_eq((uintptr_t)at % 16, 0);
#endif
	isri_task_switch_leave(&there, &here);
}

START_TEST(switch_is_to_the_stack_that_was_given)
{
	init(look_at_the_stack, NULL);
	isri_task_switch_to(&here, &there);

	ck_assert_str_eq(trace, "y");
	ck_assert_uint_gt(isri_stack_get_used(stack), 0);
}
END_TEST

/*
 * As many values as there are callee-saved registers and more, alive over the
 * switch: each side finds its own.
 */
static __attribute__((noinline)) uint64_t
keep_values(struct isri_task_switch *from, struct isri_task_switch *to,
	    uint64_t seed)
{
	uint64_t a = seed, b = seed * 3, c = seed * 5, d = seed * 7;
	uint64_t e = seed * 11, f = seed * 13, g = seed * 17, h = seed * 19;
	uint64_t k = seed * 23, l = seed * 29, m = seed * 31, n = seed * 37;
	double x = (double)seed * 0.5, y = (double)seed * 0.25;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		isri_task_switch_to(from, to);
		a += b ^ (uint64_t)i;
		b += c;
		c += d;
		d += e;
		e += f;
		f += g;
		g += h;
		h += k;
		k += l;
		l += m;
		m += n;
		n += a;
		x = x * 0.5 + (double)i;
		y += x;
	}
	return a + b + c + d + e + f + g + h + k + l + m + n + (uint64_t)x +
	       (uint64_t)y;
}

static void return_at_once(void *arg)
{
	for (;;)
		isri_task_switch_to(&there, &here);
}

static uint64_t other_sum;

static void keep_other_values(void *arg)
{
	other_sum = keep_values(&there, &here, 1234567);
	for (;;)
		isri_task_switch_to(&there, &here);
}

START_TEST(switch_keeps_what_a_call_keeps)
{
	uint64_t expected, expected_other;

	/* What comes out when the other side does nothing. */
	init(return_at_once, NULL);
	expected = keep_values(&here, &there, 89);
	expected_other = keep_values(&here, &there, 1234567);
	isri_task_switch_done(&there);

	init(keep_other_values, NULL);
	isri_task_switch_to(&here, &there);
	ck_assert_uint_eq(keep_values(&here, &there, 89), expected);
	ck_assert_uint_eq(other_sum, expected_other);
}
END_TEST

static int rounding_there;

static void round_up(void *arg)
{
	rounding_there = fegetround();
	fesetround(FE_UPWARD);
	isri_task_switch_to(&there, &here);
	if (fegetround() == FE_UPWARD)
		trace_add('k');
	isri_task_switch_leave(&there, &here);
}

START_TEST(switch_keeps_the_rounding_of_each_side)
{
	fesetround(FE_DOWNWARD);
	init(round_up, NULL);
	isri_task_switch_to(&here, &there);
	ck_assert_int_eq(fegetround(), FE_DOWNWARD);
	/* It begins with that of who made it. */
	ck_assert_int_eq(rounding_there, FE_DOWNWARD);
	isri_task_switch_to(&here, &there);
	ck_assert_int_eq(fegetround(), FE_DOWNWARD);
	fesetround(FE_TONEAREST);

	ck_assert_str_eq(trace, "k");
}
END_TEST

static bool is_blocked(int signo)
{
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	return sigismember(&set, signo);
}

static void set_blocked(int signo, bool blocked)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	pthread_sigmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void change_mask(void *arg)
{
	ck_assert(is_blocked(SIGUSR1));
	set_blocked(SIGUSR2, true);
	isri_task_switch_to(&there, &here);
	ck_assert(!is_blocked(SIGUSR1));
	trace_add('m');
	isri_task_switch_leave(&there, &here);
}

START_TEST(switch_leaves_the_signal_mask_to_the_thread)
{
	init(change_mask, NULL);
	set_blocked(SIGUSR1, true);
	isri_task_switch_to(&here, &there);
	ck_assert(is_blocked(SIGUSR2));
	set_blocked(SIGUSR1, false);
	set_blocked(SIGUSR2, false);
	isri_task_switch_to(&here, &there);

	ck_assert_str_eq(trace, "m");
	ck_assert(!is_blocked(SIGUSR2));
}
END_TEST

static _Unwind_Reason_Code count_frame(struct _Unwind_Context *context,
				       void *arg)
{
	unsigned int *n = arg;

	return ++*n < 100 ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

static unsigned int n_frames;

static void walk(void *arg)
{
	_Unwind_Backtrace(count_frame, &n_frames);
	isri_task_switch_leave(&there, &here);
}

START_TEST(walk_of_the_stack_comes_to_its_end)
{
	n_frames = 0;
	init(walk, NULL);
	isri_task_switch_to(&here, &there);

	ck_assert_uint_ge(n_frames, 2);
	ck_assert_uint_lt(n_frames, 20);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("switch");
	TCase *tcase = xt_case(suite, "switch");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, switch_goes_on_where_it_was_left);
	tcase_add_test(tcase, switch_is_to_the_stack_that_was_given);
	tcase_add_test(tcase, switch_keeps_what_a_call_keeps);
	tcase_add_test(tcase, switch_keeps_the_rounding_of_each_side);
	tcase_add_test(tcase, switch_leaves_the_signal_mask_to_the_thread);
	tcase_add_test(tcase, walk_of_the_stack_comes_to_its_end);
	return suite;
}

int main(void)
{
	return xt_main(make_suite());
}
