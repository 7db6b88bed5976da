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
 * No stack is walked: it may be what is broken. One that has overflowed is
 * told by the name of its task. A fault in here ends the process, because the
 * kernel delivers no fault that is blocked.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "context.h"
#include "crash.h"
#include "emerg.h"
#include "stack.h"

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

/* As far as there is room. */
static void put_text(char *message, const char *text)
{
	size_t length = strlen(message), n = strlen(text);

	if (n > ISR_EMERG_TEXT_BYTES - 1 - length)
		n = ISR_EMERG_TEXT_BYTES - 1 - length;
	memcpy(message + length, text, n);
	message[length + n] = '\0';
}

static void put_number(char *message, uintptr_t number, unsigned int base)
{
	char digits[3 * sizeof(number) + 1];
	size_t i = sizeof(digits) - 1;

	digits[i] = '\0';
	do {
		digits[--i] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	put_text(message, digits + i);
}

/* The task whose stack it is that has overflowed; NULL: none has. */
static const struct isri_stack *get_full_stack(const siginfo_t *info)
{
	const struct isri_frame *frame;

	for (frame = isri_context_get_frame(); frame; frame = frame->outer)
		if (frame->stack &&
		    isri_stack_is_over(frame->stack, info->si_addr))
			return frame->stack;
	return NULL;
}

/* If something is cut, it is the name. */
static void put_full_stack(char *message, const struct isri_stack *stack)
{
	char rest[ISR_EMERG_TEXT_BYTES] = "\" (";

	put_number(rest, stack->bytes, 10);
	put_text(rest, " bytes) is full");
	put_text(message, "stack of task \"");
	put_text(message, stack->name);
	message[ISR_EMERG_TEXT_BYTES - 1 - strlen(rest)] = '\0';
	put_text(message, rest);
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
	const struct isri_stack *stack = NULL;
	struct isr_emerg record;

	if (is_fault(info))
		stack = get_full_stack(info);
	if (stack) {
		put_full_stack(message, stack);
	} else {
		put_text(message, names[index_of(signo)]);
		if (is_fault(info)) {
			put_text(message, " at address 0x");
			put_number(message, (uintptr_t)info->si_addr, 16);
		}
	}
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
