/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Records as JSON, one object a line; the schema is in isrmon(1). */
#ifndef ISRMON_JSON_H
#define ISRMON_JSON_H

#include <stdio.h>

#include "record.h"

/** The schema's version: moved when a field changes its meaning or goes. */
#define JSON_SCHEMA_VERSION 1

/**
 * @text as a JSON string with its quotes; bytes that are no UTF-8 become
 * '?'. Free it. NULL: no memory.
 */
char *json_quote(const char *text);

/** Any record and its newline. */
void json_record(FILE *out, const struct record *record);

#endif /* ISRMON_JSON_H */
