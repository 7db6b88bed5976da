/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Flags and the wake of their loop, in every interleaving.
 *
 * Two flags; two threads that set them, one of them interrupted by a handler
 * that sets as well; a handler on the loop's own thread; and a loop that
 * arms, sleeps, collects, delivers, takes, clears, changes callbacks, ends
 * flags or ends altogether. Each step is one access to shared memory. The
 * steps are those of sequential consistency: all that is shared here is
 * changed by locked operations on two words, and what is not (next) belongs
 * to one side at a time, which is asserted.
 *
 * Proved: a loop that would sleep for ever has delivered every set, exactly
 * (the last wake is never lost); a link belongs to one side at a time; an
 * eventfd is written at most once for a sleep; nobody touches a loop that
 * was freed; the end of a flag waits for a setter and never for ever.
 *
 * A weak cas that fails without cause only repeats its step: it is modelled
 * as the strong one. What runs is read by tests/models:
 *
 * aside: lib/flag.c: isr_flag_peek(): only reads
 * aside: lib/flag.c: isri_flag_stamp(): whether to read the clock
 * aside: lib/flag-loop.c: flag_time(): the same
 * aside: lib/flag-loop.c: isri_wake_foresee(): asks for a cache line
 * aside: lib/wake.c: isri_wake_is_owner(): a thread compares its own value
 * aside: lib/wake.c: isri_wake_claim(): before the loop runs
 * aside: lib/flag-loop.c: isri_flag_await_visitors(): of threads that wait
 * aside: lib/flag-loop.c: flag_let_go(): the same
 *
 * verify: two threads, a handler in one, a handler on the loop | -DNEST_SETTER -DNEST_LOOP
 * verify: a thread that sets twice, interrupted | -DSETS=2 -DNEST_SETTER
 * verify: a loop that sets, takes and clears itself | -DOPS=2 -DOP_SET -DOP_TAKE
 * verify: a take in a callback, and handlers | -DOPS=1 -DOP_TAKE -DNEST_SETTER
 * verify: a sticky flag, its callback taken away and given back | -DOPS=3 -DSTICKY -DOP_TAKE -DOP_CB
 * verify: a sticky flag, and handlers | -DOPS=1 -DSTICKY -DOP_TAKE -DNEST_SETTER
 * verify: a count that is full | -DCOUNT_MAX=2 -DFLAGS=1 -DSETS=3 -DNEST_SETTER -DOP_TAKE -DOPS=1
 * verify: a loop inside a foreign loop | -DFOREIGN -DOPS=2 -DOP_SET -DOP_CB -DSTICKY
 * verify: a loop inside a foreign loop, and handlers | -DFOREIGN -DNEST_SETTER
 * verify: the end of flags, and of the loop | -DOPS=2 -DOP_END -DOP_TAKE
 * verify: the end of the loop, and handlers | -DOPS=1 -DOP_END -DNEST_SETTER
 * twin: sleep without a look at the list after arming | -DNO_RECHECK
 * twin: look for the armed mark, then publish | -DPUBLISH_LATE
 * twin: take the mark without a cas | -DPUSH_NO_CAS -DNEST_SETTER
 * twin: take the list by a load and a store | -DCOLLECT_NO_EXCHANGE
 * twin: count a set by a load and a store | -DPLAIN_COUNT
 * twin: read the count, then clear it | -DREAD_THEN_CLEAR
 * twin: clear the count, then read it | -DCLEAR_THEN_READ
 * twin: a take leaves no trace that the flag is queued | -DTAKE_TO_ZERO -DOPS=1 -DOP_TAKE
 * twin: forget a cleared sticky flag by a store | -DTELL_BY_STORE -DSTICKY -DOP_TAKE -DOPS=2
 * twin: take back one count too many without a look | -DSATURATE_BLINDLY -DCOUNT_MAX=2 -DFLAGS=1 -DSETS=3
 * twin: the end of a flag does not wait for a setter | -DEND_NO_WAIT -DOPS=1 -DOP_END
 * twin: the end of the loop does not wait for a kicker | -DEND_NO_KICKERS -DOPS=1 -DOP_END
 * twin: a kicker is counted after its push | -DKICKER_LATE -DOPS=1 -DOP_END
 * twin: a loop inside a foreign loop does not arm before it returns | -DFOREIGN -DNO_OUTER_ARM
 * twin: a callback given back to a told flag wakes nobody | -DFOREIGN -DCB_NO_KICK -DSTICKY -DOPS=3 -DOP_CB
 */

#ifndef FLAGS
#define FLAGS 2
#endif
#ifndef SETS
#define SETS 1 /* by the first thread; every other setter sets once */
#endif
#ifndef OPS
#define OPS 0
#endif
#ifndef COUNT_MAX
#define COUNT_MAX 100
#endif

#define KEPT 128 /* ISRI_FLAG_KEPT, of a word of 8 bits */
#define COUNT(w) ((w) & 127)

/* A pointer to a flag is its number plus 2. */
#define NONE 0
#define ARMED 1
#define LINK(f) ((f) + 2)
#define FLAG(p) ((p) - 2)

/* struct isr_flag */
byte word[FLAGS];
byte next[FLAGS];
bool told[FLAGS];
bool cb[FLAGS] = true;
bool bound[FLAGS] = true; /* its wake is not NULL */
/* struct isri_wake; ready_end is a flag's link, or NONE: that of ready */
byte pending;
byte kickers;
bool fd;
byte ready;
byte ready_end;
byte n_ready;

/* What the model knows and the code does not. */
byte owed[FLAGS]; /* set, not yet consumed */
bool queued[FLAGS]; /* its link is a list's */
bool kept[FLAGS]; /* the loop put KEPT into its word */
bool freed;
byte marks; /* put and neither taken away nor written for */
byte idle_setters;

/* Threads, and the handler that each is held by. */
#define THREAD_A 0
#define LOOP 1
bool held[2];
#define SETTERS (2 + N_NEST_SETTER + N_NEST_LOOP)
#ifdef NEST_SETTER
#define N_NEST_SETTER 1
#else
#define N_NEST_SETTER 0
#endif
#ifdef NEST_LOOP
#define N_NEST_LOOP 1
#else
#define N_NEST_LOOP 0
#endif

#define TOUCH assert(!freed)
/* Pushed, and not yet collected: of two, the last or the one before. */
#define is_pending(f) \
	(pending == LINK(f) || \
	 (pending > ARMED && next[FLAG(pending)] == LINK(f)))

inline kick()
{
	TOUCH;
	assert(marks > 0);
	marks--;
	fd = true
}

/*
 * A setter's store to the link is one step with the load before it: until
 * the push nobody else may touch the link, and that is asserted.
 */
inline write_next(f)
{
	assert(!queued[f]);
	next[f] = (head == ARMED -> NONE : head)
}

inline publish(f)
{
	assert(!queued[f]);
	queued[f] = true;
	pending = LINK(f)
}

/*
 * mirrors: lib/wake.c: push_and_kick()
 *	atomic_fetch_add_explicit(&wake->kickers, 1, memory_order_relaxed);
 *	flag->next = NULL;
 *	taken = atomic_compare_exchange_strong_explicit(
 *		&wake->pending, &head, flag, memory_order_release,
 *		memory_order_relaxed);
 *	if (taken) {
 *	isri_wake_kick(wake);
 *	atomic_fetch_sub_explicit(&wake->kickers, 1, memory_order_release);
 * mirrors: lib/wake.c: isri_wake_push()
 *	struct isr_flag *head = NULL;
 *	while (head == ISRI_WAKE_ARMED) {
 *	if (push_and_kick(wake, flag))
 *	return;
 *	head = atomic_load_explicit(&wake->pending,
 *				    memory_order_relaxed);
 *	if (flag->next != head)
 *	flag->next = head;
 *	if (atomic_compare_exchange_weak_explicit(
 *		    &wake->pending, &head, flag, memory_order_release,
 *		    memory_order_relaxed))
 *	return;
 */
inline push(f)
{
	atomic { TOUCH; head = NONE; taken = false; write_next(f) }
	do
	:: atomic {
		head == ARMED ->
#ifndef KICKER_LATE
		TOUCH;
		kickers++
#endif
	   }
	   atomic {
		TOUCH;
		if
#ifdef PUSH_NO_CAS
		:: true ->
#else
		:: pending == ARMED ->
#endif
			publish(f);
			taken = true
		:: else
		fi
	   }
#ifdef KICKER_LATE
	   atomic { TOUCH; kickers++ }
#endif
	   if
	   :: atomic { taken -> kick() }
	   :: atomic { !taken }
	   fi;
	   atomic {
		TOUCH;
		kickers--;
		head = NONE;
		if
		:: taken -> taken = false; break
		:: else
		fi
	   }
	   atomic { TOUCH; head = pending; write_next(f) }
	:: atomic {
		head != ARMED ->
		TOUCH;
		if
#ifdef PUBLISH_LATE
		:: true ->
			next[f] = (pending == ARMED -> NONE : pending);
#else
		:: pending == head ->
#endif
			publish(f);
			head = NONE;
			break
		:: else -> head = pending; write_next(f)
		fi
	   }
	od
}

/*
 * mirrors: lib/flag.c: flag_saturate()
 *	word = atomic_load_explicit(ATOMIC(&flag->word), memory_order_relaxed);
 *	while ((word & ISRI_FLAG_COUNT_MASK) > ISR_FLAG_COUNT_MAX) {
 *	if (atomic_compare_exchange_weak_explicit(
 *		    ATOMIC(&flag->word), &word, word - 1,
 *		    memory_order_relaxed, memory_order_relaxed))
 *	return;
 */
inline saturate(f)
{
#ifdef SATURATE_BLINDLY
	atomic { word[f] = word[f] - 1; before = 0 }
#else
	before = word[f];
	do
	:: atomic {
		COUNT(before) > COUNT_MAX ->
		if
		:: word[f] == before -> word[f] = before - 1; before = 0; break
		:: else -> before = word[f]
		fi
	   }
	:: atomic { COUNT(before) <= COUNT_MAX -> before = 0; break }
	od
#endif
}

/*
 * mirrors: lib/flag.c: isr_flag_set()
 *	word = atomic_fetch_add_explicit(ATOMIC(&flag->word), 1,
 *					 memory_order_acq_rel);
 *	finish_set(flag, word);
 * mirrors: lib/flag.c: finish_set()
 *	if (before == 0) {
 *	if (flag->wake) {
 *	isri_wake_push(flag->wake, flag);
 *	if ((before & ISRI_FLAG_COUNT_MASK) >= ISR_FLAG_COUNT_MAX) {
 *	flag_saturate(flag);
 * mirrors: lib/isrloop/isr.h: isr_flag_set_inline()
 *	before = __atomic_fetch_add((uint32_t *)flag, 1, __ATOMIC_ACQ_REL);
 *	if (__builtin_expect(before - 1 >= ISR_FLAG_COUNT_MAX - 1, 0))
 *	isr_flag_set_rest(flag, before);
 */
inline add(f)
{
	before = word[f];
#ifndef PLAIN_COUNT
	word[f]++;
	owed[f]++
#endif
}

inline finish_set(f)
{
#ifdef PLAIN_COUNT
	atomic { word[f] = before + 1; owed[f]++ }
#endif
	if
	:: atomic { before == 0 && bound[f] }
	   push(f)
	:: atomic { before == 0 && !bound[f] }
#if COUNT_MAX < 10
	:: atomic { COUNT(before) >= COUNT_MAX }
	   saturate(f)
	:: atomic { before != 0 && COUNT(before) < COUNT_MAX -> before = 0 }
#else
	:: atomic { before != 0 -> before = 0 }
#endif
	fi
}

/* Some flag. */
inline choose(f)
{
	f = 0;
	if
	:: true
#if FLAGS > 1
	:: f = 1
#endif
	fi
}

active proctype thread_a() provided (!held[THREAD_A])
{
	byte head, before, f, n;
	bool taken;

	do
	:: atomic { n < SETS -> n++; choose(f); add(f) }
	   finish_set(f)
	:: atomic { true -> n = 0; f = 0; idle_setters++; break }
	od
}

/* Always the same flag: both are alike, unless one is sticky. */
active proctype thread_b()
{
	byte head, before;
	bool taken;

	if
	:: atomic { true -> add(0) }
	   finish_set(0)
	:: true
	fi;
	idle_setters++
}

#ifdef NEST_SETTER
/* A handler that interrupts thread A anywhere, also in a set. */
active proctype handler_a()
{
	byte head, before, f;
	bool taken;

	if
	:: atomic { true -> held[THREAD_A] = true; choose(f); add(f) }
	   finish_set(f)
	:: true
	fi;
	atomic { f = 0; held[THREAD_A] = false; idle_setters++ }
}
#endif

#ifdef NEST_LOOP
/* A handler that interrupts the loop anywhere. */
active proctype handler_loop()
{
	byte head, before, f;
	bool taken;

	if
	:: atomic { true -> held[LOOP] = true; choose(f); add(f) }
	   finish_set(f)
	:: true
	fi;
	atomic { f = 0; held[LOOP] = false; idle_setters++ }
}
#endif

/*
 * The loop. Its inlines are steps of their own or, where it says so, parts
 * of one: what is the loop's alone needs no step.
 *
 * mirrors: lib/wake.c: isri_wake_arm()
 *	return atomic_compare_exchange_strong_explicit(
 *		       &wake->pending, &head, ISRI_WAKE_ARMED,
 *		       memory_order_relaxed, memory_order_relaxed) ||
 *	       head == ISRI_WAKE_ARMED;
 */
inline arm() /* part of a step; the result is in ok */
{
	ok = (pending == NONE || pending == ARMED);
	if
	:: pending == NONE -> pending = ARMED; marks++
	:: else
	fi
#ifdef NO_RECHECK
	;
	ok = true
#endif
}

/*
 * mirrors: lib/wake.c: isri_wake_disarm()
 *	return atomic_compare_exchange_strong_explicit(
 *		&wake->pending, &head, NULL, memory_order_relaxed,
 *		memory_order_relaxed);
 */
inline disarm() /* part of a step; the result is in ok */
{
	ok = (pending == ARMED);
	if
	:: ok -> pending = NONE; marks--
	:: else
	fi
}

/* *ready_end = p; ready_end = &end->next; a part of a step. */
inline ready_link(p, end)
{
	if
	:: ready_end == NONE -> ready = p
	:: else -> next[FLAG(ready_end)] = p
	fi;
	ready_end = end
}

/* Takes p out, whose predecessor is prev or NONE; a part of a step. */
inline ready_unlink(p, prev)
{
	assert(queued[FLAG(p)]);
	queued[FLAG(p)] = false;
	if
	:: prev == NONE -> ready = next[FLAG(p)]
	:: else -> next[FLAG(prev)] = next[FLAG(p)]
	fi;
	if
	:: ready_end == p -> ready_end = prev
	:: else
	fi;
	next[FLAG(p)] = NONE;
	n_ready--
}

/*
 * mirrors: lib/wake.h: isri_wake_is_set()
 *	atomic_load_explicit(&wake->pending, memory_order_relaxed);
 *	return head && head != ISRI_WAKE_ARMED;
 * mirrors: lib/wake.c: isri_wake_collect()
 *	if (!isri_wake_is_set(wake))
 *	return wake->ready;
 *	list = atomic_exchange_explicit(&wake->pending, NULL,
 *					memory_order_acquire);
 *	end = &list->next;
 *	for (; list; list = next) {
 *	next = list->next;
 *	list->next = oldest_first;
 *	oldest_first = list;
 *	*wake->ready_end = oldest_first;
 *	wake->ready_end = end;
 */
inline collect()
{
	list = pending;
	if
	:: atomic { list == NONE || list == ARMED -> list = NONE }
	:: atomic {
		list != NONE && list != ARMED ->
#ifndef COLLECT_NO_EXCHANGE
		list = pending;
#endif
		pending = NONE;
		end = list;
		do
		:: list != NONE ->
			assert(n_ready < FLAGS);
			after = next[FLAG(list)];
			next[FLAG(list)] = oldest;
			oldest = list;
			list = after;
			n_ready++
		:: else -> break
		od;
		ready_link(oldest, end);
		end = NONE;
		after = NONE;
		oldest = NONE
	   }
	fi
}

/* The loop has n of flag f: all that it is owed, or as much as it holds. */
inline account(f, n)
{
	assert(n == owed[f] || (n >= COUNT_MAX && n < owed[f]));
	owed[f] = 0
}

/*
 * mirrors: lib/flag-loop.c: flag_consume()
 *	word = atomic_exchange_explicit(ATOMIC(&flag->word), 0,
 *					memory_order_seq_cst);
 *	flag->state = ISRI_FLAG_UNSEEN;
 *	return word & ISRI_FLAG_COUNT_MASK;
 */
inline consume(f)
{
#ifdef READ_THEN_CLEAR
	count = COUNT(word[f]);
	atomic {
		word[f] = 0;
		account(f, count);
		told[f] = false;
		count = 0
	}
#else
#ifdef CLEAR_THEN_READ
	/* The announcement, then the count: as if they were two words. */
	atomic { count = COUNT(word[f]); word[f] = 0 }
	atomic {
		count = count + COUNT(word[f]);
		account(f, count);
		told[f] = false;
		count = 0
	}
#else
	atomic {
		assert((word[f] >= KEPT) == kept[f]);
		count = COUNT(word[f]);
		word[f] = 0;
		kept[f] = false;
		account(f, count);
		told[f] = false;
		count = 0
	}
#endif
#endif
}

/*
 * mirrors: lib/flag-loop.c: flag_empty()
 *	if (flag->state == ISRI_FLAG_TOLD)
 *	return flag_consume(flag);
 *	if (!atomic_load_explicit(ATOMIC(&flag->word), memory_order_relaxed))
 *	return 0;
 *	word = atomic_exchange_explicit(ATOMIC(&flag->word), ISRI_FLAG_KEPT,
 *					memory_order_seq_cst);
 *	return word & ISRI_FLAG_COUNT_MASK;
 */
inline take(f)
{
	if
	:: atomic { told[f] -> skip }
	   consume(f)
	:: atomic { !told[f] && word[f] == 0 }
	:: atomic { !told[f] && word[f] != 0 }
	   atomic {
		assert((word[f] >= KEPT) == kept[f]);
		count = COUNT(word[f]);
		account(f, count);
#ifdef TAKE_TO_ZERO
		word[f] = 0;
#else
		word[f] = KEPT;
		kept[f] = true;
#endif
		count = 0
	   }
	fi
}

/*
 * mirrors: lib/flag-loop.c: flag_tell()
 *	word = atomic_load_explicit(ATOMIC(&flag->word), memory_order_seq_cst);
 *	while (!(word & ISRI_FLAG_COUNT_MASK)) {
 *	if (atomic_compare_exchange_weak_explicit(
 *		    ATOMIC(&flag->word), &word, 0, memory_order_seq_cst,
 *		    memory_order_seq_cst))
 *	return 0;
 *	flag->state = ISRI_FLAG_TOLD;
 *	return word & ISRI_FLAG_COUNT_MASK;
 */
inline tell(f)
{
	count = word[f];
	do
	:: atomic {
		COUNT(count) == 0 ->
		if
#ifdef TELL_BY_STORE
		:: true ->
#else
		:: word[f] == count ->
#endif
			word[f] = 0;
			kept[f] = false;
			count = 0;
			break
		:: else -> count = word[f]
		fi
	   }
	:: atomic { COUNT(count) != 0 -> told[f] = true; count = 0; break }
	od
}

#ifdef STICKY
#define IS_STICKY(f) ((f) == 0)
#else
#define IS_STICKY(f) false
#endif

/*
 * Nobody waits here; that a flag has no callback and no waiter is what a
 * thread that begins to wait would change, under a lock.
 *
 * mirrors: lib/flag-loop.c: flag_take_out()
 *	return flag->mode & ISR_FLAG_STICKY ? flag_tell(flag)
 *					    : flag_consume(flag);
 * mirrors: lib/flag-loop.c: flag_deliver()
 *	if (!flag->cb) {
 *	if (atomic_load_explicit(ATOMIC(&flag->arg),
 *	flag_tell(flag);
 *	count = flag_take_out(flag);
 * mirrors: lib/flag-loop.c: isri_wake_deliver()
 *	isri_wake_collect(wake);
 *	flag = wake->ready;
 *	if (!flag)
 *	ready_unlink(wake, &wake->ready);
 *	flag_deliver(wake, flag);
 */
inline deliver()
{
	collect();
	left = 1;
	do
	:: atomic {
		ready != NONE ->
		left = 0;
		f = FLAG(ready);
		ready_unlink(LINK(f), NONE);
		assert(bound[f]);
		if
		:: IS_STICKY(f) || !cb[f] -> quiet = true
		:: else
		fi
	   }
	   if
	   :: atomic { quiet -> quiet = false }
	      tell(f)
	   :: atomic { !quiet -> skip }
	      consume(f)
	   fi
#if OPS > 0
	   ;
	   /* What its callback does. */
	   operate()
#endif
	   ;
	   collect()
	/* A pass ends when nothing is ready, or before, but not at once. */
	:: atomic { left == 0 || ready == NONE -> left = 0; f = 0; break }
	od
}

#if OPS > 0
/*
 * mirrors: lib/flag-loop.c: isr_flag_set_cb()
 *	r = flag_replace_cb(flag, cb, arg);
 *	if (r == 0 && cb)
 *	isri_flag_requeue(flag);
 * mirrors: lib/flag-loop.c: flag_replace_cb()
 *	flag->cb = cb;
 *	atomic_store_explicit(ATOMIC(&flag->arg), cb ? arg : NULL,
 * mirrors: lib/flag-loop.c: isri_flag_requeue()
 *	if (flag->state != ISRI_FLAG_TOLD)
 *	return;
 *	flag->state = ISRI_FLAG_UNSEEN;
 *	ready_append(flag->wake, flag);
 *	isri_wake_rouse(flag->wake);
 * mirrors: lib/wake.c: isri_wake_rouse()
 *	if (isri_wake_disarm(wake))
 *	isri_wake_kick(wake);
 * mirrors: lib/flag-loop.c: ready_append()
 *	flag->next = NULL;
 *	*wake->ready_end = flag;
 *	wake->ready_end = &flag->next;
 */
inline set_cb(f, value)
{
	atomic {
		cb[f] = value;
		if
		:: cb[f] && told[f] ->
			told[f] = false;
			assert(!queued[f]);
			queued[f] = true;
			next[f] = NONE;
			ready_link(LINK(f), LINK(f));
			n_ready++;
			quiet = true
		:: else
		fi
	}
	if
	:: atomic { !quiet }
	:: atomic {
		quiet ->
		quiet = false;
		disarm();
		if
#ifndef CB_NO_KICK
		/* For the mark that it took itself. */
		:: ok -> fd = true
#endif
		:: else
		fi;
		ok = false
	   }
	fi
}

/*
 * mirrors: lib/flag-loop.c: flag_finish()
 *	word = atomic_fetch_or_explicit(ATOMIC(&flag->word), ISRI_FLAG_KEPT,
 *					memory_order_acq_rel);
 *	if (word && flag->state != ISRI_FLAG_TOLD) {
 *	isri_wake_collect(wake);
 *	while (!ready_remove(wake, flag)) {
 *	isri_nap();
 *	isri_wake_collect(wake);
 *	flag_let_go(wake, flag);
 */
inline finish(f)
{
	if
	:: atomic { !bound[f] }
	:: atomic {
		bound[f] ->
		count = word[f];
		word[f] = word[f] | KEPT;
		kept[f] = true
	   }
#ifndef END_NO_WAIT
		if
		:: atomic { count == 0 || told[f] -> count = 0 }
		:: atomic { count != 0 && !told[f] -> count = 0 }
			do
			:: collect();
			   if
			   :: atomic {
				queued[f] && !is_pending(f) ->
				remove(f);
				break
			      }
			   /*
			    * Waits for a push, not for a moment, so that a
			    * wait for ever is an invalid end.
			    */
			   :: atomic {
				(!queued[f] || is_pending(f)) &&
				pending != NONE && pending != ARMED
			      }
			   fi
			od
		fi;
#endif
		bound[f] = false
	fi
}

/* ready_remove(); a part of a step. */
inline remove(f)
{
	if
	:: ready == LINK(f) -> ready_unlink(LINK(f), NONE)
	:: else -> ready_unlink(LINK(f), ready)
	fi
}

/*
 * mirrors: lib/flag-loop.c: isri_wake_finish_flags()
 *	while (wake->all)
 *	flag_finish(wake->all);
 *	while (atomic_load_explicit(&wake->kickers, memory_order_acquire)) {
 */
inline finish_all()
{
	finish(0);
#if FLAGS > 1
	finish(1);
#endif
#ifndef END_NO_KICKERS
	kickers == 0;
#endif
	freed = true
}

/* Something that a callback may do, or nothing. */
inline operate()
{
	if
#ifdef OP_SET
	:: atomic { ops > 0 -> ops--; choose(g); add(g) }
	   finish_set(g)
#endif
#ifdef OP_TAKE
	:: atomic { ops > 0 -> ops--; choose(g) }
	   if
	   :: atomic { bound[g] -> skip }
	      take(g)
	   :: atomic { !bound[g] }
	   fi
#endif
#ifdef OP_CB
	:: atomic { ops > 0 -> ops--; choose(g) }
	   set_cb(g, !cb[g])
#endif
#ifdef OP_END
	:: atomic { ops > 0 -> ops--; choose(g) }
	   finish(g)
	:: atomic { ops > 0 -> ops = 0; g = 0 }
	   finish_all();
	   goto done
#endif
	:: true
	fi;
	g = 0
}
#endif

/* Nobody will set any more, and the loop sleeps; a part of a step. */
inline check_rest()
{
	assert(pending == ARMED && marks == 1);
	assert(ready == NONE && n_ready == 0 && kickers == 0);
	f = 0;
	do
	:: f < FLAGS ->
		assert(!queued[f]);
		assert(!bound[f] || owed[f] == 0 || told[f]);
		assert(!bound[f] || word[f] == 0 || told[f]);
		assert(!told[f] || IS_STICKY(f) || !cb[f]);
		f++
	:: else -> f = 0; break
	od
}

/*
 * mirrors: lib/loop.c: on_prepare()
 *	if (isri_steps_are_due(loop) || !isri_wake_arm(isri_wake_of(loop)))
 *	ev_idle_start(ev, &loop->idle);
 */
inline prepare()
{
	atomic {
		ok = false;
		if
		:: ready == NONE -> arm()
		:: else
		fi
	}
}

/*
 * mirrors: lib/loop.c: on_check()
 *	isri_wake_disarm(isri_wake_of(loop));
 *	isri_pass_run(loop, 0, loop->is_foreign);
 */
inline check()
{
	atomic { disarm(); ok = false }
	deliver();
	/* libev calls on_wake() when it has seen the descriptor. */
	if
	:: atomic { saw -> fd = false; saw = false }
	:: atomic { !saw }
	fi
}

/*
 * mirrors: lib/loop.c: outer_sleep()
 *	if (!isri_wake_arm(isri_wake_of(loop)) || isri_steps_are_due(loop))
 *	isri_wake_kick(isri_wake_of(loop));
 */
inline outer_sleep()
{
	atomic { arm() }
	atomic {
		if
		:: !ok || ready != NONE -> fd = true
		:: else
		fi;
		ok = false
	}
}

active proctype loop() provided (!held[LOOP])
{
	byte list, end, after, oldest, left, count, f, g;
	byte head, before;
	byte ops = OPS;
	bool taken, ok, quiet, saw, roused;

#ifdef FOREIGN
	outer_sleep();
	do
	::
#if OPS > 0
	   operate();
#endif
	   /* The foreign loop waits for the descriptor, or something else. */
	   if
	   :: atomic { fd }
	   :: atomic { !roused -> roused = true }
	   :: atomic { !fd && idle_setters == SETTERS -> check_rest(); break }
	   fi;
	   prepare();
	   atomic { saw = fd; ok = false }
	   check();
	   atomic { disarm(); ok = false }
#ifndef NO_OUTER_ARM
	   outer_sleep()
#endif
	od;
#else
	do
	::
#if OPS > 0
	   operate();
#endif
	   prepare();
	   if
	   :: atomic { !ok -> saw = fd }
	   :: atomic { ok && fd -> saw = true }
	   /* Another descriptor or a signal may end the sleep. */
	   :: atomic { ok && !roused -> roused = true; saw = fd }
	   :: atomic {
		ok && !fd && idle_setters == SETTERS ->
		check_rest();
		break
	      }
	   fi;
	   check()
	od;
#endif
done:
	skip
}
