/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The server.
 *
 * A client that must go (refused, or it talks nonsense) is told why. Closing
 * at once would turn that into a reset connection for whoever is still
 * sending, so it is kept until it hangs up; but only the latest few are, and
 * none of them counts against the limit.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "log.h"
#include "server.h"

/* Connections accepted before others have their turn. */
#define ACCEPTS 16
#define LEAVING_MAX 8
/* How long to wait for a descriptor when all are in use. */
#define RETRY_NS 1000000000ULL

static void add(struct client_list *list, struct client *client)
{
	client->next = list->first;
	client->prev = &list->first;
	if (client->next)
		client->next->prev = &client->next;
	list->first = client;
	list->length++;
}

static void move(struct client_list *from, struct client_list *to,
		 struct client *client)
{
	*client->prev = client->next;
	if (client->next)
		client->next->prev = client->prev;
	from->length--;
	add(to, client);
}

static void free_dropped(struct isr_flag *flag, uint32_t count, void *arg)
{
	struct server *server = arg;
	struct client *client;

	while ((client = server->dropped.first)) {
		server->dropped.first = client->next;
		if (client->next)
			client->next->prev = &server->dropped.first;
		server->dropped.length--;
		client_free(client);
	}
}

void server_drop(struct server *server, struct client *client)
{
	if (client->is_dropped)
		return;
	client_stop(client);
	move(client->is_leaving ? &server->leaving : &server->clients,
	     &server->dropped, client);
	isr_flag_set(&server->dropped_flag);
}

void server_leaving(struct server *server, struct client *client)
{
	struct client *oldest = server->leaving.first;

	if (server->leaving.length >= LEAVING_MAX) {
		while (oldest->next)
			oldest = oldest->next;
		server_drop(server, oldest);
	}
	move(&server->clients, &server->leaving, client);
}

static void refuse_too_many(struct server *server, struct client *client)
{
	int r;

	r = client_refuse(client, "io.isrloop.TooManyClients",
			  json_pack("{s:I}", "max_clients",
				    (json_int_t)server->config->max_clients));
	if (r < 0)
		server_drop(server, client);
}

static void add_connection(struct server *server, int fd)
{
	struct client *client;
	int r;

	r = client_new(server, fd, ++server->last_id, &client);
	if (r < 0) {
		log_warning("cannot serve a connection, closing it: %s",
			    strerror(-r));
		close(fd);
		return;
	}
	add(&server->clients, client);
	if (server->clients.length > server->config->max_clients)
		refuse_too_many(server, client);
}

/* Waiting connections keep the socket readable: without a pause we'd spin. */
static void pause_accepting(struct server *server, int error)
{
	log_warning("cannot accept a connection, trying again in a second: %s",
		    strerror(error));
	isr_fd_set_events(server->listener, 0);
	isr_timer_set(server->retry, RETRY_NS, 0);
}

static int handle_retry(struct isr_source *source,
			const struct isr_event *event, void *arg)
{
	struct server *server = arg;

	isr_fd_set_events(server->listener, ISR_FD_READ);
	return 0;
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ||
	       error == ENOBUFS;
}

static int handle_listener(struct isr_source *source,
			   const struct isr_event *event, void *arg)
{
	struct server *server = arg;
	unsigned int n;
	int fd;

	for (n = 0; n < ACCEPTS; n++) {
		fd = accept4(server->listen_fd, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			add_connection(server, fd);
			continue;
		}
		if (is_shortage(errno))
			pause_accepting(server, errno);
		else if (errno != EAGAIN && errno != EINTR &&
			 errno != ECONNABORTED)
			log_warning("cannot accept a connection: %s",
				    strerror(errno));
		break;
	}
	return 0;
}

int server_start(struct server *server, struct isr_loop *loop, struct hub *hub,
		 const struct config_daemon *config, int fd)
{
	int r;

	server->loop = loop;
	server->hub = hub;
	server->config = config;
	server->listen_fd = fd;
	server->started_ns = isr_now_ns();
	r = isr_flag_init(&server->dropped_flag, loop, ISR_FLAG_AUTO);
	if (r < 0)
		return r;
	r = isr_flag_set_cb(&server->dropped_flag, free_dropped, server);
	if (r < 0)
		return r;
	r = isr_timer_open(loop, 0, 0, NULL, handle_retry, server,
			   &server->retry);
	if (r < 0)
		return r;
	return isr_fd_open(loop, fd, ISR_FD_READ, NULL, handle_listener, server,
			   &server->listener);
}

void server_stop(struct server *server)
{
	if (!server->loop)
		return;
	isr_source_close(server->listener);
	isr_source_close(server->retry);
	while (server->clients.first)
		server_drop(server, server->clients.first);
	while (server->leaving.first)
		server_drop(server, server->leaving.first);
	free_dropped(NULL, 0, server);
	isr_flag_done(&server->dropped_flag);
	memset(server, 0, sizeof(*server));
}
