/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * How a ring's consumer hears of every record, on CPUs whose stores are late.
 *
 * A put commits by a plain store and then looks at the ready flag, without a
 * barrier between the two. So each thread has a store buffer here: a commit
 * gets to memory at some later time, at the latest with the next locked
 * operation of that thread, or when a barrier is passed by all threads. That
 * is TSO, what x86 does; in an SC model there is nothing to find. A handler
 * shares the buffer of the thread that it interrupts. What the flag does for
 * the loop is in flag.pml, and is one bit here: due.
 *
 * Proved: a loop that would sleep for ever has had every record; with the
 * barrier, without it (fenced), and when it fails some day.
 *
 * verify: two producers and a handler | -DNEST
 * verify: a producer that puts twice, and a handler | -DNEST -DPUTS_A=2
 * verify: the loop also takes the flag itself | -DTAKE -DPUTS_A=2
 * verify: the loop also takes the flag itself, and a handler | -DTAKE -DNEST
 * verify: a kernel without the barrier | -DFENCED -DNEST -DTAKE
 * verify: a barrier that is gone some day | -DBARRIER_GONE -DNEST
 * twin: no barrier for a commit that is due | -DNO_BARRIER
 * twin: what is not committed is not there | -DNO_LOOK_AT_HEAD
 * twin: a kernel without the barrier, and nothing in its place | -DFENCED -DNO_FENCE
 * twin: look at the flag, then commit | -DLOOK_FIRST
 * twin: read all, then consume the flag | -DCONSUME_LATE
 * twin: a count that was taken counts as set | -DLOOK_AT_WORD -DTAKE -DPUTS_A=2
 * twin: a barrier that is gone, and nobody comes again | -DBARRIER_GONE -DGONE_FOR_GOOD
 */

#ifndef PUTS_A
#define PUTS_A 1
#endif
#ifdef NEST
#define PRODUCERS 3
#else
#define PRODUCERS 2
#endif
#define PLACES (PUTS_A + PRODUCERS - 1)
#define KEPT 16

/* struct isr_ring, without a limit */
byte head;
bool committed[PLACES + 1];
/* struct isr_flag; due: it is queued, or on its way */
byte word;
bool due;
byte tail;

byte idle;
bool held;

/* Commits that are not in memory yet, oldest first: places plus 1. */
#define THREADS 2
byte first[THREADS];
byte second[THREADS];

inline drain(thread) /* part of a step */
{
	if
	:: first[thread] != 0 -> committed[first[thread] - 1] = true
	:: else
	fi;
	if
	:: second[thread] != 0 -> committed[second[thread] - 1] = true
	:: else
	fi;
	first[thread] = 0;
	second[thread] = 0
}

inline store_late(thread, place) /* part of a step */
{
	assert(second[thread] == 0);
	if
	:: first[thread] == 0 -> first[thread] = place + 1
	:: else -> second[thread] = place + 1
	fi
}

/* The oldest gets to memory, whenever it likes. */
active [THREADS] proctype buffer()
{
end:	do
	:: atomic {
		first[_pid] != 0 ->
		committed[first[_pid] - 1] = true;
		first[_pid] = second[_pid];
		second[_pid] = 0
	   }
	od
}

/*
 * A put of some thread, or of a handler in it.
 *
 * mirrors: lib/ring.c: claim()
 *	head = atomic_load_explicit(ATOMIC(&ring->head), memory_order_relaxed);
 *	tail = atomic_load_explicit(ATOMIC(&ring->tail_cached),
 *	if (atomic_compare_exchange_weak_explicit(
 *		    ATOMIC(&ring->head), &head, head + 1,
 *		    memory_order_seq_cst, memory_order_relaxed)) {
 * mirrors: lib/ring.c: commit()
 *	if (ring->fenced) {
 *	atomic_exchange_explicit(ATOMIC(&slot->seq), seq,
 *				 memory_order_seq_cst);
 *	} else {
 *	atomic_store_explicit(ATOMIC(&slot->seq), seq,
 *			      memory_order_release);
 *	if (!atomic_load_explicit(ATOMIC(&ring->ready.wake),
 *	word = atomic_load_explicit(ATOMIC(&ring->ready.word),
 *				    memory_order_seq_cst);
 *	if (!(word & ISRI_FLAG_COUNT_MASK))
 *	isr_flag_set(&ring->ready);
 */
inline put(thread)
{
	atomic { drain(thread); place = head; head++ }
#ifdef LOOK_FIRST
	atomic { is_set = (word % KEPT != 0) }
#endif
#if defined(FENCED) && !defined(NO_FENCE)
	atomic { drain(thread); committed[place] = true; place = 0 }
#else
	atomic { store_late(thread, place); place = 0 }
#endif
#ifndef LOOK_FIRST
#ifdef LOOK_AT_WORD
	is_set = (word != 0);
#else
	is_set = (word % KEPT != 0);
#endif
#endif
	if
	:: atomic { is_set -> is_set = false }
	:: atomic { !is_set -> set(thread) }
	fi
}

inline set(thread) /* part of a step */
{
	drain(thread);
	if
	:: word == 0 -> due = true
	:: else
	fi;
	word++
}

active proctype producer_a() provided (!held)
{
	byte place, n;
	bool is_set;

	do
	:: atomic { n < PUTS_A -> n++ }
	   put(0)
	:: atomic { n == PUTS_A -> n = 0; idle++; break }
	od
}

active proctype producer_b()
{
	byte place;
	bool is_set;

	put(1);
	idle++
}

#ifdef NEST
active proctype handler_a()
{
	byte place;
	bool is_set;

	held = true;
	put(0);
	atomic { held = false; idle++ }
}
#endif

/*
 * It is the loop's own thread, so what it stores is seen by itself in time.
 * There may be a thread with a late commit on each CPU, and the barrier
 * passes them one after the other.
 *
 * mirrors: lib/ring-loop.c: settle()
 *	for (i = 0; i < SETTLE_LOOKS; i++) {
 *	if (next_is_committed(ring))
 *	return true;
 *	if (isri_barrier_all() < 0)
 *	isr_flag_set(&ring->ready);
 *	return next_is_committed(ring);
 * mirrors: lib/ring-loop.c: next_is_committed()
 *	now = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_acquire);
 *	if (is_committed(ring, tail))
 *	return true;
 *	now = atomic_load_explicit(ATOMIC(&ring->tail),
 *				   memory_order_acquire);
 * mirrors: lib/ring-loop.c: has_more()
 *	if (!ring->ready.wake || ring->fenced)
 *	return false;
 *	tail = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_acquire);
 *	head = atomic_load_explicit(ATOMIC(&ring->head), memory_order_seq_cst);
 *	return head != tail && settle(ring);
 * mirrors: lib/ring-loop.c: isr_ring_get()
 *	n = get_some(ring, ret_events, max_events);
 *	} while (n == 0 && max_events > 0 && has_more(ring));
 */
inline get_all()
{
	do
	:: atomic { committed[tail] -> tail++ }
	:: atomic { !committed[tail] -> skip }
#if defined(FENCED) || defined(NO_LOOK_AT_HEAD)
	   break
#else
	   if
	   :: atomic { head == tail -> break }
	   :: atomic { head != tail }
	   fi;
	   if
	   :: atomic { committed[tail] }
	   :: atomic { !committed[tail] }
	      if
#ifdef BARRIER_GONE
	      :: true ->
#ifndef GONE_FOR_GOOD
		 atomic { if :: word == 0 -> due = true :: else fi; word++ }
#endif
#endif
#ifdef NO_BARRIER
	      :: true
#else
	      :: true ->
		 atomic { drain(0) }
		 atomic { drain(1) }
#endif
	      fi;
	      if
	      :: atomic { committed[tail] }
	      :: atomic { !committed[tail] -> break }
	      fi
	   fi
#endif
	od
}

/*
 * The callback of the flag, which reads until there is nothing.
 *
 * mirrors: lib/flag-loop.c: flag_consume()
 *	word = atomic_exchange_explicit(ATOMIC(&flag->word), 0,
 *					memory_order_seq_cst);
 * mirrors: lib/flag-loop.c: flag_empty()
 *	if (!atomic_load_explicit(ATOMIC(&flag->word), memory_order_relaxed))
 *	word = atomic_exchange_explicit(ATOMIC(&flag->word), ISRI_FLAG_KEPT,
 *					memory_order_seq_cst);
 */
active proctype loop()
{
#ifdef TAKE
	bool took;
#endif

	do
	:: atomic { due }
#ifdef CONSUME_LATE
	   get_all();
	   atomic { word = 0; due = false }
#else
	   if
	   :: atomic { word % KEPT != 0 -> word = 0; due = false }
	      get_all()
	   :: atomic { word % KEPT == 0 -> word = 0; due = false }
	   fi
#endif
#ifdef TAKE
	/* isr_flag_take(), while it may be queued, and read. */
	:: atomic {
		!took ->
		took = true;
		if
		:: due && word != 0 -> word = KEPT
		:: else
		fi
	   }
	   get_all()
#endif
	:: atomic {
		!due && idle == PRODUCERS &&
		first[0] == 0 && first[1] == 0 ->
		assert(tail == head);
		break
	   }
	od
}
