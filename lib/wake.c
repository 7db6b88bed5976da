/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the wake protocol.
 *
 * ORDERING
 *   wake:A (push, seq_cst cas of pending, then seq_cst load of armed) <->
 *   wake:B (arm, seq_cst exchange of armed, then seq_cst load of pending):
 *          all four are in one total order, so either the pusher sees the
 *          loop armed and writes, or the loop sees the push and does not
 *          block. With the load of armed relaxed it may be satisfied before
 *          the push is visible, and the loop sleeps with work pending.
 *   wake:C (collect, acquire exchange of pending) <-> wake:A: the members of
 *          a flag before the flag
 *   wake:D (take the armed word, acq_rel exchange): of all who saw it armed
 *          exactly one writes. Nothing is published by it.
 *
 * The eventfd carries no information: it is emptied after a sleep, and it
 * does not matter when, because the loop looks at the list before it blocks
 * again. Nothing is freed through the pending list (push and take-all only),
 * so there is no ABA.
 */
#include <errno.h>
#include <unistd.h>

#include "context.h"
#include "test-point.h"
#include "wake.h"

void isri_wake_kick(struct isri_wake *wake)
{
	const uint64_t one = 1;
	int saved = errno;

	/* EAGAIN: the counter is full, so the loop is already due to wake. */
	(void)!write(wake->fd, &one, sizeof(one));
	errno = saved;
}

void isri_wake_push(struct isri_wake *wake, struct isr_flag *flag)
{
	/* relaxed: only a guess for the cas */
	struct isr_flag *head =
		atomic_load_explicit(&wake->pending, memory_order_relaxed);

	do {
		flag->next = head;
		ISR_TEST_POINT("wake:A");
		/* wake:A */
	} while (!atomic_compare_exchange_weak_explicit(
		&wake->pending, &head, flag, memory_order_seq_cst,
		memory_order_relaxed));

	ISR_TEST_POINT("wake:A2");
	/* wake:A */
	if (!atomic_load_explicit(&wake->armed, memory_order_seq_cst))
		return;
	/* wake:D */
	if (atomic_exchange_explicit(&wake->armed, 0, memory_order_acq_rel))
		isri_wake_kick(wake);
}

int isri_wake_check(const struct isri_wake *wake)
{
	const void *owner;

	/* relaxed: a thread recognises only its own value, which it wrote */
	owner = atomic_load_explicit(&wake->owner, memory_order_relaxed);
	if (owner != isri_context_thread() || isr_in_context())
		return -EPERM;
	return 0;
}

void isri_wake_claim(struct isri_wake *wake)
{
	/* relaxed: see isri_wake_check() */
	atomic_store_explicit(&wake->owner, isri_context_thread(),
			      memory_order_relaxed);
}

void isri_wake_init(struct isri_wake *wake, int fd)
{
	*wake = (struct isri_wake){.fd = fd};
	wake->ready_end = &wake->ready;
	isri_wake_claim(wake);
}

bool isri_wake_arm(struct isri_wake *wake)
{
	/* wake:B */
	atomic_exchange_explicit(&wake->armed, 1, memory_order_seq_cst);
	ISR_TEST_POINT("wake:B");
	/* wake:B */
	if (!atomic_load_explicit(&wake->pending, memory_order_seq_cst))
		return true;

	isri_wake_disarm(wake);
	return false;
}

void isri_wake_disarm(struct isri_wake *wake)
{
	/* relaxed: who still sees it armed writes once too often, no more */
	atomic_store_explicit(&wake->armed, 0, memory_order_relaxed);
}

bool isri_wake_collect(struct isri_wake *wake)
{
	struct isr_flag *list, *next, *oldest_first = NULL;
	struct isr_flag **end;

	/* relaxed: a push that is not seen yet is seen when the loop arms */
	if (!atomic_load_explicit(&wake->pending, memory_order_relaxed))
		return wake->ready;

	/* wake:C */
	list = atomic_exchange_explicit(&wake->pending, NULL,
					memory_order_acquire);
	end = list ? &list->next : wake->ready_end;
	for (; list; list = next) {
		next = list->next;
		list->next = oldest_first;
		oldest_first = list;
		wake->n_ready++;
	}
	*wake->ready_end = oldest_first;
	wake->ready_end = end;
	return wake->ready;
}
