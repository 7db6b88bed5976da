/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: what all sources have in common, for the files that make one kind of
 * source each (pin, signal, fd, timer).
 *
 * A kind embeds struct isr_source as its first member and hands its events
 * on in one of two ways:
 *
 *   isri_source_fire()     from ISR context: runs a hard handler there, or
 *                          stores the event in the source's ring
 *   isri_source_deliver()  on the loop: runs a soft handler
 *
 * Beside them there is what the program fires (source-fire.c).
 */
#ifndef ISRI_SOURCE_H
#define ISRI_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isrloop/flag.h>
#include <isrloop/hist.h>
#include <isrloop/ring.h>
#include <isrloop/source.h>

#include "atomic.h"
#include "context.h"
#include "fired.h"
#include "loop.h"
#include "watch.h"

/* Events read, or taken from the ring, in one go. */
#define ISRI_SOURCE_BATCH_EVENTS 64
/* Room in the ring of a source that has it for fired events only. */
#define ISRI_SOURCE_FIRED_EVENTS 64
/* Batches a step, should they be short. */
#define ISRI_SOURCE_PASS_BATCHES 4

/* The kind of source; all run on the loop's thread. */
struct isri_source_ops {
	/*
	 * Discard what came while disarmed, set armed, and start. May be
	 * called only while disarmed.
	 */
	int (*arm)(struct isr_source *source);
	/*
	 * Clear armed and stop. On return nothing fires any more, and what
	 * ran has returned. Idempotent.
	 */
	void (*disarm)(struct isr_source *source);
	/* Count what came while disarmed; NULL when nothing can. */
	void (*account)(struct isr_source *source);
	/*
	 * Its own handler has closed it: give back what others may want before
	 * that returns. NULL: nothing.
	 */
	void (*let_go)(struct isr_source *source);
	/* Disarmed before: give back what the kind holds, free the memory. */
	void (*release)(struct isr_source *source);
	/*
	 * Signal class: the program's own event, as isr_source_fire(). NULL: it
	 * goes through the ring, which an IRQ thread empties when the handler
	 * is hard.
	 */
	int (*fire)(struct isr_source *source, const struct isr_event *event);
	/*
	 * Keep a hard handler from running, and let what waited be handled;
	 * NULL: an IRQ thread runs it.
	 */
	void (*mask)(struct isr_source *source, bool masked);
};

struct isr_source {
	/* constant from init to done */
	const struct isri_source_ops *ops;
	struct isr_loop *loop;
	isr_handler_cb *handler;
	void *arg;
	/* Armed or unmasked, its events come again; NULL: nobody asks. */
	void (*resumed)(struct isr_source *source, void *arg);
	uint16_t id; /* the first of them */
	uint16_t n_ids;
	char name[ISR_SOURCE_NAME_BYTES];
	bool hard;
	/* Fired events have a sequence of their own. */
	bool numbers_fired;
	bool fail_over_budget;
	enum isr_on_fail on_fail;
	int priority;
	uint64_t budget_ns;
	/* t_ns is CLOCK_MONOTONIC, and of the event, not of its discovery */
	bool measured;

	/* What the kind waits for; NULL: for nothing. */
	struct isri_watch *watch;

	/* loop only */
	unsigned int masked;	/* how often */
	bool running;		/* inside a soft handler */
	bool closing;		/* closed by its own handler */
	struct isr_event *next; /* of the batch being delivered */
	struct isr_event *end;
	struct isr_event taken[ISRI_SOURCE_BATCH_EVENTS]; /* from the ring */
	struct isri_loop_member member;
	struct isr_event *slots;

	/*
	 * whoever delivers: the loop, the IRQ thread under its lock, or whose
	 * turn it is (signal-fire.c)
	 */
	uint64_t untold;	/* losses whose record was discarded */
	uint32_t delivered_seq; /* line_seq of the last event delivered */

	/* any context, atomic */
	uint32_t armed;
	/* when a record was left; 0: not since it was armed */
	ISR_COUNTER told_failed_ns;
	ISR_COUNTER told_over_ns;
	struct isr_source_stats stats; /* but for lost_ring: the ring knows */

	struct isr_ring ring;
	struct isri_fired fired; /* hard: from the ring to the IRQ thread */
	struct isr_flag failed;	 /* the user's */
	struct isr_hist latency;
};

/* How a kind makes its source. */
struct isri_source_setup {
	const struct isri_source_ops *ops;
	struct isr_loop *loop;
	const struct isr_source_options *options; /* NULL: all defaults */
	/* In place of a name that the options do not have. */
	const char *kind;
	int number; /* -1: none */
	/* Numbers in a row that its events have; 0: 1. */
	uint16_t n_ids;
	/*
	 * 0: for fired events only. The ring of a hard source refuses what does
	 * not fit, and is emptied in ISR context (ring-take.c).
	 */
	uint32_t ring_events;
	enum isr_ring_policy ring_policy;
	isr_handler_cb *handler;
	void *arg;
};

/* 0; -EINVAL, or -E2BIG for what a later version knows. NULL is legal. */
int isri_source_check_options(const struct isr_source_options *options);

/*
 * What every opener checks, after its own -EINVAL: pointers that are needed,
 * that the public function may be called here, options. 0, or its result.
 */
int isri_source_check_setup_for(const struct isri_source_setup *setup,
				struct isr_source **ret_source,
				const char *function);
#define isri_source_check_setup(setup, ret_source) \
	isri_source_check_setup_for(setup, ret_source, __func__)

/* 0 when the caller may use the source as loop class functions do. */
int isri_source_check_for(const struct isr_source *source,
			  const char *function);
#define isri_source_check(source) isri_source_check_for(source, __func__)

/* Zeroed memory of a source, all of it touched; NULL: none. For free(3). */
void *isri_source_alloc(size_t size_bytes);

/*
 * Fill in such memory: number, name, options, failed flag, ring. The source
 * is disarmed. Returns 0, -ENOMEM, -EMFILE, or, of a hard source, what
 * isri_fired_init() says.
 */
int isri_source_init(struct isr_source *source,
		     const struct isri_source_setup *setup);
/* Legal on a half-built source; the kind frees the memory. */
void isri_source_done(struct isr_source *source);

/*
 * Run the soft handler for each event, or for some if others are due on the
 * loop: then the source's flag leads back to the rest. Returns false when the
 * source is gone: its handler closed it, its memory is freed.
 */
bool isri_source_deliver(struct isr_source *source, struct isr_event *events,
			 size_t n_events);
/* Nothing is left of the batch, and more may be read. */
bool isri_source_is_through(const struct isr_source *source);
/*
 * Before the loop reads more for it: deliver what is left of a batch. Returns
 * false when nothing more is to be delivered now, or it is gone.
 */
bool isri_source_catch_up(struct isr_source *source);

/*
 * Signal class: lib/source-isr.c
 */

/*
 * Event as stamped; its source is filled in, unless it is one of several that
 * the kind has told. Counts it when disarmed. A hard handler runs in a frame
 * of this kind.
 */
void isri_source_fire(struct isr_source *source, enum isr_context_kind kind,
		      struct isr_event *event);
/*
 * Run the handler, in a frame of this kind, with all that is counted about it.
 * One that fails disarms a hard source. Returns true when a soft one is to be
 * disarmed: that is the caller's, because it knows how.
 */
bool isri_source_run(struct isr_source *source, enum isr_context_kind kind,
		     const struct isr_event *event);

/*
 * One event for the hard handler, in a frame of this kind; when the source is
 * disarmed it is discarded. A handler that fails disarms it.
 */
void isri_source_handle(struct isr_source *source, enum isr_context_kind kind,
			struct isr_event *event);
/*
 * What waits in the ring of a hard source, or a report of what it lost. False
 * when nothing waits, or only what is not yet complete.
 */
bool isri_source_take_next(struct isr_source *source,
			   struct isr_event *ret_event);

/* After it was armed or unmasked. */
void isri_source_tell_resumed(struct isr_source *source);

/* Count an event that is not handled, and keep what it would have told. */
void isri_source_discard(struct isr_source *source,
			 const struct isr_event *event);
/* Have an event tell what was kept. */
void isri_source_tell_untold(struct isr_source *source,
			     struct isr_event *event);

/* Of an event that may be one of several that the kind has told. */
static inline void isri_source_sign(const struct isr_source *source,
				    struct isr_event *event)
{
	if (!event->source)
		event->source = source->id;
}

/*
 * Counters are independent of each other and order nothing: relaxed. An
 * exact sum needs a source at rest, and then whoever reads it has been told
 * of the last event by a ring, a flag or a lock.
 */
static inline void isri_source_count(uint64_t *counter, uint64_t n)
{
	/* relaxed: as above */
	atomic_fetch_add_explicit(ATOMIC(counter), n, memory_order_relaxed);
}

/* The sequence number of the last of n more events. */
static inline uint32_t isri_source_advance(struct isr_source *source,
					   uint32_t n)
{
	/* relaxed: whoever serves is its only writer, others read a counter */
	return n + atomic_fetch_add_explicit(ATOMIC(&source->stats.line_seq), n,
					     memory_order_relaxed);
}

/*
 * Relaxed: pins, timers and descriptors change and read it under the lock of
 * the thread that serves them, or on the loop alone; signals pair through the
 * in-flight count of signal-handler.c.
 */
static inline bool isri_source_is_armed(const struct isr_source *source)
{
	/* relaxed: as above */
	return atomic_load_explicit(ATOMIC(&source->armed),
				    memory_order_relaxed);
}

static inline void isri_source_set_armed(struct isr_source *source, bool armed)
{
	/* relaxed: as above */
	atomic_store_explicit(ATOMIC(&source->armed), armed,
			      memory_order_relaxed);
}

#endif /* ISRI_SOURCE_H */
