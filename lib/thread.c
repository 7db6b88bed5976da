/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F0: threads of the library, and locks that they share with the loop.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>

#include "thread.h"

int isri_thread_create(pthread_t *ret_id, const pthread_attr_t *attr,
		       void *(*run)(void *arg), void *arg)
{
	sigset_t all, saved;
	int r;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	r = pthread_create(ret_id, attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return -r;
}

int isri_thread_get_realtime(struct sched_param *ret_param)
{
	int policy;

	if (pthread_getschedparam(pthread_self(), &policy, ret_param) != 0 ||
	    (policy != SCHED_FIFO && policy != SCHED_RR))
		return SCHED_OTHER;
	return policy;
}

int isri_lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	int r;

	r = pthread_mutexattr_init(&attr);
	if (r)
		return -r;
	r = pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	if (!r)
		r = pthread_mutex_init(lock, &attr);
	if (r == ENOTSUP)
		r = pthread_mutex_init(lock, NULL);
	pthread_mutexattr_destroy(&attr);
	return -r;
}
