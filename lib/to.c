/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3, signal class: handlers that are ready made. Each takes what happened
 * over one bridge, whose own counts tell what it refused: to fail for that
 * would disarm the source.
 */
#include <errno.h>

#include <isrloop/latch.h>

#include "event.h"

int isr_to_flag(struct isr_source *source, const struct isr_event *event,
		void *arg)
{
	(void)source;
	if (!isri_event_is_report(event))
		isr_flag_set(arg);
	return 0;
}

int isr_to_ring(struct isr_source *source, const struct isr_event *event,
		void *arg)
{
	(void)source;
	(void)isr_ring_put(arg, event);
	return 0;
}

int isr_to_latch(struct isr_source *source, const struct isr_event *event,
		 void *arg)
{
	const struct isr_latch *latch = arg;

	(void)source;
	/* It would read or write past the event. */
	if (latch->value_bytes != sizeof(*event))
		return -EINVAL;
	if (!isri_event_is_report(event))
		(void)isr_latch_store(arg, event);
	return 0;
}
