/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The moment when a thread has to wait in the library: what it waits for can
 * happen then, and not after a time that is hoped to be long enough. For
 * programs linked with --wrap=clock_nanosleep and --wrap=pthread_mutex_lock.
 */
#ifndef WAITS_H
#define WAITS_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* Called in the thread that is about to wait; NULL: nothing. */
static void (*_Atomic waits_hook)(void);

int __real_clock_nanosleep(clockid_t clock, int flags,
			   const struct timespec *time, struct timespec *left);
int __wrap_clock_nanosleep(clockid_t clock, int flags,
			   const struct timespec *time, struct timespec *left);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);

static inline void waits_tell(void)
{
	void (*hook)(void) = atomic_load(&waits_hook);

	if (hook)
		hook();
}

int __wrap_clock_nanosleep(clockid_t clock, int flags,
			   const struct timespec *time, struct timespec *left)
{
	waits_tell();
	return __real_clock_nanosleep(clock, flags, time, left);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	int r = pthread_mutex_trylock(mutex);

	if (r != EBUSY)
		return r;
	waits_tell();
	return __real_pthread_mutex_lock(mutex);
}

#endif /* WAITS_H */
