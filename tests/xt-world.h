/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What a loop must leave as it was: the dispositions of all signals, the mask
 * of its thread, the threads. (Descriptors are looked after by xt.c.)
 */
#ifndef XT_WORLD_H
#define XT_WORLD_H

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "xt.h"

struct xt_world {
	char actions[65][64]; /* as the kernel gives them */
	sigset_t mask;
	unsigned int n_threads;
};

static inline unsigned int xt_count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned int n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline void *xt_end_at_once(void *arg)
{
	return NULL;
}

static inline void xt_world_look(struct xt_world *world)
{
	pthread_t thread;
	int signo;

	/* With its first thread the C library installs a handler of its own. */
	ck_assert_int_eq(pthread_create(&thread, NULL, xt_end_at_once, NULL),
			 0);
	pthread_join(thread, NULL);

	memset(world, 0, sizeof(*world));
	for (signo = 1; signo <= 64; signo++)
		ck_assert_int_eq(syscall(SYS_rt_sigaction, signo, NULL,
					 world->actions[signo], 8),
				 0);
	pthread_sigmask(SIG_BLOCK, NULL, &world->mask);
	world->n_threads = xt_count_threads();
}

/*
 * When its handlers overlap, the thread sanitizer's runtime loses the mask
 * that it found, and leaves all signals blocked.
 */
static inline void xt_world_check_mask(const struct xt_world *before,
				       const struct xt_world *now)
{
#ifdef __SANITIZE_THREAD__
	pthread_sigmask(SIG_SETMASK, &before->mask, NULL);
#else
	ck_assert_mem_eq(&now->mask, &before->mask, sizeof(now->mask));
#endif
}

static inline void xt_world_check(const struct xt_world *before)
{
	struct xt_world now;
	int signo;

	/* One that was joined is a moment longer in the list. */
	xt_wait_until(xt_count_threads() <= before->n_threads);
	xt_world_look(&now);
	for (signo = 1; signo <= 64; signo++)
		ck_assert_msg(memcmp(now.actions[signo], before->actions[signo],
				     sizeof(now.actions[signo])) == 0,
			      "the disposition of signal %d is another", signo);
	xt_world_check_mask(before, &now);
}

#endif /* XT_WORLD_H */
