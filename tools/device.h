/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What devices tell: switches, buttons, encoders and counters. The words are
 * those of the interface io.isrloop, and the same in text and JSON.
 */
#ifndef ISRMON_DEVICE_H
#define ISRMON_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

/** What isrloopd makes of a line's edges. */
enum device {
	DEVICE_NONE = 0,
	DEVICE_SWITCH,
	DEVICE_BUTTON,
	DEVICE_ENCODER,
	DEVICE_COUNTER
};

/** Kinds of records, behind those of enum isr_event_kind. */
enum device_kind {
	DEVICE_KIND_OPEN = 64,
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

/** What a record of a device may have beside that of all records. */
enum device_member {
	DEVICE_LOST_RECORDS = 0,
	DEVICE_INPUT,
	DEVICE_LEVEL,
	DEVICE_T_FIRST_NS,
	DEVICE_T_SETTLED_NS,
	DEVICE_BOUNCES,
	DEVICE_CLICKS,
	DEVICE_REPEATS,
	DEVICE_DELTA,
	DEVICE_VELOCITY,
	DEVICE_UNCERTAIN,
	DEVICE_FREQUENCY_HZ,
	DEVICE_FREQUENCY_MIN_HZ,
	DEVICE_FREQUENCY_MAX_HZ,
	DEVICE_PERIOD_NS,
	DEVICE_JITTER_NS,
	DEVICE_DUTY,
	DEVICE_HIGH_NS,
	DEVICE_LOW_NS,
	DEVICE_NUM_MEMBERS
};

/** Members with their values; zeroed it has none. */
struct device_members {
	uint32_t known; /* bit: enum device_member */
	union {
		int64_t whole;
		double real;
	} values[DEVICE_NUM_MEMBERS];
};

/** DEVICE_NONE for NULL and for a word that is not known. */
enum device device_find(const char *name);

/** 0: not a device's. */
unsigned int device_find_kind(const char *name);

/** NULL: not a device's. */
const char *device_get_kind_name(unsigned int kind);

const char *device_get_member_name(enum device_member member);

/** Those that a record of @kind may have: a set of bits like known. */
uint32_t device_get_members(unsigned int kind);

/** A double, else an int64_t. */
bool device_member_is_real(enum device_member member);

void device_set_whole(struct device_members *members, enum device_member member,
		      int64_t value);
void device_set_real(struct device_members *members, enum device_member member,
		     double value);

/** False when there is none; @members may be NULL. */
static inline bool device_has(const struct device_members *members,
			      enum device_member member)
{
	return members && members->known & UINT32_C(1) << member;
}

/** 0 when there is none. */
int64_t device_get_whole(const struct device_members *members,
			 enum device_member member);
double device_get_real(const struct device_members *members,
		       enum device_member member);

static inline bool device_kind_is(unsigned int kind)
{
	return kind >= DEVICE_KIND_OPEN && kind < DEVICE_KIND_END;
}

#endif /* ISRMON_DEVICE_H */
