/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Devices.
 *
 * Their callbacks run on the loop, as the edges' do, so the order in which
 * the owner is told is that of the stream. The stamps need not be: what a
 * device decides has the time when it became true.
 */
#include <errno.h>
#include <stdlib.h>

#include <isrloop/button.h>
#include <isrloop/counter.h>
#include <isrloop/encoder.h>
#include <isrloop/switch.h>

#include "device.h"

/* One kind of device. */
struct device_type {
	int (*open)(struct device *device, struct isr_loop *loop,
		    const struct isr_pin_config *pin,
		    const struct config_device *config, isr_handler_cb *raw_cb,
		    struct isr_error *reterr_error);
	void (*close)(struct device *device);
	struct isr_source *(*get_source)(struct device *device);
	int64_t (*get_value)(struct device *device);
	json_t *(*make_status)(struct device *device);
};

struct device {
	const struct device_type *type;
	device_cb *cb;
	void *arg;
	uint64_t merged;   /* a counter's, as of its latest report */
	bool has_reported; /* a counter */
	bool knows_active; /* a counter's: both edges tell the level */
	union {
		struct isr_switch contact;
		struct isr_button button;
		struct isr_encoder encoder;
		struct isr_counter counter;
	};
};

static void tell(struct device *device, uint8_t kind, uint64_t t_ns,
		 uint8_t flags, const struct device_event *told)
{
	struct isr_event event = {.kind = kind, .t_ns = t_ns, .flags = flags};

	device->cb(device->arg, &event, told);
}

/* Switches. */

static void tell_switch(struct isr_switch *contact,
			const struct isr_switch_event *event, void *arg)
{
	static const uint8_t kinds[] = {
		[ISR_SWITCH_OPENED] = DEVICE_KIND_OPEN,
		[ISR_SWITCH_CLOSED] = DEVICE_KIND_CLOSE,
		[ISR_SWITCH_SETTLED] = DEVICE_KIND_SETTLED,
	};
	const struct device_event told = {
		.value = event->closed,
		.contact = {.t_first_ns = event->t_first_ns,
			    .t_settled_ns = event->t_settled_ns,
			    .bounces = event->bounces},
	};
	bool is_settled = event->kind == ISR_SWITCH_SETTLED;

	tell(arg, kinds[event->kind],
	     is_settled ? event->t_settled_ns : event->t_first_ns, event->flags,
	     &told);
}

static struct isr_switch_config make_contact(const struct isr_pin_config *pin,
					     const struct config_device *config,
					     isr_handler_cb *raw_cb,
					     void *raw_arg)
{
	struct isr_switch_config contact = {
		.sz = sizeof(contact),
		.pin = *pin,
		.mode = config->contact,
		.chip_debounces = pin->debounce_ns > 0,
		.debounce_ns = pin->debounce_ns ? pin->debounce_ns
						: config->hold_off_ns,
		.poll_ns = config->poll_ns,
		.raw_cb = raw_cb,
		.raw_arg = raw_arg,
	};

	contact.pin.debounce_ns = 0;
	return contact;
}

static int open_switch(struct device *device, struct isr_loop *loop,
		       const struct isr_pin_config *pin,
		       const struct config_device *config,
		       isr_handler_cb *raw_cb, struct isr_error *reterr_error)
{
	struct isr_switch_config contact =
		make_contact(pin, config, raw_cb, device->arg);

	contact.cb = tell_switch;
	contact.arg = device;
	return isr_switch_open(&device->contact, loop, &contact, reterr_error);
}

static void close_switch(struct device *device)
{
	isr_switch_close(&device->contact);
}

static struct isr_source *get_source_of_switch(struct device *device)
{
	return isr_switch_get_source(&device->contact);
}

static int64_t is_closed(struct device *device)
{
	return isr_switch_is_closed(&device->contact);
}

static json_t *make_contact_status(const struct isr_switch *contact)
{
	struct isr_switch_stats stats = {0};

	isr_switch_get_stats(contact, &stats);
	/* clang-format off */
	return json_pack("{s:I, s:I, s:I}",
		"bounces", (json_int_t)stats.bounces,
		"glitches", (json_int_t)stats.glitches,
		"corrected", (json_int_t)stats.corrected);
	/* clang-format on */
}

static json_t *make_switch_status(struct device *device)
{
	return make_contact_status(&device->contact);
}

/* Buttons. */

static void tell_button(struct isr_button *button,
			const struct isr_button_event *event, void *arg)
{
	static const uint8_t kinds[] = {
		[ISR_BUTTON_PRESS] = DEVICE_KIND_PRESS,
		[ISR_BUTTON_RELEASE] = DEVICE_KIND_RELEASE,
		[ISR_BUTTON_CLICKS] = DEVICE_KIND_CLICKS,
		[ISR_BUTTON_LONG] = DEVICE_KIND_LONG,
		[ISR_BUTTON_REPEAT] = DEVICE_KIND_REPEAT,
	};
	struct device_event told = {
		.contact = {.t_first_ns = event->t_first_ns,
			    .t_settled_ns = event->t_settled_ns,
			    .bounces = event->bounces,
			    .clicks = event->clicks,
			    .repeats = event->repeats},
	};

	/* A series is told while the last press is held, or after it. */
	if (event->kind == ISR_BUTTON_CLICKS)
		told.value = isr_button_is_pressed(button);
	else
		told.value = event->kind != ISR_BUTTON_RELEASE;
	tell(arg, kinds[event->kind], event->t_ns, event->flags, &told);
}

/* What the button has told at the first edge is complete now. */
static void tell_settled(struct isr_switch *contact,
			 const struct isr_switch_event *event, void *arg)
{
	if (event->kind == ISR_SWITCH_SETTLED)
		tell_switch(contact, event, arg);
}

static int open_button(struct device *device, struct isr_loop *loop,
		       const struct isr_pin_config *pin,
		       const struct config_device *config,
		       isr_handler_cb *raw_cb, struct isr_error *reterr_error)
{
	const bool is_single = config->clicks == 1;
	struct isr_button_config button = {
		.sz = sizeof(button),
		.contact = make_contact(pin, config, raw_cb, device->arg),
		.long_ns = config->long_ns,
		.click_ns = is_single ? 0 : config->click_ns,
		.repeat_ns = config->repeat_ns,
		.max_clicks = is_single ? 0 : config->clicks,
		.suppress = config->suppress,
		.no_long = config->long_ns == 0,
		.no_clicks = is_single,
		.cb = tell_button,
		.arg = device,
	};

	button.contact.cb = tell_settled;
	button.contact.arg = device;
	return isr_button_open(&device->button, loop, &button, reterr_error);
}

static void close_button(struct device *device)
{
	isr_button_close(&device->button);
}

static struct isr_source *get_source_of_button(struct device *device)
{
	return isr_switch_get_source(&device->button.contact);
}

static int64_t is_pressed(struct device *device)
{
	return isr_button_is_pressed(&device->button);
}

static json_t *make_button_status(struct device *device)
{
	return make_contact_status(&device->button.contact);
}

/* Encoders. */

static void tell_encoder(struct isr_encoder *encoder,
			 const struct isr_encoder_event *event, void *arg)
{
	const struct device_event told = {
		.value = event->value,
		.position = {.delta = event->delta,
			     .velocity = event->velocity,
			     .uncertain = event->uncertain},
	};

	tell(arg, DEVICE_KIND_POSITION, event->t_ns, event->flags, &told);
}

static int open_encoder(struct device *device, struct isr_loop *loop,
			const struct isr_pin_config *pin,
			const struct config_device *config,
			isr_handler_cb *raw_cb, struct isr_error *reterr_error)
{
	struct isr_encoder_config encoder = {
		.sz = sizeof(encoder),
		.pin = *pin,
		.line_b = config->line_b,
		.steps = (uint32_t)config->steps,
		.divider = config->divider,
		.min = config->min,
		.max = config->max,
		.modulo = config->modulo,
		.report_ns = config->report_ns,
		/* Else its clients had the last velocity for ever. */
		.tell_stop = true,
		.cb = tell_encoder,
		.arg = device,
		.raw_cb = raw_cb,
		.raw_arg = device->arg,
	};

	/* From 0, or as near to it as the limits allow. */
	if (config->min > 0)
		encoder.initial = config->min;
	else if (config->max < 0)
		encoder.initial = config->max;
	return isr_encoder_open(&device->encoder, loop, &encoder, reterr_error);
}

static void close_encoder(struct device *device)
{
	isr_encoder_close(&device->encoder);
}

static struct isr_source *get_source_of_encoder(struct device *device)
{
	return isr_encoder_get_source(&device->encoder);
}

static int64_t get_position(struct device *device)
{
	return isr_encoder_get_value(&device->encoder);
}

static json_t *make_encoder_status(struct device *device)
{
	struct isr_encoder_stats stats = {0};

	isr_encoder_get_stats(&device->encoder, &stats);
	/* clang-format off */
	return json_pack("{s:I, s:I, s:I, s:I}",
		"corrected", (json_int_t)stats.corrected,
		"invalid", (json_int_t)stats.invalid,
		"resyncs", (json_int_t)stats.resyncs,
		"uncertain", (json_int_t)stats.uncertain);
	/* clang-format on */
}

/* Counters. */

static double if_known(bool is_known, double value)
{
	return is_known ? value : -1;
}

static void tell_counter(struct isr_counter *counter,
			 const struct isr_counter_reading *reading, void *arg)
{
	struct device *device = arg;
	const bool has_periods = reading->periods > 0;
	const bool has_widths = has_periods && reading->high_max_ns > 0;
	/* Of an input that stands still it is the level. */
	const bool has_duty =
		has_widths ||
		(device->knows_active && reading->state == ISR_COUNTER_STOPPED);
	const struct device_event told = {
		.value = reading->count,
		.rate = {.frequency_hz = reading->frequency_hz,
			 .frequency_min_hz = reading->frequency_min_hz,
			 .frequency_max_hz = reading->frequency_max_hz,
			 .period_ns =
				 if_known(has_periods, reading->period_mean_ns),
			 .jitter_ns = if_known(has_periods,
					       reading->period_stddev_ns),
			 .duty = if_known(has_duty, reading->duty),
			 .high_ns = if_known(has_widths, reading->high_mean_ns),
			 .low_ns = if_known(has_widths, reading->low_mean_ns)},
	};

	device->merged = reading->merged;
	device->has_reported = true;
	tell(device, DEVICE_KIND_RATE, reading->t_ns, 0, &told);
}

static int open_counter(struct device *device, struct isr_loop *loop,
			const struct isr_pin_config *pin,
			const struct config_device *config,
			isr_handler_cb *raw_cb, struct isr_error *reterr_error)
{
	const struct isr_counter_config counter = {
		.sz = sizeof(counter),
		.pin = *pin,
		.window_ns = config->window_ns,
		.report_ns = config->report_ns,
		.cb = tell_counter,
		.arg = device,
		.raw_cb = raw_cb,
		.raw_arg = device->arg,
	};

	device->knows_active = pin->edge == ISR_EDGE_BOTH;
	return isr_counter_open(&device->counter, loop, &counter, reterr_error);
}

static void close_counter(struct device *device)
{
	isr_counter_close(&device->counter);
}

static struct isr_source *get_source_of_counter(struct device *device)
{
	return isr_counter_get_source(&device->counter);
}

static int64_t get_count(struct device *device)
{
	return isr_counter_get_count(&device->counter);
}

/* Reading it would have it report just now, in the midst of a status. */
static json_t *make_counter_status(struct device *device)
{
	if (!device->has_reported)
		return json_object();
	return json_pack("{s:I}", "merged", (json_int_t)device->merged);
}

/* All of them. */

static const struct device_type types[] = {
	[CONFIG_DEVICE_SWITCH] = {open_switch, close_switch,
				  get_source_of_switch, is_closed,
				  make_switch_status},
	[CONFIG_DEVICE_BUTTON] = {open_button, close_button,
				  get_source_of_button, is_pressed,
				  make_button_status},
	[CONFIG_DEVICE_ENCODER] = {open_encoder, close_encoder,
				   get_source_of_encoder, get_position,
				   make_encoder_status},
	[CONFIG_DEVICE_COUNTER] = {open_counter, close_counter,
				   get_source_of_counter, get_count,
				   make_counter_status},
};

int device_open(struct isr_loop *loop, const struct isr_pin_config *pin,
		const struct config_device *config, isr_handler_cb *raw_cb,
		device_cb *cb, void *arg, struct device **ret_device,
		struct isr_error *reterr_error)
{
	struct device *device;
	int r;

	device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->type = &types[config->type];
	device->cb = cb;
	device->arg = arg;
	r = device->type->open(device, loop, pin, config, raw_cb, reterr_error);
	if (r < 0)
		free(device);
	else
		*ret_device = device;
	return r;
}

void device_close(struct device *device)
{
	if (!device)
		return;
	device->type->close(device);
	free(device);
}

struct isr_source *device_get_source(struct device *device)
{
	return device->type->get_source(device);
}

int64_t device_get_value(struct device *device)
{
	return device->type->get_value(device);
}

json_t *device_make_status(struct device *device)
{
	return device->type->make_status(device);
}
