/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3, signal class: the part of a source that runs in ISR context.
 */
#include <isrloop/isr.h>

#include "context.h"
#include "source.h"

uint16_t isr_source_get_id(const struct isr_source *source)
{
	return source->id;
}

/* Reports about events are no events: they are not in the sums. */
static bool is_report(const struct isr_event *event)
{
	return event->kind == ISR_EVENT_LOST ||
	       event->kind == ISR_EVENT_CHIP_LOST;
}

void isri_source_note_delivery(struct isr_source *source,
			       const struct isr_event *event)
{
	uint64_t now_ns;

	if (is_report(event))
		return;

	isri_source_count(&source->stats.delivered, 1);
	if (!source->measured)
		return;

	/* A simulated edge may be stamped ahead of its time. */
	now_ns = isr_now_ns();
	isr_hist_record(&source->latency,
			now_ns > event->t_ns ? now_ns - event->t_ns : 0);
}

void isri_source_note_failure(struct isr_source *source, int error)
{
	isri_source_count(&source->stats.failed, 1);
	/* relaxed: whoever is told through the flag sees it */
	atomic_store_explicit(ATOMIC(&source->stats.last_error), error,
			      memory_order_relaxed);
	/* First, because the other one's callback may close the source. */
	isr_flag_set(&source->told);
	isr_flag_set(&source->failed);
}

static void run_hard(struct isr_source *source, const struct isr_event *event)
{
	int r;

	isri_context_enter();
	isri_source_note_delivery(source, event);
	r = source->handler(source, event, source->arg);
	isri_context_leave();

	if (r < 0) {
		isri_source_set_armed(source, false);
		isri_source_note_failure(source, r);
	}
}

void isri_source_fire(struct isr_source *source, struct isr_event *event)
{
	if (!isri_source_is_armed(source)) {
		if (!is_report(event))
			isri_source_count(&source->stats.discarded, 1);
		return;
	}

	event->source = source->id;
	if (source->hard)
		run_hard(source, event);
	else
		/* A full ring counts and tells its losses itself. */
		(void)isr_ring_put(&source->ring, event);
}
