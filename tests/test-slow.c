/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Slow steps are told. A hog goes on until it was told of, so that no test
 * depends on how fast anything is; it gives up where it waits in vain.
 */
#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "atomic.h"
#include "loop.h"
#include "slow.h"
#include "xt-task.h"

#define HOUR_NS 3600000000000ULL
#define MS_NS 1000000ULL

struct report {
	uint32_t modes;
	uint64_t duration_ns;
	char name[64];
	pthread_t thread;
};

/* After the first ones the latest. */
static struct report reports[16];
static atomic_uint n_reports;
/* Only this one's, as any step may lose the CPU; NULL: all. */
static _Atomic(const char *) wanted;

static void keep(const struct isr_slow_report *report, void *arg)
{
	unsigned int n = atomic_load(&n_reports);
	struct report *kept = &reports[n < 16 ? n : 15];
	const char *name = atomic_load(&wanted);

	if (name && strcmp(report->name, name) != 0)
		return;
	*kept = (struct report){
		.modes = report->modes,
		.duration_ns = report->duration_ns,
		.thread = pthread_self(),
	};
	snprintf(kept->name, sizeof(kept->name), "%s", report->name);
	atomic_store(&n_reports, n + 1);
}

static void setup(void)
{
	task_setup();
	atomic_store(&wanted, NULL);
	atomic_store(&n_reports, 0);
}

static void watch(uint32_t modes, uint64_t threshold_ns)
{
	const struct isr_slow_config config = {
		.sz = sizeof(config),
		.modes = modes,
		.threshold_ns = threshold_ns,
	};

	xt_ok(isr_loop_set_slow_cb(loop, &config, keep, NULL));
}

/* A hog uses a CPU all the while: so less patience than others have. */
static bool is_in_vain(uint64_t since_ns)
{
	return xt_now_ns() - since_ns > 5000 * MS_NS;
}

/* False when nobody has told of it in a long time. */
static bool hog_until_told(unsigned int n)
{
	uint64_t start_ns = xt_now_ns();

	while (atomic_load(&n_reports) < n)
		if (is_in_vain(start_ns))
			return false;
	return true;
}

static bool was_told;

static int hog(void *arg)
{
	was_told = hog_until_told(1);
	return 0;
}

/* As long as this at least. */
static int use_ns(void *arg)
{
	const uint64_t *ns = arg;
	uint64_t start_ns = isr_now_ns();

	while (isr_now_ns() - start_ns < *ns)
		;
	return 0;
}

static void turn(void)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		xt_ok(isr_loop_dispatch(loop));
}

static void spawn_as(const char *name, isr_task_cb *fn, const void *arg)
{
	xt_ok(isr_detach(spawn_named(name, fn, arg)));
}

static struct isri_slow *get_slow(void)
{
	return isri_loop_base(loop)->steps.slow;
}

/*
 * While it runs
 */

START_TEST(soon_tells_while_the_hog_runs)
{
	atomic_store(&wanted, "hog");
	watch(ISR_SLOW_SOON, MS_NS);
	spawn_as("hog", hog, NULL);
	turn();

	ck_assert(was_told);
	ck_assert_uint_eq(atomic_load(&n_reports), 1);
	ck_assert_uint_eq(reports[0].modes, ISR_SLOW_SOON);
	ck_assert_uint_ge(reports[0].duration_ns, MS_NS);
	ck_assert(!pthread_equal(reports[0].thread, pthread_self()));
}
END_TEST

START_TEST(soon_tells_of_each_hog)
{
	atomic_store(&wanted, "first");
	watch(ISR_SLOW_SOON, MS_NS);
	spawn_as("first", hog, NULL);
	turn();
	ck_assert(was_told);
	atomic_store(&n_reports, 0);
	atomic_store(&wanted, "second");
	spawn_as("second", hog, NULL);
	turn();

	ck_assert(was_told);
}
END_TEST

static int hog_for_several_turns(void *arg)
{
	struct isri_slow *slow = get_slow();
	uint64_t turns;

	was_told = hog_until_told(1);
	turns = atomic_load(ATOMIC(&slow->n_turns));
	xt_wait_until(!was_told ||
		      atomic_load(ATOMIC(&slow->n_turns)) >= turns + 3);
	return 0;
}

START_TEST(soon_tells_once_of_each_step)
{
	atomic_store(&wanted, "hog");
	watch(ISR_SLOW_SOON, MS_NS);
	spawn_as("hog", hog_for_several_turns, NULL);
	turn();

	ck_assert(was_told);
	ck_assert_uint_eq(atomic_load(&n_reports), 1);
}
END_TEST

static int hog_between_yields(void *arg)
{
	unsigned int i;

	for (i = 0; i < 1000; i++)
		xt_ok(isr_yield());
	was_told = hog_until_told(1);
	return 0;
}

START_TEST(soon_tells_of_a_hog_in_a_loop_that_is_never_idle)
{
	atomic_store(&wanted, "hog");
	watch(ISR_SLOW_SOON, MS_NS);
	spawn_as("hog", hog_between_yields, NULL);
	run_all();

	ck_assert(was_told);
}
END_TEST

static void hog_in_callback(struct isr_flag *flag, uint32_t count, void *arg)
{
	was_told = hog_until_told(1);
}

START_TEST(soon_tells_of_a_callback_by_its_address)
{
	char name[64];
	struct isr_flag flag;

	snprintf(name, sizeof(name), "flag callback %p",
		 (void *)(uintptr_t)hog_in_callback);
	atomic_store(&wanted, name);
	watch(ISR_SLOW_SOON, MS_NS);
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, hog_in_callback, NULL));
	isr_flag_set(&flag);
	turn();
	xt_ok(isr_flag_done(&flag));

	ck_assert(was_told);
}
END_TEST

static void hog_in_call(void *arg)
{
	was_told = hog_until_told(1);
}

static void call_nothing(void *arg)
{
}

START_TEST(soon_tells_of_a_call_by_its_address)
{
	char name[64];

	snprintf(name, sizeof(name), "call %p", (void *)(uintptr_t)hog_in_call);
	atomic_store(&wanted, name);
	watch(ISR_SLOW_SOON, MS_NS);
	xt_ok(isr_schedule(loop, call_nothing, NULL));
	xt_ok(isr_schedule(loop, hog_in_call, NULL));
	turn();

	ck_assert(was_told);
}
END_TEST

static int detach_and_hog(void *arg)
{
	xt_ok(isr_loop_set_slow_cb(loop, NULL, NULL, NULL));
	watch(ISR_SLOW_SOON, MS_NS);
	return 0;
}

START_TEST(soon_begins_anew_in_a_step)
{
	atomic_store(&wanted, "hog");
	watch(ISR_SLOW_SOON, MS_NS);
	spawn_as("changer", detach_and_hog, NULL);
	spawn_as("hog", hog, NULL);
	turn();

	ck_assert(was_told);
}
END_TEST

static int run_the_loop_and_hog(void *arg)
{
	ev_run(isr_loop_get_ev(loop), EVRUN_NOWAIT);
	was_told = hog_until_told(1);
	return 0;
}

START_TEST(soon_knows_the_outer_step_again)
{
	atomic_store(&wanted, "outer");
	watch(ISR_SLOW_SOON, 20 * MS_NS);
	spawn_as("outer", run_the_loop_and_hog, NULL);
	spawn_as("inner", add_once, "i");
	turn();

	ck_assert(was_told);
	ck_assert_str_eq(trace, "i");
}
END_TEST

/* False when it does not in a long time. */
static bool wait_for_doze(struct isri_slow *slow)
{
	uint64_t start_ns = xt_now_ns();

	while (atomic_load(ATOMIC(&slow->state)) != ISRI_SLOW_DOZING) {
		if (is_in_vain(start_ns))
			return false;
		sched_yield();
	}
	return true;
}

START_TEST(soon_wakes_a_watchdog_that_dozes)
{
	atomic_store(&wanted, "hog");
	watch(ISR_SLOW_SOON, MS_NS);
	ck_assert(wait_for_doze(get_slow()));
	spawn_as("hog", hog, NULL);
	turn();

	ck_assert(was_told);
}
END_TEST

static int watch_until_it_dozes(void *arg)
{
	watch(ISR_SLOW_SOON, MS_NS);
	return wait_for_doze(get_slow()) ? 0 : -ETIMEDOUT;
}

/* The pass it began in has no step more, and ends while it dozes. */
START_TEST(soon_wakes_a_watchdog_that_dozed_through_the_end_of_a_pass)
{
	atomic_store(&wanted, "hog");
	spawn_as("watcher", watch_until_it_dozes, NULL);
	turn();
	spawn_as("hog", hog, NULL);
	turn();

	ck_assert(was_told);
}
END_TEST

static uint64_t get_turns(struct isri_slow *slow)
{
	return atomic_load(ATOMIC(&slow->n_turns));
}

static atomic_bool has_run;

static int run_once(void *arg)
{
	atomic_store(&has_run, true);
	return 0;
}

static void *look_while_the_loop_sleeps(void *arg)
{
	const struct timespec many_thresholds = {.tv_nsec = 30 * MS_NS};
	struct isri_slow *slow = arg;
	static uint64_t turns;

	/* It began by dozing: the step has ended that. */
	xt_wait_until(atomic_load(&has_run));
	turns = wait_for_doze(slow) ? get_turns(slow) : UINT64_MAX;
	nanosleep(&many_thresholds, NULL);
	turns = get_turns(slow) - turns;
	isr_loop_stop(loop);
	return &turns;
}

START_TEST(soon_wakes_nothing_in_a_loop_that_sleeps)
{
	pthread_t thread;
	void *turns;

	watch(ISR_SLOW_SOON, MS_NS);
	atomic_store(&has_run, false);
	spawn_as("short", run_once, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL,
					look_while_the_loop_sleeps, get_slow()),
			 0);
	xt_ok(isr_loop_run(loop));
	pthread_join(thread, &turns);

	ck_assert_uint_eq(*(uint64_t *)turns, 0);
}
END_TEST

/*
 * When it is over
 */

START_TEST(late_tells_of_each_that_took_as_long)
{
	const uint64_t ns = 2 * MS_NS;

	watch(ISR_SLOW_LATE | ISR_SLOW_MAX, ns);
	spawn_as("a", use_ns, &ns);
	spawn_as("b", use_ns, &ns);
	turn();

	ck_assert_uint_eq(atomic_load(&n_reports), 2);
	ck_assert_uint_eq(reports[0].modes, ISR_SLOW_LATE | ISR_SLOW_MAX);
	ck_assert_str_eq(reports[0].name, "a");
	ck_assert_str_eq(reports[1].name, "b");
	ck_assert_uint_ge(reports[0].duration_ns, ns);
	ck_assert(pthread_equal(reports[0].thread, pthread_self()));
}
END_TEST

START_TEST(late_leaves_out_those_below_the_threshold)
{
	watch(ISR_SLOW_LATE | ISR_SLOW_MAX, HOUR_NS);
	spawn_as("a", add_once, "a");
	turn();

	ck_assert_str_eq(trace, "a");
	ck_assert_uint_eq(atomic_load(&n_reports), 0);
}
END_TEST

/* Steps of known lengths, without a clock. */
static void pretend(uint64_t duration_ns)
{
	struct isri_slow *slow = get_slow();

	if (isri_slow_has_to_tell(slow, duration_ns))
		isri_slow_tell(slow, duration_ns, "pretended");
}

START_TEST(max_tells_of_new_maxima_only)
{
	static const uint64_t ns[] = {5, 10, 10, 30, 20, 40};
	size_t i;

	watch(ISR_SLOW_MAX, 10);
	for (i = 0; i < sizeof(ns) / sizeof(ns[0]); i++)
		pretend(ns[i]);

	ck_assert_uint_eq(atomic_load(&n_reports), 3);
	ck_assert_uint_eq(reports[0].duration_ns, 10);
	ck_assert_uint_eq(reports[1].duration_ns, 30);
	ck_assert_uint_eq(reports[2].duration_ns, 40);
	ck_assert_uint_eq(reports[2].modes, ISR_SLOW_MAX);
}
END_TEST

START_TEST(max_is_told_together_with_late)
{
	watch(ISR_SLOW_MAX | ISR_SLOW_LATE, 10);
	pretend(30);
	pretend(20);

	ck_assert_uint_eq(atomic_load(&n_reports), 2);
	ck_assert_uint_eq(reports[0].modes, ISR_SLOW_MAX | ISR_SLOW_LATE);
	ck_assert_uint_eq(reports[1].modes, ISR_SLOW_LATE);
}
END_TEST

/* The name of one call is not that of the next. */
START_TEST(late_names_each_call_of_several)
{
	char name[2][64];

	snprintf(name[0], sizeof(name[0]), "call %p",
		 (void *)(uintptr_t)call_nothing);
	snprintf(name[1], sizeof(name[1]), "call %p",
		 (void *)(uintptr_t)hog_in_call);
	watch(ISR_SLOW_LATE, 0);
	atomic_store(&n_reports, 1);
	xt_ok(isr_schedule(loop, call_nothing, NULL));
	xt_ok(isr_schedule(loop, hog_in_call, NULL));
	turn();

	ck_assert_uint_ge(atomic_load(&n_reports), 3);
	ck_assert_str_eq(reports[1].name, name[0]);
	ck_assert_str_eq(reports[2].name, name[1]);
}
END_TEST

/*
 * What the callback may do, and the end
 */

static void take_away(const struct isr_slow_report *report, void *arg)
{
	keep(report, arg);
	xt_ok(isr_loop_set_slow_cb(loop, NULL, NULL, NULL));
}

static void end_loop(const struct isr_slow_report *report, void *arg)
{
	keep(report, arg);
	xt_ok(isr_loop_free(loop));
}

static void watch_with(isr_slow_cb *cb)
{
	const struct isr_slow_config config = {
		.sz = sizeof(config),
		.modes = ISR_SLOW_LATE,
	};

	xt_ok(isr_loop_set_slow_cb(loop, &config, cb, NULL));
}

START_TEST(slow_cb_may_take_itself_away)
{
	watch_with(take_away);
	spawn(add_once, "a");
	spawn(add_once, "b");
	turn();

	ck_assert_str_eq(trace, "ab");
	ck_assert_uint_eq(atomic_load(&n_reports), 1);
}
END_TEST

START_TEST(slow_cb_may_free_the_loop)
{
	watch_with(end_loop);
	spawn(add_once, "a");
	xt_fails_with(ECANCELED, isr_loop_run(loop));
	loop = NULL;

	ck_assert_str_eq(trace, "a");
	ck_assert_uint_eq(atomic_load(&n_reports), 1);
}
END_TEST

static int end_the_loop(void *arg)
{
	xt_ok(isr_loop_free(loop));
	return 0;
}

START_TEST(slow_watch_ends_with_a_loop_that_is_freed_in_a_step)
{
	watch(ISR_SLOW_SOON, HOUR_NS);
	spawn(end_the_loop, NULL);
	xt_fails_with(ECANCELED, isr_loop_run(loop));
	loop = NULL;
}
END_TEST

static int use_closed_loop(void *arg)
{
	const struct isr_slow_config config = {
		.sz = sizeof(config),
		.modes = ISR_SLOW_LATE,
	};

	xt_ok(isr_loop_free(loop));
	xt_fails_with(ECANCELED,
		      isr_loop_set_slow_cb(loop, &config, keep, NULL));
	xt_ok(isr_loop_set_slow_cb(loop, NULL, NULL, NULL));
	return 0;
}

START_TEST(slow_watch_does_not_begin_on_a_loop_that_is_freed)
{
	spawn(use_closed_loop, NULL);
	xt_fails_with(ECANCELED, isr_loop_run(loop));
	loop = NULL;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slow");
	TCase *soon = xt_case(suite, "soon");
	TCase *doze = xt_case(suite, "doze");
	TCase *late = xt_case(suite, "late");
	TCase *end = xt_case(suite, "end");

	tcase_add_checked_fixture(soon, setup, task_teardown);
	tcase_add_test(soon, soon_tells_while_the_hog_runs);
	tcase_add_test(soon, soon_tells_of_each_hog);
	tcase_add_test(soon, soon_tells_once_of_each_step);
	tcase_add_test(soon, soon_tells_of_a_hog_in_a_loop_that_is_never_idle);
	tcase_add_test(soon, soon_tells_of_a_callback_by_its_address);
	tcase_add_test(soon, soon_tells_of_a_call_by_its_address);
	tcase_add_test(soon, soon_begins_anew_in_a_step);
	tcase_add_test(soon, soon_knows_the_outer_step_again);

	tcase_add_checked_fixture(doze, setup, task_teardown);
	tcase_add_test(doze, soon_wakes_a_watchdog_that_dozes);
	tcase_add_test(
		doze,
		soon_wakes_a_watchdog_that_dozed_through_the_end_of_a_pass);
	tcase_add_test(doze, soon_wakes_nothing_in_a_loop_that_sleeps);

	tcase_add_checked_fixture(late, setup, task_teardown);
	tcase_add_test(late, late_tells_of_each_that_took_as_long);
	tcase_add_test(late, late_leaves_out_those_below_the_threshold);
	tcase_add_test(late, max_tells_of_new_maxima_only);
	tcase_add_test(late, max_is_told_together_with_late);
	tcase_add_test(late, late_names_each_call_of_several);

	tcase_add_checked_fixture(end, setup, task_teardown);
	tcase_add_test(end, slow_cb_may_take_itself_away);
	tcase_add_test(end, slow_cb_may_free_the_loop);
	tcase_add_test(end,
		       slow_watch_ends_with_a_loop_that_is_freed_in_a_step);
	tcase_add_test(end, slow_watch_does_not_begin_on_a_loop_that_is_freed);
	return xt_main(suite);
}
