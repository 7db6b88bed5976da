/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Tasks wait for descriptors: many for one, each for itself; and what they get
 * when several things happen to a wait at once.
 */
#include <poll.h>
#include <sys/eventfd.h>

#include <isrloop/stream.h>

#include "xt-io.h"

/* Calls until there is none any more; -1: there is. */
static int no_memory_in = -1;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
	if (no_memory_in == 0)
		return NULL;
	no_memory_in -= no_memory_in > 0;
	return __real_calloc(n, size);
}

static void setup(void)
{
	no_memory_in = -1;
	io_setup();
}

/* A wait, and what it gave. */
struct waiting {
	int fd;
	unsigned int events;
	int64_t timeout_ns;
};

static int wait_once(void *arg)
{
	const struct waiting *w = arg;

	return isr_wait_fd(w->fd, w->events, w->timeout_ns);
}

static int wait_alone(int fd, unsigned int events, int64_t timeout_ns)
{
	struct waiting w = {fd, events, timeout_ns};

	return run_one(wait_once, &w);
}

START_TEST(wait_fd_tells_what_is_ready)
{
	open_pair((enum xt_pair)_i);

	ck_assert_int_eq(wait_alone(ends[0], 3, 0), ISR_FD_WRITE);
	put_bytes(1, "x");
	ck_assert_int_eq(wait_alone(ends[0], 3, 0), 3);
	ck_assert_int_eq(wait_alone(ends[0], ISR_FD_READ, 0), ISR_FD_READ);
	ck_assert_int_eq(wait_alone(ends[0], ISR_FD_WRITE, 0), ISR_FD_WRITE);
}
END_TEST

/* A driver of the program's own: it has a descriptor, or a flag. */
struct driver {
	int fd;
	struct isr_flag ready;
};

static int await_driver(void *arg)
{
	struct driver *d = arg;

	trace_add('<');
	if (d->fd >= 0)
		ck_assert_int_eq(isr_wait_fd(d->fd, ISR_FD_READ, ISR_FOREVER),
				 ISR_FD_READ);
	else
		ck_assert_int_eq(isr_wait(&d->ready, ISR_FOREVER), 1);
	trace_add('>');
	return 0;
}

static int be_ready(void *arg)
{
	struct driver *d = arg;

	let_others(3);
	trace_add('r');
	if (d->fd >= 0)
		ck_assert_int_eq(eventfd_write(d->fd, 1), 0);
	else
		isr_flag_set(&d->ready);
	let_others(3);
	trace_add('.');
	return 0;
}

START_TEST(drivers_are_waited_for_alike)
{
	struct driver d = {.fd = _i ? eventfd(0, EFD_CLOEXEC) : -1};

	xt_ok(isr_flag_init(&d.ready, loop, ISR_FLAG_AUTO));
	begin(await_driver, &d);
	begin(be_ready, &d);
	run_to_the_end();

	ck_assert_str_eq(trace, "<r>.");
	xt_ok(isr_flag_done(&d.ready));
	if (_i)
		close(d.fd);
}
END_TEST

START_TEST(wait_fd_ends_when_its_time_is_over)
{
	open_pair((enum xt_pair)_i);

	ck_assert_int_eq(wait_alone(ends[0], ISR_FD_READ, 0), -ETIMEDOUT);
	ck_assert_int_eq(wait_alone(ends[0], ISR_FD_READ, 1000), -ETIMEDOUT);
}
END_TEST

START_TEST(wait_fd_tells_both_of_a_hang_up)
{
	open_pair((enum xt_pair)_i);
	close_end(1);

	ck_assert_int_eq(wait_alone(ends[0], ISR_FD_READ, 0), 3);
	ck_assert_int_eq(wait_alone(ends[0], ISR_FD_WRITE, ISR_FOREVER), 3);
}
END_TEST

START_TEST(wait_fd_of_a_file_is_over_at_once)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(wait_alone(fd, ISR_FD_READ, 0), ISR_FD_READ);
	ck_assert_int_eq(wait_alone(fd, 3, ISR_FOREVER), 3);
	ck_assert_int_eq(wait_alone(null, 3, ISR_FOREVER), 3);
	close(fd);
	close(null);
}
END_TEST

START_TEST(wait_fd_refuses_what_cannot_be_waited_for)
{
	int closed;

	open_pair(XT_SOCKETS);
	closed = dup(ends[0]);
	close(closed);

	ck_assert_int_eq(wait_alone(closed, ISR_FD_READ, ISR_FOREVER), -EBADF);
	ck_assert_int_eq(wait_alone(-1, ISR_FD_READ, ISR_FOREVER), -EBADF);
	ck_assert_int_eq(wait_alone(ends[0], 0, ISR_FOREVER), -EINVAL);
	ck_assert_int_eq(wait_alone(ends[0], 4, ISR_FOREVER), -EINVAL);
	ck_assert_int_eq(wait_alone(ends[0], ISR_FD_READ, -2), -EINVAL);
	xt_fails_with(EDEADLK, isr_wait_fd(ends[0], ISR_FD_READ, 0));
}
END_TEST

#define N_WAITERS 5

static int cancel_one_then_put(void *arg)
{
	struct xt_task *one = arg;

	let_others(3);
	ck_assert_int_eq(isr_cancel(one->task), 1);
	let_others(3);
	ck_assert(one->has_ended);
	ck_assert_uint_eq(n_xt_left, N_WAITERS);
	put_bytes(1, "x");
	return 0;
}

START_TEST(wait_fd_that_is_cancelled_leaves_all_others)
{
	struct waiting w = {.events = ISR_FD_READ, .timeout_ns = ISR_FOREVER};
	struct xt_task *waiters[N_WAITERS];
	int i;

	open_pair((enum xt_pair)(_i / N_WAITERS));
	w.fd = ends[0];
	for (i = 0; i < N_WAITERS; i++)
		waiters[i] = begin(wait_once, &w);
	begin(cancel_one_then_put, waiters[_i % N_WAITERS]);
	run_to_the_end();

	for (i = 0; i < N_WAITERS; i++)
		ck_assert_int_eq(waiters[i]->result, i == _i % N_WAITERS
							     ? -ECANCELED
							     : ISR_FD_READ);
}
END_TEST

/* Who comes too late waits again: each byte lets one of them go. */
static int take_byte(void *arg)
{
	char byte;
	int r;

	for (;;) {
		r = isr_wait_fd(ends[0], ISR_FD_READ, ISR_FOREVER);
		if (r < 0)
			return r;
		if (read(ends[0], &byte, 1) == 1) {
			trace_add(byte);
			return 0;
		}
		/* In one step with what it was told: nobody was faster. */
		ck_abort_msg("told of a byte that is not there");
	}
}

static int put_abc(void *arg)
{
	char text[2] = "a";

	for (; text[0] <= 'c'; text[0]++) {
		let_others(3);
		/* Those that still wait, and this one. */
		ck_assert_uint_eq(n_xt_left, (unsigned)('d' - text[0]) + 1);
		put_bytes(1, text);
	}
	return 0;
}

START_TEST(wait_fd_goes_on_when_another_was_faster)
{
	int i;

	open_pair((enum xt_pair)_i);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	for (i = 0; i < 3; i++)
		begin(take_byte, NULL);
	begin(put_abc, NULL);
	run_to_the_end();

	ck_assert_str_eq(trace, "abc");
}
END_TEST

/* The number is another file's now; the kernel has forgotten the old one. */
static int wait_for_two_files(void *arg)
{
	int fd = ends[0];

	xt_fails_with(ETIMEDOUT, isr_wait_fd(fd, ISR_FD_READ, 1000));
	close_ends();
	open_pair(XT_SOCKETS);
	ck_assert_int_eq(ends[0], fd);
	return isr_wait_fd(fd, ISR_FD_READ, ISR_FOREVER);
}

static int put_when_all_wait(void *arg)
{
	while (isri_alarm_is_set(&((struct xt_task *)arg)->task->alarm) ||
	       count_readable(0) != 0)
		xt_ok(isr_yield());
	let_others(5);
	put_bytes(1, "x");
	return 0;
}

START_TEST(wait_fd_knows_a_new_file_of_the_same_number)
{
	struct xt_task *waiter;

	open_pair(XT_SOCKETS);
	waiter = begin(wait_for_two_files, NULL);
	begin(put_when_all_wait, waiter);
	run_to_the_end();

	ck_assert_int_eq(xt_tasks[0].result, ISR_FD_READ);
}
END_TEST

static int wait_without_memory(void *arg)
{
	int k, r;

	/* For the watch, and for libev's part of it. */
	for (k = 0; k < 2; k++) {
		no_memory_in = k;
		r = isr_wait_fd(ends[0], ISR_FD_READ, ISR_FOREVER);
		no_memory_in = -1;
		ck_assert_int_eq(r, -ENOMEM);
	}
	/* It is as if it had not been called. */
	xt_fails_with(ETIMEDOUT, isr_wait_fd(ends[0], ISR_FD_READ, 1000));
	/* And needs no more. */
	no_memory_in = 0;
	r = isr_wait_fd(ends[0], ISR_FD_READ, 1000);
	no_memory_in = -1;
	return r;
}

START_TEST(wait_fd_needs_memory_once)
{
	open_pair((enum xt_pair)_i);

	ck_assert_int_eq(run_one(wait_without_memory, NULL), -ETIMEDOUT);
}
END_TEST

/*
 * What a foreign loop sees
 */

static bool is_woken(void)
{
	struct pollfd p = {.fd = isr_loop_get_fd(loop), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void settle(void)
{
	while (is_woken())
		xt_ok(isr_loop_dispatch(loop));
}

START_TEST(foreign_loop_is_told_of_descriptors)
{
	struct waiting w = {.events = ISR_FD_READ, .timeout_ns = ISR_FOREVER};
	struct xt_task *task;

	open_pair((enum xt_pair)_i);
	w.fd = ends[0];
	task = begin(wait_once, &w);
	settle();
	ck_assert(!task->has_ended);

	put_bytes(1, "x");
	settle();

	ck_assert(task->has_ended);
	ck_assert_int_eq(task->result, ISR_FD_READ);
}
END_TEST

/*
 * A cancel, a timeout and the bytes, each after so many turns
 */

#define N_TURNS 5
#define N_BYTES 4

static struct isr_stream stream;
static unsigned char buffer[64];
static int n_got;

static int read_exactly(void *arg)
{
	char data[N_BYTES];
	int r;

	r = isr_stream_read_exact(&stream, data, N_BYTES, SECOND * 3600);
	if (r > 0) {
		ck_assert_int_eq(r, N_BYTES);
		ck_assert(!memcmp(data, "0123", N_BYTES));
		n_got = r;
	}
	return r;
}

struct turns {
	struct xt_task *reader;
	unsigned int cancel, timeout, bytes;
};

static int cancel_reader(void *arg)
{
	const struct turns *t = arg;

	let_others(t->cancel);
	isr_cancel(t->reader->task);
	return 0;
}

static int time_reader_out(void *arg)
{
	const struct turns *t = arg;

	let_others(t->timeout);
	time_out(t->reader->task);
	return 0;
}

static int put_for_reader(void *arg)
{
	const struct turns *t = arg;

	let_others(t->bytes);
	put_bytes(1, "0123");
	return 0;
}

static int read_rest(void *arg)
{
	char data[N_BYTES];

	return isr_stream_read_exact(&stream, data, N_BYTES, ISR_FOREVER);
}

/* Whatever comes first: the reader gets all of them, or nobody has lost one. */
static void race(struct turns *t)
{
	n_got = 0;
	t->reader = begin(read_exactly, NULL);
	begin(put_for_reader, t);
	begin(cancel_reader, t);
	begin(time_reader_out, t);
	xt_ok(isr_loop_run(loop));

	ck_assert(n_got == N_BYTES || t->reader->result == -ECANCELED ||
		  t->reader->result == -ETIMEDOUT);
	while (n_xt_tasks)
		xt_ok(isr_detach(xt_tasks[--n_xt_tasks].task));
	if (!n_got)
		ck_assert_int_eq(run_one(read_rest, NULL), N_BYTES);
	ck_assert_int_eq(count_readable(0), 0);
}

START_TEST(race_of_cancel_timeout_and_bytes_loses_none)
{
	struct turns t = {.cancel = (unsigned int)_i % N_TURNS};

	open_pair(_i < N_TURNS ? XT_SOCKETS : XT_PTY);
	xt_ok(isr_stream_init(&stream, ends[0], buffer, sizeof(buffer)));
	for (t.timeout = 0; t.timeout < N_TURNS; t.timeout++) {
		for (t.bytes = 0; t.bytes < N_TURNS; t.bytes++)
			race(&t);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wait-fd");
	TCase *tc = xt_case(suite, "wait-fd");

	tcase_add_checked_fixture(tc, setup, io_teardown);
	tcase_add_loop_test(tc, wait_fd_tells_what_is_ready, 0, XT_PAIRS);
	tcase_add_loop_test(tc, drivers_are_waited_for_alike, 0, 2);
	tcase_add_loop_test(tc, wait_fd_ends_when_its_time_is_over, 0,
			    XT_PAIRS);
	tcase_add_loop_test(tc, wait_fd_tells_both_of_a_hang_up, 0, XT_PAIRS);
	tcase_add_test(tc, wait_fd_of_a_file_is_over_at_once);
	tcase_add_test(tc, wait_fd_refuses_what_cannot_be_waited_for);
	tcase_add_loop_test(tc, wait_fd_that_is_cancelled_leaves_all_others, 0,
			    N_WAITERS * XT_PAIRS);
	tcase_add_loop_test(tc, wait_fd_goes_on_when_another_was_faster, 0,
			    XT_PAIRS);
	tcase_add_test(tc, wait_fd_knows_a_new_file_of_the_same_number);
	tcase_add_loop_test(tc, wait_fd_needs_memory_once, 0, XT_PAIRS);
	tcase_add_loop_test(tc, foreign_loop_is_told_of_descriptors, 0,
			    XT_PAIRS);
	tcase_add_loop_test(tc, race_of_cancel_timeout_and_bytes_loses_none, 0,
			    2 * N_TURNS);
	return xt_main(suite);
}
