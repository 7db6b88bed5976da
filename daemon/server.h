/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The server: accepts connections and keeps them, up to a limit. */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include <isrloop/flag.h>
#include <isrloop/loop.h>
#include <isrloop/source.h>

#include "client.h"
#include "config.h"
#include "hub.h"

struct client_list {
	struct client *first; /* the latest */
	size_t length;
};

struct server {
	struct isr_loop *loop;
	struct hub *hub;
	const struct config_daemon *config;
	uint64_t started_ns;
	int listen_fd;
	struct isr_source *listener;
	/* runs while there is no descriptor for one more connection */
	struct isr_source *retry;
	struct isr_flag dropped_flag;
	struct client_list clients;
	/* told to go; they count for little and may be dropped at any time */
	struct client_list leaving;
	/* to be freed once no callback of theirs runs */
	struct client_list dropped;
	uint64_t last_id;
};

/*
 * Serve @hub's lines on the listening socket @fd, which stays the caller's.
 * Returns 0 or a negative errno; either way the caller ends with
 * server_stop().
 */
int server_start(struct server *server, struct isr_loop *loop, struct hub *hub,
		 const struct config_daemon *config, int fd);

/* Ends all connections. Zeroed memory is legal. */
void server_stop(struct server *server);

/* End a connection; legal in its own callbacks. */
void server_drop(struct server *server, struct client *client);

/* The client has been told to go: it counts as a client no more. */
void server_leaving(struct server *server, struct client *client);

#endif /* DAEMON_SERVER_H */
