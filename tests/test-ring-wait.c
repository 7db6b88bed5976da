/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Threads wait for room in a ring. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <isrloop/loop.h>
#include <isrloop/ring.h>

#include "atomic.h"
#include "context.h"
#include "ring.h"
#include "xt.h"

#define SLOTS 2
#define N_PRODUCERS 8
#ifdef __SANITIZE_THREAD__
#define PUTS 10000
#else
#define PUTS 100000
#endif
/* Each waits for another thread; a million, with room: test-task-queue.c. */
#define ROUNDS 20000

static struct isr_loop *loop;
static struct isr_ring ring, echo;
static struct isr_event slots[SLOTS], echo_slots[SLOTS], got[SLOTS];
static struct isr_event more_slots[64];

static void init(struct isr_loop *l, enum isr_ring_policy policy)
{
	xt_ok(isr_ring_init(&ring, l, slots, SLOTS, policy));
}

static void setup(void)
{
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
}

static void teardown(void)
{
	isr_ring_done(&ring);
	isr_loop_free(loop);
}

struct producer {
	pthread_t thread;
	uint32_t line_seq;
	int64_t timeout_ns;
	int result;
	atomic_bool ended;
};

static void *put_in_thread(void *arg)
{
	struct producer *p = arg;
	struct isr_event event = {.line_seq = p->line_seq};

	p->result = isr_ring_put_wait(&ring, &event, p->timeout_ns);
	atomic_store(&p->ended, true);
	return NULL;
}

static void start(struct producer *p, uint32_t line_seq, int64_t timeout_ns)
{
	*p = (struct producer){.line_seq = line_seq, .timeout_ns = timeout_ns};
	ck_assert_int_eq(pthread_create(&p->thread, NULL, put_in_thread, p), 0);
}

static int join(struct producer *p)
{
	pthread_join(p->thread, NULL);
	return p->result;
}

static int put_elsewhere(uint32_t line_seq, int64_t timeout_ns)
{
	struct producer p;

	start(&p, line_seq, timeout_ns);
	return join(&p);
}

static uint32_t n_waiting(void)
{
	return atomic_load(ATOMIC(&ring.waiting));
}

static void await_waiting(uint32_t n)
{
	xt_wait_until(n_waiting() == n);
}

static void fill(void)
{
	uint32_t i;

	for (i = 1; i <= SLOTS; i++)
		ck_assert_int_eq(put_elsewhere(i, ISR_FOREVER), 0);
}

static uint32_t get_one(void)
{
	ck_assert_int_eq(isr_ring_get(&ring, got, 1), 1);
	ck_assert_uint_eq(got[0].lost, 0);
	return got[0].line_seq;
}

/* With a loop, and polled; the barrier for all threads, and a fence here. */
enum { N_VARIANTS = 4 };

static void init_full(unsigned int variant)
{
	init(variant & 1 ? NULL : loop, ISR_RING_DROP_NEW);
	ring.fenced = variant >> 1;
	fill();
}

START_TEST(put_wait_waits_for_room)
{
	struct producer p;

	init_full(_i);
	start(&p, 3, ISR_FOREVER);
	await_waiting(1);
	ck_assert(!p.ended);

	ck_assert_uint_eq(get_one(), 1);

	ck_assert_int_eq(join(&p), 0);
	ck_assert_uint_eq(get_one(), 2);
	ck_assert_uint_eq(get_one(), 3);
	ck_assert_uint_eq(n_waiting(), 0);
	ck_assert_uint_eq(isr_ring_get_lost_total(&ring), 0);
}
END_TEST

START_TEST(put_wait_of_many_is_served_as_there_is_room)
{
	struct producer p[N_PRODUCERS];
	unsigned int i, seen = 0;

	init_full(_i);
	for (i = 0; i < N_PRODUCERS; i++)
		start(&p[i], 16U << i, ISR_FOREVER);
	await_waiting(N_PRODUCERS);

	while (seen != 3 + (0xffU << 4))
		if (isr_ring_get(&ring, got, 1) == 1)
			seen += got[0].line_seq;
	for (i = 0; i < N_PRODUCERS; i++)
		ck_assert_int_eq(join(&p[i]), 0);
	ck_assert_int_eq(isr_ring_get(&ring, got, SLOTS), 0);
}
END_TEST

START_TEST(put_wait_that_times_out_loses_nothing)
{
	uint32_t lost;

	init_full(_i);
	xt_fails_with(ETIMEDOUT, put_elsewhere(3, 0));
	xt_fails_with(ETIMEDOUT, put_elsewhere(3, 1));
	xt_fails_with(ETIMEDOUT, put_elsewhere(3, 2000000));

	ck_assert_uint_eq(n_waiting(), 0);
	ck_assert_uint_eq(get_one(), 1);
	ck_assert_int_eq(put_elsewhere(3, 0), 0);
	ck_assert_uint_eq(get_one(), 2);
	ck_assert_uint_eq(get_one(), 3);
	xt_ok(isr_ring_take_lost(&ring, &lost));
	ck_assert_uint_eq(lost, 0);
	ck_assert_uint_eq(isr_ring_get_lost_total(&ring), 0);
}
END_TEST

START_TEST(put_wait_carries_a_loss_on)
{
	struct isr_event event = {.lost = 7};

	init(loop, ISR_RING_DROP_NEW);
	ck_assert_int_eq(isr_ring_put_wait(&ring, &event, 0), 0);
	ck_assert_int_eq(isr_ring_get(&ring, got, 1), 1);
	ck_assert_uint_eq(got[0].lost, 7);
}
END_TEST

START_TEST(put_wait_evicts_where_that_is_the_policy)
{
	init(loop, ISR_RING_DROP_OLD);
	fill();

	ck_assert_int_eq(put_elsewhere(3, ISR_FOREVER), 1);

	ck_assert_int_eq(isr_ring_get(&ring, got, 1), 1);
	ck_assert_uint_eq(got[0].line_seq, 2);
	ck_assert_uint_eq(got[0].lost, 1);
}
END_TEST

/*
 * Refused
 */

START_TEST(put_wait_on_the_loop_is_refused_when_full)
{
	struct isr_event event = {.line_seq = 1};

	init(loop, ISR_RING_DROP_NEW);
	ck_assert_int_eq(isr_ring_put_wait(&ring, &event, ISR_FOREVER), 0);
	ck_assert_int_eq(isr_ring_put_wait(&ring, &event, ISR_FOREVER), 0);
	xt_fails_with(EDEADLK, isr_ring_put_wait(&ring, &event, ISR_FOREVER));
	xt_fails_with(EDEADLK, isr_ring_put_wait(&ring, &event, 0));
	ck_assert_uint_eq(isr_ring_get_lost_total(&ring), 0);
}
END_TEST

static void *put_in_isr_context(void *arg)
{
	struct isr_event event = {.line_seq = 1};

	struct isri_frame frame;

	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, loop, NULL);
	*(int *)arg = isr_ring_put_wait(&ring, &event, 0);
	isri_context_leave(&frame);
	return NULL;
}

START_TEST(put_wait_in_isr_context_is_refused)
{
	pthread_t thread;
	int r;

	init(loop, ISR_RING_DROP_NEW);
	pthread_create(&thread, NULL, put_in_isr_context, &r);
	pthread_join(thread, NULL);

	xt_fails_with(EPERM, r);
	ck_assert_int_eq(isr_ring_get(&ring, got, 1), 0);
}
END_TEST

START_TEST(put_wait_in_a_child_is_refused_when_full)
{
	struct isr_event event = {.line_seq = 3};
	int status;
	pid_t pid;

	init_full(0);
	pid = fork();
	if (pid == 0)
		_exit(isr_ring_put_wait(&ring, &event, ISR_FOREVER) != -EPERM);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);

	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(get_one(), 1);
}
END_TEST

START_TEST(put_wait_refuses_bad_arguments)
{
	struct isr_event event = {.line_seq = 1};

	init(loop, ISR_RING_DROP_NEW);
	xt_fails_with(EINVAL, isr_ring_put_wait(NULL, &event, 0));
	xt_fails_with(EINVAL, isr_ring_put_wait(&ring, NULL, 0));
	xt_fails_with(EINVAL,
		      isr_ring_put_wait(&ring, &event, ISR_FOREVER - 1));
}
END_TEST

/*
 * The end
 */

START_TEST(put_wait_ends_with_its_ring)
{
	struct producer p[2];
	struct isr_event event = {.line_seq = 1};

	init_full(_i);
	start(&p[0], 3, ISR_FOREVER);
	start(&p[1], 4, ISR_FOREVER);
	await_waiting(2);

	xt_ok(isr_ring_done(&ring));

	xt_fails_with(ECANCELED, join(&p[0]));
	xt_fails_with(ECANCELED, join(&p[1]));
	xt_fails_with(ECANCELED, isr_ring_put_wait(&ring, &event, 0));
}
END_TEST

START_TEST(put_wait_ends_with_its_loop)
{
	struct producer p;

	init_full(0);
	start(&p, 3, ISR_FOREVER);
	await_waiting(1);

	xt_ok(isr_loop_free(loop));
	loop = NULL;

	xt_fails_with(ECANCELED, join(&p));
	xt_fails_with(ECANCELED, put_elsewhere(3, ISR_FOREVER));
}
END_TEST

/*
 * All of it at once
 */

/* An assertion that holds costs a system call: not one for each record. */
static uint32_t next_of[N_PRODUCERS];
static uint64_t n_got;

static void *put_many(void *arg)
{
	struct isr_event event = {.source = (uint16_t)(uintptr_t)arg};

	for (event.line_seq = 0; event.line_seq < PUTS; event.line_seq++)
		if (isr_ring_put_wait(&ring, &event, ISR_FOREVER) != 0)
			ck_abort_msg("not stored");
	return NULL;
}

static void take_all(struct isr_flag *ready, uint32_t sets, void *arg)
{
	int i, n;

	while ((n = isr_ring_get(&ring, got, SLOTS)) > 0) {
		for (i = 0; i < n; i++) {
			if (got[i].line_seq != next_of[got[i].source]++)
				ck_abort_msg("out of order");
			if (got[i].lost)
				ck_abort_msg("%u lost", got[i].lost);
		}
		n_got += (uint64_t)n;
	}
	if (n_got == (uint64_t)N_PRODUCERS * PUTS)
		isr_loop_stop(loop);
}

START_TEST(put_wait_of_eight_producers_is_exact_and_in_order)
{
	pthread_t threads[N_PRODUCERS];
	uintptr_t i;

	n_got = 0;
	memset(next_of, 0, sizeof(next_of));
	xt_ok(isr_ring_init(&ring, loop, more_slots, 64, ISR_RING_DROP_NEW));
	ring.fenced = _i;
	xt_ok(isr_flag_set_cb(&ring.ready, take_all, NULL));
	for (i = 0; i < N_PRODUCERS; i++)
		pthread_create(&threads[i], NULL, put_many, (void *)i);

	xt_ok(isr_loop_run(loop));

	for (i = 0; i < N_PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(isr_ring_get_lost_total(&ring), 0);
	ck_assert_uint_eq(n_waiting(), 0);
}
END_TEST

static struct isr_flag answered;

/* Asks one question more than there are slots, waits for one answer. */
static void *ask(void *arg)
{
	struct isr_event event = {.kind = ISR_EVENT_USER};
	int n_answers = 0;

	for (event.line_seq = 0; event.line_seq < ROUNDS; event.line_seq++) {
		xt_ok(isr_ring_put_wait(&ring, &event, ISR_FOREVER));
		while (n_answers == 0) {
			n_answers = isr_flag_wait(&answered, ISR_FOREVER);
			xt_ok(n_answers);
		}
		n_answers--;
	}
	isr_loop_stop(loop);
	return NULL;
}

static void answer(struct isr_flag *ready, uint32_t sets, void *arg)
{
	while (isr_ring_get(&ring, got, 1) > 0) {
		ck_assert_uint_eq(got[0].line_seq, n_got++);
		isr_flag_set(&answered);
	}
}

START_TEST(ping_pong_of_twenty_thousand_does_not_hang)
{
	pthread_t thread;

	n_got = 0;
	init(loop, ISR_RING_DROP_NEW);
	xt_ok(isr_flag_init(&answered, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&ring.ready, answer, NULL));
	pthread_create(&thread, NULL, ask, NULL);

	xt_ok(isr_loop_run(loop));

	pthread_join(thread, NULL);
	ck_assert_uint_eq(n_got, ROUNDS);
}
END_TEST

/* The echo server: what comes in one ring goes out by the other. */
static void *echo_all(void *arg)
{
	uint32_t n = 0;

	while (n < ROUNDS) {
		struct isr_event event;

		if (isr_ring_get(&ring, &event, 1) == 1) {
			xt_ok(isr_ring_put_wait(&echo, &event, ISR_FOREVER));
			n++;
		} else {
			sched_yield();
		}
	}
	return NULL;
}

static void *send_all(void *arg)
{
	struct isr_event event = {.kind = ISR_EVENT_USER};

	for (event.line_seq = 0; event.line_seq < ROUNDS; event.line_seq++)
		xt_ok(isr_ring_put_wait(&ring, &event, ISR_FOREVER));
	return NULL;
}

static void check_echo(struct isr_flag *ready, uint32_t sets, void *arg)
{
	while (isr_ring_get(&echo, got, 1) > 0)
		ck_assert_uint_eq(got[0].line_seq, n_got++);
	if (n_got == ROUNDS)
		isr_loop_stop(loop);
}

START_TEST(echo_server_answers_in_order)
{
	pthread_t server, client;

	n_got = 0;
	init(NULL, ISR_RING_DROP_NEW);
	xt_ok(isr_ring_init(&echo, loop, echo_slots, SLOTS, ISR_RING_DROP_NEW));
	xt_ok(isr_flag_set_cb(&echo.ready, check_echo, NULL));
	pthread_create(&server, NULL, echo_all, NULL);
	pthread_create(&client, NULL, send_all, NULL);

	xt_ok(isr_loop_run(loop));

	pthread_join(server, NULL);
	pthread_join(client, NULL);
	ck_assert_uint_eq(n_got, ROUNDS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring wait");
	TCase *tc = xt_case(suite, "room");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, put_wait_waits_for_room, 0, N_VARIANTS);
	tcase_add_loop_test(tc, put_wait_of_many_is_served_as_there_is_room, 0,
			    N_VARIANTS);
	tcase_add_test(tc, put_wait_carries_a_loss_on);
	tcase_add_test(tc, put_wait_evicts_where_that_is_the_policy);

	tc = xt_case(suite, "timeout");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, put_wait_that_times_out_loses_nothing, 0,
			    N_VARIANTS);

	tc = xt_case(suite, "refused");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, put_wait_on_the_loop_is_refused_when_full);
	tcase_add_test(tc, put_wait_in_isr_context_is_refused);
	tcase_add_test(tc, put_wait_in_a_child_is_refused_when_full);
	tcase_add_test(tc, put_wait_refuses_bad_arguments);

	tc = xt_case(suite, "end");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, put_wait_ends_with_its_ring, 0, N_VARIANTS);
	tcase_add_test(tc, put_wait_ends_with_its_loop);

	tc = xt_case(suite, "flood");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
		tc, put_wait_of_eight_producers_is_exact_and_in_order, 0, 2);
	tcase_add_test(tc, ping_pong_of_twenty_thousand_does_not_hang);
	tcase_add_test(tc, echo_server_answers_in_order);
	return xt_main(suite);
}
