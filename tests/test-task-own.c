/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What a task has of its own: a name, a stack, errno; what it costs to have
 * many, and that one for which there is no memory leaves nothing behind.
 */
#include <fenv.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "loop.h"
#include "task.h"
#include "xt-task.h"

/*
 * What is a task's own
 */

START_TEST(task_has_the_name_that_it_was_given)
{
	struct isr_task_stats stats;
	struct isr_task *named, *first, *second;
	char name[] = "named";

	named = spawn_named(name, add_once, "a");
	memset(name, 'x', sizeof(name) - 1);
	first = spawn_named(NULL, add_once, "b");
	second = spawn_named(NULL, add_once, "c");

	xt_ok(isr_task_get_stats(named, &stats));
	ck_assert_str_eq(stats.name, "named");
	xt_ok(isr_task_get_stats(first, &stats));
	ck_assert_str_eq(stats.name, "task 1");
	xt_ok(isr_task_get_stats(second, &stats));
	ck_assert_str_eq(stats.name, "task 2");
}
END_TEST

static struct isr_task *seen_self;

static int see_self(void *arg)
{
	seen_self = isr_self();
	return 0;
}

START_TEST(self_is_the_task_that_runs)
{
	struct isr_task *task = spawn_named("me", see_self, NULL);

	ck_assert_ptr_null(isr_self());
	run_all();
	ck_assert_ptr_null(isr_self());
	ck_assert_ptr_eq(seen_self, task);
}
END_TEST

static int set_and_yield(void *arg)
{
	isr_flag_set((struct isr_flag *)arg);
	xt_ok(isr_yield());
	return 0;
}

static void see_none(struct isr_flag *flag, uint32_t count, void *arg)
{
	ck_assert_ptr_null(isr_self());
	trace_add('n');
}

START_TEST(self_is_nobody_while_tasks_wait)
{
	struct isr_flag flag;

	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, see_none, NULL));
	spawn(set_and_yield, &flag);
	run_all();
	xt_ok(isr_flag_done(&flag));

	ck_assert_str_eq(trace, "n");
}
END_TEST

static int keep_errno(void *arg)
{
	int mine = *(const int *)arg, i;

	errno = mine;
	for (i = 0; i < 10; i++) {
		xt_ok(i % 2 ? isr_yield() : isr_sleep(1));
		ck_assert_int_eq(errno, mine);
	}
	return 0;
}

START_TEST(task_keeps_its_errno)
{
	static const int mine[] = {EDOM, EILSEQ};

	spawn(keep_errno, &mine[0]);
	spawn(keep_errno, &mine[1]);
	run_all();
}
END_TEST

/* A compiler may keep the place of a thread's errno. */
static __attribute__((noinline)) int get_errno(void)
{
	return errno;
}

static int keep_errno_elsewhere(void *arg)
{
	errno = EDOM;
	xt_ok(isr_wait(arg, ISR_FOREVER));
	ck_assert_int_eq(get_errno(), EDOM);
	isr_loop_stop(loop);
	return 0;
}

static int stop_the_loop(void *arg)
{
	isr_loop_stop(loop);
	return 0;
}

static void *run_for_a_while(void *arg)
{
	int r = isr_loop_run(loop);

	return (void *)(intptr_t)r;
}

START_TEST(task_keeps_its_errno_in_another_thread)
{
	struct isr_flag flag;
	pthread_t thread;
	void *result;

	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	spawn(keep_errno_elsewhere, &flag);
	spawn(stop_the_loop, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_for_a_while, NULL),
			 0);
	pthread_join(thread, &result);
	xt_ok((int)(intptr_t)result);

	errno = EILSEQ;
	isr_flag_set(&flag);
	xt_ok(isr_loop_run(loop));
	ck_assert_uint_eq(count_alive(), 0);
	xt_ok(isr_flag_done(&flag));
}
END_TEST

static int stop_that_loop(void *arg)
{
	isr_loop_stop(arg);
	return 0;
}

static void *run_a_loop(void *arg)
{
	struct isr_loop *mine = NULL;

	xt_ok(isr_loop_new(NULL, &mine));
	xt_ok(isr_spawn(mine, NULL, stop_that_loop, mine, NULL));
	xt_ok(isr_loop_run(mine));
	xt_ok(isr_loop_free(mine));
	return NULL;
}

/* What they share, if anything, thread sanitizer sees. */
START_TEST(loops_of_two_threads_have_tasks_at_once)
{
	pthread_t threads[2];
	int i;

	for (i = 0; i < 2; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, run_a_loop, NULL), 0);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

static int keep_rounding(void *arg)
{
	int mine = *(const int *)arg, i;

	fesetround(mine);
	for (i = 0; i < 10; i++) {
		xt_ok(isr_yield());
		ck_assert_int_eq(fegetround(), mine);
	}
	return 0;
}

START_TEST(task_keeps_its_floating_point_state)
{
	static const int mine[] = {FE_UPWARD, FE_DOWNWARD};

	spawn(keep_rounding, &mine[0]);
	spawn(keep_rounding, &mine[1]);
	run_all();
	ck_assert_int_eq(fegetround(), FE_TONEAREST);
}
END_TEST

static int write_low(void *arg)
{
	volatile char room[20000];

	room[0] = 1;
	xt_ok(isr_yield());
	return room[0] - 1;
}

START_TEST(stats_tell_what_of_the_stack_was_used)
{
	struct isr_task *low = spawn_named("low", write_low, NULL);
	struct isr_task *high = spawn_named("high", add_once, "a");
	struct isr_task_stats stats;

	run_all();

	xt_ok(isr_task_get_stats(low, &stats));
	ck_assert_uint_ge(stats.stack_bytes, 64 * 1024);
	ck_assert_uint_ge(stats.stack_used_max, 20000);
	ck_assert_uint_lt(stats.stack_used_max, stats.stack_bytes);
	ck_assert_uint_eq(stats.steps, 2);
	ck_assert_uint_gt(stats.run_ns, 0);
	xt_ok(isr_task_get_stats(high, &stats));
	ck_assert_uint_gt(stats.stack_used_max, 0);
	ck_assert_uint_eq(stats.steps, 1);
}
END_TEST

static int look_at_own_stack(void *arg)
{
	struct isr_task_stats stats;

	write_low(NULL);
	xt_ok(isr_task_get_stats(isr_self(), &stats));
	ck_assert_uint_ge(stats.stack_used_max, 20000);
	return 0;
}

START_TEST(stats_can_be_asked_for_by_the_task_itself)
{
	spawn(look_at_own_stack, NULL);
	run_all();
}
END_TEST

START_TEST(stack_of_a_task_is_as_large_as_it_says)
{
	const struct isr_task_config config = {.sz = sizeof(config),
					       .stack_bytes = 1024 * 1024};
	struct isr_task_stats stats;
	struct isr_task *task;

	xt_ok(isr_spawn(loop, &config, add_once, NULL, &task));
	xt_ok(isr_task_get_stats(task, &stats));
	ck_assert_uint_ge(stats.stack_bytes, 1024 * 1024);
}
END_TEST

START_TEST(stack_of_an_ended_task_serves_the_next)
{
	struct isr_task *first, *second;
	struct isri_stack *stack;
	struct isr_task_stats stats;

	first = spawn_named("first", write_low, NULL);
	stack = first->stack;
	run_all();
	second = spawn_named("second", add_once, "a");

	/* Of the two that the first and the one that looked had. */
	ck_assert(second->stack == stack ||
		  isri_loop_base(loop)->tasks->stacks.free == stack);
	xt_ok(isr_task_get_stats(second, &stats));
	ck_assert_uint_lt(stats.stack_used_max, 1000);
}
END_TEST

static void check_loop_config(struct isr_loop *own, size_t stack_bytes,
			      uint32_t stacks_kept)
{
	struct isr_task_stats stats;
	struct isr_task *task;
	uint32_t i;

	for (i = 0; i < stacks_kept + 2; i++) {
		xt_ok(isr_spawn(own, NULL, add_once, (void *)"a", &task));
		xt_ok(isr_task_get_stats(task, &stats));
		ck_assert_uint_ge(stats.stack_bytes, stack_bytes);
		ck_assert_uint_lt(stats.stack_bytes, 2 * stack_bytes);
	}
	for (i = 0; i < stacks_kept + 2; i++)
		xt_ok(isr_loop_dispatch(own));
	ck_assert_uint_eq(isri_loop_base(own)->tasks->stacks.n_free,
			  stacks_kept);
}

START_TEST(stacks_are_as_the_loops_config_says)
{
	const struct isr_loop_config config = {
		.sz = sizeof(config),
		.stack_bytes = 256 * 1024,
		.stacks_kept = 3,
	};
	struct isr_loop *own;

	xt_ok(isr_loop_new(&config, &own));
	check_loop_config(own, 256 * 1024, 3);
	xt_ok(isr_loop_free(own));
}
END_TEST

START_TEST(loop_whose_stacks_are_out_of_bounds_is_refused)
{
	static const uint64_t bytes[] = {1, 16 * 1024 - 1, (1ULL << 30) + 1,
					 UINT64_MAX};
	const struct isr_loop_config config = {.sz = sizeof(config),
					       .stack_bytes = bytes[_i]};
	struct isr_loop *own = NULL;

	xt_fails_with(EINVAL, isr_loop_new(&config, &own));
	ck_assert_ptr_null(own);
}
END_TEST

/*
 * Many
 */

#ifdef ISRI_TSAN
/* It takes each for a thread, of which it can follow some thousand. */
#define MANY 2000
#else
#define MANY 10000
#endif

static unsigned int n_done;

static int sleep_forever(void *arg)
{
	int r = isr_sleep(INT64_MAX);

	n_done++;
	return r;
}

START_TEST(many_tasks_are_alive_at_once)
{
	struct isr_loop_stats stats;
	unsigned int i;

	n_done = 0;
	for (i = 0; i < MANY; i++)
		spawn(sleep_forever, NULL);
	ck_assert_uint_eq(count_alive(), MANY);
	do {
		xt_ok(isr_loop_dispatch(loop));
		xt_ok(isr_loop_get_stats(loop, &stats));
	} while (stats.steps < MANY);
	ck_assert_uint_eq(n_done, 0);

	xt_ok(isr_loop_free(loop));
	loop = NULL;
	ck_assert_uint_eq(n_done, MANY);
}
END_TEST

/*
 * No memory
 */

static struct {
	bool is_on;
	unsigned int n, failing;
} requests;

/* The k-th request for memory, while a test counts them. */
static bool is_failing(void)
{
	return requests.is_on && ++requests.n == requests.failing;
}

void *__real_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__real_mmap(void *at, size_t bytes, int prot, int flags, int fd,
		  off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int prot, int flags, int fd,
		  off_t offset);
int __real_mprotect(void *at, size_t bytes, int prot);
int __wrap_mprotect(void *at, size_t bytes, int prot);

void *__wrap_calloc(size_t n, size_t bytes)
{
	return is_failing() ? NULL : __real_calloc(n, bytes);
}

void *__wrap_mmap(void *at, size_t bytes, int prot, int flags, int fd,
		  off_t offset)
{
	if (!is_failing())
		return __real_mmap(at, bytes, prot, flags, fd, offset);
	errno = ENOMEM;
	return MAP_FAILED;
}

int __wrap_mprotect(void *at, size_t bytes, int prot)
{
	if (!is_failing())
		return __real_mprotect(at, bytes, prot);
	errno = ENOMEM;
	return -1;
}

/* What the call returns when that request fails; 0: there are fewer. */
static int spawn_with_failing(unsigned int failing, struct isr_task **ret_task)
{
	int r;

	requests.n = 0;
	requests.failing = failing;
	requests.is_on = true;
	r = isr_spawn(loop, NULL, add_once, NULL, ret_task);
	requests.is_on = false;
	return r;
}

/* Of the loop's part, the task, its stack and its guard. */
#define SPAWN_REQUESTS 4

START_TEST(spawn_without_memory_leaves_nothing_behind)
{
	struct isr_task *task = NULL;

	xt_fails_with(ENOMEM, spawn_with_failing((unsigned int)_i, &task));
	ck_assert_uint_eq(requests.n, _i);
	ck_assert_ptr_null(task);
	ck_assert_uint_eq(count_alive(), 0);
	run_all();
	ck_assert_str_eq(trace, "");

	spawn(add_once, "b");
	run_all();
	ck_assert_str_eq(trace, "b");
}
END_TEST

START_TEST(spawn_asks_for_memory_so_often)
{
	struct isr_task *task;

	xt_ok(spawn_with_failing(SPAWN_REQUESTS + 1, &task));
	ck_assert_uint_eq(requests.n, SPAWN_REQUESTS);
}
END_TEST

START_TEST(spawn_asks_for_one_task_when_there_is_a_stack)
{
	struct isr_task *task;

	spawn(add_once, "a");
	run_all();
	xt_ok(spawn_with_failing(0, &task));
	ck_assert_uint_eq(requests.n, 1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("task-own");
	TCase *tcase = xt_case(suite, "own");

	tcase_add_checked_fixture(tcase, task_setup, task_teardown);
	tcase_add_test(tcase, task_has_the_name_that_it_was_given);
	tcase_add_test(tcase, self_is_the_task_that_runs);
	tcase_add_test(tcase, self_is_nobody_while_tasks_wait);
	tcase_add_test(tcase, task_keeps_its_errno);
	tcase_add_test(tcase, task_keeps_its_errno_in_another_thread);
	tcase_add_test(tcase, loops_of_two_threads_have_tasks_at_once);
	tcase_add_test(tcase, task_keeps_its_floating_point_state);
	tcase_add_test(tcase, stats_tell_what_of_the_stack_was_used);
	tcase_add_test(tcase, stats_can_be_asked_for_by_the_task_itself);
	tcase_add_test(tcase, stack_of_a_task_is_as_large_as_it_says);
	tcase_add_test(tcase, stack_of_an_ended_task_serves_the_next);
	tcase_add_test(tcase, stacks_are_as_the_loops_config_says);
	tcase_add_loop_test(
		tcase, loop_whose_stacks_are_out_of_bounds_is_refused, 0, 4);

	tcase = xt_case(suite, "many");
	tcase_add_checked_fixture(tcase, task_setup, task_teardown);
	tcase_add_test(tcase, many_tasks_are_alive_at_once);

	tcase = xt_case(suite, "memory");
	tcase_add_checked_fixture(tcase, task_setup, task_teardown);
	tcase_add_loop_test(tcase, spawn_without_memory_leaves_nothing_behind,
			    1, SPAWN_REQUESTS + 1);
	tcase_add_test(tcase, spawn_asks_for_memory_so_often);
	tcase_add_test(tcase, spawn_asks_for_one_task_when_there_is_a_stack);
	return suite;
}

int main(void)
{
	return xt_main(make_suite());
}
