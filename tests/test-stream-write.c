/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Streams are written, whole; and both ways at once. */
#include <isrloop/stream.h>

#include "xt-io.h"

/* More than any buffer on the way holds. */
#define MUCH (1 << 20)

static struct isr_stream streams[2]; /* of the two ends */
static unsigned char buffers[2][64];
static unsigned char much[2][MUCH], got[2][MUCH];

static void open_streams(enum xt_pair kind)
{
	int i;
	size_t j;

	open_pair(kind);
	for (i = 0; i < 2; i++) {
		xt_ok(isr_stream_init(&streams[i], ends[i], buffers[i],
				      sizeof(buffers[i])));
		for (j = 0; j < MUCH; j++)
			much[i][j] =
				(unsigned char)(j * 31 + j / 251 + (size_t)i);
	}
	memset(got, 0, sizeof(got));
}

static int write_much(void *arg)
{
	int i = *(const int *)arg;
	size_t n_written = 0;
	int r;

	r = isr_stream_write(&streams[i], much[i], MUCH, ISR_FOREVER,
			     &n_written);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(n_written, MUCH);
	return 0;
}

/* As much as the other end has written. */
static int read_much(void *arg)
{
	int i = *(const int *)arg, r;
	size_t n = 0;

	while (n < MUCH) {
		r = isr_stream_read(&streams[i], got[!i] + n, MUCH - n,
				    ISR_FOREVER);
		ck_assert_int_gt(r, 0);
		n += (size_t)r;
	}
	return 0;
}

static const int first = 0, second = 1;

START_TEST(write_is_whole_while_another_task_reads)
{
	open_streams((enum xt_pair)_i);
	begin(write_much, &first);
	begin(read_much, &second);
	run_to_the_end();

	ck_assert(!memcmp(much[0], got[0], MUCH));
}
END_TEST

/* Two tasks at each end, of one descriptor. */
START_TEST(both_ways_at_once_do_not_disturb_each_other)
{
	open_streams((enum xt_pair)_i);
	begin(write_much, &first);
	begin(read_much, &first);
	begin(write_much, &second);
	begin(read_much, &second);
	run_to_the_end();

	ck_assert(!memcmp(much, got, sizeof(got)));
}
END_TEST

static int read_for_ever(void *arg)
{
	char byte;

	return isr_stream_read(&streams[0], &byte, 1, ISR_FOREVER);
}

static int cancel_then_read_much(void *arg)
{
	let_others(5);
	ck_assert_int_eq(isr_cancel(((struct xt_task *)arg)->task), 1);
	let_others(5);
	return read_much((void *)(uintptr_t)&second);
}

/* MicroPython's writer waits for ever: the reader took its entry with it. */
START_TEST(reader_that_is_cancelled_leaves_the_writer)
{
	struct xt_task *reader;

	open_streams((enum xt_pair)_i);
	reader = begin(read_for_ever, NULL);
	begin(write_much, &first);
	begin(cancel_then_read_much, reader);
	xt_ok(isr_loop_run(loop));

	ck_assert_int_eq(reader->result, -ECANCELED);
	ck_assert(!memcmp(much[0], got[0], MUCH));
}
END_TEST

static int write_until_cancelled(void *arg)
{
	size_t *n_written = arg;

	return isr_stream_write(&streams[0], much[0], MUCH, ISR_FOREVER,
				n_written);
}

static int cancel_then_put(void *arg)
{
	let_others(5);
	ck_assert_int_eq(isr_cancel(((struct xt_task *)arg)->task), 1);
	let_others(5);
	put_bytes(1, "x");
	return 0;
}

START_TEST(writer_that_is_cancelled_leaves_the_reader)
{
	struct xt_task *reader, *writer;
	size_t n_written = 0;

	open_streams((enum xt_pair)_i);
	reader = begin(read_for_ever, NULL);
	writer = begin(write_until_cancelled, &n_written);
	begin(cancel_then_put, writer);
	xt_ok(isr_loop_run(loop));

	ck_assert_int_eq(reader->result, 1);
	ck_assert_int_eq(writer->result, -ECANCELED);
	ck_assert_uint_gt(n_written, 0);
	ck_assert_uint_lt(n_written, MUCH);
}
END_TEST

static int write_some(void *arg)
{
	size_t n_written = 4711, n;
	int r;

	r = isr_stream_write(&streams[0], much[0], MUCH, *(int64_t *)arg,
			     &n_written);
	ck_assert_int_eq(r, -ETIMEDOUT);
	ck_assert_uint_gt(n_written, 0);
	ck_assert_uint_lt(n_written, MUCH);
	for (n = 0; n < n_written; n += (size_t)r) {
		r = isr_stream_read(&streams[1], got[0] + n, MUCH, ISR_FOREVER);
		ck_assert_int_gt(r, 0);
	}
	ck_assert_uint_eq(n, n_written);
	ck_assert(!memcmp(much[0], got[0], n));
	return isr_stream_read(&streams[1], got[0], 1, 0);
}

START_TEST(write_tells_how_much_was_written_in_time)
{
	int64_t timeout_ns = _i % 2 ? 1000 : 0;

	open_streams((enum xt_pair)(_i / 2));
	ck_assert_int_eq(run_one(write_some, &timeout_ns), -ETIMEDOUT);
}
END_TEST

static int write_second(void *arg)
{
	size_t n_written = 4711;

	let_others(3);
	xt_fails_with(EBUSY, isr_stream_write(&streams[0], "x", 1, ISR_FOREVER,
					      &n_written));
	ck_assert_uint_eq(n_written, 0);
	return read_much((void *)(uintptr_t)&second);
}

START_TEST(stream_has_one_writer)
{
	open_streams((enum xt_pair)_i);
	begin(write_much, &first);
	begin(write_second, NULL);
	run_to_the_end();

	ck_assert(!memcmp(much[0], got[0], MUCH));
}
END_TEST

static int write_little(void *arg)
{
	return isr_stream_write(&streams[0], "x", 1, ISR_FOREVER, NULL);
}

START_TEST(write_to_a_closed_socket_is_an_error_and_no_signal)
{
	open_streams(XT_SOCKETS);
	close_end(1);

	ck_assert_int_eq(run_one(write_little, NULL), -EPIPE);
}
END_TEST

static int close_later(void *arg)
{
	let_others(5);
	close_end(1);
	return 0;
}

START_TEST(write_ends_when_the_other_side_is_closed)
{
	struct xt_task *writer;
	size_t n_written;

	open_streams(XT_SOCKETS);
	writer = begin(write_until_cancelled, &n_written);
	begin(close_later, NULL);
	xt_ok(isr_loop_run(loop));

	ck_assert_int_eq(writer->result, -EPIPE);
}
END_TEST

static int write_nonsense(void *arg)
{
	size_t n = 4711;

	xt_fails_with(EINVAL, isr_stream_write(NULL, "x", 1, 0, &n));
	xt_fails_with(EINVAL, isr_stream_write(&streams[0], NULL, 1, 0, &n));
	xt_fails_with(EINVAL, isr_stream_write(&streams[0], "x", 1, -2, &n));
	ck_assert_uint_eq(n, 4711);
	xt_ok(isr_stream_write(&streams[0], NULL, 0, 0, &n));
	ck_assert_uint_eq(n, 0);
	return 0;
}

START_TEST(write_refuses_what_makes_no_sense)
{
	size_t n = 4711;

	open_streams(XT_SOCKETS);
	run_one(write_nonsense, NULL);
	xt_fails_with(EDEADLK, isr_stream_write(&streams[0], "x", 1, 0, &n));
	ck_assert_uint_eq(n, 4711);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stream-write");
	TCase *tc = xt_case(suite, "stream");

	tcase_add_checked_fixture(tc, io_setup, io_teardown);
	tcase_add_loop_test(tc, write_is_whole_while_another_task_reads, 0,
			    XT_PAIRS);
	tcase_add_loop_test(tc, both_ways_at_once_do_not_disturb_each_other, 0,
			    XT_PAIRS);
	tcase_add_loop_test(tc, reader_that_is_cancelled_leaves_the_writer, 0,
			    XT_PAIRS);
	tcase_add_loop_test(tc, writer_that_is_cancelled_leaves_the_reader, 0,
			    XT_PAIRS);
	tcase_add_loop_test(tc, write_tells_how_much_was_written_in_time, 0,
			    2 * XT_PAIRS);
	tcase_add_loop_test(tc, stream_has_one_writer, 0, XT_PAIRS);
	tcase_add_test(tc, write_to_a_closed_socket_is_an_error_and_no_signal);
	tcase_add_test(tc, write_ends_when_the_other_side_is_closed);
	tcase_add_test(tc, write_refuses_what_makes_no_sense);
	return xt_main(suite);
}
