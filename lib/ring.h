/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: what both sides of a ring know. */
#ifndef ISRI_RING_H
#define ISRI_RING_H

#include <isrloop/ring.h>

_Static_assert(sizeof(struct isr_ring) % 8 == 0, "isr_ring has no odd tail");

static inline struct isr_event *isri_ring_slot(const struct isr_ring *ring,
					       uint32_t place)
{
	return &ring->slots[place & ring->mask];
}

#endif /* ISRI_RING_H */
