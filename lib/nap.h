/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F0: a nap, for ordinary code that has to wait until another thread has done
 * its few instructions. Not sched_yield(): a thread with real-time priority
 * would never yield to one without.
 */
#ifndef ISRI_NAP_H
#define ISRI_NAP_H

#include <time.h>

/* A signal may end it early: whoever naps looks again anyway. */
static inline void isri_nap(void)
{
	const struct timespec moment = {.tv_nsec = 50 * 1000};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
}

#endif /* ISRI_NAP_H */
