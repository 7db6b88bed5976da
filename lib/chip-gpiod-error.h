/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F2: what is wrong with a chip or line of the kernel, and what to do. */
#ifndef ISRI_CHIP_GPIOD_ERROR_H
#define ISRI_CHIP_GPIOD_ERROR_H

#include "chip.h"

/* Both fill reterr_error (never NULL) and return the code that is in it. */
int isri_chip_gpiod_explain_open(const char *path, int code,
				 struct isr_error *reterr_error);
/* Asks the kernel who holds the line, so first release what was taken. */
int isri_chip_gpiod_explain_request(
	struct isr_chip *chip, const struct isri_chip_request_config *config,
	int code, struct isr_error *reterr_error);

#endif /* ISRI_CHIP_GPIOD_ERROR_H */
