/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3, signal class: the hard handler of a signal source runs once at a time.
 *
 * A signal may come in several threads at once, and a program may fire its
 * source as well. Handlers of one source neither nest nor run in parallel:
 * whose turn it is runs them (turn.c), and who finds it taken leaves the event
 * in the source's ring and goes. So nobody waits, and a handler may fire its
 * own source.
 *
 * In a critical section of the loop events wait in the same ring, and
 * isr_unmask() has them handled. Whoever finds the door shut has the turn, and
 * gives it back as when nothing waited.
 *
 * An event goes past the ring only when nothing is in it: events that wait
 * come first. And one turn handles no more than what may wait when it begins:
 * others may fire as fast as it handles, and keep it for ever. Then it is given
 * back, whoever asked, and the loop asks in their stead: a flag tells it.
 *
 * A ring that is full refuses the newest; what it lost is told by
 * the next event, or by a report when no event is left.
 */
#include <errno.h>

#include <isrloop/isr.h>

#include "context.h"
#include "ring.h"
#include "signal-handler.h"

/* In one's turn. */
static void handle(struct isri_signal *sig, struct isr_event *event)
{
	isri_source_handle(&sig->source, ISR_CONTEXT_SIGNAL, event);
}

/*
 * As long as no critical section is open, and for so many events. Returns for
 * how many more.
 */
static uint32_t handle_waiting(struct isri_signal *sig, uint32_t left)
{
	struct isr_event event;
	bool taken = true;

	while (taken && left && !isri_ring_is_idle(&sig->source.ring) &&
	       isri_door_enter(sig->door)) {
		taken = isri_source_take_next(&sig->source, &event);
		if (taken) {
			handle(sig, &event);
			left--;
		}
		isri_door_leave(sig->door);
	}
	return left;
}

/* What comes meanwhile is handled as well, within bounds. */
static void use_turn(struct isri_signal *sig)
{
	/* A full ring, what it lost, and a look that finds nothing. */
	uint32_t left = sig->source.ring.mask + 3;

	do {
		isri_turn_look(&sig->turn);
		left = handle_waiting(sig, left - 1);
		if (!left) {
			isri_turn_drop(&sig->turn);
			isr_flag_set(&sig->rest);
			return;
		}
	} while (!isri_turn_leave(&sig->turn));
}

void isri_signal_catch_up(struct isri_signal *sig)
{
	if (isri_turn_ask(&sig->turn))
		use_turn(sig);
}

void isri_signal_resume(struct isri_signal *sig)
{
	isri_signal_enter(sig->signo);
	use_turn(sig);
	isri_signal_leave(sig->signo);
}

static int offer_hard(struct isri_signal *sig, struct isr_event *event)
{
	bool mine = isri_turn_try(&sig->turn);
	int r = 0;

	if (mine && isri_ring_is_idle(&sig->source.ring) &&
	    isri_door_enter(sig->door)) {
		handle(sig, event);
		isri_door_leave(sig->door);
	} else {
		r = isr_ring_put(&sig->source.ring, event);
	}

	if (mine)
		use_turn(sig);
	else
		isri_signal_catch_up(sig);
	return r;
}

int isri_signal_offer(struct isri_signal *sig, struct isr_event *event)
{
	struct isr_source *source = &sig->source;

	/* relaxed: a number for each, the order is the ring's */
	event->line_seq =
		1 + atomic_fetch_add_explicit(ATOMIC(&source->stats.line_seq),
					      1, memory_order_relaxed);
	event->source = source->id;
	if (!isri_source_is_armed(source)) {
		isri_source_count(&source->stats.discarded, 1);
		return -EPERM;
	}

	if (source->hard)
		return offer_hard(sig, event);
	/* 1: stored for the oldest one, which the ring counted as lost. */
	return isr_ring_put(&source->ring, event) < 0 ? -ENOSPC : 0;
}

int isri_signal_fire(struct isr_source *source, const struct isr_event *event)
{
	struct isri_signal *sig = isri_signal_of(source);
	struct isr_event own = *event;
	int saved_errno = errno;
	int r;

	/* What is lost here the ring counts: no program can say. */
	own.lost = 0;
	isri_signal_enter(sig->signo);
	r = isri_signal_offer(sig, &own);
	isri_signal_leave(sig->signo);
	/* A hard handler has run; the caller may have interrupted others. */
	errno = saved_errno;
	return r;
}
