/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isrloop beside its peers: rounds over all of them, a table on stdout,
 * results.json for programs.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cpu.h"
#include "peer.h"
#include "stat.h"

bool bench_quick;

const struct peer *const peers[] = {
	&peer_isrloop,
	&peer_isrloop_ring,
	&peer_eventfd,
	&peer_libev,
#ifdef HAVE_LIBUV
	&peer_libuv,
	&peer_libuv_swap,
#endif
#ifdef HAVE_GLIB
	&peer_glib,
#endif
#ifdef HAVE_LIBEVENT
	&peer_libevent,
#endif
#ifdef HAVE_CK
	&peer_ck,
#endif
	/* the limits, and the queue that needs no thought */
	&peer_spin,
	&peer_spsc,
	&peer_spsc_prefetch,
	&peer_mutex,
	&peer_mutex_batch,
	NULL,
};

static const struct {
	const char *name;
	void (*run)(void);
} benches[] = {
	{"set", bench_set},	  {"wake", bench_wake},
	{"ring", bench_ring},	  {"pipeline", bench_pipeline},
	{"timer", bench_timer},	  {"schedule", bench_schedule},
	{"bridge", bench_bridge}, {"four-tasks", bench_four_tasks},
	{"task", bench_task},	  {"see", bench_see},
};

static const char *arg_output = "results.json";
static const char *arg_only;
static int arg_rounds = 5;

static const char usage[] =
	"usage: isrbench [--quick] [--rounds N] [--only BENCH] [--output FILE]\n"
	"  --quick    try everything in seconds; the figures mean nothing\n"
	"  --rounds   interleaved runs of each measurement, 1 to 64 (5)\n"
	"  --only     set, wake, ring, pipeline, timer, schedule, bridge,\n"
	"             four-tasks, task or see\n"
	"  --output   where to write the results (results.json)\n";

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{"quick", no_argument, NULL, 'q'},
		{"rounds", required_argument, NULL, 'r'},
		{"only", required_argument, NULL, 'b'},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'q')
			bench_quick = true;
		else if (c == 'r')
			arg_rounds = atoi(optarg);
		else if (c == 'b')
			arg_only = optarg;
		else if (c == 'o')
			arg_output = optarg;
		else
			break;
	}
	if (c == -1 && optind == argc && arg_rounds >= 1 && arg_rounds <= 64)
		return;
	fputs(usage, c == 'h' ? stdout : stderr);
	exit(c == 'h' ? EXIT_SUCCESS : 2);
}

int main(int argc, char **argv)
{
	int round, r;
	size_t i;

	parse(argc, argv);
	cpu_calibrate();
	for (round = 1; round <= arg_rounds; round++)
		for (i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
			if (arg_only && strcmp(arg_only, benches[i].name) != 0)
				continue;
			fprintf(stderr, "round %d of %d: %s\n", round,
				arg_rounds, benches[i].name);
			benches[i].run();
		}
	result_print_table(stdout);
	r = result_write_json(arg_output);
	if (r < 0) {
		fprintf(stderr, "isrbench: cannot write %s: %s\n", arg_output,
			strerror(-r));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
