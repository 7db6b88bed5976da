/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3, signal class: the program's own events for a source.
 *
 * They go through the source's ring: to the loop, or to the IRQ thread of a
 * hard handler, which a bell tells (fired.c). Signal sources have their own
 * way (signal-fire.c).
 *
 * A fire may find a source armed that is disarmed the next moment, and put
 * its event down after the ring was emptied. Nobody waits for it: who empties
 * the ring next finds the source disarmed and discards the event, or arms it,
 * which discards what was there before.
 */
#include <errno.h>

#include <isrloop/isr.h>

#include "bell.h"
#include "source.h"
#include "wake.h"

/* Reports are the library's to make. */
static bool is_valid(const struct isr_event *event)
{
	switch (event->kind) {
	case ISR_EVENT_NONE:
	case ISR_EVENT_LOST:
	case ISR_EVENT_CHIP_LOST:
		return false;
	default:
		return event->kind <= ISR_EVENT_INITIAL;
	}
}

/* Numbers of its own when the source has no others. */
static uint32_t next_seq(struct isr_source *source)
{
	if (source->numbers_fired)
		return isri_source_advance(source, 1);
	/* relaxed: a counter */
	return atomic_load_explicit(ATOMIC(&source->stats.line_seq),
				    memory_order_relaxed);
}

static int put(struct isr_source *source, struct isr_event *event)
{
	event->line_seq = next_seq(source);
	if (!isri_source_is_armed(source)) {
		isri_source_count(&source->stats.discarded, 1);
		return -EPERM;
	}

	/* 1: stored for the oldest one, which the ring counted as lost. */
	if (isr_ring_put(&source->ring, event) < 0)
		return -ENOSPC;
	if (source->hard)
		isri_bell_ring(&source->fired.bell);
	return 0;
}

int isr_source_fire(struct isr_source *source, const struct isr_event *event)
{
	struct isr_event fired = {.kind = ISR_EVENT_USER};

	if (!source)
		return -EINVAL;
	/* A child shares the descriptors that wake its parent's threads. */
	if (!isri_wake_is_at_home(isri_wake_of(source->loop)))
		return -EPERM;
	if (event)
		fired = *event;
	if (!is_valid(&fired))
		return -EINVAL;

	if (!fired.t_ns)
		fired.t_ns = isr_now_ns();
	fired.source = source->id;
	/* What is lost here the ring counts: no program can say. */
	fired.lost = 0;
	return source->ops->fire ? source->ops->fire(source, &fired)
				 : put(source, &fired);
}
