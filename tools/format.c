/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Records as text. Edges are written byte for byte as gpiomon 2.1 writes
 * them; what gpiomon cannot say (losses, merged edges, chips that go) has
 * the same columns with another word in the second one, so that
 * "awk '$2 == ...'" tells them apart.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "format-device.h"
#include "format.h"

#define NS_PER_S 1000000000

static void put_seconds(FILE *out, uint64_t t_ns)
{
	fprintf(out, "%" PRIu64 ".%09" PRIu64, t_ns / NS_PER_S,
		t_ns % NS_PER_S);
}

/* "-": the first edge has no delta, and a loss leaves no width. */
static void put_interval(FILE *out, bool known, int64_t ns)
{
	if (!known) {
		fputc('-', out);
		return;
	}
	if (ns < 0)
		fputc('-', out);
	put_seconds(out, ns < 0 ? -(uint64_t)ns : (uint64_t)ns);
}

/*
 * Breaking a time down costs a lock and 1 us; edges come many to a second,
 * so the last second's text is kept. One thread prints.
 */
static const char *get_calendar_text(time_t second, enum time_style style)
{
	static char text[32];
	static time_t text_second;
	static enum time_style text_style = TIME_STYLE_RAW;
	struct tm tm;

	if (style == text_style && second == text_second)
		return text;

	if (style == TIME_STYLE_LOCAL)
		localtime_r(&second, &tm);
	else
		gmtime_r(&second, &tm);
	strftime(text, sizeof(text), "%FT%T", &tm);
	text_style = style;
	text_second = second;
	return text;
}

static void put_time(FILE *out, const struct text_style *style,
		     enum time_style time_style, const struct record *record)
{
	uint64_t t_ns = record->t_ns;

	if (time_style == TIME_STYLE_RAW) {
		put_seconds(out, t_ns);
		return;
	}

	if (style->convert && record->has_realtime)
		t_ns += record->realtime_offset_ns;
	fprintf(out, "%s.%09" PRIu64 "%s",
		get_calendar_text(t_ns / NS_PER_S, time_style), t_ns % NS_PER_S,
		time_style == TIME_STYLE_UTC ? "Z" : "");
}

static const char *get_shown_name(const struct text_style *style,
				  const struct line *line)
{
	return style->show_alias || !*line->name ? line->alias : line->name;
}

static void put_name(FILE *out, const struct text_style *style,
		     const char *name)
{
	fprintf(out, style->unquoted ? "%s" : "\"%s\"", name);
}

static void put_line_id(FILE *out, const struct text_style *style,
			const struct line *line)
{
	if (!line)
		return;
	if (style->show_chip)
		fprintf(out, "%s %" PRIu32, line->chip, line->offset);
	if (style->show_chip && !*line->name)
		return;
	if (style->show_chip)
		fputc(' ', out);
	put_name(out, style, get_shown_name(style, line));
}

/* The first two columns and the line. */
static void put_columns(FILE *out, const struct text_style *style,
			const char *word, const struct record *record)
{
	put_time(out, style, style->time, record);
	fprintf(out, "\t%s\t", word);
	put_line_id(out, style, record->line);
}

/* Letters that gpiomon has, with its meaning. */
static bool put_gpiomon_letter(FILE *out, const struct text_style *style,
			       char letter, const struct record *record)
{
	const struct line *line = record->line;

	switch (letter) {
	case 'c':
		fputs(line->chip, out);
		break;
	case 'e':
		fputc(record->kind == ISR_EVENT_RISING ? '1' : '2', out);
		break;
	case 'E':
		fputs(record_get_kind_name(record->kind), out);
		break;
	case 'l':
		fputs(*line->name ? line->name : "unnamed", out);
		break;
	case 'L':
		put_time(out, style, TIME_STYLE_LOCAL, record);
		break;
	case 'o':
		fprintf(out, "%" PRIu32, line->offset);
		break;
	case 'S':
		put_time(out, style, TIME_STYLE_RAW, record);
		break;
	case 'U':
		put_time(out, style, TIME_STYLE_UTC, record);
		break;
	case '%':
		fputc('%', out);
		break;
	default:
		return false;
	}
	return true;
}

/* Letters of our own. */
static bool put_own_letter(FILE *out, char letter, const struct record *record)
{
	const struct line *line = record->line;

	switch (letter) {
	case 'a':
		fputs(line->alias, out);
		break;
	case 'd':
		put_interval(out, record->has_delta, record->delta_ns);
		break;
	case 'g': /* one request a line: its sequence is the line's */
	case 'n':
		fprintf(out, "%" PRIu32, record->line_seq);
		break;
	case 'i':
		if (device_has(record->members, DEVICE_INPUT))
			fputc(device_get_whole(record->members, DEVICE_INPUT)
				      ? 'B'
				      : 'A',
			      out);
		else
			fputc('-', out);
		break;
	case 'k':
		fputs(record_get_clock_name(line->clock), out);
		break;
	case 's':
		if (record->has_seq)
			fprintf(out, "%" PRIu64, record->seq);
		else
			fputc('-', out);
		break;
	case 'v':
		fprintf(out, "%" PRId64, record->value);
		break;
	case 'w':
		put_interval(out, record->has_width, record->width_ns);
		break;
	case 'x':
		fprintf(out, "%" PRIu64, record->lost);
		break;
	default:
		return false;
	}
	return true;
}

static void put_formatted(FILE *out, const struct text_style *style,
			  const struct record *record)
{
	const char *p = style->format;

	for (;;) {
		size_t plain = strcspn(p, "%");

		fwrite(p, 1, plain, out);
		p += plain;
		if (*p == '\0')
			break;
		if (p[1] == '\0') {
			fputc('%', out);
			break;
		}
		if (!put_gpiomon_letter(out, style, p[1], record) &&
		    !put_own_letter(out, p[1], record))
			fwrite(p, 1, 2, out);
		p += 2;
	}
	fputc('\n', out);
}

void format_edge(FILE *out, const struct text_style *style,
		 const struct record *record)
{
	if (style->format) {
		put_formatted(out, style, record);
		return;
	}
	put_columns(out, style, record_get_kind_name(record->kind), record);
	if (device_has(record->members, DEVICE_INPUT))
		fputs(device_get_whole(record->members, DEVICE_INPUT) ? "\tB"
								      : "\tA",
		      out);
	fputc('\n', out);
}

void format_device(FILE *out, const struct text_style *style,
		   const struct record *record)
{
	char words[FORMAT_DEVICE_BYTES];

	format_device_words(record, words);
	put_columns(out, style, record_get_kind_name(record->kind), record);
	if (words[0])
		fprintf(out, "\t%s", words);
	fputc('\n', out);
}

void format_lost(FILE *out, const struct text_style *style,
		 const struct record *record)
{
	put_columns(out, style, "lost", record);
	fprintf(out, "\t%" PRIu64 " at %s\n", record->lost,
		record_get_place_name(record->lost_at));
}

void format_lost_records(FILE *out, const struct text_style *style,
			 const struct record *record)
{
	put_columns(out, style, "lost", record);
	fprintf(out, "\t%" PRId64 " of its device at client\n",
		device_get_whole(record->members, DEVICE_LOST_RECORDS));
}

void format_merged(FILE *out, const struct text_style *style,
		   const struct record *record)
{
	put_columns(out, style, "merged", record);
	fprintf(out, "\tat least 1 %s edge\n",
		record->kind == ISR_EVENT_RISING ? "falling" : "rising");
}

void format_notice(FILE *out, const struct text_style *style,
		   const struct record *record)
{
	put_columns(out, style, record_get_kind_name(record->kind), record);
	fputc('\n', out);
}

/* Encoders and counters have a number that is no level. */
void format_level(FILE *out, const struct text_style *style,
		  const struct line *line, int64_t value)
{
	bool number = line->device == DEVICE_ENCODER ||
		      line->device == DEVICE_COUNTER;

	if (!style->numeric) {
		put_name(out, style, line->alias);
		fputc('=', out);
	}
	if (number || style->numeric)
		fprintf(out, "%" PRId64, value);
	else
		fputs(value ? "active" : "inactive", out);
}
