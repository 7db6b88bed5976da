/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: waiting for a flag, whoever it is that waits.
 *
 * The waiters of a flag are a circle; the flag's arg, without a callback,
 * leads to the one that came first. So a flag that nobody waits for pays
 * nothing, neither where it is set nor where it is delivered.
 *
 * There are two kinds of waiters. A thread is handed its share of the sets: it
 * is taken out of the circle with it, for it may be long before it runs. One
 * on the loop's own thread, a task, is only told: it stays in the circle, the
 * count stays in the flag, and it takes its share when it runs. So a clear or
 * a cancel in between finds everything as if it had not been woken.
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
	/* Under the lock: nobody may wait any more. */
	bool ended;
	/* Loop only: who has taken a share that it may give back. */
	struct isri_waiter *latched;
	/* Set when there are any late ones. */
	struct isr_flag came_late;
};

/*
 * Zeroed but for wake and is_told. Its memory is the waiter's own, until it
 * ended.
 */
struct isri_waiter {
	/* Under the lock: the circle of its flag; NULL: not in it. */
	struct isri_waiter *next, *prev;
	/* Constant: it is told, and takes its share on the loop's thread. */
	bool is_told;
	/* Loop only, of one that is told: it had its share, and left. */
	bool is_latched;
	/* Under the lock: the list of those that came late. */
	struct isri_waiter *late_next;
	bool is_late;
	/* Constant while it is in the circle. */
	struct isr_flag *flag;
	/* Under the lock: its share of the sets or -ECANCELED; 0: none yet. */
	int result;
	/*
	 * Runs on the loop's thread, under the lock. Of one that is handed its
	 * share: once result is there and it is in no list. Of one that is
	 * told: whenever it shall look, perhaps for nothing. It takes no lock
	 * and waits for nothing.
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

/* Of a flag without a loop: -ECANCELED after its end, -EINVAL before init. */
int isri_wait_why_unbound(const struct isr_flag *flag);

/*
 * For those that are told. On the loop's thread and, but for those that say
 * something else, under the lock.
 */

/*
 * 0 when one may begin to wait for the flag; -EBUSY; -ECANCELED when it has
 * ended; -EINVAL when it never was one; -EXDEV for one of another loop.
 */
int isri_told_check(const struct isr_flag *flag,
		    const struct isri_waits *waits);
/* Whether there is a share for the waiter; one that has not joined: behind. */
bool isri_told_has_share(const struct isr_flag *flag,
			 const struct isri_waiter *waiter);
/* Takes it; 0: there is none. It stays in the circle, if it is in it. */
uint32_t isri_told_take(struct isr_flag *flag,
			const struct isri_waiter *waiter);
/* It sleeps from here on, until wake() is called. */
void isri_told_join(struct isri_waiter *waiter, struct isr_flag *flag);
/* With or without a share; nothing to do for one that is not in a circle. */
void isri_told_leave(struct isri_waiter *waiter);
/*
 * It has taken a share, left, and waits for something else. Then either that
 * share is its own, or the flag has it back, if there still is that flag.
 */
void isri_told_latch(struct isri_waiter *waiter, struct isr_flag *flag,
		     uint32_t share);
/* With or without the lock. */
void isri_told_keep(struct isri_waits *waits, struct isri_waiter *waiter);
void isri_told_give_back(struct isri_waits *waits, struct isri_waiter *waiter);

/*
 * The loop's side, on its thread; lib/flag-loop.c calls it.
 */

/* Under the lock. */
static inline bool isri_flag_is_waited_for(const struct isr_flag *flag)
{
	return !flag->cb && flag->arg;
}
/*
 * Under the lock, of an AUTO flag: for how many sets there are takers before
 * the first that is told; UINT32_MAX: nobody is.
 */
uint32_t isri_waits_count_claims(const struct isr_flag *flag);
/* Under the lock: shares out what was consumed. */
void isri_waits_hand_out(struct isr_flag *flag, uint32_t count);
/* Under the lock: the first takes for itself, and there is something. */
void isri_waits_tell_first(struct isr_flag *flag);
/* Under the lock: a sticky flag, which stays set, lets all of them go. */
void isri_waits_release(struct isr_flag *flag, uint32_t count);
/* Takes the lock: the flag has ended, and has no callback any more. */
void isri_waits_cancel(struct isri_waits *waits, struct isr_flag *flag);
/*
 * Takes the lock: the loop ends, which waits for threads of its own. They must
 * not wait for it: all that do are let go, and nobody begins. all: its flags,
 * which go on.
 */
void isri_waits_end(struct isri_waits *waits, struct isr_flag *all);

#endif /* ISRI_FLAG_WAIT_H */
