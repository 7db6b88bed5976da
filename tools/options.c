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

#include "options.h"
#include "parse.h"

enum {
	OPT_BANNER = 256,
	OPT_BY_NAME,
	OPT_DIRECT,
	OPT_IDLE_MARK,
	OPT_IDLE_TIMEOUT,
	OPT_JSON,
	OPT_LOCALTIME,
	OPT_SOCKET,
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
	{"edges", required_argument, NULL, 'e'},
	{"event-clock", required_argument, NULL, 'E'},
	{"format", required_argument, NULL, 'F'},
	{"help", no_argument, NULL, 'h'},
	{"idle-mark", required_argument, NULL, OPT_IDLE_MARK},
	{"idle-timeout", required_argument, NULL, OPT_IDLE_TIMEOUT},
	{"initial-state", no_argument, NULL, 'I'},
	{"json", no_argument, NULL, OPT_JSON},
	{"localtime", no_argument, NULL, OPT_LOCALTIME},
	{"num-events", required_argument, NULL, 'n'},
	{"numeric", no_argument, NULL, 'N'},
	{"quiet", no_argument, NULL, 'q'},
	{"silent", no_argument, NULL, 'q'},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"strict", no_argument, NULL, 's'},
	{"summary", no_argument, NULL, OPT_SUMMARY},
	{"unquoted", no_argument, NULL, OPT_UNQUOTED},
	{"utc", no_argument, NULL, OPT_UTC},
	{"version", no_argument, NULL, 'v'},
	{0},
};

static const char help_text[] =
	"Usage: isrmon [OPTIONS] [LINE]...\n"
	"       isrmon --direct [OPTIONS] LINE...\n"
	"       isrmon guard [--mode=MODE] [--] PROGRAM [ARGUMENT]...\n"
	"       isrmon doctor [--socket PATH]\n"
	"\n"
	"Show the edges of GPIO lines, and every edge that was lost.\n"
	"\n"
	"Without --direct, the lines are those of isrloopd, by the names in its\n"
	"configuration; without LINE, all of them. With --direct, isrmon requests\n"
	"the lines itself, by name, or by offset when --chip is given.\n"
	"\n"
	"'isrmon guard' runs a program and reports what its handlers must not do;\n"
	"see 'isrmon guard --help'. 'isrmon doctor' looks at the machine and says\n"
	"what is missing.\n"
	"\n"
	"Options:\n"
	"      --socket PATH          the socket of isrloopd (default\n"
	"                             $ISRLOOP_SOCKET, else\n"
	"                             " DEFAULT_SOCKET ")\n"
	"      --direct               request the lines without isrloopd\n"
	"  -e, --edges EDGES          'rising', 'falling' or 'both' (default 'both')\n"
	"  -n, --num-events NUM       end after NUM edges\n"
	"      --idle-timeout PERIOD  end when no edge came for PERIOD\n"
	"      --idle-mark PERIOD     show a record when no edge came for PERIOD\n"
	"  -h, --help                 show this help and exit\n"
	"  -v, --version              show the version and exit\n"
	"\n"
	"Output:\n"
	"      --banner               say which lines are watched, once they are\n"
	"  -F, --format FORMAT        show edges in this format\n"
	"  -I, --initial-state        show the levels before the first edge\n"
	"      --json                 one JSON object a line, for every record\n"
	"      --localtime            show times as local time\n"
	"  -N, --numeric              show levels as 0 and 1\n"
	"  -q, --quiet, --silent      show no records\n"
	"      --summary              at the end, show counts and latencies\n"
	"      --unquoted             do not quote names\n"
	"      --utc                  show times as UTC\n"
	"\n"
	"With --direct only:\n"
	"  -b, --bias BIAS            'pull-up', 'pull-down' or 'disabled' (default:\n"
	"                             leave it)\n"
	"      --by-name              a LINE that is a number is a name as well\n"
	"  -c, --chip CHIP            number, name, path or label of the chip;\n"
	"                             'sim:' or 'sim:FILE' is a simulated one\n"
	"  -C, --consumer NAME        who holds the lines (default 'isrmon')\n"
	"  -E, --event-clock CLOCK    'monotonic', 'realtime' or 'hte' (default\n"
	"                             'monotonic'; 'realtime' is shown as UTC)\n"
	"  -l, --active-low           swap rising and falling\n"
	"  -p, --debounce-period PERIOD\n"
	"                             have the chip debounce the lines\n"
	"  -s, --strict               a name that is not unique is an error\n"
	"\n"
	"Periods are in ms unless they end in 'us', 'ms', 's' or 'm' (minutes).\n"
	"\n"
	"Formats:\n"
	"  %o offset   %l line name    %c chip name   %a name as asked for\n"
	"  %e 1 or 2   %E rising or falling           %v level, 0 or 1\n"
	"  %S seconds  %U UTC          %L local time  %k clock\n"
	"  %d since the line's last edge              %w width of the level ended\n"
	"  %n line sequence            %g request sequence (the line's)\n"
	"  %s daemon sequence          %x edges lost just before\n";

static const char version_text[] =
	"isrmon (isrloop) " PACKAGE_VERSION "\n"
	"Copyright the isrloop authors\n"
	"License: LGPL-2.1-or-later\n"
	"This is free software: you are free to change and redistribute it.\n"
	"There is NO WARRANTY, to the extent permitted by law.\n";

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
	case OPT_SOCKET:
		o->socket = optarg;
		return -1;
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

static int check_direct(struct options *o)
{
	if (o->socket)
		return usage_error(
			"--socket names isrloopd, which --direct does without: give one of the two");
	if (!o->num_lines)
		return usage_error("--direct needs at least one LINE to watch");
	if (!o->consumer)
		o->consumer = "isrmon";

	/* gpiomon's defaults of clock and time format, each by the other */
	if (!o->clock_given && o->style.time != TIME_STYLE_RAW)
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
	return o->direct ? check_direct(o) : check_daemon(o);
}
