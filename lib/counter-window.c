/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5: the window of a counter, and what is read from it; counter-core.c says
 * how it is kept, and what the figures mean.
 */
#include <string.h>

#include <isrloop/word.h>

#include "clock.h"
#include "counter-core.h"

#define SECOND 1e9

static uint64_t part_of(const struct isri_counter_core *core, uint64_t t_ns)
{
	return t_ns / core->part_ns + (t_ns % core->part_ns != 0);
}

static void add_period(struct isri_counter_part *part, uint64_t period_ns)
{
	double delta = (double)period_ns - part->mean_ns;

	if (!part->periods || period_ns < part->period_min_ns)
		part->period_min_ns = period_ns;
	part->period_max_ns = isri_clock_max(part->period_max_ns, period_ns);
	part->period_ns += period_ns;
	part->mean_ns += delta / (double)(part->periods + 1);
	part->squares += delta * ((double)period_ns - part->mean_ns);
}

static void add_widths(struct isri_counter_part *part, uint64_t high_ns,
		       uint64_t low_ns)
{
	if (!part->periods || high_ns < part->high_min_ns)
		part->high_min_ns = high_ns;
	part->high_max_ns = isri_clock_max(part->high_max_ns, high_ns);
	part->high_ns += high_ns;
	if (!part->periods || low_ns < part->low_min_ns)
		part->low_min_ns = low_ns;
	part->low_max_ns = isri_clock_max(part->low_max_ns, low_ns);
}

/* The open span ends with a pulse at t_ns. */
static void add_span(const struct isri_counter_core *core,
		     struct isri_counter_part *part, uint64_t t_ns)
{
	bool is_both = core->edge == ISR_EDGE_BOTH;

	if (!part->spans)
		part->from_ns = core->pulse_ns;
	part->spans++;
	/* An even number of edges, if neither end is doubtful. */
	part->min += is_both ? (core->edges_min + !core->is_late) / 2
			     : core->edges_min;
	part->max += is_both ? (core->edges_max + core->is_doubtful) / 2
			     : core->edges_max;
	if (core->is_dirty)
		return;
	add_period(part, t_ns - core->pulse_ns);
	if (is_both)
		add_widths(part, core->fall_ns - core->pulse_ns,
			   t_ns - core->fall_ns);
	part->periods++;
}

/* A later part. */
static void join_periods(struct isri_counter_part *part,
			 const struct isri_counter_part *next)
{
	double n = (double)part->periods, m = (double)next->periods;
	double delta = next->mean_ns - part->mean_ns;

	if (!part->periods) {
		part->period_min_ns = next->period_min_ns;
		part->high_min_ns = next->high_min_ns;
		part->low_min_ns = next->low_min_ns;
	}
	part->period_min_ns =
		isri_clock_min(part->period_min_ns, next->period_min_ns);
	part->period_max_ns =
		isri_clock_max(part->period_max_ns, next->period_max_ns);
	part->high_min_ns =
		isri_clock_min(part->high_min_ns, next->high_min_ns);
	part->high_max_ns =
		isri_clock_max(part->high_max_ns, next->high_max_ns);
	part->low_min_ns = isri_clock_min(part->low_min_ns, next->low_min_ns);
	part->low_max_ns = isri_clock_max(part->low_max_ns, next->low_max_ns);
	part->period_ns += next->period_ns;
	part->high_ns += next->high_ns;
	part->mean_ns += delta * (m / (n + m));
	part->squares += next->squares + delta * delta * (n * m / (n + m));
	part->periods += next->periods;
}

static void join(struct isri_counter_part *part,
		 const struct isri_counter_part *next)
{
	if (!part->spans)
		part->from_ns = next->from_ns;
	part->spans += next->spans;
	part->min += next->min;
	part->max += next->max;
	if (next->periods)
		join_periods(part, next);
}

static void join_window(const struct isri_counter_core *core,
			struct isri_counter_part *ret_window)
{
	uint64_t newest = part_of(core, core->now_ns), back;
	const struct isri_counter_part *part;

	memset(ret_window, 0, sizeof(*ret_window));
	for (back = ISR_COUNTER_PARTS; back--;) {
		if (back > newest)
			continue;
		part = &core->parts[(newest - back) % ISR_COUNTER_PARTS];
		if (part->number == newest - back && part->spans)
			join(ret_window, part);
	}
	if (!ret_window->spans)
		*ret_window = core->last;
}

void isri_counter_core_end_span(struct isri_counter_core *core, uint64_t t_ns)
{
	uint64_t number = part_of(core, core->now_ns);
	struct isri_counter_part *part =
		&core->parts[number % ISR_COUNTER_PARTS];

	if (part->number != number) {
		memset(part, 0, sizeof(*part));
		part->number = number;
	}
	add_span(core, part, t_ns);
	memset(&core->last, 0, sizeof(core->last));
	add_span(core, &core->last, t_ns);
}

/*
 * Reading
 */

/* Newton's, from above; for one root no program needs to link with libm. */
static double root(double square)
{
	double next = square > 1 ? square : 1, r;

	if (!(square > 0))
		return 0;
	do {
		r = next;
		next = (r + square / r) / 2;
	} while (next < r);
	return r;
}

static double within(double x, double min, double max)
{
	if (x < min)
		return min;
	return x > max ? max : x;
}

static double rate(uint64_t pulses, uint64_t time_ns)
{
	return (double)pulses * SECOND / (double)isri_clock_max(time_ns, 1);
}

static void read_statistics(const struct isri_counter_core *core,
			    const struct isri_counter_part *window,
			    struct isr_counter_reading *reading)
{
	double n = (double)window->periods;

	reading->periods = window->periods;
	if (!window->periods)
		return;
	reading->period_mean_ns = (double)window->period_ns / n;
	reading->period_stddev_ns = root(window->squares / n);
	reading->period_min_ns = window->period_min_ns;
	reading->period_max_ns = window->period_max_ns;
	if (core->edge != ISR_EDGE_BOTH)
		return;
	reading->high_mean_ns = (double)window->high_ns / n;
	reading->high_min_ns = window->high_min_ns;
	reading->high_max_ns = window->high_max_ns;
	reading->low_mean_ns =
		(double)(window->period_ns - window->high_ns) / n;
	reading->low_min_ns = window->low_min_ns;
	reading->low_max_ns = window->low_max_ns;
	if (window->period_ns)
		reading->duty =
			(double)window->high_ns / (double)window->period_ns;
}

static void read_frequency(const struct isri_counter_part *window,
			   struct isr_counter_reading *reading)
{
	uint64_t time_ns = reading->to_ns - window->from_ns;

	reading->state = ISR_COUNTER_RUNNING;
	reading->frequency_min_hz = rate(window->min, time_ns);
	reading->frequency_max_hz = rate(window->max, time_ns);
	reading->frequency_hz =
		window->periods ? rate(window->periods, window->period_ns)
				: (reading->frequency_min_hz +
				   reading->frequency_max_hz) /
					  2;
	reading->frequency_hz =
		within(reading->frequency_hz, reading->frequency_min_hz,
		       reading->frequency_max_hz);
}

static void count_since(const struct isri_counter_core *core, uint64_t *ret_min,
			uint64_t *ret_max)
{
	uint64_t min = core->edges_min + core->n_lost;
	uint64_t max = core->edges_max + core->n_lost + core->n_coming;

	if (core->edge == ISR_EDGE_BOTH) {
		min /= 2;
		max = (max + core->n_lost + core->n_coming +
		       core->is_doubtful) /
		      2;
	}
	*ret_min = min;
	*ret_max = max;
}

/*
 * Since the latest pulse there were some that are missing, if any, and less
 * than another one. That is no news while the window's frequency allows it.
 */
static void read_silence(const struct isri_counter_core *core,
			 struct isr_counter_reading *reading)
{
	uint64_t silence_ns = core->now_ns - core->pulse_ns, min, max;
	double max_hz;

	count_since(core, &min, &max);
	max_hz = rate(max + 1, silence_ns);
	if (reading->state == ISR_COUNTER_RUNNING &&
	    reading->frequency_hz <= max_hz)
		return;
	if (reading->state == ISR_COUNTER_RUNNING)
		reading->state = ISR_COUNTER_SLOWING;
	reading->frequency_min_hz = rate(min, silence_ns);
	reading->frequency_max_hz = max_hz;
	reading->frequency_hz = reading->state == ISR_COUNTER_SLOWING
					? max_hz
					: reading->frequency_min_hz;
}

static void read_running(const struct isri_counter_core *core,
			 struct isr_counter_reading *reading)
{
	struct isri_counter_part window;

	reading->state = ISR_COUNTER_STARTED;
	reading->from_ns = reading->to_ns = core->pulse_ns;
	join_window(core, &window);
	if (window.spans) {
		reading->from_ns = window.from_ns;
		reading->window_pulses_min = window.min;
		reading->window_pulses_max = window.max;
		read_statistics(core, &window, reading);
		read_frequency(&window, reading);
	}
	read_silence(core, reading);
}

void isri_counter_core_read(const struct isri_counter_core *core,
			    struct isr_counter_reading *ret_reading)
{
	memset(ret_reading, 0, sizeof(*ret_reading));
	ret_reading->t_ns = core->now_ns;
	ret_reading->pulses = core->pulses;
	ret_reading->count = isr_word_load(core->count);
	ret_reading->lost = core->lost;
	ret_reading->merged = core->merged;
	ret_reading->chip_lost = core->is_gone;
	if (core->is_open)
		read_running(core, ret_reading);
	else if (core->edge == ISR_EDGE_BOTH)
		ret_reading->duty = core->level > 0;
}
