/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * How long a flag waits for the loop, counted in the program's own time, which
 * passes only in its busy tasks: four that keep the loop for 50, 30, 25 and
 * 10 ms, as in the note on MicroPython's interrupts, and a fifth that waits
 * for a flag. There it is up to the sum of all, 115 ms, and more; here it is
 * the rest of the one that runs.
 */
#include "xt-trace.h"

#define N_BUSY 4

/* How often the loop reads the clock, beside the work. */
#define ALLOWED_NS (MS / 10)

static const int64_t busy_ns[N_BUSY] = {50 * MS, 30 * MS, 25 * MS, 10 * MS};
#define SUM_NS (115 * MS)

static struct isr_flag flag;
static bool is_over;

/* One set, some time after the scenario has begun. */
static uint64_t set_ns;
static bool is_set;
static uint64_t handled_ns;

/* The interrupt comes while it computes, as the work does not yield. */
static void compute(int64_t ns)
{
	uint64_t end_ns = clock_ns + (uint64_t)ns;

	if (!is_set && set_ns <= end_ns) {
		is_set = true;
		isr_flag_set(&flag);
	}
	clock_ns = end_ns;
}

static int be_busy(void *arg)
{
	while (!is_over) {
		compute(*(const int64_t *)arg);
		yield();
	}
	return 0;
}

static int handle_one(void *arg)
{
	xt_ok(isr_wait(&flag, ISR_FOREVER));
	handled_ns = clock_ns;
	is_over = true;
	return 0;
}

static int start_busy_tasks(void *arg)
{
	struct isr_task *handler = create(handle_one, NULL);
	int i;

	is_over = is_set = false;
	yield();
	set_ns = clock_ns + *(const uint64_t *)arg;
	for (i = 0; i < N_BUSY; i++)
		go(be_busy, (void *)(uintptr_t)&busy_ns[i]);
	return await_task(handler);
}

/* Of a set so long after the first one began. */
static int64_t measure(uint64_t phase_ns)
{
	run_main(start_busy_tasks, &phase_ns);
	while (count_tasks() > 0)
		xt_ok(isr_loop_dispatch(loop));
	return (int64_t)(handled_ns - set_ns);
}

static void setup(void)
{
	trace_setup();
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
}

START_TEST(latency_is_the_rest_of_the_step_that_runs)
{
	ck_assert_int_le(measure(1 * MS), 49 * MS + ALLOWED_NS);
	ck_assert_int_le(measure(49 * MS), 1 * MS + ALLOWED_NS);
	ck_assert_int_le(measure(51 * MS), 29 * MS + ALLOWED_NS);
	ck_assert_int_le(measure(81 * MS), 24 * MS + ALLOWED_NS);
	ck_assert_int_le(measure(106 * MS), 9 * MS + ALLOWED_NS);
	/* The second time round. */
	ck_assert_int_le(measure(SUM_NS + 1 * MS), 49 * MS + ALLOWED_NS);
}
END_TEST

START_TEST(latency_is_at_most_the_longest_step)
{
	int64_t latency_ns, min_ns = INT64_MAX, max_ns = 0;
	uint64_t phase_ns;

	for (phase_ns = 0; phase_ns < 2 * SUM_NS; phase_ns += MS / 2) {
		latency_ns = measure(phase_ns);
		if (latency_ns < min_ns)
			min_ns = latency_ns;
		if (latency_ns > max_ns)
			max_ns = latency_ns;
	}

	ck_assert_int_le(max_ns, 50 * MS + ALLOWED_NS);
	/* It came while the longest one ran. */
	ck_assert_int_ge(max_ns, 49 * MS);
	ck_assert_int_le(min_ns, MS);
}
END_TEST

/*
 * Ten that are always ready and take 5 ms, and one that wants to go on after
 * 100 ms: there it is 155 ms.
 */
#define N_SLICES 10
#define SLICE_NS (5 * MS)
#define PERIOD_NS (100 * MS)

static int take_slices(void *arg)
{
	while (!is_over) {
		clock_ns += SLICE_NS;
		yield();
	}
	return 0;
}

static int64_t pause_for(struct isr_delay *delay, int64_t ns)
{
	uint64_t due_ns = clock_ns + (uint64_t)ns;

	if (delay) {
		xt_ok(isr_delay_trigger(delay, (uint64_t)ns));
		ck_assert_int_eq(isr_wait(&delay->expired, ISR_FOREVER), 1);
	} else {
		xt_ok(isr_sleep(ns));
	}
	ck_assert_uint_ge(clock_ns, due_ns);
	return (int64_t)(clock_ns - due_ns);
}

static int64_t latest_ns;

static int keep_time(void *arg)
{
	int64_t late_ns, ns;
	int i;

	latest_ns = 0;
	is_over = false;
	for (i = 0; i < N_SLICES; i++)
		go(take_slices, NULL);
	/* At each point of a slice. */
	for (ns = PERIOD_NS; ns < PERIOD_NS + SLICE_NS; ns += SLICE_NS / 20) {
		late_ns = pause_for(arg, ns);
		if (late_ns > latest_ns)
			latest_ns = late_ns;
	}
	is_over = true;
	return 0;
}

static int64_t measure_lateness(struct isr_delay *delay)
{
	run_main(keep_time, delay);
	while (count_tasks() > 0)
		xt_ok(isr_loop_dispatch(loop));
	return latest_ns;
}

START_TEST(sleep_is_late_by_all_that_is_ready)
{
	ck_assert_int_le(measure_lateness(NULL),
			 (N_SLICES + 1) * SLICE_NS + ALLOWED_NS);
}
END_TEST

START_TEST(delay_is_late_by_the_step_that_runs)
{
	struct isr_delay delay;

	xt_ok(isr_delay_init(&delay, loop, ISR_FLAG_AUTO));

	ck_assert_int_le(measure_lateness(&delay), SLICE_NS + ALLOWED_NS);
	xt_ok(isr_delay_done(&delay));
}
END_TEST

/*
 * The order of the two bands
 */

static int ids[] = {0, 1, 2, 3};

static int wait_and_say(void *arg)
{
	xt_ok(isr_wait(&flag, ISR_FOREVER));
	say("u%d", *(const int *)arg);
	return 0;
}

static int say_twice(void *arg)
{
	int id = *(const int *)arg;

	say("o%d", id);
	if (id == 0)
		isr_flag_set(&flag);
	yield();
	say("o%d", id);
	return 0;
}

static void say_callback(struct isr_flag *which, uint32_t count, void *arg)
{
	say("cb");
}

static int start_both_bands(void *arg)
{
	struct isr_flag other;
	struct isr_task *last;

	xt_ok(isr_flag_init(&other, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&other, say_callback, NULL));
	go(wait_and_say, &ids[0]);
	go(wait_and_say, &ids[1]);
	yield();
	go(say_twice, &ids[0]);
	last = create(say_twice, &ids[1]);
	say("two sets");
	isr_flag_set(&other);
	isr_flag_set(&flag);
	await_task(last);
	return isr_flag_done(&other);
}

START_TEST(order_is_that_of_the_sets_and_then_that_of_the_ready)
{
	run_main(start_both_bands, NULL);

	ck_assert_str_eq(trace, "two sets cb u0 o0 u1 o1 o0 o1");
}
END_TEST

/*
 * A flood: each callback sets its flag again.
 */

static int64_t callback_ns;
static unsigned int n_calls, n_turns;

static void set_again(struct isr_flag *which, uint32_t count, void *arg)
{
	n_calls++;
	clock_ns += (uint64_t)callback_ns;
	if (!is_over)
		isr_flag_set(which);
}

static int take_turns(void *arg)
{
	for (n_turns = 0; n_turns < 100; n_turns++)
		yield();
	is_over = true;
	return 0;
}

static void run_flood(int64_t ns)
{
	callback_ns = ns;
	n_calls = 0;
	is_over = false;
	xt_ok(isr_flag_set_cb(&flag, set_again, NULL));
	isr_flag_set(&flag);
	run_main(take_turns, NULL);
}

START_TEST(flood_leaves_a_turn_after_so_many_steps)
{
	struct isr_loop_stats stats;

	run_flood(0);

	ck_assert_uint_eq(n_turns, 100);
	ck_assert_uint_ge(n_calls, 100 * 63);
	ck_assert_uint_le(n_calls, 102 * 64);
	xt_ok(isr_loop_get_stats(loop, &stats));
	ck_assert_uint_ge(stats.budget_exhausted, 100);
}
END_TEST

START_TEST(flood_leaves_a_turn_after_so_long)
{
	run_flood(MS);

	ck_assert_uint_eq(n_turns, 100);
	ck_assert_uint_ge(n_calls, 100 * 5);
	ck_assert_uint_le(n_calls, 102 * 6);
}
END_TEST

/* A flood of tasks that wake each other is one as well. */
static struct isr_flag flags[2];

static int wake_other(void *arg)
{
	int i = *(const int *)arg;

	while (isr_wait(&flags[i], ISR_FOREVER) > 0) {
		n_calls++;
		isr_flag_set(&flags[!i]);
	}
	return 0;
}

START_TEST(flood_of_tasks_leaves_a_turn)
{
	int i;

	n_calls = 0;
	for (i = 0; i < 2; i++) {
		xt_ok(isr_flag_init(&flags[i], loop, ISR_FLAG_AUTO));
		go(wake_other, &ids[i]);
	}
	isr_flag_set(&flags[0]);
	run_main(take_turns, NULL);

	ck_assert_uint_eq(n_turns, 100);
	/* A delivery is a step, and a turn. */
	ck_assert_uint_ge(n_calls, 100 * 31);
	ck_assert_uint_le(n_calls, 102 * 32);
}
END_TEST

/*
 * Slow polling: many that look once a minute.
 */

#define N_POLLERS 10
#define N_MINUTES 10

static unsigned int n_looks;

static int poll_slowly(void *arg)
{
	int i;

	for (i = 0; i < N_MINUTES; i++) {
		doze(60 * SECOND);
		n_looks++;
	}
	return 0;
}

static int start_pollers(void *arg)
{
	struct isr_task *tasks[N_POLLERS];
	int i;

	for (i = 0; i < N_POLLERS; i++)
		tasks[i] = create(poll_slowly, NULL);
	for (i = 0; i < N_POLLERS; i++)
		xt_ok(await_task(tasks[i]));
	return 0;
}

START_TEST(pollers_cost_nothing_between_their_turns)
{
	struct isr_loop_stats before, after;

	n_looks = 0;
	xt_ok(isr_loop_get_stats(loop, &before));
	run_main(start_pollers, NULL);
	xt_ok(isr_loop_get_stats(loop, &after));

	ck_assert_uint_eq(n_looks, N_POLLERS * N_MINUTES);
	/* To wake up, and to find that nothing else is due. */
	ck_assert_uint_le(after.passes - before.passes, 2 * n_looks + 10);
	/* A turn each; the first and the last; main's, the stop. */
	ck_assert_uint_le(after.steps - before.steps,
			  n_looks + 2 * N_POLLERS + 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("latency of tasks");
	TCase *tcase = xt_case(suite, "latency");

	tcase_add_checked_fixture(tcase, setup, trace_teardown);
	tcase_add_test(tcase, latency_is_the_rest_of_the_step_that_runs);
	tcase_add_test(tcase, latency_is_at_most_the_longest_step);
	tcase_add_test(tcase, sleep_is_late_by_all_that_is_ready);
	tcase_add_test(tcase, delay_is_late_by_the_step_that_runs);
	tcase_add_test(tcase,
		       order_is_that_of_the_sets_and_then_that_of_the_ready);
	tcase_add_test(tcase, pollers_cost_nothing_between_their_turns);

	tcase = xt_case(suite, "flood");
	tcase_add_checked_fixture(tcase, setup, trace_teardown);
	tcase_add_test(tcase, flood_leaves_a_turn_after_so_many_steps);
	tcase_add_test(tcase, flood_leaves_a_turn_after_so_long);
	tcase_add_test(tcase, flood_of_tasks_leaves_a_turn);
	return xt_main(suite);
}
