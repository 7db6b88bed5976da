/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The words of devices, and the members that their records may have. */
#include <stddef.h>
#include <string.h>

#include <isrloop/event.h>

#include "device.h"

_Static_assert(DEVICE_NUM_MEMBERS <= 32, "every member has a bit");

static const char *const kind_names[] = {
	[DEVICE_KIND_OPEN - DEVICE_KIND_OPEN] = "open",
	[DEVICE_KIND_CLOSE - DEVICE_KIND_OPEN] = "close",
	[DEVICE_KIND_SETTLED - DEVICE_KIND_OPEN] = "settled",
	[DEVICE_KIND_PRESS - DEVICE_KIND_OPEN] = "press",
	[DEVICE_KIND_RELEASE - DEVICE_KIND_OPEN] = "release",
	[DEVICE_KIND_CLICKS - DEVICE_KIND_OPEN] = "clicks",
	[DEVICE_KIND_LONG - DEVICE_KIND_OPEN] = "long",
	[DEVICE_KIND_REPEAT - DEVICE_KIND_OPEN] = "repeat",
	[DEVICE_KIND_POSITION - DEVICE_KIND_OPEN] = "position",
	[DEVICE_KIND_RATE - DEVICE_KIND_OPEN] = "rate",
};

static const struct {
	const char *name;
	bool real;
} members_of_all[DEVICE_NUM_MEMBERS] = {
	[DEVICE_LOST_RECORDS] = {"lost_records", false},
	[DEVICE_INPUT] = {"input", false},
	[DEVICE_LEVEL] = {"level", false},
	[DEVICE_T_FIRST_NS] = {"t_first_ns", false},
	[DEVICE_T_SETTLED_NS] = {"t_settled_ns", false},
	[DEVICE_BOUNCES] = {"bounces", false},
	[DEVICE_CLICKS] = {"clicks", false},
	[DEVICE_REPEATS] = {"repeats", false},
	[DEVICE_DELTA] = {"delta", false},
	[DEVICE_VELOCITY] = {"velocity", true},
	[DEVICE_UNCERTAIN] = {"uncertain", false},
	[DEVICE_FREQUENCY_HZ] = {"frequency_hz", true},
	[DEVICE_FREQUENCY_MIN_HZ] = {"frequency_min_hz", true},
	[DEVICE_FREQUENCY_MAX_HZ] = {"frequency_max_hz", true},
	[DEVICE_PERIOD_NS] = {"period_ns", true},
	[DEVICE_JITTER_NS] = {"jitter_ns", true},
	[DEVICE_DUTY] = {"duty", true},
	[DEVICE_HIGH_NS] = {"high_ns", true},
	[DEVICE_LOW_NS] = {"low_ns", true},
};

#define BIT(member) (UINT32_C(1) << (member))
#define MEMBERS_OF_CONTACT                                   \
	(BIT(DEVICE_T_FIRST_NS) | BIT(DEVICE_T_SETTLED_NS) | \
	 BIT(DEVICE_BOUNCES) | BIT(DEVICE_CLICKS))
#define MEMBERS_OF_POSITION \
	(BIT(DEVICE_DELTA) | BIT(DEVICE_VELOCITY) | BIT(DEVICE_UNCERTAIN))
#define MEMBERS_OF_RATE                                                   \
	(BIT(DEVICE_FREQUENCY_HZ) | BIT(DEVICE_FREQUENCY_MIN_HZ) |        \
	 BIT(DEVICE_FREQUENCY_MAX_HZ) | BIT(DEVICE_PERIOD_NS) |           \
	 BIT(DEVICE_JITTER_NS) | BIT(DEVICE_DUTY) | BIT(DEVICE_HIGH_NS) | \
	 BIT(DEVICE_LOW_NS))

static uint32_t get_own_members(unsigned int kind)
{
	switch (kind) {
	case ISR_EVENT_RISING:
	case ISR_EVENT_FALLING:
		return BIT(DEVICE_INPUT);
	case ISR_EVENT_INITIAL:
		return BIT(DEVICE_LEVEL);
	case DEVICE_KIND_REPEAT:
		return MEMBERS_OF_CONTACT | BIT(DEVICE_REPEATS);
	case DEVICE_KIND_POSITION:
		return MEMBERS_OF_POSITION;
	case DEVICE_KIND_RATE:
		return MEMBERS_OF_RATE;
	default:
		return device_kind_is(kind) ? MEMBERS_OF_CONTACT : 0;
	}
}

uint32_t device_get_members(unsigned int kind)
{
	return get_own_members(kind) | BIT(DEVICE_LOST_RECORDS);
}

enum device device_find(const char *name)
{
	static const char *const names[] = {
		[DEVICE_SWITCH] = "switch",
		[DEVICE_BUTTON] = "button",
		[DEVICE_ENCODER] = "encoder",
		[DEVICE_COUNTER] = "counter",
	};
	int i;

	for (i = DEVICE_SWITCH; name && i <= DEVICE_COUNTER; i++) {
		if (strcmp(name, names[i]) == 0)
			return i;
	}
	return DEVICE_NONE;
}

unsigned int device_find_kind(const char *name)
{
	unsigned int kind;

	for (kind = DEVICE_KIND_OPEN; kind < DEVICE_KIND_END; kind++) {
		if (strcmp(name, device_get_kind_name(kind)) == 0)
			return kind;
	}
	return 0;
}

const char *device_get_kind_name(unsigned int kind)
{
	return device_kind_is(kind) ? kind_names[kind - DEVICE_KIND_OPEN]
				    : NULL;
}

const char *device_get_member_name(enum device_member member)
{
	return members_of_all[member].name;
}

bool device_member_is_real(enum device_member member)
{
	return members_of_all[member].real;
}

void device_set_whole(struct device_members *members, enum device_member member,
		      int64_t value)
{
	members->known |= BIT(member);
	members->values[member].whole = value;
}

void device_set_real(struct device_members *members, enum device_member member,
		     double value)
{
	members->known |= BIT(member);
	members->values[member].real = value;
}

int64_t device_get_whole(const struct device_members *members,
			 enum device_member member)
{
	return device_has(members, member) ? members->values[member].whole : 0;
}

double device_get_real(const struct device_members *members,
		       enum device_member member)
{
	return device_has(members, member) ? members->values[member].real : 0;
}
