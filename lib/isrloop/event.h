/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F0: the event, one struct everywhere. It is the record in the ring, the
 * argument of a handler and what the daemon fans out.
 */
#ifndef ISRLOOP_EVENT_H
#define ISRLOOP_EVENT_H

#include <stdint.h>

#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/** What happened. Stored in one byte; new kinds are appended. */
enum isr_event_kind {
	ISR_EVENT_NONE = 0, /**< no event; never delivered */
	ISR_EVENT_RISING, /**< a line went active; value = 1 */
	ISR_EVENT_FALLING, /**< a line went inactive; value = 0 */
	ISR_EVENT_SIGNAL, /**< a POSIX signal; value = its queued integer */
	ISR_EVENT_TIMER, /**< a timer; value = expirations since the last one */
	ISR_EVENT_FD, /**< a file descriptor; value = ISR_FD_* that are ready */
	ISR_EVENT_USER, /**< put by the program itself */
	ISR_EVENT_LOST, /**< a loss report; line_seq: the last one lost */
	ISR_EVENT_IDLE, /**< nothing happened for the time asked for */
	ISR_EVENT_CHIP_LOST, /**< the chip is gone; the source stays */
	ISR_EVENT_CHIP_BACK, /**< the chip is back; levels may have changed */
	ISR_EVENT_INITIAL /**< the level before the first edge; value = level */
};

/** Readiness, the bits of an ISR_EVENT_FD event's value. */
enum isr_fd_events { ISR_FD_READ = 1, ISR_FD_WRITE = 2 };

/**
 * The kernel reported the same edge twice running on a line that reports
 * both: at least one opposite edge in between merged below its sequence
 * number. Only an odd number of merged edges leaves this trace. Of a signal:
 * it is a POSIX timer's, and stands for more than one expiration.
 */
#define ISR_EVENT_FLAG_MERGED (1U << 0)
/** Came from a store, not live. */
#define ISR_EVENT_FLAG_REPLAYED (1U << 1)
/** The chip filtered bounce: t_ns is the settled time, not the first edge. */
#define ISR_EVENT_FLAG_DEBOUNCED (1U << 2)
/** Made by a simulated chip. */
#define ISR_EVENT_FLAG_SIMULATED (1U << 3)

/**
 * One event, 32 bytes without padding; size and offsets are ABI.
 */
struct isr_event {
	/** When, in ns of the source's clock (CLOCK_MONOTONIC by default). */
	uint64_t t_ns;
	/** Place in the ring, from 1; written by the ring, its commit word. */
	uint32_t seq;
	/** High half where a sequence has 64 bits (the daemon's), else 0. */
	uint32_t seq_high;
	/** The source's own sequence (for a line the kernel's), wraps. */
	uint32_t line_seq;
	/** Records of the same stream known lost just before this one. */
	uint32_t lost;
	/** Level, signal value, expirations: see enum isr_event_kind. */
	int32_t value;
	/** Number of the source, isr_source_get_id(); of a pin: of the line. */
	uint16_t source;
	/** enum isr_event_kind */
	uint8_t kind;
	/** ISR_EVENT_FLAG_* */
	uint8_t flags;
};

ISR_END_DECLS

#endif /* ISRLOOP_EVENT_H */
