/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The hub.
 *
 * Everything here runs on the loop's thread. That is why a subscription is
 * atomic with its initial levels: no event is handed out while hub_subscribe()
 * and hub_get_initial() run, so the first event in the queue is the first one
 * after the level told.
 *
 * A handler only queues. Subscriptions that got something are told once the
 * batch of events that the loop is working on is done: that makes many events
 * of a burst one write of each client.
 *
 * A line's device has the line; it hands each edge on before it looks at it.
 * So what a device makes of an edge always follows that edge.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hub.h"
#include "log.h"
#include "record.h"

static void mark_due(struct hub *hub, struct subscription *subscription)
{
	if (subscription->prev_due)
		return;
	if (!hub->due)
		isr_flag_set(&hub->due_flag);
	subscription->next_due = hub->due;
	if (hub->due)
		hub->due->prev_due = &subscription->next_due;
	subscription->prev_due = &hub->due;
	hub->due = subscription;
}

static void unmark_due(struct subscription *subscription)
{
	if (!subscription->prev_due)
		return;
	*subscription->prev_due = subscription->next_due;
	if (subscription->next_due)
		subscription->next_due->prev_due = subscription->prev_due;
	subscription->next_due = NULL;
	subscription->prev_due = NULL;
}

/* Whoever is told may end its subscription, or another one. */
static void tell_due(struct isr_flag *flag, uint32_t count, void *arg)
{
	struct hub *hub = arg;
	struct subscription *subscription;

	while ((subscription = hub->due)) {
		unmark_due(subscription);
		subscription->due(subscription, subscription->arg);
	}
}

/*
 * A burst can be longer than a small queue: before an event falls out, what
 * the socket still takes is sent. That may end the subscription, and it alone.
 */
static bool make_room(struct watch *watch)
{
	struct subscription *subscription = watch->subscription;

	return !subscription_is_full(subscription) ||
	       (subscription->due(subscription, subscription->arg) &&
		watch->prev);
}

/* @device: what belongs to a device's event; else NULL. */
static void fan_out(struct hub_line *line, const struct isr_event *event,
		    const struct device_event *device)
{
	struct watch *watch, *next;

	for (watch = line->watches; watch; watch = next) {
		next = watch->next;
		if (!make_room(watch))
			continue;
		subscription_put(watch, event, device);
		mark_due(line->hub, watch->subscription);
	}
}

static void set_seq(struct hub *hub, struct isr_event *event)
{
	uint64_t seq = ++hub->seq;

	event->seq = (uint32_t)seq;
	event->seq_high = (uint32_t)(seq >> 32);
}

/*
 * What was lost is what the line's own sequence leaves out. The event says it
 * too, but what was lost before an event that then fell out of the ring comes
 * with a later one; the sequence has it in its place. The daemon never
 * disarms a line, so nothing else makes a gap.
 */
static void handle_edge(struct hub_line *line, struct isr_source *source,
			const struct isr_event *event)
{
	uint32_t lost = event->line_seq - line->last.line_seq - 1;
	unsigned int input = 0;

	line->last = *event;
	line->last.lost = lost;
	set_seq(line->hub, &line->last);
	if (line->info.n_lines > 1) {
		input = (unsigned int)(event->source -
				       isr_source_get_id(source));
		line->last.flags |=
			input ? EVENT_FLAG_INPUT_B : EVENT_FLAG_INPUT_A;
	}
	line->levels &= ~(1U << input);
	line->levels |= (unsigned int)event->value << input;
	fan_out(line, &line->last, NULL);
}

/* Of the line's device. A level stays one, whatever the device's value is. */
static void handle_device(void *arg, struct isr_event *event,
			  const struct device_event *device)
{
	struct hub_line *line = arg;

	set_seq(line->hub, event);
	event->line_seq = line->last.line_seq;
	event->value = line->last.value;
	line->records++;
	fan_out(line, event, device);
}

/* Nothing comes after those lost: the last of them is where the line ends. */
static void handle_end(struct hub_line *line, const struct isr_event *event)
{
	struct isr_event lost = line->last;

	log_error("[line %s]: %s is gone, and with it the line's edges: %s",
		  line->config->name, line->info.chip_name,
		  strerror(-event->value));
	lost.kind = ISR_EVENT_LOST;
	lost.t_ns = event->t_ns;
	lost.line_seq = event->line_seq;
	lost.lost = event->line_seq - line->last.line_seq;
	line->last.line_seq = event->line_seq;
	if (lost.lost)
		fan_out(line, &lost, NULL);
}

static int handle_event(struct isr_source *source,
			const struct isr_event *event, void *arg)
{
	struct hub_line *line = arg;

	switch (event->kind) {
	case ISR_EVENT_RISING:
	case ISR_EVENT_FALLING:
		handle_edge(line, source, event);
		break;
	case ISR_EVENT_CHIP_LOST:
		handle_end(line, event);
		break;
	default:
		break;
	}
	return 0;
}

/* 0 for a hardware clock, which cannot be read from here. */
static uint64_t get_time_ns(enum isr_clock clock)
{
	struct timespec now = {0};

	if (clock == ISR_CLOCK_MONOTONIC)
		return isr_now_ns();
	if (clock == ISR_CLOCK_REALTIME)
		clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int open_source(struct hub_line *line, const struct config_line *config,
		       struct isr_error *reterr_error)
{
	const struct isr_pin_config pin = {
		.sz = sizeof(pin),
		.chip = config->chip,
		.line = config->line,
		.find_flags = ISR_LINE_FIND_STRICT,
		.edge = config->edge,
		.bias = config->bias,
		.clock = config->clock,
		.reader = config->reader,
		.active_low = config->active_low,
		.debounce_ns = config->debounce_ns,
		.consumer = "isrloopd",
	};
	struct isr_loop *loop = line->hub->loop;
	int r;

	if (config->device.type == CONFIG_DEVICE_NONE)
		return isr_pin_open(loop, &pin, handle_event, line,
				    &line->source, reterr_error);
	r = device_open(loop, &pin, &config->device, handle_event,
			handle_device, line, &line->device, reterr_error);
	if (r == 0)
		line->source = device_get_source(line->device);
	return r;
}

static int open_line(struct hub *hub, struct hub_line *line,
		     const struct config_line *config)
{
	struct isr_error error = {0};
	struct isr_line_info info;
	int levels, r;

	line->hub = hub;
	line->config = config;
	/* Before the request, so that no edge is older than the level. */
	line->last.t_ns = get_time_ns(config->clock);
	r = open_source(line, config, &error);
	if (r < 0) {
		log_error("%s:%u: [line %s]: %s", config->place.file,
			  config->place.line, config->name,
			  error.message[0] ? error.message : strerror(-r));
		return r;
	}
	r = isr_pin_get_info(line->source, &line->info);
	if (r == 0)
		r = isr_pin_get_line_info(line->source, 0, &info);
	if (r == 0)
		r = isr_pin_get_value(line->source, &levels);
	if (r == 0)
		r = record_make_text(config->name, line->info.clock,
				     line->info.simulated, &line->record_text);
	if (r < 0) {
		log_error("[line %s]: %s", config->name, strerror(-r));
		return r;
	}
	line->record_text_length = strlen(line->record_text);
	line->debounce_us = info.debounce_us;
	if (line->device && config->debounce_ns && !info.debounce_us)
		log_notice("[line %s]: %s cannot debounce it: the %s does",
			   config->name, line->info.chip_name,
			   config_device_word(config->device.type));
	line->levels = (unsigned int)levels;
	line->last.value = levels & 1;
	return 0;
}

int hub_open(struct hub *hub, struct isr_loop *loop,
	     const struct config *config)
{
	int r, result;
	size_t i;

	hub->loop = loop;
	hub->lines = calloc(config->n_lines + 1, sizeof(*hub->lines));
	if (!hub->lines)
		return -ENOMEM;
	result = isr_flag_init(&hub->due_flag, loop, ISR_FLAG_AUTO);
	if (result == 0)
		result = isr_flag_set_cb(&hub->due_flag, tell_due, hub);
	if (result < 0)
		return result;
	hub->n_lines = config->n_lines;
	for (i = 0; i < hub->n_lines; i++) {
		r = open_line(hub, &hub->lines[i], &config->lines[i]);
		if (result == 0)
			result = r;
	}
	return result;
}

void hub_close(struct hub *hub)
{
	size_t i;

	for (i = 0; i < hub->n_lines; i++) {
		if (hub->lines[i].device)
			device_close(hub->lines[i].device);
		else
			isr_source_close(hub->lines[i].source);
		free(hub->lines[i].record_text);
	}
	if (hub->lines)
		isr_flag_done(&hub->due_flag);
	free(hub->lines);
	memset(hub, 0, sizeof(*hub));
}

struct hub_line *hub_find_line(struct hub *hub, const char *name)
{
	size_t i;

	for (i = 0; i < hub->n_lines; i++) {
		if (strcmp(hub->lines[i].config->name, name) == 0)
			return &hub->lines[i];
	}
	return NULL;
}

/* Whether its edges tell each level. */
static bool is_followed(const struct hub_line *line)
{
	return line->config->edge == ISR_EDGE_BOTH &&
	       line->config->device.contact != ISR_SWITCH_POLLED;
}

/*
 * On a line that reports both edges the level is what the last event said:
 * it belongs to that event's place in the stream. Edges of one direction
 * cannot tell, so there the line is asked.
 */
static unsigned int get_levels(struct hub_line *line)
{
	int levels;

	if (is_followed(line) || isr_pin_get_value(line->source, &levels) < 0)
		return line->levels;
	return (unsigned int)levels;
}

int64_t hub_get_value(struct hub_line *line)
{
	return line->device ? device_get_value(line->device) : get_levels(line);
}

uint64_t hub_get_lost_client(const struct hub_line *line)
{
	uint64_t lost = line->lost_client;
	const struct watch *watch;

	for (watch = line->watches; watch; watch = watch->next)
		lost += watch->lost_client;
	return lost;
}

uint64_t hub_get_lost_records(const struct hub_line *line)
{
	uint64_t lost = line->lost_records;
	const struct watch *watch;

	for (watch = line->watches; watch; watch = watch->next)
		lost += watch->lost_records;
	return lost;
}

static void link_watch(struct watch *watch, struct hub_line *line)
{
	watch->line = line;
	watch->next = line->watches;
	watch->prev = &line->watches;
	if (watch->next)
		watch->next->prev = &watch->next;
	line->watches = watch;
}

static void unlink_watch(struct watch *watch)
{
	struct hub_line *line = watch->line;

	*watch->prev = watch->next;
	if (watch->next)
		watch->next->prev = watch->prev;
	watch->prev = NULL;
	line->lost_client += watch->lost_client;
	line->lost_records += watch->lost_records;
}

int hub_subscribe(struct hub *hub, struct hub_line *const *lines,
		  size_t n_lines, enum isr_edge edge, enum records records,
		  uint32_t queue_events, subscription_due_cb *due, void *arg,
		  struct subscription **ret_subscription)
{
	struct subscription *subscription;
	bool has_device = false;
	size_t i;

	for (i = 0; i < n_lines; i++)
		has_device = has_device || lines[i]->device;
	subscription = subscription_new(n_lines, queue_events, edge, records,
					has_device);
	if (!subscription)
		return -ENOMEM;
	subscription->due = due;
	subscription->arg = arg;
	for (i = 0; i < n_lines; i++)
		link_watch(&subscription->watches[i], lines[i]);
	*ret_subscription = subscription;
	return 0;
}

void hub_detach(struct subscription *subscription)
{
	size_t i;

	for (i = 0; i < subscription->n_watches; i++) {
		if (subscription->watches[i].prev)
			unlink_watch(&subscription->watches[i]);
	}
	unmark_due(subscription);
}

void hub_unsubscribe(struct subscription *subscription)
{
	if (!subscription)
		return;
	hub_detach(subscription);
	subscription_free(subscription);
}

void hub_get_initial(struct hub_line *line, struct record *ret_record)
{
	memset(ret_record, 0, sizeof(*ret_record));
	ret_record->event = (struct isr_event){
		.kind = ISR_EVENT_INITIAL,
		.t_ns = is_followed(line) ? line->last.t_ns
					  : get_time_ns(line->config->clock),
		.seq = (uint32_t)line->hub->seq,
		.seq_high = (uint32_t)(line->hub->seq >> 32),
		.line_seq = line->last.line_seq,
		.value = (int32_t)get_levels(line),
	};
	if (line->device) {
		ret_record->has_device = true;
		ret_record->device.value = hub_get_value(line);
	}
}
