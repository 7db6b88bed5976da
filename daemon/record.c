/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A record as JSON.
 *
 * This is the daemon's hot path: it runs once an edge and client. So it
 * writes into the client's buffer by hand: no allocation, no printf(), and
 * what never changes about a line was made when the line was opened. A
 * device's record has more, but only where the device has something to say.
 */
#include <errno.h>
#include <math.h>
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

static char *put_signed(char *out, int64_t number)
{
	if (number >= 0)
		return put_number(out, (uint64_t)number);
	*out++ = '-';
	return put_number(out, -(uint64_t)number);
}

/*
 * To 12 digits: a nanosecond of a window of a quarter of an hour. With a point
 * or an exponent, so that no reader takes it for an integer. The daemon never
 * sets a locale.
 */
static char *put_float(char *out, double number)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%.12g", number);

	if (!isfinite(number))
		return PUT(out, "null");
	out = put(out, text, (size_t)length);
	return strpbrk(text, ".e") ? out : PUT(out, ".0");
}

static char *put_bool(char *out, bool value)
{
	return value ? PUT(out, "true") : PUT(out, "false");
}

static const char *const kind_words[] = {
	[ISR_EVENT_INITIAL] = "initial",     [ISR_EVENT_LOST] = "lost",
	[DEVICE_KIND_OPEN] = "open",	     [DEVICE_KIND_CLOSE] = "close",
	[DEVICE_KIND_SETTLED] = "settled",   [DEVICE_KIND_PRESS] = "press",
	[DEVICE_KIND_RELEASE] = "release",   [DEVICE_KIND_CLICKS] = "clicks",
	[DEVICE_KIND_LONG] = "long",	     [DEVICE_KIND_REPEAT] = "repeat",
	[DEVICE_KIND_POSITION] = "position", [DEVICE_KIND_RATE] = "rate",
};

static char *put_kind(char *out, uint8_t kind)
{
	switch (kind) {
	case ISR_EVENT_RISING:
		return PUT(out, "\"edge\",\"edge\":\"rising\",");
	case ISR_EVENT_FALLING:
		return PUT(out, "\"edge\",\"edge\":\"falling\",");
	default:
		*out++ = '"';
		out = stpcpy(out, kind_words[kind]);
		return PUT(out, "\",\"edge\":null,");
	}
}

/* One more member; @key is a literal. */
#define PUT_KEY(out, key) PUT(out, ",\"" key "\":")
#define PUT_NUMBER(out, key, number) put_number(PUT_KEY(out, key), number)
#define PUT_FLOAT(out, key, number) put_float(PUT_KEY(out, key), number)

static char *put_contact(char *out, uint8_t kind,
			 const struct device_contact *contact)
{
	out = PUT_NUMBER(out, "t_first_ns", contact->t_first_ns);
	if (contact->t_settled_ns)
		out = PUT_NUMBER(out, "t_settled_ns", contact->t_settled_ns);
	out = PUT_NUMBER(out, "bounces", contact->bounces);
	if (contact->clicks)
		out = PUT_NUMBER(out, "clicks", contact->clicks);
	if (kind == DEVICE_KIND_REPEAT)
		out = PUT_NUMBER(out, "repeats", contact->repeats);
	return out;
}

static char *put_position(char *out, const struct device_position *position)
{
	out = put_signed(PUT_KEY(out, "delta"), position->delta);
	out = PUT_FLOAT(out, "velocity", position->velocity);
	return PUT_NUMBER(out, "uncertain", position->uncertain);
}

static char *put_rate(char *out, const struct device_rate *rate)
{
	out = PUT_FLOAT(out, "frequency_hz", rate->frequency_hz);
	out = PUT_FLOAT(out, "frequency_min_hz", rate->frequency_min_hz);
	out = PUT_FLOAT(out, "frequency_max_hz", rate->frequency_max_hz);
	if (rate->period_ns >= 0)
		out = PUT_FLOAT(out, "period_ns", rate->period_ns);
	if (rate->jitter_ns >= 0)
		out = PUT_FLOAT(out, "jitter_ns", rate->jitter_ns);
	if (rate->duty >= 0)
		out = PUT_FLOAT(out, "duty", rate->duty);
	if (rate->high_ns >= 0)
		out = PUT_FLOAT(out, "high_ns", rate->high_ns);
	if (rate->low_ns >= 0)
		out = PUT_FLOAT(out, "low_ns", rate->low_ns);
	return out;
}

static char *put_device(char *out, const struct record *record)
{
	const uint8_t kind = record->event.kind;

	if (kind == DEVICE_KIND_RATE)
		return put_rate(out, &record->device.rate);
	if (kind == DEVICE_KIND_POSITION)
		return put_position(out, &record->device.position);
	if (device_kind_is(kind))
		return put_contact(out, kind, &record->device.contact);
	return PUT_NUMBER(out, "level", (uint64_t)record->event.value);
}

/* What most records do not have. */
static char *put_rest(char *out, const struct record *record, bool is_device)
{
	const uint8_t kind = record->event.kind, flags = record->event.flags;
	const bool is_edge =
		kind == ISR_EVENT_RISING || kind == ISR_EVENT_FALLING;

	if (record->lost_records)
		out = PUT_NUMBER(out, "lost_records", record->lost_records);
	if (flags & EVENT_FLAG_INPUT_A && is_edge)
		out = PUT(out, ",\"input\":0");
	if (flags & EVENT_FLAG_INPUT_B && is_edge)
		out = PUT(out, ",\"input\":1");
	return is_device ? put_device(out, record) : out;
}

char *record_write(char *out, const char *text, size_t text_length,
		   const struct record *record)
{
	const struct isr_event *event = &record->event;
	bool is_device =
		device_kind_is(event->kind) ||
		(event->kind == ISR_EVENT_INITIAL && record->has_device);

	out = PUT(out, "{\"kind\":");
	out = put_kind(out, event->kind);
	out = put(out, text, text_length);
	out = PUT(out, ",\"value\":");
	if (is_device)
		out = put_signed(out, record->device.value);
	else
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
	out = put_rest(out, record, is_device);
	*out++ = '}';
	return out;
}
