/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Traces of a contact that bounces, by seed: what it did, what a chip tells of
 * it, what a switch has to make of that, and how it is fed to a device.
 *
 * A trace is made of cycles: perhaps a glitch, then a press, perhaps with
 * drop-outs, and its release. A movement chatters for up to 10 ms, with gaps
 * shorter than that; between two movements the line rests for 10 ms at least.
 * For EAGER a movement begins when the hold-off of the one before is over, or,
 * a release, within that of its press; for STABLE a press is what rests for 50
 * ms, and so is what is between two of them.
 */
#ifndef BOUNCE_H
#define BOUNCE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <isrloop/switch.h>

#include "sanitize.h"
#include "xt.h"

#define BOUNCE_US UINT64_C(1000)
#define BOUNCE_MS UINT64_C(1000000)
#define BOUNCE_DEBOUNCE (50 * BOUNCE_MS)
#define BOUNCE_CHATTER (10 * BOUNCE_MS)
#define BOUNCE_EDGES_MAX 1024
#define BOUNCE_MOVE_EDGES_MAX 15
/* Seeds from 0 on, and the tests that share them. */
#if defined(ISRI_ASAN) || defined(ISRI_TSAN)
#define BOUNCE_TRACES 1500
#else
#define BOUNCE_TRACES 10000
#endif
#define BOUNCE_CHUNKS 10
#define BOUNCE_CHUNK_TRACES (BOUNCE_TRACES / BOUNCE_CHUNKS)

/* What happens between the contact and the program. */
enum bounce_how {
	BOUNCE_PLAIN,  /* nothing */
	BOUNCE_MERGED, /* the kernel merges edges that are close */
	BOUNCE_LOST,   /* and then its FIFO runs over, once */
	BOUNCE_HOWS
};

struct bounce_edge {
	uint64_t t_ns;
	bool level;
	unsigned int cycle;
	uint32_t lost;
	uint8_t flags;
};

/* One change that is to be told, and no other. */
struct bounce_want {
	uint64_t t_ns;
	bool closed;
	unsigned int cycle;
};

struct bounce_trace {
	uint64_t random;
	enum isr_switch_mode mode;
	enum bounce_how how;
	unsigned int cycle;
	/* When the next movement may begin. */
	uint64_t free_ns;
	uint64_t end_ns;
	unsigned int n_presses;
	/* Of the contact. */
	struct bounce_edge real[BOUNCE_EDGES_MAX];
	unsigned int n_real;
	/* Of the chip. */
	struct bounce_edge edges[BOUNCE_EDGES_MAX];
	unsigned int n_edges;
	struct bounce_want wants[BOUNCE_EDGES_MAX];
	unsigned int n_wants;
	/* LOST: how many; cycles that have to do with it. */
	uint32_t n_lost;
	bool lost_tail;	  /* nothing came after them */
	uint64_t lost_ns; /* the first edge behind them */
	unsigned int first_hurt, last_hurt;
};

/* splitmix64 */
static inline uint64_t bounce_random(struct bounce_trace *trace)
{
	uint64_t z = trace->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 to n - 1. */
static inline uint64_t bounce_below(struct bounce_trace *trace, uint64_t n)
{
	return bounce_random(trace) % n;
}

static inline bool bounce_one_in(struct bounce_trace *trace, unsigned int n)
{
	return bounce_below(trace, n) == 0;
}

static inline uint64_t bounce_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* A time of any magnitude from 100 us to 10 ms, which it does not reach. */
static inline uint64_t bounce_chatter(struct bounce_trace *trace)
{
	uint64_t ns = 100 * BOUNCE_US;

	while (ns < BOUNCE_CHATTER / 2 && !bounce_one_in(trace, 5))
		ns *= 2;
	ns += bounce_below(trace, ns);
	return ns < BOUNCE_CHATTER ? ns : BOUNCE_CHATTER - 1;
}

/* Pairs too short to be seen; of a movement, whose n is odd, one stays. */
static inline unsigned int bounce_vanish(struct bounce_trace *trace,
					 struct bounce_edge *edges,
					 unsigned int n)
{
	unsigned int i;

	while (n >= 2 && bounce_one_in(trace, 3)) {
		i = (unsigned int)bounce_below(trace, n - 1);
		memmove(&edges[i], &edges[i + 2], (n - i - 2) * sizeof(*edges));
		n -= 2;
	}
	return n;
}

/* Two interrupts and one event, which has the later level. */
static inline unsigned int bounce_merge(struct bounce_trace *trace,
					struct bounce_edge *edges,
					unsigned int n)
{
	unsigned int i;

	while (n >= 2 && bounce_one_in(trace, 3)) {
		i = (unsigned int)bounce_below(trace, n - 1);
		edges[i].level = edges[i + 1].level;
		if (bounce_one_in(trace, 2))
			edges[i].t_ns = edges[i + 1].t_ns;
		memmove(&edges[i + 1], &edges[i + 2],
			(n - i - 2) * sizeof(*edges));
		n--;
	}
	return n;
}

/* Returns how many of them the chip tells; the first is at ret_first. */
static inline unsigned int bounce_add(struct bounce_trace *trace,
				      struct bounce_edge *edges, unsigned int n,
				      struct bounce_edge **ret_first)
{
	memcpy(&trace->real[trace->n_real], edges, n * sizeof(*edges));
	trace->n_real += n;
	if (trace->how != BOUNCE_PLAIN) {
		n = bounce_vanish(trace, edges, n);
		n = bounce_merge(trace, edges, n);
	}
	*ret_first = &trace->edges[trace->n_edges];
	memcpy(*ret_first, edges, n * sizeof(*edges));
	trace->n_edges += n;
	return n;
}

static inline void bounce_wanted(struct bounce_trace *trace, uint64_t t_ns,
				 bool closed)
{
	trace->wants[trace->n_wants++] = (struct bounce_want){
		.t_ns = t_ns,
		.closed = closed,
		.cycle = trace->cycle,
	};
}

/*
 * The contact moves to level, and chatters. Returns when it has come to rest.
 */
static inline uint64_t bounce_move(struct bounce_trace *trace, uint64_t t_ns,
				   bool level, bool is_wanted)
{
	struct bounce_edge edges[BOUNCE_MOVE_EDGES_MAX], *first;
	unsigned int n = 1 + 2 * (unsigned int)bounce_below(trace, 8), i;
	uint64_t step = bounce_chatter(trace) / n, rest_ns = t_ns;

	for (i = 0; i < n; i++) {
		if (i)
			rest_ns += 1 + bounce_below(trace, step);
		edges[i] = (struct bounce_edge){
			.t_ns = rest_ns,
			.level = i % 2 ? !level : level,
			.cycle = trace->cycle,
		};
	}
	bounce_add(trace, edges, n, &first);
	if (is_wanted)
		bounce_wanted(trace, first->t_ns, level);
	return rest_ns;
}

/* To level and back at once. Returns when it is back. */
static inline uint64_t bounce_pulse(struct bounce_trace *trace, uint64_t t_ns,
				    bool level, bool is_wanted)
{
	uint64_t back_ns = t_ns + 1 + bounce_below(trace, 2 * BOUNCE_MS);
	struct bounce_edge edges[] = {
		{.t_ns = t_ns, .level = level, .cycle = trace->cycle},
		{.t_ns = back_ns, .level = !level, .cycle = trace->cycle},
	};
	struct bounce_edge *first;
	unsigned int n = bounce_add(trace, edges, 2, &first);

	/* Of one that was too short nobody knows. */
	if (n && is_wanted) {
		bounce_wanted(trace, first[0].t_ns, level);
		bounce_wanted(trace, first[n - 1].t_ns, !level);
	}
	return back_ns;
}

/* An edge that is late, or merged, puts the hold-off off. */
static inline uint64_t bounce_slack(const struct bounce_trace *trace)
{
	return trace->how == BOUNCE_PLAIN ? 0 : BOUNCE_CHATTER;
}

/* When what began at begin_ns, and rests since rest_ns, is settled. */
static inline uint64_t bounce_held(const struct bounce_trace *trace,
				   uint64_t begin_ns, uint64_t rest_ns)
{
	return bounce_max(begin_ns + BOUNCE_DEBOUNCE,
			  rest_ns + BOUNCE_CHATTER) +
	       bounce_slack(trace);
}

/* Mostly soon; perhaps at once. */
static inline uint64_t bounce_pause(struct bounce_trace *trace)
{
	if (bounce_one_in(trace, 4))
		return 0;
	return bounce_below(trace, bounce_one_in(trace, 3) ? 400 * BOUNCE_MS
							   : 40 * BOUNCE_MS);
}

static inline void bounce_cycle_eager(struct bounce_trace *trace)
{
	uint64_t begin_ns, rest_ns, held_ns, release_ns;

	while (bounce_one_in(trace, 4)) {
		begin_ns = trace->free_ns + bounce_pause(trace);
		rest_ns = bounce_pulse(trace, begin_ns, true, true);
		trace->free_ns = bounce_held(trace, begin_ns, rest_ns);
	}
	begin_ns = trace->free_ns + bounce_pause(trace);
	rest_ns = bounce_move(trace, begin_ns, true, true);
	held_ns = bounce_held(trace, begin_ns, rest_ns);
	/* A drop-out in the hold-off is a bounce. */
	if (bounce_one_in(trace, 3)) {
		rest_ns = bounce_pulse(trace, rest_ns + BOUNCE_CHATTER, false,
				       false);
		held_ns = bounce_held(trace, begin_ns, rest_ns);
	}
	release_ns = rest_ns + BOUNCE_CHATTER + bounce_pause(trace);
	/* A later one is one more opening and closing. */
	if (release_ns >= held_ns && bounce_one_in(trace, 3)) {
		rest_ns = bounce_pulse(trace, release_ns, false, true);
		held_ns = bounce_held(trace, release_ns, rest_ns);
		begin_ns = release_ns;
		release_ns = held_ns + bounce_pause(trace);
	}
	rest_ns = bounce_move(trace, release_ns, false, true);
	if (release_ns >= held_ns || trace->how != BOUNCE_PLAIN)
		begin_ns = release_ns;
	trace->free_ns = bounce_held(trace, begin_ns, rest_ns);
}

static inline void bounce_cycle_stable(struct bounce_trace *trace)
{
	bool is_long = !bounce_one_in(trace, 4);
	uint64_t rest_ns, t_ns;

	while (bounce_one_in(trace, 4)) {
		t_ns = trace->free_ns + bounce_pause(trace);
		trace->free_ns =
			bounce_pulse(trace, t_ns, true, false) + BOUNCE_CHATTER;
	}
	t_ns = trace->free_ns + bounce_pause(trace);
	rest_ns = bounce_move(trace, t_ns, true, is_long);
	while (is_long && bounce_one_in(trace, 3)) {
		t_ns = rest_ns + BOUNCE_CHATTER + bounce_pause(trace);
		rest_ns = bounce_pulse(trace, t_ns, false, false);
	}
	if (is_long)
		t_ns = rest_ns + BOUNCE_DEBOUNCE + bounce_pause(trace);
	else
		t_ns = rest_ns + bounce_below(trace, 35 * BOUNCE_MS) + 1;
	rest_ns = bounce_move(trace, t_ns, false, is_long);
	/* A whole rest is needed where the state may be wrong. */
	trace->free_ns = rest_ns + (is_long || trace->how == BOUNCE_LOST
					    ? BOUNCE_DEBOUNCE
					    : BOUNCE_CHATTER);
}

/* As a FIFO that runs over: a run of edges is gone. */
static inline void bounce_lose(struct bounce_trace *trace)
{
	unsigned int first = (unsigned int)bounce_below(trace, trace->n_edges);
	unsigned int n = 1 + (unsigned int)bounce_below(
				     trace, bounce_one_in(trace, 3) ? 60 : 8);
	unsigned int left = trace->n_edges - first;

	trace->lost_tail = n >= left;
	if (n > left)
		n = left;
	trace->n_lost = n;
	trace->first_hurt = trace->edges[first].cycle;
	trace->last_hurt =
		trace->lost_tail ? trace->cycle : trace->edges[first + n].cycle;
	memmove(&trace->edges[first], &trace->edges[first + n],
		(left - n) * sizeof(trace->edges[0]));
	trace->n_edges -= n;
	if (trace->lost_tail)
		return;
	trace->edges[first].lost = n;
	trace->lost_ns = trace->edges[first].t_ns;
}

/* As the pin does. */
static inline void bounce_mark(struct bounce_trace *trace)
{
	struct bounce_edge *edge;
	unsigned int i;

	for (i = 1; i < trace->n_edges; i++) {
		edge = &trace->edges[i];
		if (!edge->lost && edge->level == edge[-1].level)
			edge->flags = ISR_EVENT_FLAG_MERGED;
	}
}

static inline void bounce_make(struct bounce_trace *trace, uint64_t seed,
			       enum isr_switch_mode mode)
{
	unsigned int n_cycles;

	memset(trace, 0, sizeof(*trace));
	trace->random = seed;
	trace->mode = mode;
	trace->how = (enum bounce_how)(seed % BOUNCE_HOWS);
	trace->free_ns = 1000 * BOUNCE_MS;
	n_cycles = 2 + (unsigned int)bounce_below(trace, 7);
	for (trace->cycle = 0; trace->cycle < n_cycles; trace->cycle++) {
		if (mode == ISR_SWITCH_STABLE)
			bounce_cycle_stable(trace);
		else
			bounce_cycle_eager(trace);
		trace->n_presses++;
	}
	trace->end_ns = trace->free_ns + 1000 * BOUNCE_MS;
	if (trace->how == BOUNCE_LOST)
		bounce_lose(trace);
	bounce_mark(trace);
}

/*
 * How a trace is fed
 */

enum bounce_feeding {
	BOUNCE_EDGE_BY_EDGE,
	/* Silence is told in between, at any time at which it is true. */
	BOUNCE_WITH_SILENCE,
	/* The loop is blocked, for that long at a time. */
	BOUNCE_BLOCKED,
	BOUNCE_FEEDINGS
};

#define BOUNCE_BLOCK (200 * BOUNCE_MS)

/* Returns a negative errno, or 0. */
typedef int bounce_feed_cb(const struct isr_event *event);

static inline void bounce_feed_event(bounce_feed_cb *feed,
				     enum isr_event_kind kind, uint64_t t_ns,
				     uint32_t lost, uint8_t flags)
{
	const struct isr_event event = {
		.kind = (uint8_t)kind,
		.t_ns = t_ns,
		.lost = lost,
		.flags = flags,
	};

	if (feed(&event) < 0)
		ck_abort_msg("the device is not fed");
}

/* Any number of times up to the next edge. */
static inline void bounce_feed_silence(struct bounce_trace *trace,
				       bounce_feed_cb *feed, uint64_t since_ns,
				       uint64_t next_ns)
{
	while (bounce_one_in(trace, 2)) {
		if (bounce_one_in(trace, 4))
			since_ns = next_ns;
		else
			since_ns += bounce_below(trace, next_ns - since_ns + 1);
		bounce_feed_event(feed, ISR_EVENT_IDLE, since_ns, 0, 0);
	}
}

static inline void bounce_feed_edges(struct bounce_trace *trace,
				     bounce_feed_cb *feed,
				     enum bounce_feeding how)
{
	uint64_t wakes_ns = 0, next_ns;
	unsigned int i;

	for (i = 0; i < trace->n_edges; i++) {
		const struct bounce_edge *edge = &trace->edges[i];

		next_ns = i + 1 < trace->n_edges ? edge[1].t_ns : trace->end_ns;
		bounce_feed_event(feed,
				  edge->level ? ISR_EVENT_RISING
					      : ISR_EVENT_FALLING,
				  edge->t_ns, edge->lost, edge->flags);
		if (how == BOUNCE_WITH_SILENCE)
			bounce_feed_silence(trace, feed, edge->t_ns, next_ns);
		if (how != BOUNCE_BLOCKED)
			continue;
		if (edge->t_ns >= wakes_ns)
			wakes_ns = edge->t_ns + BOUNCE_BLOCK;
		if (next_ns >= wakes_ns)
			bounce_feed_event(feed, ISR_EVENT_IDLE, wakes_ns, 0, 0);
	}
}

/* All of it, and that nothing came for rest_ns. */
static inline void bounce_feed(struct bounce_trace *trace, bounce_feed_cb *feed,
			       enum bounce_feeding how, uint64_t rest_ns)
{
	bounce_feed_event(feed, ISR_EVENT_INITIAL, 1, 0, 0);
	bounce_feed_edges(trace, feed, how);
	if (trace->lost_tail) {
		bounce_feed_event(feed, ISR_EVENT_LOST, trace->end_ns,
				  trace->n_lost, 0);
		/* What the line is. */
		bounce_feed_event(feed, ISR_EVENT_INITIAL, trace->end_ns, 0, 0);
	}
	bounce_feed_event(feed, ISR_EVENT_IDLE, trace->end_ns + rest_ns, 0, 0);
}

#endif /* BOUNCE_H */
