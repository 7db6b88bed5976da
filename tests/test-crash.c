/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Crashes, each in a child of its own, leave a record and take their course. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash.h"
#include "xt-source.h"

#define OWN_STATUS 42
/* Of a child that did not crash, or could not be made ready to. */
#define BAD_STATUS 3

/* What a child left behind. */
static struct {
	char text[1024];
	int status;
} left;

static void must(int r)
{
	if (r < 0)
		_exit(BAD_STATUS);
}

/* Run it in a child; the crash handler writes to us. */
static void crash(void (*run)(void))
{
	ssize_t n, length = 0;
	int fds[2];
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		/* No core: it is about the status. */
		prctl(PR_SET_DUMPABLE, 0);
		must(isr_crash_install(fds[1]));
		run();
		_exit(BAD_STATUS);
	}
	close(fds[1]);
	while ((n = read(fds[0], left.text + length,
			 sizeof(left.text) - 1 - (size_t)length)) > 0)
		length += n;
	left.text[length] = '\0';
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &left.status, 0), pid);
}

static void assert_killed_by(int signo)
{
	ck_assert_msg(WIFSIGNALED(left.status) &&
			      WTERMSIG(left.status) == signo,
		      "status 0x%x: %s", (unsigned int)left.status, left.text);
}

/* One line, that names all of these. */
static void assert_tells(const char *who, const char *what)
{
	char *end = strchr(left.text, '\n');

	ck_assert_msg(end && end[1] == '\0', "not one line: %s", left.text);
	ck_assert_msg(strstr(left.text, who) && strstr(left.text, what), "%s",
		      left.text);
}

/* Volatile: nobody is to know that it is one. */
static char *volatile nowhere = (char *)0x10;

static void fault(void)
{
	*nowhere = 1;
}

static int fault_in_handler(struct isr_source *s, const struct isr_event *event,
			    void *arg)
{
	fault();
	return 0;
}

static void fault_in_signal_handler(void)
{
	const struct isr_source_options options = {.name = "boom",
						   .hard = true};
	struct isr_source *s;

	must(isr_loop_new(NULL, &loop));
	must(isr_signal_open(loop, SIGUSR1, &options, fault_in_handler, NULL,
			     &s));
	raise(SIGUSR1);
}

START_TEST(crash_in_a_signal_handler_names_the_source)
{
	crash(fault_in_signal_handler);

	assert_killed_by(SIGSEGV);
	assert_tells("(boom)", "SIGSEGV at address 0x10,");
}
END_TEST

static void run_in_irq_thread(isr_handler_cb *handler)
{
	const struct isr_source_options options = {.name = "boom",
						   .hard = true};
	struct isr_source *s;

	must(isr_loop_new(NULL, &loop));
	must(isr_user_open(loop, &options, handler, NULL, &s));
	must(isr_source_fire(s, NULL));
	must(isr_loop_run(loop));
}

static void fault_in_irq_thread(void)
{
	run_in_irq_thread(fault_in_handler);
}

START_TEST(crash_in_an_irq_thread_names_the_source)
{
	crash(fault_in_irq_thread);

	assert_killed_by(SIGSEGV);
	assert_tells("(boom)", "SIGSEGV at address 0x10,");
}
END_TEST

START_TEST(crash_outside_of_handlers_is_told)
{
	crash(fault);

	assert_killed_by(SIGSEGV);
	ck_assert_ptr_null(strstr(left.text, "source"));
	assert_tells("isrloop: SIGSEGV at address 0x10,", "called from 0x");
}
END_TEST

static volatile int depth_max = 1 << 30;

/* Not a tail call, whatever the optimizer thinks. */
static int overflow(int depth)
{
	volatile char room[4096];

	room[0] = (char)depth;
	if (depth >= depth_max)
		return room[0];
	return overflow(depth + 1) + room[0];
}

static int overflow_in_handler(struct isr_source *s,
			       const struct isr_event *event, void *arg)
{
	return overflow(0);
}

static void overflow_in_irq_thread(void)
{
	run_in_irq_thread(overflow_in_handler);
}

static void overflow_outside(void)
{
	must(overflow(0));
}

START_TEST(crash_by_overflow_of_a_stack_is_told)
{
	crash(_i ? overflow_in_irq_thread : overflow_outside);

	assert_killed_by(SIGSEGV);
	assert_tells(_i ? "(boom)" : "isrloop: ", "SIGSEGV at address 0x");
}
END_TEST

static int overflow_in_task(void *arg)
{
	return overflow(0);
}

static const struct isr_task_config greedy = {
	.sz = sizeof(greedy),
	.name = "greedy",
	.stack_bytes = 32 * 1024,
};

static void run_greedy_task(void)
{
	must(isr_spawn(loop, &greedy, overflow_in_task, NULL, NULL));
	must(isr_loop_run(loop));
}

static void run_task(void)
{
	must(isr_loop_new(NULL, &loop));
	run_greedy_task();
}

static void *run_task_in_thread(void *arg)
{
	run_task();
	return NULL;
}

/* Which has not installed the crash handler. */
static void run_task_elsewhere(void)
{
	pthread_t thread;

	must(-pthread_create(&thread, NULL, run_task_in_thread, NULL));
	pthread_join(thread, NULL);
}

static int do_nothing(void *arg)
{
	return 0;
}

/* Whose loop is not the first of its thread, nor the only one. */
static void *run_task_after_another_loop(void *arg)
{
	struct isr_loop *other;

	must(isr_loop_new(NULL, &other));
	must(isr_spawn(other, NULL, do_nothing, NULL, NULL));
	must(isr_loop_new(NULL, &loop));
	must(isr_spawn(loop, NULL, do_nothing, NULL, NULL));
	must(isr_loop_free(other));
	run_greedy_task();
	return NULL;
}

static void run_task_beside_another_loop(void)
{
	pthread_t thread;

	must(-pthread_create(&thread, NULL, run_task_after_another_loop, NULL));
	pthread_join(thread, NULL);
}

static void *go_on_with_the_loop(void *arg)
{
	must(isr_loop_run(loop));
	return NULL;
}

/* That another thread has made. */
static void go_on_elsewhere(void)
{
	pthread_t thread;

	must(isr_loop_new(NULL, &loop));
	must(isr_spawn(loop, &greedy, overflow_in_task, NULL, NULL));
	must(-pthread_create(&thread, NULL, go_on_with_the_loop, NULL));
	pthread_join(thread, NULL);
}

START_TEST(crash_by_overflow_of_a_task_names_it)
{
	static void (*const runs[])(void) = {
		run_task,
		run_task_elsewhere,
		run_task_beside_another_loop,
		go_on_elsewhere,
	};

	crash(runs[_i]);

	assert_killed_by(SIGSEGV);
	assert_tells("stack of task \"greedy\" (", " bytes) is full,");
}
END_TEST

static void run_task_of_a_long_name(void)
{
	const struct isr_task_config config = {
		.sz = sizeof(config),
		.name = "a name of as many as 31 letters",
	};

	must(isr_loop_new(NULL, &loop));
	must(isr_spawn(loop, &config, overflow_in_task, NULL, NULL));
	must(isr_loop_run(loop));
}

START_TEST(crash_by_overflow_of_a_task_cuts_its_name)
{
	crash(run_task_of_a_long_name);

	assert_killed_by(SIGSEGV);
	assert_tells("stack of task \"a name of as many as 31 l", ") is full,");
}
END_TEST

static int fault_in_task(void *arg)
{
	fault();
	return 0;
}

static void run_faulty_task(void)
{
	must(isr_loop_new(NULL, &loop));
	must(isr_spawn(loop, NULL, fault_in_task, NULL, NULL));
	must(isr_loop_run(loop));
}

START_TEST(crash_in_a_task_that_is_no_overflow_tells_the_address)
{
	crash(run_faulty_task);

	assert_killed_by(SIGSEGV);
	assert_tells("isrloop: ", "SIGSEGV at address 0x10,");
}
END_TEST

static void abort_here(void)
{
	abort();
}

START_TEST(crash_by_abort_is_told)
{
	crash(abort_here);

	assert_killed_by(SIGABRT);
	assert_tells("isrloop: ", "SIGABRT,");
}
END_TEST

static void kill_self(void)
{
	kill(getpid(), SIGBUS);
}

START_TEST(crash_that_was_sent_is_sent_again)
{
	crash(kill_self);

	assert_killed_by(SIGBUS);
	assert_tells("isrloop: ", "SIGBUS,");
}
END_TEST

static void own_handler(int signo, siginfo_t *info, void *ucontext)
{
	_exit(info->si_addr == nowhere && signo == SIGSEGV ? OWN_STATUS : 1);
}

START_TEST(crash_handler_that_was_there_before_gets_it)
{
	struct sigaction action = {.sa_sigaction = own_handler,
				   .sa_flags = SA_SIGINFO};
	struct sigaction found;

	ck_assert_int_eq(sigaction(SIGSEGV, &action, &found), 0);
	crash(fault_in_irq_thread);
	ck_assert_int_eq(sigaction(SIGSEGV, &found, NULL), 0);

	ck_assert(WIFEXITED(left.status));
	ck_assert_int_eq(WEXITSTATUS(left.status), OWN_STATUS);
	assert_tells("(boom)", "SIGSEGV at address 0x10,");
}
END_TEST

START_TEST(crash_uninstall_puts_back_what_was_found)
{
	struct sigaction found;
	stack_t stack;
	int i;

	ck_assert(signal(SIGFPE, SIG_IGN) != SIG_ERR);
	xt_ok(isr_crash_install(STDERR_FILENO));
	xt_fails_with(EBUSY, isr_crash_install(STDERR_FILENO));
	ck_assert(signal(SIGILL, SIG_IGN) != SIG_ERR);

	xt_ok(isr_crash_uninstall());
	xt_ok(isr_crash_uninstall());

	for (i = 0; i < ISRI_CRASH_SIGNALS; i++) {
		int signo = isri_crash_signals[i];

		ck_assert_int_eq(sigaction(signo, NULL, &found), 0);
		ck_assert(found.sa_handler ==
			  (signo == SIGFPE || signo == SIGILL ? SIG_IGN
							      : SIG_DFL));
	}
	ck_assert_int_eq(sigaltstack(NULL, &stack), 0);
	ck_assert(stack.ss_flags & SS_DISABLE);
	signal(SIGFPE, SIG_DFL);
	signal(SIGILL, SIG_DFL);
}
END_TEST

START_TEST(crash_install_wants_a_descriptor)
{
	xt_fails_with(EBADF, isr_crash_install(-1));
	xt_fails_with(EBADF, isr_crash_install(1000));
}
END_TEST

static int try_both(struct isr_source *s, const struct isr_event *event,
		    void *arg)
{
	int *results = arg;

	results[0] = isr_crash_install(STDERR_FILENO);
	results[1] = isr_crash_uninstall();
	return 0;
}

START_TEST(crash_install_is_refused_in_isr_context)
{
	int results[2] = {0};
	struct isr_source *s;

	xt_loop_setup();
	xt_ok(isr_signal_open(loop, SIGUSR1, &xt_hard, try_both, results, &s));

	raise(SIGUSR1);

	ck_assert_int_eq(results[0], -EPERM);
	ck_assert_int_eq(results[1], -EPERM);
	xt_loop_teardown();
}
END_TEST

/* A sanitizer has handlers of its own for these signals. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CRASHES_ARE_OURS 0
#else
#define CRASHES_ARE_OURS 1
#endif

static void add_crashes(Suite *suite)
{
	TCase *tcase = xt_case(suite, "crash");

	tcase_add_test(tcase, crash_uninstall_puts_back_what_was_found);
	tcase_add_test(tcase, crash_in_a_signal_handler_names_the_source);
	tcase_add_test(tcase, crash_in_an_irq_thread_names_the_source);
	tcase_add_test(tcase, crash_outside_of_handlers_is_told);
	tcase_add_loop_test(tcase, crash_by_overflow_of_a_stack_is_told, 0, 2);
	tcase_add_loop_test(tcase, crash_by_overflow_of_a_task_names_it, 0, 4);
	tcase_add_test(tcase, crash_by_overflow_of_a_task_cuts_its_name);
	tcase_add_test(tcase,
		       crash_in_a_task_that_is_no_overflow_tells_the_address);
	tcase_add_test(tcase, crash_by_abort_is_told);
	tcase_add_test(tcase, crash_that_was_sent_is_sent_again);
	tcase_add_test(tcase, crash_handler_that_was_there_before_gets_it);
}

int main(void)
{
	Suite *suite = suite_create("crash");
	TCase *tcase;

	tcase = xt_case(suite, "install");
	tcase_add_test(tcase, crash_install_wants_a_descriptor);
	tcase_add_test(tcase, crash_install_is_refused_in_isr_context);
	if (CRASHES_ARE_OURS)
		add_crashes(suite);

	return xt_main(suite);
}
