/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* An encoder of the chip's lines A and B, and how much it was told of. */
#ifndef XT_ENCODER_PIN_H
#define XT_ENCODER_PIN_H

#include "xt-encoder.h"
#include "xt-pin.h"

#define HOUR_NS (3600 * 1000 * MS)

static const enum xt_mode soft_modes[] = {XT_SOFT, XT_LOOP};

/* Edges, and those lost, that it was told of; any thread reads it. */
static atomic_uint n_seen;

/* Returns how many it is with these. */
static inline unsigned int add_seen(const struct isr_event *event)
{
	unsigned int n = event->lost + (event->kind != ISR_EVENT_LOST);

	return atomic_fetch_add(&n_seen, n) + n;
}

/* Its handler has to add what it sees. */
static inline struct isr_encoder_config on_pin(enum xt_mode mode,
					       isr_handler_cb *raw_cb)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.pin = xt_pin("A", mode);
	config.line_b = "B";
	config.raw_cb = raw_cb;
	/* It does not come to rest because an edge takes long to come. */
	config.stop_ns = HOUR_NS;
	return config;
}

static inline void open_on_pin(const struct isr_encoder_config *config)
{
	struct isr_error error;
	int r;

	memset(&encoder, 0, sizeof(encoder));
	n_told = 0;
	shaft = 0;
	atomic_store(&n_seen, 0);
	r = isr_encoder_open(&encoder, loop, config, &error);
	ck_assert_msg(r == 0, "%s", r < 0 ? error.message : "");
}

#endif /* XT_ENCODER_PIN_H */
