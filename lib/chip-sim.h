/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F2: simulated chips. */
#ifndef ISRI_CHIP_SIM_H
#define ISRI_CHIP_SIM_H

#include "chip.h"

/*
 * spec: "sim:" or "sim:FILE". The same spec is the same chip as long as
 * anybody holds it. reterr_error is never NULL.
 */
int isri_chip_sim_open(const char *spec, struct isr_chip **ret_chip,
		       struct isr_error *reterr_error);

#endif /* ISRI_CHIP_SIM_H */
