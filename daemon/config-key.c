/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The keys of each section: a table row names a key, what its value is and
 * where the value goes. A word that is no key or no value gets a suggestion.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "config-key.h"
#include "config-value.h"
#include "near.h"

#define CLIENTS_MAX 4096
#define QUEUE_EVENTS_MAX (1U << 20)

static const struct config_choice edges[] = {
	{"both", ISR_EDGE_BOTH},
	{"rising", ISR_EDGE_RISING},
	{"falling", ISR_EDGE_FALLING},
	{NULL, 0},
};

static const struct config_choice biases[] = {
	{"as-is", ISR_BIAS_AS_IS},
	{"disabled", ISR_BIAS_DISABLED},
	{"pull-up", ISR_BIAS_PULL_UP},
	{"pull-down", ISR_BIAS_PULL_DOWN},
	{NULL, 0},
};

static const struct config_choice clocks[] = {
	{"monotonic", ISR_CLOCK_MONOTONIC},
	{"realtime", ISR_CLOCK_REALTIME},
	{"hte", ISR_CLOCK_HTE},
	{NULL, 0},
};

static const struct config_choice readers[] = {
	{"thread", ISR_READER_THREAD},
	{"loop", ISR_READER_LOOP},
	{NULL, 0},
};

enum key_type {
	KEY_STRING, /* char *, allocated */
	KEY_PATH,   /* char *, allocated: absolute, short enough for a socket */
	KEY_CHOICE, /* an enum */
	KEY_BOOL,   /* bool */
	KEY_PERIOD, /* uint64_t, ns */
	KEY_NUMBER, /* uint32_t, 1 to max */
	KEY_MODE    /* uint32_t */
};

struct key {
	const char *name;
	enum key_type type;
	size_t offset; /* of the target in the section */
	const struct config_choice *choices;
	uint32_t max;
};

#define DAEMON(member) offsetof(struct config_daemon, member)
#define LINE(member) offsetof(struct config_line, member)

static const struct key daemon_keys[] = {
	{"socket", KEY_PATH, DAEMON(socket), NULL, 0},
	{"socket-group", KEY_STRING, DAEMON(socket_group), NULL, 0},
	{"socket-mode", KEY_MODE, DAEMON(socket_mode), NULL, 0},
	{"max-clients", KEY_NUMBER, DAEMON(max_clients), NULL, CLIENTS_MAX},
	{"client-queue", KEY_NUMBER, DAEMON(client_queue_events), NULL,
	 QUEUE_EVENTS_MAX},
	{NULL, 0, 0, NULL, 0},
};

static const struct key line_keys[] = {
	{"chip", KEY_STRING, LINE(chip), NULL, 0},
	{"line", KEY_STRING, LINE(line), NULL, 0},
	{"edges", KEY_CHOICE, LINE(edge), edges, 0},
	{"bias", KEY_CHOICE, LINE(bias), biases, 0},
	{"active-low", KEY_BOOL, LINE(active_low), NULL, 0},
	{"debounce", KEY_PERIOD, LINE(debounce_ns), NULL, 0},
	{"clock", KEY_CHOICE, LINE(clock), clocks, 0},
	{"reader", KEY_CHOICE, LINE(reader), readers, 0},
	{NULL, 0, 0, NULL, 0},
};

_Static_assert(sizeof(line_keys) / sizeof(line_keys[0]) <= CONFIG_KEYS_MAX,
	       "each key has a place");
/* KEY_CHOICE writes an int. */
_Static_assert(sizeof(enum isr_edge) == sizeof(int), "enums are ints");

static const char *choice_word(const struct config_choice *choices, int value)
{
	while (choices->word && choices->value != value)
		choices++;
	return choices->word;
}

const char *config_edge_word(enum isr_edge edge)
{
	return choice_word(edges, edge);
}

const char *config_bias_word(enum isr_bias bias)
{
	return choice_word(biases, bias);
}

const char *config_clock_word(enum isr_clock clock)
{
	return choice_word(clocks, clock);
}

const char *config_reader_word(enum isr_reader reader)
{
	return choice_word(readers, reader);
}

static void fault_choice(struct config_reader *reader, const struct key *key,
			 const char *value)
{
	const char *words[CONFIG_KEYS_MAX] = {NULL}, *near;
	char list[128] = "";
	size_t i;

	for (i = 0; key->choices[i].word; i++) {
		words[i] = key->choices[i].word;
		if (i > 0)
			strcat(list, key->choices[i + 1].word ? ", " : " or ");
		strcat(list, words[i]);
	}
	near = near_find(value, words);
	if (near)
		config_fault(reader,
			     "%s is %s, not \"%s\"; did you mean \"%s\"?",
			     key->name, list, value, near);
	else
		config_fault(reader, "%s is %s, not \"%s\"", key->name, list,
			     value);
}

static void fault_value(struct config_reader *reader, const struct key *key,
			const char *value)
{
	switch (key->type) {
	case KEY_CHOICE:
		fault_choice(reader, key, value);
		break;
	case KEY_BOOL:
		config_fault(reader, "%s is yes or no, not \"%s\"", key->name,
			     value);
		break;
	case KEY_PERIOD:
		config_fault(
			reader,
			"%s is a whole number of ms, or one with us, ms, s or m behind it and at most 4294 s, not \"%s\"",
			key->name, value);
		break;
	case KEY_NUMBER:
		config_fault(reader, "%s is a number from 1 to %u, not \"%s\"",
			     key->name, key->max, value);
		break;
	case KEY_MODE:
		config_fault(
			reader,
			"%s is octal permission bits like 0660, not \"%s\"",
			key->name, value);
		break;
	case KEY_PATH:
		config_fault(
			reader,
			"%s is an absolute path of at most %zu bytes, not \"%s\"",
			key->name,
			sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
			value);
		break;
	case KEY_STRING:
		break;
	}
}

static int set_string(char **target, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*target);
	*target = copy;
	return 0;
}

static int set_value(const struct key *key, const char *value, void *section)
{
	void *target = (char *)section + key->offset;

	switch (key->type) {
	case KEY_PATH:
		if (value[0] != '/' ||
		    strlen(value) >=
			    sizeof(((struct sockaddr_un *)NULL)->sun_path))
			return -EINVAL;
		/* fall through */
	case KEY_STRING:
		return set_string(target, value);
	case KEY_CHOICE:
		return config_value_choice(value, key->choices, target);
	case KEY_BOOL:
		return config_value_bool(value, target);
	case KEY_PERIOD:
		return config_value_period_ns(value, target);
	case KEY_NUMBER:
		return config_value_number(value, 1, key->max, target);
	case KEY_MODE:
		return config_value_mode(value, target);
	}
	return -EINVAL;
}

static const struct key *find_key(const struct key *keys, const char *name)
{
	for (; keys->name; keys++) {
		if (strcmp(keys->name, name) == 0)
			return keys;
	}
	return NULL;
}

static void fault_unknown_key(struct config_reader *reader,
			      const struct key *keys, const char *name,
			      const char *section)
{
	const char *names[CONFIG_KEYS_MAX] = {NULL}, *near;
	size_t i;

	for (i = 0; keys[i].name; i++)
		names[i] = keys[i].name;
	near = near_find(name, names);
	if (near)
		config_fault(reader,
			     "[%s] has no key \"%s\"; did you mean \"%s\"?",
			     section, name, near);
	else
		config_fault(reader, "[%s] has no key \"%s\"", section, name);
}

/*
 * A key of [daemon] may be set again by a later file: that is what a drop-in
 * is for. Twice in one file is a slip.
 */
static bool is_set_twice(struct config_reader *reader, const struct key *key,
			 const struct config_place *place)
{
	if (!place->file || place->file != reader->file)
		return false;
	config_fault(reader, "%s is set twice; first in line %u", key->name,
		     place->line);
	return true;
}

void config_key_set(struct config_reader *reader, const char *name,
		    const char *value)
{
	struct config *config = reader->config;
	bool is_line = reader->section == SECTION_LINE;
	const struct key *keys = is_line ? line_keys : daemon_keys, *key;
	struct config_line *line =
		is_line ? &config->lines[config->n_lines - 1] : NULL;
	void *section = is_line ? (void *)line : &config->daemon;
	struct config_place *place;
	int r;

	key = find_key(keys, name);
	if (!key) {
		fault_unknown_key(reader, keys, name,
				  is_line ? "line" : "daemon");
		return;
	}
	place = (is_line ? line->keys : config->daemon.keys) + (key - keys);
	if (is_set_twice(reader, key, place))
		return;
	*place = (struct config_place){reader->file, reader->line};
	if (!value[0]) {
		config_fault(reader, "%s has no value", name);
		return;
	}
	if (strstr(value, " #")) {
		config_fault(
			reader,
			"%s = %s: a comment behind a value starts with \";\"",
			name, value);
		return;
	}
	r = set_value(key, value, section);
	if (r == -ENOMEM)
		reader->error = r;
	else if (r < 0)
		fault_value(reader, key, value);
}
