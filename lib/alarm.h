/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: alarms: something is due at a time. Any number of them share one
 * timerfd, which is set only just before the loop sleeps and only if another
 * alarm is the earliest since it was set last.
 */
#ifndef ISRI_ALARM_H
#define ISRI_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "loop-fd.h"

struct isr_loop;

/* Caller's memory, zeroed but for ring. */
struct isri_alarm {
	/* CLOCK_MONOTONIC; constant while it is set. */
	uint64_t due_ns;
	/* First set, first rung, of those that are due at once; 0: not set. */
	uint64_t order;
	/* A pairing heap: prev is the parent of a first child. */
	struct isri_alarm *child, *next, *prev;
	/*
	 * On the loop's stack, when it is not set any more. Short: what takes
	 * time it queues as a step. It may set or cancel any alarm.
	 */
	void (*ring)(struct isri_alarm *alarm);
};

/* In struct isri_loop_base; loop thread only. */
struct isri_alarms {
	struct isri_alarm *first;
	uint64_t last_order;
	/* What the timerfd is set to; 0: it is not. */
	uint64_t set_ns;
	struct isri_loop_fd watch;
};

/* 0; what timerfd_create(2) and isri_loop_fd_add() say. */
int isri_alarms_init(struct isr_loop *loop);
/* Legal when isri_alarms_init() was not called, or failed. */
void isri_alarms_done(struct isr_loop *loop);

/* Also moves one that is set. A time that is over is due at once. */
void isri_alarm_set(struct isr_loop *loop, struct isri_alarm *alarm,
		    uint64_t due_ns);
/* Before its memory goes; legal when it is not set. */
void isri_alarm_cancel(struct isr_loop *loop, struct isri_alarm *alarm);

static inline bool isri_alarm_is_set(const struct isri_alarm *alarm)
{
	return alarm->order;
}

/*
 * Rings those that are due, and not those that are set meanwhile; of very many
 * only some. The others are due still, so the loop will not block.
 */
void isri_alarms_ring(struct isr_loop *loop, uint64_t now_ns);
/* The loop is about to sleep. */
void isri_alarms_prepare(struct isr_loop *loop);

#endif /* ISRI_ALARM_H */
