/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: isr_schedule, one call on the loop, from any context.
 *
 * A call is a pair of words, and an event has room for two: so the queue is
 * a ring of events and has no lock-free code of its own to be proved.
 */
#include <errno.h>

#include "atomic.h"
#include "emerg.h"
#include "loop-head.h"
#include "schedule.h"

_Static_assert(sizeof(uintptr_t) <= sizeof(uint64_t), "a pointer in t_ns");
_Static_assert(sizeof(isr_schedule_cb *) == sizeof(uintptr_t), "as a word");

void isri_schedule_pack(struct isr_event *ret_event, isr_schedule_cb *cb,
			void *arg)
{
	uint64_t word = (uintptr_t)arg;

	*ret_event = (struct isr_event){
		.t_ns = (uintptr_t)cb,
		.seq_high = (uint32_t)(word >> 32),
		.line_seq = (uint32_t)word,
		.kind = ISR_EVENT_USER,
	};
}

void isri_schedule_unpack(const struct isr_event *event,
			  isr_schedule_cb **ret_cb, void **ret_arg)
{
	uint64_t word = (uint64_t)event->seq_high << 32 | event->line_seq;

	*ret_cb = (isr_schedule_cb *)(uintptr_t)event->t_ns;
	*ret_arg = (void *)(uintptr_t)word;
}

int isr_schedule(struct isr_loop *loop, isr_schedule_cb *cb, void *arg)
{
	struct isri_schedule *schedule;
	struct isr_event event;

	if (!loop || !cb)
		return -EINVAL;
	if (!isri_wake_is_at_home(isri_wake_of(loop)))
		return -EPERM;

	schedule = &isri_loop_head_of(loop)->schedule;
	isri_schedule_pack(&event, cb, arg);
	if (isr_ring_put(&schedule->ring, &event) == 0)
		return 0;

	/* The ring has counted it. */
	if (isri_emerg_may_tell(&schedule->told_ns))
		isri_emerg_record(loop, ISR_EMERG_SCHEDULE_FULL, -EAGAIN, 0,
				  "isr_schedule() refuses calls: it is full",
				  NULL);
	return -EAGAIN;
}
