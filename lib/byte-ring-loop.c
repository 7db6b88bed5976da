/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1, loop class: the beginning and the end of a byte ring. */
#include <errno.h>
#include <string.h>

#include "byte-ring.h"
#include "flag.h"

int isr_byte_ring_init(struct isr_byte_ring *ring, struct isr_loop *loop,
		       void *bytes, uint32_t n_bytes)
{
	int r;

	if (!ring || !bytes || n_bytes < 2 ||
	    n_bytes > ISR_BYTE_RING_BYTES_MAX || (n_bytes & (n_bytes - 1)))
		return -EINVAL;
	r = isri_flag_init_of(&ring->ready, loop, __func__);
	if (r < 0)
		return r;

	/* Also touches every page: a write must not fault. */
	memset(bytes, 0, n_bytes);
	ring->bytes = bytes;
	ring->mask = n_bytes - 1;
	ring->head = 0;
	ring->writing = 0;
	ring->refused = 0;
	ring->tail = 0;
	ring->reading = 0;
	return 0;
}

int isr_byte_ring_done(struct isr_byte_ring *ring)
{
	int r;

	if (!ring || !ring->bytes)
		return 0;
	r = isri_flag_done_of(&ring->ready, __func__);
	if (r < 0)
		return r;
	ring->bytes = NULL;
	return 0;
}
