/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The watchdog of slow steps, in every interleaving: the loop makes passes of
 * steps, of one step within another, and of none; the watchdog dozes when
 * nothing runs, and looks at what runs. It begins in some state of a pass and
 * ends in some state of one.
 *
 * Time is a choice: a look that is due may come at any moment, and a step is
 * quick, or goes on until it was told. What runs is in a latch, which is one
 * step here: latch.pml. All that is exchanged is one word each, so the steps
 * are those of sequential consistency.
 *
 * Proved: a slow step is told, and the watchdog ends when it shall: neither
 * waits for ever. None is told twice.
 *
 * verify: passes with and without steps | -DPASSES=3 -DSTEPS=3
 * verify: a step within a step, in a pass of its own | -DPASSES=2 -DSTEPS=3 -DNEST
 * verify: passes without steps only | -DPASSES=4 -DSTEPS=0
 * twin: a pass that had no step is idle once more | -DIDLE_ANYWAY
 * twin: a pass within a step is over, and nothing runs | -DNEST -DINNER_IDLE
 * twin: a step begins by a load and a store | -DBEGIN_BY_STORE
 * twin: a doze begins by a load and a store | -DDOZE_BY_STORE
 * twin: a step wakes nobody | -DNO_WAKE
 * twin: the end wakes nobody that dozes | -DEND_NO_ACTIVATE
 * twin: a step is told again | -DTELL_AGAIN -DSTEPS=1
 * twin: a step is told again after one within it | -DNEST -DONE_DEPTH
 */

#ifndef PASSES
#define PASSES 2
#endif
#ifndef STEPS
#define STEPS 2
#endif

#define IDLE 0
#define ACTIVE 1
#define DOZING 2

/* struct isri_slow */
byte state = IDLE;
bool ending;
byte latch; /* began_ns of what runs; 0: nothing */
bool is_within; /* with it: it runs within another */

/* The kernel's: the watchdog sleeps until somebody wakes it. */
bool sleeps;

/* What the model knows and the code does not. */
bool was_told[STEPS + 1];
byte begun;
bool has_ended;

/*
 * mirrors: lib/slow.c: doze()
 *	if (!atomic_compare_exchange_strong_explicit(
 *		    ATOMIC(&slow->state), &idle, ISRI_SLOW_DOZING,
 *		    memory_order_acq_rel, memory_order_acquire))
 *	return;
 *	do {
 *	isri_futex_wait(&slow->state, ISRI_SLOW_DOZING,
 *			ISRI_FUTEX_NEVER);
 *	} while (atomic_load_explicit(ATOMIC(&slow->state),
 *				      memory_order_relaxed) ==
 *		 ISRI_SLOW_DOZING);
 */
inline doze()
{
#ifdef DOZE_BY_STORE
	seen = state;
	if
	:: seen == IDLE -> state = DOZING
	:: else
	fi;
#else
	atomic {
		seen = state;
		if
		:: seen == IDLE -> state = DOZING
		:: else
		fi
	}
#endif
	if
	:: seen == IDLE ->
		do
		:: atomic { state == DOZING -> sleeps = true };
		   !sleeps
		:: state != DOZING -> break
		od
	:: else
	fi;
	seen = 0
}

/*
 * mirrors: lib/slow.c: look()
 *	if (isr_latch_load(&slow->latch, &step, NULL) < 0 || !step.began_ns)
 *	return now_ns + threshold_ns;
 *	told_ns = &told[step.depth];
 *	if (step.began_ns == *told_ns)
 *	return now_ns + threshold_ns;
 *	if (step.began_ns + threshold_ns > now_ns)
 *	return step.began_ns + threshold_ns;
 *	*told_ns = step.began_ns;
 *	tell_soon(slow, &step, now_ns - step.began_ns);
 */
#ifdef ONE_DEPTH
#define DEPTH 0
#else
#define DEPTH is_within
#endif
inline look()
{
	atomic {
		seen = latch;
		if
#ifndef TELL_AGAIN
		:: seen == 0 || seen == told[DEPTH]
#else
		:: seen == 0
#endif
		:: else ->
			assert(seen <= begun && !was_told[seen]);
			told[DEPTH] = seen;
			was_told[seen] = true
		fi;
		seen = 0
	}
}

/*
 * mirrors: lib/slow.c: watch()
 *	doze(slow);
 *	if (is_ending(slow))
 *	return NULL;
 *	isri_futex_wait(&slow->ending, 0, look(slow, told));
 *	atomic_fetch_add_explicit(ATOMIC(&slow->n_turns), 1,
 *				  memory_order_relaxed);
 * mirrors: lib/slow.c: is_ending()
 *	return atomic_load_explicit(ATOMIC(&slow->ending),
 *				    memory_order_acquire);
 */
active proctype watchdog()
{
	byte seen;
	byte told[2]; /* the last one of each depth */

	do
	:: doze();
	   if
	   :: ending -> break
	   :: else
	   fi;
	   look()
	   /* Then some time, or until the end. */
	od;
	has_ended = true
}

/*
 * mirrors: lib/slow.c: activate()
 *	state = atomic_exchange_explicit(ATOMIC(&slow->state), ISRI_SLOW_ACTIVE,
 *					 memory_order_acq_rel);
 *	if (state == ISRI_SLOW_DOZING)
 *	isri_futex_wake(&slow->state, 1);
 */
inline activate()
{
#ifdef BEGIN_BY_STORE
	before = state;
	state = ACTIVE;
#else
	atomic { before = state; state = ACTIVE };
#endif
#ifndef NO_WAKE
	if
	:: before == DOZING -> sleeps = false
	:: else
	fi;
#endif
	before = 0
}

/*
 * mirrors: lib/slow.c: isri_slow_begin()
 *	isr_latch_store(&slow->latch, &step);
 *	if (atomic_load_explicit(ATOMIC(&slow->state), memory_order_relaxed) !=
 *	    ISRI_SLOW_ACTIVE)
 *	activate(slow);
 */
inline begin(step, is_inner)
{
	atomic { latch = step; is_within = is_inner };
	if
	:: state != ACTIVE -> activate()
	:: else
	fi
}

/*
 * mirrors: lib/slow.c: isri_slow_idle()
 *	    atomic_load_explicit(ATOMIC(&slow->state), memory_order_relaxed) !=
 *		    ISRI_SLOW_ACTIVE)
 *	return;
 *	isr_latch_store(&slow->latch, &nothing);
 *	atomic_store_explicit(ATOMIC(&slow->state), ISRI_SLOW_IDLE,
 *			      memory_order_release);
 */
inline idle()
{
	if
#ifdef IDLE_ANYWAY
	:: true ->
#else
	:: state == ACTIVE ->
#endif
		latch = 0;
		state = IDLE
	:: else
	fi
}

/* Until it was told, or not as long. */
inline run_step(step)
{
	if
	:: true
	:: true -> was_told[step]
	fi
}

/*
 * mirrors: lib/slow.c: stop_watchdog()
 *	atomic_store_explicit(ATOMIC(&slow->ending), 1, memory_order_release);
 *	isri_futex_wake(&slow->ending, 1);
 *	activate(slow);
 *	pthread_join(slow->watchdog, NULL);
 */
inline end()
{
	ending = true;
#ifndef END_NO_ACTIVATE
	activate();
#endif
	has_ended
}

active proctype loop()
{
	byte before, passes, outer;

	do
	:: passes < PASSES ->
		passes++;
		/* Of some steps, of none, or it ends in one. */
		do
		:: begun < STEPS ->
			begun++;
			begin(begun, false);
			run_step(begun);
#ifdef NEST
			if
			:: true
			:: begun < STEPS ->
				outer = begun;
				begun++;
				begin(begun, true);
				run_step(begun);
#ifdef INNER_IDLE
				idle();
#else
				begin(outer, false);
#endif
				run_step(outer);
				outer = 0
			fi
#endif
		:: break
		od;
		if
		:: true -> idle()
		:: true -> break
		fi
	:: break
	od;
	end()
}
