/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: an emergency record as one line of text, by a program that is about to
 * end because it asked for that: no stdio, one write(2) each. The only place
 * of the library that ends the program. Its memory order pairs with that of
 * emerg.c, where the table is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "atomic.h"
#include "emerg.h"
#include "loop-head.h"
#include "test-point.h"

#define LINE_BYTES 512

struct line {
	char text[LINE_BYTES];
	size_t length;
};

static void put_text(struct line *line, const char *text)
{
	size_t room = sizeof(line->text) - 1 - line->length;
	size_t length = strlen(text);

	if (length > room)
		length = room;
	memcpy(line->text + line->length, text, length);
	line->length += length;
}

static void put_number(struct line *line, uint64_t number, unsigned int base)
{
	char digits[24];
	size_t i = sizeof(digits) - 1;

	digits[i] = '\0';
	do {
		digits[--i] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	put_text(line, digits + i);
}

static void put_code(struct line *line, int code)
{
	uint64_t magnitude = code < 0 ? -(uint64_t)code : (uint64_t)code;

	put_text(line, code < 0 ? ", code -" : ", code ");
	put_number(line, magnitude, 10);
}

void isri_emerg_write(int fd, const struct isr_emerg *record)
{
	struct line line = {.length = 0};
	int saved = errno;
	uint32_t i;

	put_text(&line, "isrloop: ");
	if (record->source) {
		put_text(&line, "source ");
		put_number(&line, record->source, 10);
		put_text(&line, " (");
		put_text(&line, record->source_name);
		put_text(&line, "): ");
	}
	put_text(&line, record->message);
	put_code(&line, record->code);
	if (*record->where) {
		put_text(&line, ", at ");
		put_text(&line, record->where);
	}
	put_text(&line, ", thread ");
	put_number(&line, (uint64_t)record->tid, 10);
	for (i = 0; i < record->n_frames; i++) {
		put_text(&line, i ? " 0x" : ", called from 0x");
		put_number(&line, (uintptr_t)record->frames[i], 16);
	}
	line.text[line.length++] = '\n';
	(void)!write(fd, line.text, line.length);
	errno = saved;
}

/*
 * Among them is what the handler itself said with isr_fail(). Should the loop
 * take one now, a line may be half of that record and half of a later one; its
 * texts end in any case.
 */
static void write_waiting(const struct isri_emerg *emerg)
{
	const struct isri_emerg_slot *slot;
	uint32_t i, place;

	/* relaxed: where to begin; each place says itself what it holds */
	place = atomic_load_explicit(ATOMIC(&emerg->tail),
				     memory_order_relaxed);
	for (i = 0; i < ISR_EMERG_RECORDS; i++, place++) {
		slot = &emerg->slots[place % ISR_EMERG_RECORDS];
		ISR_TEST_POINT("emerg:B1");
		/* emerg:B */
		if (atomic_load_explicit(ATOMIC(&slot->seq),
					 memory_order_acquire) == place + 1)
			isri_emerg_write(STDERR_FILENO, &slot->record);
	}
}

void isri_emerg_abort(const struct isr_loop *loop, int code,
		      const char *message)
{
	struct isr_emerg record;

	write_waiting(&((const struct isri_loop_head *)loop)->emerg);
	isri_emerg_fill(&record, ISR_EMERG_FAILED, code, 0, message, NULL);
	isri_emerg_write(STDERR_FILENO, &record);
	abort();
}
