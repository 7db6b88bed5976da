/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The words for what a record holds: the same in text, JSON and messages. */
#include <stddef.h>

#include "record.h"

const char *record_get_kind_name(unsigned int kind)
{
	const char *device = device_get_kind_name(kind);

	if (device)
		return device;
	switch (kind) {
	case ISR_EVENT_RISING:
		return "rising";
	case ISR_EVENT_FALLING:
		return "falling";
	case ISR_EVENT_INITIAL:
		return "initial";
	case ISR_EVENT_LOST:
		return "lost";
	case ISR_EVENT_IDLE:
		return "idle";
	case ISR_EVENT_CHIP_LOST:
		return "chip-lost";
	case ISR_EVENT_CHIP_BACK:
		return "chip-back";
	default:
		return "other";
	}
}

const char *record_get_place_name(unsigned int places)
{
	static const char *const names[] = {
		[0] = "unknown",
		[PLACE_KERNEL] = "kernel",
		[PLACE_RING] = "ring",
		[PLACE_KERNEL | PLACE_RING] = "kernel or ring",
		[PLACE_CLIENT] = "client",
		[PLACE_KERNEL | PLACE_CLIENT] = "kernel or client",
		[PLACE_RING | PLACE_CLIENT] = "ring or client",
		[PLACE_KERNEL | PLACE_RING | PLACE_CLIENT] =
			"kernel, ring or client",
	};

	if (places >= sizeof(names) / sizeof(names[0]))
		return names[0];
	return names[places];
}

const char *record_get_clock_name(enum isr_clock clock)
{
	switch (clock) {
	case ISR_CLOCK_REALTIME:
		return "realtime";
	case ISR_CLOCK_HTE:
		return "hte";
	default:
		return "monotonic";
	}
}
