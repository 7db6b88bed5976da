/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: a log-scaled histogram.
 *
 * 16 linear buckets in each power of two: values below 32 are exact, above
 * that a bucket is at most 1/16 of its value wide.
 */
#include <isrloop/hist.h>

#include "atomic.h"
#include "context.h"

#define SUB_BITS 4
#define SUB_COUNT (1U << SUB_BITS)

_Static_assert(ISR_HIST_BUCKETS == (64 - SUB_BITS + 1) * SUB_COUNT,
	       "isr_hist covers 64 bits");

static unsigned int bucket_of(uint64_t value)
{
	unsigned int shift;

	if (value < SUB_COUNT)
		return (unsigned int)value;
	shift = 63 - (unsigned int)__builtin_clzll(value) - SUB_BITS;
	return (shift << SUB_BITS) + (unsigned int)(value >> shift);
}

/* The largest value that falls into the bucket. */
static uint64_t bucket_top(unsigned int bucket)
{
	unsigned int shift;
	uint64_t sub;

	if (bucket < SUB_COUNT)
		return bucket;
	shift = (bucket >> SUB_BITS) - 1;
	sub = (bucket & (SUB_COUNT - 1)) + SUB_COUNT;
	return (sub << shift) + ((1ULL << shift) - 1);
}

void isr_hist_init(struct isr_hist *hist)
{
	if (isri_context_refuse_isr(__func__) < 0)
		return;
	*hist = (struct isr_hist){0};
}

void isr_hist_record(struct isr_hist *hist, uint64_t value_ns)
{
	uint64_t max;

	/* relaxed: independent counters; a reader may see some of them late */
	atomic_fetch_add_explicit(ATOMIC(&hist->buckets[bucket_of(value_ns)]),
				  1, memory_order_relaxed);
	/* relaxed: as above */
	atomic_fetch_add_explicit(ATOMIC(&hist->count), 1,
				  memory_order_relaxed);
	/* relaxed: a guess for the cas */
	max = atomic_load_explicit(ATOMIC(&hist->max), memory_order_relaxed);
	while (value_ns > max) {
		/* relaxed: a lone value */
		if (atomic_compare_exchange_weak_explicit(
			    ATOMIC(&hist->max), &max, value_ns,
			    memory_order_relaxed, memory_order_relaxed))
			break;
	}
}

uint64_t isr_hist_get_count(const struct isr_hist *hist)
{
	/* relaxed: see isr_hist_record() */
	return atomic_load_explicit(ATOMIC(&hist->count), memory_order_relaxed);
}

uint64_t isr_hist_get_max_ns(const struct isr_hist *hist)
{
	/* relaxed: see isr_hist_record() */
	return atomic_load_explicit(ATOMIC(&hist->max), memory_order_relaxed);
}

static uint64_t bucket_get(const struct isr_hist *hist, unsigned int bucket)
{
	/* relaxed: see isr_hist_record() */
	return atomic_load_explicit(ATOMIC(&hist->buckets[bucket]),
				    memory_order_relaxed);
}

uint64_t isr_hist_get_percentile_ns(const struct isr_hist *hist, double percent)
{
	uint64_t max = isr_hist_get_max_ns(hist);
	uint64_t total = 0, rank, seen = 0;
	unsigned int i;

	if (isri_context_refuse_isr(__func__) < 0)
		return 0;
	/* Not count: the buckets must add up to what is walked below. */
	for (i = 0; i < ISR_HIST_BUCKETS; i++)
		total += bucket_get(hist, i);
	if (!total)
		return 0;
	if (!(percent > 0))
		percent = 0;
	if (percent > 100)
		percent = 100;

	/* The smallest rank that covers the share, at least the first. */
	rank = (uint64_t)(percent / 100 * (double)total);
	if ((double)rank < percent / 100 * (double)total || rank == 0)
		rank++;
	for (i = 0; i < ISR_HIST_BUCKETS - 1; i++) {
		seen += bucket_get(hist, i);
		if (seen >= rank)
			break;
	}
	return bucket_top(i) < max ? bucket_top(i) : max;
}
