/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Records from a chip of our own: one source per line on the monitor's loop.
 *
 * Each source delivers its edges in order, but a turn of the loop serves one
 * source after the other: records are held back for that turn, and shown by
 * their time. Edges of different lines that came while the turn changed may
 * still stand the wrong way round.
 */
#include <stdlib.h>
#include <string.h>

#include "direct-line.h"
#include "monitor-direct.h"

/* A record of this turn; key_ns never decreases along a line. */
struct held {
	struct record record;
	uint64_t key_ns;
	size_t index;
};

/* A line found and watched; the handler's argument. */
struct watch {
	struct direct *direct;
	struct direct_line *found;
	struct line *line;
	struct isr_source *source;
	uint64_t key_ns;
};

struct direct {
	struct monitor *monitor;
	struct direct_line *lines;
	struct watch *watches;
	struct held *held;
	size_t num_held;
	size_t max_held;
	/* a line whose chip was unplugged */
	const struct line *gone;
};

static int compare_held(const void *a, const void *b)
{
	const struct held *left = a, *right = b;

	if (left->key_ns != right->key_ns)
		return left->key_ns < right->key_ns ? -1 : 1;
	return left->index < right->index ? -1 : 1;
}

/* monitor's settle: what this turn brought. */
static void push_held(void *arg)
{
	struct direct *direct = arg;
	size_t i;

	/* A line's own are in order. */
	if (direct->monitor->options->num_lines > 1 && direct->num_held > 1)
		qsort(direct->held, direct->num_held, sizeof(*direct->held),
		      compare_held);
	for (i = 0; i < direct->num_held; i++)
		monitor_push(direct->monitor, &direct->held[i].record);
	direct->num_held = 0;

	if (direct->gone)
		direct_tell_gone(direct->monitor, direct->gone);
}

/* The time of a line may step back, with a clock that somebody sets. */
static void hold(struct watch *watch, const struct record *record)
{
	struct direct *direct = watch->direct;
	struct held *held;

	if (direct->num_held == direct->max_held) {
		size_t max_held = direct->max_held ? direct->max_held * 2 : 256;

		held = realloc(direct->held, max_held * sizeof(*held));
		if (!held) {
			monitor_message("out of memory");
			monitor_end(direct->monitor, STATUS_FAILED);
			return;
		}
		direct->held = held;
		direct->max_held = max_held;
	}

	if (record->t_ns > watch->key_ns)
		watch->key_ns = record->t_ns;
	held = &direct->held[direct->num_held];
	held->record = *record;
	held->key_ns = watch->key_ns;
	held->index = direct->num_held++;
}

static int on_event(struct isr_source *source, const struct isr_event *event,
		    void *arg)
{
	struct watch *watch = arg;
	struct record record;

	direct_make_record(watch->found, source, event, &record);
	hold(watch, &record);
	if (event->kind == ISR_EVENT_CHIP_LOST)
		watch->direct->gone = watch->line;
	return 0;
}

static int request_line(struct watch *watch, const char *alias)
{
	struct monitor *m = watch->direct->monitor;
	struct isr_pin_config config;
	struct isr_error error;
	int r;

	r = direct_add_line(m, watch->found, alias);
	if (r < 0)
		return r;

	watch->line = watch->found->line;
	direct_get_pin_config(m, watch->found, &config);
	r = isr_pin_open(m->loop, &config, on_event, watch, &watch->source,
			 &error);
	if (r < 0)
		monitor_message("%s", error.message);
	return r;
}

static int push_level(struct watch *watch)
{
	struct monitor *m = watch->direct->monitor;
	struct record record = {
		.line = watch->line,
		.kind = ISR_EVENT_INITIAL,
		.t_ns = monitor_get_now_ns(m, watch->line->clock),
	};
	int value, r = isr_pin_get_value(watch->source, &value);

	if (r < 0) {
		monitor_message("%s: cannot read the level: %s",
				watch->line->alias, strerror(-r));
		return r;
	}
	record.value = value;
	monitor_push(m, &record);
	return 0;
}

static void close_watches(struct direct *direct)
{
	int i, num_lines = direct->monitor->options->num_lines;

	for (i = 0; direct->watches && i < num_lines; i++)
		isr_source_close(direct->watches[i].source);
	if (direct->lines)
		direct_drop_lines(direct->lines, num_lines);
	free(direct->lines);
	free(direct->watches);
	free(direct->held);
}

static int open_watches(struct direct *direct)
{
	struct monitor *m = direct->monitor;
	struct watch *watches = direct->watches;
	const struct options *o = m->options;
	int i, r;

	r = direct_find_lines(m, direct->lines);
	for (i = 0; r >= 0 && i < o->num_lines; i++) {
		watches[i].direct = direct;
		watches[i].found = &direct->lines[i];
		r = request_line(&watches[i], o->lines[i]);
	}
	if (r < 0)
		return r;

	monitor_announce(m);
	if (!o->initial && !o->json)
		return 0;
	for (i = 0; r >= 0 && i < o->num_lines; i++)
		r = push_level(&watches[i]);
	return r;
}

enum status direct_watch(struct monitor *m)
{
	struct direct direct = {.monitor = m};
	size_t num_lines = (size_t)m->options->num_lines;
	enum status status = STATUS_FAILED;

	direct.lines = calloc(num_lines, sizeof(*direct.lines));
	direct.watches = calloc(num_lines, sizeof(*direct.watches));
	m->settle = push_held;
	m->settle_arg = &direct;
	if (!direct.lines || !direct.watches)
		monitor_message("out of memory");
	else if (open_watches(&direct) >= 0)
		status = monitor_run(m);
	close_watches(&direct);
	return status;
}
