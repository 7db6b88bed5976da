/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5: what devices (switch, button, encoder, counter) have in common: they
 * are fed a stream of events, and all that they decide follows from its stamps.
 *
 * Edges come from a pin, in the order of the chip. Silence is an event too
 * (ISR_EVENT_IDLE): once a deadline of the device has passed, what the chip
 * still has is fed first, then that nothing else came until then. So a device
 * whose loop was busy for a while decides the same, with the same times, only
 * later. A level that was read (ISR_EVENT_INITIAL) is the first event, and
 * the evidence against edges that the kernel has merged: at rest the device's
 * levels are compared with the line's.
 *
 * A device without a pin is fed by the program, and knows no other clock.
 */
#ifndef ISRI_DEVICE_H
#define ISRI_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/error.h>
#include <isrloop/flag.h>
#include <isrloop/source.h>

#include "alarm.h"
#include "loop.h"

/* No deadline. */
#define ISRI_DEVICE_NEVER UINT64_MAX

struct isri_device;

struct isri_device_ops {
	/*
	 * RISING, FALLING and INITIAL of one of its lines, IDLE, LOST or
	 * CHIP_LOST; in order of the stream, with stamps that may step back a
	 * little. False when a callback has closed the device: nothing of it
	 * may be touched any more.
	 */
	bool (*feed)(struct isri_device *device, const struct isr_event *event,
		     unsigned int line);
	/* When it must be told of silence; CLOCK_MONOTONIC. */
	uint64_t (*get_due_ns)(const struct isri_device *device);
	/* The levels that it believes in, bit i is line i; -1: not at rest. */
	int (*get_levels)(const struct isri_device *device);
	/* The loop ends: close the device. */
	void (*close)(struct isri_device *device);
};

struct isri_device_setup {
	const struct isri_device_ops *ops;
	struct isr_loop *loop;
	/* pin->line NULL: the program feeds it */
	const struct isr_pin_config *pin;
	unsigned int n_lines;
	/* Gets the pin's events as well, before the device; may be NULL. */
	isr_handler_cb *raw_cb;
	void *raw_arg;
	/* Read the level so often, of a pin without edges; 0: never. */
	uint64_t poll_ns;
};

/* In zeroed memory of the device's. All of it is the loop's. */
struct isri_device {
	/* constant from open to close */
	const struct isri_device_ops *ops;
	struct isr_loop *loop;
	struct isr_source *source; /* NULL: fed */
	isr_handler_cb *raw_cb;
	void *raw_arg;
	uint64_t poll_ns;
	/* How long after its stamp an edge may still be unknown to the chip. */
	uint64_t grace_ns;
	unsigned int n_lines;
	/* ISR_EVENT_FLAG_* of levels that are read. */
	uint8_t level_flags;

	struct isri_alarm alarm;
	struct isr_flag tick;
	struct isri_loop_member member;
	uint64_t next_poll_ns;
	/* Just before the first level was read. */
	uint64_t begin_ns;
	/* Since when the pin has other levels; 0: it has not. */
	uint64_t suspect_ns;
	/* Its levels could not be read, which was told. */
	bool is_unread;
	/* Its chip is gone, which was told. */
	bool is_ended;
	/* Set when it is closed inside of a callback; NULL outside. */
	bool *gone;
};

/*
 * What each opener checks first: 0; -EINVAL when one of the three is NULL;
 * what isri_loop_check_open() says; -EBUSY when memory, which may be anything
 * else, has an open device of this loop. Fills reterr_error.
 */
int isri_device_check_open_for(const void *memory, size_t size,
			       struct isr_loop *loop, const void *config,
			       const char *function,
			       struct isr_error *reterr_error);
#define isri_device_check_open(memory, loop, config, reterr_error)          \
	isri_device_check_open_for(memory, sizeof(*(memory)), loop, config, \
				   __func__, reterr_error)

/*
 * A public configuration, whose device is named what: 0; -EINVAL for a size
 * that is too small; -E2BIG for what a later version knows. Fills
 * reterr_error.
 */
int isri_device_check_config_of(const char *what, const void *config,
				size_t known_sz, const uint64_t *reserved,
				size_t n_reserved,
				struct isr_error *reterr_error);
#define isri_device_check_config(what, config, reterr_error)         \
	isri_device_check_config_of(                                 \
		what, config, sizeof(*(config)), (config)->reserved, \
		sizeof((config)->reserved) / sizeof(uint64_t), reterr_error)

/* Says what is wrong with it, and for which line. Returns -EINVAL. */
int isri_device_refuse(const char *what, const struct isr_pin_config *pin,
		       const char *fault, struct isr_error *reterr_error);

/*
 * After isri_device_check_open(): checks the pin, opens it, and feeds its
 * levels. Returns what isr_pin_open() does, with reterr_error filled; then
 * close is not due.
 */
int isri_device_open(struct isri_device *device,
		     const struct isri_device_setup *setup,
		     struct isr_error *reterr_error);
/* Legal in zeroed memory, and in its own callbacks. */
void isri_device_close(struct isri_device *device);

static inline bool isri_device_is_open(const struct isri_device *device)
{
	return device->ops;
}

/*
 * For public functions: 0 when the caller may use the device; -EINVAL when it
 * is not open; -EPERM.
 */
int isri_device_check_for(const struct isri_device *device,
			  const char *function);
#define isri_device_check(device) isri_device_check_for(device, __func__)

/*
 * The program's event. Returns 0; -EBUSY in the device's own callback, or when
 * it has a pin; -EINVAL for another kind of event or another line; as
 * isri_device_check().
 */
int isri_device_feed_for(struct isri_device *device,
			 const struct isr_event *event, const char *function);
#define isri_device_feed(device, event) \
	isri_device_feed_for(device, event, __func__)

/*
 * Feed all that has come until now, silence included, so that what is read
 * next is true now. Not in its own callbacks, in a critical section, nor
 * without a pin: then nothing happens. False when a callback has closed the
 * device.
 */
bool isri_device_catch_up(struct isri_device *device);

/*
 * To be taken before a callback of the user's runs: afterwards it tells
 * whether that has closed the device, whose memory may be gone.
 */
static inline const bool *isri_device_get_gone(const struct isri_device *device)
{
	return device->gone;
}

#endif /* ISRI_DEVICE_H */
