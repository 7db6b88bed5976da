/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1, any class: one thread runs on one stack, then on another.
 *
 * Sanitizers follow: address sanitizer has to know where the stack is that a
 * thread runs on; thread sanitizer takes each stack for a thread ("fiber"),
 * and what was done on one for done before what is done on another after it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "task-switch.h"

#ifndef ISRI_TASK_SWITCH_OWN
#include <signal.h>
#endif
#ifdef ISRI_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef ISRI_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#ifdef ISRI_ASAN

/* Whom this thread left last. */
static __thread struct isri_task_switch *left
	__attribute__((tls_model("initial-exec")));

static void leaving(struct isri_task_switch *from, struct isri_task_switch *to,
		    bool for_good)
{
	left = from;
	__sanitizer_start_switch_fiber(for_good ? NULL : &from->fake_stack,
				       to->stack, to->stack_bytes);
}

/* Apart, for it may be another thread, whose variable is elsewhere. */
static __attribute__((noinline)) void arrived(struct isri_task_switch *here)
{
	/* Only this tells where a thread's own stack is. */
	__sanitizer_finish_switch_fiber(here->fake_stack, &left->stack,
					&left->stack_bytes);
}

static void announce(struct isri_task_switch *to, void *stack, size_t bytes)
{
	to->stack = stack;
	to->stack_bytes = bytes;
}

void isri_task_switch_done(struct isri_task_switch *context)
{
}

#elif defined(ISRI_TSAN)

static void leaving(struct isri_task_switch *from, struct isri_task_switch *to,
		    bool for_good)
{
	from->fiber = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(to->fiber, 0);
}

static void arrived(struct isri_task_switch *here)
{
}

static void announce(struct isri_task_switch *to, void *stack, size_t bytes)
{
	to->fiber = __tsan_create_fiber(0);
}

void isri_task_switch_done(struct isri_task_switch *context)
{
	__tsan_destroy_fiber(context->fiber);
}

#else

static void leaving(struct isri_task_switch *from, struct isri_task_switch *to,
		    bool for_good)
{
}

static void arrived(struct isri_task_switch *here)
{
}

static void announce(struct isri_task_switch *to, void *stack, size_t bytes)
{
}

void isri_task_switch_done(struct isri_task_switch *context)
{
}

#endif

/* The first that runs on a new stack. */
static void begin(struct isri_task_switch *here)
{
	arrived(here);
	here->fn(here->arg);
	__builtin_unreachable();
}

#ifdef ISRI_TASK_SWITCH_OWN

/* lib/task-switch-*.S: keeps *from_sp and goes on at to_sp. */
void isri_task_switch_swap(void **from_sp, void *to_sp);
/* Where a new stack goes on: calls begin(here). */
void isri_task_switch_begin(void);

/* What isri_task_switch_swap() finds and leaves at sp. */
#ifdef __x86_64__

struct frame {
	uint32_t mxcsr;
	uint16_t x87;
	uint16_t unused;
	void *r15, *r14;
	void (*r13)(struct isri_task_switch *here);
	struct isri_task_switch *r12;
	void *rbx, *rbp;
	void (*rip)(void);
	/* No caller: a walk of the stack ends here. */
	void *end[2];
};

static void fill(struct frame *frame, struct isri_task_switch *here)
{
	*frame = (struct frame){
		.r13 = begin,
		.r12 = here,
		.rip = isri_task_switch_begin,
	};
	/* It begins with its maker's. */
	__asm__ volatile("stmxcsr %0" : "=m"(frame->mxcsr));
	__asm__ volatile("fnstcw %0" : "=m"(frame->x87));
}

#else /* __aarch64__ */

struct frame {
	struct isri_task_switch *x19;
	void (*x20)(struct isri_task_switch *here);
	void *x21_x28[8];
	void *x29;
	void (*x30)(void);
	uint64_t d8_d15[8];
	uint64_t fpcr;
	uint64_t unused;
};

static void fill(struct frame *frame, struct isri_task_switch *here)
{
	*frame = (struct frame){
		.x19 = here,
		.x20 = begin,
		.x30 = isri_task_switch_begin,
	};
	/* It begins with its maker's. */
	__asm__ volatile("mrs %0, fpcr" : "=r"(frame->fpcr));
}

#endif

static void prepare(struct isri_task_switch *to, void *stack, size_t bytes)
{
	uintptr_t top = ((uintptr_t)stack + bytes) & ~(uintptr_t)15;
	struct frame *frame = (struct frame *)(top - sizeof(*frame));

	fill(frame, to);
	to->sp = frame;
}

static void swap(struct isri_task_switch *from, struct isri_task_switch *to)
{
	isri_task_switch_swap(&from->sp, to->sp);
}

#else /* ucontext */

/* makecontext(3) hands over int only. */
static void begin_halves(unsigned int high, unsigned int low)
{
	begin((struct isri_task_switch *)(uintptr_t)((uint64_t)high << 32 |
						     low));
}

static void prepare(struct isri_task_switch *to, void *stack, size_t bytes)
{
	uint64_t here = (uintptr_t)to;

	getcontext(&to->context);
	to->context.uc_stack.ss_sp = stack;
	to->context.uc_stack.ss_size = bytes;
	to->context.uc_link = NULL;
	makecontext(&to->context, (void (*)(void))begin_halves, 2,
		    (unsigned int)(here >> 32), (unsigned int)here);
}

static void swap(struct isri_task_switch *from, struct isri_task_switch *to)
{
	/* That of the thread; it would put back what was there at its wait. */
	pthread_sigmask(SIG_SETMASK, NULL, &to->context.uc_sigmask);
	swapcontext(&from->context, &to->context);
}

#endif

void isri_task_switch_init(struct isri_task_switch *to, void *stack,
			   size_t bytes, isri_task_switch_fn *fn, void *arg)
{
	memset(to, 0, sizeof(*to));
	to->fn = fn;
	to->arg = arg;
	prepare(to, stack, bytes);
	announce(to, stack, bytes);
}

void isri_task_switch_to(struct isri_task_switch *from,
			 struct isri_task_switch *to)
{
	leaving(from, to, false);
	swap(from, to);
	arrived(from);
}

void isri_task_switch_leave(struct isri_task_switch *from,
			    struct isri_task_switch *to)
{
	leaving(from, to, true);
	swap(from, to);
	__builtin_unreachable();
}
