/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: sources, the common part: soft delivery on the loop, arm, disarm, close,
 * and the account.
 *
 * THE ACCOUNT. Every event that was stamped ends in exactly one place:
 * delivered, lost_kernel (the reader saw a gap in the sequence), lost_ring
 * (evicted by a later one) or discarded (it came while disarmed, or waited
 * when the source was disarmed). What is lost is also told in band, in
 * "lost" of an event: of the next one, or of a record of its own when the
 * ring is empty. When the record that would have told it is discarded, the
 * count is kept and told by the first event after arming: so the sum of all
 * "lost" that a handler saw is lost_kernel + lost_ring, exactly.
 *
 * LIFETIME. A soft handler may close any source. One that is inside a handler,
 * which is its own, or another's that runs libev itself, goes when the
 * outermost call of that handler returns; any other one at once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"
#include "size.h"
#include "source.h"

static void discard(struct isr_source *source, const struct isr_event *events,
		    size_t n_events)
{
	size_t i;

	for (i = 0; i < n_events; i++)
		isri_source_discard(source, &events[i]);
}

static void discard_ring(struct isr_source *source)
{
	struct isr_event events[ISRI_SOURCE_BATCH_EVENTS];
	uint32_t lost;
	int n;

	while ((n = isr_ring_get(&source->ring, events,
				 ISRI_SOURCE_BATCH_EVENTS)) > 0)
		discard(source, events, (size_t)n);
	if (isr_ring_take_lost(&source->ring, &lost) == 0)
		source->untold += lost;
}

/* Disarmed: what waits in the ring, or in the batch, goes. */
static void discard_waiting(struct isr_source *source)
{
	discard(source, source->next, (size_t)(source->end - source->next));
	source->next = source->end;

	if (!source->slots)
		return;
	isri_watch_lock(&source->fired.watch);
	discard_ring(source);
	isri_watch_unlock(&source->fired.watch);
}

/* What was fired just when the source was disarmed; see source-fire.c. */
static void discard_late(struct isr_source *source)
{
	/* A kind that has its own way to fire sees to that. */
	if (!source->ops->fire && !isri_source_is_armed(source))
		discard_waiting(source);
}

static void disarm(struct isr_source *source)
{
	source->ops->disarm(source);
	discard_waiting(source);
}

static void close_now(struct isr_source *source)
{
	disarm(source);
	source->ops->release(source);
}

/* Not while it runs: the rest when its handler returns. */
static void close_or_defer(struct isr_source *source)
{
	if (!source->running) {
		close_now(source);
		return;
	}
	if (source->closing)
		return;
	disarm(source);
	source->closing = true;
	if (source->ops->let_go)
		source->ops->let_go(source);
}

/* The loop ends, perhaps in a handler of this source. */
static void close_member(struct isri_loop_member *member)
{
	char *source = (char *)member - offsetof(struct isr_source, member);

	isri_loop_member_remove(member);
	close_or_defer((struct isr_source *)source);
}

/*
 * False when the source is gone, or goes when the handler returns that runs
 * already: one that runs libev itself may be called in there again.
 */
static bool run_soft(struct isr_source *source, struct isr_event *event)
{
	bool was_running = source->running;
	bool failed;

	isri_source_sign(source, event);
	source->delivered_seq = event->line_seq;
	if (source->untold)
		isri_source_tell_untold(source, event);

	source->running = true;
	failed = isri_source_run(source, ISR_CONTEXT_LOOP, event);
	source->running = was_running;
	isri_loop_check_mask(source->loop);

	if (source->closing) {
		if (!was_running)
			close_now(source);
		return false;
	}
	if (failed)
		disarm(source);
	return true;
}

/*
 * What is left of the batch, or what of it has its turn now; false when the
 * source is gone.
 */
static bool deliver_batch(struct isr_source *source)
{
	/* A handler that disarms its source empties the batch. */
	while (source->next < source->end && !source->masked) {
		/* A pin may read into the batch again when that is empty. */
		struct isr_event event = *source->next++;

		isri_step_rename(source->loop, source->name);
		if (!run_soft(source, &event))
			return false;
		if (source->next < source->end &&
		    !isri_step_goes_on(source->loop)) {
			isr_flag_set(&source->ring.ready);
			return true;
		}
	}
	return true;
}

bool isri_source_is_through(const struct isr_source *source)
{
	return !source->masked && source->next == source->end;
}

/* After a batch, and before another is taken from the ring. */
static bool may_take_more(struct isr_source *source)
{
	if (!isri_source_is_through(source))
		return false;
	if (isri_ring_seems_empty(&source->ring) ||
	    isri_step_goes_on(source->loop))
		return true;
	isr_flag_set(&source->ring.ready);
	return false;
}

bool isri_source_deliver(struct isr_source *source, struct isr_event *events,
			 size_t n_events)
{
	source->next = events;
	source->end = events + n_events;
	return deliver_batch(source);
}

bool isri_source_catch_up(struct isr_source *source)
{
	return isri_source_is_through(source) ||
	       (deliver_batch(source) && may_take_more(source));
}

/* Losses after which no record was stored yet get one of their own. */
static void deliver_lost(struct isr_source *source)
{
	struct isr_event event = {.kind = ISR_EVENT_LOST};

	if (isr_ring_take_lost(&source->ring, &event.lost) < 0 || !event.lost)
		return;

	event.t_ns = isr_now_ns();
	/* Nothing came after them: the last one lost is where we are. */
	event.line_seq = source->delivered_seq + event.lost;
	isri_source_deliver(source, &event, 1);
}

static void drain_ring(struct isr_flag *ready, uint32_t count, void *arg)
{
	struct isr_source *source = arg;
	int i, n;

	discard_late(source);
	if (!isri_source_catch_up(source))
		return;
	for (i = 0; i < ISRI_SOURCE_PASS_BATCHES; i++) {
		n = isr_ring_get(&source->ring, source->taken,
				 ISRI_SOURCE_BATCH_EVENTS);
		if (n <= 0) {
			deliver_lost(source);
			return;
		}
		/* Masked: unmask sets the flag. */
		if (!isri_source_deliver(source, source->taken, (size_t)n) ||
		    !may_take_more(source))
			return;
	}

	/* There may be more: after the other flags had their turn. */
	isr_flag_set(ready);
}

/*
 * DROP_OLD, for what the source stamps itself: the newest record is always
 * there to tell the loss of older ones.
 */
static int init_ring(struct isr_source *source,
		     const struct isri_source_setup *setup)
{
	uint32_t n = setup->ring_events ? setup->ring_events
					: ISRI_SOURCE_FIRED_EVENTS;
	int r;

	source->slots = calloc(n, sizeof(*source->slots));
	if (!source->slots)
		return -ENOMEM;
	/* Who handles what was fired also empties the ring, in ISR context. */
	if (source->hard)
		return isr_ring_init(&source->ring, NULL, source->slots, n,
				     ISR_RING_DROP_NEW);

	r = isr_ring_init(&source->ring, source->loop, source->slots, n,
			  setup->ring_policy);
	if (r < 0)
		return r;
	return isr_flag_set_cb(&source->ring.ready, drain_ring, source);
}

int isri_source_check_options(const struct isr_source_options *options)
{
	int r;

	if (!options)
		return 0;
	r = isri_check_reserved(options->reserved,
				sizeof(options->reserved) / sizeof(uint64_t));
	if (r < 0)
		return r;
	if (options->on_fail > ISR_ON_FAIL_ABORT)
		return -EINVAL;
	if (options->priority < 0 || options->priority > ISR_PRIORITY_MAX)
		return -EINVAL;
	return 0;
}

int isri_source_check_setup_for(const struct isri_source_setup *setup,
				struct isr_source **ret_source,
				const char *function)
{
	int r;

	if (!setup->loop || !setup->handler || !ret_source)
		return -EINVAL;
	r = isri_loop_check_open_for(setup->loop, function);
	if (r < 0)
		return r;
	return isri_source_check_options(setup->options);
}

static void take_options(struct isr_source *source,
			 const struct isr_source_options *options)
{
	if (!options)
		return;
	source->hard = options->hard;
	source->on_fail = options->on_fail;
	source->priority = options->priority;
	source->budget_ns = options->budget_ns;
	source->fail_over_budget = options->fail_over_budget;
}

static void take_name(struct isr_source *source,
		      const struct isri_source_setup *setup)
{
	if (setup->options && setup->options->name)
		snprintf(source->name, sizeof(source->name), "%s",
			 setup->options->name);
	else if (setup->number >= 0)
		snprintf(source->name, sizeof(source->name), "%s %d",
			 setup->kind, setup->number);
	else
		snprintf(source->name, sizeof(source->name), "%s", setup->kind);
}

/* calloc() hands out pages that are not there until they are written. */
void *isri_source_alloc(size_t size_bytes)
{
	volatile char *memory = calloc(1, size_bytes);
	size_t i;

	if (!memory)
		return NULL;
	for (i = 0; i < size_bytes; i += 1024)
		memory[i] = 0;
	memory[size_bytes - 1] = 0;
	return (void *)memory;
}

int isri_source_init(struct isr_source *source,
		     const struct isri_source_setup *setup)
{
	int r;

	source->ops = setup->ops;
	source->loop = setup->loop;
	source->handler = setup->handler;
	source->arg = setup->arg;
	take_options(source, setup->options);
	take_name(source, setup);

	source->n_ids = setup->n_ids ? setup->n_ids : 1;
	r = isri_loop_take_source_ids(source->loop, source->n_ids);
	if (r < 0)
		return r;
	source->id = (uint16_t)r;

	r = isr_flag_init(&source->failed, source->loop, ISR_FLAG_AUTO);
	if (r < 0)
		return r;
	r = init_ring(source, setup);
	if (r < 0)
		return r;
	if (source->hard && !source->ops->fire) {
		r = isri_fired_init(&source->fired, source);
		if (r < 0)
			return r;
	}

	isri_loop_member_add(source->loop, &source->member, close_member);
	source->member.is_source = true;
	return 0;
}

void isri_source_done(struct isr_source *source)
{
	isri_loop_member_remove(&source->member);
	if (source->id)
		isri_loop_put_source_ids(source->loop, source->id,
					 source->n_ids);
	isri_fired_done(&source->fired);
	isr_ring_done(&source->ring);
	isr_flag_done(&source->failed);
	free(source->slots);
	source->slots = NULL;
}

int isri_source_check_for(const struct isr_source *source, const char *function)
{
	return source ? isri_loop_check_for(source->loop, function) : -EINVAL;
}

/* What it does from now on is news again. */
static void forget_told(struct isr_source *source)
{
	/* relaxed: times by themselves */
	atomic_store_explicit(ATOMIC(&source->told_failed_ns), 0,
			      memory_order_relaxed);
	/* relaxed: as above */
	atomic_store_explicit(ATOMIC(&source->told_over_ns), 0,
			      memory_order_relaxed);
}

void isri_source_tell_resumed(struct isr_source *source)
{
	/* Who has closed it in its handler may be gone. */
	if (source->resumed && !source->closing)
		source->resumed(source, source->arg);
}

int isr_source_arm(struct isr_source *source)
{
	int r;

	r = isri_source_check(source);
	if (r < 0)
		return r;
	if (source->closing)
		return -EINVAL;
	if (isri_source_is_armed(source))
		return 0;

	discard_late(source);
	forget_told(source);
	r = source->ops->arm(source);
	if (r == 0)
		isri_source_tell_resumed(source);
	return r;
}

int isr_source_disarm(struct isr_source *source)
{
	int r;

	r = isri_source_check(source);
	if (r < 0)
		return r;

	disarm(source);
	return 0;
}

int isr_source_close(struct isr_source *source)
{
	int r;

	if (!source)
		return 0;
	r = isri_loop_check(source->loop);
	if (r < 0)
		return r;

	close_or_defer(source);
	return 0;
}

struct isr_flag *isr_source_get_failed_flag(struct isr_source *source)
{
	if (isri_source_check(source) < 0)
		return NULL;
	return &source->failed;
}

const struct isr_hist *isr_source_get_latency(const struct isr_source *source)
{
	if (isri_source_check(source) < 0)
		return NULL;
	return &source->latency;
}

/* relaxed: counters, see isri_source_count() */
#define LOAD(p) atomic_load_explicit(ATOMIC(p), memory_order_relaxed)

int isr_source_get_stats(struct isr_source *source,
			 struct isr_source_stats *ret_stats)
{
	struct isr_source_stats *stats;
	int r;

	if (!source || !ret_stats)
		return -EINVAL;
	r = isri_loop_check(source->loop);
	if (r < 0)
		return r;

	discard_late(source);
	if (source->ops->account && !isri_source_is_armed(source))
		source->ops->account(source);

	stats = &source->stats;
	*ret_stats = (struct isr_source_stats){0};
	ret_stats->delivered = LOAD(&stats->delivered);
	ret_stats->lost_kernel = LOAD(&stats->lost_kernel);
	ret_stats->lost_ring = isr_ring_get_lost_total(&source->ring);
	ret_stats->merged = LOAD(&stats->merged);
	ret_stats->discarded = LOAD(&stats->discarded);
	ret_stats->failed = LOAD(&stats->failed);
	ret_stats->over_budget = LOAD(&stats->over_budget);
	ret_stats->max_ns = LOAD(&stats->max_ns);
	ret_stats->last_error = LOAD(&stats->last_error);
	ret_stats->line_seq = LOAD(&stats->line_seq);
	return 0;
}
