/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What MicroPython's tests of asyncio say of events, of sleep and of fairness,
 * as traces. An event is a sticky flag.
 */
#include <pthread.h>

#include "xt-trace.h"

static struct isr_flag event;

static void setup(void)
{
	trace_setup();
	xt_ok(isr_flag_init(&event, loop, ISR_FLAG_STICKY));
}

/*
 * asyncio_event.py
 */

static int wait_and_tell(void *arg)
{
	int id = *(const int *)arg, r;

	say("start %d", id);
	r = isr_wait(&event, ISR_FOREVER);
	if (r < 0)
		return r;
	say_whether(r > 0);
	say("end %d", id);
	return 0;
}

static int ids[] = {0, 1, 2, 3, 4, 5, 6};

START_TEST(event_is_set_until_it_is_cleared)
{
	say_whether(isr_flag_peek(&event));
	isr_flag_set(&event);
	say_whether(isr_flag_peek(&event));
	xt_ok(isr_flag_clear(&event));
	say_whether(isr_flag_peek(&event));

	ck_assert_str_eq(trace, "False True False");
}
END_TEST

static int set_for_two(void *arg)
{
	go(wait_and_tell, &ids[1]);
	go(wait_and_tell, &ids[2]);
	say("yield");
	yield();
	say("set event");
	isr_flag_set(&event);
	say("yield");
	yield();
	return 0;
}

START_TEST(event_wakes_all_that_wait)
{
	run_main(set_for_two, NULL);

	ck_assert_str_eq(trace, "yield start 1 start 2 set event yield "
				"True end 1 True end 2");
}
END_TEST

static int wait_when_set(void *arg)
{
	isr_flag_set(&event);
	go(wait_and_tell, &ids[3]);
	say("yield");
	yield();
	return 0;
}

START_TEST(event_that_is_set_stops_nobody)
{
	run_main(wait_when_set, NULL);

	ck_assert_str_eq(trace, "yield start 3 True end 3");
}
END_TEST

static int clear_and_set(void *arg)
{
	isr_flag_set(&event);
	yield();
	say("clear event");
	xt_ok(isr_flag_clear(&event));
	go(wait_and_tell, &ids[4]);
	yield();
	say("set event");
	isr_flag_set(&event);
	yield();
	return 0;
}

START_TEST(event_that_was_cleared_is_waited_for)
{
	run_main(clear_and_set, NULL);

	ck_assert_str_eq(trace, "clear event start 4 set event True end 4");
}
END_TEST

static int set_and_cancel(void *arg)
{
	struct isr_task *task = create(wait_and_tell, &ids[5]);

	yield();
	isr_flag_set(&event);
	ck_assert_int_eq(isr_cancel(task), 1);
	doze(100 * MS);
	ck_assert_int_eq(await_task(task), -ECANCELED);
	return 0;
}

START_TEST(event_set_then_cancel_cancels)
{
	run_main(set_and_cancel, NULL);

	ck_assert_str_eq(trace, "start 5");
	ck_assert_uint_eq(isr_flag_peek(&event), 1);
}
END_TEST

static int cancel_and_set(void *arg)
{
	struct isr_task *task = create(wait_and_tell, &ids[6]);

	yield();
	ck_assert_int_eq(isr_cancel(task), 1);
	isr_flag_set(&event);
	doze(100 * MS);
	ck_assert_int_eq(await_task(task), -ECANCELED);
	return 0;
}

START_TEST(event_cancel_then_set_cancels)
{
	run_main(cancel_and_set, NULL);

	ck_assert_str_eq(trace, "start 6");
	ck_assert_uint_eq(isr_flag_peek(&event), 1);
}
END_TEST

static int set_later(void *arg)
{
	doze(*(const int64_t *)arg);
	say("set event");
	isr_flag_set(&event);
	return 0;
}

static int wait_for_early(void *arg)
{
	static int64_t soon_ns = 10 * MS;

	go(set_later, &soon_ns);
	ck_assert_int_eq(isr_wait(&event, 100 * MS), 1);
	yield();
	return 0;
}

START_TEST(event_is_set_in_time)
{
	run_main(wait_for_early, NULL);

	ck_assert_str_eq(trace, "set event");
}
END_TEST

static int wait_for_late(void *arg)
{
	static int64_t late_ns = 100 * MS;

	go(set_later, &late_ns);
	if (isr_wait(&event, 10 * MS) == -ETIMEDOUT)
		say("TimeoutError");
	ck_assert_int_eq(isr_wait(&event, ISR_FOREVER), 1);
	return 0;
}

START_TEST(event_is_set_too_late)
{
	run_main(wait_for_late, NULL);

	ck_assert_str_eq(trace, "TimeoutError set event");
}
END_TEST

/*
 * asyncio_event_fair.py
 */

static int spin_four_times(void *arg)
{
	int id = *(const int *)arg, i;

	for (i = 0; i < 4; i++) {
		say("s%d", id);
		yield();
	}
	return 0;
}

static int pulse_four_times(void *arg)
{
	int id = *(const int *)arg, i;

	for (i = 0; i < 4; i++) {
		isr_flag_set(&event);
		xt_ok(isr_flag_clear(&event));
		say("w%d", id);
		if (isr_wait(&event, ISR_FOREVER) < 0)
			return 0;
	}
	return 0;
}

static int pulse_among_spinners(void *arg)
{
	struct isr_task *first;

	go(spin_four_times, &ids[0]);
	first = create(pulse_four_times, &ids[2]);
	go(spin_four_times, &ids[1]);
	go(pulse_four_times, &ids[3]);
	ck_assert_int_eq(isr_join(first, NULL, SECOND), -ETIMEDOUT);
	return 0;
}

/*
 * There each pulse lets the other one go: "s0 w2 s1 w3 s0 s1 w2 s0 s1 w3 s0
 * s1 w2 w3 w2 w3". Here a wait ends only while its flag is set: what was
 * cleared before the task runs has ended no wait.
 */
START_TEST(event_fair_pulse_wakes_nobody)
{
	run_main(pulse_among_spinners, NULL);

	ck_assert_str_eq(trace, "s0 w2 s1 w3 s0 s1 s0 s1 s0 s1");
}
END_TEST

/* Two that let each other go, without an end. */
struct player {
	int id;
	struct isr_flag own;
	struct player *other;
};

static struct player players[2];

static int play(void *arg)
{
	struct player *player = arg;

	for (;;) {
		isr_flag_set(&player->other->own);
		say("w%d", player->id);
		if (isr_wait(&player->own, ISR_FOREVER) < 0)
			return 0;
	}
}

static int play_among_spinners(void *arg)
{
	struct isr_task *last;
	int i;

	for (i = 0; i < 2; i++) {
		players[i].id = 2 + i;
		players[i].other = &players[!i];
		xt_ok(isr_flag_init(&players[i].own, loop, ISR_FLAG_AUTO));
	}
	go(spin_four_times, &ids[0]);
	go(play, &players[0]);
	last = create(spin_four_times, &ids[1]);
	go(play, &players[1]);
	ck_assert_int_eq(await_task(last), 0);
	say("end");
	return 0;
}

/*
 * They would have the loop for themselves: what a flag wakes is urgent. A
 * delivery and the task's turn are a step each, and who finds its flag set lets
 * a delivery go first: so of four steps there are one or two turns, and then
 * one is another's. The last w3 was due before the stop.
 */
START_TEST(event_fair_budget_leaves_turns_to_others)
{
	const struct isr_loop_config config = {
		.sz = sizeof(config),
		.urgent_steps = 4,
	};

	trace_teardown();
	trace_setup_with(&config);
	run_main(play_among_spinners, NULL);

	ck_assert_str_eq(trace, "s0 w2 s1 w3 w2 w3 s0 w2 s1 w3 w2 s0 w3 s1 "
				"w2 w3 s0 w2 w3 s1 w2 w3 w2 end w3");
}
END_TEST

/*
 * asyncio_event_queue.py
 */

static int n_calls;

static void set_in_the_end(void *arg)
{
	if (++n_calls < 100) {
		xt_ok(isr_schedule(loop, set_in_the_end, NULL));
		return;
	}
	say("still pending");
	isr_flag_set(&event);
}

static int wait_with_nothing_to_run(void *arg)
{
	say("foo waiting");
	n_calls = 0;
	xt_ok(isr_schedule(loop, set_in_the_end, NULL));
	ck_assert_int_eq(isr_wait(&event, ISR_FOREVER), 1);
	say("foo done");
	return 0;
}

START_TEST(event_queue_loop_stays_when_its_only_task_waits)
{
	run_main(wait_with_nothing_to_run, NULL);
	say("main done");

	ck_assert_str_eq(trace, "foo waiting still pending foo done main done");
}
END_TEST

static void *set_in_thread(void *arg)
{
	isr_flag_set(&event);
	return NULL;
}

/* asyncio_iterator_event.py: one wait after the other, and nothing else. */
static int wait_for_threads(void *arg)
{
	pthread_t thread;
	int i;

	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(
			pthread_create(&thread, NULL, set_in_thread, NULL), 0);
		ck_assert_int_eq(isr_wait(&event, ISR_FOREVER), 1);
		xt_ok(isr_flag_clear(&event));
		pthread_join(thread, NULL);
		say("%d", i);
	}
	return 0;
}

START_TEST(iterator_event_loop_stays_while_it_waits_for_threads)
{
	run_main(wait_for_threads, NULL);

	ck_assert_str_eq(trace, "0 1 2");
}
END_TEST

/*
 * asyncio_fair.py
 */

struct worker {
	int id;
	int64_t ns;
	unsigned int n_turns;
};

static int work(void *arg)
{
	struct worker *worker = arg;

	say("start %d", worker->id);
	do {
		if (worker->ns > 0)
			say("work %d", worker->id);
		worker->n_turns++;
	} while (isr_sleep(worker->ns) == 0);
	return 0;
}

static struct worker workers[] = {
	{1, -10 * MS, 0}, {2, 100 * MS, 0}, {3, 180 * MS, 0}, {4, -SECOND, 0}};

static int let_them_work(void *arg)
{
	struct isr_task *tasks[4];
	int i;

	for (i = 0; i < 4; i++) {
		workers[i].n_turns = 0;
		tasks[i] = create(work, &workers[i]);
	}
	doze(450 * MS);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(isr_cancel(tasks[i]), 1);
	say("finish");
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(await_task(tasks[i]), 0);
	return 0;
}

START_TEST(fair_spinners_leave_sleepers_their_turns)
{
	run_main(let_them_work, NULL);

	ck_assert_str_eq(trace, "start 1 start 2 work 2 start 3 work 3 start 4 "
				"work 2 work 3 work 2 work 2 work 3 work 2 "
				"finish");
	ck_assert_int_eq((int)(workers[0].n_turns - workers[3].n_turns), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("traces of tasks");
	TCase *tcase = xt_case(suite, "asyncio_event");

	tcase_add_checked_fixture(tcase, setup, trace_teardown);
	tcase_add_test(tcase, event_is_set_until_it_is_cleared);
	tcase_add_test(tcase, event_wakes_all_that_wait);
	tcase_add_test(tcase, event_that_is_set_stops_nobody);
	tcase_add_test(tcase, event_that_was_cleared_is_waited_for);
	tcase_add_test(tcase, event_set_then_cancel_cancels);
	tcase_add_test(tcase, event_cancel_then_set_cancels);
	tcase_add_test(tcase, event_is_set_in_time);
	tcase_add_test(tcase, event_is_set_too_late);
	tcase_add_test(tcase, event_fair_pulse_wakes_nobody);
	tcase_add_test(tcase, event_fair_budget_leaves_turns_to_others);
	tcase_add_test(tcase, event_queue_loop_stays_when_its_only_task_waits);
	tcase_add_test(tcase,
		       iterator_event_loop_stays_while_it_waits_for_threads);

	tcase = xt_case(suite, "asyncio_fair");
	tcase_add_checked_fixture(tcase, trace_setup, trace_teardown);
	tcase_add_test(tcase, fair_spinners_leave_sleepers_their_turns);
	return xt_main(suite);
}
