/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What the daemon makes of a line's edges: a switch, button, encoder or
 * counter of the library, with its events as those of a record.
 */
#ifndef DAEMON_DEVICE_H
#define DAEMON_DEVICE_H

#include <jansson.h>

#include <isrloop/error.h>
#include <isrloop/loop.h>
#include <isrloop/source.h>

#include "config.h"
#include "device-event.h"

struct device;

/*
 * An event of the device: kind, t_ns and flags are set; the rest of @event is
 * the owner's to fill in.
 */
typedef void device_cb(void *arg, struct isr_event *event,
		       const struct device_event *device);

/*
 * Open the line of @pin with the device of @config. The pin's events come to
 * @raw_cb, each before what the device makes of it. Returns 0 or what the
 * library says.
 */
int device_open(struct isr_loop *loop, const struct isr_pin_config *pin,
		const struct config_device *config, isr_handler_cb *raw_cb,
		device_cb *cb, void *arg, struct device **ret_device,
		struct isr_error *reterr_error);

/* NULL is legal. */
void device_close(struct device *device);

/* Its pin; lives with the device. */
struct isr_source *device_get_source(struct device *device);

/* 1 closed or pressed, the position, or the count. */
int64_t device_get_value(struct device *device);

/* The members of DeviceStatus that are the device's; NULL without memory. */
json_t *device_make_status(struct device *device);

#endif /* DAEMON_DEVICE_H */
