/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What a device tells beside the 32 bytes that it has in common with an edge.
 * A queue keeps the two apart, so that an edge's place is no larger for it.
 */
#ifndef DAEMON_DEVICE_EVENT_H
#define DAEMON_DEVICE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/event.h>

/* Kinds of an event that are the daemon's own: records of devices. */
enum device_kind {
	DEVICE_KIND_OPEN = 16,
	DEVICE_KIND_CLOSE,
	DEVICE_KIND_SETTLED,
	DEVICE_KIND_PRESS,
	DEVICE_KIND_RELEASE,
	DEVICE_KIND_CLICKS,
	DEVICE_KIND_LONG,
	DEVICE_KIND_REPEAT,
	DEVICE_KIND_POSITION,
	DEVICE_KIND_RATE,
	DEVICE_KIND_END
};

/* A set of kinds is 32 bits. */
_Static_assert((int)ISR_EVENT_INITIAL < (int)DEVICE_KIND_OPEN,
	       "kinds are distinct");
_Static_assert(DEVICE_KIND_END <= 32, "every kind has a bit");

/* Flags of an edge that are the daemon's own: which line of an encoder. */
#define EVENT_FLAG_INPUT_A (1U << 6)
#define EVENT_FLAG_INPUT_B (1U << 7)

/* A contact's (OPEN to REPEAT). */
struct device_contact {
	uint64_t t_first_ns;
	uint64_t t_settled_ns; /* 0: not yet */
	uint32_t bounces;
	uint32_t clicks;  /* 0: a switch */
	uint32_t repeats; /* of REPEAT */
};

/* POSITION */
struct device_position {
	int64_t delta;
	double velocity;
	uint32_t uncertain;
};

/* RATE */
struct device_rate {
	double frequency_hz;
	double frequency_min_hz;
	double frequency_max_hz;
	/* below 0: unknown */
	double period_ns;
	double jitter_ns;
	double duty;
	double high_ns;
	double low_ns;
};

/* The kind of the event that it belongs to tells which member is valid. */
struct device_event {
	int64_t value;
	union {
		struct device_contact contact;
		struct device_position position;
		struct device_rate rate;
	};
};

static inline bool device_kind_is(uint8_t kind)
{
	return kind >= DEVICE_KIND_OPEN;
}

#endif /* DAEMON_DEVICE_EVENT_H */
