/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Encoders that are turned at random, and of which edges get lost in all the
 * ways there are: the position is the true one, or the loss was told and the
 * position is not farther off than was said. Never does it drift silently.
 *
 * Between the shaft and the encoder is a channel that does what kernels do:
 *
 *   a gap     up to 12 edges running are lost, and the sequence has them
 *   a merge   one edge vanishes, and the sequence does not have it: the same
 *             edge comes twice
 *   a pair    two edges running vanish without a trace
 *   a report  the loss is told with no edge after it
 *   a pulse   the level is read after the stamp: both edges of a line that
 * moves twice have the kind of the second one
 *
 * What vanishes leaves evidence: in the edges that follow, or when the levels
 * are read. Where something else is lost in between, which hides the evidence
 * (MIXED), it may be off by a cycle more for each time.
 *
 * Each walk has a seed, the number of the walk; it is printed when the walk
 * fails, and ISR_TEST_SEED=N repeats that one alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "xt-encoder.h"

#define WALKS 60
#define STEPS 1000

/* What the channel does. */
enum { GAPS = 1, MERGES = 2, PAIRS = 4, REPORTS = 8, PULSES = 16, MIXED = 32 };

static struct walk {
	unsigned int seed;
	unsigned int losses; /* of the above */
	uint64_t state;
	int direction;
	/* Edges to lose, with and without a trace. */
	unsigned int to_lose, to_vanish;
	/* Those that the next edge tells. */
	uint32_t lost;
	/* Since the last audit. */
	unsigned int n_gaps, n_vanished, n_pulses;
	/* How far the position was off then. */
	int64_t error;
} walk;

static uint32_t draw(uint32_t n)
{
	walk.state ^= walk.state << 13;
	walk.state ^= walk.state >> 7;
	walk.state ^= walk.state << 17;
	return (uint32_t)(walk.state >> 32) % n;
}

static bool chance(uint32_t one_in)
{
	return draw(one_in) == 0;
}

#define walk_assert(condition, ...)                                       \
	do {                                                              \
		if (condition)                                            \
			break;                                            \
		printf("# seed %u, losses %u\n", walk.seed, walk.losses); \
		ck_abort_msg(__VA_ARGS__);                                \
	} while (0)

/* Something that leaves its evidence later; a gap would hide that. */
static bool may_mix(void)
{
	return (walk.losses & MIXED) || !(walk.n_vanished || walk.n_pulses);
}

static void begin_loss(void)
{
	if (!may_mix() || (walk.lost && !(walk.losses & MIXED)))
		return;
	if ((walk.losses & GAPS) && chance(40)) {
		walk.to_lose = 1 + draw(12);
		walk.n_gaps++;
	} else if ((walk.losses & MERGES) && chance(40)) {
		walk.to_vanish = 1;
	} else if ((walk.losses & PAIRS) && chance(40)) {
		walk.to_vanish = 2;
	}
}

static struct isr_event turn_somewhen(int direction)
{
	now_ns += draw(50) * US;
	return turn_unseen(direction);
}

/* Through the channel. */
static void send(struct isr_event edge)
{
	if (!walk.to_lose && !walk.to_vanish)
		begin_loss();
	if (walk.to_vanish) {
		walk.to_vanish--;
		walk.n_vanished++;
		return;
	}
	if (walk.to_lose) {
		walk.to_lose--;
		walk.lost++;
		return;
	}
	if (walk.lost && (walk.losses & REPORTS) && chance(2)) {
		struct isr_event report = make_event(ISR_EVENT_LOST, 0);

		report.lost = walk.lost;
		walk.lost = 0;
		feed_event(report);
	}
	edge.lost = walk.lost;
	walk.lost = 0;
	feed_event(edge);
}

static void step(int direction)
{
	send(turn_somewhen(direction));
}

/* There and back, or on, with the other line's edge in between. */
static void pulse(void)
{
	bool goes_on = chance(2);
	struct isr_event edges[3];
	int i, n = goes_on ? 3 : 2;

	for (i = 0; i < n; i++)
		edges[i] = turn_somewhen(goes_on || i ? walk.direction
						      : -walk.direction);
	edges[0].kind = edges[n - 1].kind;
	walk.n_pulses++;
	for (i = 0; i < n; i++) {
		now_ns = edges[i].t_ns;
		send(edges[i]);
	}
}

/* Forward or back, trembling; at a detent, where a contact bounces. */
static void move(void)
{
	unsigned int n;

	if (chance(12))
		walk.direction = -walk.direction;
	step(walk.direction);
	if ((walk.losses & PULSES) && chance(40) &&
	    (may_mix() || !walk.n_vanished))
		pulse();
	if (chance(10)) {
		step(-walk.direction);
		step(walk.direction);
	}
	if (shaft % 4 == 0 && chance(3))
		for (n = draw(6); n > 0; n--) {
			step(-walk.direction);
			step(walk.direction);
		}
}

static void audit(void)
{
	struct isr_encoder_stats stats;
	uint64_t bound;
	int64_t error;

	while (walk.to_lose || walk.to_vanish || walk.lost)
		step(walk.direction);
	feed_levels();
	stats = stats_now();
	error = stats.position - shaft;
	bound = stats.uncertain;
	if (walk.losses & MIXED)
		bound += 4 * (walk.n_vanished + walk.n_pulses);
	walk_assert((uint64_t)llabs(error - walk.error) <= bound,
		    "off by %" PRId64 ", told %" PRIu64, error - walk.error,
		    stats.uncertain);
	walk_assert(walk.n_gaps || walk.n_vanished || walk.n_pulses ||
			    stats.uncertain == 0,
		    "%" PRIu64 " uncertain, and nothing lost", stats.uncertain);
	walk_assert((error & 3) == 0, "not where the levels are");
	walk.error = error;
	walk.n_gaps = 0;
	walk.n_vanished = 0;
	walk.n_pulses = 0;
	xt_ok(isr_encoder_set_value(&encoder, 0));
}

static void walk_with(unsigned int seed, unsigned int losses)
{
	struct isr_encoder_config config = xt_encoder_config();
	unsigned int i;

	memset(&walk, 0, sizeof(walk));
	walk.seed = seed;
	walk.losses = losses;
	walk.state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	walk.direction = 1;
	config.cb = NULL;
	open_encoder(config);
	for (i = 0; i < STEPS; i++) {
		move();
		if (chance(100))
			audit();
	}
	audit();
	xt_ok(isr_encoder_close(&encoder));
}

START_TEST(walk_ends_where_the_shaft_is_or_tells_its_losses)
{
	const char *given = getenv("ISR_TEST_SEED");
	unsigned int seed;

	if (given) {
		walk_with((unsigned int)strtoul(given, NULL, 0),
			  (unsigned int)_i);
		return;
	}
	for (seed = 0; seed < WALKS; seed++)
		walk_with(seed, (unsigned int)_i);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encoder-walks");
	TCase *tc = xt_case(suite, "walks");

	tcase_set_timeout(tc, 600);
	tcase_add_checked_fixture(tc, xt_loop_setup, xt_loop_teardown);
	/* All subsets of what can be lost. */
	tcase_add_loop_test(tc,
			    walk_ends_where_the_shaft_is_or_tells_its_losses, 0,
			    2 * MIXED);
	return xt_main(suite);
}
