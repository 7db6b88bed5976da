/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isrmon: show the edges of GPIO lines, from isrloopd or from a chip of its
 * own, and every edge that was lost on the way. Or run a program under guard,
 * or look at the machine.
 */
#include <string.h>

#include "doctor.h"
#include "guard.h"
#include "monitor-daemon.h"
#include "monitor-direct.h"
#include "monitor.h"
#include "options.h"

int main(int argc, char **argv)
{
	struct options options;
	struct monitor monitor;
	int status;

	if (argc > 1 && !strcmp(argv[1], "guard"))
		return guard_run(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "doctor"))
		return doctor_run(argc - 1, argv + 1);

	status = options_parse(argc, argv, &options);
	if (status >= 0)
		return status;

	if (monitor_init(&monitor, &options) >= 0) {
		monitor.status = options.direct ? direct_watch(&monitor)
						: daemon_watch(&monitor);
		status = monitor_summarize(&monitor);
	} else {
		status = STATUS_FAILED;
	}
	monitor_done(&monitor);
	return status;
}
