/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Pins and critical sections, on a simulated chip or on the kernel's: what
 * comes while all hard handlers, or those of one pin, are kept from running
 * waits in the chip's FIFO, and nothing is lost below its depth.
 */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <time.h>

#include "xt-pin.h"

#define FIFO ISR_PIN_FIFO_EVENTS_MAX

static struct isr_source *pin, *other;
static struct xt_sink sibling;

static void setup(void)
{
	xt_chip_setup();
	memset(&sibling, 0, sizeof(sibling));
	sibling.loop = loop;
}

static struct isr_source *open_sibling(enum xt_mode mode)
{
	struct isr_pin_config config = xt_pin("B", mode);
	struct isr_source *source;

	xt_ok(isr_pin_open(loop, &config, xt_sink, &sibling, &source, NULL));
	return source;
}

/* The last n of them in order, and none lost; all stamped until then. */
static void assert_complete(const struct xt_sink *s, unsigned int n,
			    uint64_t until_ns)
{
	const struct isr_event *events = s->events + s->n - n;
	unsigned int i;

	ck_assert_uint_eq(s->lost, 0);
	ck_assert_uint_le(events[n - 1].t_ns, until_ns);
	for (i = 1; i < n; i++) {
		ck_assert_uint_eq(events[i].line_seq,
				  events[i - 1].line_seq + 1);
		ck_assert_uint_ge(events[i].t_ns, events[i - 1].t_ns);
	}
}

static int mask(void)
{
	int token = isr_mask(loop);

	ck_assert_int_ge(token, 0);
	return token;
}

/*
 * All hard handlers
 */

START_TEST(mask_keeps_a_burst_of_a_hard_pin_waiting)
{
	unsigned int n = _i ? FIFO : 500;
	uint64_t end_ns;
	int token;

	pin = xt_pin_open("A", XT_HARD);
	other = open_sibling(XT_SOFT);
	token = mask();
	xt_edges(0, n);
	/* Whatever could run had the time to. */
	xt_edges_read(other, 1, 10);

	ck_assert_uint_eq(sink.n, 0);
	ck_assert_uint_eq(xt_stats(pin).delivered, 0);
	end_ns = isr_now_ns();
	xt_ok(isr_unmask(loop, token));
	xt_sink_run(&sink, n);

	assert_complete(&sink, n, end_ns);
	ck_assert_uint_eq(sink.events[0].line_seq, 1);
	ck_assert_uint_eq(xt_stamped(pin), n);
	ck_assert_uint_eq(xt_stats(pin).delivered, n);
}
END_TEST

START_TEST(mask_beyond_the_fifo_tells_what_is_lost)
{
	int token;

	pin = xt_pin_open("A", XT_HARD);
	token = mask();
	xt_edges(0, FIFO + 76);
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_unmask(loop, token));
	xt_sink_run(&sink, FIFO);

	ck_assert_uint_eq(sink.events[0].lost, 76);
	ck_assert_uint_eq(sink.events[0].line_seq, 77);
	ck_assert_uint_eq(sink.lost, 76);
	ck_assert_uint_eq(xt_stats(pin).lost_kernel, 76);
	ck_assert_uint_eq(xt_stamped(pin), FIFO + 76);
}
END_TEST

START_TEST(mask_lets_soft_pins_be_read)
{
	uint64_t end_ns;
	int token;

	pin = xt_pin_open("A", XT_HARD);
	other = open_sibling(XT_SOFT);
	token = mask();
	xt_edges(0, 500);
	/* More than the FIFO holds: somebody reads it. */
	xt_edges_read(other, 1, 1500);

	ck_assert_uint_eq(sink.n, 0);
	end_ns = isr_now_ns();
	xt_ok(isr_unmask(loop, token));
	xt_sink_run(&sink, 500);
	xt_sink_run(&sibling, 1500);

	assert_complete(&sink, 500, end_ns);
	assert_complete(&sibling, 1500, end_ns);
	ck_assert_uint_eq(xt_stats(other).lost_kernel, 0);
	ck_assert_uint_eq(xt_stats(other).lost_ring, 0);
}
END_TEST

START_TEST(mask_that_is_nested_ends_with_the_outermost)
{
	int outer, inner;

	pin = xt_pin_open("A", XT_HARD);
	outer = mask();
	xt_edges(0, 50);
	inner = mask();
	ck_assert_int_ne(inner, outer);
	xt_edges(0, 50);
	xt_ok(isr_unmask(loop, inner));
	xt_edges(0, 50);
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_unmask(loop, outer));
	xt_sink_run(&sink, 150);

	assert_complete(&sink, 150, isr_now_ns());
}
END_TEST

static int count(struct isr_source *source, const struct isr_event *event,
		 void *arg)
{
	(void)source;
	(void)event;
	/* All of them together; whoever is the last ends the wait. */
	if (atomic_fetch_add((atomic_uint *)arg, 1) == 399)
		isr_loop_stop(loop);
	return 0;
}

START_TEST(mask_keeps_pins_of_all_priorities_waiting)
{
	static const char *const lines[] = {"A", "B", "C", "D"};
	struct isr_source *pins[4];
	atomic_uint n;
	unsigned int i;
	int token;

	atomic_init(&n, 0);
	for (i = 0; i < 4; i++) {
		struct isr_pin_config config = xt_pin(lines[i], XT_HARD);

		config.source.priority = (int)i;
		xt_ok(isr_pin_open(loop, &config, count, &n, &pins[i], NULL));
	}
	token = mask();
	for (i = 0; i < 4; i++)
		xt_edges(i, 100);
	ck_assert_uint_eq(atomic_load(&n), 0);

	xt_ok(isr_unmask(loop, token));
	while (atomic_load(&n) < 400)
		xt_ok(isr_loop_run(loop));

	for (i = 0; i < 4; i++) {
		ck_assert_uint_eq(xt_stats(pins[i]).delivered, 100);
		ck_assert_uint_eq(xt_stamped(pins[i]), 100);
		/* They may not outlive what they count in. */
		xt_ok(isr_source_close(pins[i]));
	}
}
END_TEST

/* The handler that is inside, and the section that is about to begin. */
static sem_t inside, about_to_mask;
static atomic_uint n_running, n_run;

/*
 * Stays until the loop is about to mask, and a while longer: on one processor,
 * or where this thread has priority, the loop would not find it inside else.
 */
static int run_until_about_to_mask(struct isr_source *source,
				   const struct isr_event *event, void *arg)
{
	static const struct timespec a_while = {.tv_nsec = 1000000};

	(void)source;
	(void)event;
	(void)arg;
	atomic_fetch_add(&n_running, 1);
	sem_post(&inside);
	while (sem_wait(&about_to_mask) < 0)
		;
	nanosleep(&a_while, NULL);
	atomic_fetch_add(&n_run, 1);
	atomic_fetch_sub(&n_running, 1);
	return 0;
}

START_TEST(mask_waits_for_the_handler_that_runs)
{
	struct isr_pin_config config = xt_pin("A", XT_HARD);
	unsigned int i;
	int token;

	n_running = 0;
	n_run = 0;
	sem_init(&inside, 0, 0);
	sem_init(&about_to_mask, 0, 0);
	xt_ok(isr_pin_open(loop, &config, run_until_about_to_mask, NULL, &pin,
			   NULL));
	for (i = 0; i < 20; i++) {
		xt_toggle(0);
		while (sem_wait(&inside) < 0)
			ck_assert_int_eq(errno, EINTR);
		sem_post(&about_to_mask);
		token = mask();
		ck_assert_uint_eq(atomic_load(&n_running), 0);
		ck_assert_uint_eq(atomic_load(&n_run), 2 * i + 1);

		/* The next one is kept out. */
		xt_toggle(0);
		sched_yield();
		ck_assert_uint_eq(atomic_load(&n_running), 0);
		xt_ok(isr_unmask(loop, token));

		while (sem_wait(&inside) < 0)
			ck_assert_int_eq(errno, EINTR);
		sem_post(&about_to_mask);
	}
}
END_TEST

/*
 * The handler of one pin
 */

START_TEST(source_mask_pends_and_spares_the_sibling)
{
	uint64_t end_ns;

	pin = xt_pin_open("A", _i);
	other = open_sibling(_i);
	xt_edges(0, 10);
	xt_sink_run(&sink, 10);

	xt_ok(isr_source_mask(pin));
	xt_edges(0, 250);
	xt_edges(1, 100);
	xt_edges(0, 250);
	xt_sink_run(&sibling, 100);
	ck_assert_uint_eq(sink.n, 10);
	end_ns = isr_now_ns();
	xt_ok(isr_source_unmask(pin));
	xt_sink_run(&sink, 510);

	assert_complete(&sink, 510, end_ns);
	assert_complete(&sibling, 100, end_ns);
	ck_assert_uint_eq(xt_stats(pin).discarded, 0);
	ck_assert_uint_eq(xt_stamped(pin), 510);
}
END_TEST

START_TEST(source_mask_nests)
{
	pin = xt_pin_open("A", _i);
	xt_ok(isr_source_mask(pin));
	xt_ok(isr_source_mask(pin));
	xt_edges(0, 20);
	xt_ok(isr_source_unmask(pin));
	xt_settle();
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_source_unmask(pin));
	xt_sink_run(&sink, 20);

	assert_complete(&sink, 20, isr_now_ns());
	xt_fails_with(EINVAL, isr_source_unmask(pin));
}
END_TEST

START_TEST(source_mask_and_disarm_discards)
{
	pin = xt_pin_open("A", _i);
	xt_ok(isr_source_mask(pin));
	xt_edges(0, 30);
	xt_ok(isr_source_disarm(pin));
	xt_edges(0, 20);
	xt_ok(isr_source_arm(pin));
	xt_edges(0, 10);
	xt_settle();
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_source_unmask(pin));
	xt_sink_run(&sink, 10);

	ck_assert_uint_eq(sink.events[0].line_seq, 51);
	ck_assert_uint_eq(sink.lost, 0);
	ck_assert_uint_eq(xt_stats(pin).discarded, 50);
	ck_assert_uint_eq(xt_stamped(pin), 60);
}
END_TEST

START_TEST(source_mask_within_a_mask_holds_longer)
{
	int token;

	pin = xt_pin_open("A", XT_HARD);
	other = open_sibling(XT_HARD);
	token = mask();
	xt_ok(isr_source_mask(pin));
	xt_edges(0, 100);
	xt_edges(1, 100);
	xt_ok(isr_unmask(loop, token));
	xt_sink_run(&sibling, 100);
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_source_unmask(pin));
	xt_sink_run(&sink, 100);

	assert_complete(&sink, 100, isr_now_ns());
	assert_complete(&sibling, 100, isr_now_ns());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pin-mask");
	TCase *tcase;

	tcase = xt_case(suite, "mask");
	tcase_add_checked_fixture(tcase, setup, xt_chip_teardown);
	tcase_add_loop_test(tcase, mask_keeps_a_burst_of_a_hard_pin_waiting, 0,
			    2);
	tcase_add_test(tcase, mask_beyond_the_fifo_tells_what_is_lost);
	tcase_add_test(tcase, mask_lets_soft_pins_be_read);
	tcase_add_test(tcase, mask_that_is_nested_ends_with_the_outermost);
	tcase_add_test(tcase, mask_keeps_pins_of_all_priorities_waiting);
	tcase_add_test(tcase, mask_waits_for_the_handler_that_runs);

	tcase = xt_case(suite, "source-mask");
	tcase_add_checked_fixture(tcase, setup, xt_chip_teardown);
	tcase_add_loop_test(tcase, source_mask_pends_and_spares_the_sibling, 0,
			    XT_MODES);
	tcase_add_loop_test(tcase, source_mask_nests, 0, XT_MODES);
	tcase_add_loop_test(tcase, source_mask_and_disarm_discards, 0,
			    XT_MODES);
	tcase_add_test(tcase, source_mask_within_a_mask_holds_longer);

	return xt_main(suite);
}
