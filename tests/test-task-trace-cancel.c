/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What MicroPython's tests of asyncio say of a task that is cancelled, as
 * traces.
 */
#include "xt-trace.h"

/*
 * asyncio_cancel_task.py
 */

struct sleeper {
	int64_t ns;
	bool allows_cancel;
};

static struct sleeper long_one = {2 * SECOND, true};
static struct sleeper short_one = {10 * MS, true};

static int sleep_and_tell(void *arg)
{
	const struct sleeper *sleeper = arg;
	int r;

	say("start");
	r = isr_sleep(sleeper->ns);
	if (r == 0) {
		say("done");
		return 0;
	}
	say("cancel");
	return sleeper->allows_cancel ? r : 0;
}

/* What cancel() returns there. */
static void cancel_and_tell(struct isr_task *task)
{
	int r = isr_cancel(task);

	xt_ok(r);
	say_whether(r);
}

static int cancel_at_once(void *arg)
{
	struct isr_task *task = create(sleep_and_tell, &long_one);

	cancel_and_tell(task);
	ck_assert_int_eq(await_task(task), -ECANCELED);
	return 0;
}

START_TEST(cancel_before_it_begins)
{
	run_main(cancel_at_once, NULL);

	ck_assert_str_eq(trace, "True");
}
END_TEST

static int cancel_some_times(void *arg)
{
	struct isr_task *task = create(sleep_and_tell, &long_one);
	int n = *(const int *)arg;

	doze(10 * MS);
	while (n--)
		cancel_and_tell(task);
	say("sleep");
	doze(10 * MS);
	say("wait");
	if (await_task(task) == -ECANCELED)
		say("CancelledError");
	return 0;
}

START_TEST(cancel_while_it_sleeps)
{
	static int once = 1;

	run_main(cancel_some_times, &once);

	ck_assert_str_eq(trace, "start True sleep cancel wait CancelledError");
}
END_TEST

START_TEST(cancel_four_times_is_told_once)
{
	static int times = 4;

	run_main(cancel_some_times, &times);

	ck_assert_str_eq(trace, "start True True True True sleep cancel wait "
				"CancelledError");
}
END_TEST

static int cancel_too_late(void *arg)
{
	struct isr_task *task = create(sleep_and_tell, &short_one);

	doze(50 * MS);
	cancel_and_tell(task);
	return await_task(task);
}

START_TEST(cancel_of_one_that_has_ended)
{
	run_main(cancel_too_late, NULL);

	ck_assert_str_eq(trace, "start done False");
}
END_TEST

static int await_sleeper(void *arg)
{
	int r;

	say("task2");
	r = await_task(create(sleep_and_tell, arg));
	if (r == -ECANCELED)
		say("task2 cancel");
	else
		say("task2 done");
	return r;
}

static int cancel_nested(void *arg)
{
	struct isr_task *task = create(await_sleeper, arg);

	doze(10 * MS);
	say("main cancel");
	ck_assert_int_eq(isr_cancel(task), 1);
	say("main sleep");
	doze(100 * MS);
	await_task(task);
	return 0;
}

START_TEST(cancel_nested_goes_inwards_first)
{
	static struct sleeper inner = {50 * MS, true};

	run_main(cancel_nested, &inner);

	ck_assert_str_eq(trace, "task2 start main cancel main sleep cancel "
				"task2 cancel");
}
END_TEST

START_TEST(cancel_nested_may_be_absorbed)
{
	static struct sleeper inner = {50 * MS, false};

	run_main(cancel_nested, &inner);

	ck_assert_str_eq(trace, "task2 start main cancel main sleep cancel "
				"task2 done");
}
END_TEST

/* Unlike there: it is cancelled until it says otherwise. */
static int ignore_cancel(void *arg)
{
	int i;

	for (i = 0; i < 3; i++)
		say("%d", isr_sleep(SECOND) == -ECANCELED);
	say("%d", isr_uncancel());
	say("%d", isr_sleep(SECOND));
	return 0;
}

static int cancel_one_that_ignores(void *arg)
{
	struct isr_task *task = create(ignore_cancel, NULL);

	yield();
	ck_assert_int_eq(isr_cancel(task), 1);
	return await_task(task);
}

START_TEST(cancel_is_told_by_each_wait)
{
	run_main(cancel_one_that_ignores, NULL);

	ck_assert_str_eq(trace, "1 1 1 1 0");
}
END_TEST

/*
 * asyncio_cancel_fair.py, asyncio_cancel_fair2.py
 */

struct rival {
	int id;
	int other; /* -1: none */
};

static struct isr_task *rivals[3];

static int cancel_other(void *arg)
{
	const struct rival *rival = arg;
	int i, r;

	for (i = 0; i < 3; i++) {
		say("start %d", rival->id);
		r = isr_yield();
		say("%s %d", r < 0 ? "cancelled" : "done", rival->id);
		xt_ok(isr_uncancel());
		if (rival->other < 0)
			continue;
		say("%d cancels %d", rival->id, rival->other);
		xt_ok(isr_cancel(rivals[rival->other]));
	}
	return 0;
}

static int start_rivals(void *arg)
{
	static struct rival three[] = {{0, 1}, {1, 0}, {2, -1}};
	int i;

	for (i = 0; i < 3; i++)
		rivals[i] = create(cancel_other, &three[i]);
	return await_task(rivals[2]);
}

START_TEST(cancel_fair_of_two_that_cancel_each_other)
{
	run_main(start_rivals, NULL);

	ck_assert_str_eq(trace,
			 "start 0 start 1 start 2 done 0 0 cancels 1 start 0 "
			 "cancelled 1 1 cancels 0 start 1 done 2 start 2 "
			 "cancelled 0 0 cancels 1 start 0 "
			 "cancelled 1 1 cancels 0 start 1 done 2 start 2 "
			 "cancelled 0 0 cancels 1 "
			 "cancelled 1 1 cancels 0 done 2");
}
END_TEST

static int spin_until_cancelled(void *arg)
{
	do
		say("sleep a");
	while (isr_yield() == 0);
	say("cancelled a");
	return 0;
}

struct canceller {
	int id;
	struct isr_task *other;
};

static int cancel_until_ended(void *arg)
{
	const struct canceller *canceller = arg;

	while (isr_cancel(canceller->other) == 1) {
		say("sleep b%d", canceller->id);
		yield();
	}
	say("done b%d", canceller->id);
	return 0;
}

static int start_cancellers(void *arg)
{
	static struct canceller three[3];
	struct isr_task *task = create(spin_until_cancelled, NULL);
	int i;

	for (i = 0; i < 3; i++) {
		three[i] = (struct canceller){i, task};
		go(cancel_until_ended, &three[i]);
	}
	yield_times(3);
	return await_task(task);
}

START_TEST(cancel_fair_of_one_by_many)
{
	run_main(start_cancellers, NULL);

	ck_assert_str_eq(trace, "sleep a sleep b0 sleep b1 sleep b2 "
				"cancelled a done b0 done b1 done b2");
}
END_TEST

/*
 * asyncio_cancel_self.py, asyncio_cancel_wait_on_finished.py
 */

static int cancel_self(void *arg)
{
	say("task start");
	if (isr_cancel(isr_self()) == -EDEADLK)
		say("can't cancel self");
	return isr_yield();
}

START_TEST(cancel_self_is_refused)
{
	run_main(cancel_self, NULL);

	ck_assert_str_eq(trace, "task start can't cancel self");
}
END_TEST

static int yield_once(void *arg)
{
	say("sleep");
	yield();
	say("wake");
	return 0;
}

static int wait_for_other(void *arg)
{
	int r;

	say("wait");
	r = isr_join(arg, NULL, ISR_FOREVER);
	if (r == 0)
		say("wait over");
	return r;
}

static int cancel_after_two_turns(void *arg)
{
	struct isr_task *inner = create(yield_once, NULL);
	struct isr_task *task = create(wait_for_other, inner);

	say("main sleep");
	yield();
	say("main sleep");
	yield();
	say_whether(isr_cancel(task));
	say("main wait");
	say("%d", await_task(task));
	return 0;
}

/*
 * There "wake" is followed by "main wait", and the wait was cancelled: the one
 * that waits goes behind main. Here it is urgent, and has its turn first.
 */
START_TEST(cancel_wait_on_finished_comes_too_late)
{
	run_main(cancel_after_two_turns, NULL);

	ck_assert_str_eq(trace, "main sleep sleep wait main sleep wake "
				"wait over False main wait 0");
}
END_TEST

static int end_and_cancel(void *arg)
{
	yield();
	say("wake");
	ck_assert_int_eq(isr_cancel(*(struct isr_task **)arg), 1);
	return 7;
}

static int cancel_as_it_ends(void *arg)
{
	struct isr_task *task = NULL;
	struct isr_task *inner = create(end_and_cancel, &task);

	task = create(wait_for_other, inner);
	if (await_task(task) == -ECANCELED)
		say("CancelledError");
	/* Nothing was consumed: the handle is there, and the result. */
	say("%d", await_task(inner));
	return 0;
}

START_TEST(cancel_wait_on_finished_wins)
{
	run_main(cancel_as_it_ends, NULL);

	ck_assert_str_eq(trace, "wait wake CancelledError 7");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("traces of tasks that are cancelled");
	TCase *tcase = xt_case(suite, "asyncio_cancel");

	tcase_add_checked_fixture(tcase, trace_setup, trace_teardown);
	tcase_add_test(tcase, cancel_before_it_begins);
	tcase_add_test(tcase, cancel_while_it_sleeps);
	tcase_add_test(tcase, cancel_four_times_is_told_once);
	tcase_add_test(tcase, cancel_of_one_that_has_ended);
	tcase_add_test(tcase, cancel_nested_goes_inwards_first);
	tcase_add_test(tcase, cancel_nested_may_be_absorbed);
	tcase_add_test(tcase, cancel_is_told_by_each_wait);
	tcase_add_test(tcase, cancel_fair_of_two_that_cancel_each_other);
	tcase_add_test(tcase, cancel_fair_of_one_by_many);
	tcase_add_test(tcase, cancel_self_is_refused);
	tcase_add_test(tcase, cancel_wait_on_finished_comes_too_late);
	tcase_add_test(tcase, cancel_wait_on_finished_wins);
	return xt_main(suite);
}
