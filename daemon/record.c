/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A record as JSON.
 *
 * This is the daemon's hot path: it runs once an edge and client. So it
 * writes into the client's buffer by hand: no allocation, no printf(), and
 * what never changes about a line was made when the line was opened.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "config.h"
#include "record.h"

int record_make_text(const char *name, enum isr_clock clock, bool simulated,
		     char **ret_text)
{
	json_t *string = json_string(name);
	char *quoted;
	int r;

	if (!string)
		return -EINVAL;
	quoted = json_dumps(string, JSON_ENCODE_ANY);
	json_decref(string);
	if (!quoted)
		return -ENOMEM;
	r = asprintf(ret_text, "\"line\":%s,\"clock\":\"%s\",\"simulated\":%s",
		     quoted, config_clock_word(clock),
		     simulated ? "true" : "false");
	free(quoted);
	return r < 0 ? -ENOMEM : 0;
}

static char *put(char *out, const char *text, size_t length)
{
	memcpy(out, text, length);
	return out + length;
}

#define PUT(out, literal) put(out, literal, sizeof(literal) - 1)

static char *put_number(char *out, uint64_t number)
{
	char digits[20], *digit = digits + sizeof(digits);

	do {
		*--digit = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	return put(out, digit, (size_t)(digits + sizeof(digits) - digit));
}

static char *put_bool(char *out, bool value)
{
	return value ? PUT(out, "true") : PUT(out, "false");
}

static char *put_kind(char *out, uint8_t kind)
{
	switch (kind) {
	case ISR_EVENT_RISING:
		return PUT(out, "\"edge\",\"edge\":\"rising\",");
	case ISR_EVENT_FALLING:
		return PUT(out, "\"edge\",\"edge\":\"falling\",");
	case ISR_EVENT_INITIAL:
		return PUT(out, "\"initial\",\"edge\":null,");
	default:
		return PUT(out, "\"lost\",\"edge\":null,");
	}
}

char *record_write(char *out, const char *text, size_t text_length,
		   const struct record *record)
{
	const struct isr_event *event = &record->event;

	out = PUT(out, "{\"kind\":");
	out = put_kind(out, event->kind);
	out = put(out, text, text_length);
	out = PUT(out, ",\"value\":");
	out = put_number(out, event->value != 0);
	out = PUT(out, ",\"t_ns\":");
	out = put_number(out, event->t_ns);
	out = PUT(out, ",\"seq\":");
	out = put_number(out, (uint64_t)event->seq_high << 32 | event->seq);
	out = PUT(out, ",\"line_seq\":");
	out = put_number(out, event->line_seq);
	out = PUT(out, ",\"lost\":");
	out = put_number(out, record->lost);
	out = PUT(out, ",\"lost_client\":");
	out = put_number(out, record->lost_client);
	out = PUT(out, ",\"merged\":");
	out = put_bool(out, event->flags & ISR_EVENT_FLAG_MERGED);
	out = PUT(out, ",\"debounced\":");
	out = put_bool(out, event->flags & ISR_EVENT_FLAG_DEBOUNCED);
	*out++ = '}';
	return out;
}
