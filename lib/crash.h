/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F3: the crash handler, which leaves a record of a fault. */
#ifndef ISRI_CRASH_H
#define ISRI_CRASH_H

#include <signal.h>
#include <stdbool.h>

/* Signals that it handles. */
#define ISRI_CRASH_SIGNALS 5

struct isri_crash {
	int fd;
	/* As they were found; each in the place of its signal below. */
	struct sigaction found[ISRI_CRASH_SIGNALS];
};

extern const int isri_crash_signals[ISRI_CRASH_SIGNALS];
/* Written while the handler is not installed. */
extern struct isri_crash isri_crash;

/* For sigaction(2) with SA_SIGINFO; lib/crash-handler.c, signal class. */
void isri_crash_handler(int signo, siginfo_t *info, void *ucontext);

/*
 * Brackets of a thread of the library, and of one that runs tasks; they nest.
 * While the crash handler is installed it gets a stack of its own to run on, if
 * it has none of the program's: true, until the last of these brackets ends.
 * lib/crash.c
 */
bool isri_crash_thread_begin(void);
void isri_crash_thread_end(void);

#endif /* ISRI_CRASH_H */
