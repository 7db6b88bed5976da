/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5, loop class: what the contact's changes mean.
 *
 * A press begins a series, unless one waits for it: then it is its next
 * click. A series waits click_ns from each press, so that a person who clicks
 * three times need not be faster for it than one who clicks twice; it ends
 * when nobody has clicked until then, at its last possible click, or with
 * LONG. Only its first press can become long: who clicks twice and stays on
 * the button has clicked twice.
 *
 * Two times may be open: of the next click, and of LONG. The press that began
 * is alone until another one comes and undecided while one of the two is
 * open; when neither is, it is short. That is all there is to suppression:
 *
 *                          press of a series   release of a series
 *   SUPPRESS_NONE          at once, each       at once, each
 *   SUPPRESS_SHORT         when known short    when known what it was, one
 *   SUPPRESS_RELEASE       at once, each       when known short, else none
 *
 * Time is that of the contact's first edges. Nothing in here reads a clock:
 * isri_button_tick() is told up to when changes are known, and decides what is
 * due until then, one thing after the other, each with the time at which it
 * was due. What comes at that very time comes after it. So a loop that was
 * late gets the same events with the same stamps as one that was not: also
 * repeats, which are told one by one. A stamp may step back a little; time
 * does not.
 */
#include <string.h>

#include "button.h"
#include "clock.h"

void isri_button_init(struct isri_button_core *core,
		      const struct isri_button_rules *rules)
{
	memset(core, 0, sizeof(*core));
	core->rules = *rules;
	core->click_due_ns = ISRI_BUTTON_NEVER;
	core->long_due_ns = ISRI_BUTTON_NEVER;
}

uint64_t isri_button_get_due_ns(const struct isri_button_core *core)
{
	return isri_clock_min(core->click_due_ns, core->long_due_ns);
}

static void tell(struct isri_button_core *core, enum isr_button_kind kind,
		 struct isri_button_told *told)
{
	const struct isri_button_change *change =
		kind == ISR_BUTTON_RELEASE ? &core->release : &core->press;

	told->events[told->n++] = (struct isr_button_event){
		.t_ns = core->now_ns,
		.t_first_ns = change->t_first_ns,
		.t_settled_ns = change->t_settled_ns,
		.bounces = change->bounces,
		.clicks = core->clicks,
		.repeats = kind == ISR_BUTTON_REPEAT ? core->repeats : 0,
		.lost = change->lost,
		.kind = kind,
		.flags = change->flags,
	};
}

static bool is_waiting_for_click(const struct isri_button_core *core)
{
	return core->click_due_ns != ISRI_BUTTON_NEVER;
}

/* A press alone that is over, or can become nothing else, is short. */
static bool is_short(const struct isri_button_core *core)
{
	return core->clicks == 1 && !core->is_long &&
	       !is_waiting_for_click(core) &&
	       core->long_due_ns == ISRI_BUTTON_NEVER;
}

/* PRESS, as soon as it may be told. */
static void tell_press(struct isri_button_core *core,
		       struct isri_button_told *told)
{
	if (core->rules.suppress == ISR_BUTTON_SUPPRESS_SHORT &&
	    (core->is_told || !is_short(core)))
		return;
	core->is_told = true;
	tell(core, ISR_BUTTON_PRESS, told);
}

/* RELEASE, if the button is released and what it ends is known. */
static void tell_release(struct isri_button_core *core,
			 struct isri_button_told *told)
{
	if (core->is_pressed || core->clicks == 0 || is_waiting_for_click(core))
		return;
	if (core->rules.suppress == ISR_BUTTON_SUPPRESS_SHORT || is_short(core))
		tell(core, ISR_BUTTON_RELEASE, told);
}

/* Tell what was held back and is known now. */
static void catch_up(struct isri_button_core *core,
		     struct isri_button_told *told)
{
	if (core->rules.suppress == ISR_BUTTON_SUPPRESS_NONE)
		return;
	if (core->rules.suppress == ISR_BUTTON_SUPPRESS_SHORT)
		tell_press(core, told);
	tell_release(core, told);
}

/* Nobody has clicked again in time. */
static void end_series(struct isri_button_core *core,
		       struct isri_button_told *told)
{
	core->click_due_ns = ISRI_BUTTON_NEVER;
	if (core->clicks > 1)
		tell(core, ISR_BUTTON_CLICKS, told);
	catch_up(core, told);
}

/* It is held: a long press is no click, and nobody waits for another. */
static void hold(struct isri_button_core *core, struct isri_button_told *told)
{
	core->long_due_ns =
		isri_clock_add(core->long_due_ns, core->rules.repeat_ns);
	core->click_due_ns = ISRI_BUTTON_NEVER;
	if (core->is_long)
		core->repeats++;
	tell(core, core->is_long ? ISR_BUTTON_REPEAT : ISR_BUTTON_LONG, told);
	core->is_long = true;
}

bool isri_button_tick(struct isri_button_core *core, uint64_t t_ns,
		      struct isri_button_told *ret_told)
{
	uint64_t due_ns = isri_button_get_due_ns(core);

	ret_told->n = 0;
	if (due_ns > t_ns || due_ns == ISRI_BUTTON_NEVER) {
		core->now_ns = isri_clock_max(core->now_ns, t_ns);
		return false;
	}
	core->now_ns = due_ns;
	if (due_ns == core->long_due_ns)
		hold(core, ret_told);
	else
		end_series(core, ret_told);
	return true;
}

static void begin_series(struct isri_button_core *core)
{
	core->clicks = 1;
	core->repeats = 0;
	core->is_long = false;
	core->is_told = false;
	core->click_due_ns = isri_clock_add(core->now_ns, core->rules.click_ns);
	core->long_due_ns = isri_clock_add(core->now_ns, core->rules.long_ns);
}

static void press(struct isri_button_core *core, struct isri_button_told *told)
{
	if (!is_waiting_for_click(core)) {
		begin_series(core);
		tell_press(core, told);
		return;
	}
	core->clicks++;
	core->click_due_ns = isri_clock_add(core->now_ns, core->rules.click_ns);
	tell_press(core, told);
	if (core->clicks < core->rules.max_clicks)
		return;
	core->click_due_ns = ISRI_BUTTON_NEVER;
	tell(core, ISR_BUTTON_CLICKS, told);
}

static void release(struct isri_button_core *core,
		    struct isri_button_told *told)
{
	core->long_due_ns = ISRI_BUTTON_NEVER;
	if (core->rules.suppress == ISR_BUTTON_SUPPRESS_NONE)
		tell(core, ISR_BUTTON_RELEASE, told);
	catch_up(core, told);
}

void isri_button_change(struct isri_button_core *core, bool is_pressed,
			const struct isri_button_change *change,
			struct isri_button_told *ret_told)
{
	ret_told->n = 0;
	core->is_pressed = is_pressed;
	core->now_ns = isri_clock_max(core->now_ns, change->t_first_ns);
	if (is_pressed) {
		core->press = *change;
		press(core, ret_told);
	} else {
		core->release = *change;
		release(core, ret_told);
	}
}

void isri_button_settle(struct isri_button_core *core,
			const struct isri_button_change *change)
{
	struct isri_button_change *known =
		core->is_pressed ? &core->press : &core->release;

	known->t_settled_ns = change->t_settled_ns;
	known->bounces = change->bounces;
	known->lost += change->lost;
	known->flags |= change->flags;
}
