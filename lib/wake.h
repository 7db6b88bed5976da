/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: what a loop and those who set its flags share.
 *
 * Setters push flags on the pending list and write to the eventfd only when
 * the loop sleeps or is about to (it is armed). The loop arms, looks at the
 * list once more, then blocks; so a set costs no system call while the loop
 * is awake, and any number of sets at most one write per sleep.
 *
 * "Armed" is a mark in the list's own word, not a word beside it. So one
 * push both publishes a flag and takes the mark, and a setter that found the
 * loop awake is done with the loop's memory at that very moment: the loop
 * may deliver the flag and be freed at once.
 */
#ifndef ISRI_WAKE_H
#define ISRI_WAKE_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/flag.h>

#include "atomic.h"
#include "flag-wait.h"
#include "hot.h"

/* Producers, loop and the rest on separate pairs of cache lines. */
#define ISRI_LINE_BYTES 128

/* In place of an empty pending list: the loop sleeps or is about to. */
#define ISRI_WAKE_ARMED ((struct isr_flag *)1)

struct isri_wake {
	/*
	 * Flags that were set; newest first. Anyone pushes, the loop takes.
	 * ISRI_WAKE_ARMED: the loop puts it, whoever pushes takes it.
	 */
	_Alignas(ISRI_LINE_BYTES) _Atomic(struct isr_flag *) pending;
	/* Setters that wake the loop just now; fd stays open meanwhile. */
	_Atomic uint32_t kickers;
	/* Constant while flags are bound to it. */
	_Alignas(ISRI_LINE_BYTES) int fd;
	/* isri_context_generation() of the process that made it. */
	unsigned int generation;
	/* isri_context_thread() of the loop; written by the loop. */
	_Atomic(const void *) owner;
	/* Loop only: taken and not yet delivered, oldest first. */
	struct isr_flag *ready;
	struct isr_flag **ready_end;
	/* Loop only: run nothing more in this pass (a stop, the loop's end). */
	bool halted;
	/* Loop only: it is being freed, and nothing may begin on it. */
	bool ended;
	/* Loop only: delivered last, and not finished since; NULL: none. */
	const struct isr_flag *last;
	/* Loop only: every flag bound to it. */
	struct isr_flag *all;
	/* Loop only: flag callbacks run. */
	uint64_t deliveries;
	struct isri_waits waits;
};

/* A loop begins with its wake, so that F1 needs not know what a loop is. */
static inline struct isri_wake *isri_wake_of(struct isr_loop *loop)
{
	return (struct isri_wake *)loop;
}

/* Signal class. */
ISRI_HOT void isri_wake_push(struct isri_wake *wake, struct isr_flag *flag);

/*
 * False in a child of the process that made the loop. The child has no IRQ
 * thread to join, and shares the epoll files: to close a source there would
 * take it away from the parent.
 */
bool isri_wake_is_at_home(const struct isri_wake *wake);

/* The caller is on the loop's thread, in whatever context. */
bool isri_wake_is_owner(const struct isri_wake *wake);

/*
 * 0 when loop class functions are legal here: on the loop's thread, outside
 * ISR context, and not in a child; else -EPERM, and an emergency record that
 * names the public function that checks. Signal class.
 */
int isri_wake_check_for(const struct isri_wake *wake, const char *function);
#define isri_wake_check(wake) isri_wake_check_for(wake, __func__)
/* The same; no wake, of what has no loop: all is well outside ISR context. */
int isri_wake_check_if_any(const struct isri_wake *wake, const char *function);
/*
 * As that, for what begins something on a loop: also -ECANCELED, once the loop
 * is being freed. What began then would outlive it.
 */
int isri_wake_check_open(const struct isri_wake *wake, const char *function);

/*
 * lib/flag-thread.c. 0 when the caller may wait for what this loop does; -EPERM
 * in a child; -EDEADLK on the loop's own thread. Any class.
 */
int isri_wake_check_waiter(const struct isri_wake *wake);

/* The loop's side; loop class, and the caller has checked that. */
/* lib/flag-loop.c */
void isri_wake_init(struct isri_wake *wake, int fd);
void isri_wake_claim(struct isri_wake *wake);
/* True when the loop may block; false: there is work, and it is disarmed. */
bool isri_wake_arm(struct isri_wake *wake);
/* True when it was still armed: nobody has woken the loop. */
bool isri_wake_disarm(struct isri_wake *wake);
/* One load: a flag was set that is not collected yet. */
static inline bool isri_wake_is_set(const struct isri_wake *wake)
{
	/* relaxed: what is not seen yet is seen when the loop arms */
	const struct isr_flag *head =
		atomic_load_explicit(&wake->pending, memory_order_relaxed);

	return head && head != ISRI_WAKE_ARMED;
}
/*
 * The flag that was delivered last is set again, and will be pushed soon: asks
 * for its line meanwhile. Nothing is wrong when it is another's turn.
 */
bool isri_wake_foresee(const struct isri_wake *wake);
/* Moves what is pending behind what is ready; true when anything is ready. */
bool isri_wake_collect(struct isri_wake *wake);
/* Makes a loop that blocks, or will, return at once. Signal class. */
ISRI_APART void isri_wake_kick(struct isri_wake *wake);
/* One load: the loop has armed, and nobody has woken it since. */
static inline bool isri_wake_is_armed(const struct isri_wake *wake)
{
	/* relaxed: only the loop, which asks, puts the mark there */
	return atomic_load_explicit(&wake->pending, memory_order_relaxed) ==
	       ISRI_WAKE_ARMED;
}
/* The loop shall look for work again, should it be about to block. */
void isri_wake_rouse(struct isri_wake *wake);
/* Delivers what is ready the longest; false: nothing is. */
bool isri_wake_deliver(struct isri_wake *wake);
/*
 * No thread waits for its flags any more, nor for room in its rings. They can
 * be set, and filled, as before.
 */
void isri_wake_let_go(struct isri_wake *wake);
/*
 * Finishes every flag bound to it. After it no setter uses the wake, so its
 * memory and fd may go.
 */
void isri_wake_finish_flags(struct isri_wake *wake);

#endif /* ISRI_WAKE_H */
