/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Blocking work that ends just when its task is told of another thing, and
 * who releases it then; threads that are made just when they are needed.
 */
#include <pthread.h>
#include <semaphore.h>

#include "race.h"
#include "xt-io.h"

#define N_JOBS 2

/* Of each job: what it waits for, and what became of it. */
static struct job {
	sem_t gate;
	atomic_uint n_released;
	atomic_bool was_released_elsewhere;
	int result;
} jobs[N_JOBS];

static pthread_t loop_thread;
static unsigned int n_threads_made;
static bool no_more_threads, threads_sleep_on;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg);
int __real_pthread_cond_signal(pthread_cond_t *cond);
int __wrap_pthread_cond_signal(pthread_cond_t *cond);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg)
{
	if (no_more_threads)
		return EAGAIN;
	n_threads_made++;
	return __real_pthread_create(thread, attr, run, arg);
}

/* As if the thread that it wakes were still on its way. */
int __wrap_pthread_cond_signal(pthread_cond_t *cond)
{
	return threads_sleep_on ? 0 : __real_pthread_cond_signal(cond);
}

static void release(void *arg)
{
	struct job *job = arg;

	job->was_released_elsewhere =
		!pthread_equal(pthread_self(), loop_thread);
	job->n_released++;
}

static void await_sem(sem_t *sem)
{
	while (sem_wait(sem) < 0)
		;
}

static int pass_gate(void *arg)
{
	await_sem(&((struct job *)arg)->gate);
	return 42;
}

/* The result is written only on success. */
static int offload_for(struct job *job, int64_t timeout_ns)
{
	int r;

	job->result = 4711;
	r = isr_offload(pass_gate, job, release, &job->result, timeout_ns);
	ck_assert_int_eq(job->result, r == 0 ? 42 : 4711);
	return r;
}

static int offload_for_an_hour(void *arg)
{
	return offload_for(arg, SECOND * 3600);
}

static void open_gate(struct job *job)
{
	sem_post(&job->gate);
}

static void assert_released_by(const struct job *job, bool elsewhere)
{
	ck_assert_uint_eq(job->n_released, 1);
	ck_assert_int_eq(job->was_released_elsewhere, elsewhere);
}

#ifdef ISR_TEST_POINTS

/*
 * At the points. told: a thread is through with a job. idle: it waits for the
 * next. held, go: it stops before it looks whether its task has left.
 */
static sem_t told, idle, held, go;
static atomic_bool was_told;

static void on_point(const char *point)
{
	if (strcmp(point, "offload:told") == 0) {
		was_told = true;
		sem_post(&told);
	} else if (strcmp(point, "offload:idle") == 0 && was_told) {
		sem_post(&idle);
	}
	run_race(point);
}

static void at(const char *point, void (*other_side)(void))
{
	race_at(0, point, other_side);
	isri_test_point_hook = on_point;
}

static void init_points(void)
{
	sem_init(&told, 0, 0);
	sem_init(&idle, 0, 0);
	sem_init(&held, 0, 0);
	sem_init(&go, 0, 0);
	was_told = false;
	isri_test_point_hook = on_point;
}

/* No thread is there any more: each of them reads the hook. */
static void finish_points(void)
{
	forget_races();
	sem_destroy(&told);
	sem_destroy(&idle);
	sem_destroy(&held);
	sem_destroy(&go);
}

#else

static void init_points(void)
{
}

static void finish_points(void)
{
}

#endif

static void setup(void)
{
	int i;

	for (i = 0; i < N_JOBS; i++) {
		jobs[i].n_released = 0;
		ck_assert_int_eq(sem_init(&jobs[i].gate, 0, 0), 0);
	}
	loop_thread = pthread_self();
	n_threads_made = 0;
	no_more_threads = threads_sleep_on = false;
	init_points();
	io_setup();
}

static void teardown(void)
{
	int i;

	io_teardown();
	finish_points();
	for (i = 0; i < N_JOBS; i++)
		sem_destroy(&jobs[i].gate);
}

static int put_letter_down(void *arg)
{
	if (*(const char *)arg == 'a')
		await_sem(&jobs[0].gate);
	trace_add(*(const char *)arg);
	return 0;
}

/* One thread does them all. */
static int offload_in_order(void *arg)
{
	static char letters[] = "abcd";
	int i;

	for (i = 0; i < 3; i++) {
		xt_fails_with(ETIMEDOUT,
			      isr_offload(put_letter_down, &letters[i], NULL,
					  NULL, 0));
		no_more_threads = true;
	}
	open_gate(&jobs[0]);
	return isr_offload(put_letter_down, &letters[3], NULL, NULL,
			   ISR_FOREVER);
}

START_TEST(jobs_begin_in_the_order_of_the_calls)
{
	ck_assert_int_eq(run_one(offload_in_order, NULL), 0);

	ck_assert_str_eq(trace, "abcd");
}
END_TEST

#ifdef ISR_TEST_POINTS

/*
 * The job ends, the task leaves
 */

static void finish_job(struct job *job)
{
	open_gate(job);
	await_sem(&told);
}

static void finish_0(void)
{
	finish_job(&jobs[0]);
}

static int leave_as_it_ends(void *arg)
{
	at("offload:leave", finish_0);
	ck_assert_int_eq(offload_for(&jobs[0], 0), -ETIMEDOUT);
	assert_released_by(&jobs[0], false);
	/* The loop is told of a job that is not there any more. */
	let_others(2);
	return 0;
}

START_TEST(race_job_that_ends_as_its_task_leaves_is_released_there)
{
	run_one(leave_as_it_ends, NULL);

	ck_assert_uint_eq(n_raced, 1);
	assert_released_by(&jobs[0], false);
}
END_TEST

static void hold_thread(void)
{
	sem_post(&held);
	await_sem(&go);
}

static void await_held(void)
{
	while (sem_trywait(&held) < 0)
		xt_ok(isr_yield());
}

/* Between its end and a look whether anybody waits for it. */
static int time_out_as_it_ends(void *arg)
{
	struct xt_task *waiter = arg;

	await_held();
	time_out(waiter->task);
	while (!waiter->has_ended)
		xt_ok(isr_yield());
	ck_assert_int_eq(waiter->result, -ETIMEDOUT);
	ck_assert_uint_eq(jobs[0].n_released, 0);
	sem_post(&go);
	await_sem(&told);
	assert_released_by(&jobs[0], true);
	let_others(2);
	return 0;
}

START_TEST(race_task_that_leaves_as_its_job_ends_leaves_it_there)
{
	at("offload:done", hold_thread);
	open_gate(&jobs[0]);
	begin(time_out_as_it_ends, begin(offload_for_an_hour, &jobs[0]));
	run_to_the_end();

	ck_assert_uint_eq(n_raced, 1);
	assert_released_by(&jobs[0], true);
}
END_TEST

/* The loop has had its turn before what it is told of is there to see. */
static int let_it_end(void *arg)
{
	struct xt_task *waiter = arg;

	await_held();
	let_others(2);
	sem_post(&go);
	await_sem(&told);
	let_others(2);
	ck_assert(waiter->has_ended);
	return 0;
}

START_TEST(race_loop_that_looks_as_a_job_ends_is_told_of_it)
{
	at("offload:done", hold_thread);
	open_gate(&jobs[0]);
	begin(let_it_end, begin(offload_for_an_hour, &jobs[0]));
	run_to_the_end();

	ck_assert_uint_eq(n_raced, 1);
	ck_assert_int_eq(xt_tasks[0].result, 0);
	assert_released_by(&jobs[0], false);
}
END_TEST

/* What its task finds, when both have come before it runs. */
static int end_and_time_out(void *arg)
{
	let_others(1);
	finish_0();
	time_out(((struct xt_task *)arg)->task);
	return 0;
}

static int end_and_cancel(void *arg)
{
	let_others(1);
	finish_0();
	ck_assert_int_eq(isr_cancel(((struct xt_task *)arg)->task), 1);
	return 0;
}

static int wait_and(isr_task_cb *other_side)
{
	begin(other_side, begin(offload_for_an_hour, &jobs[0]));
	run_to_the_end();
	assert_released_by(&jobs[0], false);
	return xt_tasks[0].result;
}

START_TEST(result_wins_against_the_deadline)
{
	ck_assert_int_eq(wait_and(end_and_time_out), 0);
}
END_TEST

START_TEST(cancel_wins_against_the_result)
{
	ck_assert_int_eq(wait_and(end_and_cancel), -ECANCELED);
}
END_TEST

static int look_once(void *arg)
{
	at("offload:queued", finish_0);
	return offload_for(&jobs[0], 0);
}

START_TEST(race_result_is_there_before_the_task_waits)
{
	ck_assert_int_eq(run_one(look_once, NULL), 0);

	ck_assert_uint_eq(n_raced, 1);
	assert_released_by(&jobs[0], false);
}
END_TEST

/*
 * Two jobs
 */

static void finish_0_then_1(void)
{
	finish_job(&jobs[0]);
	finish_job(&jobs[1]);
}

static void finish_1_then_0(void)
{
	finish_job(&jobs[1]);
	finish_job(&jobs[0]);
}

static int time_first_out(void *arg)
{
	/* Both wait. */
	let_others(1);
	time_out(xt_tasks[0].task);
	let_others(3);
	ck_assert(xt_tasks[0].has_ended);
	ck_assert(xt_tasks[1].has_ended);
	return 0;
}

/* Before the loop is told of either. */
START_TEST(race_two_jobs_end_as_the_task_of_one_leaves)
{
	at("offload:leave", _i ? finish_1_then_0 : finish_0_then_1);
	begin(offload_for_an_hour, &jobs[0]);
	begin(offload_for_an_hour, &jobs[1]);
	begin(time_first_out, NULL);
	run_to_the_end();

	ck_assert_uint_eq(n_raced, 1);
	ck_assert_int_eq(xt_tasks[0].result, -ETIMEDOUT);
	ck_assert_int_eq(xt_tasks[1].result, 0);
	assert_released_by(&jobs[0], false);
	assert_released_by(&jobs[1], false);
}
END_TEST

static int end_both(void *arg)
{
	let_others(1);
	finish_0_then_1();
	let_others(2);
	ck_assert(xt_tasks[0].has_ended);
	ck_assert(xt_tasks[1].has_ended);
	return 0;
}

START_TEST(two_jobs_that_end_are_told_at_once)
{
	begin(offload_for_an_hour, &jobs[0]);
	begin(offload_for_an_hour, &jobs[1]);
	begin(end_both, NULL);
	run_to_the_end();

	ck_assert_int_eq(xt_tasks[0].result, 0);
	ck_assert_int_eq(xt_tasks[1].result, 0);
}
END_TEST

/*
 * Threads
 */

static int do_nothing(void *arg)
{
	return 0;
}

static void offload_nothing(void)
{
	ck_assert_int_eq(isr_offload(do_nothing, NULL, NULL, NULL, ISR_FOREVER),
			 0);
}

static int offload_twice(void *arg)
{
	offload_nothing();
	await_sem(&idle);
	offload_nothing();
	return 0;
}

START_TEST(thread_that_is_idle_takes_the_next_job)
{
	run_one(offload_twice, NULL);

	ck_assert_uint_eq(n_threads_made, 1);
}
END_TEST

static int offload_two_at_once(void *arg)
{
	offload_nothing();
	await_sem(&told);
	await_sem(&idle);

	threads_sleep_on = true;
	ck_assert_int_eq(offload_for(&jobs[0], 0), -ETIMEDOUT);
	ck_assert_uint_eq(n_threads_made, 1);
	/* That thread has a job, although it does not know yet. */
	threads_sleep_on = false;
	ck_assert_int_eq(offload_for(&jobs[1], 0), -ETIMEDOUT);
	ck_assert_uint_eq(n_threads_made, 2);

	finish_0_then_1();
	return 0;
}

START_TEST(thread_that_has_a_job_to_come_takes_no_other)
{
	run_one(offload_two_at_once, NULL);

	assert_released_by(&jobs[0], true);
	assert_released_by(&jobs[1], true);
}
END_TEST

#endif

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *tc = xt_case(suite, name);

	tcase_add_checked_fixture(tc, setup, teardown);
	return tc;
}

/* What is broken fails the tests of its case, and does not make them hang. */
int main(void)
{
	Suite *suite = suite_create("offload races");
	TCase *tc = add_case(suite, "order");

	tcase_add_test(tc, jobs_begin_in_the_order_of_the_calls);

#ifdef ISR_TEST_POINTS
	tc = add_case(suite, "leave");
	tcase_add_test(tc,
		       race_job_that_ends_as_its_task_leaves_is_released_there);
	tcase_add_test(tc,
		       race_task_that_leaves_as_its_job_ends_leaves_it_there);

	tc = add_case(suite, "told");
	tcase_add_test(tc, race_loop_that_looks_as_a_job_ends_is_told_of_it);

	tc = add_case(suite, "result");
	tcase_add_test(tc, result_wins_against_the_deadline);
	tcase_add_test(tc, cancel_wins_against_the_result);
	tcase_add_test(tc, race_result_is_there_before_the_task_waits);

	tc = add_case(suite, "two");
	tcase_add_loop_test(tc, race_two_jobs_end_as_the_task_of_one_leaves, 0,
			    2);
	tcase_add_test(tc, two_jobs_that_end_are_told_at_once);

	tc = add_case(suite, "threads");
	tcase_add_test(tc, thread_that_is_idle_takes_the_next_job);
	tcase_add_test(tc, thread_that_has_a_job_to_come_takes_no_other);
#endif
	return xt_main(suite);
}
