/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The IRQ thread, on eventfds. A service that makes others ready runs in the
 * thread itself, so that the next wait reports all of them together.
 */
#include <signal.h>
#include <sys/eventfd.h>
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

static void stop(struct isr_flag *flag, uint32_t count, void *arg)
{
	isr_loop_stop(loop);
}

static void setup(void)
{
	int i;

	xt_loop_setup();
	xt_ok(isr_flag_init(&served, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&served, stop, NULL));
	memset(n_served, 0, sizeof(n_served));
	memset(entries, 0, sizeof(entries));
	for (i = 0; i < N_ENTRIES; i++) {
		entries[i].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ck_assert_int_ge(entries[i].fd, 0);
	}
	pthread_sigmask(SIG_BLOCK, NULL, &mask_before);
	xt_ok(isri_irq_thread_get(loop, &thread));
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

static void count(struct isri_irq_entry *entry)
{
	eventfd_t value;

	eventfd_read(entry->fd, &value);
	n_served[entry - entries]++;
}

static void count_and_tell(struct isri_irq_entry *entry)
{
	count(entry);
	isr_flag_set(&served);
}

static void watch(int i, void (*service)(struct isri_irq_entry *entry))
{
	entries[i].service = service;
	isri_irq_thread_lock(thread);
	xt_ok(isri_irq_thread_watch(thread, &entries[i]));
	isri_irq_thread_unlock(thread);
}

static void unwatch(int i)
{
	isri_irq_thread_lock(thread);
	isri_irq_thread_unwatch(thread, &entries[i]);
	isri_irq_thread_unlock(thread);
}

/* Serves the trigger, and with it all that was reported before. */
static void trigger(void (*service)(struct isri_irq_entry *entry))
{
	isri_irq_thread_lock(thread);
	entries[TRIGGER].service = service;
	isri_irq_thread_unlock(thread);
	ck_assert_int_eq(eventfd_write(entries[TRIGGER].fd, 1), 0);
	xt_ok(isr_loop_run(loop));
}

static void make_both_ready(struct isri_irq_entry *entry)
{
	count_and_tell(entry);
	eventfd_write(entries[A].fd, 1);
	eventfd_write(entries[B].fd, 1);
}

/* Whichever of both comes first ends the other, whose report waits. */
static void end_the_other(struct isri_irq_entry *entry)
{
	count(entry);
	isri_irq_thread_unwatch(thread, &entries[entry == &entries[A] ? B : A]);
}

START_TEST(irq_thread_forgets_the_report_of_a_removed_entry)
{
	watch(TRIGGER, count_and_tell);
	watch(A, end_the_other);
	watch(B, end_the_other);

	trigger(make_both_ready);
	trigger(count_and_tell);

	isri_irq_thread_lock(thread);
	ck_assert_uint_eq(n_served[A] + n_served[B], 1);
	ck_assert_uint_eq(n_served[TRIGGER], 2);
	isri_irq_thread_unlock(thread);
	unwatch(TRIGGER);
	unwatch(A);
	unwatch(B);
}
END_TEST

static void end_and_watch_again(struct isri_irq_entry *entry)
{
	count(entry);
	isri_irq_thread_unwatch(thread, entry);
	isri_irq_thread_watch(thread, entry);
}

START_TEST(irq_thread_serves_the_others_after_a_removal)
{
	watch(TRIGGER, count_and_tell);
	watch(A, end_and_watch_again);
	watch(B, end_and_watch_again);

	trigger(make_both_ready);
	while (true) {
		unsigned int n;

		trigger(count_and_tell);
		isri_irq_thread_lock(thread);
		n = n_served[A] + n_served[B];
		isri_irq_thread_unlock(thread);
		if (n == 2)
			break;
	}

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

	isri_irq_thread_lock(thread);
	ck_assert_uint_eq(n_served[A], 0);
	isri_irq_thread_unlock(thread);
	unwatch(TRIGGER);
}
END_TEST

static void check_mask(struct isri_irq_entry *entry)
{
	sigset_t set;
	int signo;

	count_and_tell(entry);
	unblocked = pthread_sigmask(SIG_BLOCK, NULL, &set) != 0;
	for (signo = 1; signo <= SIGRTMAX; signo++)
		if (signo != SIGKILL && signo != SIGSTOP &&
		    (signo < 32 || signo >= SIGRTMIN) &&
		    !sigismember(&set, signo))
			unblocked = true;
}

START_TEST(irq_thread_gets_no_signals)
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

START_TEST(irq_thread_is_one_a_loop_and_ends_with_its_last_user)
{
	struct isri_irq_thread *second, *other;
	struct isr_loop *other_loop;

	xt_ok(isri_irq_thread_get(loop, &second));
	ck_assert_ptr_eq(second, thread);
	isri_irq_thread_put(second);
	ck_assert_ptr_eq(*isri_loop_get_irq_thread(loop), thread);

	xt_ok(isr_loop_new(NULL, &other_loop));
	xt_ok(isri_irq_thread_get(other_loop, &other));
	ck_assert_ptr_ne(other, thread);
	isri_irq_thread_put(other);
	ck_assert_ptr_null(*isri_loop_get_irq_thread(other_loop));
	xt_ok(isr_loop_free(other_loop));
	isri_irq_thread_put(NULL);
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
	tcase_add_test(tcase, irq_thread_gets_no_signals);
	tcase_add_test(tcase,
		       irq_thread_is_one_a_loop_and_ends_with_its_last_user);

	return xt_main(suite);
}
