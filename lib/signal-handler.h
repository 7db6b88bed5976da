/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F3: the real signal handler, and which source each signal leads to. */
#ifndef ISRI_SIGNAL_HANDLER_H
#define ISRI_SIGNAL_HANDLER_H

#include <signal.h>
#include <stdbool.h>

struct isr_source;

/* For sigaction(2) with SA_SIGINFO. */
void isri_signal_handler(int signo, siginfo_t *info, void *ucontext);

/* False when another source has it. signo is 1 to NSIG - 1. */
bool isri_signal_claim(int signo, struct isr_source *source);
/* Later handlers find no source. */
void isri_signal_unclaim(int signo);
/*
 * True once no handler that started before the call runs any more: what it
 * did is visible, and what was written before the call is visible to every
 * later one. Not to be asked inside a handler of the same signal.
 */
bool isri_signal_is_quiet(int signo);

#endif /* ISRI_SIGNAL_HANDLER_H */
