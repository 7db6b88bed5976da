/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Streams are read: what there is, a number of bytes, lines. */
#include "xt-io.h"

#define BUFFER_BYTES 16

static struct isr_stream stream;
static unsigned char buffer[BUFFER_BYTES];

static void open_stream(enum xt_pair kind)
{
	open_pair(kind);
	xt_ok(isr_stream_init(&stream, ends[0], buffer, sizeof(buffer)));
}

/* What a reader does, and has got. */
struct reading {
	enum { READ, EXACT, LINE } how;
	size_t n;
	int64_t timeout_ns;
	char data[64];
	int result;
};

static int read_once(void *arg)
{
	struct reading *r = arg;

	memset(r->data, '#', sizeof(r->data));
	switch (r->how) {
	case READ:
		r->result =
			isr_stream_read(&stream, r->data, r->n, r->timeout_ns);
		break;
	case EXACT:
		r->result = isr_stream_read_exact(&stream, r->data, r->n,
						  r->timeout_ns);
		break;
	case LINE:
		r->result = isr_stream_get_line(&stream, r->data, r->n,
						r->timeout_ns);
		break;
	}
	return r->result;
}

static void assert_got(const struct reading *r, const char *text)
{
	ck_assert_int_eq(r->result, (int)strlen(text));
	ck_assert(!memcmp(r->data, text, strlen(text)));
	ck_assert_int_eq(r->data[strlen(text)], r->how == LINE ? '\0' : '#');
}

static void set_terminal(tcflag_t mode, cc_t min)
{
	struct termios t;

	ck_assert_int_eq(tcgetattr(ends[0], &t), 0);
	t.c_lflag |= mode;
	t.c_cc[VMIN] = min;
	t.c_cc[VTIME] = 0;
	ck_assert_int_eq(tcsetattr(ends[0], TCSANOW, &t), 0);
}

/* In the test's own task, alone. */
static void assert_reads(int how, size_t n, const char *text)
{
	struct reading r = {.how = how, .n = n, .timeout_ns = ISR_FOREVER};

	run_one(read_once, &r);
	assert_got(&r, text);
}

static void assert_refuses(int how, size_t n, int error)
{
	struct reading r = {.how = how, .n = n, .timeout_ns = ISR_FOREVER};

	ck_assert_int_eq(run_one(read_once, &r), -error);
	/* Nothing was written to it. */
	ck_assert_int_eq(r.data[0], '#');
}

/* Texts to an end, one after the other, when the others wait. */
static int put_texts(void *arg)
{
	const char *const *text;

	for (text = arg; *text; text++) {
		let_others(3);
		put_bytes(1, *text);
	}
	return 0;
}

static int put_texts_and_close(void *arg)
{
	put_texts(arg);
	let_others(3);
	close_end(1);
	return 0;
}

/*
 * What there is
 */

START_TEST(read_waits_for_what_there_is)
{
	static const char *const texts[] = {"hello", NULL};
	struct reading r = {.how = READ, .n = 9, .timeout_ns = ISR_FOREVER};

	open_stream((enum xt_pair)_i);
	begin(read_once, &r);
	begin(put_texts, texts);
	run_to_the_end();

	assert_got(&r, "hello");
}
END_TEST

/* It says so with a read of nothing. */
START_TEST(silence_of_a_terminal_is_not_its_end)
{
	static const char *const texts[] = {"hel", "lo\n", NULL};
	struct reading r = {.how = LINE, .n = 9, .timeout_ns = ISR_FOREVER};

	open_stream(XT_PTY);
	set_terminal(0, 0);
	begin(read_once, &r);
	begin(put_texts, texts);
	run_to_the_end();

	assert_got(&r, "hello\n");
}
END_TEST

static int put_end(void *arg)
{
	let_others(3);
	ck_assert_int_eq(write(ends[1], "\004", 1), 1);
	return 0;
}

START_TEST(end_of_a_terminals_input_is_the_end)
{
	struct reading r = {.how = LINE, .n = 9, .timeout_ns = ISR_FOREVER};

	open_stream(XT_PTY);
	set_terminal(ICANON, 0);
	begin(read_once, &r);
	begin(put_end, NULL);
	run_to_the_end();

	ck_assert_int_eq(r.result, 0);
}
END_TEST

static int read_and_trace(void *arg)
{
	trace_add('<');
	read_once(arg);
	trace_add('>');
	return 0;
}

START_TEST(read_of_what_is_there_lets_nobody_else_run)
{
	struct reading r = {.how = READ, .n = 9, .timeout_ns = ISR_FOREVER};

	open_stream((enum xt_pair)_i);
	put_bytes(1, "hello");
	begin(read_and_trace, &r);
	begin(add_once, "x");
	run_to_the_end();

	ck_assert_str_eq(trace, "<>x");
}
END_TEST

START_TEST(read_hands_on_in_parts)
{
	open_stream((enum xt_pair)_i);
	put_bytes(1, "0123456789");

	assert_reads(READ, 4, "0123");
	assert_reads(READ, 4, "4567");
	put_bytes(1, "abc");
	assert_reads(READ, 4, "89");
	assert_reads(READ, 50, "abc");
}
END_TEST

START_TEST(read_may_be_larger_than_the_buffer)
{
	open_stream((enum xt_pair)_i);
	put_bytes(1, "0123456789012345678901234567890123456789");

	assert_reads(READ, 60, "0123456789012345678901234567890123456789");
}
END_TEST

START_TEST(stream_needs_no_buffer_to_be_read)
{
	open_pair((enum xt_pair)_i);
	xt_ok(isr_stream_init(&stream, ends[0], NULL, 0));
	put_bytes(1, "0123");

	assert_reads(READ, 3, "012");
	assert_refuses(EXACT, 1, EMSGSIZE);
	assert_refuses(LINE, 1, EMSGSIZE);
	assert_reads(READ, 3, "3");
}
END_TEST

START_TEST(read_at_the_end_is_nothing)
{
	static const char *const texts[] = {"bye", NULL};

	open_stream(XT_SOCKETS);
	begin(put_texts_and_close, texts);
	run_to_the_end();

	assert_reads(READ, 9, "bye");
	assert_reads(READ, 9, "");
	assert_reads(EXACT, 9, "");
	assert_reads(LINE, 9, "");
}
END_TEST

START_TEST(read_wakes_at_the_end)
{
	static const char *const none[] = {NULL};
	struct reading r = {.how = READ, .n = 9, .timeout_ns = ISR_FOREVER};

	open_stream((enum xt_pair)_i);
	begin(read_once, &r);
	begin(put_texts_and_close, none);
	run_to_the_end();

	ck_assert_int_eq(r.result, 0);
}
END_TEST

/* The side that the device's program has: a device that goes is an error. */
START_TEST(read_tells_of_an_error)
{
	open_pair(XT_PTY);
	xt_ok(isr_stream_init(&stream, ends[1], buffer, sizeof(buffer)));
	close_end(0);

	assert_refuses(READ, 4, EIO);
	assert_refuses(LINE, 4, EIO);
}
END_TEST

/*
 * A number of bytes
 */

START_TEST(exact_puts_the_parts_together)
{
	static const char *const texts[] = {"abc", "defg", "hijklmnop", NULL};
	struct reading r = {.how = EXACT, .n = 10, .timeout_ns = ISR_FOREVER};

	open_stream((enum xt_pair)_i);
	begin(read_once, &r);
	begin(put_texts, texts);
	run_to_the_end();

	assert_got(&r, "abcdefghij");
	assert_reads(EXACT, 6, "klmnop");
}
END_TEST

START_TEST(exact_is_short_at_the_end)
{
	static const char *const texts[] = {"abcd", "ef", NULL};
	struct reading r = {.how = EXACT, .n = 4, .timeout_ns = ISR_FOREVER};

	open_stream(XT_SOCKETS);
	begin(read_once, &r);
	begin(put_texts_and_close, texts);
	run_to_the_end();

	assert_got(&r, "abcd");
	assert_reads(EXACT, 4, "ef");
	assert_reads(EXACT, 4, "");
}
END_TEST

START_TEST(exact_is_no_more_than_the_buffer)
{
	open_stream((enum xt_pair)_i);
	put_bytes(1, "0123456789012345");

	assert_refuses(EXACT, BUFFER_BYTES + 1, EMSGSIZE);
	assert_reads(EXACT, BUFFER_BYTES, "0123456789012345");
}
END_TEST

/*
 * Lines
 */

START_TEST(line_has_its_newline)
{
	static const char *const texts[] = {"one\ntwo\r\n\nla", "st", NULL};

	open_stream(XT_SOCKETS);
	begin(put_texts_and_close, texts);
	run_to_the_end();

	assert_reads(LINE, 60, "one\n");
	assert_reads(LINE, 60, "two\r\n");
	assert_reads(LINE, 60, "\n");
	assert_reads(LINE, 60, "last");
	assert_reads(LINE, 60, "");
}
END_TEST

START_TEST(line_may_come_in_single_bytes)
{
	static const char *const texts[] = {"a", "b", "\r", "\n", "c", NULL};
	struct reading r = {.how = LINE, .n = 60, .timeout_ns = ISR_FOREVER};

	open_stream((enum xt_pair)_i);
	begin(read_once, &r);
	begin(put_texts, texts);
	run_to_the_end();

	assert_got(&r, "ab\r\n");
	assert_reads(READ, 60, "c");
}
END_TEST

START_TEST(line_that_begins_late_in_the_buffer_fits)
{
	open_stream((enum xt_pair)_i);
	put_bytes(1, "0123456789\nabcd");
	assert_reads(LINE, 60, "0123456789\n");
	put_bytes(1, "efghijklmn\n");

	assert_reads(LINE, 60, "abcdefghijklmn\n");
}
END_TEST

START_TEST(line_as_long_as_the_buffer_fits)
{
	open_stream((enum xt_pair)_i);
	put_bytes(1, "0123456789abcde\nnext\n");

	assert_reads(LINE, BUFFER_BYTES + 1, "0123456789abcde\n");
	assert_reads(LINE, 60, "next\n");
}
END_TEST

START_TEST(line_that_is_longer_than_the_buffer_is_kept)
{
	open_stream((enum xt_pair)_i);
	put_bytes(1, "0123456789abcdef\nnext\n");

	assert_refuses(LINE, 60, EMSGSIZE);
	assert_refuses(LINE, 60, EMSGSIZE);
	assert_reads(READ, 60, "0123456789abcdef");
	assert_reads(LINE, 60, "\n");
	assert_reads(LINE, 60, "next\n");
}
END_TEST

START_TEST(line_that_is_longer_than_its_room_is_kept)
{
	open_stream((enum xt_pair)_i);
	put_bytes(1, "0123456\n");

	assert_refuses(LINE, 8, EMSGSIZE);
	assert_refuses(LINE, 1, EMSGSIZE);
	assert_reads(LINE, 9, "0123456\n");
	/* Known before its end. */
	put_bytes(1, "0123456");
	assert_refuses(LINE, 7, EMSGSIZE);
}
END_TEST

/*
 * Nothing is consumed
 */

static int read_until_cancelled(void *arg)
{
	struct reading *r = arg;

	ck_assert_int_eq(read_once(r), -ECANCELED);
	/* The next call is cancelled, too. */
	ck_assert_int_eq(read_once(r), -ECANCELED);
	ck_assert_int_eq(isr_uncancel(), 1);
	return read_once(r);
}

static int cancel_then_put(void *arg)
{
	let_others(3);
	put_bytes(1, "efg");
	let_others(3);
	ck_assert_int_eq(isr_cancel(((struct xt_task *)arg)->task), 1);
	let_others(3);
	put_bytes(1, "hij\n");
	return 0;
}

START_TEST(read_that_is_cancelled_consumes_nothing)
{
	struct reading r = {
		.how = _i % 2 ? EXACT : LINE,
		.n = _i % 2 ? 11 : 60,
		.timeout_ns = ISR_FOREVER,
	};

	open_stream((enum xt_pair)(_i / 2));
	put_bytes(1, "abcd");
	begin(cancel_then_put, begin(read_until_cancelled, &r));
	run_to_the_end();

	assert_got(&r, "abcdefghij\n");
}
END_TEST

static int read_until_timeout(void *arg)
{
	struct reading *r = arg;

	r->timeout_ns = 1000;
	ck_assert_int_eq(read_once(r), -ETIMEDOUT);
	r->timeout_ns = 0;
	ck_assert_int_eq(read_once(r), -ETIMEDOUT);
	put_bytes(1, "efghij\n");
	/* What is there wins, also without any time. */
	return read_once(r);
}

START_TEST(read_that_times_out_consumes_nothing)
{
	struct reading r = {
		.how = _i % 2 ? EXACT : LINE,
		.n = _i % 2 ? 11 : 60,
	};

	open_stream((enum xt_pair)(_i / 2));
	put_bytes(1, "abcd");
	begin(read_until_timeout, &r);
	run_to_the_end();

	assert_got(&r, "abcdefghij\n");
}
END_TEST

/*
 * Who may read
 */

static int read_second(void *arg)
{
	char byte;

	let_others(2);
	xt_fails_with(EBUSY, isr_stream_read(&stream, &byte, 1, ISR_FOREVER));
	xt_fails_with(EBUSY,
		      isr_stream_read_exact(&stream, &byte, 1, ISR_FOREVER));
	xt_fails_with(EBUSY,
		      isr_stream_get_line(&stream, &byte, 1, ISR_FOREVER));
	put_bytes(1, "x");
	return 0;
}

START_TEST(stream_has_one_reader)
{
	struct reading r = {.how = READ, .n = 9, .timeout_ns = ISR_FOREVER};

	open_stream((enum xt_pair)_i);
	begin(read_once, &r);
	begin(read_second, NULL);
	run_to_the_end();

	assert_got(&r, "x");
	/* It has given it back. */
	put_bytes(1, "y");
	assert_reads(READ, 1, "y");
}
END_TEST

static int read_nonsense(void *arg)
{
	char byte;

	xt_fails_with(EINVAL, isr_stream_read(NULL, &byte, 1, 0));
	xt_fails_with(EINVAL, isr_stream_read(&stream, NULL, 1, 0));
	xt_fails_with(EINVAL, isr_stream_read(&stream, &byte, 0, 0));
	xt_fails_with(EINVAL, isr_stream_read(&stream, &byte, 1, -2));
	xt_fails_with(EINVAL, isr_stream_read_exact(NULL, &byte, 1, 0));
	xt_fails_with(EINVAL, isr_stream_read_exact(&stream, NULL, 1, 0));
	xt_fails_with(EINVAL, isr_stream_read_exact(&stream, &byte, 0, 0));
	xt_fails_with(EINVAL, isr_stream_read_exact(&stream, &byte, 1, -2));
	xt_fails_with(EINVAL, isr_stream_get_line(NULL, &byte, 1, 0));
	xt_fails_with(EINVAL, isr_stream_get_line(&stream, NULL, 1, 0));
	xt_fails_with(EINVAL, isr_stream_get_line(&stream, &byte, 0, 0));
	xt_fails_with(EINVAL, isr_stream_get_line(&stream, &byte, 1, -2));
	return 0;
}

START_TEST(stream_refuses_what_makes_no_sense)
{
	char byte;

	open_stream(XT_SOCKETS);
	xt_fails_with(EINVAL, isr_stream_init(NULL, ends[0], buffer, 1));
	xt_fails_with(EINVAL, isr_stream_init(&stream, ends[0], NULL, 1));
	xt_fails_with(EBADF, isr_stream_init(&stream, -1, buffer, 1));
	run_one(read_nonsense, NULL);
	xt_fails_with(EDEADLK, isr_stream_read(&stream, &byte, 1, 0));
}
END_TEST

START_TEST(stream_makes_its_descriptor_non_blocking)
{
	open_stream((enum xt_pair)_i);

	ck_assert_int_ne(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

static int read_for_good(void *arg)
{
	struct reading *r = arg;

	read_once(r);
	/* Nothing is there to be taken back. */
	ck_assert_int_eq(isr_uncancel(), 0);
	return read_once(r);
}

START_TEST(loop_that_ends_ends_its_readers)
{
	struct reading r = {.how = READ, .n = 9, .timeout_ns = ISR_FOREVER};
	int i;

	open_stream((enum xt_pair)_i);
	begin(read_for_good, &r);
	for (i = 0; i < 3; i++)
		xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_loop_free(loop));
	loop = NULL;

	ck_assert_int_eq(r.result, -ECANCELED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stream");
	TCase *tc = xt_case(suite, "stream");

	tcase_add_checked_fixture(tc, io_setup, io_teardown);
	tcase_add_loop_test(tc, read_waits_for_what_there_is, 0, XT_PAIRS);
	tcase_add_test(tc, silence_of_a_terminal_is_not_its_end);
	tcase_add_test(tc, end_of_a_terminals_input_is_the_end);
	tcase_add_loop_test(tc, read_of_what_is_there_lets_nobody_else_run, 0,
			    XT_PAIRS);
	tcase_add_loop_test(tc, read_hands_on_in_parts, 0, XT_PAIRS);
	tcase_add_loop_test(tc, read_may_be_larger_than_the_buffer, 0,
			    XT_PAIRS);
	tcase_add_loop_test(tc, stream_needs_no_buffer_to_be_read, 0, XT_PAIRS);
	tcase_add_test(tc, read_at_the_end_is_nothing);
	tcase_add_loop_test(tc, read_wakes_at_the_end, 0, XT_PAIRS);
	tcase_add_test(tc, read_tells_of_an_error);
	tcase_add_loop_test(tc, exact_puts_the_parts_together, 0, XT_PAIRS);
	tcase_add_test(tc, exact_is_short_at_the_end);
	tcase_add_loop_test(tc, exact_is_no_more_than_the_buffer, 0, XT_PAIRS);
	tcase_add_test(tc, line_has_its_newline);
	tcase_add_loop_test(tc, line_may_come_in_single_bytes, 0, XT_PAIRS);
	tcase_add_loop_test(tc, line_that_begins_late_in_the_buffer_fits, 0,
			    XT_PAIRS);
	tcase_add_loop_test(tc, line_as_long_as_the_buffer_fits, 0, XT_PAIRS);
	tcase_add_loop_test(tc, line_that_is_longer_than_the_buffer_is_kept, 0,
			    XT_PAIRS);
	tcase_add_loop_test(tc, line_that_is_longer_than_its_room_is_kept, 0,
			    XT_PAIRS);
	tcase_add_loop_test(tc, read_that_is_cancelled_consumes_nothing, 0,
			    2 * XT_PAIRS);
	tcase_add_loop_test(tc, read_that_times_out_consumes_nothing, 0,
			    2 * XT_PAIRS);
	tcase_add_loop_test(tc, stream_has_one_reader, 0, XT_PAIRS);
	tcase_add_test(tc, stream_refuses_what_makes_no_sense);
	tcase_add_loop_test(tc, stream_makes_its_descriptor_non_blocking, 0,
			    XT_PAIRS);
	tcase_add_loop_test(tc, loop_that_ends_ends_its_readers, 0, XT_PAIRS);
	return xt_main(suite);
}
