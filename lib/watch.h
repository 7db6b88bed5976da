/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: the descriptor of a source, served by the loop, by an IRQ thread (hard
 * handlers) or by a reader: so that a kind of source has one way to say what
 * it waits for.
 */
#ifndef ISRI_WATCH_H
#define ISRI_WATCH_H

#include "irq-thread.h"
#include "loop.h"

struct isr_event;
struct isr_source;

/* Who serves; the priority is the source's. */
enum isri_watch_by {
	ISRI_WATCH_BY_LOOP,
	ISRI_WATCH_BY_READER,
	ISRI_WATCH_BY_IRQ
};

struct isri_watch {
	/* constant from init to done */
	struct isr_source *source;
	struct isri_irq_thread *thread; /* NULL: the loop serves */
	void (*serve)(struct isri_watch *watch, unsigned int events);

	/* under the lock */
	unsigned int wanted; /* ISR_FD_* bits, unless it is masked */
	bool masked;

	/* one of the two */
	struct isri_irq_entry entry;
	struct isri_loop_fd loop_fd;
};

/*
 * Loop thread, as all here but what serve() may call. The watch is zeroed
 * memory of the caller's and waits for nothing yet. serve() gets ISR_FD_*
 * bits, with the lock held. It is level triggered. Returns 0 or what
 * isri_irq_thread_get() and isri_loop_fd_add() say.
 */
int isri_watch_init(struct isri_watch *watch, struct isr_source *source, int fd,
		    enum isri_watch_by by,
		    void (*serve)(struct isri_watch *watch,
				  unsigned int events));
/* Legal in zeroed memory; waits for nothing then. */
void isri_watch_done(struct isri_watch *watch);

/* Between the two it is not served; on the loop it is not, anyway. */
void isri_watch_lock(struct isri_watch *watch);
void isri_watch_unlock(struct isri_watch *watch);

/*
 * With the lock held, serve() too: wait for these ISR_FD_* bits; 0: none. When
 * it fails it waits for none. Returns 0, -EEXIST when another watch of the same
 * thread has the descriptor, -EINVAL when a thread cannot wait for such a file,
 * or what epoll_ctl and isri_loop_fd_set() say.
 */
int isri_watch_set(struct isri_watch *watch, unsigned int events);

/*
 * With the lock held: wait for nothing until unmasked. Only to unmask may
 * fail, as isri_watch_set() does; then it waits for nothing.
 */
int isri_watch_mask(struct isri_watch *watch, bool masked);

/* The disarm of a source whose watch is all that it stops. */
void isri_watch_disarm(struct isr_source *source);

/*
 * From serve(): have the source's handler run for one event. On the loop the
 * source, and the watch with it, may be gone afterwards.
 */
void isri_watch_hand_on(struct isri_watch *watch, struct isr_event *event);

#endif /* ISRI_WATCH_H */
