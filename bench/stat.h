/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Numbers: percentiles of one run, medians over runs, the table that people
 * read and results.json that programs read.
 */
#ifndef BENCH_STAT_H
#define BENCH_STAT_H

#include <stddef.h>
#include <stdio.h>

/* Sorts @values. @percent 50 is the median. */
double percentile(double *values, size_t n, double percent);

/* One run's value. NaN, a run that gave nothing, is left out. */
void result_add(const char *bench, const char *subject, const char *metric,
		const char *unit, double value);

/*
 * One line per metric and subject, in the order first added, with the
 * ratio to subject isrloop of the same metric.
 */
void result_print_table(FILE *out);

/* An array of objects, whole or not at all. Returns 0 or -errno. */
int result_write_json(const char *path);

#endif /* BENCH_STAT_H */
