/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Records as text: gpiomon's default output, or a format of the user's. */
#ifndef ISRMON_FORMAT_H
#define ISRMON_FORMAT_H

#include <stdbool.h>
#include <stdio.h>

#include "record.h"

/** How a time is written. */
enum time_style {
	TIME_STYLE_RAW = 0, /**< seconds and nanoseconds of the clock */
	TIME_STYLE_UTC,
	TIME_STYLE_LOCAL
};

/** What the user asked for. */
struct text_style {
	const char *format; /**< NULL: gpiomon's default output */
	enum time_style time;
	bool unquoted;
	bool show_chip;	 /**< chip and offset before the name */
	bool show_alias; /**< the name asked for, not the kernel's */
	bool numeric;	 /**< levels as 0 and 1 */
	/**
	 * UTC and local time of a monotonic stamp: convert it. False does as
	 * gpiomon does, which takes any stamp for one since 1970.
	 */
	bool convert;
};

/** One edge and its newline, in the user's format or in the default one. */
void format_edge(FILE *out, const struct text_style *style,
		 const struct record *record);

/** What a device tells. */
void format_device(FILE *out, const struct text_style *style,
		   const struct record *record);

/** What was lost just before the record, on a line of its own. */
void format_lost(FILE *out, const struct text_style *style,
		 const struct record *record);

/** The device's records that were. */
void format_lost_records(FILE *out, const struct text_style *style,
			 const struct record *record);

/** That edges merged just before the record, on a line of its own. */
void format_merged(FILE *out, const struct text_style *style,
		   const struct record *record);

/** Anything that is no edge: idle, chip-lost, chip-back. */
void format_notice(FILE *out, const struct text_style *style,
		   const struct record *record);

/**
 * A level as gpioget writes it, without newline: "BUTTON"=active; the number
 * of an encoder or a counter: "KNOB"=-12
 */
void format_level(FILE *out, const struct text_style *style,
		  const struct line *line, int64_t value);

#endif /* ISRMON_FORMAT_H */
