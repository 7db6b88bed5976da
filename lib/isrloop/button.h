/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_button: what somebody means by a button: a click, several, a long press.
 * It is an isr_switch, whose contact it is, and decides as that does: by the
 * time of the contact's first edges, however late the loop runs.
 */
#ifndef ISRLOOP_BUTTON_H
#define ISRLOOP_BUTTON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isrloop/error.h>
#include <isrloop/event.h>
#include <isrloop/flag.h>
#include <isrloop/isr.h>
#include <isrloop/macros.h>
#include <isrloop/switch.h>

ISR_BEGIN_DECLS

/** What happened. Stored in one byte; new kinds are appended. */
enum isr_button_kind {
	ISR_BUTTON_PRESS = 1, /**< pressed */
	ISR_BUTTON_RELEASE,   /**< released */
	/** Clicked several times; 2 clicks are the double click. */
	ISR_BUTTON_CLICKS,
	ISR_BUTTON_LONG,  /**< held for long_ns */
	ISR_BUTTON_REPEAT /**< held for another repeat_ns */
};

/**
 * Which events stay away where another says more. A press is short when it
 * became neither one of several clicks nor long.
 */
enum isr_button_suppress {
	/** None: each press and each release is told at once. */
	ISR_BUTTON_SUPPRESS_NONE = 0,
	/**
	 * PRESS is told of a short press only, as soon as it is known to be
	 * one, so that it excludes LONG and CLICKS. One RELEASE ends whatever
	 * was told, never before it.
	 */
	ISR_BUTTON_SUPPRESS_SHORT,
	/**
	 * Each PRESS is told at once; RELEASE of a short press only, as soon as
	 * it is known to be one.
	 */
	ISR_BUTTON_SUPPRESS_RELEASE
};

/** Default of long_ns: 1 s. */
#define ISR_BUTTON_LONG_NS UINT64_C(1000000000)
/** Default of click_ns: 400 ms. */
#define ISR_BUTTON_CLICK_NS UINT64_C(400000000)
/** The shortest repeat_ns: 1 ms. */
#define ISR_BUTTON_REPEAT_MIN_NS UINT64_C(1000000)

/** Something happened. */
struct isr_button_event {
	/**
	 * Since when it is true (CLOCK_MONOTONIC): the contact's first edge, or
	 * the end of the time that had to pass; never the time of the call.
	 */
	uint64_t t_ns;
	/** First edge of the contact's change that it is about. */
	uint64_t t_first_ns;
	/** When that change had settled; 0: it has not yet. */
	uint64_t t_settled_ns;
	/** Edges of bounce of that change, as far as known by then. */
	uint32_t bounces;
	/**
	 * Which press of the series it is, of CLICKS how many there were; 0:
	 * of a press that nobody saw.
	 */
	uint32_t clicks;
	/** Of REPEAT: the how many-th of this press, from 1; else 0. */
	uint32_t repeats;
	/** Edges known lost just before that change, or in its bounce. */
	uint32_t lost;
	/** enum isr_button_kind */
	uint8_t kind;
	/** ISR_EVENT_FLAG_*, those of that change */
	uint8_t flags;
};

struct isr_button;

/**
 * Runs on the loop, once an event, in order, never inside itself. It may close
 * the button.
 * @param button  Whose it is.
 * @param event   Valid during the call.
 * @param arg     As given at open.
 */
typedef void isr_button_cb(struct isr_button *button,
			   const struct isr_button_event *event, void *arg);

/** How to open a button. Zero every member that is not needed. */
struct isr_button_config {
	/** sizeof(struct isr_button_config), for later extension. */
	size_t sz;
	/** Its contact, sz included. Its cb is called after the button's. */
	struct isr_switch_config contact;
	/** How long is long; 0: ISR_BUTTON_LONG_NS. */
	uint64_t long_ns;
	/**
	 * The next press within this time from a press is another click of the
	 * same series; 0: ISR_BUTTON_CLICK_NS.
	 */
	uint64_t click_ns;
	/** Tell REPEAT each such time after LONG; 0: never. */
	uint64_t repeat_ns;
	/**
	 * A series has this many clicks at most, and is told with the last one
	 * at once; 0: 2.
	 */
	uint32_t max_clicks;
	enum isr_button_suppress suppress;
	/** LONG is not wanted: nothing waits for it, however long. */
	bool no_long;
	/** CLICKS are not wanted: nothing waits for a second one. */
	bool no_clicks;
	/** Of the four flags: ISR_FLAG_AUTO or ISR_FLAG_STICKY, ... */
	unsigned int flag_mode;
	/** NULL: flags are enough. */
	isr_button_cb *cb;
	void *arg;
	uint64_t reserved[8]; /**< 0; for later versions */
};

/** The caller's memory. The rest is private. */
struct isr_button {
	/** Its contact, and what is known of that; the button closes it. */
	struct isr_switch contact;
	/** Each set once an event of its kind, before the callback. */
	struct isr_flag press;
	struct isr_flag release;
	struct isr_flag double_click; /**< CLICKS of exactly two */
	struct isr_flag long_press;
	/* loop only */
	union {
		uint64_t align;
		char bytes[384];
	} rest;
};

/**
 * @brief Open a button and its contact.
 *
 * A button that is held just then has been pressed before: its release is told
 * with SUPPRESS_NONE, and nothing else of it.
 *
 * @param button        The caller's memory, kept until isr_button_close().
 * @param loop          Where it is decided. The loop's end closes it as well.
 * @param config        Copied, but for strings of its contact's pin, which are
 *                      needed during the call only. Without contact.pin.chip
 *                      and line the button has no pin and no clock: it is
 *                      fed, see isr_button_feed().
 * @param reterr_error  Filled on failure; may be NULL.
 * @context loop
 * @return 0; -EINVAL for NULL, or a config that contradicts itself: the error
 *         names the member; -E2BIG a config of a later version that asks for
 *         something unknown; what isr_switch_open() says.
 * @since 0.1
 */
ISR_API int isr_button_open(struct isr_button *button, struct isr_loop *loop,
			    const struct isr_button_config *config,
			    struct isr_error *reterr_error);

/**
 * @brief Close it, its contact and its flags; it is told no more.
 * @param button  NULL, zeroed or closed memory is legal.
 * @context loop
 * @return 0; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_button_close(struct isr_button *button);

/**
 * @brief Feed a button that has no pin, as isr_switch_feed().
 *
 * Time passes by the stamps: feed an ISR_EVENT_IDLE to tell that nothing else
 * has come until then. Each repeat of that time is told.
 *
 * @param button  Opened without a line.
 * @param event   An edge, level, loss or idle time, in their order.
 * @context loop
 * @return 0; -EBUSY it has a pin, or this is its own callback; -EINVAL for
 *         NULL, a closed button or another kind of event; -EPERM off the
 *         loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_button_feed(struct isr_button *button,
			    const struct isr_event *event);

/** A button's account: events told. */
struct isr_button_stats {
	uint64_t presses;
	uint64_t releases;
	uint64_t series; /**< CLICKS, of whatever number */
	uint64_t longs;
	uint64_t repeats;
	uint64_t reserved[8]; /**< 0; for later versions */
};

/**
 * @brief Read the button's account; isr_switch_get_stats() has its contact's.
 * @param button     Open.
 * @param ret_stats  Filled on success.
 * @context loop
 * @return 0; -EINVAL for NULL or a closed button; -EPERM off the loop's thread
 *         or in ISR context.
 * @since 0.1
 */
ISR_API int isr_button_get_stats(const struct isr_button *button,
				 struct isr_button_stats *ret_stats);

ISR_END_DECLS

#endif /* ISRLOOP_BUTTON_H */
