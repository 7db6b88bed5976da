/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * rate: one isr_counter a line, on the line's pin, or fed with the daemon's
 * edges; a line that is a counter of the daemon's needs none. Each report
 * becomes a record as the daemon would write it, and is shown when its words
 * are not those that were shown last. JSON goes by the same rule: the last of
 * twelve digits changes always.
 *
 * The edges themselves are accounted for, and losses told before the next
 * report.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format-device.h"
#include "rate.h"

/* Three of the counter's default windows; a longer period is a stop. */
#define STOP_NS UINT64_C(3000000000)

/*
 * An edge may be on its way from the daemon that is older than what the clock
 * says: this much of the time by the clock has not passed yet. Only what is
 * slow or stands still waits for it: elsewhere the next edge tells the time.
 */
#define TRANSIT_NS UINT64_C(250000000)

struct rate {
	struct isr_counter counter;
	struct monitor *monitor;
	struct line *line;
	/* NULL: not on a chip of ours */
	struct direct_line *found;
	bool fed;
	bool both;
	/* what was shown last */
	uint64_t shown_ns;
	char shown[FORMAT_DEVICE_BYTES];
};

struct rate *rate_new(struct monitor *m, struct line *line)
{
	struct rate *rate = calloc(1, sizeof(*rate));

	if (!rate) {
		monitor_message("out of memory");
		return NULL;
	}
	rate->monitor = m;
	rate->line = line;
	return rate;
}

void rate_free(struct rate *rate)
{
	if (rate)
		isr_counter_close(&rate->counter);
	free(rate);
}

/* The daemon's counter may report more often than is asked for. */
static bool is_too_soon(const struct rate *rate, const struct record *record)
{
	bool stopped =
		device_get_real(record->members, DEVICE_FREQUENCY_MAX_HZ) <= 0;

	return !rate->fed && !rate->found && !stopped && rate->shown[0] &&
	       record->t_ns - rate->shown_ns <
		       rate->monitor->options->interval_ns;
}

static void show(struct rate *rate, struct record *record)
{
	char words[FORMAT_DEVICE_BYTES];

	format_device_words(record, words);
	if (is_too_soon(rate, record))
		return;
	monitor_tell_losses(rate->monitor, rate->line);
	if (strcmp(words, rate->shown) == 0)
		return;
	strcpy(rate->shown, words);
	rate->shown_ns = record->t_ns;
	monitor_push(rate->monitor, record);
}

/*
 * Our own counter's reports.
 */

static void read_members(const struct isr_counter_reading *reading, bool both,
			 struct device_members *ret_members)
{
	struct device_members *members = ret_members;

	members->known = 0;
	device_set_real(members, DEVICE_FREQUENCY_HZ, reading->frequency_hz);
	device_set_real(members, DEVICE_FREQUENCY_MIN_HZ,
			reading->frequency_min_hz);
	device_set_real(members, DEVICE_FREQUENCY_MAX_HZ,
			reading->frequency_max_hz);
	if (reading->periods) {
		device_set_real(members, DEVICE_PERIOD_NS,
				reading->period_mean_ns);
		device_set_real(members, DEVICE_JITTER_NS,
				reading->period_stddev_ns);
	}
	if (!both)
		return;
	if (reading->periods || reading->state == ISR_COUNTER_STOPPED)
		device_set_real(members, DEVICE_DUTY, reading->duty);
	if (!reading->periods)
		return;
	device_set_real(members, DEVICE_HIGH_NS, reading->high_mean_ns);
	device_set_real(members, DEVICE_LOW_NS, reading->low_mean_ns);
}

static void on_report(struct isr_counter *counter,
		      const struct isr_counter_reading *reading, void *arg)
{
	struct rate *rate = arg;
	struct device_members members;
	struct record record = {
		.line = rate->line,
		.kind = DEVICE_KIND_RATE,
		.accounted = true,
		.value = reading->count,
		.t_ns = reading->t_ns,
		.members = &members,
	};

	read_members(reading, rate->both, &members);
	show(rate, &record);
}

static int on_edge(struct isr_source *source, const struct isr_event *event,
		   void *arg)
{
	struct rate *rate = arg;

	direct_account(rate->monitor, rate->found, source, event);
	return 0;
}

/* Also the longest period that is measured. */
static uint64_t get_stop_ns(const struct options *o)
{
	return o->interval_ns > STOP_NS ? o->interval_ns : STOP_NS;
}

static int open_counter(struct rate *rate, const struct isr_pin_config *pin)
{
	const struct options *o = rate->monitor->options;
	struct isr_counter_config config = {
		.sz = sizeof(config),
		.pin = *pin,
		.window_ns = o->interval_ns,
		.stop_ns = get_stop_ns(o),
		.report_ns = o->interval_ns,
		.cb = on_report,
		.arg = rate,
		.raw_cb = rate->found ? on_edge : NULL,
		.raw_arg = rate,
	};
	struct isr_error error;
	int r;

	rate->both = pin->edge == ISR_EDGE_BOTH;
	r = isr_counter_open(&rate->counter, rate->monitor->loop, &config,
			     &error);
	if (r < 0)
		monitor_message("%s", error.message);
	return r;
}

int rate_open_direct(struct rate *rate, struct direct_line *found)
{
	struct isr_pin_config pin;

	rate->found = found;
	direct_get_pin_config(rate->monitor, found, &pin);
	return open_counter(rate, &pin);
}

/*
 * The daemon's.
 */

int rate_open_fed(struct rate *rate, enum isr_edge edge)
{
	const struct isr_pin_config pin = {.sz = sizeof(pin), .edge = edge};

	rate->fed = true;
	return open_counter(rate, &pin);
}

static void feed(struct rate *rate, const struct isr_event *event)
{
	int r = isr_counter_feed(&rate->counter, event);

	if (r < 0) {
		monitor_message("%s cannot be measured: %s", rate->line->alias,
				strerror(-r));
		monitor_end(rate->monitor, STATUS_FAILED);
	}
}

static void feed_record(struct rate *rate, const struct record *record)
{
	struct isr_event event = {
		.kind = (uint8_t)record->kind,
		.flags = (uint8_t)record->flags,
		.t_ns = record->t_ns,
		.value = (int32_t)record->value,
		.line_seq = record->line_seq,
		.lost = record->lost < UINT32_MAX ? (uint32_t)record->lost
						  : UINT32_MAX,
	};

	if (device_has(record->members, DEVICE_LEVEL))
		event.value = (int32_t)device_get_whole(record->members,
							DEVICE_LEVEL);
	if (record_is_edge(record) ||
	    (record->kind == ISR_EVENT_LOST && record->lost) ||
	    (record->kind == ISR_EVENT_INITIAL && rate->both))
		feed(rate, &event);
}

void rate_take(struct rate *rate, const struct record *record)
{
	struct record copy = *record;

	monitor_account(rate->monitor, record);
	if (rate->fed) {
		feed_record(rate, record);
	} else if (record->kind == DEVICE_KIND_RATE) {
		copy.accounted = true;
		copy.lost = copy.lost_client = 0;
		show(rate, &copy);
	}
}

void rate_pass_time(struct rate *rate)
{
	struct isr_event idle = {.kind = ISR_EVENT_IDLE};

	if (!rate->fed)
		return;
	idle.t_ns = monitor_get_now_ns(rate->monitor, rate->line->clock) -
		    TRANSIT_NS;
	feed(rate, &idle);
}

/*
 * --direct
 */

static int open_line(struct monitor *m, struct direct_line *found,
		     struct rate **ret_rate)
{
	*ret_rate = rate_new(m, found->line);
	return *ret_rate ? rate_open_direct(*ret_rate, found) : -ENOMEM;
}

static int open_lines(struct monitor *m, struct direct_line *lines,
		      struct rate **rates)
{
	const struct options *o = m->options;
	int i, r;

	r = direct_find_lines(m, lines);
	for (i = 0; r >= 0 && i < o->num_lines; i++) {
		r = direct_add_line(m, &lines[i], o->lines[i]);
		if (r >= 0)
			r = open_line(m, &lines[i], &rates[i]);
	}
	return r;
}

enum status rate_watch_direct(struct monitor *m)
{
	int i, num_lines = m->options->num_lines;
	struct direct_line *lines = calloc(num_lines, sizeof(*lines));
	struct rate **rates = calloc(num_lines, sizeof(*rates));
	enum status status = STATUS_FAILED;

	if (!lines || !rates) {
		monitor_message("out of memory");
	} else if (open_lines(m, lines, rates) >= 0) {
		monitor_announce(m);
		status = monitor_run(m);
	}
	for (i = 0; rates && i < num_lines; i++)
		rate_free(rates[i]);
	if (lines)
		direct_drop_lines(lines, num_lines);
	free(rates);
	free(lines);
	return status;
}
