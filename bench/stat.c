/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Medians and their output.
 *
 * A median of interleaved runs is what survives a machine that is not ours
 * alone; the minimum and maximum beside it tell how far to trust it.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "stat.h"

enum { RESULTS_MAX = 512, RUNS_MAX = 64 };

struct result {
	const char *bench, *subject, *metric, *unit;
	double runs[RUNS_MAX];
	size_t n_runs;
};

static struct result results[RESULTS_MAX];
static size_t n_results;

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double percentile(double *values, size_t n, double percent)
{
	size_t i;

	if (n == 0)
		return NAN;
	qsort(values, n, sizeof(*values), compare_doubles);
	i = (size_t)(percent / 100 * (double)(n - 1) + 0.5);
	return values[i];
}

static struct result *result_find(const char *bench, const char *subject,
				  const char *metric)
{
	size_t i;

	for (i = 0; i < n_results; i++) {
		struct result *r = &results[i];

		if (!strcmp(r->bench, bench) && !strcmp(r->subject, subject) &&
		    !strcmp(r->metric, metric))
			return r;
	}
	return NULL;
}

void result_add(const char *bench, const char *subject, const char *metric,
		const char *unit, double value)
{
	struct result *r = result_find(bench, subject, metric);

	if (isnan(value))
		return;
	if (!r && n_results < RESULTS_MAX) {
		r = &results[n_results++];
		*r = (struct result){bench, subject, metric, unit, {0}, 0};
	}
	if (r && r->n_runs < RUNS_MAX)
		r->runs[r->n_runs++] = value;
}

static double result_median(struct result *r)
{
	return percentile(r->runs, r->n_runs, 50);
}

/* "n times isrloop", or nothing where that says nothing. */
static void print_ratio(FILE *out, struct result *r)
{
	struct result *own = result_find(r->bench, "isrloop", r->metric);
	double ours = own ? result_median(own) : 0;

	if (own == r || ours <= 0)
		fputs("      -", out);
	else
		fprintf(out, " %5.2fx", result_median(r) / ours);
}

static void print_row(FILE *out, struct result *r)
{
	double median = result_median(r);

	fprintf(out, "  %-14s %10.4g", r->subject, median);
	fprintf(out, " (%.4g to %.4g) %s", r->runs[0], r->runs[r->n_runs - 1],
		r->unit);
	print_ratio(out, r);
	fputc('\n', out);
}

static void print_group(FILE *out, size_t first)
{
	struct result *r = &results[first];
	size_t i;

	fprintf(out, "\n%s: %s\n", r->bench, r->metric);
	for (i = first; i < n_results; i++)
		if (!strcmp(results[i].bench, r->bench) &&
		    !strcmp(results[i].metric, r->metric))
			print_row(out, &results[i]);
}

/* The first of its bench and metric heads the group of all of them. */
static int is_group_head(size_t at)
{
	size_t i;

	for (i = 0; i < at; i++)
		if (!strcmp(results[i].bench, results[at].bench) &&
		    !strcmp(results[i].metric, results[at].metric))
			return 0;
	return 1;
}

void result_print_table(FILE *out)
{
	size_t i;

	fputs("median (min to max) of the runs; last column: times isrloop\n",
	      out);
	for (i = 0; i < n_results; i++)
		if (is_group_head(i))
			print_group(out, i);
}

static json_t *result_to_json(struct result *r)
{
	double median = result_median(r);

	return json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:I}", "bench",
			 r->bench, "subject", r->subject, "metric", r->metric,
			 "unit", r->unit, "median", median, "min", r->runs[0],
			 "max", r->runs[r->n_runs - 1], "runs",
			 (json_int_t)r->n_runs);
}

int result_write_json(const char *path)
{
	json_t *array = json_array();
	size_t i;
	int r;

	if (!array)
		return -ENOMEM;
	for (i = 0; i < n_results; i++)
		json_array_append_new(array, result_to_json(&results[i]));
	errno = 0;
	r = json_dump_file(array, path,
			   JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	json_decref(array);
	if (r < 0)
		return errno ? -errno : -EIO;
	return 0;
}
