/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F5: what the two sides of a delay share. */
#ifndef ISRI_DELAY_H
#define ISRI_DELAY_H

#include <isrloop/delay.h>

#include "alarm.h"
#include "loop.h"

/* In deadline_ns; zeroed memory is finished. */
#define ISRI_DELAY_DONE 0
#define ISRI_DELAY_IDLE 1
/* In alarm_ns: the loop does not look. */
#define ISRI_DELAY_NEVER UINT64_MAX

/* In rest: what the public header cannot name. */
struct isri_delay_rest {
	struct isri_alarm alarm;
	struct isri_loop_member member;
	/*
	 * isr_flag_clear(), which is loop class: code of the signal class does
	 * not link with it, and calls it where that is legal.
	 */
	int (*clear)(struct isr_flag *flag);
};

_Static_assert(sizeof(struct isri_delay_rest) <=
		       sizeof(((struct isr_delay *)0)->rest),
	       "an ABI: it grows through a new type");

static inline struct isri_delay_rest *isri_delay_rest(struct isr_delay *delay)
{
	return (struct isri_delay_rest *)delay->rest.bytes;
}

#endif /* ISRI_DELAY_H */
