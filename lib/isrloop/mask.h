/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_mask: critical sections, in which no hard handler of a loop runs.
 */
#ifndef ISRLOOP_MASK_H
#define ISRLOOP_MASK_H

#include <isrloop/isr.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/**
 * @brief Keep the loop's hard handlers from running, for a moment.
 *
 * When it returns none runs, in whatever thread, and no thread is between
 * isr_enter() and isr_exit(); none will start until isr_unmask(). Lines and
 * timers wait in the kernel, signals and what is fired in their sources' rings;
 * what overflows there is lost and counted. Sections nest. Waiting in one is
 * refused, whatever for: the loop's own, another loop's flag or ring, a guard;
 * and so is isr_enter(). The loop ends one that a callback left open, and says
 * so. isr_mask() fills in the place.
 *
 * @param loop   A loop.
 * @param where  Not copied: it must live as long as the loop. NULL: nowhere.
 * @context loop
 * @return A token for isr_unmask(): 0, and one more for each section that is
 *         open already; -EINVAL for NULL; -ECANCELED when the loop was freed;
 *         -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_mask_at(struct isr_loop *loop, const char *where);
#define isr_mask(loop) isr_mask_at(loop, ISR_HERE)

/**
 * @brief End the innermost critical section.
 *
 * With the outermost one handlers may run again; of signals that came
 * meanwhile the hard handlers run before it returns.
 *
 * @param loop   A loop.
 * @param token  What isr_mask() returned.
 * @context loop
 * @return 0; -EINVAL for NULL or when it is not the innermost one's: nothing
 *         has changed, and an emergency record says so; -EPERM off the loop's
 *         thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_unmask(struct isr_loop *loop, int token);

/**
 * @brief Make the calling thread an ISR context of the loop.
 *
 * Until isr_exit() it runs neither within a critical section of the loop nor
 * beside another thread that has entered; only functions of class signal are
 * legal, as in a hard handler. Nests, for the same loop. No thread may be
 * blocked in it when the loop is freed.
 *
 * @param loop  Not the caller's own.
 * @context any (a lock that inherits priority; isr_mask() has it as well)
 * @return 0; -EINVAL for NULL; -EDEADLK on the loop's own thread, and in a
 *         critical section of any loop; -EBUSY in a callback of a loop, or when
 *         another loop is entered; -EPERM in a handler, or in a forked child.
 * @since 0.1
 */
ISR_API int isr_enter(struct isr_loop *loop);

/**
 * @brief End what isr_enter() began.
 * @param loop  The same.
 * @context any (legal in the ISR context that isr_enter() made)
 * @return 0; -EINVAL for NULL, and when the thread has not entered this loop;
 *         -EPERM in a handler, or in a forked child.
 * @since 0.1
 */
ISR_API int isr_exit(struct isr_loop *loop);

ISR_END_DECLS

#endif /* ISRLOOP_MASK_H */
