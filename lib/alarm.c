/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: alarms, in a pairing heap: to set one costs two comparisons or so, and
 * no memory; to take one out, of n, a number that grows as log n.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <isrloop/event.h>

#include "alarm.h"
#include "clock.h"
#include "loop.h"

/* At one go: then flags have their turn. */
#define RING_MAX 256

static struct isri_alarms *alarms_of(struct isr_loop *loop)
{
	return &isri_loop_base(loop)->alarms;
}

static bool is_before(const struct isri_alarm *a, const struct isri_alarm *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns
				      : a->order < b->order;
}

/* Of two trees without siblings, either of which may be NULL, one. */
static struct isri_alarm *meld(struct isri_alarm *a, struct isri_alarm *b)
{
	struct isri_alarm *first, *other;

	if (!a || !b)
		return a ? a : b;
	first = is_before(a, b) ? a : b;
	other = first == a ? b : a;
	other->prev = first;
	other->next = first->child;
	if (other->next)
		other->next->prev = other;
	first->child = other;
	return first;
}

/* Off the head of a list of siblings. */
static struct isri_alarm *shift(struct isri_alarm **list)
{
	struct isri_alarm *alarm = *list;

	if (alarm) {
		*list = alarm->next;
		alarm->next = alarm->prev = NULL;
	}
	return alarm;
}

/* One tree of all siblings: in pairs, from left to right, then backwards. */
static struct isri_alarm *meld_all(struct isri_alarm *list)
{
	struct isri_alarm *pairs = NULL, *all = NULL, *a;

	while ((a = shift(&list))) {
		a = meld(a, shift(&list));
		a->next = pairs;
		pairs = a;
	}
	while ((a = shift(&pairs)))
		all = meld(all, a);
	return all;
}

static void take_out(struct isri_alarms *alarms, struct isri_alarm *alarm)
{
	struct isri_alarm *children = meld_all(alarm->child);

	if (alarm == alarms->first) {
		alarms->first = children;
	} else {
		if (alarm->prev->child == alarm)
			alarm->prev->child = alarm->next;
		else
			alarm->prev->next = alarm->next;
		if (alarm->next)
			alarm->next->prev = alarm->prev;
		alarms->first = meld(alarms->first, children);
	}
	alarm->child = alarm->next = alarm->prev = NULL;
	alarm->order = 0;
}

void isri_alarm_set(struct isr_loop *loop, struct isri_alarm *alarm,
		    uint64_t due_ns)
{
	struct isri_alarms *alarms = alarms_of(loop);

	if (alarm->order)
		take_out(alarms, alarm);
	alarm->due_ns = due_ns;
	alarm->order = ++alarms->last_order;
	alarms->first = meld(alarms->first, alarm);
	/* It sets the timer when it goes to sleep again. */
	if (alarms->first == alarm)
		isri_wake_rouse(isri_wake_of(loop));
}

void isri_alarm_cancel(struct isr_loop *loop, struct isri_alarm *alarm)
{
	if (alarm->order)
		take_out(alarms_of(loop), alarm);
}

void isri_alarms_ring(struct isr_loop *loop, uint64_t now_ns)
{
	struct isri_alarms *alarms = alarms_of(loop);
	uint64_t last_order = alarms->last_order;
	struct isri_alarm *alarm;
	unsigned int n = 0;

	while ((alarm = alarms->first) && alarm->due_ns <= now_ns &&
	       alarm->order <= last_order && n++ < RING_MAX) {
		take_out(alarms, alarm);
		alarm->ring(alarm);
	}
}

void isri_alarms_prepare(struct isr_loop *loop)
{
	struct isri_alarms *alarms = alarms_of(loop);
	struct itimerspec spec = {.it_interval = {0}};
	uint64_t due_ns = 0;

	if (alarms->first)
		due_ns = alarms->first->due_ns;
	/* 0 would stop it; and a time_t of 32 bits ends 68 years on. */
	if (alarms->first && !due_ns)
		due_ns = 1;
	if (due_ns > INT32_MAX * ISRI_NS_PER_S)
		due_ns = INT32_MAX * ISRI_NS_PER_S;
	if (due_ns == alarms->set_ns)
		return;
	spec.it_value = isri_clock_to_timespec(due_ns);
	/* Cannot fail: the times are good. What it told is forgotten. */
	timerfd_settime(alarms->watch.fd, TFD_TIMER_ABSTIME, &spec, NULL);
	alarms->set_ns = due_ns;
}

int isri_alarms_init(struct isr_loop *loop)
{
	struct isri_alarms *alarms = alarms_of(loop);
	int fd, r;

	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	/* That it wakes the loop is all. */
	r = isri_loop_fd_add(loop, &alarms->watch, fd, ISR_FD_READ, NULL);
	if (r < 0)
		close(fd);
	return r;
}

void isri_alarms_done(struct isr_loop *loop)
{
	struct isri_alarms *alarms = alarms_of(loop);
	int fd = alarms->watch.fd;

	if (!alarms->watch.io)
		return;
	isri_loop_fd_remove(&alarms->watch);
	close(fd);
}
