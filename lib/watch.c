/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: the descriptor of a source, and who serves it.
 */
#include <errno.h>
#include <stddef.h>

#include "source.h"
#include "watch.h"

static void serve_entry(struct isri_irq_entry *entry, unsigned int events)
{
	struct isri_watch *watch =
		(struct isri_watch *)((char *)entry -
				      offsetof(struct isri_watch, entry));

	watch->serve(watch, events);
}

static void serve_loop_fd(struct isri_loop_fd *loop_fd, unsigned int events)
{
	struct isri_watch *watch =
		(struct isri_watch *)((char *)loop_fd -
				      offsetof(struct isri_watch, loop_fd));

	/* What a mask left behind comes first. */
	if (isri_source_catch_up(watch->source))
		watch->serve(watch, events);
}

/* An interrupt that the loop finds itself; a flag tells it of others. */
static int watch_by_loop(struct isri_watch *watch, int fd)
{
	int r;

	r = isri_loop_fd_add(watch->source->loop, &watch->loop_fd, fd, 0,
			     serve_loop_fd);
	watch->loop_fd.band = ISRI_BAND_URGENT;
	return r;
}

int isri_watch_init(struct isri_watch *watch, struct isr_source *source, int fd,
		    enum isri_watch_by by,
		    void (*serve)(struct isri_watch *watch,
				  unsigned int events))
{
	watch->source = source;
	watch->serve = serve;
	if (by == ISRI_WATCH_BY_LOOP)
		return watch_by_loop(watch, fd);

	watch->entry.fd = fd;
	watch->entry.service = serve_entry;
	return isri_irq_thread_get(source->loop, by == ISRI_WATCH_BY_IRQ,
				   source->priority, &watch->thread);
}

void isri_watch_done(struct isri_watch *watch)
{
	isri_loop_fd_remove(&watch->loop_fd);
	isri_irq_thread_put(watch->thread);
	watch->thread = NULL;
}

void isri_watch_lock(struct isri_watch *watch)
{
	if (watch->thread)
		isri_irq_thread_lock(watch->thread);
}

void isri_watch_unlock(struct isri_watch *watch)
{
	if (watch->thread)
		isri_irq_thread_unlock(watch->thread);
}

static int wait_for(struct isri_watch *watch, unsigned int events)
{
	int r;

	if (!watch->thread)
		/* In zeroed memory there is nothing to wait for. */
		return watch->loop_fd.loop
			       ? isri_loop_fd_set(&watch->loop_fd, events)
			       : 0;

	r = isri_irq_thread_watch(watch->thread, &watch->entry, events);
	if (r < 0)
		isri_irq_thread_watch(watch->thread, &watch->entry, 0);
	/* Of epoll: such a file. Of ours it would be: this caller. */
	return r == -EPERM ? -EINVAL : r;
}

int isri_watch_set(struct isri_watch *watch, unsigned int events)
{
	int r = wait_for(watch, watch->masked ? 0 : events);

	watch->wanted = r < 0 ? 0 : events;
	return r;
}

int isri_watch_mask(struct isri_watch *watch, bool masked)
{
	watch->masked = masked;
	return wait_for(watch, masked ? 0 : watch->wanted);
}

void isri_watch_disarm(struct isr_source *source)
{
	isri_watch_lock(source->watch);
	isri_source_set_armed(source, false);
	isri_watch_set(source->watch, 0);
	isri_watch_unlock(source->watch);
}

void isri_watch_hand_on(struct isri_watch *watch, struct isr_event *event)
{
	struct isr_source *source = watch->source;

	if (!watch->thread) {
		isri_source_deliver(source, event, 1);
		return;
	}
	isri_source_fire(source, ISR_CONTEXT_IRQ_THREAD, event);
	/* The handler failed. */
	if (!isri_source_is_armed(source))
		isri_watch_set(watch, 0);
}
