/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: what a simulated line does by itself.
 *
 * Edge i of cycle c is computed, not remembered: chance is a hash of seed,
 * cycle and edge, never a generator with a state. The edges of a cycle lie in
 * (0, cycle_ns] of it; a cycle begins with the levels that the one before
 * left, which for a toggling pattern depends on its number.
 */
#include "sim-pattern.h"

/* The output function of splitmix64. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15U;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
	return x ^ (x >> 31);
}

uint64_t isri_pattern_hash(uint64_t seed, uint64_t a, uint64_t b)
{
	return mix(mix(mix(seed) ^ a) ^ b);
}

/*
 * Square.
 */

static void square_edge(const struct isri_pattern *p, uint32_t i,
			struct isri_pattern_edge *ret_edge)
{
	ret_edge->t_ns = i == 0 ? p->cycle_ns - p->high_ns : p->cycle_ns;
	ret_edge->channel = 0;
	ret_edge->level = i == 0;
}

/*
 * Button. Salt 0 and 1 of a cycle's hash are the bounces of press and
 * release, what follows places them.
 */

static uint32_t num_bounces(const struct isri_pattern *p, uint64_t cycle,
			    bool press)
{
	if (p->bounces == 0)
		return 0;
	return 1 + isri_pattern_hash(p->seed, cycle, press) % p->bounces;
}

/* Press or release; each bounce is two edges more. */
static uint32_t contact_edges(const struct isri_pattern *p, uint64_t cycle,
			      bool press)
{
	return 1 + 2 * num_bounces(p, cycle, press);
}

/*
 * The contact changes at once, then bounces: each further edge has a slot of
 * bounce_ns for itself and falls anywhere in it, so they never cross.
 */
static uint64_t contact_ns(const struct isri_pattern *p, uint64_t cycle,
			   bool press, uint32_t i)
{
	uint64_t slot_ns, salt;

	if (i == 0)
		return 0;
	slot_ns = p->bounce_ns / (contact_edges(p, cycle, press) - 1);
	salt = 2 + 2 * (uint64_t)i + press;
	return (i - 1) * slot_ns + 1 +
	       isri_pattern_hash(p->seed, cycle, salt) % slot_ns;
}

static void button_edge(const struct isri_pattern *p, uint64_t cycle,
			uint32_t i, struct isri_pattern_edge *ret_edge)
{
	/* The last bounce of the release ends within the cycle. */
	uint64_t release_ns = p->cycle_ns - p->bounce_ns;
	uint32_t press_edges = contact_edges(p, cycle, true);
	bool press = i < press_edges;

	if (!press)
		i -= press_edges;
	ret_edge->t_ns = (press ? release_ns - p->high_ns : release_ns) +
			 contact_ns(p, cycle, press, i);
	ret_edge->channel = 0;
	ret_edge->level = press == (i % 2 == 0);
}

/*
 * Encoder: forth A leads B, back B leads A. A rest as long as what is left
 * of the half cycle is before each turn.
 */
static void encoder_edge(const struct isri_pattern *p, uint32_t i,
			 struct isri_pattern_edge *ret_edge)
{
	bool back = i >= p->edges;

	if (back)
		i -= p->edges;
	ret_edge->t_ns =
		(back ? p->cycle_ns / 2 : 0) + ((uint64_t)i + 1) * p->gap_ns;
	ret_edge->channel = (i % 2 == 0) == back;
	ret_edge->level = i % 4 < 2;
}

/* Burst: the last edge ends the cycle. */
static void burst_edge(const struct isri_pattern *p, uint64_t cycle, uint32_t i,
		       struct isri_pattern_edge *ret_edge)
{
	ret_edge->t_ns = p->cycle_ns - (p->edges - 1 - i) * p->gap_ns;
	ret_edge->channel = 0;
	ret_edge->level = (cycle * p->edges + i + 1) & 1;
}

static void random_edge(const struct isri_pattern *p, uint64_t cycle,
			struct isri_pattern_edge *ret_edge)
{
	ret_edge->t_ns = 1 + isri_pattern_hash(p->seed, cycle, 0) % p->cycle_ns;
	ret_edge->channel = 0;
	ret_edge->level = (cycle + 1) & 1;
}

static uint32_t num_edges(const struct isri_pattern *p, uint64_t cycle)
{
	switch (p->kind) {
	case ISRI_PATTERN_SQUARE:
		return 2;
	case ISRI_PATTERN_BUTTON:
		return contact_edges(p, cycle, true) +
		       contact_edges(p, cycle, false);
	case ISRI_PATTERN_ENCODER:
		return 2 * p->edges;
	case ISRI_PATTERN_BURST:
		return p->edges;
	case ISRI_PATTERN_RANDOM:
		break;
	}
	return 1;
}

static void edge_at(const struct isri_pattern *p, uint64_t cycle,
		    uint32_t index, struct isri_pattern_edge *ret_edge)
{
	switch (p->kind) {
	case ISRI_PATTERN_SQUARE:
		square_edge(p, index, ret_edge);
		break;
	case ISRI_PATTERN_BUTTON:
		button_edge(p, cycle, index, ret_edge);
		break;
	case ISRI_PATTERN_ENCODER:
		encoder_edge(p, index, ret_edge);
		break;
	case ISRI_PATTERN_BURST:
		burst_edge(p, cycle, index, ret_edge);
		break;
	case ISRI_PATTERN_RANDOM:
		random_edge(p, cycle, ret_edge);
		break;
	}
	ret_edge->t_ns += cycle * p->cycle_ns;
}

void isri_pattern_next(const struct isri_pattern *pattern,
		       struct isri_pattern_cursor *cursor,
		       struct isri_pattern_edge *ret_edge)
{
	edge_at(pattern, cursor->cycle, cursor->index, ret_edge);
	if (++cursor->index == num_edges(pattern, cursor->cycle)) {
		cursor->cycle++;
		cursor->index = 0;
	}
}

/*
 * Each channel's level just before an edge: that of its last edge. A whole
 * cycle has an edge of each channel, so two cycles are looked at at most.
 */
static void levels_before(const struct isri_pattern *p,
			  struct isri_pattern_cursor at,
			  uint8_t ret_levels[ISRI_PATTERN_CHANNELS])
{
	const unsigned int all = p->kind == ISRI_PATTERN_ENCODER ? 3 : 1;
	struct isri_pattern_edge edge;
	unsigned int found = 0;

	ret_levels[0] = 0;
	ret_levels[1] = 0;
	while (found != all && (at.index > 0 || at.cycle > 0)) {
		if (at.index == 0)
			at.index = num_edges(p, --at.cycle);
		edge_at(p, at.cycle, --at.index, &edge);
		if (!(found & (1U << edge.channel)))
			ret_levels[edge.channel] = edge.level;
		found |= 1U << edge.channel;
	}
}

void isri_pattern_seek(const struct isri_pattern *pattern, uint64_t t_ns,
		       struct isri_pattern_cursor *ret_cursor,
		       uint8_t ret_levels[ISRI_PATTERN_CHANNELS])
{
	uint64_t cycle = t_ns / pattern->cycle_ns;
	uint32_t first = 0;
	uint32_t end = num_edges(pattern, cycle);
	struct isri_pattern_edge edge;

	/* Bisect: edges before first are past, those from end on to come. */
	while (first < end) {
		uint32_t middle = first + (end - first) / 2;

		edge_at(pattern, cycle, middle, &edge);
		if (edge.t_ns > t_ns)
			end = middle;
		else
			first = middle + 1;
	}
	ret_cursor->cycle = cycle;
	ret_cursor->index = first;
	if (first == num_edges(pattern, cycle)) {
		ret_cursor->cycle++;
		ret_cursor->index = 0;
	}
	levels_before(pattern, *ret_cursor, ret_levels);
}
