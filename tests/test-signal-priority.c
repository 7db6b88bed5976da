/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Signals of a higher priority interrupt the handlers of lower ones. */
#include <signal.h>
#include <unistd.h>

#include "xt-source.h"

static struct isr_source *source;

/*
 * Sources of two priorities; each handler says when it comes and goes, and in
 * between it raises the other one's signal, once.
 */
static struct {
	char text[16];
	unsigned int length;
	int other[2];
} trace;

static int leave_trace(struct isr_source *s, const struct isr_event *event,
		       void *arg)
{
	bool high = arg != NULL;
	int other = trace.other[high];

	trace.text[trace.length++] = high ? 'H' : 'L';
	trace.other[high] = 0;
	if (other)
		raise(other);
	trace.text[trace.length++] = high ? 'h' : 'l';
	return 0;
}

static void open_two(int low_signo, int low, int high_signo, int high)
{
	struct isr_source_options options = {.hard = true};
	struct isr_source *second;

	memset(&trace, 0, sizeof(trace));
	options.priority = low;
	xt_ok(isr_signal_open(loop, low_signo, &options, leave_trace, NULL,
			      &source));
	options.priority = high;
	xt_ok(isr_signal_open(loop, high_signo, &options, leave_trace, &trace,
			      &second));
}

START_TEST(priority_higher_interrupts_a_lower_ones_handler)
{
	/* Whichever number is the greater one, and is opened first. */
	int low = _i ? SIGUSR1 : SIGUSR2, high = _i ? SIGUSR2 : SIGUSR1;

	open_two(low, 0, high, ISR_PRIORITY_MAX);

	trace.other[0] = high;
	raise(low);
	ck_assert_str_eq(trace.text, "LHhl");
	trace.other[1] = low;
	raise(high);
	ck_assert_str_eq(trace.text, "LHhlHhLl");
}
END_TEST

START_TEST(priority_equals_wait_for_each_other)
{
	open_two(SIGUSR1, 2, SIGUSR2, 2);

	trace.other[0] = SIGUSR2;
	raise(SIGUSR1);
	trace.other[1] = SIGUSR1;
	raise(SIGUSR2);

	ck_assert_str_eq(trace.text, "LlHhHhLl");
}
END_TEST

START_TEST(priority_of_a_source_that_is_gone_blocks_nothing)
{
	struct sigaction action;

	open_two(SIGUSR1, 0, SIGUSR2, 1);
	ck_assert_int_eq(sigaction(SIGUSR2, NULL, &action), 0);
	ck_assert_int_eq(sigismember(&action.sa_mask, SIGUSR1), 1);

	xt_ok(isr_source_close(source));

	ck_assert_int_eq(sigaction(SIGUSR2, NULL, &action), 0);
	ck_assert_int_eq(sigismember(&action.sa_mask, SIGUSR1), 0);
}
END_TEST

static void own_handler(int signo)
{
}

START_TEST(priority_does_not_undo_what_the_program_installed)
{
	struct sigaction action;
	struct isr_source *second;

	xt_ok(isr_signal_open(loop, SIGUSR1, &xt_hard, xt_sink, &sink,
			      &source));
	signal(SIGUSR1, own_handler);

	xt_ok(isr_signal_open(loop, SIGUSR2, &xt_hard, xt_sink, &sink,
			      &second));

	ck_assert_int_eq(sigaction(SIGUSR1, NULL, &action), 0);
	ck_assert(action.sa_handler == own_handler);
}
END_TEST

/* Where a handler returns to is the C library's, and so is the flag for it. */
#define FLAG_RESTORER 0x04000000

struct disposition {
	void (*handler)(int);
	uint64_t flags;
	uint64_t mask; /* what of a sigset_t the kernel knows */
};

static void read_dispositions(struct disposition *ret)
{
	struct sigaction action;
	int signo;

	memset(ret, 0, NSIG * sizeof(*ret));
	for (signo = 1; signo < NSIG; signo++) {
		if (sigaction(signo, NULL, &action) < 0)
			continue;
		ret[signo].handler = action.sa_handler;
		ret[signo].flags =
			(unsigned int)action.sa_flags & ~FLAG_RESTORER;
		memcpy(&ret[signo].mask, &action.sa_mask, sizeof(uint64_t));
	}
}

START_TEST(priority_dispositions_and_mask_are_those_found)
{
	struct disposition before[NSIG], after[NSIG];
	struct isr_source_options options = {.hard = true};
	sigset_t mask_before, mask_after;
	struct isr_source *s;
	int signo;

	read_dispositions(before);
	sigemptyset(&mask_before);
	sigemptyset(&mask_after);
	pthread_sigmask(SIG_BLOCK, NULL, &mask_before);

	for (signo = SIGRTMIN; signo <= SIGRTMAX; signo++) {
		options.priority = signo % (ISR_PRIORITY_MAX + 1);
		xt_ok(isr_signal_open(loop, signo, &options, xt_sink, &sink,
				      &s));
		raise(signo);
	}
	xt_ok(isr_loop_free(loop));
	loop = NULL;

	read_dispositions(after);
	pthread_sigmask(SIG_BLOCK, NULL, &mask_after);
	ck_assert_int_eq(memcmp(before, after, sizeof(before)), 0);
	ck_assert_int_eq(memcmp(&mask_before, &mask_after, sizeof(uint64_t)),
			 0);
}
END_TEST

/* The thread sanitizer's runtime puts signals off, and keeps dispositions. */
#ifdef __SANITIZE_THREAD__
#define SIGNALS_ARE_KERNELS 0
#else
#define SIGNALS_ARE_KERNELS 1
#endif

static void add_of_the_kernel(TCase *tcase)
{
	tcase_add_loop_test(
		tcase, priority_higher_interrupts_a_lower_ones_handler, 0, 2);
	tcase_add_test(tcase, priority_dispositions_and_mask_are_those_found);
}

int main(void)
{
	Suite *suite = suite_create("signal-priority");
	TCase *tcase;

	tcase = xt_case(suite, "priority");
	tcase_add_checked_fixture(tcase, xt_loop_setup, xt_loop_teardown);
	tcase_add_test(tcase, priority_equals_wait_for_each_other);
	tcase_add_test(tcase, priority_of_a_source_that_is_gone_blocks_nothing);
	tcase_add_test(tcase,
		       priority_does_not_undo_what_the_program_installed);
	if (SIGNALS_ARE_KERNELS)
		add_of_the_kernel(tcase);

	return xt_main(suite);
}
