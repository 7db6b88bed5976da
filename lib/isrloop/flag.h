/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_flag: "it happened, n times". The bridge that carries nothing but a
 * count from any context into the loop.
 */
#ifndef ISRLOOP_FLAG_H
#define ISRLOOP_FLAG_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/isr.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/** How a flag is consumed. */
enum isr_flag_mode {
	/** Consumed by delivery: one callback takes the whole count. */
	ISR_FLAG_AUTO = 0,
	/** Stays set until isr_flag_clear(); told once each time it gets set. */
	ISR_FLAG_STICKY = 1,
	/** Added to either: one waiter at a time, a second is refused. */
	ISR_FLAG_EXCLUSIVE = 0x100
};

/** A timeout that never ends a wait. */
#define ISR_FOREVER ((int64_t)-1)

/**
 * Runs on the loop's thread, never inside another callback of the loop.
 * It may set, take, clear or finish any flag, this one included.
 * @param count  sets since the last delivery, at least 1.
 */
typedef void isr_flag_cb(struct isr_flag *flag, uint32_t count, void *arg);

struct isr_hist;

/**
 * The caller's memory; may be static. All members are private.
 */
struct isr_flag {
	/* count, and whether the loop knows of it; any context, atomic; first */
	uint32_t word;
	/* constant from init to done */
	uint32_t mode;
	struct isri_wake *wake;
	/* whoever set "queued"; from the take of the list on the loop */
	struct isr_flag *next;
	/* loop only */
	uint8_t state;
	/* loop only: it has, or had, a histogram */
	bool was_timed;
	/* loop, read by whoever sets; atomic */
	uint16_t timed;
	/* threads in isr_flag_wait(); atomic */
	uint32_t visitors;
	/* loop only, from here on; all that a set needs is before */
	isr_flag_cb *cb;
	void *arg;
	struct isr_flag *all_next;
	struct isr_flag **all_prev;
	/* NULL: none */
	struct isr_hist *hist;
	/* of a timed one: whoever announced it, then the loop */
	uint64_t since_ns;
};

/**
 * @brief Bind a flag to a loop, with no sets counted.
 * @param flag  The caller's memory, kept until isr_flag_done().
 * @param loop  Its loop. The loop's end finishes the flag as well.
 * @param mode  ISR_FLAG_AUTO or ISR_FLAG_STICKY, or'ed with
 *              ISR_FLAG_EXCLUSIVE.
 * @context loop
 * @return 0; -EINVAL for NULL or an unknown mode; -ECANCELED when the loop
 *         was freed; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_flag_init(struct isr_flag *flag, struct isr_loop *loop,
			  unsigned int mode);

/**
 * @brief Have the loop call @cb when the flag is set.
 *
 * Sets counted before are delivered too.
 *
 * @param flag  Initialised.
 * @param cb    NULL: no more callbacks; the count stays for isr_flag_take().
 * @param arg   Handed to @cb; stays the caller's.
 * @context loop
 * @return 0; -EBUSY while somebody waits for the flag; -EINVAL for a NULL or
 *         finished flag; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_flag_set_cb(struct isr_flag *flag, isr_flag_cb *cb, void *arg);

/**
 * @brief Consume the count in one atomic step.
 *
 * A sticky flag keeps its count: it is only read.
 *
 * @param flag  Initialised.
 * @context loop
 * @return The count, 0 when not set; -EINVAL for a NULL or finished flag;
 *         -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_flag_take(struct isr_flag *flag);

/**
 * @brief Have the calling thread sleep until the flag is set, and consume it.
 *
 * The loop delivers to those that wait in the order in which they came, so
 * it has to run; a flag that is set already is taken at once. Of an AUTO flag
 * one that waits alone gets the whole count; of several each gets 1 as long
 * as there are any, and the last one what is left. A STICKY flag lets all of
 * them go and stays set. When the time is over and the flag is set, the flag
 * wins; else nothing was consumed.
 *
 * @param flag        Initialised; its memory is kept until the call is over.
 * @param timeout_ns  ISR_FOREVER, or how long to wait at most; 0: not at all.
 * @context any (a lock of the loop's that inherits priority)
 * @return The count, at least 1; -ETIMEDOUT; -EBUSY when the flag has a
 *         callback, or is EXCLUSIVE and waited for already; -ECANCELED when
 *         it was finished or its loop ends; -EDEADLK on the loop's own
 *         thread, which would wait for itself, and where it would have to
 *         wait in a critical section of any loop; -EINVAL for NULL, a flag
 *         that was never initialised or a timeout below ISR_FOREVER; -EPERM
 *         in ISR context or in a forked child.
 * @since 0.1
 */
ISR_API int isr_flag_wait(struct isr_flag *flag, int64_t timeout_ns);

/**
 * @brief Forget the count and a delivery that is already queued.
 * @param flag  Initialised.
 * @context loop
 * @return 0; -EINVAL for a NULL or finished flag; -EPERM off the loop's
 *         thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_flag_clear(struct isr_flag *flag);

/**
 * @brief Measure how long the flag's sets wait.
 *
 * Each time that the loop calls back, or lets go those that wait, the time
 * since the set that announced the flag is recorded: since the first of those
 * that are delivered together. What takes the flag without the loop is not
 * measured: isr_flag_take(), and a wait that finds it set.
 *
 * A flag that has a histogram reads the clock on a first set; a set of any
 * other, or of one that is set already, costs what it did.
 *
 * @param flag  Initialised. A set that came before is not measured.
 * @param hist  The caller's, kept until isr_flag_done() or another call; NULL:
 *              no more.
 * @context loop
 * @return 0; -EINVAL for a NULL or finished flag; -EPERM off the loop's
 *         thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_flag_set_hist(struct isr_flag *flag, struct isr_hist *hist);

/**
 * @brief Measure from the edge to what the flag wakes.
 *
 * As isr_flag_set_hist(), of which it takes the place; but the time of a set
 * in a handler, hard or soft, is that of the handler's event, if the source
 * stamps with CLOCK_MONOTONIC. So it is measured how long after an edge the
 * loop runs what its handler asked for.
 *
 * @param flag  Initialised.
 * @param hist  As there.
 * @context loop
 * @return as isr_flag_set_hist().
 * @since 0.1
 */
ISR_API int isr_flag_set_edge_hist(struct isr_flag *flag,
				   struct isr_hist *hist);

/**
 * @brief Unbind the flag; later sets do nothing.
 *
 * Threads that wait for it return. Waits for them to do so, and for a set in
 * another thread that is half-way, so the memory may be reused once every
 * thread that knows the flag has been told.
 *
 * @param flag  NULL, zeroed or finished memory is legal.
 * @context loop
 * @return 0; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_flag_done(struct isr_flag *flag);

ISR_END_DECLS

#endif /* ISRLOOP_FLAG_H */
