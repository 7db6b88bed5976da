/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1, any class: who waits for a flag. How a thread sleeps and wakes is in
 * flag-thread.c.
 *
 * A thread that waits joins the flag's circle under the loop's lock. The loop
 * delivers the flag to the circle instead of to a callback: under the lock,
 * it consumes the count, writes each waiter's share into it, takes it out of
 * the circle and wakes it. A waiter that gives up does so under the lock as
 * well: so it either has its share or has consumed nothing, and its memory,
 * on its stack, is not looked at once it has left.
 *
 * A flag that is set when the waiter comes (or when its time is over) needs
 * no loop: the waiter takes its share of the word itself, when nobody who
 * came before has a claim to it. The word must not become 0 by that, because
 * only the loop knows whether the flag is in a list, so it becomes "kept".
 * Then no set announces the flag until the loop has looked at it; a waiter
 * that joins and finds any such word "comes late", and the loop is told to
 * look. That is all it takes: nobody else waits to hear of a kept word.
 *
 * Those that are told, tasks, run on the loop's thread. The delivery gives to
 * the threads in front of the first of them, leaves the rest of the count in
 * the word and tells that one; the flag is "told" then and in no list, so no
 * set announces it. It takes its share when it runs: of a flag that is told
 * the word may become 0 by that, for the loop knows that it is in no list.
 * That nobody sleeps for what is there rests on this: while a flag is told
 * and somebody is in its circle, the first one there has been told and has
 * not looked yet.
 *   - The delivery tells the first.
 *   - One that joins may be the first of a flag that was told to nobody, or
 *     be behind a thread that came late: the loop looks again.
 *   - The first, when it looks, takes its share and leaves, or leaves without
 *     (it was cancelled, another flag let it go): the loop looks again, for
 *     whoever is the first now. With nothing there the flag is not told, and
 *     it goes on sleeping.
 *   - Nobody else takes what the first one was told of: a share is taken only
 *     of what is left when all that came before have had theirs.
 * A sticky flag tells all at once, and keeps what it has: of that one only
 * joining counts.
 *
 * ORDERING
 *   flag-wait:A (a waiter is in the circle, acq_rel "or" of nothing into
 *          word) <-> flag:A (set): a waiter that finds 0 comes before the set
 *          that announces the flag, and the loop sees it when it delivers
 *   flag-wait:B (a waiter takes its share, seq_cst cas of word) <-> flag:A:
 *          what was written before the set is visible to the waiter. seq_cst
 *          because a task so consumes a ring's ready flag: ring.c, ring:F
 *   flag-wait:C (a thread comes in, seq_cst add to visitors, then seq_cst
 *          load of wake) <-> flag-wait:D (the end, seq_cst store of NULL to
 *          wake, then seq_cst load of visitors): either the thread finds the
 *          flag finished, or the end waits until it has left
 *   flag-wait:E (a thread leaves, release sub of visitors) <-> flag-wait:D:
 *          all it did with the flag and its loop, before their memory may go
 *   flag-wait:F (woken, release store of done) <-> flag-wait:G (acquire load):
 *          only to sleep no more; what counts is read under the lock
 */
#include <errno.h>

#include "atomic.h"
#include "flag-wait.h"
#include "flag.h"
#include "test-point.h"
#include "thread.h"
#include "wake.h"

void isri_waits_init(struct isri_waits *waits)
{
	isri_lock_init(&waits->lock);
	waits->late = NULL;
	waits->ended = false;
	waits->latched = NULL;
}

void isri_waits_done(struct isri_waits *waits)
{
	pthread_mutex_destroy(&waits->lock);
}

/*
 * The circle. Its first is read without the lock by the loop, as a hint.
 */

static struct isri_waiter *first_of(const struct isr_flag *flag)
{
	/* relaxed: changes under the lock only */
	return atomic_load_explicit(ATOMIC(&flag->arg), memory_order_relaxed);
}

static void set_first(struct isr_flag *flag, struct isri_waiter *waiter)
{
	/* relaxed: as above */
	atomic_store_explicit(ATOMIC(&flag->arg), waiter, memory_order_relaxed);
}

static void join(struct isri_waiter *waiter, struct isr_flag *flag)
{
	struct isri_waiter *first = first_of(flag);

	waiter->flag = flag;
	if (!first) {
		waiter->next = waiter->prev = waiter;
		set_first(flag, waiter);
		return;
	}
	waiter->next = first;
	waiter->prev = first->prev;
	first->prev->next = waiter;
	first->prev = waiter;
}

static void come_late(struct isri_waits *waits, struct isri_waiter *waiter)
{
	waiter->is_late = true;
	waiter->late_next = waits->late;
	waits->late = waiter;
}

static void be_late_no_more(struct isri_waits *waits,
			    struct isri_waiter *waiter)
{
	struct isri_waiter **link;

	if (!waiter->is_late)
		return;
	for (link = &waits->late; *link != waiter; link = &(*link)->late_next)
		;
	*link = waiter->late_next;
	waiter->is_late = false;
}

static void leave(struct isri_waits *waits, struct isri_waiter *waiter)
{
	struct isr_flag *flag = waiter->flag;

	be_late_no_more(waits, waiter);
	if (waiter->next == waiter)
		set_first(flag, NULL);
	else if (first_of(flag) == waiter)
		set_first(flag, waiter->next);
	waiter->prev->next = waiter->next;
	waiter->next->prev = waiter->prev;
	waiter->next = waiter->prev = NULL;
}

/* How many came before it; all, of one that is not in the circle. */
static uint32_t count_before(const struct isr_flag *flag,
			     const struct isri_waiter *waiter)
{
	const struct isri_waiter *first = first_of(flag), *w = first;
	uint32_t n = 0;

	if (!first)
		return 0;
	while (w != waiter) {
		n++;
		w = w->next;
		if (w == first)
			break;
	}
	return n;
}

static bool is_alone(const struct isr_flag *flag,
		     const struct isri_waiter *waiter)
{
	const struct isri_waiter *first = first_of(flag);

	return !first || (first == waiter && first->next == first);
}

static uint32_t clamp(uint32_t count)
{
	return count < ISR_FLAG_COUNT_MAX ? count : ISR_FLAG_COUNT_MAX;
}

/*
 * Takes the waiter's share of the count without the loop's help; 0: there is
 * none for it. Under the lock. emptied: what the word is when nothing is left.
 */
static uint32_t take_share(struct isr_flag *flag,
			   const struct isri_waiter *waiter, uint32_t emptied)
{
	uint32_t word, before, count, share;

	if (flag->mode & ISR_FLAG_STICKY)
		return isr_flag_peek(flag);
	/* relaxed: the cas decides; 0 is no count */
	word = atomic_load_explicit(ATOMIC(&flag->word), memory_order_relaxed);
	if (!(word & ISRI_FLAG_COUNT_MASK))
		return 0;
	before = count_before(flag, waiter);
	do {
		count = word & ISRI_FLAG_COUNT_MASK;
		if (count <= before)
			return 0;
		share = is_alone(flag, waiter) ? count : 1;
		ISR_TEST_POINT("flag-wait:B");
		/* flag-wait:B */
	} while (!atomic_compare_exchange_weak_explicit(
		ATOMIC(&flag->word), &word,
		share == count ? emptied : word - share, memory_order_seq_cst,
		memory_order_relaxed));
	/* Only the loop's thread empties it so: the flag was told. */
	if (share == count && !emptied)
		flag->state = ISRI_FLAG_UNSEEN;
	return clamp(share);
}

int isri_wait_why_unbound(const struct isr_flag *flag)
{
	/* relaxed: "kept" for ever since its end */
	uint32_t word =
		atomic_load_explicit(ATOMIC(&flag->word), memory_order_relaxed);

	return word & ISRI_FLAG_KEPT ? -ECANCELED : -EINVAL;
}

static int check_waitable(const struct isr_flag *flag)
{
	/* relaxed: the end takes the lock after it wrote NULL */
	if (!atomic_load_explicit(ATOMIC(&flag->wake), memory_order_relaxed))
		return -ECANCELED;
	if (flag->cb || (first_of(flag) && flag->mode & ISR_FLAG_EXCLUSIVE))
		return -EBUSY;
	return 0;
}

static int begin(struct isri_waits *waits, struct isri_waiter *waiter,
		 struct isr_flag *flag, bool has_patience)
{
	uint32_t share;
	int r;

	r = waits->ended ? -ECANCELED : check_waitable(flag);
	if (r < 0)
		return r;
	share = take_share(flag, waiter, ISRI_FLAG_KEPT);
	if (share)
		return (int)share;
	if (!has_patience)
		return -ETIMEDOUT;

	ISR_TEST_POINT("flag-wait:join");
	join(waiter, flag);
	ISR_TEST_POINT("flag-wait:A");
	/* flag-wait:A */
	if (atomic_fetch_or_explicit(ATOMIC(&flag->word), 0,
				     memory_order_acq_rel))
		come_late(waits, waiter);
	return 0;
}

int isri_wait_begin(struct isri_waits *waits, struct isri_waiter *waiter,
		    struct isr_flag *flag, bool has_patience)
{
	bool is_late;
	int r;

	ISR_TEST_POINT("flag-wait:begin");
	pthread_mutex_lock(&waits->lock);
	r = begin(waits, waiter, flag, has_patience);
	is_late = waiter->is_late;
	pthread_mutex_unlock(&waits->lock);

	if (is_late)
		isr_flag_set(&waits->came_late);
	return r;
}

int isri_wait_end(struct isri_waits *waits, struct isri_waiter *waiter)
{
	int r;

	ISR_TEST_POINT("flag-wait:end");
	pthread_mutex_lock(&waits->lock);
	r = waiter->result;
	if (!r) {
		r = (int)take_share(waiter->flag, waiter, ISRI_FLAG_KEPT);
		leave(waits, waiter);
	}
	pthread_mutex_unlock(&waits->lock);
	return r ? r : -ETIMEDOUT;
}

static void settle(struct isri_waits *waits, struct isri_waiter *waiter,
		   int result)
{
	leave(waits, waiter);
	waiter->result = result;
	waiter->wake(waiter);
}

uint32_t isri_waits_count_claims(const struct isr_flag *flag)
{
	const struct isri_waiter *first = first_of(flag), *waiter = first;
	uint32_t n = 0;

	do {
		if (waiter->is_told)
			return n;
		n++;
		waiter = waiter->next;
	} while (waiter != first);
	return UINT32_MAX;
}

void isri_waits_hand_out(struct isr_flag *flag, uint32_t count)
{
	struct isri_waits *waits = &flag->wake->waits;
	struct isri_waiter *first;
	uint32_t share;

	while (count && (first = first_of(flag))) {
		/* The last one has all that is left. */
		share = first->next == first ? count : 1;
		count -= share;
		settle(waits, first, (int)clamp(share));
	}
}

void isri_waits_tell_first(struct isr_flag *flag)
{
	struct isri_waiter *first = first_of(flag);

	first->wake(first);
}

void isri_waits_release(struct isr_flag *flag, uint32_t count)
{
	struct isri_waits *waits = &flag->wake->waits;
	struct isri_waiter *waiter = first_of(flag), *last = waiter->prev;
	struct isri_waiter *next;
	bool is_last;

	if (!count)
		return;
	do {
		next = waiter->next;
		is_last = waiter == last;
		if (waiter->is_told)
			waiter->wake(waiter);
		else
			settle(waits, waiter, (int)clamp(count));
		waiter = next;
	} while (!is_last);
}

/*
 * The share that its flag would have back from now on has nobody else; 0:
 * there is none.
 */
static uint32_t unlatch(struct isri_waits *waits, struct isri_waiter *waiter)
{
	uint32_t share = waiter->is_latched ? (uint32_t)waiter->result : 0;

	if (!share)
		return 0;
	waiter->result = 0;
	if (waiter->prev)
		waiter->prev->next = waiter->next;
	else
		waits->latched = waiter->next;
	if (waiter->next)
		waiter->next->prev = waiter->prev;
	waiter->next = waiter->prev = NULL;
	return share;
}

/* What they have taken is their own now: there is no flag to have it back. */
static void forget_latched(struct isri_waits *waits,
			   const struct isr_flag *flag)
{
	struct isri_waiter *waiter, *next;

	for (waiter = waits->latched; waiter; waiter = next) {
		next = waiter->next;
		if (waiter->flag != flag)
			continue;
		unlatch(waits, waiter);
	}
}

static void let_go(struct isri_waits *waits, struct isr_flag *flag)
{
	struct isri_waiter *first;

	while ((first = first_of(flag)))
		settle(waits, first, -ECANCELED);
}

void isri_waits_cancel(struct isri_waits *waits, struct isr_flag *flag)
{
	pthread_mutex_lock(&waits->lock);
	if (flag->cb) {
		flag->cb = NULL;
		set_first(flag, NULL);
	}
	let_go(waits, flag);
	forget_latched(waits, flag);
	pthread_mutex_unlock(&waits->lock);
}

void isri_waits_end(struct isri_waits *waits, struct isr_flag *all)
{
	struct isr_flag *flag;

	pthread_mutex_lock(&waits->lock);
	waits->ended = true;
	for (flag = all; flag; flag = flag->all_next)
		if (isri_flag_is_waited_for(flag))
			let_go(waits, flag);
	pthread_mutex_unlock(&waits->lock);
}

/*
 * Those that are told.
 */

int isri_told_check(const struct isr_flag *flag, const struct isri_waits *waits)
{
	const struct isri_wake *wake;

	/* relaxed: another loop's flag may end, of this loop none can */
	wake = atomic_load_explicit(ATOMIC(&flag->wake), memory_order_relaxed);
	if (!wake)
		return isri_wait_why_unbound(flag);
	return &wake->waits == waits ? check_waitable(flag) : -EXDEV;
}

bool isri_told_has_share(const struct isr_flag *flag,
			 const struct isri_waiter *waiter)
{
	uint32_t count = isr_flag_peek(flag);

	if (!count || flag->mode & ISR_FLAG_STICKY)
		return count;
	return count > count_before(flag, waiter);
}

uint32_t isri_told_take(struct isr_flag *flag, const struct isri_waiter *waiter)
{
	return take_share(flag, waiter,
			  flag->state == ISRI_FLAG_TOLD ? 0 : ISRI_FLAG_KEPT);
}

void isri_told_join(struct isri_waiter *waiter, struct isr_flag *flag)
{
	ISR_TEST_POINT("flag-wait:join");
	join(waiter, flag);
	isri_flag_requeue(flag);
}

void isri_told_leave(struct isri_waiter *waiter)
{
	struct isr_flag *flag = waiter->flag;

	if (!waiter->next || waiter->is_latched)
		return;
	leave(&flag->wake->waits, waiter);
	if (!(flag->mode & ISR_FLAG_STICKY) && first_of(flag))
		isri_flag_requeue(flag);
}

void isri_told_latch(struct isri_waiter *waiter, struct isr_flag *flag,
		     uint32_t share)
{
	struct isri_waits *waits = &flag->wake->waits;

	waiter->is_latched = true;
	/* A sticky flag has all of it still. */
	if (flag->mode & ISR_FLAG_STICKY)
		return;
	waiter->flag = flag;
	waiter->result = (int)share;
	waiter->prev = NULL;
	waiter->next = waits->latched;
	if (waiter->next)
		waiter->next->prev = waiter;
	waits->latched = waiter;
}

void isri_told_keep(struct isri_waits *waits, struct isri_waiter *waiter)
{
	unlatch(waits, waiter);
}

void isri_told_give_back(struct isri_waits *waits, struct isri_waiter *waiter)
{
	uint32_t word, count, room, back = unlatch(waits, waiter);
	struct isr_flag *flag = waiter->flag;

	if (!back)
		return;
	/* relaxed: the cas decides */
	word = atomic_load_explicit(ATOMIC(&flag->word), memory_order_relaxed);
	do {
		count = word & ISRI_FLAG_COUNT_MASK;
		room = count < ISR_FLAG_COUNT_MAX ? ISR_FLAG_COUNT_MAX - count
						  : 0;
		ISR_TEST_POINT("flag-wait:give-back");
		/* flag:A: it is a set once more */
	} while (!atomic_compare_exchange_weak_explicit(
		ATOMIC(&flag->word), &word, word + (back < room ? back : room),
		memory_order_acq_rel, memory_order_relaxed));
	if (word == 0)
		isri_wake_push(flag->wake, flag);
}
