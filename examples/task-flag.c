/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The usual shape of a program with tasks: the handler services the device
 * and sets a flag, a task waits for the flag and processes the data before it
 * waits again. Nothing is made for an interrupt. The wait says how often the
 * device interrupted since the last one, so that a task that is too slow
 * knows; the latch says what came last.
 *
 * The device is a pipe here, that gives four bytes at a time.
 *
 * usage: task-flag [INTERRUPTS]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <isrloop.h>

static struct isr_loop *loop;
static struct isr_flag ready;
static struct isr_latch latest;
static int interrupts_left;

/* In ISR context: read(2) into memory that is there is legal. */
static int on_ready(struct isr_source *device, const struct isr_event *event,
		    void *arg)
{
	const int *fd = arg;
	char data[4];
	int r;

	if (read(*fd, data, sizeof(data)) != sizeof(data))
		return isr_fail(-EIO, "the device gave no whole record");
	r = isr_latch_store(&latest, data);
	isr_flag_set(&ready);
	return r;
}

static void handle(const char *data, int n)
{
	printf("%.4s after %d\n", data, n);
	interrupts_left -= n;
	if (interrupts_left <= 0)
		isr_loop_stop(loop);
}

static int process_data(void *arg)
{
	char data[4];
	int n;

	while ((n = isr_wait(&ready, ISR_FOREVER)) > 0) {
		isr_latch_load(&latest, data, NULL);
		handle(data, n);
	}
	return n; /* it was cancelled */
}

/* The other end of the device. */
static int feed_device(void *arg)
{
	const int *fd = arg;
	unsigned int n;
	char text[16];
	int r;

	for (n = 0; (r = isr_sleep(10000000)) == 0; n++) {
		snprintf(text, sizeof(text), "%04u", n % 10000);
		if (write(*fd, text, 4) != 4)
			return -EIO;
	}
	return r;
}

int main(int argc, char **argv)
{
	const struct isr_source_options options = {.name = "device",
						   .hard = true};
	static unsigned char slots[3 * 4];
	struct isr_source *device;
	int fds[2], r;

	interrupts_left = argc > 1 ? atoi(argv[1]) : 5;
	if (pipe(fds) < 0 || isr_loop_new(NULL, &loop) < 0)
		return 1;
	r = isr_flag_init(&ready, loop, ISR_FLAG_AUTO);
	if (r == 0)
		r = isr_latch_init(&latest, loop, slots, 4);
	if (r == 0)
		r = isr_fd_open(loop, fds[0], ISR_FD_READ, &options, on_ready,
				&fds[0], &device);
	if (r == 0)
		r = isr_spawn(loop, NULL, process_data, NULL, NULL);
	if (r == 0)
		r = isr_spawn(loop, NULL, feed_device, &fds[1], NULL);
	if (r == 0)
		r = isr_loop_run(loop);
	/* Cancels the tasks, and waits until they have ended. */
	isr_loop_free(loop);
	return r ? 1 : 0;
}
