/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The client's side of varlink. The buffer is searched for the NUL once per
 * byte, however the bytes trickle in, and grows only for a reply that does
 * not fit it.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "varlink-client.h"

#define BUFFER_BYTES (64 << 10)

int varlink_connect(struct varlink_client *client, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	memset(client, 0, sizeof(*client));
	client->fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));

	client->buffer = malloc(BUFFER_BYTES);
	if (!client->buffer)
		return -ENOMEM;
	client->size = BUFFER_BYTES;

	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return -errno;
	if (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) <
	    0) {
		r = -errno;
		varlink_close(client);
		return r;
	}
	return 0;
}

void varlink_close(struct varlink_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	free(client->buffer);
	client->buffer = NULL;
}

static int send_all(int fd, const char *bytes, size_t left)
{
	while (left > 0) {
		ssize_t n = send(fd, bytes, left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		left -= (size_t)n;
	}
	return 0;
}

int varlink_send(struct varlink_client *client, const char *method,
		 json_t *parameters, bool more)
{
	json_t *call = json_pack("{s:s, s:o}", "method", method, "parameters",
				 parameters);
	char *text;
	int r;

	if (!call)
		return -ENOMEM;
	if (more && json_object_set_new(call, "more", json_true()) < 0) {
		json_decref(call);
		return -ENOMEM;
	}

	text = json_dumps(call, JSON_COMPACT);
	json_decref(call);
	if (!text)
		return -ENOMEM;
	r = send_all(client->fd, text, strlen(text) + 1);
	free(text);
	return r;
}

/* Room behind end: by moving down, else by growing. */
static int make_room(struct varlink_client *client)
{
	char *buffer;

	if (client->start > 0) {
		memmove(client->buffer, client->buffer + client->start,
			client->end - client->start);
		client->end -= client->start;
		client->searched -= client->start;
		client->start = 0;
	}
	if (client->end < client->size)
		return 0;
	if (client->size >= VARLINK_MESSAGE_BYTES_MAX)
		return -EMSGSIZE;

	buffer = realloc(client->buffer, client->size * 2);
	if (!buffer)
		return -ENOMEM;
	client->buffer = buffer;
	client->size *= 2;
	return 0;
}

int varlink_receive(struct varlink_client *client)
{
	ssize_t n;
	int r;

	r = make_room(client);
	if (r < 0)
		return r;

	n = recv(client->fd, client->buffer + client->end,
		 client->size - client->end, MSG_DONTWAIT);
	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	client->end += (size_t)n;
	return (int)n;
}

int varlink_take(struct varlink_client *client, json_t **ret_reply)
{
	char *nul = memchr(client->buffer + client->searched, '\0',
			   client->end - client->searched);
	const char *text = client->buffer + client->start;
	json_t *reply;

	if (!nul) {
		client->searched = client->end;
		return 0;
	}

	client->start = (size_t)(nul - client->buffer) + 1;
	client->searched = client->start;
	reply = json_loads(text, 0, NULL);
	if (!json_is_object(reply)) {
		json_decref(reply);
		return -EBADMSG;
	}
	*ret_reply = reply;
	return 1;
}

int varlink_wait(struct varlink_client *client, int timeout_ms,
		 json_t **ret_reply)
{
	struct pollfd pollfd = {.fd = client->fd, .events = POLLIN};
	int r;

	for (;;) {
		r = varlink_take(client, ret_reply);
		if (r != 0)
			return r < 0 ? r : 0;

		r = poll(&pollfd, 1, timeout_ms);
		if (r == 0)
			return -ETIMEDOUT;
		if (r < 0)
			return -errno;
		r = varlink_receive(client);
		if (r < 0)
			return r;
	}
}
