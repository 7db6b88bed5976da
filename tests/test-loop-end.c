/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The end of a loop while the program is inside one of its callbacks: what it
 * may still do with the loop, and what it is told.
 */
#include <ev.h>
#include <signal.h>

#include <isrloop/byte-ring.h>
#include <isrloop/latch.h>
#include <isrloop/mask.h>

#include "xt-pin.h"

/*
 * Nothing begins on a loop that ends
 */
static struct objects {
	struct isr_flag flag;
	struct isr_ring ring;
	struct isr_event slots[2];
	struct isr_latch latch;
	uint64_t values[3];
	struct isr_byte_ring byte_ring;
	unsigned char bytes[8];
	struct isr_source *source;
} objects, objects_before;

static int begin_flag(void)
{
	return isr_flag_init(&objects.flag, loop, ISR_FLAG_AUTO);
}

static int begin_ring(void)
{
	return isr_ring_init(&objects.ring, loop, objects.slots, 2,
			     ISR_RING_DROP_NEW);
}

static int begin_latch(void)
{
	return isr_latch_init(&objects.latch, loop, objects.values,
			      sizeof(objects.values[0]));
}

static int begin_byte_ring(void)
{
	return isr_byte_ring_init(&objects.byte_ring, loop, objects.bytes,
				  sizeof(objects.bytes));
}

static int begin_signal(void)
{
	return isr_signal_open(loop, SIGUSR1, &xt_hard, xt_sink, &sink,
			       &objects.source);
}

static int begin_timer(void)
{
	return isr_timer_open(loop, 1, 1, &xt_hard, xt_sink, &sink,
			      &objects.source);
}

static int begin_fd(void)
{
	return isr_fd_open(loop, 0, 0, NULL, xt_sink, &sink, &objects.source);
}

static int begin_user(void)
{
	return isr_user_open(loop, &xt_hard, xt_sink, &sink, &objects.source);
}

static int begin_pin(void)
{
	struct isr_pin_config config = xt_pin("A", XT_SOFT);

	return isr_pin_open(loop, &config, xt_sink, &sink, &objects.source,
			    NULL);
}

static int begin_section(void)
{
	return isr_mask(loop);
}

static int begin_to_be_watched(void)
{
	return isr_loop_get_fd(loop);
}

static int (*const beginnings[])(void) = {
	begin_flag,	 begin_ring,	      begin_latch,
	begin_byte_ring, begin_signal,	      begin_timer,
	begin_fd,	 begin_user,	      begin_pin,
	begin_section,	 begin_to_be_watched,
};

#define BEGINNINGS ((int)(sizeof(beginnings) / sizeof(beginnings[0])))

static int result;

static void begin(int i)
{
	/* No object was ever like this. */
	memset(&objects, 0xa5, sizeof(objects));
	objects_before = objects;
	result = beginnings[i]();
}

static void check_refused(void)
{
	ck_assert_int_eq(result, -ECANCELED);
	ck_assert_mem_eq(&objects, &objects_before, sizeof(objects));
	loop = NULL;
}

static void free_and_begin(void *arg)
{
	xt_ok(isr_loop_free(loop));
	begin(*(int *)arg);
}

START_TEST(end_lets_nothing_begin_in_the_callback_that_freed_it)
{
	xt_ok(isr_schedule(loop, free_and_begin, &_i));
	xt_fails_with(ECANCELED, isr_loop_run(loop));

	check_refused();
}
END_TEST

static void begin_at_record(const struct isr_emerg *record, void *arg)
{
	begin(*(int *)arg);
}

START_TEST(end_lets_nothing_begin_while_it_is_freed)
{
	xt_ok(isr_emerg_set_cb(loop, begin_at_record, &_i));
	xt_fails_with(EINVAL, isr_unmask(loop, 1));
	xt_ok(isr_loop_free(loop));

	check_refused();
}
END_TEST

static void run_at_record(const struct isr_emerg *record, void *arg)
{
	struct ev_loop *ev = arg;

	result = isr_loop_run(loop);
	if (ev)
		ev_run(ev, EVRUN_NOWAIT);
}

START_TEST(end_is_not_come_to_by_running_the_loop)
{
	struct ev_loop *ev = _i ? ev_loop_new(EVFLAG_AUTO) : NULL;
	struct isr_loop *ended = loop;

	if (ev)
		xt_ok(isr_loop_attach(ev, NULL, &loop));
	xt_ok(isr_emerg_set_cb(loop, run_at_record, ev));
	xt_fails_with(EINVAL, isr_unmask(loop, 1));
	xt_ok(isr_loop_free(loop));

	ck_assert_int_eq(result, -EBUSY);
	loop = ev ? ended : NULL;
	if (ev)
		ev_loop_destroy(ev);
}
END_TEST

/*
 * The last records
 */
static struct isr_emerg told;
static unsigned int n_told;

static void take_down(const struct isr_emerg *record, void *arg)
{
	told = *record;
	n_told++;
}

static int free_and_fail(struct isr_source *source,
			 const struct isr_event *event, void *arg)
{
	xt_ok(isr_loop_free(loop));
	return -EIO;
}

static void fire_the_last_event(void)
{
	const struct isr_source_options options = {.name = "the last"};
	struct isr_source *source;

	n_told = 0;
	xt_ok(isr_user_open(loop, &options, free_and_fail, NULL, &source));
	xt_ok(isr_source_fire(source, NULL));
}

static void check_told(void)
{
	loop = NULL;
	ck_assert_uint_eq(n_told, 1);
	ck_assert_uint_eq(told.kind, ISR_EMERG_FAILED);
	ck_assert_int_eq(told.code, -EIO);
	ck_assert_str_eq(told.source_name, "the last");
}

START_TEST(end_tells_the_failure_of_the_handler_that_freed_it)
{
	xt_ok(isr_emerg_set_cb(loop, take_down, NULL));
	fire_the_last_event();

	xt_fails_with(ECANCELED,
		      _i ? isr_loop_dispatch(loop) : isr_loop_run(loop));

	check_told();
}
END_TEST

START_TEST(end_in_a_foreign_loop_tells_the_last_failure)
{
	struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO);

	xt_ok(isr_loop_free(loop));
	xt_ok(isr_loop_attach(ev, NULL, &loop));
	xt_ok(isr_emerg_set_cb(loop, take_down, NULL));
	fire_the_last_event();

	ck_assert_int_eq(ev_run(ev, 0), 0);

	check_told();
	ev_loop_destroy(ev);
}
END_TEST

static void take_down_message(enum isr_log_level level, const char *message,
			      void *arg)
{
	if (level == ISR_LOG_WARNING && strstr(message, "the handler failed"))
		n_told++;
}

START_TEST(end_tells_the_last_failure_to_the_log)
{
	xt_ok(isr_loop_set_log_cb(loop, take_down_message, NULL));
	fire_the_last_event();

	xt_fails_with(ECANCELED, isr_loop_run(loop));

	loop = NULL;
	ck_assert_uint_eq(n_told, 1);
}
END_TEST

static void free_and_take(void *arg)
{
	struct isr_emerg record;

	xt_ok(isr_loop_free(loop));
	xt_fails_with(EINVAL, isr_unmask(loop, 1));
	ck_assert_int_eq(isr_emerg_take(loop, &record), 1);
	isr_fail(-EIO, "and more");
	xt_ok(isr_emerg_set_cb(loop, NULL, NULL));
}

START_TEST(end_tells_nothing_to_who_has_asked_not_to_be_told)
{
	n_told = 0;
	xt_ok(isr_emerg_set_cb(loop, take_down, NULL));
	xt_ok(isr_schedule(loop, free_and_take, NULL));

	xt_fails_with(ECANCELED, isr_loop_run(loop));

	loop = NULL;
	ck_assert_uint_eq(n_told, 0);
}
END_TEST

static void try_everything(const struct isr_emerg *record, void *arg)
{
	struct isr_loop_stats stats;
	struct isr_emerg none;

	take_down(record, arg);
	xt_ok(isr_loop_free(loop));
	xt_fails_with(EBUSY, isr_loop_run(loop));
	xt_fails_with(ECANCELED, isr_mask(loop));
	ck_assert_int_eq(isr_emerg_take(loop, &none), 0);
	xt_ok(isr_loop_get_stats(loop, &stats));
}

START_TEST(end_has_a_loop_in_the_callback_of_its_last_record)
{
	xt_ok(isr_emerg_set_cb(loop, try_everything, NULL));
	fire_the_last_event();

	xt_fails_with(ECANCELED, isr_loop_run(loop));

	check_told();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop end");
	TCase *tcase;

	tcase = xt_case(suite, "end");
	tcase_add_checked_fixture(tcase, xt_chip_setup, xt_chip_teardown);
	tcase_add_loop_test(
		tcase, end_lets_nothing_begin_in_the_callback_that_freed_it, 0,
		BEGINNINGS);
	tcase_add_loop_test(tcase, end_lets_nothing_begin_while_it_is_freed, 0,
			    BEGINNINGS);
	tcase_add_loop_test(tcase, end_is_not_come_to_by_running_the_loop, 0,
			    2);
	tcase_add_loop_test(tcase,
			    end_tells_the_failure_of_the_handler_that_freed_it,
			    0, 2);
	tcase_add_test(tcase, end_in_a_foreign_loop_tells_the_last_failure);
	tcase_add_test(tcase, end_tells_the_last_failure_to_the_log);
	tcase_add_test(tcase,
		       end_tells_nothing_to_who_has_asked_not_to_be_told);
	tcase_add_test(tcase,
		       end_has_a_loop_in_the_callback_of_its_last_record);

	return xt_main(suite);
}
