/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * No library: eventfd, epoll, read. With events, a mutex queue beside it
 * and a write only when the queue was empty.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "peer.h"
#include "queue.h"

static int efd, epfd;
static bool stopped;
static peer_cb *told;

static void open_loop(peer_cb *cb)
{
	struct epoll_event e = {.events = EPOLLIN};

	told = cb;
	efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (efd < 0 || epfd < 0 ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, efd, &e) < 0) {
		perror("bench: eventfd");
		exit(EXIT_FAILURE);
	}
}

static void run_loop(void)
{
	struct epoll_event events[8];
	uint64_t count;
	int n;

	while (!stopped) {
		/* EINTR: the handler may have written; look again */
		n = epoll_wait(epfd, events, 8, -1);
		if (n <= 0)
			continue;
		(void)!read(efd, &count, sizeof(count));
		told();
	}
}

static void stop_loop(void)
{
	stopped = true;
}

static void set(void)
{
	static const uint64_t one = 1;
	int saved = errno;

	(void)!write(efd, &one, sizeof(one));
	errno = saved;
}

PEER_SET_LOOPS(set)

QUEUE_FLOW(set)

const struct peer peer_eventfd = {
	.subject = "eventfd",
	.open = open_loop,
	.run = run_loop,
	.stop = stop_loop,
	.set = set,
	.set_many = set_many,
	.set_timed = set_timed,
	.set_in_handler = true,
	.flow_open = flow_open,
	.flow_produce = flow_produce,
};
