/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* isr_schedule(): calls in order, on the loop, from any context. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <isrloop/emerg.h>
#include <isrloop/isr.h>
#include <isrloop/loop.h>

#include "xt.h"

#define DEPTH 64

static struct isr_loop *loop;
static char trace[256];
static unsigned int n_accepted;
static unsigned int n_made;
static unsigned int n_records;

static void count_record(const struct isr_emerg *record, void *arg)
{
	n_records += record->kind == ISR_EMERG_SCHEDULE_FULL;
}

static void setup(void)
{
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
	trace[0] = '\0';
	n_accepted = 0;
	n_made = 0;
	n_records = 0;
	xt_ok(isr_emerg_set_cb(loop, count_record, NULL));
}

static void teardown(void)
{
	isr_loop_free(loop);
}

static void put_down(void *arg)
{
	ck_assert(!isr_in_context());
	strcat(trace, arg);
}

static int post(const char *text)
{
	return isr_schedule(loop, put_down, (void *)(uintptr_t)text);
}

static void stop(void *arg)
{
	isr_loop_stop(loop);
}

static void post_inner(void *arg)
{
	strcat(trace, "outer(");
	xt_ok(post("inner "));
	strcat(trace, ") ");
}

static void count_call(void *arg)
{
	n_made++;
}

static void post_until_refused(void *arg)
{
	int r;

	while ((r = isr_schedule(loop, count_call, NULL)) == 0)
		n_accepted++;
	xt_fails_with(EAGAIN, r);
	/* Told, but not again and again. */
	xt_fails_with(EAGAIN, isr_schedule(loop, count_call, NULL));
}

static struct isr_loop_stats get_stats(void)
{
	struct isr_loop_stats stats;

	xt_ok(isr_loop_get_stats(loop, &stats));
	return stats;
}

START_TEST(schedule_makes_calls_in_order)
{
	xt_ok(post("a "));
	xt_ok(post("b "));
	xt_ok(post("c "));
	xt_ok(isr_schedule(loop, stop, NULL));

	xt_ok(isr_loop_run(loop));

	ck_assert_str_eq(trace, "a b c ");
	ck_assert_uint_eq(get_stats().scheduled, 4);
}
END_TEST

START_TEST(schedule_from_a_call_runs_after_it)
{
	xt_ok(isr_schedule(loop, post_inner, NULL));

	xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_loop_dispatch(loop));

	ck_assert_str_eq(trace, "outer() inner ");
}
END_TEST

START_TEST(schedule_takes_exactly_its_depth)
{
	xt_ok(isr_schedule(loop, post_until_refused, NULL));

	xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_accepted, DEPTH);
	ck_assert_uint_eq(n_made, DEPTH);
	ck_assert_uint_eq(get_stats().schedule_refused, 2);
	ck_assert_uint_eq(get_stats().scheduled, DEPTH + 1);
	ck_assert_uint_eq(n_records, 1);
}
END_TEST

START_TEST(schedule_depth_is_configured)
{
	struct isr_loop_config config = {.sz = sizeof(config),
					 .schedule_depth = 4};
	struct isr_loop *other;
	int i;

	xt_ok(isr_loop_new(&config, &other));

	for (i = 0; i < 4; i++)
		xt_ok(isr_schedule(other, count_call, NULL));
	xt_fails_with(EAGAIN, isr_schedule(other, count_call, NULL));

	isr_loop_free(other);
}
END_TEST

static void check_config(int expected, size_t sz, uint32_t depth)
{
	struct {
		struct isr_loop_config known;
		unsigned char later[8];
	} config = {.known = {.sz = sz, .schedule_depth = depth}};
	struct isr_loop *other = NULL;

	if (expected == -E2BIG)
		config.later[0] = 1;
	ck_assert_int_eq(isr_loop_new(&config.known, &other), expected);
	ck_assert((other != NULL) == (expected == 0));
	isr_loop_free(other);
}

START_TEST(loop_refuses_a_bad_configuration)
{
	check_config(-EINVAL, 0, 0);
	check_config(-EINVAL, sizeof(struct isr_loop_config), 1);
	check_config(-EINVAL, sizeof(struct isr_loop_config), 63);
	check_config(-EINVAL, sizeof(struct isr_loop_config), 1 << 17);
	check_config(-E2BIG, sizeof(struct isr_loop_config) + 8, 0);
	check_config(0, sizeof(struct isr_loop_config), 1 << 16);
}
END_TEST

START_TEST(schedule_refuses_nothing_to_call)
{
	xt_fails_with(EINVAL, isr_schedule(NULL, stop, NULL));
	xt_fails_with(EINVAL, isr_schedule(loop, NULL, NULL));
}
END_TEST

static void *post_from_thread(void *arg)
{
	while (isr_schedule(loop, stop, NULL) < 0)
		;
	return NULL;
}

START_TEST(schedule_wakes_a_loop_that_sleeps)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, post_from_thread, NULL),
			 0);
	xt_ok(isr_loop_run(loop));
	pthread_join(thread, NULL);

	ck_assert_uint_eq(get_stats().scheduled, 1);
}
END_TEST

static void post_in_handler(int signo)
{
	(void)post("handler ");
}

START_TEST(schedule_from_a_signal_handler)
{
	struct sigaction action = {.sa_handler = post_in_handler}, found;

	ck_assert_int_eq(sigaction(SIGUSR1, &action, &found), 0);
	errno = 77;
	raise(SIGUSR1);
	ck_assert_int_eq(errno, 77);
	ck_assert_str_eq(trace, "");

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_str_eq(trace, "handler ");
	sigaction(SIGUSR1, &found, NULL);
}
END_TEST

#define N_THREADS 8
#define N_CALLS 10000

static atomic_uint n_posted, n_refused;

static void *post_many(void *arg)
{
	while (n_posted < N_CALLS) {
		if (isr_schedule(loop, count_call, NULL) < 0) {
			n_refused++;
			sched_yield();
		} else {
			n_posted++;
		}
	}
	return NULL;
}

START_TEST(schedule_of_eight_threads_is_exact)
{
	pthread_t threads[N_THREADS];
	int i;

	n_posted = 0;
	n_refused = 0;
	for (i = 0; i < N_THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, post_many, NULL), 0);
	while (n_made < N_CALLS)
		xt_ok(isr_loop_dispatch(loop));
	for (i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	while (n_made < n_posted)
		xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_made, n_posted);
}
END_TEST

static void free_loop(void *arg)
{
	isr_loop_free(loop);
	strcat(trace, "freed ");
}

START_TEST(schedule_call_may_free_the_loop)
{
	xt_ok(isr_schedule(loop, free_loop, NULL));
	xt_ok(post("after "));

	xt_fails_with(ECANCELED, isr_loop_run(loop));

	ck_assert_str_eq(trace, "freed ");
	loop = NULL;
}
END_TEST

START_TEST(schedule_keeps_what_a_stop_left)
{
	xt_ok(isr_schedule(loop, stop, NULL));
	xt_ok(post("first "));
	xt_ok(isr_loop_run(loop));
	xt_ok(post("second "));
	xt_ok(isr_schedule(loop, stop, NULL));

	xt_ok(isr_loop_run(loop));

	ck_assert_str_eq(trace, "first second ");
}
END_TEST

START_TEST(schedule_in_a_child_leaves_the_parent_alone)
{
	struct isr_loop_stats before = get_stats();
	int status;
	pid_t pid;

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(isr_schedule(loop, stop, NULL) == -EPERM ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);

	ck_assert_int_eq(status, 0);
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(get_stats().scheduled, before.scheduled);
	ck_assert_uint_eq(get_stats().wakeups, before.wakeups);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("schedule");
	TCase *tc = xt_case(suite, "schedule");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, schedule_makes_calls_in_order);
	tcase_add_test(tc, schedule_from_a_call_runs_after_it);
	tcase_add_test(tc, schedule_takes_exactly_its_depth);
	tcase_add_test(tc, schedule_depth_is_configured);
	tcase_add_test(tc, loop_refuses_a_bad_configuration);
	tcase_add_test(tc, schedule_refuses_nothing_to_call);
	tcase_add_test(tc, schedule_wakes_a_loop_that_sleeps);
	tcase_add_test(tc, schedule_from_a_signal_handler);
	tcase_add_test(tc, schedule_of_eight_threads_is_exact);
	tcase_add_test(tc, schedule_call_may_free_the_loop);
	tcase_add_test(tc, schedule_keeps_what_a_stop_left);
	tcase_add_test(tc, schedule_in_a_child_leaves_the_parent_alone);
	return xt_main(suite);
}
