/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The printer says what is to be said, and nothing of what is not there. */
#include <stdio.h>
#include <stdlib.h>

#include <isrloop/hist.h>
#include <isrloop/task.h>

#include "xt-source.h"

static char *text;

static void setup(void)
{
	xt_loop_setup();
	text = NULL;
}

static void teardown(void)
{
	free(text);
	xt_loop_teardown();
}

static void print(void)
{
	size_t size;
	FILE *out;

	free(text);
	out = open_memstream(&text, &size);
	ck_assert_ptr_nonnull(out);
	xt_ok(isr_loop_print_stats(loop, out));
	fclose(out);
}

static void assert_has(const char *line)
{
	ck_assert_msg(strstr(text, line), "no \"%s\" in:\n%s", line, text);
}

static void assert_has_not(const char *line)
{
	ck_assert_msg(!strstr(text, line), "\"%s\" in:\n%s", line, text);
}

START_TEST(print_of_a_new_loop_has_no_more_than_that)
{
	print();

	ck_assert_str_eq(
		text, "loop: 0 wake-ups, 0 passes, 0 deliveries, 0 calls"
		      " (0 refused)\n"
		      "  0 steps, 0 of them urgent, 0 times out of budget\n");
}
END_TEST

static void do_nothing(struct isr_flag *flag, uint32_t count, void *arg)
{
}

START_TEST(print_has_the_longest_step)
{
	struct isr_loop_stats stats;
	struct isr_flag flag;
	char line[128];

	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, do_nothing, NULL));
	isr_flag_set(&flag);
	xt_ok(isr_loop_dispatch(loop));
	print();
	xt_ok(isr_loop_get_stats(loop, &stats));
	snprintf(line, sizeof(line), "  longest step %.1f us: %s\n",
		 (double)stats.step_max_ns / 1000, stats.step_max_name);

	assert_has("1 deliveries");
	assert_has("  1 steps, 1 of them urgent");
	assert_has(line);
	assert_has_not("flag 0x");
	xt_ok(isr_flag_done(&flag));
}
END_TEST

START_TEST(print_has_each_flag_with_a_histogram)
{
	struct isr_flag set, edge;
	struct isr_hist hist[2] = {0};

	xt_ok(isr_flag_init(&set, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&edge, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_hist(&set, &hist[0]));
	xt_ok(isr_flag_set_edge_hist(&edge, &hist[1]));
	print();
	assert_has("flag 0x");
	assert_has_not("to run");
	isr_hist_record(&hist[0], 15000);
	isr_hist_record(&hist[1], 3000);
	isr_hist_record(&hist[1], 3000);
	print();

	assert_has("  set to run, 1 times: p50 15.0 us, p99 15.0 us,"
		   " max 15.0 us\n");
	assert_has("  edge to run, 2 times: p50 3.0 us, p99 3.0 us,"
		   " max 3.0 us\n");
	xt_ok(isr_flag_done(&set));
	xt_ok(isr_flag_done(&edge));
}
END_TEST

START_TEST(print_has_each_source_with_its_account)
{
	const struct isr_source_options options = {
		.name = "button",
		.budget_ns = 3600000000000ULL,
	};
	const struct isr_event event = {.kind = ISR_EVENT_USER};
	struct isr_source *source, *other;

	xt_ok(isr_user_open(loop, &options, xt_sink, &sink, &source));
	xt_ok(isr_user_open(loop, &xt_hard, xt_sink, &sink, &other));
	xt_ok(isr_source_fire(source, &event));
	xt_ok(isr_source_fire(source, &event));
	xt_sink_run(&sink, 2);
	print();

	assert_has("source button: 2 delivered, 0 lost in the kernel, 0 in the"
		   " ring, 0 merged, 0 discarded, 0 failed\n"
		   "  longest run ");
	assert_has(" us, 0 over the budget\n"
		   "  edge to callback, 2 times: p50 ");
	assert_has("source user: 0 delivered");
	assert_has_not("edge to hard handler");
}
END_TEST

START_TEST(print_tells_hard_handlers_from_callbacks)
{
	const struct isr_event event = {.kind = ISR_EVENT_USER};
	struct isr_source *source;

	xt_ok(isr_user_open(loop, &xt_hard, xt_sink, &sink, &source));
	xt_ok(isr_source_fire(source, &event));
	xt_sink_run(&sink, 1);
	print();

	assert_has("  edge to hard handler, 1 times: p50 ");
}
END_TEST

static int sleep_long(void *arg)
{
	return isr_sleep(3600000000000LL) == -ECANCELED ? 0 : -EIO;
}

START_TEST(print_has_each_task_that_is_alive)
{
	const struct isr_task_config config = {
		.sz = sizeof(config),
		.name = "reader",
	};
	struct isr_task_stats stats;
	struct isr_task *task;
	char line[128];

	xt_ok(isr_spawn(loop, &config, sleep_long, NULL, &task));
	xt_settle();
	print();
	xt_ok(isr_task_get_stats(task, &stats));
	snprintf(line, sizeof(line), " us, stack %zu of %zu bytes\n",
		 stats.stack_used_max, stats.stack_bytes);
	xt_ok(isr_detach(task));

	assert_has("task reader: 1 steps, ran ");
	assert_has(line);
}
END_TEST

START_TEST(print_has_critical_sections)
{
	int m = isr_mask(loop);

	xt_ok(isr_unmask(loop, m));
	print();

	assert_has("  1 critical sections, longest ");
	assert_has("test-print.c:");
}
END_TEST

START_TEST(print_refuses_what_is_not_there)
{
	xt_fails_with(EINVAL, isr_loop_print_stats(NULL, stdout));
	xt_fails_with(EINVAL, isr_loop_print_stats(loop, NULL));
}
END_TEST

START_TEST(print_says_when_the_stream_fails)
{
	FILE *full = fopen("/dev/full", "w");

	ck_assert_ptr_nonnull(full);
	setvbuf(full, NULL, _IONBF, 0);
	xt_fails_with(EIO, isr_loop_print_stats(loop, full));
	fclose(full);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("print");
	TCase *tc = xt_case(suite, "print");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, print_of_a_new_loop_has_no_more_than_that);
	tcase_add_test(tc, print_has_the_longest_step);
	tcase_add_test(tc, print_has_each_flag_with_a_histogram);
	tcase_add_test(tc, print_has_each_source_with_its_account);
	tcase_add_test(tc, print_tells_hard_handlers_from_callbacks);
	tcase_add_test(tc, print_has_each_task_that_is_alive);
	tcase_add_test(tc, print_has_critical_sections);
	tcase_add_test(tc, print_refuses_what_is_not_there);
	tcase_add_test(tc, print_says_when_the_stream_fails);
	return xt_main(suite);
}
