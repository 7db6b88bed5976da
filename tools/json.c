/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Records as JSON. All objects have all fields in one order, null where a
 * field does not apply: a reader may start anywhere in the stream. What only a
 * device has stands behind them, where it is there at all. Written
 * by hand, because a tree of objects per record costs more than the rest of
 * the way from the edge; only names need quoting, and theirs is made once.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "json.h"

char *json_quote(const char *text)
{
	json_t *string = json_string(text);
	char *copy, *p, *quoted;

	if (string) {
		quoted = json_dumps(string, JSON_ENCODE_ANY);
		json_decref(string);
		return quoted;
	}

	/* Not UTF-8, or no memory: then this fails as well. */
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (p = copy; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	string = json_string(copy);
	free(copy);
	quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
	json_decref(string);
	return quoted;
}

static void put_line(FILE *out, const struct line *line)
{
	if (!line) {
		fputs(",\"line\":null,\"name\":null,\"chip\":null"
		      ",\"offset\":null",
		      out);
		return;
	}
	fprintf(out, ",\"line\":%s,\"name\":%s,\"chip\":%s,\"offset\":%" PRIu32,
		line->json_alias, *line->name ? line->json_name : "null",
		line->json_chip, line->offset);
}

static void put_uint(FILE *out, const char *key, bool known, uint64_t value)
{
	if (known)
		fprintf(out, ",\"%s\":%" PRIu64, key, value);
	else
		fprintf(out, ",\"%s\":null", key);
}

static void put_int(FILE *out, const char *key, bool known, int64_t value)
{
	if (known)
		fprintf(out, ",\"%s\":%" PRId64, key, value);
	else
		fprintf(out, ",\"%s\":null", key);
}

static void put_bool(FILE *out, const char *key, bool value)
{
	fprintf(out, ",\"%s\":%s", key, value ? "true" : "false");
}

static void put_time(FILE *out, const struct record *record)
{
	const struct line *line = record->line;

	put_uint(out, "t_ns", true, record->t_ns);
	fprintf(out, ",\"clock\":\"%s\"",
		record_get_clock_name(line ? line->clock
					   : ISR_CLOCK_MONOTONIC));
	put_uint(out, "realtime_ns", record->has_realtime,
		 record->t_ns + record->realtime_offset_ns);
}

static void put_losses(FILE *out, const struct record *record)
{
	put_uint(out, "lost", true, record->lost);
	if (record->lost)
		fprintf(out, ",\"lost_at\":\"%s\"",
			record_get_place_name(record->lost_at));
	else
		fputs(",\"lost_at\":null", out);
	put_uint(out, "lost_client", true, record->lost_client);
	put_bool(out, "merged", record->flags & ISR_EVENT_FLAG_MERGED);
}

/* Numbers that JSON does not have are not there. */
static void put_real(FILE *out, const char *key, double value)
{
	if (value - value == 0)
		fprintf(out, ",\"%s\":%.12g", key, value);
}

static void put_members(FILE *out, const struct device_members *members)
{
	int i;

	for (i = 0; i < DEVICE_NUM_MEMBERS; i++) {
		const char *key = device_get_member_name(i);

		if (!device_has(members, i))
			continue;
		if (device_member_is_real(i))
			put_real(out, key, device_get_real(members, i));
		else
			put_int(out, key, true, device_get_whole(members, i));
	}
}

void json_record(FILE *out, const struct record *record)
{
	const char *name = record_get_kind_name(record->kind);
	bool edge = record_is_edge(record);
	bool device = device_kind_is(record->kind);
	bool level = edge || record->kind == ISR_EVENT_INITIAL;

	fprintf(out, "{\"v\":%d,\"kind\":\"%s\"", JSON_SCHEMA_VERSION,
		edge ? "edge" : name);
	if (edge)
		fprintf(out, ",\"edge\":\"%s\"", name);
	else
		fputs(",\"edge\":null", out);
	put_line(out, record->line);
	put_int(out, "value", level || device, record->value);
	put_time(out, record);
	put_uint(out, "seq", record->has_seq, record->seq);
	put_uint(out, "line_seq",
		 level || record->kind == ISR_EVENT_LOST ||
			 (device && record->has_seq),
		 record->line_seq);
	put_losses(out, record);
	put_bool(out, "debounced", record->flags & ISR_EVENT_FLAG_DEBOUNCED);
	put_bool(out, "replayed", record->flags & ISR_EVENT_FLAG_REPLAYED);
	put_bool(out, "simulated", record->line && record->line->simulated);
	put_int(out, "delta_ns", record->has_delta, record->delta_ns);
	put_int(out, "width_ns", record->has_width, record->width_ns);
	put_members(out, record->members);
	fputs("}\n", out);
}
