/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * --rate with isrloopd. A counter of the daemon's measures itself; of other
 * lines the raw edges are measured here. That edges stay away does not come
 * over the connection, so a timer tells it.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "rate-daemon.h"

#define NS_PER_MS UINT64_C(1000000)
#define TICK_MAX_NS (250 * NS_PER_MS)

/* The edges of a line that come, when some are asked for. */
static enum isr_edge get_edges(const struct monitor *m, const struct line *line)
{
	return line->edges == ISR_EDGE_BOTH ? m->options->edges : line->edges;
}

/* Both lines' edges are the encoder's, and a switch may have none. */
static int refuse(const struct line *line, const char *why)
{
	monitor_message("%s %s", line->alias, why);
	return -EINVAL;
}

static int open_line(struct monitor *m, struct line *line)
{
	if (line->device == DEVICE_ENCODER)
		return m->options->num_lines
			       ? refuse(line,
					"is an encoder, and --rate is of one line: see where it is without --rate")
			       : 0;
	if (line->clock == ISR_CLOCK_HTE)
		return refuse(
			line,
			"is stamped by a clock that cannot be read (hte), so that a stop would not show: --rate takes others");

	line->rate = rate_new(m, line);
	if (!line->rate)
		return -ENOMEM;
	return line->device == DEVICE_COUNTER
		       ? 0
		       : rate_open_fed(line->rate, get_edges(m, line));
}

/* What can be read is older than the clock. */
static int on_tick(struct isr_source *source, const struct isr_event *event,
		   void *arg)
{
	struct monitor *m = arg;
	struct pollfd pollfd = {.fd = m->rate_fd, .events = POLLIN};
	struct line *line;

	if (poll(&pollfd, 1, 0) != 0)
		return 0;
	for (line = m->lines; line; line = line->next) {
		if (line->rate)
			rate_pass_time(line->rate);
	}
	return 0;
}

int rate_daemon_open(struct monitor *m, int fd)
{
	uint64_t tick_ns = m->options->interval_ns / 4;
	struct isr_source *timer;
	struct line *line;
	int r = 0;

	for (line = m->lines; r >= 0 && line; line = line->next)
		r = open_line(m, line);
	if (r < 0)
		return r;

	if (tick_ns < NS_PER_MS)
		tick_ns = NS_PER_MS;
	if (tick_ns > TICK_MAX_NS)
		tick_ns = TICK_MAX_NS;
	m->rate_fd = fd;
	r = isr_timer_open(m->loop, tick_ns, tick_ns, NULL, on_tick, m, &timer);
	if (r < 0)
		monitor_message("cannot make a timer: %s", strerror(-r));
	return r;
}

void rate_daemon_close(struct monitor *m)
{
	struct line *line;

	for (line = m->lines; line; line = line->next) {
		rate_free(line->rate);
		line->rate = NULL;
	}
}
