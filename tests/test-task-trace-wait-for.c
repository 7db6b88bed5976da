/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What MicroPython's tests of asyncio say of wait_for(), as traces. It is no
 * function here: it is a join that has a timeout.
 */
#include "xt-trace.h"

static int id_of(const void *arg)
{
	return *(const int *)arg;
}

static int ids[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};

/*
 * wait_for(): the result of the task; -ETIMEDOUT or -ECANCELED, when the task
 * has ended because of that, or in spite of it.
 */
static int wait_for(struct isr_task *task, int64_t timeout_ns)
{
	int why, result = 0;

	why = isr_join(task, &result, timeout_ns);
	if (why == 0)
		return result;
	xt_ok(isr_uncancel());
	xt_ok(isr_cancel(task));
	xt_ok(isr_join(task, &result, ISR_FOREVER));
	return result < 0 || why == -ETIMEDOUT ? why : result;
}

/*
 * asyncio_wait_for.py
 */

struct job {
	int id;
	int64_t ns;
};

static int work(void *arg)
{
	const struct job *job = arg;
	int r;

	say("start %d", job->id);
	r = isr_sleep(job->ns);
	if (r < 0)
		return r;
	say("end %d", job->id);
	return job->id * 2;
}

static int catch_cancel(void *arg)
{
	say("catch start");
	if (isr_sleep(200 * MS) == -ECANCELED)
		say("ignore cancel");
	say("catch done");
	return 0;
}

static int fail_at_once(void *arg)
{
	say("start");
	return -EDOM;
}

static int wait_for_job(void *arg)
{
	const struct job *job = arg;
	int64_t timeout_ns = job->id == 2 ? 10 * MS : 10 * SECOND;
	int r = wait_for(create(work, arg), timeout_ns);

	if (r == -ETIMEDOUT)
		say("timeout");
	else
		say("%d", r);
	return 0;
}

START_TEST(wait_for_one_that_ends_in_time)
{
	static struct job job = {1, 10 * MS};

	run_main(wait_for_job, &job);

	ck_assert_str_eq(trace, "start 1 end 1 2");
}
END_TEST

START_TEST(wait_for_cancels_one_that_is_late)
{
	static struct job job = {2, 10 * SECOND};

	run_main(wait_for_job, &job);

	ck_assert_str_eq(trace, "start 2 timeout");
}
END_TEST

static int wait_for_deaf(void *arg)
{
	if (wait_for(create(catch_cancel, NULL), 100 * MS) == -ETIMEDOUT)
		say("TimeoutError");
	return 0;
}

START_TEST(wait_for_one_that_ignores_cancel_takes_longer)
{
	run_main(wait_for_deaf, NULL);

	ck_assert_str_eq(trace, "catch start ignore cancel catch done "
				"TimeoutError");
}
END_TEST

static int wait_for_failing(void *arg)
{
	if (wait_for(create(fail_at_once, NULL), SECOND) == -EDOM)
		say("ValueError");
	return 0;
}

START_TEST(wait_for_hands_a_failure_on)
{
	run_main(wait_for_failing, NULL);

	ck_assert_str_eq(trace, "start ValueError");
}
END_TEST

static int wait_forever(void *arg)
{
	say("%d", wait_for(create(work, arg), ISR_FOREVER));
	return 0;
}

START_TEST(wait_for_without_a_timeout)
{
	static struct job job = {3, 100 * MS};

	run_main(wait_forever, &job);

	ck_assert_str_eq(trace, "start 3 end 3 6");
}
END_TEST

static int cancel_soon(void *arg)
{
	say("cancel_other start");
	doze(10 * MS);
	say("cancel_other cancel");
	ck_assert_int_eq(isr_cancel(arg), 1);
	return 0;
}

static int wait_for_cancelled(void *arg)
{
	static struct job job = {4, 10 * SECOND};
	struct isr_task *task = create(work, &job);

	go(cancel_soon, task);
	if (wait_for(task, SECOND) == -ECANCELED)
		say("CancelledError");
	return 0;
}

START_TEST(wait_for_one_that_another_cancels)
{
	run_main(wait_for_cancelled, NULL);

	ck_assert_str_eq(trace, "start 4 cancel_other start "
				"cancel_other cancel CancelledError");
}
END_TEST

static int wait_for_patiently(void *arg)
{
	int r;

	say("wait_for start");
	r = wait_for(arg ? create(work, arg) : create(catch_cancel, NULL),
		     2 * SECOND);
	if (r == -ECANCELED)
		say("wait_for cancelled");
	return r;
}

static int cancel_wait_for(void *arg)
{
	struct isr_task *task = create(wait_for_patiently, arg);

	doze(10 * MS);
	ck_assert_int_eq(isr_cancel(task), 1);
	doze(10 * MS);
	say("%d", await_task(task) == -ECANCELED);
	return 0;
}

START_TEST(wait_for_is_cancelled)
{
	static struct job job = {4, SECOND};

	run_main(cancel_wait_for, &job);

	ck_assert_str_eq(trace, "wait_for start start 4 wait_for cancelled 1");
}
END_TEST

START_TEST(wait_for_is_cancelled_with_one_that_ignores_it)
{
	run_main(cancel_wait_for, NULL);

	ck_assert_str_eq(trace, "wait_for start catch start ignore cancel "
				"catch done 0");
}
END_TEST

/* At which of its yields the other cancels it. */
static int race_wait_for(void *arg)
{
	struct job job = {4 + id_of(arg), 0};
	struct isr_task *task = create(wait_for_patiently, &job);

	yield_times(id_of(arg));
	say("cancel");
	xt_ok(isr_cancel(task));
	say("%d", await_task(task) == -ECANCELED);
	return 0;
}

/* Whatever the job did, it has the last word: it was cancelled, or not. */
START_TEST(wait_for_and_cancel_at_each_yield)
{
	static const char *const expected[] = {
		"wait_for start cancel start 5 wait_for cancelled 1",
		"wait_for start start 6 cancel end 6 0",
		"wait_for start start 7 end 7 cancel 0",
		"wait_for start start 8 end 8 cancel 0",
	};

	run_main(race_wait_for, &ids[_i + 1]);

	ck_assert_str_eq(trace, expected[_i]);
}
END_TEST

/*
 * asyncio_wait_for_fwd.py: whether the waiting one, or the one that it waits
 * for, lets the cancel go no further.
 */

struct forward {
	bool catch, catch_inside;
};

static int be_awaited(void *arg)
{
	const struct forward *forward = arg;
	int r;

	say("started");
	r = isr_sleep(2 * SECOND);
	if (r < 0)
		say("canceled");
	return forward->catch_inside ? 0 : r;
}

static int forward_cancel(void *arg)
{
	const struct forward *forward = arg;
	int r = wait_for(create(be_awaited, arg), SECOND);

	if (r < 0)
		say("Got canceled");
	return forward->catch ? 0 : r;
}

static int cancel_forwarding(void *arg)
{
	struct isr_task *task = create(forward_cancel, arg);

	go(cancel_soon, task);
	if (await_task(task) == -ECANCELED)
		say("waiting got cancelled");
	return 0;
}

START_TEST(wait_for_forwards_a_cancel)
{
	static struct {
		struct forward forward;
		const char *rest;
	} cases[] = {
		{{false, false}, " Got canceled waiting got cancelled"},
		{{false, true}, ""},
		{{true, true}, ""},
		{{true, false}, " Got canceled"},
	};
	char expected[256] = "cancel_other start started cancel_other cancel "
			     "canceled";

	strcat(expected, cases[_i].rest);
	run_main(cancel_forwarding, &cases[_i].forward);

	ck_assert_str_eq(trace, expected);
}
END_TEST

/*
 * asyncio_wait_for_linked_task.py: each begins after another has ended. Who
 * waits for the end of a task that another joins waits for its flag.
 */

struct link {
	int id;
	struct isr_task *before;
};

static int work_after(void *arg)
{
	const struct link *link = arg;

	if (link->before)
		xt_ok(isr_wait(isr_task_get_done(link->before), ISR_FOREVER));
	doze(100 * MS);
	say("task%d completed", link->id);
	return 0;
}

static int wait_for_links(void *arg)
{
	struct link links[3];
	struct isr_task *tasks[3], *before = NULL;
	int i;

	for (i = 0; i < 3; i++) {
		links[i] = (struct link){i, before};
		before = tasks[i] = create(work_after, &links[i]);
	}
	xt_ok(isr_wait(isr_task_get_done(tasks[0]), ISR_FOREVER));
	say("task0 done");
	xt_ok(isr_join(tasks[2], NULL, ISR_FOREVER));
	say("task2 done");
	xt_ok(isr_join(tasks[0], NULL, 0));
	xt_ok(isr_join(tasks[1], NULL, 0));
	return 0;
}

START_TEST(wait_for_tasks_that_wait_for_each_other)
{
	run_main(wait_for_links, NULL);

	ck_assert_str_eq(trace, "task0 completed task0 done task1 completed "
				"task2 completed task2 done");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("traces of tasks that join");
	TCase *tcase = xt_case(suite, "asyncio_wait_for");

	tcase_add_checked_fixture(tcase, trace_setup, trace_teardown);
	tcase_add_test(tcase, wait_for_one_that_ends_in_time);
	tcase_add_test(tcase, wait_for_cancels_one_that_is_late);
	tcase_add_test(tcase, wait_for_one_that_ignores_cancel_takes_longer);
	tcase_add_test(tcase, wait_for_hands_a_failure_on);
	tcase_add_test(tcase, wait_for_without_a_timeout);
	tcase_add_test(tcase, wait_for_one_that_another_cancels);
	tcase_add_test(tcase, wait_for_is_cancelled);
	tcase_add_test(tcase, wait_for_is_cancelled_with_one_that_ignores_it);
	tcase_add_loop_test(tcase, wait_for_and_cancel_at_each_yield, 0, 4);
	tcase_add_loop_test(tcase, wait_for_forwards_a_cancel, 0, 4);
	tcase_add_test(tcase, wait_for_tasks_that_wait_for_each_other);
	return xt_main(suite);
}
