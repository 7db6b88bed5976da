/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_ring: every record, in order, with an exact count of what was lost.
 * Many producers in any context, one consumer on the loop.
 */
#ifndef ISRLOOP_RING_H
#define ISRLOOP_RING_H

#include <stddef.h>
#include <stdint.h>

#include <isrloop/event.h>
#include <isrloop/flag.h>
#include <isrloop/isr.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/** What a full ring does with one more record. */
enum isr_ring_policy {
	ISR_RING_DROP_NEW = 0, /**< refuse it: the past is kept */
	ISR_RING_DROP_OLD = 1 /**< evict the oldest: the latest is kept */
};

/** Largest number of slots of a ring. */
#define ISR_RING_SLOTS_MAX (1U << 24)

/**
 * The caller's memory. Only ready is public. Producers, consumer and
 * constants sit on cache lines of their own (128 bytes: some CPUs fetch two).
 */
struct isr_ring {
	/**
	 * Set when a record comes into a ring that the loop believes empty:
	 * give it a callback and there read until isr_ring_get() returns 0,
	 * or set it again. Its count says nothing about the number of records.
	 */
	struct isr_flag ready;
	/* constant from init to done */
	struct isr_event *slots;
	uint32_t mask;
	uint32_t policy;
	uint32_t fenced;
	char pad0[124];
	/* producers, atomic: next place to claim; the tail as last seen */
	uint32_t head;
	uint32_t tail_cached;
	/* producers and consumer, atomic: losses not yet put in band */
	uint32_t unreported;
	/* producers and consumer, atomic: losses that evicted records told */
	uint32_t carried;
	/* producers, atomic: all losses since init */
	ISR_COUNTER lost_total;
	char pad1[104];
	/* consumer (DROP_OLD: producers as well), atomic: oldest record */
	uint32_t tail;
	/* consumer only: the place that should come next */
	uint32_t next;
	/* threads in isr_ring_put_wait(), atomic: how many are there */
	uint32_t waiting;
	/* consumer when somebody waits, atomic: changes when there is room */
	uint32_t room;
	/* the end, atomic: nobody waits any more */
	uint32_t ended;
	char pad2[108];
};

/**
 * @brief Make a ring in the caller's memory.
 *
 * Touches every slot, so that no put takes a page fault.
 *
 * @param ring     The caller's memory, kept until isr_ring_done().
 * @param loop     The loop that consumes it. NULL: nobody is woken; one
 *                 thread of the caller's polls isr_ring_get().
 * @param slots    The caller's array, kept until isr_ring_done().
 * @param n_slots  A power of two, 2 to ISR_RING_SLOTS_MAX; all are usable.
 * @param policy   What happens when it is full.
 * @context loop (of a ring without loop, any one thread)
 * @return 0; -EINVAL for NULL, another number of slots or an unknown policy;
 *         -ECANCELED when the loop was freed; -EPERM off the loop's thread or
 *         in ISR context.
 * @since 0.1
 */
ISR_API int isr_ring_init(struct isr_ring *ring, struct isr_loop *loop,
			  struct isr_event *slots, uint32_t n_slots,
			  enum isr_ring_policy policy);

/**
 * @brief Take the oldest records, in order.
 *
 * The sum of all lost members handed out, plus isr_ring_take_lost(), is
 * exactly the number of records put and not delivered (plus what producers
 * said was lost upstream), as long as that is below 2^32 between two takes.
 *
 * @param ring        Initialised.
 * @param ret_events  Room for @max_events.
 * @param max_events  At most this many.
 * @context loop (one consumer; of a ring without loop, any one thread)
 * @return The number taken, 0 when empty; -EINVAL for a NULL or finished
 *         ring; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_ring_get(struct isr_ring *ring, struct isr_event *ret_events,
			 size_t max_events);

/**
 * @brief Store one event; wait for room while the ring is full.
 *
 * For threads that would rather be late than lose a record. What is not
 * stored is not lost: the caller still has it.
 *
 * @param ring        Initialised.
 * @param event       As of isr_ring_put().
 * @param timeout_ns  ISR_FOREVER, or how long to wait at most; 0: not at all.
 * @context any (no lock; any number of producers)
 * @return 0 stored; 1 stored and the oldest record lost (DROP_OLD, which has
 *         to wait only while the oldest is half put); -ETIMEDOUT still full;
 *         -ECANCELED when the ring was finished or its loop ends;
 *         -EDEADLK full and the caller is the loop's thread, which would wait
 *         for itself, or would have to wait in a critical section of any
 *         loop; -EINVAL for NULL or a timeout below ISR_FOREVER;
 *         -EPERM in ISR context, or full in a forked child.
 * @since 0.1
 */
ISR_API int isr_ring_put_wait(struct isr_ring *ring,
			      const struct isr_event *event,
			      int64_t timeout_ns);

/**
 * @brief Take the count of losses that no record carries yet.
 *
 * A loss is told with the next record stored; after the last one there may
 * be none. Call it when the ring is empty and no more is expected.
 *
 * @param ring       Initialised.
 * @param ret_count  Records lost and, with this call, told.
 * @context loop (one consumer; of a ring without loop, any one thread)
 * @return 0; -EINVAL for a NULL or finished ring; -EPERM off the loop's thread
 *         or in ISR context.
 * @since 0.1
 */
ISR_API int isr_ring_take_lost(struct isr_ring *ring, uint32_t *ret_count);

/**
 * @brief Finish the ring; producers must have ended.
 *
 * Those that wait for room are let go, and waited for.
 *
 * @param ring  NULL or zeroed memory is legal.
 * @context loop (of a ring without loop, any one thread)
 * @return 0; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_ring_done(struct isr_ring *ring);

ISR_END_DECLS

#endif /* ISRLOOP_RING_H */
