/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: fd sources: a descriptor that the loop watches. Level triggered, so
 * what comes while disarmed is still there afterwards: nothing is discarded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "source.h"

struct isri_fd {
	struct isr_source source;
	/* loop only */
	struct isri_loop_fd watch;
	unsigned int events; /* wanted while armed */
};

static struct isri_fd *to_fd(struct isr_source *source)
{
	return (struct isri_fd *)source;
}

static void serve_watch(struct isri_loop_fd *watch, unsigned int events)
{
	struct isri_fd *fd =
		(struct isri_fd *)((char *)watch -
				   offsetof(struct isri_fd, watch));
	struct isr_event event = {
		.t_ns = isr_now_ns(),
		.kind = ISR_EVENT_FD,
		.line_seq = ++fd->source.stats.line_seq,
		.value = (int32_t)events,
	};

	isri_source_deliver(&fd->source, &event, 1);
}

static int arm_fd(struct isr_source *source)
{
	int r;

	r = isri_loop_fd_set(&to_fd(source)->watch, to_fd(source)->events);
	if (r == 0)
		isri_source_set_armed(source, true);
	return r;
}

static void disarm_fd(struct isr_source *source)
{
	isri_source_set_armed(source, false);
	if (to_fd(source)->watch.loop)
		isri_loop_fd_set(&to_fd(source)->watch, 0);
}

static void release_fd(struct isr_source *source)
{
	isri_loop_fd_remove(&to_fd(source)->watch);
	isri_source_done(source);
	free(to_fd(source));
}

static const struct isri_source_ops fd_ops = {
	.arm = arm_fd,
	.disarm = disarm_fd,
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

	if (!loop || !handler || !ret_source || !are_valid(events))
		return -EINVAL;
	r = isri_loop_check(loop);
	if (r < 0)
		return r;
	r = isri_source_check_options(options);
	if (r < 0)
		return r;
	if (fcntl(fd, F_GETFD) < 0)
		return -EBADF;

	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->events = events;
	r = isri_source_init(&f->source, &setup);
	if (r < 0)
		goto out;
	r = isri_loop_fd_add(loop, &f->watch, fd, 0, serve_watch);
	if (r < 0)
		goto out;
	r = arm_fd(&f->source);
	if (r < 0)
		goto out;

	*ret_source = &f->source;
	return 0;

out:
	release_fd(&f->source);
	return r;
}

int isr_fd_set_events(struct isr_source *source, unsigned int events)
{
	int r;

	if (!source || source->ops != &fd_ops || !are_valid(events))
		return -EINVAL;
	r = isri_loop_check(source->loop);
	if (r < 0)
		return r;

	to_fd(source)->events = events;
	if (!isri_source_is_armed(source))
		return 0;
	return isri_loop_fd_set(&to_fd(source)->watch, events);
}
