/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5, signal class: the count of a counter. The loop's side is in
 * counter-loop.c, and adds to the same word.
 */
#include <isrloop/counter.h>

int64_t isr_counter_get_count(const struct isr_counter *counter)
{
	return isr_word_load(&counter->count);
}

int64_t isr_counter_exchange(struct isr_counter *counter, int64_t value)
{
	return isr_word_exchange(&counter->count, value);
}
