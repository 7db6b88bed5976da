/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * --encoder: one isr_encoder on both lines, whose events become records as
 * the daemon would write them. They are of line A; losses are of the line
 * that lost.
 */
#include <errno.h>
#include <string.h>

#include "direct-line.h"
#include "encoder.h"

struct watch {
	struct monitor *monitor;
	/* A and B */
	struct direct_line lines[2];
	struct isr_encoder encoder;
};

static void on_change(struct isr_encoder *encoder,
		      const struct isr_encoder_event *event, void *arg)
{
	struct watch *watch = arg;
	struct device_members members = {0};
	struct record record = {
		.line = watch->lines[0].line,
		.kind = DEVICE_KIND_POSITION,
		.accounted = true,
		.flags = event->flags,
		.value = event->value,
		.t_ns = event->t_ns,
		.members = &members,
	};

	device_set_whole(&members, DEVICE_DELTA, event->delta);
	device_set_real(&members, DEVICE_VELOCITY, event->velocity);
	device_set_whole(&members, DEVICE_UNCERTAIN, event->uncertain);
	monitor_tell_losses(watch->monitor, watch->lines[0].line);
	monitor_tell_losses(watch->monitor, watch->lines[1].line);
	monitor_push(watch->monitor, &record);
}

static int on_edge(struct isr_source *source, const struct isr_event *event,
		   void *arg)
{
	struct watch *watch = arg;
	bool b = event->source != isr_source_get_id(source);

	direct_account(watch->monitor, &watch->lines[b], source, event);
	return 0;
}

static int check_chip(const struct watch *watch)
{
	const char *a = isr_chip_get_name(watch->lines[0].chip);
	const char *b = isr_chip_get_name(watch->lines[1].chip);

	if (strcmp(a, b) == 0)
		return 0;
	monitor_message(
		"A is a line of %s and B one of %s: only lines of one chip have an order",
		a, b);
	return -EINVAL;
}

static int open_encoder(struct watch *watch)
{
	const struct options *o = watch->monitor->options;
	struct isr_encoder_config config = {
		.sz = sizeof(config),
		.line_b = watch->lines[1].offset_text,
		.steps = o->steps,
		.divider = o->divider,
		.report_ns = o->interval_ns,
		.tell_stop = true,
		.cb = on_change,
		.arg = watch,
		.raw_cb = on_edge,
		.raw_arg = watch,
	};
	struct isr_error error;
	int r;

	direct_get_pin_config(watch->monitor, &watch->lines[0], &config.pin);
	r = isr_encoder_open(&watch->encoder, watch->monitor->loop, &config,
			     &error);
	if (r < 0)
		monitor_message("%s", error.message);
	return r;
}

static int open_lines(struct watch *watch)
{
	struct monitor *m = watch->monitor;
	int i, r;

	r = direct_find_lines(m, watch->lines);
	if (r >= 0)
		r = check_chip(watch);
	for (i = 0; r >= 0 && i < 2; i++)
		r = direct_add_line(m, &watch->lines[i], m->options->lines[i]);
	return r < 0 ? r : open_encoder(watch);
}

enum status encoder_watch_direct(struct monitor *m)
{
	struct watch watch = {.monitor = m};
	enum status status = STATUS_FAILED;

	if (open_lines(&watch) >= 0) {
		monitor_announce(m);
		status = monitor_run(m);
	}
	isr_encoder_close(&watch.encoder);
	direct_drop_lines(watch.lines, 2);
	return status;
}
