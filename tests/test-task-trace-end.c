/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What MicroPython's tests of asyncio say of the end of tasks and of loops, of
 * failures that nobody asks for, and of sleeps that a signal interrupts, as
 * traces.
 */
#include <signal.h>

#include "xt-trace.h"

static void log_to_trace(enum isr_log_level level, const char *message,
			 void *arg)
{
	if (level == ISR_LOG_ERROR)
		say("<%s>", message);
}

static struct isr_task *create_named(const char *name, isr_task_cb *fn,
				     void *arg)
{
	const struct isr_task_config config = {
		.sz = sizeof(config),
		.name = name,
	};
	struct isr_task *task = NULL;

	xt_ok(isr_spawn(loop, &config, fn, arg, &task));
	return task;
}

/*
 * asyncio_task_done.py, asyncio_exception.py
 */

struct job {
	int64_t ns; /* < 0: it does not sleep */
	int result;
};

static int work(void *arg)
{
	const struct job *job = arg;

	say("start");
	if (job->ns >= 0)
		doze(job->ns);
	if (job->result == 0)
		say("done");
	return job->result;
}

static int look_at_done(void *arg)
{
	struct isr_task *task = create(work, arg);
	struct isr_flag *done = isr_task_get_done(task);

	say_whether(isr_flag_peek(done));
	yield();
	say_whether(isr_flag_peek(done));
	xt_ok(isr_wait(done, ISR_FOREVER));
	say_whether(isr_flag_peek(done));
	say("%d", await_task(task));
	return 0;
}

START_TEST(task_done_is_set_by_its_end)
{
	static struct {
		struct job job;
		const char *trace;
	} cases[] = {
		{{-1, 0}, "False start done True True 0"},
		{{10 * MS, 0}, "False start False done True 0"},
		{{-1, -22}, "False start True True -22"},
		{{10 * MS, -22}, "False start False True -22"},
	};

	run_main(look_at_done, &cases[_i].job);

	ck_assert_str_eq(trace, cases[_i].trace);
}
END_TEST

static int fail_at_once(void *arg)
{
	say("main start");
	return -EDOM;
}

START_TEST(exception_of_the_main_task_is_told)
{
	xt_ok(isr_loop_set_log_cb(loop, log_to_trace, NULL));
	run_main(fail_at_once, NULL);

	ck_assert_str_eq(trace, "main start <task \"task 1\" failed and nobody "
				"joined it: Numerical argument out of domain "
				"(-33)>");
}
END_TEST

static int fail_before_it_begins(void *arg)
{
	static struct job job = {-1, 0};

	go(work, &job);
	return -EDOM;
}

START_TEST(exception_of_the_main_task_ends_others_unbegun)
{
	xt_ok(isr_loop_set_log_cb(loop, NULL, NULL));
	run_main(fail_before_it_begins, NULL);
	trace_teardown();

	ck_assert_str_eq(trace, "");
}
END_TEST

/*
 * asyncio_set_exception_handler.py
 */

static int return_it(void *arg)
{
	return *(const int *)arg;
}

static int failures[] = {-1, -2, -3};

static void fail_detached(const char *name, void *failure)
{
	xt_ok(isr_detach(create_named(name, return_it, failure)));
}

static int fail_in_order(void *arg)
{
	fail_detached("0", &failures[0]);
	say("sleep");
	yield_times(2);
	fail_detached("1", &failures[1]);
	fail_detached("2", &failures[2]);
	say("sleep");
	yield_times(2);
	say("done");
	return 0;
}

START_TEST(exception_handler_is_told_once_in_order)
{
	xt_ok(isr_loop_set_log_cb(loop, log_to_trace, NULL));
	run_main(fail_in_order, NULL);

	ck_assert_str_eq(
		trace,
		"sleep "
		"<task \"0\" failed and nobody joined it: Operation not "
		"permitted (-1)> sleep "
		"<task \"1\" failed and nobody joined it: No such file or "
		"directory (-2)> "
		"<task \"2\" failed and nobody joined it: No such process "
		"(-3)> done");
}
END_TEST

static int fail_and_join(void *arg)
{
	struct isr_task *task = create(return_it, &failures[2]);

	yield_times(2);
	say("%d", await_task(task));
	return 0;
}

START_TEST(exception_handler_is_not_told_of_one_that_is_joined)
{
	xt_ok(isr_loop_set_log_cb(loop, log_to_trace, NULL));
	run_main(fail_and_join, NULL);
	trace_teardown();

	ck_assert_str_eq(trace, "-3");
}
END_TEST

static int fail_and_forget(void *arg)
{
	create_named("kept", return_it, &failures[0]);
	yield_times(2);
	say("end");
	return 0;
}

START_TEST(exception_of_one_never_joined_is_told_by_the_loops_end)
{
	xt_ok(isr_loop_set_log_cb(loop, log_to_trace, NULL));
	run_main(fail_and_forget, NULL);
	ck_assert_str_eq(trace, "end");
	trace_teardown();

	ck_assert_str_eq(trace, "end <task \"kept\" failed and nobody joined "
				"it: Operation not permitted (-1)>");
}
END_TEST

/*
 * asyncio_loop_stop.py, asyncio_new_event_loop.py
 */

static int say_task(void *arg)
{
	say("task");
	return 0;
}

static int stop_again_and_again(void *arg)
{
	say("start");
	isr_loop_stop(loop);
	isr_loop_stop(loop);
	say("sleep");
	yield();

	isr_loop_stop(loop);
	go(say_task, NULL);
	yield();

	say("end");
	isr_loop_stop(loop);
	return 0;
}

START_TEST(loop_stop_ends_each_run_once)
{
	int i;

	go(stop_again_and_again, NULL);
	for (i = 0; i < 3; i++) {
		say("run %d", i);
		xt_ok(isr_loop_run(loop));
	}

	ck_assert_str_eq(trace, "run 0 start sleep run 1 run 2 task end");
}
END_TEST

static int say_and_stop(void *arg)
{
	say("%s", (const char *)arg);
	isr_loop_stop(loop);
	while (isr_yield() == 0)
		;
	say("cancelled");
	return 0;
}

START_TEST(new_event_loop_has_no_tasks_of_the_old_one)
{
	go(say_and_stop, (void *)"old");
	xt_ok(isr_loop_run(loop));
	xt_ok(isr_loop_free(loop));
	say("new loop");
	xt_ok(isr_loop_new(&xt_patient, &loop));
	go(say_and_stop, (void *)"new");
	xt_ok(isr_loop_run(loop));

	ck_assert_str_eq(trace, "old cancelled new loop new");
}
END_TEST

/*
 * select_poll_eintr.py
 */

static atomic_uint n_signals;

static void count_signal(int signo)
{
	n_signals++;
}

static int raise_often(void *arg)
{
	uint64_t end_ns = isr_now_ns() + 300 * MS;

	while (isr_now_ns() < end_ns) {
		doze(10 * MS);
		raise(SIGUSR2);
	}
	return 0;
}

static int sleep_among_signals(void *arg)
{
	uint64_t begin_ns = isr_now_ns(), took_ns;
	struct isr_task *task = create(raise_often, NULL);

	doze(400 * MS);
	took_ns = isr_now_ns() - begin_ns;
	ck_assert_uint_ge(took_ns, 400 * MS);
	/* On this clock, it is exact. */
	ck_assert_uint_lt(took_ns, 401 * MS);
	return await_task(task);
}

START_TEST(sleep_among_signals_lasts_its_time)
{
	const struct sigaction action = {.sa_handler = count_signal};
	struct sigaction before;

	n_signals = 0;
	sigaction(SIGUSR2, &action, &before);
	run_main(sleep_among_signals, NULL);
	sigaction(SIGUSR2, &before, NULL);

	ck_assert_uint_ge(n_signals, 30);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("traces of tasks that end");
	TCase *tcase = xt_case(suite, "asyncio_task_done");

	tcase_add_checked_fixture(tcase, trace_setup, trace_teardown);
	tcase_add_loop_test(tcase, task_done_is_set_by_its_end, 0, 4);

	tcase = xt_case(suite, "asyncio_exception");
	tcase_add_checked_fixture(tcase, trace_setup, trace_teardown);
	tcase_add_test(tcase, exception_of_the_main_task_is_told);
	tcase_add_test(tcase, exception_of_the_main_task_ends_others_unbegun);
	tcase_add_test(tcase, exception_handler_is_told_once_in_order);
	tcase_add_test(tcase,
		       exception_handler_is_not_told_of_one_that_is_joined);
	tcase_add_test(tcase,
		       exception_of_one_never_joined_is_told_by_the_loops_end);

	tcase = xt_case(suite, "asyncio_loop");
	tcase_add_checked_fixture(tcase, trace_setup, trace_teardown);
	tcase_add_test(tcase, loop_stop_ends_each_run_once);
	tcase_add_test(tcase, new_event_loop_has_no_tasks_of_the_old_one);
	tcase_add_test(tcase, sleep_among_signals_lasts_its_time);
	return xt_main(suite);
}
