/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: the default clock of events. */
#include <errno.h>
#include <time.h>

#include <isrloop/isr.h>

#include "clock.h"

uint64_t isri_clock_to_ns(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * ISRI_NS_PER_S + (uint64_t)ts->tv_nsec;
}

struct timespec isri_clock_to_timespec(uint64_t t_ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(t_ns / ISRI_NS_PER_S),
		.tv_nsec = (long)(t_ns % ISRI_NS_PER_S),
	};
}

uint64_t isr_now_ns(void)
{
	struct timespec ts = {0};
	int saved = errno;

	/* Cannot fail: the clock is there and the pointer is good. */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	errno = saved;
	return isri_clock_to_ns(&ts);
}
