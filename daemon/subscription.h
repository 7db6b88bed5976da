/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A subscription: the lines that one client watches and the bounded queue
 * between the hub, which puts events in, and the client's socket.
 */
#ifndef DAEMON_SUBSCRIPTION_H
#define DAEMON_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isrloop/source.h>

#include "device-event.h"

struct subscription;

/* Which records a client wants. */
enum records {
	RECORDS_EDGES = 1,
	RECORDS_DEVICES = 2,
	RECORDS_ALL = RECORDS_EDGES | RECORDS_DEVICES
};

/*
 * There is something to take. Returns false when the subscription has ended
 * meanwhile: then it must not be touched any more.
 */
typedef bool subscription_due_cb(struct subscription *subscription, void *arg);

/* One line of a subscription; linked into the line by the hub. */
struct watch {
	struct subscription *subscription;
	void *line;	    /* the hub's */
	struct watch *next; /* of the same line */
	struct watch **prev;
	/* edges of this line that wait in the queue */
	uint32_t queued;
	uint32_t queued_records; /* of its device */
	/* lost, and not yet told; the client's own part of it */
	uint64_t untold;
	uint64_t untold_client;
	uint64_t untold_records;
	/* the last of those lost, for a record of their own */
	struct isr_event last_lost;
	/* since the subscription; lost includes what is untold */
	uint64_t delivered;
	uint64_t lost;
	uint64_t lost_client;
	/* of the line's device */
	uint64_t delivered_records;
	uint64_t lost_records;
};

/* What comes out of the queue. */
struct record {
	/* kind RISING or FALLING: an edge; LOST: nothing but a loss;
	 * INITIAL: the level at subscription; enum device_kind: a device's.
	 * seq is 64 bits: seq_high. */
	struct isr_event event;
	uint64_t lost;
	uint64_t lost_client;
	uint64_t lost_records;
	struct watch *watch;
	/* INITIAL: the line has a device, and device.value is its state */
	bool has_device;
	/* of a device's record */
	struct device_event device;
};

struct subscription {
	struct isr_event *queue; /* source is the index of the watch */
	/* what belongs to a device's event in the same place of the queue;
	 * NULL when none can be there */
	struct device_event *devices;
	uint32_t size; /* events */
	uint32_t start;
	uint32_t length;
	uint32_t n_untold; /* watches with a loss that is not told */
	uint32_t wanted;   /* bit KIND: events of that kind */
	/* the hub's list of subscriptions that have something to send */
	struct subscription *next_due;
	struct subscription **prev_due;
	/* called by the hub, on the loop */
	subscription_due_cb *due;
	void *arg;
	size_t n_watches;
	struct watch watches[];
};

/*
 * Room for @n_watches lines and @size events, of those edges and records.
 * With @has_device some line has one. Single owner. Returns NULL without
 * memory.
 */
struct subscription *subscription_new(size_t n_watches, uint32_t size,
				      enum isr_edge edge, enum records records,
				      bool has_device);

/* NULL is legal; nothing may link to it any more. */
void subscription_free(struct subscription *subscription);

/*
 * Put an event of the line of @watch, or (kind LOST) a loss without one.
 * When the queue is full the oldest event falls out and is counted.
 * @device belongs to a device's event, and is NULL for another.
 */
void subscription_put(struct watch *watch, const struct isr_event *event,
		      const struct device_event *device);

/*
 * Take the next record. A loss is told by the next record of its line; when
 * none waits any more, by a record of its own. Returns false when there is
 * nothing to tell.
 */
bool subscription_get(struct subscription *subscription,
		      struct record *ret_record);

/* Whether one more event would push the oldest one out. */
bool subscription_is_full(const struct subscription *subscription);

/* Whether subscription_get() has something. */
bool subscription_is_due(const struct subscription *subscription);

#endif /* DAEMON_SUBSCRIPTION_H */
