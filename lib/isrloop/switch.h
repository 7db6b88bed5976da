/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_switch: a contact, debounced: one closing and one opening for each real
 * one, with the time of its first edge, however late the loop is.
 */
#ifndef ISRLOOP_SWITCH_H
#define ISRLOOP_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isrloop/error.h>
#include <isrloop/event.h>
#include <isrloop/flag.h>
#include <isrloop/isr.h>
#include <isrloop/macros.h>
#include <isrloop/source.h>

ISR_BEGIN_DECLS

struct isr_switch;

/** The shortest poll_ns: 1 ms. */
#define ISR_SWITCH_POLL_MIN_NS UINT64_C(1000000)

/** How a switch decides; see isr_switch(3). */
enum isr_switch_mode {
	/** At the first edge; what follows soon after it is bounce. */
	ISR_SWITCH_EAGER = 0,
	/** When the line has been quiet at the new level for debounce_ns. */
	ISR_SWITCH_STABLE,
	/** As EAGER, on a line without edges that is read every poll_ns. */
	ISR_SWITCH_POLLED,
	/** Every edge is an event: nothing is debounced. */
	ISR_SWITCH_RAW
};

/** What happened. */
enum isr_switch_kind {
	ISR_SWITCH_OPENED = 0,
	ISR_SWITCH_CLOSED,
	/** EAGER: it has stayed what it was told to be, and is quiet. */
	ISR_SWITCH_SETTLED
};

/** One event of a switch. */
struct isr_switch_event {
	/** Stamp of the change's first edge; of SETTLED that of its change. */
	uint64_t t_first_ns;
	/** When it was known to stay; 0: not yet. */
	uint64_t t_settled_ns;
	/** Edges since the first one that changed nothing; of a change that
	 *  has not settled 0. */
	uint32_t bounces;
	/** Edges known lost since the last event. */
	uint32_t lost;
	/** enum isr_switch_kind */
	uint8_t kind;
	/** The state now. */
	bool closed;
	/** ISR_EVENT_FLAG_MERGED: an edge of it is missing, so its first one
	 *  may be earlier; ISR_EVENT_FLAG_DEBOUNCED: the chip has decided, and
	 *  tells neither first edge nor bounces; _SIMULATED, _REPLAYED. */
	uint8_t flags;
};

/**
 * Runs on the loop's thread, never inside another callback of the loop, but
 * in isr_switch_feed() for a switch that is fed. It may close the switch.
 */
typedef void isr_switch_cb(struct isr_switch *sw,
			   const struct isr_switch_event *event, void *arg);

/** How to open a switch. Zero every member that is not needed. */
struct isr_switch_config {
	/** sizeof(struct isr_switch_config), for later extension. */
	size_t sz;
	/**
	 * The line; active is closed: active_low for a switch to ground. Its
	 * sz is needed as well. chip and line NULL: the program feeds the
	 * switch.
	 */
	struct isr_pin_config pin;
	enum isr_switch_mode mode;
	/** STABLE: by the chip, where it can. Its times are those of the end.
	 */
	bool chip_debounces;
	/** How long bounce may take; 0: 50 ms. */
	uint64_t debounce_ns;
	/** Edges closer to each other than that are one movement; 0: a fifth
	 *  of debounce_ns. */
	uint64_t chatter_ns;
	/** POLLED: at least ISR_SWITCH_POLL_MIN_NS; 0: 10 ms. */
	uint64_t poll_ns;
	/** Of its flags: ISR_FLAG_AUTO or ISR_FLAG_STICKY, or'ed with
	 *  ISR_FLAG_EXCLUSIVE. */
	unsigned int flag_mode;
	/** May be NULL. */
	isr_switch_cb *cb;
	void *arg;
	/** Gets the pin's own events as well, before the switch; may be NULL.
	 */
	isr_handler_cb *raw_cb;
	void *raw_arg;
	uint64_t reserved[4]; /**< 0; for later versions */
};

/** The account of a switch. */
struct isr_switch_stats {
	uint64_t events;      /**< closings and openings told */
	uint64_t edges;	      /**< edges (or samples that differ) fed */
	uint64_t bounces;     /**< edges that changed nothing */
	uint64_t glitches;    /**< STABLE: it moved, and was back in time */
	uint64_t merged;      /**< edges marked ISR_EVENT_FLAG_MERGED */
	uint64_t lost;	      /**< edges known lost */
	uint64_t corrected;   /**< changes that only the line's level told */
	int error;	      /**< of the chip, once it is gone; else 0 */
	uint32_t reserved0;   /**< 0; for later versions */
	uint64_t reserved[4]; /**< 0; for later versions */
};

/** The caller's memory. Only its flags are public. */
struct isr_switch {
	/** Set once each time it closes. */
	struct isr_flag close;
	/** Set once each time it opens. */
	struct isr_flag open;
	/* the loop writes; atomic */
	uint32_t closed;
	/* loop only */
	union {
		uint64_t align;
		char bytes[640];
	} rest;
};

/**
 * @brief Watch a contact.
 *
 * The state it is in is known on return, and no event.
 *
 * @param sw            The caller's memory, kept until isr_switch_close().
 * @param loop          Where it is told. The loop's end closes it as well.
 * @param config        Copied, but for strings of its pin, which are needed
 *                      during the call only.
 * @param reterr_error  Filled on failure: what, reason, remedy. May be NULL.
 * @context loop
 * @return 0; -EINVAL a bad config; -E2BIG a config of a later version that
 *         asks for something unknown; -EBUSY it is open; -ECANCELED the loop
 *         was freed; -EPERM off the loop's thread or in ISR context; what
 *         isr_pin_open() says.
 * @since 0.1
 */
ISR_API int isr_switch_open(struct isr_switch *sw, struct isr_loop *loop,
			    const struct isr_switch_config *config,
			    struct isr_error *reterr_error);

/**
 * @brief End it; its flags are finished, nothing of it runs any more.
 * @param sw  Legal in its own callbacks; so are NULL, zeroed and closed
 *            memory.
 * @context loop
 * @return 0; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_switch_close(struct isr_switch *sw);

/**
 * @brief Feed an event to a switch that has no pin.
 *
 * The switch knows no other time than that of what it is fed: an
 * ISR_EVENT_IDLE says that nothing else came until its t_ns.
 *
 * @param sw     Opened without a line.
 * @param event  RISING (closed), FALLING, INITIAL (value: closed), IDLE, LOST
 *               or CHIP_LOST; its source is 0.
 * @context loop
 * @return 0; -EBUSY in its own callback, or when it has a pin; -EINVAL for
 *         NULL, another event, or a switch that is not open; -EPERM off the
 *         loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_switch_feed(struct isr_switch *sw,
			    const struct isr_event *event);

/**
 * @brief Read the account.
 * @param sw         Open.
 * @param ret_stats  Filled on success.
 * @context loop
 * @return 0; -EINVAL for NULL, or a switch that is not open; -EPERM off the
 *         loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_switch_get_stats(const struct isr_switch *sw,
				 struct isr_switch_stats *ret_stats);

/**
 * @brief The pin of a switch.
 * @param sw  Open.
 * @context loop
 * @return Lives with the switch, which alone closes it; NULL when it is fed,
 *         not open, or off the loop's thread.
 * @since 0.1
 */
ISR_API struct isr_source *isr_switch_get_source(const struct isr_switch *sw);

ISR_END_DECLS

#endif /* ISRLOOP_SWITCH_H */
