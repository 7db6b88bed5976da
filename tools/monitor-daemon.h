/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Records from isrloopd. */
#ifndef ISRMON_MONITOR_DAEMON_H
#define ISRMON_MONITOR_DAEMON_H

#include "monitor.h"

/**
 * Connect, subscribe, watch until the end. What goes wrong is told on
 * stderr.
 */
enum status daemon_watch(struct monitor *monitor);

#endif /* ISRMON_MONITOR_DAEMON_H */
