/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A client's queue, and its exact account.
 *
 * For each line, at every moment:
 *
 *   queued + delivered + lost = stamped since the initial record
 *
 * The event that falls out of a full queue is the oldest one, so whatever a
 * line lost lies before everything of that line that still waits: the next
 * edge of the line that is taken can carry the loss. What the event brought
 * along as lost (by the kernel or by the ring) is taken over when it falls
 * out, and when a filter keeps it back.
 */
#include <stdlib.h>

#include "subscription.h"

struct subscription *subscription_new(size_t n_watches, uint32_t size,
				      enum isr_edge edge)
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
	if (!subscription->queue) {
		free(subscription);
		return NULL;
	}
	subscription->size = size;
	subscription->edge = edge;
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
	free(subscription);
}

/* @count edges were lost just before or, with @own, at @event. */
static void add_untold(struct watch *watch, const struct isr_event *event,
		       uint64_t count, uint64_t own)
{
	if (count + own == 0)
		return;
	if (watch->untold == 0)
		watch->subscription->n_untold++;
	watch->untold += count + own;
	watch->untold_client += own;
	watch->lost_client += own;
	watch->last_lost = *event;
}

static struct isr_event *slot(struct subscription *subscription, uint32_t place)
{
	/* 64 bits: start + length may exceed 32. */
	uint64_t index = (uint64_t)subscription->start + place;

	return &subscription->queue[index % subscription->size];
}

static struct isr_event *take_oldest(struct subscription *subscription,
				     struct watch **ret_watch)
{
	struct isr_event *event = slot(subscription, 0);

	*ret_watch = &subscription->watches[event->source];
	(*ret_watch)->queued--;
	subscription->start = (subscription->start + 1) % subscription->size;
	subscription->length--;
	return event;
}

static void drop_oldest(struct subscription *subscription)
{
	const struct isr_event *event;
	struct watch *watch;

	event = take_oldest(subscription, &watch);
	watch->lost++;
	add_untold(watch, event, event->lost, 1);
}

static bool is_wanted(const struct subscription *subscription,
		      const struct isr_event *event)
{
	switch (event->kind) {
	case ISR_EVENT_RISING:
		return subscription->edge != ISR_EDGE_FALLING;
	case ISR_EVENT_FALLING:
		return subscription->edge != ISR_EDGE_RISING;
	default:
		return false;
	}
}

void subscription_put(struct watch *watch, const struct isr_event *event)
{
	struct subscription *subscription = watch->subscription;
	struct isr_event *stored;

	watch->lost += event->lost;
	if (!is_wanted(subscription, event)) {
		add_untold(watch, event, event->lost, 0);
		return;
	}
	if (subscription_is_full(subscription))
		drop_oldest(subscription);
	stored = slot(subscription, subscription->length++);
	*stored = *event;
	stored->source = (uint16_t)(watch - subscription->watches);
	watch->queued++;
}

static void tell(struct watch *watch, struct record *record)
{
	record->lost += watch->untold;
	record->lost_client = watch->untold_client;
	record->watch = watch;
	if (watch->untold)
		watch->subscription->n_untold--;
	watch->untold = 0;
	watch->untold_client = 0;
}

static bool get_lost(struct subscription *subscription,
		     struct record *ret_record)
{
	struct watch *watch = subscription->watches;

	if (subscription->n_untold == 0)
		return false;
	while (watch->untold == 0)
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

	if (subscription->length == 0)
		return get_lost(subscription, ret_record);
	ret_record->event = *take_oldest(subscription, &watch);
	ret_record->lost = ret_record->event.lost;
	watch->delivered++;
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
