/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: a foreign loop's view of what a loop of ours watches: an epoll
 * descriptor that watches duplicates, because epoll takes a descriptor once
 * only and two watches may share one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <isrloop/event.h>

#include "loop.h"

void isri_loop_outer_remove(int epoll_fd, struct isri_loop_fd *watch)
{
	if (watch->outer_fd < 0)
		return;
	/* A close is not enough: the entry lives while the file is open. */
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, watch->outer_fd, NULL);
	close(watch->outer_fd);
	watch->outer_fd = -1;
}

int isri_loop_outer_update(int epoll_fd, struct isri_loop_fd *watch)
{
	struct epoll_event event = {
		.events = ((watch->events & ISR_FD_READ) ? EPOLLIN : 0) |
			  ((watch->events & ISR_FD_WRITE) ? EPOLLOUT : 0),
	};

	isri_loop_outer_remove(epoll_fd, watch);
	if (epoll_fd < 0 || !watch->events)
		return 0;

	watch->outer_fd = fcntl(watch->fd, F_DUPFD_CLOEXEC, 0);
	if (watch->outer_fd < 0)
		return -errno;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, watch->outer_fd, &event) < 0)
		return -errno;
	return 0;
}
