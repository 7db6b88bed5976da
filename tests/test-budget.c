/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Under a flood all that is not flooded goes on, once a budget: ordinary
 * steps, descriptors, timers, alarms, and what the program has in libev. No
 * test depends on how fast it runs: budgets are either steps, with all the
 * time there is, or a time that every step takes.
 */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "xt-step.h"

#define BUDGET 4
#define BUDGET_NS 1000000
#define LONG_NS INT64_MAX

static struct xt_step o, p, u;
static struct isr_flag flag;

static void take_ns(uint64_t ns)
{
	uint64_t begin_ns = isr_now_ns();

	while (isr_now_ns() - begin_ns < ns)
		;
}

/* Whose callback sets it again. */
static void flood(struct isr_flag *f, uint32_t count, void *arg)
{
	uint64_t *ns = arg;

	leave_letter('F');
	if (ns)
		take_ns(*ns);
	isr_flag_set(f);
}

static void again(struct xt_step *step)
{
	xt_ordinary(step);
}

static void again_after_a_pass(struct xt_step *step)
{
	take_ns(ISRI_PASS_NS);
	xt_ordinary(step);
}

/* As long as it leaves letters: then the stop has its turn. */
static void again_urgent(struct xt_step *step)
{
	if (trace_end < sizeof(trace) - 1)
		xt_urgent(step);
}

static void setup(void)
{
	const struct isr_loop_config config = {
		.sz = sizeof(config),
		.urgent_steps = BUDGET,
		.urgent_ns = LONG_NS,
	};

	xt_step_setup_with(&config);
	o = xt_step('o', again);
	p = xt_step('p', again);
	u = xt_step('u', again_urgent);
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, flood, NULL));
}

static void setup_time(void)
{
	const struct isr_loop_config config = {
		.sz = sizeof(config),
		.urgent_steps = UINT32_MAX,
		.urgent_ns = BUDGET_NS,
	};

	xt_step_setup_with(&config);
	o = xt_step('o', again);
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
}

/* Until the trace is full. */
static void run(void)
{
	xt_ok(isr_loop_run(loop));
	ck_assert_msg(trace_end >= sizeof(trace) - 1, "%s", trace);
}

/* The trace is this, again and again. */
static void repeats(const char *period)
{
	size_t n = strlen(period), i;

	run();
	for (i = 0; i + n < sizeof(trace); i += n)
		ck_assert_msg(!strncmp(trace + i, period, n), "%s", trace);
}

START_TEST(budget_leaves_an_ordinary_step_of_each_budget)
{
	xt_ordinary(&o);
	isr_flag_set(&flag);

	repeats("FFFFo");
	ck_assert_uint_ge(xt_loop_stats().budget_exhausted, 10);
}
END_TEST

START_TEST(budget_serves_ordinary_steps_in_turn)
{
	xt_ordinary(&o);
	xt_ordinary(&p);
	isr_flag_set(&flag);

	repeats("FFFFoFFFFp");
}
END_TEST

START_TEST(budget_counts_urgent_steps)
{
	xt_ordinary(&o);
	xt_urgent(&u);

	repeats("uuuuo");
}
END_TEST

START_TEST(budget_ends_with_its_time)
{
	static uint64_t ns = BUDGET_NS;

	xt_ok(isr_flag_set_cb(&flag, flood, &ns));
	xt_ordinary(&o);
	isr_flag_set(&flag);

	repeats("Fo");
}
END_TEST

static void on_watchdog(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
	leave_letter('!');
	isr_loop_stop(loop);
}

/* Steps that take a pass each, and nothing else that would wake it. */
START_TEST(budget_with_steps_left_does_not_sleep)
{
	struct ev_timer timer;

	ev_timer_init(&timer, on_watchdog, XT_IN_VAIN_S, 0);
	ev_timer_start(isr_loop_get_ev(loop), &timer);
	o.then = again_after_a_pass;
	xt_ordinary(&o);

	repeats("oooo");
	ev_timer_stop(isr_loop_get_ev(loop), &timer);
}
END_TEST

START_TEST(budget_is_not_used_up_without_a_flood)
{
	xt_ok(isr_flag_set_cb(&flag, NULL, NULL));
	isr_flag_set(&flag);
	xt_ordinary(&o);

	repeats("oooo");
	ck_assert_uint_eq(xt_loop_stats().budget_exhausted, 0);
}
END_TEST

static void call_again(void *arg)
{
	leave_letter('C');
	/* Two for each: there is always one that waits. */
	isr_schedule(loop, call_again, NULL);
	isr_schedule(loop, call_again, NULL);
}

START_TEST(budget_counts_scheduled_calls)
{
	xt_ok(isr_schedule(loop, call_again, NULL));
	run();
	memset(trace, 0, sizeof(trace));
	trace_end = 0;

	xt_ordinary(&o);
	run();

	/* What tells that more wait is a step without a letter. */
	ck_assert_msg(strstr(trace, "CoC") && !strstr(trace, "CCCCC"), "%s",
		      trace);
}
END_TEST

static int handle(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	leave_letter(*(const char *)arg);
	return 0;
}

static char d = 'd', t = 't';

static int handle_again(struct isr_source *source,
			const struct isr_event *event, void *arg)
{
	leave_letter('H');
	isr_source_fire(source, NULL);
	isr_source_fire(source, NULL);
	return 0;
}

START_TEST(budget_counts_events)
{
	struct isr_source *source;

	xt_ok(isr_user_open(loop, NULL, handle_again, NULL, &source));
	xt_ok(isr_source_fire(source, NULL));
	xt_ordinary(&o);
	run();

	ck_assert_msg(strstr(trace, "HoH") && !strstr(trace, "HHHHH"), "%s",
		      trace);
}
END_TEST

START_TEST(budget_leaves_a_descriptor_its_turn)
{
	struct isr_source *source;
	int fds[2];

	xt_open_pipe(fds);
	xt_ok(isr_fd_open(loop, fds[1], ISR_FD_WRITE, NULL, handle, &d,
			  &source));
	isr_flag_set(&flag);

	repeats("FdFF");
	xt_close_pipe(fds);
}
END_TEST

START_TEST(budget_leaves_a_soft_timer_its_turn)
{
	struct isr_source *source;

	/* It expires faster than it can be served. */
	xt_ok(isr_timer_open(loop, 1, 1, NULL, handle, &t, &source));
	isr_flag_set(&flag);

	repeats("FtFF");
}
END_TEST

static struct isri_alarm alarms[1];

static void ring_again(struct isri_alarm *alarm)
{
	leave_letter('a');
	isri_alarm_set(loop, alarm, 1);
}

START_TEST(budget_leaves_an_alarm_its_turn)
{
	alarms[0] = (struct isri_alarm){.ring = ring_again};
	isri_alarm_set(loop, &alarms[0], 1);
	isr_flag_set(&flag);

	repeats("aFFFF");
}
END_TEST

START_TEST(budget_leaves_an_alarm_its_turn_after_an_ordinary_step)
{
	o.then = again_after_a_pass;
	alarms[0] = (struct isri_alarm){.ring = ring_again};
	isri_alarm_set(loop, &alarms[0], 1);
	xt_ordinary(&o);
	isr_flag_set(&flag);

	/* Once after the step, once at the head of the next pass. */
	repeats("aFFFFoa");
}
END_TEST

/*
 * The program's own watchers
 */

static void on_io(struct ev_loop *ev, struct ev_io *io, int revents)
{
	leave_letter('L');
}

/* What is flooded, and an ordinary step that takes as long as a pass. */
START_TEST(budget_leaves_libev_its_turn)
{
	struct ev_io io;
	int fds[2];

	xt_open_pipe(fds);
	ev_io_init(&io, on_io, fds[1], EV_WRITE);
	ev_io_start(isr_loop_get_ev(loop), &io);
	o.then = again_after_a_pass;
	if (_i)
		xt_ordinary(&o);
	isr_flag_set(&flag);

	repeats(_i ? "FFFFoL" : "FFFFL");
	ev_io_stop(isr_loop_get_ev(loop), &io);
	xt_close_pipe(fds);
}
END_TEST

static unsigned int n_io, n_silent;

static void again_silently(struct isri_step *step)
{
	n_silent++;
	isri_step_queue(loop, step, ISRI_BAND_ORDINARY);
}

static void on_io_stop(struct ev_loop *ev, struct ev_io *io, int revents)
{
	if (++n_io == 50)
		isr_loop_stop(loop);
}

START_TEST(budget_runs_short_ordinary_steps_without_libev)
{
	struct isri_step step = {.run = again_silently, .name = "again"};
	struct ev_io io;
	int fds[2];

	n_io = n_silent = 0;

	xt_open_pipe(fds);
	ev_io_init(&io, on_io_stop, fds[1], EV_WRITE);
	ev_io_start(isr_loop_get_ev(loop), &io);
	isri_step_queue(loop, &step, ISRI_BAND_ORDINARY);

	xt_ok(isr_loop_run(loop));

	/* However slow the machine: not one each time. */
	ck_assert_uint_gt(n_silent, n_io + 1);
	isri_step_unqueue(loop, &step);
	ev_io_stop(isr_loop_get_ev(loop), &io);
	xt_close_pipe(fds);
}
END_TEST

START_TEST(budget_of_a_dispatch_runs_no_step_twice)
{
	xt_ordinary(&o);
	xt_ordinary(&p);
	isr_flag_set(&flag);

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_str_eq(trace, "FFFFoFFFFp");
}
END_TEST

START_TEST(budget_without_end_lets_a_dispatch_go_on)
{
	const struct isr_loop_config config = {
		.sz = sizeof(config),
		.urgent_ns = UINT64_MAX,
	};

	xt_step_teardown();
	xt_step_setup_with(&config);
	xt_ordinary(&o);
	xt_ordinary(&p);

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_str_eq(trace, "op");
}
END_TEST

/*
 * What is known of it
 */

static struct isr_loop_stats stats_of_one_step(void)
{
	xt_ok(isr_loop_dispatch(loop));
	return xt_loop_stats();
}

static void take_a_moment(struct xt_step *step)
{
	take_ns(1);
}

static void flag_takes_a_moment(struct isr_flag *f, uint32_t count, void *arg)
{
	take_ns(1);
}

static void call_takes_a_moment(void *arg)
{
	take_ns(1);
}

static int handler_takes_a_moment(struct isr_source *source,
				  const struct isr_event *event, void *arg)
{
	take_ns(1);
	return 0;
}

static int close_itself(struct isr_source *source,
			const struct isr_event *event, void *arg)
{
	take_ns(1);
	xt_ok(isr_source_close(source));
	return 0;
}

START_TEST(stats_count_steps)
{
	struct isr_loop_stats stats;

	xt_ok(isr_flag_set_cb(&flag, flag_takes_a_moment, NULL));
	o.then = p.then = u.then = NULL;
	xt_ordinary(&o);
	xt_ordinary(&p);
	xt_urgent(&u);
	isr_flag_set(&flag);

	stats = stats_of_one_step();

	ck_assert_uint_eq(stats.steps, 4);
	ck_assert_uint_eq(stats.urgent_steps, 2);
	ck_assert_uint_eq(stats.deliveries, 1);
	ck_assert_uint_eq(stats.budget_exhausted, 0);
	ck_assert_uint_eq(stats.tasks, 0);
}
END_TEST

START_TEST(stats_name_the_longest_step)
{
	struct isr_loop_stats stats;

	ck_assert_str_eq(xt_loop_stats().step_max_name, "");
	o = xt_step('o', take_a_moment);
	xt_ordinary(&o);

	stats = stats_of_one_step();

	ck_assert_uint_gt(stats.step_max_ns, 0);
	ck_assert_str_eq(stats.step_max_name, "a step");
}
END_TEST

START_TEST(stats_name_the_flag_callback)
{
	char name[64];

	snprintf(name, sizeof(name), "flag callback %p",
		 (void *)(uintptr_t)flag_takes_a_moment);
	xt_ok(isr_flag_set_cb(&flag, flag_takes_a_moment, NULL));
	isr_flag_set(&flag);

	ck_assert_str_eq(stats_of_one_step().step_max_name, name);
}
END_TEST

/* What takes long there is to wake who waits; here nobody does. */
START_TEST(stats_name_the_flag_without_a_callback)
{
	struct isr_loop_stats stats;

	xt_ok(isr_flag_set_cb(&flag, NULL, NULL));
	do {
		xt_ok(isr_flag_clear(&flag));
		isr_flag_set(&flag);
		stats = stats_of_one_step();
	} while (!stats.step_max_ns);

	ck_assert_str_eq(stats.step_max_name, "flag without callback");
}
END_TEST

START_TEST(stats_name_the_scheduled_call)
{
	char name[64];

	snprintf(name, sizeof(name), "call %p",
		 (void *)(uintptr_t)call_takes_a_moment);
	xt_ok(isr_schedule(loop, call_takes_a_moment, NULL));

	ck_assert_str_eq(stats_of_one_step().step_max_name, name);
}
END_TEST

/* Also one that closes itself, and whose name goes with it. */
START_TEST(stats_name_the_source)
{
	const struct isr_source_options options = {.name = "my own source"};
	struct isr_source *source;

	xt_ok(isr_user_open(loop, &options,
			    _i ? close_itself : handler_takes_a_moment, NULL,
			    &source));
	xt_ok(isr_source_fire(source, NULL));

	ck_assert_str_eq(stats_of_one_step().step_max_name, "my own source");
}
END_TEST

START_TEST(stats_name_the_source_of_a_descriptor)
{
	const struct isr_source_options options = {.name = "my own source"};
	struct isr_source *source;
	int fds[2];

	xt_open_pipe(fds);
	xt_ok(isr_fd_open(loop, fds[1], ISR_FD_WRITE, &options,
			  _i ? close_itself : handler_takes_a_moment, NULL,
			  &source));

	ck_assert_str_eq(stats_of_one_step().step_max_name, "my own source");
	xt_close_pipe(fds);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("budget");
	TCase *tc;

	tc = xt_case(suite, "budget");
	tcase_add_checked_fixture(tc, setup, xt_step_teardown);
	tcase_add_test(tc, budget_leaves_an_ordinary_step_of_each_budget);
	tcase_add_test(tc, budget_serves_ordinary_steps_in_turn);
	tcase_add_test(tc, budget_counts_urgent_steps);
	tcase_add_test(tc, budget_is_not_used_up_without_a_flood);
	tcase_add_test(tc, budget_counts_scheduled_calls);
	tcase_add_test(tc, budget_counts_events);
	tcase_add_test(tc, budget_leaves_a_descriptor_its_turn);
	tcase_add_test(tc, budget_leaves_a_soft_timer_its_turn);
	tcase_add_test(tc, budget_leaves_an_alarm_its_turn);
	tcase_add_test(tc,
		       budget_leaves_an_alarm_its_turn_after_an_ordinary_step);
	tcase_add_test(tc, budget_runs_short_ordinary_steps_without_libev);
	tcase_add_test(tc, budget_of_a_dispatch_runs_no_step_twice);
	tcase_add_test(tc, budget_without_end_lets_a_dispatch_go_on);

	tc = xt_case(suite, "time");
	tcase_add_checked_fixture(tc, setup_time, xt_step_teardown);
	tcase_add_test(tc, budget_ends_with_its_time);
	tcase_add_test(tc, budget_with_steps_left_does_not_sleep);

	tc = xt_case(suite, "libev");
	tcase_add_checked_fixture(tc, setup, xt_step_teardown);
	tcase_add_loop_test(tc, budget_leaves_libev_its_turn, 0, 2);

	tc = xt_case(suite, "stats");
	tcase_add_checked_fixture(tc, setup, xt_step_teardown);
	tcase_add_test(tc, stats_count_steps);
	tcase_add_test(tc, stats_name_the_longest_step);
	tcase_add_test(tc, stats_name_the_flag_callback);
	tcase_add_test(tc, stats_name_the_flag_without_a_callback);
	tcase_add_test(tc, stats_name_the_scheduled_call);
	tcase_add_loop_test(tc, stats_name_the_source, 0, 2);
	tcase_add_loop_test(tc, stats_name_the_source_of_a_descriptor, 0, 2);

	return xt_main(suite);
}
