/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: a thread sleeps until a word changes. */
#ifndef ISRI_FUTEX_H
#define ISRI_FUTEX_H

#include <stdint.h>

/* A deadline that never comes. */
#define ISRI_FUTEX_NEVER UINT64_MAX

/* When a wait of so long ends, from now on; ISR_FOREVER: never. */
uint64_t isri_futex_deadline_ns(int64_t timeout_ns);

/*
 * Sleeps while *word is value: until somebody wakes it, a signal comes, or
 * the deadline has passed (-ETIMEDOUT). It may return without a reason, so
 * the caller looks again. A deadline of 0 has passed.
 */
int isri_futex_wait(uint32_t *word, uint32_t value, uint64_t deadline_ns);

/* Wakes at most so many of those that sleep on it, those that came first. */
void isri_futex_wake(uint32_t *word, uint32_t n);

#endif /* ISRI_FUTEX_H */
