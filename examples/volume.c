/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A handler fills a buffer that was there before it runs, and hands it on.
 * Nothing is allocated for that: a latch has its memory from the caller, and
 * whoever reads it never sees half a message.
 *
 * usage: volume [STEPS]
 */
#include <stdio.h>
#include <stdlib.h>

#include <isrloop.h>

#define MESSAGE_BYTES 3

struct app {
	struct isr_loop *loop;
	struct isr_latch latest;
	unsigned char slots[3 * MESSAGE_BYTES];
	unsigned int volume; /* the handler's */
	int steps_left;	     /* the loop's */
};

/*
 * In ISR context. A static buffer would do for one handler, but two that
 * interrupt each other would write the same bytes: so it is automatic.
 */
static int set_volume(struct isr_source *timer, const struct isr_event *event,
		      void *arg)
{
	struct app *app = arg;
	unsigned char message[MESSAGE_BYTES];

	app->volume += 16;
	message[0] = 0xa5;
	message[1] = (unsigned char)(app->volume >> 4);
	message[2] = 0x5a;
	return isr_latch_store(&app->latest, message);
}

/* On the loop: printing is legal here. */
static void send_volume(struct isr_flag *updated, uint32_t count, void *arg)
{
	struct app *app = arg;
	unsigned char message[MESSAGE_BYTES];

	if (!app->steps_left ||
	    isr_latch_load(&app->latest, message, NULL) != 1)
		return;
	printf("%02x %02x %02x\n", message[0], message[1], message[2]);
	if (--app->steps_left == 0)
		isr_loop_stop(app->loop);
}

int main(int argc, char **argv)
{
	const struct isr_source_options options = {.hard = true};
	static struct app app;
	struct isr_source *timer;
	int r;

	app.steps_left = argc > 1 ? atoi(argv[1]) : 5;
	if (isr_loop_new(NULL, &app.loop) < 0)
		return 1;
	r = isr_latch_init(&app.latest, app.loop, app.slots, MESSAGE_BYTES);
	if (r == 0)
		r = isr_flag_set_cb(&app.latest.updated, send_volume, &app);
	if (r == 0)
		r = isr_timer_open(app.loop, 1000000, 10000000, &options,
				   set_volume, &app, &timer);
	if (r == 0)
		r = isr_loop_run(app.loop);
	isr_loop_free(app.loop);
	return r ? 1 : 0;
}
