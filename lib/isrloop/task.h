/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_task: straight-line code that waits. Each task has a stack of its own;
 * all tasks of a loop run on its thread, one at a time, and another one runs
 * only where the running one waits.
 */
#ifndef ISRLOOP_TASK_H
#define ISRLOOP_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isrloop/flag.h>
#include <isrloop/isr.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

struct isr_task;

/**
 * What a task does, from its beginning to its end.
 * @return its result; a negative one says that it failed.
 */
typedef int isr_task_cb(void *arg);

/** How to make a task. Zero every member that is not needed. */
struct isr_task_config {
	/** sizeof(struct isr_task_config), for later extension. */
	size_t sz;
	/** For messages and statistics; copied, up to 31 bytes; NULL: "task
	 *  1" and so on. */
	const char *name;
	/** Usable bytes of its stack, 16 KiB to 1 GiB; 0: what the loop's
	 *  config says. */
	size_t stack_bytes;
	uint64_t reserved[4]; /**< 0; for later versions */
};

/**
 * @brief Make a task; it begins when the loop gets to it.
 *
 * Tasks begin in the order in which they were made. What it needs is made
 * here: a task that was made has its stack.
 *
 * @param loop      Runs it.
 * @param config    Copied; NULL: the defaults.
 * @param fn        What it does.
 * @param arg       Handed to @fn; stays the caller's.
 * @param ret_task  The handle: it goes with isr_join(), isr_detach() or the
 *                  loop's end. NULL: none, as if it was detached at once.
 * @context loop
 * @return 0; -EINVAL for NULL or a bad config; -E2BIG a config of a later
 *         version that asks for something unknown; -ENOMEM; -ECANCELED when
 *         the loop was freed; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_spawn(struct isr_loop *loop,
		      const struct isr_task_config *config, isr_task_cb *fn,
		      void *arg, struct isr_task **ret_task);

/**
 * @brief Let all others run that are ready, then go on.
 * @context task
 * @return 0; -ECANCELED; -EDEADLK outside a task or in a critical section;
 *         -EPERM in ISR context or in a forked child.
 * @since 0.1
 */
ISR_API int isr_yield(void);

/**
 * @brief Go on at a later time, not earlier.
 *
 * Of several that sleep until the same time, the first to sleep goes on first.
 *
 * @param ns  How long by CLOCK_MONOTONIC; 0 or less is isr_yield().
 * @context task
 * @return as isr_yield().
 * @since 0.1
 */
ISR_API int isr_sleep(int64_t ns);

/**
 * @brief Get the task that the caller is.
 * @context any
 * @return The handle, which stays whose it is; NULL outside a task, and in
 *         ISR context.
 * @since 0.1
 */
ISR_API struct isr_task *isr_self(void);

/**
 * @brief Wait for a task's end; then its handle is gone.
 * @param task        One that another task made or the loop, not detached.
 * @param ret_result  What its function returned, or -ECANCELED of one that was
 *                    cancelled before it began; NULL is legal.
 * @param timeout_ns  ISR_FOREVER, or how long to wait at most; 0: not at all.
 * @context task
 * @return 0; -ETIMEDOUT and -ECANCELED (the caller was cancelled) leave the
 *         handle; -EDEADLK for the task itself, outside a task, or in a
 *         critical section; -EBUSY when another task joins it; -EXDEV for one
 *         of another loop; -EINVAL for NULL, a detached task or a timeout
 *         below ISR_FOREVER; -EPERM in ISR context or in a forked child.
 * @since 0.1
 */
ISR_API int isr_join(struct isr_task *task, int *ret_result,
		     int64_t timeout_ns);

/**
 * @brief Give a task's handle up: nobody joins it.
 *
 * Its memory goes when it ends, or now if it has. Should it fail, the loop's
 * log says so.
 *
 * @param task  NULL is legal.
 * @context loop
 * @return 0; -EBUSY when a task joins it; -EINVAL when it is detached; -EPERM
 *         off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_detach(struct isr_task *task);

/**
 * @brief Have a task end soon: what it waits for returns -ECANCELED.
 *
 * So does each later wait, after others had their turn, until
 * isr_uncancel(). A task that has not begun never will; its result is
 * -ECANCELED. Nothing is consumed by a wait that is cancelled.
 *
 * @param task  Not the caller.
 * @context loop
 * @return 1; 0 when it had ended; -EDEADLK the caller itself; -EINVAL for
 *         NULL; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_cancel(struct isr_task *task);

/**
 * @brief Go on in spite of isr_cancel(): the caller can wait again.
 * @context task
 * @return 1 when it was cancelled; 0 when it was not, or its loop is being
 *         freed, which nothing takes back; -EDEADLK outside a task; -EPERM in
 *         ISR context or in a forked child.
 * @since 0.1
 */
ISR_API int isr_uncancel(void);

/**
 * @brief Get the flag that a task's end sets.
 * @param task  With a handle.
 * @context loop
 * @return A sticky flag, which goes with the handle; NULL for NULL, off the
 *         loop's thread and in ISR context.
 * @since 0.1
 */
ISR_API struct isr_flag *isr_task_get_done(struct isr_task *task);

/** What a task did; see isr_task_get_stats(). */
struct isr_task_stats {
	size_t stack_bytes; /**< usable bytes of its stack */
	size_t stack_used_max; /**< of these, how many it ever used */
	uint64_t steps; /**< times it ran, from one wait to the next */
	uint64_t run_ns; /**< for how long it ran, the running step excluded */
	const char *name; /**< as long as its handle */
	uint64_t reserved[4]; /**< 0; for later versions */
};

/**
 * @brief Read a task's counters; after its end, the last ones.
 * @param task       With a handle, or the caller.
 * @param ret_stats  Filled on success.
 * @context loop
 * @return 0; -EINVAL for NULL; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_task_get_stats(const struct isr_task *task,
			       struct isr_task_stats *ret_stats);

/** How many flags one wait takes at most. */
#define ISR_WAIT_MAX 64

/**
 * @brief Wait until a flag is set, and consume it.
 *
 * A flag that is set already is consumed at once; if somebody else is due whom
 * a flag has woken, or the task has run for 100 us, others run before it goes
 * on, unless @timeout_ns is 0. Of an AUTO flag a task that waits alone gets the
 * whole count; of several, tasks or threads, each gets 1 in the order in which
 * they came, and the last one what is left. A STICKY flag lets all of them go and stays set. A flag that was
 * cleared before the task runs does not end the wait. A wait that fails has
 * consumed nothing. When the time is over and the flag is set, the flag wins;
 * when the task is cancelled, it does not.
 *
 * @param flag        Of the task's loop. To end it ends the wait.
 * @param timeout_ns  ISR_FOREVER, or how long to wait at most; 0: not at all.
 * @context task
 * @return The count, at least 1; -ETIMEDOUT; -ECANCELED when the task was
 *         cancelled or the flag has ended; -EBUSY when the flag has a
 *         callback, or is EXCLUSIVE and waited for already; -EXDEV for a flag
 *         of another loop; -EINVAL for NULL, a flag that was never
 *         initialised or a timeout below ISR_FOREVER; -EDEADLK outside a task
 *         or in a critical section; -EPERM in ISR context or in a forked
 *         child.
 * @since 0.1
 */
ISR_API int isr_wait(struct isr_flag *flag, int64_t timeout_ns);

/**
 * @brief Wait until one of several flags is set, and consume that one.
 *
 * When several are set it is the one with the lowest index. The others are as
 * if nobody had waited for them.
 *
 * @param flags       Each as in isr_wait(), which says what is consumed; the
 *                    array is the caller's, until this returns.
 * @param n           How many, 1 to ISR_WAIT_MAX.
 * @param timeout_ns  As in isr_wait().
 * @context task
 * @return The index of the flag; errors as isr_wait(), and -EINVAL for a bad
 *         @n. To end any of the flags ends the wait.
 * @since 0.1
 */
ISR_API int isr_wait_any(struct isr_flag *const *flags, size_t n,
			 int64_t timeout_ns);

/**
 * @brief Wait until each of several flags was set, and consume them.
 *
 * They need not be set at the same time: each is consumed when it is set, for
 * this wait, once. When the wait fails, those that it has consumed get their
 * counts back. One that was consumed may end; it is not missed.
 *
 * @param flags       As in isr_wait_any(), each once.
 * @param n           How many, 1 to ISR_WAIT_MAX.
 * @param timeout_ns  As in isr_wait().
 * @context task
 * @return 0; errors as isr_wait_any(), and -EINVAL for a flag that is there
 *         twice.
 * @since 0.1
 */
ISR_API int isr_wait_all(struct isr_flag *const *flags, size_t n,
			 int64_t timeout_ns);

/**
 * Runs in the task that waits.
 * @return true: it is as it should be, wait no more.
 */
typedef bool isr_wait_until_cb(void *arg);

/**
 * @brief Ask again and again, for what sets no flag.
 *
 * It asks when it begins, then once a period, and once more when the time is
 * over. Nobody else runs between an answer of true and its return.
 *
 * @param cb          Asked.
 * @param arg         Handed to @cb; stays the caller's.
 * @param period_ns   How long to sleep after each answer. 0: only to let
 *                    others run, as isr_yield(), so the loop never sleeps.
 * @param timeout_ns  As in isr_wait(); 0: ask once.
 * @context task
 * @return 0; -ETIMEDOUT; -ECANCELED when the task was cancelled; -EINVAL for
 *         NULL or a timeout below ISR_FOREVER; -EDEADLK outside a task or in
 *         a critical section; -EPERM in ISR context or in a forked child.
 * @since 0.1
 */
ISR_API int isr_wait_until(isr_wait_until_cb *cb, void *arg, uint64_t period_ns,
			   int64_t timeout_ns);

/** Frees or gives back what a job was given. */
typedef void isr_release_cb(void *arg);

/**
 * @brief Have a thread do blocking work, and wait for it.
 *
 * Each loop has a pool of up to 4 threads, made when they are needed and joined
 * at its end; jobs begin in the order of the calls. They handle no signal and
 * have no real-time priority. A job that has begun is not ended by anybody:
 * when its task is cancelled, or its time is over, the task goes on and the job
 * is finished later. So @arg must live until @release was called.
 *
 * That is done exactly once, unless the call was refused: before it returns, in
 * the task, if the job is finished by then or never began; else when it is
 * finished, in its thread. A loop that is freed waits for those jobs that have
 * begun; the others never do.
 *
 * @param fn          The work: of the library it may call what is any class.
 * @param arg         Handed to @fn and @release.
 * @param release     NULL: none.
 * @param ret_result  What @fn returned. May be NULL.
 * @param timeout_ns  ISR_FOREVER, or how long to wait at most; 0: not at all.
 * @context task
 * @return 0, and @ret_result; -ETIMEDOUT; -ECANCELED, also when it did not
 *         begin. Refused: -EINVAL for NULL or a timeout below ISR_FOREVER;
 *         -ENOMEM; -EAGAIN when there is no thread and none can be made;
 *         -EDEADLK outside a task or in a critical section; -EPERM in ISR
 *         context or in a forked child.
 * @since 0.1
 */
ISR_API int isr_offload(isr_task_cb *fn, void *arg, isr_release_cb *release,
			int *ret_result, int64_t timeout_ns);

ISR_END_DECLS

#endif /* ISRLOOP_TASK_H */
