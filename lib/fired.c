/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: what was fired at a source with a hard handler. Who fires puts the event
 * on the source's ring and rings the bell (source-fire.c); the source's IRQ
 * thread empties the ring under its lock.
 *
 * Each source has a bell, that is a descriptor, of its own. With one for all
 * sources of a thread, whoever is preempted between its mark and its write
 * would delay those that fire other sources after it, of whatever priority.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fired.h"
#include "source.h"

/* In the IRQ thread, under its lock. */
static void serve_bell(struct isri_watch *watch, unsigned int events)
{
	struct isr_source *source = watch->source;
	struct isri_bell *bell = &source->fired.bell;
	struct isr_event event;
	eventfd_t value;
	int i;

	eventfd_read(bell->fd, &value);
	isri_bell_answer(bell);
	for (i = 0; i < ISRI_SOURCE_BATCH_EVENTS; i++) {
		if (!isri_source_take_next(source, &event))
			return;
		isri_source_handle(source, ISR_CONTEXT_IRQ_THREAD, &event);
		/* The handler failed. */
		if (source->watch && !isri_source_is_armed(source))
			isri_watch_set(source->watch, 0);
	}
	/* There may be more: after the other sources had their turn. */
	isri_bell_ring(bell);
}

int isri_fired_init(struct isri_fired *fired, struct isr_source *source)
{
	int fd, r;

	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = isri_watch_init(&fired->watch, source, fd, ISRI_WATCH_BY_IRQ,
			    serve_bell);
	if (r < 0) {
		close(fd);
		return r;
	}
	fired->bell.fd = fd;

	isri_watch_lock(&fired->watch);
	r = isri_watch_set(&fired->watch, ISR_FD_READ);
	isri_watch_unlock(&fired->watch);
	return r;
}

void isri_fired_done(struct isri_fired *fired)
{
	if (!fired->watch.thread)
		return;
	isri_watch_lock(&fired->watch);
	isri_watch_set(&fired->watch, 0);
	isri_watch_unlock(&fired->watch);
	isri_watch_done(&fired->watch);
	close(fired->bell.fd);
}
