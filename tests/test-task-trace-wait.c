/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What the tests event_test and elo_test of the MicroPython drivers say of
 * waits for any and for all of several events, as traces. What is nested there
 * is a task here, whose end is one more flag.
 */
#include "xt-trace.h"

/*
 * event_test: wait_test
 */

static struct isr_flag events[4];

static void setup(void)
{
	int i;

	trace_setup();
	for (i = 0; i < 4; i++)
		xt_ok(isr_flag_init(&events[i], loop, ISR_FLAG_STICKY));
}

/* Both of a pair, or either. */
struct pair {
	int first;
	bool is_all;
};

static struct pair all_of_2_3 = {2, true};
static struct pair any_of_0_1 = {0, false};
static struct pair any_of_2_3 = {2, false};

static int wait_for_pair(void *arg)
{
	const struct pair *pair = arg;
	struct isr_flag *two[] = {&events[pair->first],
				  &events[pair->first + 1]};

	return pair->is_all ? isr_wait_all(two, 2, ISR_FOREVER)
			    : isr_wait_any(two, 2, ISR_FOREVER);
}

static int set_two(void *arg)
{
	const int *two = arg;
	int i;

	for (i = 0; i < 2 && two[i] >= 0; i++) {
		doze(SECOND);
		say("Setting %d", two[i]);
		isr_flag_set(&events[two[i]]);
	}
	return 0;
}

static void clear(const char *text)
{
	int i;

	say("%s", text);
	for (i = 0; i < 4; i++)
		xt_ok(isr_flag_clear(&events[i]));
}

/* Event 0, event 1, or both of 2 and 3; which. */
static int wait_any_nested(void)
{
	struct isr_task *nested = create(wait_for_pair, &all_of_2_3);
	struct isr_flag *flags[] = {&events[0], &events[1],
				    isr_task_get_done(nested)};
	int r;

	r = isr_wait_any(flags, 3, ISR_FOREVER);
	xt_ok(isr_cancel(nested));
	ck_assert_int_eq(await_task(nested), r == 2 ? 0 : -ECANCELED);
	return r;
}

static int set_and_wait_any(void *arg)
{
	static int zero[] = {0, -1}, one[] = {1, -1}, two_three[] = {2, 3};

	go(set_two, zero);
	ck_assert_int_eq(wait_any_nested(), 0);
	clear("any 0");
	go(set_two, one);
	ck_assert_int_eq(wait_any_nested(), 1);
	clear("any 1");
	go(set_two, two_three);
	ck_assert_int_eq(wait_any_nested(), 2);
	clear("all 2, 3");
	return 0;
}

START_TEST(wait_test_any_of_events_and_of_all_of_others)
{
	run_main(set_and_wait_any, NULL);

	ck_assert_str_eq(trace, "Setting 0 any 0 Setting 1 any 1 Setting 2 "
				"Setting 3 all 2, 3");
}
END_TEST

/* One of 0 and 1, and one of 2 and 3. */
static int wait_all_nested(int64_t timeout_ns)
{
	struct isr_task *nested[] = {create(wait_for_pair, &any_of_0_1),
				     create(wait_for_pair, &any_of_2_3)};
	struct isr_flag *done[] = {isr_task_get_done(nested[0]),
				   isr_task_get_done(nested[1])};
	int i, r;

	r = isr_wait_all(done, 2, timeout_ns);
	if (r == -ECANCELED)
		xt_ok(isr_uncancel());
	for (i = 0; i < 2; i++) {
		xt_ok(isr_cancel(nested[i]));
		await_task(nested[i]);
	}
	return r;
}

static int wait_all_forever(void *arg)
{
	return wait_all_nested(ISR_FOREVER);
}

static int set_and_wait_all(void *arg)
{
	static int zero_three[] = {0, 3}, zero_one[] = {0, 1};
	struct isr_task *task;

	go(set_two, zero_three);
	xt_ok(wait_all_nested(ISR_FOREVER));
	clear("all of any 0, 3");

	task = create(wait_all_forever, NULL);
	go(set_two, zero_one);
	doze(3 * SECOND);
	say("About to cancel");
	ck_assert_int_eq(isr_cancel(task), 1);
	if (await_task(task) == -ECANCELED)
		say("Cancelled.");

	if (wait_all_nested(4 * SECOND) == -ETIMEDOUT)
		say("Timeout");
	return 0;
}

START_TEST(wait_test_all_of_any_is_cancelled_and_times_out)
{
	run_main(set_and_wait_all, NULL);

	ck_assert_str_eq(trace, "Setting 0 Setting 3 all of any 0, 3 "
				"Setting 0 Setting 1 About to cancel "
				"Cancelled. Timeout");
}
END_TEST

static int wait_any_of_both(void *arg)
{
	struct isr_flag *flags[] = {&events[0], &events[1]};

	say("any %d", isr_wait_any(flags, 2, ISR_FOREVER));
	say("counts %d %d", isr_flag_peek(flags[0]), isr_flag_peek(flags[1]));
	return 0;
}

/* There it is the last one, and each is consumed. */
START_TEST(wait_any_of_both_takes_the_first_and_leaves_the_other)
{
	int i;

	for (i = 0; i < 2; i++) {
		xt_ok(isr_flag_done(&events[i]));
		xt_ok(isr_flag_init(&events[i], loop, ISR_FLAG_AUTO));
		isr_flag_set(&events[i]);
	}
	run_main(wait_any_of_both, NULL);

	ck_assert_str_eq(trace, "any 0 counts 0 1");
}
END_TEST

/*
 * elo_test: the end of a task is one of the events.
 */

static int sleep_and_return(void *arg)
{
	int r = isr_sleep(5 * SECOND);

	return r < 0 ? r : *(const int *)arg;
}

static int wait_for_event_or(struct isr_task *task)
{
	struct isr_flag *flags[] = {&events[0], isr_task_get_done(task)};

	return isr_wait_any(flags, 2, ISR_FOREVER);
}

static int cancel_in_a_second(void *arg)
{
	doze(SECOND);
	ck_assert_int_eq(isr_cancel(arg), 1);
	return 0;
}

static int can_task(void *arg)
{
	static int answer = 42;
	struct isr_task *task = create(sleep_and_return, &answer);

	go(cancel_in_a_second, task);
	say("%d", wait_for_event_or(task));
	if (await_task(task) == -ECANCELED)
		say("Canned");
	return 0;
}

START_TEST(elo_of_a_cancelled_task_ends_the_wait)
{
	run_main(can_task, NULL);

	ck_assert_str_eq(trace, "1 Canned");
}
END_TEST

static int await_result(void *arg)
{
	struct isr_task *task = create(sleep_and_return, arg);

	/* Also when it runs already. */
	doze(2 * SECOND);
	say("%d", wait_for_event_or(task));
	say("Result: %d", await_task(task));
	return 0;
}

START_TEST(elo_has_the_result_of_its_task)
{
	static int answers[] = {42, 99};

	run_main(await_result, &answers[0]);
	run_main(await_result, &answers[1]);

	ck_assert_str_eq(trace, "1 Result: 42 1 Result: 99");
}
END_TEST

static int await_later(void *arg)
{
	static int answer = 88, zero[] = {0, -1};
	struct isr_task *task = create(sleep_and_return, &answer);

	go(set_two, zero);
	say("%d", wait_for_event_or(task));
	say("Result: %d", await_task(task));
	return 0;
}

START_TEST(elo_result_can_be_awaited_later)
{
	run_main(await_later, NULL);

	ck_assert_str_eq(trace, "Setting 0 0 Result: 88");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("traces of tasks that wait for several");
	TCase *tcase = xt_case(suite, "event_test");

	tcase_add_checked_fixture(tcase, setup, trace_teardown);
	tcase_add_test(tcase, wait_test_any_of_events_and_of_all_of_others);
	tcase_add_test(tcase, wait_test_all_of_any_is_cancelled_and_times_out);
	tcase_add_test(tcase,
		       wait_any_of_both_takes_the_first_and_leaves_the_other);

	tcase = xt_case(suite, "elo_test");
	tcase_add_checked_fixture(tcase, setup, trace_teardown);
	tcase_add_test(tcase, elo_of_a_cancelled_task_ends_the_wait);
	tcase_add_test(tcase, elo_has_the_result_of_its_task);
	tcase_add_test(tcase, elo_result_can_be_awaited_later);
	return xt_main(suite);
}
