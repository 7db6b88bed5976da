/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * From the hard handler of a pin to the loop, over each of the bridges; on a
 * simulated chip or on the kernel's.
 */

#include "xt-pin.h"

static struct isr_source *pin;
static pthread_t loop_thread;
/* Callbacks of bridges that were not on the loop, or in ISR context. */
static atomic_uint n_misplaced;

static void setup(void)
{
	xt_chip_setup();
	loop_thread = pthread_self();
	n_misplaced = 0;
}

static void note_place(void)
{
	if (isr_in_context() || !pthread_equal(pthread_self(), loop_thread))
		atomic_fetch_add(&n_misplaced, 1);
}

static void open_hard(isr_handler_cb *handler, void *arg)
{
	struct isr_pin_config config = xt_pin("A", XT_HARD);

	xt_ok(isr_pin_open(loop, &config, handler, arg, &pin, NULL));
}

static void run_until(unsigned int *n, unsigned int at_least)
{
	while (*n < at_least)
		xt_ok(isr_loop_run(loop));
	xt_settle();
}

static struct isr_flag flag;
static struct isr_ring ring;
static struct isr_latch latch;
static struct isr_event ring_slots[128], latch_slots[3];

static void count_set(struct isr_flag *f, uint32_t count, void *arg)
{
	(void)f;
	note_place();
	*(unsigned int *)arg += count;
	isr_loop_stop(loop);
}

START_TEST(pin_hard_handler_sets_a_flag_of_the_loop)
{
	unsigned int n = 0;

	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, count_set, &n));
	open_hard(isr_to_flag, &flag);

	xt_edges(0, 100);
	run_until(&n, 100);

	ck_assert_uint_eq(n, 100);
	ck_assert_uint_eq(n_misplaced, 0);
	xt_ok(isr_source_close(pin));
	xt_ok(isr_flag_done(&flag));
}
END_TEST

static void drain_ring(struct isr_flag *ready, uint32_t count, void *arg)
{
	struct isr_event event;

	(void)ready;
	(void)count;
	(void)arg;
	while (isr_ring_get(&ring, &event, 1) == 1)
		xt_sink(NULL, &event, &sink);
}

START_TEST(pin_hard_handler_puts_each_edge_on_a_ring_of_the_loop)
{
	unsigned int i;

	xt_ok(isr_ring_init(&ring, loop, ring_slots, 128, ISR_RING_DROP_NEW));
	xt_ok(isr_flag_set_cb(&ring.ready, drain_ring, NULL));
	open_hard(isr_to_ring, &ring);

	xt_edges(0, 100);
	xt_sink_run(&sink, 100);

	ck_assert_uint_eq(sink.lost, 0);
	for (i = 0; i < 100; i++)
		ck_assert_uint_eq(sink.events[i].line_seq, i + 1);
	ck_assert_uint_eq(sink.events[0].source, isr_source_get_id(pin));
	ck_assert(pthread_equal(sink.thread, loop_thread));
	xt_ok(isr_source_close(pin));
	xt_ok(isr_ring_done(&ring));
}
END_TEST

START_TEST(pin_hard_handler_fills_a_ring_while_the_loop_is_busy)
{
	struct isr_event got[128];
	int i;

	xt_ok(isr_ring_init(&ring, loop, ring_slots, 128, ISR_RING_DROP_NEW));
	open_hard(isr_to_ring, &ring);

	xt_edges(0, 200);
	/* Not until all are delivered: an edge is that before its handler. */
	xt_wait_until(isr_ring_get_lost_total(&ring) >= 72);

	ck_assert_int_eq(isr_ring_get(&ring, got, 128), 128);
	for (i = 0; i < 128; i++)
		ck_assert_uint_eq(got[i].line_seq, (uint32_t)i + 1);
	ck_assert_uint_eq(isr_ring_get_lost_total(&ring), 72);
	/* What the bridge refused is no failure of the source. */
	ck_assert_uint_eq(xt_stats(pin).failed, 0);
	xt_ok(isr_source_close(pin));
	xt_ok(isr_ring_done(&ring));
}
END_TEST

START_TEST(pin_hard_handler_stores_the_latest_edge_in_a_latch)
{
	struct isr_event event;
	uint32_t generation;
	unsigned int n = 0;

	xt_ok(isr_latch_init(&latch, loop, latch_slots, sizeof(event)));
	xt_ok(isr_flag_set_cb(&latch.updated, count_set, &n));
	open_hard(isr_to_latch, &latch);

	xt_edges(0, 101);
	run_until(&n, 101);

	ck_assert_uint_eq(n, 101);
	ck_assert_int_eq(isr_latch_load(&latch, &event, &generation), 1);
	ck_assert_uint_eq(generation, 101);
	ck_assert_uint_eq(event.line_seq, 101);
	ck_assert_uint_eq(event.kind, ISR_EVENT_RISING);
	ck_assert_uint_eq(isr_latch_get_refused(&latch), 0);
	xt_ok(isr_source_close(pin));
	xt_ok(isr_latch_done(&latch));
}
END_TEST

/* The calls that were made: the sequence numbers of their edges. */
static unsigned int n_called;
static uint32_t called[256];
static atomic_uint n_accepted, n_refused;

static void note_call(void *arg)
{
	note_place();
	called[n_called++] = (uint32_t)(uintptr_t)arg;
	isr_loop_stop(loop);
}

static int schedule(struct isr_source *source, const struct isr_event *event,
		    void *arg)
{
	int r;

	(void)source;
	(void)arg;
	r = isr_schedule(loop, note_call, (void *)(uintptr_t)event->line_seq);
	atomic_fetch_add(r == -EAGAIN ? &n_refused : &n_accepted, 1);
	return r == -EAGAIN ? 0 : r;
}

START_TEST(pin_hard_handler_schedules_calls_on_the_loop)
{
	unsigned int i;

	n_called = 0;
	n_accepted = 0;
	n_refused = 0;
	open_hard(schedule, NULL);

	/* As many as fit, and then some. */
	xt_edges(0, 100);
	xt_wait_until(n_accepted + n_refused == 100);
	run_until(&n_called, 64);
	ck_assert_uint_eq(n_called, 64);
	ck_assert_uint_eq(n_refused, 36);
	/* Room again; the source goes on. */
	xt_edges(0, 10);
	run_until(&n_called, 74);
	xt_wait_until(n_accepted + n_refused == 110);

	ck_assert_uint_eq(n_accepted, 74);
	ck_assert_uint_eq(n_called, 74);
	for (i = 0; i < 74; i++)
		ck_assert_uint_eq(called[i], i < 64 ? i + 1 : i + 37);
	ck_assert_uint_eq(n_misplaced, 0);
	ck_assert_uint_eq(xt_stats(pin).failed, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pin-bridges");
	TCase *tcase = xt_case(suite, "bridges");

	tcase_add_checked_fixture(tcase, setup, xt_chip_teardown);
	tcase_add_test(tcase, pin_hard_handler_sets_a_flag_of_the_loop);
	tcase_add_test(tcase,
		       pin_hard_handler_puts_each_edge_on_a_ring_of_the_loop);
	tcase_add_test(tcase,
		       pin_hard_handler_fills_a_ring_while_the_loop_is_busy);
	tcase_add_test(tcase,
		       pin_hard_handler_stores_the_latest_edge_in_a_latch);
	tcase_add_test(tcase, pin_hard_handler_schedules_calls_on_the_loop);

	return xt_main(suite);
}
