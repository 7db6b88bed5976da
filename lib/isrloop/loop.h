/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_loop: one single-threaded libev loop in which ordinary code runs, and
 * into which flags and rings lead.
 */
#ifndef ISRLOOP_LOOP_H
#define ISRLOOP_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include <isrloop/isr.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

struct ev_loop;
/* FILE, for those who have no need of <stdio.h>. */
struct _IO_FILE;

/** How urgent a message of the library is; values are syslog's. */
enum isr_log_level {
	ISR_LOG_ERROR = 3,
	ISR_LOG_WARNING = 4,
	ISR_LOG_NOTICE = 5,
	ISR_LOG_DEBUG = 7
};

/**
 * One message, without newline. Runs on the loop's thread, perhaps half-way
 * through a call of the library: it closes and opens nothing.
 */
typedef void isr_log_cb(enum isr_log_level level, const char *message,
			void *arg);

/** How to make a loop. Zero every member that is not needed. */
struct isr_loop_config {
	/** sizeof(struct isr_loop_config), for later extension. */
	size_t sz;
	/** Calls of isr_schedule() that may wait: a power of two, 2 to 65536;
	 *  0: 64. */
	uint32_t schedule_depth;
	/** A critical section that is longer leaves a record; 0: 1 ms. */
	uint64_t mask_warn_ns;
	/** Urgent steps, those that flags have woken, run before all others,
	 *  up to this number; then an ordinary one does. 0: 64. */
	uint32_t urgent_steps;
	/** Stacks of ended tasks that are kept for later ones; 0: 64. */
	uint32_t stacks_kept;
	/** Nor for longer than this; 0: 5 ms. */
	uint64_t urgent_ns;
	/** Look for a set this long before blocking: it is then seen sooner,
	 *  and costs the setter no system call, but the loop uses a CPU. 0:
	 *  block at once. */
	uint64_t spin_ns;
	/** Of each task that does not say, 16 KiB to 1 GiB; 0: 64 KiB. */
	uint64_t stack_bytes;
};

/** Room for the name of a step, with its end. */
#define ISR_LOOP_STEP_NAME_BYTES 32

/**
 * @brief Make a loop of its own; the calling thread becomes its thread.
 * @param config    Copied; NULL: the defaults.
 * @param ret_loop  The loop; end it with isr_loop_free().
 * @context setup
 * @return 0; -EINVAL for NULL or a bad config; -E2BIG a config of a later
 *         version that asks for something unknown; -EPERM in ISR context;
 *         -ENOMEM; -EMFILE and what else eventfd(2) and timerfd_create(2)
 *         say.
 * @since 0.1
 */
ISR_API int isr_loop_new(const struct isr_loop_config *config,
			 struct isr_loop **ret_loop);

/**
 * @brief Live inside a libev loop that the program already has.
 *
 * The program goes on to call ev_run(). isr_loop_run() and isr_loop_stop()
 * run and break that same loop. Until isr_loop_free() the libev loop has a
 * reason to go on (one active watcher).
 *
 * @param ev        Stays the caller's; must outlive the isr_loop.
 * @param config    Copied; NULL: the defaults.
 * @param ret_loop  The loop; end it with isr_loop_free().
 * @context setup (on the thread that runs @ev)
 * @return as isr_loop_new().
 * @since 0.1
 */
ISR_API int isr_loop_attach(struct ev_loop *ev,
			    const struct isr_loop_config *config,
			    struct isr_loop **ret_loop);

/**
 * @brief End all tasks, close all sources, finish all flags, free the loop.
 *
 * Tasks are cancelled for good and run until they have ended; see isr_spawn().
 *
 * From a callback of the loop the memory goes when that callback returns,
 * and isr_loop_run() returns -ECANCELED. Until then nothing can begin on it:
 * to open a source, make a flag or a ring, or mask it, is -ECANCELED and
 * changes nothing. It waits for a thread that has entered, but no thread may
 * be blocked in isr_enter() when it is called.
 *
 * @param loop  NULL is legal.
 * @context loop
 * @return 0; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_loop_free(struct isr_loop *loop);

/**
 * @brief Run until isr_loop_stop(); never ends because nothing is to do.
 * @param loop  The calling thread becomes its thread.
 * @context loop (not from a callback)
 * @return 0 after a stop; -EBUSY when it runs already; -EDEADLK in a
 *         critical section (isrloop/mask.h); -ECANCELED when it was freed
 *         meanwhile; -EINVAL for NULL; -EPERM in ISR context or in a forked
 *         child.
 * @since 0.1
 */
ISR_API int isr_loop_run(struct isr_loop *loop);

/**
 * @brief Get one descriptor that tells a foreign loop when to dispatch.
 *
 * Readable when isr_loop_dispatch() has something to do. Watch it level
 * triggered. It covers flags, rings and sources; watchers that the program
 * added to isr_loop_get_ev() itself are not covered.
 *
 * @param loop  Still owns the descriptor: do not close it.
 * @context loop
 * @return The descriptor; -EINVAL for NULL or an attached loop; -ECANCELED
 *         when it was freed; -EPERM off the loop's thread or in ISR context;
 *         what epoll_create1(2) says and, for what is watched already,
 *         fcntl(2) and epoll_ctl(2).
 * @since 0.1
 */
ISR_API int isr_loop_get_fd(struct isr_loop *loop);

/**
 * @brief Run what is due, without waiting.
 *
 * Not for ever: no ordinary step twice, and none after urgent_ns.
 *
 * @param loop  The calling thread becomes its thread.
 * @context loop (not from a callback)
 * @return 0; 1 when isr_loop_stop() was called; errors as isr_loop_run().
 * @since 0.1
 */
ISR_API int isr_loop_dispatch(struct isr_loop *loop);

/**
 * @brief Get the libev loop, for watchers of your own.
 * @param loop  Owns the result, or the caller does (attached).
 * @context loop
 * @return The libev loop; NULL for NULL, off the loop's thread and in ISR
 *         context.
 * @since 0.1
 */
ISR_API struct ev_loop *isr_loop_get_ev(struct isr_loop *loop);

/**
 * @brief Say where messages of the library go; by default nowhere.
 * @param loop  Messages of this loop and its sources.
 * @param cb    NULL: nowhere.
 * @param arg   Handed to @cb; used as long as that of isr_emerg_set_cb().
 * @context loop
 * @return 0; -EINVAL for NULL; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_loop_set_log_cb(struct isr_loop *loop, isr_log_cb *cb,
				void *arg);

/** What a loop did; see isr_loop_get_stats(). */
struct isr_loop_stats {
	uint64_t wakeups;    /**< times it was woken through its eventfd */
	uint64_t passes;     /**< times round the loop */
	uint64_t deliveries; /**< flag callbacks run */
	uint64_t scheduled;  /**< calls of isr_schedule() made */
	uint64_t schedule_refused; /**< those refused, the queue was full */
	uint64_t masks;	      /**< critical sections, outermost ones, ended */
	uint64_t mask_max_ns; /**< the longest of them */
	const char *mask_max_where; /**< its call site; NULL: none */
	uint64_t steps;	       /**< pieces of the program run, of both bands */
	uint64_t urgent_steps; /**< those of the urgent band */
	/** times that urgent work had to wait because it had used its budget */
	uint64_t budget_exhausted;
	uint64_t step_max_ns; /**< the longest step */
	/** whose it was: a source's, a task's or a callback; empty: none */
	char step_max_name[ISR_LOOP_STEP_NAME_BYTES];
	uint64_t tasks;	      /**< tasks alive */
	uint64_t probes;      /**< questions that isr_wait_until() asked */
	uint64_t probe_ns;    /**< how long they took, all together */
	uint64_t rounds;      /**< those that followed one of the same wait */
	uint64_t round_ns;    /**< how long after it, all together */
	uint64_t reserved[4]; /**< 0; for later versions */
};

/**
 * @brief Read the loop's counters.
 * @param loop       A loop.
 * @param ret_stats  Filled on success.
 * @context loop
 * @return 0; -EINVAL for NULL; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_loop_get_stats(const struct isr_loop *loop,
			       struct isr_loop_stats *ret_stats);

/**
 * @brief Print the loop's counters, those of its sources and tasks, and the
 *        histograms of its flags, for people to read.
 * @param loop  A loop.
 * @param out   An open stream. What is printed, and how, may change.
 * @context loop (not for callbacks that are in a hurry)
 * @return 0; -EINVAL for NULL; -EIO when the stream has failed; -EPERM off
 *         the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_loop_print_stats(struct isr_loop *loop,
				 struct _IO_FILE *out);

/** When slow steps are told; see isr_loop_set_slow_cb(). */
enum isr_slow_mode {
	/** While it runs: once, from a thread of the library's. */
	ISR_SLOW_SOON = 1,
	/** When it is over. */
	ISR_SLOW_LATE = 2,
	/** When it is over, and took longer than all before. */
	ISR_SLOW_MAX = 4
};

/** Which steps are slow. Zero every member that is not needed. */
struct isr_slow_config {
	/** sizeof(struct isr_slow_config), for later extension. */
	size_t sz;
	/** Those that take at least so long; 0, but for SOON: all. */
	uint64_t threshold_ns;
	/** enum isr_slow_mode, or'ed. */
	uint32_t modes;
	uint32_t reserved0;   /**< 0; for later versions */
	uint64_t reserved[4]; /**< 0; for later versions */
};

/** A step that takes long, or took. */
struct isr_slow_report {
	/** Why this is told: enum isr_slow_mode, or'ed. */
	uint32_t modes;
	/** How long it took; with SOON, until now. */
	uint64_t duration_ns;
	/** Whose it is, as in isr_loop_stats; valid during the call. */
	const char *name;
};

/**
 * With ISR_SLOW_SOON it runs in a thread of the library's, beside the loop:
 * only functions of the signal and any classes are legal there, and it must not
 * wait for the loop. Else it runs on the loop's thread, after the step.
 */
typedef void isr_slow_cb(const struct isr_slow_report *report, void *arg);

/**
 * @brief Be told of steps that take long: who keeps the others waiting.
 *
 * A step is a callback, a call or a task's code between two waits. Watchers
 * that the program has in libev itself are none.
 *
 * SOON needs a thread, the watchdog. It sleeps while the loop sleeps, and
 * wakes up once a threshold at most while it does not; to begin after a sleep
 * of both costs the loop a system call. LATE and MAX cost nothing but where
 * they tell.
 *
 * @param loop    A loop.
 * @param config  Copied; not used without @cb.
 * @param cb      In place of the one before; NULL: nobody is told. A call that
 *                runs in the watchdog is over when this returns.
 * @param arg     Handed to @cb; stays the caller's.
 * @context loop
 * @return 0; -EINVAL for NULL, no or unknown modes, or SOON without a
 *         threshold; -E2BIG a config of a later version that asks for
 *         something unknown; -ENOMEM; -EAGAIN no thread; -ECANCELED when the
 *         loop was freed; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_loop_set_slow_cb(struct isr_loop *loop,
				 const struct isr_slow_config *config,
				 isr_slow_cb *cb, void *arg);

ISR_END_DECLS

#endif /* ISRLOOP_LOOP_H */
