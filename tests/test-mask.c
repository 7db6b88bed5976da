/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Critical sections keep hard handlers, and threads that entered, out. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "door.h"
#include "linger.h"
#include "race.h"
#include "signal-handler.h"
#include "waits.h"
#include "xt-source.h"

static struct isr_source *source;

static void open_signal(int signo, isr_handler_cb *handler)
{
	xt_ok(isr_signal_open(loop, signo, &xt_hard, handler, &sink, &source));
}

static struct isr_loop_stats get_stats(void)
{
	struct isr_loop_stats stats;

	xt_ok(isr_loop_get_stats(loop, &stats));
	return stats;
}

/* The only record there is, of a section that began in this file. */
static struct isr_emerg take_record(int code)
{
	struct isr_emerg record, another;

	ck_assert_int_eq(isr_emerg_take(loop, &record), 1);
	ck_assert_uint_eq(record.kind, ISR_EMERG_MASK);
	ck_assert_int_eq(record.code, code);
	ck_assert_int_eq(isr_emerg_take(loop, &another), 0);
	return record;
}

static bool names_this_file(const char *where)
{
	return strstr(where, "test-mask.c:") != NULL;
}

START_TEST(mask_tokens_count_the_sections_that_are_open)
{
	int i, depth, round;

	for (round = 0; round < 5; round++) {
		for (depth = 0; depth <= 20; depth++)
			ck_assert_int_eq(isr_mask(loop), depth);
		for (i = 0; i < 100; i++)
			(void)isr_now_ns();
		while (depth--)
			xt_ok(isr_unmask(loop, depth));
	}

	ck_assert_uint_eq(get_stats().masks, 5);
}
END_TEST

START_TEST(mask_wrong_token_changes_nothing_and_is_told)
{
	static const int wrong[] = {-1, 0, 2};

	open_signal(SIGUSR1, xt_sink);
	isr_mask(loop);
	isr_mask(loop);

	xt_fails_with(EINVAL, isr_unmask(loop, wrong[_i]));

	ck_assert(names_this_file(take_record(-EINVAL).where));
	raise(SIGUSR1);
	ck_assert_uint_eq(sink.n, 0);
	xt_ok(isr_unmask(loop, 1));
	ck_assert_uint_eq(sink.n, 0);
	xt_ok(isr_unmask(loop, 0));
	ck_assert_uint_eq(sink.n, 1);
	xt_fails_with(EINVAL, isr_unmask(loop, 0));
	ck_assert_str_eq(take_record(-EINVAL).where, "");
}
END_TEST

START_TEST(mask_signals_wait_and_are_handled_in_order)
{
	int i, token;

	open_signal(SIGRTMIN, xt_sink);

	token = isr_mask(loop);
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(sigqueue(getpid(), SIGRTMIN,
					  (union sigval){.sival_int = i}),
				 0);
	ck_assert_uint_eq(sink.n, 0);
	xt_ok(isr_unmask(loop, token));

	ck_assert_uint_eq(sink.n, 100);
	ck_assert(sink.in_isr);
	ck_assert(pthread_equal(sink.thread, pthread_self()));
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(sink.events[i].value, i);
	ck_assert_uint_eq(sink.lost, 0);
}
END_TEST

START_TEST(mask_is_of_one_loop)
{
	struct isr_source *others;
	struct isr_loop *other;
	int token;

	xt_ok(isr_loop_new(NULL, &other));
	xt_ok(isr_signal_open(other, SIGUSR2, &xt_hard, xt_sink, &sink,
			      &others));

	token = isr_mask(loop);
	raise(SIGUSR2);
	ck_assert_uint_eq(sink.n, 1);
	xt_ok(isr_unmask(loop, token));

	xt_ok(isr_loop_free(other));
}
END_TEST

static int note_order(struct isr_source *s, const struct isr_event *event,
		      void *arg)
{
	int *order = arg;

	order[++order[0]] = event->line_seq + isr_source_get_id(s) * 10;
	return 0;
}

START_TEST(mask_higher_priorities_are_handled_first)
{
	struct isr_source_options options = {.hard = true};
	static const int priorities[] = {1, 3, 2};
	struct isr_source *s;
	int i, token, order[8] = {0};

	for (i = 0; i < 3; i++) {
		options.priority = priorities[i];
		xt_ok(isr_signal_open(loop, SIGRTMIN + i, &options, note_order,
				      order, &s));
	}

	token = isr_mask(loop);
	for (i = 0; i < 6; i++)
		raise(SIGRTMIN + i % 3);
	xt_ok(isr_unmask(loop, token));

	ck_assert_int_eq(order[0], 6);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(order[2 * i + 2], order[2 * i + 1] + 1);
	ck_assert_int_eq(order[1], 21);
	ck_assert_int_eq(order[3], 31);
	ck_assert_int_eq(order[5], 11);
}
END_TEST

static void *linger_entered(void *arg)
{
	xt_ok(isr_enter(loop));
	linger(NULL, NULL, NULL);
	xt_ok(isr_exit(loop));
	return NULL;
}

START_TEST(mask_waits_for_what_runs_in_another_thread)
{
	pthread_t lingerer;

	open_signal(SIGUSR1, linger);
	ck_assert_int_eq(pthread_create(&lingerer, NULL,
					_i ? linger_entered : linger_in_handler,
					NULL),
			 0);
	linger_await();
	atomic_store(&waits_hook, linger_release);

	xt_ok(isr_mask(loop));

	ck_assert(atomic_load(&lingers.finished));
	xt_ok(isr_unmask(loop, 0));
	pthread_join(lingerer, NULL);
}
END_TEST

START_TEST(mask_refuses_to_wait)
{
	xt_ok(isr_mask(loop));

	xt_fails_with(EDEADLK, isr_loop_run(loop));
	xt_fails_with(EDEADLK, isr_loop_dispatch(loop));

	xt_ok(isr_unmask(loop, 0));
	xt_ok(isr_loop_dispatch(loop));
}
END_TEST

static int tokens[4];
static unsigned int n_tokens;

static void forget(void *arg)
{
	tokens[n_tokens++] = isr_mask(loop);
	isr_mask(loop);
}

static void forget_in_flag(struct isr_flag *flag, uint32_t count, void *arg)
{
	forget(NULL);
}

static int forget_in_handler(struct isr_source *s,
			     const struct isr_event *event, void *arg)
{
	forget(NULL);
	return 0;
}

static unsigned int n_told;

static void count_told(const struct isr_emerg *record, void *arg)
{
	ck_assert_uint_eq(record->kind, ISR_EMERG_MASK);
	ck_assert_int_eq(record->code, -EDEADLK);
	ck_assert(names_this_file(record->where));
	n_told++;
}

START_TEST(mask_left_open_by_a_callback_is_ended_and_told)
{
	struct isr_flag flag;
	int i;

	xt_ok(isr_emerg_set_cb(loop, count_told, NULL));
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, forget_in_flag, NULL));
	xt_ok(isr_signal_open(loop, SIGUSR1, NULL, forget_in_handler, NULL,
			      &source));
	n_tokens = 0;
	n_told = 0;

	isr_flag_set(&flag);
	raise(SIGUSR1);
	xt_ok(isr_schedule(loop, forget, NULL));
	xt_ok(isr_schedule(loop, forget, NULL));
	xt_settle();

	ck_assert_uint_eq(n_tokens, 4);
	ck_assert_uint_eq(n_told, 4);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(tokens[i], 0);
	ck_assert_uint_eq(get_stats().masks, 4);
	xt_ok(isr_flag_done(&flag));
}
END_TEST

/* Of a section that is longer than this, in a loop that is made so. */
static struct isr_emerg take_record_of_long(struct isr_loop_config config,
					    uint64_t ns)
{
	uint64_t start_ns;

	xt_ok(isr_loop_free(loop));
	xt_ok(isr_loop_new(&config, &loop));

	xt_ok(isr_mask(loop));
	start_ns = isr_now_ns();
	while (isr_now_ns() - start_ns <= ns)
		;
	xt_ok(isr_unmask(loop, 0));

	return take_record(-ETIME);
}

START_TEST(mask_long_is_told)
{
	struct isr_loop_config config = {sizeof(config), .mask_warn_ns = 1};
	struct isr_emerg record = take_record_of_long(config, 1000);

	ck_assert_uint_ge(record.value_ns, 1000);
	ck_assert(names_this_file(record.where));
	ck_assert_uint_eq(get_stats().mask_max_ns, record.value_ns);
	ck_assert_str_eq(get_stats().mask_max_where, record.where);
}
END_TEST

START_TEST(mask_of_a_millisecond_is_long_by_default)
{
	struct isr_loop_config config = {.sz = sizeof(config)};
	struct isr_emerg record = take_record_of_long(config, 1000000);

	ck_assert_uint_gt(record.value_ns, 1000000);
}
END_TEST

static int try_all(struct isr_source *s, const struct isr_event *event,
		   void *arg)
{
	int *results = arg;

	results[0] = isr_mask(loop);
	results[1] = isr_unmask(loop, 0);
	results[2] = isr_enter(loop);
	results[3] = isr_exit(loop);
	return 0;
}

START_TEST(mask_is_refused_in_handlers)
{
	int i, results[4] = {0};

	xt_ok(isr_signal_open(loop, SIGUSR1, &xt_hard, try_all, results,
			      &source));

	raise(SIGUSR1);

	for (i = 0; i < 4; i++)
		ck_assert_int_eq(results[i], -EPERM);
}
END_TEST

static void *try_elsewhere(void *arg)
{
	int *results = arg;

	results[0] = isr_mask(loop);
	results[1] = isr_unmask(loop, 0);
	results[2] = isr_exit(loop);
	return NULL;
}

START_TEST(mask_is_refused_in_other_threads)
{
	int results[3] = {0};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, try_elsewhere, results),
			 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(results[0], -EPERM);
	ck_assert_int_eq(results[1], -EPERM);
	ck_assert_int_eq(results[2], -EINVAL);
}
END_TEST

static bool child_is_refused(void)
{
	return isr_mask(loop) == -EPERM && isr_unmask(loop, 0) == -EPERM &&
	       isr_enter(loop) == -EPERM && isr_exit(loop) == -EPERM;
}

START_TEST(mask_is_not_a_childs)
{
	int status;
	pid_t pid;

	open_signal(SIGUSR1, xt_sink);
	xt_ok(isr_mask(loop));
	pid = fork();
	if (pid == 0)
		_exit(child_is_refused() ? 0 : 1);

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	raise(SIGUSR1);
	ck_assert_uint_eq(sink.n, 0);
	xt_ok(isr_unmask(loop, 0));
	ck_assert_uint_eq(sink.n, 1);
}
END_TEST

#ifdef ISR_TEST_POINTS

static int fire(int value)
{
	struct isr_event event = {
		.t_ns = isr_now_ns(),
		.kind = ISR_EVENT_USER,
		.value = value,
	};

	return isri_signal_fire(source, &event);
}

static struct isri_door door;

static void shut(void)
{
	isri_door_shut(&door);
}

START_TEST(mask_door_shut_just_now_is_found_shut)
{
	memset(&door, 0, sizeof(door));
	race_at(0, "door:A", shut);

	ck_assert(!isri_door_enter(&door));

	assert_raced(1);
	ck_assert(isri_door_is_empty(&door));
	ck_assert(isri_door_open(&door));
	ck_assert(isri_door_enter(&door));
}
END_TEST

static void unmask(void)
{
	xt_ok(isr_unmask(loop, 0));
	ck_assert_uint_eq(sink.n, 0);
}

/* Refused, and about to go: the loop finds the turn taken. */
START_TEST(mask_that_ends_before_a_refused_one_goes_is_noticed)
{
	open_signal(SIGUSR1, xt_sink);
	xt_ok(isr_mask(loop));
	race_at(0, "turn:C", unmask);

	xt_ok(fire(1));

	assert_raced(1);
	ck_assert_uint_eq(sink.n, 1);
}
END_TEST

/* Refused, and its event is not in the ring yet. */
START_TEST(mask_that_ends_before_the_event_waits_is_noticed)
{
	open_signal(SIGUSR1, xt_sink);
	xt_ok(isr_mask(loop));
	race_at(0, "ring:A", unmask);

	xt_ok(fire(1));

	assert_raced(1);
	ck_assert_uint_eq(sink.n, 1);
}
END_TEST

#endif

static void setup(void)
{
	xt_loop_setup();
	linger_begin();
	atomic_store(&waits_hook, NULL);
#ifdef ISR_TEST_POINTS
	forget_races();
#endif
}

int main(void)
{
	Suite *suite = suite_create("mask");
	TCase *tcase;

	tcase = xt_case(suite, "mask");
	tcase_add_checked_fixture(tcase, setup, xt_loop_teardown);
	tcase_add_test(tcase, mask_tokens_count_the_sections_that_are_open);
	tcase_add_loop_test(tcase, mask_wrong_token_changes_nothing_and_is_told,
			    0, 3);
	tcase_add_test(tcase, mask_signals_wait_and_are_handled_in_order);
	tcase_add_test(tcase, mask_is_of_one_loop);
	tcase_add_test(tcase, mask_higher_priorities_are_handled_first);
	tcase_add_loop_test(tcase, mask_waits_for_what_runs_in_another_thread,
			    0, 2);
	tcase_add_test(tcase, mask_refuses_to_wait);
	tcase_add_test(tcase, mask_left_open_by_a_callback_is_ended_and_told);
	tcase_add_test(tcase, mask_long_is_told);
	tcase_add_test(tcase, mask_of_a_millisecond_is_long_by_default);
	tcase_add_test(tcase, mask_is_refused_in_handlers);
	tcase_add_test(tcase, mask_is_refused_in_other_threads);
	tcase_add_test(tcase, mask_is_not_a_childs);

#ifdef ISR_TEST_POINTS
	tcase = xt_case(suite, "races");
	tcase_add_checked_fixture(tcase, setup, xt_loop_teardown);
	tcase_add_test(tcase, mask_door_shut_just_now_is_found_shut);
	tcase_add_test(tcase,
		       mask_that_ends_before_a_refused_one_goes_is_noticed);
	tcase_add_test(tcase, mask_that_ends_before_the_event_waits_is_noticed);
#endif

	return xt_main(suite);
}
