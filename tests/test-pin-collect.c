/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isri_pin_collect(): what the chip has stored goes on to the loop, whoever
 * reads; on a simulated chip. A reader that has not yet run is one that does
 * not wait for the descriptor.
 */
#include "chip.h"
#include "pin.h"
#include "source.h"
#include "xt-pin.h"

#define FIFO_EVENTS 16

static struct isr_source *pin;
static bool is_gone;

int __real_isri_chip_request_read(struct isri_chip_request *request,
				  struct isr_event *ret_events, size_t max);
int __wrap_isri_chip_request_read(struct isri_chip_request *request,
				  struct isr_event *ret_events, size_t max);

int __wrap_isri_chip_request_read(struct isri_chip_request *request,
				  struct isr_event *ret_events, size_t max)
{
	return is_gone ? -ENODEV
		       : __real_isri_chip_request_read(request, ret_events,
						       max);
}

static void setup(void)
{
	xt_chip_setup();
	is_gone = false;
}

static void keep_from_reading(void)
{
	isri_watch_lock(pin->watch);
	xt_ok(isri_watch_set(pin->watch, 0));
	isri_watch_unlock(pin->watch);
}

static struct isr_source *open_with(enum xt_mode mode, isr_handler_cb *handler)
{
	struct isr_pin_config config = xt_pin("A", mode);

	config.fifo_events = FIFO_EVENTS;
	xt_ok(isr_pin_open(loop, &config, handler, &sink, &pin, NULL));
	return pin;
}

START_TEST(collect_puts_what_the_fifo_holds_into_the_ring)
{
	pin = xt_pin_open("A", XT_SOFT);
	keep_from_reading();
	xt_edges(0, 200);

	ck_assert_int_eq(isri_pin_collect(pin), 1);
	ck_assert_uint_eq(sink.n, 0);
	ck_assert_int_eq(isri_pin_collect(pin), 1);

	xt_sink_run(&sink, 200);
	ck_assert_int_eq(isri_pin_collect(pin), 0);
	ck_assert_uint_eq(sink.events[199].line_seq, 200);
	ck_assert_uint_eq(xt_stamped(pin), 200);
}
END_TEST

START_TEST(collect_delivers_when_the_loop_reads)
{
	pin = xt_pin_open("A", XT_LOOP);
	xt_edges(0, 200);

	ck_assert_int_eq(isri_pin_collect(pin), 0);

	ck_assert_uint_eq(sink.n, 200);
	ck_assert_int_eq(isri_pin_collect(pin), 0);
	ck_assert_uint_eq(xt_stamped(pin), 200);
}
END_TEST

START_TEST(collect_beside_a_reader_loses_and_doubles_nothing)
{
	unsigned int i;
	int r = 0;

	pin = xt_pin_open("A", XT_SOFT);
	for (i = 0; i < 3000; i += 3) {
		xt_edges(0, 3);
		r = isri_pin_collect(pin);
		ck_assert_int_ge(r, 0);
		/* All of them have been read, by one of the two. */
		ck_assert_uint_eq(xt_stats(pin).line_seq, i + 3);
	}
	ck_assert_int_eq(r, 1);

	xt_sink_run(&sink, 3000);
	for (i = 0; i < 3000; i++)
		ck_assert_uint_eq(sink.events[i].line_seq, i + 1);
	ck_assert_int_eq(isri_pin_collect(pin), 0);
}
END_TEST

START_TEST(collect_of_a_masked_pin_delivers_nothing)
{
	pin = xt_pin_open("A", _i);
	xt_ok(isr_source_mask(pin));
	xt_edges(0, 5);

	xt_fails_with(EAGAIN, isri_pin_collect(pin));
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_source_unmask(pin));
	ck_assert_int_eq(isri_pin_collect(pin), _i == XT_SOFT);
	xt_sink_run(&sink, 5);
	ck_assert_int_eq(isri_pin_collect(pin), 0);
}
END_TEST

START_TEST(collect_of_a_disarmed_pin_takes_nothing)
{
	pin = xt_pin_open("A", _i);
	xt_ok(isr_source_disarm(pin));
	xt_edges(0, 5);

	xt_fails_with(EAGAIN, isri_pin_collect(pin));

	xt_ok(isr_source_arm(pin));
	ck_assert_int_eq(isri_pin_collect(pin), 0);
	ck_assert_uint_eq(sink.n, 0);
	ck_assert_uint_eq(xt_stats(pin).discarded, 5);
}
END_TEST

START_TEST(collect_tells_once_that_the_chip_is_gone)
{
	pin = xt_pin_open("A", _i);
	if (_i == XT_SOFT)
		keep_from_reading();
	xt_edges(0, 1);
	is_gone = true;

	/* Behind what waits. */
	if (_i == XT_SOFT) {
		ck_assert_int_eq(isri_pin_collect(pin), 1);
		ck_assert_int_eq(isri_pin_collect(pin), 1);
		xt_settle();
	}
	xt_fails_with(ENODEV, isri_pin_collect(pin));
	xt_fails_with(ENODEV, isri_pin_collect(pin));

	xt_settle();
	ck_assert_uint_eq(sink.n_reports, 1);
	ck_assert_uint_eq(sink.last_report.kind, ISR_EVENT_CHIP_LOST);
}
END_TEST

/* Each edge makes the next one. */
static int toggle_once_more(struct isr_source *source,
			    const struct isr_event *event, void *arg)
{
	xt_edges(0, 1);
	return xt_sink(source, event, arg);
}

START_TEST(collect_ends_although_edges_go_on)
{
	open_with(XT_LOOP, toggle_once_more);
	xt_edges(0, 1);

	ck_assert_int_eq(isri_pin_collect(pin), 0);

	ck_assert_uint_eq(sink.n, FIFO_EVENTS);
}
END_TEST

static int results[3];

static int collect_inside(struct isr_source *source,
			  const struct isr_event *event, void *arg)
{
	struct xt_sink *s = arg;

	results[atomic_load(&s->n)] = isri_pin_collect(source);
	return xt_sink(source, event, arg);
}

START_TEST(collect_by_its_own_handler_delivers_nothing)
{
	open_with(_i, collect_inside);
	if (_i == XT_SOFT)
		keep_from_reading();
	xt_edges(0, 3);
	ck_assert_int_eq(isri_pin_collect(pin), _i == XT_SOFT);
	xt_sink_run(&sink, 3);

	ck_assert_int_eq(results[0], 1);
	ck_assert_int_eq(results[1], 1);
	ck_assert_int_eq(results[2], 0);
	ck_assert_uint_eq(sink.events[2].line_seq, 3);
}
END_TEST

/* The one that comes while the last one is handled. */
static int collect_after_one_more(struct isr_source *source,
				  const struct isr_event *event, void *arg)
{
	if (event->line_seq == 1) {
		xt_edges(0, 1);
		results[0] = isri_pin_collect(source);
	}
	return xt_sink(source, event, arg);
}

START_TEST(collect_by_its_own_handler_sees_the_fifo)
{
	open_with(_i, collect_after_one_more);
	xt_edges(0, 1);
	xt_sink_run(&sink, 2);

	ck_assert_int_eq(results[0], 1);
	ck_assert_uint_eq(sink.events[1].line_seq, 2);
}
END_TEST

static int close_it(struct isr_source *source, const struct isr_event *event,
		    void *arg)
{
	(void)event;
	(void)arg;
	xt_ok(isr_source_close(source));
	results[0] = isri_pin_collect(source);
	return 0;
}

START_TEST(collect_tells_that_the_handler_has_closed_it)
{
	open_with(XT_LOOP, close_it);
	xt_edges(0, 3);

	xt_fails_with(ECANCELED, isri_pin_collect(pin));

	xt_fails_with(ECANCELED, results[0]);
}
END_TEST

static int disarm_it(struct isr_source *source, const struct isr_event *event,
		     void *arg)
{
	xt_ok(isr_source_disarm(source));
	return xt_sink(source, event, arg);
}

START_TEST(collect_ends_when_the_handler_disarms_it)
{
	open_with(XT_LOOP, disarm_it);
	xt_edges(0, 3);

	xt_fails_with(EAGAIN, isri_pin_collect(pin));

	ck_assert_uint_eq(sink.n, 1);
	ck_assert_uint_eq(xt_stats(pin).discarded, 2);
}
END_TEST

static struct isr_flag other, collecting;

static void collect_with_another_due(struct isr_flag *flag, uint32_t count,
				     void *arg)
{
	(void)flag;
	(void)count;
	(void)arg;
	isr_flag_set(&other);
	results[0] = isri_pin_collect(pin);
	results[1] = (int)atomic_load(&sink.n);
}

static void ignore(struct isr_flag *flag, uint32_t count, void *arg)
{
	(void)flag;
	(void)count;
	(void)arg;
}

START_TEST(collect_leaves_the_rest_when_others_are_due)
{
	pin = xt_pin_open("A", XT_LOOP);
	xt_ok(isr_flag_init(&other, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&other, ignore, NULL));
	xt_ok(isr_flag_init(&collecting, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&collecting, collect_with_another_due, NULL));
	/* Before the loop finds that the descriptor is ready. */
	xt_ok(isr_source_mask(pin));
	xt_edges(0, 3);
	isr_flag_set(&collecting);
	xt_ok(isr_source_unmask(pin));
	xt_sink_run(&sink, 3);

	ck_assert_int_eq(results[0], 1);
	ck_assert_int_eq(results[1], 1);
	isr_flag_done(&other);
	isr_flag_done(&collecting);
}
END_TEST

START_TEST(collect_refuses_what_it_cannot)
{
	struct isr_source *user;

	xt_ok(isr_user_open(loop, NULL, xt_sink, &sink, &user));
	xt_fails_with(EINVAL, isri_pin_collect(user));
	xt_fails_with(EINVAL, isri_pin_collect(xt_pin_open("A", XT_HARD)));
}
END_TEST

START_TEST(collect_without_edges_has_nothing_to_do)
{
	struct isr_pin_config config = xt_pin("A", _i);

	config.edge = ISR_EDGE_NONE;
	xt_ok(isr_pin_open(loop, &config, xt_sink, &sink, &pin, NULL));
	xt_toggle(0);

	ck_assert_int_eq(isri_pin_collect(pin), 0);
}
END_TEST

static void add_ends(Suite *suite)
{
	TCase *tcase = xt_case(suite, "ends");

	tcase_add_checked_fixture(tcase, setup, xt_chip_teardown);
	tcase_add_loop_test(tcase, collect_tells_once_that_the_chip_is_gone, 0,
			    XT_HARD);
	tcase_add_test(tcase, collect_ends_although_edges_go_on);
	tcase_add_test(tcase, collect_tells_that_the_handler_has_closed_it);
	tcase_add_test(tcase, collect_ends_when_the_handler_disarms_it);
	tcase_add_test(tcase, collect_leaves_the_rest_when_others_are_due);
}

int main(void)
{
	Suite *suite = suite_create("pin-collect");
	TCase *tcase = xt_case(suite, "collect");

	tcase_add_checked_fixture(tcase, setup, xt_chip_teardown);
	tcase_add_test(tcase, collect_puts_what_the_fifo_holds_into_the_ring);
	tcase_add_test(tcase, collect_delivers_when_the_loop_reads);
	tcase_add_test(tcase,
		       collect_beside_a_reader_loses_and_doubles_nothing);
	tcase_add_loop_test(tcase, collect_of_a_masked_pin_delivers_nothing, 0,
			    XT_HARD);
	tcase_add_loop_test(tcase, collect_of_a_disarmed_pin_takes_nothing, 0,
			    XT_HARD);
	tcase_add_loop_test(tcase, collect_by_its_own_handler_delivers_nothing,
			    0, XT_HARD);
	tcase_add_loop_test(tcase, collect_by_its_own_handler_sees_the_fifo, 0,
			    XT_HARD);
	tcase_add_test(tcase, collect_refuses_what_it_cannot);
	tcase_add_loop_test(tcase, collect_without_edges_has_nothing_to_do, 0,
			    XT_HARD);
	add_ends(suite);
	return xt_main(suite);
}
