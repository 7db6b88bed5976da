/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Between config.c, which reads sections, and config-key.c, their keys. */
#ifndef DAEMON_CONFIG_KEY_H
#define DAEMON_CONFIG_KEY_H

#include "config.h"

/* Where in the files reading stands. */
struct config_reader {
	struct config *config;
	const char *file;
	unsigned int line;
	/* which section; NONE before the first, UNKNOWN below a bad header */
	enum {
		SECTION_NONE,
		SECTION_UNKNOWN,
		SECTION_DAEMON,
		SECTION_LINE
	} section;
	/* -ENOMEM once memory ran out */
	int error;
};

/* Note "FILE:LINE: MESSAGE". */
void config_fault(struct config_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Faults are of @place from now on. */
void config_go_to(struct config_reader *reader,
		  const struct config_place *place);

/* Set @key of the present section to @value, or note why not. */
void config_key_set(struct config_reader *reader, const char *key,
		    const char *value);

/* Where a key of a line was set; NULL: it was not. */
const struct config_place *config_key_place(const struct config_line *line,
					    const char *key);

/* Note each key of @line that does not fit its device. */
void config_key_check_device(struct config_reader *reader,
			     const struct config_line *line);

/* "a switch", "an encoder" */
const char *config_device_text(enum config_device_type type);

/*
 * Fill in what the keys of a device left out, and note what of @line's
 * device makes no sense. (config-device.c)
 */
void config_device_check(struct config_reader *reader,
			 struct config_line *line);

#endif /* DAEMON_CONFIG_KEY_H */
