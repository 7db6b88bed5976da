/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1, loop class: the beginning and the end of a latch. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "flag.h"
#include "latch.h"

int isr_latch_init(struct isr_latch *latch, struct isr_loop *loop, void *slots,
		   size_t value_bytes)
{
	int r;

	if (!latch || !slots || !value_bytes || value_bytes > SIZE_MAX / 3)
		return -EINVAL;
	r = isri_flag_init_of(&latch->updated, loop, __func__);
	if (r < 0)
		return r;

	/* Also touches every page: a store must not fault. */
	memset(slots, 0, 3 * value_bytes);
	latch->slots = slots;
	latch->value_bytes = value_bytes;
	latch->back = 0;
	latch->shared = 1;
	latch->front = 2 | ISRI_LATCH_EMPTY;
	memset(latch->generations, 0, sizeof(latch->generations));
	latch->generation = 0;
	latch->refused = 0;
	return 0;
}

int isr_latch_done(struct isr_latch *latch)
{
	int r;

	if (!latch || !latch->slots)
		return 0;
	r = isri_flag_done_of(&latch->updated, __func__);
	if (r < 0)
		return r;
	latch->slots = NULL;
	return 0;
}
