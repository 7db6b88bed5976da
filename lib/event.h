/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F0: what kinds of events have in common. */
#ifndef ISRI_EVENT_H
#define ISRI_EVENT_H

#include <stdbool.h>

#include <isrloop/event.h>

/* It tells of other events, or of none, and is not in their sums. */
static inline bool isri_event_is_report(const struct isr_event *event)
{
	return event->kind == ISR_EVENT_LOST ||
	       event->kind == ISR_EVENT_CHIP_LOST;
}

#endif /* ISRI_EVENT_H */
