/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What may be asked of those who tell of slow steps, and how the watchdog does
 * it.
 */
#include <ev.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "atomic.h"
#include "futex.h"
#include "loop.h"
#include "slow.h"
#include "xt-task.h"

#define HOUR_NS 3600000000000ULL

static struct isri_slow *get_slow(void)
{
	return isri_loop_base(loop)->steps.slow;
}

/* When the watchdog is about to look again; 0: it has not looked. */
static _Atomic(uint64_t) next_look_ns;

/* Linked with --wrap=isri_futex_wait. */
int __real_isri_futex_wait(uint32_t *word, uint32_t value,
			   uint64_t deadline_ns);
int __wrap_isri_futex_wait(uint32_t *word, uint32_t value,
			   uint64_t deadline_ns);

int __wrap_isri_futex_wait(uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	/* Where it dozes there is no time. */
	if (deadline_ns != ISRI_FUTEX_NEVER)
		next_look_ns = deadline_ns;
	return __real_isri_futex_wait(word, value, deadline_ns);
}

/* Of the loop's thread, as it were, and of another one, as was asked for. */
static int loop_policy, asked_policy;
static int loop_priority, asked_priority;

int __wrap_pthread_getschedparam(pthread_t thread, int *policy,
				 struct sched_param *param);
int __wrap_pthread_setschedparam(pthread_t thread, int policy,
				 const struct sched_param *param);

int __wrap_pthread_getschedparam(pthread_t thread, int *policy,
				 struct sched_param *param)
{
	ck_assert(pthread_equal(thread, pthread_self()));
	*policy = loop_policy;
	*param = (struct sched_param){.sched_priority = loop_priority};
	return 0;
}

int __wrap_pthread_setschedparam(pthread_t thread, int policy,
				 const struct sched_param *param)
{
	ck_assert(!pthread_equal(thread, pthread_self()));
	asked_policy = policy;
	asked_priority = param->sched_priority;
	return 0;
}

static bool no_memory, no_thread;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg);

void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg)
{
	return no_thread ? EAGAIN
			 : __real_pthread_create(thread, attr, run, arg);
}

static atomic_uint n_reports;

static void keep(const struct isr_slow_report *report, void *arg)
{
	n_reports++;
}

static int run_until_it_looked(void *arg)
{
	xt_wait_until(next_look_ns);
	return 0;
}

START_TEST(slow_threshold_without_end_is_never_reached)
{
	const struct isr_slow_config config = {
		.sz = sizeof(config),
		.modes = ISR_SLOW_SOON,
		.threshold_ns = UINT64_MAX,
	};

	next_look_ns = n_reports = 0;
	xt_ok(isr_loop_set_slow_cb(loop, &config, keep, NULL));
	spawn(run_until_it_looked, NULL);
	run_all();

	ck_assert_uint_gt(next_look_ns, isr_now_ns() + HOUR_NS);
	ck_assert_uint_eq(n_reports, 0);
}
END_TEST

static atomic_uint n_outer, n_inner;

static void count(const struct isr_slow_report *report, void *arg)
{
	if (strcmp(report->name, "outer") == 0)
		n_outer++;
	else if (strcmp(report->name, "inner") == 0)
		n_inner++;
}

static int hog_until_told(void *arg)
{
	uint64_t since_ns = xt_now_ns();
	const atomic_uint *n = arg;

	while (*n == 0 && !xt_is_in_vain(since_ns))
		sched_yield();
	return 0;
}

/* The watchdog looks at it again, after the inner one is over. */
static int run_inner_and_hog(void *arg)
{
	uint64_t since_ns, turns, *n_turns = &get_slow()->n_turns;

	hog_until_told(&n_outer);
	ev_run(isr_loop_get_ev(loop), EVRUN_NOWAIT);
	since_ns = xt_now_ns();
	turns = atomic_load(ATOMIC(n_turns));
	while (atomic_load(ATOMIC(n_turns)) < turns + 3 &&
	       !xt_is_in_vain(since_ns))
		sched_yield();
	return 0;
}

START_TEST(slow_step_is_told_once_though_one_in_it_is_told)
{
	const struct isr_slow_config config = {
		.sz = sizeof(config),
		.modes = ISR_SLOW_SOON,
		.threshold_ns = 1000000,
	};

	n_outer = n_inner = 0;
	xt_ok(isr_loop_set_slow_cb(loop, &config, count, NULL));
	xt_ok(isr_detach(spawn_named("outer", run_inner_and_hog, NULL)));
	xt_ok(isr_detach(spawn_named("inner", hog_until_told, &n_inner)));
	run_all();

	ck_assert_uint_eq(n_inner, 1);
	ck_assert_uint_eq(n_outer, 1);
}
END_TEST

START_TEST(slow_watchdog_outranks_a_loop_with_priority)
{
	static const int policies[] = {SCHED_FIFO, SCHED_RR, SCHED_OTHER};
	const struct isr_slow_config config = {
		.sz = sizeof(config),
		.modes = ISR_SLOW_SOON,
		.threshold_ns = HOUR_NS,
	};

	loop_policy = policies[_i];
	loop_priority = loop_policy == SCHED_OTHER ? 0 : 10;
	asked_policy = asked_priority = -1;
	xt_ok(isr_loop_set_slow_cb(loop, &config, keep, NULL));

	ck_assert_int_eq(asked_policy,
			 loop_policy == SCHED_OTHER ? -1 : loop_policy);
	ck_assert_int_eq(asked_priority, loop_policy == SCHED_OTHER ? -1 : 11);
}
END_TEST

START_TEST(slow_watch_that_cannot_begin_leaves_the_one_before)
{
	struct isr_slow_config config = {
		.sz = sizeof(config),
		.modes = ISR_SLOW_LATE,
	};
	const struct isri_slow *before;

	xt_ok(isr_loop_set_slow_cb(loop, &config, keep, NULL));
	before = get_slow();
	config.modes = ISR_SLOW_SOON;
	config.threshold_ns = HOUR_NS;
	no_memory = true;
	xt_fails_with(ENOMEM, isr_loop_set_slow_cb(loop, &config, keep, NULL));
	no_memory = false;
	no_thread = true;
	xt_fails_with(EAGAIN, isr_loop_set_slow_cb(loop, &config, keep, NULL));
	no_thread = false;

	ck_assert_ptr_eq(get_slow(), before);
}
END_TEST

START_TEST(slow_config_that_asks_for_nothing_known_is_refused)
{
	struct isr_slow_config config = {.sz = sizeof(config)};

	xt_fails_with(EINVAL, isr_loop_set_slow_cb(NULL, &config, keep, NULL));
	xt_fails_with(EINVAL, isr_loop_set_slow_cb(loop, NULL, keep, NULL));
	xt_fails_with(EINVAL, isr_loop_set_slow_cb(loop, &config, keep, NULL));
	config.modes = ISR_SLOW_SOON;
	xt_fails_with(EINVAL, isr_loop_set_slow_cb(loop, &config, keep, NULL));
	config.modes = 8 | ISR_SLOW_LATE;
	xt_fails_with(EINVAL, isr_loop_set_slow_cb(loop, &config, keep, NULL));
	config.modes = ISR_SLOW_LATE;
	config.sz = 4;
	xt_fails_with(EINVAL, isr_loop_set_slow_cb(loop, &config, keep, NULL));
	ck_assert_ptr_null(get_slow());
}
END_TEST

START_TEST(slow_config_of_a_later_version_is_refused)
{
	struct isr_slow_config config = {.sz = sizeof(config)};

	config.modes = ISR_SLOW_LATE;
	config.reserved0 = 1;
	xt_fails_with(E2BIG, isr_loop_set_slow_cb(loop, &config, keep, NULL));
	config.reserved0 = 0;
	config.reserved[3] = 1;
	xt_fails_with(E2BIG, isr_loop_set_slow_cb(loop, &config, keep, NULL));
	ck_assert_ptr_null(get_slow());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slow-config");
	TCase *tc = xt_case(suite, "config");

	tcase_add_checked_fixture(tc, task_setup, task_teardown);
	tcase_add_test(tc, slow_threshold_without_end_is_never_reached);
	tcase_add_test(tc, slow_step_is_told_once_though_one_in_it_is_told);
	tcase_add_loop_test(tc, slow_watchdog_outranks_a_loop_with_priority, 0,
			    3);
	tcase_add_test(tc, slow_watch_that_cannot_begin_leaves_the_one_before);
	tcase_add_test(tc, slow_config_that_asks_for_nothing_known_is_refused);
	tcase_add_test(tc, slow_config_of_a_later_version_is_refused);
	return xt_main(suite);
}
