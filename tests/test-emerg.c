/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Emergency records, failure policies, budgets, and misuse that is caught. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xt-source.h"

static struct isr_emerg record;
static struct isr_source *source;
static char log_text[4096];

static void setup(void)
{
	xt_ok(isr_loop_new(&xt_patient, &loop));
	memset(&record, 0, sizeof(record));
	log_text[0] = '\0';
}

static int fail_by_return(struct isr_source *s, const struct isr_event *event,
			  void *arg)
{
	++*(unsigned int *)arg;
	return -EIO;
}

static int fail_by_call(struct isr_source *s, const struct isr_event *event,
			void *arg)
{
	++*(unsigned int *)arg;
	isr_fail(-EPROTO, "bad 1");
	return 0;
}

static void open_failing(isr_handler_cb *handler, enum isr_on_fail on_fail,
			 bool hard, unsigned int *n)
{
	const struct isr_source_options options = {
		.name = "button",
		.on_fail = on_fail,
		.hard = hard,
	};

	xt_ok(isr_signal_open(loop, SIGUSR1, &options, handler, n, &source));
}

static void raise_and_settle(unsigned int times)
{
	while (times--) {
		raise(SIGUSR1);
		xt_settle();
	}
}

static struct isr_emerg take(void)
{
	ck_assert_int_eq(isr_emerg_take(loop, &record), 1);
	return record;
}

START_TEST(emerg_of_a_failed_handler_is_complete)
{
	uint64_t before_ns = isr_now_ns();
	unsigned int n = 0;

	open_failing(fail_by_call, ISR_ON_FAIL_DISARM, _i, &n);
	raise_and_settle(1);

	take();
	ck_assert_uint_eq(record.kind, ISR_EMERG_FAIL);
	ck_assert_int_eq(record.code, -EPROTO);
	ck_assert_str_eq(record.message, "bad 1");
	ck_assert_str_eq(record.source_name, "button");
	ck_assert_uint_eq(record.source, isr_source_get_id(source));
	ck_assert_int_eq(record.tid, gettid());
	ck_assert_uint_eq(record.context,
			  _i ? ISR_CONTEXT_SIGNAL : ISR_CONTEXT_LOOP);
	ck_assert_ptr_nonnull(strstr(record.where, "test-emerg.c:"));
	ck_assert_uint_gt(record.n_frames, 0);
	ck_assert_uint_ge(record.t_ns, before_ns);
	ck_assert_uint_le(record.t_ns, isr_now_ns());
	ck_assert_int_eq(isr_emerg_take(loop, &record), 0);
}
END_TEST

START_TEST(fail_disarm_runs_the_handler_once)
{
	struct isr_flag *failed;
	unsigned int n = 0;

	open_failing(fail_by_return, ISR_ON_FAIL_DISARM, _i, &n);
	raise_and_settle(100);

	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(xt_stats(source).failed, 1);
	ck_assert_int_eq(xt_stats(source).last_error, -EIO);
	ck_assert_uint_eq(xt_stats(source).discarded, 99);
	failed = isr_source_get_failed_flag(source);
	ck_assert_int_eq(isr_flag_take(failed), 1);
	ck_assert_uint_eq(take().kind, ISR_EMERG_FAILED);
	xt_ok(isr_source_arm(source));
	raise_and_settle(1);
	ck_assert_uint_eq(n, 2);
}
END_TEST

START_TEST(fail_keep_goes_on_and_counts)
{
	unsigned int n = 0;

	open_failing(_i & 2 ? fail_by_call : fail_by_return, ISR_ON_FAIL_KEEP,
		     _i & 1, &n);
	raise_and_settle(100);

	ck_assert_uint_eq(n, 100);
	ck_assert_uint_eq(xt_stats(source).failed, 100);
	ck_assert_uint_eq(xt_stats(source).discarded, 0);
	ck_assert_int_eq(isr_flag_take(isr_source_get_failed_flag(source)),
			 100);
	if (!(_i & 2)) {
		ck_assert_uint_eq(take().kind, ISR_EMERG_FAILED);
		return;
	}
	/* What handlers say themselves has no limit but the room. */
	ck_assert_uint_eq(isr_emerg_get_lost(loop), 100 - ISR_EMERG_RECORDS);
}
END_TEST

static int fail_anew(struct isr_source *s, const struct isr_event *event,
		     void *arg)
{
	return isr_fail(-EIO, "again");
}

START_TEST(fail_abort_writes_the_record_and_aborts)
{
	unsigned int n = 0;
	char text[4096] = "";
	int fds[2], status;
	ssize_t length;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		isr_loop_new(NULL, &loop);
		open_failing(_i & 2 ? fail_by_call : fail_by_return,
			     ISR_ON_FAIL_ABORT, _i & 1, &n);
		raise(SIGUSR1);
		isr_loop_dispatch(loop);
		_exit(0);
	}
	close(fds[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	length = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);

	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	ck_assert_int_gt(length, 0);
	ck_assert_ptr_nonnull(strstr(text, "(button): the handler failed"));
	if (!(_i & 2)) {
		ck_assert_ptr_nonnull(strstr(text, "code -5"));
		return;
	}
	/* What the handler said, and where. */
	ck_assert_ptr_nonnull(strstr(text, "(button): bad 1, code -71"));
	ck_assert_ptr_nonnull(strstr(text, "test-emerg.c:"));
}
END_TEST

START_TEST(fail_of_one_source_leaves_others_alone)
{
	struct isr_source *sibling;
	unsigned int n = 0;

	open_failing(fail_by_return, ISR_ON_FAIL_DISARM, true, &n);
	xt_ok(isr_signal_open(loop, SIGUSR2, &xt_hard, xt_sink, &sink,
			      &sibling));
	raise(SIGUSR2);
	raise(SIGUSR1);
	raise(SIGUSR1);
	raise(SIGUSR2);

	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(sink.n, 2);
}
END_TEST

/* Which of many errors came first is the one thing one must know. */
START_TEST(emerg_first_record_is_never_overwritten)
{
	unsigned int n = 0, i;

	open_failing(fail_by_call, ISR_ON_FAIL_KEEP, true, &n);
	raise(SIGUSR1);
	xt_ok(isr_source_close(source));
	open_failing(fail_anew, ISR_ON_FAIL_KEEP, true, &n);
	for (i = 0; i < 40; i++)
		raise(SIGUSR1);

	ck_assert_int_eq(take().code, -EPROTO);
	for (i = 1; i < ISR_EMERG_RECORDS; i++)
		ck_assert_int_eq(take().code, -EIO);
	ck_assert_int_eq(isr_emerg_take(loop, &record), 0);
	ck_assert_uint_eq(isr_emerg_get_lost(loop), 41 - ISR_EMERG_RECORDS);
}
END_TEST

static char long_text[80];

static int fail_with_text(struct isr_source *s, const struct isr_event *event,
			  void *arg)
{
	return isr_fail_at(-EIO, long_text, long_text);
}

START_TEST(emerg_texts_are_cut_at_their_room)
{
	unsigned int n = 0;
	size_t length = 62 + (size_t)_i, kept = length < 64 ? length : 63;

	memset(long_text, 'x', length);
	long_text[0] = 'F';
	long_text[length - 1] = 'L';
	long_text[length] = '\0';
	open_failing(fail_with_text, ISR_ON_FAIL_KEEP, true, &n);
	raise(SIGUSR1);

	take();
	ck_assert_uint_eq(strlen(record.message), kept);
	ck_assert_int_eq(record.message[0], 'F');
	ck_assert_uint_eq(strlen(record.where), kept);
	ck_assert_int_eq(record.where[kept - 1], 'L');
}
END_TEST

static void *misuse_in_thread(void *arg)
{
	return (void *)(intptr_t)isr_source_disarm(source);
}

START_TEST(misuse_in_another_thread_is_refused_and_named)
{
	pthread_t thread;
	unsigned int n = 0;
	void *result;

	open_failing(fail_by_return, ISR_ON_FAIL_DISARM, true, &n);
	pthread_create(&thread, NULL, misuse_in_thread, NULL);
	pthread_join(thread, &result);

	ck_assert_int_eq((intptr_t)result, -EPERM);
	take();
	ck_assert_uint_eq(record.kind, ISR_EMERG_MISUSE);
	ck_assert_uint_eq(record.context, ISR_CONTEXT_THREAD);
	ck_assert_str_eq(record.message,
			 "isr_source_disarm() off the loop's thread");
	ck_assert_int_ne(record.tid, gettid());
	/* It is armed still. */
	raise(SIGUSR1);
	ck_assert_uint_eq(n, 1);
}
END_TEST

static int misuse_in_handler(struct isr_source *s,
			     const struct isr_event *event, void *arg)
{
	*(int *)arg = isr_loop_dispatch(loop);
	return 0;
}

START_TEST(misuse_in_a_handler_names_function_and_source)
{
	const struct isr_source_options options = {.name = "hasty",
						   .hard = true};
	int result = 0;

	xt_ok(isr_signal_open(loop, SIGUSR1, &options, misuse_in_handler,
			      &result, &source));
	raise(SIGUSR1);

	ck_assert_int_eq(result, -EPERM);
	take();
	ck_assert_uint_eq(record.kind, ISR_EMERG_MISUSE);
	ck_assert_str_eq(record.source_name, "hasty");
	ck_assert_str_eq(record.message, "isr_loop_dispatch() in ISR context");
	ck_assert_uint_eq(record.context, ISR_CONTEXT_SIGNAL);
}
END_TEST

static struct isr_ring polled;
static struct isr_event slots[2];

static int misuse_polled_ring(struct isr_source *s,
			      const struct isr_event *event, void *arg)
{
	struct isr_event got;
	int *n_refused = arg;

	*n_refused += isr_ring_get(&polled, &got, 1) == -EPERM;
	*n_refused += isr_ring_done(&polled) == -EPERM;
	*n_refused += isr_ring_init(&polled, NULL, slots, 2,
				    ISR_RING_DROP_NEW) == -EPERM;
	return 0;
}

START_TEST(misuse_of_a_ring_without_loop_is_refused_and_named)
{
	const struct isr_event event = {.kind = ISR_EVENT_USER};
	struct isr_event got;
	int n_refused = 0;

	xt_ok(isr_ring_init(&polled, NULL, slots, 2, ISR_RING_DROP_NEW));
	xt_ok(isr_ring_put(&polled, &event));
	xt_ok(isr_signal_open(loop, SIGUSR1, &xt_hard, misuse_polled_ring,
			      &n_refused, &source));
	raise(SIGUSR1);

	ck_assert_int_eq(n_refused, 3);
	ck_assert_str_eq(take().message, "isr_ring_get() in ISR context");
	ck_assert_str_eq(take().message, "isr_ring_done() in ISR context");
	ck_assert_str_eq(take().message, "isr_ring_init() in ISR context");
	ck_assert_int_eq(isr_ring_get(&polled, &got, 1), 1);
	xt_ok(isr_ring_done(&polled));
}
END_TEST

static int burn(struct isr_source *s, const struct isr_event *event, void *arg)
{
	uint64_t end_ns = isr_now_ns() + *(uint64_t *)arg;

	while (isr_now_ns() < end_ns)
		;
	return 0;
}

START_TEST(budget_overrun_is_counted_and_told)
{
	const struct isr_source_options options = {
		.budget_ns = 1000000,
		.hard = _i & 1,
		.fail_over_budget = _i & 2,
	};
	uint64_t burn_ns = 5000000;

	xt_ok(isr_signal_open(loop, SIGUSR1, &options, burn, &burn_ns,
			      &source));
	raise_and_settle(2);

	/* Over its budget it is disarmed, if that counts as a failure. */
	ck_assert_uint_eq(xt_stats(source).over_budget, _i & 2 ? 1 : 2);
	ck_assert_uint_eq(xt_stats(source).failed, _i & 2 ? 1 : 0);
	ck_assert_uint_ge(xt_stats(source).max_ns, burn_ns);
	take();
	ck_assert_uint_eq(record.kind, ISR_EMERG_OVER_BUDGET);
	ck_assert_uint_ge(record.value_ns, burn_ns);
}
END_TEST

static void take_down(enum isr_log_level level, const char *message, void *arg)
{
	if (level <= ISR_LOG_WARNING)
		snprintf(log_text, sizeof(log_text), "%s", message);
}

START_TEST(emerg_goes_to_the_log_with_all_that_is_known)
{
	unsigned int n = 0;

	open_failing(fail_by_call, ISR_ON_FAIL_DISARM, true, &n);
	raise(SIGUSR1);
	/* It waits for a log. */
	xt_settle();
	ck_assert_str_eq(log_text, "");
	xt_ok(isr_loop_set_log_cb(loop, take_down, NULL));
	xt_settle();

	ck_assert_ptr_nonnull(strstr(log_text, "(button): bad 1"));
	ck_assert_ptr_nonnull(strstr(log_text, "in a signal handler"));
	ck_assert_ptr_nonnull(strstr(log_text, "test-emerg.c:"));
	ck_assert_int_eq(isr_emerg_take(loop, &record), 0);
}
END_TEST

static void keep_record(const struct isr_emerg *r, void *arg)
{
	*(struct isr_emerg *)arg = *r;
}

START_TEST(emerg_goes_to_the_callback_instead_of_the_log)
{
	unsigned int n = 0;

	xt_ok(isr_loop_set_log_cb(loop, take_down, NULL));
	xt_ok(isr_emerg_set_cb(loop, keep_record, &record));
	open_failing(fail_by_call, ISR_ON_FAIL_DISARM, true, &n);
	raise_and_settle(1);

	ck_assert_str_eq(record.message, "bad 1");
	ck_assert_str_eq(log_text, "");
}
END_TEST

START_TEST(emerg_reaches_the_log_when_the_loop_ends)
{
	unsigned int n = 0;

	xt_ok(isr_loop_set_log_cb(loop, take_down, NULL));
	open_failing(fail_by_call, ISR_ON_FAIL_DISARM, true, &n);
	raise(SIGUSR1);

	isr_loop_free(loop);
	loop = NULL;

	ck_assert_ptr_nonnull(strstr(log_text, "bad 1"));
}
END_TEST

static void free_loop(const struct isr_emerg *r, void *arg)
{
	++*(unsigned int *)arg;
	xt_ok(isr_loop_free(loop));
}

/* Whether it gets the record while the loop runs, or when it is freed. */
START_TEST(emerg_callback_may_free_the_loop)
{
	unsigned int n = 0;

	xt_ok(isr_emerg_set_cb(loop, free_loop, &n));
	xt_fails_with(EINVAL, isr_unmask(loop, 1));
	if (_i)
		xt_fails_with(ECANCELED, isr_loop_run(loop));
	else
		xt_ok(isr_loop_free(loop));
	loop = NULL;

	ck_assert_uint_eq(n, 1);
}
END_TEST

#define RECORDS_MAX 10000

static bool delivered;

static void note_delivery(struct isr_flag *flag, uint32_t count, void *arg)
{
	delivered = true;
}

static void make_another(const struct isr_emerg *r, void *arg)
{
	if (!delivered && ++*(unsigned int *)arg < RECORDS_MAX)
		isr_unmask(loop, 1);
}

/* Nor one that comes as fast as records are handed out. */
START_TEST(emerg_records_do_not_keep_flags_waiting)
{
	struct isr_flag flag;
	unsigned int n = 0;

	delivered = false;
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, note_delivery, NULL));
	xt_ok(isr_emerg_set_cb(loop, make_another, &n));
	xt_fails_with(EINVAL, isr_unmask(loop, 1));
	isr_flag_set(&flag);
	xt_settle();

	ck_assert(delivered);
	ck_assert_uint_lt(n, RECORDS_MAX);
	xt_ok(isr_flag_done(&flag));
	xt_settle();
	ck_assert_int_eq(isr_emerg_take(loop, &record), 0);
}
END_TEST

START_TEST(fail_outside_callbacks_is_no_more_than_its_code)
{
	ck_assert_int_eq(isr_fail(-EIO, "nobody"), -EIO);
	ck_assert_ptr_null(isr_context_get_source());
	ck_assert_int_eq(isr_emerg_take(loop, &record), 0);
	xt_fails_with(EINVAL, isr_emerg_take(loop, NULL));
	xt_fails_with(EINVAL, isr_emerg_take(NULL, &record));
	xt_fails_with(EINVAL, isr_emerg_set_cb(NULL, NULL, NULL));
	ck_assert_uint_eq(isr_emerg_get_lost(NULL), 0);
}
END_TEST

static void fail_in_callback(void *arg)
{
	isr_fail(-EBADMSG, "in a callback");
}

START_TEST(fail_in_a_callback_of_the_loop_is_recorded)
{
	xt_ok(isr_schedule(loop, fail_in_callback, NULL));
	xt_settle();

	ck_assert_int_eq(take().code, -EBADMSG);
	ck_assert_uint_eq(record.context, ISR_CONTEXT_LOOP);
	ck_assert_uint_eq(record.source, 0);
}
END_TEST

START_TEST(options_of_a_later_version_are_refused)
{
	struct isr_source_options options = {.reserved = {0, 1}};

	xt_fails_with(E2BIG, isr_timer_open(loop, 0, 0, &options, xt_sink,
					    &sink, &source));
	options = (struct isr_source_options){.on_fail = 3};
	xt_fails_with(EINVAL, isr_fd_open(loop, 0, 0, &options, xt_sink, &sink,
					  &source));
	options = (struct isr_source_options){.priority = ISR_PRIORITY_MAX + 1};
	xt_fails_with(EINVAL, isr_fd_open(loop, 0, 0, &options, xt_sink, &sink,
					  &source));
	options.priority = -1;
	xt_fails_with(EINVAL, isr_fd_open(loop, 0, 0, &options, xt_sink, &sink,
					  &source));
}
END_TEST

START_TEST(source_name_is_given_or_made_up)
{
	const struct isr_source_options options = {
		.name = "a name that is longer than there is room for",
	};

	xt_ok(isr_timer_open(loop, 0, 0, NULL, xt_sink, &sink, &source));
	ck_assert_str_eq(isr_source_get_name(source), "timer");
	xt_ok(isr_signal_open(loop, SIGUSR1, NULL, xt_sink, &sink, &source));
	ck_assert_str_eq(isr_source_get_name(source), "signal 10");
	xt_ok(isr_fd_open(loop, 1, 0, NULL, xt_sink, &sink, &source));
	ck_assert_str_eq(isr_source_get_name(source), "fd 1");
	xt_ok(isr_timer_open(loop, 0, 0, &options, xt_sink, &sink, &source));
	ck_assert_str_eq(isr_source_get_name(source),
			 "a name that is longer than ther");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("emerg");
	TCase *tc = xt_case(suite, "emerg");

	tcase_add_checked_fixture(tc, setup, xt_loop_teardown);
	tcase_add_loop_test(tc, emerg_of_a_failed_handler_is_complete, 0, 2);
	tcase_add_loop_test(tc, fail_disarm_runs_the_handler_once, 0, 2);
	tcase_add_loop_test(tc, fail_keep_goes_on_and_counts, 0, 4);
	tcase_add_loop_test(tc, fail_abort_writes_the_record_and_aborts, 0, 4);
	tcase_add_test(tc, fail_of_one_source_leaves_others_alone);
	tcase_add_test(tc, emerg_first_record_is_never_overwritten);
	tcase_add_loop_test(tc, emerg_texts_are_cut_at_their_room, 0, 4);
	tcase_add_test(tc, misuse_in_another_thread_is_refused_and_named);
	tcase_add_test(tc, misuse_in_a_handler_names_function_and_source);
	tcase_add_test(tc, misuse_of_a_ring_without_loop_is_refused_and_named);
	tcase_add_loop_test(tc, budget_overrun_is_counted_and_told, 0, 4);
	tcase_add_test(tc, emerg_goes_to_the_log_with_all_that_is_known);
	tcase_add_test(tc, emerg_goes_to_the_callback_instead_of_the_log);
	tcase_add_test(tc, emerg_reaches_the_log_when_the_loop_ends);
	tcase_add_loop_test(tc, emerg_callback_may_free_the_loop, 0, 2);
	tcase_add_test(tc, emerg_records_do_not_keep_flags_waiting);
	tcase_add_test(tc, fail_outside_callbacks_is_no_more_than_its_code);
	tcase_add_test(tc, fail_in_a_callback_of_the_loop_is_recorded);
	tcase_add_test(tc, options_of_a_later_version_are_refused);
	tcase_add_test(tc, source_name_is_given_or_made_up);
	return xt_main(suite);
}
