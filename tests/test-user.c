/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * User sources, and what a program fires at them. Tests that run twice have a
 * soft handler first (_i is 0), then a hard one.
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "irq-thread.h"
#include "race.h"
#include "xt-source.h"

static struct isr_source *user;

static void setup(void)
{
	xt_loop_setup();
	user = NULL;
}

static struct isr_source *open_user(bool hard)
{
	const struct isr_source_options options = {.hard = hard};
	struct isr_source *source;

	xt_ok(isr_user_open(loop, &options, xt_sink, &sink, &source));
	return source;
}

static void fire(struct isr_source *source, unsigned int n)
{
	while (n--)
		xt_ok(isr_source_fire(source, NULL));
}

START_TEST(user_fires_are_handled_in_order)
{
	uint64_t before = isr_now_ns();
	unsigned int i;

	user = open_user(_i);
	fire(user, 1000);
	xt_sink_run(&sink, 1000);

	for (i = 0; i < 1000; i++) {
		const struct isr_event *event = &sink.events[i];

		ck_assert_uint_eq(event->kind, ISR_EVENT_USER);
		ck_assert_uint_eq(event->line_seq, i + 1);
		ck_assert_uint_eq(event->source, isr_source_get_id(user));
		ck_assert_uint_ge(event->t_ns, before);
	}
	ck_assert_int_eq(sink.in_isr, _i);
	ck_assert_int_eq(pthread_equal(sink.thread, pthread_self()), !_i);
	ck_assert_uint_eq(xt_stats(user).delivered, 1000);
	ck_assert_uint_eq(isr_hist_get_count(isr_source_get_latency(user)),
			  1000);
	ck_assert_str_eq(isr_source_get_name(user), "user");
}
END_TEST

START_TEST(user_event_is_the_programs)
{
	const struct isr_event event = {
		.t_ns = 1,
		.lost = 5,
		.line_seq = 77,
		.source = 4000,
		.kind = ISR_EVENT_RISING,
		.value = -3,
		.flags = ISR_EVENT_FLAG_REPLAYED,
	};

	user = open_user(_i);
	xt_ok(isr_source_fire(user, &event));
	xt_sink_run(&sink, 1);

	ck_assert_uint_eq(sink.events[0].t_ns, 1);
	ck_assert_uint_eq(sink.events[0].kind, ISR_EVENT_RISING);
	ck_assert_int_eq(sink.events[0].value, -3);
	ck_assert_uint_eq(sink.events[0].flags, ISR_EVENT_FLAG_REPLAYED);
	/* But for what is the library's to say. */
	ck_assert_uint_eq(sink.events[0].lost, 0);
	ck_assert_uint_eq(sink.events[0].line_seq, 1);
	ck_assert_uint_eq(sink.events[0].source, isr_source_get_id(user));
}
END_TEST

#define THREADS 4
#define FIRES 20000

static atomic_uint n_taken, n_lost;

static void *fire_many(void *arg)
{
	unsigned int i;
	int r;

	for (i = 0; i < FIRES; i++) {
		r = isr_source_fire(user, NULL);
		if (r == 0)
			n_taken++;
		else if (r == -ENOSPC)
			n_lost++;
		if (i % 2048 == 0)
			sched_yield();
	}
	return NULL;
}

static void on_all_fired(struct isr_flag *flag, uint32_t count, void *arg)
{
	isr_loop_stop(loop);
}

static struct isr_flag all_fired;

static void *fire_by_threads(void *arg)
{
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, fire_many, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	isr_flag_set(&all_fired);
	return NULL;
}

static atomic_uint inside, n_handled;
static bool was_parallel; /* the handler's */

static int be_alone(struct isr_source *source, const struct isr_event *event,
		    void *arg)
{
	if (atomic_fetch_add(&inside, 1))
		was_parallel = true;
	if (event->kind != ISR_EVENT_LOST)
		n_handled++;
	sink.lost += event->lost;
	atomic_fetch_sub(&inside, 1);
	return 0;
}

START_TEST(user_fires_of_many_threads_are_all_accounted_for)
{
	const struct isr_source_options options = {.hard = _i};
	struct isr_source_stats stats;
	pthread_t thread;

	n_taken = n_lost = n_handled = 0;
	was_parallel = false;
	xt_ok(isr_flag_init(&all_fired, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&all_fired, on_all_fired, NULL));
	xt_ok(isr_user_open(loop, &options, be_alone, NULL, &user));

	pthread_create(&thread, NULL, fire_by_threads, NULL);
	xt_ok(isr_loop_run(loop));
	pthread_join(thread, NULL);
	while (atomic_load(&n_handled) < atomic_load(&n_taken))
		xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_source_disarm(user));

	stats = xt_stats(user);
	ck_assert_uint_eq(n_taken + n_lost, THREADS * FIRES);
	ck_assert_uint_eq(stats.delivered, n_taken);
	ck_assert_uint_eq(stats.lost_ring, n_lost);
	ck_assert_uint_eq(stats.discarded, 0);
	ck_assert(!was_parallel);
	/* A report may be due still. */
	ck_assert_uint_le(sink.lost, n_lost);
}
END_TEST

/* A wake-up that is lost would leave the test waiting for ever. */
START_TEST(user_fires_one_by_one_all_wake)
{
	unsigned int i;

	user = open_user(true);
	for (i = 1; i <= 5000; i++) {
		fire(user, 1);
		xt_wait_until(atomic_load(&sink.n) >= i);
	}
	ck_assert_uint_eq(xt_stats(user).delivered, 5000);
}
END_TEST

static int fire_again(struct isr_source *source, const struct isr_event *event,
		      void *arg)
{
	atomic_uint *depth = arg;

	if (atomic_fetch_add(depth, 1))
		was_parallel = true;
	if (event->line_seq < 1000)
		xt_ok(isr_source_fire(source, NULL));
	else
		isr_loop_stop(loop);
	atomic_fetch_sub(depth, 1);
	return 0;
}

START_TEST(user_handler_may_fire_its_own_source)
{
	const struct isr_source_options options = {.hard = _i};
	atomic_uint depth = 0;

	was_parallel = false;
	xt_ok(isr_user_open(loop, &options, fire_again, &depth, &user));
	fire(user, 1);
	xt_ok(isr_loop_run(loop));
	xt_ok(isr_source_disarm(user));

	ck_assert(!was_parallel);
	ck_assert_uint_eq(xt_stats(user).delivered, 1000);
}
END_TEST

START_TEST(user_handlers_of_one_priority_take_turns)
{
	struct isr_source *other;
	unsigned int i;

	n_handled = 0;
	was_parallel = false;
	xt_ok(isr_user_open(loop, &xt_hard, be_alone, NULL, &user));
	xt_ok(isr_user_open(loop, &xt_hard, be_alone, NULL, &other));
	for (i = 0; i < 2000; i++) {
		fire(user, 1);
		fire(other, 1);
	}
	xt_wait_until(atomic_load(&n_handled) >= 4000);
	xt_ok(isr_source_close(user));
	xt_ok(isr_source_close(other));

	ck_assert(!was_parallel);
}
END_TEST

static atomic_bool has_interrupted;

static int interrupt(struct isr_source *source, const struct isr_event *event,
		     void *arg)
{
	has_interrupted = true;
	return 0;
}

static int wait_for_interrupt(struct isr_source *source,
			      const struct isr_event *event, void *arg)
{
	isr_source_fire(arg, NULL);
	xt_wait_until(has_interrupted);
	isr_loop_stop(loop);
	return 0;
}

/* The lower one is not done before the higher one has run. */
START_TEST(user_handler_of_higher_priority_interrupts)
{
	const struct isr_source_options low = {.hard = true, .priority = _i};
	const struct isr_source_options high = {.hard = true,
						.priority = _i + 1};
	struct isr_source *other;

	has_interrupted = false;
	xt_ok(isr_user_open(loop, &high, interrupt, NULL, &other));
	xt_ok(isr_user_open(loop, &low, wait_for_interrupt, other, &user));

	fire(user, 1);
	xt_ok(isr_loop_run(loop));
	ck_assert(has_interrupted);
}
END_TEST

static int fire_user(struct isr_source *source, const struct isr_event *event,
		     void *arg)
{
	return isr_source_fire(user, event);
}

START_TEST(user_may_be_fired_by_a_signal_handler)
{
	struct isr_source *signal_source;
	unsigned int i;

	user = open_user(_i);
	xt_ok(isr_signal_open(loop, SIGUSR1, &xt_hard, fire_user, NULL,
			      &signal_source));
	for (i = 0; i < 100; i++)
		raise(SIGUSR1);

	xt_sink_run(&sink, 100);
	ck_assert_uint_eq(sink.events[99].kind, ISR_EVENT_SIGNAL);
	ck_assert_uint_eq(sink.events[99].line_seq, 100);
}
END_TEST

START_TEST(user_closed_with_events_that_wait_forgets_them)
{
	isri_irq_threads_hard_lock(loop);
	user = open_user(_i);
	fire(user, 10);
	xt_ok(isr_source_close(user));
	isri_irq_threads_hard_unlock(loop);

	xt_settle();
	ck_assert_uint_eq(sink.n, 0);
}
END_TEST

START_TEST(user_fired_in_a_child_is_refused)
{
	int status;
	pid_t pid;

	user = open_user(_i);
	pid = fork();
	if (pid == 0)
		_exit(isr_source_fire(user, NULL) == -EPERM ? 0 : 1);
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);

	fire(user, 1);
	xt_sink_run(&sink, 1);
}
END_TEST

#ifdef ISR_TEST_POINTS

/* In the IRQ thread, which has read the bell and not answered yet. */
static void fire_meanwhile(void)
{
	isr_source_fire(user, NULL);
}

static void setup_races(void)
{
	setup();
	forget_races();
}

/* The hook is set before there is an IRQ thread, and asked after its end. */
static void open_raced(bool hard, const char *point, void (*other_side)(void))
{
	race_at(0, point, other_side);
	user = open_user(hard);
}

START_TEST(race_fire_before_the_answer_is_handled)
{
	struct isr_source *probe;

	open_raced(true, "bell:B", fire_meanwhile);
	xt_ok(isr_user_open(loop, &xt_hard, be_alone, NULL, &probe));
	n_handled = 0;
	fire(user, 1);
	xt_wait_until(atomic_load(&sink.n) >= 1);

	/* The thread comes to it when it is done with what was before. */
	fire(probe, 1);
	xt_wait_until(atomic_load(&n_handled) >= 1);

	ck_assert_uint_eq(atomic_load(&sink.n), 2);
	xt_ok(isr_source_close(probe));
	xt_ok(isr_source_close(user));
	assert_raced(1);
}
END_TEST

START_TEST(race_fire_before_the_ring_of_another_is_handled)
{
	open_raced(true, "bell:A", fire_meanwhile);
	fire(user, 1);
	xt_wait_until(atomic_load(&sink.n) >= 2);

	xt_ok(isr_source_close(user));
	assert_raced(1);
}
END_TEST

static void disarm_meanwhile(void)
{
	xt_ok(isr_source_disarm(user));
}

/* It was found armed, and gets its place in the ring when it is not. */
START_TEST(race_fire_while_it_is_disarmed_is_discarded)
{
	open_raced(_i, "ring:A", disarm_meanwhile);
	xt_ok(isr_source_fire(user, NULL));

	xt_settle();
	ck_assert_uint_eq(xt_stats(user).discarded, 1);
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_source_arm(user));
	fire(user, 1);
	xt_sink_run(&sink, 1);
	ck_assert_uint_eq(sink.events[0].line_seq, 2);
	xt_ok(isr_source_close(user));
	assert_raced(1);
}
END_TEST

#endif

START_TEST(user_bad_arguments_are_refused)
{
	struct isr_event event = {.kind = ISR_EVENT_LOST};

	xt_fails_with(EINVAL, isr_user_open(NULL, NULL, xt_sink, NULL, &user));
	xt_fails_with(EINVAL, isr_user_open(loop, NULL, NULL, NULL, &user));
	xt_fails_with(EINVAL, isr_user_open(loop, NULL, xt_sink, NULL, NULL));
	ck_assert_ptr_null(user);
	xt_ok(isr_user_open(loop, NULL, xt_sink, &sink, &user));

	xt_fails_with(EINVAL, isr_source_fire(NULL, NULL));
	xt_fails_with(EINVAL, isr_source_fire(user, &event));
	event.kind = ISR_EVENT_CHIP_LOST;
	xt_fails_with(EINVAL, isr_source_fire(user, &event));
	event.kind = ISR_EVENT_NONE;
	xt_fails_with(EINVAL, isr_source_fire(user, &event));
	event.kind = ISR_EVENT_INITIAL + 1;
	xt_fails_with(EINVAL, isr_source_fire(user, &event));
	ck_assert_uint_eq(xt_stamped(user), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("user");
	TCase *tcase = xt_case(suite, "user");

	tcase_add_checked_fixture(tcase, setup, xt_loop_teardown);
	tcase_add_loop_test(tcase, user_fires_are_handled_in_order, 0, 2);
	tcase_add_loop_test(tcase, user_event_is_the_programs, 0, 2);
	tcase_add_loop_test(
		tcase, user_fires_of_many_threads_are_all_accounted_for, 0, 2);
	tcase_add_test(tcase, user_fires_one_by_one_all_wake);
	tcase_add_loop_test(tcase, user_handler_may_fire_its_own_source, 0, 2);
	tcase_add_test(tcase, user_handlers_of_one_priority_take_turns);
	tcase_add_loop_test(tcase, user_handler_of_higher_priority_interrupts,
			    0, ISR_PRIORITY_MAX);
	tcase_add_loop_test(tcase, user_may_be_fired_by_a_signal_handler, 0, 2);
	tcase_add_loop_test(
		tcase, user_closed_with_events_that_wait_forgets_them, 0, 2);
	tcase_add_loop_test(tcase, user_fired_in_a_child_is_refused, 0, 2);
	tcase_add_test(tcase, user_bad_arguments_are_refused);

#ifdef ISR_TEST_POINTS
	tcase = xt_case(suite, "race");
	tcase_add_checked_fixture(tcase, setup_races, xt_loop_teardown);
	tcase_add_test(tcase, race_fire_before_the_answer_is_handled);
	tcase_add_loop_test(tcase, race_fire_while_it_is_disarmed_is_discarded,
			    0, 2);
	tcase_add_test(tcase, race_fire_before_the_ring_of_another_is_handled);
#endif

	return xt_main(suite);
}
