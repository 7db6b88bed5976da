/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Pin sources: order, counts, gaps, merged edges, chips that go away; on a
 * simulated chip, or on the kernel's. What a chip never does by itself is put
 * between it and the pin: isri_chip_request_read() is wrapped by the linker.
 */
#include <sched.h>

#include "chip.h"
#include "xt-gpio-sim.h"
#include "xt-pin.h"

static struct isr_source *pin;

/* What becomes of a batch; NULL: nothing. */
typedef int spoil_fn(struct isr_event *events, int n);
static spoil_fn *_Atomic spoil;
static atomic_int n_reads;

int __real_isri_chip_request_read(struct isri_chip_request *request,
				  struct isr_event *ret_events, size_t max);
int __wrap_isri_chip_request_read(struct isri_chip_request *request,
				  struct isr_event *ret_events, size_t max);
int __real_pthread_setschedparam(pthread_t thread, int policy,
				 const struct sched_param *param);
int __wrap_pthread_setschedparam(pthread_t thread, int policy,
				 const struct sched_param *param);

int __wrap_isri_chip_request_read(struct isri_chip_request *request,
				  struct isr_event *ret_events, size_t max)
{
	int n = __real_isri_chip_request_read(request, ret_events, max);
	spoil_fn *f = atomic_load(&spoil);

	atomic_fetch_add(&n_reads, 1);
	return f && n > 0 ? f(ret_events, n) : n;
}

static bool refuse_priority;

int __wrap_pthread_setschedparam(pthread_t thread, int policy,
				 const struct sched_param *param)
{
	if (refuse_priority)
		return EPERM;
	return __real_pthread_setschedparam(thread, policy, param);
}

static void setup(void)
{
	xt_chip_setup();
	spoil = NULL;
	refuse_priority = false;
}

START_TEST(pin_delivers_each_edge_in_order)
{
	unsigned int i;

	pin = xt_pin_open("A", _i);
	xt_edges(0, 100);

	xt_sink_run(&sink, 100);

	for (i = 0; i < 100; i++) {
		const struct isr_event *e = &sink.events[i];

		ck_assert_uint_eq(e->line_seq, i + 1);
		ck_assert_int_eq(e->value, i % 2 ? 0 : 1);
		ck_assert_uint_eq(e->kind,
				  i % 2 ? ISR_EVENT_FALLING : ISR_EVENT_RISING);
		ck_assert_uint_eq(e->lost, 0);
		ck_assert_uint_eq(e->flags, chip.event_flags);
		ck_assert_uint_eq(e->source, isr_source_get_id(pin));
		if (i)
			ck_assert_uint_ge(e->t_ns, e[-1].t_ns);
	}
	ck_assert_uint_eq(xt_stats(pin).delivered, 100);
	ck_assert_uint_eq(xt_stamped(pin), 100);
	ck_assert_uint_eq(isr_hist_get_count(isr_source_get_latency(pin)), 100);
}
END_TEST

START_TEST(pin_reports_the_edges_asked_for)
{
	struct isr_pin_config config = xt_pin("A", _i);

	config.edge = ISR_EDGE_RISING;
	chip.edge[0] = config.edge;
	xt_ok(isr_pin_open(loop, &config, xt_sink, &sink, &pin, NULL));
	xt_edges(0, 20);

	xt_sink_run(&sink, 10);

	ck_assert_uint_eq(xt_stats(pin).delivered, 10);
	/* A line of one edge repeats it always. */
	ck_assert_uint_eq(xt_stats(pin).merged, 0);
}
END_TEST

START_TEST(pin_hard_handler_runs_in_isr_context_of_another_thread)
{
	pin = xt_pin_open("A", XT_HARD);
	xt_edges(0, 1);

	xt_sink_run(&sink, 1);

	ck_assert(sink.in_isr);
	ck_assert(!pthread_equal(sink.thread, pthread_self()));
}
END_TEST

START_TEST(pin_soft_handler_runs_on_the_loop)
{
	pin = xt_pin_open("A", _i);
	xt_edges(0, 1);

	xt_sink_run(&sink, 1);

	ck_assert(!sink.in_isr);
	ck_assert(pthread_equal(sink.thread, pthread_self()));
}
END_TEST

START_TEST(pin_tells_what_the_fifo_lost)
{
	pin = xt_pin_open("A", XT_LOOP);
	xt_edges(0, 1100);

	xt_sink_run(&sink, 1024);
	xt_settle();

	ck_assert_uint_eq(sink.n, 1024);
	ck_assert_uint_eq(sink.lost, 76);
	ck_assert_uint_eq(sink.events[0].lost, 76);
	ck_assert_uint_eq(sink.events[0].line_seq, 77);
	ck_assert_uint_eq(xt_stats(pin).lost_kernel, 76);
	ck_assert_uint_eq(xt_stamped(pin), 1100);
}
END_TEST

START_TEST(pin_that_floods_takes_nothing_of_another)
{
	struct isr_pin_config config = xt_pin("B", XT_LOOP);
	static struct xt_sink quiet;
	struct isr_source *other;

	memset(&quiet, 0, sizeof(quiet));
	quiet.loop = loop;
	pin = xt_pin_open("A", XT_LOOP);
	xt_ok(isr_pin_open(loop, &config, xt_sink, &quiet, &other, NULL));
	xt_edges(1, 3);
	xt_edges(0, 1100);
	xt_edges(1, 4);

	xt_sink_run(&sink, 1024);
	xt_sink_run(&quiet, 7);

	ck_assert_uint_eq(sink.lost, 76);
	ck_assert_uint_eq(quiet.lost, 0);
	ck_assert_uint_eq(quiet.events[6].line_seq, 7);
	ck_assert_uint_eq(xt_stats(other).lost_kernel, 0);
}
END_TEST

START_TEST(pin_loses_nothing_of_a_full_fifo)
{
	pin = xt_pin_open("A", XT_LOOP);
	xt_edges(0, 1024);

	xt_sink_run(&sink, 1024);

	ck_assert_uint_eq(sink.lost, 0);
	ck_assert_uint_eq(xt_stamped(pin), 1024);
}
END_TEST

START_TEST(pin_blocked_loop_loses_nothing_within_the_ring)
{
	pin = xt_pin_open("A", XT_SOFT);
	xt_edges_read(pin, 0, ISR_SOURCE_RING_EVENTS);

	xt_sink_run(&sink, ISR_SOURCE_RING_EVENTS);

	ck_assert_uint_eq(sink.lost, 0);
	ck_assert_uint_eq(xt_stamped(pin), ISR_SOURCE_RING_EVENTS);
}
END_TEST

START_TEST(pin_blocked_loop_beyond_the_ring_is_told_exactly)
{
	struct isr_pin_config config = xt_pin("A", XT_SOFT);
	struct isr_source_stats stats;

	config.ring_events = 16;
	xt_ok(isr_pin_open(loop, &config, xt_sink, &sink, &pin, NULL));
	xt_edges_read(pin, 0, 1000);
	/* The last one that was read is in the ring a moment later. */
	xt_wait_until(xt_stats(pin).lost_ring == 984);

	xt_sink_run(&sink, 16);
	xt_settle();

	stats = xt_stats(pin);
	ck_assert_uint_eq(sink.n, 16);
	ck_assert_uint_eq(sink.lost, 984);
	ck_assert_uint_eq(sink.events[15].line_seq, 1000);
	ck_assert_uint_eq(stats.delivered, 16);
	ck_assert_uint_eq(stats.lost_ring, 984);
	ck_assert_uint_eq(stats.lost_kernel, 0);
}
END_TEST

START_TEST(pin_first_gap_counts_from_one)
{
	pin = xt_pin_open("A", _i);
	xt_ok(isr_chip_sim_set_line_seq(chip.chip, 0, 5));
	xt_edges(0, 1);

	xt_sink_run(&sink, 1);

	ck_assert_uint_eq(sink.events[0].lost, 4);
	ck_assert_uint_eq(xt_stats(pin).lost_kernel, 4);
}
END_TEST

START_TEST(pin_wrap_of_the_sequence_is_no_loss)
{
	unsigned int i;

	pin = xt_pin_open("A", _i);
	xt_ok(isr_chip_sim_set_line_seq(chip.chip, 0, UINT32_MAX - 1));
	xt_edges(0, 4);

	xt_sink_run(&sink, 4);

	/* The first one tells of the jump, which is a gap. */
	ck_assert_uint_eq(sink.events[0].lost, UINT32_MAX - 2);
	for (i = 1; i < 4; i++)
		ck_assert_uint_eq(sink.events[i].lost, 0);
	ck_assert_uint_eq(sink.events[2].line_seq, 0);
	ck_assert_uint_eq(xt_stats(pin).lost_kernel, UINT32_MAX - 2);
}
END_TEST

static int repeat_second_edge(struct isr_event *events, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (events[i].line_seq == 2)
			events[i].kind = ISR_EVENT_RISING;
	return n;
}

START_TEST(pin_repeated_edge_is_merged)
{
	unsigned int i;

	spoil = repeat_second_edge;
	pin = xt_pin_open("A", _i);
	xt_edges(0, 6);

	xt_sink_run(&sink, 6);

	/* rising rising rising falling rising falling */
	for (i = 0; i < 6; i++)
		ck_assert_uint_eq(sink.events[i].flags & ISR_EVENT_FLAG_MERGED,
				  i == 1 || i == 2 ? ISR_EVENT_FLAG_MERGED : 0);
	ck_assert_uint_eq(xt_stats(pin).merged, 2);
	ck_assert_uint_eq(sink.lost, 0);
}
END_TEST

static int lose_second_edge(struct isr_event *events, int n)
{
	int i, kept = 0;

	for (i = 0; i < n; i++)
		if (events[i].line_seq != 2)
			events[kept++] = events[i];
	return kept;
}

START_TEST(pin_repeated_edge_behind_a_gap_is_not_merged)
{
	spoil = lose_second_edge;
	pin = xt_pin_open("A", _i);
	xt_edges(0, 4);

	xt_sink_run(&sink, 3);

	/* rising, (falling), rising, falling */
	ck_assert_uint_eq(sink.events[1].lost, 1);
	ck_assert_uint_eq(sink.events[1].kind, ISR_EVENT_RISING);
	ck_assert_uint_eq(xt_stats(pin).merged, 0);
	ck_assert_uint_eq(xt_stats(pin).lost_kernel, 1);
}
END_TEST

static int lose_chip(struct isr_event *events, int n)
{
	return -ENODEV;
}

static int note_report(struct isr_source *source, const struct isr_event *event,
		       void *arg)
{
	struct xt_sink *s = arg;

	xt_sink(source, event, s);
	if (s->n_reports)
		isr_loop_stop(s->loop);
	return 0;
}

START_TEST(pin_tells_once_that_its_chip_is_gone)
{
	struct isr_pin_config config = xt_pin("A", _i);
	int reads;

	xt_ok(isr_pin_open(loop, &config, note_report, &sink, &pin, NULL));
	xt_edges(0, 3);
	if (_i == XT_LOOP)
		xt_sink_run(&sink, 3);
	else
		xt_wait_read(pin, 3);
	spoil = lose_chip;
	xt_edges(0, 1);
	do
		xt_ok(isr_loop_run(loop));
	while (!sink.n_reports);

	/* The descriptor stays readable as a lost chip's does. */
	reads = atomic_load(&n_reads);
	xt_edges(0, 1);
	xt_settle();
	ck_assert_int_eq(atomic_load(&n_reads), reads);
	ck_assert_uint_eq(sink.n_reports, 1);
	ck_assert_uint_eq(sink.last_report.kind, ISR_EVENT_CHIP_LOST);
	ck_assert_int_eq(sink.last_report.value, -ENODEV);
	ck_assert_uint_eq(xt_stats(pin).delivered, 3);
	xt_ok(isr_source_disarm(pin));
	xt_fails_with(ENODEV, isr_source_arm(pin));
}
END_TEST

START_TEST(pin_of_an_unplugged_chip_is_told_once_and_left_alone)
{
	struct isr_pin_config config = xt_pin("A", _i);
	int reads;

	xt_ok(isr_pin_open(loop, &config, note_report, &sink, &pin, NULL));
	xt_gpio_sim_unplug("xt");
	do
		xt_ok(isr_loop_run(loop));
	while (!sink.n_reports);

	reads = atomic_load(&n_reads);
	xt_settle();
	ck_assert_int_eq(atomic_load(&n_reads), reads);
	ck_assert_uint_eq(sink.n_reports, 1);
	ck_assert_uint_eq(sink.last_report.kind, ISR_EVENT_CHIP_LOST);
	ck_assert_int_eq(sink.last_report.value, -ENODEV);

	/* What is plugged in is a new chip, and so is a pin of it. */
	xt_ok(isr_source_close(pin));
	xt_gpio_sim_plug("xt");
	xt_gpio_sim_get_name("xt", chip.spec, sizeof(chip.spec));
	pin = xt_pin_open("A", _i);
	xt_edges(0, 2);
	xt_sink_run(&sink, 2);
	ck_assert_uint_eq(sink.events[1].line_seq, 2);
	ck_assert_uint_eq(sink.lost, 0);
}
END_TEST

static void note_notice(enum isr_log_level level, const char *message,
			void *arg)
{
	if (level == ISR_LOG_NOTICE && strstr(message, "real-time"))
		(*(unsigned int *)arg)++;
}

START_TEST(pin_thread_without_priority_says_so_once)
{
	struct isr_pin_config config = xt_pin("B", XT_SOFT);
	struct isr_source *other;
	unsigned int notices = 0;

	refuse_priority = true;
	xt_ok(isr_loop_set_log_cb(loop, note_notice, &notices));
	pin = xt_pin_open("A", XT_SOFT);
	/* Neither by a second pin, nor by a second thread. */
	config.source.priority = ISR_PRIORITY_MAX;
	xt_ok(isr_pin_open(loop, &config, xt_sink, &sink, &other, NULL));

	ck_assert_uint_eq(notices, 1);
	xt_edges(0, 1);
	xt_sink_run(&sink, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pin");
	TCase *tcase;

	tcase = xt_case(suite, "delivery");
	tcase_add_checked_fixture(tcase, setup, xt_chip_teardown);
	tcase_add_loop_test(tcase, pin_delivers_each_edge_in_order, 0,
			    XT_MODES);
	tcase_add_loop_test(tcase, pin_reports_the_edges_asked_for, 0,
			    XT_MODES);
	tcase_add_test(tcase,
		       pin_hard_handler_runs_in_isr_context_of_another_thread);
	tcase_add_test(tcase, pin_thread_without_priority_says_so_once);
	tcase_add_loop_test(tcase, pin_soft_handler_runs_on_the_loop, XT_SOFT,
			    XT_HARD);

	tcase = xt_case(suite, "loss");
	tcase_add_checked_fixture(tcase, setup, xt_chip_teardown);
	tcase_add_test(tcase, pin_tells_what_the_fifo_lost);
	tcase_add_test(tcase, pin_that_floods_takes_nothing_of_another);
	tcase_add_test(tcase, pin_loses_nothing_of_a_full_fifo);
	tcase_add_test(tcase, pin_blocked_loop_loses_nothing_within_the_ring);
	tcase_add_test(tcase, pin_blocked_loop_beyond_the_ring_is_told_exactly);
	if (xt_gpio_sim_is_asked_for()) {
		tcase_add_loop_test(
			tcase,
			pin_of_an_unplugged_chip_is_told_once_and_left_alone, 0,
			XT_MODES);
	} else { /* the kernel's numbers are its own */
		tcase_add_loop_test(tcase, pin_first_gap_counts_from_one, 0,
				    XT_MODES);
		tcase_add_loop_test(tcase, pin_wrap_of_the_sequence_is_no_loss,
				    0, XT_MODES);
	}
	tcase_add_loop_test(tcase, pin_repeated_edge_is_merged, 0, XT_MODES);
	tcase_add_loop_test(tcase, pin_repeated_edge_behind_a_gap_is_not_merged,
			    0, XT_MODES);
	tcase_add_loop_test(tcase, pin_tells_once_that_its_chip_is_gone, 0,
			    XT_MODES);

	return xt_main(suite);
}
