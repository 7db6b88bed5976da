/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F4: tasks wait for descriptors.
 *
 * Each task has a watch of its own, for the one descriptor that it waits for.
 * So tasks that wait for the same one, in whatever direction, know nothing of
 * each other: to cancel one changes nothing for the others. (MicroPython keeps
 * the waiters in an entry of the descriptor, and a reader that is cancelled
 * takes the writer with it.) The watch is told by the loop that the descriptor
 * may be ready; whether it is, the task finds out itself, for another one may
 * have been faster.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include <isrloop/stream.h>

#include "futex.h"
#include "wait-fd.h"

#define BOTH ((unsigned int)(ISR_FD_READ | ISR_FD_WRITE))

static void on_ready(struct isri_loop_fd *watch, unsigned int events)
{
	/* It has had its place among the ordinary steps. */
	isri_task_resume(((struct isri_wait_fd *)watch)->task,
			 ISRI_BAND_URGENT);
}

static int make_watch(struct isr_task *task)
{
	struct isri_wait_fd *wait;
	int r;

	wait = calloc(1, sizeof(*wait));
	if (!wait)
		return -ENOMEM;
	r = isri_loop_fd_add(task->loop, &wait->watch, -1, 0, on_ready);
	if (r < 0) {
		free(wait);
		return r;
	}
	wait->task = task;
	task->wait_fd = wait;
	return 0;
}

int isri_wait_fd_sleep(struct isr_task *self, int fd, unsigned int events,
		       uint64_t due_ns)
{
	struct isri_loop_fd *watch;
	bool is_due;
	int r = 0;

	if (!self->wait_fd)
		r = make_watch(self);
	if (r < 0)
		return r;
	watch = &self->wait_fd->watch;
	watch->fd = fd;
	r = isri_loop_fd_set(watch, events);
	if (r < 0)
		return r;
	is_due = isri_task_suspend_until(self, due_ns);
	isri_loop_fd_set(watch, 0);
	return is_due;
}

void isri_wait_fd_done(struct isr_task *task)
{
	if (!task->wait_fd)
		return;
	isri_loop_fd_remove(&task->wait_fd->watch);
	free(task->wait_fd);
	task->wait_fd = NULL;
}

/* Bits that are ready; 0: none; -EBADF, and what poll(2) says. */
static int look(int fd, unsigned int events)
{
	struct pollfd p = {
		.fd = fd,
		.events = (short)(((events & ISR_FD_READ) ? POLLIN : 0) |
				  ((events & ISR_FD_WRITE) ? POLLOUT : 0)),
	};

	if (poll(&p, 1, 0) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p.revents & POLLNVAL)
		return -EBADF;
	if (p.revents & (POLLERR | POLLHUP))
		return (int)BOTH;
	return ((p.revents & POLLIN) ? ISR_FD_READ : 0) |
	       ((p.revents & POLLOUT) ? ISR_FD_WRITE : 0);
}

static int wait_fd(struct isr_task *self, int fd, unsigned int events,
		   int64_t timeout_ns)
{
	uint64_t due_ns = isri_futex_deadline_ns(timeout_ns);
	bool is_due = timeout_ns == 0;
	int r;

	/* Not after the look: who runs then may read what was there. */
	isri_task_go_on(self, timeout_ns);
	for (;;) {
		if (isri_task_is_cancelled(self))
			return -ECANCELED;
		r = look(fd, events);
		if (r != 0)
			return r;
		if (is_due)
			return -ETIMEDOUT;
		r = isri_wait_fd_sleep(self, fd, events, due_ns);
		if (r < 0)
			return r;
		is_due = r;
	}
}

int isr_wait_fd(int fd, unsigned int events, int64_t timeout_ns)
{
	int r;

	if (!events || events & ~BOTH || timeout_ns < ISR_FOREVER)
		return -EINVAL;
	if (fd < 0)
		return -EBADF;
	r = isri_task_check_wait();
	if (r < 0)
		return r;
	return wait_fd(isri_task_current(), fd, events, timeout_ns);
}
