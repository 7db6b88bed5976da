/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * monitor: what watching is, whoever the records come from. A backend opens
 * the lines, pushes records and knows nothing of output, counting or ending.
 */
#ifndef ISRMON_MONITOR_H
#define ISRMON_MONITOR_H

#include <isrloop.h>

#include "options.h"
#include "record.h"

struct monitor {
	const struct options *options;
	struct isr_loop *loop;
	struct line *lines;
	struct line **lines_end;
	/* set once by monitor_end() */
	bool ended;
	enum status status;
	/* edges, or what else is watched, for --num-events */
	uint64_t counted;
	/* isr_now_ns() of the last of them or idle mark; 0 before the start */
	uint64_t active_ns;
	uint64_t marked_ns;
	/* the backend's: push what it held back, after each turn of the loop */
	void (*settle)(void *arg);
	void *settle_arg;
	/* of --rate: where the daemon's records come from */
	int rate_fd;
	/* CLOCK_REALTIME less CLOCK_MONOTONIC, and when it was read */
	int64_t realtime_offset_ns;
	uint64_t realtime_read_ns;
};

/**
 * Make the loop. Returns 0; negative errno, told on stderr.
 */
int monitor_init(struct monitor *monitor, const struct options *options);

/** Close the loop with all that lives in it, free the lines. */
void monitor_done(struct monitor *monitor);

/**
 * Add a line, in the order of output. All but its names is zero.
 * Returns NULL without memory, told on stderr.
 */
struct line *monitor_add_line(struct monitor *monitor, const char *alias,
			      const char *name, const char *chip,
			      uint32_t offset);

/** NULL when there is no line of that alias. */
struct line *monitor_find_line(const struct monitor *monitor,
			       const char *alias);

/** Now by @clock; by CLOCK_MONOTONIC for one that cannot be read. */
uint64_t monitor_get_now_ns(struct monitor *monitor, enum isr_clock clock);

/** The lines are open: tell so as --banner and simulated lines want it. */
void monitor_announce(struct monitor *monitor);

/** Count and show one record; it is completed here. */
void monitor_push(struct monitor *monitor, struct record *record);

/**
 * Count a record that is not shown itself, as edges are that are measured.
 * What was lost before it waits for monitor_tell_losses().
 */
void monitor_account(struct monitor *monitor, const struct record *record);

/** Show a record of kind lost for what is not yet told, if there is any. */
void monitor_tell_losses(struct monitor *monitor, struct line *line);

/** Have monitor_run() return @status, unless it was given one already. */
void monitor_end(struct monitor *monitor, enum status status);

/** Dispatch until the end, flushing whenever there is nothing more to read. */
enum status monitor_run(struct monitor *monitor);

/** A message on stderr, behind all records before it. */
void monitor_message(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/** What was lost, and what --summary asks for. Returns the exit status. */
enum status monitor_summarize(const struct monitor *monitor);

#endif /* ISRMON_MONITOR_H */
