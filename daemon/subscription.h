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

struct subscription;

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
	/* lost, and not yet told; the client's own part of it */
	uint64_t untold;
	uint64_t untold_client;
	/* the last of those lost, for a record of their own */
	struct isr_event last_lost;
	/* since the subscription; lost includes what is untold */
	uint64_t delivered;
	uint64_t lost;
	uint64_t lost_client;
};

/* What comes out of the queue. */
struct record {
	/* kind RISING or FALLING: an edge; LOST: nothing but a loss;
	 * INITIAL: the level at subscription. seq is 64 bits: seq_high. */
	struct isr_event event;
	uint64_t lost;
	uint64_t lost_client;
	struct watch *watch;
};

struct subscription {
	struct isr_event *queue; /* source is the index of the watch */
	uint32_t size;		 /* events */
	uint32_t start;
	uint32_t length;
	uint32_t n_untold; /* watches whose untold is not 0 */
	enum isr_edge edge;
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
 * Room for @n_watches lines and @size events. Single owner. Returns NULL
 * without memory.
 */
struct subscription *subscription_new(size_t n_watches, uint32_t size,
				      enum isr_edge edge);

/* NULL is legal; nothing may link to it any more. */
void subscription_free(struct subscription *subscription);

/*
 * Put an event of the line of @watch, or (kind LOST) a loss without one.
 * When the queue is full the oldest event falls out and is counted.
 */
void subscription_put(struct watch *watch, const struct isr_event *event);

/*
 * Take the next record. A loss is told by the next edge of its line; when
 * none waits any more, by a record of its own. Returns false when there is
 * nothing to tell.
 */
bool subscription_get(struct subscription *subscription,
		      struct record *ret_record);

/* Whether one more edge would push the oldest one out. */
bool subscription_is_full(const struct subscription *subscription);

/* Whether subscription_get() has something. */
bool subscription_is_due(const struct subscription *subscription);

#endif /* DAEMON_SUBSCRIPTION_H */
