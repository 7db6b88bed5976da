/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: what a guard's word is made of. */
#ifndef ISRI_GUARD_H
#define ISRI_GUARD_H

#include <stdbool.h>

#include <isrloop/guard.h>

#include "atomic.h"
#include "context.h"

/* Ordinary code has it; the rest of the word counts the tries since. */
#define ISRI_GUARD_HELD (1U << 31)
/*
 * With 0 in the word nobody has it. Without HELD the first of the tries that
 * are counted has it, and the others were refused. No more are counted than
 * this: above it is room for tries that come at once.
 */
#define ISRI_GUARD_TRIES_MAX ((1U << 30) - 1)
#define ISRI_GUARD_TRIES_MASK (ISRI_GUARD_HELD - 1)

/* Does the calling thread have it, by a hold or by a try? */
static inline bool isri_guard_is_mine(const struct isr_guard *guard)
{
	/* relaxed: no other thread writes this thread's name there */
	return atomic_load_explicit(ATOMIC(&guard->owner),
				    memory_order_relaxed) ==
	       isri_context_thread();
}

static inline bool isri_guard_is_held(const struct isr_guard *guard)
{
	/* relaxed: asked by who has it, and nobody else changes that */
	return atomic_load_explicit(ATOMIC(&guard->word),
				    memory_order_relaxed) &
	       ISRI_GUARD_HELD;
}

#endif /* ISRI_GUARD_H */
