/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The hard handler of a signal runs once at a time, whoever gets the signal,
 * and every event is accounted for.
 */
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "race.h"
#include "signal-handler.h"
#include "xt-source.h"

static struct isr_source *source;
static struct isri_signal *sig;

static void open_signal(int signo, const struct isr_source_options *options,
			isr_handler_cb *handler)
{
	xt_ok(isr_signal_open(loop, signo, options, handler, &sink, &source));
	sig = isri_signal_of(source);
}

/* A program's own event. */
static int fire(int value)
{
	struct isr_event event = {
		.t_ns = isr_now_ns(),
		.kind = ISR_EVENT_USER,
		.value = value,
	};

	return isri_signal_fire(source, &event);
}

/* A handler that is in no other one, and at times long enough to be found. */
static atomic_uint depth, n_overlaps;

static int be_alone(struct isr_source *s, const struct isr_event *event,
		    void *arg)
{
	int i;

	if (atomic_fetch_add(&depth, 1))
		n_overlaps++;
	if (sink.n % 16 == 0) {
		for (i = 0; i < 3; i++)
			sched_yield();
		fire(0);
	}
	xt_sink(s, event, arg);
	atomic_fetch_sub(&depth, 1);
	return 0;
}

#define STORM_THREADS 3
#define STORM_SIGNALS 2000U

static void *storm(void *arg)
{
	unsigned int i;

	for (i = 0; i < STORM_SIGNALS; i++) {
		raise(SIGUSR1);
		if (i % 8 == 0)
			fire(0);
	}
	return NULL;
}

START_TEST(turn_handlers_neither_nest_nor_run_in_parallel)
{
	pthread_t threads[STORM_THREADS];
	int i;

	open_signal(SIGUSR1, &xt_hard, be_alone);
	n_overlaps = 0;
	depth = 0;

	for (i = 0; i < STORM_THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, storm, NULL),
				 0);
	for (i = 0; i < STORM_THREADS; i++)
		pthread_join(threads[i], NULL);

	ck_assert_uint_eq(n_overlaps, 0);
	/* Whoever rests in its handler may find the ring full. */
	ck_assert_uint_ge(sink.n + sink.lost,
			  STORM_THREADS * STORM_SIGNALS * 9 / 8);
	ck_assert_uint_eq(xt_stats(source).delivered, sink.n);
	ck_assert_uint_eq(xt_stats(source).line_seq, xt_stamped(source));
	ck_assert_uint_eq(sink.lost, xt_stats(source).lost_ring);
}
END_TEST

/* A handler that stays until it may go, the first time. */
static atomic_bool entered, released;

static int linger(struct isr_source *s, const struct isr_event *event,
		  void *arg)
{
	if (!atomic_exchange(&entered, true))
		while (!atomic_load(&released))
			sched_yield();
	return xt_sink(s, event, arg);
}

static pthread_t lingerer;

static void *raise_in_thread(void *arg)
{
	raise(SIGUSR1);
	return NULL;
}

static void let_linger(void)
{
	atomic_store(&entered, false);
	atomic_store(&released, false);
	open_signal(SIGUSR1, &xt_hard, linger);
	ck_assert_int_eq(pthread_create(&lingerer, NULL, raise_in_thread, NULL),
			 0);
	xt_wait_until(atomic_load(&entered));
}

static void let_go(void)
{
	atomic_store(&released, true);
	pthread_join(lingerer, NULL);
}

START_TEST(turn_taken_elsewhere_is_not_waited_for)
{
	int i;

	let_linger();

	for (i = 1; i <= 10; i++)
		xt_ok(fire(i));
	raise(SIGUSR1);
	ck_assert_uint_eq(sink.n, 0);
	let_go();

	ck_assert_uint_eq(sink.n, 12);
	ck_assert(pthread_equal(sink.thread, lingerer));
	ck_assert(sink.in_isr);
	for (i = 1; i <= 10; i++) {
		ck_assert_int_eq(sink.events[i].value, i);
		ck_assert_uint_eq(sink.events[i].line_seq, (unsigned int)i + 1);
		ck_assert_uint_eq(sink.events[i].source,
				  isr_source_get_id(source));
	}
	ck_assert_uint_eq(sink.events[11].kind, ISR_EVENT_SIGNAL);
}
END_TEST

static int fire_many(struct isr_source *s, const struct isr_event *event,
		     void *arg)
{
	int i, n_full = 0;

	if (event->kind == ISR_EVENT_SIGNAL) {
		for (i = 0; i < ISR_SOURCE_RING_EVENTS + 100; i++)
			n_full += fire(i) == -ENOSPC;
		sink.result = n_full == 100 ? 0 : -EIO;
	}
	return xt_sink(s, event, arg);
}

START_TEST(turn_ring_that_is_full_refuses_and_tells)
{
	open_signal(SIGUSR1, &xt_hard, fire_many);

	raise(SIGUSR1);

	ck_assert_uint_eq(xt_stats(source).failed, 0);
	ck_assert_uint_eq(sink.n, ISR_SOURCE_RING_EVENTS + 1);
	ck_assert_uint_eq(sink.n_reports, 1);
	ck_assert_uint_eq(sink.lost, 100);
	ck_assert_uint_eq(sink.last_report.line_seq,
			  ISR_SOURCE_RING_EVENTS + 101);
	ck_assert_uint_eq(xt_stats(source).lost_ring, 100);
	ck_assert_uint_eq(xt_stamped(source), ISR_SOURCE_RING_EVENTS + 101);
}
END_TEST

#define CHAIN (3 * ISR_SOURCE_RING_EVENTS)

/* Each run makes the next one due. */
static int fire_next(struct isr_source *s, const struct isr_event *event,
		     void *arg)
{
	if (sink.n + 1 < CHAIN)
		fire(0);
	return xt_sink(s, event, arg);
}

/* What others fire as fast as it is handled looks the same. */
START_TEST(turn_without_an_end_is_handed_to_the_loop)
{
	open_signal(SIGUSR1, &xt_hard, fire_next);

	raise(SIGUSR1);
	ck_assert_uint_gt(sink.n, ISR_SOURCE_RING_EVENTS);
	ck_assert_uint_le(sink.n, ISR_SOURCE_RING_EVENTS + 3);
	xt_settle();

	ck_assert_uint_eq(sink.n, CHAIN);
	ck_assert_uint_eq(sink.lost, 0);
	ck_assert(sink.in_isr);
	ck_assert_uint_eq(xt_stats(source).delivered, CHAIN);
	ck_assert_uint_eq(xt_stamped(source), CHAIN);
}
END_TEST

START_TEST(turn_that_was_handed_over_ends_with_the_source)
{
	open_signal(SIGUSR1, &xt_hard, fire_next);

	raise(SIGUSR1);
	ck_assert_uint_lt(sink.n, CHAIN);
	if (_i) {
		xt_ok(isr_source_disarm(source));
		ck_assert_uint_eq(xt_stats(source).discarded, 1);
		ck_assert_uint_eq(xt_stamped(source), sink.n + 1);
	}
	xt_ok(isr_source_close(source));
	xt_settle();

	ck_assert_uint_lt(sink.n, CHAIN);
}
END_TEST

static int fire_and_fail(struct isr_source *s, const struct isr_event *event,
			 void *arg)
{
	int i;

	for (i = 0; sink.result && i < ISR_SOURCE_RING_EVENTS + 10; i++)
		fire(i);
	return xt_sink(s, event, arg);
}

START_TEST(turn_failed_handler_discards_what_waits)
{
	open_signal(SIGUSR1, &xt_hard, fire_and_fail);
	sink.result = -EIO;

	raise(SIGUSR1);
	ck_assert_uint_eq(sink.n, 1);
	ck_assert_uint_eq(xt_stats(source).discarded, ISR_SOURCE_RING_EVENTS);
	sink.result = 0;
	xt_ok(isr_source_arm(source));
	raise(SIGUSR1);

	/* What was lost before is told by the first event after. */
	ck_assert_uint_eq(sink.n, 2);
	ck_assert_uint_eq(sink.events[1].lost, 10);
	ck_assert_uint_eq(xt_stamped(source), ISR_SOURCE_RING_EVENTS + 12);
}
END_TEST

START_TEST(turn_fire_of_a_disarmed_source_is_discarded)
{
	open_signal(SIGUSR1, _i ? &xt_hard : NULL, xt_sink);

	xt_ok(isr_source_disarm(source));
	xt_fails_with(EPERM, fire(1));
	xt_ok(isr_source_arm(source));
	xt_ok(fire(2));
	xt_sink_run(&sink, 1);

	ck_assert_int_eq(sink.events[0].value, 2);
	ck_assert_uint_eq(sink.events[0].kind, ISR_EVENT_USER);
	ck_assert_uint_eq(sink.events[0].line_seq, 2);
	ck_assert_uint_eq(sink.events[0].lost, 0);
	ck_assert_uint_eq(xt_stats(source).discarded, 1);
}
END_TEST

#define QUEUED 100000
/*
 * More than the ring takes, and far from all that the kernel allows: that is
 * of all processes of the user together, and what others then need a place
 * for, a timer to begin with, is refused.
 */
#define QUEUED_AT_ONCE (2 * ISR_SOURCE_RING_EVENTS)

static atomic_uint n_queued, n_stamped;
static atomic_bool is_full;

static unsigned int look_how_many_came(void)
{
	unsigned int n = xt_stats(source).line_seq;

	atomic_store(&n_stamped, n);
	return n;
}

/* Only the loop's thread gets them. */
static void *queue_all(void *arg)
{
	unsigned int i;

	for (i = 0; i < QUEUED; i++) {
		union sigval value = {.sival_int = (int)i};

		while (i - atomic_load(&n_stamped) >= QUEUED_AT_ONCE)
			sched_yield();
		/* Refused when as many wait as the kernel allows. */
		while (sigqueue(getpid(), SIGRTMIN, value) < 0) {
			atomic_store(&is_full, true);
			sched_yield();
		}
		atomic_store(&n_queued, i + 1);
	}
	return NULL;
}

/* What the ring has no room for waits until all of it comes at once. */
static void start_to_queue(pthread_t *ret_thread)
{
	sigset_t set, found;

	atomic_store(&n_queued, 0);
	atomic_store(&n_stamped, 0);
	atomic_store(&is_full, false);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &set, &found);
	ck_assert_int_eq(pthread_create(ret_thread, NULL, queue_all, NULL), 0);
	xt_wait_until(atomic_load(&n_queued) >= QUEUED_AT_ONCE ||
		      atomic_load(&is_full));
	pthread_sigmask(SIG_SETMASK, &found, NULL);
}

static struct {
	atomic_uint n;
	uint64_t lost;
	int last;
	unsigned int n_disordered;
} queue;

static int take_queued(struct isr_source *s, const struct isr_event *event,
		       void *arg)
{
	queue.lost += event->lost;
	if (event->kind == ISR_EVENT_LOST)
		return 0;
	/* The gap is exactly what was lost. */
	if (event->value != queue.last + 1 + (int)event->lost)
		queue.n_disordered++;
	queue.last = event->value;
	queue.n++;
	return 0;
}

START_TEST(turn_queued_signals_are_all_accounted_for)
{
	pthread_t thread;

	memset(&queue, 0, sizeof(queue));
	queue.last = -1;
	open_signal(SIGRTMIN, _i ? &xt_hard : NULL, take_queued);

	start_to_queue(&thread);
	while (look_how_many_came() < QUEUED ||
	       queue.n + xt_stats(source).lost_ring < QUEUED)
		xt_ok(isr_loop_dispatch(loop));
	pthread_join(thread, NULL);
	xt_settle();

	ck_assert_uint_eq(queue.n + xt_stats(source).lost_ring, QUEUED);
	ck_assert_uint_eq(queue.lost, xt_stats(source).lost_ring);
	ck_assert_uint_eq(queue.n_disordered, 0);
	if (_i)
		ck_assert_uint_eq(queue.n, QUEUED);
	else if (!atomic_load(&is_full))
		ck_assert_uint_gt(queue.lost, 0);
}
END_TEST

START_TEST(turn_standard_signals_are_merged_by_the_kernel_only)
{
	sigset_t set, found;
	int i;

	open_signal(SIGUSR1, _i ? &xt_hard : NULL, xt_sink);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, &found);
	for (i = 0; i < 10; i++)
		raise(SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &found, NULL);
	for (i = 0; i < 10; i++)
		raise(SIGUSR1);

	xt_sink_run(&sink, 11);

	ck_assert_uint_eq(sink.events[10].line_seq, 11);
	ck_assert_uint_eq(sink.lost, 0);
}
END_TEST

#ifdef ISR_TEST_POINTS

/* Perhaps in a handler: it asserts nothing. */
static void fire_one(void)
{
	(void)fire(1);
}

/* After the last look, before the turn is given back. */
START_TEST(turn_ask_before_it_is_given_back_is_seen)
{
	open_signal(SIGUSR1, &xt_hard, xt_sink);
	race_at(0, "turn:C", fire_one);

	raise(SIGUSR1);

	assert_raced(1);
	ck_assert_uint_eq(sink.n, 2);
	ck_assert_int_eq(sink.events[1].value, 1);
}
END_TEST

/* Nobody but the loop looks for it. */
START_TEST(turn_ask_before_it_is_handed_over_is_seen)
{
	open_signal(SIGUSR1, &xt_hard, fire_next);
	race_at(0, "turn:E", fire_one);

	raise(SIGUSR1);
	xt_settle();

	assert_raced(1);
	ck_assert_uint_ge(sink.n, CHAIN);
	ck_assert_uint_eq(xt_stats(source).delivered, xt_stamped(source));
	ck_assert_uint_eq(xt_stats(source).line_seq, sink.n);
}
END_TEST

/* Found taken, and given back before the event was there. */
START_TEST(turn_given_back_before_the_event_is_the_askers)
{
	let_linger();
	race_at(0, "ring:A", let_go);

	raise(SIGUSR1);

	assert_raced(1);
	ck_assert_uint_eq(sink.n, 2);
	ck_assert(pthread_equal(sink.thread, pthread_self()));
}
END_TEST

static void go_then_fire(void)
{
	let_go();
	xt_ok(fire(2));
	/* Nobody waits for the one that is not complete yet. */
	ck_assert_uint_eq(sink.n, 1);
}

START_TEST(turn_is_not_held_for_an_event_that_is_half_there)
{
	let_linger();
	race_at(0, "ring:A", go_then_fire);

	xt_ok(fire(1));

	assert_raced(1);
	ck_assert_uint_eq(sink.n, 3);
	ck_assert_int_eq(sink.events[1].value, 1);
	ck_assert_int_eq(sink.events[2].value, 2);
}
END_TEST

/* Something waits although nobody has the turn: it comes first. */
static void fire_behind(void)
{
	xt_ok(fire(2));
}

START_TEST(turn_event_that_waits_comes_before_a_new_one)
{
	let_linger();
	race_at(0, "ring:A", let_go);
	race_at(1, "turn:A", fire_behind);

	xt_ok(fire(1));

	assert_raced(2);
	ck_assert_uint_eq(sink.n, 3);
	ck_assert_int_eq(sink.events[1].value, 1);
	ck_assert_int_eq(sink.events[2].value, 2);
}
END_TEST

#endif

static void setup(void)
{
	xt_loop_setup();
#ifdef ISR_TEST_POINTS
	forget_races();
#endif
}

/* The thread sanitizer's runtime puts signals off, and merges them. */
#ifdef __SANITIZE_THREAD__
#define SIGNALS_ARE_KERNELS 0
#else
#define SIGNALS_ARE_KERNELS 1
#endif

int main(void)
{
	Suite *suite = suite_create("signal-turn");
	TCase *tcase;

	tcase = xt_case(suite, "storm");
	tcase_add_checked_fixture(tcase, setup, xt_loop_teardown);
	tcase_add_test(tcase, turn_handlers_neither_nest_nor_run_in_parallel);

	tcase = xt_case(suite, "turn");
	tcase_add_checked_fixture(tcase, setup, xt_loop_teardown);
	tcase_add_test(tcase, turn_taken_elsewhere_is_not_waited_for);
	tcase_add_test(tcase, turn_ring_that_is_full_refuses_and_tells);
	tcase_add_test(tcase, turn_without_an_end_is_handed_to_the_loop);
	tcase_add_loop_test(
		tcase, turn_that_was_handed_over_ends_with_the_source, 0, 2);
	tcase_add_test(tcase, turn_failed_handler_discards_what_waits);
	tcase_add_loop_test(tcase, turn_fire_of_a_disarmed_source_is_discarded,
			    0, 2);

	tcase = xt_case(suite, "account");
	tcase_add_checked_fixture(tcase, setup, xt_loop_teardown);
	if (SIGNALS_ARE_KERNELS)
		tcase_add_loop_test(
			tcase, turn_queued_signals_are_all_accounted_for, 0, 2);
	tcase_add_loop_test(tcase,
			    turn_standard_signals_are_merged_by_the_kernel_only,
			    0, 2);

#ifdef ISR_TEST_POINTS
	tcase = xt_case(suite, "races");
	tcase_add_checked_fixture(tcase, setup, xt_loop_teardown);
	tcase_add_test(tcase, turn_ask_before_it_is_given_back_is_seen);
	tcase_add_test(tcase, turn_ask_before_it_is_handed_over_is_seen);
	tcase_add_test(tcase, turn_given_back_before_the_event_is_the_askers);
	tcase_add_test(tcase, turn_is_not_held_for_an_event_that_is_half_there);
	tcase_add_test(tcase, turn_event_that_waits_comes_before_a_new_one);
#endif

	return xt_main(suite);
}
