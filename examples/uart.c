/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A UART, read line by line in a task while others go on.
 *
 *     uart [DEVICE]
 *
 * DEVICE is a serial port, such as /dev/ttyAMA0, set to 115200 baud. Without
 * one the program opens a pair of terminals and is the device as well: a GPS
 * receiver that says where it is.
 */
#define _GNU_SOURCE /* terminals */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <isrloop.h>

static struct isr_loop *loop;
static int device_fd = -1;
static unsigned int n_ticks;

/* What the device would say. */
static int be_the_device(void *arg)
{
	static const char *const lines[] = {
		"$GPGLL,5057.970,N,00146.110,E\r\n",
		"$GPGLL,5057.971,N,00146.112,E\r\n",
		"$GPGLL,5057.973,N,00146.115,E\r\n",
	};
	struct isr_stream device;
	size_t i;
	int r;

	(void)arg;
	r = isr_stream_init(&device, device_fd, NULL, 0);
	for (i = 0; r == 0 && i < sizeof(lines) / sizeof(lines[0]); i++) {
		r = isr_sleep(20000000);
		if (r == 0)
			r = isr_stream_write(&device, lines[i],
					     strlen(lines[i]), ISR_FOREVER,
					     NULL);
	}
	return r;
}

/* Whatever else the program does. */
static int tick(void *arg)
{
	(void)arg;
	while (isr_sleep(1000000) == 0)
		n_ticks++;
	return 0;
}

/* Lines, until none comes for a second. */
static int read_lines(void *arg)
{
	struct isr_stream uart;
	char buffer[256], line[257];
	int r;

	r = isr_stream_init(&uart, *(const int *)arg, buffer, sizeof(buffer));
	while (r >= 0) {
		r = isr_stream_get_line(&uart, line, sizeof(line), 1000000000);
		if (r == 0)
			break;
		if (r > 0)
			printf("%.*s\n", (int)strcspn(line, "\r\n"), line);
	}
	if (r == -ETIMEDOUT)
		printf("silence");
	else
		printf("%s", r < 0 ? strerror(-r) : "the end");
	printf("; meanwhile %s\n",
	       n_ticks ? "others went on" : "nobody did anything");
	isr_loop_stop(loop);
	return r == -ETIMEDOUT ? 0 : r;
}

static int set_raw(int fd)
{
	struct termios raw;

	if (tcgetattr(fd, &raw) < 0)
		return -errno;
	cfmakeraw(&raw);
	/* No modem is there to raise its lines. */
	raw.c_cflag |= CLOCAL | CREAD;
	cfsetspeed(&raw, B115200);
	return tcsetattr(fd, TCSANOW, &raw) < 0 ? -errno : 0;
}

static int open_uart(const char *path)
{
	int fd, r;

	if (!path) {
		device_fd = posix_openpt(O_RDWR | O_NOCTTY);
		if (device_fd < 0 || grantpt(device_fd) < 0 ||
		    unlockpt(device_fd) < 0)
			return -errno;
		path = ptsname(device_fd);
	}
	/* Else it may wait for a carrier. */
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = set_raw(fd);
	return r < 0 ? r : fd;
}

int main(int argc, char **argv)
{
	int fd, r;

	fd = open_uart(argc > 1 ? argv[1] : NULL);
	if (fd < 0) {
		fprintf(stderr, "uart: %s\n", strerror(-fd));
		return 1;
	}
	r = isr_loop_new(NULL, &loop);
	if (r == 0)
		r = isr_spawn(loop, NULL, read_lines, &fd, NULL);
	if (r == 0)
		r = isr_spawn(loop, NULL, tick, NULL, NULL);
	if (r == 0 && device_fd >= 0)
		r = isr_spawn(loop, NULL, be_the_device, NULL, NULL);
	if (r == 0)
		r = isr_loop_run(loop);
	if (r < 0)
		fprintf(stderr, "uart: %s\n", strerror(-r));
	isr_loop_free(loop);
	close(fd);
	if (device_fd >= 0)
		close(device_fd);
	return r < 0;
}
