/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What somebody may have meant: names that look like a misspelt one. */
#ifndef DAEMON_NEAR_H
#define DAEMON_NEAR_H

#include <stdbool.h>

/*
 * Insertions, deletions, changes and swaps of neighbours that make @b of @a,
 * letter case aside. Names longer than 63 bytes are far from everything.
 */
unsigned int near_distance(const char *a, const char *b);

/* Whether @name may be a misspelling of @candidate. */
bool near_is_near(const char *name, const char *candidate);

/*
 * The nearest of @candidates (NULL-terminated) that is near at all, or NULL.
 * Lives as long as the candidates.
 */
const char *near_find(const char *name, const char *const *candidates);

#endif /* DAEMON_NEAR_H */
