/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: isr_source, anything that interrupts, and the handler that it runs.
 */
#ifndef ISRLOOP_SOURCE_H
#define ISRLOOP_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isrloop/chip.h>
#include <isrloop/error.h>
#include <isrloop/event.h>
#include <isrloop/isr.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/**
 * A handler. Hard: runs at once in ISR context, signal class only. Soft:
 * runs on the loop's thread between other callbacks; everything is legal,
 * closing its own source included.
 *
 * Beside its events it gets reports: ISR_EVENT_LOST when a loss has no next
 * event yet that could tell it, and ISR_EVENT_CHIP_LOST (value: negative
 * errno) once, when the chip of a pin is gone.
 *
 * @param source  What interrupted.
 * @param event   Valid during the call.
 * @param arg     As given at open.
 * @return 0; negative: it failed (as with isr_fail()): an emergency record
 *         says so, the source's failed flag is set, and its on_fail says what
 *         follows. Others are untouched.
 */
typedef int isr_handler_cb(struct isr_source *source,
			   const struct isr_event *event, void *arg);

/** What follows when a handler failed. */
enum isr_on_fail {
	ISR_ON_FAIL_DISARM = 0, /**< the source is disarmed until armed again */
	ISR_ON_FAIL_KEEP,	/**< it goes on; failures are counted */
	ISR_ON_FAIL_ABORT	/**< the records go to stderr, then abort(3) */
};

/** Room for a source's name, with its terminating zero. */
#define ISR_SOURCE_NAME_BYTES 32

/** The highest priority of a source. */
#define ISR_PRIORITY_MAX 3

/** What all kinds of sources have. Zero every member that is not needed. */
struct isr_source_options {
	/** In records and messages; copied, cut to 31 bytes. NULL: made up. */
	const char *name;
	/**
	 * A handler that runs longer is counted, and told once a second; 0:
	 * not measured.
	 */
	uint64_t budget_ns;
	enum isr_on_fail on_fail;
	/**
	 * 0 to ISR_PRIORITY_MAX: of a hard handler among those of its loop,
	 * and of the thread that reads a pin.
	 */
	int priority;
	/** The handler is hard: it runs at once, in ISR context. */
	bool hard;
	/** Running over the budget is a failure: on_fail follows. */
	bool fail_over_budget;
	uint64_t reserved[4]; /**< 0; for later versions */
};

/** Who reads a pin's edges from the kernel. */
enum isr_reader {
	/** A thread of its priority: a busy loop loses nothing. The default. */
	ISR_READER_THREAD = 0,
	/** The loop itself: no thread, one wake-up less, soft handler only. */
	ISR_READER_LOOP
};

/** Default room between reader and loop, in events. */
#define ISR_SOURCE_RING_EVENTS 4096
/** The deepest FIFO that the kernel gives one request, in events. */
#define ISR_PIN_FIFO_EVENTS_MAX 1024

/** How to open a pin. Zero every member that is not needed. */
struct isr_pin_config {
	/** sizeof(struct isr_pin_config), for later extension. */
	size_t sz;
	struct isr_source_options source;
	/** Chip spec; NULL: the line is found by name. */
	const char *chip;
	/** Name or offset. */
	const char *line;
	/** enum isr_line_find_flags */
	uint32_t find_flags;
	enum isr_edge edge;
	enum isr_bias bias;
	enum isr_clock clock;
	enum isr_reader reader;
	bool active_low;
	/** 0: the chip does not debounce. */
	uint64_t debounce_ns;
	/** Depth asked of the kernel; 0: ISR_PIN_FIFO_EVENTS_MAX. */
	uint32_t fifo_events;
	/** Room before the loop, power of two; 0: ISR_SOURCE_RING_EVENTS. */
	uint32_t ring_events;
	/** Told to the kernel as the holder; NULL: "isrloop". */
	const char *consumer;
	/**
	 * Names or offsets of further lines, of the same chip: one request for
	 * all of them, so that the order of their edges is the kernel's.
	 */
	const char *const *more_lines;
	/** At most ISR_PIN_LINES_MAX - 1. */
	uint32_t n_more_lines;
};

/** What was opened; see isr_pin_get_info(). Strings live with the source. */
struct isr_pin_info {
	const char *chip_name;
	const char *chip_label;
	const char *line_name; /**< empty when unnamed */
	uint32_t offset;
	uint32_t fifo_events; /**< the depth that the chip really gives */
	bool simulated;
	enum isr_clock clock;
	uint32_t n_lines;     /**< 1 + n_more_lines; the rest is of the first */
	uint64_t reserved[4]; /**< 0; for later versions */
};

/**
 * @brief Request a line, or several, and watch their edges; armed at once.
 *
 * Events of the line number i, 0 to n_more_lines, have the source
 * isr_source_get_id() + i.
 *
 * @param loop          Owns the source.
 * @param config        Copied.
 * @param handler       Runs once an edge, in order.
 * @param arg           Handed to @handler; stays the caller's.
 * @param ret_source    End it with isr_source_close(), or with the loop.
 * @param reterr_error  Filled on failure: chip, line, reason, remedy. May be
 *                      NULL.
 * @context loop
 * @return 0; -EINVAL a bad config; -E2BIG a config of a later version that
 *         asks for something unknown; -ENODEV no such chip; -ENOENT no such
 *         line; -ENOTUNIQ the name is not unique; -EBUSY somebody holds it;
 *         -EACCES; -EOPNOTSUPP the chip cannot do it; -ENOMEM; -EMFILE too
 *         many sources or descriptors; -EAGAIN no thread; -ECANCELED the
 *         loop was freed; -EPERM off the loop's thread or in ISR context;
 *         what else the kernel says.
 * @since 0.1
 */
ISR_API int isr_pin_open(struct isr_loop *loop,
			 const struct isr_pin_config *config,
			 isr_handler_cb *handler, void *arg,
			 struct isr_source **ret_source,
			 struct isr_error *reterr_error);

/**
 * @brief Tell what a pin source really is.
 * @param source    A pin.
 * @param ret_info  Filled on success; its strings live with the source.
 * @context loop
 * @return 0; -EINVAL not a pin; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_pin_get_info(const struct isr_source *source,
			     struct isr_pin_info *ret_info);

/**
 * @brief Describe one of a pin's lines, as isr_chip_get_line_info() does.
 * @param source    A pin.
 * @param index     0: line; from 1: more_lines.
 * @param ret_info  Filled on success.
 * @context loop
 * @return 0; -EINVAL not a pin, or no such line; what the kernel says; -EPERM
 *         off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_pin_get_line_info(const struct isr_source *source,
				  uint32_t index,
				  struct isr_line_info *ret_info);

/**
 * @brief Read the lines' levels now (logical: active is 1).
 * @param source     A pin.
 * @param ret_value  0 or 1; of several lines bit i is line i.
 * @context loop
 * @return 0; -EINVAL not a pin; what the chip says; -EPERM off the loop's
 *         thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_pin_get_value(struct isr_source *source, int *ret_value);

/**
 * @brief Watch a POSIX signal; armed at once.
 *
 * The signal's handler stamps it and, hard, runs @handler then and there;
 * soft, the event travels through the source's ring to the loop. The
 * disposition found is restored at close, unless the program has installed
 * another handler meanwhile, which stays; until then a signal that comes
 * while the source is disarmed is discarded. Signal masks are not touched:
 * some thread must have it unblocked. When more than one has, one at a time
 * runs a hard handler, also for what the others get meanwhile, which waits in
 * the source's ring: nobody waits for a handler. After as many runs as the
 * ring has events it leaves the rest to the loop. While a signal has it run,
 * signals of sources that are not of a higher priority are blocked in its
 * thread; they are not while isr_source_fire(), the end of a mask, or the loop
 * has it run in ordinary code.
 *
 * @param loop        Owns the source.
 * @param signo       Not SIGKILL, SIGSTOP or a fault (SIGSEGV, ...).
 * @param options     Copied; NULL: soft, and all defaults. Hard: @handler runs
 *                    in the signal handler.
 * @param handler     Runs once a signal delivered.
 * @param arg         Handed to @handler; stays the caller's.
 * @param ret_source  End it with isr_source_close(), or with the loop.
 * @context loop
 * @return 0; -EINVAL for NULL, bad options or another signal; -E2BIG options
 *         of a later version; -EBUSY a source watches it already, of any loop,
 *         or one of the parent's did when this child was forked; -ENOMEM;
 *         -EMFILE too many sources; -ECANCELED the loop was freed; -EPERM off
 *         the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_signal_open(struct isr_loop *loop, int signo,
			    const struct isr_source_options *options,
			    isr_handler_cb *handler, void *arg,
			    struct isr_source **ret_source);

/**
 * @brief Watch a file descriptor (level triggered).
 * @param loop        Owns the source, not the descriptor.
 * @param fd          Stays the caller's, who must close it after the source,
 *                    not before: the kernel would go on with a duplicate.
 * @param events      enum isr_fd_events; 0: none for now.
 * @param options     Copied; NULL: soft, and all defaults. Hard: @handler runs
 *                    in the IRQ thread, and has to read or write by itself.
 * @param handler     Runs while it is ready; value has the ready bits, and
 *                    both bits on error or hang-up.
 * @param arg         Handed to @handler; stays the caller's.
 * @param ret_source  End it with isr_source_close(), or with the loop.
 * @context loop
 * @return 0; -EINVAL for NULL, bad options, unknown bits or, hard, a regular
 *         file; -E2BIG options of a later version; -EBADF; -EEXIST a hard
 *         source of the same priority watches it; -ENOMEM; -EMFILE too many
 *         sources or descriptors; -EAGAIN no thread; -ECANCELED the loop was
 *         freed; -EPERM off the loop's thread or in ISR context; when a
 *         foreign loop watches this one, what fcntl(2) and epoll_ctl(2) say.
 * @since 0.1
 */
ISR_API int isr_fd_open(struct isr_loop *loop, int fd, unsigned int events,
			const struct isr_source_options *options,
			isr_handler_cb *handler, void *arg,
			struct isr_source **ret_source);

/**
 * @brief Change what is waited for.
 * @param source  An fd source.
 * @param events  enum isr_fd_events; 0: none for now.
 * @context loop
 * @return 0; -EINVAL not an fd source, or unknown bits; -EPERM off the
 *         loop's thread or in ISR context; as isr_fd_open() under a foreign
 *         loop, and then it waits for nothing.
 * @since 0.1
 */
ISR_API int isr_fd_set_events(struct isr_source *source, unsigned int events);

/**
 * @brief Make a timer (timerfd, absolute, no drift).
 *
 * An event's t_ns is when its last expiration was due.
 *
 * @param loop        Owns the source.
 * @param first_ns    From now to the first expiration; 0: not started.
 * @param period_ns   From one to the next; 0: once.
 * @param options     Copied; NULL: soft, and all defaults. Hard: @handler runs
 *                    in the IRQ thread.
 * @param handler     value is the number of expirations since the last call.
 * @param arg         Handed to @handler; stays the caller's.
 * @param ret_source  End it with isr_source_close(), or with the loop.
 * @context loop
 * @return 0; -EINVAL for NULL, bad options or more than 146 years; -E2BIG
 *         options of a later version; -ENOMEM; -EMFILE too many sources or
 *         descriptors; -EAGAIN no thread; what timerfd_create(2) says;
 *         -ECANCELED the loop was freed; -EPERM off the loop's thread or in
 *         ISR context.
 * @since 0.1
 */
ISR_API int isr_timer_open(struct isr_loop *loop, uint64_t first_ns,
			   uint64_t period_ns,
			   const struct isr_source_options *options,
			   isr_handler_cb *handler, void *arg,
			   struct isr_source **ret_source);

/**
 * @brief Start a timer anew, or stop it.
 *
 * Expirations of before that are not yet delivered are discarded, and counted
 * as such.
 *
 * @param source     A timer.
 * @param first_ns   From now to the first expiration; 0: stop.
 * @param period_ns  From one to the next; 0: once.
 * @context loop
 * @return 0; -EINVAL not a timer, or more than 146 years; -EPERM off the
 *         loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_timer_set(struct isr_source *source, uint64_t first_ns,
			  uint64_t period_ns);

/**
 * @brief Make a source of which the program itself fires the events; armed at
 *        once.
 *
 * isr_source_fire() interrupts, from any context.
 *
 * @param loop        Owns the source.
 * @param options     Copied; NULL: soft, and all defaults. Hard: @handler runs
 *                    in the IRQ thread.
 * @param handler     Runs once an event, in order; line_seq counts the fires.
 * @param arg         Handed to @handler; stays the caller's.
 * @param ret_source  End it with isr_source_close(), or with the loop.
 * @context loop
 * @return 0; -EINVAL for NULL or bad options; -E2BIG options of a later
 *         version; -ENOMEM; -EMFILE too many sources or descriptors; -EAGAIN
 *         no thread; -ECANCELED the loop was freed; -EPERM off the loop's
 *         thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_user_open(struct isr_loop *loop,
			  const struct isr_source_options *options,
			  isr_handler_cb *handler, void *arg,
			  struct isr_source **ret_source);

/**
 * @brief Let the source interrupt (again, after disarm or failure).
 *
 * What came before the call is discarded and counted as such. Where a hard
 * handler's failure has disarmed it, other threads may have found it armed a
 * moment before: what they were about to fire, or a signal that they had just
 * got, may still be delivered.
 *
 * @param source  Any source. Armed already: nothing happens.
 * @context loop
 * @return 0; -EINVAL for NULL, or closed by its handler; -ENODEV its chip is
 *         gone; -EPERM off the loop's thread or in ISR context; what
 *         epoll_ctl(2) and, under a foreign loop, fcntl(2) say: then it is
 *         as disarmed as before.
 * @since 0.1
 */
ISR_API int isr_source_arm(struct isr_source *source);

/**
 * @brief Discard what comes from now on; not counted as lost.
 *
 * When it returns no handler of the source runs, and none will start (its
 * own soft handler, if that is the caller, goes on). A line is not read any
 * more, so that one that floods costs nothing; a signal's handler stays.
 *
 * @param source  Any source.
 * @context loop
 * @return 0; -EINVAL for NULL; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_source_disarm(struct isr_source *source);

/**
 * @brief Keep one source waiting: nothing is lost, nothing is delivered.
 *
 * When it returns no handler of the source runs, and none will start until it
 * is unmasked (its own soft handler, if that is the caller, goes on). What
 * comes meanwhile waits: in the kernel, or in the source's ring, and is lost
 * and counted where that overflows. Nests: as many unmasks end it. To disarm
 * a masked source discards what waits; others are not touched.
 *
 * @param source  Any source.
 * @context loop
 * @return 0; -EINVAL for NULL; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_source_mask(struct isr_source *source);

/**
 * @brief End one mask; the last one has what waited delivered, in order.
 * @param source  A masked source.
 * @context loop
 * @return 0; -EINVAL for NULL, or not masked; -EPERM off the loop's thread or
 *         in ISR context; what epoll_ctl(2) and, under a foreign loop, fcntl(2)
 *         say: then it is as masked as before.
 * @since 0.1
 */
ISR_API int isr_source_unmask(struct isr_source *source);

/**
 * @brief Release the kernel resource and free the source.
 *
 * When it returns no handler of the source runs, and none will start. From
 * the source's own soft handler it frees the source when that returns; a
 * pin's lines are free at once.
 *
 * @param source  NULL is legal.
 * @context loop
 * @return 0; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_source_close(struct isr_source *source);

/**
 * @brief Set each time the handler failed; AUTO, of the source's loop.
 * @param source  Any source.
 * @context loop
 * @return Lives with the source; NULL for NULL, off the loop's thread and in
 *         ISR context.
 * @since 0.1
 */
ISR_API struct isr_flag *isr_source_get_failed_flag(struct isr_source *source);

/**
 * A source's account. Of a source at rest: events stamped = delivered +
 * lost_kernel + lost_ring + discarded. While it is armed, the sum of all lost
 * members that its handler saw = lost_kernel + lost_ring; what waited when it
 * was disarmed is told by the first event after it is armed again. A timer
 * has one event for the expirations of one call, but discards them one by one.
 */
struct isr_source_stats {
	ISR_COUNTER delivered; /**< handler runs, but for LOST and CHIP_LOST */
	uint64_t lost_kernel;  /**< gaps in the kernel's (or chip's) sequence */
	uint64_t lost_ring;    /**< no room in the source's ring */
	/**
	 * Events marked ISR_EVENT_FLAG_MERGED; of a signal the expirations of
	 * POSIX timers that came in another one's signal.
	 */
	uint64_t merged;
	uint64_t discarded;   /**< came while disarmed, or waited just then */
	uint64_t failed;      /**< handler runs that failed */
	uint64_t over_budget; /**< handler runs longer than budget_ns */
	uint64_t max_ns;      /**< the longest run; 0 without a budget */
	int last_error;	      /**< of the last run that failed; 0: none */
	uint32_t line_seq;    /**< the last event's */
	uint64_t reserved[8]; /**< 0; for later versions */
};

/**
 * @brief Read the source's account.
 * @param source     Any source.
 * @param ret_stats  Filled on success.
 * @context loop
 * @return 0; -EINVAL for NULL; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_source_get_stats(struct isr_source *source,
				 struct isr_source_stats *ret_stats);

/**
 * @brief From the edge's stamp to the handler's start.
 *
 * That of a soft handler is the callback. For what the loop runs after a hard
 * one there is isr_flag_set_edge_hist().
 *
 * Only for sources that stamp with CLOCK_MONOTONIC; else empty.
 *
 * @param source  Any source.
 * @context loop
 * @return Lives with the source; NULL for NULL, off the loop's thread and in
 *         ISR context.
 * @since 0.1
 */
ISR_API const struct isr_hist *
isr_source_get_latency(const struct isr_source *source);

ISR_END_DECLS

#endif /* ISRLOOP_SOURCE_H */
