/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* GetStatus: the daemon's full account. */
#include <unistd.h>

#include <isrloop/hist.h>

#include "server.h"
#include "service.h"

static json_int_t get_percentile(const struct isr_hist *latency, double percent)
{
	return (json_int_t)isr_hist_get_percentile_ns(latency, percent);
}

static json_t *make_latency(const struct isr_hist *latency)
{
	/* clang-format off */
	return json_pack("{s:I, s:I, s:I, s:I, s:I}",
		"count", (json_int_t)isr_hist_get_count(latency),
		"p50_ns", get_percentile(latency, 50),
		"p90_ns", get_percentile(latency, 90),
		"p99_ns", get_percentile(latency, 99),
		"max_ns", (json_int_t)isr_hist_get_max_ns(latency));
	/* clang-format on */
}

static json_t *make_device_status(struct hub_line *line)
{
	json_t *status, *own;

	if (!line->device)
		return json_null();
	/* clang-format off */
	status = json_pack("{s:I, s:I}",
		"records", (json_int_t)line->records,
		"lost_records", (json_int_t)hub_get_lost_records(line));
	/* clang-format on */
	own = device_make_status(line->device);
	json_object_update(status, own);
	json_decref(own);
	return status;
}

static json_t *make_line(struct hub_line *line)
{
	struct isr_source_stats stats = {0};

	isr_source_get_stats(line->source, &stats);
	/* clang-format off */
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:s?, s:o}",
		"name", line->config->name,
		"value", (json_int_t)hub_get_value(line),
		"stamped", (json_int_t)(stats.delivered + stats.lost_kernel +
					stats.lost_ring),
		"delivered", (json_int_t)stats.delivered,
		"lost_kernel", (json_int_t)stats.lost_kernel,
		"lost_ring", (json_int_t)stats.lost_ring,
		"lost_client", (json_int_t)hub_get_lost_client(line),
		"merged", (json_int_t)stats.merged,
		"line_seq", (json_int_t)stats.line_seq,
		"latency", make_latency(isr_source_get_latency(line->source)),
		"device", config_device_word(line->config->device.type),
		"device_status", make_device_status(line));
	/* clang-format on */
}

static json_t *make_watch(const struct watch *watch)
{
	const struct hub_line *line = watch->line;

	/* clang-format off */
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"line", line->config->name,
		"queued", (json_int_t)watch->queued,
		"delivered", (json_int_t)watch->delivered,
		"lost", (json_int_t)watch->lost,
		"lost_client", (json_int_t)watch->lost_client,
		"queued_records", (json_int_t)watch->queued_records,
		"delivered_records", (json_int_t)watch->delivered_records,
		"lost_records", (json_int_t)watch->lost_records);
	/* clang-format on */
}

static json_t *make_client(const struct client *client)
{
	const struct subscription *subscription = client->subscription;
	struct client sum = *client;
	json_t *watches = json_array();
	const struct watch *watch;
	size_t i;

	for (i = 0; subscription && i < subscription->n_watches; i++) {
		watch = &subscription->watches[i];
		json_array_append_new(watches, make_watch(watch));
		sum.delivered += watch->delivered;
		sum.lost += watch->lost;
		sum.lost_client += watch->lost_client;
		sum.delivered_records += watch->delivered_records;
		sum.lost_records += watch->lost_records;
	}
	/* clang-format off */
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
		"id", (json_int_t)client->id,
		"pid", (json_int_t)client->pid,
		"uid", (json_int_t)client->uid,
		"calls", (json_int_t)client->calls,
		"queued", (json_int_t)(subscription ? subscription->length : 0),
		"delivered", (json_int_t)sum.delivered,
		"lost", (json_int_t)sum.lost,
		"lost_client", (json_int_t)sum.lost_client,
		"delivered_records", (json_int_t)sum.delivered_records,
		"lost_records", (json_int_t)sum.lost_records,
		"watches", watches);
	/* clang-format on */
}

static json_t *make_lines(struct hub *hub)
{
	json_t *lines = json_array();
	size_t i;

	for (i = 0; i < hub->n_lines; i++)
		json_array_append_new(lines, make_line(&hub->lines[i]));
	return lines;
}

static json_t *make_clients(const struct server *server)
{
	json_t *clients = json_array();
	const struct client *client;

	/* The list has the latest first. */
	for (client = server->clients.first; client; client = client->next)
		json_array_insert_new(clients, 0, make_client(client));
	return clients;
}

static json_t *make_loop(struct isr_loop *loop)
{
	struct isr_loop_stats stats = {0};

	isr_loop_get_stats(loop, &stats);
	/* clang-format off */
	return json_pack("{s:I, s:I, s:I}",
		"wakeups", (json_int_t)stats.wakeups,
		"passes", (json_int_t)stats.passes,
		"deliveries", (json_int_t)stats.deliveries);
	/* clang-format on */
}

json_t *status_get(struct server *server)
{
	const struct config_daemon *config = server->config;

	/* clang-format off */
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}",
		"version", PACKAGE_VERSION,
		"pid", (json_int_t)getpid(),
		"uptime_ns", (json_int_t)(isr_now_ns() - server->started_ns),
		"seq", (json_int_t)server->hub->seq,
		"max_clients", (json_int_t)config->max_clients,
		"client_queue", (json_int_t)config->client_queue_events,
		"lines", make_lines(server->hub),
		"clients", make_clients(server),
		"loop", make_loop(server->loop));
	/* clang-format on */
}
