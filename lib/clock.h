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

#endif /* ISRI_CLOCK_H */
