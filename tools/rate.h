/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * rate: how often a line is pulsed, by an isr_counter of its own or by what
 * the daemon's counter tells; shown as it changes.
 */
#ifndef ISRMON_RATE_H
#define ISRMON_RATE_H

#include "direct-line.h"
#include "monitor.h"

struct rate;

/** @return NULL without memory, told on stderr. */
struct rate *rate_new(struct monitor *monitor, struct line *line);

/** Closes what is open. NULL is legal. */
void rate_free(struct rate *rate);

/** Measure the line on its chip. Negative errno is told. */
int rate_open_direct(struct rate *rate, struct direct_line *found);

/**
 * Measure what rate_take() brings.
 * @param edge  The edges that come.
 * @return Negative errno is told.
 */
int rate_open_fed(struct rate *rate, enum isr_edge edge);

/**
 * A record of the line, from the daemon: an edge is measured, what the
 * daemon's counter says is shown, unless rate_open_fed() was called.
 */
void rate_take(struct rate *rate, const struct record *record);

/** Nothing else has come by now: what stands still is to be told. */
void rate_pass_time(struct rate *rate);

/** --rate with --direct. */
enum status rate_watch_direct(struct monitor *monitor);

#endif /* ISRMON_RATE_H */
