/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the wake protocol.
 *
 * ORDERING
 *   wake:A (push, release cas of pending) <-> wake:C (collect, acquire
 *          exchange of pending): the members of a flag before the flag
 *   wake:B (arm, cas of pending from empty to armed) <-> wake:A: one word has
 *          one order of changes. Either the push comes first and the cas
 *          fails, so the loop does not block; or it comes second, finds the
 *          mark, and that one pusher writes. With the mark in a word of its
 *          own it takes a full barrier on both sides, and the pusher's look
 *          at that word comes after its push, when the loop may be gone.
 *   wake:D (a pusher is done with fd, release sub of kickers) <-> wake:E (the
 *          loop's end, acquire load of kickers): the write before the close
 *
 * A kicker is counted before its push. The flag is then found in the list by
 * wake:C, so the loop's end, which has waited for the flag, sees the count.
 *
 * The eventfd carries no information: it is emptied after a sleep, and it
 * does not matter when, because the loop looks at the list before it blocks
 * again. Nothing is freed through the pending list (push and take-all only),
 * so there is no ABA; the mark may come back between a setter's look and its
 * push, and is then the same mark.
 */
#include <errno.h>
#include <unistd.h>

#include "context.h"
#include "emerg.h"
#include "test-point.h"
#include "wake.h"

void isri_wake_kick(struct isri_wake *wake)
{
	const uint64_t one = 1;
	int saved = errno;

	/* A child shares the eventfd with its parent, and no more. */
	if (!isri_wake_is_at_home(wake))
		return;
	/* EAGAIN: the counter is full, so the loop is already due to wake. */
	(void)!write(wake->fd, &one, sizeof(one));
	errno = saved;
}

/* Pushes on an armed, that is empty, list, and wakes the loop for it. */
static ISRI_APART bool push_and_kick(struct isri_wake *wake,
				     struct isr_flag *flag)
{
	struct isr_flag *head = ISRI_WAKE_ARMED;
	bool taken;

	/* relaxed: the push publishes it */
	atomic_fetch_add_explicit(&wake->kickers, 1, memory_order_relaxed);
	flag->next = NULL;
	ISR_TEST_POINT("wake:A2");
	/* wake:A */
	taken = atomic_compare_exchange_strong_explicit(
		&wake->pending, &head, flag, memory_order_release,
		memory_order_relaxed);
	if (taken) {
		ISR_TEST_POINT("wake:D");
		isri_wake_kick(wake);
	}
	/* wake:D */
	atomic_fetch_sub_explicit(&wake->kickers, 1, memory_order_release);
	return taken;
}

void isri_wake_push(struct isri_wake *wake, struct isr_flag *flag)
{
	/* Mostly so, and a look before the cas would fetch the line twice. */
	struct isr_flag *head = NULL;

	for (;;) {
		while (head == ISRI_WAKE_ARMED) {
			if (push_and_kick(wake, flag))
				return;
			/* relaxed: as above */
			head = atomic_load_explicit(&wake->pending,
						    memory_order_relaxed);
		}
		/* Mostly it is; a spinning loop may have fetched the flag. */
		if (flag->next != head)
			flag->next = head;
		ISR_TEST_POINT("wake:A");
		/* wake:A */
		if (atomic_compare_exchange_weak_explicit(
			    &wake->pending, &head, flag, memory_order_release,
			    memory_order_relaxed))
			return;
	}
}

bool isri_wake_is_at_home(const struct isri_wake *wake)
{
	return wake->generation == isri_context_generation();
}

bool isri_wake_is_owner(const struct isri_wake *wake)
{
	/* relaxed: a thread recognises only its own value, which it wrote */
	return atomic_load_explicit(&wake->owner, memory_order_relaxed) ==
	       isri_context_thread();
}

int isri_wake_check_for(const struct isri_wake *wake, const char *function)
{
	/* A child's thread has the address of the one that forked. */
	if (!isri_wake_is_at_home(wake))
		return -EPERM;
	if (isri_wake_is_owner(wake) && !isr_in_context())
		return 0;

	isri_emerg_misuse((struct isr_loop *)wake, function);
	return -EPERM;
}

int isri_wake_check_if_any(const struct isri_wake *wake, const char *function)
{
	return wake ? isri_wake_check_for(wake, function)
		    : isri_context_refuse_isr(function);
}

int isri_wake_check_open(const struct isri_wake *wake, const char *function)
{
	int r;

	r = isri_wake_check_if_any(wake, function);
	if (r < 0)
		return r;
	return wake && wake->ended ? -ECANCELED : 0;
}

void isri_wake_claim(struct isri_wake *wake)
{
	/* relaxed: see isri_wake_check() */
	atomic_store_explicit(&wake->owner, isri_context_thread(),
			      memory_order_relaxed);
}

bool isri_wake_arm(struct isri_wake *wake)
{
	struct isr_flag *head = NULL;

	ISR_TEST_POINT("wake:B");
	/* wake:B: also when it is armed already */
	return atomic_compare_exchange_strong_explicit(
		       &wake->pending, &head, ISRI_WAKE_ARMED,
		       memory_order_relaxed, memory_order_relaxed) ||
	       head == ISRI_WAKE_ARMED;
}

bool isri_wake_disarm(struct isri_wake *wake)
{
	struct isr_flag *head = ISRI_WAKE_ARMED;

	/* wake:B: a push in between stays where it is */
	return atomic_compare_exchange_strong_explicit(
		&wake->pending, &head, NULL, memory_order_relaxed,
		memory_order_relaxed);
}

void isri_wake_rouse(struct isri_wake *wake)
{
	/* Else it is awake, or somebody has woken it just now. */
	if (isri_wake_disarm(wake))
		isri_wake_kick(wake);
}

bool isri_wake_collect(struct isri_wake *wake)
{
	struct isr_flag *list, *next, *oldest_first = NULL;
	struct isr_flag **end;

	if (!isri_wake_is_set(wake))
		return wake->ready;

	/* wake:C */
	list = atomic_exchange_explicit(&wake->pending, NULL,
					memory_order_acquire);
	end = &list->next;
	for (; list; list = next) {
		next = list->next;
		list->next = oldest_first;
		oldest_first = list;
	}
	*wake->ready_end = oldest_first;
	wake->ready_end = end;
	return wake->ready;
}
