/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3, signal class: the part of a source that runs in ISR context.
 */
#include <errno.h>

#include <isrloop/isr.h>

#include "context.h"
#include "emerg.h"
#include "event.h"
#include "ring.h"
#include "source.h"

uint16_t isr_source_get_id(const struct isr_source *source)
{
	return source->id;
}

const char *isr_source_get_name(const struct isr_source *source)
{
	return source->name;
}

void isri_source_discard(struct isr_source *source,
			 const struct isr_event *event)
{
	source->untold += event->lost;
	if (!isri_event_is_report(event))
		isri_source_count(&source->stats.discarded, 1);
}

void isri_source_tell_untold(struct isr_source *source, struct isr_event *event)
{
	uint64_t room = UINT32_MAX - event->lost;
	uint64_t told = source->untold < room ? source->untold : room;

	event->lost += (uint32_t)told;
	source->untold -= told;
}

/* An event is about to be handled: count it, and the time it took. */
static void note_delivery(struct isr_source *source,
			  const struct isr_event *event, uint64_t now_ns)
{
	if (isri_event_is_report(event))
		return;

	isri_source_count(&source->stats.delivered, 1);
	/* A simulated edge may be stamped ahead of its time. */
	if (source->measured)
		isr_hist_record(&source->latency, now_ns > event->t_ns
							  ? now_ns - event->t_ns
							  : 0);
}

/* Returns what it fails with, or 0. */
static int note_duration(struct isr_source *source, uint64_t duration_ns)
{
	uint64_t max_ns;

	/* relaxed: a maximum by itself */
	max_ns = atomic_load_explicit(ATOMIC(&source->stats.max_ns),
				      memory_order_relaxed);
	while (duration_ns > max_ns &&
	       /* relaxed: as above */
	       !atomic_compare_exchange_weak_explicit(
		       ATOMIC(&source->stats.max_ns), &max_ns, duration_ns,
		       memory_order_relaxed, memory_order_relaxed))
		;
	if (duration_ns <= source->budget_ns)
		return 0;

	isri_source_count(&source->stats.over_budget, 1);
	if (isri_emerg_may_tell(&source->told_over_ns))
		isri_emerg_record(source->loop, ISR_EMERG_OVER_BUDGET, -ETIME,
				  duration_ns,
				  "the handler ran over its budget", NULL);
	return source->fail_over_budget ? -ETIME : 0;
}

/* True when the source is to be disarmed. */
static bool note_failure(struct isr_source *source, int error)
{
	bool disarm;

	isri_source_count(&source->stats.failed, 1);
	/* relaxed: whoever is told through the flag sees it */
	atomic_store_explicit(ATOMIC(&source->stats.last_error), error,
			      memory_order_relaxed);
	if (source->on_fail == ISR_ON_FAIL_ABORT)
		isri_emerg_abort(source->loop, error,
				 "the handler failed, and on_fail is ABORT");

	disarm = source->on_fail == ISR_ON_FAIL_DISARM;
	/* Whoever is told may arm it again at once. */
	if (disarm && source->hard)
		isri_source_set_armed(source, false);
	isr_flag_set(&source->failed);
	return disarm;
}

bool isri_source_run(struct isr_source *source, enum isr_context_kind kind,
		     const struct isr_event *event)
{
	bool timed = source->budget_ns || source->measured;
	uint64_t start_ns = timed ? isr_now_ns() : 0;
	struct isri_frame frame;
	bool disarm;
	int error, over = 0;

	note_delivery(source, event, start_ns);
	isri_context_enter(&frame, kind, source->loop, source);
	frame.event_ns = source->measured ? event->t_ns : 0;
	error = source->handler(source, event, source->arg);
	if (error < 0 && !frame.failed &&
	    isri_emerg_may_tell(&source->told_failed_ns))
		isri_emerg_record(source->loop, ISR_EMERG_FAILED, error, 0,
				  "the handler failed", NULL);
	if (frame.failed)
		error = frame.failed;
	if (source->budget_ns)
		over = note_duration(source, isr_now_ns() - start_ns);
	if (error >= 0)
		error = over;
	disarm = error < 0 && note_failure(source, error);
	isri_context_leave(&frame);
	return disarm;
}

void isri_source_handle(struct isr_source *source, enum isr_context_kind kind,
			struct isr_event *event)
{
	if (!isri_source_is_armed(source)) {
		isri_source_discard(source, event);
		return;
	}

	isri_source_sign(source, event);
	source->delivered_seq = event->line_seq;
	if (source->untold)
		isri_source_tell_untold(source, event);
	(void)isri_source_run(source, kind, event);
}

bool isri_source_take_next(struct isr_source *source,
			   struct isr_event *ret_event)
{
	if (isri_ring_is_idle(&source->ring))
		return false;
	if (isri_ring_take(&source->ring, ret_event))
		return true;

	*ret_event = (struct isr_event){
		.t_ns = isr_now_ns(),
		.kind = ISR_EVENT_LOST,
		.lost = isri_ring_take_untold(&source->ring),
	};
	/* Nothing came after them: the last one lost is where we are. */
	ret_event->line_seq = source->delivered_seq + ret_event->lost;
	return ret_event->lost;
}

void isri_source_fire(struct isr_source *source, enum isr_context_kind kind,
		      struct isr_event *event)
{
	if (source->hard) {
		isri_source_handle(source, kind, event);
	} else if (!isri_source_is_armed(source)) {
		if (!isri_event_is_report(event))
			isri_source_count(&source->stats.discarded, 1);
	} else {
		isri_source_sign(source, event);
		/* A full ring counts and tells its losses itself. */
		(void)isr_ring_put(&source->ring, event);
	}
}
