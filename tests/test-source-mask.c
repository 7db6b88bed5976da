/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * One source is masked: each kind, soft (_i is even) and hard. What a test
 * calls "an event" is the kind's own: an edge, an expiration, ...
 */
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "xt-pin.h"

#define MS 1000000ULL

enum kind { USER, TIMER, FD, SIGNAL, PIN, PIN_LOOP, N_KINDS };

static struct isr_source *source, *sibling;
static int event_fd;
static atomic_uint n_sibling;

static void setup(void)
{
	xt_chip_setup();
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	ck_assert_int_ge(event_fd, 0);
	n_sibling = 0;
}

static void teardown(void)
{
	xt_chip_teardown();
	close(event_fd);
}

static int note(struct isr_source *s, const struct isr_event *event, void *arg)
{
	eventfd_t value;

	if (event->kind == ISR_EVENT_FD)
		eventfd_read(event_fd, &value);
	return xt_sink(s, event, arg);
}

static int note_sibling(struct isr_source *s, const struct isr_event *event,
			void *arg)
{
	n_sibling++;
	isr_loop_stop(loop);
	return 0;
}

static void open_source(int i)
{
	const struct isr_source_options options = {.hard = i % 2};

	switch (i / 2) {
	case USER:
		xt_ok(isr_user_open(loop, &options, note, &sink, &source));
		break;
	case TIMER:
		xt_ok(isr_timer_open(loop, 0, 0, &options, note, &sink,
				     &source));
		break;
	case FD:
		xt_ok(isr_fd_open(loop, event_fd, ISR_FD_READ, &options, note,
				  &sink, &source));
		break;
	case SIGNAL:
		xt_ok(isr_signal_open(loop, SIGRTMIN, &options, note, &sink,
				      &source));
		break;
	default:
		source = xt_pin_open("A", i % 2		      ? XT_HARD
					  : i / 2 == PIN_LOOP ? XT_LOOP
							      : XT_SOFT);
	}
	xt_ok(isr_user_open(loop, &options, note_sibling, NULL, &sibling));
}

/* n events of the kind's own; an expiration is one, however many there are. */
static void happen(int i, unsigned int n)
{
	uint64_t t_ns;

	for (; n; n--) {
		switch (i / 2) {
		case USER:
			xt_ok(isr_source_fire(source, NULL));
			break;
		case TIMER:
			t_ns = isr_now_ns() + MS;
			xt_ok(isr_timer_set(source, 1, 0));
			while (isr_now_ns() < t_ns)
				;
			n = 1;
			break;
		case FD:
			ck_assert_int_eq(eventfd_write(event_fd, 1), 0);
			break;
		case SIGNAL:
			raise(SIGRTMIN);
			break;
		default:
			xt_edges(0, 1);
		}
	}
}

static unsigned int count_of(int i, unsigned int n)
{
	return i / 2 == TIMER && n ? 1 : n;
}

/* Whatever could run has run: a sibling's event was handled after it. */
static void settle(void)
{
	unsigned int n = n_sibling;

	xt_ok(isr_source_fire(sibling, NULL));
	while (atomic_load(&n_sibling) == n)
		xt_ok(isr_loop_run(loop));
	xt_settle();
}

START_TEST(mask_keeps_events_and_unmask_delivers_them_in_order)
{
	unsigned int i, n = count_of(_i, 20);

	open_source(_i);
	xt_ok(isr_source_mask(source));
	happen(_i, 20);
	settle();
	ck_assert_uint_eq(sink.n, 0);
	ck_assert_uint_eq(n_sibling, 1);

	xt_ok(isr_source_unmask(source));
	xt_sink_run(&sink, n);

	ck_assert_uint_eq(sink.lost, 0);
	ck_assert_int_eq(sink.in_isr, _i % 2);
	for (i = 1; i < n; i++)
		ck_assert_uint_eq(sink.events[i].line_seq,
				  sink.events[i - 1].line_seq + 1);
	ck_assert_uint_eq(xt_stats(source).delivered, n);
	ck_assert_uint_eq(xt_stats(source).discarded, 0);

	/* And it goes on as before. */
	happen(_i, 1);
	xt_sink_run(&sink, n + 1);
}
END_TEST

/* Fired events wait as well, behind one another. */
START_TEST(mask_keeps_what_is_fired)
{
	unsigned int i;

	open_source(_i);
	xt_ok(isr_source_mask(source));
	for (i = 0; i < 10; i++)
		xt_ok(isr_source_fire(
			source, &(struct isr_event){.kind = ISR_EVENT_USER,
						    .value = (int)i}));
	settle();
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_source_unmask(source));
	xt_sink_run(&sink, 10);
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(sink.events[i].value, (int)i);
	ck_assert_uint_eq(sink.lost, 0);
}
END_TEST

START_TEST(mask_nests_by_count)
{
	open_source(_i);
	xt_fails_with(EINVAL, isr_source_unmask(source));
	xt_ok(isr_source_mask(source));
	xt_ok(isr_source_mask(source));
	happen(_i, 1);
	xt_ok(isr_source_unmask(source));
	settle();
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_source_unmask(source));
	xt_sink_run(&sink, 1);
	xt_fails_with(EINVAL, isr_source_unmask(source));
}
END_TEST

START_TEST(mask_and_disarm_discards)
{
	open_source(_i);
	xt_ok(isr_source_mask(source));
	happen(_i, 20);
	settle();
	xt_ok(isr_source_disarm(source));
	xt_ok(isr_source_arm(source));
	settle();
	/* A descriptor's readiness is no event that could be discarded. */
	if (_i / 2 != FD)
		ck_assert_uint_eq(xt_stats(source).discarded, count_of(_i, 20));
	xt_ok(isr_source_unmask(source));
	settle();

	if (_i / 2 == FD) {
		xt_sink_run(&sink, 20);
		return;
	}
	ck_assert_uint_eq(sink.n, 0);
	happen(_i, 1);
	xt_sink_run(&sink, 1);
	ck_assert_uint_eq(sink.lost, 0);
}
END_TEST

START_TEST(masked_source_may_be_closed)
{
	open_source(_i);
	xt_ok(isr_source_mask(source));
	happen(_i, 20);
	settle();
	xt_ok(isr_source_close(source));

	settle();
	ck_assert_uint_eq(sink.n, 0);
}
END_TEST

START_TEST(mask_of_a_disarmed_source_holds_once_it_is_armed)
{
	open_source(_i);
	xt_ok(isr_source_disarm(source));
	xt_ok(isr_source_mask(source));
	xt_ok(isr_source_arm(source));
	happen(_i, 1);
	settle();
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_source_unmask(source));
	xt_sink_run(&sink, 1);
}
END_TEST

START_TEST(unmask_of_a_disarmed_source_arms_nothing)
{
	open_source(_i);
	xt_ok(isr_source_mask(source));
	xt_ok(isr_source_disarm(source));
	xt_ok(isr_source_unmask(source));
	/* It would fail, and say so, where it is fired. */
	if (_i / 2 != USER)
		happen(_i, 1);
	settle();

	ck_assert_uint_eq(sink.n, 0);
}
END_TEST

/* In the middle of a batch: the rest waits as well, and comes in order. */
static int mask_self(struct isr_source *s, const struct isr_event *event,
		     void *arg)
{
	int r = note(s, event, arg);

	if (atomic_load(&sink.n) % 7 == 0)
		xt_ok(isr_source_mask(s));
	return r;
}

static void open_masking(int i)
{
	struct isr_pin_config config = xt_pin("A", i);

	if (i == XT_MODES)
		xt_ok(isr_user_open(loop, NULL, mask_self, &sink, &source));
	else
		xt_ok(isr_pin_open(loop, &config, mask_self, &sink, &source,
				   NULL));
	xt_ok(isr_user_open(loop, NULL, note_sibling, NULL, &sibling));
}

START_TEST(mask_by_its_own_handler_keeps_the_rest_of_the_batch)
{
	unsigned int i, n = 7;
	/* XT_SOFT, XT_LOOP, and a user source */
	int mode = _i == 2 ? XT_MODES : _i;

	open_masking(mode);
	if (mode == XT_MODES)
		happen(USER * 2, 100);
	else
		xt_edges(0, 100);
	xt_sink_run(&sink, 7);
	for (; n + 7 <= 100; n += 7) {
		settle();
		ck_assert_uint_eq(sink.n, n);
		xt_ok(isr_source_unmask(source));
		xt_sink_run(&sink, n + 7);
	}
	xt_ok(isr_source_unmask(source));
	xt_sink_run(&sink, 100);

	for (i = 0; i < 100; i++)
		ck_assert_uint_eq(sink.events[i].line_seq, i + 1);
	ck_assert_uint_eq(sink.lost, 0);
}
END_TEST

START_TEST(mask_and_disarm_by_its_own_handler_discards_the_rest)
{
	open_masking(_i == 2 ? XT_MODES : _i);
	if (_i == 2)
		happen(USER * 2, 50);
	else
		xt_edges(0, 50);
	xt_sink_run(&sink, 7);

	xt_ok(isr_source_disarm(source));
	settle();
	ck_assert_uint_eq(xt_stats(source).delivered, 7);
	ck_assert_uint_eq(xt_stats(source).discarded, 43);
}
END_TEST

/* A reader goes on: the loop is told of more than the chip's FIFO holds. */
START_TEST(mask_of_a_soft_pin_lets_its_reader_drain)
{
	open_source(PIN * 2);
	xt_ok(isr_source_mask(source));
	xt_edges_read(source, 0, 3000);
	settle();
	ck_assert_uint_eq(sink.n, 0);

	xt_ok(isr_source_unmask(source));
	xt_sink_run(&sink, 3000);
	ck_assert_uint_eq(sink.lost, 0);
}
END_TEST

/* isr_mask() holds hard handlers up, and nothing else that the loop does. */
START_TEST(masked_loop_lets_sources_come_and_go)
{
	unsigned int n = _i / 2 == FD ? 5 : count_of(_i, 2);
	int token;

	token = isr_mask(loop);
	xt_ok(token);
	open_source(_i);
	happen(_i, 3);
	xt_ok(isr_source_disarm(source));
	xt_ok(isr_source_arm(source));
	happen(_i, 2);
	xt_ok(isr_source_mask(source));
	xt_ok(isr_source_unmask(source));
	ck_assert_uint_eq(sink.n, 0);
	xt_ok(isr_unmask(loop, token));
	xt_sink_run(&sink, n);
	ck_assert_uint_eq(sink.lost, 0);

	token = isr_mask(loop);
	xt_ok(token);
	happen(_i, 2);
	xt_ok(isr_source_close(source));
	xt_ok(isr_unmask(loop, token));
	settle();
	ck_assert_uint_eq(sink.n, n);
}
END_TEST

START_TEST(mask_bad_arguments_are_refused)
{
	xt_fails_with(EINVAL, isr_source_mask(NULL));
	xt_fails_with(EINVAL, isr_source_unmask(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source-mask");
	TCase *tcase = xt_case(suite, "source-mask");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase,
			    mask_keeps_events_and_unmask_delivers_them_in_order,
			    0, 2 * N_KINDS);
	tcase_add_loop_test(tcase, mask_keeps_what_is_fired, 0, 2 * N_KINDS);
	tcase_add_loop_test(tcase, mask_nests_by_count, 0, 2 * N_KINDS);
	tcase_add_loop_test(tcase, mask_and_disarm_discards, 0, 2 * N_KINDS);
	tcase_add_loop_test(tcase, masked_source_may_be_closed, 0, 2 * N_KINDS);
	tcase_add_loop_test(tcase,
			    mask_of_a_disarmed_source_holds_once_it_is_armed, 0,
			    2 * N_KINDS);
	tcase_add_loop_test(tcase, unmask_of_a_disarmed_source_arms_nothing, 0,
			    2 * N_KINDS);
	tcase_add_loop_test(tcase,
			    mask_by_its_own_handler_keeps_the_rest_of_the_batch,
			    0, 3);
	tcase_add_test(tcase, mask_of_a_soft_pin_lets_its_reader_drain);
	tcase_add_loop_test(tcase, masked_loop_lets_sources_come_and_go, 0,
			    2 * N_KINDS);
	tcase_add_test(tcase, mask_bad_arguments_are_refused);

	tcase = xt_case(suite, "account");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(
		tcase, mask_and_disarm_by_its_own_handler_discards_the_rest, 0,
		3);

	return xt_main(suite);
}
