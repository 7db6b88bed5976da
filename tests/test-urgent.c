/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The urgent band: what is in it, and which comes first, a step that another
 * one has woken or a flag that was set. What else the run queue does is in
 * test-run-queue.c.
 */
#include "xt-step.h"

static struct xt_step a, b, c, o;
static struct isr_flag flags[3];

static void on_flag(struct isr_flag *flag, uint32_t count, void *arg)
{
	leave_letter((char)('F' + (flag - flags)));
	if (arg)
		xt_urgent(arg);
}

static void setup(void)
{
	unsigned int i;

	xt_step_setup();
	a = xt_step('a', NULL);
	b = xt_step('b', NULL);
	c = xt_step('c', NULL);
	o = xt_step('o', NULL);
	for (i = 0; i < 3; i++) {
		xt_ok(isr_flag_init(&flags[i], loop, ISR_FLAG_AUTO));
		xt_ok(isr_flag_set_cb(&flags[i], on_flag, NULL));
	}
}

static void ends_as(const char *expected)
{
	do
		ck_assert_int_ge(isr_loop_dispatch(loop), 0);
	while (isri_steps_are_due(loop));
	ck_assert_str_eq(trace, expected);
}

static void set_all(void)
{
	int i;

	for (i = 0; i < 3; i++)
		isr_flag_set(&flags[i]);
}

static void set_all_and_stay_urgent(struct xt_step *step)
{
	if (strlen(trace) == 1)
		set_all();
	if (strlen(trace) < 8)
		xt_urgent(step);
}

START_TEST(urgent_step_takes_turns_with_flags)
{
	a = xt_step('a', set_all_and_stay_urgent);
	xt_urgent(&a);
	xt_ordinary(&o);

	ends_as("aFaGaHaao");
}
END_TEST

static void queue_the_other(struct xt_step *step)
{
	if (strlen(trace) == 1)
		set_all();
	if (strlen(trace) < 9)
		xt_urgent(step->arg);
}

START_TEST(urgent_steps_that_wake_each_other_take_turns_with_flags)
{
	a = xt_step('a', queue_the_other);
	b = xt_step('b', queue_the_other);
	a.arg = &b;
	b.arg = &a;
	xt_urgent(&a);
	xt_ordinary(&o);

	ends_as("aFbGaHbabo");
}
END_TEST

static void queue_b_set_first_queue_c(struct xt_step *step)
{
	xt_urgent(&b);
	isr_flag_set(&flags[0]);
	xt_urgent(&c);
}

START_TEST(urgent_step_comes_before_a_flag_that_was_set_later)
{
	a = xt_step('a', queue_b_set_first_queue_c);
	if (_i)
		xt_urgent(&a);
	else
		xt_ordinary(&a);
	xt_ordinary(&o);

	ends_as("abFco");
}
END_TEST

/* What flags wake keeps the order of their sets, and is not passed. */
START_TEST(urgent_step_comes_behind_what_the_flag_before_it_wakes)
{
	a = xt_step('a', set_all_and_stay_urgent);
	xt_ok(isr_flag_set_cb(&flags[0], on_flag, &b));
	xt_ok(isr_flag_set_cb(&flags[1], on_flag, &c));
	xt_urgent(&a);

	ends_as("aFabGacHa");
}
END_TEST

/* That is, too, when the step was moved up from the ordinary band. */
static void set_first_move_o_up(struct xt_step *step)
{
	isr_flag_set(&flags[0]);
	xt_urgent(&o);
}

START_TEST(urgent_step_that_was_ordinary_takes_its_turn)
{
	a = xt_step('a', set_first_move_o_up);
	xt_ordinary(&a);
	xt_ordinary(&b);
	xt_ordinary(&o);

	ends_as("aFob");
}
END_TEST

/* A flag that is gone when its turn comes takes nobody's. */
static void set_first_end_it(struct xt_step *step)
{
	isr_flag_set(&flags[0]);
	xt_urgent(&b);
	xt_ok(isr_flag_done(&flags[0]));
}

START_TEST(urgent_step_does_not_wait_for_a_flag_that_is_gone)
{
	a = xt_step('a', set_first_end_it);
	xt_ordinary(&a);
	xt_ordinary(&o);

	ends_as("abo");
}
END_TEST

/* It does not go on for ever: a stop that is not seen is no hang. */
static void stop_and_stay_urgent(struct xt_step *step)
{
	isr_loop_stop(loop);
	if (strlen(trace) < 10)
		xt_urgent(step);
}

START_TEST(urgent_step_lets_the_loop_be_stopped)
{
	a = xt_step('a', stop_and_stay_urgent);
	xt_urgent(&a);

	xt_ok(isr_loop_run(loop));

	ck_assert_str_eq(trace, "a");
	isri_step_unqueue(loop, &a.step);
}
END_TEST

static int note_once(struct isr_source *source, const struct isr_event *event,
		     void *arg)
{
	leave_letter('s');
	xt_ok(isr_source_disarm(source));
	return 0;
}

/* It is found after they were ready. */
START_TEST(urgent_is_a_source_that_the_loop_watches)
{
	struct isr_source *source;
	int fds[2];

	xt_open_pipe(fds);
	if (_i)
		xt_ok(isr_timer_open(loop, 1, 0, NULL, note_once, NULL,
				     &source));
	else
		xt_ok(isr_fd_open(loop, fds[1], ISR_FD_WRITE, NULL, note_once,
				  NULL, &source));
	xt_ordinary(&o);
	xt_ordinary(&a);

	ends_as("soa");
	xt_ok(isr_source_close(source));
	xt_close_pipe(fds);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("urgent");
	TCase *tc = xt_case(suite, "turns");

	tcase_add_checked_fixture(tc, setup, xt_step_teardown);
	tcase_add_test(tc, urgent_step_takes_turns_with_flags);
	tcase_add_test(tc,
		       urgent_steps_that_wake_each_other_take_turns_with_flags);
	tcase_add_loop_test(
		tc, urgent_step_comes_before_a_flag_that_was_set_later, 0, 2);
	tcase_add_test(tc,
		       urgent_step_comes_behind_what_the_flag_before_it_wakes);
	tcase_add_test(tc, urgent_step_that_was_ordinary_takes_its_turn);
	tcase_add_test(tc, urgent_step_does_not_wait_for_a_flag_that_is_gone);
	tcase_add_test(tc, urgent_step_lets_the_loop_be_stopped);
	tcase_add_loop_test(tc, urgent_is_a_source_that_the_loop_watches, 0, 2);
	return xt_main(suite);
}
