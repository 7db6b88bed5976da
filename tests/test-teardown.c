/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Sources of all kinds, and every bridge, are closed and freed in random order
 * while a thread and signals flood them: no handler comes late, every event is
 * accounted for, and the process is as it was before.
 *
 * Each test prints its seed. ISR_TEST_SEED repeats one: the order of calls,
 * not what the flood does meanwhile.
 */
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "teardown.h"
#include "xt-world.h"

#ifdef __SANITIZE_THREAD__
#define ROUNDS 10
#else
#define ROUNDS 15
#endif
#define STEPS 200
/* What the flood does before it waits for the next step. */
#define BURST 32

static pthread_t main_thread;
/* Of the loop's thread, and of the flood: each waits for the other. */
static atomic_uint steps, n_bursts;

/*
 * Bridges of the whole process
 */
static struct {
	/* two with a callback, two that threads wait for */
	struct isr_flag auto_, sticky, waited, never;
	/* for a thread that waits for room */
	struct isr_ring ring;
	struct isr_event slots[4];
	struct isr_latch latch;
	uint64_t values[3];
	struct isr_byte_ring bytes;
	unsigned char room[16];
} bridges;

static pthread_t waiters[3];

static void *wait_often(void *arg)
{
	int r;

	do
		r = isr_flag_wait(arg, ISR_FOREVER);
	while (r > 0);
	return (void *)(intptr_t)r;
}

static void *put_often(void *arg)
{
	const struct isr_event event = {.kind = ISR_EVENT_USER};
	int r;

	do
		r = isr_ring_put_wait(arg, &event, ISR_FOREVER);
	while (r >= 0);
	return (void *)(intptr_t)r;
}

static void take_step(struct isr_flag *flag, uint32_t count, void *arg)
{
	atomic_fetch_add(&steps, 1);
	if (any(64) == 0)
		close_any(NULL);
}

static void empty_ring(struct isr_flag *ready, uint32_t count, void *arg)
{
	struct isr_event events[4];

	xt_ok(isr_ring_get(&bridges.ring, events, 4));
	isr_flag_set(ready);
}

static void start_thread(pthread_t *thread, void *(*run)(void *), void *arg)
{
	sigset_t all, found;

	/* Signals are for the test's own thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &found);
	ck_assert_int_eq(pthread_create(thread, NULL, run, arg), 0);
	pthread_sigmask(SIG_SETMASK, &found, NULL);
}

static void open_bridges(void)
{
	memset(&bridges, 0, sizeof(bridges));
	xt_ok(isr_flag_init(&bridges.auto_, flooded,
			    ISR_FLAG_AUTO | ISR_FLAG_EXCLUSIVE));
	xt_ok(isr_flag_set_cb(&bridges.auto_, take_step, NULL));
	xt_ok(isr_flag_init(&bridges.sticky, flooded, ISR_FLAG_STICKY));
	xt_ok(isr_flag_set_cb(&bridges.sticky, take_step, NULL));
	xt_ok(isr_flag_init(&bridges.waited, flooded, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&bridges.never, flooded, ISR_FLAG_STICKY));
	xt_ok(isr_ring_init(&bridges.ring, flooded, bridges.slots, 4,
			    ISR_RING_DROP_NEW));
	xt_ok(isr_flag_set_cb(&bridges.ring.ready, empty_ring, NULL));
	xt_ok(isr_latch_init(&bridges.latch, flooded, bridges.values,
			     sizeof(bridges.values[0])));
	xt_ok(isr_byte_ring_init(&bridges.bytes, flooded, bridges.room,
				 sizeof(bridges.room)));
	start_thread(&waiters[0], wait_often, &bridges.waited);
	start_thread(&waiters[1], wait_often, &bridges.never);
	start_thread(&waiters[2], put_often, &bridges.ring);
}

static void finish_any_bridge(void)
{
	struct isr_flag *flags[] = {&bridges.auto_, &bridges.sticky,
				    &bridges.waited, &bridges.never};
	uint32_t which = any(6);

	/* A set may come when it will, others must have ended. */
	if (which < 4) {
		xt_ok(isr_flag_done(flags[which]));
		return;
	}
	hold_gate();
	if (which == 4)
		xt_ok(isr_latch_done(&bridges.latch));
	else
		xt_ok(isr_byte_ring_done(&bridges.bytes));
	drop_gate();
}

/* The loop is gone, and nobody floods. */
static void check_bridges(void)
{
	unsigned int i;
	void *r;

	for (i = 0; i < 3; i++) {
		pthread_join(waiters[i], &r);
		ck_assert_int_eq((int)(intptr_t)r, -ECANCELED);
	}
	isr_flag_set(&bridges.auto_);
	isr_flag_set(&bridges.sticky);
	xt_ok(isr_ring_done(&bridges.ring));
	xt_ok(isr_latch_done(&bridges.latch));
	xt_ok(isr_byte_ring_done(&bridges.bytes));
}

/*
 * The flood
 */
static pthread_t flooder;
static atomic_bool is_over;

static void on_schedule(void *arg)
{
	atomic_fetch_add(&steps, 1);
	if (any(64) == 0)
		close_any(NULL);
}

/* Behind the gate: what is NULL, or finished, is not there any more. */
static void flood_gated(unsigned int which, struct isr_loop *target)
{
	const struct isr_event event = {.kind = ISR_EVENT_USER};
	struct thing *thing = things[which % KINDS];
	const uint64_t value = which;

	if (target)
		isr_schedule(target, on_schedule, NULL);
	if (bridges.ring.slots)
		isr_ring_put(&bridges.ring, &event);
	if (bridges.latch.slots)
		isr_latch_store(&bridges.latch, &value);
	if (bridges.bytes.bytes)
		isr_byte_ring_write(&bridges.bytes, "isr", 3);
	if (!thing)
		return;
	if (is_fd(thing->kind) && write(thing->fds[1], "", 1) == 1)
		return;
	atomic_fetch_add(&thing->n_fired, 1);
	isr_source_fire(thing->source, NULL);
}

static void flood_bridges(unsigned int which)
{
	isr_flag_set(&bridges.auto_);
	isr_flag_set(&bridges.sticky);
	isr_flag_set(&bridges.waited);
	if (!isr_guard_try(&gate))
		return;
	flood_gated(which, flooded);
	isr_guard_release(&gate);
}

/* The program's own handler, in the thread of the loop. */
static void on_alarm(int signo)
{
	static unsigned int n;
	int saved_errno = errno;

	flood_bridges(n++);
	errno = saved_errno;
}

static void flood_signals(unsigned int i)
{
	const union sigval value = {.sival_int = (int)i};

	pthread_kill(main_thread, signals[i % 2 ? SIGNAL_SOFT : SIGNAL_HARD]);
	pthread_kill(main_thread, SIGALRM);
	/* As many as the kernel allows: not to be counted here. */
	(void)sigqueue(getpid(), signals[i % 2 ? QUEUED_SOFT : QUEUED_HARD],
		       value);
	/* Another thread is in the handler of what is being closed. */
	if (!isr_guard_try(&quiet))
		return;
	raise(SIGUSR1);
	raise(SIGUSR2);
	isr_guard_release(&quiet);
}

static void *run_flood(void *arg)
{
	uint32_t random = *(uint32_t *)arg;
	unsigned int i, seen;
	sigset_t own;

	sigemptyset(&own);
	sigaddset(&own, SIGUSR1);
	sigaddset(&own, SIGUSR2);
	pthread_sigmask(SIG_UNBLOCK, &own, NULL);
	for (i = 0; !atomic_load(&is_over); i++) {
		isr_chip_sim_set(chip.chip, i % 4, (i / 4) % 2, 0);
		flood_signals(i);
		flood_bridges(choose(&random, KINDS));
		if (i % BURST)
			continue;
		seen = atomic_load(&steps);
		atomic_fetch_add(&n_bursts, 1);
		while (atomic_load(&steps) == seen && !atomic_load(&is_over))
			sched_yield();
	}
	return NULL;
}

/*
 * Rounds
 */

static void await_flood(void)
{
	unsigned int seen = atomic_load(&n_bursts);

	atomic_fetch_add(&steps, 1);
	while (atomic_load(&n_bursts) == seen)
		sched_yield();
}

static void step(void)
{
	enum kind kind = any(KINDS);
	struct thing *thing = things[kind];

	switch (any(12)) {
	case 0:
		if (!thing)
			open_thing(kind);
		else
			close_thing(thing, false);
		break;
	case 1:
		if (thing)
			xt_ok(isr_source_disarm(thing->source));
		break;
	case 2:
	case 3:
		if (thing)
			xt_ok(isr_source_arm(thing->source));
		break;
	case 4:
		if (thing)
			xt_ok(isr_source_mask(thing->source));
		break;
	case 5:
		/* Not masked, most often. */
		if (thing)
			isr_source_unmask(thing->source);
		break;
	case 6:
		if (any(8) == 0)
			finish_any_bridge();
		break;
	default:
		xt_ok(isr_loop_dispatch(flooded));
	}
}

/* From here on nothing behind the gate is used by the flood. */
static void end_loop(void)
{
	hold_gate();
	xt_ok(isr_loop_free(flooded));
	flooded = NULL;
	mark_all_closed();
	atomic_fetch_add(&steps, 1);
}

static int end_loop_in_handler(struct isr_source *source,
			       const struct isr_event *event, void *arg)
{
	end_loop();
	return 0;
}

static void end_loop_in_cb(struct isr_flag *flag, uint32_t count, void *arg)
{
	end_loop();
}

static void end_loop_in_call(void *arg)
{
	end_loop();
}

enum end { END_ALL_CLOSED, END_ARMED, END_IN_HANDLER, END_IN_CB, END_IN_CALL };
#define ENDS 5

static void run_to_end(void)
{
	struct isr_loop *ending = flooded;

	xt_fails_with(ECANCELED, isr_loop_run(ending));
	ck_assert_ptr_null(flooded);
}

static void end_round(enum end end)
{
	struct isr_source *source;
	struct isr_flag flag;
	enum kind kind;

	switch (end) {
	case END_ALL_CLOSED:
		for (kind = 0; kind < KINDS; kind++)
			if (things[kind])
				close_thing(things[kind], false);
		end_loop();
		break;
	case END_ARMED:
		end_loop();
		break;
	case END_IN_HANDLER:
		xt_ok(isr_user_open(flooded, NULL, end_loop_in_handler, NULL,
				    &source));
		xt_ok(isr_source_fire(source, NULL));
		run_to_end();
		break;
	case END_IN_CB:
		xt_ok(isr_flag_init(&flag, flooded, ISR_FLAG_AUTO));
		xt_ok(isr_flag_set_cb(&flag, end_loop_in_cb, NULL));
		isr_flag_set(&flag);
		run_to_end();
		isr_flag_set(&flag);
		break;
	case END_IN_CALL:
		while (isr_schedule(flooded, end_loop_in_call, NULL) < 0)
			xt_ok(isr_loop_dispatch(flooded));
		run_to_end();
		break;
	}
}

static void run_round(enum end end)
{
	/* A ring that is never empty has its turn too, but not 64. */
	const struct isr_loop_config config = {
		.sz = sizeof(config),
		.urgent_steps = 4,
	};
	uint32_t random = 1 + any(UINT32_MAX);
	enum kind kind;
	int i;

	xt_ok(isr_loop_new(&config, &flooded));
	open_bridges();
	for (kind = 0; kind < KINDS; kind++)
		open_thing(kind);
	is_over = false;
	start_thread(&flooder, run_flood, &random);

	for (i = 0; i < STEPS; i++) {
		if (i % 8 == 0)
			await_flood();
		step();
	}
	end_round(end);

	atomic_store(&is_over, true);
	pthread_join(flooder, NULL);
	drop_gate();
	check_bridges();
	bury_all();
}

START_TEST(teardown_in_any_order_leaves_nothing)
{
	struct xt_world before;
	int i;

	sow();
	xt_world_look(&before);
	for (i = 0; i < ROUNDS; i++) {
		run_round(_i);
		xt_world_check(&before);
		ck_assert_uint_eq(n_late, 0);
	}
	empty_graveyard();
	/* Else it was no flood. */
	for (i = 0; i < KINDS; i++)
		ck_assert_uint_gt(n_seen[i], 0);
}
END_TEST

/*
 * What the signals do where no source is: nothing. Their actions have a mask
 * and flags of their own, which must come back.
 */
static struct sigaction found[65];

static void on_signal(int signo)
{
}

static void install(int signo, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler,
				   .sa_flags = SA_RESTART};

	/* A flood of handlers that nest would overflow the stack. */
	sigfillset(&action.sa_mask);
	sigaction(signo, &action, &found[signo]);
}

static void setup(void)
{
	enum kind kind;

	xt_chip_setup();
	main_thread = pthread_self();
	memset(&gate, 0, sizeof(gate));
	memset(&quiet, 0, sizeof(quiet));
	n_late = 0;
	memset(n_seen, 0, sizeof(n_seen));
	for (kind = SIGNAL_SOFT; kind <= QUEUED_HARD; kind++)
		install(signals[kind], on_signal);
	install(SIGALRM, on_alarm);
}

static void teardown(void)
{
	enum kind kind;

	for (kind = SIGNAL_SOFT; kind <= QUEUED_HARD; kind++)
		sigaction(signals[kind], &found[signals[kind]], NULL);
	sigaction(SIGALRM, &found[SIGALRM], NULL);
	xt_chip_teardown();
}

int main(void)
{
	Suite *suite = suite_create("teardown");
	TCase *tcase;

	tcase = xt_case(suite, "teardown");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, teardown_in_any_order_leaves_nothing, 0,
			    ENDS);

	return xt_main(suite);
}
