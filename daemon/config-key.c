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
#define CLICKS_MAX 100
#define DIVIDER_MAX 1000000

const struct config_choice config_edges[] = {
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

static const struct config_choice devices[] = {
	{"switch", CONFIG_DEVICE_SWITCH},
	{"button", CONFIG_DEVICE_BUTTON},
	{"encoder", CONFIG_DEVICE_ENCODER},
	{"counter", CONFIG_DEVICE_COUNTER},
	{NULL, 0},
};

static const struct config_choice contacts[] = {
	{"eager", ISR_SWITCH_EAGER},
	{"stable", ISR_SWITCH_STABLE},
	{"polled", ISR_SWITCH_POLLED},
	{"raw", ISR_SWITCH_RAW},
	{NULL, 0},
};

static const struct config_choice suppressions[] = {
	{"none", ISR_BUTTON_SUPPRESS_NONE},
	{"short", ISR_BUTTON_SUPPRESS_SHORT},
	{"release", ISR_BUTTON_SUPPRESS_RELEASE},
	{NULL, 0},
};

static const struct config_choice steps[] = {
	{"1", 1},
	{"2", 2},
	{"4", 4},
	{NULL, 0},
};

enum key_type {
	KEY_STRING, /* char *, allocated */
	KEY_PATH,   /* char *, allocated: absolute, short enough for a socket */
	KEY_CHOICE, /* an enum */
	KEY_BOOL,   /* bool */
	KEY_PERIOD, /* uint64_t, ns */
	KEY_SPAN,   /* the same, above 0 */
	KEY_NUMBER, /* uint32_t, 1 to max */
	KEY_INTEGER, /* int64_t */
	KEY_MODE     /* uint32_t */
};

struct key {
	const char *name;
	enum key_type type;
	size_t offset; /* of the target in the section */
	const struct config_choice *choices;
	uint32_t max;
	unsigned int devices; /* bit TYPE: for these only; 0: for all lines */
};

#define DAEMON(member) offsetof(struct config_daemon, member)
#define LINE(member) offsetof(struct config_line, member)
#define DEVICE(member) offsetof(struct config_line, device.member)

/* Which devices a key is for. */
#define SWITCH (1U << CONFIG_DEVICE_SWITCH)
#define BUTTON (1U << CONFIG_DEVICE_BUTTON)
#define ENCODER (1U << CONFIG_DEVICE_ENCODER)
#define COUNTER (1U << CONFIG_DEVICE_COUNTER)

static const struct key daemon_keys[] = {
	{"socket", KEY_PATH, DAEMON(socket), NULL, 0, 0},
	{"socket-group", KEY_STRING, DAEMON(socket_group), NULL, 0, 0},
	{"socket-mode", KEY_MODE, DAEMON(socket_mode), NULL, 0, 0},
	{"max-clients", KEY_NUMBER, DAEMON(max_clients), NULL, CLIENTS_MAX, 0},
	{"client-queue", KEY_NUMBER, DAEMON(client_queue_events), NULL,
	 QUEUE_EVENTS_MAX, 0},
	{NULL, 0, 0, NULL, 0, 0},
};

static const struct key line_keys[] = {
	{"chip", KEY_STRING, LINE(chip), NULL, 0, 0},
	{"line", KEY_STRING, LINE(line), NULL, 0, 0},
	{"edges", KEY_CHOICE, LINE(edge), config_edges, 0, 0},
	{"bias", KEY_CHOICE, LINE(bias), biases, 0, 0},
	{"active-low", KEY_BOOL, LINE(active_low), NULL, 0, 0},
	{"debounce", KEY_PERIOD, LINE(debounce_ns), NULL, 0, 0},
	{"clock", KEY_CHOICE, LINE(clock), clocks, 0, 0},
	{"reader", KEY_CHOICE, LINE(reader), readers, 0, 0},
	{"device", KEY_CHOICE, DEVICE(type), devices, 0, 0},
	{"contact", KEY_CHOICE, DEVICE(contact), contacts, 0, SWITCH | BUTTON},
	{"hold-off", KEY_SPAN, DEVICE(hold_off_ns), NULL, 0, SWITCH | BUTTON},
	{"poll", KEY_SPAN, DEVICE(poll_ns), NULL, 0, SWITCH | BUTTON},
	{"long", KEY_PERIOD, DEVICE(long_ns), NULL, 0, BUTTON},
	{"click", KEY_SPAN, DEVICE(click_ns), NULL, 0, BUTTON},
	{"clicks", KEY_NUMBER, DEVICE(clicks), NULL, CLICKS_MAX, BUTTON},
	{"repeat", KEY_PERIOD, DEVICE(repeat_ns), NULL, 0, BUTTON},
	{"suppress", KEY_CHOICE, DEVICE(suppress), suppressions, 0, BUTTON},
	{"line-b", KEY_STRING, DEVICE(line_b), NULL, 0, ENCODER},
	{"steps", KEY_CHOICE, DEVICE(steps), steps, 0, ENCODER},
	{"divider", KEY_NUMBER, DEVICE(divider), NULL, DIVIDER_MAX, ENCODER},
	{"min", KEY_INTEGER, DEVICE(min), NULL, 0, ENCODER},
	{"max", KEY_INTEGER, DEVICE(max), NULL, 0, ENCODER},
	{"modulo", KEY_INTEGER, DEVICE(modulo), NULL, 0, ENCODER},
	{"window", KEY_SPAN, DEVICE(window_ns), NULL, 0, COUNTER},
	{"report", KEY_PERIOD, DEVICE(report_ns), NULL, 0, ENCODER | COUNTER},
	{NULL, 0, 0, NULL, 0, 0},
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
	return choice_word(config_edges, edge);
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

const char *config_device_word(enum config_device_type type)
{
	return choice_word(devices, type);
}

const char *config_device_text(enum config_device_type type)
{
	static const char *const texts[] = {
		[CONFIG_DEVICE_NONE] = "without a device",
		[CONFIG_DEVICE_SWITCH] = "a switch",
		[CONFIG_DEVICE_BUTTON] = "a button",
		[CONFIG_DEVICE_ENCODER] = "an encoder",
		[CONFIG_DEVICE_COUNTER] = "a counter",
	};

	return texts[type];
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
	/* One letter is like any other one. */
	near = value[1] ? near_find(value, words) : NULL;
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
	case KEY_SPAN:
		config_fault(
			reader,
			"%s is a whole number of ms, or one with us, ms, s or m behind it and%s at most 4294 s, not \"%s\"",
			key->name, key->type == KEY_SPAN ? " above 0 and" : "",
			value);
		break;
	case KEY_INTEGER:
		config_fault(reader, "%s is a whole number, not \"%s\"",
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

static int set_span(const char *value, uint64_t *target)
{
	uint64_t ns;
	int r = config_value_period_ns(value, &ns);

	if (r < 0)
		return r;
	if (ns == 0)
		return -ERANGE;
	*target = ns;
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
	case KEY_SPAN:
		return set_span(value, target);
	case KEY_INTEGER:
		return config_value_integer(value, target);
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
	*place = (struct config_place){
		.file = reader->file, .line = reader->line, .is_faulty = true};
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
	place->is_faulty = r < 0;
	if (r == -ENOMEM)
		reader->error = r;
	else if (r < 0)
		fault_value(reader, key, value);
}

const struct config_place *config_key_place(const struct config_line *line,
					    const char *name)
{
	const struct config_place *place =
		&line->keys[find_key(line_keys, name) - line_keys];

	return place->file ? place : NULL;
}

static void fault_device(struct config_reader *reader, const struct key *key,
			 const struct config_line *line)
{
	enum config_device_type type = line->device.type;
	char fits[64] = "";
	int other;

	for (other = CONFIG_DEVICE_SWITCH; other <= CONFIG_DEVICE_COUNTER;
	     other++) {
		if (!(key->devices & 1U << other))
			continue;
		if (fits[0])
			strcat(fits, " or ");
		strcat(fits, config_device_text(other));
	}
	if (type == CONFIG_DEVICE_NONE)
		config_fault(reader, "%s is for %s; [line %s] has no device",
			     key->name, fits, line->name);
	else
		config_fault(reader, "%s is for %s; [line %s] is %s", key->name,
			     fits, line->name, config_device_text(type));
}

void config_key_check_device(struct config_reader *reader,
			     const struct config_line *line)
{
	const struct config_place *place;
	const struct key *key;

	for (key = line_keys; key->name; key++) {
		place = &line->keys[key - line_keys];
		if (!place->file || !key->devices ||
		    key->devices & 1U << line->device.type)
			continue;
		config_go_to(reader, place);
		fault_device(reader, key, line);
	}
}
