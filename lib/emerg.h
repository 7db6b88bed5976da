/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: where emergency records are kept, and who writes them. */
#ifndef ISRI_EMERG_H
#define ISRI_EMERG_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/emerg.h>
#include <isrloop/flag.h>

struct isri_emerg_slot {
	/* atomic: its place plus 1 once the record is complete */
	uint32_t seq;
	struct isr_emerg record;
};

struct isri_emerg {
	/* any context, atomic: next place to claim */
	uint32_t head;
	/* loop, atomic: the oldest record */
	uint32_t tail;
	/* any context, atomic */
	ISR_COUNTER lost;
	struct isr_flag ready;
	/* loop only */
	isr_emerg_cb *cb;
	void *arg;
	struct isri_emerg_slot slots[ISR_EMERG_RECORDS];
};

/* Signal class: lib/emerg.c. loop may be NULL: then nothing is recorded. */

/*
 * Write a record of what the caller's innermost frame is doing. message and
 * where may be NULL.
 */
void isri_emerg_record(struct isr_loop *loop, enum isr_emerg_kind kind,
		       int code, uint64_t value_ns, const char *message,
		       const char *where);
/*
 * True once a second at most: for records of what may happen as fast as
 * handlers run, which would leave no room for others. told_ns is of any
 * context, and 0 until a first one was told; who asks counts what it is about.
 */
bool isri_emerg_may_tell(uint64_t *told_ns);
/* function() was called in the context that the caller is in. */
void isri_emerg_misuse(struct isr_loop *loop, const char *function);
/* Fill in a record without storing it. */
void isri_emerg_fill(struct isr_emerg *ret_record, enum isr_emerg_kind kind,
		     int code, uint64_t value_ns, const char *message,
		     const char *where);
/* The same without the stack, which may be broken. */
void isri_emerg_describe(struct isr_emerg *ret_record, enum isr_emerg_kind kind,
			 int code, uint64_t value_ns, const char *message,
			 const char *where);
/* One line of text; write(2) only. */
void isri_emerg_write(int fd, const struct isr_emerg *record);

/*
 * Write the loop's records that nobody took yet to stderr, and one more, then
 * abort(3): the program asked for it.
 */
void isri_emerg_abort(const struct isr_loop *loop, int code,
		      const char *message) __attribute__((noreturn));

/* Loop class: lib/emerg-loop.c. Returns as isr_flag_init(). */
int isri_emerg_init(struct isri_emerg *emerg, struct isr_loop *loop);
/* False: none was written since the last one was taken. */
bool isri_emerg_is_pending(const struct isri_emerg *emerg);
/* Returns false when there is none. */
bool isri_emerg_get(struct isri_emerg *emerg, struct isr_emerg *ret_record);

#endif /* ISRI_EMERG_H */
