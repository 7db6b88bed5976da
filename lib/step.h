/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: the run queue: what the loop runs, one step at a time.
 *
 * A step is a piece of the program's code that runs to its end or, in a task,
 * to its next wait. The delivery of a flag is a step too; flags have a list
 * of their own (wake.h), which is part of the urgent band.
 */
#ifndef ISRI_STEP_H
#define ISRI_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/flag.h>
#include <isrloop/loop.h>

enum isri_band {
	ISRI_BAND_URGENT, /* woken by a flag: before other ready work */
	ISRI_BAND_AGAIN,  /* waits for a flag to become urgent again */
	ISRI_BAND_ORDINARY
};
#define ISRI_BANDS 3

/* Caller's memory, zeroed but for run and name. */
struct isri_step {
	struct isri_step *next;
	struct isri_step **prev; /* NULL: not queued */
	enum isri_band band;	 /* while it is queued */
	uint64_t turn;		 /* whose it comes after, in the urgent band */
	/* On the loop's stack; the step is not queued any more. */
	void (*run)(struct isri_step *step);
	const char *name; /* lives as long as the step */
	uint64_t run_ns;  /* how long it took, of all times */
};

struct isri_step_list {
	struct isri_step *first;
	struct isri_step **end;
	uint64_t n;
};

struct isri_pass;
struct isri_slow;

/* In struct isri_loop_base; loop thread only. */
struct isri_steps {
	struct isri_step_list of[ISRI_BANDS];
	/* How many flags had their turn. */
	uint64_t turn;
	/* The innermost one that runs: the program may run libev itself. */
	struct isri_pass *pass;
	/* Who wants to know of slow ones; NULL: nobody. lib/slow.c */
	struct isri_slow *slow;
	/* Since when the loop spins, with nothing to do; see lib/pass.c. */
	uint64_t spin_since_ns;
	uint64_t spin_steps;

	uint64_t n_steps;
	uint64_t n_urgent;
	uint64_t budget_exhausted;
	uint64_t max_ns;
	char max_name[ISR_LOOP_STEP_NAME_BYTES];
};

void isri_steps_init(struct isri_steps *steps);

/*
 * Last in its band. A step that is queued stays where it is, unless it moves
 * from the ordinary band to the urgent one. May be called from anywhere on
 * the loop's thread, also while a foreign loop waits for this one.
 */
void isri_step_queue(struct isr_loop *loop, struct isri_step *step,
		     enum isri_band band);
/* Before its memory goes, also when it is not queued, or runs just now. */
void isri_step_unqueue(struct isr_loop *loop, struct isri_step *step);

static inline bool isri_step_is_queued(const struct isri_step *step)
{
	return step->prev;
}

/* All that are to be urgent again are, in their order. */
void isri_steps_hasten(struct isr_loop *loop);

/* The first of its band, off the queue; NULL: none. */
struct isri_step *isri_step_take(struct isr_loop *loop, enum isri_band band);

/* A step may run, or a flag is ready; not: a flag is pending. */
bool isri_steps_are_due(struct isr_loop *loop);

/*
 * lib/pass.c
 */

/* Of passes that have short ordinary steps only. */
#define ISRI_PASS_NS 100000

/*
 * Runs what is due: urgent steps up to their budget, then an ordinary one, and
 * so on for ISRI_PASS_NS. For a foreign loop that is one of several: as long
 * as urgent steps may take, but no step twice. now_ns: something is due, and
 * it is now; 0: the caller knows neither.
 */
void isri_pass_run(struct isr_loop *loop, uint64_t now_ns, bool is_foreign);
/*
 * The loop is about to block: until when it shall look for a set instead; 0:
 * the configuration does not want that, or not any more.
 */
uint64_t isri_pass_spin_until(struct isr_loop *loop);
/* Does so. When one was found, which is now; 0: none was. */
uint64_t isri_pass_spin(struct isr_loop *loop, uint64_t until_ns);
/*
 * An urgent step that is queued now comes behind the next flag: one is ready,
 * and it is not a flag that wakes the step.
 */
bool isri_pass_is_flag_next(struct isr_loop *loop);
/* When the step that runs has begun; now, if none runs. */
uint64_t isri_pass_get_begin_ns(struct isr_loop *loop);
/* The memory of a step goes, which may be the one that runs. */
void isri_pass_forget(struct isr_loop *loop, const struct isri_step *step);

/*
 * What runs is known by this name, of which a copy is made: as many bytes as
 * names have at most are read.
 */
void isri_step_rename(struct isr_loop *loop, const char *name);

/*
 * A step that is made of several calls of the program has made one of them,
 * which counts as a step, and there is another. False: others are due. Then it
 * puts itself, with what is left, back where it came from, and returns.
 */
bool isri_step_goes_on(struct isr_loop *loop);
/*
 * The step that runs may go on for a while as the same step, for nobody is due
 * whom a flag has woken, and it has not run for ISRI_PASS_NS.
 */
bool isri_step_has_time(struct isr_loop *loop);

#endif /* ISRI_STEP_H */
