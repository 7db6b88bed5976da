/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_hist: a log-scaled histogram of durations. Recording is one atomic
 * add, so that handlers can do it; the relative error of a percentile is
 * below 1/16.
 */
#ifndef ISRLOOP_HIST_H
#define ISRLOOP_HIST_H

#include <stdint.h>

#include <isrloop/isr.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/** 16 buckets an octave over the whole of 64 bits. */
#define ISR_HIST_BUCKETS 976

/** The caller's memory; zeroed memory is an empty histogram. Private. */
struct isr_hist {
	ISR_COUNTER count; /* any context, atomic */
	ISR_COUNTER max;   /* any context, atomic */
	/* any context, atomic; 32 bits would be full after days of edges */
	ISR_COUNTER buckets[ISR_HIST_BUCKETS];
};

/**
 * @brief Forget everything.
 * @param hist  The caller's memory; in ISR context it stays as it is, and an
 *              emergency record says so.
 * @context setup
 * @since 0.1
 */
ISR_API void isr_hist_init(struct isr_hist *hist);

/**
 * @brief The duration that a share of all does not exceed.
 * @param hist     Zeroed or initialised.
 * @param percent  0 to 100; 50 is the median. Outside: clamped.
 * @context any (no lock)
 * @return Upper bound of its bucket in ns, never above the maximum; 0 when
 *         nothing was recorded, and in ISR context.
 * @since 0.1
 */
ISR_API uint64_t isr_hist_get_percentile_ns(const struct isr_hist *hist,
					    double percent);

ISR_END_DECLS

#endif /* ISRLOOP_HIST_H */
