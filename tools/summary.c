/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The end of a watch: what was lost, and the account of --summary. */
#include <inttypes.h>
#include <stdio.h>

#include "monitor.h"

/* Three digits and a unit, in a width that columns can have. */
static void put_duration(bool known, uint64_t ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	double value = (double)ns;
	size_t unit = 0;

	if (!known) {
		fprintf(stderr, " %9s", "-");
		return;
	}
	while (value >= 1000 && unit < 3) {
		value /= 1000;
		unit++;
	}
	fprintf(stderr, " %*.*f%s", unit == 3 ? 8 : 7,
		value < 10 && unit ? 2 : (value < 100 && unit ? 1 : 0), value,
		units[unit]);
}

static void put_row(const struct line *line)
{
	const struct isr_hist *hist = &line->latency;
	bool known = isr_hist_get_count(hist) > 0;

	fprintf(stderr, "  %-16s %10" PRIu64 " %8" PRIu64 " %8" PRIu64,
		line->alias, line->events, line->lost, line->merged);
	put_duration(known, isr_hist_get_percentile_ns(hist, 50));
	put_duration(known, isr_hist_get_percentile_ns(hist, 99));
	put_duration(known, isr_hist_get_max_ns(hist));
	fputs(line->simulated ? "  simulated\n" : "\n", stderr);
}

static void put_summary(const struct monitor *m)
{
	const struct line *line;
	uint64_t events = 0, lost = 0, merged = 0;

	fprintf(stderr, "  %-16s %10s %8s %8s %9s %9s %9s\n", "line", "events",
		"lost", "merged", "p50", "p99", "max");
	for (line = m->lines; line; line = line->next) {
		put_row(line);
		events += line->events;
		lost += line->lost;
		merged += line->merged;
	}
	fprintf(stderr, "  %-16s %10" PRIu64 " %8" PRIu64 " %8" PRIu64 "\n",
		"total", events, lost, merged);
	fputs("  (p50, p99, max: latency from the edge's stamp to this program)\n",
	      stderr);
}

/* Without --summary, only the lines that lost or merged anything. */
static void put_losses(const struct monitor *m)
{
	const struct line *line;

	for (line = m->lines; line; line = line->next) {
		if (line->lost && m->options->records == RECORDS_DEVICES)
			fprintf(stderr, "isrmon: %s: %" PRIu64 " edges lost\n",
				line->alias, line->lost);
		else if (line->lost)
			fprintf(stderr,
				"isrmon: %s: %" PRIu64 " edges lost, %" PRIu64
				" %s\n",
				line->alias, line->lost, line->events,
				m->options->watch == WATCH_RECORDS
					? "shown"
					: "measured");
		if (line->merged)
			fprintf(stderr,
				"isrmon: %s: at least %" PRIu64
				" edges merged into the next one\n",
				line->alias, line->merged);
	}
}

/* They have no column: few lines have a device. */
static void put_lost_records(const struct monitor *m)
{
	const struct line *line;

	for (line = m->lines; line; line = line->next) {
		if (line->lost_records)
			fprintf(stderr,
				"isrmon: %s: %" PRIu64
				" records of its device lost\n",
				line->alias, line->lost_records);
	}
}

enum status monitor_summarize(const struct monitor *m)
{
	const struct line *line;
	bool lost = false;

	if (m->options->summary)
		put_summary(m);
	else
		put_losses(m);
	put_lost_records(m);

	for (line = m->lines; line; line = line->next)
		lost |= line->lost > 0 || line->lost_records > 0;
	if (lost && (m->status == STATUS_OK || m->status == STATUS_IDLE))
		return STATUS_LOST;
	return m->status;
}
