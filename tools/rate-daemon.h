/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* --rate with isrloopd: which of its lines are measured, and by what. */
#ifndef ISRMON_RATE_DAEMON_H
#define ISRMON_RATE_DAEMON_H

#include "monitor.h"
#include "rate.h"

/**
 * Give each of the monitor's lines its rate, but those that have none.
 * @param fd  The connection: time passes when nothing is there to be read.
 * @return 0; negative errno, told on stderr.
 */
int rate_daemon_open(struct monitor *monitor, int fd);

/** Close them. What rate_daemon_open() did not open is legal. */
void rate_daemon_close(struct monitor *monitor);

#endif /* ISRMON_RATE_DAEMON_H */
