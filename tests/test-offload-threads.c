/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The threads that do blocking work: how they run, and when they do no more. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

#include "atomic.h"
#include "xt-io.h"

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg);

/* As if the loop's thread had it. */
static int loop_policy = SCHED_OTHER;
/* Of the thread that was made last. */
static int last_inherits, last_policy, last_priority;

int __real_pthread_getschedparam(pthread_t thread, int *policy,
				 struct sched_param *param);
int __wrap_pthread_getschedparam(pthread_t thread, int *policy,
				 struct sched_param *param);

int __wrap_pthread_getschedparam(pthread_t thread, int *policy,
				 struct sched_param *param)
{
	int r = __real_pthread_getschedparam(thread, policy, param);

	*policy = loop_policy;
	return r;
}

static void keep_attributes(const pthread_attr_t *attr)
{
	struct sched_param param;

	ck_assert_int_eq(pthread_attr_getinheritsched(attr, &last_inherits), 0);
	ck_assert_int_eq(pthread_attr_getschedpolicy(attr, &last_policy), 0);
	ck_assert_int_eq(pthread_attr_getschedparam(attr, &param), 0);
	last_priority = param.sched_priority;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg)
{
	if (attr)
		keep_attributes(attr);
	return __real_pthread_create(thread, attr, run, arg);
}

static void setup(void)
{
	loop_policy = SCHED_OTHER;
	io_setup();
}

static void teardown(void)
{
	const struct sched_param none = {0};

	pthread_setschedparam(pthread_self(), SCHED_OTHER, &none);
	io_teardown();
}

static int is_any_signal_let_in(void *arg)
{
	sigset_t mask;
	int signo, n = 0;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	for (signo = 1; signo <= SIGRTMAX; signo++) {
		/* Faults, what cannot be blocked, and the C library's own. */
		if (signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE ||
		    signo == SIGILL || signo == SIGKILL || signo == SIGSTOP ||
		    (signo >= 32 && signo < SIGRTMIN))
			continue;
		n += sigismember(&mask, signo) != 1;
	}
	return n;
}

static int look_at_signals(void *arg)
{
	int result = -1;

	xt_ok(isr_offload(is_any_signal_let_in, NULL, NULL, &result,
			  ISR_FOREVER));
	return result;
}

START_TEST(threads_handle_no_signals)
{
	ck_assert_int_eq(run_one(look_at_signals, NULL), 0);
}
END_TEST

static int get_policy(void *arg)
{
	return sched_getscheduler(0);
}

static int offload_get_policy(void *arg)
{
	int result = -1;

	xt_ok(isr_offload(get_policy, NULL, NULL, &result, ISR_FOREVER));
	return result;
}

/* Work that takes long is not to keep a loop waiting that has some. */
START_TEST(threads_have_no_real_time_priority)
{
	static const int policies[] = {SCHED_FIFO, SCHED_RR};
	const struct sched_param param = {.sched_priority = 1}, none = {0};

	loop_policy = policies[_i];
	/* It may be forbidden here: then they are asked for only. */
	pthread_setschedparam(pthread_self(), loop_policy, &param);
	ck_assert_int_eq(run_one(offload_get_policy, NULL), SCHED_OTHER);
	pthread_setschedparam(pthread_self(), SCHED_OTHER, &none);

	ck_assert_int_eq(last_inherits, PTHREAD_EXPLICIT_SCHED);
	ck_assert_int_eq(last_policy, SCHED_OTHER);
	ck_assert_int_eq(last_priority, 0);
}
END_TEST

START_TEST(threads_run_as_a_loop_without_such_priority_does)
{
	ck_assert_int_eq(run_one(offload_get_policy, NULL),
			 sched_getscheduler(0));

	ck_assert_int_eq(last_inherits, PTHREAD_INHERIT_SCHED);
}
END_TEST

/*
 * The loop's end
 */

#define N_THREADS 4
#define N_TASKS 10

static sem_t gate;
static atomic_uint n_begun, n_released;
static unsigned int n_called, n_returned;

static int pass_gate(void *arg)
{
	n_begun++;
	while (sem_wait(&gate) < 0)
		;
	return 0;
}

static void release(void *arg)
{
	n_released++;
}

/* The last one keeps the loop until all that has begun is over. */
static int offload_to_the_end(void *arg)
{
	unsigned int i;

	n_called++;
	xt_fails_with(ECANCELED,
		      isr_offload(pass_gate, NULL, release, NULL, ISR_FOREVER));
	if (++n_returned < N_TASKS)
		return 0;
	for (i = 0; i < N_TASKS; i++)
		sem_post(&gate);
	xt_wait_until(n_released >= N_THREADS);
	return 0;
}

START_TEST(threads_begin_nothing_while_the_loop_ends)
{
	int i;

	ck_assert_int_eq(sem_init(&gate, 0, 0), 0);
	n_begun = n_released = n_called = n_returned = 0;
	for (i = 0; i < N_TASKS; i++)
		spawn(offload_to_the_end, NULL);
	/* A task that has not begun does not return. */
	while (n_begun != N_THREADS || n_called != N_TASKS)
		xt_ok(isr_loop_dispatch(loop));

	xt_ok(isr_loop_free(loop));
	loop = NULL;

	ck_assert_uint_eq(n_begun, N_THREADS);
	ck_assert_uint_eq(n_released, N_TASKS);
	sem_destroy(&gate);
}
END_TEST

/* Of what comes at once, or never. */
#define LONG_NS 5000000000

static struct isr_flag flag;
static struct isr_ring ring;
static struct isr_event slots[2];
static const struct isr_event event = {.kind = ISR_EVENT_USER};
static int results[2];

static int wait_for_flag(void *arg)
{
	results[0] = isr_flag_wait(&flag, LONG_NS);
	results[1] = isr_flag_wait(&flag, LONG_NS);
	return 0;
}

static int wait_for_room(void *arg)
{
	results[0] = isr_ring_put_wait(&ring, &event, LONG_NS);
	results[1] = isr_ring_put_wait(&ring, &event, LONG_NS);
	return 0;
}

static int offload_wait(void *arg)
{
	xt_fails_with(ETIMEDOUT,
		      isr_offload(arg ? wait_for_room : wait_for_flag, NULL,
				  NULL, NULL, 0));
	return 0;
}

static bool is_waited_for(bool room)
{
	return room ? atomic_load(ATOMIC(&ring.waiting)) != 0
		    : atomic_load(ATOMIC(&flag.arg)) != NULL;
}

/* The loop waits for the job, which waits for the loop. */
START_TEST(threads_do_not_wait_for_a_loop_that_ends)
{
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_ring_init(&ring, loop, slots, 2, ISR_RING_DROP_NEW));
	xt_ok(isr_ring_put(&ring, &event));
	xt_ok(isr_ring_put(&ring, &event));
	spawn(offload_wait, _i ? &ring : NULL);
	while (!is_waited_for(_i))
		xt_ok(isr_loop_dispatch(loop));

	xt_ok(isr_loop_free(loop));
	loop = NULL;

	ck_assert_int_eq(results[0], -ECANCELED);
	ck_assert_int_eq(results[1], -ECANCELED);
	xt_ok(isr_ring_done(&ring));
}
END_TEST

static void release_and_free_loop(void *arg)
{
	n_released++;
	xt_ok(isr_loop_free(loop));
}

static int offload_the_end(void *arg)
{
	xt_ok(isr_offload(get_policy, NULL, release_and_free_loop, NULL,
			  ISR_FOREVER));
	return 0;
}

START_TEST(release_may_free_the_loop)
{
	n_released = 0;
	spawn(offload_the_end, NULL);
	xt_fails_with(ECANCELED, isr_loop_run(loop));
	loop = NULL;

	ck_assert_uint_eq(n_released, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("offload threads");
	TCase *tc = xt_case(suite, "threads");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, threads_handle_no_signals);
	tcase_add_loop_test(tc, threads_have_no_real_time_priority, 0, 2);
	tcase_add_test(tc, threads_run_as_a_loop_without_such_priority_does);
	tcase_add_test(tc, threads_begin_nothing_while_the_loop_ends);
	tcase_add_loop_test(tc, threads_do_not_wait_for_a_loop_that_ends, 0, 2);
	tcase_add_test(tc, release_may_free_the_loop);
	return xt_main(suite);
}
