/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: a pass of the loop: what is due runs, one step at a time.
 *
 * After every step one load tells whether a flag was set meanwhile. Its
 * delivery, and the task that it wakes, come before all ordinary steps: so a
 * flag waits for one step, the one that runs, and for urgent ones that came
 * before it; never for all that is ready. Urgent steps have a budget, after
 * which an ordinary one runs even so.
 *
 * An urgent step that another step has queued, and no flag, takes turns with
 * the flags that were set before: a task whose end another one joins, or that
 * ends a flag for which another one waits, wakes it so. Such tasks might wake
 * each other for ever, and no flag would be delivered, nor the loop stopped.
 *
 * Then libev gets its turn, for the descriptors and for what the program
 * itself has there: after an ordinary step that was long, or several short
 * ones.
 *
 * The clock is read once a step: the end of one is the beginning of the next.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "atomic.h"
#include "cpu.h"
#include "loop.h"
#include "slow.h"
#include "step.h"

/* A look at the clock takes as long as several at the pending list. */
#define SPIN_LOOKS 8

/* On the stack of whoever runs it. */
struct isri_pass {
	struct isri_pass *outer;
	unsigned int depth; /* how many outer ones */
	/* When the step that runs has begun. */
	uint64_t now_ns;
	/* When libev has had its turn; that of the next is not far behind. */
	uint64_t end_ns;
	/* What urgent steps have used since an ordinary one ran. */
	uint64_t urgent_since_ns;
	uint32_t n_urgent;
	/* Who runs: a step or a flag. */
	enum isri_band band;
	struct isri_step *step;
	isr_flag_cb *flag_cb;
	bool is_delivery;
	/* It has another name, or is gone. */
	char name[ISR_LOOP_STEP_NAME_BYTES];
};

static struct isri_steps *steps_of(struct isr_loop *loop)
{
	return &isri_loop_base(loop)->steps;
}

/* Whoever wants to know of slow steps is told what runs, if anybody does. */
static void watch_step(struct isr_loop *loop, const struct isri_pass *pass)
{
	struct isri_slow *slow = steps_of(loop)->slow;
	const char *name = NULL;

	if (!slow)
		return;
	if (pass->name[0])
		name = pass->name;
	else if (pass->step)
		name = pass->step->name;
	isri_slow_begin(slow, pass->now_ns, pass->depth, name, pass->flag_cb);
}

void isri_step_rename(struct isr_loop *loop, const char *name)
{
	struct isri_pass *pass = steps_of(loop)->pass;

	/* Of a fixed size, that is in a few instructions. */
	if (!pass)
		return;
	memcpy(pass->name, name, sizeof(pass->name));
	watch_step(loop, pass);
}

static void set_name(struct isri_pass *pass, const char *name)
{
	snprintf(pass->name, sizeof(pass->name), "%s", name);
}

void isri_pass_forget(struct isr_loop *loop, const struct isri_step *step)
{
	struct isri_pass *pass;

	for (pass = steps_of(loop)->pass; pass; pass = pass->outer) {
		if (pass->step != step)
			continue;
		if (!pass->name[0])
			set_name(pass, step->name);
		pass->step = NULL;
	}
}

static void begin_step(struct isr_loop *loop, struct isri_pass *pass,
		       enum isri_band band, struct isri_step *step,
		       isr_flag_cb *flag_cb)
{
	pass->band = band;
	pass->step = step;
	pass->flag_cb = flag_cb;
	pass->is_delivery = !step;
	pass->name[0] = '\0';
	watch_step(loop, pass);
}

void isri_step_make_name(struct isr_loop *loop, isr_flag_cb *flag_cb,
			 char name[ISR_LOOP_STEP_NAME_BYTES])
{
	struct isri_schedule *schedule = &isri_loop_base(loop)->head.schedule;
	isr_schedule_cb *call;

	if (!flag_cb) {
		snprintf(name, ISR_LOOP_STEP_NAME_BYTES,
			 "flag without callback");
		return;
	}
	if (flag_cb != isri_schedule_make_calls) {
		snprintf(name, ISR_LOOP_STEP_NAME_BYTES, "flag callback %p",
			 (void *)(uintptr_t)flag_cb);
		return;
	}
	/* relaxed: the watchdog of slow steps may see the one before */
	call = atomic_load_explicit(ATOMIC(&schedule->last),
				    memory_order_relaxed);
	snprintf(name, ISR_LOOP_STEP_NAME_BYTES, "call %p",
		 (void *)(uintptr_t)call);
}

/* Of a part of a step, when it is over: the next may have another. */
static void get_name(struct isr_loop *loop, const struct isri_pass *pass,
		     char name[ISR_LOOP_STEP_NAME_BYTES])
{
	if (pass->name[0])
		memcpy(name, pass->name, ISR_LOOP_STEP_NAME_BYTES);
	else if (pass->step)
		snprintf(name, ISR_LOOP_STEP_NAME_BYTES, "%s",
			 pass->step->name);
	else
		isri_step_make_name(loop, pass->flag_cb, name);
}

static void tell_slow(struct isr_loop *loop, struct isri_pass *pass,
		      uint64_t duration_ns)
{
	char name[ISR_LOOP_STEP_NAME_BYTES];

	get_name(loop, pass, name);
	isri_slow_tell(steps_of(loop)->slow, duration_ns, name);
	isri_loop_check_mask(loop);
	/* What that took is nobody's. */
	pass->now_ns = isr_now_ns();
}

/* The running step, or a part of it, is over. */
static void end_step(struct isr_loop *loop, struct isri_pass *pass)
{
	struct isri_steps *steps = steps_of(loop);
	uint64_t now_ns = isr_now_ns();
	uint64_t duration_ns = now_ns - pass->now_ns;

	steps->n_steps++;
	if (pass->step)
		pass->step->run_ns += duration_ns;
	if (duration_ns > steps->max_ns) {
		steps->max_ns = duration_ns;
		get_name(loop, pass, steps->max_name);
	}
	pass->now_ns = now_ns;
	if (pass->band == ISRI_BAND_URGENT) {
		steps->n_urgent++;
		pass->n_urgent++;
	}
	if (steps->slow && isri_slow_has_to_tell(steps->slow, duration_ns))
		tell_slow(loop, pass, duration_ns);
}

uint64_t isri_pass_get_begin_ns(struct isr_loop *loop)
{
	const struct isri_pass *pass = steps_of(loop)->pass;

	return pass ? pass->now_ns : isr_now_ns();
}

static bool has_budget(struct isr_loop *loop, const struct isri_pass *pass)
{
	const struct isr_loop_config *config = &isri_loop_base(loop)->config;

	return pass->n_urgent < config->urgent_steps &&
	       pass->now_ns - pass->urgent_since_ns < config->urgent_ns;
}

bool isri_pass_is_flag_next(struct isr_loop *loop)
{
	const struct isri_pass *pass = steps_of(loop)->pass;
	const struct isri_wake *wake = isri_wake_of(loop);

	return (!pass || !pass->is_delivery) &&
	       (wake->ready || isri_wake_is_set(wake));
}

/* NULL: it is a flag's turn, if any is ready. */
static struct isri_step *take_urgent_step(struct isr_loop *loop)
{
	struct isri_steps *steps = steps_of(loop);
	const struct isri_step *first = steps->of[ISRI_BAND_URGENT].first;

	if (first && first->turn > steps->turn &&
	    isri_wake_collect(isri_wake_of(loop)))
		return NULL;
	return isri_step_take(loop, ISRI_BAND_URGENT);
}

/* False when there is none. */
static bool run_urgent_step(struct isr_loop *loop, struct isri_pass *pass)
{
	struct isri_step *step = take_urgent_step(loop);
	struct isri_wake *wake = isri_wake_of(loop);

	if (step) {
		begin_step(loop, pass, ISRI_BAND_URGENT, step, NULL);
		step->run(step);
		isri_loop_check_mask(loop);
	} else if (isri_wake_collect(wake)) {
		steps_of(loop)->turn++;
		begin_step(loop, pass, ISRI_BAND_URGENT, NULL, wake->ready->cb);
		isri_wake_deliver(wake);
	} else {
		return false;
	}
	end_step(loop, pass);
	return true;
}

static bool is_urgent_due(struct isr_loop *loop)
{
	return steps_of(loop)->of[ISRI_BAND_URGENT].first ||
	       isri_wake_collect(isri_wake_of(loop));
}

static void run_urgent(struct isr_loop *loop, struct isri_pass *pass)
{
	const struct isri_wake *wake = isri_wake_of(loop);

	pass->n_urgent = 0;
	pass->urgent_since_ns = pass->now_ns;
	while (!wake->halted && run_urgent_step(loop, pass)) {
		if (has_budget(loop, pass))
			continue;
		if (is_urgent_due(loop))
			steps_of(loop)->budget_exhausted++;
		return;
	}
}

static void run_ordinary(struct isr_loop *loop, struct isri_pass *pass)
{
	struct isri_step *step;

	if (isri_wake_of(loop)->halted)
		return;
	step = isri_step_take(loop, ISRI_BAND_ORDINARY);
	if (!step)
		return;
	begin_step(loop, pass, ISRI_BAND_ORDINARY, step, NULL);
	step->run(step);
	isri_loop_check_mask(loop);
	end_step(loop, pass);
	if (!isri_wake_of(loop)->halted)
		isri_alarms_ring(loop, pass->now_ns);
}

/* Whether there is anything to do, so that an empty pass reads no clock. */
static bool is_due(struct isr_loop *loop)
{
	isri_wake_collect(isri_wake_of(loop));
	return isri_steps_are_due(loop) || isri_loop_base(loop)->alarms.first;
}

void isri_pass_run(struct isr_loop *loop, uint64_t now_ns, bool is_foreign)
{
	struct isri_steps *steps = steps_of(loop);
	const struct isri_wake *wake = isri_wake_of(loop);
	struct isri_step_list *ordinary = &steps->of[ISRI_BAND_ORDINARY];
	struct isri_pass pass = {.outer = steps->pass};
	uint64_t left = UINT64_MAX;

	if (!now_ns && !is_due(loop))
		return;
	pass.depth = pass.outer ? pass.outer->depth + 1 : 0;
	pass.now_ns = now_ns ? now_ns : isr_now_ns();
	pass.end_ns = pass.now_ns + ISRI_PASS_NS;
	steps->pass = &pass;
	isri_alarms_ring(loop, pass.now_ns);
	if (is_foreign) {
		pass.end_ns =
			pass.now_ns + isri_loop_base(loop)->config.urgent_ns;
		left = ordinary->n ? ordinary->n : 1;
	}
	/* A budget that was used up is libev's turn, with no step to run. */
	do {
		run_urgent(loop, &pass);
		run_ordinary(loop, &pass);
	} while (!wake->halted && ordinary->first && --left &&
		 pass.now_ns < pass.end_ns);
	steps->pass = pass.outer;
	if (pass.outer)
		watch_step(loop, pass.outer);
	else if (steps->slow)
		isri_slow_idle(steps->slow);
}

bool isri_step_goes_on(struct isr_loop *loop)
{
	struct isri_steps *steps = steps_of(loop);
	struct isri_pass *pass = steps->pass;

	/* Outside of a pass: unmasked, by code that runs in libev alone. */
	if (!pass)
		return true;
	end_step(loop, pass);
	if (isri_wake_of(loop)->halted || is_urgent_due(loop))
		return false;
	if (pass->band == ISRI_BAND_URGENT ? !has_budget(loop, pass)
					   : pass->now_ns >= pass->end_ns)
		return false;
	watch_step(loop, pass);
	return true;
}

bool isri_step_has_time(struct isr_loop *loop)
{
	const struct isri_pass *pass = steps_of(loop)->pass;

	if (!pass)
		return true;
	return !isri_wake_of(loop)->halted && !is_urgent_due(loop) &&
	       isr_now_ns() - pass->now_ns < ISRI_PASS_NS;
}

uint64_t isri_pass_spin_until(struct isr_loop *loop)
{
	const struct isri_loop_base *base = isri_loop_base(loop);
	struct isri_steps *steps = steps_of(loop);
	uint64_t now_ns, end_ns;

	if (!base->config.spin_ns)
		return 0;
	now_ns = isr_now_ns();
	/* After something was done it begins anew; else it ends. */
	if (steps->spin_steps != steps->n_steps) {
		steps->spin_steps = steps->n_steps;
		steps->spin_since_ns = now_ns;
	}
	end_ns = steps->spin_since_ns + base->config.spin_ns;
	if (now_ns >= end_ns)
		return 0;
	/* libev's turn comes as often as when there is something to do. */
	if (end_ns > now_ns + ISRI_PASS_NS)
		end_ns = now_ns + ISRI_PASS_NS;
	if (base->alarms.first && end_ns > base->alarms.first->due_ns)
		end_ns = base->alarms.first->due_ns;
	return end_ns;
}

uint64_t isri_pass_spin(struct isr_loop *loop, uint64_t until_ns)
{
	const struct isri_wake *wake = isri_wake_of(loop);
	unsigned int n_looks = 0;
	uint64_t now_ns = 0;

	while (!isri_wake_is_set(wake)) {
		if (isri_wake_foresee(wake)) {
			/* There is time, and the pass need not do it. */
			if (!now_ns || ++n_looks % SPIN_LOOKS == 0)
				now_ns = isr_now_ns();
		} else {
			now_ns = ++n_looks % SPIN_LOOKS ? 0 : isr_now_ns();
			isri_cpu_relax();
		}
		if (now_ns >= until_ns)
			return 0;
	}
	return now_ns ? now_ns : isr_now_ns();
}
