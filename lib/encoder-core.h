/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F5: from the edges of two lines to quarter steps; see encoder-core.c. */
#ifndef ISRI_ENCODER_CORE_H
#define ISRI_ENCODER_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/event.h>

/* Quarter steps of a cycle. */
#define ISRI_ENCODER_CYCLE 4

/* Loop only; begins zeroed. */
struct isri_encoder_core {
	/* Levels believed, valid where known. */
	bool level[2];
	bool known[2];
	/* The other line has, or may have, since this one was heard of. */
	bool other_moved[2];
	/* The last movement; 0: none yet. */
	int8_t direction;
	/* Missing, and no level since that would tell what they did. */
	uint64_t pending;
	/* Of these: before the position was set. */
	uint64_t past;
};

/* What one event says. */
struct isri_encoder_move {
	/* What missing edges have done, as far as the levels tell. */
	int64_t resync;
	/* What the edge itself has: -1, 0 or 1. */
	int step;
	/* The largest error of the guess above, in quarter steps. */
	uint64_t error;
	/* Edges known missing, told now for the first time. */
	uint32_t lost;
	/* Missing edges whose doing was guessed. */
	bool resynced;
	/* resync is of before the position was set, but for the error. */
	bool past;
	/* An edge to the level that the line had, and none lost. */
	bool invalid;
	/* An audit found another level. */
	bool corrected;
};

/* An edge, an initial level or a report of lost ones; line: 0 A, 1 B. */
struct isri_encoder_move isri_encoder_core_feed(struct isri_encoder_core *core,
						const struct isr_event *event,
						unsigned int line);

/* The position is known here: see SET. */
void isri_encoder_core_set(struct isri_encoder_core *core);
/* How many edges may have moved it since, and what they did is not known. */
uint64_t isri_encoder_core_get_pending(const struct isri_encoder_core *core);

/* Bit 0 A, bit 1 B; -1 when they are not known. */
int isri_encoder_core_get_levels(const struct isri_encoder_core *core);

#endif /* ISRI_ENCODER_CORE_H */
