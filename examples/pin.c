/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Print ten edges of a line: pin [CHIP [LINE]] */
#include <inttypes.h>
#include <stdio.h>

#include <isrloop.h>

static int on_edge(struct isr_source *pin, const struct isr_event *event,
		   void *arg)
{
	struct isr_loop *loop = arg;
	static int edges;

	/* What was read together with the tenth still comes. */
	if (edges == 10)
		return 0;
	printf("%" PRIu64 " %s, %" PRIu32 " lost before\n", event->t_ns,
	       event->value ? "rising" : "falling", event->lost);
	if (++edges == 10)
		isr_loop_stop(loop);
	return 0;
}

int main(int argc, char **argv)
{
	struct isr_pin_config config = {.sz = sizeof(config)};
	struct isr_error error = {0};
	struct isr_source *pin;
	struct isr_loop *loop;

	config.chip = argc > 1 ? argv[1] : "sim:";
	config.line = argc > 2 ? argv[2] : "BUTTON";
	if (isr_loop_new(NULL, &loop) < 0)
		return 1;
	if (isr_pin_open(loop, &config, on_edge, loop, &pin, &error) == 0)
		isr_loop_run(loop);
	else
		fprintf(stderr, "%s\n", error.message);
	isr_loop_free(loop);
	return error.code ? 1 : 0;
}
