/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F4: tasks as the program has them: made, joined, cancelled; and the waits
 * that need nothing but the clock. How they run is in task-run.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "context.h"
#include "crash.h"
#include "futex.h"
#include "loop.h"
#include "size.h"
#include "task.h"

/*
 * Spawning
 */

static int check_config(const struct isr_task_config *config)
{
	int r;

	if (!config)
		return 0;
	r = isri_check_size(config, config->sz, sizeof(*config));
	if (r < 0)
		return r;
	return isri_check_reserved(config->reserved,
				   sizeof(config->reserved) / sizeof(uint64_t));
}

/* All flags that were set before it have been delivered. */
static void on_again(struct isr_flag *again, uint32_t count, void *arg)
{
	isri_steps_hasten(arg);
}

/* What it had in another thread is that thread's, which may be gone. */
static void get_crash_stack(struct isr_loop *loop)
{
	isri_loop_base(loop)->tasks->gave_crash_stack =
		isri_crash_thread_begin();
}

static int get_tasks(struct isr_loop *loop, struct isri_tasks **ret_tasks)
{
	struct isri_loop_base *base = isri_loop_base(loop);
	struct isri_tasks *tasks = base->tasks;

	if (!tasks) {
		tasks = calloc(1, sizeof(*tasks));
		if (!tasks)
			return -ENOMEM;
		tasks->stacks.n_max = base->config.stacks_kept;
		/* Cannot fail: the loop is open. */
		isr_flag_init(&tasks->again, loop, ISR_FLAG_AUTO);
		isr_flag_set_cb(&tasks->again, on_again, loop);
		base->tasks = tasks;
		base->move_tasks = get_crash_stack;
		get_crash_stack(loop);
		base->end_tasks = isri_tasks_end;
	}
	*ret_tasks = tasks;
	return 0;
}

static void set_name(struct isr_task *task, struct isri_tasks *tasks,
		     const char *name)
{
	if (name)
		snprintf(task->name, sizeof(task->name), "%s", name);
	else
		snprintf(task->name, sizeof(task->name), "task %u",
			 ++tasks->n_unnamed);
}

static int task_new(struct isr_loop *loop, struct isri_tasks *tasks,
		    const struct isr_task_config *config,
		    struct isr_task **ret_task)
{
	struct isr_task *task;
	size_t bytes;
	int r;

	task = calloc(1, sizeof(*task));
	if (!task)
		return -ENOMEM;
	bytes = config ? config->stack_bytes : 0;
	if (!bytes)
		bytes = (size_t)isri_loop_base(loop)->config.stack_bytes;
	r = isri_stack_get(&tasks->stacks, bytes, task->name, &task->stack);
	if (r < 0) {
		free(task);
		return r;
	}
	task->loop = loop;
	task->stack_bytes = task->stack->bytes;
	task->step.run = isri_task_run_step;
	task->step.name = task->name;
	task->alarm.ring = isri_task_ring;
	set_name(task, tasks, config ? config->name : NULL);
	*ret_task = task;
	return 0;
}

int isr_spawn(struct isr_loop *loop, const struct isr_task_config *config,
	      isr_task_cb *fn, void *arg, struct isr_task **ret_task)
{
	struct isri_tasks *tasks;
	struct isr_task *task;
	int r;

	r = isri_loop_check_open(loop);
	if (r < 0)
		return r;
	if (!fn)
		return -EINVAL;
	r = check_config(config);
	if (r < 0)
		return r;
	r = get_tasks(loop, &tasks);
	if (r < 0)
		return r;
	r = task_new(loop, tasks, config, &task);
	if (r < 0)
		return r;

	task->fn = fn;
	task->arg = arg;
	task->is_detached = !ret_task;
	/* Cannot fail: the loop is open. */
	isr_flag_init(&task->done, loop, ISR_FLAG_STICKY);
	isri_task_switch_init(&task->context, isri_stack_low(task->stack),
			      task->stack->bytes, isri_task_begin, task);
	isri_task_list_add(&tasks->alive, task);
	isri_loop_base(loop)->n_tasks++;
	isri_task_resume(task, ISRI_BAND_ORDINARY);
	if (ret_task)
		*ret_task = task;
	return 0;
}

/*
 * Waiting
 */

struct isr_task *isr_self(void)
{
	return isri_context_refuse_isr(__func__) < 0 ? NULL
						     : isri_task_current();
}

static int go_on(const struct isr_task *self)
{
	return isri_task_is_cancelled(self) ? -ECANCELED : 0;
}

int isr_yield(void)
{
	struct isr_task *self;
	int r;

	r = isri_task_check_wait();
	if (r < 0)
		return r;
	self = isri_task_current();
	isri_task_give_way(self);
	return go_on(self);
}

int isr_sleep(int64_t ns)
{
	struct isr_task *self;
	uint64_t due_ns;
	bool is_due;
	int r;

	r = isri_task_check_wait();
	if (r < 0)
		return r;
	self = isri_task_current();
	if (ns <= 0) {
		isri_task_give_way(self);
		return go_on(self);
	}
	due_ns = isri_futex_deadline_ns(ns);
	do
		is_due = isri_task_suspend_until(self, due_ns);
	while (!is_due && !isri_task_is_cancelled(self));
	return go_on(self);
}

int isr_uncancel(void)
{
	struct isr_task *self = isri_task_current();
	bool was_cancelled;
	int r;

	r = isri_context_refuse_isr(__func__);
	if (r < 0)
		return r;
	if (!self)
		return -EDEADLK;
	if (!isri_wake_is_at_home(isri_wake_of(self->loop)))
		return -EPERM;
	if (isri_wake_of(self->loop)->ended)
		return 0;
	was_cancelled = self->is_cancelled;
	self->is_cancelled = false;
	return was_cancelled;
}

/*
 * Handles
 */

static int await_end(struct isr_task *self, struct isr_task *task,
		     int64_t timeout_ns)
{
	uint64_t due_ns;
	bool is_due = timeout_ns == 0;

	due_ns = isri_futex_deadline_ns(timeout_ns);
	for (;;) {
		if (isri_task_is_cancelled(self))
			return -ECANCELED;
		if (task->has_ended)
			return 0;
		if (is_due)
			return -ETIMEDOUT;
		is_due = isri_task_suspend_until(self, due_ns);
	}
}

int isr_join(struct isr_task *task, int *ret_result, int64_t timeout_ns)
{
	struct isr_task *self;
	int r;

	if (!task || timeout_ns < ISR_FOREVER)
		return -EINVAL;
	r = isri_task_check_wait();
	if (r < 0)
		return r;
	self = isri_task_current();
	if (task == self)
		return -EDEADLK;
	if (task->loop != self->loop)
		return -EXDEV;
	if (task->is_detached)
		return -EINVAL;
	if (task->joiner)
		return -EBUSY;

	task->joiner = self;
	r = await_end(self, task, timeout_ns);
	task->joiner = NULL;
	if (r < 0)
		return r;
	if (ret_result)
		*ret_result = task->result;
	isri_task_free(task);
	return 0;
}

int isr_detach(struct isr_task *task)
{
	int r;

	if (!task)
		return 0;
	r = isri_loop_check(task->loop);
	if (r < 0)
		return r;
	if (task->is_detached)
		return -EINVAL;
	if (task->joiner)
		return -EBUSY;
	task->is_detached = true;
	if (task->has_ended)
		isri_task_dismiss(task);
	return 0;
}

int isr_cancel(struct isr_task *task)
{
	int r;

	if (!task)
		return -EINVAL;
	r = isri_loop_check(task->loop);
	if (r < 0)
		return r;
	if (task == isri_task_current())
		return -EDEADLK;
	if (task->has_ended)
		return 0;
	task->is_cancelled = true;
	task->was_cancelled = true;
	isri_task_resume(task, ISRI_BAND_ORDINARY);
	return 1;
}

struct isr_flag *isr_task_get_done(struct isr_task *task)
{
	if (!task || isri_loop_check(task->loop) < 0)
		return NULL;
	return &task->done;
}

int isr_task_get_stats(const struct isr_task *task,
		       struct isr_task_stats *ret_stats)
{
	int r;

	if (!task || !ret_stats)
		return -EINVAL;
	r = isri_loop_check(task->loop);
	if (r < 0)
		return r;
	*ret_stats = (struct isr_task_stats){
		.stack_bytes = task->stack_bytes,
		.stack_used_max = task->stack ? isri_stack_get_used(task->stack)
					      : task->stack_used,
		.steps = task->n_steps,
		.run_ns = task->step.run_ns,
		.name = task->name,
	};
	return 0;
}
