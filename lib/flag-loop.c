/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1, loop class: the loop's side of flags: binding, delivery, consumption,
 * end. All of it runs on the loop's thread.
 *
 * A flag whose word is not 0 is in exactly one of these places: about to be
 * pushed by its setter, on the pending list, on the ready list, told (out of
 * the lists; only a consumption brings it back into play, or a requeue), or
 * finished.
 *
 * Its memory orders pair with those of flag.c, where the table is.
 */
#include <errno.h>
#include <stdbool.h>

#include <isrloop/hist.h>

#include "atomic.h"
#include "context.h"
#include "cpu.h"
#include "flag-wait.h"
#include "flag.h"
#include "loop-head.h"
#include "nap.h"
#include "ring.h"
#include "test-point.h"
#include "wake.h"

/* Takes the count; the flag may be queued again at once. */
static uint32_t flag_consume(struct isr_flag *flag)
{
	uint32_t word;

	ISR_TEST_POINT("flag:B");
	/* flag:B */
	word = atomic_exchange_explicit(ATOMIC(&flag->word), 0,
					memory_order_seq_cst);
	flag->state = ISRI_FLAG_UNSEEN;
	return word & ISRI_FLAG_COUNT_MASK;
}

/* Takes the count of a flag that may be in a list, and must stay there. */
static uint32_t flag_empty(struct isr_flag *flag)
{
	uint32_t word;

	if (flag->state == ISRI_FLAG_TOLD)
		return flag_consume(flag);

	/* relaxed: 0 is no count, and nobody else makes it 0 again */
	if (!atomic_load_explicit(ATOMIC(&flag->word), memory_order_relaxed))
		return 0;
	ISR_TEST_POINT("flag:B2");
	/* flag:B */
	word = atomic_exchange_explicit(ATOMIC(&flag->word), ISRI_FLAG_KEPT,
					memory_order_seq_cst);
	return word & ISRI_FLAG_COUNT_MASK;
}

static uint32_t flag_clamp(uint32_t count)
{
	return count < ISR_FLAG_COUNT_MAX ? count : ISR_FLAG_COUNT_MAX;
}

/* Leaves the count of a sticky flag in place, or forgets a cleared one. */
static uint32_t flag_tell(struct isr_flag *flag)
{
	uint32_t word;

	/* flag:B */
	word = atomic_load_explicit(ATOMIC(&flag->word), memory_order_seq_cst);
	while (!(word & ISRI_FLAG_COUNT_MASK)) {
		/* flag:B */
		if (atomic_compare_exchange_weak_explicit(
			    ATOMIC(&flag->word), &word, 0, memory_order_seq_cst,
			    memory_order_seq_cst))
			return 0;
	}
	flag->state = ISRI_FLAG_TOLD;
	return word & ISRI_FLAG_COUNT_MASK;
}

/*
 * Takes up to so much, for those that are handed it, and leaves the rest in
 * place for one that is told.
 */
static uint32_t flag_consume_some(struct isr_flag *flag, uint32_t max)
{
	uint32_t word, count, taken;

	/* flag:B */
	word = atomic_load_explicit(ATOMIC(&flag->word), memory_order_seq_cst);
	do {
		count = word & ISRI_FLAG_COUNT_MASK;
		taken = count < max ? count : max;
		ISR_TEST_POINT("flag:B3");
		/* flag:B */
	} while (!atomic_compare_exchange_weak_explicit(
		ATOMIC(&flag->word), &word, taken == count ? 0 : word - taken,
		memory_order_seq_cst, memory_order_seq_cst));
	if (taken != count)
		flag->state = ISRI_FLAG_TOLD;
	return taken;
}

static void ready_append(struct isri_wake *wake, struct isr_flag *flag)
{
	flag->next = NULL;
	*wake->ready_end = flag;
	wake->ready_end = &flag->next;
}

static void ready_unlink(struct isri_wake *wake, struct isr_flag **link)
{
	struct isr_flag *flag = *link;

	*link = flag->next;
	if (wake->ready_end == &flag->next)
		wake->ready_end = link;
}

static bool ready_remove(struct isri_wake *wake, struct isr_flag *flag)
{
	struct isr_flag **link;

	for (link = &wake->ready; *link; link = &(*link)->next) {
		if (*link == flag) {
			ready_unlink(wake, link);
			return true;
		}
	}
	return false;
}

/* In the way of its mode; 0: cleared or taken while it was queued. */
static uint32_t flag_take_out(struct isr_flag *flag)
{
	return flag->mode & ISR_FLAG_STICKY ? flag_tell(flag)
					    : flag_consume(flag);
}

/*
 * Somebody is about to hear of the flag: since when that has waited; 0:
 * nobody knows. Before its word may become 0, from when on a setter writes.
 */
static uint64_t flag_take_since(struct isr_flag *flag)
{
	uint64_t since_ns;

	if (!flag->was_timed)
		return 0;
	since_ns = flag->since_ns;
	flag->since_ns = 0;
	return flag->hist ? since_ns : 0;
}

static void flag_record(const struct isr_flag *flag, uint64_t since_ns)
{
	uint64_t now_ns = isr_now_ns();

	/* A simulated edge may be stamped ahead of its time. */
	isr_hist_record(flag->hist, now_ns > since_ns ? now_ns - since_ns : 0);
}

static void flag_hand_out(struct isr_flag *flag)
{
	uint32_t claims = isri_waits_count_claims(flag);

	if (claims == UINT32_MAX) {
		isri_waits_hand_out(flag, flag_consume(flag));
		return;
	}
	isri_waits_hand_out(flag, flag_consume_some(flag, claims));
	if (flag->state == ISRI_FLAG_TOLD)
		isri_waits_tell_first(flag);
}

static void flag_tell_waiters(struct isr_flag *flag)
{
	uint64_t since_ns = flag_take_since(flag);

	/* Before they run: a waiter's memory goes, and so may the flag's. */
	if (since_ns && isr_flag_peek(flag))
		flag_record(flag, since_ns);
	if (flag->mode & ISR_FLAG_STICKY)
		isri_waits_release(flag, flag_tell(flag));
	else
		flag_hand_out(flag);
}

static void flag_deliver_to_waiters(struct isri_wake *wake,
				    struct isr_flag *flag)
{
	ISR_TEST_POINT("flag-wait:deliver");
	pthread_mutex_lock(&wake->waits.lock);
	/* The last one may have given up by now: then nothing is consumed. */
	if (isri_flag_is_waited_for(flag))
		flag_tell_waiters(flag);
	else
		flag_tell(flag);
	pthread_mutex_unlock(&wake->waits.lock);
}

static void flag_deliver(struct isri_wake *wake, struct isr_flag *flag)
{
	uint64_t since_ns;
	uint32_t count;

	wake->last = flag;
	if (!flag->cb) {
		/* relaxed: looked at again under the lock; see flag-wait.c */
		if (atomic_load_explicit(ATOMIC(&flag->arg),
					 memory_order_relaxed))
			flag_deliver_to_waiters(wake, flag);
		else
			flag_tell(flag);
		return;
	}

	since_ns = flag_take_since(flag);
	count = flag_take_out(flag);
	/* Cleared or taken while it was queued. */
	if (!count)
		return;

	if (since_ns)
		flag_record(flag, since_ns);
	wake->deliveries++;
	flag->cb(flag, flag_clamp(count), flag->arg);
	isri_loop_check_mask((struct isr_loop *)wake);
}

bool isri_wake_deliver(struct isri_wake *wake)
{
	struct isr_flag *flag;

	isri_wake_collect(wake);
	flag = wake->ready;
	if (!flag)
		return false;
	ready_unlink(wake, &wake->ready);
	flag_deliver(wake, flag);
	return true;
}

bool isri_wake_foresee(const struct isri_wake *wake)
{
	const struct isr_flag *last = wake->last;

	/* One that was told is not pushed again. */
	if (!last || last->state == ISRI_FLAG_TOLD)
		return false;
	/* relaxed: a guess; the push is what tells */
	if (!atomic_load_explicit(ATOMIC(&last->word), memory_order_relaxed))
		return false;
	isri_cpu_fetch(last);
	return true;
}

void isri_flag_await_visitors(const struct isr_flag *flag)
{
	/* flag-wait:D */
	while (atomic_load_explicit(ATOMIC(&flag->visitors),
				    memory_order_seq_cst)) {
		ISR_TEST_POINT("flag-wait:D");
		isri_nap();
	}
}

/* Ends what threads that wait for it do with the flag, and the loop. */
static void flag_let_go(struct isri_wake *wake, struct isr_flag *flag)
{
	/* flag-wait:D: a producer of its ring may look at it as well */
	atomic_store_explicit(ATOMIC(&flag->wake), NULL, memory_order_seq_cst);
	isri_waits_cancel(&wake->waits, flag);
	if (flag->mode & ISRI_FLAG_OF_RING)
		isri_ring_let_go((struct isr_ring *)flag);
	isri_flag_await_visitors(flag);
}

static void flag_finish(struct isr_flag *flag)
{
	struct isri_wake *wake = flag->wake;
	uint32_t word;

	/* flag:C */
	word = atomic_fetch_or_explicit(ATOMIC(&flag->word), ISRI_FLAG_KEPT,
					memory_order_acq_rel);
	if (word && flag->state != ISRI_FLAG_TOLD) {
		isri_wake_collect(wake);
		while (!ready_remove(wake, flag)) {
			ISR_TEST_POINT("flag:C");
			/* Another thread is in the middle of a set. */
			isri_nap();
			isri_wake_collect(wake);
		}
	}

	if (wake->last == flag)
		wake->last = NULL;
	*flag->all_prev = flag->all_next;
	if (flag->all_next)
		flag->all_next->all_prev = flag->all_prev;
	flag_let_go(wake, flag);
}

void isri_wake_let_go(struct isri_wake *wake)
{
	struct isr_flag *flag;

	isri_waits_end(&wake->waits, wake->all);
	for (flag = wake->all; flag; flag = flag->all_next)
		if (flag->mode & ISRI_FLAG_OF_RING)
			isri_ring_let_go((struct isr_ring *)flag);
}

void isri_wake_finish_flags(struct isri_wake *wake)
{
	while (wake->all)
		flag_finish(wake->all);
	/* wake:E */
	while (atomic_load_explicit(&wake->kickers, memory_order_acquire)) {
		ISR_TEST_POINT("wake:E");
		isri_nap();
	}
	isri_waits_done(&wake->waits);
}

/* 0 when the caller may use the flag as loop class functions do. */
static int flag_check_for(const struct isr_flag *flag, const char *function)
{
	if (!flag || !flag->wake)
		return -EINVAL;
	return isri_wake_check_for(flag->wake, function);
}
#define flag_check(flag) flag_check_for(flag, __func__)

static void flag_bind(struct isr_flag *flag, struct isri_wake *wake,
		      unsigned int mode)
{
	*flag = (struct isr_flag){
		.mode = mode,
		.wake = wake,
		.all_next = wake->all,
		.all_prev = &wake->all,
	};
	if (wake->all)
		wake->all->all_prev = &flag->all_next;
	wake->all = flag;
}

int isr_flag_init(struct isr_flag *flag, struct isr_loop *loop,
		  unsigned int mode)
{
	struct isri_wake *wake;
	int r;

	if (!flag || !loop)
		return -EINVAL;
	if (mode & ~(unsigned int)(ISR_FLAG_STICKY | ISR_FLAG_EXCLUSIVE))
		return -EINVAL;
	wake = isri_wake_of(loop);
	r = isri_wake_check_open(wake, __func__);
	if (r < 0)
		return r;
	flag_bind(flag, wake, mode);
	return 0;
}

int isri_flag_init_of(struct isr_flag *flag, struct isr_loop *loop,
		      const char *function)
{
	int r = isri_wake_check_open(isri_wake_of(loop), function);

	if (r < 0)
		return r;
	*flag = (struct isr_flag){0};
	if (loop)
		flag_bind(flag, isri_wake_of(loop), ISR_FLAG_AUTO);
	return 0;
}

int isri_flag_done_of(struct isr_flag *flag, const char *function)
{
	int r = isri_wake_check_if_any(flag->wake, function);

	if (r < 0)
		return r;
	if (flag->wake)
		flag_finish(flag);
	return 0;
}

void isri_flag_requeue(struct isr_flag *flag)
{
	if (flag->state != ISRI_FLAG_TOLD)
		return;
	flag->state = ISRI_FLAG_UNSEEN;
	ready_append(flag->wake, flag);
	/* A foreign loop may be about to wait, and sees only the fd. */
	isri_wake_rouse(flag->wake);
}

/* Under the lock of its waiters. */
static int flag_replace_cb(struct isr_flag *flag, isr_flag_cb *cb, void *arg)
{
	if (isri_flag_is_waited_for(flag))
		return cb ? -EBUSY : 0;
	flag->cb = cb;
	/* relaxed: isr_flag_wait() reads it under the lock */
	atomic_store_explicit(ATOMIC(&flag->arg), cb ? arg : NULL,
			      memory_order_relaxed);
	return 0;
}

int isr_flag_set_cb(struct isr_flag *flag, isr_flag_cb *cb, void *arg)
{
	int r = flag_check(flag);

	if (r < 0)
		return r;

	pthread_mutex_lock(&flag->wake->waits.lock);
	r = flag_replace_cb(flag, cb, arg);
	pthread_mutex_unlock(&flag->wake->waits.lock);
	if (r == 0 && cb)
		isri_flag_requeue(flag);
	return r;
}

/* Waiters that found the flag's word neither 0 nor of use to them. */
static void look_again(struct isr_flag *came_late, uint32_t count, void *arg)
{
	struct isri_waits *waits = arg;
	struct isri_waiter *waiter;

	pthread_mutex_lock(&waits->lock);
	while ((waiter = waits->late)) {
		waits->late = waiter->late_next;
		waiter->is_late = false;
		isri_flag_requeue(waiter->flag);
	}
	pthread_mutex_unlock(&waits->lock);
}

void isri_wake_init(struct isri_wake *wake, int fd)
{
	*wake = (struct isri_wake){
		.fd = fd,
		.generation = isri_context_generation(),
	};
	wake->ready_end = &wake->ready;
	isri_wake_claim(wake);
	isri_waits_init(&wake->waits);
	flag_bind(&wake->waits.came_late, wake, ISR_FLAG_AUTO);
	wake->waits.came_late.cb = look_again;
	wake->waits.came_late.arg = &wake->waits;
}

int isr_flag_take(struct isr_flag *flag)
{
	int r = flag_check(flag);

	if (r < 0)
		return r;
	if (flag->mode & ISR_FLAG_STICKY)
		return (int)isr_flag_peek(flag);
	return (int)flag_clamp(flag_empty(flag));
}

int isr_flag_clear(struct isr_flag *flag)
{
	int r = flag_check(flag);

	if (r < 0)
		return r;
	flag_empty(flag);
	return 0;
}

static int flag_time(struct isr_flag *flag, struct isr_hist *hist,
		     enum isri_flag_timed timed, const char *function)
{
	int r = flag_check_for(flag, function);

	if (r < 0)
		return r;
	flag->hist = hist;
	flag->was_timed = true;
	/* relaxed: see isri_flag_stamp() */
	atomic_store_explicit(ATOMIC(&flag->timed),
			      hist ? timed : ISRI_FLAG_UNTIMED,
			      memory_order_relaxed);
	return 0;
}

int isr_flag_set_hist(struct isr_flag *flag, struct isr_hist *hist)
{
	return flag_time(flag, hist, ISRI_FLAG_TIMED, __func__);
}

int isr_flag_set_edge_hist(struct isr_flag *flag, struct isr_hist *hist)
{
	return flag_time(flag, hist, ISRI_FLAG_TIMED_EDGE, __func__);
}

int isr_flag_done(struct isr_flag *flag)
{
	int r;

	if (!flag || !flag->wake)
		return 0;
	r = isri_wake_check(flag->wake);
	if (r < 0)
		return r;
	flag_finish(flag);
	return 0;
}
