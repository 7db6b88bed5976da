/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_guard: a lock for data that ordinary code shares with handlers.
 * Ordinary code holds it and may wait for it; a handler only tries, and is
 * told no when it is held.
 */
#ifndef ISRLOOP_GUARD_H
#define ISRLOOP_GUARD_H

#include <stdint.h>

#include <isrloop/isr.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/**
 * The caller's memory; begins as ISR_GUARD_INIT, or zeroed. All members are
 * private.
 */
struct isr_guard {
	/* any context, atomic: who has it, and how many were refused since */
	uint32_t word;
	uint32_t reserved;
	/* whoever has it, atomic: its thread */
	const void *owner;
};

/** A guard that nobody has. */
#define ISR_GUARD_INIT  \
	{               \
		0, 0, 0 \
	}

/**
 * @brief Take the guard in ordinary code.
 *
 * Handlers that try it are refused until isr_guard_drop(), and go on: no
 * interrupt is masked. If a handler in another thread, or another thread's
 * ordinary code, has it, this waits: a few looks, then naps of 50 us.
 *
 * @param guard  Initialised.
 * @context any (the lock is the guard itself)
 * @return 0; -EDEADLK the calling thread has it already, or would have
 *         to wait in a critical section (isrloop/mask.h) of any loop; -EINVAL
 *         for NULL; -EPERM in ISR context.
 * @since 0.1
 */
ISR_API int isr_guard_hold(struct isr_guard *guard);

/**
 * @brief Give the guard back, and learn how many handlers were refused.
 *
 * When it is not 0, something happened that the data does not show: read it
 * anew from where the handlers would have got it.
 *
 * @param guard  Held by the calling thread.
 * @context any (no lock)
 * @return The number of tries refused since isr_guard_hold(), which stays
 *         at INT_MAX / 2 when there were more; -EINVAL for NULL; -EPERM when
 *         the calling thread does not hold it, and in ISR context.
 * @since 0.1
 */
ISR_API int isr_guard_drop(struct isr_guard *guard);

ISR_END_DECLS

#endif /* ISRLOOP_GUARD_H */
