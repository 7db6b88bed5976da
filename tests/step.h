/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Interruption at every instruction. A scenario is an operation on an object
 * and a signal handler that uses the same object; step.c runs the operation
 * once for each of its instructions, has the handler run just before that
 * instruction, and then checks what must hold.
 *
 * All of a scenario runs in a child that the machinery traces. reset() makes
 * the object anew, run() is the operation, handler() is what interrupts it,
 * and check() looks at the result; a failed expectation is a failed scenario.
 */
#ifndef STEP_H
#define STEP_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/event.h>
#include <isrloop/flag.h>
#include <isrloop/ring.h>

#include "loop-head.h"

struct step_scenario {
	const char *name;
	void (*reset)(void);
	void (*run)(void);
	void (*handler)(void);
	void (*check)(void);
	/* What reset() makes; the file's own. */
	int variant;
	/*
	 * The handler stands for another thread, which runs while this one is
	 * stopped: it is not in ISR context.
	 */
	bool is_thread;
	/* Other threads, while the operation sleeps for a moment. */
	void (*nap)(void);
};

/* Each ends with an entry without a name. */
extern const struct step_scenario step_byte_ring_scenarios[];
extern const struct step_scenario step_delay_scenarios[];
extern const struct step_scenario step_emerg_scenarios[];
extern const struct step_scenario step_flag_scenarios[];
extern const struct step_scenario step_guard_scenarios[];
extern const struct step_scenario step_latch_scenarios[];
extern const struct step_scenario step_mask_scenarios[];
extern const struct step_scenario step_ring_scenarios[];
extern const struct step_scenario step_schedule_scenarios[];
extern const struct step_scenario step_wait_scenarios[];
extern const struct step_scenario step_wake_scenarios[];
extern const struct step_scenario step_word_scenarios[];

/* The scenario that runs. */
extern const struct step_scenario *step_now;

/* How often the handler ran in this trial. */
unsigned int step_handled(void);
/*
 * 1 in the handler, 0 outside: each counts for itself, because a scenario's
 * own counters are interrupted as well.
 */
unsigned int step_is_handler(void);

/* Notes the first one that does not hold. */
#define step_expect(condition) \
	step_expect_at(condition, __FILE__, __LINE__, #condition)
#define step_equal(a, b)                                                  \
	step_equal_at((long long)(a), (long long)(b), __FILE__, __LINE__, \
		      #a " == " #b)
void step_expect_at(bool holds, const char *file, int line, const char *what);
void step_equal_at(long long a, long long b, const char *file, int line,
		   const char *what);

/*
 * A loop without its libev: what a flag wakes, and the eventfd that it would
 * sleep on. step_loop_turn() is what the loop does between two sleeps.
 */
extern struct isri_loop_head step_head;
#define step_wake (step_head.wake)
struct isr_loop *step_loop_init(void);
/* Before it blocks; true: it will. */
bool step_loop_arm(void);
void step_loop_turn(void);
/* Wakes up only if it has to: what is left behind then is found. */
void step_loop_settle(void);
/* The clock stands still but for this, and a microsecond a look. */
void step_pass_time(uint64_t ns);
/* Writes to the eventfd since init; they stay there. */
unsigned int step_loop_kicks(void);

/* Makes membarrier(2) fail, as where a sandbox refuses it. */
extern bool step_barrier_refused;

#endif /* STEP_H */
