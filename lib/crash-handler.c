/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3, signal class: a fault leaves a record, then takes its course.
 *
 * The disposition that was found is put back. A fault comes again when its
 * instruction is run again, in the same place and with the same registers; a
 * signal that was sent is sent again. So a core dump, an exit status or a
 * handler of the program's sees what it would have seen.
 *
 * No stack is walked: it may be what is broken. A fault in here ends the
 * process, because the kernel delivers no fault that is blocked.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "crash.h"
#include "emerg.h"

const int isri_crash_signals[ISRI_CRASH_SIGNALS] = {SIGSEGV, SIGBUS, SIGFPE,
						    SIGILL, SIGABRT};
struct isri_crash isri_crash;

static const char *const names[ISRI_CRASH_SIGNALS] = {
	"SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT"};

static int index_of(int signo)
{
	int i;

	for (i = 0; i < ISRI_CRASH_SIGNALS - 1; i++)
		if (isri_crash_signals[i] == signo)
			break;
	return i;
}

/* The kernel raised it, because of what this thread did. */
static bool is_fault(const siginfo_t *info)
{
	return info->si_code > 0;
}

static void put_address(char *text, uintptr_t address)
{
	static const char at[] = " at address 0x";
	char digits[2 * sizeof(address) + 1];
	size_t i = sizeof(digits) - 1;

	digits[i] = '\0';
	do {
		digits[--i] = "0123456789abcdef"[address % 16];
		address /= 16;
	} while (address);
	text += strlen(text);
	memcpy(text, at, sizeof(at));
	text += strlen(text);
	memcpy(text, digits + i, sizeof(digits) - i);
}

static void *get_place(void *ucontext)
{
#if defined(__x86_64__)
	return (void *)((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (void *)((ucontext_t *)ucontext)->uc_mcontext.pc;
#else
	return NULL;
#endif
}

static void write_record(int signo, const siginfo_t *info, void *ucontext)
{
	char message[ISR_EMERG_TEXT_BYTES] = "";
	struct isr_emerg record;

	strncpy(message, names[index_of(signo)], sizeof(message) - 1);
	if (is_fault(info))
		put_address(message, (uintptr_t)info->si_addr);
	isri_emerg_describe(&record, ISR_EMERG_CRASH, -EFAULT, 0, message,
			    NULL);
	record.frames[0] = get_place(ucontext);
	record.n_frames = record.frames[0] != NULL;
	isri_emerg_write(isri_crash.fd, &record);
}

void isri_crash_handler(int signo, siginfo_t *info, void *ucontext)
{
	int saved = errno;

	write_record(signo, info, ucontext);
	sigaction(signo, &isri_crash.found[index_of(signo)], NULL);
	/* As it was sent; it is blocked until we return. */
	if (!is_fault(info))
		syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signo, info);
	errno = saved;
}
