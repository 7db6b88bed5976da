/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: time as one number of ns. */
#ifndef ISRI_CLOCK_H
#define ISRI_CLOCK_H

#include <stdint.h>
#include <time.h>

#define ISRI_NS_PER_S 1000000000ULL

uint64_t isri_clock_to_ns(const struct timespec *ts);
struct timespec isri_clock_to_timespec(uint64_t t_ns);

/* So that it can be added to a time: for ever, that is 292 years. */
static inline uint64_t isri_clock_limit_ns(uint64_t ns)
{
	return ns < INT64_MAX ? ns : INT64_MAX;
}

/* 0 asks for the default. */
static inline uint64_t isri_clock_or(uint64_t ns, uint64_t default_ns)
{
	return ns ? ns : default_ns;
}

/* UINT64_MAX is never: so is what would come after it. */
static inline uint64_t isri_clock_add(uint64_t t_ns, uint64_t delay_ns)
{
	return delay_ns < UINT64_MAX - t_ns ? t_ns + delay_ns : UINT64_MAX;
}

static inline uint64_t isri_clock_min(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

static inline uint64_t isri_clock_max(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns > b_ns ? a_ns : b_ns;
}

#endif /* ISRI_CLOCK_H */
