/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: waiting for a flag, whoever it is that waits.
 *
 * The waiters of a flag are a circle; the flag's arg, without a callback,
 * leads to the one that came first. So a flag that nobody waits for pays
 * nothing, neither where it is set nor where it is delivered.
 *
 * One lock a loop guards all that is here. It inherits priority and is held
 * for some instructions and for waking up those whose turn it is.
 */
#ifndef ISRI_FLAG_WAIT_H
#define ISRI_FLAG_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <isrloop/flag.h>

/* What a loop has for waiters; in its struct isri_wake. */
struct isri_waits {
	pthread_mutex_t lock;
	/* Under the lock: whose flags the loop shall look at again. */
	struct isri_waiter *late;
	/* Set when there are any. */
	struct isr_flag came_late;
};

/* Zeroed but for wake. Its memory is the waiter's own, until it ended. */
struct isri_waiter {
	/* Under the lock: the circle of its flag; NULL: not in it. */
	struct isri_waiter *next, *prev;
	/* Under the lock: the list of those that came late. */
	struct isri_waiter *late_next;
	bool is_late;
	/* Constant while it is in the circle. */
	struct isr_flag *flag;
	/* Under the lock: its share of the sets or -ECANCELED; 0: none yet. */
	int result;
	/*
	 * Runs on the loop's thread, under the lock, once result is there and
	 * it is in no list. It takes no lock and waits for nothing.
	 */
	void (*wake)(struct isri_waiter *waiter);
};

/* Setup class; the came_late flag is its caller's to bind. */
void isri_waits_init(struct isri_waits *waits);
/* After all flags of the loop were finished. */
void isri_waits_done(struct isri_waits *waits);

/*
 * Any thread but not ISR context; takes the lock, which inherits priority.
 * The flag's loop must not end meanwhile. 1 and up: the sets that were taken
 * at once; 0: in the circle, until wake() was called or isri_wait_end(); or
 * -EBUSY, -ECANCELED. Without patience -ETIMEDOUT instead of 0.
 */
int isri_wait_begin(struct isri_waits *waits, struct isri_waiter *waiter,
		    struct isr_flag *flag, bool has_patience);
/*
 * As isri_wait_begin(). Leaves the circle if it is still in it: the result,
 * which is taken from the flag if it is set for this waiter, or -ETIMEDOUT.
 */
int isri_wait_end(struct isri_waits *waits, struct isri_waiter *waiter);

/*
 * The loop's side, on its thread; lib/flag-loop.c calls it.
 */

/* Under the lock. */
static inline bool isri_flag_is_waited_for(const struct isr_flag *flag)
{
	return !flag->cb && flag->arg;
}
/* Under the lock: shares out what was consumed. */
void isri_waits_hand_out(struct isr_flag *flag, uint32_t count);
/* Takes the lock: the flag has ended, and has no callback any more. */
void isri_waits_cancel(struct isri_waits *waits, struct isr_flag *flag);

#endif /* ISRI_FLAG_WAIT_H */
