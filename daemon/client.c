/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * One connection.
 *
 * No client can slow another one down, because all that is done for it in
 * one go is bounded: bytes read, calls run, records written. What is left is
 * done when the loop comes round again: the socket's being writable is what
 * calls for it, so a client that does not read cannot have more done, and
 * its requests pile up in its own socket.
 *
 * While a stream runs the next call waits until the stream has ended, and
 * its arrival is what ends it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "client.h"
#include "hub.h"
#include "record.h"
#include "server.h"
#include "service.h"
#include "varlink.h"

/* Read at most this much before others have their turn. */
#define READ_BYTES 4096
/* Calls run, or fills of the output buffer, before others have theirs. */
#define STEPS 8
/* One fill of the output buffer with records. */
#define FILL_BYTES (64 * 1024)
/* Records in one message: more would make it long for its reader. */
#define MESSAGE_RECORDS 64
/* What a client may still send after it was told to leave. */
#define DISCARD_BYTES_MAX (4 * 1024 * 1024)

static const char message_head[] = "{\"parameters\":{\"events\":[";
static const char message_tail[] = "]},\"continues\":true}";
static const char stream_end[] = "{\"parameters\":{\"events\":[]}}";

static int receive(struct client *client)
{
	size_t room = CLIENT_MESSAGE_BYTES_MAX + 1 - client->in.length;
	ssize_t length;
	char *tail;
	int r;

	if (room > READ_BYTES)
		room = READ_BYTES;
	if (room == 0 || client->is_eof)
		return 0;
	r = buffer_reserve(&client->in, room, &tail);
	if (r < 0)
		return r;
	length = recv(client->fd, tail, room, 0);
	if (length > 0)
		buffer_added(&client->in, (size_t)length);
	else if (length == 0)
		client->is_eof = true;
	else if (errno != EAGAIN && errno != EINTR)
		return -errno;
	return 0;
}

/* Until it hangs up, so that it can read why. */
static int discard(struct client *client)
{
	int r;

	client->in.start = 0;
	client->in.length = 0;
	r = receive(client);
	client->discarded_bytes += client->in.length;
	if (r < 0)
		return r;
	if (client->is_eof || client->discarded_bytes > DISCARD_BYTES_MAX)
		return -EPIPE;
	return 0;
}

static int transmit(struct client *client)
{
	struct buffer *out = &client->out;
	ssize_t length;

	while (out->length) {
		length = send(client->fd, buffer_head(out), out->length,
			      MSG_NOSIGNAL);
		if (length < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		buffer_consume(out, (size_t)length);
	}
	return 0;
}

/* Length of the first whole message in the input, or -1. */
static ssize_t message_length(const struct client *client)
{
	const struct buffer *in = &client->in;
	const char *head, *end;

	if (!in->length)
		return -1;
	head = buffer_head(in);
	end = memchr(head, '\0', in->length);
	return end ? end - head : -1;
}

/* Tell it why, and take nothing more from it. */
static int leave(struct client *client, const char *error, json_t *parameters)
{
	server_leaving(client->server, client);
	client->is_leaving = true;
	return varlink_write_error(&client->out, error, parameters);
}

static int run_call(struct client *client, size_t length)
{
	char reason[128];
	int r;

	client->calls++;
	r = varlink_handle(&service, buffer_head(&client->in), length, client,
			   &client->out, reason);
	buffer_consume(&client->in, length + 1);
	if (r == -EBADMSG)
		r = leave(client, "io.isrloop.InvalidMessage",
			  json_pack("{s:s}", "reason", reason));
	return r;
}

/* As many records as one message takes. @out has room for FILL_BYTES. */
static char *write_records(struct subscription *subscription, char *out,
			   const char *end)
{
	const struct hub_line *line;
	struct record record;
	unsigned int n;

	out = mempcpy(out, message_head, sizeof(message_head) - 1);
	for (n = 0; n < MESSAGE_RECORDS; n++) {
		/* A line's text is shorter than a record's own share. */
		if (end - out < 2 * RECORD_BYTES_MAX + 512 ||
		    !subscription_get(subscription, &record))
			break;
		if (n > 0)
			*out++ = ',';
		line = record.watch->line;
		out = record_write(out, line->record_text,
				   line->record_text_length, &record);
	}
	/* With its NUL: the end of the message. */
	return mempcpy(out, message_tail, sizeof(message_tail));
}

static int fill_records(struct client *client)
{
	char *start, *out, *end;
	int r;

	r = buffer_reserve(&client->out, FILL_BYTES, &start);
	if (r < 0)
		return r;
	out = start;
	end = start + FILL_BYTES;
	while (subscription_is_due(client->subscription) &&
	       end - out > FILL_BYTES / 8)
		out = write_records(client->subscription, out, end);
	buffer_added(&client->out, (size_t)(out - start));
	return 0;
}

static void end_subscription(struct client *client)
{
	struct subscription *subscription = client->subscription;
	const struct watch *watch;
	size_t i;

	if (!subscription)
		return;
	for (i = 0; i < subscription->n_watches; i++) {
		watch = &subscription->watches[i];
		client->delivered += watch->delivered;
		client->lost += watch->lost;
		client->lost_client += watch->lost_client;
		client->delivered_records += watch->delivered_records;
		client->lost_records += watch->lost_records;
	}
	client->subscription = NULL;
	hub_unsubscribe(subscription);
}

/*
 * Do one thing; the output is empty. Returns 1 when something was done, 0
 * when there is nothing to do, or a negative errno.
 */
static int step(struct client *client)
{
	ssize_t length = message_length(client);
	int r;

	if (length < 0 && client->in.length > CLIENT_MESSAGE_BYTES_MAX) {
		r = leave(client, "io.isrloop.MessageTooLong",
			  json_pack("{s:i}", "limit_bytes",
				    CLIENT_MESSAGE_BYTES_MAX));
	} else if (client->subscription) {
		if (length >= 0)
			hub_detach(client->subscription);
		if (subscription_is_due(client->subscription)) {
			r = fill_records(client);
		} else if (length >= 0) {
			end_subscription(client);
			r = buffer_append(&client->out, stream_end,
					  sizeof(stream_end));
		} else {
			return 0;
		}
	} else if (length >= 0) {
		r = run_call(client, (size_t)length);
	} else {
		return 0;
	}
	return r < 0 ? r : 1;
}

/* Whether step() would do something once the output is empty. */
static bool has_work(const struct client *client)
{
	return message_length(client) >= 0 ||
	       client->in.length > CLIENT_MESSAGE_BYTES_MAX ||
	       (client->subscription &&
		subscription_is_due(client->subscription));
}

static void wait_for_more(struct client *client)
{
	unsigned int interest = 0;

	if (client->is_leaving)
		interest = client->out.length ? ISR_FD_READ | ISR_FD_WRITE
					      : ISR_FD_READ;
	else if (client->out.length || has_work(client))
		interest = ISR_FD_WRITE;
	else if (!client->is_eof)
		interest = ISR_FD_READ;
	if (interest == client->interest)
		return;
	client->interest = interest;
	isr_fd_set_events(client->source, interest);
}

static int run_leaving(struct client *client)
{
	int r = transmit(client);

	if (r == 0 && !client->out.length && !client->is_shut) {
		client->is_shut = true;
		shutdown(client->fd, SHUT_WR);
	}
	return r;
}

static int run_steps(struct client *client)
{
	unsigned int n;
	int r;

	for (n = 0; n < STEPS && !client->is_leaving; n++) {
		r = transmit(client);
		if (r < 0 || client->out.length)
			return r;
		r = step(client);
		if (r <= 0)
			return r;
	}
	return client->is_leaving ? run_leaving(client) : transmit(client);
}

/* It will call no more, and has all that it called for. */
static bool is_finished(const struct client *client)
{
	return client->is_eof && !client->out.length &&
	       (client->subscription || !has_work(client));
}

static void run(struct client *client, bool is_readable)
{
	int r = 0;

	if (client->is_leaving) {
		r = run_leaving(client);
		if (r == 0 && is_readable)
			r = discard(client);
	} else {
		if (is_readable)
			r = receive(client);
		if (r == 0)
			r = run_steps(client);
	}
	if (r < 0 || is_finished(client))
		server_drop(client->server, client);
	else
		wait_for_more(client);
}

int client_refuse(struct client *client, const char *error, json_t *parameters)
{
	int r = leave(client, error, parameters);

	if (r == 0)
		run(client, false);
	return r;
}

bool client_due(struct subscription *subscription, void *arg)
{
	struct client *client = arg;
	unsigned int n;
	int r = 0;

	/* Else the socket is full, and its becoming writable calls. */
	if (client->interest & ISR_FD_WRITE)
		return true;
	for (n = 0; n < STEPS && r == 0 && !client->out.length &&
		    subscription_is_due(subscription);
	     n++) {
		r = fill_records(client);
		if (r == 0)
			r = transmit(client);
	}
	if (r < 0) {
		server_drop(client->server, client);
		return false;
	}
	wait_for_more(client);
	return true;
}

static int handle_socket(struct isr_source *source,
			 const struct isr_event *event, void *arg)
{
	struct client *client = arg;

	if (!client->is_dropped)
		run(client, event->value & ISR_FD_READ);
	return 0;
}

void client_set_subscription(struct client *client,
			     struct subscription *subscription)
{
	end_subscription(client);
	client->subscription = subscription;
}

int client_new(struct server *server, int fd, uint64_t id,
	       struct client **ret_client)
{
	struct ucred peer = {0};
	socklen_t length = sizeof(peer);
	struct client *client;
	int r;

	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->interest = ISR_FD_READ;
	r = isr_fd_open(server->loop, fd, client->interest, NULL, handle_socket,
			client, &client->source);
	if (r < 0) {
		free(client);
		return r;
	}
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
	client->server = server;
	client->fd = fd;
	client->id = id;
	client->pid = peer.pid;
	client->uid = peer.uid;
	*ret_client = client;
	return 0;
}

void client_stop(struct client *client)
{
	client->is_dropped = true;
	isr_fd_set_events(client->source, 0);
	end_subscription(client);
}

void client_free(struct client *client)
{
	if (!client)
		return;
	end_subscription(client);
	isr_source_close(client->source);
	close(client->fd);
	buffer_done(&client->in);
	buffer_done(&client->out);
	free(client);
}
