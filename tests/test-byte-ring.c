/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Byte rings: order, capacity, short counts, from any context to any other. */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

#include <isrloop/byte-ring.h>
#include <isrloop/loop.h>

#include "context.h"
#include "flood.h"

#define BYTES 16U

static struct isr_loop *loop;
static struct isr_byte_ring ring;
static unsigned char bytes[BYTES + 1];
static unsigned char got[256];

static const char text[] = "the quick brown fox jumps over";

static void setup(void)
{
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
	xt_ok(isr_byte_ring_init(&ring, loop, bytes, BYTES));
	bytes[BYTES] = 0x55;
	memset(got, 0xaa, sizeof(got));
}

static void teardown(void)
{
	/* Nothing was ever written behind the end. */
	ck_assert_uint_eq(bytes[BYTES], 0x55);
	isr_byte_ring_done(&ring);
	isr_loop_free(loop);
}

START_TEST(byte_ring_counts_what_is_in_it)
{
	ck_assert_uint_eq(isr_byte_ring_get_count(&ring), 0);
	ck_assert_int_eq(isr_byte_ring_write(&ring, "a", 1), 1);
	ck_assert_uint_eq(isr_byte_ring_get_count(&ring), 1);
	ck_assert_int_eq(isr_byte_ring_write(&ring, "b", 1), 1);
	ck_assert_uint_eq(isr_byte_ring_get_count(&ring), 2);

	ck_assert_int_eq(isr_byte_ring_read(&ring, got, 1), 1);
	ck_assert_uint_eq(got[0], 'a');
	ck_assert_uint_eq(isr_byte_ring_get_count(&ring), 1);
	ck_assert_int_eq(isr_byte_ring_read(&ring, got, 1), 1);
	ck_assert_uint_eq(got[0], 'b');
	ck_assert_int_eq(isr_byte_ring_read(&ring, got, 1), 0);
	ck_assert_uint_eq(isr_byte_ring_get_count(&ring), 0);
}
END_TEST

START_TEST(byte_ring_takes_what_fits_and_counts_the_rest)
{
	ck_assert_int_eq(isr_byte_ring_write(&ring, text, 20), 16);
	ck_assert_int_eq(isr_byte_ring_write(&ring, text, 3), 0);
	ck_assert_uint_eq(isr_byte_ring_get_refused(&ring), 7);
	ck_assert_uint_eq(isr_byte_ring_get_count(&ring), BYTES);

	ck_assert_int_eq(isr_byte_ring_read(&ring, got, sizeof(got)), 16);
	ck_assert_mem_eq(got, text, 16);
	ck_assert_uint_eq(got[16], 0xaa);
	ck_assert_int_eq(isr_byte_ring_read(&ring, got, 1), 0);
}
END_TEST

START_TEST(byte_ring_of_nothing_takes_and_gives_nothing)
{
	ck_assert_int_eq(isr_byte_ring_write(&ring, text, 0), 0);
	ck_assert_int_eq(isr_byte_ring_write(&ring, text, 5), 5);
	ck_assert_int_eq(isr_byte_ring_read(&ring, got, 0), 0);

	ck_assert_uint_eq(isr_byte_ring_get_count(&ring), 5);
	ck_assert_uint_eq(isr_byte_ring_get_refused(&ring), 0);
}
END_TEST

/* From each place on, and where places wrap. */
START_TEST(byte_ring_holds_its_full_capacity)
{
	ring.head = ring.tail = UINT32_MAX - 20 + (uint32_t)_i;

	ck_assert_int_eq(isr_byte_ring_write(&ring, text, 20), 16);
	ck_assert_uint_eq(isr_byte_ring_get_count(&ring), BYTES);
	ck_assert_int_eq(isr_byte_ring_read(&ring, got, 7), 7);
	ck_assert_int_eq(isr_byte_ring_write(&ring, text + 16, 9), 7);
	ck_assert_int_eq(isr_byte_ring_read(&ring, got + 7, 100), 16);

	ck_assert_mem_eq(got, text, 23);
	ck_assert_uint_eq(isr_byte_ring_get_count(&ring), 0);
}
END_TEST

START_TEST(byte_ring_may_be_larger_than_64_kb)
{
	const uint32_t n = 1U << 17;
	unsigned char *room = malloc(n), *data = malloc(n + 1);
	unsigned char *back = malloc(n + 1);
	uint32_t i;

	ck_assert(room && data && back);
	for (i = 0; i <= n; i++)
		data[i] = (unsigned char)(i ^ i >> 8 ^ i >> 16);
	isr_byte_ring_done(&ring);
	xt_ok(isr_byte_ring_init(&ring, NULL, room, n));

	ck_assert_int_eq(isr_byte_ring_write(&ring, data, n + 1), (int)n);
	ck_assert_int_eq(isr_byte_ring_read(&ring, back, n + 1), (int)n);
	ck_assert_mem_eq(back, data, n);
	free(room);
	free(data);
	free(back);
}
END_TEST

static uint32_t n_sets;

static void count_sets(struct isr_flag *flag, uint32_t count, void *arg)
{
	(void)flag;
	(void)arg;
	n_sets += count;
}

START_TEST(byte_ring_tells_its_loop_of_writes_that_stored_something)
{
	n_sets = 0;
	xt_ok(isr_flag_set_cb(&ring.ready, count_sets, NULL));
	isr_byte_ring_write(&ring, text, 0);
	isr_byte_ring_write(&ring, text, 15);
	isr_byte_ring_write(&ring, text, 2);
	isr_byte_ring_write(&ring, text, 1);

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_sets, 2);
}
END_TEST

START_TEST(byte_ring_without_loop_sets_no_flag)
{
	isr_byte_ring_done(&ring);
	xt_ok(isr_byte_ring_init(&ring, NULL, bytes, BYTES));

	ck_assert_int_eq(isr_byte_ring_write(&ring, text, 1), 1);

	ck_assert_uint_eq(isr_flag_peek(&ring.ready), 0);
}
END_TEST

START_TEST(byte_ring_outlives_its_loop)
{
	ck_assert_int_eq(isr_byte_ring_write(&ring, text, 4), 4);
	xt_ok(isr_loop_free(loop));
	loop = NULL;

	ck_assert_int_eq(isr_byte_ring_write(&ring, text + 4, 4), 4);

	ck_assert_int_eq(isr_byte_ring_read(&ring, got, 100), 8);
	ck_assert_mem_eq(got, text, 8);
	xt_ok(isr_byte_ring_done(&ring));
	xt_ok(isr_byte_ring_done(&ring));
}
END_TEST

START_TEST(byte_ring_refuses_bad_arguments)
{
	struct isr_byte_ring other = {0};

	xt_fails_with(EINVAL, isr_byte_ring_init(NULL, loop, bytes, 16));
	xt_fails_with(EINVAL, isr_byte_ring_init(&other, loop, NULL, 16));
	xt_fails_with(EINVAL, isr_byte_ring_init(&other, loop, bytes, 0));
	xt_fails_with(EINVAL, isr_byte_ring_init(&other, loop, bytes, 1));
	xt_fails_with(EINVAL, isr_byte_ring_init(&other, loop, bytes, 17));
	xt_fails_with(EINVAL,
		      isr_byte_ring_init(&other, loop, bytes, 1U << 31));
	xt_ok(isr_byte_ring_done(NULL));
	xt_ok(isr_byte_ring_done(&other));
}
END_TEST

static void *begin_elsewhere(void *arg)
{
	static struct isr_byte_ring other;

	xt_fails_with(EPERM, isr_byte_ring_init(&other, loop, got, 16));
	xt_fails_with(EPERM, isr_byte_ring_done(&ring));
	return arg;
}

START_TEST(byte_ring_begins_and_ends_on_the_loops_thread)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, begin_elsewhere, NULL),
			 0);
	pthread_join(thread, NULL);

	ck_assert_int_eq(isr_byte_ring_write(&ring, text, 1), 1);
}
END_TEST

START_TEST(byte_ring_neither_begins_nor_ends_in_isr_context)
{
	static struct isr_byte_ring other;
	struct isri_frame frame;

	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, NULL, NULL);
	xt_fails_with(EPERM, isr_byte_ring_init(&other, NULL, got, 16));
	xt_fails_with(EPERM, isr_byte_ring_done(&ring));
	ck_assert_int_eq(isr_byte_ring_write(&ring, text, 1), 1);
	ck_assert_int_eq(isr_byte_ring_read(&ring, got, 1), 1);
	isri_context_leave(&frame);
}
END_TEST

/*
 * A stream of bytes that repeats after 251: one that is lost, doubled or out
 * of order is noticed. Check's assertions lock, so that a handler only counts.
 */
static uint32_t n_written, n_read;
static atomic_uint n_faults;

static unsigned char byte_at(uint32_t place)
{
	return (unsigned char)(place % 251);
}

/* 1 to 7 bytes; what did not fit comes again. True: there was room. */
static bool write_any(void)
{
	unsigned char data[7];
	uint32_t i, n = 1 + n_written % 7;
	int r;

	for (i = 0; i < n; i++)
		data[i] = byte_at(n_written + i);
	r = isr_byte_ring_write(&ring, data, n);
	n_faults += r < 0 || r > (int)n;
	if (r > 0)
		n_written += (uint32_t)r;
	return r > 0;
}

static void write_some(void)
{
	write_any();
}

/* True: there were some. */
static bool read_any(void)
{
	unsigned char data[11];
	int i, r;

	r = isr_byte_ring_read(&ring, data, 1 + n_read % 11);
	n_faults += r < 0;
	for (i = 0; i < r; i++)
		n_faults += data[i] != byte_at(n_read++);
	return r > 0;
}

static void read_some(void)
{
	read_any();
}

static void reset_stream(void)
{
	n_written = n_read = 0;
	n_faults = 0;
}

static void read_the_rest(void)
{
	while (isr_byte_ring_get_count(&ring))
		read_some();
}

START_TEST(byte_ring_loses_nothing_of_a_handler_that_writes)
{
	reset_stream();
	flood_start(write_some);
	while (!flood_is_over())
		read_some();
	flood_end();
	read_the_rest();

	ck_assert_uint_eq(n_faults, 0);
	ck_assert_uint_eq(n_read, n_written);
}
END_TEST

START_TEST(byte_ring_loses_nothing_to_a_handler_that_reads)
{
	reset_stream();
	flood_start(read_some);
	while (!flood_is_over())
		write_some();
	flood_end();
	read_the_rest();

	ck_assert_uint_eq(n_faults, 0);
	ck_assert_uint_eq(n_read, n_written);
}
END_TEST

#define STREAM_BYTES 10000U

/* Who gets on does not yield: on a busy machine that takes long. */
static void *write_stream(void *arg)
{
	while (n_written < STREAM_BYTES)
		if (!write_any())
			sched_yield();
	return arg;
}

START_TEST(byte_ring_loses_nothing_between_threads)
{
	pthread_t thread;

	reset_stream();
	ck_assert_int_eq(pthread_create(&thread, NULL, write_stream, NULL), 0);
	while (n_read < STREAM_BYTES)
		if (!read_any())
			sched_yield();
	pthread_join(thread, NULL);
	read_the_rest();

	ck_assert_uint_eq(n_faults, 0);
	ck_assert_uint_eq(n_read, n_written);
}
END_TEST

static void read_ready(struct isr_flag *flag, uint32_t count, void *arg)
{
	(void)flag;
	(void)count;
	(void)arg;
	read_the_rest();
	if (n_read >= STREAM_BYTES)
		isr_loop_stop(loop);
}

START_TEST(byte_ring_never_leaves_bytes_with_its_loop_asleep)
{
	pthread_t thread;

	reset_stream();
	xt_ok(isr_flag_set_cb(&ring.ready, read_ready, NULL));
	ck_assert_int_eq(pthread_create(&thread, NULL, write_stream, NULL), 0);

	xt_ok(isr_loop_run(loop));

	pthread_join(thread, NULL);
	ck_assert_uint_eq(n_faults, 0);
}
END_TEST

#define WRITES 50000U

static atomic_uint n_accepted, n_left;

static void *write_or_be_refused(void *arg)
{
	unsigned int i;
	int r;

	for (i = 0; i < WRITES; i++) {
		r = isr_byte_ring_write(&ring, text, 3);
		n_faults += r < 0 && r != -EBUSY;
		if (r > 0)
			n_accepted += (unsigned int)r;
	}
	n_left--;
	return arg;
}

START_TEST(byte_ring_refuses_and_counts_a_second_writer)
{
	pthread_t threads[2];
	uint32_t total = 0;
	unsigned int i;
	int r;

	n_faults = n_accepted = 0;
	n_left = 2;
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
						write_or_be_refused, NULL),
				 0);
	do {
		r = isr_byte_ring_read(&ring, got, sizeof(got));
		total += (uint32_t)r;
	} while (r || n_left);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	total += (uint32_t)isr_byte_ring_read(&ring, got, sizeof(got));

	ck_assert_uint_eq(n_faults, 0);
	ck_assert_uint_eq(total, n_accepted);
	ck_assert_uint_eq(total + isr_byte_ring_get_refused(&ring),
			  2 * WRITES * 3);
}
END_TEST

static volatile unsigned int n_buffered, n_put;
static unsigned int n_taken;

static void put_plain(void)
{
	n_buffered = n_buffered + 1;
	n_put = n_put + 1;
}

static void take_plain(void)
{
	n_taken = n_taken + n_buffered;
	flood_let_in();
	n_buffered = 0;
}

/* A buffer's count: what comes between "count" and "clear" is lost. */
START_TEST(byte_ring_broken_twin_count_then_clear_loses)
{
	n_buffered = n_taken = n_put = 0;
	flood_start_by_hand(put_plain);
	while (!flood_is_over())
		take_plain();
	flood_end();

	ck_assert_uint_lt(n_taken + n_buffered, n_put);
}
END_TEST

static void add_contract(Suite *suite)
{
	TCase *tc = xt_case(suite, "contract");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, byte_ring_counts_what_is_in_it);
	tcase_add_test(tc, byte_ring_takes_what_fits_and_counts_the_rest);
	tcase_add_test(tc, byte_ring_of_nothing_takes_and_gives_nothing);
	tcase_add_loop_test(tc, byte_ring_holds_its_full_capacity, 0, 40);
	tcase_add_test(tc, byte_ring_may_be_larger_than_64_kb);
	tcase_add_test(
		tc, byte_ring_tells_its_loop_of_writes_that_stored_something);
	tcase_add_test(tc, byte_ring_without_loop_sets_no_flag);
	tcase_add_test(tc, byte_ring_outlives_its_loop);
	tcase_add_test(tc, byte_ring_refuses_bad_arguments);
	tcase_add_test(tc, byte_ring_begins_and_ends_on_the_loops_thread);
	tcase_add_test(tc, byte_ring_neither_begins_nor_ends_in_isr_context);
}

int main(void)
{
	Suite *suite = suite_create("byte ring");
	TCase *tc;

	add_contract(suite);
	tc = xt_case(suite, "races");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, byte_ring_loses_nothing_of_a_handler_that_writes);
	tcase_add_test(tc, byte_ring_loses_nothing_to_a_handler_that_reads);
	tcase_add_test(tc, byte_ring_loses_nothing_between_threads);
	tcase_add_test(tc, byte_ring_never_leaves_bytes_with_its_loop_asleep);
	tcase_add_test(tc, byte_ring_refuses_and_counts_a_second_writer);
	tcase_add_test(tc, byte_ring_broken_twin_count_then_clear_loses);
	return xt_main(suite);
}
