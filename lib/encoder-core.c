/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5: what the edges of an encoder's two lines say, and what can be said where
 * edges are missing.
 *
 * A and B go through (0,0) (1,0) (1,1) (0,1) when the shaft turns forward: the
 * phases 0 to 3 below. One edge is one quarter step, and which way is a matter
 * of which line moved and of the other one's level. Both lines are of one
 * request, so the order of the edges is the kernel's. The sum of all movements
 * is at any time congruent, modulo 4, to the phase: that is the invariant which
 * the rest relies on.
 *
 * GAP. n edges are missing before an edge of line L to level x. Just before
 * that edge L had the level !x. So it is known whether L's missing edges are
 * odd or even in number, and with n the same of the other line's: both levels
 * of that moment, the phase, are known. What the n edges did is one of the
 * displacements d of that phase, |d| <= n; the smallest is taken, which is what
 * a shaft does that is slower than one cycle a gap. Two are equally small when
 * half a cycle is missing: then it went on as it was going. error is how far
 * the others are off at most: n + 2 for n edges that nobody saw, less what
 * parity excludes; 0 only if no other one fits. A gap of one edge is always
 * repaired.
 *
 * REPORT. What is missing with nothing after it yet is kept for the edge, or
 * the level, that comes next. Until then it may be any movement up to n.
 *
 * SET. Where the position is set meanwhile, these edges were before. What they
 * did is found out as above, because the levels follow from it, but the new
 * position has it already. Of further ones, missing before the same edge, it
 * cannot be told apart what they did: nothing is assumed, and their number is
 * the error.
 *
 * INVALID. An edge to the level that its line has, and none lost: an opposite
 * edge of that line merged with it, below the sequence. When the other line has
 * not moved since the line's last edge, both happened at the same level of it:
 * there and back, no movement, certainly. If it has moved in between, the
 * missing edge may have been before that movement: then all of it went the
 * other way round, and a cycle is missing. No movement is taken, and 4 is the
 * error.
 *
 * AUDIT. The levels themselves, with no edge: when one is not what is believed,
 * an odd number of edges of that line has vanished without a trace. It is taken
 * as one quarter step, the only one of that phase which is less than three. How
 * many edges there were nobody knows; a cycle is told as error.
 *
 * What this rests on is that the level of an edge is the one right after it.
 * The kernel reads it in a thread, so a line that floods is read late, and then
 * the parity of a gap is another one: error is no bound any more, though it is
 * never 0, and phases are right again at rest. To have a bound there would take
 * two quarter steps of error for each edge near a gap, of which nearly all are
 * exact.
 */
#include "encoder-core.h"

static const int8_t phase_of[2][2] = {
	/* [a][b] */
	{0, 3},
	{1, 2},
};

static int phase(const bool level[2])
{
	return phase_of[level[0]][level[1]];
}

static bool is_known(const struct isri_encoder_core *core)
{
	return core->known[0] && core->known[1];
}

/* From the levels believed to others: 0 to 3 quarter steps forward. */
static int turn_to(const struct isri_encoder_core *core, const bool level[2])
{
	return (phase(level) - phase(core->level) + ISRI_ENCODER_CYCLE) %
	       ISRI_ENCODER_CYCLE;
}

/* The smallest movement of that turn. */
static int64_t nearest(const struct isri_encoder_core *core, int turn)
{
	if (turn == 2)
		return core->direction < 0 ? -2 : 2;
	return turn == 3 ? -1 : turn;
}

/*
 * The largest distance from moved to another movement of the same turn by at
 * most n edges. Those are moved + 4 k.
 */
static uint64_t error_of(int64_t moved, int64_t n)
{
	int64_t up = (n - moved) / ISRI_ENCODER_CYCLE;
	int64_t down = (n + moved) / ISRI_ENCODER_CYCLE;

	return (uint64_t)(up > down ? up : down) * ISRI_ENCODER_CYCLE;
}

static void go_to(struct isri_encoder_core *core, const bool level[2],
		  int64_t moved)
{
	core->level[0] = level[0];
	core->level[1] = level[1];
	if (moved)
		core->direction = moved < 0 ? -1 : 1;
}

/* n edges are missing, after which the line has that level. */
static void resync(struct isri_encoder_core *core, unsigned int line,
		   bool level, uint64_t n, struct isri_encoder_move *move)
{
	bool own_odd = core->level[line] != level;
	bool others_odd = own_odd != (n & 1);
	bool now[2];

	now[line] = level;
	now[!line] = core->level[!line] != others_odd;
	move->resync = nearest(core, turn_to(core, now));
	move->error = error_of(move->resync, (int64_t)n);
	move->resynced = true;
	if (core->past) {
		move->past = true;
		move->error = n - core->past;
	}
	go_to(core, now, move->resync);
	core->other_moved[0] = core->other_moved[1] = true;
}

/* The line has another level than is believed, after one edge of it. */
static int step_to(struct isri_encoder_core *core, unsigned int line,
		   bool level)
{
	bool now[2];
	int step;

	now[line] = level;
	now[!line] = core->level[!line];
	step = turn_to(core, now) == 1 ? 1 : -1;
	go_to(core, now, step);
	return step;
}

/* Where the levels were not known there was no position to lose. */
static void learn(struct isri_encoder_core *core, unsigned int line, bool level)
{
	core->level[line] = level;
	core->known[line] = true;
	core->pending = core->past = 0;
}

static void feed_edge(struct isri_encoder_core *core, unsigned int line,
		      bool level, uint64_t missing,
		      struct isri_encoder_move *move)
{
	if (missing)
		resync(core, line, !level, missing, move);
	if (core->level[line] != level) {
		move->step = step_to(core, line, level);
	} else {
		move->invalid = true;
		if (core->other_moved[line])
			move->error = ISRI_ENCODER_CYCLE;
	}
	core->other_moved[line] = false;
	core->other_moved[!line] = true;
}

static void feed_level(struct isri_encoder_core *core, unsigned int line,
		       bool level, uint64_t missing,
		       struct isri_encoder_move *move)
{
	if (missing) {
		resync(core, line, level, missing, move);
	} else if (core->level[line] != level) {
		move->resync = step_to(core, line, level);
		move->error = ISRI_ENCODER_CYCLE;
		move->corrected = true;
		core->other_moved[!line] = true;
	}
	core->other_moved[line] = false;
}

struct isri_encoder_move isri_encoder_core_feed(struct isri_encoder_core *core,
						const struct isr_event *event,
						unsigned int line)
{
	struct isri_encoder_move move = {.lost = event->lost};
	bool level = event->kind == ISR_EVENT_RISING ||
		     (event->kind == ISR_EVENT_INITIAL && event->value);
	uint64_t missing = core->pending + event->lost;

	if (event->kind == ISR_EVENT_LOST) {
		core->pending = missing;
		return move;
	}
	if (!is_known(core)) {
		/* An edge says what was before it, as well. */
		if (event->kind != ISR_EVENT_INITIAL)
			learn(core, line, !level);
		if (!is_known(core)) {
			learn(core, line, level);
			return move;
		}
		missing = 0;
	}
	if (event->kind == ISR_EVENT_INITIAL)
		feed_level(core, line, level, missing, &move);
	else
		feed_edge(core, line, level, missing, &move);
	core->pending = core->past = 0;
	return move;
}

void isri_encoder_core_set(struct isri_encoder_core *core)
{
	core->past = core->pending;
}

uint64_t isri_encoder_core_get_pending(const struct isri_encoder_core *core)
{
	return core->pending - core->past;
}

int isri_encoder_core_get_levels(const struct isri_encoder_core *core)
{
	return is_known(core) ? core->level[0] | core->level[1] << 1 : -1;
}
