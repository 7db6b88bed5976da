/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The daemon's socket, and that there is one daemon for it. */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include <sys/types.h>

#include <isrloop/error.h>

#include "config.h"

/* Initialise with LISTENER_NONE. */
struct listener {
	int fd;
	/* below: -1 and NULL for a socket that the service manager made */
	int lock_fd;
	char *lock_path;
	const char *path; /* set once the socket there is ours */
};

#define LISTENER_NONE ((struct listener){.fd = -1, .lock_fd = -1})

/*
 * Become the one daemon that listens on config->socket, which must outlive
 * the listener. A socket that nobody listens on any more is replaced. On
 * failure ret_error says in full what is wrong, and the caller ends with
 * listener_close() all the same.
 */
int listener_open(struct listener *listener, const struct config_daemon *config,
		  struct isr_error *ret_error);

/* Removes the socket if it is ours. */
void listener_close(struct listener *listener);

#endif /* DAEMON_LISTENER_H */
