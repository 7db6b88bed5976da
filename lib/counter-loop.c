/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5, loop class: a counter is a device (device.c) whose events counter-core.c
 * measures, and that tells of it.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <isrloop/counter.h>

#include "counter-core.h"
#include "device.h"
#include "error.h"

/* In rest: what the public header cannot name. */
struct rest {
	struct isri_device device;
	struct isri_counter_core core;
	isr_counter_cb *cb;
	void *arg;
};

_Static_assert(sizeof(struct rest) <= sizeof(((struct isr_counter *)0)->rest),
	       "an ABI: it grows through a new type");

static struct rest *rest_of(const struct isr_counter *counter)
{
	return (struct rest *)counter->rest.bytes;
}

static struct isr_counter *counter_of(struct rest *rest)
{
	return (struct isr_counter *)((char *)rest -
				      offsetof(struct isr_counter, rest));
}

static struct rest *of_device(const struct isri_device *device)
{
	return (struct rest *)((char *)device - offsetof(struct rest, device));
}

static struct rest *of_core(struct isri_counter_core *core)
{
	return (struct rest *)((char *)core - offsetof(struct rest, core));
}

static bool report(struct isri_counter_core *core)
{
	struct rest *rest = of_core(core);
	struct isr_counter *counter = counter_of(rest);
	const bool *gone = isri_device_get_gone(&rest->device);
	struct isr_counter_reading reading;

	isr_flag_set(&counter->updated);
	if (!rest->cb)
		return true;
	isri_counter_core_read(core, &reading);
	rest->cb(counter, &reading, rest->arg);
	return !*gone;
}

static bool feed(struct isri_device *device, const struct isr_event *event,
		 unsigned int line)
{
	return isri_counter_core_feed(&of_device(device)->core, event);
}

static uint64_t get_due_ns(const struct isri_device *device)
{
	return isri_counter_core_get_due_ns(&of_device(device)->core);
}

/* Where edges come one after the other the next one tells. */
static int get_levels(const struct isri_device *device)
{
	const struct isri_counter_core *core = &of_device(device)->core;

	if (core->edge != ISR_EDGE_BOTH || core->is_open || core->is_gone)
		return -1;
	return core->level;
}

static void close_device(struct isri_device *device)
{
	struct isr_counter *counter = counter_of(of_device(device));

	isri_device_close(device);
	isr_flag_done(&counter->updated);
}

static const struct isri_device_ops ops = {
	.feed = feed,
	.get_due_ns = get_due_ns,
	.get_levels = get_levels,
	.close = close_device,
};

static const char *find_fault(const struct isr_counter_config *config)
{
	if (config->pin.edge > ISR_EDGE_FALLING)
		return "it counts rising, falling or both edges";
	if (config->report_ns && config->report_ns < ISR_COUNTER_REPORT_MIN_NS)
		return "report_ns is 1 ms or more";
	return NULL;
}

static int check_config(const struct isr_counter_config *config,
			struct isr_error *reterr_error)
{
	const char *fault;
	int r = isri_device_check_config("counter", config, reterr_error);

	if (r < 0)
		return r;
	fault = find_fault(config);
	return fault ? isri_device_refuse("counter", &config->pin, fault,
					  reterr_error)
		     : 0;
}

static void prepare(struct isr_counter *counter,
		    const struct isr_counter_config *config)
{
	struct rest *rest = rest_of(counter);

	memset(rest, 0, sizeof(*rest));
	isri_counter_core_init(&rest->core, config);
	rest->core.report = report;
	rest->core.count = &counter->count;
	rest->cb = config->cb;
	rest->arg = config->arg;
	isr_word_store(&counter->count, 0);
}

int isr_counter_open(struct isr_counter *counter, struct isr_loop *loop,
		     const struct isr_counter_config *config,
		     struct isr_error *reterr_error)
{
	struct isri_device_setup setup = {.ops = &ops, .loop = loop};
	int r;

	r = isri_device_check_open(counter, loop, config, reterr_error);
	if (r < 0)
		return r;
	r = check_config(config, reterr_error);
	if (r < 0)
		return r;
	r = isr_flag_init(&counter->updated, loop, config->flag_mode);
	if (r < 0)
		return isri_error_copy(reterr_error, r,
				       "a counter's flag of an unknown mode");

	prepare(counter, config);
	setup.pin = &config->pin;
	setup.n_lines = 1;
	setup.raw_cb = config->raw_cb;
	setup.raw_arg = config->raw_arg;
	r = isri_device_open(&rest_of(counter)->device, &setup, reterr_error);
	if (r < 0)
		isr_flag_done(&counter->updated);
	return r;
}

int isr_counter_close(struct isr_counter *counter)
{
	int r;

	if (!counter)
		return 0;
	r = isri_device_check(&rest_of(counter)->device);
	if (r == 0)
		close_device(&rest_of(counter)->device);
	return r == -EINVAL ? 0 : r;
}

int isr_counter_feed(struct isr_counter *counter, const struct isr_event *event)
{
	if (!counter)
		return -EINVAL;
	return isri_device_feed(&rest_of(counter)->device, event);
}

int isr_counter_read(struct isr_counter *counter,
		     struct isr_counter_reading *ret_reading)
{
	struct rest *rest;
	int r;

	if (!counter)
		return -EINVAL;
	rest = rest_of(counter);
	r = isri_device_check(&rest->device);
	if (r < 0)
		return r;
	if (!ret_reading)
		return -EINVAL;
	if (!isri_device_catch_up(&rest->device))
		return -ECANCELED;
	isri_counter_core_read(&rest->core, ret_reading);
	return 0;
}

struct isr_source *isr_counter_get_source(const struct isr_counter *counter)
{
	if (!counter || isri_device_check(&rest_of(counter)->device) < 0)
		return NULL;
	return rest_of(counter)->device.source;
}
