/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What MicroPython's tests of asyncio say of locks, as traces. A lock is an
 * AUTO flag that was set once: to wait for it is to acquire it, to set it is
 * to release it.
 */
#include "xt-trace.h"

/*
 * asyncio_lock.py, asyncio_lock_cancel.py
 */

static struct isr_flag lock;

static void setup_lock(void)
{
	trace_setup();
	xt_ok(isr_flag_init(&lock, loop, ISR_FLAG_AUTO));
	isr_flag_set(&lock);
}

static int acquire(void)
{
	int r = isr_wait(&lock, ISR_FOREVER);

	/* More than 1: it was released by one that did not have it. */
	ck_assert_int_le(r, 1);
	return r;
}

static void release(void)
{
	isr_flag_set(&lock);
}

static bool is_locked(void)
{
	return isr_flag_peek(&lock) == 0;
}

static int lock_alone(void *arg)
{
	say_whether(is_locked());
	xt_ok(acquire());
	say_whether(is_locked());
	yield();
	release();
	say_whether(is_locked());
	yield();
	xt_ok(acquire());
	say("have lock");
	release();
	return 0;
}

START_TEST(lock_is_acquired_and_released)
{
	run_main(lock_alone, NULL);

	ck_assert_str_eq(trace, "False True False have lock");
}
END_TEST

static int lock_three_times(void *arg)
{
	int id = *(const int *)arg, i;

	say("start %d", id);
	for (i = 0; i < 3; i++) {
		xt_ok(acquire());
		say("%d.%d", id, i);
		release();
	}
	say("end %d", id);
	return 0;
}

static int ids[] = {0, 1, 2, 3};

static int lock_among_three(void *arg)
{
	struct isr_task *last;

	go(lock_three_times, &ids[1]);
	go(lock_three_times, &ids[2]);
	last = create(lock_three_times, &ids[3]);
	xt_ok(acquire());
	yield();
	release();
	return await_task(last);
}

START_TEST(lock_goes_from_one_to_the_next)
{
	run_main(lock_among_three, NULL);

	ck_assert_str_eq(trace, "start 1 start 2 start 3 1.0 2.0 3.0 1.1 2.1 "
				"3.1 1.2 end 1 2.2 end 2 3.2 end 3");
}
END_TEST

static int lock_and_sleep(void *arg)
{
	xt_ok(acquire());
	say("have %d", is_locked());
	doze(200 * MS);
	release();
	say("release %d", is_locked());
	xt_ok(acquire());
	say("again");
	release();
	return 0;
}

static int lock_and_sleep_twice(void *arg)
{
	go(lock_and_sleep, NULL);
	doze(100 * MS);
	return lock_and_sleep(NULL);
}

START_TEST(lock_is_not_taken_back_by_who_released_it)
{
	run_main(lock_and_sleep_twice, NULL);

	ck_assert_str_eq(trace, "have 1 release 0 have 1 release 0 again "
				"again");
}
END_TEST

struct locker {
	int id;
	struct isr_task *to_cancel;
};

static int lock_and_cancel(void *arg)
{
	const struct locker *locker = arg;
	int r;

	if (acquire() < 0) {
		say("cancel %d", locker->id);
		return 0;
	}
	say("got %d", locker->id);
	r = isr_sleep(100 * MS);
	release();
	say("%s %d", r < 0 ? "cancel" : "release", locker->id);
	if (locker->to_cancel)
		ck_assert_int_eq(isr_cancel(locker->to_cancel), 1);
	return 0;
}

static struct locker lockers[3];

static int cancel_the_second(void *arg)
{
	struct isr_task *second;
	int i;

	for (i = 0; i < 3; i++)
		lockers[i] = (struct locker){i, NULL};
	go(lock_and_cancel, &lockers[0]);
	second = create(lock_and_cancel, &lockers[1]);
	lockers[0].to_cancel = second;
	go(lock_and_cancel, &lockers[2]);
	doze(300 * MS);
	say_whether(is_locked());
	return await_task(second);
}

/* Released for the second, which is cancelled before it has its turn. */
START_TEST(lock_released_for_one_that_is_cancelled_goes_to_the_next)
{
	run_main(cancel_the_second, NULL);

	ck_assert_str_eq(trace, "got 0 release 0 cancel 1 got 2 release 2 "
				"False");
}
END_TEST

static int cancel_two_that_wait(void *arg)
{
	struct isr_task *tasks[3];
	int i;

	for (i = 0; i < 3; i++) {
		lockers[i] = (struct locker){i, NULL};
		tasks[i] = create(lock_and_cancel, &lockers[i]);
	}
	doze(50 * MS);
	ck_assert_int_eq(isr_cancel(tasks[1]), 1);
	doze(100 * MS);
	ck_assert_int_eq(isr_cancel(tasks[2]), 1);
	doze(100 * MS);
	say_whether(is_locked());
	for (i = 0; i < 3; i++)
		xt_ok(await_task(tasks[i]));
	return 0;
}

/* The second waits for the lock, the third has it. */
START_TEST(lock_is_released_by_one_that_is_cancelled)
{
	run_main(cancel_two_that_wait, NULL);

	ck_assert_str_eq(trace, "got 0 cancel 1 release 0 got 2 cancel 2 "
				"False");
}
END_TEST

static int lock_once(void *arg)
{
	int id = *(const int *)arg;

	say("%d start", id);
	if (acquire() < 0) {
		say("%d cancel", id);
		return 0;
	}
	say("%d has", id);
	yield();
	release();
	say("%d done", id);
	return 0;
}

static int cancel_two_and_release(void *arg)
{
	struct isr_task *tasks[4];
	int i;

	xt_ok(acquire());
	for (i = 0; i < 4; i++)
		tasks[i] = create(lock_once, &ids[i]);
	yield();
	ck_assert_int_eq(isr_cancel(tasks[1]), 1);
	ck_assert_int_eq(isr_cancel(tasks[2]), 1);
	release();
	yield_times(4);
	say_whether(is_locked());
	for (i = 0; i < 4; i++)
		xt_ok(await_task(tasks[i]));
	return 0;
}

/*
 * There "1 cancel 2 cancel 0 has". Here the one that the lock wakes goes
 * before those that were cancelled.
 */
START_TEST(lock_cancel_of_two_in_the_middle)
{
	run_main(cancel_two_and_release, NULL);

	ck_assert_str_eq(trace, "0 start 1 start 2 start 3 start 0 has "
				"1 cancel 2 cancel 0 done 3 has 3 done False");
}
END_TEST

static int release_too_often(void *arg)
{
	release();
	say("%d", isr_wait(&lock, ISR_FOREVER));
	return 0;
}

/* An error there; here it is seen by the next that acquires it. */
START_TEST(lock_released_twice_is_seen)
{
	run_main(release_too_often, NULL);

	ck_assert_str_eq(trace, "2");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("traces of tasks that lock");
	TCase *tcase = xt_case(suite, "asyncio_lock");

	tcase_add_checked_fixture(tcase, setup_lock, trace_teardown);
	tcase_add_test(tcase, lock_is_acquired_and_released);
	tcase_add_test(tcase, lock_goes_from_one_to_the_next);
	tcase_add_test(tcase, lock_is_not_taken_back_by_who_released_it);
	tcase_add_test(
		tcase,
		lock_released_for_one_that_is_cancelled_goes_to_the_next);
	tcase_add_test(tcase, lock_is_released_by_one_that_is_cancelled);
	tcase_add_test(tcase, lock_cancel_of_two_in_the_middle);
	tcase_add_test(tcase, lock_released_twice_is_seen);
	return xt_main(suite);
}
