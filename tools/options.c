/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The command line. Whatever gpiomon 2.1 takes is taken with --direct and
 * means the same; one wrong option is one specific error, not the help.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "options.h"
#include "parse.h"

#define RATE_INTERVAL_NS UINT64_C(1000000000)
#define ENCODER_INTERVAL_NS UINT64_C(50000000)
#define INTERVAL_MIN_NS UINT64_C(1000000)

enum {
	OPT_BANNER = 256,
	OPT_BY_NAME,
	OPT_DIRECT,
	OPT_DIVIDER,
	OPT_ENCODER,
	OPT_IDLE_MARK,
	OPT_IDLE_TIMEOUT,
	OPT_INTERVAL,
	OPT_JSON,
	OPT_LOCALTIME,
	OPT_RATE,
	OPT_RECORDS,
	OPT_SOCKET,
	OPT_STEPS,
	OPT_SUMMARY,
	OPT_UNQUOTED,
	OPT_UTC
};

static const char short_options[] = ":b:c:C:e:E:hF:IlNn:p:qsv";

static const struct option long_options[] = {
	{"active-low", no_argument, NULL, 'l'},
	{"banner", no_argument, NULL, OPT_BANNER},
	{"bias", required_argument, NULL, 'b'},
	{"by-name", no_argument, NULL, OPT_BY_NAME},
	{"chip", required_argument, NULL, 'c'},
	{"consumer", required_argument, NULL, 'C'},
	{"debounce-period", required_argument, NULL, 'p'},
	{"direct", no_argument, NULL, OPT_DIRECT},
	{"divider", required_argument, NULL, OPT_DIVIDER},
	{"edges", required_argument, NULL, 'e'},
	{"encoder", no_argument, NULL, OPT_ENCODER},
	{"event-clock", required_argument, NULL, 'E'},
	{"format", required_argument, NULL, 'F'},
	{"help", no_argument, NULL, 'h'},
	{"idle-mark", required_argument, NULL, OPT_IDLE_MARK},
	{"idle-timeout", required_argument, NULL, OPT_IDLE_TIMEOUT},
	{"initial-state", no_argument, NULL, 'I'},
	{"interval", required_argument, NULL, OPT_INTERVAL},
	{"json", no_argument, NULL, OPT_JSON},
	{"localtime", no_argument, NULL, OPT_LOCALTIME},
	{"num-events", required_argument, NULL, 'n'},
	{"numeric", no_argument, NULL, 'N'},
	{"quiet", no_argument, NULL, 'q'},
	{"rate", no_argument, NULL, OPT_RATE},
	{"records", required_argument, NULL, OPT_RECORDS},
	{"silent", no_argument, NULL, 'q'},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"steps", required_argument, NULL, OPT_STEPS},
	{"strict", no_argument, NULL, 's'},
	{"summary", no_argument, NULL, OPT_SUMMARY},
	{"unquoted", no_argument, NULL, OPT_UNQUOTED},
	{"utc", no_argument, NULL, OPT_UTC},
	{"version", no_argument, NULL, 'v'},
	{0},
};

static int usage_error(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static int usage_error(const char *format, ...)
{
	va_list ap;

	fputs("isrmon: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return STATUS_USAGE;
}

static int read_period(const char *option, uint64_t *ret_ns)
{
	int r = parse_period(optarg, ret_ns);

	if (r == -ERANGE)
		return usage_error("--%s %s is too long a period", option,
				   optarg);
	if (r < 0)
		return usage_error(
			"--%s takes a period like 10, 10us, 10ms, 10s or 10m, not '%s'",
			option, optarg);
	return -1;
}

static int read_count(const char *option, uint32_t *ret_count)
{
	if (parse_count(optarg, ret_count) < 0)
		return usage_error(
			"--%s takes a number from 0 to 2147483647, not '%s'",
			option, optarg);
	return -1;
}

static int read_edges(struct options *o)
{
	static const char *const words[] = {
		[ISR_EDGE_BOTH] = "both",
		[ISR_EDGE_RISING] = "rising",
		[ISR_EDGE_FALLING] = "falling",
		NULL,
	};
	int i = parse_word(optarg, words);

	if (i < 0)
		return usage_error(
			"--edges takes 'rising', 'falling' or 'both', not '%s'",
			optarg);
	o->edges = i;
	return -1;
}

static int read_records(struct options *o)
{
	static const char *const words[] = {
		[RECORDS_ALL] = "all",
		[RECORDS_EDGES] = "edges",
		[RECORDS_DEVICES] = "devices",
		NULL,
	};
	int i = parse_word(optarg, words);

	if (i < 0)
		return usage_error(
			"--records takes 'all', 'edges' or 'devices', not '%s'",
			optarg);
	o->records = i;
	o->records_given = true;
	return -1;
}

static int read_bias(struct options *o)
{
	static const char *const words[] = {
		"disabled",
		"pull-up",
		"pull-down",
		NULL,
	};
	int i = parse_word(optarg, words);

	if (i < 0)
		return usage_error(
			"--bias takes 'pull-up', 'pull-down' or 'disabled', not '%s'",
			optarg);
	o->bias = ISR_BIAS_DISABLED + i;
	return -1;
}

static int read_clock(struct options *o)
{
	static const char *const words[] = {
		[ISR_CLOCK_MONOTONIC] = "monotonic",
		[ISR_CLOCK_REALTIME] = "realtime",
		[ISR_CLOCK_HTE] = "hte",
		NULL,
	};
	int i = parse_word(optarg, words);

	if (i < 0)
		return usage_error(
			"--event-clock takes 'monotonic', 'realtime' or 'hte', not '%s'",
			optarg);
	o->clock = i;
	o->clock_given = true;
	return -1;
}

/* Options of how lines are requested. Returns as options_parse(). */
static int read_request_option(int option, struct options *o)
{
	switch (option) {
	case 'b':
		return read_bias(o);
	case 'c':
		o->chip = optarg;
		return -1;
	case 'C':
		o->consumer = optarg;
		return -1;
	case 'E':
		return read_clock(o);
	case 'l':
		o->active_low = true;
		return -1;
	case 'p':
		return read_period("debounce-period", &o->debounce_ns);
	case 's':
		o->strict = true;
		return -1;
	default: /* OPT_BY_NAME */
		o->by_name = true;
		return -1;
	}
}

/* Options of what is shown. Returns as options_parse(). */
static int read_output_option(int option, struct options *o)
{
	switch (option) {
	case 'F':
		o->style.format = optarg;
		break;
	case 'I':
		o->initial = true;
		break;
	case 'N':
		o->style.numeric = true;
		break;
	case 'q':
		o->quiet = true;
		break;
	case OPT_BANNER:
		o->banner = true;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_LOCALTIME:
		o->style.time = TIME_STYLE_LOCAL;
		break;
	case OPT_SUMMARY:
		o->summary = true;
		break;
	case OPT_UNQUOTED:
		o->style.unquoted = true;
		break;
	default: /* OPT_UTC */
		o->style.time = TIME_STYLE_UTC;
		break;
	}
	return -1;
}

/* Options of --rate and --encoder. Returns as options_parse(). */
static int read_watch_option(int option, struct options *o)
{
	static const char *const steps[] = {"1", "2", "4", NULL};
	int i;

	switch (option) {
	case OPT_INTERVAL:
		o->interval_given = true;
		return read_period("interval", &o->interval_ns);
	case OPT_DIVIDER:
		if (parse_count(optarg, &o->divider) < 0 || !o->divider)
			return usage_error(
				"--divider takes a number from 1 to 2147483647, not '%s'",
				optarg);
		return -1;
	case OPT_STEPS:
		i = parse_word(optarg, steps);
		if (i < 0)
			return usage_error(
				"--steps takes 1, 2 or 4 (counted in a cycle), not '%s'",
				optarg);
		o->steps = 1U << i;
		return -1;
	default: /* OPT_RATE, OPT_ENCODER */
		i = option == OPT_RATE ? WATCH_RATE : WATCH_ENCODER;
		if (o->watch != WATCH_RECORDS && o->watch != (enum watch_kind)i)
			return usage_error(
				"--rate and --encoder exclude each other: run isrmon twice");
		o->watch = i;
		return -1;
	}
}

/* Returns as options_parse(). */
static int read_option(int option, char **argv, struct options *o)
{
	switch (option) {
	case 'e':
		return read_edges(o);
	case 'h':
		fputs(help_text, stdout);
		return STATUS_OK;
	case 'n':
		return read_count("num-events", &o->num_events);
	case 'v':
		fputs(version_text, stdout);
		return STATUS_OK;
	case OPT_DIRECT:
		o->direct = true;
		return -1;
	case OPT_IDLE_MARK:
		return read_period("idle-mark", &o->idle_mark_ns);
	case OPT_IDLE_TIMEOUT:
		return read_period("idle-timeout", &o->idle_timeout_ns);
	case OPT_RECORDS:
		return read_records(o);
	case OPT_SOCKET:
		o->socket = optarg;
		return -1;
	case OPT_DIVIDER:
	case OPT_ENCODER:
	case OPT_INTERVAL:
	case OPT_RATE:
	case OPT_STEPS:
		return read_watch_option(option, o);
	case ':':
		return usage_error("option '%s' needs a value",
				   argv[optind - 1]);
	case '?':
		if (optopt && optopt < OPT_BANNER)
			return usage_error(
				"unknown option '-%c': see 'isrmon --help'",
				optopt);
		return usage_error("unknown option '%s': see 'isrmon --help'",
				   argv[optind - 1]);
	case 'b':
	case 'c':
	case 'C':
	case 'E':
	case 'l':
	case 'p':
	case 's':
	case OPT_BY_NAME:
		return read_request_option(option, o);
	default:
		return read_output_option(option, o);
	}
}

/* The first option given that only --direct can honour. */
static const char *find_direct_option(const struct options *o)
{
	if (o->chip)
		return "--chip";
	if (o->consumer)
		return "--consumer";
	if (o->by_name)
		return "--by-name";
	if (o->strict)
		return "--strict";
	if (o->active_low)
		return "--active-low";
	if (o->bias != ISR_BIAS_AS_IS)
		return "--bias";
	if (o->clock_given)
		return "--event-clock";
	if (o->debounce_ns)
		return "--debounce-period";
	return NULL;
}

/* What --rate and --encoder, which is @watch, cannot do. */
static int check_watch_excluded(const struct options *o, const char *watch)
{
	if (o->style.format)
		return usage_error(
			"--format shows edges, and %s shows none: leave out one of the two",
			watch);
	if (o->initial)
		return usage_error(
			"--initial-state shows levels, and %s shows none: leave out one of the two",
			watch);
	if (o->records_given)
		return usage_error(
			"--records chooses what is shown, and %s knows what it needs: leave out one of the two",
			watch);
	if (o->clock_given && o->clock != ISR_CLOCK_MONOTONIC)
		return usage_error(
			"%s measures by the monotonic clock: leave out --event-clock",
			watch);
	return -1;
}

static int check_encoder(const struct options *o)
{
	if (!o->direct)
		return usage_error(
			"two separate lines of isrloopd have no common order: make them one [line] with 'device = encoder' in isrloopd.conf(5), or use --encoder with --direct");
	if (o->num_lines != 2)
		return usage_error("--encoder takes two LINEs, A and B, not %d",
				   o->num_lines);
	if (o->edges != ISR_EDGE_BOTH)
		return usage_error(
			"--encoder needs both edges: leave out --edges");
	if (o->debounce_ns)
		return usage_error(
			"--encoder needs each edge in its place: leave out --debounce-period");
	return -1;
}

static int check_watch(struct options *o)
{
	const char *watch = o->watch == WATCH_RATE ? "--rate" : "--encoder";
	int status;

	if (o->watch == WATCH_RECORDS && o->interval_given)
		return usage_error("--interval needs --rate or --encoder");
	if (o->watch != WATCH_ENCODER && o->steps)
		return usage_error("--steps needs --encoder");
	if (o->watch != WATCH_ENCODER && o->divider)
		return usage_error("--divider needs --encoder");
	if (o->watch == WATCH_RECORDS)
		return -1;

	if (!o->interval_given)
		o->interval_ns = o->watch == WATCH_RATE ? RATE_INTERVAL_NS
							: ENCODER_INTERVAL_NS;
	if (o->watch == WATCH_RATE && o->interval_ns < INTERVAL_MIN_NS)
		return usage_error("--interval of --rate is 1ms or more");
	status = check_watch_excluded(o, watch);
	if (status < 0 && o->watch == WATCH_ENCODER)
		status = check_encoder(o);
	return status;
}

static int check_direct(struct options *o)
{
	if (o->socket)
		return usage_error(
			"--socket names isrloopd, which --direct does without: give one of the two");
	if (o->records_given)
		return usage_error(
			"--records chooses among the records of isrloopd, which --direct does without: give one of the two");
	if (!o->num_lines)
		return usage_error("--direct needs at least one LINE to watch");
	if (!o->consumer)
		o->consumer = "isrmon";

	/* what is measured has no gpiomon to follow */
	if (o->watch != WATCH_RECORDS)
		o->style.convert = true;
	/* gpiomon's defaults of clock and time format, each by the other */
	else if (!o->clock_given && o->style.time != TIME_STYLE_RAW)
		o->clock = ISR_CLOCK_REALTIME;
	else if (o->clock == ISR_CLOCK_REALTIME &&
		 o->style.time == TIME_STYLE_RAW)
		o->style.time = TIME_STYLE_UTC;
	o->style.show_chip = o->chip != NULL;
	return -1;
}

const char *options_socket(const char *given)
{
	if (!given)
		given = getenv("ISRLOOP_SOCKET");
	return given && *given ? given : DEFAULT_SOCKET;
}

static int check_daemon(struct options *o)
{
	const char *option = find_direct_option(o);

	if (option)
		return usage_error(
			"%s needs --direct: the lines of isrloopd are set up in its configuration",
			option);
	if (o->style.format && o->records_given && o->records != RECORDS_EDGES)
		return usage_error(
			"--format shows edges, not what devices tell: leave out one of --format and --records");
	if (o->style.format)
		o->records = RECORDS_EDGES;
	o->socket = options_socket(o->socket);
	o->style.convert = true;
	o->style.show_alias = true;
	return -1;
}

int options_parse(int argc, char **argv, struct options *ret_options)
{
	struct options *o = ret_options;
	int option, status;

	memset(o, 0, sizeof(*o));
	opterr = 0;

	while ((option = getopt_long(argc, argv, short_options, long_options,
				     NULL)) >= 0) {
		status = read_option(option, argv, o);
		if (status >= 0)
			return status;
	}

	o->lines = argv + optind;
	o->num_lines = argc - optind;
	if (o->json && o->style.format)
		return usage_error("--json and --format exclude each other");
	status = check_watch(o);
	if (status >= 0)
		return status;
	return o->direct ? check_direct(o) : check_daemon(o);
}
