/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: IRQ threads, which run hard handlers, and readers, which drain request
 * descriptors so that a busy loop loses nothing. A loop has at most one of
 * each a priority; it starts with the first user and ends with the last.
 */
#ifndef ISRI_IRQ_THREAD_H
#define ISRI_IRQ_THREAD_H

#include "loop.h"

struct isri_irq_thread;

/* One descriptor that it drains; the user's memory. */
struct isri_irq_entry {
	int fd;
	/*
	 * In the IRQ thread, with the lock held: take one batch. Level
	 * triggered, so the rest comes with the next call. events are
	 * the ISR_FD_* bits that are ready, of those that are waited for.
	 */
	void (*service)(struct isri_irq_entry *entry, unsigned int events);
	unsigned int events; /* waited for; under the lock */
};

/*
 * The loop's IRQ thread (or reader) of this priority, started if need be. Loop
 * thread. Returns 0, -ENOMEM, -EAGAIN when it has ended by itself, or what
 * pthread_create, epoll_create1 and eventfd say.
 */
int isri_irq_thread_get(struct isr_loop *loop, bool hard, int priority,
			struct isri_irq_thread **ret_thread);
/* Loop thread, without the lock. The last user joins the thread. */
void isri_irq_thread_put(struct isri_irq_thread *thread);

/*
 * Between the two no hard handler of the loop runs and none starts: those
 * that run return first. What they were to handle waits in the kernel;
 * readers go on. Everything else here may be called in between. Loop thread;
 * not recursive.
 */
void isri_irq_threads_hard_lock(struct isr_loop *loop);
void isri_irq_threads_hard_unlock(struct isr_loop *loop);

/*
 * Between the two no service runs, and none starts. Loop thread; not
 * recursive. The service may call watch, never lock.
 */
void isri_irq_thread_lock(struct isri_irq_thread *thread);
void isri_irq_thread_unlock(struct isri_irq_thread *thread);

/*
 * With the lock held: wait for these ISR_FD_* bits. With none of them, once
 * the lock has been given back, the entry may be freed: no service of it runs,
 * and none will. Returns 0 or what epoll_ctl says; for none always 0.
 */
int isri_irq_thread_watch(struct isri_irq_thread *thread,
			  struct isri_irq_entry *entry, unsigned int events);

#endif /* ISRI_IRQ_THREAD_H */
