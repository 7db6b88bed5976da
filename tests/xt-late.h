/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What a kernel may do to a switch, and a tape does not show: store an edge so
 * long after its stamp that silence was told already, or that its level was
 * found first. For programs that are linked with
 * --wrap=isri_switch_core_feed.
 */
#ifndef XT_LATE_H
#define XT_LATE_H

#include "switch.h"
#include "xt-play.h"

static struct xt_cast cast;
/* Players that were told late. */
static unsigned int n_late;

bool __real_isri_switch_core_feed(struct isri_switch_core *core,
				  const struct isr_event *event);
bool __wrap_isri_switch_core_feed(struct isri_switch_core *core,
				  const struct isr_event *event);

/* NULL for switches that are fed. */
static inline struct xt_tape *xt_late_find(const struct isri_switch_core *core)
{
	const char *p = (const char *)core;
	unsigned int i;

	for (i = 0; i < cast.n_players; i++)
		if (p > (const char *)cast.players[i]->contact &&
		    p < (const char *)(cast.players[i]->contact + 1))
			return &cast.players[i]->tape;
	return NULL;
}

bool __wrap_isri_switch_core_feed(struct isri_switch_core *core,
				  const struct isr_event *event)
{
	struct xt_tape *tape = xt_late_find(core);

	if (tape && event->kind == ISR_EVENT_IDLE)
		tape->silent_ns = event->t_ns;
	else if (tape && (event->kind == ISR_EVENT_INITIAL ||
			  event->t_ns < tape->silent_ns))
		tape->was_late = true;
	return __real_isri_switch_core_feed(core, event);
}

/* Only a kernel may. */
static inline bool xt_was_late(const struct xt_tape *tape)
{
	ck_assert(!tape->was_late || xt_play_is_real());
	n_late += tape->was_late;
	return tape->was_late;
}

#endif /* XT_LATE_H */
