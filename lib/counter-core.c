/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5: measuring pulses by their stamps.
 *
 * SPANS. From one pulse to the next is a span. Where no edge is missing it is
 * a period, and in the statistics. Where some are it is not, and says only how
 * many pulses it had at least and at most: frequency_min_hz and
 * frequency_max_hz are the sums of these over the time of all spans, and the
 * frequency itself is that of the periods, within the two. So a loss makes the
 * figure less certain and not wrong; without one all three are the same
 * division of two integers.
 *
 * WHAT IS MISSING, on a line that reports both edges. A record stands for an
 * interrupt and so for at least one edge, also one that was lost. But the
 * kernel reads the level a moment after the edge, and with it says which one
 * it was; the next edge may have come by then. Two short ones give two records
 * that say the same, or one: nobody can tell. So of a span only this is known:
 * it had as many edges as records at least, and at most one more for each
 * record that says the same as the one before, or was lost, or comes after
 * lost ones, and may so have hidden one. Levels alternate: every other edge is
 * a pulse, and from a pulse to the next their number is even. (Edges that
 * vanish two at a time leave no trace.) A pulse of such a record may be
 * something else: it does not end a span, unless that is longer than a part of
 * the window and no better one came.
 *
 * From such a record on, the level of each may be one edge late, until an edge
 * comes long after its predecessor: who reads late then is read again at once,
 * by the edge that it was late for. So what seems to be a pulse may begin a
 * moment later: a doubtful one, from or to which the number of edges may be
 * odd.
 *
 * On a line that reports one edge each record is a pulse, also a lost one.
 *
 * THE WINDOW is kept in parts of a 16th, each with what ended in it. An edge
 * adds to one of them, in place of the one that is a window older; reading
 * joins those that are not too old. So it is exact to the edge in what it
 * holds, says itself over which stamps that is, and moves on by a 16th: it
 * holds the last 15 to 16 of them. Part k is what comes after (k - 1) * part_ns
 * until k * part_ns: with reports at multiples of it a window is whole. When
 * the input is so slow that nothing ended in it, the latest span stands in.
 *
 * TIME is the stamps'. Before an event every deadline that it shows to have
 * passed is decided, with its own time, and with what is known: if edges were
 * lost before the event, they may have come before the deadline, or not. A
 * stamp may step back a little, time does not: such an edge is put where its
 * predecessor is, and neither what it ends nor what it begins is a period.
 *
 * Means are exact: integers are summed. The deviation is Welford's, joined as
 * Chan's: squares of differences from the mean only, nothing cancels.
 */
#include <string.h>

#include <isrloop/word.h>

#include "clock.h"
#include "counter-core.h"

/* More than the kernel takes from an edge to its level. */
#define LATE_NS 1000000

/*
 * Deadlines
 */

static void stop(struct isri_counter_core *core)
{
	core->is_open = false;
	memset(&core->last, 0, sizeof(core->last));
	memset(core->parts, 0, sizeof(core->parts));
	core->stop_at_ns = ISRI_COUNTER_NEVER;
	core->report_at_ns = ISRI_COUNTER_NEVER;
}

/* The input was alive at t_ns. */
static void put_stop_off(struct isri_counter_core *core, uint64_t t_ns)
{
	uint64_t stop_at_ns = isri_clock_add(t_ns, core->stop_ns);

	if (core->is_open && (core->stop_at_ns == ISRI_COUNTER_NEVER ||
			      core->stop_at_ns < stop_at_ns))
		core->stop_at_ns = stop_at_ns;
}

/* The first multiple after t_ns. */
static uint64_t next_report(const struct isri_counter_core *core, uint64_t t_ns)
{
	return isri_clock_add(t_ns, core->report_ns - t_ns % core->report_ns);
}

static bool decide(struct isri_counter_core *core, uint64_t due_ns)
{
	core->now_ns = isri_clock_max(core->now_ns, due_ns);
	if (core->stop_at_ns == due_ns)
		stop(core);
	else
		core->report_at_ns = next_report(core, due_ns);
	return !core->report_ns || core->report(core);
}

static bool pass_time(struct isri_counter_core *core, uint64_t t_ns)
{
	uint64_t due_ns;

	for (;;) {
		due_ns = isri_clock_min(core->stop_at_ns, core->report_at_ns);
		if (due_ns > t_ns || due_ns == ISRI_COUNTER_NEVER)
			break;
		if (!decide(core, due_ns))
			return false;
	}
	core->now_ns = isri_clock_max(core->now_ns, t_ns);
	return true;
}

/*
 * Until the event. What was lost before it came in between: perhaps already
 * when something is due there, and the input has not been still.
 */
static bool pass_gap(struct isri_counter_core *core,
		     const struct isr_event *event)
{
	bool is_alive;

	if (event->lost)
		put_stop_off(core, event->t_ns);
	core->n_coming = event->lost;
	is_alive = pass_time(core, event->t_ns);
	if (is_alive)
		core->n_coming = 0;
	return is_alive;
}

/* Not later for each edge: the alarm would be set as often. */
static void update_wake(struct isri_counter_core *core)
{
	uint64_t due_ns = isri_clock_min(core->stop_at_ns, core->report_at_ns);

	if (core->wake_ns <= core->now_ns || core->wake_ns > due_ns)
		core->wake_ns = due_ns;
}

/*
 * Events
 */

static uint64_t take_lost(struct isri_counter_core *core,
			  const struct isr_event *event)
{
	uint64_t n = core->n_lost + event->lost;

	core->lost += event->lost;
	core->n_lost = 0;
	return n;
}

/* From now on a span is open. */
static void open_span(struct isri_counter_core *core, uint64_t t_ns,
		      bool is_sure)
{
	core->is_open = true;
	core->is_dirty = !is_sure;
	core->is_doubtful = core->is_late;
	core->pulse_ns = t_ns;
	core->edges_min = core->edges_max = 0;
}

/* Its record is among the edges of the open span. */
static void take_pulse(struct isri_counter_core *core, uint64_t t_ns,
		       bool is_sure)
{
	core->pulses++;
	isr_word_add(core->count, 1);
	if (!core->is_open) {
		if (core->report_ns)
			core->report_at_ns = next_report(core, core->now_ns);
		open_span(core, t_ns, is_sure);
	} else if (is_sure || t_ns - core->pulse_ns >= core->part_ns) {
		isri_counter_core_end_span(core, t_ns);
		open_span(core, t_ns, is_sure);
	}
	put_stop_off(core, t_ns);
}

/* n are lost before it; one more may be hidden, if it is a repetition. */
static void count_edges(struct isri_counter_core *core, uint64_t t_ns,
			uint64_t n, bool is_repeated)
{
	bool is_both = core->edge == ISR_EDGE_BOTH;

	core->edges_min += n + 1;
	core->edges_max += n + 1;
	if (is_both)
		core->edges_max += n + (n || is_repeated);
	if (!n && !is_repeated)
		return;
	core->is_dirty = true;
	put_stop_off(core, t_ns);
}

/*
 * Where both edges are reported: the same one as before, and nothing lost. But
 * not the one that was on its way when the level was read.
 */
static bool is_repetition(const struct isri_counter_core *core,
			  const struct isr_event *event, uint64_t n,
			  bool is_same)
{
	if (n)
		return false;
	return event->flags & ISR_EVENT_FLAG_MERGED ||
	       (is_same && !core->is_told);
}

/* See WHAT IS MISSING: the level may be that of a later edge. */
static void follow_lateness(struct isri_counter_core *core, bool is_sure,
			    bool is_fresh)
{
	if (!is_sure)
		core->is_late = true;
	else if (is_fresh)
		core->is_late = false;
}

static void take_both(struct isri_counter_core *core,
		      const struct isr_event *event, uint64_t n, uint64_t t_ns,
		      bool is_fresh)
{
	int8_t level = event->kind == ISR_EVENT_RISING;
	bool is_same = core->level == level;
	bool is_repeated = is_repetition(core, event, n, is_same);
	bool is_sure = !n && !is_repeated && !(is_same && core->is_open);

	core->merged += is_repeated;
	if (is_same && !n && !is_repeated)
		core->merged -= core->is_evidence;
	core->is_dirty |= is_same;
	core->is_told = core->is_evidence = false;
	core->level = level;
	follow_lateness(core, is_sure, is_fresh);
	count_edges(core, t_ns, n, is_repeated);
	if (level)
		take_pulse(core, t_ns, is_sure);
	else
		core->fall_ns = t_ns;
}

static void take_edge(struct isri_counter_core *core,
		      const struct isr_event *event)
{
	bool is_displaced = event->t_ns < core->edge_ns;
	uint64_t n = take_lost(core, event);
	uint64_t t_ns = isri_clock_max(event->t_ns, core->edge_ns);
	bool is_fresh = t_ns - core->edge_ns > LATE_NS;

	core->is_dirty |= is_displaced;
	core->edge_ns = t_ns;
	if (core->edge == ISR_EDGE_BOTH) {
		take_both(core, event, n, t_ns, is_fresh);
	} else {
		count_edges(core, t_ns, n, false);
		take_pulse(core, t_ns, true);
	}
	/* Of the span before, and of one that has begun. */
	core->is_dirty |= is_displaced;
}

/* Nothing after them yet. */
static void take_loss(struct isri_counter_core *core,
		      const struct isr_event *event)
{
	core->lost += event->lost;
	core->n_lost += event->lost;
}

/* Another level than believed: an edge is missing, or on its way. */
static void take_level(struct isri_counter_core *core,
		       const struct isr_event *event)
{
	int8_t level = event->value != 0;

	take_loss(core, event);
	if (core->edge != ISR_EDGE_BOTH)
		return;
	core->is_told = true;
	core->is_evidence = core->level == !level && !core->n_lost;
	core->level = level;
	if (!core->is_evidence)
		return;
	core->merged++;
	core->edges_max++;
	core->is_dirty = true;
	put_stop_off(core, event->t_ns);
}

static bool take_end(struct isri_counter_core *core)
{
	bool was_running = core->is_open;

	stop(core);
	core->is_gone = true;
	return !core->report_ns || !was_running || core->report(core);
}

static bool is_counted(const struct isri_counter_core *core, uint8_t kind)
{
	return core->edge == ISR_EDGE_BOTH ||
	       (kind == ISR_EVENT_RISING) == (core->edge == ISR_EDGE_RISING);
}

void isri_counter_core_init(struct isri_counter_core *core,
			    const struct isr_counter_config *config)
{
	uint64_t window_ns =
		isri_clock_or(config->window_ns, ISR_COUNTER_WINDOW_NS);

	memset(core, 0, sizeof(*core));
	core->edge = config->pin.edge;
	core->part_ns = (window_ns - 1) / ISR_COUNTER_PARTS + 1;
	core->stop_ns = config->stop_ns;
	if (!core->stop_ns)
		core->stop_ns =
			window_ns < UINT64_MAX / 3 ? 3 * window_ns : UINT64_MAX;
	core->report_ns = config->report_ns;
	core->level = -1;
	core->stop_at_ns = ISRI_COUNTER_NEVER;
	core->report_at_ns = ISRI_COUNTER_NEVER;
	core->wake_ns = ISRI_COUNTER_NEVER;
}

bool isri_counter_core_feed(struct isri_counter_core *core,
			    const struct isr_event *event)
{
	if (core->is_gone)
		return true;
	if (!pass_gap(core, event))
		return false;
	switch (event->kind) {
	case ISR_EVENT_RISING:
	case ISR_EVENT_FALLING:
		if (is_counted(core, event->kind))
			take_edge(core, event);
		else
			take_loss(core, event);
		break;
	case ISR_EVENT_INITIAL:
		take_level(core, event);
		break;
	case ISR_EVENT_LOST:
		take_loss(core, event);
		break;
	case ISR_EVENT_CHIP_LOST:
		return take_end(core);
	default:
		break;
	}
	update_wake(core);
	return true;
}

uint64_t isri_counter_core_get_due_ns(const struct isri_counter_core *core)
{
	return core->is_gone ? ISRI_COUNTER_NEVER : core->wake_ns;
}
