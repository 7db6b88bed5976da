/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What a device tells, in words. */
#ifndef ISRMON_FORMAT_DEVICE_H
#define ISRMON_FORMAT_DEVICE_H

#include "record.h"

/** Enough for the words of any record. */
#define FORMAT_DEVICE_BYTES 256

/**
 * The words of a device's record, for a column behind its kind and line; the
 * figures of records of one kind stand below each other. Empty when the kind
 * says it all.
 * @param ret_text  FORMAT_DEVICE_BYTES long.
 */
void format_device_words(const struct record *record, char *ret_text);

#endif /* ISRMON_FORMAT_DEVICE_H */
