/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A task for each interrupt, where what has to be done about one takes long
 * and the next cannot wait for it. The handler must not start a task (the
 * loop may be in the middle of something else), and isr_spawn() would refuse;
 * so it keeps what it read in a ring, and one task starts the others.
 *
 * Where one may wait for the other, process the data in the same task, as
 * task-flag does: that makes nothing for an interrupt.
 *
 * The device is a pipe here, that gives an int at a time.
 *
 * usage: task-start [INTERRUPTS]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <isrloop.h>

#define MS ((int64_t)1000000)

struct app {
	struct isr_loop *loop;
	int device[2];
	struct isr_ring data;
	struct isr_event slots[16];
	/* the tasks' */
	int to_do, busy, busy_max;
};

/* What one task works on; it frees it. */
struct job {
	struct app *app;
	int value;
};

/* In ISR context. */
static int on_ready(struct isr_source *device, const struct isr_event *event,
		    void *arg)
{
	struct isr_event record = *event;
	struct app *app = arg;
	int value;

	if (read(app->device[0], &value, sizeof(value)) != sizeof(value))
		return isr_fail(-EIO, "the device gave no whole value");
	record.value = value;
	/* Full: counted, and told to who reads the next one. */
	(void)isr_ring_put(&app->data, &record);
	return 0;
}

static int process(void *arg)
{
	struct job *job = arg;
	struct app *app = job->app;
	int value = job->value, r;

	free(job);
	if (++app->busy > app->busy_max)
		app->busy_max = app->busy;
	r = isr_sleep(30 * MS);
	app->busy--;
	if (r < 0)
		return r;
	printf("%d is done\n", value);
	if (--app->to_do == 0)
		isr_loop_stop(app->loop);
	return 0;
}

/* On the loop's thread, where everything is legal. */
static int start(struct app *app, int value)
{
	struct job *job = malloc(sizeof(*job));
	int r;

	if (!job)
		return -ENOMEM;
	*job = (struct job){app, value};
	r = isr_spawn(app->loop, NULL, process, job, NULL);
	if (r < 0)
		free(job);
	return r;
}

static int check_for_interrupts(void *arg)
{
	struct app *app = arg;
	struct isr_event record;
	int r;

	while ((r = isr_wait(&app->data.ready, ISR_FOREVER)) > 0) {
		while (isr_ring_get(&app->data, &record, 1) == 1) {
			if (record.lost)
				printf("%u are lost\n", record.lost);
			r = start(app, record.value);
			if (r < 0)
				return r;
		}
	}
	return r;
}

/* The other end of the device: three values at a time. */
static int feed_device(void *arg)
{
	struct app *app = arg;
	int value = 0, n = app->to_do, r = 0;

	while (value < n && r == 0) {
		if (write(app->device[1], &value, sizeof(value)) !=
		    sizeof(value))
			return -EIO;
		if (++value % 3 == 0)
			r = isr_sleep(10 * MS);
	}
	return r;
}

int main(int argc, char **argv)
{
	const struct isr_source_options options = {.name = "device",
						   .hard = true};
	struct app app = {.to_do = argc > 1 ? atoi(argv[1]) : 9};
	struct isr_source *device;
	int r;

	if (pipe(app.device) < 0 || isr_loop_new(NULL, &app.loop) < 0)
		return 1;
	r = isr_ring_init(&app.data, app.loop, app.slots, 16,
			  ISR_RING_DROP_NEW);
	if (r == 0)
		r = isr_fd_open(app.loop, app.device[0], ISR_FD_READ, &options,
				on_ready, &app, &device);
	if (r == 0)
		r = isr_spawn(app.loop, NULL, check_for_interrupts, &app, NULL);
	if (r == 0)
		r = isr_spawn(app.loop, NULL, feed_device, &app, NULL);
	if (r == 0)
		r = isr_loop_run(app.loop);
	isr_loop_free(app.loop);
	printf("%d at a time\n", app.busy_max);
	return r ? 1 : 0;
}
