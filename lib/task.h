/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F4: tasks, for what makes them wait.
 *
 * A wait checks that it may (isri_task_check_wait()), arranges that somebody
 * resumes the task, suspends it, and when that returns looks at why: it may be
 * for another reason, or for none. Nothing of it may be left on the task's
 * stack while the task is cancelled and isri_task_check_wait() runs: there the
 * loop's end may give a task up.
 */
#ifndef ISRI_TASK_H
#define ISRI_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/task.h>

#include "alarm.h"
#include "stack.h"
#include "step.h"
#include "task-switch.h"

#define ISRI_TASK_NAME_BYTES 32
/* How often a loop that is freed runs a task that does not end. */
#define ISRI_TASK_LAST_STEPS 1000

struct isri_task_runner;
struct isri_wait_fd;

/* All of it is the loop's thread's. */
struct isr_task {
	struct isri_step step;
	/* Of the wait that it is in. */
	struct isri_alarm alarm;
	bool is_due;
	struct isr_loop *loop;
	/* In the list of those that are alive, or of those that have ended. */
	struct isr_task *next;
	struct isr_task **prev;
	isr_task_cb *fn;
	void *arg;
	/* Who runs it, on its own stack; NULL: it does not run. */
	struct isri_task_runner *runner;
	struct isri_task_switch context;
	/* NULL once it has ended. */
	struct isri_stack *stack;
	bool has_begun;
	bool has_ended;
	bool is_cancelled;
	/* It was, as the loop shall not report its result. */
	bool was_cancelled;
	bool is_detached;
	int result;
	struct isr_flag done;
	/* NULL until it waits for a descriptor. */
	struct isri_wait_fd *wait_fd;
	/* Who waits for its end, and then has its handle. */
	struct isr_task *joiner;
	uint64_t n_steps;
	size_t stack_bytes;
	size_t stack_used;
	char name[ISRI_TASK_NAME_BYTES];
};

/* A loop's, made with its first task. */
struct isri_tasks {
	struct isri_stacks stacks;
	struct isr_task *alive;
	/* Those that have ended and have a handle. */
	struct isr_task *ended;
	/* Set for those who let others go first; see isri_task_go_on(). */
	struct isr_flag again;
	/* How many were made without a name. */
	unsigned int n_unnamed;
	bool gave_crash_stack;
};

/* The task that the caller is; NULL: none, or in ISR context. Any context. */
struct isr_task *isri_task_current(void);

/*
 * 0 when the caller may wait; -EPERM in ISR context, with a record that names
 * the public function, and in a forked child; -EDEADLK outside a task, in a
 * callback that a task has called, and in a critical section; -ECANCELED,
 * after others had their turn, when it is cancelled.
 */
int isri_task_check_wait_for(const char *function);
#define isri_task_check_wait() isri_task_check_wait_for(__func__)

/*
 * The caller, which is self, stops here until its step runs again. errno is
 * kept.
 */
void isri_task_suspend(struct isr_task *self);
/*
 * As that, and no longer than until due_ns (ISRI_FUTEX_NEVER: any time). True
 * when that time has come.
 */
bool isri_task_suspend_until(struct isr_task *self, uint64_t due_ns);
/*
 * A wait of that time was over at once, with what it was for, or is about to
 * look where others may take that away: the caller goes on, but after those
 * who are due, and after a while even if nobody is. A wait of no time is a mere
 * look, for which it always goes on.
 */
void isri_task_go_on(struct isr_task *self, int64_t timeout_ns);
/* Its step runs once more, also when it was to anyway. Loop thread. */
void isri_task_resume(struct isr_task *task, enum isri_band band);
/* It shall end: each wait returns -ECANCELED. */
bool isri_task_is_cancelled(const struct isr_task *task);

/*
 * For lib/task.c
 */

/* A task's step, its alarm, and the first on its stack. */
void isri_task_run_step(struct isri_step *step);
void isri_task_ring(struct isri_alarm *alarm);
void isri_task_begin(void *arg);
/* Behind all that are ready. */
void isri_task_give_way(struct isr_task *self);
void isri_task_list_add(struct isr_task **list, struct isr_task *task);
/* One that has ended; nobody has its handle any more. */
void isri_task_free(struct isr_task *task);
/*
 * The same, and nobody has its result: the log is told of a failure, last of
 * all, for the program may do there what it wants, to the loop as well.
 */
void isri_task_dismiss(struct isr_task *task);
/* The loop is being freed. */
void isri_tasks_end(struct isr_loop *loop);

#endif /* ISRI_TASK_H */
