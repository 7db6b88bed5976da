/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: which context and thread the caller runs in, and for whom. */
#ifndef ISRI_CONTEXT_H
#define ISRI_CONTEXT_H

#include <stdint.h>

#include <isrloop/emerg.h>
#include <isrloop/isr.h>

struct isri_stack;

/*
 * A frame of the program's code that the library has called, or that a
 * thread has entered by itself: on the stack of the caller, because a signal
 * handler may come at any time and has no other memory. Frames nest.
 */
struct isri_frame {
	struct isri_frame *outer;
	/* What runs; not changed while it does. source may be NULL. */
	enum isr_context_kind kind;
	struct isr_loop *loop;
	struct isr_source *source;
	/* A task's: what it runs on; else NULL. */
	const struct isri_stack *stack;
	/* isr_fail() was called in it: its code; else 0. */
	int failed;
	/* When what a handler handles came, by CLOCK_MONOTONIC; 0: unknown. */
	uint64_t event_ns;
};

void isri_context_enter(struct isri_frame *frame, enum isr_context_kind kind,
			struct isr_loop *loop, struct isr_source *source);
/* The innermost one, always. */
void isri_context_leave(const struct isri_frame *frame);

/* The innermost frame of this thread; NULL: none. */
struct isri_frame *isri_context_get_frame(void);

/* Where the caller is, for a record. */
enum isr_context_kind isri_context_get_kind(void);

/*
 * For functions that are legal everywhere but in ISR context: 0, or -EPERM
 * and a record that names the function.
 */
int isri_context_refuse_isr(const char *function);

/*
 * The outermost critical section of a loop begins and ends in this thread.
 * While there is one, of whatever loop, it must not wait for another thread:
 * that may wait for the section's end, and hard handlers do. Ordinary code.
 */
void isri_context_section_begun(void);
void isri_context_section_ended(void);
bool isri_context_is_masked(void);

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
