/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What tests of simulated chips share: an open chip and its requests. */
#ifndef XT_CHIP_H
#define XT_CHIP_H

#include "chip.h"
#include "xt.h"

#define MS 1000000ULL

/* The lines of the chip "sim:". */
enum { CLOCK, BUTTON, ENC_A, ENC_B, IDLE, NUM_LINES };

/* "sim:", opened and closed by the fixture. */
extern struct isr_chip *chip;

void xt_chip_setup(void);
void xt_chip_teardown(void);

/* Replace the chip by one of this text. */
void xt_chip_open_file(const char *text);

struct isri_chip_request *
xt_chip_request_with(struct isri_chip_request_config config);
struct isri_chip_request *xt_chip_request(uint32_t offset);

bool xt_chip_is_readable(const struct isri_chip_request *request);

/* Wait for as many events as asked. */
void xt_chip_read(struct isri_chip_request *request,
		  struct isr_event *ret_events, int num);
/* One that is there already. */
struct isr_event xt_chip_read_one(struct isri_chip_request *request);

/* Edges by hand, rising first, at 1000, 1001, ... ns. */
void xt_chip_toggle(uint32_t offset, int times);

#endif /* XT_CHIP_H */
