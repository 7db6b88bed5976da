/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Helpers of the tests of devices in real time. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "switch.h"
#include "xt-gpio-sim.h"
#include "xt-play.h"

/* How often is_done() is asked, and a block may begin. */
#define TICK_NS UINT64_C(5000000)

static struct {
	bool is_real;
	bool is_unplugged;
	unsigned int n_lines;
	struct isr_chip *sim;
	char path[32];
	char spec[40];
	char names[XT_PLAY_LINES][12];
	int pull_fds[XT_PLAY_LINES];
} bench;

static void write_sim_file(void)
{
	unsigned int i;
	FILE *file;
	int fd;

	strcpy(bench.path, "xt-play-XXXXXX");
	fd = mkstemp(bench.path);
	ck_assert_int_ge(fd, 0);
	file = fdopen(fd, "w");
	ck_assert_ptr_nonnull(file);
	fputs("[chip]\nlabel = bench\n", file);
	for (i = 0; i < bench.n_lines; i++)
		fprintf(file, "[line %s]\npattern = idle\n", bench.names[i]);
	ck_assert_int_eq(fclose(file), 0);
	snprintf(bench.spec, sizeof(bench.spec), "sim:%s", bench.path);
	xt_ok(isr_chip_open(bench.spec, &bench.sim, NULL));
}

static void make_gpio_sim(void)
{
	const char *names[XT_PLAY_LINES];
	char path[PATH_MAX];
	unsigned int i;

	for (i = 0; i < bench.n_lines; i++)
		names[i] = bench.names[i];
	xt_gpio_sim_new("xt", "bench", names, bench.n_lines);
	xt_gpio_sim_get_name("xt", bench.spec, sizeof(bench.spec));
	for (i = 0; i < bench.n_lines; i++) {
		xt_gpio_sim_get_pull("xt", i, path);
		bench.pull_fds[i] = open(path, O_WRONLY | O_CLOEXEC);
		ck_assert_int_ge(bench.pull_fds[i], 0);
	}
}

void xt_play_setup(unsigned int n_lines)
{
	unsigned int i;

	ck_assert_uint_le(n_lines, XT_PLAY_LINES);
	xt_loop_setup();
	memset(&bench, 0, sizeof(bench));
	bench.is_real = xt_gpio_sim_is_asked_for();
	bench.n_lines = n_lines;
	for (i = 0; i < n_lines; i++)
		snprintf(bench.names[i], sizeof(bench.names[i]), "L%u", i);
	if (bench.is_real)
		make_gpio_sim();
	else
		write_sim_file();
}

static void close_pulls(void)
{
	unsigned int i;

	for (i = 0; i < bench.n_lines; i++)
		if (bench.pull_fds[i] > 0)
			close(bench.pull_fds[i]);
	memset(bench.pull_fds, 0, sizeof(bench.pull_fds));
}

void xt_play_teardown(void)
{
	xt_loop_teardown();
	if (bench.is_real) {
		close_pulls();
		/* Who frees a chip pulls it out. */
		if (bench.is_unplugged)
			xt_gpio_sim_plug("xt");
		xt_gpio_sim_free("xt");
	} else {
		isr_chip_unref(bench.sim);
		unlink(bench.path);
	}
}

bool xt_play_is_real(void)
{
	return bench.is_real;
}

struct isr_pin_config xt_play_pin(unsigned int line, enum isr_reader reader)
{
	return (struct isr_pin_config){
		.sz = sizeof(struct isr_pin_config),
		.chip = bench.spec,
		.line = bench.names[line],
		.reader = reader,
	};
}

void xt_play_set(unsigned int line, int level)
{
	const char *pull = level ? "pull-up" : "pull-down";

	if (bench.is_real)
		ck_assert_int_eq(
			pwrite(bench.pull_fds[line], pull, strlen(pull), 0),
			(int)strlen(pull));
	else
		xt_ok(isr_chip_sim_set(bench.sim, line, level, 0));
}

void xt_play_unplug(void)
{
	close_pulls();
	xt_gpio_sim_unplug("xt");
	bench.is_unplugged = true;
}

void xt_tape_start(struct xt_tape *tape)
{
	memset(tape, 0, sizeof(*tape));
	tape->start_ns = isr_now_ns();
}

int xt_tape(struct isr_source *source, const struct isr_event *event, void *arg)
{
	struct xt_tape *tape = arg;
	uint64_t now_ns = isr_now_ns();
	struct isr_event *copy;

	ck_assert_uint_lt(tape->n, XT_TAPE_EVENTS);
	copy = &tape->events[tape->n++];
	*copy = *event;
	copy->source = (uint16_t)(event->source - isr_source_get_id(source));
	tape->merged += (event->flags & ISR_EVENT_FLAG_MERGED) != 0;
	tape->lost += event->lost;
	if (now_ns > event->t_ns && now_ns - event->t_ns > tape->late_ns)
		tape->late_ns = now_ns - event->t_ns;
	return 0;
}

bool xt_tape_is_complete(const struct xt_tape *tape, const struct xt_play *play,
			 unsigned int line)
{
	unsigned int i;

	if (!atomic_load(&play->moved))
		return false;
	for (i = play->n_moves; i--;)
		if (play->moves[i].line == line)
			return tape->n && tape->events[tape->n - 1].t_ns >=
						  play->moves[i].before_ns;
	return true;
}

bool xt_tape_tells(const struct xt_tape *tape, const struct xt_span *span,
		   int level, unsigned int *event)
{
	unsigned int i, first = *event;

	for (i = first; i < tape->n && tape->events[i].t_ns >= span->begin_ns &&
			tape->events[i].t_ns <= span->end_ns;)
		i++;
	*event = i;
	return i > first &&
	       (tape->events[i - 1].kind == ISR_EVENT_RISING) == level;
}

void xt_play_add_step(struct xt_play *play, unsigned int line,
		      unsigned int step, uint64_t at_ns, unsigned int n_moves)
{
	unsigned int i;

	for (i = 0; i < n_moves; i++)
		play->moves[play->n_moves++] = (struct xt_move){
			.at_ns = at_ns,
			.line = line,
			.step = step,
			.turn = i,
			.level = !((step + i) & 1),
		};
}

struct xt_span xt_play_get_span(const struct xt_play *play, unsigned int line,
				unsigned int step)
{
	struct xt_span span = {.begin_ns = UINT64_MAX};
	unsigned int i;

	for (i = 0; i < play->n_moves; i++) {
		const struct xt_move *move = &play->moves[i];

		if (move->line != line || move->step != step)
			continue;
		if (move->before_ns < span.begin_ns)
			span.begin_ns = move->before_ns;
		if (move->after_ns > span.end_ns)
			span.end_ns = move->after_ns;
	}
	return span;
}

static int compare_moves(const void *a, const void *b)
{
	const struct xt_move *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->step != y->step)
		return x->step < y->step ? -1 : 1;
	return x->turn < y->turn ? -1 : x->turn > y->turn;
}

static void sleep_until(uint64_t t_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(t_ns / 1000000000),
		.tv_nsec = (long)(t_ns % 1000000000),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) != 0)
		continue;
}

static void *make_moves(void *arg)
{
	struct xt_play *play = arg;
	unsigned int i;

	for (i = 0; i < play->n_moves; i++) {
		struct xt_move *move = &play->moves[i];

		if (play->start_ns + move->at_ns > isr_now_ns())
			sleep_until(play->start_ns + move->at_ns);
		move->before_ns = isr_now_ns();
		xt_play_set(move->line, move->level);
		move->after_ns = isr_now_ns();
	}
	atomic_store(&play->moved, true);
	return NULL;
}

static int on_tick(struct isr_source *timer, const struct isr_event *event,
		   void *arg)
{
	struct xt_play *play = arg;

	if (play->block_at_ns && *play->block_at_ns &&
	    isr_now_ns() >= play->start_ns + *play->block_at_ns) {
		play->block_at_ns++;
		sleep_until(isr_now_ns() + XT_BLOCK_NS);
	}
	if (atomic_load(&play->moved) && play->is_done())
		isr_loop_stop(loop);
	return 0;
}

void xt_play(struct xt_play *play)
{
	struct isr_source *timer;
	pthread_t thread;

	if (play->n_moves)
		qsort(play->moves, play->n_moves, sizeof(play->moves[0]),
		      compare_moves);
	play->start_ns = isr_now_ns() + TICK_NS;
	atomic_store(&play->moved, false);
	xt_ok(isr_timer_open(loop, TICK_NS, TICK_NS, NULL, on_tick, play,
			     &timer));
	ck_assert_int_eq(pthread_create(&thread, NULL, make_moves, play), 0);
	xt_ok(isr_loop_run(loop));
	pthread_join(thread, NULL);
	xt_ok(isr_source_close(timer));
}

bool xt_player_is_done(const struct xt_player *player,
		       const struct xt_play *play, unsigned int line)
{
	const struct isri_device *device =
		isri_switch_get_device(player->contact);

	return xt_tape_is_complete(&player->tape, play, line) &&
	       device->ops->get_due_ns(device) == ISRI_DEVICE_NEVER;
}

/* Those that have not met their scripts; returns how many are left. */
static unsigned int play_all(const struct xt_cast *cast, struct xt_play *play)
{
	unsigned int i, left = 0;

	play->n_moves = 0;
	for (i = 0; i < cast->n_players; i++) {
		if (cast->players[i]->was_met)
			continue;
		cast->open(i);
		cast->add_steps(i);
	}
	xt_play(play);
	for (i = 0; i < cast->n_players; i++) {
		if (!cast->players[i]->was_met)
			cast->players[i]->was_met = cast->look_at(i);
		left += !cast->players[i]->was_met;
	}
	return left;
}

unsigned int xt_cast_play(const struct xt_cast *cast, struct xt_play *play)
{
	const uint64_t *block_at_ns = play->block_at_ns;
	unsigned int tries = 1;

	while (play_all(cast, play) > 0) {
		ck_assert_msg(++tries <= XT_PLAY_TRIES,
			      "the machine never met every script");
		play->block_at_ns = block_at_ns;
	}
	return tries;
}

unsigned int xt_cast_count_merged(const struct xt_cast *cast)
{
	unsigned int i, n = 0;

	for (i = 0; i < cast->n_players; i++)
		n += cast->players[i]->tape.merged;
	return n;
}
