/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The ready-made handlers, hard and soft, on signals. */
#include <signal.h>
#include <unistd.h>

#include <isrloop/latch.h>
#include <isrloop/ring.h>

#include "xt-source.h"

static struct isr_source *source;
static struct isr_flag flag;
static struct isr_ring ring;
static struct isr_latch latch;
static struct isr_event slots[8], latch_slots[3], got[8];

static const struct isr_event reports[] = {
	{.kind = ISR_EVENT_LOST, .lost = 5},
	{.kind = ISR_EVENT_CHIP_LOST, .value = -ENODEV},
};

static void setup(void)
{
	xt_loop_setup();
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_ring_init(&ring, loop, slots, 8, ISR_RING_DROP_NEW));
	xt_ok(isr_latch_init(&latch, loop, latch_slots, sizeof(got[0])));
}

static void raise_three(bool hard, isr_handler_cb *handler, void *arg)
{
	struct isr_source_options options = {.hard = hard};
	int i;

	xt_ok(isr_signal_open(loop, SIGRTMIN, &options, handler, arg, &source));
	for (i = 1; i <= 3; i++)
		ck_assert_int_eq(sigqueue(getpid(), SIGRTMIN,
					  (union sigval){.sival_int = i}),
				 0);
	if (!hard)
		xt_settle();
}

START_TEST(to_flag_sets_it_once_an_event)
{
	raise_three(_i, isr_to_flag, &flag);

	ck_assert_int_eq(isr_flag_take(&flag), 3);
	ck_assert_uint_eq(xt_stats(source).delivered, 3);
}
END_TEST

START_TEST(to_flag_is_not_set_by_a_report)
{
	ck_assert_int_eq(isr_to_flag(NULL, &reports[_i], &flag), 0);

	ck_assert_int_eq(isr_flag_take(&flag), 0);
}
END_TEST

START_TEST(to_ring_puts_every_event_in_order)
{
	int i;

	raise_three(_i, isr_to_ring, &ring);

	ck_assert_int_eq(isr_ring_get(&ring, got, 8), 3);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(got[i].value, i + 1);
		ck_assert_uint_eq(got[i].kind, ISR_EVENT_SIGNAL);
		ck_assert_uint_eq(got[i].source, isr_source_get_id(source));
	}
}
END_TEST

START_TEST(to_ring_that_is_full_counts_and_goes_on)
{
	struct isr_event event = {.kind = ISR_EVENT_USER};
	int i;

	for (i = 0; i < 10; i++)
		ck_assert_int_eq(isr_to_ring(NULL, &event, &ring), 0);

	ck_assert_uint_eq(isr_ring_get_lost_total(&ring), 2);
}
END_TEST

START_TEST(to_ring_puts_reports_with_what_they_tell)
{
	ck_assert_int_eq(isr_to_ring(NULL, &reports[0], &ring), 0);

	ck_assert_int_eq(isr_ring_get(&ring, got, 8), 1);
	ck_assert_uint_eq(got[0].kind, ISR_EVENT_LOST);
	ck_assert_uint_eq(got[0].lost, 5);
}
END_TEST

START_TEST(to_latch_keeps_the_latest_event)
{
	uint32_t generation;

	raise_three(_i, isr_to_latch, &latch);

	ck_assert_int_eq(isr_latch_load(&latch, got, &generation), 1);
	ck_assert_int_eq(got[0].value, 3);
	ck_assert_uint_eq(generation, 3);
	ck_assert_uint_eq(isr_flag_peek(&latch.updated), 3);
}
END_TEST

START_TEST(to_latch_keeps_no_report)
{
	ck_assert_int_eq(isr_to_latch(NULL, &reports[_i], &latch), 0);

	xt_fails_with(ENODATA, isr_latch_load(&latch, got, NULL));
}
END_TEST

START_TEST(to_latch_of_another_size_fails)
{
	struct isr_event event = {.kind = ISR_EVENT_USER};
	struct isr_latch small;
	uint64_t words[3];

	xt_ok(isr_latch_init(&small, NULL, words, sizeof(words[0])));

	xt_fails_with(EINVAL, isr_to_latch(NULL, &event, &small));
	xt_fails_with(ENODATA, isr_latch_load(&small, got, NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("to");
	TCase *tc = xt_case(suite, "to");

	tcase_add_checked_fixture(tc, setup, xt_loop_teardown);
	tcase_add_loop_test(tc, to_flag_sets_it_once_an_event, 0, 2);
	tcase_add_loop_test(tc, to_flag_is_not_set_by_a_report, 0, 2);
	tcase_add_loop_test(tc, to_ring_puts_every_event_in_order, 0, 2);
	tcase_add_test(tc, to_ring_that_is_full_counts_and_goes_on);
	tcase_add_test(tc, to_ring_puts_reports_with_what_they_tell);
	tcase_add_loop_test(tc, to_latch_keeps_the_latest_event, 0, 2);
	tcase_add_loop_test(tc, to_latch_keeps_no_report, 0, 2);
	tcase_add_test(tc, to_latch_of_another_size_fails);
	return xt_main(suite);
}
