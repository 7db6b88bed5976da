/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: the crash handler is installed, and has stacks to run on: on the stack
 * that overflowed it could not. What runs is in crash-handler.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <isrloop/emerg.h>

#include "context.h"
#include "crash.h"

/*
 * Hard handlers of signals run on it as well, where a thread has one: they
 * find the room that they are used to, and the first part is there.
 */
#define STACK_BYTES (256 * 1024)
#define TOUCHED_BYTES (64 * 1024)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Under the lock. */
static bool installed;
/*
 * Of the thread that installed it; kept, because others may do so.
 * initial-exec: no data of the library's threads come with a first access.
 */
static __thread void *stack __attribute__((tls_model("initial-exec")));
/* Brackets that have it: a thread may have several loops with tasks. */
static __thread unsigned int n_users
	__attribute__((tls_model("initial-exec")));

static bool give_stack(void)
{
	stack_t found, given = {.ss_size = STACK_BYTES};

	/* One that the program gave is as good. */
	if (sigaltstack(NULL, &found) < 0 || !(found.ss_flags & SS_DISABLE))
		return false;
	given.ss_sp = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (given.ss_sp == MAP_FAILED)
		return false;
	memset((char *)given.ss_sp + STACK_BYTES - TOUCHED_BYTES, 0,
	       TOUCHED_BYTES);
	if (sigaltstack(&given, NULL) < 0) {
		munmap(given.ss_sp, STACK_BYTES);
		return false;
	}
	stack = given.ss_sp;
	return true;
}

/* Stays where it is when the program put another one in its place. */
static void take_stack(void)
{
	const stack_t none = {.ss_flags = SS_DISABLE};
	stack_t found;

	if (!stack || sigaltstack(NULL, &found) < 0 || found.ss_sp != stack ||
	    sigaltstack(&none, NULL) < 0)
		return;
	munmap(stack, STACK_BYTES);
	stack = NULL;
}

bool isri_crash_thread_begin(void)
{
	bool given;

	pthread_mutex_lock(&lock);
	given = installed && ((stack && n_users) || give_stack());
	pthread_mutex_unlock(&lock);
	n_users += given;
	return given;
}

void isri_crash_thread_end(void)
{
	if (n_users && --n_users == 0)
		take_stack();
}

static bool is_ours(int signo)
{
	struct sigaction found;

	return sigaction(signo, NULL, &found) == 0 &&
	       found.sa_sigaction == isri_crash_handler;
}

/* But for those that had their crash, or that the program took over. */
static void restore(int n_signals)
{
	int i;

	for (i = 0; i < n_signals; i++)
		if (is_ours(isri_crash_signals[i]))
			sigaction(isri_crash_signals[i], &isri_crash.found[i],
				  NULL);
}

static int install(int fd)
{
	struct sigaction action = {
		.sa_sigaction = isri_crash_handler,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};
	int i, r;

	sigfillset(&action.sa_mask);
	isri_crash.fd = fd;
	/* All of them first: a fault in between finds its own. */
	for (i = 0; i < ISRI_CRASH_SIGNALS; i++)
		sigaction(isri_crash_signals[i], NULL, &isri_crash.found[i]);
	for (i = 0; i < ISRI_CRASH_SIGNALS; i++) {
		if (sigaction(isri_crash_signals[i], &action, NULL) < 0) {
			r = -errno;
			restore(i);
			return r;
		}
	}
	installed = true;
	give_stack();
	return 0;
}

int isr_crash_install(int fd)
{
	int r;

	r = isri_context_refuse_isr(__func__);
	if (r < 0)
		return r;
	if (fcntl(fd, F_GETFD) < 0)
		return -EBADF;

	pthread_mutex_lock(&lock);
	r = installed ? -EBUSY : install(fd);
	pthread_mutex_unlock(&lock);
	return r;
}

int isr_crash_uninstall(void)
{
	int r;

	r = isri_context_refuse_isr(__func__);
	if (r < 0)
		return r;

	pthread_mutex_lock(&lock);
	if (installed)
		restore(ISRI_CRASH_SIGNALS);
	installed = false;
	take_stack();
	pthread_mutex_unlock(&lock);
	return 0;
}
