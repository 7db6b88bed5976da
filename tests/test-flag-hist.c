/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* A flag's histogram: from the set, or the edge, to what the flag wakes. */
#include <stdatomic.h>

#include <isrloop/hist.h>
#include <isrloop/task.h>

#include "flag.h"
#include "wake.h"
#include "xt-source.h"
#include "xt-wait.h"

#define HOUR_NS 3600000000000ULL

static struct isr_flag flag;
static struct isr_hist hist;
static unsigned int n_calls;

static void count_call(struct isr_flag *f, uint32_t count, void *arg)
{
	n_calls++;
}

static void setup(void)
{
	xt_loop_setup();
	n_calls = 0;
	isr_hist_init(&hist);
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, count_call, NULL));
	xt_ok(isr_flag_set_hist(&flag, &hist));
}

static void teardown(void)
{
	xt_ok(isr_flag_done(&flag));
	xt_loop_teardown();
}

/* The clock says so, however long it takes. */
static void pass_time(uint64_t ns)
{
	uint64_t start_ns = isr_now_ns();

	while (isr_now_ns() - start_ns < ns)
		;
}

START_TEST(hist_has_one_for_each_delivery)
{
	unsigned int i;

	for (i = 0; i < 100; i++) {
		isr_flag_set(&flag);
		xt_settle();
	}

	ck_assert_uint_eq(n_calls, 100);
	ck_assert_uint_eq(isr_hist_get_count(&hist), 100);
}
END_TEST

START_TEST(hist_has_one_for_sets_that_are_delivered_together)
{
	isr_flag_set(&flag);
	isr_flag_set(&flag);
	(isr_flag_set)(&flag);
	xt_settle();

	ck_assert_uint_eq(n_calls, 1);
	ck_assert_uint_eq(isr_hist_get_count(&hist), 1);
}
END_TEST

START_TEST(hist_measures_since_the_first_set)
{
	isr_flag_set(&flag);
	pass_time(2000000);
	isr_flag_set(&flag);
	xt_settle();

	ck_assert_uint_ge(isr_hist_get_max_ns(&hist), 2000000);
}
END_TEST

START_TEST(hist_measures_each_delivery_anew)
{
	isr_flag_set(&flag);
	pass_time(2000000);
	xt_settle();
	isr_hist_init(&hist);
	/* What the first one has waited is not told twice. */
	flag.since_ns += flag.since_ns ? HOUR_NS : 0;
	isr_flag_set(&flag);
	xt_settle();

	ck_assert_uint_eq(isr_hist_get_count(&hist), 1);
	ck_assert_uint_lt(isr_hist_get_max_ns(&hist), HOUR_NS);
	ck_assert_uint_eq(flag.since_ns, 0);
}
END_TEST

START_TEST(hist_leaves_out_what_was_set_before)
{
	xt_ok(isr_flag_set_hist(&flag, NULL));
	isr_flag_set(&flag);
	xt_ok(isr_flag_set_hist(&flag, &hist));
	isr_flag_set(&flag);
	xt_settle();
	ck_assert_uint_eq(n_calls, 1);
	ck_assert_uint_eq(isr_hist_get_count(&hist), 0);

	isr_flag_set(&flag);
	xt_settle();
	ck_assert_uint_eq(isr_hist_get_count(&hist), 1);
}
END_TEST

START_TEST(hist_that_was_taken_away_is_left_alone)
{
	isr_flag_set(&flag);
	xt_ok(isr_flag_set_hist(&flag, NULL));
	xt_settle();
	isr_flag_set(&flag);
	xt_settle();

	ck_assert_uint_eq(n_calls, 2);
	ck_assert_uint_eq(isr_hist_get_count(&hist), 0);
}
END_TEST

/* Of a set that nobody timed there is no time, also not an earlier one's. */
START_TEST(hist_that_comes_back_has_no_old_times)
{
	isr_flag_set(&flag);
	xt_ok(isr_flag_set_hist(&flag, NULL));
	xt_settle();
	isr_flag_set(&flag);
	xt_ok(isr_flag_set_hist(&flag, &hist));
	xt_settle();

	ck_assert_uint_eq(n_calls, 2);
	ck_assert_uint_eq(isr_hist_get_count(&hist), 0);
}
END_TEST

START_TEST(hist_leaves_out_what_was_cleared)
{
	isr_flag_set(&flag);
	xt_ok(isr_flag_clear(&flag));
	xt_settle();
	ck_assert_uint_eq(isr_hist_get_count(&hist), 0);

	isr_flag_set(&flag);
	xt_settle();
	ck_assert_uint_eq(isr_hist_get_count(&hist), 1);
}
END_TEST

START_TEST(hist_of_a_flag_made_anew_is_gone)
{
	xt_ok(isr_flag_done(&flag));
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, count_call, NULL));
	isr_flag_set(&flag);
	xt_settle();

	ck_assert_uint_eq(n_calls, 1);
	ck_assert_uint_eq(isr_hist_get_count(&hist), 0);
}
END_TEST

START_TEST(hist_is_refused_without_a_flag)
{
	static struct isr_flag unbound;

	xt_fails_with(EINVAL, isr_flag_set_hist(NULL, &hist));
	xt_fails_with(EINVAL, isr_flag_set_hist(&unbound, &hist));
	xt_fails_with(EINVAL, isr_flag_set_edge_hist(NULL, &hist));
	xt_fails_with(EINVAL, isr_flag_set_edge_hist(&unbound, &hist));
}
END_TEST

/*
 * Those that wait
 */

START_TEST(hist_has_one_for_a_thread_that_is_let_go)
{
	struct xt_waiter waiter;

	xt_ok(isr_flag_set_cb(&flag, NULL, NULL));
	xt_wait_start(&waiter, &flag, ISR_FOREVER);
	isr_flag_set(&flag);

	ck_assert_int_eq(xt_wait_join(&waiter), 1);
	ck_assert_uint_eq(isr_hist_get_count(&hist), 1);
}
END_TEST

static unsigned int n_woken;

static int wait_for_flag(void *arg)
{
	int n = isr_wait(arg, ISR_FOREVER);

	n_woken += n > 0;
	return 0;
}

static void let_tasks_wait(unsigned int n)
{
	n_woken = 0;
	while (n--)
		xt_ok(isr_spawn(loop, NULL, wait_for_flag, &flag, NULL));
	xt_settle();
	xt_settle();
}

START_TEST(hist_has_one_for_a_task_that_is_woken)
{
	xt_ok(isr_flag_set_cb(&flag, NULL, NULL));
	let_tasks_wait(1);
	ck_assert_uint_eq(xt_n_waiting(&flag), 1);
	isr_flag_set(&flag);
	xt_settle();

	ck_assert_uint_eq(n_woken, 1);
	ck_assert_uint_eq(isr_hist_get_count(&hist), 1);
}
END_TEST

START_TEST(hist_of_a_sticky_flag_has_one_for_all_that_it_releases)
{
	xt_ok(isr_flag_done(&flag));
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_STICKY));
	xt_ok(isr_flag_set_hist(&flag, &hist));
	let_tasks_wait(3);
	ck_assert_uint_eq(xt_n_waiting(&flag), 3);
	isr_flag_set(&flag);
	xt_settle();

	ck_assert_uint_eq(n_woken, 3);
	ck_assert_uint_eq(isr_hist_get_count(&hist), 1);
}
END_TEST

START_TEST(hist_leaves_out_a_flag_that_a_task_finds_set)
{
	xt_ok(isr_flag_set_cb(&flag, NULL, NULL));
	isr_flag_set(&flag);
	let_tasks_wait(1);

	ck_assert_uint_eq(n_woken, 1);
	ck_assert_uint_eq(isr_hist_get_count(&hist), 0);
}
END_TEST

/*
 * Since the edge
 */

static int set_flag(struct isr_source *source, const struct isr_event *event,
		    void *arg)
{
	isr_flag_set(&flag);
	return 0;
}

static void fire_at(struct isr_source *source, uint64_t t_ns)
{
	const struct isr_event event = {.kind = ISR_EVENT_USER, .t_ns = t_ns};

	xt_ok(isr_source_fire(source, &event));
	while (n_calls == 0)
		xt_settle();
}

/* When this machine's clock began: it may not be long ago. */
#define FIRST_NS 1
static uint64_t edge_age_ns;

static void check_edge(const struct isr_source_options *options)
{
	struct isr_source *source;

	xt_ok(isr_user_open(loop, options, set_flag, NULL, &source));
	edge_age_ns = isr_now_ns() - FIRST_NS;
	fire_at(source, FIRST_NS);
	xt_ok(isr_source_close(source));
}

START_TEST(edge_hist_measures_since_a_soft_handlers_event)
{
	xt_ok(isr_flag_set_edge_hist(&flag, &hist));
	check_edge(NULL);

	ck_assert_uint_eq(isr_hist_get_count(&hist), 1);
	ck_assert_uint_ge(isr_hist_get_max_ns(&hist), edge_age_ns);
}
END_TEST

START_TEST(edge_hist_measures_since_a_hard_handlers_event)
{
	xt_ok(isr_flag_set_edge_hist(&flag, &hist));
	check_edge(&xt_hard);

	ck_assert_uint_eq(isr_hist_get_count(&hist), 1);
	ck_assert_uint_ge(isr_hist_get_max_ns(&hist), edge_age_ns);
}
END_TEST

START_TEST(hist_measures_since_the_set_in_a_handler)
{
	check_edge(&xt_hard);

	ck_assert_uint_eq(isr_hist_get_count(&hist), 1);
	ck_assert_uint_lt(isr_hist_get_max_ns(&hist), edge_age_ns);
}
END_TEST

START_TEST(edge_hist_measures_since_a_set_without_a_handler)
{
	xt_ok(isr_flag_set_edge_hist(&flag, &hist));
	isr_flag_set(&flag);
	xt_settle();

	ck_assert_uint_eq(isr_hist_get_count(&hist), 1);
	ck_assert_uint_lt(isr_hist_get_max_ns(&hist), HOUR_NS);
}
END_TEST

START_TEST(edge_hist_takes_an_edge_ahead_of_its_time_for_now)
{
	struct isr_source *source;

	xt_ok(isr_flag_set_edge_hist(&flag, &hist));
	xt_ok(isr_user_open(loop, NULL, set_flag, NULL, &source));
	fire_at(source, isr_now_ns() + HOUR_NS);
	xt_ok(isr_source_close(source));

	ck_assert_uint_eq(isr_hist_get_count(&hist), 1);
	ck_assert_uint_eq(isr_hist_get_max_ns(&hist), 0);
}
END_TEST

/*
 * Setters beside the loop
 */

enum { N_SETS = 20000, N_SETTERS = 2 };

static void *set_many(void *arg)
{
	unsigned int i;

	for (i = 0; i < N_SETS; i++)
		isr_flag_set(&flag);
	isr_loop_stop(loop);
	return NULL;
}

static void run_beside_setters(void (*between)(unsigned int i))
{
	pthread_t threads[N_SETTERS];
	unsigned int i;

	for (i = 0; i < N_SETTERS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, set_many, NULL), 0);
	for (i = 0; i < 2000; i++) {
		xt_ok(isr_loop_dispatch(loop));
		between(i);
	}
	for (i = 0; i < N_SETTERS; i++)
		pthread_join(threads[i], NULL);
	xt_settle();
}

static void change_nothing(unsigned int i)
{
}

START_TEST(hist_has_one_for_each_delivery_whoever_sets)
{
	run_beside_setters(change_nothing);

	ck_assert_uint_gt(n_calls, 0);
	ck_assert_uint_eq(isr_hist_get_count(&hist), n_calls);
}
END_TEST

static void put_and_take_away(unsigned int i)
{
	xt_ok(isr_flag_set_hist(&flag, i % 2 ? &hist : NULL));
}

START_TEST(hist_comes_and_goes_whoever_sets)
{
	run_beside_setters(put_and_take_away);

	ck_assert_uint_gt(n_calls, 0);
	ck_assert_uint_le(isr_hist_get_count(&hist), n_calls);
	ck_assert_uint_lt(isr_hist_get_max_ns(&hist), HOUR_NS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flag-hist");
	TCase *delivery = xt_case(suite, "delivery");
	TCase *waiters = xt_case(suite, "waiters");
	TCase *edge = xt_case(suite, "edge");
	TCase *races = xt_case(suite, "races");

	tcase_add_checked_fixture(delivery, setup, teardown);
	tcase_add_test(delivery, hist_has_one_for_each_delivery);
	tcase_add_test(delivery,
		       hist_has_one_for_sets_that_are_delivered_together);
	tcase_add_test(delivery, hist_measures_since_the_first_set);
	tcase_add_test(delivery, hist_measures_each_delivery_anew);
	tcase_add_test(delivery, hist_leaves_out_what_was_set_before);
	tcase_add_test(delivery, hist_that_was_taken_away_is_left_alone);
	tcase_add_test(delivery, hist_that_comes_back_has_no_old_times);
	tcase_add_test(delivery, hist_leaves_out_what_was_cleared);
	tcase_add_test(delivery, hist_of_a_flag_made_anew_is_gone);
	tcase_add_test(delivery, hist_is_refused_without_a_flag);

	tcase_add_checked_fixture(waiters, setup, teardown);
	tcase_add_test(waiters, hist_has_one_for_a_thread_that_is_let_go);
	tcase_add_test(waiters, hist_has_one_for_a_task_that_is_woken);
	tcase_add_test(waiters,
		       hist_of_a_sticky_flag_has_one_for_all_that_it_releases);
	tcase_add_test(waiters, hist_leaves_out_a_flag_that_a_task_finds_set);

	tcase_add_checked_fixture(edge, setup, teardown);
	tcase_add_test(edge, edge_hist_measures_since_a_soft_handlers_event);
	tcase_add_test(edge, edge_hist_measures_since_a_hard_handlers_event);
	tcase_add_test(edge, hist_measures_since_the_set_in_a_handler);
	tcase_add_test(edge, edge_hist_measures_since_a_set_without_a_handler);
	tcase_add_test(edge, edge_hist_takes_an_edge_ahead_of_its_time_for_now);

	tcase_add_checked_fixture(races, setup, teardown);
	tcase_add_test(races, hist_has_one_for_each_delivery_whoever_sets);
	tcase_add_test(races, hist_comes_and_goes_whoever_sets);
	return xt_main(suite);
}
