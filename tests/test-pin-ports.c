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

/*
 * stm32/extint.py: an interrupt by program is handled, dropped while it is
 * disabled, and handled again once it is enabled. What comes while the source
 * is masked, which is not in that test, waits.
 */

START_TEST(port_stm32_software_interrupt)
{
	struct isr_event event = {
		.kind = ISR_EVENT_FALLING,
		.value = 7,
	};

	pin = xt_pin_open("A", _i);
	xt_ok(isr_source_fire(pin, NULL));
	xt_sink_run(&sink, 1);
	ck_assert_uint_eq(sink.events[0].kind, ISR_EVENT_USER);
	ck_assert_uint_eq(sink.events[0].source, isr_source_get_id(pin));

	xt_ok(isr_source_disarm(pin));
	xt_fails_with(EPERM, isr_source_fire(pin, NULL));
	xt_settle();
	ck_assert_uint_eq(sink.n, 1);
	ck_assert_uint_eq(xt_stats(pin).discarded, 1);

	xt_ok(isr_source_arm(pin));
	xt_ok(isr_source_fire(pin, &event));
	xt_sink_run(&sink, 2);
	ck_assert_uint_eq(sink.events[1].kind, ISR_EVENT_FALLING);
	ck_assert_int_eq(sink.events[1].value, 7);

	/* Edges and fires are handled in the same way. */
	xt_edges(0, 10);
	xt_sink_run(&sink, 12);
	ck_assert_int_eq(sink.in_isr, _i == XT_HARD);
	ck_assert_uint_eq(sink.lost, 0);
	ck_assert_uint_eq(xt_stats(pin).delivered, 12);
}
END_TEST

START_TEST(port_stm32_software_interrupt_pends_while_masked)
{
	pin = xt_pin_open("A", _i);
	xt_ok(isr_source_mask(pin));
	xt_ok(isr_source_fire(pin, NULL));
	xt_ok(isr_source_fire(pin, NULL));
	xt_settle();
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_source_unmask(pin));
	xt_sink_run(&sink, 2);

	ck_assert_uint_eq(sink.events[0].kind, ISR_EVENT_USER);
	ck_assert_uint_le(sink.events[0].t_ns, sink.events[1].t_ns);
	ck_assert_uint_eq(xt_stats(pin).discarded, 0);
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

	tcase = xt_case(suite, "stm32");
	tcase_add_checked_fixture(tcase, xt_chip_setup, xt_chip_teardown);
	tcase_add_loop_test(tcase, port_stm32_software_interrupt, 0, XT_MODES);
	tcase_add_loop_test(tcase,
			    port_stm32_software_interrupt_pends_while_masked, 0,
			    XT_MODES);

	return xt_main(suite);
}
