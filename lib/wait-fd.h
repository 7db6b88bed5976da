/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F4: tasks wait for descriptors. */
#ifndef ISRI_WAIT_FD_H
#define ISRI_WAIT_FD_H

#include "loop-fd.h"
#include "task.h"

/* A task's, made with its first wait and kept to its end. */
struct isri_wait_fd {
	struct isri_loop_fd watch; /* first */
	struct isr_task *task;
};

/*
 * The caller, which is self, sleeps until the descriptor is ready for one of
 * these ISR_FD_* bits, or failed, or due_ns has come; or for no reason, so it
 * tries what it wants to do and, if need be, sleeps again. 1: that time has
 * come; 0; -ENOMEM, and what isri_loop_fd_set() says. Allocates the first time
 * only.
 */
int isri_wait_fd_sleep(struct isr_task *self, int fd, unsigned int events,
		       uint64_t due_ns);

/* It has ended. Legal when it never waited for one. */
void isri_wait_fd_done(struct isr_task *task);

#endif /* ISRI_WAIT_FD_H */
