/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Timer sources. Nothing here says how late a callback may be: what is
 * tested is what its event says about when it was due. Each test runs with a
 * soft handler (_i is 0) and with a hard one, which goes on in its thread
 * whatever the test does; it is held where that would be in the way.
 */
#include "irq-thread.h"
#include "xt-source.h"

#define MS 1000000ULL
#define HOUR (3600000 * MS)

static struct isr_source *timer;

static void setup(void)
{
	xt_loop_setup();
	timer = NULL;
}

/* As xt_sink(), but what comes after the last one asked for is not seen. */
static int note(struct isr_source *source, const struct isr_event *event,
		void *arg)
{
	unsigned int stop_at = atomic_load(&sink.stop_at);

	if (stop_at && atomic_load(&sink.n) >= stop_at)
		return 0;
	return xt_sink(source, event, arg);
}

static void open_timer(bool hard, uint64_t first_ns, uint64_t period_ns)
{
	const struct isr_source_options options = {.hard = hard};

	xt_ok(isr_timer_open(loop, first_ns, period_ns, &options, note, &sink,
			     &timer));
}

/* Until then a timer has nobody to tell: a soft one neither, unless we run. */
static void hold(void)
{
	isri_irq_threads_hard_lock(loop);
}

static void let_go(void)
{
	isri_irq_threads_hard_unlock(loop);
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

	open_timer(_i, 2 * MS, 0);
	after = isr_now_ns();

	xt_sink_run(&sink, 1);

	ck_assert_uint_eq(sink.events[0].kind, ISR_EVENT_TIMER);
	ck_assert_int_eq(sink.events[0].value, 1);
	ck_assert_uint_ge(sink.events[0].t_ns, before + 2 * MS);
	ck_assert_uint_le(sink.events[0].t_ns, after + 2 * MS);
	ck_assert_uint_ge(isr_now_ns(), sink.events[0].t_ns);
	ck_assert_uint_eq(isr_hist_get_count(isr_source_get_latency(timer)), 1);
	ck_assert_int_eq(sink.in_isr, _i);
}
END_TEST

START_TEST(timer_of_once_expires_once)
{
	open_timer(_i, 1, 0);
	xt_sink_run(&sink, 1);

	be_busy_until(isr_now_ns() + 2 * MS);
	xt_settle();

	ck_assert_uint_eq(sink.n, 1);
}
END_TEST

/* Returns what a timer says about all its expirations so far. */
static uint32_t check_no_drift(unsigned int n, uint64_t period_ns)
{
	uint64_t start_ns =
		sink.events[0].t_ns - (sink.events[0].line_seq - 1) * period_ns;
	uint32_t seq = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		const struct isr_event *e = &sink.events[i];

		seq += (uint32_t)e->value;
		ck_assert_uint_eq(e->line_seq, seq);
		ck_assert_uint_eq(e->t_ns, start_ns + (seq - 1) * period_ns);
	}
	return seq;
}

#define DRIFT_PERIOD_NS (MS / 100)
#define DRIFT_PERIODS 10000

struct drift {
	struct isr_event last;
	unsigned int n_wrong;
};

static int follow(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	struct drift *drift = arg;
	uint32_t n = event->line_seq - drift->last.line_seq;

	if (drift->last.line_seq >= DRIFT_PERIODS)
		return 0;
	if (event->value != (int32_t)n || event->lost ||
	    (drift->last.t_ns &&
	     event->t_ns - drift->last.t_ns != n * DRIFT_PERIOD_NS))
		drift->n_wrong++;
	drift->last = *event;
	if (event->line_seq >= DRIFT_PERIODS)
		isr_loop_stop(loop);
	return 0;
}

START_TEST(timer_does_not_drift)
{
	const struct isr_source_options options = {.hard = _i};
	struct drift drift = {.n_wrong = 0};
	uint64_t before = isr_now_ns(), after;

	xt_ok(isr_timer_open(loop, DRIFT_PERIOD_NS, DRIFT_PERIOD_NS, &options,
			     follow, &drift, &timer));
	after = isr_now_ns();
	xt_ok(isr_loop_run(loop));
	xt_ok(isr_source_close(timer));

	ck_assert_uint_eq(drift.n_wrong, 0);
	ck_assert_uint_ge(drift.last.t_ns,
			  before + drift.last.line_seq * DRIFT_PERIOD_NS);
	ck_assert_uint_le(drift.last.t_ns,
			  after + drift.last.line_seq * DRIFT_PERIOD_NS);
}
END_TEST

START_TEST(timer_tells_how_often_it_expired_meanwhile)
{
	hold();
	open_timer(_i, MS, MS);
	be_busy_until(isr_now_ns() + 5 * MS);
	sink.stop_at = 1;
	let_go();

	xt_sink_run(&sink, 1);

	ck_assert_int_ge(sink.events[0].value, 5);
	ck_assert_uint_eq(sink.events[0].line_seq,
			  (uint32_t)sink.events[0].value);
}
END_TEST

START_TEST(timer_not_started_is_silent_until_set)
{
	open_timer(_i, 0, MS);
	be_busy_until(isr_now_ns() + 2 * MS);
	xt_settle();
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_timer_set(timer, 1, 0));
	xt_sink_run(&sink, 1);
}
END_TEST

START_TEST(timer_stopped_is_silent)
{
	hold();
	open_timer(_i, 1, 1);
	be_busy_until(isr_now_ns() + MS);

	/* It has expired, but nobody was told yet. */
	xt_ok(isr_timer_set(timer, 0, 0));
	let_go();
	be_busy_until(isr_now_ns() + MS);
	xt_settle();

	ck_assert_uint_eq(sink.n, 0);
}
END_TEST

START_TEST(timer_set_replaces_the_old_time)
{
	uint64_t now_ns;

	open_timer(_i, HOUR, HOUR);
	now_ns = isr_now_ns();

	xt_ok(isr_timer_set(timer, MS, 0));
	xt_sink_run(&sink, 1);

	ck_assert_uint_lt(sink.events[0].t_ns, now_ns + HOUR);
}
END_TEST

START_TEST(timer_set_counts_what_it_discards)
{
	hold();
	open_timer(_i, MS, MS);
	be_busy_until(isr_now_ns() + 5 * MS);
	xt_ok(isr_timer_set(timer, HOUR, 0));
	let_go();
	xt_settle();

	ck_assert_uint_eq(sink.n, 0);
	ck_assert_uint_ge(xt_stats(timer).discarded, 5);
	ck_assert_uint_eq(xt_stats(timer).line_seq, xt_stats(timer).discarded);
}
END_TEST

START_TEST(timer_disarmed_discards)
{
	hold();
	open_timer(_i, MS, MS);
	xt_ok(isr_source_disarm(timer));
	let_go();
	be_busy_until(isr_now_ns() + 3 * MS);
	xt_settle();
	ck_assert_uint_eq(sink.n, 0);
	ck_assert_uint_ge(xt_stats(timer).discarded, 3);

	sink.stop_at = 1;
	xt_ok(isr_source_arm(timer));
	xt_sink_run(&sink, 1);
	ck_assert_uint_eq(sink.events[0].line_seq,
			  xt_stats(timer).discarded +
				  (uint32_t)sink.events[0].value);
	ck_assert_uint_eq(sink.events[0].lost, 0);
}
END_TEST

START_TEST(timer_failing_handler_is_disarmed)
{
	xt_ok(isr_loop_set_log_cb(loop, NULL, NULL));
	sink.result = -EPROTO;
	open_timer(_i, MS / 10, MS / 10);

	xt_sink_run(&sink, 1);
	xt_wait_failed(timer);
	while (xt_stats(timer).discarded < 5)
		xt_settle();

	ck_assert_uint_eq(sink.n, 1);
	ck_assert_int_eq(xt_stats(timer).last_error, -EPROTO);
}
END_TEST

/*
 * What MicroPython's tests say of timers: extmod/machine_timer.py.
 */
START_TEST(timer_comes_and_goes)
{
	const struct isr_source_options options = {.hard = _i};
	struct isr_source *timers[4];
	unsigned int n;
	int i, order;

	for (order = 0; order < 2; order++) {
		for (i = 0; i < 4; i++)
			xt_ok(isr_timer_open(loop, MS, MS, &options, note,
					     &sink, &timers[i]));
		for (i = 0; i < 4; i++)
			xt_ok(isr_source_close(timers[order ? i : 3 - i]));
	}

	open_timer(_i, 0, 0);
	n = atomic_load(&sink.n);
	for (i = 0; i < 256; i++)
		xt_ok(isr_timer_set(timer, HOUR, HOUR));
	xt_ok(isr_timer_set(timer, 1, 0));
	xt_sink_run(&sink, n + 1);
}
END_TEST

START_TEST(timer_expires_as_often_as_its_period_says)
{
	static const unsigned int sleeps_ms[] = {0, 10, 20, 40, 20};
	const uint64_t period_ns = (_i / 2 ? 40 : 20) * MS;
	uint64_t sum = 0, before, after, end;
	unsigned int i;

	before = isr_now_ns();
	open_timer(_i % 2, period_ns, period_ns);
	after = isr_now_ns();
	for (i = 0; i < 5; i++) {
		be_busy_until(isr_now_ns() + sleeps_ms[i] * MS);
		xt_settle();
	}
	xt_ok(isr_source_disarm(timer));
	end = isr_now_ns();

	/* Discarded is what expired between the last look and the end. */
	ck_assert_uint_eq(check_no_drift(sink.n, period_ns) +
				  xt_stats(timer).discarded,
			  xt_stats(timer).line_seq);
	sum = xt_stats(timer).line_seq;
	ck_assert_uint_ge(sum, (end - after) / period_ns);
	ck_assert_uint_le(sum, (isr_now_ns() - before) / period_ns);
	ck_assert_uint_ge(sum, 90 / (_i / 2 ? 40 : 20));
	ck_assert_int_eq(sink.in_isr, _i % 2);
}
END_TEST

/*
 * ports/stm32/timer_callback.py: a callback may stop and end its own timer.
 */
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

static unsigned int n_ended;

static int end_in_handler(struct isr_source *source,
			  const struct isr_event *event, void *arg)
{
	n_ended++;
	isr_loop_stop(loop);
	return isr_source_close(source);
}

START_TEST(timer_may_be_ended_by_its_own_handler)
{
	n_ended = 0;
	xt_ok(isr_timer_open(loop, 1, 1, NULL, end_in_handler, NULL, &timer));
	xt_ok(isr_loop_run(loop));

	be_busy_until(isr_now_ns() + MS);
	xt_settle();

	ck_assert_uint_eq(n_ended, 1);
}
END_TEST

static int results[3]; /* of a hard handler; read once the timer is gone */

static void end_on_loop(void *arg)
{
	xt_ok(isr_source_close(arg));
	isr_loop_stop(loop);
}

static int end_from_hard(struct isr_source *source,
			 const struct isr_event *event, void *arg)
{
	if (n_ended++)
		return 0;
	results[0] = isr_timer_set(source, 0, 0);
	results[1] = isr_source_disarm(source);
	results[2] = isr_source_close(source);
	return isr_schedule(loop, end_on_loop, source);
}

START_TEST(timer_of_a_hard_handler_is_ended_on_the_loop)
{
	struct isr_emerg record;
	int i;

	n_ended = 0;
	xt_ok(isr_loop_set_log_cb(loop, NULL, NULL));
	xt_ok(isr_timer_open(loop, 1, 0, &xt_hard, end_from_hard, NULL,
			     &timer));

	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(n_ended, 1);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(results[i], -EPERM);
		ck_assert_int_eq(isr_emerg_take(loop, &record), 1);
		ck_assert_uint_eq(record.kind, ISR_EMERG_MISUSE);
		ck_assert_uint_eq(record.context, ISR_CONTEXT_IRQ_THREAD);
	}
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
	tcase_add_loop_test(tcase, timer_expires_when_due, 0, 2);
	tcase_add_loop_test(tcase, timer_of_once_expires_once, 0, 2);
	tcase_add_loop_test(tcase, timer_does_not_drift, 0, 2);
	tcase_add_loop_test(tcase, timer_tells_how_often_it_expired_meanwhile,
			    0, 2);
	tcase_add_loop_test(tcase, timer_not_started_is_silent_until_set, 0, 2);
	tcase_add_loop_test(tcase, timer_stopped_is_silent, 0, 2);
	tcase_add_loop_test(tcase, timer_set_replaces_the_old_time, 0, 2);
	tcase_add_loop_test(tcase, timer_set_counts_what_it_discards, 0, 2);
	tcase_add_loop_test(tcase, timer_disarmed_discards, 0, 2);
	tcase_add_loop_test(tcase, timer_failing_handler_is_disarmed, 0, 2);
	tcase_add_loop_test(tcase, timer_comes_and_goes, 0, 2);
	tcase_add_loop_test(tcase, timer_expires_as_often_as_its_period_says, 0,
			    4);
	tcase_add_test(tcase, timer_may_be_stopped_by_its_own_handler);
	tcase_add_test(tcase, timer_may_be_ended_by_its_own_handler);
	tcase_add_test(tcase, timer_of_a_hard_handler_is_ended_on_the_loop);
	tcase_add_test(tcase, timer_bad_arguments_are_refused);

	return xt_main(suite);
}
