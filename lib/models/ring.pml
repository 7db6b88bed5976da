/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A ring's records and losses, in every interleaving: two producers, one of
 * them interrupted anywhere by a handler that puts as well, and the consumer.
 * Two slots, so that a few records fill it; places are of 4 bits and about
 * to wrap. How the consumer is woken is in ring-ready.pml.
 *
 * The steps are those of sequential consistency. An event is two halves, to
 * be torn, and lost, which is accounted. A count that only grows and is only
 * read at rest (lost_total) is part of the step beside it.
 *
 * Proved: no record is torn, delivered twice or out of its producer's order;
 * whatever is delivered or lost adds up to what was put and what was lost
 * before, exactly, once all is told; a record is refused only by a ring that
 * is full (or has a hole where the oldest would have to go), and one is
 * given up only by a ring that is full; a hole stops nobody but the consumer.
 *
 * aside: lib/ring.c: slot_write(): the members of a slot; low and high
 * aside: lib/ring-loop.c: slot_read(): the same
 * aside: lib/ring-loop.c: tell_room(): of threads that wait for room
 * aside: lib/ring.c: isr_ring_get_lost_total(): reads a counter
 *
 * verify: keep the old; two producers and a handler | -DPUTS_A=2 -DPUTS_B=1 -DNEST
 * verify: keep the old; many records | -DPUTS_A=4 -DPUTS_B=2
 * verify: keep the new; two producers and a handler | -DDROP_OLD -DPUTS_A=2 -DPUTS_B=1 -DNEST
 * verify: keep the new; many records | -DDROP_OLD -DPUTS_A=4
 * verify: keep the new; two that evict | -DDROP_OLD -DPUTS_A=3 -DPUTS_B=2
 * verify: nobody waits for ever in a ring with a hole | -DDROP_OLD -DPATIENT -DPUTS_A=2 -DPUTS_B=1 -DNEST
 * twin: commit, then write | -DCOMMIT_FIRST
 * twin: claim by an addition, without a look whether it is full | -DCLAIM_ADDS -DPUTS_A=3
 * twin: claim by a load and a store | -DCLAIM_STORES
 * twin: wait for a producer that is half-way | -DDROP_OLD -DWAIT_FOR_HOLE -DPATIENT -DNEST -DPUTS_A=2 -DPUTS_B=1
 * twin: take the count of losses by a load and a store | -DPLAIN_TAKE -DPUTS_A=4 -DPUTS_B=2
 * twin: move the tail, then copy | -DMOVE_FIRST -DPUTS_A=3
 * twin: give up a record that is not committed | -DDROP_OLD -DEVICT_HOLE -DPUTS_A=3
 * twin: give up a record by a store | -DDROP_OLD -DEVICT_STORES -DPUTS_A=3
 * twin: take what was copied, whatever became of it | -DDROP_OLD -DTAKE_STORES -DPUTS_A=3
 * twin: forget what a record that is given up would have told | -DDROP_OLD -DCARRY_NOTHING -DPUTS_A=3
 * twin: an old head counts as a full ring | -DUNSIGNED -DPUTS_A=3
 */

#ifndef PUTS_A
#define PUTS_A 1
#endif
#ifndef PUTS_B
#define PUTS_B 1
#endif

#define SLOTS 2
#define START 14 /* a place, before it wraps */
#define DIFF(a, b) (((a) - (b)) & 15)
#define SLOT(place) ((place) & 1)

/* struct isr_ring; no slot was used for long */
byte head = START;
byte tail_cached = START;
byte tail = START;
byte upcoming = START; /* next */
byte unreported;
byte carried;
byte seq[SLOTS] = 13;
byte low[SLOTS];
byte high[SLOTS];
byte lost[SLOTS];

/* What the model knows and the code does not. */
byte lost_total;
byte owed; /* put or said to be lost before, and neither delivered nor told */
byte n_lost; /* what lost_total should be */
byte last[3]; /* delivered of each producer, whose records are numbered */
byte idle;

bool held; /* A, by its handler */
#ifdef NEST
#define PRODUCERS 3
#else
#define PRODUCERS 2
#endif

/*
 * mirrors: lib/ring.c: count_lost()
 *	atomic_fetch_add_explicit(ATOMIC(&ring->lost_total), 1,
 *				  memory_order_relaxed);
 *	if (told) {
 *	atomic_fetch_add_explicit(ATOMIC(counter), told,
 *				  memory_order_relaxed);
 */
inline count_lost(counter, told) /* part of a step */
{
	lost_total++;
	counter = counter + (told)
}

/*
 * What becomes of the record at the tail t: r is 1 when it was given up, 0
 * when the tail has moved, 2 when it has to stay.
 *
 * mirrors: lib/ring.c: evict()
 *	seq = atomic_load_explicit(ATOMIC(&slot->seq), memory_order_acquire);
 *	if (seq != tail + 1) {
 *	if (atomic_load_explicit(ATOMIC(&ring->tail),
 *				 memory_order_relaxed) != tail)
 *	return 0;
 *	return -ENOSPC;
 *	atomic_load_explicit(ATOMIC(&slot->lost), memory_order_relaxed);
 *	if (!atomic_compare_exchange_strong_explicit(
 *		    ATOMIC(&ring->tail), &tail, tail + 1, memory_order_acq_rel,
 *		    memory_order_relaxed))
 *	return 0;
 *	count_lost(ring, &ring->carried, carried);
 *	return 1;
 */
inline evict()
{
	if
#ifndef EVICT_HOLE
	:: atomic {
		DIFF(seq[SLOT(t)], t) != 1 ->
#ifdef WAIT_FOR_HOLE
		(DIFF(seq[SLOT(t)], t) == 1 || tail != t) ->
#endif
		skip
	   }
	   atomic {
		r = (tail != t -> 0 : 2);
		assert(r == 0 || DIFF(head, tail) == SLOTS)
	   }
	:: atomic { DIFF(seq[SLOT(t)], t) == 1 }
#else
	:: true ->
#endif
	   told = lost[SLOT(t)];
	   atomic {
		r = 0;
		if
#ifdef EVICT_STORES
		:: true ->
#else
		:: tail == t ->
#endif
			assert(DIFF(head, tail) == SLOTS);
			tail = (t + 1) & 15;
			n_lost++;
			r = 1
		:: else
		fi
	   }
	   if
	   :: atomic {
		r == 1 ->
#ifdef CARRY_NOTHING
		count_lost(carried, 0);
#else
		count_lost(carried, told);
#endif
		told = 0
	      }
	   :: atomic { r != 1 -> told = 0 }
	   fi
	fi
}

/*
 * r is 2 when it is refused; the place is h.
 *
 * mirrors: lib/ring.c: tail_refresh()
 *	tail = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_acquire);
 *	atomic_store_explicit(ATOMIC(&ring->tail_cached), tail,
 *			      memory_order_release);
 *	return tail;
 * mirrors: lib/ring.c: claim()
 *	head = atomic_load_explicit(ATOMIC(&ring->head), memory_order_relaxed);
 *	for (;;) {
 *	tail = atomic_load_explicit(ATOMIC(&ring->tail_cached),
 *				    memory_order_acquire);
 *	if (head - tail > ring->mask)
 *	tail = tail_refresh(ring);
 *	if (head - tail > ring->mask && (int32_t)(head - tail) > 0) {
 *	if (ring->policy != ISR_RING_DROP_OLD)
 *	return -ENOSPC;
 *	r = evict(ring, tail);
 *	if (r < 0)
 *	return r;
 *	continue;
 *	if (atomic_compare_exchange_weak_explicit(
 *		    ATOMIC(&ring->head), &head, head + 1,
 *		    memory_order_seq_cst, memory_order_relaxed)) {
 *	*ret_place = head;
 */
#ifdef UNSIGNED
#define IS_FULL(h, t) (DIFF(h, t) >= SLOTS)
#else
#define IS_FULL(h, t) (DIFF(h, t) >= SLOTS && DIFF(h, t) < 8)
#endif
inline claim()
{
#ifdef CLAIM_ADDS
	atomic { h = head; head = (head + 1) & 15; r = 0 }
#else
	h = head;
	do
	:: t = tail_cached;
	   if
	   :: atomic {
		DIFF(h, t) >= SLOTS ->
		t = tail;
		/* Full now, or never full for it. */
		assert(DIFF(head, t) == SLOTS || !IS_FULL(h, t))
	      }
	      tail_cached = t
	   :: atomic { DIFF(h, t) < SLOTS }
	   fi;
	   if
#ifdef DROP_OLD
	   :: atomic { IS_FULL(h, t) }
	      evict();
	      if
	      :: atomic { r == 2 -> break }
	      :: atomic { r != 2 -> r = 0 }
	      fi
#else
	   :: atomic { IS_FULL(h, t) -> r = 2; break }
#endif
	   :: atomic {
		!IS_FULL(h, t) ->
#ifdef CLAIM_STORES
		skip
	      }
	      atomic { head = (h + 1) & 15; break }
#else
		if
		:: head == h -> head = (h + 1) & 15; break
		:: else -> h = head
		fi
	      }
#endif
	   fi
	od
#endif
}

/*
 * Record n of producer who, which tells of before lost upstream.
 *
 * mirrors: lib/ring.c: put()
 *	r = claim(ring, &place);
 *	count_lost(ring, &ring->unreported, 1 + lost);
 *	if (atomic_load_explicit(ATOMIC(&ring->unreported),
 *				 memory_order_relaxed)) {
 *	lost += atomic_exchange_explicit(ATOMIC(&ring->unreported), 0,
 *					 memory_order_relaxed);
 *	slot_write(slot, event, lost);
 *	commit(ring, slot, place + 1);
 */
inline put(who, n, before)
{
	atomic { owed = owed + 1 + before }
	claim();
	if
	:: atomic {
		r == 2 ->
		/* Told by the next that is stored, or taken. */
		count_lost(unreported, 1 + before);
		n_lost++;
		h = 0; t = 0; r = 0
	   }
	:: atomic { r != 2 -> t = before }
	   if
	   :: atomic { unreported == 0 }
	   :: atomic { unreported != 0 }
#ifdef PLAIN_TAKE
	      t = t + unreported;
	      unreported = 0
#else
	      atomic { t = t + unreported; unreported = 0 }
#endif
	   fi;
#ifdef COMMIT_FIRST
	   seq[SLOT(h)] = (h + 1) & 15;
#endif
	   lost[SLOT(h)] = t;
	   low[SLOT(h)] = who * 8 + n;
	   high[SLOT(h)] = who * 8 + n;
	   atomic {
#ifndef COMMIT_FIRST
		seq[SLOT(h)] = (h + 1) & 15;
#endif
		h = 0;
		t = 0
	   }
	fi
}

active proctype producer_a() provided (!held)
{
	byte h, t, r, told, n;

	do
	:: atomic { n < PUTS_A -> n++ }
	   put(0, n, (n == 1 -> 1 : 0))
	:: atomic { n == PUTS_A -> n = 0; idle++; break }
	od
}

active proctype producer_b()
{
	byte h, t, r, told, n;

	do
	:: atomic { n < PUTS_B -> n++ }
	   put(1, n, 0)
	:: atomic { n == PUTS_B -> n = 0; idle++; break }
	od
}

#ifdef NEST
active proctype handler_a()
{
	byte h, t, r, told;

	held = true;
	put(2, 1, 0);
	atomic { held = false; idle++ }
}
#endif

/* One record, as the consumer has it; part of a step. */
inline deliver(l, hi, told)
{
	assert(l == hi && l != 0);
	assert(last[l / 8] < l % 8);
	last[l / 8] = l % 8;
	assert(owed >= 1 + told);
	owed = owed - 1 - (told)
}

#define IS_COMMITTED(place) (DIFF(seq[SLOT(place)], place) == 1)

#ifndef DROP_OLD
/*
 * mirrors: lib/ring-loop.c: is_committed()
 *	return atomic_load_explicit(ATOMIC(&isri_ring_slot(ring, place)->seq),
 *				    memory_order_seq_cst) == place + 1;
 * mirrors: lib/ring-loop.c: get_drop_new()
 *	tail = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_relaxed);
 *	while (n < max && is_committed(ring, tail)) {
 *	ret_events[n++] = *isri_ring_slot(ring, tail);
 *	tail++;
 *	if (n) {
 *	atomic_store_explicit(ATOMIC(&ring->tail), tail,
 *			      memory_order_release);
 */
inline get()
{
	now = tail;
	n = 0;
	do
	:: atomic {
		n < SLOTS && IS_COMMITTED(now) ->
		n++;
#ifdef MOVE_FIRST
		tail = (now + 1) & 15
#endif
	   }
	   atomic { a_low = low[SLOT(now)]; a_lost = lost[SLOT(now)] }
	   atomic {
		deliver(a_low, high[SLOT(now)], a_lost);
		now = (now + 1) & 15;
		a_low = 0;
		a_lost = 0
	   }
	:: atomic { n == SLOTS || !IS_COMMITTED(now) -> break }
	od;
	atomic {
		tail = now;
		now = 0
	}
}
#else
/*
 * mirrors: lib/ring-loop.c: copy_committed()
 *	for (n = 0; n < max && is_committed(ring, first + n); n++)
 *	slot_read(isri_ring_slot(ring, first + n), &ret_events[n]);
 *	return n;
 * mirrors: lib/ring-loop.c: take_until()
 *	bool is_empty = *first == end;
 *	while (!atomic_compare_exchange_strong_explicit(
 *		ATOMIC(&ring->tail), first, end, memory_order_acq_rel,
 *		memory_order_acquire)) {
 *	if (is_empty || (int32_t)(end - *first) <= 0)
 *	return false;
 *	return true;
 * mirrors: lib/ring-loop.c: take_carried()
 *	if (!atomic_load_explicit(ATOMIC(&ring->carried), memory_order_relaxed))
 *	return 0;
 *	return atomic_exchange_explicit(ATOMIC(&ring->carried), 0,
 *					memory_order_relaxed);
 * mirrors: lib/ring-loop.c: get_drop_old()
 *	now = atomic_load_explicit(ATOMIC(&ring->tail), memory_order_acquire);
 *	do {
 *	first = now;
 *	end = first +
 *	      copy_committed(ring, first, ret_events, (uint32_t)max);
 *	} while (!take_until(ring, &now, end));
 *	memmove(ret_events, ret_events + (now - first),
 *	if (end != now) {
 *	ret_events[0].lost += now - ring->next + take_carried(ring);
 *	ring->next = end;
 */
inline get()
{
	now = tail;
	do
	:: atomic { first = now; end = now; n = 0 }
	   do
	   :: atomic {
		n < SLOTS && IS_COMMITTED(end) ->
		n++;
		end = (end + 1) & 15
	      }
	      atomic {
		c_low[n - 1] = low[SLOT(end - 1)];
		c_lost[n - 1] = lost[SLOT(end - 1)]
	      }
	      c_high[n - 1] = high[SLOT(end - 1)]
	   :: atomic { n == SLOTS || !IS_COMMITTED(end) -> break }
	   od;
	   do
	   :: atomic {
		if
#ifdef TAKE_STORES
		:: true -> tail = end; ok = true; break
#else
		:: tail == now -> tail = end; ok = true; break
		:: tail != now ->
			now = tail;
			if
			:: first == end || DIFF(end, now) == 0 ||
			   DIFF(end, now) > 7 -> break
			:: else
			fi
#endif
		fi
	      }
	   od;
	   if
	   :: atomic { ok -> ok = false; break }
	   :: atomic { !ok }
	   fi
	od;
	if
	:: atomic { end == now -> n = 0 }
	:: atomic {
		end != now ->
		n = DIFF(now, first);
		told = DIFF(now, upcoming)
	   }
	   if
	   :: atomic { carried == 0 }
	   :: atomic { carried != 0 }
	      atomic { told = told + carried; carried = 0 }
	   fi;
	   atomic {
		upcoming = end;
		c_lost[n] = c_lost[n] + told;
		do
		:: now != end ->
			deliver(c_low[n], c_high[n], c_lost[n]);
			n++;
			now = (now + 1) & 15
		:: else -> break
		od;
		told = 0
	   }
	fi;
	atomic {
		first = 0; end = 0; now = 0;
		c_low[0] = 0; c_low[1] = 0;
		c_high[0] = 0; c_high[1] = 0;
		c_lost[0] = 0; c_lost[1] = 0
	}
}
#endif

/*
 * mirrors: lib/ring-loop.c: isr_ring_take_lost()
 *	*ret_count = atomic_exchange_explicit(ATOMIC(&ring->unreported), 0,
 *					      memory_order_relaxed);
 */
inline take_lost()
{
	atomic {
		assert(owed >= unreported);
		owed = owed - unreported;
		unreported = 0
	}
}

active proctype consumer()
{
	byte n, now;
#ifdef DROP_OLD
	byte first, end, told;
	byte c_low[SLOTS], c_high[SLOTS], c_lost[SLOTS];
	bool ok;
#else
	byte a_low, a_lost;
#endif
	bool is_last;

	do
	::
#ifdef PATIENT
	   /* Sleeps instead of looking, so that a wait for ever ends. */
	   (IS_COMMITTED(tail) || idle == PRODUCERS);
#endif
	   atomic { is_last = (idle == PRODUCERS) }
	   get();
	   if
	   :: atomic { n == 0 && is_last -> break }
	   :: atomic { n != 0 || !is_last -> n = 0 }
	   fi
	od;
	take_lost();
	/* All is told. */
	assert(owed == 0);
	assert(lost_total == n_lost);
	assert(head == tail && unreported == 0 && carried == 0)
}
