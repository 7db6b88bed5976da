/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the frames of each thread, innermost first, and what it has masked.
 *
 * initial-exec: the general model may allocate at a thread's first access,
 * which a signal handler must not.
 *
 * ORDERING
 *   frame:A (enter, leave, release store of frames) <-> frame:B (acquire load,
 *           perhaps by a handler in the same thread): a frame is complete
 *           before it is found
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#include "context.h"
#include "emerg.h"

static __thread _Atomic(struct isri_frame *) frames
	__attribute__((tls_model("initial-exec")));

struct isri_frame *isri_context_get_frame(void)
{
	/* frame:B */
	return atomic_load_explicit(&frames, memory_order_acquire);
}

void isri_context_enter(struct isri_frame *frame, enum isr_context_kind kind,
			struct isr_loop *loop, struct isr_source *source)
{
	*frame = (struct isri_frame){
		.outer = isri_context_get_frame(),
		.kind = kind,
		.loop = loop,
		.source = source,
	};
	/* frame:A */
	atomic_store_explicit(&frames, frame, memory_order_release);
}

void isri_context_leave(const struct isri_frame *frame)
{
	/* frame:A */
	atomic_store_explicit(&frames, frame->outer, memory_order_release);
}

enum isr_context_kind isri_context_get_kind(void)
{
	struct isri_frame *frame = isri_context_get_frame();

	return frame ? frame->kind : ISR_CONTEXT_THREAD;
}

bool isr_in_context(void)
{
	return isri_context_get_kind() >= ISR_CONTEXT_SIGNAL;
}

struct isr_source *isr_context_get_source(void)
{
	struct isri_frame *frame = isri_context_get_frame();

	return frame ? frame->source : NULL;
}

int isri_context_refuse_isr(const char *function)
{
	if (!isr_in_context())
		return 0;
	isri_emerg_misuse(isri_context_get_frame()->loop, function);
	return -EPERM;
}

const void *isri_context_thread(void)
{
	return (const void *)&frames;
}

/* Of all loops that are this thread's; a handler does not look at it. */
static __thread unsigned int n_sections
	__attribute__((tls_model("initial-exec")));

void isri_context_section_begun(void)
{
	n_sections++;
}

void isri_context_section_ended(void)
{
	/* 0: of a thread that has ended, and whose name this one got. */
	n_sections -= n_sections != 0;
}

bool isri_context_is_masked(void)
{
	return n_sections != 0;
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
	/* Those of the parent's loops, which the child cannot end. */
	n_sections = 0;
}
