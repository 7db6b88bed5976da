/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1, loop class: the calls of isr_schedule() are made.
 *
 * One call is taken at a time, so that all places but those of calls that
 * really wait are free for the callbacks themselves.
 */
#include <errno.h>
#include <stdlib.h>

#include "atomic.h"
#include "loop-head.h"
#include "ring.h"
#include "schedule.h"

/* False: others come first. */
static bool goes_on(struct isr_loop *loop, const struct isri_schedule *schedule)
{
	if (isri_ring_seems_empty(&schedule->ring) || !schedule->goes_on)
		return true;
	return schedule->goes_on(loop);
}

void isri_schedule_make_calls(struct isr_flag *ready, uint32_t count, void *arg)
{
	struct isri_wake *wake = ready->wake;
	struct isr_loop *loop = (struct isr_loop *)wake;
	struct isri_schedule *schedule = arg;
	uint32_t left = schedule->ring.mask + 1;
	struct isr_event event;
	isr_schedule_cb *cb;
	void *cb_arg;

	/* Posted meanwhile: after the other flags had their turn. */
	for (; left && !wake->halted; left--) {
		if (isr_ring_get(&schedule->ring, &event, 1) <= 0)
			return;
		isri_schedule_unpack(&event, &cb, &cb_arg);
		schedule->made++;
		/* relaxed: for names; see isri_step_make_name() */
		atomic_store_explicit(ATOMIC(&schedule->last), cb,
				      memory_order_relaxed);
		cb(cb_arg);
		isri_loop_check_mask(loop);
		if (!goes_on(loop, schedule))
			break;
	}
	/* Does nothing when a callback freed the loop. */
	isr_flag_set(ready);
}

int isri_schedule_init(struct isri_schedule *schedule, struct isr_loop *loop,
		       uint32_t depth)
{
	struct isr_event *slots;
	int r;

	slots = calloc(depth, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	r = isr_ring_init(&schedule->ring, loop, slots, depth,
			  ISR_RING_DROP_NEW);
	if (r < 0) {
		free(slots);
		return r;
	}
	return isr_flag_set_cb(&schedule->ring.ready, isri_schedule_make_calls,
			       schedule);
}

void isri_schedule_done(struct isri_schedule *schedule)
{
	free(schedule->ring.slots);
	schedule->ring.slots = NULL;
}
