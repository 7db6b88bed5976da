/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Tasks wait while threads and a signal handler set and put as fast as they
 * can, and other threads wait as well: nothing is lost, nobody is forgotten.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "xt-task-wait.h"

#define SETS 20000
#define TASKS 4
#define THREADS 2
/* One signal for so many sets. */
#define SIGNALS_EACH 16

static struct isr_flag flag, other;
static struct isr_ring ring;
static struct isr_event slots[64];
static pthread_t loop_thread;
static atomic_uint n_set, n_taken, n_cancelled;
static atomic_bool is_over;

static void setup(void)
{
	task_setup();
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&other, loop, ISR_FLAG_AUTO));
	loop_thread = pthread_self();
	n_set = n_taken = n_cancelled = 0;
	is_over = false;
}

static void handle_by(void (*handler)(int signo))
{
	struct sigaction action = {.sa_handler = handler};

	sigemptyset(&action.sa_mask);
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
}

static void set_counted(void)
{
	atomic_fetch_add(&n_set, 1);
	isr_flag_set(&flag);
}

static void set_in_handler(int signo)
{
	set_counted();
}

static void *set_many(void *arg)
{
	unsigned int i;

	for (i = 0; i < SETS; i++) {
		set_counted();
		if (i % SIGNALS_EACH == 0)
			pthread_kill(loop_thread, SIGUSR1);
	}
	/* Whoever takes this one ends it, unless there is more. */
	is_over = true;
	set_counted();
	return NULL;
}

static void note_taken(int count)
{
	unsigned int n = (unsigned int)count;

	if (atomic_fetch_add(&n_taken, n) + n == n_set && is_over)
		isr_loop_stop(loop);
}

static void *take_in_thread(void *arg)
{
	int64_t timeouts[] = {0, 1, 20000, ISR_FOREVER};
	unsigned int i;
	int r;

	for (i = 0;; i++) {
		r = isr_flag_wait(&flag, timeouts[i % 4]);
		if (r == -ECANCELED)
			return NULL;
		if (r > 0)
			note_taken(r);
		else
			ck_assert_int_eq(r, -ETIMEDOUT);
	}
}

/* Some with patience, some without, alone or beside a flag that never is set;
 * and some that have what is not enough, and give it back. */
static int wait_somehow(unsigned int i)
{
	struct isr_flag *flags[] = {&other, &flag};

	switch (i % 5) {
	case 0:
		return isr_wait(&flag, ISR_FOREVER);
	case 1:
		return isr_wait(&flag, 0);
	case 2:
		return isr_wait(&flag, 20000);
	case 3:
		return isr_wait_all(flags, 2, 1);
	default:
		return isr_wait_all(flags, 2, 20000);
	}
}

static int take_in_task(void *arg)
{
	unsigned int i;
	int r;

	for (i = 0;; i++) {
		r = wait_somehow(i);
		if (r > 0)
			note_taken(r);
		else if (r == -ECANCELED && is_over && n_cancelled > SETS)
			return 0;
		else if (r == -ECANCELED)
			ck_assert_int_eq(isr_uncancel(), 1);
		else
			ck_assert_int_eq(r, -ETIMEDOUT);
	}
}

static struct isr_task *tasks[TASKS];

/* One after the other is cancelled, and goes on. */
static int cancel_all_the_time(void *arg)
{
	unsigned int i;

	for (i = 0; !is_over; i++) {
		isr_cancel(tasks[i % TASKS]);
		xt_ok(isr_sleep(10000));
	}
	return 0;
}

static void end_tasks(void)
{
	unsigned int i;

	n_cancelled = SETS + 1;
	for (i = 0; i < TASKS; i++)
		isr_cancel(tasks[i]);
	run_dry();
	for (i = 0; i < TASKS; i++)
		xt_ok(isr_detach(tasks[i]));
}

static bool is_all_taken(void)
{
	xt_ok(isr_loop_dispatch(loop));
	return n_taken == n_set;
}

START_TEST(flood_of_sets_is_shared_out_once)
{
	pthread_t setter, takers[THREADS];
	unsigned int i;

	handle_by(set_in_handler);
	for (i = 0; i < TASKS; i++)
		tasks[i] = spawn_named("taker", take_in_task, NULL);
	if (_i)
		spawn(cancel_all_the_time, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_create(&takers[i], NULL, take_in_thread, NULL);
	pthread_create(&setter, NULL, set_many, NULL);
	xt_ok(isr_loop_run(loop));

	pthread_join(setter, NULL);
	end_tasks();
	/* Of its last signal; and a thread counts after it has taken. */
	xt_wait_until(is_all_taken());
	xt_ok(isr_flag_done(&flag));
	for (i = 0; i < THREADS; i++)
		pthread_join(takers[i], NULL);
	ck_assert_uint_eq(n_taken, n_set);
	ck_assert_uint_ge(n_set, SETS);
}
END_TEST

static void *set_to_the_end(void *arg)
{
	unsigned int i;

	for (i = 0; !is_over; i++) {
		isr_flag_set(&flag);
		if (i % SIGNALS_EACH == 0)
			pthread_kill(loop_thread, SIGUSR1);
	}
	return NULL;
}

static void *take_to_the_end(void *arg)
{
	while (isr_flag_wait(&flag, ISR_FOREVER) > 0)
		;
	return NULL;
}

static int take_some(void *arg)
{
	while (isr_wait(&flag, ISR_FOREVER) > 0) {
		if (atomic_fetch_add(&n_taken, 1) == SETS / 100)
			isr_loop_stop(loop);
	}
	return 0;
}

START_TEST(flood_goes_on_while_the_loop_ends)
{
	pthread_t setter, taker;
	unsigned int i;

	handle_by(set_in_handler);
	for (i = 0; i < TASKS; i++)
		spawn(take_some, NULL);
	pthread_create(&taker, NULL, take_to_the_end, NULL);
	pthread_create(&setter, NULL, set_to_the_end, NULL);
	xt_ok(isr_loop_run(loop));
	xt_ok(isr_loop_free(loop));
	loop = NULL;

	is_over = true;
	pthread_join(taker, NULL);
	pthread_join(setter, NULL);
}
END_TEST

/*
 * A ring that is filled by a thread, which waits for room, and by a handler,
 * which does not. Each numbers its own records.
 */

enum { BY_THREAD = 1, BY_HANDLER };

static uint32_t n_by_handler, n_by_thread, n_got[3], n_seen[3], n_lost;
static bool has_last;

static void put_in_handler(int signo)
{
	struct isr_event event = {
		.kind = ISR_EVENT_USER,
		.source = BY_HANDLER,
		.line_seq = ++n_by_handler,
	};

	isr_ring_put(&ring, &event);
}

static void *put_many(void *arg)
{
	struct isr_event event = {.kind = ISR_EVENT_USER, .source = BY_THREAD};

	for (n_by_thread = 0; n_by_thread < SETS; n_by_thread++) {
		event.line_seq = n_by_thread + 1;
		event.value = n_by_thread + 1 == SETS;
		ck_assert_int_eq(isr_ring_put_wait(&ring, &event, ISR_FOREVER),
				 0);
		if (n_by_thread % SIGNALS_EACH == 0)
			pthread_kill(loop_thread, SIGUSR1);
	}
	return NULL;
}

static void note_event(const struct isr_event *event)
{
	n_got[event->source]++;
	ck_assert_uint_gt(event->line_seq, n_seen[event->source]);
	n_seen[event->source] = event->line_seq;
	n_lost += event->lost;
	has_last |= event->value;
}

static int get_many(void *arg)
{
	struct isr_event events[16];
	int i, n;

	while (!has_last) {
		ck_assert_int_ge(isr_wait(&ring.ready, ISR_FOREVER), 1);
		while ((n = isr_ring_get(&ring, events, 16)) > 0) {
			for (i = 0; i < n; i++)
				note_event(&events[i]);
		}
	}
	isr_loop_stop(loop);
	return 0;
}

START_TEST(flood_of_records_is_all_there)
{
	struct isr_event event;
	pthread_t producer;
	uint32_t untold;

	n_by_handler = n_lost = 0;
	memset(n_got, 0, sizeof(n_got));
	memset(n_seen, 0, sizeof(n_seen));
	has_last = false;
	xt_ok(isr_ring_init(&ring, loop, slots, 64, ISR_RING_DROP_NEW));
	ring.fenced = _i;
	handle_by(put_in_handler);
	spawn(get_many, NULL);
	pthread_create(&producer, NULL, put_many, NULL);
	xt_ok(isr_loop_run(loop));

	pthread_join(producer, NULL);
	/* The last signals may have come since. */
	while (isr_ring_get(&ring, &event, 1) > 0)
		note_event(&event);
	xt_ok(isr_ring_take_lost(&ring, &untold));
	ck_assert_uint_eq(n_got[BY_THREAD], SETS);
	ck_assert_uint_eq(n_got[BY_HANDLER] + n_lost + untold, n_by_handler);
	ck_assert_uint_eq(n_lost + untold, isr_ring_get_lost_total(&ring));
	xt_ok(isr_ring_done(&ring));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("task wait flood");
	TCase *tc = xt_case(suite, "flood");

	tcase_add_checked_fixture(tc, setup, task_teardown);
	tcase_add_loop_test(tc, flood_of_sets_is_shared_out_once, 0, 2);
	tcase_add_test(tc, flood_goes_on_while_the_loop_ends);
	tcase_add_loop_test(tc, flood_of_records_is_all_there, 0, 2);
	return xt_main(suite);
}
