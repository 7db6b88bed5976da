/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What polling costs, as the loop's counters and its printer tell it. Time is
 * the program's own, see xt-trace.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include <isrloop/task.h>

#include "xt-trace.h"

#define US INT64_C(1000)
#define N_PROBES 10
/* The clock goes on a little whenever somebody looks at it. */
#define LOOKS_NS (5 * US)

static uint64_t probe_ns;
static int n_asked;

static void setup(void)
{
	trace_setup();
	n_asked = 0;
}

/* The last answer is yes. */
static bool is_ready(void *arg)
{
	clock_ns += probe_ns;
	return ++n_asked == N_PROBES;
}

static struct isr_loop_stats get_stats(void)
{
	struct isr_loop_stats stats;

	xt_ok(isr_loop_get_stats(loop, &stats));
	return stats;
}

static void assert_near(uint64_t total_ns, uint64_t n, uint64_t each_ns)
{
	ck_assert_uint_ge(total_ns, n * each_ns);
	ck_assert_uint_le(total_ns, n * (each_ns + LOOKS_NS));
}

static void assert_costs(uint64_t each_ns, uint64_t every_ns)
{
	struct isr_loop_stats stats = get_stats();

	ck_assert_uint_eq(stats.probes, N_PROBES);
	ck_assert_uint_eq(stats.rounds, N_PROBES - 1);
	assert_near(stats.probe_ns, stats.probes, each_ns);
	assert_near(stats.round_ns, stats.rounds, every_ns);
}

static int work_5_ms_at_a_time(void *arg)
{
	do
		clock_ns += 5 * MS;
	while (isr_yield() == 0);
	return 0;
}

static int poll_beside_workers(void *arg)
{
	int i;

	for (i = 0; i < 5; i++)
		go(work_5_ms_at_a_time, NULL);
	return isr_wait_until(is_ready, NULL, 0, ISR_FOREVER);
}

static void assert_prints(const char *what)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	xt_ok(isr_loop_print_stats(loop, out));
	fclose(out);
	ck_assert_msg(strstr(text, what), "no \"%s\" in:\n%s", what, text);
	free(text);
}

/* The note's example: 300 us a probe, five tasks of 5 ms: 1.2 %. */
START_TEST(polling_costs_what_it_takes_of_a_round)
{
	probe_ns = 300 * US;

	run_main(poll_beside_workers, NULL);

	assert_costs(300 * US, 25300 * US);
	assert_prints("  polled 10 times: 300.");
	assert_prints(", every 253");
	assert_prints(", 1.19 % overhead\n");
}
END_TEST

static int poll_with_a_period(void *arg)
{
	return isr_wait_until(is_ready, NULL, (uint64_t)(10 * MS), ISR_FOREVER);
}

START_TEST(polling_costs_little_where_the_loop_sleeps)
{
	probe_ns = 100 * US;

	run_main(poll_with_a_period, NULL);

	assert_costs(100 * US, 10100 * US);
}
END_TEST

static bool is_ready_at_once(void *arg)
{
	clock_ns += probe_ns;
	return true;
}

static int ask_twice(void *arg)
{
	xt_ok(isr_wait_until(is_ready_at_once, NULL, 0, ISR_FOREVER));
	/* What it does before it asks is no part of it. */
	clock_ns += SECOND;
	return isr_wait_until(is_ready_at_once, NULL, 0, 0);
}

/* Two waits are no round: nobody polled between them. */
START_TEST(polling_counts_no_round_of_one_question)
{
	struct isr_loop_stats stats;

	probe_ns = 10 * US;
	run_main(ask_twice, NULL);
	stats = get_stats();

	ck_assert_uint_eq(stats.probes, 2);
	ck_assert_uint_eq(stats.rounds, 0);
	ck_assert_uint_eq(stats.round_ns, 0);
	assert_near(stats.probe_ns, 2, 10 * US);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("task polling");
	TCase *tc = xt_case(suite, "polling");

	tcase_add_checked_fixture(tc, setup, trace_teardown);
	tcase_add_test(tc, polling_costs_what_it_takes_of_a_round);
	tcase_add_test(tc, polling_costs_little_where_the_loop_sleeps);
	tcase_add_test(tc, polling_counts_no_round_of_one_question);
	return xt_main(suite);
}
