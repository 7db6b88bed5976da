/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A position in one word, and a flag: the handlers of two lines keep the one
 * and set the other; what the program does about it (draw, print, start
 * something) happens on the loop, where everything is legal.
 *
 * Both handlers run in the same IRQ thread, so they never run at the same
 * time, and each line's level is known from its last edge. A program that only
 * wants to know where a knob is needs none of this: see encoder.c.
 *
 * usage: position [CHIP [LINE-A LINE-B [MOVES]]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <isrloop.h>

struct encoder {
	struct isr_loop *loop;
	struct isr_word position;
	struct isr_flag moved;
	int level[2]; /* the handlers' */
	int64_t shown;
	int moves_left; /* the loop's */
};

/* What each handler gets: which of the two lines it is. */
struct phase {
	struct encoder *encoder;
	int index;
};

static int on_edge(struct isr_source *pin, const struct isr_event *event,
		   void *arg)
{
	const struct phase *phase = arg;
	struct encoder *encoder = phase->encoder;
	int other;

	/* A level that is the same again is no step: its edge was undone. */
	if (encoder->level[phase->index] == event->value)
		return 0;
	encoder->level[phase->index] = event->value;
	other = encoder->level[!phase->index];

	isr_word_add(&encoder->position,
		     (event->value ^ other ^ phase->index) ? 1 : -1);
	isr_flag_set(&encoder->moved);
	return 0;
}

static void show(struct isr_flag *moved, uint32_t count, void *arg)
{
	struct encoder *encoder = arg;
	int64_t position = isr_word_load(&encoder->position);

	if (position == encoder->shown || !encoder->moves_left)
		return;
	encoder->shown = position;
	printf("%" PRId64 "\n", position);
	if (--encoder->moves_left == 0)
		isr_loop_stop(encoder->loop);
}

static int open_line(struct phase *phase, const char *chip, const char *line)
{
	struct isr_pin_config config = {
		.sz = sizeof(config),
		.source.hard = true,
		.chip = chip,
		.line = line,
	};
	struct isr_error error;
	struct isr_source *pin;
	int r;

	r = isr_pin_open(phase->encoder->loop, &config, on_edge, phase, &pin,
			 &error);
	if (r < 0)
		fprintf(stderr, "%s\n", error.message);
	return r;
}

int main(int argc, char **argv)
{
	struct encoder encoder = {.moves_left = 12};
	struct phase a = {&encoder, 0}, b = {&encoder, 1};
	const char *chip = argc > 1 ? argv[1] : "sim:";
	int r;

	if (argc > 4)
		encoder.moves_left = atoi(argv[4]);
	if (isr_loop_new(NULL, &encoder.loop) < 0)
		return 1;
	r = isr_flag_init(&encoder.moved, encoder.loop, ISR_FLAG_AUTO);
	if (r == 0)
		r = isr_flag_set_cb(&encoder.moved, show, &encoder);
	if (r == 0)
		r = open_line(&a, chip, argc > 3 ? argv[2] : "ENC_A");
	if (r == 0)
		r = open_line(&b, chip, argc > 3 ? argv[3] : "ENC_B");
	if (r == 0)
		r = isr_loop_run(encoder.loop);
	isr_loop_free(encoder.loop);
	return r ? 1 : 0;
}
