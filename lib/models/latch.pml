/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A latch, in every interleaving: who stores and who loads is interrupted
 * anywhere by a handler that stores or loads, and other threads do the same
 * at the same time.
 *
 * A value is two words that are copied one after the other, because a copy
 * of any length is torn at some place or at none. Exchanges are acq_rel and
 * the words that they exchange name the owner of each slot, so the steps are
 * those of sequential consistency; that a slot has one owner is asserted.
 *
 * Proved: no value is torn; no slot has two owners; what is loaded is never
 * older than what was loaded before it, is the latest that was stored when
 * the load took it, and has its own generation; 1 is returned for a value
 * exactly once, and -ENODATA before the first only; the last store is loaded
 * by whoever loads next; only a nested or parallel call is refused. No step
 * waits and none is repeated, so both sides are wait-free: the model has no
 * loop.
 *
 * aside: lib/latch.c: refuse_store(): counts
 * aside: lib/latch.c: isr_latch_get_refused(): reads a counter
 *
 * verify: a thread that stores and one that loads, each with a handler that does either | -DSTORES=2 -DLOADS=2 -DNEST_WRITER -DNEST_READER
 * verify: a handler in a handler in who stores | -DSTORES=2 -DLOADS=1 -DNEST_WRITER -DNEST_HANDLER
 * verify: two threads that store, two that load | -DSTORES=2 -DLOADS=2 -DWRITER_2 -DREADER_2
 * verify: many stores and loads | -DSTORES=8 -DLOADS=8
 * twin: two slots | -DTWO_SLOTS -DSTORES=3
 * twin: publish, then fill | -DPUBLISH_FIRST
 * twin: nobody is refused: a store in a store | -DNO_STORE_REFUSED -DNEST_WRITER
 * twin: nobody is refused: a load in a load | -DNO_LOAD_REFUSED -DNEST_READER -DSTORES=3
 * twin: a call begins by a load and a store | -DBEGIN_NO_EXCHANGE -DWRITER_2
 * twin: a load gives its slot back before it has copied | -DEND_EARLY -DREADER_2 -DSTORES=3
 * twin: a load takes what is not new | -DTAKE_OLD
 * twin: an exchange by a load and a store | -DPLAIN_EXCHANGE -DSTORES=3
 * twin: a seqlock, and its reader is a handler in its writer | -DSEQLOCK -DNEST_WRITER
 */

#ifndef STORES
#define STORES 2
#endif
#ifndef LOADS
#define LOADS 2
#endif

#define SLOT 3
#define NEW 4
#define EMPTY 8
#define TAKEN 16
#define NOBODY 255

/*
 * struct isr_latch
 *
 * mirrors: lib/latch-loop.c: isr_latch_init()
 *	latch->back = 0;
 *	latch->shared = 1;
 *	latch->front = 2 | ISRI_LATCH_EMPTY;
 *	latch->generation = 0;
 */
byte back = 0;
byte shared = 1;
byte front = 2 | EMPTY;
byte generation;
byte generations[3];
byte low[3];
byte high[3];

/* What the model knows and the code does not. */
bool busy[3]; /* somebody copies to or from the slot */
byte published; /* the generation of the last store that is visible */
byte loaded; /* the last generation that was loaded */
byte stores; /* begun and not ended */
byte loads;
#ifdef NO_STORE_REFUSED
byte kept_back = 0;
#endif
#ifdef NO_LOAD_REFUSED
byte kept_front = 2 | EMPTY;
#endif

/* Who is held by a handler. */
#define WRITER 0
#define READER 1
#define HANDLER 2
bool held[3];

/*
 * mirrors: lib/latch.c: begin()
 *	return atomic_exchange_explicit(ATOMIC(side), ISRI_LATCH_TAKEN,
 *					memory_order_acquire);
 */
inline begin(side, calls)
{
#ifdef BEGIN_NO_EXCHANGE
	own = side;
	atomic {
#else
	atomic {
		own = side;
#endif
		side = TAKEN;
		calls++;
		/* Refused only when nested or parallel. */
		assert(own != TAKEN || calls > 1)
	}
}

/*
 * mirrors: lib/latch.c: end()
 *	atomic_store_explicit(ATOMIC(side), own, memory_order_release);
 */
inline end(side, calls)
{
	atomic { side = own; calls--; own = 0 }
}

/* The value of a slot, in two halves; the value of a store is its number. */
inline fill()
{
	atomic {
		assert(!busy[own]);
		busy[own] = true;
		generation++;
		low[own] = generation
	}
	atomic {
		high[own] = generation;
		generations[own] = generation;
		busy[own] = false
	}
}

inline copy()
{
	atomic {
		assert(!busy[own & SLOT]);
		busy[own & SLOT] = true;
		half = low[own & SLOT]
	}
	atomic {
		assert(half == high[own & SLOT]);
		assert(half == generations[own & SLOT]);
		/* Never older; the same if and only if it is not new. */
		assert((is_new && half > loaded) ||
		       (!is_new && half == loaded));
		loaded = half;
		busy[own & SLOT] = false;
		half = 0;
		is_new = false
	}
}

/*
 * mirrors: lib/latch.c: publish()
 *	own = atomic_exchange_explicit(ATOMIC(&latch->shared),
 *				       own | ISRI_LATCH_NEW,
 *				       memory_order_acq_rel);
 *	return own & ISRI_LATCH_SLOT;
 */
inline publish()
{
#ifdef PLAIN_EXCHANGE
	between = shared;
	atomic {
#else
	atomic {
		between = shared;
#endif
		shared = own | NEW;
		published = generation;
		own = between & SLOT;
		between = 0
	}
}

/*
 * mirrors: lib/latch.c: take_new()
 *	own = atomic_exchange_explicit(ATOMIC(&latch->shared),
 *				       own & ISRI_LATCH_SLOT,
 *				       memory_order_acq_rel);
 *	return own & ISRI_LATCH_SLOT;
 */
inline take_new()
{
	atomic {
		between = shared;
#ifdef TWO_SLOTS
		shared = between & SLOT;
#else
		shared = own & SLOT;
#endif
		own = between & SLOT;
		between = 0;
		/* The latest of all. */
		assert(generations[own] == published)
	}
}

/*
 * mirrors: lib/latch.c: isr_latch_store()
 *	uint32_t own = begin(&latch->back);
 *	if (own == ISRI_LATCH_TAKEN)
 *	return refuse_store(latch);
 *	memcpy(slot_of(latch, own), value, latch->value_bytes);
 *	latch->generations[own] = ++latch->generation;
 *	own = publish(latch, own);
 *	end(&latch->back, own);
 *	if (atomic_load_explicit(ATOMIC(&latch->updated.wake),
 *	isr_flag_set(&latch->updated);
 * The flag is for flag.pml.
 */
inline store()
{
	begin(back, stores);
	if
	:: atomic {
		own == TAKEN ->
		skip;
#ifdef NO_STORE_REFUSED
		own = kept_back
	   }
	   fill();
	   publish();
	   atomic { stores--; own = 0 }
	:: atomic { own != TAKEN -> kept_back = own }
#else
		stores--;
		own = 0
	   }
	:: atomic { own != TAKEN }
#endif
#ifdef PUBLISH_FIRST
	   publish();
	   fill();
#else
	   fill();
	   publish();
#endif
	   end(back, stores)
	fi
}

/*
 * mirrors: lib/latch.c: has_new()
 *	return atomic_load_explicit(ATOMIC(&latch->shared),
 *				    memory_order_relaxed) &
 *	       ISRI_LATCH_NEW;
 * mirrors: lib/latch.c: isr_latch_load()
 *	uint32_t own = begin(&latch->front);
 *	if (own == ISRI_LATCH_TAKEN)
 *	return -EBUSY;
 *	if (has_new(latch)) {
 *	own = take_new(latch, own);
 *	if (own & ISRI_LATCH_EMPTY) {
 *	r = -ENODATA;
 *	memcpy(ret_value, slot_of(latch, own), latch->value_bytes);
 *	*ret_generation = latch->generations[own];
 *	end(&latch->front, own);
 */
inline load()
{
	begin(front, loads);
	if
	:: atomic {
		own == TAKEN ->
		skip;
#ifdef NO_LOAD_REFUSED
		own = kept_front
	   }
	   copy_latest();
	   atomic { loads--; own = 0 }
	:: atomic { own != TAKEN -> kept_front = own }
#else
		loads--;
		own = 0
	   }
	:: atomic { own != TAKEN }
#endif
	   copy_latest();
#ifndef END_EARLY
	   end(front, loads)
#endif
	fi
}

inline copy_latest()
{
	atomic {
#ifdef TAKE_OLD
		is_new = (published > 0);
#else
		is_new = ((shared & NEW) != 0);
#endif
		/* Nothing stored is overlooked. */
		assert(is_new || published == loaded)
	}
	if
	:: atomic { is_new -> skip }
	   take_new()
	:: atomic { !is_new }
	fi;
#ifdef END_EARLY
	atomic { front = own; loads-- }
#endif
	if
	:: atomic { own & EMPTY -> assert(loaded == 0) }
	:: atomic { (own & EMPTY) == 0 -> skip }
	   copy()
	fi
#ifdef END_EARLY
	;
	own = 0
#endif
}

#ifdef SEQLOCK
byte sequence;
#define store() \
	sequence++; low[0]++; high[0]++; sequence++
/* It tries again until there is no store half-way: it waits. */
#define load() \
	(sequence % 2 == 0)
#endif

inline either()
{
	if
	:: skip; store()
	:: skip; load()
	:: true
	fi
}

active proctype writer() provided (!held[WRITER])
{
	byte own, between, n;

	do
	:: atomic { n < STORES -> n++ }
	   store()
	:: atomic { n == STORES -> n = 0; break }
	od
}

active proctype reader() provided (!held[READER])
{
	byte own, between, half, n;
	bool is_new;

	do
	:: atomic { n < LOADS -> n++ }
	   load()
	:: atomic { n == LOADS -> n = 0; break }
	od
}

#ifdef WRITER_2
active proctype writer_2()
{
	byte own, between;

	store()
}
#endif

#ifdef READER_2
active proctype reader_2()
{
	byte own, between, half;
	bool is_new;

	load()
}
#endif

#ifdef NEST_WRITER
active proctype handler_writer() provided (!held[HANDLER])
{
	byte own, between, half;
	bool is_new;

	held[WRITER] = true;
	either();
	held[WRITER] = false
}
#endif

#ifdef NEST_READER
active proctype handler_reader()
{
	byte own, between, half;
	bool is_new;

	held[READER] = true;
	either();
	held[READER] = false
}
#endif

#ifdef NEST_HANDLER
active proctype handler_handler()
{
	byte own, between, half;
	bool is_new;

	held[HANDLER] = true;
	either();
	held[HANDLER] = false
}
#endif
