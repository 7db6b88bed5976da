/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the stacks of tasks: a page that faults below each, so that an overflow
 * is a fault and not another task's trouble; a pool of those that are free,
 * so that a task costs no system call to make.
 */
#ifndef ISRI_STACK_H
#define ISRI_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Below it a signal, with all registers that there are, has no room. */
#define ISRI_STACK_MIN_BYTES ((size_t)16 * 1024)
#define ISRI_STACK_MAX_BYTES ((size_t)1 << 30)

/*
 * At the top end of its own memory: there an overflow comes last, and a stack
 * costs nothing but its pages.
 */
struct isri_stack {
	/* The guard page; what is usable follows it and ends below this. */
	unsigned char *guard;
	size_t guard_bytes;
	/* Usable: at least what was asked for. */
	size_t bytes;
	/* What was asked for: a stack serves who asks for the same. */
	size_t asked_bytes;
	/* In the pool; loop only. */
	struct isri_stack *next;
	/* Whose it is, for who tells of its overflow; never NULL. */
	const char *name;
	/* What valgrind knows it by, where this is built with its header. */
	unsigned int valgrind_id;
};

/* Those that are free. Loop only; zeroed but for n_max. */
struct isri_stacks {
	struct isri_stack *free;
	uint32_t n_free;
	uint32_t n_max;
};

/*
 * All of it is zero. name is used until it is put back. -EINVAL for a size out
 * of bounds; -ENOMEM.
 */
int isri_stack_get(struct isri_stacks *stacks, size_t bytes, const char *name,
		   struct isri_stack **ret_stack);
/* Nobody runs on it any more. NULL is legal. */
void isri_stack_put(struct isri_stacks *stacks, struct isri_stack *stack);
/* Gives all that are free back to the system. */
void isri_stacks_done(struct isri_stacks *stacks);

/* The lowest usable byte. */
static inline unsigned char *isri_stack_low(const struct isri_stack *stack)
{
	return stack->guard + stack->guard_bytes;
}

/*
 * How much of it was ever written to since isri_stack_get(), in bytes from its
 * top; as far as it is in memory. It may be in use.
 */
size_t isri_stack_get_used(const struct isri_stack *stack);

/* The address is in its guard page: an overflow. Signal class. */
static inline bool isri_stack_is_over(const struct isri_stack *stack,
				      const void *address)
{
	return (uintptr_t)address - (uintptr_t)stack->guard <
	       stack->guard_bytes;
}

#endif /* ISRI_STACK_H */
