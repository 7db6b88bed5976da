/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * goals: reads results.json and says which goals of bench/README.md are
 * met. Every goal is a ratio of two medians of the same batch, or a count;
 * exit status 0 when all that could be measured are met.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* Soft goals cross CPUs, whose distance a virtual machine may change. */
#define SOFT_SLACK 1.25

enum gate { HARD, SOFT };

/* What is held against the limit. */
enum measure {
	AT_MOST,	/* ours / theirs */
	AT_LEAST,	/* theirs / ours: how many times cheaper */
	VALUE_AT_MOST,	/* ours alone, median */
	NEVER_ABOVE,	/* ours alone, the worst run */
	TOTAL_AT_LEAST, /* ours alone, all runs together */
	EVER_ABOVE,	/* theirs alone: the race or hang does exist */
	ALWAYS_ABOVE	/* theirs alone, the best run */
};

struct goal {
	/* 0: none, and after all those that have one */
	int number;
	const char *what;
	const char *bench, *metric;
	/* NULL: isrloop alone */
	const char *peer, *peer_metric;
	enum measure measure;
	double limit;
	enum gate gate;
};

#define SET "set"
#define WAKE "wake"
#define RING "ring"
#define PIPE "pipeline"
#define TIMER "timer"
#define SCHEDULE "schedule"
#define BRIDGE "bridge"
#define FOUR "four-tasks"

/* In the order of the numbers. peer_metric NULL: the same metric. */
static const struct goal goals[] = {
	{1, "set, coalesced: as a bare locked exchange", SET, "coalesced",
	 "xchg-inline", NULL, AT_MOST, 1.25, HARD},
	{1, "  cheaper than ev_async_send", SET, "coalesced", "libev", NULL,
	 AT_LEAST, 3.5, HARD},
	{1, "  cheaper than an eventfd write", SET, "coalesced", "eventfd",
	 NULL, AT_LEAST, 35, HARD},
	{1, "  cheaper than GLib", SET, "coalesced", "glib", NULL, AT_LEAST, 35,
	 HARD},
	{1, "  cheaper than libevent", SET, "coalesced", "libevent", NULL,
	 AT_LEAST, 2, HARD},
	{1, "  system calls in 1000", SET, "coalesced_syscalls", NULL, NULL,
	 NEVER_ABOVE, 0, HARD},
	{2, "set, first, loop awake: ns", SET, "first", NULL, NULL,
	 VALUE_AT_MOST, 20, HARD},
	{2, "  cheaper than ev_async_send", SET, "first", "libev", NULL,
	 AT_LEAST, 3.5, HARD},
	{2, "  cheaper than GLib", SET, "first", "glib", NULL, AT_LEAST, 12,
	 HARD},
	{2, "  cheaper than an eventfd write", SET, "first", "eventfd", NULL,
	 AT_LEAST, 12, HARD},
	{2, "  cheaper than libuv", SET, "first", "libuv", NULL, AT_LEAST, 12,
	 HARD},
	{2, "  system calls", SET, "first_syscalls", NULL, NULL, NEVER_ABOVE, 0,
	 HARD},
	{4, "set to callback, one CPU: as raw eventfd and epoll", WAKE,
	 "same_cpu", "eventfd", NULL, AT_MOST, 1.10, HARD},
	{4, "  not slower than ev_async_send", WAKE, "same_cpu", "libev", NULL,
	 AT_MOST, 1.0, HARD},
	{4, "  faster than libuv", WAKE, "same_cpu", "libuv", NULL, AT_LEAST,
	 10, HARD},
	{6, "set to callback, two CPUs, spinning: as a bare spin", WAKE,
	 "cross_10us", "spin", NULL, AT_MOST, 1.5, SOFT},
	{6, "  faster than libev", WAKE, "cross_10us", "libev", NULL, AT_LEAST,
	 30, SOFT},
	{6, "  faster than libuv", WAKE, "cross_10us", "libuv", NULL, AT_LEAST,
	 30, SOFT},
	{6, "  faster than glib", WAKE, "cross_10us", "glib", NULL, AT_LEAST,
	 30, SOFT},
	{6, "  faster than libevent", WAKE, "cross_10us", "libevent", NULL,
	 AT_LEAST, 30, SOFT},
	{6, "  faster than eventfd", WAKE, "cross_10us", "eventfd", NULL,
	 AT_LEAST, 30, SOFT},
	{7, "set in a handler, loop busy: ns", SET, "handler", NULL, NULL,
	 VALUE_AT_MOST, 20, HARD},
	{7, "  99th percentile, ns", SET, "handler_p99", NULL, NULL,
	 VALUE_AT_MOST, 60, HARD},
	{7, "  cheaper than an eventfd write", SET, "handler", "eventfd", NULL,
	 AT_LEAST, 20, HARD},
	{7, "  cheaper than libuv", SET, "handler", "libuv", NULL, AT_LEAST, 20,
	 HARD},
	{8, "handler to callback, own thread: of raw eventfd and epoll", WAKE,
	 "handler", "eventfd", NULL, AT_MOST, 0.70, HARD},
	{8, "  faster than ev_async_send", WAKE, "handler", "libev", NULL,
	 AT_LEAST, 1.8, HARD},
	{9, "lost wake-ups, worst run", WAKE, "lost", NULL, NULL, NEVER_ABOVE,
	 0, HARD},
	{9, "  trials", WAKE, "lost_trials", NULL, NULL, TOTAL_AT_LEAST, 1e6,
	 HARD},
	{9, "  libuv loses some (best and worst run)", WAKE, "lost", "libuv",
	 NULL, EVER_ABOVE, 0, HARD},
	{10, "ring put, one thread: as a bare locked exchange", RING, "put",
	 "xchg", NULL, AT_MOST, 1.25, HARD},
	{10, "  as ck_ring for many producers", RING, "put", "ck", NULL,
	 AT_MOST, 1.05, HARD},
	{11, "ring put and get in a burst: as ck_ring", RING, "put_get", "ck",
	 NULL, AT_MOST, 1.1, HARD},
	{11, "  as a mutex and a ring", RING, "put_get", "mutex", NULL, AT_MOST,
	 1.1, HARD},
	{12, "ring across two CPUs: of the single-producer limit", RING,
	 "cross_cpu", "spsc", NULL, AT_MOST, 2.2, SOFT},
	{12, "  faster than ck_ring for many producers", RING, "cross_cpu",
	 "ck", NULL, AT_LEAST, 4, SOFT},
	{12, "  faster than a mutex and a ring", RING, "cross_cpu", "mutex",
	 NULL, AT_LEAST, 8, SOFT},
	{15, "handler interrupts a put: hangs, worst run", RING, "nested_hangs",
	 NULL, NULL, NEVER_ABOVE, 0, HARD},
	{15, "  events lost or out of order", RING, "nested_wrong", NULL, NULL,
	 NEVER_ABOVE, 0, HARD},
	{15, "  signals", RING, "nested_signals", NULL, NULL, TOTAL_AT_LEAST,
	 1e6, HARD},
	{15, "  ck_ring hangs", RING, "nested_hangs", "ck", NULL, EVER_ABOVE, 0,
	 HARD},
	{16, "flood, end to end: faster than ck_ring and ev_async", PIPE,
	 "flood", "ck", NULL, AT_LEAST, 3, SOFT},
	{16, "  than libuv and a mutex queue", PIPE, "flood", "libuv", NULL,
	 AT_LEAST, 5, SOFT},
	{16, "  than ev_async and a mutex queue", PIPE, "flood", "libev", NULL,
	 AT_LEAST, 8, SOFT},
	{16, "  than GLib", PIPE, "flood", "glib", NULL, AT_LEAST, 20, SOFT},
	{17, "flood, one CPU: faster than ck_ring and ev_async", PIPE,
	 "flood_1cpu", "ck", NULL, AT_LEAST, 2, HARD},
	{17, "  than libuv and a mutex queue", PIPE, "flood_1cpu", "libuv",
	 NULL, AT_LEAST, 1.5, HARD},
	{17, "  than ev_async and a mutex queue", PIPE, "flood_1cpu", "libev",
	 NULL, AT_LEAST, 2.3, HARD},
	{18, "a million a second: events lost, median", PIPE, "paced_lost",
	 NULL, NULL, VALUE_AT_MOST, 0, SOFT},
	{18, "  put: as ck_ring and ev_async", PIPE, "paced_put", "ck", NULL,
	 AT_MOST, 1.25, SOFT},
	{19, "a hundred thousand a second, spinning: of a bare spin", PIPE,
	 "paced_100k_latency", "spin", NULL, AT_MOST, 4, SOFT},
	{19, "  sooner than libev", PIPE, "paced_100k_latency", "libev", NULL,
	 AT_LEAST, 20, SOFT},
	{19, "  sooner than libuv", PIPE, "paced_100k_latency", "libuv", NULL,
	 AT_LEAST, 20, SOFT},
	{19, "  sooner than glib", PIPE, "paced_100k_latency", "glib", NULL,
	 AT_LEAST, 20, SOFT},
	{19, "  sooner than libevent", PIPE, "paced_100k_latency", "libevent",
	 NULL, AT_LEAST, 20, SOFT},
	{19, "  sooner than ck", PIPE, "paced_100k_latency", "ck", NULL,
	 AT_LEAST, 20, SOFT},
	{20, "1 kHz in ISR context, loop busy: as a raw timerfd thread", TIMER,
	 "isr_busy", "timerfd", NULL, AT_MOST, 1.15, SOFT},
	{20, "  99th percentile", TIMER, "isr_busy_p99", "timerfd", NULL,
	 AT_MOST, 1.3, SOFT},
	{20, "  99th percentile: earlier than a timerfd in the loop", TIMER,
	 "isr_busy_p99", "libev-timerfd", "loop_busy_p99", AT_LEAST, 12, SOFT},
	{20, "  earlier than ev_timer in an idle loop", TIMER, "isr_busy",
	 "libev", "loop_idle", AT_LEAST, 30, SOFT},
	{21, "1 kHz in an idle loop: as a raw timerfd thread", TIMER,
	 "loop_idle", "timerfd", NULL, AT_MOST, 1.15, SOFT},
	{21, "  callbacks a second: off by, Hz", TIMER, "loop_idle_rate_off",
	 NULL, NULL, VALUE_AT_MOST, 1, HARD},
	{0, "call scheduled: cheaper than ev_async and a mutex queue", SCHEDULE,
	 "post", "libev", NULL, AT_LEAST, 2, HARD},
	{0, "  than g_idle_add()", SCHEDULE, "post", "glib", NULL, AT_LEAST, 8,
	 HARD},
	{0, "latch, store and load: as a copy under a mutex", BRIDGE, "latch",
	 "mutex", NULL, AT_MOST, 1.0, HARD},
	{0, "guard, a try refused: as a bare locked exchange", BRIDGE,
	 "guard_refused", "xchg", "latch_store", AT_MOST, 1.3, HARD},
	{0, "mask and unmask: ns", BRIDGE, "mask", NULL, NULL, VALUE_AT_MOST,
	 500, HARD},
	{0, "byte ring, 64 in and out: as a ring under a mutex", BRIDGE,
	 "bytes", "mutex", NULL, AT_MOST, 1.0, HARD},
	{0, "four tasks of up to 50 ms: interrupt to task, worst run, ms", FOUR,
	 "latency_max_ms", NULL, NULL, NEVER_ABOVE, 51, HARD},
	{0, "  to hard handler, ms", FOUR, "handler_max_ms", NULL, NULL,
	 NEVER_ABOVE, 1, HARD},
	{0, "  libev's watchers in its own order, best run", FOUR,
	 "latency_max_ms", "libev", NULL, ALWAYS_ABOVE, 100, HARD},
};

static const json_t *find(const json_t *results, const char *bench,
			  const char *subject, const char *metric)
{
	json_t *r;
	size_t i;

	json_array_foreach(results, i, r)
	{
		const char *b, *s, *m;

		if (json_unpack(r, "{s:s, s:s, s:s}", "bench", &b, "subject",
				&s, "metric", &m) == 0 &&
		    !strcmp(b, bench) && !strcmp(s, subject) &&
		    !strcmp(m, metric))
			return r;
	}
	return NULL;
}

static double number(const json_t *result, const char *key)
{
	const json_t *n = json_object_get(result, key);

	return json_is_number(n) ? json_number_value(n) : NAN;
}

static double measured(const struct goal *g, const json_t *results)
{
	const json_t *own = find(results, g->bench, "isrloop", g->metric);
	const json_t *peer = NULL;

	if (g->peer)
		peer = find(results, g->bench, g->peer,
			    g->peer_metric ? g->peer_metric : g->metric);
	switch (g->measure) {
	case AT_MOST:
		return number(own, "median") / number(peer, "median");
	case AT_LEAST:
		return number(peer, "median") / number(own, "median");
	case VALUE_AT_MOST:
		return number(own, "median");
	case NEVER_ABOVE:
		return number(own, "max");
	case TOTAL_AT_LEAST:
		return number(own, "median") * number(own, "runs");
	case EVER_ABOVE:
		return number(peer, "max");
	case ALWAYS_ABOVE:
		return number(peer, "min");
	}
	return NAN;
}

static bool wants_more(const struct goal *g)
{
	return g->measure == AT_LEAST || g->measure == TOTAL_AT_LEAST;
}

static bool wants_above(const struct goal *g)
{
	return g->measure == EVER_ABOVE || g->measure == ALWAYS_ABOVE;
}

static bool is_met(const struct goal *g, double value)
{
	double slack = g->gate == SOFT ? SOFT_SLACK : 1.0;

	if (wants_above(g))
		return value > g->limit;
	if (wants_more(g))
		return value * slack >= g->limit;
	return value <= g->limit * slack;
}

/*
 * What would be in isrloop's place where nothing is wasted: a bare exchange,
 * inline where there is such a subject, a loop that only polls, a thread that
 * only reads a timerfd. Where that is short of the goal, no library can reach
 * it here.
 */
static const json_t *find_limit(const json_t *results, const struct goal *g)
{
	static const char *const limits[] = {"xchg-inline", "spin", "timerfd"};
	const json_t *limit = NULL;
	size_t i;

	for (i = 0; !limit && i < sizeof(limits) / sizeof(limits[0]); i++)
		limit = find(results, g->bench, limits[i], g->metric);
	return limit;
}

static double reachable(const struct goal *g, const json_t *results)
{
	const json_t *limit = find_limit(results, g), *peer;

	if (g->measure == VALUE_AT_MOST)
		return number(limit, "median");
	if (g->measure != AT_LEAST)
		return NAN;
	peer = find(results, g->bench, g->peer,
		    g->peer_metric ? g->peer_metric : g->metric);
	return number(peer, "median") / number(limit, "median");
}

/* Returns whether the goal stands in the way of success. */
static bool judge(const struct goal *g, const json_t *results)
{
	double value = measured(g, results);
	const char *verdict = "not measured";
	const char *relation = "<=";
	bool missed = false;
	double reach;

	if (wants_above(g))
		relation = "> ";
	else if (wants_more(g))
		relation = ">=";
	if (!isnan(value)) {
		missed = !is_met(g, value);
		verdict = missed ? "MISSED" : "met";
	}
	if (g->number)
		printf("%3d", g->number);
	else
		fputs("  -", stdout);
	printf("  %-58s %9.4g  %s %-7g %-5s %s", g->what, value, relation,
	       g->limit, g->gate == HARD ? "hard" : "soft", verdict);
	reach = reachable(g, results);
	if (missed && !isnan(reach) && !is_met(g, reach))
		printf(" (the limit here: %.3g)", reach);
	putchar('\n');
	return missed;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "results.json";
	unsigned int missed = 0;
	json_error_t error;
	json_t *results;
	size_t i;

	results = json_load_file(path, 0, &error);
	if (!json_is_array(results)) {
		fprintf(stderr, "goals: %s: %s\n", path,
			results ? "not an array of results" : error.text);
		return 2;
	}
	for (i = 0; i < sizeof(goals) / sizeof(goals[0]); i++)
		missed += judge(&goals[i], results);
	json_decref(results);
	printf("%u missed\n", missed);
	return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}
