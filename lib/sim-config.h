/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F2: the lines of a simulated chip, as isrloop-sim(5) describes them. */
#ifndef ISRI_SIM_CONFIG_H
#define ISRI_SIM_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/chip.h>

#include "sim-pattern.h"

#define ISRI_SIM_LINES_MAX 64

struct isri_sim_line_config {
	char name[ISR_NAME_BYTES];
	int pattern;	 /* index; -1: idle */
	uint8_t channel; /* of the pattern */
};

struct isri_sim_config {
	char label[ISR_NAME_BYTES];
	uint64_t seed;
	bool no_debounce; /* lines that are to be debounced are refused */
	uint32_t num_lines;
	uint32_t num_patterns;
	struct isri_sim_line_config lines[ISRI_SIM_LINES_MAX];
	struct isri_pattern patterns[ISRI_SIM_LINES_MAX];
};

/*
 * Read path; NULL: the chip of the spec "sim:". All faults are in the one
 * message, as far as they fit. Returns 0; -EIO it has faults; what open(2)
 * says. reterr_error is never NULL.
 */
int isri_sim_config_read(const char *path, struct isri_sim_config *ret_config,
			 struct isr_error *reterr_error);

#endif /* ISRI_SIM_CONFIG_H */
