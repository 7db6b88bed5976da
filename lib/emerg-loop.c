/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1, loop class: emergency records are read. Memory orders pair with those of
 * emerg.c, where the table is.
 */
#include <errno.h>
#include <string.h>

#include "atomic.h"
#include "emerg.h"
#include "loop-head.h"
#include "test-point.h"

bool isri_emerg_get(struct isri_emerg *emerg, struct isr_emerg *ret_record)
{
	struct isri_emerg_slot *slot;
	uint32_t tail;

	/* relaxed: this side is its only writer */
	tail = atomic_load_explicit(ATOMIC(&emerg->tail), memory_order_relaxed);
	slot = &emerg->slots[tail % ISR_EMERG_RECORDS];
	ISR_TEST_POINT("emerg:B");
	/* emerg:B: its writer sets the flag after this, should it be late */
	if (atomic_load_explicit(ATOMIC(&slot->seq), memory_order_acquire) !=
	    tail + 1)
		return false;

	memcpy(ret_record, &slot->record, sizeof(*ret_record));
	ISR_TEST_POINT("emerg:C");
	/* emerg:C */
	atomic_store_explicit(ATOMIC(&emerg->tail), tail + 1,
			      memory_order_release);
	return true;
}

bool isri_emerg_is_pending(const struct isri_emerg *emerg)
{
	/* relaxed: one that is being written sets the flag by itself */
	return atomic_load_explicit(ATOMIC(&emerg->head),
				    memory_order_relaxed) != emerg->tail;
}

int isri_emerg_init(struct isri_emerg *emerg, struct isr_loop *loop)
{
	struct isr_emerg warm_up;

	memset(emerg, 0, sizeof(*emerg));
	/* What is done at a first call is done now, not in a handler. */
	isri_emerg_fill(&warm_up, ISR_EMERG_FAIL, 0, 0, NULL, NULL);
	return isr_flag_init(&emerg->ready, loop, ISR_FLAG_AUTO);
}

int isr_emerg_take(struct isr_loop *loop, struct isr_emerg *ret_record)
{
	int r;

	if (!loop || !ret_record)
		return -EINVAL;
	r = isri_wake_check(isri_wake_of(loop));
	if (r < 0)
		return r;
	return isri_emerg_get(&isri_loop_head_of(loop)->emerg, ret_record);
}
