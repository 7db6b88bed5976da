/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_delay: something is due a while after the last trigger. Triggers come
 * from any context; each one puts the end off, or brings it forward.
 */
#ifndef ISRLOOP_DELAY_H
#define ISRLOOP_DELAY_H

#include <stdint.h>

#include <isrloop/flag.h>
#include <isrloop/isr.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/** The caller's memory. Only expired is public. */
struct isr_delay {
	/** Set when the time is over; give it a callback, or wait for it. */
	struct isr_flag expired;
	/* set when the loop must look at deadline_ns before alarm_ns */
	struct isr_flag changed;
	/* any context, atomic: when it expires, or that it does not run */
	ISR_COUNTER deadline_ns;
	/* the loop, atomic: when it looks at the deadline */
	ISR_COUNTER alarm_ns;
	/* constant from init to done */
	struct isr_loop *loop;
	/* loop only */
	union {
		uint64_t align;
		char bytes[96];
	} rest;
};

/**
 * @brief Make a delay in the caller's memory; it does not run.
 * @param delay  The caller's memory, kept until isr_delay_done().
 * @param loop   Where it expires. The loop's end finishes the delay as well.
 * @param mode   Of its flag: ISR_FLAG_AUTO or ISR_FLAG_STICKY, or'ed with
 *               ISR_FLAG_EXCLUSIVE.
 * @context loop
 * @return 0; -EINVAL for NULL or an unknown mode; -ECANCELED when the loop
 *         was freed; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_delay_init(struct isr_delay *delay, struct isr_loop *loop,
			   unsigned int mode);

/**
 * @brief Let it expire no more, until it is triggered again.
 *
 * Nothing of it is delivered after this, not even if it has expired just now
 * and its flag was on its way.
 *
 * @param delay  Initialised.
 * @context loop
 * @return 1 it ran; 0 it did not; -EINVAL for NULL or a finished delay;
 *         -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_delay_stop(struct isr_delay *delay);

/**
 * @brief Finish the delay and its flag; it can be triggered no more.
 *
 * The memory may be reused once every thread and handler that triggers it has
 * been told.
 *
 * @param delay  NULL, zeroed or finished memory is legal.
 * @context loop
 * @return 0; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_delay_done(struct isr_delay *delay);

ISR_END_DECLS

#endif /* ISRLOOP_DELAY_H */
