/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_latch: the latest record only, never torn. One writer and one reader
 * at a time, each in any context; neither ever waits for the other.
 */
#ifndef ISRLOOP_LATCH_H
#define ISRLOOP_LATCH_H

#include <stddef.h>
#include <stdint.h>

#include <isrloop/flag.h>
#include <isrloop/isr.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/**
 * The caller's memory. Only updated is public. Writer, reader and what they
 * exchange sit on cache lines of their own (128 bytes: some CPUs fetch two).
 */
struct isr_latch {
	/** Set after each store, if the latch has a loop: n stores, n sets. */
	struct isr_flag updated;
	/* constant from init to done */
	unsigned char *slots;
	size_t value_bytes;
	char pad0[128 - sizeof(struct isr_flag) - sizeof(void *) -
		  sizeof(size_t)];
	/* writer and reader, atomic: the slot between them, and if it is new */
	uint32_t shared;
	/* of the value in each slot; whoever has the slot */
	uint32_t generations[3];
	char pad1[112];
	/* writer, atomic: its slot; taken for the time of a store */
	uint32_t back;
	/* writer: the generation of the last store */
	uint32_t generation;
	/* those who were no writer, atomic: stores refused */
	ISR_COUNTER refused;
	char pad2[112];
	/* reader, atomic: its slot; taken for the time of a load */
	uint32_t front;
	char pad3[124];
};

/**
 * @brief Make a latch in the caller's memory, with nothing stored.
 *
 * Touches every slot, so that no store takes a page fault.
 *
 * @param latch        The caller's memory, kept until isr_latch_done().
 * @param loop         Where updated is delivered. NULL: no flag is set.
 * @param slots        3 times @value_bytes of the caller's, kept until
 *                     isr_latch_done().
 * @param value_bytes  Size of a value, at least 1.
 * @context loop (of a latch without loop, any one thread)
 * @return 0; -EINVAL for NULL or a size of 0 or too large; -ECANCELED when
 *         the loop was freed; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_latch_init(struct isr_latch *latch, struct isr_loop *loop,
			   void *slots, size_t value_bytes);

/**
 * @brief Finish the latch; writer and reader must have ended.
 * @param latch  NULL or zeroed memory is legal.
 * @context loop (of a latch without loop, any one thread)
 * @return 0; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_latch_done(struct isr_latch *latch);

ISR_END_DECLS

#endif /* ISRLOOP_LATCH_H */
