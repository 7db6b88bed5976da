/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* A client's queue: what falls out is told, and the account is exact. */
#include "daemon/subscription.h"
#include "tests/xt.h"

static struct subscription *subscription;
static struct record record;
/* the next line_seq of each line */
static uint32_t next[2];

static void make(uint32_t size, enum isr_edge edge)
{
	subscription = subscription_new(2, size, edge, RECORDS_ALL, true);
	ck_assert_ptr_nonnull(subscription);
}

static void make_for(uint32_t size, enum records records)
{
	subscription = subscription_new(2, size, ISR_EDGE_BOTH, records, true);
	ck_assert_ptr_nonnull(subscription);
}

static void setup(void)
{
	next[0] = next[1] = 1;
	subscription = NULL;
}

static void teardown(void)
{
	subscription_free(subscription);
}

/* An edge of @line, before which the kernel lost @lost. */
static void put(size_t line, uint8_t kind, uint32_t lost)
{
	struct isr_event event = {.kind = kind, .lost = lost};

	next[line] += lost;
	event.line_seq = next[line]++;
	event.value = kind == ISR_EVENT_RISING;
	subscription_put(&subscription->watches[line], &event, NULL);
}

/* The device of @line tells @value. */
static void put_device(size_t line, int64_t value)
{
	const struct device_event device = {.value = value};
	const struct isr_event event = {.kind = DEVICE_KIND_POSITION,
					.line_seq = next[line] - 1};

	subscription_put(&subscription->watches[line], &event, &device);
}

static void put_edges(size_t line, unsigned int n)
{
	while (n-- > 0)
		put(line, ISR_EVENT_RISING, 0);
}

/* The next record is @kind of @line, with this sequence and these losses. */
static void assert_next(size_t line, uint8_t kind, uint32_t line_seq,
			uint64_t lost, uint64_t lost_client)
{
	ck_assert(subscription_get(subscription, &record));

	ck_assert_ptr_eq(record.watch, &subscription->watches[line]);
	ck_assert_uint_eq(record.event.kind, kind);
	ck_assert_uint_eq(record.event.line_seq, line_seq);
	ck_assert_uint_eq(record.lost, lost);
	ck_assert_uint_eq(record.lost_client, lost_client);
}

static void assert_empty(void)
{
	ck_assert(!subscription_is_due(subscription));
	ck_assert(!subscription_get(subscription, &record));
}

START_TEST(queue_holds_its_whole_size)
{
	make(3, ISR_EDGE_BOTH);

	put_edges(0, 3);

	assert_next(0, ISR_EVENT_RISING, 1, 0, 0);
	assert_next(0, ISR_EVENT_RISING, 2, 0, 0);
	assert_next(0, ISR_EVENT_RISING, 3, 0, 0);
	assert_empty();
}
END_TEST

START_TEST(oldest_falls_out_and_the_next_tells)
{
	make(2, ISR_EDGE_BOTH);

	put_edges(0, 5);

	assert_next(0, ISR_EVENT_RISING, 4, 3, 3);
	assert_next(0, ISR_EVENT_RISING, 5, 0, 0);
	assert_empty();
}
END_TEST

START_TEST(loss_is_told_to_its_own_line)
{
	make(2, ISR_EDGE_BOTH);

	put_edges(0, 1);
	put_edges(1, 2);
	put_edges(0, 1);

	assert_next(1, ISR_EVENT_RISING, 2, 1, 1);
	assert_next(0, ISR_EVENT_RISING, 2, 1, 1);
	assert_empty();
}
END_TEST

START_TEST(loss_without_a_later_edge_has_its_own_record)
{
	make(2, ISR_EDGE_BOTH);

	put_edges(0, 2);
	put_edges(1, 2);

	assert_next(1, ISR_EVENT_RISING, 1, 0, 0);
	assert_next(1, ISR_EVENT_RISING, 2, 0, 0);
	ck_assert(subscription_is_due(subscription));
	assert_next(0, ISR_EVENT_LOST, 2, 2, 2);
	assert_empty();
}
END_TEST

START_TEST(loss_upstream_is_carried_on)
{
	make(2, ISR_EDGE_BOTH);

	put(0, ISR_EVENT_RISING, 7);

	assert_next(0, ISR_EVENT_RISING, 8, 7, 0);
	assert_empty();
}
END_TEST

START_TEST(loss_upstream_survives_its_edge)
{
	make(1, ISR_EDGE_BOTH);

	put(0, ISR_EVENT_RISING, 7);
	put(0, ISR_EVENT_FALLING, 0);

	assert_next(0, ISR_EVENT_FALLING, 9, 8, 1);
	assert_empty();
}
END_TEST

START_TEST(loss_without_an_edge_is_told_by_the_next)
{
	const struct isr_event lost = {.kind = ISR_EVENT_LOST, .lost = 4};

	make(2, ISR_EDGE_BOTH);

	subscription_put(&subscription->watches[0], &lost, NULL);
	put_edges(0, 1);

	assert_next(0, ISR_EVENT_RISING, 1, 4, 0);
	assert_empty();
}
END_TEST

START_TEST(filter_keeps_edges_back_but_tells_their_losses)
{
	make(4, ISR_EDGE_RISING);

	put(0, ISR_EVENT_FALLING, 0);
	put(0, ISR_EVENT_FALLING, 2);
	put(0, ISR_EVENT_RISING, 1);
	put(1, ISR_EVENT_FALLING, 5);

	assert_next(0, ISR_EVENT_RISING, 6, 3, 0);
	assert_next(1, ISR_EVENT_LOST, 6, 5, 0);
	assert_empty();
}
END_TEST

/* The next record is the device's of @line. */
static void assert_next_device(size_t line, int64_t value, uint64_t lost,
			       uint64_t lost_records)
{
	ck_assert(subscription_get(subscription, &record));

	ck_assert_ptr_eq(record.watch, &subscription->watches[line]);
	ck_assert_uint_eq(record.event.kind, DEVICE_KIND_POSITION);
	ck_assert_int_eq(record.device.value, value);
	ck_assert_uint_eq(record.lost, lost);
	ck_assert_uint_eq(record.lost_records, lost_records);
}

START_TEST(device_records_come_between_the_edges)
{
	make(4, ISR_EDGE_BOTH);

	put(0, ISR_EVENT_RISING, 0);
	put_device(0, INT64_MIN);
	put_device(0, INT64_MAX);
	put(0, ISR_EVENT_FALLING, 0);

	assert_next(0, ISR_EVENT_RISING, 1, 0, 0);
	assert_next_device(0, INT64_MIN, 0, 0);
	assert_next_device(0, INT64_MAX, 0, 0);
	assert_next(0, ISR_EVENT_FALLING, 2, 0, 0);
	assert_empty();
}
END_TEST

START_TEST(device_record_that_falls_out_is_no_edge)
{
	make(2, ISR_EDGE_BOTH);

	put_device(0, 1);
	put_device(0, 2);
	put_device(0, 3);
	put(0, ISR_EVENT_RISING, 0);

	assert_next_device(0, 3, 0, 2);
	assert_next(0, ISR_EVENT_RISING, 1, 0, 0);
	ck_assert_uint_eq(record.lost_records, 0);
	assert_empty();
	ck_assert_uint_eq(subscription->watches[0].lost, 0);
	ck_assert_uint_eq(subscription->watches[0].lost_client, 0);
	ck_assert_uint_eq(subscription->watches[0].lost_records, 2);
}
END_TEST

START_TEST(device_record_carries_the_loss_of_edges)
{
	make(2, ISR_EDGE_BOTH);

	put(0, ISR_EVENT_RISING, 3);
	put_device(0, 1);
	put_device(0, 2);

	assert_next_device(0, 1, 4, 0);
	ck_assert_uint_eq(record.lost_client, 1);
	assert_next_device(0, 2, 0, 0);
	assert_empty();
}
END_TEST

START_TEST(loss_of_device_records_alone_has_its_own_record)
{
	make(1, ISR_EDGE_BOTH);

	put_device(0, 1);
	put(1, ISR_EVENT_RISING, 0);

	assert_next(1, ISR_EVENT_RISING, 1, 0, 0);
	assert_next(0, ISR_EVENT_LOST, 0, 0, 0);
	ck_assert_uint_eq(record.lost_records, 1);
	assert_empty();
}
END_TEST

START_TEST(devices_alone_are_told_the_loss_of_edges)
{
	make_for(2, RECORDS_DEVICES);

	put(0, ISR_EVENT_RISING, 2);
	put_device(0, 1);
	put(0, ISR_EVENT_FALLING, 0);

	assert_next_device(0, 1, 2, 0);
	ck_assert_uint_eq(record.lost_client, 0);
	assert_empty();
}
END_TEST

START_TEST(edges_alone_have_no_device_records)
{
	make_for(1, RECORDS_EDGES);

	put(0, ISR_EVENT_RISING, 0);
	put_device(0, 1);

	assert_next(0, ISR_EVENT_RISING, 1, 0, 0);
	ck_assert_uint_eq(record.lost_records, 0);
	assert_empty();
}
END_TEST

/*
 * Two lines with devices and a reader that takes some now and then; a small
 * generator.
 */
START_TEST(account_is_exact_at_every_moment)
{
	uint64_t told[2] = {0}, taken[2] = {0};
	uint64_t made[2] = {0}, told_records[2] = {0}, taken_records[2] = {0};
	const struct watch *watch;
	uint32_t random = 1;
	size_t line;
	int i;

	make(5, ISR_EDGE_BOTH);

	for (i = 0; i < 100000; i++) {
		random = random * 1664525 + 1013904223;
		line = random >> 31;
		put(line, ISR_EVENT_RISING, (random >> 20) % 16 ? 0 : 3);
		if ((random >> 16) % 4 == 0)
			put_device(line, (int64_t)++made[line]);
		while ((random >> 24) % 4 == 0 &&
		       subscription_get(subscription, &record)) {
			line = (size_t)(record.watch - subscription->watches);
			told[line] += record.lost;
			told_records[line] += record.lost_records;
			taken[line] += record.event.kind == ISR_EVENT_RISING;
			ck_assert_uint_eq(told[line] + taken[line],
					  record.event.line_seq);
			if (record.event.kind != DEVICE_KIND_POSITION)
				continue;
			taken_records[line]++;
			ck_assert_uint_eq(told_records[line] +
						  taken_records[line],
					  (uint64_t)record.device.value);
		}
		for (line = 0; line < 2; line++) {
			watch = &subscription->watches[line];
			ck_assert_uint_eq(watch->queued + watch->delivered +
						  watch->lost,
					  next[line] - 1);
			ck_assert_uint_eq(watch->queued_records +
						  watch->delivered_records +
						  watch->lost_records,
					  made[line]);
		}
	}

	ck_assert_uint_gt(taken[0], 0);
	ck_assert_uint_gt(told[0], 0);
	ck_assert_uint_gt(taken_records[0], 0);
	ck_assert_uint_gt(told_records[0], 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("subscription");
	TCase *tcase = xt_case(suite, "subscription");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, queue_holds_its_whole_size);
	tcase_add_test(tcase, oldest_falls_out_and_the_next_tells);
	tcase_add_test(tcase, loss_is_told_to_its_own_line);
	tcase_add_test(tcase, loss_without_a_later_edge_has_its_own_record);
	tcase_add_test(tcase, loss_upstream_is_carried_on);
	tcase_add_test(tcase, loss_upstream_survives_its_edge);
	tcase_add_test(tcase, loss_without_an_edge_is_told_by_the_next);
	tcase_add_test(tcase, filter_keeps_edges_back_but_tells_their_losses);
	tcase_add_test(tcase, device_records_come_between_the_edges);
	tcase_add_test(tcase, device_record_that_falls_out_is_no_edge);
	tcase_add_test(tcase, device_record_carries_the_loss_of_edges);
	tcase_add_test(tcase, loss_of_device_records_alone_has_its_own_record);
	tcase_add_test(tcase, devices_alone_are_told_the_loss_of_edges);
	tcase_add_test(tcase, edges_alone_have_no_device_records);
	tcase_add_test(tcase, account_is_exact_at_every_moment);
	return xt_main(suite);
}
