/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: a doorbell: an eventfd that is written once for any number of rings.
 * Whoever has put something down rings; who waits for the descriptor reads it,
 * answers, and then looks for what was put down.
 */
#ifndef ISRI_BELL_H
#define ISRI_BELL_H

#include <stdint.h>

struct isri_bell {
	/* an eventfd; constant while anybody may ring */
	int fd;
	/* any context, atomic: 1: rung, and not answered yet */
	uint32_t rung;
};

/* Signal class. What was put down before is found by whoever answers. */
void isri_bell_ring(struct isri_bell *bell);
/* After the read of fd, before the look. */
void isri_bell_answer(struct isri_bell *bell);

#endif /* ISRI_BELL_H */
