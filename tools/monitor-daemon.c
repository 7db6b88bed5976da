/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Records from isrloopd, over the varlink interface io.isrloop (its
 * description is daemon/io.isrloop.varlink, and "GetInterfaceDescription"
 * gives it). The lines are asked for first, for what a record does not
 * repeat: chip, offset and the kernel's name.
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon-record.h"
#include "monitor-daemon.h"
#include "rate-daemon.h"
#include "varlink-client.h"

/* An answer that takes longer will not come. */
#define ANSWER_TIMEOUT_MS 10000

struct subscription {
	struct monitor *monitor;
	struct varlink_client client;
	struct isr_source *source;
};

/*
 * What went wrong, and what to do.
 */

static const char *get_group_name(const char *path)
{
	struct stat st;
	struct group *group;

	if (stat(path, &st) < 0)
		return NULL;
	group = getgrgid(st.st_gid);
	return group ? group->gr_name : NULL;
}

static void tell_no_permission(const char *path)
{
	const char *group = get_group_name(path);

	if (group && strcmp(group, "root") != 0)
		monitor_message(
			"no permission on %s: join its group with 'sudo usermod -aG %s $USER' and log in again",
			path, group);
	else
		monitor_message(
			"no permission on %s: run isrmon as root, or set the group of the socket in isrloopd.conf(5)",
			path);
}

static enum status tell_connect_error(const char *path, int error)
{
	switch (error) {
	case -EINTR: /* by a signal that is to end the program */
		return STATUS_OK;
	case -EACCES:
	case -EPERM:
		tell_no_permission(path);
		return STATUS_FAILED;
	case -ENAMETOOLONG:
		monitor_message("%s is too long for the path of a socket",
				path);
		return STATUS_USAGE;
	case -ENOENT:
	case -ECONNREFUSED:
	case -ENOTSOCK:
		monitor_message(
			"isrloopd is not running on %s: start it with 'systemctl start isrloopd', or watch the chip yourself with --direct -c CHIP LINE",
			path);
		return STATUS_NO_DAEMON;
	default:
		monitor_message("cannot connect to isrloopd on %s: %s", path,
				strerror(-error));
		return STATUS_NO_DAEMON;
	}
}

static enum status tell_stream_error(int error)
{
	switch (error) {
	case -EINTR: /* by a signal that is to end the program */
		return STATUS_OK;
	case -ECONNRESET:
	case -EPIPE:
		monitor_message(
			"isrloopd ended the connection: see why with 'systemctl status isrloopd'");
		return STATUS_NO_DAEMON;
	case -EBADMSG:
	case -EMSGSIZE:
		monitor_message(
			"what answers is not isrloopd, or another version of it: compare 'isrloopd --version' and 'isrmon --version'");
		return STATUS_FAILED;
	case -ETIMEDOUT:
		monitor_message(
			"isrloopd does not answer: see 'systemctl status isrloopd'");
		return STATUS_NO_DAEMON;
	default:
		monitor_message("the connection to isrloopd failed: %s",
				strerror(-error));
		return STATUS_FAILED;
	}
}

/* "'A' or 'B'" of an array of strings, cut where the room ends. */
static void join_names(const json_t *names, char *ret_text, size_t size)
{
	size_t i, length = 0;
	json_t *name;

	ret_text[0] = '\0';
	json_array_foreach(names, i, name)
	{
		int n = snprintf(ret_text + length, size - length, "%s'%s'",
				 i ? " or " : "", json_string_value(name));

		if (n < 0 || (size_t)n >= size - length)
			return;
		length += (size_t)n;
	}
}

static void tell_no_such_line(const json_t *parameters)
{
	const char *line =
		json_string_value(json_object_get(parameters, "line"));
	char near[256];

	join_names(json_object_get(parameters, "near"), near, sizeof(near));
	if (near[0])
		monitor_message("isrloopd has no line '%s': did you mean %s?",
				line ? line : "", near);
	else
		monitor_message(
			"isrloopd has no line '%s': 'isrmon -I' shows those it has",
			line ? line : "");
}

/* A varlink error, if the reply is one. */
static bool tell_error_reply(const json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	const json_t *parameters = json_object_get(reply, "parameters");

	if (!error)
		return false;
	if (strcmp(error, "io.isrloop.NoSuchLine") == 0)
		tell_no_such_line(parameters);
	else if (strcmp(error, "io.isrloop.TooManyClients") == 0)
		monitor_message(
			"isrloopd serves as many clients as it may: end one, or raise max-clients in isrloopd.conf(5)");
	else
		monitor_message(
			"isrloopd refused: %s: is it of this version? compare 'isrloopd --version' and 'isrmon --version'",
			error);
	return true;
}

/*
 * Records.
 */

static void push_event(struct monitor *m, const json_t *event)
{
	struct device_members members;
	struct record record;

	if (!daemon_read_record(m, event, &record, &members))
		return;
	if (record.line->rate)
		rate_take(record.line->rate, &record);
	else if (m->options->watch == WATCH_RECORDS)
		monitor_push(m, &record);
}

/* Returns 0; -EBADMSG; -ECONNRESET when it was the last one. */
static int push_reply(struct monitor *m, const json_t *reply)
{
	const json_t *events =
		json_object_get(json_object_get(reply, "parameters"), "events");
	json_t *event;
	size_t i;

	if (!json_is_array(events))
		return -EBADMSG;
	json_array_foreach(events, i, event) push_event(m, event);
	return json_is_true(json_object_get(reply, "continues")) ? 0
								 : -ECONNRESET;
}

/*
 * All that is whole in the buffer. What is on the socket meanwhile waits for
 * the next turn, so that one turn is bounded by the buffer.
 */
static int push_replies(struct subscription *subscription)
{
	struct monitor *m = subscription->monitor;
	json_t *reply;
	int r;

	while (!m->ended) {
		r = varlink_take(&subscription->client, &reply);
		if (r <= 0)
			return r;
		r = tell_error_reply(reply) ? -ECANCELED : push_reply(m, reply);
		json_decref(reply);
		if (r < 0)
			return r;
	}
	return 0;
}

static int on_readable(struct isr_source *source, const struct isr_event *event,
		       void *arg)
{
	struct subscription *subscription = arg;
	int r = varlink_receive(&subscription->client);

	if (r >= 0)
		r = push_replies(subscription);
	if (r < 0) {
		isr_fd_set_events(source, 0);
		monitor_end(subscription->monitor,
			    r == -ECANCELED ? STATUS_FAILED
					    : tell_stream_error(r));
	}
	return 0;
}

/*
 * Subscription.
 */

/* A call and its first reply. */
static int ask(struct varlink_client *client, const char *method,
	       json_t *parameters, bool more, json_t **ret_reply)
{
	int r;

	r = varlink_send(client, method, parameters, more);
	if (r < 0)
		return r;
	return varlink_wait(client, ANSWER_TIMEOUT_MS, ret_reply);
}

/* The one call before the stream; returns -1, or the status to end with. */
static int ask_lines(struct monitor *m, struct varlink_client *client)
{
	json_t *reply;
	int r, status = -1;

	r = ask(client, "io.isrloop.ListLines", json_object(), false, &reply);
	if (r < 0)
		return tell_stream_error(r);

	if (tell_error_reply(reply)) {
		status = STATUS_FAILED;
	} else {
		r = daemon_add_lines(
			m, json_object_get(json_object_get(reply, "parameters"),
					   "lines"));
		if (r == -EBADMSG)
			status = tell_stream_error(r);
		else if (r < 0)
			status = STATUS_FAILED;
	}
	json_decref(reply);

	if (status < 0 && !m->lines && !m->options->num_lines) {
		monitor_message(
			"isrloopd has no lines: add some to its configuration, see isrloopd.conf(5)");
		status = STATUS_FAILED;
	}
	return status;
}

static bool is_counter(const struct line *line)
{
	return line->device == DEVICE_COUNTER;
}

/*
 * Lines without devices have only edges. A counter's own are not needed to
 * measure it.
 */
static enum records choose_records(const struct monitor *m)
{
	bool devices = false, counters = false, others = false;
	const struct line *line;

	if (m->options->records_given)
		return m->options->records;
	for (line = m->lines; line; line = line->next) {
		devices |= line->device != DEVICE_NONE;
		counters |= is_counter(line);
		others |= !is_counter(line);
	}
	if (!devices)
		return RECORDS_ALL;
	if (m->options->watch != WATCH_RATE || (counters && others))
		return m->options->records;
	return counters ? RECORDS_DEVICES : RECORDS_EDGES;
}

static json_t *make_parameters(const struct monitor *m)
{
	static const char *const edges[] = {
		[ISR_EDGE_BOTH] = "both",
		[ISR_EDGE_RISING] = "rising",
		[ISR_EDGE_FALLING] = "falling",
	};
	static const char *const records[] = {
		[RECORDS_EDGES] = "edges",
		[RECORDS_DEVICES] = "devices",
	};
	const struct options *o = m->options;
	enum records chosen = choose_records(m);
	json_t *parameters = json_pack("{s:s}", "edges", edges[o->edges]);
	json_t *lines;
	int i;

	if (!parameters)
		return NULL;

	if (chosen != RECORDS_ALL)
		json_object_set_new(parameters, "records",
				    json_string(records[chosen]));
	if (!o->num_lines)
		return parameters;
	lines = json_array();
	for (i = 0; i < o->num_lines; i++)
		json_array_append_new(lines, json_string(o->lines[i]));
	json_object_set_new(parameters, "lines", lines);
	return parameters;
}

/* Subscribes, and takes the initial levels; returns as ask_lines(). */
static int subscribe(struct subscription *subscription)
{
	struct monitor *m = subscription->monitor;
	struct varlink_client *client = &subscription->client;
	json_t *reply;
	int r, status = -1;

	r = ask(client, "io.isrloop.Subscribe", make_parameters(m), true,
		&reply);
	if (r < 0)
		return tell_stream_error(r);

	if (tell_error_reply(reply)) {
		status = STATUS_FAILED;
	} else {
		monitor_announce(m);
		r = push_reply(m, reply);
		if (r >= 0)
			r = push_replies(subscription);
		if (r < 0)
			status = tell_stream_error(r);
	}
	json_decref(reply);
	return status;
}

static enum status run(struct subscription *subscription)
{
	struct monitor *m = subscription->monitor;
	int status, r;

	status = ask_lines(m, &subscription->client);
	if (status < 0 && m->options->watch == WATCH_RATE &&
	    rate_daemon_open(m, subscription->client.fd) < 0)
		status = STATUS_FAILED;
	if (status < 0)
		status = subscribe(subscription);
	if (status >= 0)
		return status;

	r = isr_fd_open(m->loop, subscription->client.fd, ISR_FD_READ, NULL,
			on_readable, subscription, &subscription->source);
	if (r < 0) {
		monitor_message("cannot watch the connection: %s",
				strerror(-r));
		return STATUS_FAILED;
	}
	return monitor_run(m);
}

enum status daemon_watch(struct monitor *m)
{
	struct subscription subscription = {.monitor = m};
	const char *path = m->options->socket;
	enum status status;
	int r;

	r = varlink_connect(&subscription.client, path);
	if (r < 0)
		status = tell_connect_error(path, r);
	else
		status = run(&subscription);
	rate_daemon_close(m);
	isr_source_close(subscription.source);
	varlink_close(&subscription.client);
	return status;
}
