/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What MicroPython's ports test of interrupts of pins on a board; here on a
 * simulated chip or on the kernel's. The times of those tests are how fast
 * edges come; none is asserted.
 */
#include "xt-pin.h"

static struct isr_source *pin;

/*
 * cc3200/pin_irq.py
 */

#define PACE_NS 5000000

static int toggle_later(struct isr_source *timer, const struct isr_event *event,
			void *arg)
{
	unsigned int *left = arg;

	(void)event;
	xt_edges(0, 1);
	if (--*left)
		return isr_timer_set(timer, PACE_NS, 0);
	isr_loop_stop(loop);
	return 0;
}

static void open_edge(enum isr_edge edge, enum xt_mode mode)
{
	struct isr_pin_config config = xt_pin("A", mode);

	config.edge = edge;
	chip.edge[0] = edge;
	xt_ok(isr_pin_open(loop, &config, xt_sink, &sink, &pin, NULL));
}

START_TEST(port_cc3200_10_paced_toggles_are_5_triggers)
{
	unsigned int left = 10;
	struct isr_source *timer;

	open_edge(ISR_EDGE_FALLING, _i);
	xt_ok(isr_timer_open(loop, PACE_NS, 0, NULL, toggle_later, &left,
			     &timer));
	while (left)
		xt_ok(isr_loop_run(loop));

	xt_sink_run(&sink, 5);
	xt_settle();

	ck_assert_uint_eq(sink.n, 5);
	ck_assert_uint_eq(xt_stamped(pin), 5);
}
END_TEST

START_TEST(port_cc3200_200_fast_toggles_are_100_triggers)
{
	open_edge(ISR_EDGE_RISING, _i);
	xt_edges(0, 200);

	xt_sink_run(&sink, 100);
	xt_settle();

	ck_assert_uint_eq(sink.n, 100);
	ck_assert_uint_eq(sink.lost, 0);
	ck_assert_uint_eq(xt_stamped(pin), 100);
}
END_TEST

START_TEST(port_cc3200_disabled_counts_nothing_and_enabled_again_1)
{
	open_edge(ISR_EDGE_RISING, _i);
	xt_ok(isr_source_disarm(pin));
	xt_edges(0, 2);
	xt_settle();
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_source_arm(pin));
	xt_edges(0, 1);
	xt_sink_run(&sink, 1);
	ck_assert_uint_eq(xt_stats(pin).discarded, 1);

	/* As if it were set up anew, by the other edge. */
	xt_ok(isr_source_close(pin));
	open_edge(ISR_EDGE_FALLING, _i);
	xt_edges(0, 1);
	xt_sink_run(&sink, 2);
	ck_assert_uint_eq(sink.events[1].kind, ISR_EVENT_FALLING);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pin-ports");
	TCase *tcase = xt_case(suite, "cc3200");

	tcase_add_checked_fixture(tcase, xt_chip_setup, xt_chip_teardown);
	tcase_add_loop_test(tcase, port_cc3200_10_paced_toggles_are_5_triggers,
			    0, XT_MODES);
	tcase_add_loop_test(tcase,
			    port_cc3200_200_fast_toggles_are_100_triggers, 0,
			    XT_MODES);
	tcase_add_loop_test(
		tcase, port_cc3200_disabled_counts_nothing_and_enabled_again_1,
		0, XT_MODES);

	return xt_main(suite);
}
