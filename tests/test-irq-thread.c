/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * IRQ threads and readers, on eventfds. A service that makes others ready runs
 * in the thread itself, so that the next wait reports all of them together.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "irq-thread.h"
#include "xt-source.h"

enum { TRIGGER, A, B, N_ENTRIES };

static struct isri_irq_thread *thread;
static struct isri_irq_entry entries[N_ENTRIES];
static unsigned int n_served[N_ENTRIES]; /* under the thread's lock */
static bool unblocked;			 /* likewise: a signal was */
static struct isr_flag served;
static sigset_t mask_before;

/* What waits of a thread fail with, and how many of them may. */
static atomic_int wait_error, n_errors;
#define WAIT_ERRORS 3

int __real_epoll_wait(int fd, struct epoll_event *events, int max, int ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int ms);

int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int ms)
{
	int error = atomic_load(&wait_error), left;

	left = error ? atomic_fetch_sub(&n_errors, 1) : 0;
	if (left <= 0)
		return __real_epoll_wait(fd, events, max, ms);
	/* It should have ended: that is all that the test waits for. */
	if (error == EBADF && left < WAIT_ERRORS)
		isr_loop_stop(loop);
	errno = error;
	return -1;
}

static void stop(struct isr_flag *flag, uint32_t count, void *arg)
{
	isr_loop_stop(loop);
}

static void setup_thread(bool hard)
{
	int i;

	xt_loop_setup();
	atomic_store(&wait_error, 0);
	xt_ok(isr_flag_init(&served, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&served, stop, NULL));
	memset(n_served, 0, sizeof(n_served));
	memset(entries, 0, sizeof(entries));
	for (i = 0; i < N_ENTRIES; i++) {
		entries[i].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ck_assert_int_ge(entries[i].fd, 0);
	}
	pthread_sigmask(SIG_BLOCK, NULL, &mask_before);
	xt_ok(isri_irq_thread_get(loop, hard, 0, &thread));
}

static void setup_hard(void)
{
	setup_thread(true);
}

static void setup(void)
{
	setup_thread(false);
}

static void teardown(void)
{
	int i;

	isri_irq_thread_put(thread);
	for (i = 0; i < N_ENTRIES; i++)
		close(entries[i].fd);
	xt_ok(isr_flag_done(&served));
	xt_loop_teardown();
}

static void count(struct isri_irq_entry *entry, unsigned int events)
{
	eventfd_t value;

	eventfd_read(entry->fd, &value);
	n_served[entry - entries]++;
}

static void count_and_tell(struct isri_irq_entry *entry, unsigned int events)
{
	count(entry, events);
	isr_flag_set(&served);
}

static bool has_threads(struct isr_loop *l)
{
	struct isri_irq_threads *threads = &isri_loop_base(l)->irq_threads;
	int i;

	for (i = 0; i < ISRI_IRQ_THREADS_MAX; i++)
		if (threads->of[i])
			return true;
	return false;
}

static void watch(int i, void (*service)(struct isri_irq_entry *entry,
					 unsigned int events))
{
	entries[i].service = service;
	isri_irq_thread_lock(thread);
	xt_ok(isri_irq_thread_watch(thread, &entries[i], ISR_FD_READ));
	isri_irq_thread_unlock(thread);
}

static unsigned int get_served(int i)
{
	unsigned int n;

	isri_irq_thread_lock(thread);
	n = n_served[i];
	isri_irq_thread_unlock(thread);
	return n;
}

static void unwatch(int i)
{
	isri_irq_thread_lock(thread);
	isri_irq_thread_watch(thread, &entries[i], 0);
	isri_irq_thread_unlock(thread);
}

/* Serves the trigger, and with it all that was reported before. */
static void trigger(void (*service)(struct isri_irq_entry *entry,
				    unsigned int events))
{
	isri_irq_thread_lock(thread);
	entries[TRIGGER].service = service;
	isri_irq_thread_unlock(thread);
	ck_assert_int_eq(eventfd_write(entries[TRIGGER].fd, 1), 0);
	xt_ok(isr_loop_run(loop));
}

/* Before it tells: so they come before the next trigger. */
static void make_both_ready(struct isri_irq_entry *entry, unsigned int events)
{
	eventfd_write(entries[A].fd, 1);
	eventfd_write(entries[B].fd, 1);
	count_and_tell(entry, events);
}

/* Whichever of both comes first ends the other, whose report waits. */
static void end_the_other(struct isri_irq_entry *entry, unsigned int events)
{
	count(entry, events);
	isri_irq_thread_watch(thread, &entries[entry == &entries[A] ? B : A],
			      0);
}

START_TEST(irq_thread_forgets_the_report_of_a_removed_entry)
{
	watch(TRIGGER, count_and_tell);
	watch(A, end_the_other);
	watch(B, end_the_other);

	trigger(make_both_ready);
	trigger(count_and_tell);

	ck_assert_uint_eq(get_served(A) + get_served(B), 1);
	ck_assert_uint_eq(get_served(TRIGGER), 2);
	unwatch(TRIGGER);
	unwatch(A);
	unwatch(B);
}
END_TEST

static void end_and_watch_again(struct isri_irq_entry *entry,
				unsigned int events)
{
	count(entry, events);
	isri_irq_thread_watch(thread, entry, 0);
	isri_irq_thread_watch(thread, entry, ISR_FD_READ);
}

START_TEST(irq_thread_serves_the_others_after_a_removal)
{
	watch(TRIGGER, count_and_tell);
	watch(A, end_and_watch_again);
	watch(B, end_and_watch_again);

	trigger(make_both_ready);
	do
		trigger(count_and_tell);
	while (get_served(A) + get_served(B) != 2);

	unwatch(TRIGGER);
	unwatch(A);
	unwatch(B);
}
END_TEST

START_TEST(irq_thread_unwatched_is_not_served)
{
	watch(TRIGGER, count_and_tell);
	watch(A, count);
	unwatch(A);
	unwatch(A);
	ck_assert_int_eq(eventfd_write(entries[A].fd, 1), 0);

	trigger(count_and_tell);
	trigger(count_and_tell);

	ck_assert_uint_eq(get_served(A), 0);
	unwatch(TRIGGER);
}
END_TEST

/* What a thread raises itself is not for others. */
static bool is_fault(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE ||
	       signo == SIGILL;
}

static void check_mask(struct isri_irq_entry *entry, unsigned int events)
{
	sigset_t set;
	int signo;

	count_and_tell(entry, events);
	unblocked = pthread_sigmask(SIG_BLOCK, NULL, &set) != 0;
	for (signo = 1; signo <= SIGRTMAX; signo++)
		if (signo != SIGKILL && signo != SIGSTOP &&
		    (signo < 32 || signo >= SIGRTMIN) &&
		    sigismember(&set, signo) == is_fault(signo))
			unblocked = true;
}

START_TEST(irq_thread_gets_no_signals_but_faults)
{
	sigset_t after;
	int signo;

	watch(TRIGGER, check_mask);

	trigger(check_mask);

	unwatch(TRIGGER);
	ck_assert(!unblocked);
	/* And the mask of whoever started it is as it was. */
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	for (signo = 1; signo < 32; signo++)
		ck_assert_int_eq(sigismember(&after, signo),
				 sigismember(&mask_before, signo));
}
END_TEST

START_TEST(irq_thread_ends_with_its_last_user)
{
	struct isri_irq_thread *second, *other;
	struct isr_loop *other_loop;

	xt_ok(isri_irq_thread_get(loop, false, 0, &second));
	ck_assert_ptr_eq(second, thread);
	isri_irq_thread_put(second);
	ck_assert(has_threads(loop));

	xt_ok(isr_loop_new(NULL, &other_loop));
	xt_ok(isri_irq_thread_get(other_loop, false, 0, &other));
	ck_assert_ptr_ne(other, thread);
	isri_irq_thread_put(other);
	ck_assert(!has_threads(other_loop));
	xt_ok(isr_loop_free(other_loop));
	isri_irq_thread_put(NULL);
}
END_TEST

static char name[24]; /* under the lock */
static struct sched_param param;
static int policy;

static void note_thread(struct isri_irq_entry *entry, unsigned int events)
{
	prctl(PR_GET_NAME, name);
	policy = sched_getscheduler(0);
	sched_getparam(0, &param);
	count_and_tell(entry, events);
}

/* Real-time priority may be forbidden here, and then there is a message. */
static void ignore(enum isr_log_level level, const char *message, void *arg)
{
}

START_TEST(irq_thread_is_one_a_priority_and_kind)
{
	struct isri_irq_thread *first = thread, *second;
	bool hard = _i % 2;
	int priority = _i / 2;
	char expected[24];

	xt_ok(isr_loop_set_log_cb(loop, ignore, NULL));
	xt_ok(isri_irq_thread_get(loop, hard, priority, &thread));
	xt_ok(isri_irq_thread_get(loop, hard, priority, &second));
	ck_assert_ptr_eq(thread, second);
	watch(TRIGGER, note_thread);
	trigger(note_thread);
	unwatch(TRIGGER);

	ck_assert_int_eq(thread == first, _i == 0);
	snprintf(expected, sizeof(expected), "isr-%s/%d", hard ? "irq" : "read",
		 priority);
	ck_assert_str_eq(name, expected);
	/* All that is permitted, where it is not what we ask for. */
	if (policy == SCHED_FIFO && param.sched_priority >= 40)
		ck_assert_int_eq(param.sched_priority, 40 + priority);

	isri_irq_thread_put(second);
	isri_irq_thread_put(thread);
	thread = first;
}
END_TEST

static void count_and_tell_b(struct isri_irq_entry *entry, unsigned int events)
{
	eventfd_t value;

	eventfd_read(entry->fd, &value);
	isr_flag_set(&served);
}

/* A reader that serves: whatever could run before has done so. */
static void settle_reader(void)
{
	static struct isri_irq_entry probe;
	struct isri_irq_thread *reader;

	xt_ok(isri_irq_thread_get(loop, false, 0, &reader));
	probe = (struct isri_irq_entry){
		.fd = entries[B].fd,
		.service = count_and_tell_b,
	};
	isri_irq_thread_lock(reader);
	xt_ok(isri_irq_thread_watch(reader, &probe, ISR_FD_READ));
	isri_irq_thread_unlock(reader);

	ck_assert_int_eq(eventfd_write(entries[B].fd, 1), 0);
	xt_ok(isr_loop_run(loop));

	isri_irq_thread_lock(reader);
	isri_irq_thread_watch(reader, &probe, 0);
	isri_irq_thread_unlock(reader);
	isri_irq_thread_put(reader);
}

START_TEST(irq_thread_held_runs_nothing_and_forgets_nothing)
{
	watch(TRIGGER, count_and_tell);

	isri_irq_threads_hard_lock(loop);
	ck_assert_int_eq(eventfd_write(entries[TRIGGER].fd, 1), 0);
	settle_reader();
	ck_assert_uint_eq(n_served[TRIGGER], 0);
	isri_irq_threads_hard_unlock(loop);

	xt_ok(isr_loop_run(loop));
	ck_assert_uint_eq(get_served(TRIGGER), 1);
	unwatch(TRIGGER);
}
END_TEST

START_TEST(irq_thread_held_lets_entries_come_and_go)
{
	watch(TRIGGER, count_and_tell);

	isri_irq_threads_hard_lock(loop);
	ck_assert_int_eq(eventfd_write(entries[TRIGGER].fd, 1), 0);
	settle_reader();
	unwatch(TRIGGER);
	watch(A, count_and_tell);
	ck_assert_int_eq(eventfd_write(entries[A].fd, 1), 0);
	isri_irq_threads_hard_unlock(loop);

	xt_ok(isr_loop_run(loop));
	ck_assert_uint_eq(get_served(TRIGGER), 0);
	ck_assert_uint_eq(get_served(A), 1);
	unwatch(A);
}
END_TEST

START_TEST(irq_thread_started_while_held_is_held)
{
	struct isri_irq_thread *first = thread;

	isri_irq_threads_hard_lock(loop);
	xt_ok(isri_irq_thread_get(loop, true, 2, &thread));
	watch(TRIGGER, count_and_tell);
	ck_assert_int_eq(eventfd_write(entries[TRIGGER].fd, 1), 0);
	settle_reader();
	ck_assert_uint_eq(n_served[TRIGGER], 0);
	isri_irq_threads_hard_unlock(loop);

	xt_ok(isr_loop_run(loop));
	unwatch(TRIGGER);
	ck_assert_uint_eq(n_served[TRIGGER], 1);
	isri_irq_thread_put(thread);
	thread = first;
}
END_TEST

START_TEST(irq_thread_may_end_while_held)
{
	watch(TRIGGER, count_and_tell);

	isri_irq_threads_hard_lock(loop);
	ck_assert_int_eq(eventfd_write(entries[TRIGGER].fd, 1), 0);
	settle_reader();
	unwatch(TRIGGER);
	isri_irq_thread_put(thread);
	ck_assert_uint_eq(n_served[TRIGGER], 0);
	ck_assert(!has_threads(loop));
	isri_irq_threads_hard_unlock(loop);

	thread = NULL;
}
END_TEST

static struct isr_emerg last_words;
static unsigned int n_records;

static void take_down(const struct isr_emerg *record, void *arg)
{
	last_words = *record;
	n_records++;
	isr_loop_stop(loop);
}

/* In the thread, which does not wait meanwhile. */
static void let_waits_fail(struct isri_irq_entry *entry, unsigned int events)
{
	count(entry, events);
	atomic_store(&n_errors, WAIT_ERRORS);
	atomic_store(&wait_error, entry == &entries[A] ? EINTR : EBADF);
}

START_TEST(irq_thread_that_cannot_wait_ends_and_says_so)
{
	struct isri_irq_thread *second;

	n_records = 0;
	xt_ok(isr_emerg_set_cb(loop, take_down, NULL));
	watch(TRIGGER, let_waits_fail);

	ck_assert_int_eq(eventfd_write(entries[TRIGGER].fd, 1), 0);
	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(last_words.kind, ISR_EMERG_THREAD);
	ck_assert_int_eq(last_words.code, -EBADF);
	ck_assert_uint_eq(last_words.context, ISR_CONTEXT_THREAD);
	ck_assert_str_eq(last_words.message,
			 _i ? "thread isr-irq/0 ended: epoll_wait() failed"
			    : "thread isr-read/0 ended: epoll_wait() failed");
	xt_fails_with(EAGAIN, isri_irq_thread_get(loop, _i, 0, &second));
	unwatch(TRIGGER);
	isri_irq_thread_put(thread);
	ck_assert_int_eq(atomic_load(&n_errors), WAIT_ERRORS - 1);
	ck_assert_uint_eq(n_records, 1);
	thread = NULL;
}
END_TEST

START_TEST(irq_thread_goes_on_when_a_wait_is_interrupted)
{
	watch(TRIGGER, count_and_tell);
	watch(A, let_waits_fail);
	ck_assert_int_eq(eventfd_write(entries[A].fd, 1), 0);
	xt_wait_until(atomic_load(&n_errors) < 0 && atomic_load(&wait_error));

	trigger(count_and_tell);

	unwatch(TRIGGER);
	unwatch(A);
	ck_assert_uint_eq(n_served[TRIGGER], 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("irq-thread");
	TCase *tcase = xt_case(suite, "irq-thread");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, irq_thread_forgets_the_report_of_a_removed_entry);
	tcase_add_test(tcase, irq_thread_serves_the_others_after_a_removal);
	tcase_add_test(tcase, irq_thread_unwatched_is_not_served);
	tcase_add_test(tcase, irq_thread_gets_no_signals_but_faults);
	tcase_add_test(tcase, irq_thread_ends_with_its_last_user);
	tcase_add_loop_test(tcase, irq_thread_is_one_a_priority_and_kind, 0,
			    2 * (ISR_PRIORITY_MAX + 1));
	tcase_add_loop_test(tcase, irq_thread_that_cannot_wait_ends_and_says_so,
			    0, 1);
	tcase_add_test(tcase, irq_thread_goes_on_when_a_wait_is_interrupted);

	tcase = xt_case(suite, "hold");
	tcase_add_checked_fixture(tcase, setup_hard, teardown);
	tcase_add_test(tcase, irq_thread_held_runs_nothing_and_forgets_nothing);
	tcase_add_test(tcase, irq_thread_held_lets_entries_come_and_go);
	tcase_add_test(tcase, irq_thread_started_while_held_is_held);
	tcase_add_test(tcase, irq_thread_may_end_while_held);
	tcase_add_loop_test(tcase, irq_thread_that_cannot_wait_ends_and_says_so,
			    1, 2);

	return xt_main(suite);
}
