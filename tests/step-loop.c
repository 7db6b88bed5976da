/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Interruption at every instruction: a loop without its libev. */
#include <errno.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#include "step.h"

struct isri_loop_head step_head;
bool step_barrier_refused;

static int fd = -1;
static long now_ns;
static uint64_t kicks;
/* It believes that there is nothing to do, and waits for the eventfd. */
static bool asleep;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* System calls by their number, with up to six arguments. */
long __wrap_syscall(long number, ...)
{
	va_list ap;
	long a[6];
	int i;

	if (step_barrier_refused && number == SYS_membarrier) {
		errno = EPERM;
		return -1;
	}
	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/*
 * What the compiler's unwinder does for an emergency record is no code of
 * ours, and much of it: here are some frames.
 */
_Unwind_Reason_Code __wrap__Unwind_Backtrace(_Unwind_Trace_Fn take, void *arg);
_Unwind_Ptr __wrap__Unwind_GetIP(struct _Unwind_Context *context);

_Unwind_Reason_Code __wrap__Unwind_Backtrace(_Unwind_Trace_Fn take, void *arg)
{
	int i;

	for (i = 0; i < 2 + ISR_EMERG_FRAMES_MAX + 1; i++) {
		if (take(NULL, arg) != _URC_NO_REASON)
			break;
	}
	return _URC_END_OF_STACK;
}

_Unwind_Ptr __wrap__Unwind_GetIP(struct _Unwind_Context *context)
{
	(void)context;
	return (_Unwind_Ptr)&step_head;
}

/*
 * The kernel's code for this may try again, and then an operation takes
 * another way than when its instructions were noted.
 */
int __wrap_clock_gettime(clockid_t id, struct timespec *ret_now);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret_now)
{
	(void)id;
	now_ns += 1000;
	*ret_now = (struct timespec){.tv_sec = 1000, .tv_nsec = now_ns};
	return 0;
}

void step_pass_time(uint64_t ns)
{
	now_ns += (long)ns;
}

int __wrap_clock_nanosleep(clockid_t id, int flags, const struct timespec *time,
			   struct timespec *ret_left);

/* Whoever is waited for goes on; nobody sleeps. */
int __wrap_clock_nanosleep(clockid_t id, int flags, const struct timespec *time,
			   struct timespec *ret_left)
{
	(void)id;
	(void)flags;
	(void)time;
	(void)ret_left;
	if (step_now->nap)
		step_now->nap();
	return 0;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *ret_left);

int __wrap_nanosleep(const struct timespec *time, struct timespec *ret_left)
{
	return __wrap_clock_nanosleep(CLOCK_MONOTONIC, 0, time, ret_left);
}

/* Whether somebody has written to the eventfd. */
static bool take_kicks(void)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		return false;
	kicks += count;
	return true;
}

struct isr_loop *step_loop_init(void)
{
	if (fd < 0)
		fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	take_kicks();
	kicks = 0;
	asleep = false;
	now_ns = 0;
	step_barrier_refused = false;
	isri_wake_init(&step_wake, fd);
	isri_mask_init((struct isr_loop *)&step_head, 0);
	isri_emerg_init(&step_head.emerg, (struct isr_loop *)&step_head);
	return (struct isr_loop *)&step_head;
}

bool step_loop_arm(void)
{
	asleep = isri_wake_arm(&step_wake);
	return asleep;
}

/* As on_prepare() and on_check() of loop.c. */
void step_loop_turn(void)
{
	int n;

	asleep = false;
	take_kicks();
	isri_wake_disarm(&step_wake);
	for (n = 0; n < 100; n++) {
		isri_wake_deliver(&step_wake);
		if (!step_wake.ready && step_loop_arm())
			return;
		isri_wake_disarm(&step_wake);
	}
	step_expect(!"the loop comes to rest");
}

void step_loop_settle(void)
{
	if (!asleep || take_kicks())
		step_loop_turn();
}

unsigned int step_loop_kicks(void)
{
	uint64_t before = kicks;
	bool any = take_kicks();
	const uint64_t again = kicks - before;

	/* It is still there for the loop to see. */
	if (any && write(fd, &again, sizeof(again)) == sizeof(again))
		kicks = before;
	return (unsigned int)(before + again);
}
