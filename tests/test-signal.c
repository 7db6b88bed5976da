/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Signal sources: real signals, soft and hard. */
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "linger.h"
#include "test-point.h"
#include "waits.h"
#include "xt-source.h"

static struct isr_source *source;

static void setup(void)
{
	xt_loop_setup();
	source = NULL;
}

static void open_signal(int signo, bool hard)
{
	xt_ok(isr_signal_open(loop, signo, hard ? &xt_hard : NULL, xt_sink,
			      &sink, &source));
}

START_TEST(signal_soft_handler_runs_on_the_loop)
{
	open_signal(SIGUSR1, false);
	ck_assert_int_eq(raise(SIGUSR1), 0);
	ck_assert_uint_eq(sink.n, 0);

	xt_sink_run(&sink, 1);

	ck_assert(!sink.in_isr);
	ck_assert_uint_eq(sink.events[0].kind, ISR_EVENT_SIGNAL);
	ck_assert_int_eq(sink.events[0].value, 0);
	ck_assert_uint_eq(sink.events[0].line_seq, 1);
	ck_assert_uint_eq(sink.events[0].source, isr_source_get_id(source));
	ck_assert_uint_eq(isr_hist_get_count(isr_source_get_latency(source)),
			  1);
}
END_TEST

START_TEST(signal_hard_handler_runs_at_once_in_isr_context)
{
	open_signal(SIGUSR1, true);

	ck_assert_int_eq(raise(SIGUSR1), 0);

	ck_assert_uint_eq(sink.n, 1);
	ck_assert(sink.in_isr);
	ck_assert(!isr_in_context());
}
END_TEST

static void *signal_process(void *arg)
{
	kill(getpid(), SIGUSR1);
	return NULL;
}

START_TEST(signal_wakes_a_loop_that_sleeps)
{
	pthread_t thread;

	open_signal(SIGUSR1, _i);
	ck_assert_int_eq(pthread_create(&thread, NULL, signal_process, NULL),
			 0);

	xt_sink_run(&sink, 1);

	pthread_join(thread, NULL);
}
END_TEST

START_TEST(signal_queued_values_arrive_in_order)
{
	int i;

	open_signal(SIGRTMIN, _i);
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(sigqueue(getpid(), SIGRTMIN,
					  (union sigval){.sival_int = -i}),
				 0);

	xt_sink_run(&sink, 100);

	for (i = 0; i < 100; i++) {
		ck_assert_int_eq(sink.events[i].value, -i);
		ck_assert_uint_eq(sink.events[i].line_seq, (unsigned int)i + 1);
		ck_assert_uint_eq(sink.events[i].lost, 0);
	}
}
END_TEST

/* Had it been started long ago, it would have expired 11 times by now. */
static timer_t start_late_timer(void)
{
	const time_t period_s = 1000;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = SIGRTMIN};
	struct itimerspec when = {.it_interval.tv_sec = period_s};
	timer_t timer;

	event.sigev_value.sival_int = 7;
	ck_assert_int_eq(timer_create(CLOCK_REALTIME, &event, &timer), 0);
	ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &when.it_value), 0);
	when.it_value.tv_sec -= 10 * period_s + period_s / 2;
	ck_assert_int_eq(timer_settime(timer, TIMER_ABSTIME, &when, NULL), 0);
	return timer;
}

START_TEST(signal_of_a_timer_tells_merged_expirations)
{
	timer_t timer;

	open_signal(SIGRTMIN, _i);
	timer = start_late_timer();

	xt_sink_run(&sink, 1);

	ck_assert_int_eq(timer_delete(timer), 0);
	ck_assert_int_eq(sink.events[0].value, 7);
	ck_assert_uint_eq(sink.events[0].flags, ISR_EVENT_FLAG_MERGED);
	ck_assert_uint_eq(sink.events[0].lost, 0);
	ck_assert_uint_eq(xt_stats(source).delivered, 1);
	ck_assert_uint_eq(xt_stats(source).merged, 10);

	/* What is not a timer's has none. */
	sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 8});
	xt_sink_run(&sink, 2);
	ck_assert_uint_eq(sink.events[1].flags, 0);
	ck_assert_uint_eq(xt_stats(source).merged, 10);
}
END_TEST

START_TEST(signal_storm_beyond_the_ring_is_told_exactly)
{
	unsigned int i;

	open_signal(SIGUSR1, false);
	for (i = 0; i < ISR_SOURCE_RING_EVENTS + 100; i++)
		raise(SIGUSR1);

	xt_sink_run(&sink, ISR_SOURCE_RING_EVENTS);
	xt_settle();

	ck_assert_uint_eq(sink.n, ISR_SOURCE_RING_EVENTS);
	ck_assert_uint_eq(sink.lost, 100);
	ck_assert_uint_eq(xt_stats(source).lost_ring, 100);
	ck_assert_uint_eq(xt_stamped(source), ISR_SOURCE_RING_EVENTS + 100);
}
END_TEST

static int break_errno(struct isr_source *s, const struct isr_event *event,
		       void *arg)
{
	errno = ENOTTY;
	return 0;
}

START_TEST(signal_keeps_errno)
{
	xt_ok(isr_signal_open(loop, SIGUSR1, &xt_hard, break_errno, NULL,
			      &source));
	errno = EXDEV;

	raise(SIGUSR1);

	ck_assert_int_eq(errno, EXDEV);
}
END_TEST

static int try_loop_class(struct isr_source *s, const struct isr_event *event,
			  void *arg)
{
	int *results = arg;
	struct isr_source *ret;

	results[0] = isr_source_disarm(s);
	results[1] = isr_source_close(s);
	results[2] = isr_signal_open(loop, SIGUSR2, NULL, xt_sink, &sink, &ret);
	results[3] = isr_loop_run(loop);
	return 0;
}

START_TEST(signal_hard_handler_may_not_call_the_loop_class)
{
	int i, results[4] = {0};

	xt_ok(isr_signal_open(loop, SIGUSR1, &xt_hard, try_loop_class, results,
			      &source));

	raise(SIGUSR1);

	for (i = 0; i < 4; i++)
		ck_assert_int_eq(results[i], -EPERM);
}
END_TEST

/* Not raised by anything here. */
static const int unwatchable[] = {0,	  -1,	  SIGKILL, SIGSTOP, SIGSEGV,
				  SIGBUS, SIGFPE, SIGILL,  SIGTRAP, SIGSYS,
				  32,	  33,	  65,	   1000};

START_TEST(signal_unwatchable_is_refused)
{
	xt_fails_with(EINVAL, isr_signal_open(loop, unwatchable[_i], NULL,
					      xt_sink, &sink, &source));
	ck_assert_ptr_null(source);
}
END_TEST

START_TEST(signal_has_one_source)
{
	struct isr_source *second = NULL;
	struct isr_loop *other;

	open_signal(SIGUSR1, false);
	xt_ok(isr_loop_new(NULL, &other));

	xt_fails_with(EBUSY, isr_signal_open(loop, SIGUSR1, &xt_hard, xt_sink,
					     &sink, &second));
	xt_fails_with(EBUSY, isr_signal_open(other, SIGUSR1, &xt_hard, xt_sink,
					     &sink, &second));
	ck_assert_ptr_null(second);
	xt_ok(isr_loop_free(other));

	/* The one that has it was not harmed, and gives it back. */
	raise(SIGUSR1);
	xt_sink_run(&sink, 1);
	xt_ok(isr_source_close(source));
	open_signal(SIGUSR1, true);
	raise(SIGUSR1);
	ck_assert_uint_eq(sink.n, 2);
}
END_TEST

static void own_handler(int signo)
{
}

static struct sigaction get_disposition(int signo)
{
	struct sigaction action;

	ck_assert_int_eq(sigaction(signo, NULL, &action), 0);
	return action;
}

static void assert_same(struct sigaction a, struct sigaction b)
{
	int signo;

	ck_assert(a.sa_handler == b.sa_handler);
	ck_assert_int_eq(a.sa_flags, b.sa_flags);
	for (signo = 1; signo < SIGRTMIN - 2; signo++)
		ck_assert_int_eq(sigismember(&a.sa_mask, signo),
				 sigismember(&b.sa_mask, signo));
}

START_TEST(signal_disposition_found_is_restored)
{
	struct sigaction action = {.sa_handler = own_handler,
				   .sa_flags = SA_NODEFER};
	struct sigaction usr1, hup;
	struct isr_source *second;

	sigaddset(&action.sa_mask, SIGUSR2);
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	ck_assert(signal(SIGHUP, SIG_IGN) != SIG_ERR);
	usr1 = get_disposition(SIGUSR1);
	hup = get_disposition(SIGHUP);

	open_signal(SIGUSR1, false);
	xt_ok(isr_signal_open(loop, SIGHUP, &xt_hard, xt_sink, &sink, &second));
	xt_ok(isr_source_close(source));
	assert_same(get_disposition(SIGUSR1), usr1);
	xt_ok(isr_loop_free(loop));
	loop = NULL;
	assert_same(get_disposition(SIGHUP), hup);

	signal(SIGHUP, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
}
END_TEST

START_TEST(signal_disposition_of_the_program_stays)
{
	struct sigaction action = {.sa_handler = own_handler};
	struct sigaction own;

	open_signal(SIGUSR1, _i);
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	own = get_disposition(SIGUSR1);

	xt_ok(isr_source_close(source));

	assert_same(get_disposition(SIGUSR1), own);
	signal(SIGUSR1, SIG_DFL);
}
END_TEST

START_TEST(signal_disarmed_is_discarded_and_does_not_kill)
{
	open_signal(SIGTERM, _i);
	raise(SIGTERM);
	xt_sink_run(&sink, 1);

	xt_ok(isr_source_disarm(source));
	raise(SIGTERM);
	raise(SIGTERM);
	xt_settle();
	ck_assert_uint_eq(sink.n, 1);
	ck_assert_uint_eq(xt_stats(source).discarded, 2);
	xt_ok(isr_source_arm(source));
	raise(SIGTERM);
	xt_sink_run(&sink, 2);

	ck_assert_uint_eq(sink.lost, 0);
	ck_assert_uint_eq(sink.events[1].line_seq, 4);
	ck_assert_uint_eq(xt_stamped(source), 4);
}
END_TEST

static void count_failures(struct isr_flag *flag, uint32_t count, void *arg)
{
	*(unsigned int *)arg += count;
	isr_loop_stop(loop);
}

START_TEST(signal_failing_handler_runs_once)
{
	unsigned int i, failures = 0;

	open_signal(SIGUSR1, _i);
	xt_ok(isr_flag_set_cb(isr_source_get_failed_flag(source),
			      count_failures, &failures));
	sink.result = -EIO;

	for (i = 0; i < 100; i++)
		raise(SIGUSR1);
	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(failures, 1);
	ck_assert_uint_eq(sink.n, 1);
	ck_assert_uint_eq(xt_stats(source).failed, 1);
	ck_assert_int_eq(xt_stats(source).last_error, -EIO);
	ck_assert_uint_eq(xt_stats(source).discarded, 99);

	sink.result = 0;
	xt_ok(isr_source_arm(source));
	raise(SIGUSR1);
	xt_sink_run(&sink, 2);
}
END_TEST

static int close_self(struct isr_source *s, const struct isr_event *event,
		      void *arg)
{
	(*(unsigned int *)arg)++;
	xt_ok(isr_source_close(s));
	isr_loop_stop(loop);
	return 0;
}

START_TEST(signal_may_be_closed_by_its_own_handler)
{
	unsigned int n = 0;

	signal(SIGUSR1, SIG_IGN);
	xt_ok(isr_signal_open(loop, SIGUSR1, NULL, close_self, &n, &source));
	raise(SIGUSR1);
	raise(SIGUSR1);

	xt_ok(isr_loop_run(loop));
	xt_settle();

	ck_assert_uint_eq(n, 1);
	ck_assert(get_disposition(SIGUSR1).sa_handler == SIG_IGN);
	signal(SIGUSR1, SIG_DFL);
}
END_TEST

START_TEST(signal_end_waits_for_a_handler_in_another_thread)
{
	pthread_t raiser;

	linger_begin();
	xt_ok(isr_signal_open(loop, SIGUSR1, &xt_hard, linger, NULL, &source));
	ck_assert_int_eq(pthread_create(&raiser, NULL, linger_in_handler, NULL),
			 0);
	linger_await();
	atomic_store(&waits_hook, linger_release);

	xt_ok(_i ? isr_source_close(source) : isr_source_disarm(source));

	atomic_store(&waits_hook, NULL);
	ck_assert(atomic_load(&lingers.finished));
	pthread_join(raiser, NULL);
}
END_TEST

static atomic_bool storming;

static void *storm(void *arg)
{
	while (atomic_load(&storming))
		raise(SIGUSR1);
	return NULL;
}

static int count(struct isr_source *s, const struct isr_event *event, void *arg)
{
	atomic_fetch_add((atomic_uint *)arg, 1);
	return 0;
}

START_TEST(signal_no_handler_runs_after_close)
{
	pthread_t thread;
	atomic_uint n;
	unsigned int i, seen;

	atomic_init(&n, 0);
	atomic_store(&storming, true);
	signal(SIGUSR1, SIG_IGN);
	ck_assert_int_eq(pthread_create(&thread, NULL, storm, NULL), 0);
	for (i = 0; i < 100; i++) {
		seen = atomic_load(&n);
		xt_ok(isr_signal_open(loop, SIGUSR1, _i ? &xt_hard : NULL,
				      count, &n, &source));
		while (atomic_load(&n) < seen + 10)
			xt_ok(isr_loop_dispatch(loop));

		xt_ok(isr_source_close(source));

		seen = atomic_load(&n);
		xt_settle();
		ck_assert_uint_eq(atomic_load(&n), seen);
	}
	atomic_store(&storming, false);
	pthread_join(thread, NULL);
	signal(SIGUSR1, SIG_DFL);
}
END_TEST

#ifdef ISR_TEST_POINTS

/*
 * A handler that started before close began, and counts itself only after
 * close has found nobody inside. It takes the source just before that is
 * unclaimed, and keeps it until close waits.
 */
static atomic_bool loaded, go;

static void arrive_late(const char *point)
{
	if (strcmp(point, "sig:A") == 0) {
		atomic_store(&lingers.entered, true);
		while (!atomic_load(&go))
			;
	} else if (strcmp(point, "sig:D") == 0) {
		atomic_store(&go, true);
		while (!atomic_load(&loaded))
			sched_yield();
	} else if (strcmp(point, "sig:E") == 0) {
		atomic_store(&loaded, true);
		while (!atomic_load(&lingers.released))
			;
	} else if (strcmp(point, "sig:C") == 0) {
		atomic_store(&lingers.finished, true);
	}
}

START_TEST(signal_close_waits_for_a_handler_that_came_late)
{
	pthread_t raiser;

	open_signal(SIGUSR1, _i);
	linger_begin();
	atomic_store(&go, false);
	atomic_store(&loaded, false);
	isri_test_point_hook = arrive_late;
	ck_assert_int_eq(pthread_create(&raiser, NULL, linger_in_handler, NULL),
			 0);
	linger_await();
	atomic_store(&waits_hook, linger_release);

	xt_ok(isr_source_close(source));

	atomic_store(&waits_hook, NULL);
	ck_assert(atomic_load(&lingers.finished));
	pthread_join(raiser, NULL);
	isri_test_point_hook = NULL;
	ck_assert_uint_eq(sink.n, 0);
}
END_TEST

#endif

int main(void)
{
	Suite *suite = suite_create("signal");
	TCase *tcase;

	tcase = xt_case(suite, "delivery");
	tcase_add_checked_fixture(tcase, setup, xt_loop_teardown);
	tcase_add_test(tcase, signal_soft_handler_runs_on_the_loop);
	tcase_add_test(tcase, signal_hard_handler_runs_at_once_in_isr_context);
	tcase_add_loop_test(tcase, signal_wakes_a_loop_that_sleeps, 0, 2);
	tcase_add_loop_test(tcase, signal_queued_values_arrive_in_order, 0, 2);
	tcase_add_loop_test(tcase, signal_of_a_timer_tells_merged_expirations,
			    0, 2);
	tcase_add_test(tcase, signal_storm_beyond_the_ring_is_told_exactly);
	tcase_add_test(tcase, signal_keeps_errno);
	tcase_add_test(tcase, signal_hard_handler_may_not_call_the_loop_class);

	tcase = xt_case(suite, "ownership");
	tcase_add_checked_fixture(tcase, setup, xt_loop_teardown);
	tcase_add_loop_test(tcase, signal_unwatchable_is_refused, 0,
			    sizeof(unwatchable) / sizeof(*unwatchable));
	tcase_add_test(tcase, signal_has_one_source);
	tcase_add_test(tcase, signal_disposition_found_is_restored);
	tcase_add_loop_test(tcase, signal_disposition_of_the_program_stays, 0,
			    2);

	tcase = xt_case(suite, "end");
	tcase_add_checked_fixture(tcase, setup, xt_loop_teardown);
	tcase_add_loop_test(
		tcase, signal_disarmed_is_discarded_and_does_not_kill, 0, 2);
	tcase_add_loop_test(tcase, signal_failing_handler_runs_once, 0, 2);
	tcase_add_test(tcase, signal_may_be_closed_by_its_own_handler);
	tcase_add_loop_test(
		tcase, signal_end_waits_for_a_handler_in_another_thread, 0, 2);
	tcase_add_loop_test(tcase, signal_no_handler_runs_after_close, 0, 2);
#ifdef ISR_TEST_POINTS
	tcase_add_loop_test(
		tcase, signal_close_waits_for_a_handler_that_came_late, 0, 2);
#endif

	return xt_main(suite);
}
