/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Queues of tasks, and between a task and a thread, made of a ring and flags:
 * what the tests of the MicroPython drivers say of theirs, and where one of
 * those hangs.
 */
#include <pthread.h>
#include <semaphore.h>

#include <isrloop/byte-ring.h>

#include "xt-trace.h"

/*
 * A queue of a fixed size. Who finds it full, or empty, waits for a flag and
 * looks again.
 */

#define QUEUE_SIZE 8

struct queue {
	struct isr_ring ring;
	struct isr_event slots[QUEUE_SIZE];
	struct isr_flag room;
	int n;
};

static struct queue queue;

static void setup(void)
{
	trace_setup();
	xt_ok(isr_ring_init(&queue.ring, loop, queue.slots, QUEUE_SIZE,
			    ISR_RING_DROP_NEW));
	xt_ok(isr_flag_init(&queue.room, loop, ISR_FLAG_AUTO));
	queue.n = 0;
}

static void queue_put(int64_t value)
{
	const struct isr_event event = {.value = value};

	while (queue.n == QUEUE_SIZE)
		xt_ok(isr_wait(&queue.room, ISR_FOREVER));
	queue.n++;
	ck_assert_int_eq(isr_ring_put(&queue.ring, &event), 0);
}

static int64_t queue_get(void)
{
	struct isr_event event;

	while (isr_ring_get(&queue.ring, &event, 1) == 0)
		xt_ok(isr_wait(&queue.ring.ready, ISR_FOREVER));
	ck_assert_uint_eq(event.lost, 0);
	queue.n--;
	isr_flag_set(&queue.room);
	/* What is left is another's, who may be waiting. */
	if (queue.n > 0)
		isr_flag_set(&queue.ring.ready);
	return event.value;
}

/*
 * asyntest: Queue
 */

#define ITEMS_EACH 8
#define N_TASKS 4

static int put_some(void *arg)
{
	int i;

	for (i = 0; i < ITEMS_EACH; i++) {
		queue_put(i);
		yield();
	}
	return 0;
}

static int get_some(void *arg)
{
	int i;

	for (i = 0; i < ITEMS_EACH; i++) {
		queue_get();
		yield();
	}
	return 0;
}

static int compete_to_put(void *arg)
{
	struct isr_task *tasks[N_TASKS];
	int i;

	for (i = 0; i < N_TASKS; i++)
		tasks[i] = create(put_some, NULL);
	doze(SECOND);
	say("%d", queue.n);
	queue_get();
	doze(100 * MS);
	say("%d", queue.n);
	for (i = 1; queue.n > 0; i++) {
		queue_get();
		doze(100 * MS);
	}
	say("%d", i);
	for (i = 0; i < N_TASKS; i++)
		xt_ok(await_task(tasks[i]));
	return 0;
}

START_TEST(queue_is_kept_full_by_competing_putters)
{
	run_main(compete_to_put, NULL);

	ck_assert_str_eq(trace, "8 8 32");
}
END_TEST

static int compete_to_get(void *arg)
{
	struct isr_task *tasks[N_TASKS];
	int i;

	for (i = 0; i < N_TASKS; i++)
		tasks[i] = create(get_some, NULL);
	doze(SECOND);
	for (i = 0; queue.n < QUEUE_SIZE; i++) {
		queue_put(i);
		doze(300 * MS);
	}
	say("%d", i);
	for (i = 0; i < N_TASKS; i++)
		xt_ok(await_task(tasks[i]));
	return 0;
}

START_TEST(queue_is_drained_by_competing_getters)
{
	run_main(compete_to_get, NULL);

	ck_assert_str_eq(trace, "40");
}
END_TEST

/* Either may be the slow one. */
struct pace {
	int64_t put_ns, get_ns;
};

static int put_fifteen(void *arg)
{
	const struct pace *pace = arg;
	int i;

	for (i = 0; i < 15; i++) {
		queue_put(i);
		doze(pace->put_ns);
	}
	return 0;
}

static int get_fifteen(void *arg)
{
	const struct pace *pace = arg;
	struct isr_task *task = create(put_fifteen, arg);
	int i;

	for (i = 0; i < 15; i++) {
		say("%d", (int)queue_get());
		doze(pace->get_ns);
	}
	return await_task(task);
}

START_TEST(queue_hands_all_on_in_order)
{
	static struct pace paces[] = {{100 * MS, 0}, {0, 100 * MS}, {0, 0}};

	run_main(get_fifteen, &paces[_i]);

	ck_assert_str_eq(trace, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14");
	ck_assert_int_eq(queue.n, 0);
}
END_TEST

/* asyntest: RingbufQueue, which overwrites and raises IndexError */
START_TEST(queue_that_overruns_keeps_the_latest_and_counts)
{
	struct isr_event events[QUEUE_SIZE + 1] = {{0}};
	int i, n, n_lost = 0;

	xt_ok(isr_ring_done(&queue.ring));
	xt_ok(isr_ring_init(&queue.ring, loop, queue.slots, QUEUE_SIZE,
			    ISR_RING_DROP_OLD));
	for (i = 1; i <= 14; i++) {
		events[0].value = i;
		n_lost += isr_ring_put(&queue.ring, &events[0]) == 1;
	}
	n = isr_ring_get(&queue.ring, events, QUEUE_SIZE + 1);
	for (i = 0; i < n; i++)
		say("%d", (int)events[i].value);

	ck_assert_str_eq(trace, "7 8 9 10 11 12 13 14");
	ck_assert_int_eq(n_lost, 6);
	ck_assert_uint_eq(events[0].lost, 6);
}
END_TEST

/*
 * ringio_async: 120 bytes through 16
 */

static struct isr_byte_ring byte_ring;
static uint8_t bytes[16];

static int write_all(void *arg)
{
	const uint8_t *data = arg;
	size_t n = 0;

	while (n < 120) {
		n += isr_byte_ring_write(&byte_ring, data + n, 120 - n);
		if (n < 120)
			xt_ok(isr_wait(&queue.room, ISR_FOREVER));
	}
	return 0;
}

static int read_all(void *arg)
{
	uint8_t data[120], got[120];
	struct isr_task *task;
	size_t n = 0, part, i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	task = create(write_all, data);
	while (n < sizeof(got)) {
		xt_ok(isr_wait(&byte_ring.ready, ISR_FOREVER));
		do {
			part = isr_byte_ring_read(&byte_ring, got + n,
						  sizeof(got) - n);
			n += part;
		} while (part);
		isr_flag_set(&queue.room);
	}
	ck_assert_mem_eq(got, data, sizeof(data));
	return await_task(task);
}

START_TEST(ringio_hands_on_more_than_it_holds)
{
	xt_ok(isr_byte_ring_init(&byte_ring, loop, bytes, sizeof(bytes)));
	run_main(read_all, NULL);
	say("end");

	ck_assert_str_eq(trace, "end");
	xt_ok(isr_byte_ring_done(&byte_ring));
}
END_TEST

/*
 * A thread on the other side. What was put is there for whom the flag has
 * woken: a queue that sets its flag first hangs here.
 */

#define ECHO_SLOTS 64
#ifdef __SANITIZE_THREAD__
#define FEWER 10
#else
#define FEWER 1
#endif

static struct isr_ring to_thread, from_thread;
static struct isr_event to_thread_slots[ECHO_SLOTS];
static struct isr_event from_thread_slots[ECHO_SLOTS];
static atomic_bool is_over;
/* Counted: Check writes each of its assertions to a file. */
static atomic_uint n_faults;

/*
 * One at a time takes two turns of the kernel's scheduler each: ten million
 * would take a minute, and more. MicroPython's queue hangs within the first
 * thousand.
 */
static const struct echo_case {
	int n_ahead;
	int n_ints;
} echo_cases[] = {
	{1, 100000 / FEWER},
	{2, 100000 / FEWER},
	{ECHO_SLOTS, 1000000 / FEWER},
};

/*
 * One for each that was put. A thread that yields until there is one waits, on
 * a busy machine, for a slice of the scheduler's each time.
 */
static sem_t n_put;

static void *echo(void *arg)
{
	struct isr_event event;

	for (;;) {
		n_faults += sem_wait(&n_put) != 0;
		if (is_over)
			return NULL;
		n_faults += isr_ring_get(&to_thread, &event, 1) != 1;
		n_faults += isr_ring_put_wait(&from_thread, &event,
					      ISR_FOREVER) != 0;
	}
}

static int send_and_receive(void *arg)
{
	const struct echo_case *c = arg;
	struct isr_event event = {.value = 0};
	int n_sent = 0, n_got = 0;

	while (n_got < c->n_ints) {
		for (; n_sent < c->n_ints && n_sent < n_got + c->n_ahead;
		     n_sent++) {
			event.value = n_sent;
			n_faults += isr_ring_put(&to_thread, &event) != 0;
			sem_post(&n_put);
		}
		n_faults += isr_wait(&from_thread.ready, ISR_FOREVER) < 0;
		while (isr_ring_get(&from_thread, &event, 1) == 1)
			n_faults += event.value != n_got++;
	}
	return n_got;
}

START_TEST(queue_echo_of_a_thread_loses_nothing)
{
	const struct echo_case *c = &echo_cases[_i];
	pthread_t thread;

	is_over = false;
	n_faults = 0;
	ck_assert_int_eq(sem_init(&n_put, 0, 0), 0);
	xt_ok(isr_ring_init(&to_thread, NULL, to_thread_slots, ECHO_SLOTS,
			    ISR_RING_DROP_NEW));
	xt_ok(isr_ring_init(&from_thread, loop, from_thread_slots, ECHO_SLOTS,
			    ISR_RING_DROP_NEW));
	ck_assert_int_eq(pthread_create(&thread, NULL, echo, NULL), 0);
	run_main(send_and_receive, (void *)(uintptr_t)c);
	is_over = true;
	sem_post(&n_put);
	pthread_join(thread, NULL);
	sem_destroy(&n_put);
	xt_ok(isr_ring_done(&to_thread));
	xt_ok(isr_ring_done(&from_thread));

	ck_assert_uint_eq(n_faults, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queues of tasks");
	TCase *tcase = xt_case(suite, "asyntest");

	tcase_add_checked_fixture(tcase, setup, trace_teardown);
	tcase_add_test(tcase, queue_is_kept_full_by_competing_putters);
	tcase_add_test(tcase, queue_is_drained_by_competing_getters);
	tcase_add_loop_test(tcase, queue_hands_all_on_in_order, 0, 3);
	tcase_add_test(tcase, queue_that_overruns_keeps_the_latest_and_counts);
	tcase_add_test(tcase, ringio_hands_on_more_than_it_holds);

	tcase = xt_case(suite, "threads");
	tcase_add_checked_fixture(tcase, setup, trace_teardown);
	tcase_add_loop_test(tcase, queue_echo_of_a_thread_loses_nothing, 0,
			    (int)(sizeof(echo_cases) / sizeof(echo_cases[0])));
	return xt_main(suite);
}
