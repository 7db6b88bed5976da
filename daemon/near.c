/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Names that look like a misspelt one: the edit distance, with a swap of two
 * neighbours as one step because that is how fingers err.
 */
#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "near.h"

#define NAME_MAX_BYTES 63

static unsigned int min(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

unsigned int near_distance(const char *a, const char *b)
{
	/* The last three rows of the table: a swap looks two rows up. */
	unsigned int rows[3][NAME_MAX_BYTES + 1];
	unsigned int *above2, *above = rows[1], *row = rows[0];
	size_t length_a = strlen(a), length_b = strlen(b), i, j;

	if (length_a > NAME_MAX_BYTES || length_b > NAME_MAX_BYTES)
		return UINT_MAX;
	for (j = 0; j <= length_b; j++)
		row[j] = (unsigned int)j;
	for (i = 1; i <= length_a; i++) {
		above2 = above;
		above = row;
		row = rows[i % 3];
		row[0] = (unsigned int)i;
		for (j = 1; j <= length_b; j++) {
			row[j] = above[j - 1] + !same(a[i - 1], b[j - 1]);
			row[j] = min(row[j], min(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]))
				row[j] = min(row[j], above2[j - 2] + 1);
		}
	}
	return row[length_b];
}

bool near_is_near(const char *name, const char *candidate)
{
	/* A third of the name, but one slip even in the shortest. */
	size_t allowed = strlen(name) / 3;

	return near_distance(name, candidate) <= (allowed ? allowed : 1);
}

const char *near_find(const char *name, const char *const *candidates)
{
	unsigned int distance, best_distance = UINT_MAX;
	const char *best = NULL;

	for (; *candidates; candidates++) {
		distance = near_distance(name, *candidates);
		if (distance >= best_distance ||
		    !near_is_near(name, *candidates))
			continue;
		best = *candidates;
		best_distance = distance;
	}
	return best;
}
