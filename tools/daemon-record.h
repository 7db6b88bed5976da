/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Lines and records as isrloopd tells them, out of its JSON. */
#ifndef ISRMON_DAEMON_RECORD_H
#define ISRMON_DAEMON_RECORD_H

#include <jansson.h>

#include "monitor.h"

/** The text of a member; empty when there is none. */
const char *daemon_get_text(const json_t *object, const char *key);

/**
 * Add the lines that the command line wants.
 * @param lines  The daemon's answer to ListLines.
 * @return 0; -EBADMSG; -ENOMEM, told on stderr.
 */
int daemon_add_lines(struct monitor *monitor, const json_t *lines);

/**
 * @param event        One of a stream.
 * @param ret_members  Where the record points at, when it has any.
 * @return False when it is of a line that is not known, or of such a kind and
 *         tells no loss; one that does is of kind ISR_EVENT_LOST.
 */
bool daemon_read_record(const struct monitor *monitor, const json_t *event,
			struct record *ret_record,
			struct device_members *ret_members);

#endif /* ISRMON_DAEMON_RECORD_H */
