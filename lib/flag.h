/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: what a flag's word is made of. */
#ifndef ISRI_FLAG_H
#define ISRI_FLAG_H

#include <isrloop/flag.h>

/*
 * Set together with the first count by whoever pushes the flag on the
 * pending list; cleared when the loop consumes the flag. A finished flag has
 * it for ever, so that nobody pushes it again.
 */
#define ISRI_FLAG_QUEUED (1U << 31)
/* Above ISR_FLAG_COUNT_MAX there is room for sets that saturate at once. */
#define ISRI_FLAG_COUNT_MASK (ISRI_FLAG_QUEUED - 1)

/* What the loop has done with a queued flag; loop only. */
enum isri_flag_state {
	ISRI_FLAG_UNSEEN = 0, /* nothing yet: idle, or still in a list */
	ISRI_FLAG_TOLD /* out of the lists, count kept (sticky, no callback) */
};

#endif /* ISRI_FLAG_H */
