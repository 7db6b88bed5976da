/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: steps that take long are told, while they run or when they are over.
 *
 * While a step runs the loop can tell nothing, so a thread does: the watchdog.
 * It sleeps until the step that runs would be slow, and then looks whether it
 * still runs. To wake it for each step would cost a system call a step; so it
 * looks at what runs whenever its time is over, and sets the next time by
 * that. A step that began meanwhile is thus seen at least once before it is
 * slow. When nothing runs, it dozes until a step wakes it: a loop that sleeps
 * has a watchdog that sleeps.
 *
 * What runs is published in a latch, the name in it, because the step's own
 * memory may go while it runs.
 *
 * ORDERING
 *   slow:A (a step begins, acq_rel exchange of state to active) <-> slow:B
 *          (the watchdog dozes, acq_rel cas of state from idle to dozing): one
 *          word has one order of changes. Either the cas comes second, and
 *          fails; or the exchange does, and finds a watchdog to wake
 *   slow:C (nothing runs, release store of idle) <-> slow:B: no more than when
 *          it may doze
 *   slow:D (the end, release store of ending) <-> slow:E (the watchdog,
 *          acquire load): and, as one that dozes has to be woken, slow:A
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <isrloop/isr.h>

#include "atomic.h"
#include "clock.h"
#include "futex.h"
#include "loop.h"
#include "size.h"
#include "slow.h"
#include "test-point.h"
#include "thread.h"

static void activate(struct isri_slow *slow)
{
	uint32_t state;

	ISR_TEST_POINT("slow:A");
	/* slow:A */
	state = atomic_exchange_explicit(ATOMIC(&slow->state), ISRI_SLOW_ACTIVE,
					 memory_order_acq_rel);
	if (state == ISRI_SLOW_DOZING)
		isri_futex_wake(&slow->state, 1);
}

void isri_slow_begin(struct isri_slow *slow, uint64_t began_ns,
		     unsigned int depth, const char *name, isr_flag_cb *flag_cb)
{
	struct isri_slow_step step = {
		.began_ns = began_ns,
		.flag_cb = flag_cb,
		.depth =
			depth < ISRI_SLOW_DEPTHS ? depth : ISRI_SLOW_DEPTHS - 1,
	};

	if (!(slow->config.modes & ISR_SLOW_SOON))
		return;
	if (name)
		strncpy(step.name, name, sizeof(step.name) - 1);
	isr_latch_store(&slow->latch, &step);
	/* relaxed: only the loop makes it active, and idle again */
	if (atomic_load_explicit(ATOMIC(&slow->state), memory_order_relaxed) !=
	    ISRI_SLOW_ACTIVE)
		activate(slow);
}

void isri_slow_idle(struct isri_slow *slow)
{
	static const struct isri_slow_step nothing;

	/*
	 * A pass may have had no step, and this would be idle already: a doze
	 * that is overwritten is one that nobody wakes from. relaxed: only the
	 * loop makes it active, and idle again
	 */
	if (!(slow->config.modes & ISR_SLOW_SOON) ||
	    atomic_load_explicit(ATOMIC(&slow->state), memory_order_relaxed) !=
		    ISRI_SLOW_ACTIVE)
		return;
	isr_latch_store(&slow->latch, &nothing);
	ISR_TEST_POINT("slow:C");
	/* slow:C */
	atomic_store_explicit(ATOMIC(&slow->state), ISRI_SLOW_IDLE,
			      memory_order_release);
}

void isri_slow_tell(struct isri_slow *slow, uint64_t duration_ns,
		    const char *name)
{
	struct isr_slow_report report = {
		.modes = slow->config.modes & ISR_SLOW_LATE,
		.duration_ns = duration_ns,
		.name = name,
	};

	if (duration_ns > slow->max_ns) {
		slow->max_ns = duration_ns;
		report.modes |= slow->config.modes & ISR_SLOW_MAX;
	}
	slow->cb(&report, slow->arg);
}

/*
 * The watchdog
 */

static void tell_soon(struct isri_slow *slow, struct isri_slow_step *step,
		      uint64_t duration_ns)
{
	const struct isr_slow_report report = {
		.modes = ISR_SLOW_SOON,
		.duration_ns = duration_ns,
		.name = step->name,
	};

	if (!step->name[0])
		isri_step_make_name(slow->loop, step->flag_cb, step->name);
	slow->cb(&report, slow->arg);
}

/*
 * Tells of the step that runs if it is slow, and not one that was told: told
 * has the last one of each depth, for a step goes on when one in it was told.
 * Returns when to look again.
 */
static uint64_t look(struct isri_slow *slow, uint64_t told[ISRI_SLOW_DEPTHS])
{
	/* Before the load: what is found there runs now, or did just now. */
	uint64_t now_ns = isr_now_ns();
	uint64_t threshold_ns = slow->config.threshold_ns;
	struct isri_slow_step step;
	uint64_t *told_ns;

	if (isr_latch_load(&slow->latch, &step, NULL) < 0 || !step.began_ns)
		return now_ns + threshold_ns;
	told_ns = &told[step.depth];
	if (step.began_ns == *told_ns)
		return now_ns + threshold_ns;
	if (step.began_ns + threshold_ns > now_ns)
		return step.began_ns + threshold_ns;
	*told_ns = step.began_ns;
	tell_soon(slow, &step, now_ns - step.began_ns);
	return now_ns + threshold_ns;
}

/* Until a step begins, if none runs. */
static void doze(struct isri_slow *slow)
{
	uint32_t idle = ISRI_SLOW_IDLE;

	ISR_TEST_POINT("slow:B");
	/* slow:B */
	if (!atomic_compare_exchange_strong_explicit(
		    ATOMIC(&slow->state), &idle, ISRI_SLOW_DOZING,
		    memory_order_acq_rel, memory_order_acquire))
		return;
	do {
		isri_futex_wait(&slow->state, ISRI_SLOW_DOZING,
				ISRI_FUTEX_NEVER);
		/* relaxed: only whether to sleep on; what follows looks anew */
	} while (atomic_load_explicit(ATOMIC(&slow->state),
				      memory_order_relaxed) ==
		 ISRI_SLOW_DOZING);
}

static bool is_ending(struct isri_slow *slow)
{
	ISR_TEST_POINT("slow:E");
	/* slow:E */
	return atomic_load_explicit(ATOMIC(&slow->ending),
				    memory_order_acquire);
}

static void *watch(void *arg)
{
	struct isri_slow *slow = arg;
	uint64_t told[ISRI_SLOW_DEPTHS] = {0};

	for (;;) {
		doze(slow);
		if (is_ending(slow))
			return NULL;
		isri_futex_wait(&slow->ending, 0, look(slow, told));
		/* relaxed: a lone number */
		atomic_fetch_add_explicit(ATOMIC(&slow->n_turns), 1,
					  memory_order_relaxed);
	}
}

/* A loop with real-time priority must not keep it from running. */
static void outrank_loop(struct isri_slow *slow)
{
	struct sched_param param;
	int policy = isri_thread_get_realtime(&param);

	if (policy == SCHED_OTHER)
		return;
	/* Refused: beside the loop, as it began. */
	param.sched_priority++;
	(void)pthread_setschedparam(slow->watchdog, policy, &param);
}

static int start_watchdog(struct isri_slow *slow)
{
	int r;

	r = isr_latch_init(&slow->latch, NULL, slow->slots,
			   sizeof(slow->slots[0]));
	if (r < 0)
		return r;
	r = isri_thread_create(&slow->watchdog, NULL, watch, slow);
	if (r < 0)
		return r;
	pthread_setname_np(slow->watchdog, "isrloop-slow");
	outrank_loop(slow);
	return 0;
}

static void stop_watchdog(struct isri_slow *slow)
{
	ISR_TEST_POINT("slow:D");
	/* slow:D */
	atomic_store_explicit(ATOMIC(&slow->ending), 1, memory_order_release);
	isri_futex_wake(&slow->ending, 1);
	activate(slow);
	pthread_join(slow->watchdog, NULL);
}

void isri_slow_free(struct isri_slow *slow)
{
	if (slow && slow->config.modes & ISR_SLOW_SOON)
		stop_watchdog(slow);
	free(slow);
}

static int check_config(const struct isr_slow_config *config)
{
	const uint32_t all = ISR_SLOW_SOON | ISR_SLOW_LATE | ISR_SLOW_MAX;
	int r;

	if (!config)
		return -EINVAL;
	r = isri_check_size(config, config->sz, sizeof(*config));
	if (r < 0)
		return r;
	if (config->reserved0)
		return -E2BIG;
	r = isri_check_reserved(config->reserved,
				sizeof(config->reserved) / sizeof(uint64_t));
	if (r < 0)
		return r;
	if (!config->modes || config->modes & ~all)
		return -EINVAL;
	if (config->modes & ISR_SLOW_SOON && !config->threshold_ns)
		return -EINVAL;
	return 0;
}

static int slow_new(struct isr_loop *loop, const struct isr_slow_config *config,
		    isr_slow_cb *cb, void *arg, struct isri_slow **ret_slow)
{
	struct isri_slow *slow;
	int r;

	r = check_config(config);
	if (r < 0)
		return r;
	slow = calloc(1, sizeof(*slow));
	if (!slow)
		return -ENOMEM;
	slow->loop = loop;
	slow->config = *config;
	slow->config.threshold_ns = isri_clock_limit_ns(config->threshold_ns);
	slow->cb = cb;
	slow->arg = arg;
	r = config->modes & ISR_SLOW_SOON ? start_watchdog(slow) : 0;
	if (r < 0) {
		free(slow);
		return r;
	}
	*ret_slow = slow;
	return 0;
}

int isr_loop_set_slow_cb(struct isr_loop *loop,
			 const struct isr_slow_config *config, isr_slow_cb *cb,
			 void *arg)
{
	struct isri_slow *slow = NULL;
	int r;

	r = cb ? isri_loop_check_open(loop) : isri_loop_check(loop);
	if (r == 0 && cb)
		r = slow_new(loop, config, cb, arg, &slow);
	if (r < 0)
		return r;
	isri_slow_free(isri_loop_base(loop)->steps.slow);
	isri_loop_base(loop)->steps.slow = slow;
	return 0;
}
