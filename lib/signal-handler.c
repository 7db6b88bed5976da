/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3, signal class: the real signal handler.
 *
 * A handler may start late: the kernel chose it before the disposition was
 * put back, and it runs after the source is gone. So the table is static,
 * and each place in it counts the handlers that are inside.
 *
 * ORDERING
 *   sig:A (handler, acq_rel add to inside) <-> sig:B (closer, acq_rel
 *         read-modify-write of inside, reads 0): whichever comes second in
 *         the order of that word sees what the other wrote before. So either
 *         the closer waits, or the handler sees that the source is gone, or
 *         disarmed.
 *   sig:C (handler, release sub of inside) <-> sig:B: what the handler did
 *         with the source happened before it is freed.
 *   sig:D (claim, acq_rel exchange of source; unclaim, release) <-> sig:E
 *         (handler, acquire load of source): a source is complete before it
 *         is found.
 */
#include <errno.h>
#include <stdint.h>

#include <isrloop/isr.h>

#include "context.h"
#include "signal-handler.h"
#include "source.h"
#include "test-point.h"

static struct {
	struct isr_source *source; /* claimed by the loop's thread, atomic */
	uint32_t inside;	   /* handlers, atomic */
} table[NSIG];

bool isri_signal_claim(int signo, struct isr_source *source)
{
	struct isr_source *none = NULL;

	/* sig:D; relaxed when it fails: nothing of the other one is used */
	return atomic_compare_exchange_strong_explicit(
		ATOMIC(&table[signo].source), &none, source,
		memory_order_acq_rel, memory_order_relaxed);
}

void isri_signal_unclaim(int signo)
{
	ISR_TEST_POINT("sig:D");
	/* sig:D; the next one to claim comes after us */
	atomic_store_explicit(ATOMIC(&table[signo].source), NULL,
			      memory_order_release);
}

void isri_signal_enter(int signo)
{
	ISR_TEST_POINT("sig:A");
	/* sig:A */
	atomic_fetch_add_explicit(ATOMIC(&table[signo].inside), 1,
				  memory_order_acq_rel);
}

void isri_signal_leave(int signo)
{
	ISR_TEST_POINT("sig:C");
	/* sig:C */
	atomic_fetch_sub_explicit(ATOMIC(&table[signo].inside), 1,
				  memory_order_release);
}

bool isri_signal_is_quiet(int signo)
{
	ISR_TEST_POINT("sig:B");
	/* sig:B; adding 0, because a load would not be ordered with sig:A */
	return atomic_fetch_add_explicit(ATOMIC(&table[signo].inside), 0,
					 memory_order_acq_rel) == 0;
}

/* Only what a sender queued has a value. */
static int32_t get_value(const siginfo_t *info)
{
	switch (info->si_code) {
	case SI_QUEUE:
	case SI_TIMER:
	case SI_MESGQ:
		return info->si_value.sival_int;
	default:
		return 0;
	}
}

/* A timer's signal stands for the expirations since it was queued as well. */
static uint64_t get_overruns(const siginfo_t *info)
{
	if (info->si_code != SI_TIMER || info->si_overrun < 0)
		return 0;
	return (uint64_t)info->si_overrun;
}

static void offer(struct isr_source *source, const siginfo_t *info)
{
	uint64_t merged = get_overruns(info);
	struct isr_event event = {
		.t_ns = isr_now_ns(),
		.kind = ISR_EVENT_SIGNAL,
		.value = get_value(info),
		.flags = merged ? ISR_EVENT_FLAG_MERGED : 0,
	};

	if (merged)
		isri_source_count(&source->stats.merged, merged);
	/* Lost or discarded, it is counted. */
	(void)isri_signal_offer(isri_signal_of(source), &event);
}

void isri_signal_handler(int signo, siginfo_t *info, void *ucontext)
{
	struct isr_source *source;
	struct isri_frame frame;
	int saved_errno = errno;

	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, NULL, NULL);
	isri_signal_enter(signo);
	/* sig:E */
	source = atomic_load_explicit(ATOMIC(&table[signo].source),
				      memory_order_acquire);
	ISR_TEST_POINT("sig:E");
	if (source)
		offer(source, info);
	isri_signal_leave(signo);
	isri_context_leave(&frame);
	errno = saved_errno;
}
