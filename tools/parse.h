/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Numbers and words of the command line; strict: no garbage, no overflow. */
#ifndef ISRMON_PARSE_H
#define ISRMON_PARSE_H

#include <stddef.h>
#include <stdint.h>

/**
 * A period: digits, then us, ms, s or m (minutes); bare digits are ms.
 * Returns 0; -EINVAL; -ERANGE when it does not fit (more than 2^63-1 ns).
 */
int parse_period(const char *text, uint64_t *ret_ns);

/** A count up to INT32_MAX. Returns 0; -EINVAL; -ERANGE. */
int parse_count(const char *text, uint32_t *ret_count);

/** Returns the index of @text in NULL-terminated @words; -EINVAL. */
int parse_word(const char *text, const char *const *words);

#endif /* ISRMON_PARSE_H */
