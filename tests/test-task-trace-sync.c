/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What the test asyntest of the MicroPython drivers says of semaphores,
 * barriers, conditions and messages, as traces. None of them is an object
 * here: each is a flag or two, as can be seen.
 */
#include "xt-trace.h"

/*
 * Semaphore: an AUTO flag, of whose count one is taken and the rest put back.
 */

static struct isr_flag semaphore;

static void acquire(void)
{
	int n = isr_wait(&semaphore, ISR_FOREVER);

	xt_ok(n);
	while (--n > 0)
		isr_flag_set(&semaphore);
}

static int ids[] = {0, 1, 2, 3, 4, 5, 6};

static int use_semaphore(void *arg)
{
	int id = *(const int *)arg;

	say("%d trying", id);
	acquire();
	say("%d acquired", id);
	doze(SECOND + id * 100 * MS);
	isr_flag_set(&semaphore);
	say("%d released", id);
	return 0;
}

static int start_users(void *arg)
{
	struct isr_task *tasks[5];
	int i;

	xt_ok(isr_flag_init(&semaphore, loop, ISR_FLAG_AUTO));
	for (i = 0; i < 3; i++)
		isr_flag_set(&semaphore);
	for (i = 0; i < 5; i++)
		tasks[i] = create(use_semaphore, &ids[i]);
	for (i = 0; i < 5; i++)
		xt_ok(await_task(tasks[i]));
	say("%u", isr_flag_peek(&semaphore));
	return 0;
}

START_TEST(semaphore_lets_three_at_a_time)
{
	run_main(start_users, NULL);

	ck_assert_str_eq(trace, "0 trying 0 acquired 1 trying 1 acquired "
				"2 trying 2 acquired 3 trying 4 trying "
				"0 released 3 acquired 1 released 4 acquired "
				"2 released 3 released 4 released 3");
}
END_TEST

/*
 * Barrier: who comes last lets the others go, each by a set of its own.
 */

struct barrier {
	struct isr_flag all_here;
	int n_here;
	int n;
};

static struct barrier barrier;

static void meet(void)
{
	int i;

	if (++barrier.n_here < barrier.n) {
		xt_ok(isr_wait(&barrier.all_here, ISR_FOREVER));
		return;
	}
	say("Synch");
	barrier.n_here = 0;
	for (i = 1; i < barrier.n; i++)
		isr_flag_set(&barrier.all_here);
}

static int meet_often(void *arg)
{
	int i;

	for (i = 0; i < 5; i++) {
		say("%d", i);
		meet();
	}
	return 0;
}

static int start_meetings(void *arg)
{
	struct isr_task *tasks[3];
	int i;

	xt_ok(isr_flag_init(&barrier.all_here, loop, ISR_FLAG_AUTO));
	barrier.n_here = 0;
	barrier.n = 3;
	for (i = 0; i < 3; i++)
		tasks[i] = create(meet_often, NULL);
	for (i = 0; i < 3; i++)
		xt_ok(await_task(tasks[i]));
	return 0;
}

START_TEST(barrier_holds_all_until_the_last_is_there)
{
	run_main(start_meetings, NULL);

	ck_assert_str_eq(trace, "0 0 0 Synch 1 1 1 Synch 2 2 2 Synch "
				"3 3 3 Synch 4 4 4 Synch");
}
END_TEST

/*
 * Condition: an AUTO flag, set as often as it notifies.
 */

static struct isr_flag condition;
static int tim;

static int notify_two(void *arg)
{
	while (isr_sleep(2 * SECOND) == 0) {
		isr_flag_set(&condition);
		isr_flag_set(&condition);
	}
	return 0;
}

static int count_time(void *arg)
{
	int r = isr_sleep(SECOND / 2);

	for (; r == 0; tim++)
		r = isr_sleep(SECOND);
	return 0;
}

static int await_condition(void *arg)
{
	xt_ok(isr_wait(&condition, ISR_FOREVER));
	say("%d: %d", *(const int *)arg, tim);
	return 0;
}

static int await_condition_and_time(void *arg)
{
	do
		xt_ok(isr_wait(&condition, ISR_FOREVER));
	while (tim < 8);
	say("99: %d", tim);
	return 0;
}

static int start_conditions(void *arg)
{
	struct isr_task *tasks[7];
	int i;

	xt_ok(isr_flag_init(&condition, loop, ISR_FLAG_AUTO));
	tim = 0;
	go(notify_two, NULL);
	go(count_time, NULL);
	for (i = 0; i < 7; i++)
		tasks[i] = create(await_condition, &ids[i]);
	for (i = 0; i < 7; i++)
		xt_ok(await_task(tasks[i]));
	return await_condition_and_time(NULL);
}

/* There it is the latest that is let go first; here the first that came. */
START_TEST(condition_lets_two_go_at_a_time)
{
	run_main(start_conditions, NULL);

	ck_assert_str_eq(trace, "0: 1 1: 1 2: 3 3: 3 4: 5 5: 5 6: 7 99: 9");
}
END_TEST

/*
 * Message: a latch holds the last value, a sticky flag says that there is
 * one, and each receiver acknowledges it.
 */

static struct isr_flag message, acks[2];
static int value;

static int receive(void *arg)
{
	int i = *(const int *)arg;

	xt_ok(isr_wait(&message, ISR_FOREVER));
	say("%d got %d", i, value);
	isr_flag_set(&acks[i]);
	return 0;
}

static int send_three(void *arg)
{
	struct isr_flag *both[] = {&acks[0], &acks[1]};
	int i;

	xt_ok(isr_flag_init(&message, loop, ISR_FLAG_STICKY));
	for (i = 0; i < 2; i++)
		xt_ok(isr_flag_init(&acks[i], loop, ISR_FLAG_AUTO));
	for (i = 0; i < 3; i++) {
		go(receive, &ids[0]);
		go(receive, &ids[1]);
		value = i;
		isr_flag_set(&message);
		say("set");
		xt_ok(isr_wait_all(both, 2, ISR_FOREVER));
		xt_ok(isr_flag_clear(&message));
		say("cleared");
	}
	return 0;
}

START_TEST(message_is_acknowledged_by_all)
{
	run_main(send_three, NULL);

	ck_assert_str_eq(trace, "set 0 got 0 1 got 0 cleared "
				"set 0 got 1 1 got 1 cleared "
				"set 0 got 2 1 got 2 cleared");
}
END_TEST

static int receive_or_tell(void *arg)
{
	if (isr_wait(&message, ISR_FOREVER) < 0)
		say("%d cancelled", *(const int *)arg);
	else
		say("%d got it", *(const int *)arg);
	return 0;
}

/* Which of two is cancelled. */
static int cancel_receiver(void *arg)
{
	struct isr_task *tasks[2];
	int i;

	xt_ok(isr_flag_init(&message, loop, ISR_FLAG_STICKY));
	for (i = 0; i < 2; i++)
		tasks[i] = create(receive_or_tell, &ids[i]);
	doze(SECOND);
	ck_assert_int_eq(isr_cancel(tasks[*(const int *)arg]), 1);
	doze(SECOND);
	say("set");
	isr_flag_set(&message);
	for (i = 0; i < 2; i++)
		xt_ok(await_task(tasks[i]));
	return 0;
}

START_TEST(message_reaches_one_when_the_other_is_cancelled)
{
	run_main(cancel_receiver, &ids[_i]);

	ck_assert_str_eq(trace, _i == 0 ? "0 cancelled set 1 got it"
					: "1 cancelled set 0 got it");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("traces of tasks that meet");
	TCase *tcase = xt_case(suite, "asyntest");

	tcase_add_checked_fixture(tcase, trace_setup, trace_teardown);
	tcase_add_test(tcase, semaphore_lets_three_at_a_time);
	tcase_add_test(tcase, barrier_holds_all_until_the_last_is_there);
	tcase_add_test(tcase, condition_lets_two_go_at_a_time);
	tcase_add_test(tcase, message_is_acknowledged_by_all);
	tcase_add_loop_test(
		tcase, message_reaches_one_when_the_other_is_cancelled, 0, 2);
	return xt_main(suite);
}
