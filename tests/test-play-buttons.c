/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Buttons pressed in real time, on the simulated chip or the kernel's: the
 * golden vectors, all at once, with a loop that is in time and with one that is
 * blocked for 200 ms again and again, of contacts that are clean and of such
 * that bounce as fast as the chip takes it.
 *
 * What a button tells is compared with what a button without a pin makes of
 * what the line told: exactly. And with the table: exactly by the line's
 * stamps when the contact is clean; of one that bounces a change is as long as
 * its bounce. That the presses were those of the script is asked of the stamps
 * as well; when the machine was too busy for it, they are made again.
 */
#include "xt-button.h"
#include "xt-late.h"

#define TOLD_MAX 128
#define PLAYERS_MAX 20
#define STEPS_MAX 4
/* Times that a contact moves when it closes, or opens; odd. */
#define CHATTER 9
/* A busy machine makes of bounce something slow; not of a glitch, which has to
 * be something else than bounce: that is as by default.
 */
#define CHATTER_NS (40 * MS)
#define CHATTER_OF_GLITCH_NS (10 * MS)

struct told {
	unsigned int n;
	struct isr_button_event events[TOLD_MAX];
};

/* A vector's column, on a line of its own. */
struct player {
	const struct xt_vector *vector;
	unsigned int column;
	struct isr_button button;
	struct isr_button_config config;
	struct xt_player played;
	struct told told, fed;
	struct xt_span spans[STEPS_MAX];
};

static struct player players[PLAYERS_MAX];
static struct xt_move moves[STEPS_MAX * CHATTER * PLAYERS_MAX];
static struct xt_play play;
static bool bounces;

static void on_told(struct isr_button *button,
		    const struct isr_button_event *event, void *arg)
{
	struct told *told = arg;

	ck_assert_uint_lt(told->n, TOLD_MAX);
	ck_assert_uint_ge(isr_now_ns(), event->t_ns);
	told->events[told->n++] = *event;
}

static void add_player(const struct xt_vector *vector, unsigned int column,
		       enum isr_reader reader)
{
	struct player *p = &players[cast.n_players];

	memset(p, 0, sizeof(*p));
	p->played.contact = &p->button.contact;
	p->vector = vector;
	p->column = column;
	p->config = (struct isr_button_config){
		.sz = sizeof(p->config),
		.contact.sz = sizeof(p->config.contact),
		.contact.pin = xt_play_pin(cast.n_players, reader),
		.contact.raw_cb = xt_tape,
		.contact.raw_arg = &p->played.tape,
		.cb = on_told,
		.arg = &p->told,
	};
	p->config.contact.chatter_ns = vector->script[0] * MS > CHATTER_NS
					       ? CHATTER_NS
					       : CHATTER_OF_GLITCH_NS;
	xt_set_column(&p->config, column);
	cast.players[cast.n_players++] = &p->played;
}

/* Both readers at once, the other way round in the other test. */
static void add_players(unsigned int turn)
{
	unsigned int i, column;

	cast.n_players = 0;
	for (i = 0; i < XT_VECTORS; i++)
		for (column = 0; column < XT_COLUMNS; column++)
			if (xt_vectors[i].told[column])
				add_player(&xt_vectors[i], column,
					   (cast.n_players + turn) & 1
						   ? ISR_READER_LOOP
						   : ISR_READER_THREAD);
}

/*
 * The script
 */

/* Of the script's edge number i; false: there is none. */
static bool get_time_ms(const struct xt_vector *vector, unsigned int i,
			unsigned int *ret_ms)
{
	unsigned int k;

	*ret_ms = 0;
	for (k = 0; k < i; k++) {
		if (!vector->script[k])
			return false;
		*ret_ms += vector->script[k];
	}
	return true;
}

static void add_steps(unsigned int line)
{
	unsigned int k, ms;

	for (k = 0; get_time_ms(players[line].vector, k, &ms); k++)
		xt_play_add_step(&play, line, k, ms * MS,
				 bounces ? CHATTER : 1);
}

static bool is_done(void)
{
	unsigned int i;

	for (i = 0; i < cast.n_players; i++)
		if (!players[i].played.was_met &&
		    !xt_player_is_done(&players[i].played, &play, i))
			return false;
	return true;
}

/* Not too early, nor too late, and one movement for who debounces. */
static bool is_span_met(const struct player *p, unsigned int step,
			unsigned int ms)
{
	const struct xt_span *first = &p->spans[0], *span = &p->spans[step];
	int64_t off_ns = (int64_t)(span->begin_ns - first->begin_ns - ms * MS);
	uint64_t chatter_ns = p->config.contact.chatter_ns;

	return llabs(off_ns) <= (int64_t)(TOLERANCE_MS * MS) &&
	       span->end_ns - span->begin_ns < chatter_ns &&
	       (step == 0 || span->begin_ns - span[-1].end_ns >= chatter_ns);
}

static bool is_met(struct player *p)
{
	unsigned int step, ms, event = 0;

	for (step = 0; get_time_ms(p->vector, step, &ms); step++) {
		ck_assert_uint_lt(step, STEPS_MAX);
		p->spans[step] = xt_play_get_span(
			&play, (unsigned int)(p - players), step);
		if (!is_span_met(p, step, ms) ||
		    !xt_tape_tells(&p->played.tape, &p->spans[step],
				   !(step & 1), &event))
			return false;
	}
	return event == p->played.tape.n;
}

/*
 * What must be told
 */

static const char *name_of(const struct player *p, char *text, size_t size)
{
	snprintf(text, size, "%s, column %u, %s", p->vector->name, p->column,
		 p->config.contact.pin.reader == ISR_READER_LOOP ? "loop"
								 : "thread");
	return text;
}

/* What the table says to be at ms is an edge of that time, or a deadline. */
static bool is_at(const struct player *p, uint64_t t_ns, unsigned int wanted_ms)
{
	const struct xt_span *span = &p->spans[0];
	uint64_t later_ns = wanted_ms * MS;
	unsigned int i, ms;

	for (i = 0; get_time_ms(p->vector, i, &ms); i++)
		if (ms == wanted_ms) {
			span = &p->spans[i];
			later_ns = 0;
		}
	if (!bounces)
		return t_ns ==
		       p->played.tape.events[span - p->spans].t_ns + later_ns;
	return t_ns >= span->begin_ns + later_ns &&
	       t_ns <= span->end_ns + later_ns;
}

static enum isr_button_kind kind_of(char c)
{
	static const char names[] = "?PRxLr";

	return (enum isr_button_kind)(strchr(names, c) - names);
}

static bool is_event(const struct player *p, unsigned int i, char kind,
		     unsigned int t_ms, unsigned int first_ms)
{
	const struct isr_button_event *event = &p->told.events[i];

	return i < p->told.n && event->kind == kind_of(kind) &&
	       is_at(p, event->t_ns, t_ms) &&
	       is_at(p, event->t_first_ns, first_ms);
}

static void assert_table(const struct player *p)
{
	const char *text = p->vector->told[p->column];
	unsigned int i, t_ms, first_ms;
	char kind[4], name[64];
	int n;

	for (i = 0; *text; i++, text += n) {
		ck_assert_int_eq(sscanf(text, " %3[^:]:%u/%u%n", kind, &t_ms,
					&first_ms, &n),
				 3);
		ck_assert_msg(is_event(p, i, kind[0], t_ms, first_ms),
			      "%s: event %u is not %s",
			      name_of(p, name, sizeof(name)), i, text);
	}
	ck_assert_uint_eq(i, p->told.n);
}

/* The same without a pin, from the tape. */
static void feed_tape(struct player *p)
{
	struct isr_event event = {.kind = ISR_EVENT_INITIAL,
				  .t_ns = p->played.tape.start_ns};
	struct isr_button_config config = p->config;
	struct isr_button button = {0};
	unsigned int i;

	config.contact.pin.line = NULL;
	config.contact.pin.chip = NULL;
	config.contact.raw_cb = NULL;
	config.arg = &p->fed;
	p->fed.n = 0;
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	xt_ok(isr_button_feed(&button, &event));
	for (i = 0; i < p->played.tape.n; i++)
		xt_ok(isr_button_feed(&button, &p->played.tape.events[i]));
	event.kind = ISR_EVENT_IDLE;
	event.t_ns = isr_now_ns();
	xt_ok(isr_button_feed(&button, &event));
	xt_ok(isr_button_close(&button));
}

/* Of padding nobody promises anything. */
static bool is_same(const struct isr_button_event *a,
		    const struct isr_button_event *b)
{
	return a->t_ns == b->t_ns && a->t_first_ns == b->t_first_ns &&
	       a->t_settled_ns == b->t_settled_ns && a->bounces == b->bounces &&
	       a->clicks == b->clicks && a->repeats == b->repeats &&
	       a->lost == b->lost && a->kind == b->kind && a->flags == b->flags;
}

static void assert_as_fed(struct player *p)
{
	unsigned int i;
	char name[64];

	feed_tape(p);
	for (i = 0; i < p->told.n && i < p->fed.n; i++)
		ck_assert_msg(is_same(&p->told.events[i], &p->fed.events[i]),
			      "%s: event %u is another one when it is fed",
			      name_of(p, name, sizeof(name)), i);
	ck_assert_msg(p->told.n == p->fed.n, "%s: %u events, fed %u",
		      name_of(p, name, sizeof(name)), p->told.n, p->fed.n);
}

static void open_player(unsigned int line)
{
	struct player *p = &players[line];

	p->told.n = 0;
	xt_ok(isr_button_open(&p->button, loop, &p->config, NULL));
	xt_tape_start(&p->played.tape);
}

static bool look_at(unsigned int line)
{
	struct player *p = &players[line];

	xt_ok(isr_button_close(&p->button));
	if (xt_was_late(&p->played.tape))
		return false;
	assert_as_fed(p);
	if (!is_met(p))
		return false;
	assert_table(p);
	return true;
}

static uint64_t get_late_ns(void)
{
	uint64_t late_ns = 0;
	unsigned int i;

	for (i = 0; i < cast.n_players; i++)
		if (players[i].played.tape.late_ns > late_ns)
			late_ns = players[i].played.tape.late_ns;
	return late_ns;
}

static unsigned int count_columns(void)
{
	unsigned int i, column, n = 0;

	for (i = 0; i < XT_VECTORS; i++)
		for (column = 0; column < XT_COLUMNS; column++)
			n += xt_vectors[i].told[column] != NULL;
	return n;
}

static void setup(void)
{
	xt_play_setup(count_columns());
	cast = (struct xt_cast){
		.open = open_player,
		.add_steps = add_steps,
		.look_at = look_at,
	};
}

/* After each edge of the table one of these, and before what is due then. */
static const uint64_t blocks_ns[] = {10 * MS,	300 * MS,  900 * MS,
				     1900 * MS, 2150 * MS, 0};

/* Bit 0: the loop is blocked, bit 1: contacts bounce. */
START_TEST(vectors_hold_in_real_time)
{
	bool is_blocked = _i & 1;
	unsigned int tries;

	bounces = _i & 2;
	add_players(_i & 1);
	play = (struct xt_play){
		.moves = moves,
		.block_at_ns = is_blocked ? blocks_ns : NULL,
		.is_done = is_done,
	};
	tries = xt_cast_play(&cast, &play);

	printf("# contacts %s, loop %s: %u tries; the last edges up to %.1f ms "
	       "late, %u merged, %u told late\n",
	       bounces ? "bounce" : "are clean",
	       is_blocked ? "is blocked" : "runs", tries,
	       (double)get_late_ns() / 1e6, xt_cast_count_merged(&cast),
	       n_late);
	/* It was blocked, while there were edges. */
	if (is_blocked)
		ck_assert_uint_gt(get_late_ns(), XT_BLOCK_NS / 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("play-buttons");
	TCase *tc = xt_case(suite, "vectors");

	tcase_add_checked_fixture(tc, setup, xt_play_teardown);
	tcase_set_timeout(tc, 240);
	tcase_add_loop_test(tc, vectors_hold_in_real_time, 0, 4);
	return xt_main(suite);
}
