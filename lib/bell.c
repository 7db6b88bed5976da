/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the doorbell.
 *
 * ORDERING
 *   bell:A (ring, acq_rel exchange of rung with 1) <-> bell:B (answer, acq_rel
 *          exchange with 0): one word has one order of changes. A ring before
 *          an answer is found by the look that follows it; one after it finds
 *          0, and writes.
 */
#include <errno.h>
#include <unistd.h>

#include "atomic.h"
#include "bell.h"
#include "test-point.h"

void isri_bell_ring(struct isri_bell *bell)
{
	const uint64_t one = 1;
	int saved = errno;

	ISR_TEST_POINT("bell:A");
	/* bell:A */
	if (atomic_exchange_explicit(ATOMIC(&bell->rung), 1,
				     memory_order_acq_rel))
		return;
	/* It has room: who answers has read it. */
	(void)!write(bell->fd, &one, sizeof(one));
	errno = saved;
}

void isri_bell_answer(struct isri_bell *bell)
{
	ISR_TEST_POINT("bell:B");
	/* bell:B */
	atomic_exchange_explicit(ATOMIC(&bell->rung), 0, memory_order_acq_rel);
}
