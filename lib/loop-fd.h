/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F2: descriptors that a loop watches. */
#ifndef ISRI_LOOP_FD_H
#define ISRI_LOOP_FD_H

#include "step.h"

struct isr_loop;
struct isri_loop_fd;
struct loop_io;

/* Runs on the loop's thread; events are ISR_FD_* bits that are ready. */
typedef void isri_loop_fd_cb(struct isri_loop_fd *watch, unsigned int events);

/*
 * One descriptor that the loop watches, level triggered: the callback is a
 * step. Private to loop.c but for fd and band. A callback may close any watch,
 * its own included: then it must not touch the watch afterwards.
 */
struct isri_loop_fd {
	int fd;
	unsigned int events;
	/* Ordinary, unless that is changed once it is watched. */
	enum isri_band band;
	isri_loop_fd_cb *cb;
	/* A foreign loop's duplicate of fd; -1: none. */
	int outer_fd;
	struct isr_loop *loop;
	struct loop_io *io;
};

/*
 * Start watching; the watch is the caller's memory until removed. events are
 * ISR_FD_* bits, 0 for none yet. Returns 0, -ENOMEM, or what dup(2) and
 * epoll_ctl(2) say when a foreign loop watches us. Without a callback it wakes
 * the loop, and no more.
 */
int isri_loop_fd_add(struct isr_loop *loop, struct isri_loop_fd *watch, int fd,
		     unsigned int events, isri_loop_fd_cb *cb);
/* Returns as isri_loop_fd_add(); on failure it waits for nothing. */
int isri_loop_fd_set(struct isri_loop_fd *watch, unsigned int events);
/* Legal on a watch that was never added (zeroed memory). */
void isri_loop_fd_remove(struct isri_loop_fd *watch);

#endif /* ISRI_LOOP_FD_H */
