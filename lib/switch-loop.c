/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5, loop class: a switch as the program has it. Events come from its pin
 * (device.c) or from the program, and go to the flags, the callback and the
 * button that may be made of it.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "switch.h"

#define MS UINT64_C(1000000)
#define DEBOUNCE_NS (50 * MS)
#define POLL_NS (10 * MS)

/* In rest: what the public header cannot name. */
struct isri_switch {
	struct isri_device device; /* first */
	struct isri_switch_core core;
	/* constant while open */
	struct isri_switch_listener *listener;
	isr_switch_cb *cb;
	void *arg;
};

_Static_assert(sizeof(struct isri_switch) <=
		       sizeof(((struct isr_switch *)0)->rest),
	       "an ABI: it grows through a new type");

static struct isri_switch *rest_of(const struct isr_switch *sw)
{
	return (struct isri_switch *)sw->rest.bytes;
}

static struct isr_switch *to_switch(const struct isri_device *device)
{
	return (struct isr_switch *)((char *)device -
				     offsetof(struct isr_switch, rest));
}

static struct isri_switch *of_core(struct isri_switch_core *core)
{
	return (struct isri_switch *)((char *)core -
				      offsetof(struct isri_switch, core));
}

/* The callback may close the switch, and free its memory. */
static bool call(struct isri_switch *rest, const struct isr_switch_event *event)
{
	const bool *gone = isri_device_get_gone(&rest->device);

	if (!rest->cb)
		return true;
	rest->cb(to_switch(&rest->device), event, rest->arg);
	return !*gone;
}

static bool tell(struct isri_switch_core *core,
		 const struct isr_switch_event *event)
{
	struct isri_switch *rest = of_core(core);
	struct isr_switch *sw = to_switch(&rest->device);

	isri_switch_publish(sw, event->closed);
	if (event->kind == ISR_SWITCH_CLOSED)
		isr_flag_set(&sw->close);
	else if (event->kind == ISR_SWITCH_OPENED)
		isr_flag_set(&sw->open);
	if (rest->listener && !rest->listener->event(rest->listener, event))
		return false;
	return call(rest, event);
}

static bool pass(struct isri_switch_core *core, uint64_t t_ns)
{
	struct isri_switch_listener *listener = of_core(core)->listener;

	return !listener || listener->advance(listener, t_ns);
}

static bool feed(struct isri_device *device, const struct isr_event *event,
		 unsigned int line)
{
	struct isri_switch_core *core = &((struct isri_switch *)device)->core;

	if (!isri_switch_core_feed(core, event))
		return false;
	isri_switch_publish(to_switch(device), core->closed);
	return true;
}

static uint64_t get_due_ns(const struct isri_device *device)
{
	const struct isri_switch *rest = (const struct isri_switch *)device;
	uint64_t due_ns = isri_switch_core_get_due_ns(&rest->core);
	uint64_t wanted_ns = ISRI_DEVICE_NEVER;

	/* Silence would not get it any further than it is. */
	if (rest->listener && rest->core.phase != ISRI_SWITCH_ENDED &&
	    !isri_switch_core_holds_time(&rest->core))
		wanted_ns = rest->listener->get_due_ns(rest->listener);
	return isri_clock_min(wanted_ns, due_ns);
}

static int get_levels(const struct isri_device *device)
{
	const struct isri_switch_core *core =
		&((const struct isri_switch *)device)->core;

	return core->phase == ISRI_SWITCH_REST ? core->level : -1;
}

static void finish(struct isri_device *device)
{
	struct isr_switch *sw = to_switch(device);

	isri_device_close(device);
	isr_flag_done(&sw->close);
	isr_flag_done(&sw->open);
}

static const struct isri_device_ops ops = {
	.feed = feed,
	.get_due_ns = get_due_ns,
	.get_levels = get_levels,
	.close = finish,
};

static const char *find_fault(const struct isr_switch_config *config)
{
	if ((unsigned int)config->mode > ISR_SWITCH_RAW)
		return "unknown mode";
	if (config->pin.debounce_ns)
		return "pin.debounce_ns is the switch's to set; use mode "
		       "ISR_SWITCH_STABLE with chip_debounces";
	if (config->pin.edge == ISR_EDGE_NONE &&
	    config->mode != ISR_SWITCH_POLLED)
		return "without edges it needs mode ISR_SWITCH_POLLED";
	if (config->pin.edge != ISR_EDGE_BOTH &&
	    config->pin.edge != ISR_EDGE_NONE)
		return "a switch needs both edges; leave pin.edge 0";
	if (config->chip_debounces && config->mode != ISR_SWITCH_STABLE)
		return "chip_debounces is for mode ISR_SWITCH_STABLE";
	if (config->poll_ns && config->mode != ISR_SWITCH_POLLED)
		return "poll_ns is for mode ISR_SWITCH_POLLED";
	if (config->poll_ns && config->poll_ns < ISR_SWITCH_POLL_MIN_NS)
		return "poll_ns is 1 ms or more";
	return NULL;
}

static int check(const struct isr_switch_config *config,
		 struct isr_error *reterr_error)
{
	const char *fault;
	int r;

	r = isri_device_check_config("switch", config, reterr_error);
	if (r < 0)
		return r;
	fault = find_fault(config);
	return fault ? isri_device_refuse("switch", &config->pin, fault,
					  reterr_error)
		     : 0;
}

static void init_rest(struct isri_switch *rest,
		      const struct isr_switch_config *config,
		      struct isri_switch_listener *listener)
{
	struct isri_switch_core *core = &rest->core;

	memset(rest, 0, sizeof(*rest));
	rest->listener = listener;
	rest->cb = config->cb;
	rest->arg = config->arg;
	core->tell = tell;
	core->pass = pass;
	core->mode = config->mode;
	core->filtered = config->chip_debounces;
	core->debounce_ns = isri_clock_or(config->debounce_ns, DEBOUNCE_NS);
	core->chatter_ns =
		isri_clock_or(config->chatter_ns, core->debounce_ns / 5);
	isri_switch_core_init(core);
}

static int open_device(struct isri_switch *rest, struct isr_loop *loop,
		       const struct isr_switch_config *config,
		       struct isr_error *reterr_error)
{
	struct isr_pin_config pin = config->pin;
	const struct isri_device_setup setup = {
		.ops = &ops,
		.loop = loop,
		.pin = &pin,
		.n_lines = 1,
		.raw_cb = config->raw_cb,
		.raw_arg = config->raw_arg,
		.poll_ns = config->mode == ISR_SWITCH_POLLED
				   ? isri_clock_or(config->poll_ns, POLL_NS)
				   : 0,
	};
	int r;

	if (config->mode == ISR_SWITCH_POLLED)
		pin.edge = ISR_EDGE_NONE;
	if (!rest->core.filtered || !pin.line)
		return isri_device_open(&rest->device, &setup, reterr_error);

	pin.debounce_ns = rest->core.debounce_ns;
	r = isri_device_open(&rest->device, &setup, NULL);
	if (r == 0)
		return 0;
	/* The chip cannot; or something else is wrong, and is so again. */
	pin.debounce_ns = 0;
	rest->core.filtered = false;
	return isri_device_open(&rest->device, &setup, reterr_error);
}

int isri_switch_open(struct isr_switch *sw, struct isr_loop *loop,
		     const struct isr_switch_config *config,
		     struct isri_switch_listener *listener,
		     struct isr_error *reterr_error)
{
	int r;

	r = check(config, reterr_error);
	if (r < 0)
		return r;
	r = isr_flag_init(&sw->close, loop, config->flag_mode);
	if (r < 0)
		return isri_error_copy(reterr_error, r,
				       "unknown flag_mode of a switch");
	/* Cannot fail: the other one was made. */
	isr_flag_init(&sw->open, loop, config->flag_mode);
	isri_switch_publish(sw, false);
	init_rest(rest_of(sw), config, listener);
	r = open_device(rest_of(sw), loop, config, reterr_error);
	if (r < 0) {
		isr_flag_done(&sw->close);
		isr_flag_done(&sw->open);
	}
	return r;
}

int isr_switch_open(struct isr_switch *sw, struct isr_loop *loop,
		    const struct isr_switch_config *config,
		    struct isr_error *reterr_error)
{
	int r;

	r = isri_device_check_open(sw, loop, config, reterr_error);
	if (r < 0)
		return r;
	return isri_switch_open(sw, loop, config, NULL, reterr_error);
}

int isr_switch_close(struct isr_switch *sw)
{
	int r;

	if (!sw || !isri_device_is_open(&rest_of(sw)->device))
		return 0;
	r = isri_device_check(&rest_of(sw)->device);
	if (r == 0)
		finish(&rest_of(sw)->device);
	return r;
}

int isr_switch_feed(struct isr_switch *sw, const struct isr_event *event)
{
	return sw ? isri_device_feed(&rest_of(sw)->device, event) : -EINVAL;
}

int isr_switch_get_stats(const struct isr_switch *sw,
			 struct isr_switch_stats *ret_stats)
{
	int r;

	if (!sw || !ret_stats)
		return -EINVAL;
	r = isri_device_check(&rest_of(sw)->device);
	if (r == 0)
		*ret_stats = rest_of(sw)->core.stats;
	return r;
}

struct isr_source *isr_switch_get_source(const struct isr_switch *sw)
{
	if (!sw || isri_device_check(&rest_of(sw)->device) < 0)
		return NULL;
	return rest_of(sw)->device.source;
}
