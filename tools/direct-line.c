/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Lines of chips of our own. They are all found before any is requested, so
 * that every wrong name is told at once.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "direct-line.h"

/* Room for a while in which the output cannot be written, a line. */
#define RING_EVENTS 16384

/* What is wrong is told. */
static int find_line(struct monitor *m, struct direct_line *line,
		     const char *name)
{
	const struct options *o = m->options;
	struct isr_error error;
	unsigned int flags = 0;
	int r;

	if (o->by_name)
		flags |= ISR_LINE_FIND_BY_NAME;
	if (o->strict)
		flags |= ISR_LINE_FIND_STRICT;

	r = isr_line_find(o->chip, name, flags, &line->chip, &line->offset,
			  &error);
	if (r < 0)
		monitor_message("%s", error.message);
	return r;
}

/* The same line by two names could only be busy, held by ourselves. */
static int check_twice(const struct direct_line *lines, int i, char **names)
{
	const char *chip = isr_chip_get_name(lines[i].chip);
	int j;

	for (j = 0; j < i; j++) {
		if (!lines[j].chip || lines[j].offset != lines[i].offset ||
		    strcmp(isr_chip_get_name(lines[j].chip), chip) != 0)
			continue;
		monitor_message(
			"'%s' and '%s' are the same line (%s, offset %" PRIu32
			"): name it once",
			names[j], names[i], chip, lines[i].offset);
		return -EINVAL;
	}
	return 0;
}

int direct_find_lines(struct monitor *m, struct direct_line *lines)
{
	const struct options *o = m->options;
	int i, r, result = 0;

	for (i = 0; i < o->num_lines; i++) {
		r = find_line(m, &lines[i], o->lines[i]);
		if (r >= 0)
			r = check_twice(lines, i, o->lines);
		if (r < 0)
			result = r;
		/* No chip, no permission: it is the same for all lines. */
		if (r < 0 && o->chip && !lines[i].chip && r != -ENOENT &&
		    r != -ENOTUNIQ)
			break;
	}
	return result;
}

int direct_add_line(struct monitor *m, struct direct_line *line,
		    const char *alias)
{
	const char *chip = isr_chip_get_name(line->chip);
	struct isr_line_info info;
	int r;

	r = isr_chip_get_line_info(line->chip, line->offset, &info);
	if (r < 0) {
		monitor_message("cannot read about line %" PRIu32 " of %s: %s",
				line->offset, chip, strerror(-r));
		return r;
	}

	line->line = monitor_add_line(m, alias, info.name, chip, line->offset);
	if (!line->line)
		return -ENOMEM;
	line->line->clock = m->options->clock;
	line->line->simulated = isr_chip_is_simulated(line->chip);
	snprintf(line->offset_text, sizeof(line->offset_text), "%" PRIu32,
		 line->offset);
	return 0;
}

void direct_get_pin_config(const struct monitor *m,
			   const struct direct_line *line,
			   struct isr_pin_config *ret_config)
{
	const struct options *o = m->options;

	*ret_config = (struct isr_pin_config){
		.sz = sizeof(*ret_config),
		.chip = isr_chip_get_name(line->chip),
		.line = line->offset_text,
		.edge = o->edges,
		.bias = o->bias,
		.clock = o->clock,
		.active_low = o->active_low,
		.debounce_ns = o->debounce_ns,
		.ring_events = RING_EVENTS,
		.consumer = o->consumer,
	};
}

/*
 * The event says how many were lost, the source's account says where. The
 * account may be ahead of the event by what the IRQ thread saw since.
 */
static unsigned int find_place(struct direct_line *line,
			       struct isr_source *source, uint64_t lost)
{
	struct isr_source_stats stats;
	uint64_t kernel, ring;

	if (isr_source_get_stats(source, &stats) < 0)
		return 0;

	kernel = stats.lost_kernel - line->told_kernel;
	ring = stats.lost_ring - line->told_ring;
	if (!ring && kernel) {
		line->told_kernel += lost;
		return PLACE_KERNEL;
	}
	if (!kernel && ring) {
		line->told_ring += lost;
		return PLACE_RING;
	}

	/* Both: all that the account has is behind us now, or soon. */
	line->told_kernel = stats.lost_kernel;
	line->told_ring = stats.lost_ring;
	return PLACE_KERNEL | PLACE_RING;
}

void direct_tell_gone(struct monitor *m, const struct line *line)
{
	monitor_message(
		"%s: its chip is gone: plug it in again, then start isrmon anew",
		line->alias);
	monitor_end(m, STATUS_FAILED);
}

void direct_make_record(struct direct_line *line, struct isr_source *source,
			const struct isr_event *event,
			struct record *ret_record)
{
	*ret_record = (struct record){
		.line = line->line,
		.kind = event->kind,
		.flags = event->flags,
		.value = event->value,
		.t_ns = event->t_ns,
		.line_seq = event->line_seq,
		.lost = event->lost,
	};
	if (event->lost)
		ret_record->lost_at = find_place(line, source, event->lost);
}

void direct_account(struct monitor *m, struct direct_line *line,
		    struct isr_source *source, const struct isr_event *event)
{
	struct record record;

	direct_make_record(line, source, event, &record);
	monitor_account(m, &record);
	if (event->kind == ISR_EVENT_CHIP_LOST)
		direct_tell_gone(m, line->line);
}

void direct_drop_lines(struct direct_line *lines, int num_lines)
{
	int i;

	for (i = 0; i < num_lines; i++)
		isr_chip_unref(lines[i].chip);
}
