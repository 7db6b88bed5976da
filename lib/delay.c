/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5, signal class: a delay is triggered. The loop's side is in delay-loop.c.
 *
 * A trigger writes the deadline and no more, as long as the loop will look in
 * time: it does so at the time of its alarm, compares, and sets the alarm
 * anew if the deadline was put off. So to feed a watchdog ten thousand times a
 * second wakes nobody. What it compares is the deadline at that moment, and
 * it takes it in one step with the decision: a trigger or a stop comes before
 * that, and then counts, or after.
 *
 * ORDERING
 *   delay:A (trigger, seq_cst cas of deadline_ns, then seq_cst load of
 *           alarm_ns) <-> delay:B (the loop has no alarm any more, seq_cst
 *           store of alarm_ns, then seq_cst load or exchange of deadline_ns):
 *           one of the two sees what the other has written. So who relied on
 *           an alarm that is over is seen. When the alarm is set it needs no
 *           second look: until then whoever triggers sees that there is none
 *   delay:C (the loop expires or stops, seq_cst cas or exchange of
 *           deadline_ns) <-> delay:A: what a trigger's caller wrote before is
 *           visible where it expires
 */
#include <errno.h>

#include "atomic.h"
#include "context.h"
#include "delay.h"
#include "test-point.h"

/* Between what stands for no time. */
static uint64_t deadline_in(uint64_t delay_ns)
{
	uint64_t now_ns = isr_now_ns();

	if (delay_ns >= ISRI_DELAY_NEVER - now_ns)
		return ISRI_DELAY_NEVER - 1;
	return now_ns + delay_ns > ISRI_DELAY_IDLE ? now_ns + delay_ns
						   : ISRI_DELAY_IDLE + 1;
}

/* In a callback or a task of its loop. The loop itself may be gone. */
static bool is_on_loop(const struct isr_delay *delay)
{
	const struct isri_frame *frame = isri_context_get_frame();

	return frame && frame->loop == delay->loop && !isr_in_context();
}

int isr_delay_trigger(struct isr_delay *delay, uint64_t delay_ns)
{
	uint64_t found_ns, deadline_ns;

	if (!delay)
		return -EINVAL;
	/* relaxed: a guess for the cas */
	found_ns = atomic_load_explicit(ATOMIC(&delay->deadline_ns),
					memory_order_relaxed);
	do {
		if (found_ns == ISRI_DELAY_DONE)
			return -EINVAL;
		/* Anew each time: it may have been interrupted for long. */
		deadline_ns = deadline_in(delay_ns);
		ISR_TEST_POINT("delay:A1");
		/* delay:A */
	} while (!atomic_compare_exchange_weak_explicit(
		ATOMIC(&delay->deadline_ns), &found_ns, deadline_ns,
		memory_order_seq_cst, memory_order_relaxed));

	/* An expiry before this one that nobody was told of. */
	if (is_on_loop(delay))
		isri_delay_rest(delay)->clear(&delay->expired);
	ISR_TEST_POINT("delay:A");
	/* delay:A */
	if (atomic_load_explicit(ATOMIC(&delay->alarm_ns),
				 memory_order_seq_cst) > deadline_ns)
		isr_flag_set(&delay->changed);
	return 0;
}

bool isr_delay_is_running(const struct isr_delay *delay)
{
	/* delay:C: who sees that it has expired sees what was before that */
	return delay &&
	       atomic_load_explicit(ATOMIC(&delay->deadline_ns),
				    memory_order_acquire) > ISRI_DELAY_IDLE;
}
