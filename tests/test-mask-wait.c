/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* In a critical section nothing of other threads and loops is waited for. */
#include <sys/wait.h>
#include <unistd.h>

#include <isrloop/guard.h>

#include "xt-source.h"

/*
 * Another loop, of another thread, with a flag and a ring. Nobody runs it, so
 * a wait for it is over by its timeout, or refused.
 */
static struct isr_loop *other;
static struct isr_flag others_flag;
static struct isr_ring others_ring;
static struct isr_event others_slots[2];

static void *dispatch_other(void *arg)
{
	xt_ok(isr_loop_dispatch(other));
	return NULL;
}

static void open_other(void)
{
	pthread_t thread;

	xt_ok(isr_loop_new(NULL, &other));
	xt_ok(isr_flag_init(&others_flag, other, ISR_FLAG_AUTO));
	xt_ok(isr_ring_init(&others_ring, other, others_slots, 2,
			    ISR_RING_DROP_NEW));
	ck_assert_int_eq(pthread_create(&thread, NULL, dispatch_other, NULL),
			 0);
	pthread_join(thread, NULL);
}

static void close_other(void)
{
	/* Ours again. */
	xt_ok(isr_loop_dispatch(other));
	xt_ok(isr_flag_done(&others_flag));
	xt_ok(isr_ring_done(&others_ring));
	xt_ok(isr_loop_free(other));
}

START_TEST(mask_refuses_to_wait_for_another_loops_flag)
{
	int outer, inner;

	open_other();
	outer = isr_mask(loop);
	inner = isr_mask(loop);
	xt_fails_with(EDEADLK, isr_flag_wait(&others_flag, 1));
	xt_fails_with(ETIMEDOUT, isr_flag_wait(&others_flag, 0));
	isr_flag_set(&others_flag);
	ck_assert_int_eq(isr_flag_wait(&others_flag, 1), 1);

	xt_ok(isr_unmask(loop, inner));
	xt_fails_with(EDEADLK, isr_flag_wait(&others_flag, 1));
	xt_ok(isr_unmask(loop, outer));
	xt_fails_with(ETIMEDOUT, isr_flag_wait(&others_flag, 1));
	close_other();
}
END_TEST

START_TEST(mask_refuses_to_wait_for_room_in_another_loops_ring)
{
	struct isr_event event = {.line_seq = 1};

	open_other();
	xt_ok(isr_mask(loop));
	ck_assert_int_eq(isr_ring_put_wait(&others_ring, &event, 1), 0);
	ck_assert_int_eq(isr_ring_put_wait(&others_ring, &event, 1), 0);
	xt_fails_with(EDEADLK, isr_ring_put_wait(&others_ring, &event, 1));
	xt_fails_with(ETIMEDOUT, isr_ring_put_wait(&others_ring, &event, 0));

	xt_ok(isr_unmask(loop, 0));
	xt_fails_with(ETIMEDOUT, isr_ring_put_wait(&others_ring, &event, 1));
	close_other();
}
END_TEST

/* It would give the guard back if only it could enter. */
static struct isr_guard guard;
static atomic_bool holds;

static void *hold_and_enter(void *arg)
{
	xt_ok(isr_guard_hold(&guard));
	atomic_store(&holds, true);
	xt_ok(isr_enter(loop));
	xt_ok(isr_exit(loop));
	ck_assert_int_ge(isr_guard_drop(&guard), 0);
	return NULL;
}

START_TEST(mask_refuses_to_wait_for_a_guard)
{
	pthread_t thread;

	guard = (struct isr_guard)ISR_GUARD_INIT;
	atomic_store(&holds, false);
	xt_ok(isr_mask(loop));
	xt_ok(isr_guard_hold(&guard));
	ck_assert_int_eq(isr_guard_drop(&guard), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, hold_and_enter, NULL),
			 0);
	xt_wait_until(atomic_load(&holds));

	xt_fails_with(EDEADLK, isr_guard_hold(&guard));

	xt_ok(isr_unmask(loop, 0));
	xt_ok(isr_guard_hold(&guard));
	ck_assert_int_eq(isr_guard_drop(&guard), 0);
	pthread_join(thread, NULL);
}
END_TEST

static void *mask_other(void *arg)
{
	/* This thread becomes other's own. */
	xt_ok(isr_loop_dispatch(other));
	xt_ok(isr_mask(other));
	xt_fails_with(EDEADLK, isr_enter(loop));
	xt_ok(isr_unmask(other, 0));
	return NULL;
}

/* Two loops' threads that enter each other's would wait for ever. */
START_TEST(mask_refuses_to_enter_another_loop)
{
	pthread_t thread;

	open_other();
	xt_ok(isr_mask(loop));
	/* Also when nobody would have to be waited for. */
	xt_fails_with(EDEADLK, isr_enter(other));
	ck_assert(!isr_in_context());
	ck_assert_int_eq(pthread_create(&thread, NULL, mask_other, NULL), 0);
	pthread_join(thread, NULL);
	xt_ok(isr_unmask(loop, 0));

	xt_ok(isr_enter(other));
	xt_ok(isr_exit(other));
	close_other();
}
END_TEST

static void mask_only(void *arg)
{
	isr_mask(loop);
}

START_TEST(mask_that_was_ended_by_the_loop_refuses_no_wait)
{
	struct isr_loop *masked;

	open_other();
	xt_ok(isr_schedule(loop, mask_only, NULL));
	xt_settle();
	xt_fails_with(ETIMEDOUT, isr_flag_wait(&others_flag, 1));

	xt_ok(isr_loop_new(NULL, &masked));
	xt_ok(isr_mask(masked));
	xt_fails_with(EDEADLK, isr_flag_wait(&others_flag, 1));
	xt_ok(isr_loop_free(masked));
	xt_fails_with(ETIMEDOUT, isr_flag_wait(&others_flag, 1));
	close_other();
}
END_TEST

/* A child has loops of its own, and none of its parent's sections. */
static bool child_can_wait(void)
{
	open_other();
	return isr_flag_wait(&others_flag, 1) == -ETIMEDOUT;
}

START_TEST(mask_refuses_no_wait_to_a_child)
{
	int status;
	pid_t pid;

	xt_ok(isr_mask(loop));
	pid = fork();
	if (pid == 0)
		_exit(child_can_wait() ? 0 : 1);

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	xt_ok(isr_unmask(loop, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mask wait");
	TCase *tcase;

	tcase = xt_case(suite, "wait");
	tcase_add_checked_fixture(tcase, xt_loop_setup, xt_loop_teardown);
	tcase_add_test(tcase, mask_refuses_to_wait_for_another_loops_flag);
	tcase_add_test(tcase,
		       mask_refuses_to_wait_for_room_in_another_loops_ring);
	tcase_add_test(tcase, mask_refuses_to_wait_for_a_guard);
	tcase_add_test(tcase, mask_refuses_to_enter_another_loop);
	tcase_add_test(tcase, mask_that_was_ended_by_the_loop_refuses_no_wait);
	tcase_add_test(tcase, mask_refuses_no_wait_to_a_child);

	return xt_main(suite);
}
