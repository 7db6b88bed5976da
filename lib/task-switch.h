/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: one thread runs on one stack, then on another. What a function call
 * keeps is kept: the callee-saved registers and the control words of the
 * floating point unit. Neither errno nor a signal mask is.
 */
#ifndef ISRI_TASK_SWITCH_H
#define ISRI_TASK_SWITCH_H

#include <stddef.h>

#include "sanitize.h"

/* A switch of our own: see task-switch-*.S. glibc has one for everything else.
 */
#if !defined(ISR_SWITCH_UCONTEXT) &&                        \
	((defined(__x86_64__) && !defined(__ILP32__)) ||    \
	 (defined(__aarch64__) && defined(__AARCH64EL__) && \
	  !defined(__ILP32__)))
#define ISRI_TASK_SWITCH_OWN 1
#else
#include <ucontext.h>
#endif

/* Runs on the new stack, and never returns: it ends by
 * isri_task_switch_leave(). */
typedef void isri_task_switch_fn(void *arg);

/* Where it goes on; caller's memory, in one place. Zeroed: of the caller. */
struct isri_task_switch {
	/* What it begins with; constant. */
	isri_task_switch_fn *fn;
	void *arg;
#ifdef ISRI_TASK_SWITCH_OWN
	void *sp;
#else
	ucontext_t context;
#endif
#ifdef ISRI_ASAN
	const void *stack;
	size_t stack_bytes;
	void *fake_stack;
#endif
#ifdef ISRI_TSAN
	void *fiber;
#endif
};

/* It will begin with fn(arg) on that stack. */
void isri_task_switch_init(struct isri_task_switch *to, void *stack,
			   size_t bytes, isri_task_switch_fn *fn, void *arg);
/* It neither runs nor will. */
void isri_task_switch_done(struct isri_task_switch *context);

/* Goes on there, until somebody comes back to `from`. */
void isri_task_switch_to(struct isri_task_switch *from,
			 struct isri_task_switch *to);
/* The same for good: nobody comes back. */
void isri_task_switch_leave(struct isri_task_switch *from,
			    struct isri_task_switch *to)
	__attribute__((noreturn));

#endif /* ISRI_TASK_SWITCH_H */
