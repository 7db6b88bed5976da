/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What all sources have in common. */
#include <ev.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "source.h"
#include "xt-pin.h"

static struct isr_source *open_pin(isr_handler_cb *handler, void *arg)
{
	struct isr_pin_config config = xt_pin("A", XT_SOFT);
	struct isr_source *pin;

	xt_ok(isr_pin_open(loop, &config, handler, arg, &pin, NULL));
	return pin;
}

/* One of each kind, each with something to tell. */
static void open_all(isr_handler_cb *handler, void *arg,
		     struct isr_source *ret_sources[6])
{
	struct isr_pin_config polled = xt_pin("C", XT_LOOP);

	ret_sources[0] = open_pin(handler, arg);
	/* In ISR context the handler could not close anything. */
	ret_sources[1] = xt_pin_open("B", XT_HARD);
	xt_ok(isr_pin_open(loop, &polled, handler, arg, &ret_sources[2], NULL));
	xt_ok(isr_signal_open(loop, SIGUSR1, NULL, handler, arg,
			      &ret_sources[3]));
	xt_ok(isr_fd_open(loop, STDOUT_FILENO, ISR_FD_WRITE, NULL, handler, arg,
			  &ret_sources[4]));
	xt_ok(isr_timer_open(loop, 1, 1, NULL, handler, arg, &ret_sources[5]));
	xt_edges(0, 20);
	xt_edges(1, 20);
	xt_edges(2, 20);
	raise(SIGUSR1);
	raise(SIGUSR1);
}

START_TEST(source_loop_free_closes_everything)
{
	struct isr_source *sources[6];

	open_all(xt_sink, &sink, sources);

	xt_ok(isr_loop_free(loop));
	loop = NULL;
}
END_TEST

struct closer {
	struct isr_source *sources[6];
	unsigned int n;
	bool closes_in_inner;
};

static int close_all(struct isr_source *source, const struct isr_event *event,
		     void *arg)
{
	struct closer *closer = arg;
	int i;

	closer->n++;
	for (i = 0; i < 6; i++)
		xt_ok(isr_source_close(closer->sources[i]));
	isr_loop_stop(loop);
	return 0;
}

START_TEST(source_handler_may_close_every_source)
{
	struct closer closer = {.n = 0};

	open_all(close_all, &closer, closer.sources);

	xt_ok(isr_loop_run(loop));
	xt_settle();

	ck_assert_uint_eq(closer.n, 1);
}
END_TEST

static int free_loop(struct isr_source *source, const struct isr_event *event,
		     void *arg)
{
	((struct closer *)arg)->n++;
	return isr_loop_free(loop);
}

START_TEST(source_handler_may_free_the_loop)
{
	struct closer closer = {.n = 0};

	open_all(free_loop, &closer, closer.sources);

	xt_fails_with(ECANCELED, isr_loop_run(loop));

	ck_assert_uint_eq(closer.n, 1);
	loop = NULL;
}
END_TEST

/* Called again while it runs: by libev, which it runs. */
static int close_own(struct isr_source *source, const struct isr_event *event,
		     void *arg)
{
	struct closer *closer = arg;
	uint16_t id = isr_source_get_id(source);
	bool is_inner = closer->n++;

	if (!is_inner) {
		xt_ok(isr_source_fire(source, NULL));
		ev_run(isr_loop_get_ev(loop), EVRUN_NOWAIT);
		ck_assert_uint_eq(closer->n, 2);
	}
	if (closer->sources[0] && is_inner == closer->closes_in_inner) {
		xt_ok(isr_source_close(source));
		closer->sources[0] = NULL;
	}
	if (is_inner)
		return 0;
	/* It has its number as long as its handler runs. */
	xt_ok(isr_user_open(loop, NULL, xt_sink, &sink, &closer->sources[1]));
	ck_assert_uint_ne(isr_source_get_id(closer->sources[1]), id);
	isr_loop_stop(loop);
	return 0;
}

START_TEST(source_may_be_closed_by_its_handler_that_runs_twice)
{
	struct closer closer = {.closes_in_inner = _i};
	uint16_t id;

	xt_ok(isr_user_open(loop, NULL, close_own, &closer,
			    &closer.sources[0]));
	id = isr_source_get_id(closer.sources[0]);
	xt_ok(isr_source_fire(closer.sources[0], NULL));
	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(closer.n, 2);
	/* It is gone by now. */
	xt_ok(isr_source_close(closer.sources[1]));
	xt_ok(isr_user_open(loop, NULL, xt_sink, &sink, &closer.sources[1]));
	ck_assert_uint_eq(isr_source_get_id(closer.sources[1]), id);
}
END_TEST

static int disarm_and_arm(struct isr_source *source,
			  const struct isr_event *event, void *arg)
{
	xt_sink(source, event, arg);
	xt_ok(isr_source_disarm(source));
	xt_ok(isr_source_arm(source));
	isr_loop_stop(loop);
	return 0;
}

START_TEST(source_disarm_in_its_own_handler_empties_the_batch)
{
	struct isr_source *pin = open_pin(disarm_and_arm, &sink);

	xt_edges_read(pin, 0, 50);

	xt_ok(isr_loop_run(loop));
	xt_settle();

	ck_assert_uint_eq(sink.n, 1);
	ck_assert_uint_eq(xt_stats(pin).discarded, 49);
	xt_edges(0, 1);
	while (sink.n < 2)
		xt_ok(isr_loop_run(loop));
	ck_assert_uint_eq(sink.lost, 0);
}
END_TEST

static int disarm_and_account(struct isr_source *source,
			      const struct isr_event *event, void *arg)
{
	xt_ok(isr_source_disarm(source));
	ck_assert_uint_eq(xt_stats(source).discarded, 99);
	*(struct isr_event *)arg = *event;
	isr_loop_stop(loop);
	return 0;
}

START_TEST(source_account_in_a_handler_keeps_its_event)
{
	struct isr_pin_config config = xt_pin("A", _i);
	struct isr_event seen = {0};
	struct isr_source *pin;

	xt_ok(isr_pin_open(loop, &config, disarm_and_account, &seen, &pin,
			   NULL));
	/* More than a batch: the rest waits in the chip when it disarms. */
	xt_edges(0, 100);
	if (_i == XT_SOFT)
		xt_wait_read(pin, 100);

	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(seen.line_seq, 1);
	ck_assert_uint_eq(seen.kind, ISR_EVENT_RISING);
}
END_TEST

struct witness {
	struct xt_sink *other;
	unsigned int seen; /* of other, when this one's first event came */
};

static int note_other(struct isr_source *source, const struct isr_event *event,
		      void *arg)
{
	struct witness *witness = arg;

	witness->seen = witness->other->n;
	isr_loop_stop(loop);
	return 0;
}

START_TEST(source_with_many_events_lets_others_in)
{
	struct isr_pin_config config = xt_pin("B", XT_SOFT);
	struct witness witness = {.other = &sink};
	struct isr_source *a, *b;

	a = open_pin(xt_sink, &sink);
	xt_ok(isr_pin_open(loop, &config, note_other, &witness, &b, NULL));
	xt_edges_read(a, 0, 1000);
	xt_edges(1, 1);
	xt_wait_read(b, 1);
	/* Its ring is written after that: wait for its flag as well. */
	xt_wait_until(isr_flag_peek(&b->ring.ready));

	xt_ok(isr_loop_run(loop));

	ck_assert_uint_gt(witness.seen, 0);
	ck_assert_uint_le(witness.seen,
			  ISRI_SOURCE_BATCH_EVENTS * ISRI_SOURCE_PASS_BATCHES);
	xt_sink_run(&sink, 1000);
}
END_TEST

START_TEST(source_loss_without_next_event_is_told_alone)
{
	struct isr_source *pin = open_pin(xt_sink, &sink);

	xt_edges(0, 1);
	xt_sink_run(&sink, 1);

	/* As a put does that was refused, in a handler over another put. */
	pin->ring.unreported = 3;
	isr_flag_set(&pin->ring.ready);
	xt_settle();

	ck_assert_uint_eq(sink.n_reports, 1);
	ck_assert_uint_eq(sink.last_report.kind, ISR_EVENT_LOST);
	ck_assert_uint_eq(sink.last_report.lost, 3);
	ck_assert_uint_eq(sink.last_report.line_seq, 4);
	ck_assert_uint_eq(sink.last_report.source, isr_source_get_id(pin));
	ck_assert_uint_eq(xt_stats(pin).delivered, 1);
}
END_TEST

START_TEST(source_loss_that_waits_when_disarmed_is_told_after_arming)
{
	struct isr_source *pin = open_pin(xt_sink, &sink);

	/* As above, and nobody was told before the source was disarmed. */
	pin->ring.unreported = 3;
	xt_ok(isr_source_disarm(pin));
	xt_ok(isr_source_arm(pin));
	xt_edges(0, 1);
	xt_sink_run(&sink, 1);

	ck_assert_uint_eq(sink.events[0].lost, 3);
}
END_TEST

START_TEST(source_ids_are_unique)
{
	struct isr_source *sources[6];
	int i, j;

	open_all(xt_sink, &sink, sources);

	for (i = 0; i < 6; i++) {
		ck_assert_uint_ge(isr_source_get_id(sources[i]), 1);
		for (j = 0; j < i; j++)
			ck_assert_uint_ne(isr_source_get_id(sources[i]),
					  isr_source_get_id(sources[j]));
	}
}
END_TEST

START_TEST(source_opened_and_closed_for_ever)
{
	struct isr_source *timer;
	int i;

	for (i = 0; i < 70000; i++) {
		xt_ok(isr_timer_open(loop, 0, 0, NULL, xt_sink, &sink, &timer));
		xt_ok(isr_source_close(timer));
	}
}
END_TEST

START_TEST(source_armed_and_disarmed_twice)
{
	struct isr_source *pin = open_pin(xt_sink, &sink);

	xt_ok(isr_source_arm(pin));
	xt_ok(isr_source_disarm(pin));
	xt_ok(isr_source_disarm(pin));
	xt_ok(isr_source_arm(pin));
	xt_ok(isr_source_arm(pin));

	xt_edges(0, 1);
	xt_sink_run(&sink, 1);
	ck_assert_uint_eq(xt_stamped(pin), 1);
}
END_TEST

START_TEST(source_null_is_refused)
{
	struct isr_source_stats stats;

	xt_ok(isr_source_close(NULL));
	xt_fails_with(EINVAL, isr_source_arm(NULL));
	xt_fails_with(EINVAL, isr_source_disarm(NULL));
	xt_fails_with(EINVAL, isr_source_get_stats(NULL, &stats));
	xt_fails_with(EINVAL,
		      isr_source_get_stats(open_pin(xt_sink, &sink), NULL));
	ck_assert_ptr_null(isr_source_get_failed_flag(NULL));
	ck_assert_ptr_null(isr_source_get_latency(NULL));
}
END_TEST

/* A later version may fill them: today's programs must find 0. */
START_TEST(source_results_have_room_for_later)
{
	struct isr_source *pin = open_pin(xt_sink, &sink);
	const uint64_t none[4] = {0};
	struct isr_source_stats stats;
	struct isr_pin_info pin_info;
	struct isr_line_info line_info;

	memset(&stats, 0xff, sizeof(stats));
	memset(&pin_info, 0xff, sizeof(pin_info));
	memset(&line_info, 0xff, sizeof(line_info));

	xt_ok(isr_source_get_stats(pin, &stats));
	xt_ok(isr_pin_get_info(pin, &pin_info));
	xt_ok(isr_chip_get_line_info(chip.chip, 0, &line_info));

	ck_assert_mem_eq(stats.reserved, none, sizeof(none));
	ck_assert_mem_eq(pin_info.reserved, none, sizeof(none));
	ck_assert_mem_eq(line_info.reserved, none, sizeof(none));
}
END_TEST

START_TEST(source_kinds_are_told_apart)
{
	struct isr_source *timer;
	struct isr_pin_info info;
	int value;

	xt_ok(isr_timer_open(loop, 0, 0, NULL, xt_sink, &sink, &timer));

	xt_fails_with(EINVAL, isr_fd_set_events(timer, ISR_FD_READ));
	xt_fails_with(EINVAL, isr_pin_get_info(timer, &info));
	xt_fails_with(EINVAL, isr_pin_get_value(timer, &value));
}
END_TEST

static void *set_elsewhere(void *arg)
{
	struct isr_source **sources = arg;

	xt_fails_with(EPERM, isr_fd_set_events(sources[0], 0));
	xt_fails_with(EPERM, isr_timer_set(sources[1], 1, 0));
	return NULL;
}

START_TEST(source_of_another_thread_is_not_changed)
{
	struct isr_source *sources[2];
	pthread_t thread;

	xt_ok(isr_fd_open(loop, STDOUT_FILENO, 0, NULL, xt_sink, &sink,
			  &sources[0]));
	xt_ok(isr_timer_open(loop, 0, 0, NULL, xt_sink, &sink, &sources[1]));

	ck_assert_int_eq(pthread_create(&thread, NULL, set_elsewhere, sources),
			 0);
	pthread_join(thread, NULL);

	xt_settle();
	ck_assert_uint_eq(sink.n, 0);
}
END_TEST

static int close_other(struct isr_source *source, const struct isr_event *event,
		       void *arg)
{
	xt_ok(isr_source_close(*(struct isr_source **)arg));
	isr_loop_stop(loop);
	return 0;
}

static void close_in_flag(struct isr_flag *flag, uint32_t count, void *arg)
{
	xt_ok(isr_source_close(arg));
	isr_loop_stop(loop);
}

static int return_error(struct isr_source *source,
			const struct isr_event *event, void *arg)
{
	return -EIO;
}

START_TEST(source_may_be_closed_by_its_failed_flag)
{
	struct isr_source *pin = open_pin(return_error, NULL);

	xt_ok(isr_flag_set_cb(isr_source_get_failed_flag(pin), close_in_flag,
			      pin));
	xt_edges(0, 10);

	xt_ok(isr_loop_run(loop));
	xt_settle();
}
END_TEST

START_TEST(source_with_full_ring_may_be_closed_by_another)
{
	struct isr_source *pin = open_pin(xt_sink, &sink), *timer;

	xt_edges_read(pin, 0, 500);
	xt_ok(isr_timer_open(loop, 1, 0, NULL, close_other, &pin, &timer));

	xt_ok(isr_loop_run(loop));
	xt_settle();

	ck_assert_uint_le(sink.n, 500);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source");
	TCase *tcase;

	tcase = xt_case(suite, "end");
	tcase_add_checked_fixture(tcase, xt_chip_setup, xt_chip_teardown);
	tcase_add_test(tcase, source_loop_free_closes_everything);
	tcase_add_test(tcase, source_handler_may_close_every_source);
	tcase_add_test(tcase, source_handler_may_free_the_loop);
	tcase_add_loop_test(tcase,
			    source_may_be_closed_by_its_handler_that_runs_twice,
			    0, 2);
	tcase_add_test(tcase, source_may_be_closed_by_its_failed_flag);
	tcase_add_test(tcase, source_with_full_ring_may_be_closed_by_another);
	tcase_add_test(tcase, source_opened_and_closed_for_ever);

	tcase = xt_case(suite, "delivery");
	tcase_add_checked_fixture(tcase, xt_chip_setup, xt_chip_teardown);
	tcase_add_test(tcase,
		       source_disarm_in_its_own_handler_empties_the_batch);
	tcase_add_loop_test(tcase, source_account_in_a_handler_keeps_its_event,
			    XT_SOFT, XT_HARD);
	tcase_add_test(tcase, source_with_many_events_lets_others_in);
	tcase_add_test(tcase, source_loss_without_next_event_is_told_alone);
	tcase_add_test(
		tcase,
		source_loss_that_waits_when_disarmed_is_told_after_arming);
	tcase_add_test(tcase, source_armed_and_disarmed_twice);

	tcase = xt_case(suite, "interface");
	tcase_add_checked_fixture(tcase, xt_chip_setup, xt_chip_teardown);
	tcase_add_test(tcase, source_ids_are_unique);
	tcase_add_test(tcase, source_null_is_refused);
	tcase_add_test(tcase, source_results_have_room_for_later);
	tcase_add_test(tcase, source_of_another_thread_is_not_changed);
	tcase_add_test(tcase, source_kinds_are_told_apart);

	return xt_main(suite);
}
