/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: what a simulated line does by itself.
 *
 * A pattern is a pure function of its parameters and its seed: cycles of
 * equal length, each with its edges at fixed places. So any time of it can be
 * looked at without the time before, and nobody needs to run it meanwhile.
 */
#ifndef ISRI_SIM_PATTERN_H
#define ISRI_SIM_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

enum isri_pattern_kind {
	ISRI_PATTERN_SQUARE,  /* low, then high for high_ns */
	ISRI_PATTERN_BUTTON,  /* pressed for high_ns, bounces at both ends */
	ISRI_PATTERN_ENCODER, /* edges quadrature steps forth, then back */
	ISRI_PATTERN_BURST,   /* edges toggles gap_ns apart */
	ISRI_PATTERN_RANDOM   /* one toggle anywhere in each cycle */
};

/* Two lines of an encoder are two channels of one pattern. */
#define ISRI_PATTERN_CHANNELS 2

struct isri_pattern {
	enum isri_pattern_kind kind;
	uint64_t seed;
	uint64_t cycle_ns;
	uint64_t high_ns;   /* square, button */
	uint64_t gap_ns;    /* encoder, burst: from edge to edge */
	uint64_t bounce_ns; /* button: how long it bounces */
	uint32_t bounces;   /* button: at most so many, at least 1 if not 0 */
	uint32_t edges;	    /* encoder: each way, a multiple of 4; burst */
};

struct isri_pattern_edge {
	uint64_t t_ns; /* from the pattern's start; never 0 */
	uint8_t channel;
	uint8_t level;
};

/* The next edge to come. */
struct isri_pattern_cursor {
	uint64_t cycle;
	uint32_t index;
};

/* The edge at cursor, which moves on. Times never decrease. */
void isri_pattern_next(const struct isri_pattern *pattern,
		       struct isri_pattern_cursor *cursor,
		       struct isri_pattern_edge *ret_edge);

/*
 * Put the cursor on the first edge after t_ns; ret_levels are the channels'
 * levels at that time.
 */
void isri_pattern_seek(const struct isri_pattern *pattern, uint64_t t_ns,
		       struct isri_pattern_cursor *ret_cursor,
		       uint8_t ret_levels[ISRI_PATTERN_CHANNELS]);

/* A number that depends on all bits of all three: the source of chance. */
uint64_t isri_pattern_hash(uint64_t seed, uint64_t a, uint64_t b);

#endif /* ISRI_SIM_PATTERN_H */
