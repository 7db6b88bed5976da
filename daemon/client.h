/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* One connection: bytes in, calls run, replies and records out. */
#ifndef DAEMON_CLIENT_H
#define DAEMON_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include <isrloop/source.h>

#include "buffer.h"
#include "subscription.h"

struct server;

/* A request may be this long. */
#define CLIENT_MESSAGE_BYTES_MAX (64 * 1024)

struct client {
	struct server *server;
	/* the server's list that it is on */
	struct client *next;
	struct client **prev;
	uint64_t id;
	pid_t pid;
	uid_t uid;
	int fd;
	struct isr_source *source;
	unsigned int interest; /* enum isr_fd_events */
	struct buffer in;
	struct buffer out;
	/* NULL: no stream runs */
	struct subscription *subscription;
	/* the client has said all that it will say */
	bool is_eof;
	/* it has been told why it must go; what it sends is thrown away */
	bool is_leaving;
	bool is_shut;
	/* by the server: about to be freed */
	bool is_dropped;
	size_t discarded_bytes;
	uint64_t calls;
	/* of streams that have ended */
	uint64_t delivered;
	uint64_t lost;
	uint64_t lost_client;
	uint64_t delivered_records;
	uint64_t lost_records;
};

/*
 * Take over a connected, non-blocking socket. Returns 0 or a negative
 * errno, and then the socket is still the caller's.
 */
int client_new(struct server *server, int fd, uint64_t id,
	       struct client **ret_client);

/* No more is done for it; client_free() follows, later. */
void client_stop(struct client *client);

/* Not from its own callbacks: see server_drop(). NULL is legal. */
void client_free(struct client *client);

/*
 * Tell a client at once that it must go. Takes @parameters over. Returns 0
 * or -ENOMEM.
 */
int client_refuse(struct client *client, const char *error, json_t *parameters);

/*
 * A stream begins; its first reply has been written. The subscription is the
 * client's from now on.
 */
void client_set_subscription(struct client *client,
			     struct subscription *subscription);

/* The hub's due callback; arg is the client. */
bool client_due(struct subscription *subscription, void *arg);

#endif /* DAEMON_CLIENT_H */
