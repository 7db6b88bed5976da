/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Switches that close and open in real time, on the simulated chip or the
 * kernel's, each way of debouncing with clean contacts and with such that
 * bounce as fast as the chip takes it: so that a kernel merges their edges.
 * There is one closing and one opening of each real one, with a stamp of its
 * bounce, and all is as a switch without a pin decides on the same events.
 */
#include <stdio.h>
#include <stdlib.h>

#include "xt-gpio-sim.h"
#include "xt-late.h"

#define MS UINT64_C(1000000)
#define PRESSES 3
#define STEPS (2 * PRESSES)
/* From one step to the next. */
#define STEP_NS (250 * MS)
/* A busy machine makes of bounce something slow. */
#define DEBOUNCE_NS (100 * MS)
#define CHATTER_NS (50 * MS)
/* Times that a contact moves in a step when it bounces; odd. */
#define CHATTER 15
#define TOLD_MAX (2 * STEPS + 4)
#define RAW_MAX 512
#define PLAYERS_MAX 16

struct player {
	bool bounces;
	struct isr_switch sw;
	struct isr_switch_config config;
	struct xt_player played;
	struct xt_span spans[STEPS];
	/* Told live, and by one that is fed. */
	struct isr_switch_event told[2][RAW_MAX];
	unsigned int n_told[2];
};

static struct player players[PLAYERS_MAX];
static struct xt_move moves[PLAYERS_MAX * STEPS * CHATTER];
static struct xt_play play;

static void on_switch(struct isr_switch *sw,
		      const struct isr_switch_event *event, void *arg)
{
	struct player *p = arg;
	unsigned int fed = sw != &p->sw;

	ck_assert_uint_lt(p->n_told[fed], RAW_MAX);
	ck_assert_int_eq(isr_switch_is_closed(sw), event->closed);
	ck_assert_uint_ge(isr_now_ns(), event->t_first_ns);
	ck_assert_uint_ge(isr_now_ns(), event->t_settled_ns);
	p->told[fed][p->n_told[fed]++] = *event;
}

static struct isr_switch_config
config_of(unsigned int line, enum isr_reader reader, struct player *p)
{
	return (struct isr_switch_config){
		.sz = sizeof(struct isr_switch_config),
		.pin = xt_play_pin(line, reader),
		.debounce_ns = DEBOUNCE_NS,
		.chatter_ns = CHATTER_NS,
		.cb = on_switch,
		.arg = p,
		.raw_cb = xt_tape,
		.raw_arg = &p->played.tape,
	};
}

/* The chip's debouncing is the kernel's, and so is what it has decided. */
static bool is_filtered(const struct player *p)
{
	return p->config.chip_debounces;
}

/* A kernel that was too busy to see the last step tells nothing of it. */
static bool is_given_up(void)
{
	return isr_now_ns() > play.start_ns + 4 * STEPS * STEP_NS;
}

static bool is_done(void)
{
	unsigned int i;

	for (i = 0; i < cast.n_players; i++) {
		if (players[i].played.was_met ||
		    (is_filtered(&players[i]) && is_given_up()))
			continue;
		if (!xt_player_is_done(&players[i].played, &play, i))
			return false;
	}
	return true;
}

/*
 * What must be told
 */

/* Of padding nobody promises anything. */
static bool is_same(const struct isr_switch_event *a,
		    const struct isr_switch_event *b)
{
	return a->t_first_ns == b->t_first_ns &&
	       a->t_settled_ns == b->t_settled_ns && a->bounces == b->bounces &&
	       a->lost == b->lost && a->kind == b->kind &&
	       a->closed == b->closed && a->flags == b->flags;
}

static void feed_tape(struct player *p)
{
	struct isr_event event = {.kind = ISR_EVENT_INITIAL,
				  .t_ns = p->played.tape.start_ns};
	struct isr_switch_config config = p->config;
	struct isr_switch sw = {0};
	unsigned int i;

	config.pin.line = NULL;
	config.pin.chip = NULL;
	config.raw_cb = NULL;
	xt_ok(isr_switch_open(&sw, loop, &config, NULL));
	xt_ok(isr_switch_feed(&sw, &event));
	for (i = 0; i < p->played.tape.n; i++)
		xt_ok(isr_switch_feed(&sw, &p->played.tape.events[i]));
	event.kind = ISR_EVENT_IDLE;
	event.t_ns = isr_now_ns();
	xt_ok(isr_switch_feed(&sw, &event));
	xt_ok(isr_switch_close(&sw));
}

static void assert_as_fed(struct player *p)
{
	unsigned int i;

	p->n_told[1] = 0;
	feed_tape(p);
	for (i = 0; i < p->n_told[0] && i < p->n_told[1]; i++)
		ck_assert_msg(is_same(&p->told[0][i], &p->told[1][i]),
			      "line %ld: event %u is another one when it is "
			      "fed",
			      (long)(p - players), i);
	ck_assert_msg(p->n_told[0] == p->n_told[1],
		      "line %ld: %u events, fed %u", (long)(p - players),
		      p->n_told[0], p->n_told[1]);
}

/* One movement, and a rest behind it. */
static bool is_span_met(const struct player *p, unsigned int step)
{
	const struct xt_span *span = &p->spans[step];

	return span->end_ns - span->begin_ns < CHATTER_NS &&
	       (step == 0 || span->begin_ns - span[-1].end_ns > DEBOUNCE_NS);
}

/* The first steps, which were all there are. */
static bool is_met(struct player *p, unsigned int n_steps)
{
	unsigned int step, event = 0;

	for (step = 0; step < n_steps; step++) {
		p->spans[step] = xt_play_get_span(
			&play, (unsigned int)(p - players), step);
		if (!is_span_met(p, step) ||
		    (!is_filtered(p) &&
		     !xt_tape_tells(&p->played.tape, &p->spans[step],
				    !(step & 1), &event)))
			return false;
	}
	return is_filtered(p) ? p->played.tape.n == n_steps
			      : event == p->played.tape.n;
}

/* Each edge is an event. */
static void assert_as_taped(const struct player *p)
{
	unsigned int i;

	ck_assert_uint_eq(p->n_told[0], p->played.tape.n);
	for (i = 0; i < p->played.tape.n; i++) {
		const struct isr_switch_event *event = &p->told[0][i];

		ck_assert_uint_eq(event->t_first_ns,
				  p->played.tape.events[i].t_ns);
		ck_assert_int_eq(event->kind == ISR_SWITCH_CLOSED,
				 p->played.tape.events[i].kind ==
					 ISR_EVENT_RISING);
		if (is_filtered(p)) {
			ck_assert_uint_eq(event->t_settled_ns,
					  event->t_first_ns);
			ck_assert_uint_ne(
				event->flags & ISR_EVENT_FLAG_DEBOUNCED, 0);
		}
	}
}

/* One for one, each with a stamp of its own bounce. */
static void assert_debounced(const struct player *p)
{
	unsigned int i, step = 0;

	for (i = 0; i < p->n_told[0]; i++) {
		const struct isr_switch_event *event = &p->told[0][i];

		if (event->kind == ISR_SWITCH_SETTLED)
			continue;
		ck_assert_uint_lt(step, STEPS);
		ck_assert_int_eq(event->closed, !(step & 1));
		ck_assert_uint_ge(event->t_first_ns, p->spans[step].begin_ns);
		/* The kernel's stamp is of when it was sure. */
		ck_assert(is_filtered(p) ||
			  event->t_first_ns <= p->spans[step].end_ns);
		step++;
	}
	ck_assert_uint_eq(step, STEPS);
	ck_assert_uint_eq(p->n_told[0], p->config.mode == ISR_SWITCH_EAGER
						? 2 * STEPS
						: STEPS);
}

static bool look_at(unsigned int line)
{
	struct player *p = &players[line];

	xt_ok(isr_switch_close(&p->sw));
	if (xt_was_late(&p->played.tape))
		return false;
	assert_as_fed(p);
	if (p->config.mode == ISR_SWITCH_RAW || is_filtered(p))
		assert_as_taped(p);
	if (!is_met(p, STEPS))
		return false;
	if (p->config.mode != ISR_SWITCH_RAW)
		assert_debounced(p);
	return true;
}

static void open_player(unsigned int line)
{
	struct player *p = &players[line];

	p->n_told[0] = 0;
	xt_ok(isr_switch_open(&p->sw, loop, &p->config, NULL));
	xt_tape_start(&p->played.tape);
}

static void add_steps(unsigned int line)
{
	unsigned int step;

	for (step = 0; step < STEPS; step++)
		xt_play_add_step(&play, line, step, step * STEP_NS,
				 players[line].bounces ? CHATTER : 1);
}

/* Of each mode, clean and bouncing, both readers; see is_filtered() as well. */
static void add_players(void)
{
	unsigned int i;

	cast = (struct xt_cast){
		.n_players = PLAYERS_MAX,
		.open = open_player,
		.add_steps = add_steps,
		.look_at = look_at,
	};
	for (i = 0; i < PLAYERS_MAX; i++) {
		struct player *p = &players[i];

		memset(p, 0, sizeof(*p));
		p->played.contact = &p->sw;
		cast.players[i] = &p->played;
		p->bounces = i & 1;
		p->config = config_of(
			i, i & 2 ? ISR_READER_LOOP : ISR_READER_THREAD, p);
		switch (i >> 2) {
		case 0:
			p->config.mode = ISR_SWITCH_EAGER;
			break;
		case 1:
			p->config.mode = ISR_SWITCH_STABLE;
			break;
		case 2:
			p->config.mode = ISR_SWITCH_STABLE;
			p->config.chip_debounces = true;
			break;
		default:
			p->config.mode = ISR_SWITCH_RAW;
			break;
		}
	}
}

static void setup(void)
{
	xt_play_setup(PLAYERS_MAX);
	add_players();
}

static const uint64_t blocks_ns[] = {150 * MS, 650 * MS, 1150 * MS, 0};

START_TEST(one_change_is_told_of_each)
{
	unsigned int tries;

	play = (struct xt_play){
		.moves = moves,
		.block_at_ns = _i ? blocks_ns : NULL,
		.is_done = is_done,
	};
	tries = xt_cast_play(&cast, &play);
	printf("# loop %s: %u tries, %u edges marked merged, %u lines told late\n",
	       _i ? "is blocked" : "runs", tries, xt_cast_count_merged(&cast),
	       n_late);
}
END_TEST

/*
 * Without a script
 */

static struct player *const only = &players[0];

static bool is_moved(void)
{
	return true;
}

static bool is_only_done(void)
{
	cast.n_players = 1;
	return is_done();
}

/* Closes and opens. */
static void press_only(bool (*until)(void))
{
	play = (struct xt_play){.moves = moves, .is_done = until};
	xt_play_add_step(&play, 0, 0, 0, 1);
	/* Pressed for longer than the first move can be late. */
	xt_play_add_step(&play, 0, 1, 4 * STEP_NS, 1);
	xt_play(&play);
}

static void play_masked(enum isr_reader reader)
{
	struct isr_source *source;
	struct xt_play rest = {.is_done = is_only_done};

	add_players();
	only->config.pin.reader = reader;
	open_player(0);
	source = isr_switch_get_source(&only->sw);
	xt_ok(isr_source_mask(source));
	press_only(is_moved);
	ck_assert_uint_eq(only->n_told[0], 0);
	xt_ok(isr_source_unmask(source));
	xt_play(&rest);
	xt_ok(isr_switch_close(&only->sw));
}

START_TEST(masked_switch_is_told_when_it_may_be)
{
	unsigned int tries = 0;

	do {
		ck_assert_uint_lt(tries++, XT_PLAY_TRIES);
		play_masked(_i ? ISR_READER_LOOP : ISR_READER_THREAD);
	} while (xt_was_late(&only->played.tape) || !is_met(only, 2));

	ck_assert_uint_eq(only->n_told[0], 4);
	assert_as_fed(only);
}
END_TEST

static bool wanted;

static bool is_as_wanted(void)
{
	return isr_switch_is_closed(&only->sw) == wanted;
}

/* Nobody's edges: the line is looked at. */
START_TEST(polled_switch_sees_what_lasts)
{
	struct xt_play until = {.is_done = is_as_wanted};
	uint64_t begin_ns;
	unsigned int i;

	add_players();
	only->config.mode = ISR_SWITCH_POLLED;
	open_player(0);
	for (i = 0; i < 6; i++) {
		wanted = !(i & 1);
		begin_ns = isr_now_ns();
		xt_play_set(0, wanted);
		xt_play(&until);
		ck_assert_uint_ge(only->told[0][only->n_told[0] - 1].t_first_ns,
				  begin_ns);
	}

	ck_assert_uint_eq(only->played.tape.n, 0);
	for (i = 0; i + 1 < only->n_told[0]; i++)
		ck_assert_uint_ge(only->told[0][i + 1].t_first_ns,
				  only->told[0][i].t_first_ns);
	xt_ok(isr_switch_close(&only->sw));
}
END_TEST

static unsigned int ticks;
/* At the first of them. */
static struct isr_loop_stats before;

static bool is_gone(void)
{
	struct isr_switch_stats stats;

	xt_ok(isr_switch_get_stats(&only->sw, &stats));
	return stats.error != 0;
}

static bool is_tenth(void)
{
	if (ticks++ == 0)
		xt_ok(isr_loop_get_stats(loop, &before));
	return ticks > 10;
}

/* In the middle of a press, while it holds off. */
START_TEST(unplugged_switch_is_told_and_left_alone)
{
	struct xt_play closed = {.is_done = is_as_wanted};
	struct xt_play gone = {.is_done = is_gone};
	struct xt_play rest = {.is_done = is_tenth};
	struct isr_loop_stats after;

	add_players();
	only->config.pin.reader = _i ? ISR_READER_LOOP : ISR_READER_THREAD;
	only->config.debounce_ns = 3600 * 1000 * MS;
	open_player(0);
	wanted = true;
	xt_play_set(0, 1);
	xt_play(&closed);
	xt_play_unplug();
	xt_play(&gone);

	/* The loop has nothing to do but to look at its clock. */
	xt_play(&rest);
	xt_ok(isr_loop_get_stats(loop, &after));
	ck_assert_uint_le(after.passes - before.passes, 5 * ticks);
	ck_assert_uint_eq(only->n_told[0], 1);
	ck_assert_int_eq(isr_switch_is_closed(&only->sw), 1);
	xt_ok(isr_switch_close(&only->sw));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("play-switches");
	TCase *tc = xt_case(suite, "switches");

	tcase_add_checked_fixture(tc, setup, xt_play_teardown);
	tcase_set_timeout(tc, 240);
	tcase_add_loop_test(tc, one_change_is_told_of_each, 0, 2);
	tcase_add_loop_test(tc, masked_switch_is_told_when_it_may_be, 0, 2);
	tcase_add_test(tc, polled_switch_sees_what_lasts);
	if (xt_gpio_sim_is_asked_for())
		tcase_add_loop_test(tc, unplugged_switch_is_told_and_left_alone,
				    0, 2);
	return xt_main(suite);
}
