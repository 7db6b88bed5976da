/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F2: the kernel's chips. */
#ifndef ISRI_CHIP_GPIOD_H
#define ISRI_CHIP_GPIOD_H

#include "chip.h"

/* spec: number, name, path or label. reterr_error is never NULL. */
int isri_chip_gpiod_open(const char *spec, struct isr_chip **ret_chip,
			 struct isr_error *reterr_error);

/* As isr_chip_list(). */
int isri_chip_gpiod_list(char ***ret_specs);

#endif /* ISRI_CHIP_GPIOD_H */
