/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The client's side of varlink (varlink.org): JSON objects over a stream
 * socket, each ended by a NUL byte. One call at a time.
 */
#ifndef ISRMON_VARLINK_CLIENT_H
#define ISRMON_VARLINK_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/** A reply longer than this is no reply of isrloopd. */
#define VARLINK_MESSAGE_BYTES_MAX (16 << 20)

struct varlink_client {
	int fd;
	/* received and not yet parsed: [start, end) of size bytes */
	char *buffer;
	size_t size;
	size_t start;
	size_t end;
	/* searched for a NUL up to here */
	size_t searched;
};

/** Returns 0; what socket(2) and connect(2) say; -ENAMETOOLONG. */
int varlink_connect(struct varlink_client *client, const char *path);

/** Zeroed memory with fd -1, or a client that failed to connect, is legal. */
void varlink_close(struct varlink_client *client);

/**
 * Send a call; waits until all is written.
 * @param parameters  Taken, also on failure.
 * @return 0; -ENOMEM; what write(2) says.
 */
int varlink_send(struct varlink_client *client, const char *method,
		 json_t *parameters, bool more);

/**
 * Read what is there, without waiting.
 * @return Bytes read; 0 when there is nothing now; -ECONNRESET when the
 *         peer ended it; -EMSGSIZE; what recv(2) says.
 */
int varlink_receive(struct varlink_client *client);

/**
 * Take the next whole reply out of what was received.
 * @return 1 and a new reference; 0 when none is whole; -EBADMSG.
 */
int varlink_take(struct varlink_client *client, json_t **ret_reply);

/**
 * Wait for the next reply.
 * @return 0 and a new reference; -ETIMEDOUT; errors of the two above.
 */
int varlink_wait(struct varlink_client *client, int timeout_ms,
		 json_t **ret_reply);

#endif /* ISRMON_VARLINK_CLIENT_H */
