/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Records from a chip of our own. */
#ifndef ISRMON_MONITOR_DIRECT_H
#define ISRMON_MONITOR_DIRECT_H

#include "monitor.h"

/**
 * Find and request all lines, watch them until the end, release them.
 * What goes wrong is told on stderr.
 */
enum status direct_watch(struct monitor *monitor);

#endif /* ISRMON_MONITOR_DIRECT_H */
