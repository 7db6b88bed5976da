/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Numbers and words of the command line. Periods are gpiomon's, read more
 * strictly: it takes "" and "ms" for zero, which hides a shell variable that
 * was not set.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "parse.h"

/* Moves *text behind the digits. */
static int parse_digits(const char **text, uint64_t max, uint64_t *ret_value)
{
	const char *p = *text;
	uint64_t value = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;

	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned int digit = *p - '0';

		if (value > (max - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}

	*text = p;
	*ret_value = value;
	return 0;
}

int parse_period(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *suffix;
		uint64_t ns;
	} units[] = {
		{"", 1000000},	   {"us", 1000},       {"ms", 1000000},
		{"s", 1000000000}, {"m", 60000000000},
	};
	uint64_t value;
	size_t i;
	int r;

	r = parse_digits(&text, INT64_MAX, &value);
	if (r < 0)
		return r;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text, units[i].suffix) != 0)
			continue;
		if (value > INT64_MAX / units[i].ns)
			return -ERANGE;
		*ret_ns = value * units[i].ns;
		return 0;
	}

	return -EINVAL;
}

int parse_count(const char *text, uint32_t *ret_count)
{
	uint64_t value;
	int r;

	r = parse_digits(&text, INT32_MAX, &value);
	if (r < 0)
		return r;
	if (*text != '\0')
		return -EINVAL;

	*ret_count = (uint32_t)value;
	return 0;
}

int parse_word(const char *text, const char *const *words)
{
	int i;

	for (i = 0; words[i]; i++) {
		if (strcmp(text, words[i]) == 0)
			return i;
	}

	return -EINVAL;
}
