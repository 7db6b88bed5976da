/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Signals: timers that hit a chosen thread, and a trap that counts system
 * calls exactly, because the kernel itself reports each one.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "cpu.h"
#include "handler.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

void handler_open(void (*fn)(int), timer_t *ret_timer)
{
	struct sigaction sa = {.sa_handler = fn};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
				 .sigev_signo = SIGALRM};

	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGALRM, &sa, NULL) < 0)
		die("bench: sigaction");
	event.sigev_notify_thread_id = thread_id();
	if (timer_create(CLOCK_MONOTONIC, &event, ret_timer) < 0)
		die("bench: timer_create");
}

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){(time_t)(ns / 1000000000U),
				 (long)(ns % 1000000000U)};
}

void handler_arm(timer_t timer, uint64_t after_ns, uint64_t every_ns)
{
	struct itimerspec spec = {.it_value = to_timespec(after_ns),
				  .it_interval = to_timespec(every_ns)};

	if (timer_settime(timer, 0, &spec, NULL) < 0)
		die("bench: timer_settime");
}

static volatile unsigned int n_trapped;

/* Pretend that eight bytes were written: what every waker expects. */
static void trapped(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	n_trapped++;
#if defined(__x86_64__)
	u->uc_mcontext.gregs[REG_RAX] = 8;
#elif defined(__aarch64__)
	u->uc_mcontext.regs[0] = 8;
#else
	(void)u;
#endif
}

bool syscalls_trap(void)
{
	/* The way back from the trap and the way out stay open. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
	struct sigaction sa = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};

#if !defined(__x86_64__) && !defined(__aarch64__)
	return false;
#endif
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGSYS, &sa, NULL) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return false;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

unsigned int syscalls_seen(void)
{
	return n_trapped;
}
