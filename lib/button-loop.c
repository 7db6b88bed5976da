/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5, loop class: a button is its contact, to which it listens, and decides
 * by button-core.c.
 *
 * The contact's stream is the button's: it is fed, read, audited and ended
 * with the contact, whose device it shares. What the contact does not know yet
 * the button does not either: it is told of time only as far as all changes
 * before are known.
 */
#include <errno.h>
#include <string.h>

#include "button.h"
#include "clock.h"
#include "device.h"
#include "error.h"
#include "switch.h"

/* In rest: what the public header cannot name. */
struct isri_button_rest {
	struct isri_switch_listener listener;
	struct isri_button_core core;
	isr_button_cb *cb;
	void *arg;
	struct isr_button_stats stats;
	/* The contact has changed since it was opened. */
	bool is_known;
};

_Static_assert(sizeof(struct isri_button_rest) <=
		       sizeof(((struct isr_button *)0)->rest),
	       "an ABI: it grows through a new type");

static struct isri_button_rest *get_rest(const struct isr_button *button)
{
	return (struct isri_button_rest *)(void *)button->rest.bytes;
}

static struct isri_device *get_device(const struct isr_button *button)
{
	return isri_switch_get_device(&button->contact);
}

static struct isr_button *get_button(const struct isri_switch_listener *l)
{
	return (struct isr_button *)((char *)l -
				     offsetof(struct isri_button_rest,
					      listener) -
				     offsetof(struct isr_button, rest));
}

/*
 * Events
 */

static void count(struct isr_button *button,
		  const struct isr_button_event *event)
{
	struct isr_button_stats *stats = &get_rest(button)->stats;

	switch (event->kind) {
	case ISR_BUTTON_PRESS:
		stats->presses++;
		isr_flag_set(&button->press);
		break;
	case ISR_BUTTON_RELEASE:
		stats->releases++;
		isr_flag_set(&button->release);
		break;
	case ISR_BUTTON_CLICKS:
		stats->series++;
		if (event->clicks == 2)
			isr_flag_set(&button->double_click);
		break;
	case ISR_BUTTON_LONG:
		stats->longs++;
		isr_flag_set(&button->long_press);
		break;
	default:
		stats->repeats++;
		break;
	}
}

/* False: a callback has closed it. */
static bool tell(struct isr_button *button, const struct isri_button_told *told)
{
	const struct isri_button_rest *rest = get_rest(button);
	const bool *gone = isri_device_get_gone(get_device(button));
	unsigned int i;

	for (i = 0; i < told->n; i++) {
		count(button, &told->events[i]);
		if (!rest->cb)
			continue;
		rest->cb(button, &told->events[i], rest->arg);
		if (*gone)
			return false;
	}
	return true;
}

static bool advance(struct isri_switch_listener *listener, uint64_t t_ns)
{
	struct isr_button *button = get_button(listener);
	struct isri_button_told told;

	while (isri_button_tick(&get_rest(button)->core, t_ns, &told))
		if (!tell(button, &told))
			return false;
	return true;
}

static bool change(struct isr_button *button, bool is_pressed,
		   const struct isri_button_change *change)
{
	struct isri_button_told told;

	isri_button_change(&get_rest(button)->core, is_pressed, change, &told);
	return tell(button, &told);
}

static bool on_contact(struct isri_switch_listener *listener,
		       const struct isr_switch_event *event)
{
	struct isr_button *button = get_button(listener);
	struct isri_button_rest *rest = get_rest(button);
	const struct isri_button_change what = {
		.t_first_ns = event->t_first_ns,
		.t_settled_ns = event->t_settled_ns,
		.bounces = event->bounces,
		.lost = event->lost,
		.flags = event->flags,
	};

	if (event->kind == ISR_SWITCH_SETTLED) {
		isri_button_settle(&rest->core, &what);
		return true;
	}
	/*
	 * All that was due before that has been told, by advance(). A raw
	 * contact may do the same twice: then the opposite is missing.
	 */
	if (rest->is_known && rest->core.is_pressed == event->closed &&
	    !change(button, !event->closed, &what))
		return false;
	rest->is_known = true;
	return change(button, event->closed, &what);
}

static uint64_t get_due_ns(const struct isri_switch_listener *listener)
{
	return isri_button_get_due_ns(&get_rest(get_button(listener))->core);
}

/*
 * Open and close
 */

static const char *find_fault(const struct isr_button_config *config)
{
	if (config->suppress > ISR_BUTTON_SUPPRESS_RELEASE)
		return "suppress is unknown";
	if (config->no_long && (config->long_ns || config->repeat_ns))
		return "no_long excludes long_ns and repeat_ns";
	if (config->no_clicks && (config->click_ns || config->max_clicks))
		return "no_clicks excludes click_ns and max_clicks";
	if (config->max_clicks == 1)
		return "max_clicks is 2 or more; no_clicks for one";
	if (config->repeat_ns && config->repeat_ns < ISR_BUTTON_REPEAT_MIN_NS)
		return "repeat_ns is 1 ms or more";
	return NULL;
}

static int check_config(const struct isr_button_config *config,
			struct isr_error *reterr_error)
{
	const char *fault;
	int r = isri_device_check_config("button", config, reterr_error);

	if (r < 0)
		return r;
	fault = find_fault(config);
	if (fault)
		return isri_error_set(reterr_error, -EINVAL, "button: %s",
				      fault);
	return 0;
}

static void read_rules(const struct isr_button_config *config,
		       struct isri_button_rules *ret_rules)
{
	const uint64_t never = ISRI_BUTTON_NEVER;

	*ret_rules = (struct isri_button_rules){
		.long_ns = isri_clock_or(config->long_ns, ISR_BUTTON_LONG_NS),
		.click_ns =
			isri_clock_or(config->click_ns, ISR_BUTTON_CLICK_NS),
		.repeat_ns = isri_clock_or(config->repeat_ns, never),
		.max_clicks = config->max_clicks ? config->max_clicks : 2,
		.suppress = config->suppress,
	};
	if (config->no_long)
		ret_rules->long_ns = never;
	if (config->no_clicks)
		ret_rules->click_ns = never;
}

static int finish_flags(struct isr_button *button)
{
	struct isr_flag *const flags[] = {&button->press, &button->release,
					  &button->double_click,
					  &button->long_press};
	unsigned int i;
	int r = 0;

	for (i = 0; r == 0 && i < sizeof(flags) / sizeof(*flags); i++)
		r = isr_flag_done(flags[i]);
	return r;
}

static int make_flags(struct isr_button *button, struct isr_loop *loop,
		      unsigned int mode)
{
	int r = isr_flag_init(&button->press, loop, mode);

	if (r < 0)
		return r;
	/* Cannot fail: the first was made. */
	isr_flag_init(&button->release, loop, mode);
	isr_flag_init(&button->double_click, loop, mode);
	isr_flag_init(&button->long_press, loop, mode);
	return 0;
}

/* Before the contact can tell anything. */
static void listen(struct isr_button *button,
		   const struct isr_button_config *config)
{
	struct isri_button_rest *rest = get_rest(button);
	struct isri_button_rules rules;

	read_rules(config, &rules);
	memset(rest, 0, sizeof(*rest));
	isri_button_init(&rest->core, &rules);
	rest->cb = config->cb;
	rest->arg = config->arg;
	rest->listener.event = on_contact;
	rest->listener.advance = advance;
	rest->listener.get_due_ns = get_due_ns;
}

int isr_button_open(struct isr_button *button, struct isr_loop *loop,
		    const struct isr_button_config *config,
		    struct isr_error *reterr_error)
{
	int r = isri_device_check_open(button, loop, config, reterr_error);

	if (r < 0)
		return r;
	r = check_config(config, reterr_error);
	if (r < 0)
		return r;
	r = make_flags(button, loop, config->flag_mode);
	if (r < 0)
		return isri_error_set(reterr_error, r,
				      "button: flag_mode is unknown");
	listen(button, config);
	r = isri_switch_open(&button->contact, loop, &config->contact,
			     &get_rest(button)->listener, reterr_error);
	if (r < 0)
		finish_flags(button);
	return r;
}

int isr_button_close(struct isr_button *button)
{
	int r;

	if (!button)
		return 0;
	r = isri_device_check(get_device(button));
	if (r == -EPERM)
		return r;
	/* Somebody may have closed the contact only. */
	isr_switch_close(&button->contact);
	return finish_flags(button);
}

int isr_button_feed(struct isr_button *button, const struct isr_event *event)
{
	return button ? isri_device_feed(get_device(button), event) : -EINVAL;
}

int isr_button_get_stats(const struct isr_button *button,
			 struct isr_button_stats *ret_stats)
{
	int r;

	if (!button || !ret_stats)
		return -EINVAL;
	r = isri_device_check(get_device(button));
	if (r == 0)
		*ret_stats = get_rest(button)->stats;
	return r;
}
