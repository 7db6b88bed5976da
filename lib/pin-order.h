/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F3: the order of a pin's edges, and what is missing among them. */
#ifndef ISRI_PIN_ORDER_H
#define ISRI_PIN_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/chip.h>
#include <isrloop/event.h>

struct isri_pin_order {
	uint32_t n_lines;
	bool both_edges;
	uint32_t next_seq;
	uint8_t last_kind[ISR_PIN_LINES_MAX]; /* ISR_EVENT_NONE: unknown */
};

/* Of a request that has just been made. */
void isri_pin_order_init(struct isri_pin_order *order, uint32_t n_lines,
			 bool both_edges);

/* Put what was read in one go into the request's order. */
void isri_pin_order_sort(const struct isri_pin_order *order,
			 struct isr_event *events, int n_events);

/*
 * The next edge; its source is the line's index in the request. Sets MERGED
 * among its flags, and how many edges are missing before it. False: it is one
 * of those that were missing, and is dropped; nothing is set then.
 */
bool isri_pin_order_follow(struct isri_pin_order *order,
			   struct isr_event *event, uint32_t *ret_gap);

#endif /* ISRI_PIN_ORDER_H */
