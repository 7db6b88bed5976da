/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Blocking work in threads: its result, its release, and what becomes of it
 * when its task, or the loop, has gone on.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "xt-io.h"

/* Calls until one fails; -1: none does. */
static int calloc_fails_in = -1;
static int thread_fails_in = -1;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg);

void *__wrap_calloc(size_t n, size_t size)
{
	if (calloc_fails_in >= 0 && calloc_fails_in-- == 0)
		return NULL;
	return __real_calloc(n, size);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg)
{
	if (thread_fails_in >= 0 && thread_fails_in-- == 0)
		return EAGAIN;
	return __real_pthread_create(thread, attr, run, arg);
}

static sem_t gate;
static atomic_uint n_begun, n_done, n_released, n_released_elsewhere;
static pthread_t loop_thread;

static void setup(void)
{
	calloc_fails_in = thread_fails_in = -1;
	ck_assert_int_eq(sem_init(&gate, 0, 0), 0);
	n_begun = n_done = n_released = n_released_elsewhere = 0;
	loop_thread = pthread_self();
	io_setup();
}

static void teardown(void)
{
	io_teardown();
	sem_destroy(&gate);
}

static void release(void *arg)
{
	ck_assert_ptr_eq(arg, &gate);
	if (!pthread_equal(pthread_self(), loop_thread))
		n_released_elsewhere++;
	n_released++;
}

/* A job that blocks until the test lets it go. */
static int pass_gate(void *arg)
{
	n_begun++;
	while (sem_wait(&gate) < 0)
		;
	n_done++;
	return 42;
}

static int do_nothing(void *arg)
{
	n_begun++;
	n_done++;
	return pthread_equal(pthread_self(), loop_thread) ? -1 : 42;
}

static int offload_for(isr_task_cb *fn, int64_t timeout_ns)
{
	int result = 4711;
	int r = isr_offload(fn, &gate, release, &result, timeout_ns);

	ck_assert_int_eq(result, r == 0 ? 42 : 4711);
	return r;
}

static void await_count(atomic_uint *count, unsigned int n)
{
	while (*count != n)
		xt_ok(isr_yield());
}

static int get_result(void *arg)
{
	int r = offload_for(do_nothing, ISR_FOREVER);

	ck_assert_uint_eq(n_released, 1);
	return r;
}

START_TEST(offload_gives_the_result_of_a_thread)
{
	ck_assert_int_eq(run_one(get_result, NULL), 0);
	ck_assert_uint_eq(n_done, 1);
	ck_assert_uint_eq(n_released, 1);
	ck_assert_uint_eq(n_released_elsewhere, 0);
}
END_TEST

static int go_wrong(void *arg)
{
	return -EIO;
}

static int get_failure(void *arg)
{
	int result = 0;

	xt_ok(isr_offload(go_wrong, NULL, NULL, &result, ISR_FOREVER));
	ck_assert_int_eq(result, -EIO);
	return isr_offload(go_wrong, NULL, NULL, NULL, ISR_FOREVER);
}

START_TEST(offload_tells_a_failure_as_a_result)
{
	ck_assert_int_eq(run_one(get_failure, NULL), 0);
}
END_TEST

static int offload_gate(void *arg)
{
	int r;

	trace_add('<');
	r = offload_for(pass_gate, ISR_FOREVER);
	trace_add('>');
	return r;
}

static int go_on_and_open(void *arg)
{
	await_count(&n_begun, 1);
	trace_add('x');
	xt_ok(isr_sleep(1));
	trace_add('y');
	sem_post(&gate);
	return 0;
}

/* Were the loop to wait for it, this would not end. */
START_TEST(loop_goes_on_while_a_job_blocks)
{
	begin(offload_gate, NULL);
	begin(go_on_and_open, NULL);
	run_to_the_end();

	ck_assert_str_eq(trace, "<xy>");
}
END_TEST

static int time_out_then_open(void *arg)
{
	int64_t timeout_ns = *(const int64_t *)arg;

	ck_assert_int_eq(offload_for(pass_gate, timeout_ns), -ETIMEDOUT);
	await_count(&n_begun, 1);
	ck_assert_uint_eq(n_released, 0);
	sem_post(&gate);
	await_count(&n_released, 1);
	return 0;
}

START_TEST(job_goes_on_when_its_time_is_over)
{
	int64_t timeout_ns = _i ? 1000 : 0;

	run_one(time_out_then_open, &timeout_ns);

	ck_assert_uint_eq(n_done, 1);
	ck_assert_uint_eq(n_released_elsewhere, 1);
}
END_TEST

static int offload_until_cancelled(void *arg)
{
	return offload_for(pass_gate, ISR_FOREVER);
}

static int cancel_then_open(void *arg)
{
	struct xt_task *t = arg;

	await_count(&n_begun, 1);
	ck_assert_int_eq(isr_cancel(t->task), 1);
	while (!t->has_ended)
		xt_ok(isr_yield());
	ck_assert_uint_eq(n_released, 0);
	sem_post(&gate);
	await_count(&n_released, 1);
	return 0;
}

START_TEST(job_goes_on_when_its_task_is_cancelled)
{
	struct xt_task *t = begin(offload_until_cancelled, NULL);

	begin(cancel_then_open, t);
	run_to_the_end();

	ck_assert_int_eq(xt_tasks[0].result, -ECANCELED);
	ck_assert_uint_eq(n_done, 1);
	ck_assert_uint_eq(n_released_elsewhere, 1);
}
END_TEST

static int wait_then_offload(void *arg)
{
	xt_fails_with(ECANCELED, isr_sleep(SECOND * 3600));
	return offload_for(do_nothing, ISR_FOREVER);
}

static int cancel(void *arg)
{
	let_others(1);
	ck_assert_int_eq(isr_cancel(((struct xt_task *)arg)->task), 1);
	return 0;
}

START_TEST(job_of_a_task_that_was_cancelled_is_released_only)
{
	begin(cancel, begin(wait_then_offload, NULL));
	run_to_the_end();

	ck_assert_int_eq(xt_tasks[0].result, -ECANCELED);
	ck_assert_uint_eq(n_begun, 0);
	ck_assert_uint_eq(n_released, 1);
}
END_TEST

#define N_JOBS 100
#define N_THREADS 4

static atomic_uint n_now, n_now_max;

static int count_parallel(void *arg)
{
	unsigned int n = ++n_now, max = n_now_max;

	while (n > max && !atomic_compare_exchange_weak(&n_now_max, &max, n))
		;
	/* The first ones wait for each other. */
	n_begun++;
	xt_wait_until(n_begun >= N_THREADS);
	n_now--;
	return 42;
}

static int offload_one_of_many(void *arg)
{
	ck_assert_int_eq(offload_for(count_parallel, ISR_FOREVER), 0);
	return 0;
}

START_TEST(hundred_jobs_share_four_threads)
{
	int i;

	n_now = n_now_max = 0;
	for (i = 0; i < N_JOBS; i++)
		spawn(offload_one_of_many, NULL);
	run_all();

	ck_assert_uint_eq(n_begun, N_JOBS);
	ck_assert_uint_eq(n_released, N_JOBS);
	ck_assert_uint_eq(n_now_max, N_THREADS);
}
END_TEST

/*
 * The loop's end
 */

#define N_TASKS 10

static atomic_uint n_called, n_returned;

static int offload_to_the_end(void *arg)
{
	n_called++;
	ck_assert_int_eq(offload_for(pass_gate, ISR_FOREVER), -ECANCELED);
	n_returned++;
	return 0;
}

/* Those that have begun end when the loop is being freed, not before. */
static void *open_when_all_returned(void *arg)
{
	int i;

	xt_wait_until(n_returned == N_TASKS);
	for (i = 0; i < N_THREADS; i++)
		sem_post(&gate);
	return NULL;
}

START_TEST(loop_that_ends_waits_for_what_has_begun)
{
	pthread_t opener;
	int i;

	n_called = n_returned = 0;
	for (i = 0; i < N_TASKS; i++)
		spawn(offload_to_the_end, NULL);
	/* A task that has not begun does not return. */
	while (n_begun != N_THREADS || n_called != N_TASKS)
		xt_ok(isr_loop_dispatch(loop));
	ck_assert_int_eq(
		pthread_create(&opener, NULL, open_when_all_returned, NULL), 0);

	xt_ok(isr_loop_free(loop));
	loop = NULL;

	ck_assert_uint_eq(n_begun, N_THREADS);
	ck_assert_uint_eq(n_done, N_THREADS);
	ck_assert_uint_eq(n_released, N_TASKS);
	ck_assert_int_eq(pthread_join(opener, NULL), 0);
}
END_TEST

/*
 * What fails
 */

static int offload_without_memory(void *arg)
{
	int k;

	for (k = 0; k < 2; k++) {
		calloc_fails_in = k;
		ck_assert_int_eq(offload_for(do_nothing, ISR_FOREVER), -ENOMEM);
	}
	calloc_fails_in = -1;
	ck_assert_uint_eq(n_released, 0);
	return offload_for(do_nothing, ISR_FOREVER);
}

START_TEST(offload_without_memory_is_refused)
{
	ck_assert_int_eq(run_one(offload_without_memory, NULL), 0);
	ck_assert_uint_eq(n_done, 1);
	ck_assert_uint_eq(n_released, 1);
}
END_TEST

static int offload_without_thread(void *arg)
{
	thread_fails_in = 0;
	ck_assert_int_eq(offload_for(do_nothing, ISR_FOREVER), -EAGAIN);
	ck_assert_uint_eq(n_released, 0);
	/* The only one is busy, and does it then. */
	ck_assert_int_eq(offload_for(pass_gate, 0), -ETIMEDOUT);
	await_count(&n_begun, 1);
	thread_fails_in = 0;
	ck_assert_int_eq(offload_for(do_nothing, 0), -ETIMEDOUT);
	ck_assert_int_eq(thread_fails_in, -1);
	sem_post(&gate);
	await_count(&n_released, 2);
	return 0;
}

START_TEST(offload_without_a_thread_more_waits_for_its_turn)
{
	run_one(offload_without_thread, NULL);

	ck_assert_uint_eq(n_done, 2);
}
END_TEST

static int offload_nonsense(void *arg)
{
	xt_fails_with(EINVAL, isr_offload(NULL, &gate, release, NULL, 0));
	xt_fails_with(EINVAL,
		      isr_offload(do_nothing, &gate, release, NULL, -2));
	return 0;
}

START_TEST(offload_refuses_what_makes_no_sense)
{
	run_one(offload_nonsense, NULL);
	xt_fails_with(EDEADLK,
		      isr_offload(do_nothing, &gate, release, NULL, 0));
	ck_assert_uint_eq(n_released, 0);
	ck_assert_uint_eq(n_begun, 0);
}
END_TEST

/*
 * A cancel, a timeout and the job's end, each after so many turns
 */

#define N_TURNS 4

struct turns {
	struct xt_task *waiter;
	unsigned int cancel, timeout, open;
};

static int offload_for_an_hour(void *arg)
{
	return offload_for(pass_gate, SECOND * 3600);
}

static int cancel_waiter(void *arg)
{
	const struct turns *t = arg;

	let_others(t->cancel);
	isr_cancel(t->waiter->task);
	return 0;
}

static int time_waiter_out(void *arg)
{
	const struct turns *t = arg;

	let_others(t->timeout);
	time_out(t->waiter->task);
	return 0;
}

/* Perhaps before it begins, or when it is left. */
static int open_gate(void *arg)
{
	const struct turns *t = arg;

	let_others(t->open);
	sem_post(&gate);
	while (n_done != 1)
		xt_ok(isr_yield());
	return 0;
}

static void race(struct turns *t)
{
	n_begun = n_done = n_released = 0;
	t->waiter = begin(offload_for_an_hour, NULL);
	begin(open_gate, t);
	begin(cancel_waiter, t);
	begin(time_waiter_out, t);
	xt_ok(isr_loop_run(loop));

	ck_assert(t->waiter->result == 0 || t->waiter->result == -ECANCELED ||
		  t->waiter->result == -ETIMEDOUT);
	ck_assert_uint_eq(n_done, 1);
	/* In a thread it may be about to be. */
	xt_wait_until(n_released == 1);
	while (n_xt_tasks)
		xt_ok(isr_detach(xt_tasks[--n_xt_tasks].task));
}

START_TEST(race_of_cancel_timeout_and_end_releases_once)
{
	struct turns t = {.cancel = (unsigned int)_i};

	for (t.timeout = 0; t.timeout < N_TURNS; t.timeout++) {
		for (t.open = 0; t.open < N_TURNS; t.open++)
			race(&t);
	}
	xt_ok(isr_loop_free(loop));
	loop = NULL;
	ck_assert_uint_eq(n_released, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("offload");
	TCase *tc = xt_case(suite, "offload");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, offload_gives_the_result_of_a_thread);
	tcase_add_test(tc, offload_tells_a_failure_as_a_result);
	tcase_add_test(tc, loop_goes_on_while_a_job_blocks);
	tcase_add_loop_test(tc, job_goes_on_when_its_time_is_over, 0, 2);
	tcase_add_test(tc, job_goes_on_when_its_task_is_cancelled);
	tcase_add_test(tc, job_of_a_task_that_was_cancelled_is_released_only);
	tcase_add_test(tc, hundred_jobs_share_four_threads);
	tcase_add_test(tc, loop_that_ends_waits_for_what_has_begun);
	tcase_add_test(tc, offload_without_memory_is_refused);
	tcase_add_test(tc, offload_without_a_thread_more_waits_for_its_turn);
	tcase_add_test(tc, offload_refuses_what_makes_no_sense);
	tcase_add_loop_test(tc, race_of_cancel_timeout_and_end_releases_once, 0,
			    N_TURNS);
	return xt_main(suite);
}
