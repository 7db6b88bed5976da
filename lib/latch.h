/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: what the words of a latch are made of. */
#ifndef ISRI_LATCH_H
#define ISRI_LATCH_H

#include <isrloop/latch.h>

_Static_assert(sizeof(struct isr_latch) == 4 * 128, "isr_latch's lines");

/* The number of a slot, 0 to 2. */
#define ISRI_LATCH_SLOT 3U
/* In shared: stored and not yet loaded. */
#define ISRI_LATCH_NEW 4U
/* In front: nothing was ever loaded. */
#define ISRI_LATCH_EMPTY 8U
/* In back or front, in place of a slot: its owner is at work. */
#define ISRI_LATCH_TAKEN 16U

#endif /* ISRI_LATCH_H */
