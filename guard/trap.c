/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * libisrloop-guard.so: finds calls in ISR context that do not belong there.
 *
 * Preloaded, it stands before the C library for the functions of trapped.h.
 * Outside ISR context a call costs one more test. In it the call is reported,
 * what ISRLOOP_GUARD says is done to the source or the program, and the call
 * is carried out, so that the program does what it did without the guard.
 *
 * What a trapped function calls in turn is its own business and not reported
 * (printf(3) calls malloc(3)). But another source's signal handler may
 * interrupt it: so guard_busy holds the source whose call is carried out,
 * and a call of another one is trapped all the same.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"

#define IE __attribute__((tls_model("initial-exec")))

void *guard_functions[GUARD_TRAPS];

/* initial-exec: the general model may allocate at the first access. */
static __thread IE const void *guard_busy;
static __thread IE bool resolving;

/* Written by the constructor only. */
static enum guard_mode mode = GUARD_REPORT;
static pid_t told_pid;

/* Stands for the source of a thread that said isr_enter() by itself. */
static const char no_source;

bool guard_is_resolving(void)
{
	return resolving;
}

/* Rather than through the call of a null pointer. */
static void say_missing(enum guard_trap trap)
{
	struct guard_text text;

	guard_begin(&text);
	guard_put(&text, "the C library has no ");
	guard_put(&text, guard_names[trap]);
	guard_put(&text, "()\n");
	guard_write(&text);
	abort();
}

static void *look_up(enum guard_trap trap)
{
	void *function;

	resolving = true;
	function = dlsym(RTLD_NEXT, guard_names[trap]);
	resolving = false;
	__atomic_store_n(&guard_functions[trap], function, __ATOMIC_RELAXED);
	return function;
}

/* Needed before the constructor ran: others' constructors call, too. */
void *guard_resolve(enum guard_trap trap)
{
	void *function = look_up(trap);

	if (!function)
		say_missing(trap);
	return function;
}

static void fail_source(enum guard_trap trap, const void *caller)
{
	struct guard_text what = {.length = 0}, where = {.length = 0};

	if (!isr_fail_at)
		return;
	guard_put(&what, guard_names[trap]);
	guard_put(&what, "() in ISR context");
	what.bytes[what.length] = '\0';
	guard_put_place(&where, caller, true);
	where.bytes[where.length] = '\0';
	isr_fail_at(-EPERM, what.bytes, where.bytes);
}

void guard_trap(enum guard_trap trap, const void *caller,
		struct guard_call *ret_call)
{
	const struct isr_source *source = NULL;
	int saved_errno = errno;
	const void *who;

	if (isr_context_get_source)
		source = isr_context_get_source();
	who = source ? (const void *)source : &no_source;
	if (guard_busy == who)
		return;

	ret_call->before = guard_busy;
	ret_call->trapped = true;
	guard_busy = who;
	guard_report(trap, caller, source);
	if (mode == GUARD_DISARM)
		fail_source(trap, caller);
	else if (mode == GUARD_ABORT)
		abort();
	errno = saved_errno;
}

void guard_leave_trap(const void *before)
{
	guard_busy = before;
}

static void say_wrong(const char *name, const char *value, const char *what)
{
	struct guard_text text;

	guard_begin(&text);
	guard_put(&text, name);
	guard_put(&text, " is '");
	guard_put(&text, value);
	guard_put(&text, "': ");
	guard_put(&text, what);
	guard_put(&text, "\n");
	guard_write(&text);
}

static int read_fd(void)
{
	const char *value = getenv("ISRLOOP_GUARD_FD");
	char *end;
	long fd;

	if (!value || !*value)
		return STDERR_FILENO;
	fd = strtol(value, &end, 10);
	if (!*end && fd >= 0 && fd <= INT_MAX && fcntl(fd, F_GETFD) >= 0)
		return fd;
	say_wrong("ISRLOOP_GUARD_FD", value,
		  "no open descriptor; reports go to standard error");
	return STDERR_FILENO;
}

static void read_mode(void)
{
	const char *value = getenv("ISRLOOP_GUARD");

	if (!value || !*value || !strcmp(value, "report"))
		mode = GUARD_REPORT;
	else if (!strcmp(value, "disarm"))
		mode = GUARD_DISARM;
	else if (!strcmp(value, "abort"))
		mode = GUARD_ABORT;
	else
		say_wrong("ISRLOOP_GUARD", value,
			  "takes report, disarm or abort; taken for report");
}

/* Set by isrmon guard to the process that becomes the program. */
static void read_pid(void)
{
	const char *value = getenv("ISRLOOP_GUARD_PID");

	if (value)
		told_pid = atoi(value);
}

__attribute__((constructor)) static void guard_start(void)
{
	for (int trap = 0; trap < GUARD_TRAPS; trap++)
		look_up(trap);
	guard_set_fd(read_fd());
	read_mode();
	read_pid();
	guard_place_init();
	guard_report_init();
	pthread_atfork(NULL, NULL, guard_forget);
}

/* Said only of the program that the user named, not of all its children. */
static void say_inert(void)
{
	struct guard_text text;

	if (isr_in_context || told_pid != getpid())
		return;
	guard_begin(&text);
	guard_put(&text, "nothing was guarded: the program does not use the "
			 "shared library of isrloop\n");
	guard_write(&text);
}

__attribute__((destructor)) static void guard_stop(void)
{
	guard_summarize();
	say_inert();
}
