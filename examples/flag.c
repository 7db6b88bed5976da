/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The usual shape of a program: the handler services the device and sets a
 * flag; the flag's callback processes the data. The callback's count says how
 * often the device interrupted since the last time, so that a program that is
 * too slow knows; the latch says what came last.
 *
 * The device is a pipe here, that gives four bytes at a time.
 *
 * usage: flag [RECORDS]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <isrloop.h>

struct app {
	struct isr_loop *loop;
	int device;
	struct isr_latch data;
	unsigned char slots[3 * 4];
	unsigned int interrupts, records_left; /* the loop's */
};

/* In ISR context: read(2) into memory that is there is legal. */
static int on_ready(struct isr_source *fd, const struct isr_event *event,
		    void *arg)
{
	struct app *app = arg;
	unsigned char data[4];

	if (read(app->device, data, sizeof(data)) != sizeof(data))
		return isr_fail(-EIO, "the device gave no whole record");
	/* Sets the latch's flag as well. */
	return isr_latch_store(&app->data, data);
}

static void process(struct isr_flag *updated, uint32_t count, void *arg)
{
	struct app *app = arg;
	unsigned char data[4];

	app->interrupts += count;
	if (isr_latch_load(&app->data, data, NULL) == 1)
		printf("%.4s\n", (const char *)data);
	if (app->interrupts >= app->records_left)
		isr_loop_stop(app->loop);
}

/* The other end of the device. */
static int send_record(struct isr_source *timer, const struct isr_event *event,
		       void *arg)
{
	static unsigned int n;
	char text[8];

	snprintf(text, sizeof(text), "%04u", n++ % 10000);
	return write(*(int *)arg, text, 4) == 4 ? 0 : -EIO;
}

int main(int argc, char **argv)
{
	const struct isr_source_options options = {.name = "device",
						   .hard = true};
	struct app app = {.records_left =
				  argc > 1 ? (unsigned)atoi(argv[1]) : 5};
	struct isr_source *device, *sender;
	int fds[2], r;

	if (pipe(fds) < 0 || isr_loop_new(NULL, &app.loop) < 0)
		return 1;
	app.device = fds[0];
	r = isr_latch_init(&app.data, app.loop, app.slots, 4);
	if (r == 0)
		r = isr_flag_set_cb(&app.data.updated, process, &app);
	if (r == 0)
		r = isr_fd_open(app.loop, app.device, ISR_FD_READ, &options,
				on_ready, &app, &device);
	if (r == 0)
		r = isr_timer_open(app.loop, 1000000, 10000000, NULL,
				   send_record, &fds[1], &sender);
	if (r == 0)
		r = isr_loop_run(app.loop);
	isr_loop_free(app.loop);
	printf("%u interrupts\n", app.interrupts);
	return r ? 1 : 0;
}
