/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Stacks of tasks: their guard, what was used of them, and the pool. */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stack.h"
#include "xt.h"

#define BYTES ((size_t)64 * 1024)

/* Calls that were made while a test looks, and the one that fails: 0, none. */
static struct {
	unsigned int mmaps, munmaps, mprotects;
	unsigned int failing_mmap, failing_mprotect;
} calls;

void *__real_mmap(void *at, size_t bytes, int prot, int flags, int fd,
		  off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int prot, int flags, int fd,
		  off_t offset);
int __real_mprotect(void *at, size_t bytes, int prot);
int __wrap_mprotect(void *at, size_t bytes, int prot);
int __real_munmap(void *at, size_t bytes);
int __wrap_munmap(void *at, size_t bytes);

void *__wrap_mmap(void *at, size_t bytes, int prot, int flags, int fd,
		  off_t offset)
{
	if (++calls.mmaps == calls.failing_mmap) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return __real_mmap(at, bytes, prot, flags, fd, offset);
}

int __wrap_mprotect(void *at, size_t bytes, int prot)
{
	if (++calls.mprotects == calls.failing_mprotect) {
		errno = ENOMEM;
		return -1;
	}
	return __real_mprotect(at, bytes, prot);
}

int __wrap_munmap(void *at, size_t bytes)
{
	calls.munmaps++;
	return __real_munmap(at, bytes);
}

static struct isri_stacks stacks;

static void setup(void)
{
	stacks = (struct isri_stacks){.n_max = 2};
	memset(&calls, 0, sizeof(calls));
}

static void teardown(void)
{
	isri_stacks_done(&stacks);
	/* Each test has put back what it got. */
	ck_assert_uint_eq(calls.mmaps, calls.munmaps);
}

static struct isri_stack *get(size_t bytes)
{
	struct isri_stack *stack = NULL;

	xt_ok(isri_stack_get(&stacks, bytes, "a task", &stack));
	return stack;
}

static unsigned char *top_of(const struct isri_stack *stack)
{
	return isri_stack_low(stack) + stack->bytes;
}

START_TEST(stack_is_as_large_as_was_asked_for)
{
	struct isri_stack *stack = get(BYTES + 1);

	ck_assert_uint_ge(stack->bytes, BYTES + 1);
	memset(isri_stack_low(stack), 0x5a, stack->bytes);
	ck_assert_str_eq(stack->name, "a task");

	isri_stack_put(&stacks, stack);
}
END_TEST

START_TEST(stack_of_a_size_out_of_bounds_is_refused)
{
	struct isri_stack *stack = NULL;

	xt_fails_with(EINVAL, isri_stack_get(&stacks, ISRI_STACK_MIN_BYTES - 1,
					     "", &stack));
	xt_fails_with(EINVAL, isri_stack_get(&stacks, ISRI_STACK_MAX_BYTES + 1,
					     "", &stack));
	ck_assert_ptr_null(stack);
	isri_stack_put(&stacks, get(ISRI_STACK_MIN_BYTES));
}
END_TEST

START_TEST(stack_without_memory_is_refused)
{
	struct isri_stack *stack = NULL;

	calls.failing_mmap = 1;
	xt_fails_with(ENOMEM, isri_stack_get(&stacks, BYTES, "", &stack));
	ck_assert_ptr_null(stack);
	/* It gave nothing. */
	calls.mmaps = 0;
}
END_TEST

START_TEST(stack_without_a_guard_is_refused)
{
	struct isri_stack *stack = NULL;

	calls.failing_mprotect = 1;
	xt_fails_with(ENOMEM, isri_stack_get(&stacks, BYTES, "", &stack));
	ck_assert_ptr_null(stack);
	ck_assert_uint_eq(calls.munmaps, 1);
}
END_TEST

/* Status of a child that writes there. */
static int write_in_a_child(volatile unsigned char *at)
{
	const struct rlimit no_core = {0, 0};
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		prctl(PR_SET_DUMPABLE, 0);
		/* A sanitizer's goes. */
		signal(SIGSEGV, SIG_DFL);
		*at = 1;
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(stack_faults_below_its_lowest_byte)
{
	struct isri_stack *stack = get(BYTES);
	unsigned char *low = isri_stack_low(stack);
	int good = write_in_a_child(low);
	int bad = write_in_a_child(low - 1);
	int lowest = write_in_a_child(stack->guard);

	ck_assert(WIFEXITED(good) && WEXITSTATUS(good) == 0);
	ck_assert(WIFSIGNALED(bad) && WTERMSIG(bad) == SIGSEGV);
	ck_assert(WIFSIGNALED(lowest) && WTERMSIG(lowest) == SIGSEGV);

	isri_stack_put(&stacks, stack);
}
END_TEST

START_TEST(stack_knows_the_addresses_of_its_guard)
{
	struct isri_stack *stack = get(BYTES);
	unsigned char *low = isri_stack_low(stack);

	ck_assert(isri_stack_is_over(stack, stack->guard));
	ck_assert(isri_stack_is_over(stack, low - 1));
	ck_assert(!isri_stack_is_over(stack, low));
	ck_assert(!isri_stack_is_over(stack, stack->guard - 1));

	isri_stack_put(&stacks, stack);
}
END_TEST

START_TEST(stack_was_used_as_far_as_it_was_written_to)
{
	struct isri_stack *stack = get(BYTES);
	static const size_t used[] = {sizeof(uintptr_t), 4000, 8192, 40000};
	size_t i;

	ck_assert_uint_eq(isri_stack_get_used(stack), 0);
	for (i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
		top_of(stack)[-(ptrdiff_t)used[i]] = 1;
		ck_assert_uint_eq(isri_stack_get_used(stack), used[i]);
	}
	isri_stack_low(stack)[0] = 1;
	ck_assert_uint_eq(isri_stack_get_used(stack), stack->bytes);

	isri_stack_put(&stacks, stack);
}
END_TEST

static size_t count_resident(const struct isri_stack *stack)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i, n = 0;
	unsigned char there[64];

	ck_assert_uint_le(stack->bytes, sizeof(there) * page);
	ck_assert_int_eq(mincore(isri_stack_low(stack), stack->bytes, there),
			 0);
	for (i = 0; i < stack->bytes / page; i++)
		n += there[i] & 1;
	return n;
}

START_TEST(stack_that_is_looked_at_takes_no_more_memory)
{
	struct isri_stack *stack = get(BYTES);
	size_t before;

	top_of(stack)[-5000] = 1;
	before = count_resident(stack);
	ck_assert_uint_eq(isri_stack_get_used(stack), 5000);
	ck_assert_uint_eq(count_resident(stack), before);

	isri_stack_put(&stacks, stack);
}
END_TEST

START_TEST(stack_comes_zeroed_from_the_pool)
{
	struct isri_stack *stack = get(BYTES), *again;
	size_t i;

	memset(top_of(stack) - 20000, 0x5a, 15000);
	isri_stack_put(&stacks, stack);
	again = get(BYTES);

	ck_assert_ptr_eq(again, stack);
	ck_assert_uint_eq(isri_stack_get_used(again), 0);
	for (i = 0; i < again->bytes; i++)
		ck_assert_uint_eq(isri_stack_low(again)[i], 0);

	isri_stack_put(&stacks, again);
}
END_TEST

START_TEST(pool_serves_who_asks_for_the_same_size)
{
	struct isri_stack *small = get(BYTES), *large = get(2 * BYTES);

	isri_stack_put(&stacks, small);
	isri_stack_put(&stacks, large);
	ck_assert_uint_eq(stacks.n_free, 2);

	ck_assert_ptr_eq(get(BYTES), small);
	ck_assert_ptr_eq(get(2 * BYTES), large);
	ck_assert_uint_eq(stacks.n_free, 0);
	ck_assert_uint_eq(calls.mmaps, 2);

	isri_stack_put(&stacks, small);
	isri_stack_put(&stacks, large);
}
END_TEST

START_TEST(pool_keeps_no_more_than_it_may)
{
	struct isri_stack *stack[3];
	int i;

	for (i = 0; i < 3; i++)
		stack[i] = get(BYTES);
	for (i = 0; i < 3; i++)
		isri_stack_put(&stacks, stack[i]);

	ck_assert_uint_eq(stacks.n_free, 2);
	ck_assert_uint_eq(calls.munmaps, 1);
}
END_TEST

START_TEST(pool_that_keeps_none_makes_each)
{
	stacks.n_max = 0;
	isri_stack_put(&stacks, get(BYTES));
	isri_stack_put(&stacks, get(BYTES));

	ck_assert_uint_eq(calls.mmaps, 2);
	ck_assert_uint_eq(calls.munmaps, 2);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("stack");
	TCase *tcase = xt_case(suite, "stack");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, stack_is_as_large_as_was_asked_for);
	tcase_add_test(tcase, stack_of_a_size_out_of_bounds_is_refused);
	tcase_add_test(tcase, stack_without_memory_is_refused);
	tcase_add_test(tcase, stack_without_a_guard_is_refused);
	tcase_add_test(tcase, stack_faults_below_its_lowest_byte);
	tcase_add_test(tcase, stack_knows_the_addresses_of_its_guard);
	tcase_add_test(tcase, stack_was_used_as_far_as_it_was_written_to);
	tcase_add_test(tcase, stack_that_is_looked_at_takes_no_more_memory);
	tcase_add_test(tcase, stack_comes_zeroed_from_the_pool);

	tcase = xt_case(suite, "pool");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, pool_serves_who_asks_for_the_same_size);
	tcase_add_test(tcase, pool_keeps_no_more_than_it_may);
	tcase_add_test(tcase, pool_that_keeps_none_makes_each);
	return suite;
}

int main(void)
{
	return xt_main(make_suite());
}
