/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: the layout of a byte ring. */
#ifndef ISRI_BYTE_RING_H
#define ISRI_BYTE_RING_H

#include <isrloop/byte-ring.h>

_Static_assert(sizeof(struct isr_byte_ring) == 3 * 128,
	       "isr_byte_ring's lines");

#endif /* ISRI_BYTE_RING_H */
