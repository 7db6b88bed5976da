/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: steps that take long, for the program that wants to know. A loop of
 * which nobody asks for them has no struct isri_slow.
 */
#ifndef ISRI_SLOW_H
#define ISRI_SLOW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <isrloop/flag.h>
#include <isrloop/latch.h>
#include <isrloop/loop.h>

/* What the loop runs; the loop writes, the watchdog reads. */
struct isri_slow_step {
	uint64_t began_ns; /* 0: nothing */
	isr_flag_cb *flag_cb;
	/* In how many others it runs, of those that are told apart. */
	unsigned int depth;
	char name[ISR_LOOP_STEP_NAME_BYTES]; /* empty: flag_cb's */
};

/* Steps within steps that are told apart. */
#define ISRI_SLOW_DEPTHS 8

enum isri_slow_state {
	ISRI_SLOW_IDLE = 0, /* nothing runs */
	ISRI_SLOW_ACTIVE,   /* steps run */
	ISRI_SLOW_DOZING    /* nothing runs, and the watchdog sleeps */
};

struct isri_slow {
	struct isr_loop *loop;
	struct isr_slow_config config;
	isr_slow_cb *cb;
	void *arg;
	/* The loop's: the longest of those that are slow. */
	uint64_t max_ns;
	/* For the watchdog; atomic: an enum isri_slow_state, and the end. */
	uint32_t state;
	uint32_t ending;
	struct isr_latch latch;
	struct isri_slow_step slots[3];
	pthread_t watchdog;
	/* The watchdog's, atomic: how often it woke up. */
	uint64_t n_turns;
};

/*
 * lib/slow.c, on the loop's thread
 */

/*
 * A step begins, or goes on: it has another name, or a step within it is over.
 * depth: in how many others it runs. No name: flag_cb is what runs.
 */
void isri_slow_begin(struct isri_slow *slow, uint64_t began_ns,
		     unsigned int depth, const char *name,
		     isr_flag_cb *flag_cb);
/* A pass is over, whether it had steps or not: nothing runs. */
void isri_slow_idle(struct isri_slow *slow);

/* Whether a step that is over is to be told. */
static inline bool isri_slow_has_to_tell(const struct isri_slow *slow,
					 uint64_t duration_ns)
{
	return duration_ns >= slow->config.threshold_ns &&
	       (slow->config.modes & ISR_SLOW_LATE ||
		(slow->config.modes & ISR_SLOW_MAX &&
		 duration_ns > slow->max_ns));
}

/* Calls the program, which may end the loop, or this. */
void isri_slow_tell(struct isri_slow *slow, uint64_t duration_ns,
		    const char *name);
/* The loop ends; NULL is legal. */
void isri_slow_free(struct isri_slow *slow);

/* A step without a name has an address. lib/pass.c */
void isri_step_make_name(struct isr_loop *loop, isr_flag_cb *flag_cb,
			 char name[ISR_LOOP_STEP_NAME_BYTES]);

#endif /* ISRI_SLOW_H */
