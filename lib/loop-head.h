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
#include "schedule.h"
#include "wake.h"

struct isri_loop_head {
	/* First: isri_wake_of(). */
	struct isri_wake wake;
	struct isri_schedule schedule;
	struct isri_emerg emerg;
};

static inline struct isri_loop_head *isri_loop_head_of(struct isr_loop *loop)
{
	return (struct isri_loop_head *)loop;
}

#endif /* ISRI_LOOP_HEAD_H */
