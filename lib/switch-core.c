/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5: what a switch decides. Nothing here knows a clock, a pin or a callback:
 * events go in, events come out, and their stamps are all the time there is.
 *
 * A contact that closes does not close once. Its tongue bounces, for a tenth
 * of a millisecond or for ten, and again when it opens. Of those edges one
 * counts for the program: the first, because that is when somebody pressed.
 *
 * BELIEF. `level` is what the last edge said, `closed` what the program was
 * told. At REST both are the same, and the line is quiet. An edge makes the
 * switch BUSY, until the line has been quiet for long enough; then what it
 * has come to is compared with what was told.
 *
 * EAGER tells at the first edge, with its stamp, and holds off until
 *
 *     max(first edge + debounce_ns, last edge + chatter_ns)
 *
 * If the line has stayed, that is told as SETTLED. If not, the contact has
 * opened meanwhile, and no edge will tell it any more: so this does, with the
 * stamp of the first edge of that movement. Thus a press that is shorter than
 * the hold-off has both its ends, each with its own time.
 *
 * STABLE tells when the line has been quiet for debounce_ns at another level
 * than the one told, and the stamp is the first edge's all the same. A line
 * that comes back to the old one had a glitch, of which nobody is told.
 *
 * THE FIRST EDGE of a movement, while edges come all the time, is the first
 * one to the other level since the line last rested: was quiet, at the level
 * told, for chatter_ns (`away`). Edges closer than that are one movement.
 *
 *      closed    ____   _ ____________   _   _______  told: 1 closed at a
 *      open  ___|    |_| |            |_| |_|              2 opened at b
 *               a        rested here  b
 *
 * MERGED EDGES. The kernel stamps an edge in its interrupt, and reads the
 * level later, in a thread: of a bounce it may tell one edge, of a level that
 * the line has left already. What an edge says about the level is a fact about
 * that moment; that there was an edge is one about the contact. So at rest
 * any edge is a movement, whatever level it claims, and what it has come to
 * the end decides. An edge to the level that the line was already at had
 * another one before it, that nobody saw.
 *
 * LOST EDGES (a gap in the sequence) are told by the next event. An edge that
 * only a lost one explains, to a line that then stays where it was, stands for
 * a press of which that was the release; EAGER tells both by the rules above,
 * STABLE by its `guess`.
 *
 * TIME is what the stamps say. A deadline that is not after an event's stamp
 * is decided before the event, as of the deadline: so nothing depends on when
 * the events are fed, one at a time or a second later in a heap. A stamp may
 * step back, for an edge that the chip told late: it is decided on as if it
 * came now, and keeps its stamp.
 */
#include "clock.h"
#include "switch.h"

/* When it is no longer busy, if no other edge comes. */
static uint64_t get_end_ns(const struct isri_switch_core *core)
{
	if (core->mode == ISR_SWITCH_STABLE)
		return isri_clock_add(core->last_ns, core->debounce_ns);
	return isri_clock_max(isri_clock_add(core->begin_ns, core->debounce_ns),
			      isri_clock_add(core->last_ns, core->chatter_ns));
}

uint64_t isri_switch_core_get_due_ns(const struct isri_switch_core *core)
{
	switch (core->phase) {
	case ISRI_SWITCH_REST:
		return core->look_ns;
	case ISRI_SWITCH_BUSY:
		return get_end_ns(core);
	default:
		return ISRI_DEVICE_NEVER;
	}
}

/* Takes along what has to be told. */
static bool tell(struct isri_switch_core *core, enum isr_switch_kind kind,
		 uint64_t first_ns, uint64_t settled_ns, uint32_t bounces)
{
	const struct isr_switch_event event = {
		.t_first_ns = first_ns,
		.t_settled_ns = settled_ns,
		.bounces = bounces,
		.lost = core->lost,
		.kind = (uint8_t)kind,
		.closed = core->closed,
		.flags = core->merged_flag | core->origin_flags,
	};

	core->lost = 0;
	core->merged_flag = 0;
	core->stats.bounces += bounces;
	if (kind != ISR_SWITCH_SETTLED)
		core->stats.events++;
	return core->tell(core, &event);
}

/* All is known that has its first edge before t_ns. */
static bool pass(struct isri_switch_core *core, uint64_t t_ns)
{
	if (t_ns <= core->known_ns)
		return true;
	core->known_ns = t_ns;
	return core->pass(core, t_ns);
}

/* While it is busy less may be known than has passed. */
static bool pass_known(struct isri_switch_core *core, uint64_t t_ns)
{
	if (isri_switch_core_holds_time(core))
		t_ns = core->guess ? core->first_ns : core->away_ns;
	return pass(core, t_ns);
}

static bool tell_change(struct isri_switch_core *core, bool closed,
			uint64_t first_ns, uint64_t settled_ns,
			uint32_t bounces)
{
	if (!pass(core, first_ns))
		return false;
	core->closed = closed;
	return tell(core, closed ? ISR_SWITCH_CLOSED : ISR_SWITCH_OPENED,
		    first_ns, settled_ns, bounces);
}

/* One of the edges was the press, and another one the release. */
static bool settle_eager(struct isri_switch_core *core)
{
	if (core->level == core->closed)
		return tell(core, ISR_SWITCH_SETTLED, core->first_ns,
			    core->now_ns, core->edges - 1);
	return tell_change(core, core->level, core->away_ns, core->now_ns,
			   core->edges > 2 ? core->edges - 2 : 0);
}

static bool settle_stable(struct isri_switch_core *core)
{
	if (core->level != core->closed)
		return tell_change(core, core->level, core->away_ns,
				   core->now_ns, core->edges - 1);
	if (core->guess)
		return tell_change(core, !core->level, core->first_ns,
				   core->now_ns, 0) &&
		       tell_change(core, core->level, core->first_ns,
				   core->now_ns, core->edges - 1);
	/* What was lost is told all the same, by the next one. */
	core->merged_flag = 0;
	core->stats.glitches++;
	core->stats.bounces += core->edges;
	return true;
}

static bool settle(struct isri_switch_core *core, uint64_t end_ns)
{
	/* What a button decides before that comes before that. */
	if (!pass_known(core, end_ns))
		return false;
	core->now_ns = end_ns;
	core->phase = ISRI_SWITCH_REST;
	return core->mode == ISR_SWITCH_STABLE ? settle_stable(core)
					       : settle_eager(core);
}

/* Nothing else came until t_ns. */
static bool advance(struct isri_switch_core *core, uint64_t t_ns)
{
	if (core->phase == ISRI_SWITCH_BUSY) {
		uint64_t end_ns = get_end_ns(core);

		if (end_ns <= t_ns && !settle(core, end_ns))
			return false;
	}
	core->now_ns = t_ns;
	return pass_known(core, t_ns);
}

/* BUSY, an edge more. */
static void follow(struct isri_switch_core *core, const struct isr_event *event,
		   bool level)
{
	bool was_there = core->level == core->closed;

	if (was_there && core->now_ns - core->last_ns >= core->chatter_ns)
		core->away = false;
	if (!core->away && (level != core->closed || was_there)) {
		core->away = true;
		core->away_ns = event->t_ns;
	}
	core->level = level;
	core->last_ns = core->now_ns;
	if (core->edges < UINT32_MAX)
		core->edges++;
}

/* At rest: the contact moves. */
static bool begin(struct isri_switch_core *core, const struct isr_event *event,
		  bool level, bool gap)
{
	core->phase = ISRI_SWITCH_BUSY;
	core->begin_ns = core->now_ns;
	core->first_ns = event->t_ns;
	core->edges = 0;
	core->away = false;
	core->guess = false;
	if (core->mode == ISR_SWITCH_STABLE) {
		core->guess = gap && level == core->closed;
		follow(core, event, level);
		return true;
	}
	core->closed = !core->closed;
	follow(core, event, level);
	return tell_change(core, core->closed, core->first_ns, 0, 0);
}

/* The chip has decided; or nobody does. */
static bool tell_edge(struct isri_switch_core *core,
		      const struct isr_event *event, bool level)
{
	uint64_t settled_ns = core->filtered ? event->t_ns : 0;
	bool again = core->filtered && level == core->closed;

	core->level = level;
	if (again && !tell_change(core, !level, event->t_ns, settled_ns, 0))
		return false;
	return tell_change(core, level, event->t_ns, settled_ns, 0);
}

static bool take_edge(struct isri_switch_core *core,
		      const struct isr_event *event, bool level)
{
	bool gap = core->gap || event->lost;

	core->gap = false;
	core->look_ns = ISRI_DEVICE_NEVER;
	core->stats.edges++;
	if (core->phase == ISRI_SWITCH_UNKNOWN) {
		core->phase = ISRI_SWITCH_REST;
		core->closed = core->level = !level;
	}
	if (core->mode == ISR_SWITCH_RAW || core->filtered)
		return tell_edge(core, event, level);
	if (core->phase == ISRI_SWITCH_REST)
		return begin(core, event, level, gap);
	follow(core, event, level);
	return true;
}

/* It was on its way when the level was read. */
static bool is_known(const struct isri_switch_core *core,
		     const struct isr_event *event, bool level)
{
	return core->mode != ISR_SWITCH_RAW &&
	       core->phase != ISRI_SWITCH_UNKNOWN && level == core->level &&
	       !core->gap && !event->lost &&
	       !(event->flags & ISR_EVENT_FLAG_MERGED) &&
	       event->t_ns <= core->sampled_ns;
}

static bool take_level(struct isri_switch_core *core,
		       const struct isr_event *event, bool level)
{
	core->gap = false;
	core->look_ns = ISRI_DEVICE_NEVER;
	core->sampled_ns = event->t_ns;
	if (core->phase == ISRI_SWITCH_UNKNOWN) {
		core->phase = ISRI_SWITCH_REST;
		core->closed = core->level = level;
	}
	if (level == core->level)
		return true;
	if (core->mode != ISR_SWITCH_POLLED) {
		core->stats.corrected++;
		core->merged_flag = ISR_EVENT_FLAG_MERGED;
	}
	return take_edge(core, event, level);
}

/* What the events to come have to tell. */
static void note(struct isri_switch_core *core, const struct isr_event *event)
{
	core->lost = event->lost < UINT32_MAX - core->lost
			     ? core->lost + event->lost
			     : UINT32_MAX;
	core->stats.lost += event->lost;
	if (event->kind == ISR_EVENT_IDLE || event->kind == ISR_EVENT_LOST)
		return;
	core->origin_flags = event->flags & ~ISR_EVENT_FLAG_MERGED;
	if (core->filtered)
		core->origin_flags |= ISR_EVENT_FLAG_DEBOUNCED;
	if (event->flags & ISR_EVENT_FLAG_MERGED) {
		core->merged_flag = ISR_EVENT_FLAG_MERGED;
		core->stats.merged++;
	}
}

static bool take(struct isri_switch_core *core, const struct isr_event *event)
{
	bool level;

	note(core, event);
	switch (event->kind) {
	case ISR_EVENT_RISING:
	case ISR_EVENT_FALLING:
		level = event->kind == ISR_EVENT_RISING;
		return is_known(core, event, level) ||
		       take_edge(core, event, level);
	case ISR_EVENT_INITIAL:
		return take_level(core, event, event->value != 0);
	case ISR_EVENT_LOST:
		core->gap = true;
		core->look_ns = core->now_ns;
		return true;
	case ISR_EVENT_CHIP_LOST:
		core->phase = ISRI_SWITCH_ENDED;
		core->stats.error = event->value;
		return true;
	default:
		core->look_ns = ISRI_DEVICE_NEVER;
		return true;
	}
}

bool isri_switch_core_feed(struct isri_switch_core *core,
			   const struct isr_event *event)
{
	if (core->phase == ISRI_SWITCH_ENDED)
		return true;
	return advance(core, isri_clock_max(core->now_ns, event->t_ns)) &&
	       take(core, event);
}

void isri_switch_core_init(struct isri_switch_core *core)
{
	core->phase = ISRI_SWITCH_UNKNOWN;
	core->look_ns = ISRI_DEVICE_NEVER;
}
