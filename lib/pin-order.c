/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: the order of a pin's edges, and what is missing among them.
 *
 * Each edge is compared with the one before. A gap in the request's sequence
 * is edges that the chip's FIFO lost. The same edge of a line twice without a
 * gap, on a line that reports both, is edges that merged below the sequence;
 * behind a gap nothing can be said of any line. Numbers start at 1 with the
 * request and wrap at 2^32: differences are modular.
 *
 * SEVERAL LINES. The kernel counts in the interrupt (gpiolib-cdev.c:
 * edge_irq_handler()), but a thread for each line (edge_irq_thread()) puts the
 * events into the FIFO, so that they may stand there a little out of order:
 * what is read in one go is sorted. What comes after that, when its number was
 * already counted as lost, stays lost: it is dropped, because whoever was told
 * that it is missing has drawn his conclusions. So delivered + lost = stamped
 * holds exactly. Where one line interrupts again before its thread has run,
 * the number is gone that the thread has not yet taken: edges that merge leave
 * a gap there, not a repeated edge. The thread may also find the second number
 * twice: the edge that comes second is then dropped for the one that was
 * counted as lost.
 *
 * One line has one thread, and its order is taken as it comes.
 */
#include "pin-order.h"

#include <string.h>

void isri_pin_order_init(struct isri_pin_order *order, uint32_t n_lines,
			 bool both_edges)
{
	*order = (struct isri_pin_order){
		.n_lines = n_lines,
		.both_edges = both_edges,
		.next_seq = 1,
	};
}

static bool is_before(uint32_t seq, uint32_t other)
{
	return (int32_t)(seq - other) < 0;
}

/* By insertion: nearly all stand where they belong. */
void isri_pin_order_sort(const struct isri_pin_order *order,
			 struct isr_event *events, int n_events)
{
	struct isr_event event;
	int i, place;

	if (order->n_lines == 1)
		return;
	for (i = 1; i < n_events; i++) {
		if (!is_before(events[i].line_seq, events[i - 1].line_seq))
			continue;
		event = events[i];
		for (place = i;
		     place > 0 &&
		     is_before(event.line_seq, events[place - 1].line_seq);
		     place--)
			events[place] = events[place - 1];
		events[place] = event;
	}
}

bool isri_pin_order_follow(struct isri_pin_order *order,
			   struct isr_event *event, uint32_t *ret_gap)
{
	uint8_t *last_kind = &order->last_kind[event->source];

	if (order->n_lines > 1 && is_before(event->line_seq, order->next_seq))
		return false;

	*ret_gap = event->line_seq - order->next_seq;
	if (*ret_gap)
		memset(order->last_kind, ISR_EVENT_NONE,
		       sizeof(order->last_kind));
	if (order->both_edges && event->kind == *last_kind)
		event->flags |= ISR_EVENT_FLAG_MERGED;
	*last_kind = event->kind;
	order->next_seq = event->line_seq + 1;
	return true;
}
