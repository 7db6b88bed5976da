/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What MicroPython's tests of asyncio say of gather(), as traces. It is no
 * function here: it is several joins.
 */
#include "xt-trace.h"

static int id_of(const void *arg)
{
	return *(const int *)arg;
}

static int ids[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};

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

static int fail_at_once(void *arg)
{
	say("start");
	return -EDOM;
}

/*
 * asyncio_gather.py
 */

#define SOME 3

/* gather() with return_exceptions: the result of each; or it is cancelled. */
static int gather(struct isr_task *const *tasks, int n, int *results)
{
	int i, r, why = 0;

	for (i = 0; i < n; i++) {
		r = isr_join(tasks[i], &results[i], ISR_FOREVER);
		if (r == 0)
			continue;
		why = r;
		xt_ok(isr_uncancel());
		for (r = i; r < n; r++)
			xt_ok(isr_cancel(tasks[r]));
		i--;
	}
	return why;
}

static int factorial(void *arg)
{
	int number = id_of(arg), f = 1, i;

	for (i = 2; i <= number; i++) {
		say("%c%d", 'A' + number - 2, i);
		doze(10 * MS);
		f *= i;
	}
	say("%c=%d", 'A' + number - 2, f);
	return f;
}

static int gather_factorials(void *arg)
{
	struct isr_task *tasks[SOME];
	int results[SOME], i;

	for (i = 0; i < SOME; i++)
		tasks[i] = create(factorial, &ids[2 + i]);
	xt_ok(gather(tasks, SOME, results));
	say("[%d, %d, %d]", results[0], results[1], results[2]);
	return 0;
}

START_TEST(gather_has_results_in_order)
{
	run_main(gather_factorials, NULL);

	ck_assert_str_eq(trace, "A2 B2 C2 A=2 B3 C3 B=6 C4 C=24 [2, 6, 24]");
}
END_TEST

static int gather_cancelled_and_failing(void *arg)
{
	static struct job jobs[] = {{1, 100 * MS}, {2, 100 * MS}};
	struct isr_task *tasks[SOME];
	int results[SOME];

	tasks[0] = create(work, &jobs[0]);
	tasks[1] = create(work, &jobs[1]);
	tasks[2] = create(fail_at_once, NULL);
	ck_assert_int_eq(isr_cancel(tasks[0]), 1);
	xt_ok(gather(tasks, SOME, results));
	say("%d %d %d", results[0] == -ECANCELED, results[1],
	    results[2] == -EDOM);
	return 0;
}

START_TEST(gather_tells_who_failed_and_who_was_cancelled)
{
	run_main(gather_cancelled_and_failing, NULL);

	ck_assert_str_eq(trace, "start 2 start end 2 1 4 1");
}
END_TEST

static int loop_forever(void *arg)
{
	int r;

	say("loop start");
	while ((r = isr_sleep(30 * MS)) == 0)
		say("loop");
	return r;
}

static int fail_later(void *arg)
{
	doze(100 * MS);
	say("raise");
	return -EDOM;
}

/* The first of which anything is known, as gather() without that option. */
static int gather_first(void *arg)
{
	struct isr_task *tasks[] = {create(loop_forever, NULL),
				    create(fail_later, NULL)};
	struct isr_flag *done[] = {isr_task_get_done(tasks[0]),
				   isr_task_get_done(tasks[1])};

	say("%d", isr_wait_any(done, 2, ISR_FOREVER));
	say_whether(isr_flag_peek(done[0]));
	say_whether(isr_flag_peek(done[1]));
	doze(40 * MS);
	ck_assert_int_eq(isr_cancel(tasks[0]), 1);
	ck_assert_int_eq(isr_cancel(tasks[1]), 0);
	doze(200 * MS);
	say("%d", await_task(tasks[0]) == -ECANCELED);
	say("%d", await_task(tasks[1]) == -EDOM);
	return 0;
}

START_TEST(gather_lets_others_run_when_one_fails)
{
	run_main(gather_first, NULL);

	ck_assert_str_eq(trace, "loop start loop loop loop raise 1 False True "
				"loop 1 1");
}
END_TEST

static int gather_two(void *arg)
{
	int64_t ns = *(const int64_t *)arg;
	struct job jobs[] = {{1, ns}, {2, ns}};
	struct isr_task *tasks[] = {create(work, &jobs[0]),
				    create(work, &jobs[1])};
	int results[2], r;

	say("gather");
	r = gather(tasks, 2, results);
	if (r == 0)
		say("gather2");
	return r;
}

static int cancel_gather(void *arg)
{
	static int64_t job_ns = 100 * MS;
	struct isr_task *task = create(gather_two, &job_ns);

	doze(50 * MS);
	ck_assert_int_eq(isr_cancel(task), 1);
	doze(200 * MS);
	say("%d", await_task(task) == -ECANCELED);
	return 0;
}

START_TEST(gather_that_is_cancelled_cancels_all)
{
	run_main(cancel_gather, NULL);

	ck_assert_str_eq(trace, "gather start 1 start 2 1");
}
END_TEST

static int race_gather(void *arg)
{
	static int64_t job_ns;
	struct isr_task *task = create(gather_two, &job_ns);

	yield_times(id_of(arg));
	xt_ok(isr_cancel(task));
	doze(200 * MS);
	say("%d", await_task(task) == -ECANCELED);
	return 0;
}

/*
 * There a cancel reaches all that are gathered at once: "gather", "gather start
 * 1 start 2", and so the third is cancelled although both have ended. Here who
 * gathers hands it on when it has its turn, which is behind what was ready;
 * and when one of them ends, that turn is urgent.
 */
START_TEST(gather_and_cancel_at_each_yield)
{
	static const char *const expected[] = {
		"gather start 1 start 2 1",
		"gather start 1 start 2 end 1 1",
		"gather start 1 start 2 end 1 end 2 gather2 0",
		"gather start 1 start 2 end 1 end 2 gather2 0",
	};

	run_main(race_gather, &ids[_i + 1]);

	ck_assert_str_eq(trace, expected[_i]);
}
END_TEST

/* asyncio_gather_finished_early.py */
static int gather_what_has_ended(void *arg)
{
	static struct job jobs[] = {{1, 0}, {2, 0}, {3, 100 * MS}};
	struct isr_task *tasks[SOME];
	int results[SOME], i;

	for (i = 0; i < SOME; i++)
		tasks[i] = create(work, &jobs[i]);
	xt_ok(isr_wait(isr_task_get_done(tasks[0]), ISR_FOREVER));
	xt_ok(isr_wait(isr_task_get_done(tasks[1]), ISR_FOREVER));
	say("gather");
	xt_ok(gather(tasks, SOME, results));
	say("[%d, %d, %d]", results[0], results[1], results[2]);
	return 0;
}

START_TEST(gather_of_some_that_have_ended)
{
	run_main(gather_what_has_ended, NULL);

	ck_assert_str_eq(trace, "start 1 start 2 start 3 end 1 end 2 gather "
				"end 3 [2, 4, 6]");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("traces of tasks that gather");
	TCase *tcase = xt_case(suite, "asyncio_gather");

	tcase_add_checked_fixture(tcase, trace_setup, trace_teardown);
	tcase_add_test(tcase, gather_has_results_in_order);
	tcase_add_test(tcase, gather_tells_who_failed_and_who_was_cancelled);
	tcase_add_test(tcase, gather_lets_others_run_when_one_fails);
	tcase_add_test(tcase, gather_that_is_cancelled_cancels_all);
	tcase_add_loop_test(tcase, gather_and_cancel_at_each_yield, 0, 4);
	tcase_add_test(tcase, gather_of_some_that_have_ended);
	return xt_main(suite);
}
