/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: what a loop keeps for its critical sections. */
#ifndef ISRI_MASK_H
#define ISRI_MASK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <isrloop/isr.h>

#include "door.h"

/* Call sites that are kept of sections within sections. */
#define ISRI_MASK_SITES 8

/* Whoever has hard handlers that the door refuses; in the loop's list. */
struct isri_mask_client {
	struct isri_mask_client *next;
	int priority;
	/* Handle what waits. In ISR context, on the loop's thread. */
	void (*catch_up)(struct isri_mask_client *client);
};

struct isri_mask {
	/* In front of hard handlers in signal handlers. */
	struct isri_door door;
	/* Who masks, or has entered; inherits priority. */
	pthread_mutex_t users;

	/* loop only: how deep, since when, where from */
	int depth;
	uint64_t start_ns;
	const char *where[ISRI_MASK_SITES];
	struct isri_mask_client *clients; /* the highest priority first */
	uint64_t warn_ns;
	uint64_t masks;
	uint64_t max_ns;
	const char *max_where;
	/* A callback has returned while masked. */
	void (*on_forgotten)(struct isr_loop *loop);
};

/* lib/mask.c, on the loop's thread. warn_ns 0: the default. 0, or -ENOMEM. */
int isri_mask_init(struct isr_loop *loop, uint64_t warn_ns);
/* Waits for a thread that has entered; ends a section that is open. */
void isri_mask_stop(struct isr_loop *loop);
/* The loop's memory goes. Nothing, if isri_mask_init() was not there. */
void isri_mask_done(struct isr_loop *loop);

void isri_mask_add(struct isr_loop *loop, struct isri_mask_client *client);
/* Legal for one that was never added. */
void isri_mask_remove(struct isr_loop *loop, struct isri_mask_client *client);

#endif /* ISRI_MASK_H */
