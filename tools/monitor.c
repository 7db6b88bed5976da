/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * monitor: from a record to the output, and when to end.
 *
 * The output is one large buffer, flushed when the loop has nothing more to
 * do: a reader sees each edge at once, and a flood costs one write for many
 * edges instead of one each.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "monitor.h"

#define NS_PER_S UINT64_C(1000000000)

void monitor_message(const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("isrmon: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void monitor_end(struct monitor *m, enum status status)
{
	if (m->ended)
		return;
	m->ended = true;
	m->status = status;
	isr_loop_stop(m->loop);
}

/*
 * Lines.
 */

struct line *monitor_add_line(struct monitor *m, const char *alias,
			      const char *name, const char *chip,
			      uint32_t offset)
{
	struct line *line = calloc(1, sizeof(*line));

	if (line) {
		*m->lines_end = line;
		m->lines_end = &line->next;
		line->offset = offset;
		line->alias = strdup(alias);
		line->name = strdup(name);
		line->chip = strdup(chip);
		line->json_alias = json_quote(alias);
		line->json_name = json_quote(name);
		line->json_chip = json_quote(chip);
	}
	if (!line || !line->alias || !line->name || !line->chip ||
	    !line->json_alias || !line->json_name || !line->json_chip) {
		monitor_message("out of memory");
		return NULL;
	}
	return line;
}

static struct line *line_free(struct line *line)
{
	struct line *next = line->next;

	free(line->alias);
	free(line->name);
	free(line->chip);
	free(line->json_alias);
	free(line->json_name);
	free(line->json_chip);
	free(line);
	return next;
}

struct line *monitor_find_line(const struct monitor *m, const char *alias)
{
	struct line *line;

	for (line = m->lines; line; line = line->next) {
		if (strcmp(line->alias, alias) == 0)
			return line;
	}
	return NULL;
}

static void announce_simulated(const struct monitor *m)
{
	const struct line *line;

	for (line = m->lines; line; line = line->next) {
		if (line->simulated)
			monitor_message(
				"'%s' is simulated (%s): its edges are made up, not from a pin",
				line->alias, line->chip);
	}
}

/* gpiomon's words. */
static void put_banner(const struct monitor *m, FILE *out)
{
	const struct line *line;

	fprintf(out, "Monitoring line%s ", m->lines->next ? "s" : "");
	for (line = m->lines; line; line = line->next) {
		if (line->next)
			fprintf(out, "'%s', ", line->alias);
		else if (line != m->lines)
			fprintf(out, "and '%s'...\n", line->alias);
		else
			fprintf(out, "'%s'...\n", line->alias);
	}
}

void monitor_announce(struct monitor *m)
{
	announce_simulated(m);
	if (m->options->banner && m->lines)
		put_banner(m, m->options->json ? stderr : stdout);
}

/*
 * Records.
 */

/* Read anew each second: somebody may set the clock. */
static int64_t get_realtime_offset_ns(struct monitor *m)
{
	uint64_t now_ns = isr_now_ns();
	struct timespec ts;

	if (m->realtime_read_ns && now_ns - m->realtime_read_ns < NS_PER_S)
		return m->realtime_offset_ns;

	clock_gettime(CLOCK_REALTIME, &ts);
	m->realtime_offset_ns =
		(int64_t)(ts.tv_sec * NS_PER_S + ts.tv_nsec - now_ns);
	m->realtime_read_ns = now_ns;
	return m->realtime_offset_ns;
}

uint64_t monitor_get_now_ns(struct monitor *m, enum isr_clock clock)
{
	uint64_t now_ns = isr_now_ns();

	if (clock == ISR_CLOCK_REALTIME)
		now_ns += get_realtime_offset_ns(m);
	return now_ns;
}

static void complete_realtime(struct monitor *m, struct record *record)
{
	enum isr_clock clock =
		record->line ? record->line->clock : ISR_CLOCK_MONOTONIC;

	record->has_realtime = clock != ISR_CLOCK_HTE;
	if (clock == ISR_CLOCK_MONOTONIC)
		record->realtime_offset_ns = get_realtime_offset_ns(m);
}

static struct last_edge *get_last_edge(const struct record *record)
{
	return &record->line->last[device_get_whole(record->members,
						    DEVICE_INPUT) == 1];
}

/* What was lost may be of any input. */
static void forget_widths(struct line *line)
{
	line->last[0].whole = false;
	line->last[1].whole = false;
}

/* The width is that of the level just ended: no edge between may lack. */
static void complete_interval(struct record *record)
{
	struct last_edge *last = get_last_edge(record);
	bool whole = last->whole && !record->lost &&
		     !(record->flags & ISR_EVENT_FLAG_MERGED);

	if (last->known) {
		record->has_delta = true;
		record->delta_ns = (int64_t)(record->t_ns - last->t_ns);
		record->has_width = whole && record->value != last->value;
		record->width_ns = record->delta_ns;
	}
	if (record->lost)
		forget_widths(record->line);
	last->known = true;
	last->whole = true;
	last->value = record->value;
	last->t_ns = record->t_ns;
}

/* What a record must be for --num-events, and to end a silence. */
static bool is_counted(const struct options *o, const struct record *record)
{
	if (o->watch != WATCH_RECORDS || o->records == RECORDS_DEVICES)
		return device_kind_is(record->kind);
	return record_is_edge(record);
}

static void count_losses(struct line *line, const struct record *record)
{
	line->lost += record->lost;
	line->lost_records += (uint64_t)device_get_whole(record->members,
							 DEVICE_LOST_RECORDS);
	if (record_is_edge(record) && record->flags & ISR_EVENT_FLAG_MERGED)
		line->merged++;
}

/* The account is kept for all records, shown or not. */
static void count(struct monitor *m, struct line *line,
		  const struct record *record)
{
	const struct options *o = m->options;
	uint64_t now_ns;

	count_losses(line, record);
	if (o->watch == WATCH_RECORDS
		    ? !is_counted(o, record)
		    : !record_is_edge(record) && !device_kind_is(record->kind))
		return;

	m->active_ns = isr_now_ns();
	line->events++;
	now_ns = monitor_get_now_ns(m, line->clock);
	if (line->clock != ISR_CLOCK_HTE && now_ns >= record->t_ns)
		isr_hist_record(&line->latency, now_ns - record->t_ns);
}

/*
 * A format of the user's is a contract on what stdout looks like: what does
 * not fit it goes to stderr.
 */
static void show_losses(const struct options *o, const struct record *record)
{
	if (record->lost && !o->style.format)
		format_lost(stdout, &o->style, record);
	else if (record->lost)
		monitor_message("%s: %llu lost at %s", record->line->alias,
				(unsigned long long)record->lost,
				record_get_place_name(record->lost_at));

	if (device_has(record->members, DEVICE_LOST_RECORDS))
		format_lost_records(stdout, &o->style, record);

	if (!record_is_edge(record) || !(record->flags & ISR_EVENT_FLAG_MERGED))
		return;
	if (!o->style.format)
		format_merged(stdout, &o->style, record);
	else
		monitor_message("%s: edges merged", record->line->alias);
}

static void show_text(const struct options *o, const struct record *record)
{
	show_losses(o, record);
	if (record_is_edge(record)) {
		format_edge(stdout, &o->style, record);
	} else if (device_kind_is(record->kind)) {
		format_device(stdout, &o->style, record);
	} else if (record->kind == ISR_EVENT_INITIAL) {
		if (!o->initial)
			return;
		format_level(stdout, &o->style, record->line, record->value);
		fputc('\n', stdout);
	} else if (record->kind != ISR_EVENT_LOST) {
		format_notice(o->style.format ? stderr : stdout, &o->style,
			      record);
	}
}

void monitor_push(struct monitor *m, struct record *record)
{
	const struct options *o = m->options;
	struct line *line = record->line;

	if (m->ended)
		return;

	complete_realtime(m, record);
	if (line && record_is_edge(record))
		complete_interval(record);
	else if (line && record->lost)
		forget_widths(line);
	if (line && !record->accounted)
		count(m, line, record);
	if (is_counted(o, record))
		m->counted++;

	if (o->json && !o->quiet)
		json_record(stdout, record);
	else if (!o->quiet)
		show_text(o, record);

	if (o->num_events && m->counted >= o->num_events)
		monitor_end(m, STATUS_OK);
}

void monitor_account(struct monitor *m, const struct record *record)
{
	struct loss *untold = &record->line->untold;

	count(m, record->line, record);
	if (!record->lost)
		return;
	untold->lost += record->lost;
	untold->lost_client += record->lost_client;
	untold->lost_at |= record->lost_at;
	untold->t_ns = record->t_ns;
	untold->line_seq = record->line_seq;
}

void monitor_tell_losses(struct monitor *m, struct line *line)
{
	const struct loss *untold = &line->untold;
	struct record record = {
		.line = line,
		.kind = ISR_EVENT_LOST,
		.accounted = true,
		.t_ns = untold->t_ns,
		.line_seq = untold->line_seq,
		.lost = untold->lost,
		.lost_client = untold->lost_client,
		.lost_at = untold->lost_at,
	};

	if (!untold->lost)
		return;
	monitor_push(m, &record);
	memset(&line->untold, 0, sizeof(line->untold));
}

/*
 * The end: signals, silence, a reader that is gone.
 */

/*
 * ISR context. The second signal ends the program at once: the first may not
 * get through while a reader that does not read blocks the output.
 */
static int on_signal(struct isr_source *source, const struct isr_event *event,
		     void *arg)
{
	static volatile sig_atomic_t seen;

	if (seen)
		_exit(STATUS_FAILED);
	seen = 1;
	isr_loop_stop(arg);
	return 0;
}

static void mark_idle(struct monitor *m, uint64_t now_ns)
{
	struct record record = {.kind = ISR_EVENT_IDLE, .t_ns = now_ns};

	m->marked_ns = now_ns;
	monitor_push(m, &record);
}

/* ns from now until @period_ns after @since_ns; 0: that time has come. */
static uint64_t get_remaining_ns(uint64_t since_ns, uint64_t period_ns,
				 uint64_t now_ns)
{
	uint64_t passed_ns = now_ns > since_ns ? now_ns - since_ns : 0;

	return passed_ns < period_ns ? period_ns - passed_ns : 0;
}

/*
 * An edge only notes its time, so that a flood does not set timers. Returns
 * the ns that the loop may sleep, UINT64_MAX for ever.
 */
static uint64_t check_idle(struct monitor *m)
{
	const struct options *o = m->options;
	uint64_t sleep_ns = UINT64_MAX, now_ns, since_ns;

	if (!o->idle_timeout_ns && !o->idle_mark_ns)
		return UINT64_MAX;

	now_ns = isr_now_ns();
	if (o->idle_mark_ns) {
		since_ns = m->marked_ns > m->active_ns ? m->marked_ns
						       : m->active_ns;
		sleep_ns = get_remaining_ns(since_ns, o->idle_mark_ns, now_ns);
		if (!sleep_ns) {
			mark_idle(m, now_ns);
			sleep_ns = o->idle_mark_ns;
		}
	}
	if (o->idle_timeout_ns) {
		uint64_t left_ns = get_remaining_ns(m->active_ns,
						    o->idle_timeout_ns, now_ns);

		if (!left_ns)
			monitor_end(m, o->direct ? STATUS_OK : STATUS_IDLE);
		if (left_ns < sleep_ns)
			sleep_ns = left_ns;
	}
	return sleep_ns;
}

static bool reader_is_gone(void)
{
	struct pollfd pollfd = {.fd = STDOUT_FILENO};

	return poll(&pollfd, 1, 0) > 0 && pollfd.revents & POLLERR;
}

/*
 * False: nobody reads any more, or nothing can be written. The write that
 * failed may have been an earlier one, so errno alone does not tell.
 */
static bool flush_output(struct monitor *m)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;

	if (errno == EPIPE || reader_is_gone()) {
		monitor_end(m, STATUS_OK);
	} else if (!m->ended) {
		fprintf(stderr, "isrmon: cannot write the output: %s\n",
			errno ? strerror(errno) : "a write failed");
		monitor_end(m, STATUS_FAILED);
	}
	return false;
}

/* Sleep until there is something to dispatch, or stdout's reader is gone. */
static void wait_for_loop(struct monitor *m, int fd, uint64_t sleep_ns)
{
	struct pollfd fds[] = {
		{.fd = fd, .events = POLLIN},
		{.fd = STDOUT_FILENO},
	};
	struct timespec ts;

	ts.tv_sec = sleep_ns / NS_PER_S;
	ts.tv_nsec = sleep_ns % NS_PER_S;
	if (ppoll(fds, 2, sleep_ns == UINT64_MAX ? NULL : &ts, NULL) < 0) {
		if (errno == EINTR)
			return;
		monitor_message("poll: %s", strerror(errno));
		monitor_end(m, STATUS_FAILED);
		return;
	}
	if (fds[1].revents & POLLERR)
		monitor_end(m, STATUS_OK);
}

enum status monitor_run(struct monitor *m)
{
	int fd = isr_loop_get_fd(m->loop);
	uint64_t sleep_ns;
	int r;

	if (fd < 0) {
		monitor_message("no descriptor for the loop: %s",
				strerror(-fd));
		return STATUS_FAILED;
	}

	m->active_ns = isr_now_ns();
	while (!m->ended) {
		r = isr_loop_dispatch(m->loop);
		if (m->settle)
			m->settle(m->settle_arg);
		if (r < 0)
			monitor_message("the loop failed: %s", strerror(-r));
		if (r != 0) /* 1: stopped, by a signal or by monitor_end() */
			monitor_end(m, r < 0 ? STATUS_FAILED : STATUS_OK);
		sleep_ns = check_idle(m);
		if (!flush_output(m) || m->ended)
			break;
		wait_for_loop(m, fd, sleep_ns);
	}
	return m->status;
}

static void on_log(enum isr_log_level level, const char *message, void *arg)
{
	if (level <= ISR_LOG_WARNING)
		monitor_message("%s", message);
}

int monitor_init(struct monitor *m, const struct options *options)
{
	static const int signals[] = {SIGINT, SIGTERM};
	const struct isr_source_options hard = {.hard = true};
	struct isr_source *source;
	size_t i;
	int r;

	memset(m, 0, sizeof(*m));
	m->options = options;
	m->lines_end = &m->lines;

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);

	r = isr_loop_new(NULL, &m->loop);
	if (r >= 0)
		r = isr_loop_set_log_cb(m->loop, on_log, NULL);
	for (i = 0; r >= 0 && i < sizeof(signals) / sizeof(signals[0]); i++)
		r = isr_signal_open(m->loop, signals[i], &hard, on_signal,
				    m->loop, &source);
	if (r < 0)
		monitor_message("cannot make the loop: %s", strerror(-r));
	return r;
}

void monitor_done(struct monitor *m)
{
	struct line *line = m->lines;

	isr_loop_free(m->loop);
	while (line)
		line = line_free(line);
}
