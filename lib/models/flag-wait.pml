/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Those who wait for one flag, in every interleaving: tasks, which are told
 * by the loop and take for themselves, and threads, which are handed their
 * share; all in one circle, in the order in which they came.
 *
 * How a set gets to the loop is in flag.pml and is one bit here: queued. So
 * is the flag that tells of those who came late: came_late. The loop runs
 * what is due in any order, one thing at a time, and the steps of sequential
 * consistency are enough for the reason given there.
 *
 * A task that looks may find that it was cancelled or that another flag has
 * let it go (it leaves without a share), that its time is over, or nothing;
 * it is roused for that any time. One that waits for several flags may give
 * its share back.
 *
 * Proved: when all is quiet nobody sleeps for a set that is there, every set
 * was consumed once or is there, and no flag is in a list twice.
 *
 * aside: lib/flag-wait.c: first_of(): under the lock, but for the hint
 * aside: lib/flag-wait.c: set_first(): the same
 * aside: lib/flag-wait.c: isri_wait_why_unbound(): the end of a flag
 * aside: lib/flag-wait.c: check_waitable(): the same
 * aside: lib/flag-wait.c: isri_told_check(): the same
 *
 * verify: two tasks | -DTASKS=2 -DTHREADS=0 -DROUSE=2 -DCLEARS=1
 * verify: a task and a thread | -DTASKS=1 -DTHREADS=1 -DROUSE=2 -DCLEARS=1
 * verify: two tasks and a thread | -DTASKS=2 -DTHREADS=1 -DROUSE=1
 * verify: two tasks and a thread, and a clear | -DTASKS=2 -DTHREADS=1 -DCLEARS=1
 * verify: a task and two threads | -DTASKS=1 -DTHREADS=2 -DROUSE=1
 * verify: a task and two threads, and a clear | -DTASKS=1 -DTHREADS=2 -DCLEARS=1
 * verify: two tasks that may give back | -DTASKS=2 -DTHREADS=0 -DLATCH -DCLEARS=1 -DROUSE=1
 * verify: a task that may give back, and a thread | -DTASKS=1 -DTHREADS=1 -DLATCH -DROUSE=1
 * verify: a sticky flag | -DSTICKY -DTASKS=2 -DTHREADS=0 -DROUSE=2 -DCLEARS=2
 * verify: a sticky flag, and a thread | -DSTICKY -DTASKS=1 -DTHREADS=1 -DROUSE=1 -DCLEARS=1
 * twin: a delivery tells nobody | -DTELL_NOBODY -DTASKS=1 -DTHREADS=0
 * twin: a delivery consumes for those that are told | -DCONSUME_ALL -DTASKS=1 -DTHREADS=1
 * twin: what is handed out is taken by a load and a store | -DSOME_BY_STORE -DTASKS=1 -DTHREADS=1
 * twin: a task joins a flag that was told, and nobody looks | -DJOIN_NO_REQUEUE -DTASKS=1 -DTHREADS=1
 * twin: a task leaves with its share, and nobody looks | -DLEAVE_NO_REQUEUE -DTASKS=2 -DTHREADS=0
 * twin: a cancelled task leaves, and nobody looks | -DCANCEL_NO_REQUEUE -DTASKS=2 -DTHREADS=0 -DROUSE=1
 * twin: a cancelled task leaves to a thread, and nobody looks | -DCANCEL_NO_REQUEUE -DTASKS=1 -DTHREADS=1 -DROUSE=1
 * twin: a task empties the word of a flag in a list | -DEMPTY_TO_ZERO -DTASKS=1 -DTHREADS=0
 * twin: a thread takes what a task was told of | -DIGNORE_BEFORE -DTASKS=1 -DTHREADS=1
 * twin: a thread joins without a look at the flag | -DNO_LATE -DTASKS=1 -DTHREADS=1
 * twin: a flag that has its count back is not announced | -DGIVE_BACK_NO_PUSH -DTASKS=2 -DTHREADS=0 -DLATCH
 * twin: a sticky flag tells only the first | -DSTICKY_FIRST -DSTICKY -DTASKS=2 -DTHREADS=0
 */

#ifndef ROUSE
#define ROUSE 0
#endif
#ifndef CLEARS
#define CLEARS 0
#endif
#define SETTERS 2
#define WAITERS (TASKS + THREADS)
/* Tasks are the first ones. */
#define IS_TOLD(w) ((w) < TASKS)
#define KEPT 128
#define COUNT(x) ((x) & 127)

/* struct isr_flag */
byte word;
bool told;
bool queued; /* in a list of the loop's */
byte circle[WAITERS]; /* in order */
byte n_in;
/* struct isri_waits */
bool lock;
bool late[WAITERS];
bool came_late;
/* struct isri_waiter: a thread has its share */
bool served[WAITERS];

/* What the model knows and the code does not. */
byte n_set;
byte n_consumed;
byte busy = SETTERS + THREADS; /* neither over nor asleep */

inline acquire() { atomic { !lock -> lock = true } }
inline release() { lock = false }

/* The setters: lib/models/flag.pml */
active [SETTERS] proctype setter()
{
	byte before;

	atomic { before = word; word++; n_set++ }
	if
	:: atomic { before == 0 -> assert(!queued); queued = true }
	:: atomic { before != 0 -> before = 0 }
	fi;
	busy--
}

/* A part of a step, all of these. */
inline find(w) /* its place, or behind all; in place */
{
	place = 0;
	do
	:: place < n_in && circle[place] != w -> place++
	:: else -> break
	od
}

inline leave(w)
{
	find(w);
	assert(place < n_in);
	n_in--;
	do
	:: place < n_in -> circle[place] = circle[place + 1]; place++
	:: else -> break
	od;
	circle[n_in] = 0;
	place = 0;
	late[w] = false
}

inline join(w)
{
	circle[n_in] = w;
	n_in++
}

/*
 * mirrors: lib/flag-loop.c: isri_flag_requeue()
 *	if (flag->state != ISRI_FLAG_TOLD)
 *	return;
 *	flag->state = ISRI_FLAG_UNSEEN;
 *	ready_append(flag->wake, flag);
 */
inline requeue()
{
	if
	:: told -> told = false; assert(!queued); queued = true
	:: else
	fi
}

#ifdef IGNORE_BEFORE
#define BEFORE(w) (IS_TOLD(w) -> place : 0)
#else
#define BEFORE(w) place
#endif

/*
 * mirrors: lib/flag-wait.c: take_share()
 *	if (flag->mode & ISR_FLAG_STICKY)
 *	return isr_flag_peek(flag);
 *	word = atomic_load_explicit(ATOMIC(&flag->word), memory_order_relaxed);
 *	if (!(word & ISRI_FLAG_COUNT_MASK))
 *	return 0;
 *	before = count_before(flag, waiter);
 *	count = word & ISRI_FLAG_COUNT_MASK;
 *	if (count <= before)
 *	return 0;
 *	share = is_alone(flag, waiter) ? count : 1;
 *	} while (!atomic_compare_exchange_weak_explicit(
 *		ATOMIC(&flag->word), &word,
 *		share == count ? emptied : word - share, memory_order_seq_cst,
 *		memory_order_relaxed));
 *	if (share == count && !emptied)
 *	flag->state = ISRI_FLAG_UNSEEN;
 */
inline take_share(w, emptied)
{
	seen = word;
#ifdef STICKY
	atomic { share = COUNT(seen); seen = 0 }
#else
	do
	:: atomic {
		find(w);
		if
		:: COUNT(seen) == 0 || COUNT(seen) <= BEFORE(w) ->
			share = 0;
			seen = 0;
			place = 0;
			break
		:: else
		fi;
		share = (n_in == 0 || (n_in == 1 && circle[0] == w) ->
				COUNT(seen) : 1);
		place = 0;
		if
		:: word == seen && share == COUNT(seen) ->
			word = emptied;
			n_consumed = n_consumed + share;
			if
			:: emptied == 0 -> told = false; assert(!queued)
			:: else
			fi;
			seen = 0;
			break
		:: word == seen && share != COUNT(seen) ->
			word = word - share;
			n_consumed = n_consumed + share;
			seen = 0;
			break
		:: else -> seen = word; share = 0
		fi
	   }
	od
#endif
}

#if THREADS > 0
/*
 * mirrors: lib/flag-wait.c: begin()
 *	share = take_share(flag, waiter, ISRI_FLAG_KEPT);
 *	if (share)
 *	return (int)share;
 *	if (!has_patience)
 *	return -ETIMEDOUT;
 *	join(waiter, flag);
 *	if (atomic_fetch_or_explicit(ATOMIC(&flag->word), 0,
 *				     memory_order_acq_rel))
 *	come_late(waits, waiter);
 * mirrors: lib/flag-wait.c: isri_wait_begin()
 *	pthread_mutex_lock(&waits->lock);
 *	r = begin(waits, waiter, flag, has_patience);
 *	is_late = waiter->is_late;
 *	pthread_mutex_unlock(&waits->lock);
 *	if (is_late)
 *	isr_flag_set(&waits->came_late);
 * mirrors: lib/flag-wait.c: isri_wait_end()
 *	pthread_mutex_lock(&waits->lock);
 *	r = waiter->result;
 *	if (!r) {
 *	r = (int)take_share(waiter->flag, waiter, ISRI_FLAG_KEPT);
 *	leave(waits, waiter);
 *	pthread_mutex_unlock(&waits->lock);
 */
active [THREADS] proctype thread()
{
	byte me = _pid - SETTERS + TASKS;
	byte seen, share, place;
	bool is_late;

	acquire();
	take_share(me, KEPT);
	if
	:: atomic { share > 0 -> share = 0; release() }
	   goto over
	:: atomic { share == 0 -> release() }
	   goto over
	:: atomic { share == 0 -> join(me) }
	fi;
	atomic {
#ifndef NO_LATE
		late[me] = (word != 0);
#endif
		is_late = late[me];
		release()
	}
	if
	:: atomic { is_late -> came_late = true; is_late = false }
	:: atomic { !is_late }
	fi;
	busy--;
	if
	/* It is woken, or never. */
	:: atomic { served[me] -> busy++ }
	:: atomic { true -> busy++ }
	   acquire();
	   if
	   :: atomic { served[me] }
	   :: atomic { !served[me] }
	      take_share(me, KEPT);
	      atomic { share = 0; leave(me) }
	   fi;
	   release()
	fi;
over:
	atomic { served[me] = false; busy-- }
}
#endif

/* The loop, and the tasks on it. */

/* Tasks: */
#define OUTSIDE 0
#define WAITS 1
#define LATCHED 2
#define OVER 3

/*
 * Nobody waits, or those that do are told.
 *
 * mirrors: lib/flag-loop.c: flag_tell()
 *	word = atomic_load_explicit(ATOMIC(&flag->word), memory_order_seq_cst);
 *	while (!(word & ISRI_FLAG_COUNT_MASK)) {
 *	if (atomic_compare_exchange_weak_explicit(
 *		    ATOMIC(&flag->word), &word, 0, memory_order_seq_cst,
 *		    memory_order_seq_cst))
 *	return 0;
 *	flag->state = ISRI_FLAG_TOLD;
 */
inline tell()
{
	seen = word;
	do
	:: atomic {
		COUNT(seen) == 0 ->
		if
		:: word == seen -> word = 0; seen = 0; break
		:: else -> seen = word
		fi
	   }
	:: atomic { COUNT(seen) != 0 -> told = true; seen = 0; break }
	od
}

/*
 * mirrors: lib/flag-loop.c: flag_consume_some()
 *	word = atomic_load_explicit(ATOMIC(&flag->word), memory_order_seq_cst);
 *	count = word & ISRI_FLAG_COUNT_MASK;
 *	taken = count < max ? count : max;
 *	} while (!atomic_compare_exchange_weak_explicit(
 *		ATOMIC(&flag->word), &word, taken == count ? 0 : word - taken,
 *		memory_order_seq_cst, memory_order_seq_cst));
 *	if (taken != count)
 *	flag->state = ISRI_FLAG_TOLD;
 */
inline consume_some(max)
{
	seen = word;
	do
	:: atomic {
		share = (COUNT(seen) < max -> COUNT(seen) : max);
		if
#ifdef SOME_BY_STORE
		:: true ->
#else
		:: word == seen ->
#endif
			told = (share != COUNT(seen));
			word = (told -> seen - share : 0);
			n_consumed = n_consumed + share;
			seen = 0;
			break
		:: else -> seen = word; share = 0
		fi
	   }
	od
}

/*
 * A part of a step.
 *
 * mirrors: lib/flag-wait.c: isri_waits_count_claims()
 *	if (waiter->is_told)
 *	return n;
 *	n++;
 *	return UINT32_MAX;
 */
inline count_claims()
{
	claims = 0;
	do
	:: claims < n_in && !IS_TOLD(circle[claims]) -> claims++
	:: else -> break
	od;
#ifndef CONSUME_ALL
	if
	:: claims == n_in -> claims = 100
	:: else
	fi
#else
	claims = 100
#endif
}

/*
 * A part of a step: hands out share, which was consumed.
 *
 * mirrors: lib/flag-wait.c: isri_waits_hand_out()
 *	while (count && (first = first_of(flag))) {
 *	share = first->next == first ? count : 1;
 *	count -= share;
 *	settle(waits, first, (int)clamp(share));
 * mirrors: lib/flag-wait.c: settle()
 *	leave(waits, waiter);
 *	waiter->result = result;
 *	waiter->wake(waiter);
 */
inline hand_out()
{
	do
	:: share > 0 && n_in > 0 ->
		share = (n_in == 1 -> 0 : share - 1);
		w = circle[0];
		/* Or else it has consumed before it has run. */
		assert(!IS_TOLD(w));
		leave(w);
		served[w] = true
	:: else -> share = 0; w = 0; break
	od
}

/*
 * mirrors: lib/flag-loop.c: flag_deliver_to_waiters()
 *	pthread_mutex_lock(&wake->waits.lock);
 *	if (isri_flag_is_waited_for(flag))
 *	flag_tell_waiters(flag);
 *	flag_tell(flag);
 *	pthread_mutex_unlock(&wake->waits.lock);
 * mirrors: lib/flag-loop.c: flag_tell_waiters()
 *	if (flag->mode & ISR_FLAG_STICKY)
 *	isri_waits_release(flag, flag_tell(flag));
 *	else
 *	flag_hand_out(flag);
 * mirrors: lib/flag-loop.c: flag_hand_out()
 *	uint32_t claims = isri_waits_count_claims(flag);
 *	if (claims == UINT32_MAX) {
 *	isri_waits_hand_out(flag, flag_consume(flag));
 *	return;
 *	isri_waits_hand_out(flag, flag_consume_some(flag, claims));
 *	if (flag->state == ISRI_FLAG_TOLD)
 *	isri_waits_tell_first(flag);
 * mirrors: lib/flag-loop.c: flag_consume()
 *	word = atomic_exchange_explicit(ATOMIC(&flag->word), 0,
 *					memory_order_seq_cst);
 *	flag->state = ISRI_FLAG_UNSEEN;
 * mirrors: lib/flag-wait.c: isri_waits_tell_first()
 *	first->wake(first);
 * mirrors: lib/flag-wait.c: isri_waits_release()
 *	if (!count)
 *	return;
 *	if (waiter->is_told)
 *	waiter->wake(waiter);
 *	else
 *	settle(waits, waiter, (int)clamp(count));
 */
inline deliver()
{
	/* Whether somebody waits is a hint: read without the lock. */
	atomic { queued = false; is_hint = (n_in > 0) }
	if
	:: atomic { !is_hint }
	   tell()
	:: atomic { is_hint -> is_hint = false }
	   acquire();
	   if
	   :: atomic { n_in == 0 }
	      tell()
#ifdef STICKY
	   :: atomic { n_in != 0 }
	      tell();
	      atomic {
		if
		:: told -> release_all()
		:: else
		fi
	      }
#else
	   :: atomic { n_in != 0 -> count_claims() }
	      if
	      :: atomic {
			claims == 100 ->
			share = COUNT(word);
			n_consumed = n_consumed + share;
			word = 0;
			hand_out()
		 }
	      :: atomic { claims != 100 }
		 consume_some(claims);
		 atomic {
			hand_out();
#ifndef TELL_NOBODY
			if
			:: told -> step[circle[0]] = true
			:: else
			fi
#endif
		 }
	      fi;
	      claims = 0
#endif
	   fi;
	   release()
	fi
}

/* A part of a step. */
inline release_all()
{
	place = 0;
	do
	:: place < n_in ->
		w = circle[place];
		if
		:: IS_TOLD(w) ->
#ifdef STICKY_FIRST
			if
			:: place == 0 -> step[w] = true
			:: else
			fi;
#else
			step[w] = true;
#endif
			place++
		:: else ->
			served[w] = true;
			claims = place;
			leave(w);
			place = claims;
			claims = 0
		fi
	:: else -> break
	od;
	place = 0;
	w = 0
}

/*
 * mirrors: lib/flag-loop.c: look_again()
 *	pthread_mutex_lock(&waits->lock);
 *	while ((waiter = waits->late)) {
 *	waiter->is_late = false;
 *	isri_flag_requeue(waiter->flag);
 *	pthread_mutex_unlock(&waits->lock);
 */
inline look_again()
{
	came_late = false;
	acquire();
	atomic {
		w = 0;
		do
		:: w < WAITERS ->
			if
			:: late[w] -> late[w] = false; requeue()
			:: else
			fi;
			w++
		:: else -> w = 0; break
		od;
		release()
	}
}

/*
 * mirrors: lib/flag-wait.c: isri_told_take()
 *	return take_share(flag, waiter,
 *			  flag->state == ISRI_FLAG_TOLD ? 0 : ISRI_FLAG_KEPT);
 */
#ifdef EMPTY_TO_ZERO
#define EMPTIED 0
#else
#define EMPTIED (told -> 0 : KEPT)
#endif

/* It has its share. */
#ifdef LATCH
#define HAS_SHARE LATCHED
#else
#define HAS_SHARE OVER
#endif

/*
 * mirrors: lib/flag-wait.c: isri_told_join()
 *	join(waiter, flag);
 *	isri_flag_requeue(flag);
 */
inline begin_task(k)
{
	acquire();
	take_share(k, EMPTIED);
	atomic {
		if
		:: share > 0 -> phase[k] = HAS_SHARE
		:: else ->
			phase[k] = WAITS;
			join(k);
#ifndef JOIN_NO_REQUEUE
			requeue()
#endif
		fi;
		has[k] = share;
		share = 0;
		release()
	}
}

/*
 * A part of a step.
 *
 * mirrors: lib/flag-wait.c: isri_told_leave()
 *	leave(&flag->wake->waits, waiter);
 *	if (!(flag->mode & ISR_FLAG_STICKY) && first_of(flag))
 *	isri_flag_requeue(flag);
 */
inline told_leave(k)
{
	leave(k);
#ifndef STICKY
	if
#ifdef LEAVE_NO_REQUEUE
	:: share > 0
#endif
#ifdef CANCEL_NO_REQUEUE
	:: share == 0
#endif
	:: else ->
		if
		:: n_in > 0 -> requeue()
		:: else
		fi
	fi
#endif
}

inline resume_task(k)
{
	step[k] = false;
	acquire();
	if
	/* Cancelled, or let go by another flag: it consumes nothing. */
	:: atomic {
		roused[k] ->
		share = 0;
		told_leave(k);
		phase[k] = OVER;
		roused[k] = false;
		release()
	   }
	:: true ->
	   take_share(k, EMPTIED);
	   atomic {
		if
		:: share > 0 ->
			told_leave(k);
			phase[k] = HAS_SHARE
		/* Its time is over. */
		:: share == 0 && roused[k] ->
			told_leave(k);
			phase[k] = OVER
		/* It goes on sleeping. */
		:: share == 0
		fi;
		has[k] = share;
		roused[k] = false;
		share = 0;
		release()
	   }
	fi
}

#ifdef LATCH
/*
 * mirrors: lib/flag-wait.c: isri_told_give_back()
 *	word = atomic_load_explicit(ATOMIC(&flag->word), memory_order_relaxed);
 *	count = word & ISRI_FLAG_COUNT_MASK;
 *	} while (!atomic_compare_exchange_weak_explicit(
 *		ATOMIC(&flag->word), &word, word + (back < room ? back : room),
 *		memory_order_acq_rel, memory_order_relaxed));
 *	if (word == 0)
 *	isri_wake_push(flag->wake, flag);
 */
inline give_back(k)
{
	seen = word;
	do
	:: atomic {
		word == seen ->
		word = word + has[k];
		n_consumed = n_consumed - has[k];
		has[k] = 0;
		break
	   }
	:: atomic { word != seen -> seen = word }
	od;
	if
#ifndef GIVE_BACK_NO_PUSH
	:: atomic { seen == 0 -> assert(!queued); queued = true }
	:: atomic { seen != 0 -> seen = 0 }
#else
	:: atomic { true -> seen = 0 }
#endif
	fi
}
#endif

#if CLEARS > 0
/*
 * mirrors: lib/flag-loop.c: flag_empty()
 *	if (flag->state == ISRI_FLAG_TOLD)
 *	return flag_consume(flag);
 *	if (!atomic_load_explicit(ATOMIC(&flag->word), memory_order_relaxed))
 *	return 0;
 *	word = atomic_exchange_explicit(ATOMIC(&flag->word), ISRI_FLAG_KEPT,
 *					memory_order_seq_cst);
 */
inline clear()
{
	if
	:: atomic {
		told ->
		n_consumed = n_consumed + COUNT(word);
		word = 0;
		told = false
	   }
	:: atomic { !told && word == 0 }
	:: atomic { !told && word != 0 }
	   atomic {
		n_consumed = n_consumed + COUNT(word);
		word = KEPT
	   }
	fi
}
#endif

/* Some task that is in this phase, or the one behind the last. */
inline some_task(what)
{
	k = 0;
	do
	:: k < TASKS && phase[k] == what -> break
	:: k < TASKS -> k++
	:: k == TASKS -> break
	od
}

/* Nothing is due, and nobody else will do anything; a part of a step. */
inline check_rest()
{
	assert(COUNT(word) == 0 || n_in == 0);
	assert(word == 0 || told);
	assert(!lock);
#ifndef STICKY
	assert(n_consumed + COUNT(word) == n_set)
#endif
}

active proctype loop()
{
	byte phase[TASKS]; /* OUTSIDE */
	byte has[TASKS];
	bool step[TASKS];
	bool roused[TASKS];
	byte seen, share, place, claims, w, k;
	byte rouse = ROUSE, clears = CLEARS;
	bool is_hint;

	do
	:: atomic { queued }
	   deliver()
	:: atomic { came_late }
	   look_again()
	:: atomic { some_task(OUTSIDE) }
	   if
	   :: atomic { k < TASKS }
	      begin_task(k)
	   :: atomic { k == TASKS }
	   fi;
	   k = 0
	:: atomic {
		k = 0;
		do
		:: k < TASKS && step[k] -> break
		:: k < TASKS -> k++
		:: k == TASKS -> break
		od
	   }
	   if
	   :: atomic { k < TASKS && phase[k] == WAITS }
	      resume_task(k)
	   :: atomic { k < TASKS && phase[k] != WAITS -> step[k] = false }
	   :: atomic { k == TASKS }
	   fi;
	   k = 0
#if ROUSE > 0
	:: atomic {
		rouse > 0 ->
		some_task(WAITS);
		if
		:: k < TASKS -> rouse--; roused[k] = true; step[k] = true
		:: else
		fi;
		k = 0
	   }
#endif
#ifdef LATCH
	:: atomic { some_task(LATCHED) }
	   if
	   :: atomic { k < TASKS }
	      give_back(k);
	      phase[k] = OVER
	   :: atomic { k == TASKS }
	   fi;
	   k = 0
#endif
#if CLEARS > 0
	:: atomic { clears > 0 -> clears-- }
	   clear()
#endif
	:: atomic {
		busy == 0 && !queued && !came_late && phase[0] != OUTSIDE &&
		!step[0] &&
		phase[TASKS - 1] != OUTSIDE && !step[TASKS - 1] ->
		check_rest();
		break
	   }
	od
}
