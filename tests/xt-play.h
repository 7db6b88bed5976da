/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A chip of many lines, which a thread moves in real time while the loop runs,
 * or is blocked. It is simulated, or the kernel's (see xt-gpio-sim.h): then
 * nobody says with what stamps the edges come, how many of them merge, or how
 * late the thread is. So each line's events are taped, and what a device makes
 * of them is compared with what is on the tape.
 */
#ifndef XT_PLAY_H
#define XT_PLAY_H

#include <stdatomic.h>

#include <isrloop/switch.h>

#include "xt-source.h"

#define XT_PLAY_LINES 20
#define XT_TAPE_EVENTS 1024
/* A machine that was too busy that often never will not be. */
#define XT_PLAY_TRIES 30
/* For that long the loop is blocked. */
#define XT_BLOCK_NS UINT64_C(200000000)

/* What a line's pin told, in order. The events' source is that line's index. */
struct xt_tape {
	unsigned int n;
	unsigned int merged;
	uint64_t lost;
	/* Of the one that was delivered the longest after its stamp. */
	uint64_t late_ns;
	/* Before the pin was opened, or after: see xt_tape_start(). */
	uint64_t start_ns;
	/* See xt-late.h. */
	uint64_t silent_ns;
	bool was_late;
	struct isr_event events[XT_TAPE_EVENTS];
};

/* A line is to be moved, so long after the beginning. */
struct xt_move {
	uint64_t at_ns;
	unsigned int line;
	/* Of a script, and of this one's bounce. */
	unsigned int step, turn;
	int level;
	/* When it was: as told afterwards, before and after. */
	uint64_t before_ns, after_ns;
};

/* From before the first to after the last move of a step. */
struct xt_span {
	uint64_t begin_ns, end_ns;
};

struct xt_play {
	struct xt_move *moves; /* room for all that are added */
	unsigned int n_moves;
	/* Where the loop is blocked, since the beginning; 0: the end. */
	const uint64_t *block_at_ns;
	/* The chip is as it was left, and everything was told of it. */
	bool (*is_done)(void);
	uint64_t start_ns;

	atomic_bool moved;
};

/* A loop, and a chip of these lines, all low. */
void xt_play_setup(unsigned int n_lines);
void xt_play_teardown(void);

bool xt_play_is_real(void);

struct isr_pin_config xt_play_pin(unsigned int line, enum isr_reader reader);

/* In any thread. */
void xt_play_set(unsigned int line, int level);

/* The kernel's chip, pulled out. */
void xt_play_unplug(void);

/* Just after a pin was opened: nothing has moved yet. */
void xt_tape_start(struct xt_tape *tape);
/* An isr_handler_cb; arg is a tape. */
int xt_tape(struct isr_source *source, const struct isr_event *event,
	    void *arg);
/* The line's last edge made is on its tape. */
bool xt_tape_is_complete(const struct xt_tape *tape, const struct xt_play *play,
			 unsigned int line);

/*
 * Those of the span are the next ones on the tape, from *event on, which goes
 * behind them; and the last one of them was not read so late that it claims the
 * level after the next step.
 */
bool xt_tape_tells(const struct xt_tape *tape, const struct xt_span *span,
		   int level, unsigned int *event);

/*
 * A line goes to 1 with the steps 0, 2, ..., and to 0 with 1, 3, ... : in an
 * odd number of moves, as fast as the chip takes them.
 */
void xt_play_add_step(struct xt_play *play, unsigned int line,
		      unsigned int step, uint64_t at_ns, unsigned int n_moves);
/* Afterwards: when it was. */
struct xt_span xt_play_get_span(const struct xt_play *play, unsigned int line,
				unsigned int step);

/* Run the loop while a thread makes the moves, until is_done(). */
void xt_play(struct xt_play *play);

/*
 * A device whose line is moved by a script. A busy machine may not meet that:
 * then it is played again.
 */
struct xt_player {
	bool was_met;
	struct isr_switch *contact; /* the device, or its */
	struct xt_tape tape;
};

struct xt_cast {
	/* By line. */
	struct xt_player *players[XT_PLAY_LINES];
	unsigned int n_players;
	/* Open the line's device, and start its tape. */
	void (*open)(unsigned int line);
	/* Add the steps of its script. */
	void (*add_steps)(unsigned int line);
	/* Close it and compare; returns whether its script was met. */
	bool (*look_at)(unsigned int line);
};

/* Its edges are on the tape, and it waits for nothing. */
bool xt_player_is_done(const struct xt_player *player,
		       const struct xt_play *play, unsigned int line);

/* Play until all have met their scripts; returns how many tries that took. */
unsigned int xt_cast_play(const struct xt_cast *cast, struct xt_play *play);

unsigned int xt_cast_count_merged(const struct xt_cast *cast);

#endif /* XT_PLAY_H */
