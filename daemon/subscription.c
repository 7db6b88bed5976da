/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A client's queue, and its exact account.
 *
 * For each line, at every moment:
 *
 *   queued + delivered + lost = stamped since the initial record
 *
 * and the same of what the line's device told. Both are in one queue, in their
 * order, but no record of a device ever counts as an edge.
 *
 * The event that falls out of a full queue is the oldest one, so whatever a
 * line lost lies before everything of that line that still waits: the next
 * record of the line that is taken can carry the loss. What the event brought
 * along as lost (by the kernel or by the ring) is taken over when it falls
 * out, and when a filter keeps it back.
 */
#include <stdlib.h>

#include "subscription.h"

#define BIT(kind) (UINT32_C(1) << (kind))

static uint32_t wanted_kinds(enum isr_edge edge, enum records records)
{
	uint32_t wanted = 0;

	if (records & RECORDS_EDGES && edge != ISR_EDGE_FALLING)
		wanted |= BIT(ISR_EVENT_RISING);
	if (records & RECORDS_EDGES && edge != ISR_EDGE_RISING)
		wanted |= BIT(ISR_EVENT_FALLING);
	if (records & RECORDS_DEVICES)
		wanted |= BIT(DEVICE_KIND_END) - BIT(DEVICE_KIND_OPEN);
	return wanted;
}

struct subscription *subscription_new(size_t n_watches, uint32_t size,
				      enum isr_edge edge, enum records records,
				      bool has_device)
{
	struct subscription *subscription;

	/* An event names its watch in 16 bits. */
	if (n_watches > UINT16_MAX)
		return NULL;
	subscription = calloc(1, sizeof(*subscription) +
					 n_watches * sizeof(struct watch));
	if (!subscription)
		return NULL;
	subscription->queue =
		reallocarray(NULL, size, sizeof(*subscription->queue));
	if (has_device && records & RECORDS_DEVICES)
		subscription->devices = reallocarray(
			NULL, size, sizeof(*subscription->devices));
	else
		records &= ~RECORDS_DEVICES;
	if (!subscription->queue ||
	    (records & RECORDS_DEVICES && !subscription->devices)) {
		subscription_free(subscription);
		return NULL;
	}
	subscription->size = size;
	subscription->wanted = wanted_kinds(edge, records);
	subscription->n_watches = n_watches;
	while (n_watches > 0)
		subscription->watches[--n_watches].subscription = subscription;
	return subscription;
}

void subscription_free(struct subscription *subscription)
{
	if (!subscription)
		return;
	free(subscription->queue);
	free(subscription->devices);
	free(subscription);
}

static bool is_untold(const struct watch *watch)
{
	return watch->untold || watch->untold_records;
}

/* So many edges, and records of its device, were lost before or at @event. */
static void add_untold(struct watch *watch, const struct isr_event *event,
		       uint64_t edges, uint64_t records)
{
	if (edges + records == 0)
		return;
	if (!is_untold(watch))
		watch->subscription->n_untold++;
	watch->untold += edges;
	watch->untold_records += records;
	watch->last_lost = *event;
}

static uint32_t place_index(const struct subscription *subscription,
			    uint32_t place)
{
	/* 64 bits: start + length may exceed 32. */
	uint64_t index = (uint64_t)subscription->start + place;

	return (uint32_t)(index % subscription->size);
}

/* The oldest event; returns its place, which stays as it is until a put. */
static uint32_t take_oldest(struct subscription *subscription,
			    struct watch **ret_watch)
{
	uint32_t index = subscription->start;
	const struct isr_event *event = &subscription->queue[index];
	struct watch *watch = &subscription->watches[event->source];

	if (device_kind_is(event->kind))
		watch->queued_records--;
	else
		watch->queued--;
	subscription->start = place_index(subscription, 1);
	subscription->length--;
	*ret_watch = watch;
	return index;
}

static void drop_oldest(struct subscription *subscription)
{
	const struct isr_event *event;
	struct watch *watch;

	event = &subscription->queue[take_oldest(subscription, &watch)];
	if (device_kind_is(event->kind)) {
		watch->lost_records++;
		add_untold(watch, event, 0, 1);
		return;
	}
	watch->lost++;
	watch->lost_client++;
	watch->untold_client++;
	add_untold(watch, event, (uint64_t)event->lost + 1, 0);
}

void subscription_put(struct watch *watch, const struct isr_event *event,
		      const struct device_event *device)
{
	struct subscription *subscription = watch->subscription;
	struct isr_event *stored;
	uint32_t index;

	watch->lost += event->lost;
	if (!(subscription->wanted & BIT(event->kind))) {
		add_untold(watch, event, event->lost, 0);
		return;
	}
	if (subscription_is_full(subscription))
		drop_oldest(subscription);
	index = place_index(subscription, subscription->length++);
	stored = &subscription->queue[index];
	*stored = *event;
	stored->source = (uint16_t)(watch - subscription->watches);
	if (device) {
		subscription->devices[index] = *device;
		watch->queued_records++;
	} else {
		watch->queued++;
	}
}

static void tell(struct watch *watch, struct record *record)
{
	record->lost += watch->untold;
	record->lost_client = watch->untold_client;
	record->lost_records = watch->untold_records;
	record->watch = watch;
	if (is_untold(watch))
		watch->subscription->n_untold--;
	watch->untold = 0;
	watch->untold_client = 0;
	watch->untold_records = 0;
}

static bool get_lost(struct subscription *subscription,
		     struct record *ret_record)
{
	struct watch *watch = subscription->watches;

	if (subscription->n_untold == 0)
		return false;
	while (!is_untold(watch))
		watch++;
	ret_record->event = watch->last_lost;
	ret_record->event.kind = ISR_EVENT_LOST;
	ret_record->lost = 0;
	tell(watch, ret_record);
	return true;
}

bool subscription_get(struct subscription *subscription,
		      struct record *ret_record)
{
	struct watch *watch;
	uint32_t index;

	if (subscription->length == 0)
		return get_lost(subscription, ret_record);
	index = take_oldest(subscription, &watch);
	ret_record->event = subscription->queue[index];
	ret_record->lost = ret_record->event.lost;
	if (device_kind_is(ret_record->event.kind)) {
		ret_record->device = subscription->devices[index];
		watch->delivered_records++;
	} else {
		watch->delivered++;
	}
	tell(watch, ret_record);
	return true;
}

bool subscription_is_full(const struct subscription *subscription)
{
	return subscription->length == subscription->size;
}

bool subscription_is_due(const struct subscription *subscription)
{
	return subscription->length > 0 || subscription->n_untold > 0;
}
