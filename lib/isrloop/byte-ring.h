/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_byte_ring: bytes in order, as from a serial line. One writer and one
 * reader at a time, each in any context; neither ever waits for the other.
 */
#ifndef ISRLOOP_BYTE_RING_H
#define ISRLOOP_BYTE_RING_H

#include <stdint.h>

#include <isrloop/flag.h>
#include <isrloop/isr.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/** Largest room of a byte ring. */
#define ISR_BYTE_RING_BYTES_MAX (1U << 30)

/**
 * The caller's memory. Only ready is public. Writer, reader and constants
 * sit on cache lines of their own (128 bytes: some CPUs fetch two).
 */
struct isr_byte_ring {
	/**
	 * Set after each write that stored something, if the ring has a loop.
	 * Its count says nothing about the number of bytes.
	 */
	struct isr_flag ready;
	/* constant from init to done */
	unsigned char *bytes;
	uint32_t mask;
	char pad0[128 - sizeof(struct isr_flag) - sizeof(void *) -
		  sizeof(uint32_t)];
	/* writer, atomic: the place of the next byte; free running */
	uint32_t head;
	/* writers, atomic: one is at work */
	uint32_t writing;
	/* writers, atomic: bytes that did not fit */
	ISR_COUNTER refused;
	char pad1[112];
	/* reader, atomic: the place of the oldest byte; free running */
	uint32_t tail;
	/* readers, atomic: one is at work */
	uint32_t reading;
	char pad2[120];
};

/**
 * @brief Make a byte ring in the caller's memory.
 *
 * Touches every byte, so that no write takes a page fault.
 *
 * @param ring     The caller's memory, kept until isr_byte_ring_done().
 * @param loop     Where ready is delivered. NULL: no flag is set.
 * @param bytes    The caller's array, kept until isr_byte_ring_done().
 * @param n_bytes  A power of two, 2 to ISR_BYTE_RING_BYTES_MAX; all are
 *                 usable.
 * @context loop (of a ring without loop, any one thread)
 * @return 0; -EINVAL for NULL or another number of bytes; -ECANCELED when
 *         the loop was freed; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_byte_ring_init(struct isr_byte_ring *ring,
			       struct isr_loop *loop, void *bytes,
			       uint32_t n_bytes);

/**
 * @brief Finish the ring; writer and reader must have ended.
 * @param ring  NULL or zeroed memory is legal.
 * @context loop (of a ring without loop, any one thread)
 * @return 0; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_byte_ring_done(struct isr_byte_ring *ring);

ISR_END_DECLS

#endif /* ISRLOOP_BYTE_RING_H */
