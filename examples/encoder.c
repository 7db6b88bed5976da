/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A volume knob that goes from 0 to 12, one a detent. It cannot be turned past
 * its ends: what is turned back from there counts at once. When it is let go,
 * that is told as well: the time to save a setting.
 *
 * usage: encoder [CHIP [LINE-A LINE-B]]
 */
#include <inttypes.h>
#include <stdio.h>

#include <isrloop.h>

static void on_turn(struct isr_encoder *knob,
		    const struct isr_encoder_event *event, void *arg)
{
	static int changes;

	if (!event->delta && !event->velocity && !event->lost &&
	    !(event->flags & ISR_EVENT_FLAG_MERGED)) {
		printf("rests at %" PRId64 "\n", event->value);
		return;
	}
	printf("%" PRId64 ", %+.0f a second", event->value, event->velocity);
	if (event->lost)
		printf(", lost %" PRIu32 " edges, off by %" PRIu32
		       " quarter steps at most",
		       event->lost, event->uncertain);
	printf("\n");
	if (++changes < 24)
		return;
	isr_loop_stop(arg);
	isr_encoder_close(knob);
}

int main(int argc, char **argv)
{
	struct isr_encoder_config config = {.sz = sizeof(config)};
	static struct isr_encoder knob;
	struct isr_error error = {0};
	struct isr_loop *loop;

	config.pin.sz = sizeof(config.pin);
	config.pin.chip = argc > 1 ? argv[1] : "sim:";
	config.pin.line = argc > 2 ? argv[2] : "ENC_A";
	config.line_b = argc > 3 ? argv[3] : "ENC_B";
	/* Its contacts connect the lines to ground. */
	config.pin.bias = ISR_BIAS_PULL_UP;
	config.divider = 4; /* edges a detent */
	config.max = 12;
	config.tell_stop = true;
	config.cb = on_turn;
	if (isr_loop_new(NULL, &loop) < 0)
		return 1;
	config.arg = loop;
	if (isr_encoder_open(&knob, loop, &config, &error) == 0)
		isr_loop_run(loop);
	else
		fprintf(stderr, "%s\n", error.message);
	isr_loop_free(loop);
	return error.code ? 1 : 0;
}
