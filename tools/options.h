/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What the command line asks for. */
#ifndef ISRMON_OPTIONS_H
#define ISRMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/chip.h>

#include "format.h"

/** Where isrloopd listens when nobody says otherwise. */
#define DEFAULT_SOCKET "/run/isrloop/io.isrloop"

/** Exit statuses; isrmon(1) documents them. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_IDLE = 3,
	STATUS_LOST = 4,
	STATUS_NO_DAEMON = 5
};

/** Which records of isrloopd; also those of a watch that has no others. */
enum records { RECORDS_ALL = 0, RECORDS_EDGES, RECORDS_DEVICES };

/** What is made of the edges, here. */
enum watch_kind {
	WATCH_RECORDS = 0, /**< nothing */
	WATCH_RATE,
	WATCH_ENCODER
};

struct options {
	enum watch_kind watch;
	bool direct;
	const char *socket;
	char **lines;
	int num_lines;

	/* how lines are requested; --direct only */
	const char *chip;
	const char *consumer;
	bool by_name;
	bool strict;
	bool active_low;
	enum isr_bias bias;
	bool clock_given;
	enum isr_clock clock;
	uint64_t debounce_ns;

	enum isr_edge edges;
	enum records records;
	bool records_given;

	/* of WATCH_RATE and WATCH_ENCODER */
	bool interval_given;
	uint64_t interval_ns;
	uint32_t steps;	  /* 0: not given */
	uint32_t divider; /* 0: not given */

	/* when to end */
	uint32_t num_events;	  /* 0: never */
	uint64_t idle_timeout_ns; /* 0: never */
	uint64_t idle_mark_ns;	  /* 0: never */

	/* what to show */
	bool banner;
	bool quiet;
	bool json;
	bool initial;
	bool summary;
	struct text_style style;
};

/**
 * Read the command line. Returns -1 to go on; else the status to exit with:
 * --help and --version were answered, or the one error was told on stderr.
 */
int options_parse(int argc, char **argv, struct options *ret_options);

/** The socket of isrloopd: @given, else the environment's, else the default. */
const char *options_socket(const char *given);

#endif /* ISRMON_OPTIONS_H */
