/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What MicroPython's test asyncio_heaplock says: tasks that were made take
 * turns and sleep, and nothing is allocated. This program's own malloc()
 * counts for all of the process.
 */
#include "xt-malloc.h"
#include "xt-trace.h"

/* No assertion while it counts: Check's own allocate. */
static void note(const char *text)
{
	strcat(strcat(trace, " "), text);
}

struct sleeper {
	const char *names[4];
	int n;
	int64_t ns;
};

static int note_and_sleep(void *arg)
{
	const struct sleeper *sleeper = arg;
	int i, r = 0;

	for (i = 0; i < sleeper->n && r == 0; i++) {
		note(sleeper->names[i]);
		r = isr_sleep(sleeper->ns);
	}
	return r;
}

static unsigned long n_during;

static int sleep_with_locked_heap(void *arg)
{
	static struct sleeper sleepers[] = {
		{{"1.0", "1.1", "1.2", "1.3"}, 4, 100 * MS},
		{{"2.0", "2.1"}, 2, 250 * MS},
	};
	unsigned long before;
	int r;

	go(note_and_sleep, &sleepers[0]);
	go(note_and_sleep, &sleepers[1]);
	before = n_allocations;
	note("start");
	r = isr_sleep(5 * MS);
	note("sleep");
	if (r == 0)
		r = isr_sleep(350 * MS);
	note("finish");
	n_during = n_allocations - before;
	return r;
}

START_TEST(heaplock_tasks_sleep_without_an_allocation)
{
	run_main(sleep_with_locked_heap, NULL);

	ck_assert_str_eq(trace, " start 1.0 2.0 sleep 1.1 1.2 2.1 1.3 finish");
	ck_assert_uint_eq(n_during, 0);
}
END_TEST

static int allocate(void *arg)
{
	unsigned long before = n_allocations;
	void *volatile p = malloc(1);

	free(p);
	n_during = n_allocations - before;
	return 0;
}

/* What this test sees must not be nothing, whatever happens. */
START_TEST(an_allocation_is_seen)
{
	run_main(allocate, NULL);

	ck_assert_uint_eq(n_during, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("no cost of tasks");
	TCase *tcase = xt_case(suite, "no cost");

	tcase_add_checked_fixture(tcase, trace_setup, trace_teardown);
	tcase_add_test(tcase, heaplock_tasks_sleep_without_an_allocation);
	tcase_add_test(tcase, an_allocation_is_seen);
	return xt_main(suite);
}
