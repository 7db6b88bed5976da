/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: what a loop begins with: the part of it that ISR context may reach. So
 * F1 needs not know what a loop is.
 */
#ifndef ISRI_LOOP_HEAD_H
#define ISRI_LOOP_HEAD_H

#include <isrloop/isr.h>

#include "emerg.h"
#include "mask.h"
#include "schedule.h"
#include "wake.h"

struct isri_loop_head {
	/* First: isri_wake_of(). */
	struct isri_wake wake;
	struct isri_schedule schedule;
	struct isri_emerg emerg;
	struct isri_mask mask;
};

static inline struct isri_loop_head *isri_loop_head_of(struct isr_loop *loop)
{
	return (struct isri_loop_head *)loop;
}

/* After code of the program has returned to the loop, whatever it called. */
static inline void isri_loop_check_mask(struct isr_loop *loop)
{
	struct isri_mask *mask = &isri_loop_head_of(loop)->mask;

	if (mask->depth)
		mask->on_forgotten(loop);
}

#endif /* ISRI_LOOP_HEAD_H */
