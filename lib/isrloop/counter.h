/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_counter: how often, how fast, how regular. It counts the pulses of a
 * line and measures them by their stamps, so that a busy loop changes no
 * figure, only when it is told.
 */
#ifndef ISRLOOP_COUNTER_H
#define ISRLOOP_COUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isrloop/error.h>
#include <isrloop/event.h>
#include <isrloop/flag.h>
#include <isrloop/isr.h>
#include <isrloop/macros.h>
#include <isrloop/source.h>
#include <isrloop/word.h>

ISR_BEGIN_DECLS

/** Default of window_ns: 1 s. */
#define ISR_COUNTER_WINDOW_NS UINT64_C(1000000000)
/** The shortest report_ns: 1 ms. */
#define ISR_COUNTER_REPORT_MIN_NS UINT64_C(1000000)
/** Parts of a window; it moves on by one of them at a time. */
#define ISR_COUNTER_PARTS 16

/** What the input does. Stored in one byte; new states are appended. */
enum isr_counter_state {
	/** No pulse for stop_ns, or none yet. */
	ISR_COUNTER_STOPPED = 0,
	/** One pulse after a stop: there is no period yet. */
	ISR_COUNTER_STARTED,
	/** The frequency is that of the window. */
	ISR_COUNTER_RUNNING,
	/**
	 * The next pulse is overdue: the frequency is the highest that the
	 * silence since to_ns still allows.
	 */
	ISR_COUNTER_SLOWING
};

/**
 * What a counter has measured. A pulse begins with its active edge, and a
 * period goes from there to the next one. The window is made of the spans
 * between pulses that ended in the last window_ns, whole ones only; when none
 * did, of the latest one.
 */
struct isr_counter_reading {
	/** All that happened until then is in it; CLOCK_MONOTONIC. */
	uint64_t t_ns;
	/** The pulse where the window begins, and the latest one; 0: none. */
	uint64_t from_ns;
	uint64_t to_ns;
	/** Pulses that began after from_ns, up to to_ns: at least, at most. */
	uint64_t window_pulses_min;
	uint64_t window_pulses_max;

	/** Pulses seen since open; no exchange changes it. */
	uint64_t pulses;
	/** As isr_counter_get_count(). */
	int64_t count;
	/** Edges known lost since open. */
	uint64_t lost;
	/** Edges since open that repeat the one before: others are missing. */
	uint64_t merged;

	/**
	 * Pulses a second, and what it is at least and at most: in the window,
	 * where all three are the same if nothing was lost; with
	 * ISR_COUNTER_STARTED and ISR_COUNTER_SLOWING since to_ns. 0 when it
	 * has stopped.
	 */
	double frequency_hz;
	double frequency_min_hz;
	double frequency_max_hz;

	/**
	 * Periods of the window in which no edge is missing. What follows is
	 * of these alone; 0 when there are none.
	 */
	uint64_t periods;
	double period_mean_ns;
	/** Jitter: their standard deviation from that mean. */
	double period_stddev_ns;
	uint64_t period_min_ns;
	uint64_t period_max_ns;
	/**
	 * How much of the time the line is active, 0 to 1; when the input has
	 * stopped, its level. 0 when only one edge is watched, like the widths.
	 */
	double duty;
	/** How long it is active, */
	double high_mean_ns;
	uint64_t high_min_ns;
	uint64_t high_max_ns;
	/** and how long it is not. */
	double low_mean_ns;
	uint64_t low_min_ns;
	uint64_t low_max_ns;

	uint8_t state; /**< enum isr_counter_state */
	bool chip_lost; /**< the chip is gone: nothing will follow */
	uint64_t reserved[8]; /**< 0; for later versions */
};

struct isr_counter;

/**
 * A report. Runs on the loop, also within isr_counter_feed() and
 * isr_counter_read(), never inside itself. It may close the counter.
 * @param counter  Whose it is.
 * @param reading  Of the report's time; valid during the call.
 * @param arg      As given at open.
 */
typedef void isr_counter_cb(struct isr_counter *counter,
			    const struct isr_counter_reading *reading,
			    void *arg);

/** How to open a counter. Zero every member that is not needed. */
struct isr_counter_config {
	/** sizeof(struct isr_counter_config), for later extension. */
	size_t sz;
	/**
	 * The line, sz included; chip and line NULL: isr_counter_feed() feeds
	 * it, and of the pin only edge counts. edge: ISR_EDGE_BOTH counts
	 * rising edges and measures widths; one edge: counts that one, and
	 * takes half the events.
	 */
	struct isr_pin_config pin;
	/** What is measured is of the last so many ns; 0: 1 s. */
	uint64_t window_ns;
	/**
	 * No pulse for so long: it has stopped. So the longest period that is
	 * measured, too. 0: three windows.
	 */
	uint64_t stop_ns;
	/**
	 * While it runs, report at each multiple of this (of the clock), at
	 * least ISR_COUNTER_REPORT_MIN_NS, and once when it has stopped; 0: no
	 * reports.
	 */
	uint64_t report_ns;
	/** Of updated: ISR_FLAG_AUTO or ISR_FLAG_STICKY, ... */
	unsigned int flag_mode;
	/** Gets the reports; NULL: the flag is enough. */
	isr_counter_cb *cb;
	void *arg;
	/** Gets the line's events before the counter does; NULL: nobody. */
	isr_handler_cb *raw_cb;
	void *raw_arg;
	uint64_t reserved[8]; /**< 0; for later versions */
};

/** The caller's memory. Only updated is public. */
struct isr_counter {
	/** Set once a report, before the callback. */
	struct isr_flag updated;
	/* any context */
	struct isr_word count;
	/* loop only; the window as well, so that an edge allocates nothing */
	union {
		uint64_t align;
		char bytes[3072];
	} rest;
};

/**
 * @brief Open a counter; it counts from then on.
 * @param counter       The caller's memory, kept until isr_counter_close().
 * @param loop          Where it runs. The loop's end closes it as well.
 * @param config        Copied, but for strings of its pin, which are needed
 *                      during the call only.
 * @param reterr_error  Filled on failure; may be NULL.
 * @context loop
 * @return 0; -EINVAL for NULL or a bad configuration (a hard handler, another
 *         clock than ISR_CLOCK_MONOTONIC); -E2BIG one of a later version;
 *         -EBUSY it is open; -ECANCELED the loop was freed; -EPERM off the
 *         loop's thread or in ISR context; as isr_pin_open().
 * @since 0.1
 */
ISR_API int isr_counter_open(struct isr_counter *counter, struct isr_loop *loop,
			     const struct isr_counter_config *config,
			     struct isr_error *reterr_error);

/**
 * @brief Release the line and finish the flag.
 *
 * Legal in the counter's own callback. Its count may still be read.
 *
 * @param counter  NULL, zeroed or closed memory is legal.
 * @context loop
 * @return 0; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_counter_close(struct isr_counter *counter);

/**
 * @brief Tell a counter without a pin what happened.
 *
 * Time passes by the stamps, and by ISR_EVENT_IDLE: nothing else came until
 * its t_ns. Deadlines that have passed by then are decided first, each with
 * its own time.
 *
 * @param counter  Opened without a line.
 * @param event    ISR_EVENT_RISING, FALLING, INITIAL, IDLE, LOST or CHIP_LOST;
 *                 source 0.
 * @context loop
 * @return 0; -EINVAL for NULL, another kind or source, or when it is not open;
 *         -EBUSY it has a pin, or this is its own callback; -EPERM off the
 *         loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_counter_feed(struct isr_counter *counter,
			     const struct isr_event *event);

/**
 * @brief Read what it has measured.
 *
 * As of now, when no edge waits for the loop, so that a silence is one. Edges
 * that only the chip knew are handled where the loop reads the pin, and wait
 * for the loop where a thread does; raw_cb, and reports that are due, may run
 * inside the call, also in another callback. Else, in the counter's own
 * callbacks, in a critical section, while its pin is masked or disarmed, and
 * without a pin, as of the latest event that it was fed: t_ns says.
 *
 * @param counter      Open.
 * @param ret_reading  Filled on success.
 * @context loop
 * @return 0; -EINVAL for NULL, or when it is not open; -ECANCELED a report
 *         has closed it; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_counter_read(struct isr_counter *counter,
			     struct isr_counter_reading *ret_reading);

/**
 * @brief The counter's pin, for its name, account and latency.
 * @param counter  Open.
 * @context loop
 * @return Lives with the counter; NULL when it is fed, or not open, off the
 *         loop's thread and in ISR context.
 * @since 0.1
 */
ISR_API struct isr_source *
isr_counter_get_source(const struct isr_counter *counter);

ISR_END_DECLS

#endif /* ISRLOOP_COUNTER_H */
