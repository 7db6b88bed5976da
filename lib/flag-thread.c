/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1, any class: threads wait for a flag.
 *
 * A thread that comes to wait counts as a visitor of the flag, whose end waits
 * until it has left. Its memory orders pair with those of flag-wait.c, where
 * the table is.
 */
#include <errno.h>

#include "atomic.h"
#include "context.h"
#include "flag-wait.h"
#include "futex.h"
#include "test-point.h"
#include "wake.h"

/* A thread that waits, on its own stack. */
struct waiting_thread {
	struct isri_waiter waiter;
	uint32_t done;
};

static void wake_thread(struct isri_waiter *waiter)
{
	struct waiting_thread *thread = (struct waiting_thread *)waiter;

	/* flag-wait:F */
	atomic_store_explicit(ATOMIC(&thread->done), 1, memory_order_release);
	/* Before the lock is free: it needs that to leave. */
	isri_futex_wake(&thread->done, 1);
}

static void sleep_until_woken(struct waiting_thread *thread,
			      uint64_t deadline_ns)
{
	ISR_TEST_POINT("flag-wait:G");
	/* flag-wait:G */
	while (!atomic_load_explicit(ATOMIC(&thread->done),
				     memory_order_acquire)) {
		if (isri_futex_wait(&thread->done, 0, deadline_ns) < 0)
			return;
	}
}

static int wait_here(struct isri_waits *waits, struct isr_flag *flag,
		     int64_t timeout_ns)
{
	uint64_t deadline_ns = isri_futex_deadline_ns(timeout_ns);
	struct waiting_thread thread = {.waiter = {.wake = wake_thread}};
	bool may_sleep = !isri_context_is_masked();
	int r;

	r = isri_wait_begin(waits, &thread.waiter, flag,
			    timeout_ns != 0 && may_sleep);
	if (r == -ETIMEDOUT && timeout_ns != 0)
		return -EDEADLK;
	if (r)
		return r;
	sleep_until_woken(&thread, deadline_ns);
	return isri_wait_end(waits, &thread.waiter);
}

int isri_wake_check_waiter(const struct isri_wake *wake)
{
	const void *owner;

	if (!isri_wake_is_at_home(wake))
		return -EPERM;
	/* relaxed: a thread recognises only its own value, which it wrote */
	owner = atomic_load_explicit(&wake->owner, memory_order_relaxed);
	return owner == isri_context_thread() ? -EDEADLK : 0;
}

static int wait_as_visitor(struct isr_flag *flag, int64_t timeout_ns)
{
	struct isri_wake *wake;
	int r;

	ISR_TEST_POINT("flag-wait:C");
	/* flag-wait:C */
	wake = atomic_load_explicit(ATOMIC(&flag->wake), memory_order_seq_cst);
	if (!wake)
		return isri_wait_why_unbound(flag);
	r = isri_wake_check_waiter(wake);
	return r < 0 ? r : wait_here(&wake->waits, flag, timeout_ns);
}

int isr_flag_wait(struct isr_flag *flag, int64_t timeout_ns)
{
	int r;

	if (!flag || timeout_ns < ISR_FOREVER)
		return -EINVAL;
	r = isri_context_refuse_isr(__func__);
	if (r < 0)
		return r;

	/* flag-wait:C */
	atomic_fetch_add_explicit(ATOMIC(&flag->visitors), 1,
				  memory_order_seq_cst);
	r = wait_as_visitor(flag, timeout_ns);
	ISR_TEST_POINT("flag-wait:E");
	/* flag-wait:E */
	atomic_fetch_sub_explicit(ATOMIC(&flag->visitors), 1,
				  memory_order_release);
	return r;
}
