/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: what a flag's word is made of. */
#ifndef ISRI_FLAG_H
#define ISRI_FLAG_H

#include <isrloop/flag.h>

/*
 * Kept: the loop's, added where the count goes but the word must not become
 * 0, because the flag is still in a list (cleared while it was queued) or
 * shall never be in one again (finished).
 */
#define ISRI_FLAG_KEPT (1U << 31)
/* Above ISR_FLAG_COUNT_MAX there is room for sets that saturate at once. */
#define ISRI_FLAG_COUNT_MASK (ISRI_FLAG_KEPT - 1)

/* What the loop has done with an announced flag; loop only. */
enum isri_flag_state {
	ISRI_FLAG_UNSEEN = 0, /* nothing yet: idle, or still in a list */
	ISRI_FLAG_TOLD /* out of the lists, count kept (sticky, no callback) */
};

/* In timed: since when a set that announces the flag waits. */
enum isri_flag_timed {
	ISRI_FLAG_UNTIMED = 0,
	ISRI_FLAG_TIMED,     /* since the set */
	ISRI_FLAG_TIMED_EDGE /* since the event of the handler that set it */
};

/*
 * Signal class, lib/flag.c: between a set that finds 0 and its push. The flag
 * is the caller's then: the loop does not touch it before it has seen the
 * push.
 */
void isri_flag_stamp(struct isr_flag *flag);

/* In mode: it is the ready flag of a ring, and begins it. */
#define ISRI_FLAG_OF_RING 0x10000U

/*
 * lib/flag-loop.c, loop class: the loop looks once more at a flag that it has
 * told to somebody, or to nobody. Nothing to do for any other.
 */
void isri_flag_requeue(struct isr_flag *flag);

/*
 * lib/flag-loop.c: the flag that an object has, AUTO, or none when it has no
 * loop: then its wake is NULL. The caller is checked, and refused in the name
 * of the public function. Returns 0; -EPERM; to begin, -ECANCELED once the loop
 * is being freed.
 */
int isri_flag_init_of(struct isr_flag *flag, struct isr_loop *loop,
		      const char *function);
int isri_flag_done_of(struct isr_flag *flag, const char *function);

/*
 * lib/flag-loop.c, loop class: until all threads are out that came to wait,
 * for this flag or for room in its ring. They were let go already.
 */
void isri_flag_await_visitors(const struct isr_flag *flag);

#endif /* ISRI_FLAG_H */
