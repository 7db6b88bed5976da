/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Bytes on their way in or out: appended at the end, consumed in front. */
#ifndef DAEMON_BUFFER_H
#define DAEMON_BUFFER_H

#include <stddef.h>

/* Zeroed memory is an empty buffer. */
struct buffer {
	char *data;    /* allocated */
	size_t start;  /* of what is not yet consumed */
	size_t length; /* of that */
	size_t size;   /* allocated */
};

/* Frees the memory; the buffer is empty and usable again. */
void buffer_done(struct buffer *buffer);

/* First byte not yet consumed. */
char *buffer_head(const struct buffer *buffer);

/*
 * Make room for @length more bytes; ret_tail is where they go, to be
 * confirmed with buffer_added(). Returns 0 or -ENOMEM.
 */
int buffer_reserve(struct buffer *buffer, size_t length, char **ret_tail);
void buffer_added(struct buffer *buffer, size_t length);

/* Returns 0 or -ENOMEM. */
int buffer_append(struct buffer *buffer, const void *data, size_t length);

void buffer_consume(struct buffer *buffer, size_t length);

#endif /* DAEMON_BUFFER_H */
