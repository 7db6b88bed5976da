/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Alarms: which rings when, and what they cost the kernel.
 */
#include <ev.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/timerfd.h>

#include "xt-step.h"

#define N_MANY 20000
#define FAR_NS (3600 * 1000000000ULL)

/* The library's timerfd_settime(2) comes here: linked with --wrap. */
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *value,
			   struct itimerspec *ret_old);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value,
			   struct itimerspec *ret_old);
static unsigned int n_settings;

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value,
			   struct itimerspec *ret_old)
{
	n_settings++;
	return __real_timerfd_settime(fd, flags, value, ret_old);
}

struct letter_alarm {
	struct isri_alarm alarm;
	char letter;
	void (*then)(void);
};

static struct letter_alarm a, b, c, d;
static struct xt_step o;

static void ring(struct isri_alarm *alarm)
{
	struct letter_alarm *la = (struct letter_alarm *)alarm;

	ck_assert(!isri_alarm_is_set(alarm));
	leave_letter(la->letter);
	if (la->then)
		la->then();
}

static struct letter_alarm letter_alarm(char letter)
{
	return (struct letter_alarm){.alarm.ring = ring, .letter = letter};
}

static void set(struct letter_alarm *alarm, uint64_t due_ns)
{
	isri_alarm_set(loop, &alarm->alarm, due_ns);
}

static void cancel(struct letter_alarm *alarm)
{
	isri_alarm_cancel(loop, &alarm->alarm);
}

static void setup(void)
{
	xt_step_setup();
	a = letter_alarm('a');
	b = letter_alarm('b');
	c = letter_alarm('c');
	d = letter_alarm('d');
	o = xt_step('o', NULL);
	n_settings = 0;
}

static void dispatch(const char *expected)
{
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_str_eq(trace, expected);
}

/*
 * Which
 */

START_TEST(alarm_rings_in_the_order_of_times)
{
	set(&b, 20);
	set(&a, 10);
	set(&c, 30);

	dispatch("abc");
	dispatch("abc");
}
END_TEST

START_TEST(alarm_that_was_set_first_rings_first)
{
	set(&b, 10);
	set(&c, 10);
	set(&a, 10);
	set(&d, 9);

	dispatch("dbca");
}
END_TEST

START_TEST(alarm_moves)
{
	set(&a, 10);
	set(&b, 20);
	set(&c, 30);

	/* Later, sooner, and to the same time: behind who has it. */
	set(&a, 40);
	set(&c, 5);
	set(&b, 20);
	set(&d, 20);
	set(&b, 20);

	dispatch("cdba");
}
END_TEST

START_TEST(alarm_is_cancelled)
{
	set(&a, 10);
	set(&b, 20);
	set(&c, 30);
	cancel(&a);
	cancel(&c);
	cancel(&c);
	cancel(&d);
	ck_assert(!isri_alarm_is_set(&a.alarm));
	ck_assert(isri_alarm_is_set(&b.alarm));

	dispatch("b");
}
END_TEST

START_TEST(alarm_that_is_not_due_does_not_ring)
{
	set(&a, isr_now_ns() + FAR_NS);
	set(&b, 10);
	set(&c, UINT64_MAX);

	dispatch("b");
	ck_assert(isri_alarm_is_set(&a.alarm));
	cancel(&a);
	cancel(&c);
}
END_TEST

START_TEST(alarm_at_time_0_rings)
{
	set(&a, 0);

	dispatch("a");
}
END_TEST

static void cancel_b_set_d(void)
{
	cancel(&b);
	set(&d, 15);
}

START_TEST(alarm_cancels_and_sets_others)
{
	a.then = cancel_b_set_d;
	set(&a, 10);
	set(&b, 20);
	set(&c, 10);

	/* What it sets is for the next look. */
	dispatch("ac");
	dispatch("acd");
}
END_TEST

static void set_a_again(void)
{
	ck_assert_uint_lt(trace_end, 10);
	set(&a, 1);
}

START_TEST(alarm_that_sets_itself_does_not_hold_up_the_loop)
{
	a.then = set_a_again;
	set(&a, 1);

	dispatch("a");
	dispatch("aa");
	cancel(&a);
}
END_TEST

static void queue_step(void)
{
	xt_urgent(&o);
}

START_TEST(alarm_queues_a_step)
{
	a.then = queue_step;
	set(&a, 1);
	set(&b, 1);

	dispatch("abo");
}
END_TEST

static void stop(void)
{
	isr_loop_stop(loop);
}

START_TEST(alarm_stops_the_loop)
{
	a.then = stop;
	set(&a, isr_now_ns() + 1);

	xt_ok(isr_loop_run(loop));

	ck_assert_str_eq(trace, "a");
}
END_TEST

/*
 * Many
 */

struct one_of_many {
	struct isri_alarm alarm;
	uint64_t due_ns;
	bool is_cancelled;
};

static struct one_of_many many[N_MANY];
static const struct one_of_many *last;
static unsigned int n_rung;

/* After the one before: in time, and set later if at the same time. */
static void ring_one(struct isri_alarm *alarm)
{
	struct one_of_many *one = (struct one_of_many *)alarm;

	if (one->is_cancelled)
		ck_abort_msg("it was cancelled");
	if (last && (last->due_ns > one->due_ns ||
		     (last->due_ns == one->due_ns && last > one)))
		ck_abort_msg("out of order");
	last = one;
	n_rung++;
}

static uint32_t any(uint32_t *random, uint32_t n)
{
	*random = *random * 1664525 + 1013904223;
	return (*random >> 8) % n;
}

START_TEST(alarm_many_thousand_ring_in_order)
{
	uint32_t random = 1 + (uint32_t)_i;
	unsigned int i, n_set = 0;

	memset(many, 0, sizeof(many));
	last = NULL;
	n_rung = 0;
	for (i = 0; i < N_MANY; i++) {
		many[i].alarm.ring = ring_one;
		isri_alarm_set(loop, &many[i].alarm, any(&random, 1000));
	}
	/* All move; some are cancelled, before or after others moved. */
	for (i = 0; i < N_MANY; i++) {
		many[i].due_ns = 1 + any(&random, N_MANY / 4);
		isri_alarm_set(loop, &many[i].alarm, many[i].due_ns);
		many[i].is_cancelled = any(&random, 3) == 0;
		if (many[i].is_cancelled)
			isri_alarm_cancel(loop, &many[i].alarm);
	}
	for (i = 0; i < N_MANY; i++) {
		if (!many[i].is_cancelled && any(&random, 5) == 0) {
			many[i].is_cancelled = true;
			isri_alarm_cancel(loop, &many[i].alarm);
		}
		n_set += !many[i].is_cancelled;
	}

	for (i = 0; i < N_MANY && n_rung < n_set; i++)
		xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_rung, n_set);
	ck_assert_uint_gt(n_set, 0);
}
END_TEST

static struct isr_flag flag;
static unsigned int n_rung_before;

static void ring_and_set(struct isri_alarm *alarm)
{
	isr_flag_set(&flag);
	n_rung++;
}

static void note_rung(struct isr_flag *f, uint32_t count, void *arg)
{
	if (!n_rung_before)
		n_rung_before = n_rung;
}

START_TEST(alarm_of_very_many_leaves_flags_their_turn)
{
	unsigned int i;

	memset(many, 0, sizeof(many));
	n_rung = n_rung_before = 0;
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, note_rung, NULL));
	for (i = 0; i < N_MANY; i++) {
		many[i].alarm.ring = ring_and_set;
		isri_alarm_set(loop, &many[i].alarm, 1);
	}

	for (i = 0; i < N_MANY && n_rung < N_MANY; i++)
		xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_rung, N_MANY);
	ck_assert_uint_lt(n_rung_before, N_MANY);
	xt_ok(isr_flag_done(&flag));
}
END_TEST

/*
 * The kernel's part
 */

static void play_with_alarms(struct xt_step *step)
{
	uint64_t now_ns = isr_now_ns();
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		set(&a, now_ns + FAR_NS - i);
		set(&b, now_ns + FAR_NS + i);
		cancel(&a);
	}
}

static void on_timer(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
	isr_loop_stop(loop);
}

/* It sleeps meanwhile, unless something wakes it. */
static void run_for_a_while(void)
{
	struct ev_timer timer;

	ev_timer_init(&timer, on_timer, 0.03, 0);
	ev_timer_start(isr_loop_get_ev(loop), &timer);
	xt_ok(isr_loop_run(loop));
}

START_TEST(alarm_sets_the_timer_only_before_the_loop_sleeps)
{
	o.then = play_with_alarms;
	xt_ordinary(&o);

	run_for_a_while();

	ck_assert_uint_eq(n_settings, 1);
	cancel(&b);
}
END_TEST

START_TEST(alarm_that_stays_the_earliest_leaves_the_timer_alone)
{
	set(&a, isr_now_ns() + FAR_NS);
	run_for_a_while();
	ck_assert_uint_eq(n_settings, 1);

	set(&b, isr_now_ns() + 2 * FAR_NS);
	cancel(&b);
	run_for_a_while();

	ck_assert_uint_eq(n_settings, 1);
	cancel(&a);
}
END_TEST

START_TEST(alarm_that_is_cancelled_stops_the_timer)
{
	set(&a, isr_now_ns() + FAR_NS);
	run_for_a_while();
	ck_assert_uint_eq(n_settings, 1);

	cancel(&a);
	run_for_a_while();

	ck_assert_uint_eq(n_settings, 2);
}
END_TEST

/* The stop, the libev timer, and where they lead. */
START_TEST(alarms_that_are_not_due_wake_nobody)
{
	struct isr_loop_stats stats;
	unsigned int i;

	memset(many, 0, sizeof(many));
	for (i = 0; i < 1000; i++) {
		many[i].alarm.ring = ring_one;
		isri_alarm_set(loop, &many[i].alarm, isr_now_ns() + FAR_NS + i);
	}
	/* It would, but it is gone before the loop sleeps. */
	set(&a, isr_now_ns() + 1000000);
	cancel(&a);

	run_for_a_while();

	stats = xt_loop_stats();
	ck_assert_str_eq(trace, "");
	ck_assert_uint_le(stats.passes, 4);
	ck_assert_uint_eq(stats.wakeups, 0);
	for (i = 0; i < 1000; i++)
		isri_alarm_cancel(loop, &many[i].alarm);
}
END_TEST

START_TEST(alarm_wakes_the_loop_once)
{
	set(&a, isr_now_ns() + 1000000);

	run_for_a_while();

	ck_assert_str_eq(trace, "a");
	ck_assert_uint_le(xt_loop_stats().passes, 6);
	/* Set, and stopped: nothing is due. */
	ck_assert_uint_eq(n_settings, 2);
}
END_TEST

/*
 * A foreign loop
 */

static struct pollfd foreign(void)
{
	return (struct pollfd){.fd = isr_loop_get_fd(loop), .events = POLLIN};
}

static bool is_due(void)
{
	struct pollfd pollfd = foreign();

	return poll(&pollfd, 1, 0) == 1;
}

/* As a foreign loop does; what only wakes it has no letter. */
static void wait_for(const char *expected)
{
	struct pollfd pollfd = foreign();

	while (strcmp(trace, expected) != 0) {
		ck_assert_int_eq(poll(&pollfd, 1, 5000), 1);
		xt_ok(isr_loop_dispatch(loop));
	}
	/* The eventfd is read, now at the latest. */
	xt_ok(isr_loop_dispatch(loop));
	ck_assert(!is_due());
}

START_TEST(alarm_tells_a_foreign_loop)
{
	/* Before it, or while the foreign loop waits. */
	if (_i == 0)
		set(&a, isr_now_ns() + 1000000);
	is_due();
	if (_i == 1)
		set(&a, isr_now_ns() + 1000000);

	wait_for("a");
}
END_TEST

START_TEST(alarm_that_comes_sooner_tells_a_foreign_loop)
{
	set(&a, isr_now_ns() + FAR_NS);
	is_due();
	set(&b, isr_now_ns() + 1000000);

	wait_for("b");
	cancel(&a);
}
END_TEST

static bool is_late_alarm, is_late_over;

static void stop_in_step(struct xt_step *step)
{
	stop();
}

static void on_watchdog(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
	leave_letter('!');
	stop();
}

/* libev's last word before it blocks: after the loop has armed. */
static void on_late_prepare(struct ev_loop *ev, struct ev_prepare *prepare,
			    int revents)
{
	if (is_late_over)
		return;
	is_late_over = true;
	if (is_late_alarm)
		set(&a, isr_now_ns() + 1000);
	else
		xt_ordinary(&o);
}

/* The program's own code, between the loop's last look and its sleep. */
START_TEST(alarm_set_at_the_last_moment_rings)
{
	struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO);
	struct isr_loop *own = loop;
	struct ev_prepare prepare;
	struct ev_timer timer;

	/* Of one priority libev calls first who was started last. */
	ck_assert_ptr_nonnull(ev);
	ev_prepare_init(&prepare, on_late_prepare);
	ev_set_priority(&prepare, EV_MINPRI);
	ev_prepare_start(ev, &prepare);
	xt_ok(isr_loop_attach(ev, NULL, &loop));
	o.then = stop_in_step;
	a.then = stop;
	is_late_alarm = _i;
	is_late_over = false;
	ev_timer_init(&timer, on_watchdog, XT_IN_VAIN_S, 0);
	ev_timer_start(ev, &timer);

	xt_ok(isr_loop_run(loop));

	ck_assert_str_eq(trace, _i ? "a" : "o");
	xt_ok(isr_loop_free(loop));
	loop = own;
	ev_loop_destroy(ev);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("alarm");
	TCase *tc;

	tc = xt_case(suite, "which");
	tcase_add_checked_fixture(tc, setup, xt_step_teardown);
	tcase_add_test(tc, alarm_rings_in_the_order_of_times);
	tcase_add_test(tc, alarm_that_was_set_first_rings_first);
	tcase_add_test(tc, alarm_moves);
	tcase_add_test(tc, alarm_is_cancelled);
	tcase_add_test(tc, alarm_that_is_not_due_does_not_ring);
	tcase_add_test(tc, alarm_at_time_0_rings);
	tcase_add_test(tc, alarm_cancels_and_sets_others);
	tcase_add_test(tc, alarm_that_sets_itself_does_not_hold_up_the_loop);
	tcase_add_test(tc, alarm_queues_a_step);
	tcase_add_test(tc, alarm_stops_the_loop);
	tcase_add_loop_test(tc, alarm_many_thousand_ring_in_order, 0, 3);
	tcase_add_test(tc, alarm_of_very_many_leaves_flags_their_turn);

	tc = xt_case(suite, "kernel");
	tcase_add_checked_fixture(tc, setup, xt_step_teardown);
	tcase_add_test(tc, alarm_sets_the_timer_only_before_the_loop_sleeps);
	tcase_add_test(tc,
		       alarm_that_stays_the_earliest_leaves_the_timer_alone);
	tcase_add_test(tc, alarm_that_is_cancelled_stops_the_timer);
	tcase_add_test(tc, alarms_that_are_not_due_wake_nobody);
	tcase_add_test(tc, alarm_wakes_the_loop_once);
	tcase_add_loop_test(tc, alarm_tells_a_foreign_loop, 0, 2);
	tcase_add_test(tc, alarm_that_comes_sooner_tells_a_foreign_loop);
	tcase_add_loop_test(tc, alarm_set_at_the_last_moment_rings, 0, 2);

	return xt_main(suite);
}
