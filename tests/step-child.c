/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Interruption at every instruction: the child that runs a scenario. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "context.h"
#include "step-trace.h"
#include "step.h"

volatile struct step_shared *step_shared;
const struct step_scenario *step_now;

unsigned int step_handled(void)
{
	return step_shared->handled;
}

static unsigned int in_handler;

unsigned int step_is_handler(void)
{
	return in_handler;
}

static void note(const char *file, int line, const char *text)
{
	const char *base = strrchr(file, '/');

	if (!step_shared->failure[0])
		snprintf((char *)step_shared->failure,
			 sizeof(step_shared->failure), "%s:%d: %s",
			 base ? base + 1 : file, line, text);
}

void step_expect_at(bool holds, const char *file, int line, const char *what)
{
	if (!holds)
		note(file, line, what);
}

void step_equal_at(long long a, long long b, const char *file, int line,
		   const char *what)
{
	char buffer[200];

	if (a == b)
		return;
	snprintf(buffer, sizeof(buffer), "%s: %lld, %lld", what, a, b);
	note(file, line, buffer);
}

static void mark(enum step_mark what)
{
	step_shared->mark = what;
	__asm__ volatile(STEP_BREAK : : : "memory");
}

static void on_signal(int signo)
{
	struct isri_frame frame;
	int before = signo + 1000;

	errno = before;
	/* Another thread has frames of its own. */
	isri_context_enter(&frame,
			   step_now->is_thread ? ISR_CONTEXT_LOOP
					       : ISR_CONTEXT_SIGNAL,
			   (struct isr_loop *)&step_head, NULL);
	in_handler = 1;
	step_now->handler();
	in_handler = 0;
	isri_context_leave(&frame);
	if (!step_now->is_thread)
		step_equal(errno, before);
	step_shared->handled++;
	mark(STEP_MARK_HANDLED);
}

void step_run_child(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0) {
		step_shared->trace_errno = errno;
		_exit(77);
	}
	sigaction(SIGUSR1, &action, NULL);
	for (;;) {
		step_shared->handled = 0;
		step_now->reset();
		mark(STEP_MARK_BEGIN);
		step_now->run();
		mark(STEP_MARK_END);
		step_now->check();
	}
}
