/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * No hidden cost: from an edge to its handler nothing is allocated, and no
 * page is touched for the first time, over a million edges; nor when a task
 * waits a million times. This program's own
 * malloc() counts for all of the process.
 */
#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <isrloop/task.h>

#include "irq-thread.h"
#include "xt-malloc.h"
#include "xt-pin.h"

#define N_EDGES 1000000U
/* What waits on its way is less than any queue on it holds. */
#define IN_FLIGHT 512

struct account {
	unsigned long allocations;
	long faults;
};

static struct account take_account(void)
{
	struct rusage usage = {0};

	/* No assertion here: Check's own allocate. */
	getrusage(RUSAGE_SELF, &usage);
	return (struct account){n_allocations,
				usage.ru_minflt + usage.ru_majflt};
}

static atomic_uint n_handled;
static uint64_t lost;

static int handle(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	lost += event->lost;
	n_handled++;
	return 0;
}

/* Every way on: the hard handler uses each bridge. */
struct bridges {
	struct isr_flag flag;
	struct isr_ring ring;
	struct isr_event slots[1024];
	struct isr_latch latch;
	struct isr_event latch_slots[3];
	atomic_uint scheduled;
};
static struct bridges bridges;

static void count_call(void *arg)
{
	bridges.scheduled++;
}

static int use_bridges(struct isr_source *source, const struct isr_event *event,
		       void *arg)
{
	isr_flag_set(&bridges.flag);
	(void)isr_ring_put(&bridges.ring, event);
	(void)isr_latch_store(&bridges.latch, event);
	/* As many as there is room for: to be refused is told in a record. */
	if (n_handled % 32 == 0)
		(void)isr_schedule(loop, count_call, NULL);
	return handle(source, event, arg);
}

static void drain_ring(struct isr_flag *ready, uint32_t count, void *arg)
{
	struct isr_event events[64];

	while (isr_ring_get(&bridges.ring, events, 64) > 0)
		;
}

static void open_bridges(void)
{
	xt_ok(isr_flag_init(&bridges.flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_ring_init(&bridges.ring, loop, bridges.slots, 1024,
			    ISR_RING_DROP_NEW));
	xt_ok(isr_flag_set_cb(&bridges.ring.ready, drain_ring, NULL));
	xt_ok(isr_latch_init(&bridges.latch, loop, bridges.latch_slots,
			     sizeof(struct isr_event)));
}

static void for_each_thread(void (*call)(struct isri_irq_thread *thread))
{
	struct isri_irq_threads *threads = &isri_loop_base(loop)->irq_threads;
	size_t i;

	for (i = 0; i < ISRI_IRQ_THREADS_MAX; i++)
		if (threads->of[i])
			call(threads->of[i]);
}

static uint32_t line;

/* All of them at once, or most of the time would be switches of threads. */
static void make_batch(unsigned int n)
{
	unsigned int end = n_handled + n;

	for_each_thread(isri_irq_thread_lock);
	while (n--)
		isr_chip_sim_set(chip.chip, line, chip.level[line] ^= 1, 0);
	for_each_thread(isri_irq_thread_unlock);

	do {
		isr_loop_dispatch(loop);
		sched_yield();
	} while (n_handled < end);
}

static void make_edges(unsigned int n)
{
	unsigned int part;

	for (; n; n -= part) {
		part = n < IN_FLIGHT ? n : IN_FLIGHT;
		make_batch(part);
	}
}

static void check_cost(enum xt_mode mode, isr_handler_cb *handler)
{
	struct isr_pin_config config = xt_pin("A", mode);
	struct account before, after;
	struct isr_source *pin;

	n_handled = 0;
	lost = 0;
	line = 0;
	xt_ok(isr_pin_open(loop, &config, handler, NULL, &pin, NULL));
	chip.level[0] = 0;
	/* The program's own code is read from its file once. */
	make_edges(2 * IN_FLIGHT);

	before = take_account();
	make_edges(N_EDGES);
	after = take_account();

	ck_assert_uint_eq(n_handled, N_EDGES + 2 * IN_FLIGHT);
	ck_assert_uint_eq(lost, 0);
	ck_assert_uint_eq(after.allocations - before.allocations, 0);
	ck_assert_int_eq(after.faults - before.faults, 0);
}

START_TEST(pin_takes_a_million_edges_without_an_allocation)
{
	check_cost((enum xt_mode)_i, handle);
}
END_TEST

/* The code has run, for another pin. Each large block is a new mapping. */
START_TEST(pin_takes_its_first_edge_without_a_fault)
{
	struct isr_pin_config a = xt_pin("A", (enum xt_mode)_i);
	struct isr_pin_config b = xt_pin("B", (enum xt_mode)_i);
	struct account before, after;
	struct isr_source *pin;

	xt_ok(isr_pin_open(loop, &a, handle, NULL, &pin, NULL));
	make_edges(2 * IN_FLIGHT);
	malloc_trim(0);
	mallopt(M_MMAP_THRESHOLD, 4096);
	xt_ok(isr_pin_open(loop, &b, handle, NULL, &pin, NULL));

	line = 1;
	before = take_account();
	make_edges(1);
	after = take_account();

	ck_assert_int_eq(after.faults - before.faults, 0);
}
END_TEST

START_TEST(bridges_take_a_million_edges_without_an_allocation)
{
	struct isr_loop_stats stats;

	open_bridges();
	check_cost(XT_HARD, use_bridges);

	xt_ok(isr_loop_get_stats(loop, &stats));
	ck_assert_uint_gt(stats.scheduled, 0);
	ck_assert_uint_eq(stats.schedule_refused, 0);

	ck_assert_uint_eq(isr_flag_peek(&bridges.flag),
			  N_EDGES + 2 * IN_FLIGHT);
}
END_TEST

/* One task asks, another one answers; in each way to wait for that. */
static struct isr_flag question, answer, never;

static int answer_all(void *arg)
{
	while (isr_wait(&question, ISR_FOREVER) > 0)
		isr_flag_set(&answer);
	return 0;
}

static int ask(unsigned int i)
{
	struct isr_flag *flags[] = {&answer, &never};

	isr_flag_set(&question);
	switch (i % 4) {
	case 0:
		return isr_wait(&answer, ISR_FOREVER) - 1;
	case 1:
		return isr_wait(&answer, INT64_C(3600000000000)) - 1;
	case 2:
		return isr_wait_any(flags, 2, ISR_FOREVER);
	default:
		return isr_wait_all(flags, 1, ISR_FOREVER);
	}
}

struct conversation {
	struct account before, after;
	unsigned int n_wrong;
};

static int ask_a_million(void *arg)
{
	struct conversation *conversation = arg;
	unsigned int i;

	for (i = 0; i < 2 * IN_FLIGHT; i++)
		conversation->n_wrong += ask(i) != 0;
	conversation->before = take_account();
	for (i = 0; i < N_EDGES; i++)
		conversation->n_wrong += ask(i) != 0;
	conversation->after = take_account();
	isr_loop_stop(loop);
	return 0;
}

START_TEST(tasks_wait_a_million_times_without_an_allocation)
{
	struct conversation conversation = {.n_wrong = 0};

	xt_ok(isr_flag_init(&question, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&answer, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&never, loop, ISR_FLAG_AUTO));
	xt_ok(isr_spawn(loop, NULL, answer_all, NULL, NULL));
	xt_ok(isr_spawn(loop, NULL, ask_a_million, &conversation, NULL));
	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(conversation.n_wrong, 0);
	ck_assert_uint_eq(conversation.after.allocations,
			  conversation.before.allocations);
	ck_assert_int_eq(conversation.after.faults, conversation.before.faults);
}
END_TEST

/* What this test sees must not be nothing, whatever happens. */
static int allocate(struct isr_source *source, const struct isr_event *event,
		    void *arg)
{
	volatile char *p = malloc(1 << 20);

	if (p)
		p[1 << 19] = 1;
	free((void *)p);
	return handle(source, event, arg);
}

START_TEST(an_allocation_and_a_fault_are_seen)
{
	struct account before, after;
	struct isr_source *pin;
	struct isr_pin_config config = xt_pin("A", XT_HARD);

	xt_ok(isr_pin_open(loop, &config, allocate, NULL, &pin, NULL));
	before = take_account();
	make_edges(3);
	after = take_account();

	ck_assert_uint_eq(after.allocations - before.allocations, 3);
	ck_assert_int_gt(after.faults - before.faults, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("no-cost");
	TCase *tc = xt_case(suite, "no-cost");

	tcase_add_checked_fixture(tc, xt_chip_setup, xt_chip_teardown);
	tcase_add_loop_test(tc, pin_takes_a_million_edges_without_an_allocation,
			    0, XT_MODES);
	tcase_add_loop_test(tc, pin_takes_its_first_edge_without_a_fault, 0,
			    XT_MODES);
	tcase_add_test(tc, bridges_take_a_million_edges_without_an_allocation);
	tcase_add_test(tc, tasks_wait_a_million_times_without_an_allocation);
	tcase_add_test(tc, an_allocation_and_a_fault_are_seen);
	return xt_main(suite);
}
