/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: which context and thread the caller runs in. */
#ifndef ISRI_CONTEXT_H
#define ISRI_CONTEXT_H

#include <isrloop/isr.h>

/*
 * Brackets around a handler in ISR context; they nest, because a signal may
 * interrupt a hard handler.
 */
void isri_context_enter(void);
void isri_context_leave(void);

/*
 * Names the calling thread: an address that no other living thread has.
 * Unlike gettid(2) it costs no system call.
 */
const void *isri_context_thread(void);

/*
 * Tells a process from the one that it was forked from: how often
 * isri_context_forked() was called in it and in those before it.
 */
unsigned int isri_context_generation(void);
void isri_context_forked(void);

#endif /* ISRI_CONTEXT_H */
