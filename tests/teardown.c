/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The sources of test-teardown: opened, handled, closed, accounted for. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "teardown.h"

struct isr_guard gate = ISR_GUARD_INIT, quiet = ISR_GUARD_INIT;
struct isr_loop *flooded;

void hold_gate(void)
{
	xt_ok(isr_guard_hold(&gate));
}

void drop_gate(void)
{
	xt_ok(isr_guard_drop(&gate));
}

/*
 * Random choices: xorshift, one state a thread.
 */
static uint32_t state;

uint32_t choose(uint32_t *random, uint32_t n)
{
	*random ^= *random << 13;
	*random ^= *random >> 17;
	*random ^= *random << 5;
	return *random % n;
}

uint32_t any(uint32_t n)
{
	return choose(&state, n);
}

void sow(void)
{
	const char *given = getenv("ISR_TEST_SEED");

	state = given ? (uint32_t)strtoul(given, NULL, 0)
		      : (uint32_t)isr_now_ns() | 1;
	printf("# seed %u\n", state);
}

/*
 * Sources, and what their handlers have
 */
const int signals[] = {
	[SIGNAL_SOFT] = SIGUSR1,
	[SIGNAL_HARD] = SIGUSR2,
	[QUEUED_SOFT] = 40, /* real-time ones */
	[QUEUED_HARD] = 41,
};

struct thing *things[KINDS];
static struct thing *graveyard;
atomic_uint n_late, n_seen[KINDS];

bool is_fd(enum kind kind)
{
	return kind == FD_SOFT || kind == FD_HARD;
}

/* No bridge of its own, for its handler alone, may outlive it. */
static void bury(struct thing *thing)
{
	atomic_store(&thing->is_closed, true);
	xt_ok(isr_flag_done(&thing->flag));
	xt_ok(isr_ring_done(&thing->ring));
	if (is_fd(thing->kind)) {
		close(thing->fds[0]);
		close(thing->fds[1]);
	}
	/* Either it tells who comes late, or the address sanitizer does. */
	if (any(2)) {
		free(thing);
		return;
	}
	thing->next = graveyard;
	graveyard = thing;
}

static bool has_numbers_of_fires(enum kind kind)
{
	return (kind >= SIGNAL_SOFT && kind <= QUEUED_HARD) ||
	       kind == USER_SOFT || kind == USER_HARD;
}

/* Behind the gate; at rest, so disarmed, and no signal half handled. */
static void check_account(struct thing *thing)
{
	sigset_t all, found;
	unsigned int expected;
	struct isr_source_stats stats;

	xt_ok(isr_guard_hold(&quiet));
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &found);
	xt_ok(isr_source_disarm(thing->source));
	stats = xt_stats(thing->source);
	pthread_sigmask(SIG_SETMASK, &found, NULL);
	xt_ok(isr_guard_drop(&quiet));

	expected = stats.line_seq;
	if (!has_numbers_of_fires(thing->kind))
		expected += thing->n_fired;
	ck_assert_msg(thing->n_handled + stats.lost_kernel + stats.lost_ring +
				      stats.discarded ==
			      expected,
		      "kind %d: %u handled, %llu + %llu lost, %llu discarded, "
		      "of %u",
		      thing->kind, thing->n_handled,
		      (unsigned long long)stats.lost_kernel,
		      (unsigned long long)stats.lost_ring,
		      (unsigned long long)stats.discarded, expected);
	ck_assert_uint_le(thing->lost, stats.lost_kernel + stats.lost_ring);
}

void close_thing(struct thing *thing, bool from_its_handler)
{
	hold_gate();
	if (!from_its_handler && any(2))
		check_account(thing);
	things[thing->kind] = NULL;
	drop_gate();

	xt_ok(isr_source_close(thing->source));
	bury(thing);
}

void close_any(struct thing *running)
{
	struct thing *thing = things[any(KINDS)];

	if (thing)
		close_thing(thing, thing == running);
}

static void drain(const struct thing *thing)
{
	char bytes[64];

	while (read(thing->fds[0], bytes, sizeof(bytes)) > 0)
		;
}

static void note(struct thing *thing, const struct isr_event *event)
{
	if (atomic_load(&thing->is_closed))
		atomic_fetch_add(&n_late, 1);
	atomic_fetch_add(&n_seen[thing->kind], 1);
	atomic_fetch_add(&thing->lost, event->lost);
	if (event->kind == ISR_EVENT_TIMER)
		atomic_fetch_add(&thing->n_handled, (unsigned)event->value);
	else if (event->kind != ISR_EVENT_LOST)
		atomic_fetch_add(&thing->n_handled, 1);
	isr_flag_set(&thing->flag);
	isr_ring_put(&thing->ring, event);
}

static int handle(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	struct thing *thing = arg;

	/*
	 * Time for a close that does not wait for us to return; not each time,
	 * because on a busy machine a yield is a long rest.
	 */
	if (isr_in_context() && thing->n_handled % 32 == 0)
		sched_yield();
	note(thing, event);
	if (is_fd(thing->kind))
		drain(thing);
	if (thing->n_handled >= thing->fails_at) {
		thing->fails_at = UINT32_MAX;
		return -EIO;
	}
	/* Nothing of it is used after that. */
	if (!isr_in_context() && any(256) == 0)
		close_any(thing);
	return 0;
}

/*
 * Opening
 */

static int open_pin(struct thing *thing)
{
	static const char *const lines[] = {"A", "B", "C", "D"};
	struct isr_pin_config config = {
		.sz = sizeof(config),
		.chip = chip.spec,
		.line = lines[thing->kind],
		.reader = thing->kind == PIN_LOOP ? ISR_READER_LOOP
						  : ISR_READER_THREAD,
		.source.hard = thing->kind >= PIN_HARD,
		.source.priority = thing->kind == PIN_HIGH ? 2 : 0,
		.ring_events = 64,
	};

	return isr_pin_open(flooded, &config, handle, thing, &thing->source,
			    NULL);
}

static int open_fd(struct thing *thing,
		   const struct isr_source_options *options)
{
	ck_assert_int_eq(pipe2(thing->fds, O_CLOEXEC | O_NONBLOCK), 0);
	return isr_fd_open(flooded, thing->fds[0], ISR_FD_READ, options, handle,
			   thing, &thing->source);
}

static int open_source(struct thing *thing)
{
	const struct isr_source_options soft = {.hard = false};
	const struct isr_source_options hard = {.hard = true, .priority = 1};
	const struct isr_source_options high = {.hard = true, .priority = 3};
	uint64_t period_ns = 100000;

	switch (thing->kind) {
	case SIGNAL_SOFT:
	case QUEUED_SOFT:
		return isr_signal_open(flooded, signals[thing->kind], &soft,
				       handle, thing, &thing->source);
	case SIGNAL_HARD:
	case QUEUED_HARD:
		return isr_signal_open(flooded, signals[thing->kind], &hard,
				       handle, thing, &thing->source);
	case TIMER_SOFT:
		return isr_timer_open(flooded, 1, period_ns, &soft, handle,
				      thing, &thing->source);
	case TIMER_HARD:
		return isr_timer_open(flooded, 1, period_ns, &hard, handle,
				      thing, &thing->source);
	case TIMER_HIGH:
		return isr_timer_open(flooded, 1, period_ns, &high, handle,
				      thing, &thing->source);
	case FD_SOFT:
		return open_fd(thing, &soft);
	case FD_HARD:
		return open_fd(thing, &hard);
	case USER_SOFT:
		return isr_user_open(flooded, &soft, handle, thing,
				     &thing->source);
	case USER_HARD:
		return isr_user_open(flooded, &hard, handle, thing,
				     &thing->source);
	default:
		return open_pin(thing);
	}
}

void open_thing(enum kind kind)
{
	struct thing *thing = calloc(1, sizeof(*thing));

	ck_assert_ptr_nonnull(thing);
	thing->kind = kind;
	thing->fails_at = any(4) ? UINT32_MAX : 1 + any(100);
	xt_ok(isr_flag_init(&thing->flag, flooded, ISR_FLAG_AUTO));
	xt_ok(isr_ring_init(&thing->ring, flooded, thing->slots, 8,
			    any(2) ? ISR_RING_DROP_NEW : ISR_RING_DROP_OLD));
	xt_ok(open_source(thing));

	hold_gate();
	things[kind] = thing;
	drop_gate();
}

/*
 * The end of all
 */

void mark_all_closed(void)
{
	enum kind kind;

	for (kind = 0; kind < KINDS; kind++)
		if (things[kind])
			atomic_store(&things[kind]->is_closed, true);
}

void bury_all(void)
{
	enum kind kind;

	for (kind = 0; kind < KINDS; kind++) {
		if (things[kind])
			bury(things[kind]);
		things[kind] = NULL;
	}
}

void empty_graveyard(void)
{
	struct thing *thing;

	while ((thing = graveyard)) {
		graveyard = thing->next;
		free(thing);
	}
}
