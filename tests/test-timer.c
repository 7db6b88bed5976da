/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Timer sources. Nothing here says how late a callback may be: what is
 * tested is what its event says about when it was due.
 */
#include "xt-source.h"

#define MS 1000000ULL
#define HOUR (3600000 * MS)

static struct isr_source *timer;

static void setup(void)
{
	xt_loop_setup();
	timer = NULL;
}

static void open_timer(uint64_t first_ns, uint64_t period_ns)
{
	xt_ok(isr_timer_open(loop, first_ns, period_ns, NULL, xt_sink, &sink,
			     &timer));
}

/* What a loop does that is busy. */
static void be_busy_until(uint64_t t_ns)
{
	while (isr_now_ns() <= t_ns)
		;
}

START_TEST(timer_expires_when_due)
{
	uint64_t before = isr_now_ns(), after;

	open_timer(2 * MS, 0);
	after = isr_now_ns();

	xt_sink_run(&sink, 1);

	ck_assert_uint_eq(sink.events[0].kind, ISR_EVENT_TIMER);
	ck_assert_int_eq(sink.events[0].value, 1);
	ck_assert_uint_ge(sink.events[0].t_ns, before + 2 * MS);
	ck_assert_uint_le(sink.events[0].t_ns, after + 2 * MS);
	ck_assert_uint_ge(isr_now_ns(), sink.events[0].t_ns);
	ck_assert_uint_eq(isr_hist_get_count(isr_source_get_latency(timer)), 1);
}
END_TEST

START_TEST(timer_of_once_expires_once)
{
	open_timer(1, 0);
	xt_sink_run(&sink, 1);

	be_busy_until(isr_now_ns() + 2 * MS);
	xt_settle();

	ck_assert_uint_eq(sink.n, 1);
}
END_TEST

START_TEST(timer_does_not_drift)
{
	unsigned int i;

	open_timer(MS / 10, MS / 10);

	xt_sink_run(&sink, 200);

	for (i = 1; i < 200; i++) {
		const struct isr_event *e = &sink.events[i];

		ck_assert_int_eq(e->value, e->line_seq - e[-1].line_seq);
		ck_assert_uint_eq(e->t_ns - sink.events[0].t_ns,
				  (e->line_seq - sink.events[0].line_seq) *
					  (MS / 10));
	}
	ck_assert_uint_eq(sink.lost, 0);
}
END_TEST

START_TEST(timer_tells_how_often_it_expired_meanwhile)
{
	uint64_t now_ns;

	open_timer(MS, MS);
	now_ns = isr_now_ns();
	be_busy_until(now_ns + 5 * MS);

	xt_sink_run(&sink, 1);

	ck_assert_int_ge(sink.events[0].value, 5);
	ck_assert_uint_eq(sink.events[0].line_seq,
			  (uint32_t)sink.events[0].value);
}
END_TEST

START_TEST(timer_not_started_is_silent_until_set)
{
	open_timer(0, MS);
	be_busy_until(isr_now_ns() + 2 * MS);
	xt_settle();
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_timer_set(timer, 1, 0));
	xt_sink_run(&sink, 1);
}
END_TEST

START_TEST(timer_stopped_is_silent)
{
	open_timer(1, 1);
	be_busy_until(isr_now_ns() + MS);

	/* It has expired, but nobody was told yet. */
	xt_ok(isr_timer_set(timer, 0, 0));
	xt_settle();

	ck_assert_uint_eq(sink.n, 0);
}
END_TEST

START_TEST(timer_set_replaces_the_old_time)
{
	uint64_t now_ns;

	open_timer(HOUR, HOUR);
	now_ns = isr_now_ns();

	xt_ok(isr_timer_set(timer, MS, 0));
	xt_sink_run(&sink, 1);

	ck_assert_uint_lt(sink.events[0].t_ns, now_ns + HOUR);
}
END_TEST

START_TEST(timer_disarmed_discards)
{
	open_timer(MS, MS);
	xt_ok(isr_source_disarm(timer));
	be_busy_until(isr_now_ns() + 3 * MS);
	xt_settle();
	ck_assert_uint_eq(sink.n, 0);
	ck_assert_uint_ge(xt_stats(timer).discarded, 3);

	xt_ok(isr_source_arm(timer));
	xt_sink_run(&sink, 1);
	ck_assert_uint_eq(sink.events[0].line_seq,
			  xt_stats(timer).discarded +
				  (uint32_t)sink.events[0].value);
	ck_assert_uint_eq(sink.events[0].lost, 0);
}
END_TEST

static int stop_in_handler(struct isr_source *source,
			   const struct isr_event *event, void *arg)
{
	(*(unsigned int *)arg)++;
	isr_loop_stop(loop);
	return isr_timer_set(source, 0, 0);
}

START_TEST(timer_may_be_stopped_by_its_own_handler)
{
	unsigned int n = 0;

	xt_ok(isr_timer_open(loop, 1, 1, NULL, stop_in_handler, &n, &timer));
	xt_ok(isr_loop_run(loop));

	be_busy_until(isr_now_ns() + MS);
	xt_settle();

	ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(timer_bad_arguments_are_refused)
{
	struct isr_source *fd;

	xt_fails_with(EINVAL,
		      isr_timer_open(NULL, 1, 1, NULL, xt_sink, NULL, &timer));
	xt_fails_with(EINVAL,
		      isr_timer_open(loop, 1, 1, NULL, NULL, NULL, &timer));
	xt_fails_with(EINVAL,
		      isr_timer_open(loop, 1, 1, NULL, xt_sink, NULL, NULL));
	xt_fails_with(EINVAL, isr_timer_open(loop, UINT64_MAX, 1, NULL, xt_sink,
					     NULL, &timer));
	xt_fails_with(EINVAL, isr_timer_open(loop, 1, UINT64_MAX, NULL, xt_sink,
					     NULL, &timer));
	ck_assert_ptr_null(timer);

	xt_ok(isr_fd_open(loop, 0, 0, NULL, xt_sink, &sink, &fd));
	xt_fails_with(EINVAL, isr_timer_set(fd, 1, 1));
	xt_fails_with(EINVAL, isr_timer_set(NULL, 1, 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timer");
	TCase *tcase = xt_case(suite, "timer");

	tcase_add_checked_fixture(tcase, setup, xt_loop_teardown);
	tcase_add_test(tcase, timer_expires_when_due);
	tcase_add_test(tcase, timer_of_once_expires_once);
	tcase_add_test(tcase, timer_does_not_drift);
	tcase_add_test(tcase, timer_tells_how_often_it_expired_meanwhile);
	tcase_add_test(tcase, timer_not_started_is_silent_until_set);
	tcase_add_test(tcase, timer_stopped_is_silent);
	tcase_add_test(tcase, timer_set_replaces_the_old_time);
	tcase_add_test(tcase, timer_disarmed_discards);
	tcase_add_test(tcase, timer_may_be_stopped_by_its_own_handler);
	tcase_add_test(tcase, timer_bad_arguments_are_refused);

	return xt_main(suite);
}
