/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Helpers of the tests of pins: a chip whose lines move by hand only. It is
 * simulated; or, in the machine of the kernel ring, the kernel's, so that
 * the same tests run on the real interface (see xt-gpio-sim.h).
 */
#ifndef XT_PIN_H
#define XT_PIN_H

#include "xt-source.h"

/* A chip of lines A, B, C and D, moved by hand. */
struct xt_chip {
	char path[32];
	char spec[40];
	struct isr_chip *chip;
	int level[4];
	/* A line that is held for one edge: a real one must be told so here. */
	enum isr_edge edge[4];
	bool is_real;
	uint8_t event_flags; /* of all its events */
};

/* How an edge gets to its handler. */
enum xt_mode { XT_SOFT, XT_LOOP, XT_HARD, XT_MODES };

/* Made and ended by the fixture, like loop and sink. */
extern struct xt_chip chip;

void xt_chip_setup(void);
void xt_chip_teardown(void);

/* Toggle a line of the chip n times; somebody holds the line. */
void xt_edges(uint32_t line, unsigned int n);

/* Toggle it once, whoever holds it or not. */
void xt_toggle(uint32_t line);

/* As xt_edges(), and the source's IRQ thread has read them, in any number. */
void xt_edges_read(struct isr_source *source, uint32_t line, unsigned int n);

struct isr_pin_config xt_pin(const char *line, enum xt_mode mode);

/* Leads to the sink. */
struct isr_source *xt_pin_open(const char *line, enum xt_mode mode);

#endif /* XT_PIN_H */
