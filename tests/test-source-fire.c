/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What a program fires at sources of every kind, which are quiet by
 * themselves; soft (_i is even, where tests run for each) and hard.
 */
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "irq-thread.h"
#include "xt-pin.h"

#define FIRED_ROOM 64 /* in the ring of a source that has other events */

enum kind { USER, TIMER, FD, SIGNAL, PIN, PIN_LOOP, N_KINDS };

static int quiet_fd;

static struct isr_source *open_pin(bool hard, bool by_loop)
{
	return xt_pin_open("A", hard ? XT_HARD : by_loop ? XT_LOOP : XT_SOFT);
}

static struct isr_source *open_quiet(enum kind kind, bool hard)
{
	const struct isr_source_options options = {.hard = hard};
	struct isr_source *source = NULL;

	switch (kind) {
	case USER:
		xt_ok(isr_user_open(loop, &options, xt_sink, &sink, &source));
		return source;
	case TIMER:
		xt_ok(isr_timer_open(loop, 0, 0, &options, xt_sink, &sink,
				     &source));
		return source;
	case FD:
		xt_ok(isr_fd_open(loop, quiet_fd, ISR_FD_READ, &options,
				  xt_sink, &sink, &source));
		return source;
	case SIGNAL:
		xt_ok(isr_signal_open(loop, SIGUSR1, &options, xt_sink, &sink,
				      &source));
		return source;
	default:
		return open_pin(hard, kind == PIN_LOOP);
	}
}

static void setup(void)
{
	xt_chip_setup();
	quiet_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(quiet_fd, 0);
}

static void teardown(void)
{
	xt_chip_teardown();
	close(quiet_fd);
}

static void fire(struct isr_source *source, unsigned int n)
{
	while (n--)
		xt_ok(isr_source_fire(source, NULL));
}

/* ports/stm32/extint.py: what is fired while disarmed is dropped. */
START_TEST(any_source_may_be_fired)
{
	enum kind kind = _i / 2;
	bool hard = _i % 2;
	struct isr_source *source = open_quiet(kind, hard);

	fire(source, 1);
	xt_sink_run(&sink, 1);
	ck_assert_int_eq(sink.in_isr, hard);
	ck_assert_uint_eq(sink.events[0].kind, ISR_EVENT_USER);

	xt_ok(isr_source_disarm(source));
	xt_fails_with(EPERM, isr_source_fire(source, NULL));
	xt_settle();
	ck_assert_uint_eq(sink.n, 1);
	ck_assert_uint_eq(xt_stats(source).discarded, 1);

	xt_ok(isr_source_arm(source));
	xt_settle();
	ck_assert_uint_eq(sink.n, 1);
	fire(source, 2);
	xt_sink_run(&sink, 3);
	ck_assert_uint_eq(xt_stats(source).delivered, 3);
	ck_assert_uint_eq(xt_stamped(source), 4);
	ck_assert_uint_eq(sink.lost, 0);
	xt_ok(isr_source_close(source));
}
END_TEST

START_TEST(fired_and_failing_is_disarmed)
{
	enum kind kind = _i / 2;
	struct isr_source *source;

	xt_ok(isr_loop_set_log_cb(loop, NULL, NULL));
	sink.result = -EPROTO;
	source = open_quiet(kind, _i % 2);
	fire(source, 1);
	xt_sink_run(&sink, 1);
	xt_wait_failed(source);

	xt_fails_with(EPERM, isr_source_fire(source, NULL));
	ck_assert_uint_eq(xt_stats(source).failed, 1);
	ck_assert_uint_eq(isr_flag_peek(isr_source_get_failed_flag(source)), 1);

	sink.result = 0;
	xt_ok(isr_source_arm(source));
	fire(source, 1);
	xt_sink_run(&sink, 2);
	xt_ok(isr_source_close(source));
}
END_TEST

/* A pin's own events and what is fired are handled one after the other. */
START_TEST(fired_and_own_events_share_a_handler)
{
	struct isr_source *pin = xt_pin_open("A", _i);
	unsigned int i, n_user = 0;

	for (i = 0; i < 50; i++) {
		fire(pin, 1);
		xt_edges(0, 1);
	}
	xt_sink_run(&sink, 100);

	for (i = 0; i < 100; i++)
		n_user += sink.events[i].kind == ISR_EVENT_USER;
	ck_assert_uint_eq(n_user, 50);
	ck_assert_uint_eq(sink.lost, 0);
	ck_assert_uint_eq(xt_stats(pin).line_seq, 50);
	ck_assert_uint_eq(xt_stats(pin).merged, 0);
}
END_TEST

static unsigned int fire_until_full(struct isr_source *source)
{
	unsigned int n = 0;
	int r;

	while ((r = isr_source_fire(source, NULL)) == 0)
		n++;
	ck_assert_int_eq(r, -ENOSPC);
	return n;
}

/* A ring that is full refuses, and says so afterwards. */
START_TEST(fired_without_room_is_lost_and_told)
{
	bool hard = _i % 2;
	struct isr_source *source = open_quiet(_i / 2, hard);
	unsigned int n;

	isri_irq_threads_hard_lock(loop);
	n = fire_until_full(source);
	xt_fails_with(ENOSPC, isr_source_fire(source, NULL));
	isri_irq_threads_hard_unlock(loop);
	ck_assert_uint_eq(n,
			  _i / 2 == USER ? ISR_SOURCE_RING_EVENTS : FIRED_ROOM);

	xt_sink_run(&sink, n);
	/* A hard handler gets the report some time after the last event. */
	while (!hard && !sink.n_reports)
		xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_source_disarm(source));
	ck_assert_uint_eq(xt_stats(source).lost_ring, 2);
	ck_assert_uint_eq(xt_stamped(source), n + 2);

	/* Either the report told it, or the next event does. */
	xt_ok(isr_source_arm(source));
	fire(source, 1);
	xt_sink_run(&sink, n + 1);
	ck_assert_uint_eq(sink.lost, 2);
	xt_ok(isr_source_close(source));
}
END_TEST

static int change_errno(struct isr_source *s, const struct isr_event *event,
			void *arg)
{
	errno = ENOTTY;
	return 0;
}

/* Whoever fires may be a signal handler that has interrupted anything. */
START_TEST(fire_keeps_errno)
{
	struct isr_source *source;

	xt_ok(isr_signal_open(loop, SIGUSR1, &xt_hard, change_errno, NULL,
			      &source));
	errno = EXDEV;
	xt_ok(isr_source_fire(source, NULL));
	ck_assert_int_eq(errno, EXDEV);
	ck_assert_uint_eq(xt_stats(source).delivered, 1);
	xt_ok(isr_source_close(source));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source-fire");
	TCase *tcase = xt_case(suite, "source-fire");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, any_source_may_be_fired, 0, 2 * N_KINDS);
	tcase_add_loop_test(tcase, fired_and_failing_is_disarmed, 0,
			    2 * N_KINDS);
	tcase_add_loop_test(tcase, fired_and_own_events_share_a_handler, 0,
			    XT_MODES);
	/* Those whose ring refuses; others give up the oldest. */
	tcase_add_loop_test(tcase, fired_without_room_is_lost_and_told, 0,
			    2 * SIGNAL);
	tcase_add_test(tcase, fire_keeps_errno);

	return xt_main(suite);
}
