/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Threads make themselves ISR context, beside critical sections. */
#include <sched.h>

#include "waits.h"
#include "xt-source.h"

#define ROUNDS 200

/* No atomic access: what keeps others out is the section. */
static volatile unsigned int count;

static void count_one(void)
{
	unsigned int seen = count;

	sched_yield();
	count = seen + 1;
}

static void *count_entered(void *arg)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		xt_ok(isr_enter(loop));
		xt_ok(isr_enter(loop));
		count_one();
		xt_ok(isr_exit(loop));
		xt_ok(isr_exit(loop));
	}
	return NULL;
}

START_TEST(enter_keeps_threads_and_sections_apart)
{
	pthread_t threads[2];
	int i;

	count = 0;
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, count_entered, NULL),
			0);
	for (i = 0; i < ROUNDS; i++) {
		int outer = isr_mask(loop), inner = isr_mask(loop);

		count_one();
		xt_ok(isr_unmask(loop, inner));
		xt_ok(isr_unmask(loop, outer));
	}
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);

	ck_assert_uint_eq(count, 3 * ROUNDS);
}
END_TEST

static atomic_bool is_inside, waits, released;

static void *stay_inside(void *arg)
{
	xt_ok(isr_enter(loop));
	atomic_store(&is_inside, true);
	while (!atomic_load(&released))
		sched_yield();
	atomic_store(&is_inside, false);
	xt_ok(isr_exit(loop));
	return NULL;
}

static atomic_bool came_in, met_someone;

static void *come_in(void *arg)
{
	xt_ok(isr_enter(loop));
	atomic_store(&met_someone, atomic_load(&is_inside));
	atomic_store(&came_in, true);
	xt_ok(isr_exit(loop));
	return NULL;
}

static void note_wait(void)
{
	atomic_store(&waits, true);
}

static void await_who_is_inside(void)
{
	xt_wait_until(atomic_load(&is_inside));
}

/* A section, or another thread. */
START_TEST(enter_waits_for_who_is_inside)
{
	pthread_t first, second;

	atomic_store(&is_inside, false);
	atomic_store(&waits, false);
	atomic_store(&released, false);
	atomic_store(&came_in, false);
	if (_i == 0) {
		xt_ok(isr_mask(loop));
		atomic_store(&is_inside, true);
	} else {
		pthread_create(&first, NULL, stay_inside, NULL);
		await_who_is_inside();
	}
	atomic_store(&waits_hook, note_wait);
	ck_assert_int_eq(pthread_create(&second, NULL, come_in, NULL), 0);
	xt_wait_until(atomic_load(&waits) || atomic_load(&came_in));
	ck_assert(!atomic_load(&came_in));

	if (_i == 0) {
		atomic_store(&is_inside, false);
		xt_ok(isr_unmask(loop, 0));
	} else {
		atomic_store(&released, true);
		pthread_join(first, NULL);
	}
	pthread_join(second, NULL);
	atomic_store(&waits_hook, NULL);
	ck_assert(!atomic_load(&met_someone));
}
END_TEST

static struct isr_loop *other;

static void *enter_wrongly(void *arg)
{
	xt_fails_with(EINVAL, isr_exit(loop));
	xt_ok(isr_enter(loop));
	ck_assert(isr_in_context());
	xt_fails_with(EBUSY, isr_enter(other));
	xt_fails_with(EINVAL, isr_exit(other));
	xt_fails_with(EPERM, isr_loop_run(other));
	xt_ok(isr_exit(loop));
	ck_assert(!isr_in_context());
	xt_fails_with(EINVAL, isr_exit(loop));
	xt_fails_with(EINVAL, isr_enter(NULL));
	xt_fails_with(EINVAL, isr_exit(NULL));
	return NULL;
}

static void enter_in_callback(void *arg)
{
	*(int *)arg = isr_enter(other);
}

static void *run_other(void *arg)
{
	/* This thread becomes other's own. */
	xt_ok(isr_loop_dispatch(other));
	return NULL;
}

START_TEST(enter_is_for_one_loop_that_is_not_ones_own)
{
	pthread_t thread;
	int result = 0;

	xt_ok(isr_loop_new(NULL, &other));
	xt_fails_with(EDEADLK, isr_enter(loop));
	ck_assert_int_eq(pthread_create(&thread, NULL, enter_wrongly, NULL), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_other, NULL), 0);
	pthread_join(thread, NULL);

	xt_ok(isr_schedule(loop, enter_in_callback, &result));
	xt_ok(isr_loop_dispatch(loop));

	ck_assert_int_eq(result, -EBUSY);
	/* Ours again. */
	xt_ok(isr_loop_dispatch(other));
	xt_ok(isr_loop_free(other));
}
END_TEST

static void *enter_and_end(void *arg)
{
	xt_ok(isr_enter(loop));
	return NULL;
}

START_TEST(enter_without_exit_does_not_stop_the_loop)
{
	struct isr_emerg record;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, enter_and_end, NULL), 0);
	pthread_join(thread, NULL);

	xt_ok(isr_mask(loop));

	ck_assert_int_eq(isr_emerg_take(loop, &record), 1);
	ck_assert_uint_eq(record.kind, ISR_EMERG_MASK);
	ck_assert_int_eq(record.code, -EOWNERDEAD);
	xt_ok(isr_unmask(loop, 0));
	xt_ok(isr_mask(loop));
	xt_ok(isr_unmask(loop, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("enter");
	TCase *tcase;

	tcase = xt_case(suite, "enter");
	tcase_add_checked_fixture(tcase, xt_loop_setup, xt_loop_teardown);
	tcase_add_loop_test(tcase, enter_waits_for_who_is_inside, 0, 2);
	tcase_add_test(tcase, enter_keeps_threads_and_sections_apart);
	tcase_add_test(tcase, enter_is_for_one_loop_that_is_not_ones_own);
	tcase_add_test(tcase, enter_without_exit_does_not_stop_the_loop);

	return xt_main(suite);
}
