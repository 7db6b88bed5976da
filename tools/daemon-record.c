/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Lines and records of the interface io.isrloop. What is not known is
 * skipped: the daemon may get new kinds of records, and new members. But what
 * such a record says was lost before it is a loss.
 */
#include <errno.h>
#include <string.h>

#include "daemon-record.h"

const char *daemon_get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static uint64_t get_count(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

/*
 * Lines.
 */

static enum isr_clock get_clock(const json_t *object)
{
	const char *clock = daemon_get_text(object, "clock");

	if (strcmp(clock, "realtime") == 0)
		return ISR_CLOCK_REALTIME;
	return strcmp(clock, "hte") == 0 ? ISR_CLOCK_HTE : ISR_CLOCK_MONOTONIC;
}

static enum isr_edge get_edges(const json_t *object)
{
	const char *edges = daemon_get_text(object, "edges");

	if (strcmp(edges, "rising") == 0)
		return ISR_EDGE_RISING;
	return strcmp(edges, "falling") == 0 ? ISR_EDGE_FALLING : ISR_EDGE_BOTH;
}

/* Lines not asked for are skipped; asked for twice they are shown once. */
static bool is_wanted(const struct options *o, const char *name)
{
	int i;

	for (i = 0; i < o->num_lines; i++) {
		if (strcmp(o->lines[i], name) == 0)
			return true;
	}
	return o->num_lines == 0;
}

static int add_line(struct monitor *m, const json_t *object)
{
	const char *alias = daemon_get_text(object, "name");
	struct line *line;

	if (!is_wanted(m->options, alias))
		return 0;

	line = monitor_add_line(m, alias, daemon_get_text(object, "gpio_name"),
				daemon_get_text(object, "chip"),
				(uint32_t)get_count(object, "offset"));
	if (!line)
		return -ENOMEM;
	line->clock = get_clock(object);
	line->edges = get_edges(object);
	line->simulated = json_is_true(json_object_get(object, "simulated"));
	line->device = device_find(daemon_get_text(object, "device"));
	return 0;
}

int daemon_add_lines(struct monitor *m, const json_t *lines)
{
	json_t *object;
	size_t i;
	int r;

	if (!json_is_array(lines))
		return -EBADMSG;
	json_array_foreach(lines, i, object)
	{
		r = add_line(m, object);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Records.
 */

static unsigned int get_kind(const json_t *event)
{
	const char *kind = daemon_get_text(event, "kind");

	if (strcmp(kind, "edge") == 0)
		return strcmp(daemon_get_text(event, "edge"), "rising") == 0
			       ? ISR_EVENT_RISING
			       : ISR_EVENT_FALLING;
	if (strcmp(kind, "initial") == 0)
		return ISR_EVENT_INITIAL;
	if (strcmp(kind, "lost") == 0)
		return ISR_EVENT_LOST;
	return device_find_kind(kind);
}

static unsigned int get_flags(const json_t *event)
{
	unsigned int flags = 0;

	if (json_is_true(json_object_get(event, "merged")))
		flags |= ISR_EVENT_FLAG_MERGED;
	if (json_is_true(json_object_get(event, "debounced")))
		flags |= ISR_EVENT_FLAG_DEBOUNCED;
	return flags;
}

static unsigned int get_place(uint64_t lost, uint64_t lost_client)
{
	unsigned int places = 0;

	if (lost > lost_client)
		places |= PLACE_KERNEL | PLACE_RING;
	if (lost_client)
		places |= PLACE_CLIENT;
	return places;
}

static void read_member(const json_t *event, enum device_member member,
			struct device_members *members)
{
	const json_t *value =
		json_object_get(event, device_get_member_name(member));

	if (device_member_is_real(member) && json_is_number(value))
		device_set_real(members, member, json_number_value(value));
	else if (json_is_integer(value))
		device_set_whole(members, member, json_integer_value(value));
}

/*
 * Lines without a device have none. Of what other records could have, only
 * what their kind has is searched for: most records are edges, with next to
 * none.
 */
static const struct device_members *read_members(const struct record *record,
						 const json_t *event,
						 struct device_members *members)
{
	uint32_t left;

	if (record->line->device == DEVICE_NONE)
		return NULL;
	members->known = 0;
	for (left = device_get_members(record->kind); left; left &= left - 1)
		read_member(event, __builtin_ctz(left), members);
	return members;
}

static bool has_loss(const json_t *event)
{
	return get_count(event, "lost") || get_count(event, "lost_records");
}

bool daemon_read_record(const struct monitor *m, const json_t *event,
			struct record *ret_record,
			struct device_members *ret_members)
{
	struct record record = {
		.line = monitor_find_line(m, daemon_get_text(event, "line")),
		.kind = get_kind(event),
		.flags = get_flags(event),
		.value = json_integer_value(json_object_get(event, "value")),
		.t_ns = get_count(event, "t_ns"),
		.has_seq = true,
		.seq = get_count(event, "seq"),
		.line_seq = (uint32_t)get_count(event, "line_seq"),
		.lost = get_count(event, "lost"),
		.lost_client = get_count(event, "lost_client"),
	};

	if (!record.line)
		return false;
	if (record.kind == ISR_EVENT_NONE) {
		if (!has_loss(event))
			return false;
		record.kind = ISR_EVENT_LOST;
	}
	record.members = read_members(&record, event, ret_members);
	record.lost_at = get_place(record.lost, record.lost_client);
	*ret_record = record;
	return true;
}
