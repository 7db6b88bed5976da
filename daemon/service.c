/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The interface io.isrloop; what each method means is in its description. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "config-value.h"
#include "description.h"
#include "near.h"
#include "record.h"
#include "server.h"
#include "service.h"

/* Enough to help; a reply is no directory. */
#define NEAR_LINES_MAX 5

static struct server *get_server(const struct varlink_call *call)
{
	const struct client *client = call->peer;

	return client->server;
}

/* Words of the interface have "_" where the configuration has "-". */
static json_t *make_word(const char *word)
{
	char text[32];
	size_t i;

	for (i = 0; word[i] && i < sizeof(text) - 1; i++)
		text[i] = word[i] == '-' ? '_' : word[i];
	text[i] = '\0';
	return json_string(text);
}

/* The kernel's names may be any bytes; JSON's strings may not. */
static json_t *make_name(const char *name)
{
	json_t *string = json_string(name);

	return string ? string : json_string("");
}

/* An encoder's second line. */
static void add_line_b(json_t *line, struct isr_source *source)
{
	struct isr_line_info info;

	if (isr_pin_get_line_info(source, 1, &info) < 0)
		return;
	json_object_set_new(line, "offset_b", json_integer(info.offset));
	json_object_set_new(line, "gpio_name_b", make_name(info.name));
}

static json_t *make_line(struct hub_line *line)
{
	const struct config_line *config = line->config;
	const struct isr_pin_info *info = &line->info;
	json_t *made;

	/* clang-format off */
	made = json_pack("{s:s, s:o, s:o, s:I, s:o, s:o, s:o, s:b, s:I, s:o, s:o, s:I, s:b, s:I, s:s?}",
		"name", config->name,
		"chip", make_name(info->chip_name),
		"chip_label", make_name(info->chip_label),
		"offset", (json_int_t)info->offset,
		"gpio_name", make_name(info->line_name),
		"edges", make_word(config_edge_word(config->edge)),
		"bias", make_word(config_bias_word(config->bias)),
		"active_low", config->active_low,
		"debounce_us", (json_int_t)line->debounce_us,
		"clock", make_word(config_clock_word(info->clock)),
		"reader", make_word(config_reader_word(config->reader)),
		"fifo_events", (json_int_t)info->fifo_events,
		"simulated", info->simulated,
		"value", (json_int_t)hub_get_value(line),
		"device", config_device_word(config->device.type));
	/* clang-format on */
	if (config->device.type == CONFIG_DEVICE_ENCODER)
		add_line_b(made, line->source);
	return made;
}

static void list_lines(struct varlink_call *call)
{
	static const char *const names[] = {NULL};
	struct hub *hub = get_server(call)->hub;
	json_t *lines;
	size_t i;

	if (!varlink_check_names(call, names))
		return;
	lines = json_array();
	for (i = 0; i < hub->n_lines; i++)
		json_array_append_new(lines, make_line(&hub->lines[i]));
	varlink_reply(call, json_pack("{s:o}", "lines", lines));
}

static void no_such_line(struct varlink_call *call, const char *name)
{
	const struct hub *hub = get_server(call)->hub;
	json_t *near = json_array();
	const char *candidate;
	size_t i;

	for (i = 0; i < hub->n_lines; i++) {
		candidate = hub->lines[i].config->name;
		if (json_array_size(near) < NEAR_LINES_MAX &&
		    near_is_near(name, candidate))
			json_array_append_new(near, json_string(candidate));
	}
	varlink_error(call, "io.isrloop.NoSuchLine",
		      json_pack("{s:s, s:o}", "line", name, "near", near));
}

static void get_line(struct varlink_call *call)
{
	static const char *const names[] = {"line", NULL};
	struct hub_line *line;
	const char *name;

	if (!varlink_check_names(call, names))
		return;
	name = json_string_value(varlink_get(call, "line"));
	if (!name) {
		varlink_invalid_parameter(call, "line");
		return;
	}
	line = hub_find_line(get_server(call)->hub, name);
	if (!line)
		no_such_line(call, name);
	else
		varlink_reply(call,
			      json_pack("{s:o}", "line", make_line(line)));
}

static bool has_line(struct hub_line *const *lines, size_t n_lines,
		     const struct hub_line *line)
{
	while (n_lines > 0) {
		if (lines[--n_lines] == line)
			return true;
	}
	return false;
}

/*
 * The lines that a call names, each once; without names all of them.
 * @lines has room for all. Returns their number, or -1: call answered.
 */
static ssize_t get_lines(struct varlink_call *call, struct hub_line **lines)
{
	struct hub *hub = get_server(call)->hub;
	json_t *names = varlink_get(call, "lines"), *name;
	struct hub_line *line;
	size_t i, n = 0;

	if (!names) {
		for (i = 0; i < hub->n_lines; i++)
			lines[i] = &hub->lines[i];
		return (ssize_t)hub->n_lines;
	}
	if (json_array_size(names) == 0) {
		varlink_invalid_parameter(call, "lines");
		return -1;
	}
	json_array_foreach(names, i, name)
	{
		if (!json_is_string(name)) {
			varlink_invalid_parameter(call, "lines");
			return -1;
		}
		line = hub_find_line(hub, json_string_value(name));
		if (!line) {
			no_such_line(call, json_string_value(name));
			return -1;
		}
		if (!has_line(lines, n, line))
			lines[n++] = line;
	}
	return (ssize_t)n;
}

/* A parameter that is one of the words, or its default when left out. */
static int get_word(struct varlink_call *call, const char *name,
		    const struct config_choice *choices, int *value)
{
	json_t *parameter = varlink_get(call, name);
	const char *word = json_string_value(parameter);

	if (!parameter)
		return 0;
	if (word && config_value_choice(word, choices, value) == 0)
		return 0;
	varlink_invalid_parameter(call, name);
	return -EINVAL;
}

static int get_filter(struct varlink_call *call, int *ret_edge,
		      int *ret_records)
{
	static const struct config_choice records[] = {
		{"all", RECORDS_ALL},
		{"edges", RECORDS_EDGES},
		{"devices", RECORDS_DEVICES},
		{NULL, 0},
	};
	int r;

	*ret_edge = ISR_EDGE_BOTH;
	*ret_records = RECORDS_ALL;
	r = get_word(call, "edges", config_edges, ret_edge);
	return r < 0 ? r : get_word(call, "records", records, ret_records);
}

/* A stream's first message: the levels. */
static int write_initial(struct buffer *out, struct hub_line *const *lines,
			 size_t n_lines, bool more)
{
	static const char head[] = "{\"parameters\":{\"events\":[";
	size_t i, size = sizeof(head) + 32;
	char *start, *end;
	struct record record;
	int r;

	for (i = 0; i < n_lines; i++)
		size += lines[i]->record_text_length + RECORD_BYTES_MAX + 1;
	r = buffer_reserve(out, size, &start);
	if (r < 0)
		return r;
	end = mempcpy(start, head, sizeof(head) - 1);
	for (i = 0; i < n_lines; i++) {
		if (i > 0)
			*end++ = ',';
		hub_get_initial(lines[i], &record);
		end = record_write(end, lines[i]->record_text,
				   lines[i]->record_text_length, &record);
	}
	end = stpcpy(end, more ? "]},\"continues\":true}" : "]}}") + 1;
	buffer_added(out, (size_t)(end - start));
	return 0;
}

/* The levels and the watch on what follows them; nothing comes between. */
static int start_stream(struct varlink_call *call,
			struct hub_line *const *lines, size_t n_lines,
			enum isr_edge edge, enum records records)
{
	struct server *server = get_server(call);
	struct subscription *subscription = NULL;
	struct client *client = call->peer;
	int r;

	if (call->oneway)
		return 0;
	if (call->more) {
		r = hub_subscribe(server->hub, lines, n_lines, edge, records,
				  server->config->client_queue_events,
				  client_due, client, &subscription);
		if (r < 0)
			return r;
	}
	r = write_initial(call->out, lines, n_lines, call->more);
	if (r < 0)
		hub_unsubscribe(subscription);
	else if (subscription)
		client_set_subscription(client, subscription);
	return r;
}

static void subscribe(struct varlink_call *call)
{
	static const char *const names[] = {"lines", "edges", "records", NULL};
	struct hub_line **lines;
	int edge, records;
	ssize_t n_lines;

	if (!varlink_check_names(call, names) ||
	    get_filter(call, &edge, &records) < 0)
		return;
	lines = calloc(get_server(call)->hub->n_lines + 1, sizeof(*lines));
	if (!lines) {
		call->error = -ENOMEM;
		return;
	}
	n_lines = get_lines(call, lines);
	if (n_lines >= 0)
		call->error = start_stream(call, lines, (size_t)n_lines, edge,
					   records);
	free(lines);
}

static void get_status(struct varlink_call *call)
{
	static const char *const names[] = {NULL};

	if (varlink_check_names(call, names))
		varlink_reply(call, status_get(get_server(call)));
}

static const struct varlink_method methods[] = {
	{"ListLines", list_lines},
	{"GetLine", get_line},
	{"Subscribe", subscribe},
	{"GetStatus", get_status},
	{NULL, NULL},
};

static const struct varlink_interface isrloop_interface = {
	"io.isrloop",
	description_io_isrloop,
	methods,
};

static const struct varlink_interface *const interfaces[] = {
	&varlink_service_interface,
	&isrloop_interface,
	NULL,
};

const struct varlink_service service = {
	.vendor = "isrloop",
	.product = "isrloopd",
	.version = PACKAGE_VERSION,
	.url = "",
	.interfaces = interfaces,
};
