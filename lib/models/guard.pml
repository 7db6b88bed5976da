/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A guard, in every interleaving: ordinary code that holds and drops, and is
 * interrupted anywhere by a handler that tries; and another thread that
 * tries and is interrupted by a handler that tries as well.
 *
 * The word is changed by locked operations only, so the steps are those of
 * sequential consistency. It has 4 bits for the tries here. That no more
 * than so many are counted is not modelled: they are fewer.
 *
 * Proved: never two have it; a try never waits; a drop tells exactly the
 * tries that were refused since the hold; a hold waits only while somebody
 * has it; a release by a thread that has not got it does no harm.
 *
 * aside: lib/guard.h: isri_guard_is_mine(): reads
 * aside: lib/guard.h: isri_guard_is_held(): reads
 *
 * verify: a holder, a thread that tries, a handler in each | -DHOLDS=2 -DTRIES=2
 * verify: many holds and tries | -DHOLDS=3 -DTRIES=4 -DNO_HANDLERS
 * twin: a try by a load and a store | -DTRY_NO_EXCHANGE -DNO_HANDLERS
 * twin: who was refused releases | -DRELEASE_ANYHOW
 * twin: a drop reads the tries, then frees the word | -DDROP_NO_EXCHANGE
 * twin: the owner is forgotten after the word is free | -DFORGET_LATE -DHOLDS=2 -DTRIES=2
 */

#ifndef HOLDS
#define HOLDS 1
#endif
#ifndef TRIES
#define TRIES 1
#endif

#define HELD 16
#define NOBODY 0
/* Threads; a handler has its thread's name. */
#define HOLDER 1
#define TRIER 2

/* struct isr_guard */
byte word;
byte owner = NOBODY;

/* What the model knows and the code does not. */
byte inside;
byte refused; /* since the word was free */
bool held[3];

/*
 * mirrors: lib/guard.c: isr_guard_try()
 *	word = atomic_load_explicit(ATOMIC(&guard->word), memory_order_relaxed);
 *	if ((word & ISRI_GUARD_TRIES_MASK) >= ISRI_GUARD_TRIES_MAX)
 *	return false;
 *	word = atomic_fetch_add_explicit(ATOMIC(&guard->word), 1,
 *					 memory_order_acquire);
 *	if (word != 0)
 *	return false;
 *	atomic_store_explicit(ATOMIC(&guard->owner), isri_context_thread(),
 *			      memory_order_relaxed);
 *	return true;
 */
inline try(me)
{
#ifdef TRY_NO_EXCHANGE
	had = word;
	atomic {
#else
	atomic {
		had = word;
#endif
		word = had + 1;
		if
		:: had != 0 -> refused++
		:: else -> inside++
		fi;
		assert(inside <= 1)
	}
	if
	:: atomic { had == 0 -> owner = me; got = true }
	:: atomic { had != 0 -> had = 0 }
	fi
}

/*
 * mirrors: lib/guard.c: isr_guard_release()
 *	if (!isri_guard_is_mine(guard) || isri_guard_is_held(guard))
 *	return;
 *	atomic_store_explicit(ATOMIC(&guard->owner), NULL,
 *			      memory_order_relaxed);
 *	atomic_exchange_explicit(ATOMIC(&guard->word), 0, memory_order_release);
 */
inline release(me)
{
	if
#ifndef RELEASE_ANYHOW
	:: atomic { owner != me }
	:: atomic { owner == me }
	   if
	   :: atomic { word >= HELD }
	   :: atomic { word < HELD }
	      give_back()
	   fi
#else
	:: true -> give_back()
#endif
	fi
}

inline give_back()
{
#ifndef FORGET_LATE
	owner = NOBODY;
#endif
	atomic {
		word = 0;
		refused = 0;
		assert(inside == 1);
		inside--
	}
#ifdef FORGET_LATE
	owner = NOBODY
#endif
}

/*
 * mirrors: lib/guard-hold.c: take()
 *	return atomic_compare_exchange_strong_explicit(
 *		ATOMIC(&guard->word), &free, ISRI_GUARD_HELD,
 *		memory_order_acquire, memory_order_relaxed);
 * mirrors: lib/guard-hold.c: isr_guard_hold()
 *	if (isri_guard_is_mine(guard))
 *	return -EDEADLK;
 *	while (!take(guard)) {
 *	atomic_store_explicit(ATOMIC(&guard->owner), isri_context_thread(),
 *			      memory_order_relaxed);
 */
inline hold(me)
{
	assert(owner != me);
	/* Waits here, so that a wait for ever is an invalid end. */
	atomic {
		word == 0 ->
		word = HELD;
		inside++;
		assert(inside <= 1)
	}
	owner = me
}

/*
 * mirrors: lib/guard-hold.c: isr_guard_drop()
 *	if (!isri_guard_is_mine(guard) || !isri_guard_is_held(guard))
 *	return -EPERM;
 *	atomic_store_explicit(ATOMIC(&guard->owner), NULL,
 *			      memory_order_relaxed);
 *	word = atomic_exchange_explicit(ATOMIC(&guard->word), 0,
 *					memory_order_release);
 *	word &= ISRI_GUARD_TRIES_MASK;
 */
inline drop(me)
{
	assert(owner == me && word >= HELD);
#ifndef FORGET_LATE
	owner = NOBODY;
#endif
#ifdef DROP_NO_EXCHANGE
	had = word;
	atomic {
#else
	atomic {
		had = word;
#endif
		word = 0;
		assert(had - HELD == refused);
		refused = 0;
		inside--;
		had = 0
	}
#ifdef FORGET_LATE
	owner = NOBODY
#endif
}

/* What a handler does; without a try, the release of what it has not got. */
inline handle(me)
{
	if
	:: skip;
	   try(me);
	   if
	   :: atomic { got -> got = false }
	      release(me)
	   :: atomic { !got }
	   fi
	:: atomic { owner != me }
	   release(me)
	fi
}

active proctype holder() provided (!held[HOLDER])
{
	byte had, n;

	do
	:: atomic { n < HOLDS -> n++ }
	   hold(HOLDER);
	   drop(HOLDER)
	:: atomic { n == HOLDS -> n = 0; break }
	od
}

active proctype trier() provided (!held[TRIER])
{
	byte had, n;
	bool got;

	do
	:: atomic { n < TRIES -> n++ }
	   handle(TRIER)
	:: atomic { n == TRIES -> n = 0; break }
	od
}

#ifndef NO_HANDLERS
active proctype handler_holder()
{
	byte had;
	bool got;

	held[HOLDER] = true;
	handle(HOLDER);
	held[HOLDER] = false
}

active proctype handler_trier()
{
	byte had;
	bool got;

	held[TRIER] = true;
	handle(TRIER);
	held[TRIER] = false
}
#endif
