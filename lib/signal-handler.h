/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F3: the real signal handler, and which source each signal leads to. */
#ifndef ISRI_SIGNAL_HANDLER_H
#define ISRI_SIGNAL_HANDLER_H

#include <signal.h>
#include <stdbool.h>

#include "mask.h"
#include "source.h"
#include "turn.h"

struct isri_signal {
	struct isr_source source;
	/* of its hard handler; lib/signal-fire.c */
	struct isri_turn turn;
	/* what a turn has left to the loop; of a hard one */
	struct isr_flag rest;
	/* critical sections of its loop */
	struct isri_door *door;
	struct isri_mask_client client;
	/* constant from open to close */
	int signo;
	/* loop only */
	unsigned int held; /* how often: see isri_signal_hold() */
	bool installed;
	struct sigaction found;
};

static inline struct isri_signal *isri_signal_of(struct isr_source *source)
{
	return (struct isri_signal *)source;
}

/*
 * lib/signal-fire.c, signal class
 */

/*
 * Hand an event to an armed source: to its hard handler, now or by whoever
 * runs that now, or to its ring. 0; -ENOSPC lost and counted; -EPERM disarmed,
 * counted as discarded. Its numbers are filled in. Between isri_signal_enter()
 * and isri_signal_leave().
 */
int isri_signal_offer(struct isri_signal *sig, struct isr_event *event);
/* Handle what waits, unless somebody else does. Between the same two. */
void isri_signal_catch_up(struct isri_signal *sig);
/* Of whoever has the turn: handle what waits, and give it back. */
void isri_signal_resume(struct isri_signal *sig);
/*
 * A program's own event, for a source of this kind: as stamped, its numbers
 * are filled in. Returns as isri_signal_offer().
 */
int isri_signal_fire(struct isr_source *source, const struct isr_event *event);

/*
 * lib/signal.c, loop thread: between the two no hard handler runs and none
 * starts; what comes waits in the source's ring. Nests. Let go runs handlers.
 */
void isri_signal_hold(struct isri_signal *sig);
void isri_signal_let_go(struct isri_signal *sig);

/* For sigaction(2) with SA_SIGINFO. */
void isri_signal_handler(int signo, siginfo_t *info, void *ucontext);

/* Brackets of whatever may run a handler of the signal's source. */
void isri_signal_enter(int signo);
void isri_signal_leave(int signo);

/* False when another source has it. signo is 1 to NSIG - 1. */
bool isri_signal_claim(int signo, struct isr_source *source);
/* Later handlers find no source. */
void isri_signal_unclaim(int signo);
/*
 * True once nobody who entered before the call is between the two any more:
 * what they did is visible, and what was written before the call is visible to
 * everybody who enters later. Not to be asked in between.
 */
bool isri_signal_is_quiet(int signo);

#endif /* ISRI_SIGNAL_HANDLER_H */
