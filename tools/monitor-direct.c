/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Records from a chip of our own: one source per line on the monitor's loop.
 *
 * Lines are all found before any is requested, so that every wrong name is
 * told at once and nothing was disturbed for a command that cannot work.
 *
 * Each source delivers its edges in order, but a turn of the loop serves one
 * source after the other: records are held back for that turn, and shown by
 * their time. Edges of different lines that came while the turn changed may
 * still stand the wrong way round.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor-direct.h"

/* Room for a while in which the output cannot be written, a line. */
#define RING_EVENTS 16384

/* A record of this turn; key_ns never decreases along a line. */
struct held {
	struct record record;
	uint64_t key_ns;
	size_t index;
};

/* A line found and watched; the handler's argument. */
struct watch {
	struct direct *direct;
	struct line *line;
	uint64_t key_ns;
	struct isr_chip *chip;
	struct isr_source *source;
	uint32_t offset;
	/* losses whose place was told already */
	uint64_t told_kernel;
	uint64_t told_ring;
};

struct direct {
	struct monitor *monitor;
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

	if (direct->monitor->options->num_lines > 1)
		qsort(direct->held, direct->num_held, sizeof(*direct->held),
		      compare_held);
	for (i = 0; i < direct->num_held; i++)
		monitor_push(direct->monitor, &direct->held[i].record);
	direct->num_held = 0;

	if (direct->gone) {
		monitor_message(
			"%s: its chip is gone: plug it in again, then start isrmon anew",
			direct->gone->alias);
		monitor_end(direct->monitor, STATUS_FAILED);
	}
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

/*
 * The event says how many were lost, the source's account says where. The
 * account may be ahead of the event by what the IRQ thread saw since.
 */
static unsigned int find_place(struct watch *watch, struct isr_source *source,
			       uint64_t lost)
{
	struct isr_source_stats stats;
	uint64_t kernel, ring;

	if (isr_source_get_stats(source, &stats) < 0)
		return 0;

	kernel = stats.lost_kernel - watch->told_kernel;
	ring = stats.lost_ring - watch->told_ring;
	if (!ring && kernel) {
		watch->told_kernel += lost;
		return PLACE_KERNEL;
	}
	if (!kernel && ring) {
		watch->told_ring += lost;
		return PLACE_RING;
	}

	/* Both: all that the account has is behind us now, or soon. */
	watch->told_kernel = stats.lost_kernel;
	watch->told_ring = stats.lost_ring;
	return PLACE_KERNEL | PLACE_RING;
}

static int on_event(struct isr_source *source, const struct isr_event *event,
		    void *arg)
{
	struct watch *watch = arg;
	struct record record = {
		.line = watch->line,
		.kind = event->kind,
		.flags = event->flags,
		.value = event->value,
		.t_ns = event->t_ns,
		.line_seq = event->line_seq,
		.lost = event->lost,
	};

	if (event->lost)
		record.lost_at = find_place(watch, source, event->lost);
	hold(watch, &record);
	if (event->kind == ISR_EVENT_CHIP_LOST)
		watch->direct->gone = watch->line;
	return 0;
}

/* What is wrong is told. */
static int find_line(struct monitor *m, struct watch *watch, const char *name)
{
	const struct options *o = m->options;
	struct isr_error error;
	unsigned int flags = 0;
	int r;

	if (o->by_name)
		flags |= ISR_LINE_FIND_BY_NAME;
	if (o->strict)
		flags |= ISR_LINE_FIND_STRICT;

	r = isr_line_find(o->chip, name, flags, &watch->chip, &watch->offset,
			  &error);
	if (r < 0)
		monitor_message("%s", error.message);
	return r;
}

/* The same line by two names could only be busy, held by ourselves. */
static int check_twice(const struct watch *watches, int i, char **names)
{
	const char *chip = isr_chip_get_name(watches[i].chip);
	int j;

	for (j = 0; j < i; j++) {
		if (!watches[j].chip ||
		    watches[j].offset != watches[i].offset ||
		    strcmp(isr_chip_get_name(watches[j].chip), chip) != 0)
			continue;
		monitor_message(
			"'%s' and '%s' are the same line (%s, offset %" PRIu32
			"): name it once",
			names[j], names[i], chip, watches[i].offset);
		return -EINVAL;
	}
	return 0;
}

static int find_lines(struct monitor *m, struct watch *watches)
{
	const struct options *o = m->options;
	int i, r, result = 0;

	for (i = 0; i < o->num_lines; i++) {
		r = find_line(m, &watches[i], o->lines[i]);
		if (r >= 0)
			r = check_twice(watches, i, o->lines);
		if (r < 0)
			result = r;
		/* No chip, no permission: it is the same for all lines. */
		if (r < 0 && o->chip && !watches[i].chip && r != -ENOENT &&
		    r != -ENOTUNIQ)
			break;
	}
	return result;
}

static int request_line(struct monitor *m, struct watch *watch,
			const char *alias)
{
	const struct options *o = m->options;
	char offset[16];
	struct isr_pin_config config = {
		.sz = sizeof(config),
		.chip = isr_chip_get_name(watch->chip),
		.line = offset,
		.edge = o->edges,
		.bias = o->bias,
		.clock = o->clock,
		.active_low = o->active_low,
		.debounce_ns = o->debounce_ns,
		.ring_events = RING_EVENTS,
		.consumer = o->consumer,
	};
	struct isr_line_info info;
	struct isr_error error;
	int r;

	r = isr_chip_get_line_info(watch->chip, watch->offset, &info);
	if (r < 0) {
		monitor_message("cannot read about line %" PRIu32 " of %s: %s",
				watch->offset, config.chip, strerror(-r));
		return r;
	}

	watch->line = monitor_add_line(m, alias, info.name, config.chip,
				       watch->offset);
	if (!watch->line)
		return -ENOMEM;
	watch->line->clock = o->clock;
	watch->line->simulated = isr_chip_is_simulated(watch->chip);

	snprintf(offset, sizeof(offset), "%" PRIu32, watch->offset);
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
	int r = isr_pin_get_value(watch->source, &record.value);

	if (r < 0) {
		monitor_message("%s: cannot read the level: %s",
				watch->line->alias, strerror(-r));
		return r;
	}
	monitor_push(m, &record);
	return 0;
}

static void close_watches(struct direct *direct)
{
	int i;

	for (i = 0; i < direct->monitor->options->num_lines; i++) {
		isr_source_close(direct->watches[i].source);
		isr_chip_unref(direct->watches[i].chip);
	}
	free(direct->watches);
	free(direct->held);
}

static int open_watches(struct direct *direct)
{
	struct monitor *m = direct->monitor;
	struct watch *watches = direct->watches;
	const struct options *o = m->options;
	int i, r;

	for (i = 0; i < o->num_lines; i++)
		watches[i].direct = direct;

	r = find_lines(m, watches);
	for (i = 0; r >= 0 && i < o->num_lines; i++)
		r = request_line(m, &watches[i], o->lines[i]);
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
	enum status status = STATUS_FAILED;

	direct.watches = calloc(m->options->num_lines, sizeof(*direct.watches));
	if (!direct.watches) {
		monitor_message("out of memory");
		return STATUS_FAILED;
	}

	m->settle = push_held;
	m->settle_arg = &direct;
	if (open_watches(&direct) >= 0)
		status = monitor_run(m);
	close_watches(&direct);
	return status;
}
