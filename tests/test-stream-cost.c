/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Streams and waits for descriptors allocate nothing, neither when they go on
 * at once nor when they wait, but for a task's first wait. This program's own
 * malloc() counts for all of the process.
 */
#include <stdatomic.h>

#include <isrloop/delay.h>
#include <isrloop/stream.h>

#include "xt-io.h"
#include "xt-malloc.h"

#define N_ROUNDS 1000

/* No assertion where it is counted: Check's own allocate. */
static unsigned int n_wrong;

static struct isr_stream streams[2];
static unsigned char buffers[2][64];

static void open_streams(enum xt_pair kind)
{
	int i;

	open_pair(kind);
	for (i = 0; i < 2; i++)
		xt_ok(isr_stream_init(&streams[i], ends[i], buffers[i],
				      sizeof(buffers[i])));
}

static void say(int i, const char *line)
{
	n_wrong += isr_stream_write(&streams[i], line, strlen(line),
				    ISR_FOREVER, NULL) != 0;
}

static void hear(int i)
{
	char line[64];

	n_wrong += isr_stream_get_line(&streams[i], line, sizeof(line),
				       ISR_FOREVER) <= 0;
}

/* Each waits for the other one. */
static int answer(void *arg)
{
	int i;

	for (i = 0; i < N_ROUNDS + 1; i++) {
		hear(1);
		say(1, "yes\n");
	}
	return 0;
}

static int ask(void *arg)
{
	unsigned long *ret_n = arg, before = 0;
	int i;

	for (i = 0; i < N_ROUNDS + 1; i++) {
		if (i == 1)
			before = n_allocations;
		say(0, "ready?\n");
		hear(0);
	}
	*ret_n = n_allocations - before;
	return 0;
}

START_TEST(stream_that_waits_allocates_once)
{
	unsigned long n = 4711;

	open_streams((enum xt_pair)_i);
	begin(answer, NULL);
	begin(ask, &n);
	run_to_the_end();

	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(n_wrong, 0);
}
END_TEST

static int talk_to_itself(void *arg)
{
	unsigned long *ret_n = arg, before = n_allocations;
	int i;

	for (i = 0; i < N_ROUNDS; i++) {
		say(0, "one\ntwo\n");
		hear(1);
		hear(1);
		n_wrong +=
			isr_wait_fd(ends[1], ISR_FD_WRITE, 0) != ISR_FD_WRITE;
		isr_yield();
	}
	*ret_n = n_allocations - before;
	return 0;
}

START_TEST(stream_that_need_not_wait_allocates_nothing)
{
	unsigned long n = 4711;

	/* Not a terminal: there the kernel may not have carried it yet. */
	open_streams(XT_SOCKETS);
	run_one(talk_to_itself, &n);

	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(n_wrong, 0);
}
END_TEST

static int wait_often(void *arg)
{
	unsigned long *ret_n = arg, before = 0;
	int i;

	for (i = 0; i < N_ROUNDS + 1; i++) {
		if (i == 1)
			before = n_allocations;
		n_wrong += isr_wait_fd(ends[0], ISR_FD_READ, 1) != -ETIMEDOUT;
	}
	*ret_n = n_allocations - before;
	return 0;
}

START_TEST(wait_fd_that_times_out_allocates_once)
{
	unsigned long n = 4711;

	open_streams((enum xt_pair)_i);
	run_one(wait_often, &n);

	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(n_wrong, 0);
}
END_TEST

START_TEST(delay_allocates_nothing)
{
	unsigned long before = n_allocations, after;
	struct isr_delay delay;
	int r, i;

	r = isr_delay_init(&delay, loop, ISR_FLAG_AUTO);
	for (i = 0; i < N_ROUNDS && r == 0; i++) {
		r = isr_delay_trigger(&delay, 0);
		isr_loop_dispatch(loop);
		isr_flag_take(&delay.expired);
	}
	isr_delay_done(&delay);
	after = n_allocations;

	xt_ok(r);
	ck_assert_uint_eq(after - before, 0);
}
END_TEST

START_TEST(an_allocation_is_seen)
{
	unsigned long before = n_allocations;
	void *volatile p = malloc(1);

	free(p);
	ck_assert_uint_eq(n_allocations - before, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stream-cost");
	TCase *tc = xt_case(suite, "cost");

	tcase_add_checked_fixture(tc, io_setup, io_teardown);
	tcase_add_loop_test(tc, stream_that_waits_allocates_once, 0, XT_PAIRS);
	tcase_add_test(tc, stream_that_need_not_wait_allocates_nothing);
	tcase_add_loop_test(tc, wait_fd_that_times_out_allocates_once, 0,
			    XT_PAIRS);
	tcase_add_test(tc, delay_allocates_nothing);
	tcase_add_test(tc, an_allocation_is_seen);
	return xt_main(suite);
}
