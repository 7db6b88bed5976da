/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: which known names are near to a misspelt one.
 *
 * The distance is that of optimal string alignment: a swap of neighbours is
 * the commonest slip of the fingers and counts as one edit.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "near.h"

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

unsigned int isri_near_distance(const char *a, const char *b)
{
	/* Three rows of the table: the one being made and the two above. */
	unsigned int row[3][ISRI_NEAR_NAME_BYTES + 1];
	size_t len_a = strnlen(a, ISRI_NEAR_NAME_BYTES);
	size_t len_b = strnlen(b, ISRI_NEAR_NAME_BYTES);
	size_t i, j;

	for (j = 0; j <= len_b; j++)
		row[0][j] = j;

	for (i = 1; i <= len_a; i++) {
		unsigned int *cur = row[i % 3];
		const unsigned int *up = row[(i - 1) % 3];
		const unsigned int *up2 = row[(i + 1) % 3];

		cur[0] = i;
		for (j = 1; j <= len_b; j++) {
			bool eq = same(a[i - 1], b[j - 1]);

			cur[j] = min3(up[j] + 1, cur[j - 1] + 1,
				      up[j - 1] + (eq ? 0 : 1));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]) && up2[j - 2] + 1 < cur[j])
				cur[j] = up2[j - 2] + 1;
		}
	}
	return row[len_a % 3][len_b];
}

void isri_near_offer(struct isri_near *near, const char *wanted,
		     const char *candidate)
{
	unsigned int distance = isri_near_distance(wanted, candidate);
	/* A third of the letters may be wrong; one always. */
	unsigned int limit = 1 + strnlen(wanted, ISRI_NEAR_NAME_BYTES) / 3;
	unsigned int i, at;

	if (!*candidate || distance > limit)
		return;

	for (i = 0; i < near->num; i++)
		if (!strcmp(near->name[i], candidate))
			return;

	for (at = 0; at < near->num; at++)
		if (distance < near->distance[at])
			break;
	if (at == ISRI_NEAR_MAX)
		return;

	if (near->num < ISRI_NEAR_MAX)
		near->num++;
	for (i = near->num - 1; i > at; i--) {
		near->distance[i] = near->distance[i - 1];
		memcpy(near->name[i], near->name[i - 1], ISRI_NEAR_NAME_BYTES);
	}
	near->distance[at] = distance;
	snprintf(near->name[at], ISRI_NEAR_NAME_BYTES, "%s", candidate);
}

void isri_near_format(const struct isri_near *near, char *buffer,
		      size_t size_bytes)
{
	switch (near->num) {
	case 0:
		snprintf(buffer, size_bytes, "%s", "");
		break;
	case 1:
		snprintf(buffer, size_bytes, "; did you mean %s?",
			 near->name[0]);
		break;
	case 2:
		snprintf(buffer, size_bytes, "; did you mean %s or %s?",
			 near->name[0], near->name[1]);
		break;
	default:
		snprintf(buffer, size_bytes, "; did you mean %s, %s or %s?",
			 near->name[0], near->name[1], near->name[2]);
	}
}
