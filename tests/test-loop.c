/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The loop: run, stop, foreign loops, end. */
#include <ev.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <isrloop/event.h>
#include <isrloop/flag.h>
#include <isrloop/loop.h>

#include "context.h"
#include "loop.h"
#include "xt.h"

static struct isr_loop *loop;
static struct isr_flag flag;
static unsigned int n_calls;

static void setup(void)
{
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	n_calls = 0;
}

static void teardown(void)
{
	isr_loop_free(loop);
}

static void count_and_stop(struct isr_flag *f, uint32_t count, void *arg)
{
	n_calls++;
	isr_loop_stop(arg);
}

static void *set_from_thread(void *arg)
{
	isr_flag_set(arg);
	return NULL;
}

static void *stop_from_thread(void *arg)
{
	isr_loop_stop(arg);
	return NULL;
}

START_TEST(loop_wakes_for_a_set_of_another_thread)
{
	pthread_t thread;

	xt_ok(isr_flag_set_cb(&flag, count_and_stop, loop));
	ck_assert_int_eq(pthread_create(&thread, NULL, set_from_thread, &flag),
			 0);

	xt_ok(isr_loop_run(loop));

	pthread_join(thread, NULL);
	ck_assert_uint_eq(n_calls, 1);
}
END_TEST

START_TEST(loop_stops_for_another_thread)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, stop_from_thread, loop),
			 0);

	xt_ok(isr_loop_run(loop));

	pthread_join(thread, NULL);
}
END_TEST

START_TEST(loop_stopped_before_it_runs_returns_at_once)
{
	isr_loop_stop(loop);
	isr_loop_stop(loop);

	xt_ok(isr_loop_run(loop));

	/* Both stops ended one run: the next goes on until its own. */
	xt_ok(isr_flag_set_cb(&flag, count_and_stop, loop));
	isr_flag_set(&flag);
	xt_ok(isr_loop_run(loop));
	ck_assert_uint_eq(n_calls, 1);
}
END_TEST

static void stop_twice_and_set(struct isr_flag *f, uint32_t count, void *arg)
{
	n_calls++;
	isr_loop_stop(loop);
	isr_loop_stop(loop);
}

START_TEST(loop_ten_stops_from_callbacks_end_ten_runs)
{
	unsigned int i;

	xt_ok(isr_flag_set_cb(&flag, stop_twice_and_set, NULL));
	for (i = 0; i < 10; i++) {
		isr_flag_set(&flag);
		xt_ok(isr_loop_run(loop));
	}
	ck_assert_uint_eq(n_calls, 10);
}
END_TEST

static void stop_in_handler(int signo)
{
	isr_loop_stop(loop);
}

static void *signal_process(void *arg)
{
	kill(getpid(), SIGUSR1);
	return NULL;
}

START_TEST(loop_stops_from_a_signal_handler)
{
	struct sigaction action = {.sa_handler = stop_in_handler};
	struct sigaction before;
	pthread_t thread;

	sigaction(SIGUSR1, &action, &before);
	ck_assert_int_eq(pthread_create(&thread, NULL, signal_process, NULL),
			 0);

	xt_ok(isr_loop_run(loop));

	pthread_join(thread, NULL);
	sigaction(SIGUSR1, &before, NULL);
}
END_TEST

static void run_again(struct isr_flag *f, uint32_t count, void *arg)
{
	xt_fails_with(EBUSY, isr_loop_run(loop));
	xt_fails_with(EBUSY, isr_loop_dispatch(loop));
	n_calls++;
	isr_loop_stop(loop);
}

START_TEST(loop_refuses_to_run_inside_itself)
{
	xt_ok(isr_flag_set_cb(&flag, run_again, NULL));
	isr_flag_set(&flag);

	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(n_calls, 1);
}
END_TEST

static void free_loop(struct isr_flag *f, uint32_t count, void *arg)
{
	n_calls++;
	xt_ok(isr_loop_free(loop));
	xt_ok(isr_loop_free(loop));
}

START_TEST(loop_freed_by_a_callback_ends_its_run)
{
	struct isr_flag second;

	xt_ok(isr_flag_init(&second, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, free_loop, NULL));
	xt_ok(isr_flag_set_cb(&second, free_loop, NULL));
	isr_flag_set(&flag);
	isr_flag_set(&second);

	xt_fails_with(ECANCELED, isr_loop_run(loop));

	ck_assert_uint_eq(n_calls, 1);
	loop = NULL;
}
END_TEST

static bool is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

START_TEST(loop_fd_is_readable_while_there_is_something_to_do)
{
	int fd = isr_loop_get_fd(loop);

	xt_ok(fd);
	xt_ok(isr_flag_set_cb(&flag, count_and_stop, NULL));
	xt_ok(isr_loop_dispatch(loop));
	ck_assert(!is_readable(fd));

	isr_flag_set(&flag);
	ck_assert(is_readable(fd));
	ck_assert_uint_eq(n_calls, 0);

	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_calls, 1);
	xt_ok(isr_loop_dispatch(loop));
	ck_assert(!is_readable(fd));
	ck_assert_int_eq(isr_loop_get_fd(loop), fd);
}
END_TEST

static void set_again(struct isr_flag *f, uint32_t count, void *arg)
{
	if (++n_calls < 3)
		isr_flag_set(f);
}

START_TEST(loop_fd_stays_readable_for_work_left_by_a_dispatch)
{
	int fd = isr_loop_get_fd(loop);

	xt_ok(isr_flag_set_cb(&flag, set_again, NULL));
	isr_flag_set(&flag);
	while (is_readable(fd))
		xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_calls, 3);
}
END_TEST

START_TEST(loop_fd_tells_of_a_set_after_a_run)
{
	int fd = isr_loop_get_fd(loop);

	isr_loop_stop(loop);
	xt_ok(isr_loop_run(loop));
	ck_assert(!is_readable(fd));

	isr_flag_set(&flag);

	ck_assert(is_readable(fd));
}
END_TEST

START_TEST(loop_fd_tells_of_a_callback_that_is_set_late)
{
	int fd = isr_loop_get_fd(loop);

	isr_flag_set(&flag);
	xt_ok(isr_loop_dispatch(loop));
	ck_assert(!is_readable(fd));

	xt_ok(isr_flag_set_cb(&flag, count_and_stop, NULL));
	ck_assert(is_readable(fd));

	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_calls, 1);
}
END_TEST

static void ignore_events(struct isri_loop_fd *watch, unsigned int events)
{
}

START_TEST(loop_fd_follows_what_is_watched)
{
	struct isri_loop_fd watch;
	int fd = isr_loop_get_fd(loop), ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	xt_ok(isri_loop_fd_add(loop, &watch, ends[0], ISR_FD_READ,
			       ignore_events));
	ck_assert(is_readable(fd));

	xt_ok(isri_loop_fd_set(&watch, 0));
	ck_assert(!is_readable(fd));
	xt_ok(isri_loop_fd_set(&watch, ISR_FD_READ));
	ck_assert(is_readable(fd));
	isri_loop_fd_remove(&watch);
	ck_assert(!is_readable(fd));

	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(loop_dispatch_tells_a_stop)
{
	xt_ok(isr_loop_dispatch(loop));
	isr_loop_stop(loop);

	ck_assert_int_eq(isr_loop_dispatch(loop), 1);
	ck_assert_int_eq(isr_loop_dispatch(loop), 0);
}
END_TEST

START_TEST(loop_attached_lives_in_the_callers)
{
	struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO);
	struct isr_loop *attached;
	struct isr_flag f;
	pthread_t thread;

	xt_ok(isr_loop_attach(ev, NULL, &attached));
	ck_assert_ptr_eq(isr_loop_get_ev(attached), ev);
	xt_fails_with(EINVAL, isr_loop_get_fd(attached));
	xt_ok(isr_flag_init(&f, attached, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&f, count_and_stop, attached));
	ck_assert_int_eq(pthread_create(&thread, NULL, set_from_thread, &f), 0);

	ev_run(ev, 0);
	ck_assert_uint_eq(n_calls, 1);

	/* A stop must not keep later passes from delivering. */
	isr_flag_set(&f);
	ev_run(ev, 0);
	ck_assert_uint_eq(n_calls, 2);

	pthread_join(thread, NULL);
	xt_ok(isr_loop_free(attached));
	/* Nothing of ours is left: it has no reason to go on. */
	ck_assert_int_eq(ev_run(ev, 0), 0);
	ev_loop_destroy(ev);
}
END_TEST

static struct isr_loop *to_free;

static void free_attached(struct isr_flag *f, uint32_t count, void *arg)
{
	xt_ok(isr_loop_free(to_free));
}

START_TEST(loop_attached_may_be_freed_by_its_callback)
{
	struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO);
	struct isr_flag f;

	xt_ok(isr_loop_attach(ev, NULL, &to_free));
	xt_ok(isr_flag_init(&f, to_free, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&f, free_attached, NULL));
	isr_flag_set(&f);

	ck_assert_int_eq(ev_run(ev, 0), 0);

	ev_loop_destroy(ev);
}
END_TEST

static void *use_elsewhere(void *arg)
{
	struct isr_loop_stats stats;

	xt_fails_with(EPERM, isr_loop_free(loop));
	xt_fails_with(EPERM, isr_loop_get_fd(loop));
	xt_fails_with(EPERM, isr_loop_set_log_cb(loop, NULL, NULL));
	xt_fails_with(EPERM, isr_loop_get_stats(loop, &stats));
	ck_assert_ptr_null(isr_loop_get_ev(loop));
	return NULL;
}

START_TEST(loop_refuses_other_threads)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, use_elsewhere, NULL), 0);
	pthread_join(thread, NULL);
}
END_TEST

static void *run_elsewhere(void *arg)
{
	isr_loop_stop(loop);
	xt_ok(isr_loop_run(loop));
	/* Its thread is now this one. */
	ck_assert_int_eq(isr_flag_take(&flag), 0);
	return NULL;
}

START_TEST(loop_belongs_to_the_thread_that_runs_it)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run_elsewhere, NULL), 0);
	pthread_join(thread, NULL);
	xt_fails_with(EPERM, isr_flag_take(&flag));

	/* Back, so that the fixture may free it. */
	isr_loop_stop(loop);
	xt_ok(isr_loop_run(loop));
}
END_TEST

/* In the child, where a failed assertion would be nobody's. */
static bool is_refused_in_child(void)
{
	struct isr_loop *own;

	return isr_loop_run(loop) == -EPERM &&
	       isr_loop_dispatch(loop) == -EPERM &&
	       isr_loop_free(loop) == -EPERM &&
	       isr_flag_take(&flag) == -EPERM && isr_loop_new(NULL, &own) == 0 &&
	       isr_loop_dispatch(own) == 0 && isr_loop_free(own) == 0;
}

START_TEST(loop_is_refused_in_a_child)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0)
		_exit(is_refused_in_child() ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);

	ck_assert_int_eq(status, 0);
	isr_flag_set(&flag);
	ck_assert_int_eq(isr_flag_take(&flag), 1);
}
END_TEST

START_TEST(loop_is_not_made_in_isr_context)
{
	struct isr_loop *other = NULL;
	struct isri_frame frame;

	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, loop, NULL);
	xt_fails_with(EPERM, isr_loop_new(NULL, &other));
	xt_fails_with(EPERM, isr_loop_attach(EV_DEFAULT, NULL, &other));
	isri_context_leave(&frame);

	ck_assert_ptr_null(other);
	ev_default_destroy();
}
END_TEST

START_TEST(loop_counts_what_it_does)
{
	struct isr_loop_stats stats;

	xt_ok(isr_flag_set_cb(&flag, count_and_stop, loop));
	isr_flag_set(&flag);
	xt_ok(isr_loop_run(loop));
	xt_ok(isr_loop_get_stats(loop, &stats));

	/* The flag and the stop; nobody had to wake it. */
	ck_assert_uint_eq(stats.deliveries, 2);
	ck_assert_uint_ge(stats.passes, 1);
	ck_assert_uint_eq(stats.wakeups, 0);
	/* A later version may fill it: today's programs find 0. */
	ck_assert_uint_eq(stats.reserved[0], 0);
}
END_TEST

START_TEST(loop_refuses_bad_arguments)
{
	struct isr_loop_stats stats;

	xt_fails_with(EINVAL, isr_loop_new(NULL, NULL));
	xt_fails_with(EINVAL, isr_loop_attach(NULL, NULL, &loop));
	xt_fails_with(EINVAL, isr_loop_run(NULL));
	xt_fails_with(EINVAL, isr_loop_get_fd(NULL));
	xt_fails_with(EINVAL, isr_loop_get_stats(NULL, &stats));
	xt_fails_with(EINVAL, isr_loop_get_stats(loop, NULL));
	xt_ok(isr_loop_free(NULL));
	isr_loop_stop(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *tc = xt_case(suite, "loop");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, loop_wakes_for_a_set_of_another_thread);
	tcase_add_test(tc, loop_stops_for_another_thread);
	tcase_add_test(tc, loop_stopped_before_it_runs_returns_at_once);
	tcase_add_test(tc, loop_ten_stops_from_callbacks_end_ten_runs);
	tcase_add_test(tc, loop_stops_from_a_signal_handler);
	tcase_add_test(tc, loop_refuses_to_run_inside_itself);
	tcase_add_test(tc, loop_freed_by_a_callback_ends_its_run);
	tcase_add_test(tc, loop_fd_is_readable_while_there_is_something_to_do);
	tcase_add_test(tc, loop_fd_stays_readable_for_work_left_by_a_dispatch);
	tcase_add_test(tc, loop_fd_tells_of_a_set_after_a_run);
	tcase_add_test(tc, loop_fd_tells_of_a_callback_that_is_set_late);
	tcase_add_test(tc, loop_fd_follows_what_is_watched);
	tcase_add_test(tc, loop_dispatch_tells_a_stop);
	tcase_add_test(tc, loop_attached_lives_in_the_callers);
	tcase_add_test(tc, loop_attached_may_be_freed_by_its_callback);
	tcase_add_test(tc, loop_refuses_other_threads);
	tcase_add_test(tc, loop_belongs_to_the_thread_that_runs_it);
	tcase_add_test(tc, loop_is_refused_in_a_child);
	tcase_add_test(tc, loop_is_not_made_in_isr_context);
	tcase_add_test(tc, loop_counts_what_it_does);
	tcase_add_test(tc, loop_refuses_bad_arguments);
	return xt_main(suite);
}
