/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Tell six things that a button does: button [CHIP [LINE]] */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <isrloop.h>

static const char *const names[] = {
	[ISR_BUTTON_PRESS] = "pressed",
	[ISR_BUTTON_RELEASE] = "released",
	[ISR_BUTTON_CLICKS] = "double click",
	[ISR_BUTTON_LONG] = "held for 1 s",
};

static void on_button(struct isr_button *button,
		      const struct isr_button_event *event, void *arg)
{
	struct isr_switch_stats contact;
	static int events;

	printf("%.6f %s\n", (double)event->t_ns / 1e9, names[event->kind]);
	if (++events < 6)
		return;
	if (isr_switch_get_stats(&button->contact, &contact) == 0)
		printf("%" PRIu64 " edges, %" PRIu64 " lost\n", contact.edges,
		       contact.lost);
	isr_loop_stop(arg);
	isr_button_close(button);
}

int main(int argc, char **argv)
{
	struct isr_button_config config = {.sz = sizeof(config)};
	static struct isr_button button;
	struct isr_error error = {0};
	struct isr_loop *loop;

	config.contact.sz = sizeof(config.contact);
	config.contact.pin.sz = sizeof(config.contact.pin);
	config.contact.pin.chip = argc > 1 ? argv[1] : "sim:";
	config.contact.pin.line = argc > 2 ? argv[2] : "BUTTON";
	/* A real one connects its line to ground; the simulated one does not.
	 */
	if (strncmp(config.contact.pin.chip, "sim:", 4) != 0) {
		config.contact.pin.active_low = true;
		config.contact.pin.bias = ISR_BIAS_PULL_UP;
	}
	config.cb = on_button;
	if (isr_loop_new(NULL, &loop) < 0)
		return 1;
	config.arg = loop;
	if (isr_button_open(&button, loop, &config, &error) == 0)
		isr_loop_run(loop);
	else
		fprintf(stderr, "%s\n", error.message);
	isr_loop_free(loop);
	return error.code ? 1 : 0;
}
