/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The values that a configuration file may hold. Everything returns 0 on
 * success, -EINVAL for what does not parse and -ERANGE for what does but is
 * too small or too large; results are written on success only.
 */
#ifndef DAEMON_CONFIG_VALUE_H
#define DAEMON_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* A word and what it stands for; an array of them ends with a NULL word. */
struct config_choice {
	const char *word;
	int value;
};

/* yes, true, on, 1 and their opposites. */
int config_value_bool(const char *text, bool *ret_value);

/* Decimal; nothing but digits. */
int config_value_number(const char *text, uint32_t min, uint32_t max,
			uint32_t *ret_value);

/* Decimal, with a sign or without. */
int config_value_integer(const char *text, int64_t *ret_value);

/*
 * A period as gpiomon(1) takes it: a whole number, bare in ms, else with
 * one of the suffixes us, ms, s, m.
 */
int config_value_period_ns(const char *text, uint64_t *ret_ns);

/* Permission bits in octal, at most 0777. */
int config_value_mode(const char *text, uint32_t *ret_mode);

int config_value_choice(const char *text, const struct config_choice *choices,
			int *ret_value);

#endif /* DAEMON_CONFIG_VALUE_H */
