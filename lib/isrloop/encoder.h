/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_encoder: the position of a shaft, from the edges of two lines. Both are
 * in one request, so their order is the kernel's; what was lost is told.
 */
#ifndef ISRLOOP_ENCODER_H
#define ISRLOOP_ENCODER_H

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

/** The caller's memory. Only changed is public. */
struct isr_encoder {
	/** Set once an event; give it a callback, or wait for it. */
	struct isr_flag changed;
	/* the loop; any context, atomic: an int64_t, in two's complement */
	ISR_COUNTER value;
	/* loop only */
	union {
		uint64_t align;
		char bytes[1016];
	} rest;
};

/**
 * The value has changed, or edges were lost; with tell_stop, also that the
 * shaft has come to a standstill.
 */
struct isr_encoder_event {
	/**
	 * Of the last edge that changed it; with report_ns, the window's end.
	 * Of a standstill: stop_ns after the last edge or loss, or when the
	 * chip went.
	 */
	uint64_t t_ns;
	int64_t value;
	/** To the value told before. 0: a loss or a standstill is told. */
	int64_t delta;
	/** As isr_encoder_read_velocity(), at t_ns. */
	double velocity;
	/** Edges known lost since the event before. */
	uint32_t lost;
	/** Quarter steps that the position may be off; see uncertain below. */
	uint32_t uncertain;
	/** ISR_EVENT_FLAG_MERGED, ISR_EVENT_FLAG_SIMULATED */
	uint8_t flags;
	uint8_t reserved[7]; /**< 0; for later versions */
};

/**
 * An event of the encoder. Runs on the loop's thread, also within
 * isr_encoder_feed() and isr_encoder_read_velocity(), never inside itself; it
 * may close @encoder.
 * @param encoder  What has changed.
 * @param event    Valid during the call.
 * @param arg      As given at open.
 */
typedef void isr_encoder_cb(struct isr_encoder *encoder,
			    const struct isr_encoder_event *event, void *arg);

/** How to open an encoder. Zero every member that is not needed. */
struct isr_encoder_config {
	/** sizeof(struct isr_encoder_config), for later extension. */
	size_t sz;
	/**
	 * Its line is A. Both edges, soft, CLOCK_MONOTONIC, no debouncing.
	 * pin.chip and lines NULL: no pin, isr_encoder_feed() has all events.
	 */
	struct isr_pin_config pin;
	/** Line B, of the same chip. */
	const char *line_b;
	/** Counted a cycle of four edges: 1, 2 or 4; 0: 4. */
	uint32_t steps;
	/** Counted steps a value, with hysteresis; 0: 1. */
	uint32_t divider;
	/** The value at open. */
	int64_t initial;
	/** The value stays within these; both the same: no limits. */
	int64_t min;
	int64_t max;
	/** The value is told modulo this: 0 to modulo - 1; 0: it is not. */
	int64_t modulo;
	/**
	 * Changes are told together, so long after the first, or when the chip
	 * is gone, or with a standstill (tell_stop); 0: each one.
	 */
	uint64_t report_ns;
	/** The shaft stands still after so long without an edge; 0: 100 ms. */
	uint64_t stop_ns;
	/**
	 * Tell that too, then, when the event before had a velocity: one of 0,
	 * with what a window of report_ns has gathered by then. Also when the
	 * chip is gone.
	 */
	bool tell_stop;
	/** Of the flag: as isr_flag_init(). */
	unsigned int flag_mode;
	/** May be NULL. */
	isr_encoder_cb *cb;
	void *arg; /**< handed to @cb; stays the caller's */
	/** Gets the pin's events, before the encoder does; may be NULL. */
	isr_handler_cb *raw_cb;
	void *raw_arg;	      /**< handed to @raw_cb; stays the caller's */
	uint64_t reserved[4]; /**< 0; for later versions */
};

/** What an encoder has been through since it was opened. */
struct isr_encoder_stats {
	uint64_t edges;	 /**< that were seen */
	uint64_t steps;	 /**< quarter steps by edges that were seen */
	uint64_t events; /**< told */
	uint64_t lost;	 /**< edges known lost */
	/** Gaps whose movement was taken from the levels before and after. */
	uint64_t resyncs;
	/** Edges to the level that their line had, and none lost: merged. */
	uint64_t invalid;
	/** Levels that were found to be others than the edges had said. */
	uint64_t corrected;
	/**
	 * Quarter steps that the position may be off at most, since
	 * isr_encoder_set_value(), or open: what lost edges may have done
	 * beside what they are taken to have done. Under a flood it may be
	 * more: see isr_encoder(3).
	 */
	uint64_t uncertain;
	int64_t position;     /**< in quarter steps, forward, since open */
	int chip_error;	      /**< negative errno: the chip is gone; 0 */
	uint64_t reserved[8]; /**< 0; for later versions */
};

/**
 * @brief Follow an encoder; armed at once.
 * @param encoder       The caller's memory, kept until isr_encoder_close().
 * @param loop          Its loop; the loop's end closes the encoder as well.
 * @param config        Copied, but for line_b and strings of its pin, which
 *                      are needed during the call only.
 * @param reterr_error  Filled on failure: what is wrong. May be NULL.
 * @context loop
 * @return 0; -EINVAL for NULL or a config that makes no sense; -EBUSY it is
 *         open; as isr_pin_open() otherwise.
 * @since 0.1
 */
ISR_API int isr_encoder_open(struct isr_encoder *encoder, struct isr_loop *loop,
			     const struct isr_encoder_config *config,
			     struct isr_error *reterr_error);

/**
 * @brief Give back its lines, and finish its flag.
 *
 * What is not yet told is not told. Legal in the encoder's own callback.
 *
 * @param encoder  NULL, zeroed or closed memory is legal.
 * @context loop
 * @return 0; -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_encoder_close(struct isr_encoder *encoder);

/**
 * @brief Have an encoder without a pin handle an event.
 * @param encoder  Opened without lines.
 * @param event    ISR_EVENT_RISING, ISR_EVENT_FALLING or ISR_EVENT_INITIAL
 *                 of source 0, which is A, or 1, B; ISR_EVENT_IDLE: nothing
 *                 came until t_ns; ISR_EVENT_LOST; ISR_EVENT_CHIP_LOST.
 * @context loop
 * @return 0; -EINVAL for NULL, an encoder that is not open, another kind of
 *         event or source; -EBUSY it has a pin, or this is its own callback;
 *         -EPERM off the loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_encoder_feed(struct isr_encoder *encoder,
			     const struct isr_event *event);

/**
 * @brief Have the value be another one here.
 *
 * This is no change that is told. What is uncertain about the position is
 * forgotten.
 *
 * @param encoder  Open.
 * @param value    Within the limits; modulo is applied to it.
 * @context loop
 * @return 0; -EINVAL for NULL, an encoder that is not open or a value
 *         outside of its limits; -EPERM off the loop's thread or in ISR
 *         context.
 * @since 0.1
 */
ISR_API int isr_encoder_set_value(struct isr_encoder *encoder, int64_t value);

/**
 * @brief How fast the shaft turns.
 *
 * Over the last 8 quarter steps, or as many as there were since it stood
 * still: so 0 after the first of them. Never more than a quarter step, or a
 * wider one where quarters are uneven, in the time since the last one. Of the
 * shaft: limits do not stop it.
 *
 * As of now, when no edge waits for the loop, so that a silence is one; edges
 * of the last millisecond may be on their way. The chip is asked for that, a
 * system call or two. Edges that only it knew are handled where the loop reads
 * the pin, and wait for the loop where a thread does; the encoder's callbacks
 * may run inside the call, also in another callback. Else, in the encoder's
 * own callbacks, in a critical section, while its pin is masked or disarmed,
 * and without a pin, as of the latest event that it was fed.
 *
 * @param encoder       Open.
 * @param ret_velocity  Values a second, negative when it turns back; 0 when
 *                      it stands still.
 * @context loop
 * @return 0; -EINVAL for NULL or an encoder that is not open; -ECANCELED a
 *         callback has closed it; -EPERM off the loop's thread or in ISR
 *         context.
 * @since 0.1
 */
ISR_API int isr_encoder_read_velocity(struct isr_encoder *encoder,
				     double *ret_velocity);

/**
 * @brief What it has been through.
 * @param encoder    Open.
 * @param ret_stats  Filled on success.
 * @context loop
 * @return 0; -EINVAL for NULL or an encoder that is not open; -EPERM off the
 *         loop's thread or in ISR context.
 * @since 0.1
 */
ISR_API int isr_encoder_get_stats(const struct isr_encoder *encoder,
				  struct isr_encoder_stats *ret_stats);

/**
 * @brief The pin, for isr_source_get_stats() and isr_pin_get_info().
 * @param encoder  Open.
 * @context loop
 * @return The source, which stays the encoder's; NULL when it has none.
 * @since 0.1
 */
ISR_API struct isr_source *
isr_encoder_get_source(const struct isr_encoder *encoder);

ISR_END_DECLS

#endif /* ISRLOOP_ENCODER_H */
