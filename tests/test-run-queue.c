/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The run queue: which step comes next, whatever the steps do. Its budget is
 * in test-budget.c.
 */
#include <ev.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "xt-step.h"

static struct xt_step a, b, c, o, p;
static struct isr_flag flags[3];

static void on_flag(struct isr_flag *flag, uint32_t count, void *arg)
{
	leave_letter((char)('F' + (flag - flags)));
	if (arg)
		((void (*)(void))arg)();
}

static void setup(void)
{
	unsigned int i;

	xt_step_setup();
	a = xt_step('a', NULL);
	b = xt_step('b', NULL);
	c = xt_step('c', NULL);
	o = xt_step('o', NULL);
	p = xt_step('p', NULL);
	for (i = 0; i < 3; i++) {
		xt_ok(isr_flag_init(&flags[i], loop, ISR_FLAG_AUTO));
		xt_ok(isr_flag_set_cb(&flags[i], on_flag, NULL));
	}
}

/* Until nothing is left. */
static void settle(void)
{
	do
		ck_assert_int_ge(isr_loop_dispatch(loop), 0);
	while (isri_steps_are_due(loop));
}

static void ends_as(const char *expected)
{
	settle();
	ck_assert_str_eq(trace, expected);
}

START_TEST(queue_is_first_in_first_out)
{
	xt_ordinary(&a);
	xt_ordinary(&b);
	xt_ordinary(&c);

	ends_as("abc");
}
END_TEST

START_TEST(queue_has_a_step_once)
{
	xt_ordinary(&a);
	xt_ordinary(&b);
	xt_ordinary(&a);

	ends_as("ab");
}
END_TEST

START_TEST(queue_runs_urgent_steps_before_ordinary_ones)
{
	xt_ordinary(&o);
	xt_urgent(&a);
	xt_urgent(&b);

	ends_as("abo");
}
END_TEST

START_TEST(queue_moves_a_step_up_but_not_down)
{
	xt_ordinary(&o);
	xt_ordinary(&a);
	xt_urgent(&b);
	xt_urgent(&a);
	xt_ordinary(&b);

	ends_as("bao");
}
END_TEST

START_TEST(queue_forgets_a_step)
{
	xt_ordinary(&a);
	xt_ordinary(&b);
	xt_ordinary(&c);
	xt_urgent(&o);

	isri_step_unqueue(loop, &b.step);
	isri_step_unqueue(loop, &c.step);
	isri_step_unqueue(loop, &o.step);
	isri_step_unqueue(loop, &p.step);
	xt_ordinary(&p);

	ends_as("ap");
}
END_TEST

static void queue_b_urgent(void)
{
	xt_urgent(&b);
}

static void queue_itself(struct xt_step *step)
{
	step->then = NULL;
	xt_ordinary(step);
}

START_TEST(queue_takes_a_step_that_runs)
{
	a = xt_step('a', queue_itself);
	xt_ordinary(&a);
	xt_ordinary(&b);

	ends_as("aba");
}
END_TEST

/* The order of sets is kept: what the first one woke comes before the next. */
START_TEST(queue_runs_what_a_flag_wakes_before_the_next_flag)
{
	xt_ok(isr_flag_set_cb(&flags[0], on_flag, queue_b_urgent));
	xt_ordinary(&o);
	isr_flag_set(&flags[0]);
	isr_flag_set(&flags[1]);

	ends_as("FbGo");
}
END_TEST

static void set_first(struct xt_step *step)
{
	isr_flag_set(&flags[0]);
}

static void *set_in_thread(void *arg)
{
	isr_flag_set(arg);
	return NULL;
}

static void set_first_in_thread(struct xt_step *step)
{
	pthread_t thread;

	ck_assert_int_eq(
		pthread_create(&thread, NULL, set_in_thread, &flags[0]), 0);
	pthread_join(thread, NULL);
}

START_TEST(queue_runs_a_set_flag_after_the_step)
{
	a = xt_step('a', _i ? set_first_in_thread : set_first);
	xt_ordinary(&o);
	xt_ordinary(&a);
	xt_ordinary(&p);
	xt_ordinary(&c);

	ends_as("oaFpc");
}
END_TEST

START_TEST(queue_runs_a_set_flag_after_the_urgent_step)
{
	a = xt_step('a', set_first);
	xt_urgent(&a);
	xt_ordinary(&o);

	ends_as("aFo");
}
END_TEST

static void set_third(void)
{
	isr_flag_set(&flags[2]);
}

START_TEST(queue_runs_flags_in_the_order_of_their_sets)
{
	xt_ok(isr_flag_set_cb(&flags[0], on_flag, set_third));
	xt_ordinary(&o);
	isr_flag_set(&flags[0]);
	isr_flag_set(&flags[1]);

	ends_as("FGHo");
}
END_TEST

static void call(void *arg)
{
	struct xt_step *step = arg;

	leave_letter(step->letter);
	if (step->then)
		step->then(step);
}

START_TEST(queue_runs_a_set_flag_before_the_next_scheduled_call)
{
	a = xt_step('a', set_first);
	xt_ok(isr_schedule(loop, call, &a));
	xt_ok(isr_schedule(loop, call, &b));
	xt_ok(isr_schedule(loop, call, &c));

	ends_as("aFbc");
}
END_TEST

static int handle(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	leave_letter((char)('0' + event->line_seq));
	if (event->line_seq == 1)
		isr_flag_set(arg);
	return 0;
}

START_TEST(queue_runs_a_set_flag_before_the_next_event)
{
	struct isr_source *source;

	xt_ok(isr_user_open(loop, NULL, handle, &flags[0], &source));
	xt_ok(isr_source_fire(source, NULL));
	xt_ok(isr_source_fire(source, NULL));
	xt_ok(isr_source_fire(source, NULL));

	ends_as("1F23");
}
END_TEST

static int handle_and_mask(struct isr_source *source,
			   const struct isr_event *event, void *arg)
{
	leave_letter((char)('0' + event->line_seq));
	if (event->line_seq > 1)
		return 0;
	isr_flag_set(&flags[0]);
	xt_ok(isr_source_mask(source));
	isr_flag_set(&flags[1]);
	return 0;
}

static struct isr_source *masked_source;

static void unmask(void)
{
	xt_ok(isr_source_unmask(masked_source));
}

/* What is left of a batch when others have their turn may also be masked. */
START_TEST(queue_keeps_the_rest_of_a_batch_that_is_masked)
{
	xt_ok(isr_user_open(loop, NULL, handle_and_mask, NULL, &masked_source));
	xt_ok(isr_flag_set_cb(&flags[1], on_flag, unmask));
	xt_ok(isr_source_fire(masked_source, NULL));
	xt_ok(isr_source_fire(masked_source, NULL));

	ends_as("1FG2");
}
END_TEST

static void close_source(void)
{
	xt_ok(isr_source_close(masked_source));
}

START_TEST(queue_forgets_the_rest_of_a_batch_of_a_closed_source)
{
	xt_ok(isr_user_open(loop, NULL, handle, &flags[0], &masked_source));
	xt_ok(isr_flag_set_cb(&flags[0], on_flag, close_source));
	xt_ok(isr_source_fire(masked_source, NULL));
	xt_ok(isr_source_fire(masked_source, NULL));

	ends_as("1F");
}
END_TEST

/* The other one; and is not ready itself any more. */
static int close_sources(struct isr_source *source,
			 const struct isr_event *event, void *arg)
{
	struct isr_source **sources = arg;

	leave_letter('x');
	xt_ok(isr_source_close(sources[source == sources[0]]));
	xt_ok(isr_source_disarm(source));
	return 0;
}

START_TEST(queue_forgets_a_descriptor_that_another_closes)
{
	struct isr_source *sources[2];
	int fds[2];

	/* Both ends are ready at once. */
	xt_open_pipe(fds);
	xt_ok(isr_fd_open(loop, fds[0], ISR_FD_READ, NULL, close_sources,
			  sources, &sources[0]));
	xt_ok(isr_fd_open(loop, fds[1], ISR_FD_WRITE, NULL, close_sources,
			  sources, &sources[1]));

	ends_as("x");
	xt_close_pipe(fds);
}
END_TEST

static int note_it(struct isr_source *source, const struct isr_event *event,
		   void *arg)
{
	leave_letter('r');
	return 0;
}

static void dispatch_until(const char *expected)
{
	while (strlen(trace) < strlen(expected))
		ck_assert_int_ge(isr_loop_dispatch(loop), 0);
	ck_assert_str_eq(trace, expected);
}

static void stop(struct xt_step *step)
{
	isr_loop_stop(loop);
}

/*
 * Its step was queued, the loop stopped, and what was to be read has been:
 * the handler would wait for ever.
 */
START_TEST(queue_forgets_a_descriptor_that_is_not_ready_any_more)
{
	struct isr_source *source;
	int fds[2];
	char byte;

	xt_open_pipe(fds);
	xt_ok(isr_fd_open(loop, fds[0], ISR_FD_READ, NULL, note_it, NULL,
			  &source));
	isr_loop_stop(loop);
	ck_assert_int_eq(isr_loop_dispatch(loop), 1);
	ck_assert(isri_steps_are_due(loop));
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);

	ends_as("");
	xt_close_pipe(fds);
}
END_TEST

static int stop_in_handler(struct isr_source *source,
			   const struct isr_event *event, void *arg)
{
	isr_loop_stop(loop);
	return 0;
}

/* The loop slept, and is awake: to queue what woke it is no wake-up. */
START_TEST(queue_is_quiet_about_a_descriptor)
{
	struct isr_source *source;
	int fds[2];

	xt_open_pipe(fds);
	xt_ok(isr_fd_open(loop, fds[1], ISR_FD_WRITE, NULL, stop_in_handler,
			  NULL, &source));

	xt_ok(isr_loop_run(loop));

	xt_ok(isr_source_close(source));
	/* They read the eventfd, should it have been written. */
	xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(xt_loop_stats().wakeups, 0);
	xt_close_pipe(fds);
}
END_TEST

/*
 * A stop, the loop's end
 */

START_TEST(queue_waits_for_the_next_run_after_a_stop)
{
	if (_i)
		o.then = stop;
	else
		a.then = stop;
	xt_urgent(&a);
	xt_urgent(&b);
	xt_ordinary(&o);
	xt_ordinary(&p);

	/* An urgent step comes before the stop, which is a flag. */
	xt_ok(isr_loop_run(loop));
	ck_assert_str_eq(trace, _i ? "abo" : "ab");
	ends_as("abop");
}
END_TEST

static void end_loop(void)
{
	xt_ok(isr_loop_free(loop));
}

static void end_loop_in_step(struct xt_step *step)
{
	end_loop();
}

static void ring_end(struct isri_alarm *alarm)
{
	leave_letter('!');
	end_loop();
}

/* From a step of each kind, with steps of each kind that never run. */
START_TEST(queue_ends_with_the_loop_in_any_step)
{
	struct isri_alarm alarm = {.ring = ring_end};

	if (_i == 0)
		a.then = end_loop_in_step;
	if (_i == 1)
		xt_ok(isr_flag_set_cb(&flags[0], on_flag, end_loop));
	if (_i == 2)
		o.then = end_loop_in_step;
	if (_i == 3)
		isri_alarm_set(loop, &alarm, 1);
	xt_urgent(&a);
	isr_flag_set(&flags[0]);
	xt_ordinary(&o);
	xt_ordinary(&p);

	xt_fails_with(ECANCELED, isr_loop_run(loop));

	loop = NULL;
	ck_assert_str_eq(trace, ((const char *[]){"a", "aF", "aFo", "!"})[_i]);
}
END_TEST

static void free_itself(struct xt_step *step)
{
	isri_step_unqueue(loop, &step->step);
	free(step);
}

START_TEST(queue_does_not_touch_a_step_that_is_gone)
{
	struct xt_step *mine = malloc(sizeof(*mine));

	ck_assert_ptr_nonnull(mine);
	*mine = xt_step('m', free_itself);
	isri_step_queue(loop, &mine->step,
			_i ? ISRI_BAND_URGENT : ISRI_BAND_ORDINARY);
	xt_ordinary(&o);

	ends_as("mo");
	ck_assert_str_ne(xt_loop_stats().step_max_name, "");
}
END_TEST

static void run_libev(struct xt_step *step)
{
	ev_run(isr_loop_get_ev(loop), EVRUN_NOWAIT);
	leave_letter(')');
}

START_TEST(queue_goes_on_in_a_step_that_runs_libev)
{
	a = xt_step('(', run_libev);
	xt_ordinary(&a);
	xt_ordinary(&b);
	xt_urgent(&c);

	ends_as("c(b)");
}
END_TEST

/*
 * A foreign loop
 */

static bool is_due(void)
{
	struct pollfd pollfd = {.fd = isr_loop_get_fd(loop), .events = POLLIN};

	return poll(&pollfd, 1, 0) == 1;
}

START_TEST(queue_tells_a_foreign_loop)
{
	ck_assert(!is_due());

	isri_step_queue(loop, &a.step,
			_i ? ISRI_BAND_ORDINARY : ISRI_BAND_URGENT);
	ck_assert(is_due());

	xt_ok(isr_loop_dispatch(loop));
	ck_assert_str_eq(trace, "a");
	/* The eventfd is read, now at the latest. */
	xt_ok(isr_loop_dispatch(loop));
	ck_assert(!is_due());
}
END_TEST

static void queue_itself_always(struct xt_step *step)
{
	xt_ordinary(step);
}

START_TEST(queue_tells_a_foreign_loop_what_a_dispatch_left)
{
	ck_assert(!is_due());
	a = xt_step('a', queue_itself_always);
	b = xt_step('b', queue_itself_always);
	xt_ordinary(&a);
	xt_ordinary(&b);

	dispatch_until("ab");

	ck_assert(is_due());
	isri_step_unqueue(loop, &a.step);
	isri_step_unqueue(loop, &b.step);
	xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_loop_dispatch(loop));
	ck_assert(!is_due());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("run queue");
	TCase *tc;

	tc = xt_case(suite, "order");
	tcase_add_checked_fixture(tc, setup, xt_step_teardown);
	tcase_add_test(tc, queue_is_first_in_first_out);
	tcase_add_test(tc, queue_has_a_step_once);
	tcase_add_test(tc, queue_runs_urgent_steps_before_ordinary_ones);
	tcase_add_test(tc, queue_moves_a_step_up_but_not_down);
	tcase_add_test(tc, queue_forgets_a_step);
	tcase_add_test(tc, queue_takes_a_step_that_runs);
	tcase_add_test(tc, queue_runs_what_a_flag_wakes_before_the_next_flag);
	tcase_add_loop_test(tc, queue_runs_a_set_flag_after_the_step, 0, 2);
	tcase_add_test(tc, queue_runs_a_set_flag_after_the_urgent_step);
	tcase_add_test(tc, queue_runs_flags_in_the_order_of_their_sets);
	tcase_add_test(tc,
		       queue_runs_a_set_flag_before_the_next_scheduled_call);
	tcase_add_test(tc, queue_runs_a_set_flag_before_the_next_event);

	tc = xt_case(suite, "rest");
	tcase_add_checked_fixture(tc, setup, xt_step_teardown);
	tcase_add_test(tc, queue_keeps_the_rest_of_a_batch_that_is_masked);
	tcase_add_test(tc,
		       queue_forgets_the_rest_of_a_batch_of_a_closed_source);
	tcase_add_test(tc, queue_forgets_a_descriptor_that_another_closes);
	tcase_add_test(tc, queue_is_quiet_about_a_descriptor);
	tcase_add_test(tc,
		       queue_forgets_a_descriptor_that_is_not_ready_any_more);

	tc = xt_case(suite, "end");
	tcase_add_checked_fixture(tc, setup, xt_step_teardown);
	tcase_add_loop_test(tc, queue_waits_for_the_next_run_after_a_stop, 0,
			    2);
	tcase_add_loop_test(tc, queue_ends_with_the_loop_in_any_step, 0, 4);
	tcase_add_loop_test(tc, queue_does_not_touch_a_step_that_is_gone, 0, 2);
	tcase_add_test(tc, queue_goes_on_in_a_step_that_runs_libev);

	tc = xt_case(suite, "foreign");
	tcase_add_checked_fixture(tc, setup, xt_step_teardown);
	tcase_add_loop_test(tc, queue_tells_a_foreign_loop, 0, 2);
	tcase_add_test(tc, queue_tells_a_foreign_loop_what_a_dispatch_left);

	return xt_main(suite);
}
