/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: the lines of a simulated chip, as isrloop-sim(5) describes them.
 *
 * inih splits keys from values. It tells neither line numbers nor empty
 * sections, and stops counting faults at the first; so the lines go through
 * read_line(), which sees all of that before inih does.
 */
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "near.h"
#include "sim-config.h"

/* The chip of the spec "sim:", with every parameter at its default. */
static const char default_text[] = "[chip]\n"
				   "label = isrloop-sim\n"
				   "[line CLOCK]\n"
				   "pattern = square\n"
				   "[line BUTTON]\n"
				   "pattern = button\n"
				   "[encoder ENC_A ENC_B]\n"
				   "[line IDLE]\n"
				   "pattern = idle\n";

enum kind { IDLE, SQUARE, BUTTON, BURST, RANDOM, ENCODER, NUM_KINDS };

/* ENCODER is a section of its own, not a pattern of one line. */
static const char *const kind_names[NUM_KINDS] = {
	[IDLE] = "idle",   [SQUARE] = "square", [BUTTON] = "button",
	[BURST] = "burst", [RANDOM] = "random", [ENCODER] = "encoder",
};

enum key {
	PERIOD_US,
	DUTY_PERCENT,
	HOLD_US,
	BOUNCES,
	BOUNCE_US,
	EDGES,
	GAP_US,
	CYCLES,
	PAUSE_US,
	NUM_KEYS
};

#define HOUR_US 3600000000U

static const struct {
	const char *name;
	uint64_t min;
	uint64_t max;
	/* 0: the key means nothing there; else 1 + default. */
	uint64_t default_plus_1[NUM_KINDS];
} keys[NUM_KEYS] = {
	[PERIOD_US] = {"period_us",
		       1,
		       HOUR_US,
		       {[SQUARE] = 1 + 1000,
			[BUTTON] = 1 + 1000000,
			[BURST] = 1 + 1000000,
			[RANDOM] = 1 + 10000,
			[ENCODER] = 1 + 20000}},
	[DUTY_PERCENT] = {"duty_percent", 1, 99, {[SQUARE] = 1 + 50}},
	[HOLD_US] = {"hold_us", 1, HOUR_US, {[BUTTON] = 1 + 250000}},
	[BOUNCES] = {"bounces", 0, 1000, {[BUTTON] = 1 + 4}},
	[BOUNCE_US] = {"bounce_us", 1, HOUR_US, {[BUTTON] = 1 + 3000}},
	[EDGES] = {"edges", 1, 1000000, {[BURST] = 1 + 100}},
	[GAP_US] = {"gap_us", 1, HOUR_US, {[BURST] = 1 + 10}},
	[CYCLES] = {"cycles", 1, 100000, {[ENCODER] = 1 + 20}},
	[PAUSE_US] = {"pause_us", 0, HOUR_US, {[ENCODER] = 1 + 200000}},
};

enum section { SECTION_NONE, SECTION_CHIP, SECTION_LINE, SECTION_ENCODER };

struct parser {
	const char *path;
	FILE *file;
	struct isri_sim_config *config;

	char *text; /* getline()'s */
	size_t text_bytes;
	unsigned int line_no;
	int error; /* of the file itself, negative errno */

	unsigned int num_faults;
	char faults[ISR_ERROR_MESSAGE_BYTES];
	bool faults_full;

	/* The section that is open. */
	enum section section;
	bool is_bad; /* its head is: what it says is not looked at */
	unsigned int section_line_no;
	char names[2][ISR_NAME_BYTES];
	enum kind kind;
	uint64_t values[NUM_KEYS];
	unsigned int value_line_no[NUM_KEYS]; /* 0: not given */
};

static void __attribute__((format(printf, 3, 4)))
fault(struct parser *p, unsigned int line_no, const char *format, ...)
{
	/* Room for " (and N more)". */
	const size_t size_bytes = sizeof(p->faults) - 32;
	size_t len = strlen(p->faults);
	char text[256];
	va_list args;
	size_t need;

	p->num_faults++;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	need = strlen(p->path) + strlen(text) + 32;
	/* The first is told even if it has to be cut. */
	if (p->faults_full || (len && len + need > size_bytes)) {
		p->faults_full = true;
		return;
	}
	snprintf(p->faults + len, size_bytes - len, "%s%s:%u: %s",
		 len ? "; " : "", p->path, line_no, text);
}

static int parse_number(const char *s, uint64_t *ret_number)
{
	unsigned long long number;
	char *end;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(s, &end, 0);
	if (errno || *end)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

/*
 * The end of a section: from keys to a pattern.
 */

static bool is_name_taken(const struct isri_sim_config *config,
			  const char *name)
{
	uint32_t i;

	for (i = 0; i < config->num_lines; i++)
		if (!strcmp(config->lines[i].name, name))
			return true;
	return false;
}

static void add_line(struct parser *p, const char *name, int pattern,
		     unsigned int channel)
{
	struct isri_sim_config *config = p->config;
	struct isri_sim_line_config *line;

	if (is_name_taken(config, name)) {
		fault(p, p->section_line_no, "line %s is there twice", name);
		return;
	}
	if (config->num_lines == ISRI_SIM_LINES_MAX) {
		fault(p, p->section_line_no, "more than %d lines",
		      ISRI_SIM_LINES_MAX);
		return;
	}
	line = &config->lines[config->num_lines++];
	snprintf(line->name, sizeof(line->name), "%s", name);
	line->pattern = pattern;
	line->channel = channel;
}

static void apply_defaults(struct parser *p)
{
	int i;

	for (i = 0; i < NUM_KEYS; i++) {
		uint64_t d = keys[i].default_plus_1[p->kind];

		if (p->value_line_no[i] && d == 0)
			fault(p, p->value_line_no[i],
			      "%s means nothing to pattern %s", keys[i].name,
			      kind_names[p->kind]);
		if (!p->value_line_no[i] && d > 0)
			p->values[i] = d - 1;
	}
}

static void make_button(struct parser *p, struct isri_pattern *pattern)
{
	const uint64_t *v = p->values;

	pattern->kind = ISRI_PATTERN_BUTTON;
	pattern->high_ns = v[HOLD_US] * 1000;
	pattern->bounces = v[BOUNCES];
	pattern->bounce_ns = v[BOUNCE_US] * 1000;
	if (v[HOLD_US] <= v[BOUNCE_US])
		fault(p, p->section_line_no,
		      "hold_us must be longer than bounce_us");
	if (v[PERIOD_US] <= v[HOLD_US] + v[BOUNCE_US])
		fault(p, p->section_line_no,
		      "period_us must be longer than hold_us + bounce_us");
	/* Each bounce is two edges, each with at least 1 ns of its own. */
	if (pattern->bounce_ns < 2 * (uint64_t)pattern->bounces)
		fault(p, p->section_line_no,
		      "bounce_us is too short for so many bounces");
}

static void make_burst(struct parser *p, struct isri_pattern *pattern)
{
	pattern->kind = ISRI_PATTERN_BURST;
	pattern->edges = p->values[EDGES];
	pattern->gap_ns = p->values[GAP_US] * 1000;
	if (p->values[EDGES] * p->values[GAP_US] > p->values[PERIOD_US])
		fault(p, p->section_line_no,
		      "period_us must be edges * gap_us or longer");
}

static void make_encoder(struct parser *p, struct isri_pattern *pattern)
{
	pattern->kind = ISRI_PATTERN_ENCODER;
	pattern->edges = 4 * p->values[CYCLES];
	/* A period of 1 us has edges of 250 ns: always exact. */
	pattern->gap_ns = p->values[PERIOD_US] * 1000 / 4;
	pattern->cycle_ns = 2 * (pattern->edges * pattern->gap_ns +
				 p->values[PAUSE_US] * 1000);
}

/* Returns the pattern's index or -1. */
static int add_pattern(struct parser *p)
{
	struct isri_pattern pattern = {.cycle_ns = p->values[PERIOD_US] * 1000};

	switch (p->kind) {
	case SQUARE:
		pattern.kind = ISRI_PATTERN_SQUARE;
		pattern.high_ns =
			pattern.cycle_ns * p->values[DUTY_PERCENT] / 100;
		break;
	case BUTTON:
		make_button(p, &pattern);
		break;
	case BURST:
		make_burst(p, &pattern);
		break;
	case RANDOM:
		pattern.kind = ISRI_PATTERN_RANDOM;
		break;
	case ENCODER:
		make_encoder(p, &pattern);
		break;
	default:
		return -1;
	}
	/* There are no more patterns than lines: add_line() tells. */
	if (p->config->num_patterns == ISRI_SIM_LINES_MAX)
		return -1;
	p->config->patterns[p->config->num_patterns] = pattern;
	return p->config->num_patterns++;
}

static void end_section(struct parser *p)
{
	int pattern;

	if (!p->is_bad && p->section >= SECTION_LINE) {
		apply_defaults(p);
		pattern = add_pattern(p);
		add_line(p, p->names[0], pattern, 0);
		if (p->section == SECTION_ENCODER)
			add_line(p, p->names[1], pattern, 1);
	}
	p->section = SECTION_NONE;
}

/*
 * The head of a section.
 */

static int copy_name(struct parser *p, const char *from, size_t len, char *to)
{
	if (len == 0 || len >= ISR_NAME_BYTES) {
		fault(p, p->line_no,
		      len ? "the name is longer than %d characters"
			  : "the name is missing: [line NAME] (%d characters "
			    "at most)",
		      ISR_NAME_BYTES - 1);
		return -EINVAL;
	}
	memcpy(to, from, len);
	to[len] = '\0';
	return 0;
}

static int parse_encoder_names(struct parser *p, const char *s)
{
	size_t a = strcspn(s, " \t");
	const char *second = s + a + strspn(s + a, " \t");
	size_t b = strcspn(second, " \t");

	if (!a || !b || second[b]) {
		fault(p, p->line_no,
		      "an encoder has two lines: "
		      "[encoder NAME_A NAME_B]");
		return -EINVAL;
	}
	if (copy_name(p, s, a, p->names[0]) < 0)
		return -EINVAL;
	return copy_name(p, second, b, p->names[1]);
}

static void unknown_section(struct parser *p, const char *head)
{
	char word[ISR_NAME_BYTES];
	struct isri_near near = {0};
	char hint[ISR_ERROR_MESSAGE_BYTES / 2];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(head, " \t"), head);
	isri_near_offer(&near, word, "chip");
	isri_near_offer(&near, word, "line");
	isri_near_offer(&near, word, "encoder");
	isri_near_format(&near, hint, sizeof(hint));
	fault(p, p->line_no, "unknown section [%s]%s", word, hint);
	p->is_bad = true;
}

/* head: between the brackets, no blanks around it. */
static void begin_section(struct parser *p, const char *head)
{
	size_t word = strcspn(head, " \t");
	const char *rest = head + word + strspn(head + word, " \t");

	end_section(p);
	p->section_line_no = p->line_no;
	p->is_bad = false;
	p->kind = IDLE;
	memset(p->value_line_no, 0, sizeof(p->value_line_no));

	if (!strcmp(head, "chip")) {
		p->section = SECTION_CHIP;
	} else if (word == 4 && !strncmp(head, "line", word)) {
		p->section = SECTION_LINE;
		p->is_bad = copy_name(p, rest, strlen(rest), p->names[0]) < 0;
	} else if (word == 7 && !strncmp(head, "encoder", word)) {
		p->section = SECTION_ENCODER;
		p->kind = ENCODER;
		p->is_bad = parse_encoder_names(p, rest) < 0;
	} else {
		unknown_section(p, head);
	}
}

/*
 * Keys.
 */

static void unknown_key(struct parser *p, const char *name)
{
	struct isri_near near = {0};
	char hint[ISR_ERROR_MESSAGE_BYTES / 2];
	int i;

	if (p->section == SECTION_CHIP) {
		isri_near_offer(&near, name, "debounce");
		isri_near_offer(&near, name, "label");
		isri_near_offer(&near, name, "seed");
	} else {
		for (i = 0; i < NUM_KEYS; i++)
			isri_near_offer(&near, name, keys[i].name);
		isri_near_offer(&near, name, "pattern");
	}
	isri_near_format(&near, hint, sizeof(hint));
	fault(p, p->line_no, "unknown key %.64s%s", name, hint);
}

static void set_debounce(struct parser *p, const char *value)
{
	p->config->no_debounce = !strcmp(value, "no");
	if (!p->config->no_debounce && strcmp(value, "yes"))
		fault(p, p->line_no, "debounce is yes or no, not %.64s", value);
}

static void set_chip_key(struct parser *p, const char *name, const char *value)
{
	if (!strcmp(name, "label"))
		copy_name(p, value, strlen(value), p->config->label);
	else if (!strcmp(name, "debounce"))
		set_debounce(p, value);
	else if (strcmp(name, "seed"))
		unknown_key(p, name);
	else if (parse_number(value, &p->config->seed) < 0)
		fault(p, p->line_no, "seed must be a number, not %.64s", value);
}

static void set_pattern(struct parser *p, const char *value)
{
	struct isri_near near = {0};
	char hint[ISR_ERROR_MESSAGE_BYTES / 2];
	int i;

	for (i = IDLE; i < ENCODER; i++) {
		if (!strcmp(value, kind_names[i])) {
			p->kind = i;
			return;
		}
		isri_near_offer(&near, value, kind_names[i]);
	}
	if (!strncmp(value, "encoder", 7))
		snprintf(hint, sizeof(hint),
			 "; an encoder is a section: [encoder NAME_A NAME_B]");
	else
		isri_near_format(&near, hint, sizeof(hint));
	fault(p, p->line_no, "unknown pattern %.64s%s", value, hint);
	/* What its keys mean is unknown as well. */
	p->is_bad = true;
}

static void set_number(struct parser *p, enum key key, const char *value)
{
	uint64_t number;

	if (parse_number(value, &number) < 0 || number < keys[key].min ||
	    number > keys[key].max) {
		fault(p, p->line_no, "%s must be a number from %llu to %llu",
		      keys[key].name, (unsigned long long)keys[key].min,
		      (unsigned long long)keys[key].max);
		/* Do not judge the section by a default instead. */
		p->is_bad = true;
		return;
	}
	if (p->value_line_no[key])
		fault(p, p->line_no, "%s is there twice (line %u)",
		      keys[key].name, p->value_line_no[key]);
	p->values[key] = number;
	p->value_line_no[key] = p->line_no;
}

static void set_line_key(struct parser *p, const char *name, const char *value)
{
	int i;

	if (p->section == SECTION_LINE && !strcmp(name, "pattern")) {
		set_pattern(p, value);
		return;
	}
	for (i = 0; i < NUM_KEYS; i++) {
		if (!strcmp(name, keys[i].name)) {
			set_number(p, i, value);
			return;
		}
	}
	unknown_key(p, name);
}

/* inih's callback; the section is known already. */
static int handle_key(void *arg, const char *section, const char *name,
		      const char *value)
{
	struct parser *p = arg;

	if (p->section == SECTION_CHIP)
		set_chip_key(p, name, value);
	else if (p->section != SECTION_NONE)
		set_line_key(p, name, value);
	else if (!p->is_bad)
		fault(p, p->line_no, "%.64s stands before any section", name);
	return 1;
}

/*
 * Lines.
 */

static char *strip(char *s)
{
	size_t len;

	s += strspn(s, " \t\r\n");
	len = strlen(s);
	while (len > 0 && strchr(" \t\r\n", s[len - 1]))
		s[--len] = '\0';
	return s;
}

/* True when the line is a key and its value, which inih is to see. */
static bool check_line(struct parser *p, char *s, int size_bytes)
{
	char *end;

	if (*s == '\0' || *s == '#' || *s == ';')
		return false;
	if (*s == '[') {
		end = strchr(s, ']');
		if (end)
			*end = '\0';
		else
			fault(p, p->line_no, "the ] is missing");
		begin_section(p, strip(s + 1));
		return false;
	}
	if (!strpbrk(s, "=:")) {
		fault(p, p->line_no, "expected KEY = VALUE or [SECTION]");
		return false;
	}
	if (strlen(s) + 2 > (size_t)size_bytes) {
		fault(p, p->line_no, "the line is too long");
		return false;
	}
	return true;
}

/*
 * inih's reader, like fgets(). A line without its indentation, which inih
 * would take for the continuation of a value.
 */
static char *read_line(char *buffer, int size_bytes, void *arg)
{
	struct parser *p = arg;
	char *s;

	errno = 0;
	if (getline(&p->text, &p->text_bytes, p->file) < 0) {
		if (ferror(p->file))
			p->error = errno > 0 ? -errno : -EIO;
		return NULL;
	}
	p->line_no++;
	s = strip(p->text);
	snprintf(buffer, size_bytes, "%s\n",
		 check_line(p, s, size_bytes) ? s : "");
	return buffer;
}

static int report(struct parser *p, struct isr_error *reterr_error)
{
	uint32_t i;
	size_t len;

	if (p->error < 0)
		return isri_error_set(reterr_error, p->error,
				      "cannot read %s: %s", p->path,
				      strerror(-p->error));
	if (!p->num_faults && !p->config->num_lines)
		fault(p, p->line_no ? p->line_no : 1,
		      "no lines: there is no [line NAME] or "
		      "[encoder NAME_A NAME_B]");
	if (p->num_faults) {
		len = strlen(p->faults);
		if (p->faults_full)
			snprintf(p->faults + len, sizeof(p->faults) - len,
				 " (and more: %u faults)", p->num_faults);
		return isri_error_set(reterr_error, -EIO, "%s", p->faults);
	}
	/* Each pattern has its own chance, whatever the others are. */
	for (i = 0; i < p->config->num_patterns; i++)
		p->config->patterns[i].seed =
			isri_pattern_hash(p->config->seed, i, 0);
	return 0;
}

int isri_sim_config_read(const char *path, struct isri_sim_config *ret_config,
			 struct isr_error *reterr_error)
{
	struct parser p = {.path = path ? path : "sim:", .config = ret_config};

	memset(ret_config, 0, sizeof(*ret_config));
	snprintf(ret_config->label, sizeof(ret_config->label), "isrloop-sim");
	ret_config->seed = 1;

	p.file = path ? fopen(path, "re")
		      : fmemopen((void *)default_text, sizeof(default_text) - 1,
				 "r");
	if (!p.file)
		return isri_error_set(reterr_error, -errno,
				      "cannot open %s: %s", p.path,
				      strerror(errno));
	ini_parse_stream(read_line, &p, handle_key, &p);
	end_section(&p);
	fclose(p.file);
	free(p.text);
	return report(&p, reterr_error);
}
