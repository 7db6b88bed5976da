/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Lines of chips of our own: how --direct finds them and asks for them. */
#ifndef ISRMON_DIRECT_LINE_H
#define ISRMON_DIRECT_LINE_H

#include <isrloop.h>

#include "monitor.h"

/** One of the command line's. */
struct direct_line {
	struct isr_chip *chip; /* NULL: not found */
	uint32_t offset;
	char offset_text[16];
	/* set by direct_add_line() */
	struct line *line;
	/* losses whose place was told already */
	uint64_t told_kernel;
	uint64_t told_ring;
};

/**
 * Find all lines of the command line, so that nothing was disturbed for a
 * command that cannot work. Each wrong name is told.
 * @param lines  Zeroed, num_lines of them.
 * @return 0; negative errno.
 */
int direct_find_lines(struct monitor *monitor, struct direct_line *lines);

/** Give the monitor a line that was found. Negative errno is told. */
int direct_add_line(struct monitor *monitor, struct direct_line *line,
		    const char *alias);

/** How the command line wants it requested; valid as long as both are. */
void direct_get_pin_config(const struct monitor *monitor,
			   const struct direct_line *line,
			   struct isr_pin_config *ret_config);

/** An event of @source as a record, with the place of what was lost. */
void direct_make_record(struct direct_line *line, struct isr_source *source,
			const struct isr_event *event,
			struct record *ret_record);

/** Give an event that is not shown to monitor_account(). */
void direct_account(struct monitor *monitor, struct direct_line *line,
		    struct isr_source *source, const struct isr_event *event);

/** Its chip was unplugged: the end. */
void direct_tell_gone(struct monitor *monitor, const struct line *line);

/** Drop the chips; the sources are to be closed before. */
void direct_drop_lines(struct direct_line *lines, int num_lines);

#endif /* ISRMON_DIRECT_LINE_H */
