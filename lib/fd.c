/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: fd sources: a descriptor that the loop, or an IRQ thread, watches. Level
 * triggered, so what comes while disarmed is still there afterwards: nothing
 * is discarded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "source.h"
#include "watch.h"

struct isri_fd {
	struct isr_source source;
	/* loop only */
	unsigned int events; /* wanted while armed */
	/* under its lock */
	struct isri_watch watch;
};

static struct isri_fd *to_fd(struct isr_source *source)
{
	return (struct isri_fd *)source;
}

static void serve_watch(struct isri_watch *watch, unsigned int events)
{
	struct isri_fd *fd =
		(struct isri_fd *)((char *)watch -
				   offsetof(struct isri_fd, watch));
	struct isr_event event = {
		.t_ns = isr_now_ns(),
		.kind = ISR_EVENT_FD,
		.line_seq = isri_source_advance(&fd->source, 1),
		.value = (int32_t)events,
	};

	isri_watch_hand_on(watch, &event);
}

/* Under the lock. */
static int start_fd(struct isri_fd *fd)
{
	int r;

	r = isri_watch_set(&fd->watch, fd->events);
	if (r == 0)
		isri_source_set_armed(&fd->source, true);
	return r;
}

static int arm_fd(struct isr_source *source)
{
	struct isri_fd *fd = to_fd(source);
	int r;

	isri_watch_lock(&fd->watch);
	r = start_fd(fd);
	isri_watch_unlock(&fd->watch);
	return r;
}

static void release_fd(struct isr_source *source)
{
	isri_watch_done(&to_fd(source)->watch);
	isri_source_done(source);
	free(to_fd(source));
}

static const struct isri_source_ops fd_ops = {
	.arm = arm_fd,
	.disarm = isri_watch_disarm,
	.release = release_fd,
};

static bool are_valid(unsigned int events)
{
	return !(events & ~(unsigned int)(ISR_FD_READ | ISR_FD_WRITE));
}

int isr_fd_open(struct isr_loop *loop, int fd, unsigned int events,
		const struct isr_source_options *options,
		isr_handler_cb *handler, void *arg,
		struct isr_source **ret_source)
{
	const struct isri_source_setup setup = {
		.ops = &fd_ops,
		.loop = loop,
		.options = options,
		.kind = "fd",
		.number = fd,
		.handler = handler,
		.arg = arg,
	};
	struct isri_fd *f;
	int r;

	if (!are_valid(events))
		return -EINVAL;
	r = isri_source_check_setup(&setup, ret_source);
	if (r < 0)
		return r;
	if (fcntl(fd, F_GETFD) < 0)
		return -EBADF;

	f = isri_source_alloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->events = events;
	f->source.watch = &f->watch;
	r = isri_source_init(&f->source, &setup);
	if (r < 0)
		goto out;
	r = isri_watch_init(&f->watch, &f->source, fd,
			    f->source.hard ? ISRI_WATCH_BY_IRQ
					   : ISRI_WATCH_BY_LOOP,
			    serve_watch);
	if (r < 0)
		goto out;

	/* Before a hard handler, which may run once the lock is back. */
	isri_watch_lock(&f->watch);
	r = start_fd(f);
	if (r == 0)
		*ret_source = &f->source;
	isri_watch_unlock(&f->watch);
	if (r == 0)
		return 0;

out:
	release_fd(&f->source);
	return r;
}

int isr_fd_set_events(struct isr_source *source, unsigned int events)
{
	struct isri_fd *fd = to_fd(source);
	int r;

	if (!source || source->ops != &fd_ops || !are_valid(events))
		return -EINVAL;
	r = isri_loop_check(source->loop);
	if (r < 0)
		return r;

	fd->events = events;
	isri_watch_lock(&fd->watch);
	if (isri_source_is_armed(source))
		r = isri_watch_set(&fd->watch, events);
	isri_watch_unlock(&fd->watch);
	return r;
}
