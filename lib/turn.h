/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: whose turn it is: one at a time does what many ask for, and nobody
 * waits for the turn.
 *
 * Whoever has something to be done puts it where it is looked for, then asks.
 * It is the asker's turn, or whoever has it looks again before giving it
 * back.
 */
#ifndef ISRI_TURN_H
#define ISRI_TURN_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed memory is nobody's turn. */
struct isri_turn {
	/* any context, atomic: free, taken, or asked for while taken */
	uint32_t word;
};

/* Signal class, all of it. */

/* True: it is the caller's turn. False: somebody's, who learns of nothing. */
bool isri_turn_try(struct isri_turn *turn);
/* True: it is the caller's turn. False: somebody's, who will look again. */
bool isri_turn_ask(struct isri_turn *turn);
/* Of whoever has the turn: all that was there before an ask is seen now. */
void isri_turn_look(struct isri_turn *turn);
/* True: given back. False: somebody asked since the look, so look again. */
bool isri_turn_leave(struct isri_turn *turn);
/*
 * Given back, whoever asked. The caller then has somebody ask in their stead,
 * and that one finds what they put down.
 */
void isri_turn_drop(struct isri_turn *turn);

#endif /* ISRI_TURN_H */
