/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1, any class: the side of a guard that ordinary code uses. Its memory
 * orders pair with those of guard.c, where the table is.
 */
#include <errno.h>
#include <stddef.h>

#include "atomic.h"
#include "guard.h"
#include "nap.h"
#include "test-point.h"

/* How often to look for a handler that is done: a microsecond or so. */
#define HOLD_LOOKS 32

static bool take(struct isr_guard *guard)
{
	uint32_t free = 0;

	ISR_TEST_POINT("guard:A");
	/* guard:A; relaxed when it fails: nothing is used */
	return atomic_compare_exchange_strong_explicit(
		ATOMIC(&guard->word), &free, ISRI_GUARD_HELD,
		memory_order_acquire, memory_order_relaxed);
}

/*
 * Whoever has it is in another thread. It may have a lower priority: then
 * only a nap lets it come to its end.
 */
static void wait_a_moment(unsigned int looks)
{
	ISR_TEST_POINT("guard:wait");
	if (looks > HOLD_LOOKS)
		isri_nap();
}

int isr_guard_hold(struct isr_guard *guard)
{
	unsigned int looks = 0;
	int r;

	if (!guard)
		return -EINVAL;
	r = isri_context_refuse_isr(__func__);
	if (r < 0)
		return r;
	if (isri_guard_is_mine(guard))
		return -EDEADLK;

	while (!take(guard)) {
		/* Whoever has it may be waiting in isr_enter(). */
		if (isri_context_is_masked())
			return -EDEADLK;
		wait_a_moment(++looks);
	}
	/* relaxed: only this thread compares it with itself */
	atomic_store_explicit(ATOMIC(&guard->owner), isri_context_thread(),
			      memory_order_relaxed);
	return 0;
}

int isr_guard_drop(struct isr_guard *guard)
{
	uint32_t word;
	int r;

	if (!guard)
		return -EINVAL;
	r = isri_context_refuse_isr(__func__);
	if (r < 0)
		return r;
	/* What this thread took by a try is for isr_guard_release(). */
	if (!isri_guard_is_mine(guard) || !isri_guard_is_held(guard))
		return -EPERM;

	/* relaxed: before the word, after which it is another's to write */
	atomic_store_explicit(ATOMIC(&guard->owner), NULL,
			      memory_order_relaxed);
	ISR_TEST_POINT("guard:B");
	/* guard:B */
	word = atomic_exchange_explicit(ATOMIC(&guard->word), 0,
					memory_order_release);
	word &= ISRI_GUARD_TRIES_MASK;
	return (int)(word < ISRI_GUARD_TRIES_MAX ? word : ISRI_GUARD_TRIES_MAX);
}
