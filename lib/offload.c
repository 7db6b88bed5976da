/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F4: tasks have blocking work done by threads, and wait for it.
 *
 * Each loop has a pool of its own, with a thread more as long as there are jobs
 * that no idle one will take, up to a maximum. A job outlives the task's wait,
 * which may end early; whose it is to release is decided under the lock, by
 * what comes first: the task leaves, or the job is done.
 *
 * What takes long enough to be given away is not urgent. So its threads have no
 * real-time priority where the loop has one, or a job that computes would keep
 * the loop from running, as if it were a step.
 *
 * The pool is a member of its loop: it ends after the tasks, so nobody waits
 * then.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "futex.h"
#include "loop.h"
#include "task.h"
#include "test-point.h"
#include "thread.h"

#define THREADS_MAX 4

struct job {
	struct job *next;
	isr_task_cb *fn;
	void *arg;
	isr_release_cb *release;
	/* Under the lock. NULL: it has left. */
	struct isr_task *task;
	bool is_done;
	int result;
};

struct isri_pool {
	struct isri_loop_member member; /* first */
	struct isr_loop *loop;
	/* Set for what is in done. */
	struct isr_flag finished;
	pthread_mutex_t lock;
	pthread_cond_t more;

	/* Under the lock: jobs that wait for a thread, and their number. */
	struct job *first;
	struct job **end;
	unsigned int n_jobs;
	unsigned int n_idle;
	bool is_ending;
	/* Those whose task has not been told. */
	struct job *done;

	/* Loop only. */
	pthread_t threads[THREADS_MAX];
	unsigned int n_threads;
};

/*
 * The threads
 */

static void release_job(struct job *job)
{
	if (job->release)
		job->release(job->arg);
	free(job);
}

static struct job *take_job(struct isri_pool *pool)
{
	struct job *job = pool->first;

	pool->first = job->next;
	if (!pool->first)
		pool->end = &pool->first;
	pool->n_jobs--;
	return job;
}

/* With the lock, which it gives back meanwhile. */
static void run_job(struct isri_pool *pool, struct job *job)
{
	bool has_left;
	int result;

	pthread_mutex_unlock(&pool->lock);
	result = job->fn(job->arg);
	ISR_TEST_POINT("offload:done");
	pthread_mutex_lock(&pool->lock);
	has_left = !job->task;
	job->result = result;
	job->is_done = true;
	if (!has_left) {
		job->next = pool->done;
		pool->done = job;
	}
	pthread_mutex_unlock(&pool->lock);
	/* From here on it is the task's, or ours. */
	if (has_left)
		release_job(job);
	else
		isr_flag_set(&pool->finished);
	ISR_TEST_POINT("offload:told");
	pthread_mutex_lock(&pool->lock);
}

static void *run_thread(void *arg)
{
	struct isri_pool *pool = arg;

	pthread_mutex_lock(&pool->lock);
	while (!pool->is_ending) {
		if (pool->first) {
			run_job(pool, take_job(pool));
			continue;
		}
		pool->n_idle++;
		ISR_TEST_POINT("offload:idle");
		pthread_cond_wait(&pool->more, &pool->lock);
		pool->n_idle--;
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static int create_thread(struct isri_pool *pool, pthread_t *thread)
{
	const struct sched_param none = {0};
	struct sched_param param;
	pthread_attr_t attr;
	int r;

	r = pthread_attr_init(&attr);
	if (r)
		return -r;
	if (isri_thread_get_realtime(&param) != SCHED_OTHER) {
		pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
		pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
		/* It says so already; glibc takes the loop's even so. */
		pthread_attr_setschedparam(&attr, &none);
	}
	r = isri_thread_create(thread, &attr, run_thread, pool);
	pthread_attr_destroy(&attr);
	return r;
}

static int start_thread(struct isri_pool *pool)
{
	pthread_t *thread = &pool->threads[pool->n_threads];
	int r;

	r = create_thread(pool, thread);
	if (r < 0)
		return r;
	pthread_setname_np(*thread, "isr-offload");
	pool->n_threads++;
	return 0;
}

/*
 * The loop's side
 */

static void on_finished(struct isr_flag *finished, uint32_t count, void *arg)
{
	struct isri_pool *pool = arg;
	struct job *job;

	pthread_mutex_lock(&pool->lock);
	while ((job = pool->done)) {
		pool->done = job->next;
		isri_task_resume(job->task, ISRI_BAND_URGENT);
	}
	pthread_mutex_unlock(&pool->lock);
}

/* What has not begun is not begun any more. */
static void pool_close(struct isri_loop_member *member)
{
	struct isri_pool *pool = (struct isri_pool *)member;
	unsigned int i;

	pthread_mutex_lock(&pool->lock);
	pool->is_ending = true;
	pthread_cond_broadcast(&pool->more);
	pthread_mutex_unlock(&pool->lock);
	for (i = 0; i < pool->n_threads; i++)
		pthread_join(pool->threads[i], NULL);
	while (pool->first)
		release_job(take_job(pool));

	isr_flag_done(&pool->finished);
	isri_loop_member_remove(member);
	isri_loop_base(pool->loop)->pool = NULL;
	pthread_cond_destroy(&pool->more);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static int get_pool(struct isr_loop *loop, struct isri_pool **ret_pool)
{
	struct isri_pool *pool = isri_loop_base(loop)->pool;

	if (!pool) {
		pool = calloc(1, sizeof(*pool));
		if (!pool)
			return -ENOMEM;
		pool->loop = loop;
		pool->end = &pool->first;
		isri_lock_init(&pool->lock);
		pthread_cond_init(&pool->more, NULL);
		/* Cannot fail: the loop is open. */
		isr_flag_init(&pool->finished, loop, ISR_FLAG_AUTO);
		isr_flag_set_cb(&pool->finished, on_finished, pool);
		isri_loop_member_add(loop, &pool->member, pool_close);
		isri_loop_base(loop)->pool = pool;
	}
	*ret_pool = pool;
	return 0;
}

static bool needs_thread(struct isri_pool *pool)
{
	bool needs;

	pthread_mutex_lock(&pool->lock);
	/* The job that comes is not among them yet. */
	needs = pool->n_jobs >= pool->n_idle;
	pthread_mutex_unlock(&pool->lock);
	return needs && pool->n_threads < THREADS_MAX;
}

static int queue_job(struct isri_pool *pool, struct job *job)
{
	int r;

	if (needs_thread(pool)) {
		r = start_thread(pool);
		/* Others will do it in their turn. */
		if (r < 0 && !pool->n_threads)
			return r;
	}
	pthread_mutex_lock(&pool->lock);
	*pool->end = job;
	pool->end = &job->next;
	pool->n_jobs++;
	pthread_cond_signal(&pool->more);
	pthread_mutex_unlock(&pool->lock);
	return 0;
}

static bool is_done(struct isri_pool *pool, const struct job *job)
{
	bool done;

	pthread_mutex_lock(&pool->lock);
	done = job->is_done;
	pthread_mutex_unlock(&pool->lock);
	return done;
}

static int await(struct isri_pool *pool, const struct job *job,
		 struct isr_task *self, int64_t timeout_ns)
{
	uint64_t due_ns = isri_futex_deadline_ns(timeout_ns);
	bool is_due = timeout_ns == 0;

	for (;;) {
		if (isri_task_is_cancelled(self))
			return -ECANCELED;
		if (is_done(pool, job))
			return 0;
		if (is_due)
			return -ETIMEDOUT;
		is_due = isri_task_suspend_until(self, due_ns);
	}
}

/* The task is no more told of it. True: it is done, and the caller's. */
static bool leave(struct isri_pool *pool, struct job *job)
{
	struct job **link;
	bool done;

	ISR_TEST_POINT("offload:leave");
	pthread_mutex_lock(&pool->lock);
	job->task = NULL;
	/* A loop that is being freed has left all: nothing begins any more. */
	if (isri_wake_of(pool->loop)->ended)
		pool->is_ending = true;
	done = job->is_done;
	for (link = &pool->done; done && *link; link = &(*link)->next) {
		if (*link == job) {
			*link = job->next;
			break;
		}
	}
	pthread_mutex_unlock(&pool->lock);
	return done;
}

static int offload(struct isr_task *self, const struct job *what,
		   int *ret_result, int64_t timeout_ns)
{
	struct isri_pool *pool;
	struct job *job;
	int r;

	r = get_pool(self->loop, &pool);
	if (r < 0)
		return r;
	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	*job = *what;
	job->task = self;
	r = queue_job(pool, job);
	if (r < 0) {
		free(job);
		return r;
	}
	ISR_TEST_POINT("offload:queued");
	r = await(pool, job, self, timeout_ns);
	if (!leave(pool, job))
		return r;
	if (r == 0 && ret_result)
		*ret_result = job->result;
	release_job(job);
	return r;
}

int isr_offload(isr_task_cb *fn, void *arg, isr_release_cb *release,
		int *ret_result, int64_t timeout_ns)
{
	const struct job job = {.fn = fn, .arg = arg, .release = release};
	int r;

	if (!fn || timeout_ns < ISR_FOREVER)
		return -EINVAL;
	r = isri_task_check_wait();
	/* As later: whoever is told so need not release it. */
	if (r == -ECANCELED && release)
		release(arg);
	if (r < 0)
		return r;
	return offload(isri_task_current(), &job, ret_result, timeout_ns);
}
