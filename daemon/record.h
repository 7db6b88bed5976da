/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* A record as JSON, the Event of io.isrloop. */
#ifndef DAEMON_RECORD_H
#define DAEMON_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include <isrloop/chip.h>

#include "subscription.h"

/* What record_write() adds to a line's text, at most. */
#define RECORD_BYTES_MAX 640

/*
 * The members of every record of a line that never change, in JSON. Free
 * it. Returns 0; -EINVAL when @name is not UTF-8; -ENOMEM.
 */
int record_make_text(const char *name, enum isr_clock clock, bool simulated,
		     char **ret_text);

/*
 * Write @record, not terminated. @out has room for RECORD_BYTES_MAX and the
 * length of the line's text. Returns the end of what was written.
 */
char *record_write(char *out, const char *text, size_t text_length,
		   const struct record *record);

#endif /* DAEMON_RECORD_H */
