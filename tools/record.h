/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What isrmon shows: records of lines, the same from the daemon and from a
 * chip of its own, so that formats know nothing of where they come from.
 */
#ifndef ISRMON_RECORD_H
#define ISRMON_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/chip.h>
#include <isrloop/event.h>
#include <isrloop/hist.h>

#include "device.h"

/** Where records were lost; a set, for when it cannot be told apart. */
enum place {
	PLACE_KERNEL = 1 << 0, /**< the kernel's FIFO of the line */
	PLACE_RING = 1 << 1,   /**< between IRQ thread and loop */
	PLACE_CLIENT = 1 << 2  /**< the daemon's queue for this program */
};

/** One watched line. Made by monitor_add_line(), lives as long as it. */
struct line {
	struct line *next;
	char *alias; /**< as the user, or the daemon's configuration, says */
	char *name;  /**< the kernel's; empty when it has none */
	char *chip;
	uint32_t offset;
	bool simulated;
	enum isr_clock clock;
	enum device device;
	enum isr_edge edges; /**< those that the daemon reports */
	/** Names as JSON strings, quotes included. */
	char *json_alias;
	char *json_name;
	char *json_chip;

	/* the last edge of each input, for delta and width */
	struct last_edge {
		bool known;
		bool whole; /* nothing lost or merged since */
		int64_t value;
		uint64_t t_ns;
	} last[2];

	/* the account */
	uint64_t events;
	uint64_t lost;
	uint64_t lost_records;
	uint64_t merged;
	struct isr_hist latency;

	/** The daemon's, measured here. */
	struct rate *rate;

	/** Losses accounted for and not yet told; see monitor_account(). */
	struct loss {
		uint64_t lost;
		uint64_t lost_client;
		unsigned int lost_at;
		uint64_t t_ns;
		uint32_t line_seq;
	} untold;
};

/** One record, ready to be shown. */
struct record {
	struct line *line;  /**< NULL: of no line (idle) */
	unsigned int kind;  /**< enum isr_event_kind or enum device_kind */
	unsigned int flags; /**< ISR_EVENT_FLAG_* */
	int64_t value;	    /**< the level; of a device its state */
	uint64_t t_ns;
	bool has_seq; /**< the daemon numbered it */
	uint64_t seq;
	uint32_t line_seq;
	uint64_t lost;	      /**< of this line, just before this record */
	uint64_t lost_client; /**< those of them that PLACE_CLIENT lost */
	unsigned int lost_at; /**< set of enum place; 0: not told */
	/** What a device has beside; valid during monitor_push(). May be NULL
	 */
	const struct device_members *members;
	/** Made of what was given to monitor_account() already. */
	bool accounted;
	/** Added to t_ns gives CLOCK_REALTIME; 0 when the clock is that. */
	int64_t realtime_offset_ns;
	bool has_realtime;
	/* computed by monitor_push() */
	bool has_delta;
	int64_t delta_ns;
	bool has_width;
	int64_t width_ns;
};

static inline bool record_is_edge(const struct record *record)
{
	return record->kind == ISR_EVENT_RISING ||
	       record->kind == ISR_EVENT_FALLING;
}

/** "rising", "falling", "initial", "lost", "idle", "chip-lost", "press", ... */
const char *record_get_kind_name(unsigned int kind);
/** "kernel", "ring", "client", "kernel or ring", ...; "unknown" for 0. */
const char *record_get_place_name(unsigned int places);
const char *record_get_clock_name(enum isr_clock clock);

#endif /* ISRMON_RECORD_H */
