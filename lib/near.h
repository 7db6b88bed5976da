/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F2: which known names are near to a misspelt one. */
#ifndef ISRI_NEAR_H
#define ISRI_NEAR_H

#include <stddef.h>

/* Names given back, and the bytes of one; longer ones are cut. */
#define ISRI_NEAR_MAX 3
#define ISRI_NEAR_NAME_BYTES 64

/* The nearest names seen so far, nearest first. Zeroed memory is empty. */
struct isri_near {
	unsigned int num;
	unsigned int distance[ISRI_NEAR_MAX];
	char name[ISRI_NEAR_MAX][ISRI_NEAR_NAME_BYTES];
};

/* Edits (insert, delete, replace, swap of neighbours), letter case ignored. */
unsigned int isri_near_distance(const char *a, const char *b);

/* Keep candidate if it could be meant by wanted. */
void isri_near_offer(struct isri_near *near, const char *wanted,
		     const char *candidate);

/* "; did you mean A, B or C?", or nothing; always terminated. */
void isri_near_format(const struct isri_near *near, char *buffer,
		      size_t size_bytes);

#endif /* ISRI_NEAR_H */
