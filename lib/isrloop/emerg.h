/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_emerg: emergency records, what went wrong where nobody can print:
 * always on, in fixed memory, the first ones kept.
 */
#ifndef ISRLOOP_EMERG_H
#define ISRLOOP_EMERG_H

#include <stdint.h>

#include <isrloop/isr.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/** Records that a loop keeps until they are taken. */
#define ISR_EMERG_RECORDS 16
/** Return addresses that a record has at most. */
#define ISR_EMERG_FRAMES_MAX 8
/** Room for each text of a record, with its terminating zero. */
#define ISR_EMERG_TEXT_BYTES 64

/**
 * What happened. Of FAILED and OVER_BUDGET, each, a source leaves one record a
 * second at most, and one after each isr_source_arm(); of SCHEDULE_FULL a
 * loop. All that happened are counted: failed and over_budget of
 * isr_source_get_stats(), schedule_refused of isr_loop_get_stats().
 */
enum isr_emerg_kind {
	ISR_EMERG_FAIL = 1, /**< isr_fail() was called */
	ISR_EMERG_FAILED, /**< a handler returned a negative errno */
	ISR_EMERG_MISUSE, /**< a function was called where it is not legal */
	ISR_EMERG_OVER_BUDGET, /**< a handler ran longer than its budget */
	ISR_EMERG_SCHEDULE_FULL, /**< isr_schedule() refused a call */
	ISR_EMERG_MASK, /**< a critical section was too long, or ended wrongly */
	ISR_EMERG_CRASH, /**< a fault in a handler: see isr_crash_install() */
	ISR_EMERG_THREAD /**< an IRQ thread or reader cannot wait any more */
};

/** Where; from ISR_CONTEXT_SIGNAL on it is ISR context. */
enum isr_context_kind {
	ISR_CONTEXT_THREAD = 0, /**< no code that the library has called */
	ISR_CONTEXT_LOOP, /**< a callback or soft handler, on the loop */
	ISR_CONTEXT_TASK, /**< a task, on its own stack */
	ISR_CONTEXT_SIGNAL, /**< a signal handler */
	ISR_CONTEXT_IRQ_THREAD, /**< a hard handler in an IRQ thread */
	ISR_CONTEXT_USER_THREAD /**< between isr_enter() and isr_exit() */
};

/** One record. Texts end with a zero and are empty when not known. */
struct isr_emerg {
	uint64_t t_ns; /**< CLOCK_MONOTONIC */
	uint64_t value_ns; /**< OVER_BUDGET, MASK: how long; else 0 */
	int32_t code; /**< negative errno, or what isr_fail() was given */
	int32_t tid; /**< of the thread, gettid(2) */
	uint16_t source; /**< number of the source, 0 when none */
	uint8_t kind; /**< enum isr_emerg_kind */
	uint8_t context; /**< enum isr_context_kind */
	uint32_t n_frames; /**< valid members of frames */
	char source_name[32]; /**< isr_source_get_name() */
	char where[ISR_EMERG_TEXT_BYTES]; /**< file:line, its end if too long */
	char message[ISR_EMERG_TEXT_BYTES]; /**< cut if too long */
	void *frames[ISR_EMERG_FRAMES_MAX]; /**< innermost first */
};

/** A record is there; runs on the loop's thread. */
typedef void isr_emerg_cb(const struct isr_emerg *record, void *arg);

/**
 * @brief Say who gets the loop's records; by default its log does.
 *
 * Without this and without a log (isr_loop_set_log_cb()) they stay until they
 * are taken, or the loop ends.
 *
 * @cb and @arg are used until isr_loop_free() returns; but when that is called
 * in a callback of the loop, which may yet fail, until isr_loop_run(),
 * isr_loop_dispatch() or ev_run() has got control back from it. Whoever frees
 * @arg earlier sets NULL first, which is legal in that callback.
 *
 * @param loop  A loop.
 * @param cb    Called on the loop, oldest first. NULL: the log again.
 * @param arg   Handed to @cb; stays the caller's.
 * @context loop
 * @return 0; -EINVAL for NULL; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_emerg_set_cb(struct isr_loop *loop, isr_emerg_cb *cb,
			     void *arg);

/**
 * @brief Take the oldest record.
 * @param loop        A loop.
 * @param ret_record  Filled when there is one.
 * @context loop
 * @return 1 taken; 0 there is none; -EINVAL for NULL; -EPERM off the loop's
 *         thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_emerg_take(struct isr_loop *loop, struct isr_emerg *ret_record);

/**
 * @brief Leave a record of a crash, then let it take its course.
 *
 * Installs handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT. They
 * write one line: signal, address, the source whose handler ran, thread,
 * place. Then the disposition that was found is put back, and the signal
 * comes again: a core dump, an exit status and a handler of the program's are
 * what they would have been. One record a signal. The calling thread, IRQ
 * threads that start later and threads that make a loop's first task later
 * get an alternate stack if they have none, so that the overflow of a stack is
 * told as well; that of a task by the task's name.
 *
 * @param fd  Where the line goes; stays the caller's, and open.
 * @context any (a lock)
 * @return 0; -EBUSY it is installed; -EBADF; -EPERM in ISR context.
 * @since 0.1
 */
ISR_API int isr_crash_install(int fd);

/**
 * @brief Put back what isr_crash_install() found.
 *
 * But for signals that the program has installed a handler for since. The
 * calling thread loses its alternate stack, others keep theirs.
 *
 * @context any (a lock)
 * @return 0, also when it is not installed; -EPERM in ISR context.
 * @since 0.1
 */
ISR_API int isr_crash_uninstall(void);

ISR_END_DECLS

#endif /* ISRLOOP_EMERG_H */
