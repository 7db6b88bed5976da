/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What a device tells, in words. Contacts have few figures, each with its
 * name; positions and rates come as a stream of the same figures, so theirs
 * have columns.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "format-device.h"

/* Text that grows; what does not fit is cut. */
struct words {
	char *text;
	size_t length;
};

static void put(struct words *words, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct words *words, const char *format, ...)
{
	size_t left = FORMAT_DEVICE_BYTES - words->length;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(words->text + words->length, left, format, ap);
	va_end(ap);
	if (n > 0)
		words->length += (size_t)n < left ? (size_t)n : left - 1;
}

/* What stands before the next of several figures. */
static const char *get_comma(const struct words *words)
{
	return words->length ? ", " : "";
}

/* Units of a thousand each. */
struct scale {
	const char *const *units;
	int num_units;
	int digits;
};

static const char *const frequency_units[] = {"Hz", "kHz", "MHz"};
static const struct scale frequency_scale = {frequency_units, 3, 5};
static const char *const time_units[] = {"ns", "us", "ms", "s"};
static const struct scale time_scale = {time_units, 4, 4};

/*
 * With as many digits as the scale has, "999.98 Hz" and "1.0000 kHz" alike;
 * below one of the least unit the places behind the point stay.
 */
static const char *scale(double value, const struct scale *scale, char *text,
			 size_t size)
{
	/* what would be printed as 1000 is one of the next unit */
	double limit = 1000, half = 0.5;
	int unit = 0, places = scale->digits - 1, i;

	for (i = 3; i < scale->digits; i++)
		half /= 10;
	while (value >= limit - half && unit < scale->num_units - 1) {
		value /= 1000;
		unit++;
	}
	for (limit = 10; places > 0 && value >= limit; limit *= 10)
		places--;
	snprintf(text, size, "%.*f %s", places, value, scale->units[unit]);
	return text;
}

static const char *scale_time(double ns, char *text, size_t size)
{
	return scale(ns, &time_scale, text, size);
}

/*
 * Switches and buttons.
 */

static void put_contact_count(struct words *words, const struct record *record)
{
	int64_t clicks = device_get_whole(record->members, DEVICE_CLICKS);

	if (record->kind == DEVICE_KIND_CLICKS)
		put(words, "%" PRId64 " clicks", clicks);
	else if (record->kind == DEVICE_KIND_REPEAT)
		put(words, "repeat %" PRId64,
		    device_get_whole(record->members, DEVICE_REPEATS));
	else if (record->kind == DEVICE_KIND_SETTLED)
		put(words, "%s", record->value ? "closed" : "open");
	else if (clicks > 1)
		put(words, "click %" PRId64, clicks);
}

static void put_contact(struct words *words, const struct record *record)
{
	const struct device_members *members = record->members;
	uint64_t first_ns =
		(uint64_t)device_get_whole(members, DEVICE_T_FIRST_NS);
	uint64_t settled_ns =
		(uint64_t)device_get_whole(members, DEVICE_T_SETTLED_NS);
	int64_t bounces = device_get_whole(members, DEVICE_BOUNCES);
	char text[32];

	put_contact_count(words, record);
	if (record->kind == DEVICE_KIND_LONG ||
	    record->kind == DEVICE_KIND_REPEAT) {
		/* the contact is no news here */
		if (first_ns && record->t_ns > first_ns)
			put(words, "%sheld for %s", get_comma(words),
			    scale_time(record->t_ns - first_ns, text,
				       sizeof(text)));
		return;
	}
	if (bounces)
		put(words, "%sbounces %" PRId64, get_comma(words), bounces);
	if (first_ns && settled_ns > first_ns)
		/* a record that is called settled need not say so again */
		put(words, "%s%safter %s", get_comma(words),
		    record->kind == DEVICE_KIND_SETTLED ? "" : "settled ",
		    scale_time(settled_ns - first_ns, text, sizeof(text)));
}

/*
 * Encoders.
 */

static void put_position(struct words *words, const struct record *record)
{
	const struct device_members *members = record->members;
	int64_t uncertain = device_get_whole(members, DEVICE_UNCERTAIN);

	put(words, "%8" PRId64 "  delta %+6" PRId64 "  %9.1f/s", record->value,
	    device_get_whole(members, DEVICE_DELTA),
	    device_get_real(members, DEVICE_VELOCITY));
	if (uncertain)
		put(words, "  off by %" PRId64 " quarter steps at most",
		    uncertain);
}

/*
 * Counters.
 */

/*
 * At least none: the silence says how few, and "<" is all that is known of
 * them.
 */
static void put_frequency(struct words *words,
			  const struct device_members *members)
{
	double hz = device_get_real(members, DEVICE_FREQUENCY_HZ);
	double max_hz = device_get_real(members, DEVICE_FREQUENCY_MAX_HZ);
	bool below = max_hz > 0 && device_has(members, DEVICE_FREQUENCY_MIN_HZ);
	char text[32] = "0 Hz";

	below = below && device_get_real(members, DEVICE_FREQUENCY_MIN_HZ) <= 0;
	if (below)
		hz = max_hz;
	if (hz > 0)
		scale(hz, &frequency_scale, text, sizeof(text));
	put(words, "%c%11s", below ? '<' : ' ', text);
}

static void put_width(struct words *words, const struct device_members *members,
		      const char *name, enum device_member member)
{
	char text[32];

	if (device_has(members, member))
		put(words, "  %s %8s", name,
		    scale_time(device_get_real(members, member), text,
			       sizeof(text)));
}

static void put_bounds(struct words *words,
		       const struct device_members *members)
{
	double min_hz = device_get_real(members, DEVICE_FREQUENCY_MIN_HZ);
	double max_hz = device_get_real(members, DEVICE_FREQUENCY_MAX_HZ);
	char min[32], max[32];

	if (min_hz > 0 && max_hz > min_hz)
		put(words, "  (%s to %s)",
		    scale(min_hz, &frequency_scale, min, sizeof(min)),
		    scale(max_hz, &frequency_scale, max, sizeof(max)));
}

static void put_rate(struct words *words, const struct record *record)
{
	const struct device_members *members = record->members;
	double duty = device_get_real(members, DEVICE_DUTY);

	put_frequency(words, members);
	if (device_get_real(members, DEVICE_FREQUENCY_MAX_HZ) <= 0 &&
	    device_get_real(members, DEVICE_FREQUENCY_HZ) <= 0) {
		put(words, "  stopped");
		if (device_has(members, DEVICE_DUTY))
			put(words, ", %s", duty > 0 ? "active" : "inactive");
		return;
	}
	if (device_has(members, DEVICE_DUTY))
		put(words, "  duty %5.1f %%", duty * 100);
	put_width(words, members, "high", DEVICE_HIGH_NS);
	put_width(words, members, "low", DEVICE_LOW_NS);
	put_bounds(words, members);
}

void format_device_words(const struct record *record, char *ret_text)
{
	struct words words = {ret_text, 0};

	ret_text[0] = '\0';
	if (record->kind == DEVICE_KIND_POSITION)
		put_position(&words, record);
	else if (record->kind == DEVICE_KIND_RATE)
		put_rate(&words, record);
	else
		put_contact(&words, record);
}
