/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the depth of ISR context of each thread.
 *
 * initial-exec: the general model may allocate at a thread's first access,
 * which a signal handler must not.
 */
#include <signal.h>

#include "context.h"

static __thread volatile sig_atomic_t depth
	__attribute__((tls_model("initial-exec")));

void isri_context_enter(void)
{
	depth = depth + 1;
}

void isri_context_leave(void)
{
	depth = depth - 1;
}

bool isr_in_context(void)
{
	return depth > 0;
}

const void *isri_context_thread(void)
{
	return (const void *)&depth;
}

/* Written by the only thread of a new process, before others exist. */
static unsigned int generation;

unsigned int isri_context_generation(void)
{
	return generation;
}

void isri_context_forked(void)
{
	generation++;
}
