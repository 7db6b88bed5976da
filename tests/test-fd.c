/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * File descriptor sources, on a socket pair. Tests that run twice have a soft
 * handler first (_i is 0), then a hard one.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xt-source.h"

static struct isr_source *source;
static int fds[2];

static void setup(void)
{
	xt_loop_setup();
	source = NULL;
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static void teardown(void)
{
	xt_loop_teardown();
	close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
}

/* As xt_sink(), but what comes after the last one asked for is not seen. */
static int note(struct isr_source *s, const struct isr_event *event, void *arg)
{
	unsigned int stop_at = atomic_load(&sink.stop_at);

	if (stop_at && atomic_load(&sink.n) >= stop_at)
		return 0;
	return xt_sink(s, event, arg);
}

/* Every event is noted that should be: stop_at is what the test waits for. */
static void open_fd(bool hard, unsigned int events, unsigned int stop_at)
{
	const struct isr_source_options options = {.hard = hard};

	sink.stop_at = stop_at;
	xt_ok(isr_fd_open(loop, fds[0], events, &options, note, &sink,
			  &source));
}

static void make_readable(void)
{
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
}

START_TEST(fd_readable_and_writable_are_told)
{
	make_readable();
	open_fd(_i, ISR_FD_READ, 1);
	xt_sink_run(&sink, 1);
	ck_assert_uint_eq(sink.events[0].kind, ISR_EVENT_FD);
	ck_assert_int_eq(sink.events[0].value, ISR_FD_READ);
	ck_assert_uint_eq(sink.events[0].line_seq, 1);
	ck_assert_int_eq(sink.in_isr, _i);

	xt_ok(isr_fd_set_events(source, ISR_FD_READ | ISR_FD_WRITE));
	xt_sink_run(&sink, 2);
	ck_assert_int_eq(sink.events[1].value, ISR_FD_READ | ISR_FD_WRITE);
	ck_assert_uint_ge(sink.events[1].line_seq, 2);

	xt_ok(isr_fd_set_events(source, ISR_FD_WRITE));
	xt_sink_run(&sink, 3);
	ck_assert_int_eq(sink.events[2].value, ISR_FD_WRITE);
}
END_TEST

START_TEST(fd_is_level_triggered)
{
	make_readable();
	open_fd(_i, ISR_FD_READ, 5);

	xt_sink_run(&sink, 5);

	ck_assert_int_eq(sink.in_isr, _i);
}
END_TEST

START_TEST(fd_without_events_is_silent)
{
	make_readable();
	open_fd(_i, 0, 1);
	xt_settle();
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_fd_set_events(source, ISR_FD_READ));
	xt_sink_run(&sink, 1);
}
END_TEST

START_TEST(fd_hang_up_is_told_by_both_bits)
{
	close(fds[1]);
	fds[1] = -1;
	open_fd(_i, ISR_FD_READ | ISR_FD_WRITE, 1);

	xt_sink_run(&sink, 1);

	ck_assert_int_eq(sink.events[0].value, ISR_FD_READ | ISR_FD_WRITE);
}
END_TEST

START_TEST(fd_disarmed_is_silent_and_loses_nothing)
{
	open_fd(_i, ISR_FD_READ, 1);
	xt_ok(isr_source_disarm(source));
	make_readable();
	/* What is waited for may change meanwhile, and counts later. */
	xt_ok(isr_fd_set_events(source, ISR_FD_READ | ISR_FD_WRITE));
	xt_settle();
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_source_arm(source));
	xt_sink_run(&sink, 1);
	ck_assert_int_eq(sink.events[0].value, ISR_FD_READ | ISR_FD_WRITE);
	ck_assert_uint_eq(xt_stats(source).discarded, 0);
}
END_TEST

START_TEST(fd_failing_handler_is_disarmed)
{
	make_readable();
	sink.result = -EPROTO;
	open_fd(_i, ISR_FD_READ, 0);

	xt_sink_run(&sink, 1);
	xt_wait_failed(source);
	xt_settle();

	ck_assert_uint_eq(sink.n, 1);
	ck_assert_int_eq(xt_stats(source).last_error, -EPROTO);
	ck_assert_uint_eq(isr_flag_peek(isr_source_get_failed_flag(source)), 1);

	/* It works again once it is armed. */
	sink.result = 0;
	sink.stop_at = 2;
	xt_ok(isr_source_arm(source));
	xt_sink_run(&sink, 2);
}
END_TEST

static int read_all(struct isr_source *s, const struct isr_event *event,
		    void *arg)
{
	char bytes[64];
	ssize_t n = read(fds[0], bytes, sizeof(bytes));

	if (n > 0)
		atomic_fetch_add((atomic_uint *)arg, (unsigned int)n);
	isr_loop_stop(loop);
	return 0;
}

START_TEST(fd_of_a_hard_handler_is_read_there)
{
	atomic_uint n_bytes = 0;
	unsigned int i;

	xt_ok(isr_fd_open(loop, fds[0], ISR_FD_READ, &xt_hard, read_all,
			  &n_bytes, &source));
	for (i = 1; i <= 100; i++) {
		make_readable();
		while (atomic_load(&n_bytes) < i)
			xt_ok(isr_loop_run(loop));
	}

	ck_assert_uint_eq(atomic_load(&n_bytes), 100);
	ck_assert_uint_eq(xt_stats(source).delivered, 100);
}
END_TEST

START_TEST(fd_has_one_hard_source_a_priority)
{
	struct isr_source_options options = {.hard = true};
	struct isr_source *other = NULL;

	open_fd(true, ISR_FD_READ, 1);
	xt_fails_with(EEXIST, isr_fd_open(loop, fds[0], ISR_FD_READ, &options,
					  note, &sink, &other));
	ck_assert_ptr_null(other);
	options.priority = 1;
	xt_ok(isr_fd_open(loop, fds[0], ISR_FD_WRITE, &options, note, &sink,
			  &other));
	xt_sink_run(&sink, 1);
}
END_TEST

START_TEST(fd_that_is_always_ready_is_refused_hard)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	xt_fails_with(EINVAL, isr_fd_open(loop, fd, ISR_FD_READ, &xt_hard, note,
					  &sink, &source));
	close(fd);
}
END_TEST

static int close_self(struct isr_source *s, const struct isr_event *event,
		      void *arg)
{
	(*(unsigned int *)arg)++;
	return isr_source_close(s);
}

START_TEST(fd_may_be_closed_by_its_own_handler)
{
	unsigned int n = 0;

	make_readable();
	xt_ok(isr_fd_open(loop, fds[0], ISR_FD_READ, NULL, close_self, &n,
			  &source));

	xt_settle();

	ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(fd_stays_the_callers)
{
	open_fd(_i, ISR_FD_READ, 0);

	xt_ok(isr_source_close(source));

	make_readable();
	xt_settle();
	ck_assert_uint_eq(sink.n, 0);
}
END_TEST

/* With room for no more descriptors, or with the old room. */
static void limit_fds(bool full)
{
	static struct rlimit before;
	struct rlimit limit;

	if (full) {
		ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
		limit = before;
		limit.rlim_cur = STDERR_FILENO + 1;
	} else {
		limit = before;
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(fd_that_cannot_be_armed_stays_silent)
{
	struct pollfd outer = {.events = POLLIN};

	make_readable();
	open_fd(false, ISR_FD_READ, 0);
	xt_ok(isr_source_disarm(source));
	outer.fd = isr_loop_get_fd(loop);
	xt_ok(outer.fd);

	/* The foreign loop's view takes a descriptor of its own. */
	limit_fds(true);
	xt_fails_with(EMFILE, isr_source_arm(source));
	limit_fds(false);
	xt_settle();
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_source_arm(source));
	ck_assert_int_eq(poll(&outer, 1, 0), 1);
	xt_sink_run(&sink, 1);
}
END_TEST

START_TEST(fd_bad_arguments_are_refused)
{
	xt_fails_with(EINVAL, isr_fd_open(NULL, fds[0], 0, NULL, xt_sink, NULL,
					  &source));
	xt_fails_with(EINVAL,
		      isr_fd_open(loop, fds[0], 0, NULL, NULL, NULL, &source));
	xt_fails_with(EINVAL,
		      isr_fd_open(loop, fds[0], 0, NULL, xt_sink, NULL, NULL));
	xt_fails_with(EINVAL, isr_fd_open(loop, fds[0], 4, NULL, xt_sink, NULL,
					  &source));
	xt_fails_with(EBADF,
		      isr_fd_open(loop, -1, 0, NULL, xt_sink, NULL, &source));
	xt_fails_with(EBADF,
		      isr_fd_open(loop, 4000, 0, NULL, xt_sink, NULL, &source));
	ck_assert_ptr_null(source);

	xt_fails_with(EINVAL, isr_fd_set_events(NULL, ISR_FD_READ));
	open_fd(false, 0, 0);
	xt_fails_with(EINVAL, isr_fd_set_events(source, 8));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fd");
	TCase *tcase = xt_case(suite, "fd");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, fd_readable_and_writable_are_told, 0, 2);
	tcase_add_loop_test(tcase, fd_is_level_triggered, 0, 2);
	tcase_add_loop_test(tcase, fd_without_events_is_silent, 0, 2);
	tcase_add_loop_test(tcase, fd_hang_up_is_told_by_both_bits, 0, 2);
	tcase_add_loop_test(tcase, fd_disarmed_is_silent_and_loses_nothing, 0,
			    2);
	tcase_add_loop_test(tcase, fd_failing_handler_is_disarmed, 0, 2);
	tcase_add_test(tcase, fd_of_a_hard_handler_is_read_there);
	tcase_add_test(tcase, fd_has_one_hard_source_a_priority);
	tcase_add_test(tcase, fd_that_is_always_ready_is_refused_hard);
	tcase_add_test(tcase, fd_may_be_closed_by_its_own_handler);
	tcase_add_loop_test(tcase, fd_stays_the_callers, 0, 2);
	tcase_add_test(tcase, fd_that_cannot_be_armed_stays_silent);
	tcase_add_test(tcase, fd_bad_arguments_are_refused);

	return xt_main(suite);
}
