/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F3: pins, for the devices that are made of them. */
#ifndef ISRI_PIN_H
#define ISRI_PIN_H

#include <isrloop/source.h>

#include "chip.h"

/*
 * Loop class, of a pin with a soft handler. Hand on what the chip has: every
 * edge that it had stamped and stored before the call has then been delivered,
 * or waits on its way. With ISR_READER_LOOP the handler runs in it, unless it
 * is that handler which calls. Returns 0 when all of them have been delivered;
 * 1 when some wait, for other work of the loop; -EAGAIN when the pin is masked
 * or disarmed; -ENODEV when its chip is gone, and nothing waits; -ECANCELED
 * when its handler has closed it: its memory is gone, unless it is that
 * handler which calls; -EINVAL when it is no such pin.
 */
int isri_pin_collect(struct isr_source *source);

/*
 * lib/pin-config.c
 */

struct isri_pin_lines {
	struct isr_chip *chip;
	struct isri_chip_request *request;
	struct isr_line_info first;
	uint32_t n_lines;
	uint32_t offsets[ISR_PIN_LINES_MAX];
};

/* 0, -EINVAL, -E2BIG. */
int isri_pin_check_config(const struct isr_pin_config *config,
			  struct isr_error *reterr_error);

/*
 * Find the lines and request them; lines is zeroed. Whatever it returns, it is
 * to be released. Returns what isr_line_find() and isri_chip_request() say.
 */
int isri_pin_lines_request(struct isri_pin_lines *lines,
			   const struct isr_pin_config *config,
			   struct isr_error *reterr_error);
void isri_pin_lines_release(struct isri_pin_lines *lines);

#endif /* ISRI_PIN_H */
