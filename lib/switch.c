/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5, signal class: the state of a switch, for any context. What it does is in
 * switch-loop.c, what it decides in switch-core.c.
 *
 * ORDERING
 *   switch:A (the loop, release store of closed) <-> switch:B (any context,
 *            acquire load): who sees the state sees what led to it
 */
#include "switch.h"
#include "atomic.h"
#include "test-point.h"

void isri_switch_publish(struct isr_switch *sw, bool closed)
{
	ISR_TEST_POINT("switch:A");
	/* switch:A */
	atomic_store_explicit(ATOMIC(&sw->closed), closed,
			      memory_order_release);
}

bool isr_switch_is_closed(const struct isr_switch *sw)
{
	if (!sw)
		return false;
	ISR_TEST_POINT("switch:B");
	/* switch:B */
	return atomic_load_explicit(ATOMIC(&sw->closed), memory_order_acquire);
}
