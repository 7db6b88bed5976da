/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Pin sources: disarmed, failing, closed in every way, and what is refused.
 */
#include <signal.h>
#include <stdio.h>

#include "xt-pin.h"

static struct isr_source *pin;

static void setup(void)
{
	xt_chip_setup();
	pin = NULL;
}

START_TEST(pin_disarmed_discards)
{
	pin = xt_pin_open("A", _i);
	xt_edges(0, 10);
	xt_sink_run(&sink, 10);

	xt_ok(isr_source_disarm(pin));
	xt_edges(0, 50);
	xt_settle();
	ck_assert_uint_eq(xt_stats(pin).discarded, 50);
	xt_ok(isr_source_arm(pin));
	xt_edges(0, 5);
	xt_sink_run(&sink, 15);

	ck_assert_uint_eq(sink.events[10].line_seq, 61);
	ck_assert_uint_eq(sink.lost, 0);
	ck_assert_uint_eq(xt_stats(pin).lost_kernel, 0);
	ck_assert_uint_eq(xt_stats(pin).discarded, 50);
	ck_assert_uint_eq(xt_stats(pin).delivered, 15);
}
END_TEST

START_TEST(pin_disarmed_discards_what_the_fifo_loses)
{
	pin = xt_pin_open("A", _i);
	xt_ok(isr_source_disarm(pin));
	xt_edges(0, 2000);
	xt_ok(isr_source_arm(pin));
	xt_edges(0, 1);

	xt_sink_run(&sink, 1);

	ck_assert_uint_eq(sink.events[0].line_seq, 2001);
	ck_assert_uint_eq(sink.lost, 0);
	ck_assert_uint_eq(xt_stats(pin).discarded, 2000);
	ck_assert_uint_eq(xt_stamped(pin), 2001);
}
END_TEST

START_TEST(pin_disarm_discards_what_waits_in_the_ring)
{
	pin = xt_pin_open("A", XT_SOFT);
	xt_edges_read(pin, 0, 10);

	xt_ok(isr_source_disarm(pin));
	xt_settle();

	ck_assert_uint_eq(sink.n, 0);
	ck_assert_uint_eq(xt_stats(pin).discarded, 10);
}
END_TEST

START_TEST(pin_losses_that_wait_when_disarmed_are_told_after_arming)
{
	struct isr_pin_config config = xt_pin("A", XT_SOFT);

	config.ring_events = 16;
	xt_ok(isr_pin_open(loop, &config, xt_sink, &sink, &pin, NULL));
	xt_edges_read(pin, 0, 100);

	xt_ok(isr_source_disarm(pin));
	xt_edges(0, 7);
	xt_ok(isr_source_arm(pin));
	xt_edges(0, 2);
	xt_sink_run(&sink, 2);

	ck_assert_uint_eq(sink.events[0].lost, 84);
	ck_assert_uint_eq(sink.lost, 84);
	ck_assert_uint_eq(xt_stats(pin).lost_ring, 84);
	ck_assert_uint_eq(xt_stats(pin).discarded, 16 + 7);
	ck_assert_uint_eq(xt_stamped(pin), 109);
}
END_TEST

static void note_failed(struct isr_flag *flag, uint32_t count, void *arg)
{
	*(unsigned int *)arg += count;
	isr_loop_stop(loop);
}

START_TEST(pin_failing_handler_runs_once_and_spares_its_sibling)
{
	struct isr_pin_config config = xt_pin("B", _i);
	static struct xt_sink sibling;
	struct isr_source *other;
	unsigned int failures = 0;

	memset(&sibling, 0, sizeof(sibling));
	sibling.loop = loop;
	pin = xt_pin_open("A", _i);
	xt_ok(isr_pin_open(loop, &config, xt_sink, &sibling, &other, NULL));
	xt_ok(isr_flag_set_cb(isr_source_get_failed_flag(pin), note_failed,
			      &failures));
	sink.result = -EIO;

	xt_edges(0, 100);
	xt_edges(1, 100);
	while (!failures)
		xt_ok(isr_loop_run(loop));
	xt_sink_run(&sibling, 100);

	ck_assert_uint_eq(sink.n, 1);
	ck_assert_uint_eq(sibling.n, 100);
	ck_assert_uint_eq(failures, 1);
	ck_assert_uint_eq(xt_stats(pin).failed, 1);
	ck_assert_int_eq(xt_stats(pin).last_error, -EIO);
	ck_assert_uint_eq(xt_stats(pin).discarded, 99);
	ck_assert_uint_eq(xt_stats(other).failed, 0);

	sink.result = 0;
	xt_ok(isr_source_arm(pin));
	xt_edges(0, 10);
	xt_sink_run(&sink, 11);
	ck_assert_uint_eq(sink.lost, 0);
	ck_assert_uint_eq(xt_stamped(pin), 110);
}
END_TEST

static int close_self(struct isr_source *source, const struct isr_event *event,
		      void *arg)
{
	struct xt_sink *s = arg;

	s->n++;
	xt_ok(isr_source_close(source));
	/* Still there until we return, and armed never again. */
	ck_assert_uint_eq(isr_source_get_id(source), event->source);
	xt_fails_with(EINVAL, isr_source_arm(source));
	isr_loop_stop(s->loop);
	return 0;
}

START_TEST(pin_may_be_closed_by_its_own_handler)
{
	struct isr_pin_config config = xt_pin("A", _i);

	xt_ok(isr_pin_open(loop, &config, close_self, &sink, &pin, NULL));
	xt_edges(0, 100);

	xt_ok(isr_loop_run(loop));
	xt_settle();

	ck_assert_uint_eq(sink.n, 1);
	/* The line is free again. */
	pin = xt_pin_open("A", _i);
}
END_TEST

static int open_again(struct isr_source *source, const struct isr_event *event,
		      void *arg)
{
	struct isr_pin_config config = xt_pin("A", *(const int *)arg);
	struct isr_source_stats stats;
	struct isr_pin_info info;
	int level;

	xt_ok(isr_source_close(source));
	xt_ok(isr_source_close(source));
	xt_ok(isr_pin_open(loop, &config, xt_sink, &sink, &pin, NULL));
	/* What is closed has an account yet, but no line. */
	xt_ok(isr_source_get_stats(source, &stats));
	ck_assert_uint_eq(stats.delivered, 1);
	xt_fails_with(EINVAL, isr_pin_get_value(source, &level));
	xt_fails_with(EINVAL, isr_pin_get_info(source, &info));
	isr_loop_stop(loop);
	return 0;
}

START_TEST(line_may_be_opened_again_by_the_handler_that_has_closed_it)
{
	struct isr_pin_config config = xt_pin("A", _i);
	int mode = _i;

	xt_ok(isr_pin_open(loop, &config, open_again, &mode, &pin, NULL));
	xt_edges(0, 1);
	xt_ok(isr_loop_run(loop));
	xt_edges(0, 10);
	xt_sink_run(&sink, 10);

	ck_assert_uint_eq(sink.n, 10);
}
END_TEST

static struct isr_source *victims[2];

static int close_victims(struct isr_source *source,
			 const struct isr_event *event, void *arg)
{
	struct xt_sink *s = arg;
	int i;

	for (i = 0; i < 2; i++) {
		if (victims[i] && victims[i] != source) {
			xt_ok(isr_source_close(victims[i]));
			victims[i] = NULL;
		}
	}
	return xt_sink(source, event, s);
}

START_TEST(pin_may_be_closed_by_the_handler_of_another)
{
	struct isr_pin_config a = xt_pin("A", _i);
	struct isr_pin_config b = xt_pin("B", _i);

	/* Whichever comes first closes the other, whose events wait. */
	xt_ok(isr_pin_open(loop, &a, close_victims, &sink, &victims[0], NULL));
	xt_ok(isr_pin_open(loop, &b, close_victims, &sink, &victims[1], NULL));
	xt_edges(0, 100);
	xt_edges(1, 100);

	xt_sink_run(&sink, 100);
	xt_settle();

	ck_assert_uint_eq(sink.n, 100);
	ck_assert(!victims[0] != !victims[1]);
}
END_TEST

static int free_loop(struct isr_source *source, const struct isr_event *event,
		     void *arg)
{
	(*(unsigned int *)arg)++;
	xt_ok(isr_loop_free(loop));
	return 0;
}

START_TEST(pin_handler_may_free_the_loop)
{
	struct isr_pin_config config = xt_pin("A", _i);
	unsigned int n = 0;

	xt_ok(isr_pin_open(loop, &config, free_loop, &n, &pin, NULL));
	xt_edges(0, 10);

	xt_fails_with(ECANCELED, isr_loop_run(loop));

	ck_assert_uint_eq(n, 1);
	loop = NULL;
}
END_TEST

static unsigned int n_warnings;
static char last_warning[200];

static void note_warning(enum isr_log_level level, const char *message,
			 void *arg)
{
	/* No real-time priority for the IRQ thread is a notice. */
	if (level > ISR_LOG_WARNING)
		return;
	n_warnings++;
	snprintf(last_warning, sizeof(last_warning), "%s", message);
}

START_TEST(pin_failing_handler_is_logged_once)
{
	unsigned int failures = 0;

	n_warnings = 0;
	xt_ok(isr_loop_set_log_cb(loop, note_warning, NULL));
	sink.result = -EPROTO;
	pin = xt_pin_open("A", _i);
	/* Set after the message is due, so delivered after it as well. */
	xt_ok(isr_flag_set_cb(isr_source_get_failed_flag(pin), note_failed,
			      &failures));

	xt_edges(0, 5);
	while (!failures)
		xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(n_warnings, 1);
	ck_assert_msg(strstr(last_warning, strerror(EPROTO)) != NULL, "%s",
		      last_warning);
}
END_TEST

static int try_loop_class(struct isr_source *source,
			  const struct isr_event *event, void *arg)
{
	struct isr_source_stats stats;
	struct isr_pin_info info;
	struct isr_source *ret = NULL;
	struct isr_pin_config config = {.sz = sizeof(config), .line = "B"};
	struct xt_sink *s = arg;
	int value;

	s->result = 0;
	s->result |= isr_source_arm(source) != -EPERM;
	s->result |= isr_source_disarm(source) != -EPERM;
	s->result |= isr_source_close(source) != -EPERM;
	s->result |= isr_source_get_stats(source, &stats) != -EPERM;
	s->result |= isr_source_get_failed_flag(source) != NULL;
	s->result |= isr_source_get_latency(source) != NULL;
	s->result |= isr_pin_get_info(source, &info) != -EPERM;
	s->result |= isr_pin_get_value(source, &value) != -EPERM;
	s->result |= isr_pin_open(s->loop, &config, try_loop_class, s, &ret,
				  NULL) != -EPERM;
	s->result |= isr_fd_open(s->loop, 0, 0, NULL, try_loop_class, s,
				 &ret) != -EPERM;
	s->result |= isr_timer_open(s->loop, 0, 0, NULL, try_loop_class, s,
				    &ret) != -EPERM;
	s->result |= isr_signal_open(s->loop, SIGUSR1, NULL, try_loop_class, s,
				     &ret) != -EPERM;
	s->result |= ret != NULL;
	s->n++;
	isr_loop_stop(s->loop);
	return 0;
}

START_TEST(pin_hard_handler_may_not_call_the_loop_class)
{
	struct isr_pin_config config = xt_pin("A", XT_HARD);

	xt_ok(isr_pin_open(loop, &config, try_loop_class, &sink, &pin, NULL));
	xt_edges(0, 1);

	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(sink.n, 1);
	ck_assert_int_eq(sink.result, 0);
}
END_TEST

static void *try_in_thread(void *arg)
{
	static const struct isr_event event;

	try_loop_class(pin, &event, arg);
	return NULL;
}

START_TEST(pin_other_threads_may_not_call_the_loop_class)
{
	pthread_t thread;

	pin = xt_pin_open("A", XT_SOFT);
	ck_assert_int_eq(pthread_create(&thread, NULL, try_in_thread, &sink),
			 0);

	pthread_join(thread, NULL);

	ck_assert_int_eq(sink.result, 0);
}
END_TEST

START_TEST(pin_tells_what_it_is)
{
	struct isr_pin_config config = xt_pin("B", XT_LOOP);
	struct isr_pin_info info;
	int value;

	config.fifo_events = 100; /* the kernel rounds up, and so do we */
	xt_ok(isr_pin_open(loop, &config, xt_sink, &sink, &pin, NULL));

	xt_ok(isr_pin_get_info(pin, &info));
	ck_assert_str_eq(info.chip_name, chip.spec);
	ck_assert_str_eq(info.chip_label, "by-hand");
	ck_assert_str_eq(info.line_name, "B");
	ck_assert_uint_eq(info.offset, 1);
	ck_assert_uint_eq(info.fifo_events, 128);
	ck_assert(info.simulated == !chip.is_real);
	xt_ok(isr_pin_get_value(pin, &value));
	ck_assert_int_eq(value, 0);
	xt_edges(1, 1);
	xt_ok(isr_pin_get_value(pin, &value));
	ck_assert_int_eq(value, 1);
}
END_TEST

/* Each a config that must be refused. */
static const struct {
	const char *fault;
	size_t offset;
	uint32_t value;
} bad[] = {
#define BAD(member, v)                                              \
	{                                                           \
#member, offsetof(struct isr_pin_config, member), v \
	}
	BAD(edge, 4),	     BAD(bias, 4),
	BAD(clock, 3),	     BAD(reader, 2),
	BAD(find_flags, 4),  BAD(ring_events, 3),
	BAD(ring_events, 1), BAD(ring_events, 1U << 25),
#undef BAD
};

START_TEST(pin_bad_config_is_refused)
{
	struct isr_pin_config config = xt_pin("A", XT_SOFT);
	struct isr_error error = {0};

	memcpy((char *)&config + bad[_i].offset, &bad[_i].value,
	       sizeof(bad[_i].value));

	xt_fails_with(EINVAL, isr_pin_open(loop, &config, xt_sink, &sink, &pin,
					   &error));
	ck_assert_int_eq(error.code, -EINVAL);
	ck_assert(error.message[0]);
	ck_assert_ptr_null(pin);
}
END_TEST

START_TEST(pin_hard_handler_needs_the_thread)
{
	struct isr_pin_config config = xt_pin("A", XT_HARD);

	config.reader = ISR_READER_LOOP;

	xt_fails_with(EINVAL,
		      isr_pin_open(loop, &config, xt_sink, &sink, &pin, NULL));
}
END_TEST

START_TEST(pin_needs_a_line_a_handler_and_a_place)
{
	struct isr_pin_config config = xt_pin("A", XT_SOFT);
	struct isr_pin_config none = xt_pin(NULL, XT_SOFT);

	xt_fails_with(EINVAL,
		      isr_pin_open(NULL, &config, xt_sink, &sink, &pin, NULL));
	xt_fails_with(EINVAL,
		      isr_pin_open(loop, NULL, xt_sink, &sink, &pin, NULL));
	xt_fails_with(EINVAL,
		      isr_pin_open(loop, &config, NULL, &sink, &pin, NULL));
	xt_fails_with(EINVAL,
		      isr_pin_open(loop, &config, xt_sink, &sink, NULL, NULL));
	xt_fails_with(EINVAL,
		      isr_pin_open(loop, &none, xt_sink, &sink, &pin, NULL));
}
END_TEST

START_TEST(pin_config_of_a_later_version)
{
	struct {
		struct isr_pin_config config;
		uint64_t later;
	} big = {.config = xt_pin("A", XT_SOFT)};

	big.config.sz = sizeof(big);
	xt_ok(isr_pin_open(loop, &big.config, xt_sink, &sink, &pin, NULL));
	xt_ok(isr_source_close(pin));
	big.later = 1;
	xt_fails_with(E2BIG, isr_pin_open(loop, &big.config, xt_sink, &sink,
					  &pin, NULL));
	big.config.sz = sizeof(big.config) - 1;
	xt_fails_with(EINVAL, isr_pin_open(loop, &big.config, xt_sink, &sink,
					   &pin, NULL));
}
END_TEST

START_TEST(pin_unknown_line_and_busy_line)
{
	struct isr_pin_config config = xt_pin("NOWHERE", _i);
	struct isr_source *second = NULL;
	struct isr_error error = {0};

	xt_fails_with(ENOENT, isr_pin_open(loop, &config, xt_sink, &sink, &pin,
					   &error));
	ck_assert_int_eq(error.code, -ENOENT);
	pin = xt_pin_open("A", _i);
	config.line = "A";
	xt_fails_with(EBUSY, isr_pin_open(loop, &config, xt_sink, &sink,
					  &second, &error));
	ck_assert_int_eq(error.code, -EBUSY);
	ck_assert_ptr_null(second);
}
END_TEST

static atomic_bool flooding;

static void *flood(void *arg)
{
	while (atomic_load(&flooding))
		xt_toggle(0);
	return NULL;
}

static int count(struct isr_source *source, const struct isr_event *event,
		 void *arg)
{
	atomic_fetch_add((atomic_uint *)arg, 1);
	return 0;
}

/* n handlers must run before the next step, unless the loop runs them. */
static void wait_for(atomic_uint *n, unsigned int at_least)
{
	while (atomic_load(n) < at_least)
		xt_ok(isr_loop_dispatch(loop));
}

START_TEST(pin_no_handler_runs_after_close_or_disarm)
{
	struct isr_pin_config config = xt_pin("A", _i);
	atomic_uint n;
	unsigned int i, seen;
	pthread_t thread;

	atomic_init(&n, 0);
	atomic_store(&flooding, true);
	ck_assert_int_eq(pthread_create(&thread, NULL, flood, NULL), 0);
	for (i = 0; i < 20; i++) {
		xt_ok(isr_pin_open(loop, &config, count, &n, &pin, NULL));
		wait_for(&n, atomic_load(&n) + 10);

		xt_ok(isr_source_disarm(pin));
		seen = atomic_load(&n);
		xt_settle();
		ck_assert_uint_eq(atomic_load(&n), seen);

		xt_ok(isr_source_arm(pin));
		wait_for(&n, seen + 10);
		xt_ok(isr_source_close(pin));
		seen = atomic_load(&n);
		xt_settle();
		ck_assert_uint_eq(atomic_load(&n), seen);
	}
	atomic_store(&flooding, false);
	pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pin-end");
	TCase *tcase;

	tcase = xt_case(suite, "disarm");
	tcase_add_checked_fixture(tcase, setup, xt_chip_teardown);
	tcase_add_loop_test(tcase, pin_disarmed_discards, 0, XT_MODES);
	tcase_add_loop_test(tcase, pin_disarmed_discards_what_the_fifo_loses, 0,
			    XT_MODES);
	tcase_add_test(tcase, pin_disarm_discards_what_waits_in_the_ring);
	tcase_add_test(
		tcase,
		pin_losses_that_wait_when_disarmed_are_told_after_arming);
	tcase_add_loop_test(
		tcase, pin_failing_handler_runs_once_and_spares_its_sibling, 0,
		XT_MODES);

	tcase = xt_case(suite, "close");
	tcase_add_checked_fixture(tcase, setup, xt_chip_teardown);
	tcase_add_loop_test(tcase, pin_may_be_closed_by_its_own_handler,
			    XT_SOFT, XT_HARD);
	tcase_add_loop_test(
		tcase,
		line_may_be_opened_again_by_the_handler_that_has_closed_it,
		XT_SOFT, XT_HARD);
	tcase_add_loop_test(tcase, pin_may_be_closed_by_the_handler_of_another,
			    XT_SOFT, XT_HARD);
	tcase_add_loop_test(tcase, pin_failing_handler_is_logged_once, 0,
			    XT_MODES);
	tcase_add_loop_test(tcase, pin_handler_may_free_the_loop, XT_SOFT,
			    XT_HARD);
	tcase_add_loop_test(tcase, pin_no_handler_runs_after_close_or_disarm, 0,
			    XT_MODES);

	tcase = xt_case(suite, "interface");
	tcase_add_checked_fixture(tcase, setup, xt_chip_teardown);
	tcase_add_test(tcase, pin_hard_handler_may_not_call_the_loop_class);
	tcase_add_test(tcase, pin_other_threads_may_not_call_the_loop_class);
	tcase_add_test(tcase, pin_tells_what_it_is);
	tcase_add_loop_test(tcase, pin_bad_config_is_refused, 0,
			    sizeof(bad) / sizeof(*bad));
	tcase_add_test(tcase, pin_hard_handler_needs_the_thread);
	tcase_add_test(tcase, pin_needs_a_line_a_handler_and_a_place);
	tcase_add_test(tcase, pin_config_of_a_later_version);
	tcase_add_loop_test(tcase, pin_unknown_line_and_busy_line, 0, XT_MODES);

	return xt_main(suite);
}
