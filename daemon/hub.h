/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The hub: it owns the lines and their devices, numbers what they tell and
 * hands each record to the subscriptions of its line, and to nobody else.
 */
#ifndef DAEMON_HUB_H
#define DAEMON_HUB_H

#include <stddef.h>
#include <stdint.h>

#include <isrloop/flag.h>
#include <isrloop/loop.h>
#include <isrloop/source.h>

#include "config.h"
#include "device.h"
#include "subscription.h"

struct hub;

struct hub_line {
	struct hub *hub;
	const struct config_line *config;
	struct device *device;	   /* NULL: none */
	struct isr_source *source; /* the device's own when there is one */
	struct isr_pin_info info;
	uint32_t debounce_us; /* by the chip: it may not do what was asked */
	/* the latest edge; until the first one only t_ns */
	struct isr_event last;
	/* logical, after it: bit 0, and of an encoder's line B bit 1 */
	unsigned int levels;
	struct watch *watches;
	/* what fell out of queues of subscriptions that have ended */
	uint64_t lost_client;
	uint64_t lost_records;
	/* of its device */
	uint64_t records;
	/* the members of every record of this line that never change */
	char *record_text;
	size_t record_text_length;
};

struct hub {
	struct isr_loop *loop;
	struct hub_line *lines;
	size_t n_lines;
	uint64_t seq; /* of the last record, over all lines */
	struct isr_flag due_flag;
	struct subscription *due; /* have something to send */
};

/*
 * Open every line of @config, which must outlive the hub. All lines that
 * cannot be opened are logged. Returns 0 or the first error; either way the
 * caller ends with hub_close().
 */
int hub_open(struct hub *hub, struct isr_loop *loop,
	     const struct config *config);

/* Release all lines. Subscriptions must have ended. Zeroed memory is legal. */
void hub_close(struct hub *hub);

/* NULL when there is none. */
struct hub_line *hub_find_line(struct hub *hub, const char *name);

/* The logical level now; of a device its state. */
int64_t hub_get_value(struct hub_line *line);

/* Edges that fell out of clients' queues, of all there ever were. */
uint64_t hub_get_lost_client(const struct hub_line *line);
/* The same of the device's records. */
uint64_t hub_get_lost_records(const struct hub_line *line);

/*
 * Watch @lines from now on; the hub calls @due on the loop when there is
 * something to take. Returns 0 or -ENOMEM.
 */
int hub_subscribe(struct hub *hub, struct hub_line *const *lines,
		  size_t n_lines, enum isr_edge edge, enum records records,
		  uint32_t queue_events, subscription_due_cb *due, void *arg,
		  struct subscription **ret_subscription);

/* No more events; what is queued stays to be taken. Idempotent. */
void hub_detach(struct subscription *subscription);

/* Ends it; NULL is legal. */
void hub_unsubscribe(struct subscription *subscription);

/* The record that a stream of this line starts with. */
void hub_get_initial(struct hub_line *line, struct record *ret_record);

#endif /* DAEMON_HUB_H */
