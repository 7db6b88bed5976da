/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5, signal class: the value of an encoder is read. The rest is in
 * encoder-loop.c.
 *
 * ORDERING
 *   encoder:A (the loop stores it, release) <-> encoder:B (whoever reads,
 *           acquire): who sees a value sees what the loop did before
 */
#include "encoder.h"
#include "test-point.h"

int64_t isr_encoder_get_value(const struct isr_encoder *encoder)
{
	/* encoder:B */
	return (int64_t)atomic_load_explicit(ATOMIC(&encoder->value),
					     memory_order_acquire);
}

void isri_encoder_put_value(struct isr_encoder *encoder, int64_t value)
{
	ISR_TEST_POINT("encoder:A");
	/* encoder:A */
	atomic_store_explicit(ATOMIC(&encoder->value), (uint64_t)value,
			      memory_order_release);
}
