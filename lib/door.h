/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: a door in front of handlers: those that come while it is shut leave
 * their event where it waits, and go.
 */
#ifndef ISRI_DOOR_H
#define ISRI_DOOR_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed memory is an open door. */
struct isri_door {
	/* any context, atomic: how many are inside, and two bits */
	uint32_t word;
};

/* Signal class. False: it is shut, and whoever opens it is told. */
bool isri_door_enter(struct isri_door *door);
void isri_door_leave(struct isri_door *door);

/* One thread shuts and opens it. */
void isri_door_shut(struct isri_door *door);
/* Of a door that is shut: nobody is inside, and what they did is seen. */
bool isri_door_is_empty(const struct isri_door *door);
/* Of one that is empty. True when somebody was refused since it was shut. */
bool isri_door_open(struct isri_door *door);

#endif /* ISRI_DOOR_H */
