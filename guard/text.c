/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Messages of the guard: put together by hand on the stack, and written with
 * one write(2), because printf(3) is what handlers must not call.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"

static int output_fd = STDERR_FILENO; /* written by the constructor only */

/*
 * A descriptor of our own: many programs close standard error before they are
 * at their end, and out of the way of those that count descriptors.
 */
void guard_set_fd(int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 1000);

	output_fd = own < 0 ? fd : own;
}

/* The last byte is kept for the newline of a message that was cut. */
void guard_put(struct guard_text *text, const char *s)
{
	while (*s && text->length < sizeof(text->bytes) - 1)
		text->bytes[text->length++] = *s++;
}

static void put_digits(struct guard_text *text, uint64_t number,
		       unsigned int radix)
{
	char digits[21];
	size_t at = sizeof(digits);

	digits[--at] = '\0';
	do {
		digits[--at] = "0123456789abcdef"[number % radix];
		number /= radix;
	} while (number);
	guard_put(text, digits + at);
}

void guard_put_number(struct guard_text *text, uint64_t number)
{
	put_digits(text, number, 10);
}

void guard_put_hex(struct guard_text *text, uintptr_t number)
{
	guard_put(text, "0x");
	put_digits(text, number, 16);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void guard_put_place(struct guard_text *text, const void *address, bool base)
{
	struct guard_place place;

	guard_locate(address, &place);
	if (!*place.module) {
		guard_put_hex(text, (uintptr_t)address);
		return;
	}
	guard_put(text, base ? base_name(place.module) : place.module);
	guard_put(text, "(");
	if (place.function) {
		guard_put(text, place.function);
		guard_put(text, "+");
		guard_put_hex(text, place.function_offset);
		guard_put(text, ", ");
	}
	guard_put(text, "+");
	guard_put_hex(text, place.module_offset);
	guard_put(text, ")");
}

void guard_begin(struct guard_text *text)
{
	text->length = 0;
	guard_put(text, "isrloop-guard[");
	guard_put_number(text, getpid());
	guard_put(text, "]: ");
}

void guard_write(const struct guard_text *text)
{
	size_t done = 0;
	ssize_t n;

	while (done < text->length) {
		n = write(output_fd, text->bytes + done, text->length - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		done += n;
	}
}
