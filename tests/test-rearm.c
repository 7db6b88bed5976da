/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Hard sources that failed, armed again by whoever is told, as soon as that:
 * while the thread of the handler is still in the set of the failed flag.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>

#include "test-point.h"
#include "waits.h"
#include "xt-pin.h"

#ifndef ISR_TEST_POINTS

int main(void)
{
	puts("test-rearm: skipped: built without --enable-test-points");
	return 77;
}

#else

enum kind { PIN, SIGNAL, TIMER, USER, N_KINDS };

static struct isr_source *source;
static struct isr_flag *failed;
static pthread_t loop_thread;
static atomic_bool told, arming, armed, waits;
static atomic_uint n_runs;

/* At every test point, of all threads. */
static void linger_where_it_is_told(const char *point)
{
	if (strcmp(point, "flag:A1") != 0 ||
	    pthread_equal(pthread_self(), loop_thread) || !failed ||
	    !isr_flag_peek(failed) || atomic_exchange(&told, true))
		return;
	while (!atomic_load(&arming))
		sched_yield();
	while (!atomic_load(&armed) && !atomic_load(&waits))
		sched_yield();
}

/* Who arms has to wait for us. */
static void note_wait(void)
{
	if (pthread_equal(pthread_self(), loop_thread) && atomic_load(&arming))
		atomic_store(&waits, true);
}

static void setup(void)
{
	failed = NULL;
	/* While there is no other thread. */
	isri_test_point_hook = linger_where_it_is_told;
	xt_chip_setup();
	loop_thread = pthread_self();
	told = false;
	arming = false;
	armed = false;
	waits = false;
	atomic_store(&waits_hook, note_wait);
	n_runs = 0;
}

static void teardown(void)
{
	xt_chip_teardown();
	isri_test_point_hook = NULL;
	atomic_store(&waits_hook, NULL);
}

static int fail_once(struct isr_source *s, const struct isr_event *event,
		     void *arg)
{
	(void)s;
	(void)event;
	(void)arg;
	return atomic_fetch_add(&n_runs, 1) ? 0 : -EIO;
}

static void open_source(enum kind kind)
{
	struct isr_pin_config config = xt_pin("A", XT_HARD);

	if (kind == PIN)
		xt_ok(isr_pin_open(loop, &config, fail_once, NULL, &source,
				   NULL));
	else if (kind == SIGNAL)
		xt_ok(isr_signal_open(loop, SIGUSR1, &xt_hard, fail_once, NULL,
				      &source));
	else if (kind == TIMER)
		xt_ok(isr_timer_open(loop, 0, 0, &xt_hard, fail_once, NULL,
				     &source));
	else
		xt_ok(isr_user_open(loop, &xt_hard, fail_once, NULL, &source));
	failed = isr_source_get_failed_flag(source);
}

static void *fire(void *arg)
{
	*(int *)arg = isr_source_fire(source, NULL);
	return NULL;
}

static void fire_in_thread(pthread_t *thread, int *result)
{
	ck_assert_int_eq(pthread_create(thread, NULL, fire, result), 0);
}

START_TEST(source_that_failed_may_be_armed_by_who_is_told)
{
	pthread_t thread;
	int result;

	open_source(_i);
	fire_in_thread(&thread, &result);
	xt_wait_until(atomic_load(&told));

	atomic_store(&arming, true);
	xt_ok(isr_source_arm(source));
	atomic_store(&armed, true);
	pthread_join(thread, NULL);
	ck_assert_int_eq(result, 0);
	fire_in_thread(&thread, &result);
	pthread_join(thread, NULL);
	xt_wait_until(xt_stamped(source) >= 2);

	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(xt_stats(source).delivered, 2);
	ck_assert_uint_eq(xt_stats(source).failed, 1);
	ck_assert_uint_eq(isr_flag_peek(failed), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rearm");
	TCase *tcase = xt_case(suite, "rearm");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase,
			    source_that_failed_may_be_armed_by_who_is_told, 0,
			    N_KINDS);

	return xt_main(suite);
}

#endif
