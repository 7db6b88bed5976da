/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F4: tasks run. A task's turn is a step of the loop (step.h): it switches to
 * the task's stack, where the task runs to its next wait or its end, and back.
 *
 * Whoever runs a task does it on a stack of his own, be it the thread's or, in
 * a task that frees its loop or runs libev itself, another task's: so each
 * turn has a runner, which the task comes back to. The runner's frame is what
 * the task finds as its context, and is gone while the task waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "crash.h"
#include "futex.h"
#include "loop.h"
#include "task.h"
#include "wait-fd.h"

/* One turn of a task, on the stack of who gives it. */
struct isri_task_runner {
	struct isri_frame frame;
	struct isr_task *task;
	struct isri_task_switch back;
};

static struct isri_tasks *tasks_of(const struct isr_task *task)
{
	return isri_loop_base(task->loop)->tasks;
}

static bool is_loop_ended(const struct isr_task *task)
{
	return isri_wake_of(task->loop)->ended;
}

struct isr_task *isri_task_current(void)
{
	struct isri_frame *frame = isri_context_get_frame();

	/* Innermost: in a callback that it called, it cannot wait. */
	if (!frame || frame->kind != ISR_CONTEXT_TASK)
		return NULL;
	return ((struct isri_task_runner *)frame)->task;
}

/*
 * The task's side
 */

/*
 * Apart, so that the compiler asks anew where errno is: the loop may go on in
 * another thread, and this one may be gone.
 */
static __attribute__((noinline)) void set_errno(int value)
{
	errno = value;
}

void isri_task_suspend(struct isr_task *self)
{
	int saved = errno;

	isri_task_switch_to(&self->context, &self->runner->back);
	set_errno(saved);
}

bool isri_task_suspend_until(struct isr_task *self, uint64_t due_ns)
{
	self->is_due = false;
	if (due_ns != ISRI_FUTEX_NEVER)
		isri_alarm_set(self->loop, &self->alarm, due_ns);
	isri_task_suspend(self);
	isri_alarm_cancel(self->loop, &self->alarm);
	return self->is_due;
}

void isri_task_ring(struct isri_alarm *alarm)
{
	struct isr_task *task =
		(struct isr_task *)((char *)alarm -
				    offsetof(struct isr_task, alarm));

	task->is_due = true;
	isri_task_resume(task, ISRI_BAND_ORDINARY);
}

void isri_task_resume(struct isr_task *task, enum isri_band band)
{
	if (!task->has_ended)
		isri_step_queue(task->loop, &task->step, band);
}

bool isri_task_is_cancelled(const struct isr_task *task)
{
	return task->is_cancelled || is_loop_ended(task);
}

/* Behind all that are ready. */
void isri_task_give_way(struct isr_task *self)
{
	isri_task_resume(self, ISRI_BAND_ORDINARY);
	isri_task_suspend(self);
}

void isri_task_go_on(struct isr_task *self, int64_t timeout_ns)
{
	if (timeout_ns == 0 || isri_step_has_time(self->loop))
		return;
	/*
	 * Behind the flags that are set, as if it waited for one. Not behind
	 * ordinary steps: it would wait for all that are ready.
	 */
	isri_task_resume(self, ISRI_BAND_AGAIN);
	isr_flag_set(&tasks_of(self)->again);
	isri_task_suspend(self);
}

int isri_task_check_wait_for(const char *function)
{
	struct isr_task *self = isri_task_current();
	int r;

	r = isri_context_refuse_isr(function);
	if (r < 0)
		return r;
	if (!self)
		return -EDEADLK;
	if (!isri_wake_is_at_home(isri_wake_of(self->loop)))
		return -EPERM;
	/* Who frees the loop meanwhile waits for the task, masked or not. */
	if (isri_context_is_masked() && !is_loop_ended(self))
		return -EDEADLK;
	if (!isri_task_is_cancelled(self))
		return 0;
	/* One that takes no notice must not keep the loop for itself. */
	isri_task_give_way(self);
	return isri_task_is_cancelled(self) ? -ECANCELED : 0;
}

/* The first on a task's stack, and the last. */
void isri_task_begin(void *arg)
{
	struct isr_task *self = arg;

	self->result = self->fn(self->arg);
	self->has_ended = true;
	isri_task_switch_leave(&self->context, &self->runner->back);
}

/*
 * The loop's side
 */

void isri_task_list_add(struct isr_task **list, struct isr_task *task)
{
	task->next = *list;
	task->prev = list;
	if (task->next)
		task->next->prev = &task->next;
	*list = task;
}

static void list_remove(struct isr_task *task)
{
	*task->prev = task->next;
	if (task->next)
		task->next->prev = task->prev;
}

/* One that has ended; nobody has its handle any more. */
void isri_task_free(struct isr_task *task)
{
	list_remove(task);
	isri_step_unqueue(task->loop, &task->step);
	isr_flag_done(&task->done);
	free(task);
}

static bool has_failed(const struct isr_task *task)
{
	if (task->result >= 0)
		return false;
	return task->result != -ECANCELED || !task->was_cancelled;
}

void isri_task_dismiss(struct isr_task *task)
{
	struct isr_loop *loop = task->loop;
	bool failed = has_failed(task);
	int result = task->result;
	char name[ISRI_TASK_NAME_BYTES];

	memcpy(name, task->name, sizeof(name));
	isri_task_free(task);
	if (failed)
		isri_loop_log(
			loop, ISR_LOG_ERROR,
			"task \"%s\" failed and nobody joined it: %s (%d)",
			name, strerror((int)(0U - (unsigned int)result)),
			result);
}

/* It has ended just now; its memory may go. */
static void finish(struct isr_task *task)
{
	/* Not if it is not: then its last turn would not be counted. */
	if (isri_step_is_queued(&task->step))
		isri_step_unqueue(task->loop, &task->step);
	isri_alarm_cancel(task->loop, &task->alarm);
	isri_wait_fd_done(task);
	isri_task_switch_done(&task->context);
	if (!task->is_detached)
		task->stack_used = isri_stack_get_used(task->stack);
	isri_stack_put(&tasks_of(task)->stacks, task->stack);
	task->stack = NULL;
	isri_loop_base(task->loop)->n_tasks--;
	list_remove(task);
	isri_task_list_add(&tasks_of(task)->ended, task);

	if (task->is_detached) {
		isri_task_dismiss(task);
		return;
	}
	if (task->joiner)
		isri_task_resume(task->joiner, ISRI_BAND_URGENT);
	isr_flag_set(&task->done);
}

/* One turn. */
static void run_turn(struct isr_task *task)
{
	struct isri_task_runner runner;

	if (!task->has_begun && isri_task_is_cancelled(task)) {
		task->result = -ECANCELED;
		task->has_ended = true;
		return;
	}
	task->has_begun = true;
	task->n_steps++;
	memset(&runner.back, 0, sizeof(runner.back));
	runner.task = task;
	isri_context_enter(&runner.frame, ISR_CONTEXT_TASK, task->loop, NULL);
	runner.frame.stack = task->stack;
	task->runner = &runner;
	isri_task_switch_to(&runner.back, &task->context);
	task->runner = NULL;
	isri_context_leave(&runner.frame);
}

/* It gets turns until it ends, and is given up if it will not. */
static void run_to_its_end(struct isr_task *task)
{
	unsigned int n;

	task->is_cancelled = true;
	task->was_cancelled = true;
	for (n = 0; !task->has_ended && n < ISRI_TASK_LAST_STEPS; n++)
		run_turn(task);
	if (!task->has_ended) {
		isri_loop_log(task->loop, ISR_LOG_ERROR,
			      "task \"%s\" does not end: given up", task->name);
		task->result = -ECANCELED;
		task->has_ended = true;
	}
}

/* None is alive. */
static void tasks_free(struct isr_loop *loop)
{
	struct isri_tasks *tasks = isri_loop_base(loop)->tasks;

	while (tasks->ended)
		isri_task_dismiss(tasks->ended);
	isr_flag_done(&tasks->again);
	isri_stacks_done(&tasks->stacks);
	isri_loop_base(loop)->tasks = NULL;
	if (tasks->gave_crash_stack)
		isri_crash_thread_end();
	free(tasks);
}

/*
 * The loop is being freed. One that frees it itself, in its turn, is run to
 * its end when that is over.
 */
void isri_tasks_end(struct isr_loop *loop)
{
	struct isri_tasks *tasks = isri_loop_base(loop)->tasks;
	struct isr_task *task = tasks->alive;

	while (task) {
		if (task->runner) {
			task = task->next;
			continue;
		}
		run_to_its_end(task);
		finish(task);
		task = tasks->alive;
	}
	if (!tasks->alive)
		tasks_free(loop);
}

void isri_task_run_step(struct isri_step *step)
{
	struct isr_task *task = (struct isr_task *)step;
	struct isr_loop *loop = task->loop;
	const struct isri_tasks *tasks = tasks_of(task);

	/* Its own turn runs libev, which would have it run again. */
	if (task->runner)
		return;
	run_turn(task);
	if (isri_wake_of(loop)->ended && !task->has_ended)
		run_to_its_end(task);
	if (!task->has_ended)
		return;
	finish(task);
	/* Whoever was told of its failure may have freed the loop just now. */
	if (isri_wake_of(loop)->ended && isri_loop_base(loop)->tasks &&
	    !tasks->alive)
		tasks_free(loop);
}
