/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F0: threads of the library, and locks that they share with the loop. */
#ifndef ISRI_THREAD_H
#define ISRI_THREAD_H

#include <pthread.h>

/*
 * A thread in which all signals are blocked, for they belong to the program's
 * threads, but for faults: one that is blocked would end the process without
 * its handler. attr may be NULL. Returns 0, or what pthread_create() says,
 * negative.
 */
int isri_thread_create(pthread_t *ret_id, const pthread_attr_t *attr,
		       void *(*run)(void *arg), void *arg);

/*
 * SCHED_FIFO or SCHED_RR when the caller has real-time priority, which is then
 * in ret_param; else SCHED_OTHER.
 */
int isri_thread_get_realtime(struct sched_param *ret_param);

/*
 * With priority inheritance, so that nobody waits for a thread of low priority;
 * without, where the kernel has none: late in the worst case, not wrong.
 * Returns 0, or what pthread_mutex_init() says, negative: not on Linux.
 */
int isri_lock_init(pthread_mutex_t *lock);

#endif /* ISRI_THREAD_H */
