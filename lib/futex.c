/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1, any class: futex(2) of this process, with a deadline by
 * CLOCK_MONOTONIC. glibc has no wrapper.
 */
#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/futex.h>

#include <isrloop/isr.h>

#include "clock.h"
#include "futex.h"

/* The call that takes a struct timespec as this program knows it. */
#ifdef SYS_futex_time64
#define FUTEX_CALL \
	(sizeof(time_t) > sizeof(long) ? SYS_futex_time64 : SYS_futex)
#else
#define FUTEX_CALL SYS_futex
#endif

uint64_t isri_futex_deadline_ns(int64_t timeout_ns)
{
	if (timeout_ns < 0)
		return ISRI_FUTEX_NEVER;
	return isr_now_ns() + (uint64_t)timeout_ns;
}

int isri_futex_wait(uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	struct timespec at = {
		.tv_sec = (time_t)(deadline_ns / ISRI_NS_PER_S),
		.tv_nsec = (long)(deadline_ns % ISRI_NS_PER_S),
	};
	long r;

	r = syscall(FUTEX_CALL, word, FUTEX_WAIT_BITSET_PRIVATE, value,
		    deadline_ns == ISRI_FUTEX_NEVER ? NULL : &at, NULL,
		    FUTEX_BITSET_MATCH_ANY);
	return r < 0 && errno == ETIMEDOUT ? -ETIMEDOUT : 0;
}

void isri_futex_wake(uint32_t *word, uint32_t n)
{
	syscall(FUTEX_CALL, word, FUTEX_WAKE_PRIVATE,
		n < INT_MAX ? (int)n : INT_MAX, NULL, NULL, 0);
}
