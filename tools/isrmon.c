/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isrmon: show the edges of GPIO lines, from isrloopd or from a chip of its
 * own, and every edge that was lost on the way. Or run a program under guard,
 * or look at the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "encoder.h"
#include "guard.h"
#include "monitor-daemon.h"
#include "monitor-direct.h"
#include "monitor.h"
#include "options.h"
#include "rate.h"

static enum status watch(struct monitor *m)
{
	const struct options *o = m->options;

	if (!o->direct)
		return daemon_watch(m);
	switch (o->watch) {
	case WATCH_RATE:
		return rate_watch_direct(m);
	case WATCH_ENCODER:
		return encoder_watch_direct(m);
	default:
		return direct_watch(m);
	}
}

/*
 * Where standard output is closed, the next thing that is opened would be it,
 * and get what is shown: the socket of isrloopd, for one. This can be read
 * only, so that to write there still fails; a program of guard's has it not.
 */
static void fill_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Help, or what doctor has found: it was said when it is written. */
static int finish(int status)
{
	errno = 0;
	if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE)
		return status;
	fprintf(stderr, "isrmon: cannot write the output: %s\n",
		errno ? strerror(errno) : "a write failed");
	return STATUS_FAILED;
}

int main(int argc, char **argv)
{
	struct options options;
	struct monitor monitor;
	int status;

	fill_standard_files();
	if (argc > 1 && !strcmp(argv[1], "guard"))
		return finish(guard_run(argc - 1, argv + 1));
	if (argc > 1 && !strcmp(argv[1], "doctor"))
		return finish(doctor_run(argc - 1, argv + 1));

	status = options_parse(argc, argv, &options);
	if (status >= 0)
		return finish(status);

	if (monitor_init(&monitor, &options) >= 0) {
		monitor.status = watch(&monitor);
		status = monitor_summarize(&monitor);
	} else {
		status = STATUS_FAILED;
	}
	monitor_done(&monitor);
	return status;
}
