/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The values that a configuration file may hold: strict, to the last byte. */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config-value.h"

/* As many as a kernel's debounce period can hold, in us. */
#define PERIOD_US_MAX UINT32_MAX

static const struct config_choice bools[] = {
	{"yes", 1},   {"true", 1}, {"on", 1}, {"1", 1},	 {"no", 0},
	{"false", 0}, {"off", 0},  {"0", 0},  {NULL, 0},
};

static const struct {
	const char *suffix;
	uint64_t us;
} units[] = {
	{"", 1000}, {"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000},
};

int config_value_choice(const char *text, const struct config_choice *choices,
			int *ret_value)
{
	for (; choices->word; choices++) {
		if (strcmp(text, choices->word) == 0) {
			*ret_value = choices->value;
			return 0;
		}
	}
	return -EINVAL;
}

int config_value_bool(const char *text, bool *ret_value)
{
	int value, r;

	r = config_value_choice(text, bools, &value);
	if (r < 0)
		return r;
	*ret_value = value;
	return 0;
}

/*
 * strtoull() alone would take blanks, a sign and, when asked to find the
 * base, a leading 0 as octal.
 */
static int parse_digits(const char *text, int base, const char **ret_end,
			unsigned long long *ret_value)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*ret_value = strtoull(text, &end, base);
	if (errno == ERANGE)
		return -ERANGE;
	*ret_end = end;
	return 0;
}

int config_value_number(const char *text, uint32_t min, uint32_t max,
			uint32_t *ret_value)
{
	unsigned long long value;
	const char *end;
	int r;

	r = parse_digits(text, 10, &end, &value);
	if (r < 0)
		return r;
	if (*end)
		return -EINVAL;
	if (value < min || value > max)
		return -ERANGE;
	*ret_value = (uint32_t)value;
	return 0;
}

int config_value_integer(const char *text, int64_t *ret_value)
{
	unsigned long long value;
	bool is_negative = *text == '-';
	const char *end;
	int r;

	r = parse_digits(text + (*text == '-' || *text == '+'), 10, &end,
			 &value);
	if (r < 0)
		return r;
	if (*end)
		return -EINVAL;
	if (value > (unsigned long long)INT64_MAX + is_negative)
		return -ERANGE;
	*ret_value = (int64_t)(is_negative ? -value : value);
	return 0;
}

int config_value_period_ns(const char *text, uint64_t *ret_ns)
{
	unsigned long long value;
	const char *end;
	size_t i;
	int r;

	r = parse_digits(text, 10, &end, &value);
	if (r < 0)
		return r;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		if (value > PERIOD_US_MAX / units[i].us)
			return -ERANGE;
		*ret_ns = value * units[i].us * 1000;
		return 0;
	}
	return -EINVAL;
}

int config_value_mode(const char *text, uint32_t *ret_mode)
{
	unsigned long long value;
	const char *end;
	int r;

	r = parse_digits(text, 8, &end, &value);
	if (r < 0)
		return r;
	if (*end || end == text)
		return -EINVAL;
	if (value > 0777)
		return -ERANGE;
	*ret_mode = (uint32_t)value;
	return 0;
}
