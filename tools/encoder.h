/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* --encoder: the position of a shaft, from two lines of a chip of our own. */
#ifndef ISRMON_ENCODER_H
#define ISRMON_ENCODER_H

#include "monitor.h"

enum status encoder_watch_direct(struct monitor *monitor);

#endif /* ISRMON_ENCODER_H */
