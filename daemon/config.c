/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The daemon's configuration.
 *
 * inih tells the first malformed line of a file only, and its handler gets
 * no line number; so it is given one line at a time, and the sections are
 * read here. That also turns off its continuation lines: an indented key is
 * a key.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>
#include <jansson.h>

#include "config-key.h"
#include "near.h"

/* inih's buffer holds 200 bytes: a longer line would be read as two. */
#define LINE_BYTES_MAX 197
#define MAX_CLIENTS_DEFAULT 64
#define CLIENT_QUEUE_DEFAULT 4096

static const char *const sections[] = {"daemon", "line", NULL};

/* Add @item, which is taken over even on failure, to an array. */
static int append(char ***array, size_t *length, char *item)
{
	char **grown;

	if (!item)
		return -ENOMEM;
	grown = realloc(*array, (*length + 1) * sizeof(*grown));
	if (!grown) {
		free(item);
		return -ENOMEM;
	}
	grown[(*length)++] = item;
	*array = grown;
	return 0;
}

void config_fault(struct config_reader *reader, const char *format, ...)
{
	char message[512], *text;
	va_list args;
	int r;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	/* Line 0: the file as a whole. */
	if (reader->line)
		r = asprintf(&text, "%s:%u: %s", reader->file, reader->line,
			     message);
	else
		r = asprintf(&text, "%s: %s", reader->file, message);
	if (r < 0)
		text = NULL;
	r = append(&reader->config->faults, &reader->config->n_faults, text);
	if (r < 0)
		reader->error = r;
}

void config_go_to(struct config_reader *reader,
		  const struct config_place *place)
{
	reader->file = place->file;
	reader->line = place->line;
}

static void line_done(struct config_line *line)
{
	free(line->name);
	free(line->chip);
	free(line->line);
	free(line->device.line_b);
}

/* A section that names a line, below which keys may follow. */
static int add_line(struct config_reader *reader, const char *name)
{
	struct config *config = reader->config;
	struct config_line *grown, *line;

	grown = reallocarray(config->lines, config->n_lines + 1,
			     sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	config->lines = grown;
	line = &grown[config->n_lines];
	memset(line, 0, sizeof(*line));
	line->place = (struct config_place){.file = reader->file,
					    .line = reader->line};
	line->name = strdup(name);
	line->line = strdup(name);
	if (!line->name || !line->line) {
		line_done(line);
		return -ENOMEM;
	}
	config->n_lines++;
	return 0;
}

static bool is_text(const char *name)
{
	json_t *string = json_string(name); /* NULL unless it is UTF-8 */
	bool text = string;

	json_decref(string);
	for (; *name; name++) {
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			return false;
	}
	return text;
}

static bool is_line_name(struct config_reader *reader, const char *name)
{
	const struct config *config = reader->config;
	const struct config_place *first;
	size_t i;

	if (!name[0] || strlen(name) >= ISR_NAME_BYTES || !is_text(name)) {
		config_fault(
			reader,
			"[line NAME] needs a name of 1 to %d bytes of UTF-8",
			ISR_NAME_BYTES - 1);
		return false;
	}
	for (i = 0; i < config->n_lines; i++) {
		first = &config->lines[i].place;
		if (strcmp(config->lines[i].name, name) != 0)
			continue;
		config_fault(reader, "[line %s] is there twice; first at %s:%u",
			     name, first->file, first->line);
		/* Read all the same, for the faults of its keys. */
		break;
	}
	return true;
}

static void fault_unknown_section(struct config_reader *reader,
				  const char *word)
{
	const char *near = near_find(word, sections);

	if (!near)
		config_fault(
			reader,
			"no section [%s]; there are [daemon] and [line NAME]",
			word);
	else
		config_fault(reader, "no section [%s]; did you mean [%s]?",
			     word, strcmp(near, "line") ? near : "line NAME");
}

static char *strip(char *text)
{
	char *end = text + strlen(text);

	text += strspn(text, " \t");
	while (end > text && strchr(" \t\r\n", end[-1]))
		*--end = '\0';
	return text;
}

/* @text is what stands between the brackets. */
static void enter_section(struct config_reader *reader, char *text)
{
	char *word = strip(text), *name = word + strcspn(word, " \t");
	int r;

	if (*name) {
		*name++ = '\0';
		name = strip(name);
	}
	reader->section = SECTION_UNKNOWN;
	if (strcmp(word, "daemon") == 0 && !*name) {
		reader->section = SECTION_DAEMON;
	} else if (strcmp(word, "daemon") == 0) {
		config_fault(reader, "[daemon] takes no name");
	} else if (strcmp(word, "line") != 0) {
		fault_unknown_section(reader, word);
	} else if (is_line_name(reader, name)) {
		r = add_line(reader, name);
		if (r < 0)
			reader->error = r;
		else
			reader->section = SECTION_LINE;
	}
}

static void read_header(struct config_reader *reader, char *text)
{
	char *end = strchr(text, ']'), *rest;

	if (!end) {
		config_fault(reader, "\"%s\" lacks its \"]\"", text);
		reader->section = SECTION_UNKNOWN;
		return;
	}
	rest = strip(end + 1);
	if (*rest && *rest != ';' && *rest != '#')
		config_fault(reader, "\"%s\" behind a section's \"]\"", rest);
	*end = '\0';
	enter_section(reader, text + 1);
}

/* inih's handler: one key of the present section. */
static int read_key(void *user, const char *section, const char *name,
		    const char *value)
{
	struct config_reader *reader = user;

	if (reader->section == SECTION_NONE)
		config_fault(reader, "\"%s\" stands before the first section",
			     name);
	else if (reader->section != SECTION_UNKNOWN)
		config_key_set(reader, name, value);
	return 1;
}

static void read_line(struct config_reader *reader, char *text, size_t length)
{
	static const char bom[] = "\xef\xbb\xbf";

	if (strlen(text) != length) {
		config_fault(reader, "a NUL byte");
		return;
	}
	if (reader->line == 1 && strncmp(text, bom, strlen(bom)) == 0)
		text += strlen(bom);
	text = strip(text);
	if (!*text || *text == '#' || *text == ';')
		return;
	if (strlen(text) > LINE_BYTES_MAX)
		config_fault(reader, "the line is longer than %d bytes",
			     LINE_BYTES_MAX);
	else if (*text == '[')
		read_header(reader, text);
	else if (ini_parse_string(text, read_key, reader) != 0)
		config_fault(reader, "\"%s\" is no \"key = value\"", text);
}

static int read_file(struct config *config, const char *path)
{
	struct config_reader reader = {.config = config};
	size_t size = 0;
	char *text = NULL;
	ssize_t length;
	FILE *file;
	int r;

	r = append(&config->files, &config->n_files, strdup(path));
	if (r < 0)
		return r;
	reader.file = config->files[config->n_files - 1];

	file = fopen(path, "re");
	if (!file) {
		config_fault(&reader, "%s", strerror(errno));
		return reader.error;
	}
	while ((length = getline(&text, &size, file)) >= 0) {
		reader.line++;
		read_line(&reader, text, (size_t)length);
	}
	if (ferror(file))
		config_fault(&reader, "%s", strerror(errno));
	free(text);
	fclose(file);
	return reader.error;
}

static int is_conf(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* By byte, so that the order does not depend on the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_directory(struct config *config, const char *path)
{
	struct dirent **entries;
	char *file;
	int n, i, r = 0;

	n = scandir(path, &entries, is_conf, compare_names);
	if (n < 0)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (i = 0; i < n; i++) {
		if (r == 0 &&
		    asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0)
			r = -ENOMEM;
		if (r == 0) {
			r = read_file(config, file);
			free(file);
		}
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* Names of a line of the chip, that of an encoder's B last; NULL: no more. */
static const char *get_input(const struct config_line *line, unsigned int input)
{
	return input == 0 ? line->line
			  : (input == 1 ? line->device.line_b : NULL);
}

static bool has_input(const struct config_line *line, const char *chip,
		      const char *name)
{
	const char *own;
	unsigned int i;

	if (!line->chip != !chip || (chip && strcmp(line->chip, chip) != 0))
		return false;
	for (i = 0; (own = get_input(line, i)); i++) {
		if (strcmp(own, name) == 0)
			return true;
	}
	return false;
}

/* Two sections for one line could never both hold it. */
static void check_same_line(struct config_reader *reader,
			    const struct config_line *line, const char *name)
{
	const struct config_line *other = reader->config->lines;

	for (; other < line; other++) {
		if (strcmp(other->name, line->name) == 0 ||
		    !has_input(other, line->chip, name))
			continue;
		if (line->device.line_b || other->device.line_b)
			config_fault(
				reader,
				"line %s of [line %s] is also one of [line %s] at %s:%u",
				name, line->name, other->name,
				other->place.file, other->place.line);
		else
			config_fault(
				reader,
				"[line %s] is the same line as [line %s] at %s:%u",
				line->name, other->name, other->place.file,
				other->place.line);
		return;
	}
}

static void check_input(struct config_reader *reader,
			const struct config_line *line, const char *name)
{
	if (!line->chip && name[strspn(name, "0123456789")] == '\0')
		config_fault(reader,
			     "[line %s] is line %s of which chip? Set chip",
			     line->name, name);
	check_same_line(reader, line, name);
}

/* What can only be said when all files are read. */
static int check_lines(struct config *config)
{
	struct config_reader reader = {.config = config};
	struct config_line *line;
	const char *name;
	unsigned int i;
	size_t n;

	for (n = 0; n < config->n_lines; n++) {
		line = &config->lines[n];
		config_go_to(&reader, &line->place);
		for (i = 0; (name = get_input(line, i)); i++)
			check_input(&reader, line, name);
		config_device_check(&reader, line);
	}
	return reader.error;
}

static int set_defaults(struct config_daemon *daemon)
{
	daemon->socket_mode = 0660;
	daemon->max_clients = MAX_CLIENTS_DEFAULT;
	daemon->client_queue_events = CLIENT_QUEUE_DEFAULT;
	daemon->socket = strdup(CONFIG_SOCKET_DEFAULT);
	return daemon->socket ? 0 : -ENOMEM;
}

int config_load(const char *path, struct config **ret_config)
{
	struct config *config;
	char *directory;
	int r = -ENOMEM;

	config = calloc(1, sizeof(*config));
	if (!config)
		return -ENOMEM;
	if (asprintf(&directory, "%s.d", path) < 0)
		goto out_free;
	r = set_defaults(&config->daemon);
	if (r == 0)
		r = read_file(config, path);
	if (r == 0)
		r = read_directory(config, directory);
	if (r == 0)
		r = check_lines(config);
	free(directory);
	if (r < 0)
		goto out_free;
	*ret_config = config;
	return 0;

out_free:
	config_free(config);
	return r;
}

static void free_strings(char **strings, size_t length)
{
	while (length > 0)
		free(strings[--length]);
	free(strings);
}

void config_free(struct config *config)
{
	size_t i;

	if (!config)
		return;
	for (i = 0; i < config->n_lines; i++)
		line_done(&config->lines[i]);
	free(config->lines);
	free_strings(config->faults, config->n_faults);
	free_strings(config->files, config->n_files);
	free(config->daemon.socket);
	free(config->daemon.socket_group);
	free(config);
}
