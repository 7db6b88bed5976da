/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: calls that wait to be made on the loop. */
#ifndef ISRI_SCHEDULE_H
#define ISRI_SCHEDULE_H

#include <isrloop/ring.h>

/* Calls that may wait when the configuration does not say. */
#define ISRI_SCHEDULE_DEPTH 64
#define ISRI_SCHEDULE_DEPTH_MAX (1U << 16)

struct isri_schedule {
	/* A call travels as an event; ring.ready wakes the loop. */
	struct isr_ring ring;
	/* any context, atomic: when a full queue was last told */
	ISR_COUNTER told_ns;
	/* loop only: calls made; and what the last one called, atomic */
	uint64_t made;
	isr_schedule_cb *last;
	/*
	 * A call was made, and there is another: true to make it at once.
	 * NULL, where there is no run queue: always.
	 */
	bool (*goes_on)(struct isr_loop *loop);
};

/*
 * lib/schedule-loop.c, loop class. depth: a power of two, 2 to the maximum.
 * Returns 0, -ENOMEM, or as isr_ring_init().
 */
int isri_schedule_init(struct isri_schedule *schedule, struct isr_loop *loop,
		       uint32_t depth);
/* After its flag was finished. Legal on zeroed memory. */
void isri_schedule_done(struct isri_schedule *schedule);
/* The callback of its flag. */
void isri_schedule_make_calls(struct isr_flag *ready, uint32_t count,
			      void *arg);

/* How a call travels in an event, and back. */
void isri_schedule_pack(struct isr_event *ret_event, isr_schedule_cb *cb,
			void *arg);
void isri_schedule_unpack(const struct isr_event *event,
			  isr_schedule_cb **ret_cb, void **ret_arg);

#endif /* ISRI_SCHEDULE_H */
