/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Bytes on their way in or out. A buffer never shrinks by itself but gives
 * all its memory back when it becomes empty and had grown large: one big
 * reply must not be paid for as long as the connection lives.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

#define SIZE_FIRST 4096
/* Above this an empty buffer is freed. */
#define SIZE_KEEP (128 * 1024)

void buffer_done(struct buffer *buffer)
{
	free(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}

char *buffer_head(const struct buffer *buffer)
{
	return buffer->data + buffer->start;
}

static int grow(struct buffer *buffer, size_t needed)
{
	size_t size = buffer->size ? buffer->size : SIZE_FIRST;
	char *data;

	while (size < needed)
		size *= 2;
	data = realloc(buffer->data, size);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->size = size;
	return 0;
}

int buffer_reserve(struct buffer *buffer, size_t length, char **ret_tail)
{
	size_t needed = buffer->length + length;
	int r;

	if (buffer->start && buffer->start + needed > buffer->size) {
		memmove(buffer->data, buffer_head(buffer), buffer->length);
		buffer->start = 0;
	}
	if (needed > buffer->size) {
		r = grow(buffer, needed);
		if (r < 0)
			return r;
	}
	*ret_tail = buffer_head(buffer) + buffer->length;
	return 0;
}

void buffer_added(struct buffer *buffer, size_t length)
{
	buffer->length += length;
}

int buffer_append(struct buffer *buffer, const void *data, size_t length)
{
	char *tail;
	int r;

	r = buffer_reserve(buffer, length, &tail);
	if (r < 0)
		return r;
	memcpy(tail, data, length);
	buffer_added(buffer, length);
	return 0;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
	buffer->start += length;
	buffer->length -= length;
	if (buffer->length)
		return;
	buffer->start = 0;
	if (buffer->size > SIZE_KEEP)
		buffer_done(buffer);
}
