/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Latches: the latest value, whole, from any context to any context. */
#include <math.h>
#include <pthread.h>

#include <isrloop/latch.h>
#include <isrloop/loop.h>

#include "context.h"
#include "flood.h"

#define WORDS 32
#define BIG_BYTES 4096

/* Every word tells the number, so that a mix of two values is noticed. */
struct value {
	uint64_t words[WORDS];
};

static struct isr_loop *loop;
static struct isr_latch latch;
static struct value slots[3];
static unsigned char big_slots[3 * BIG_BYTES];
static struct value got;
static uint32_t generation;

static void setup(void)
{
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
	xt_ok(isr_latch_init(&latch, loop, slots, sizeof(got)));
	memset(&got, 0xaa, sizeof(got));
	generation = 0xaaaaaaaa;
}

static void teardown(void)
{
	isr_latch_done(&latch);
	isr_loop_free(loop);
}

static struct value made_of(uint64_t number)
{
	struct value value;
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		value.words[i] = (number + i) * 0x9e3779b97f4a7c15;
	return value;
}

static bool is_whole(const struct value *value)
{
	const uint64_t step = 0x9e3779b97f4a7c15;
	unsigned int i;

	for (i = 1; i < WORDS; i++)
		if (value->words[i] != value->words[0] + i * step)
			return false;
	return true;
}

static int store(uint64_t number)
{
	struct value value = made_of(number);

	return isr_latch_store(&latch, &value);
}

static int load(void)
{
	return isr_latch_load(&latch, &got, &generation);
}

static void assert_got(uint64_t number, uint32_t right_generation)
{
	struct value right = made_of(number);

	ck_assert_mem_eq(&got, &right, sizeof(right));
	ck_assert_uint_eq(generation, right_generation);
}

START_TEST(latch_has_no_value_at_first)
{
	xt_fails_with(ENODATA, load());
	xt_fails_with(ENODATA, load());

	ck_assert_uint_eq(generation, 0xaaaaaaaa);
	ck_assert_uint_eq(got.words[0], 0xaaaaaaaaaaaaaaaa);
}
END_TEST

START_TEST(latch_gives_the_latest_value_and_its_generation)
{
	xt_ok(store(7));
	ck_assert_int_eq(load(), 1);
	assert_got(7, 1);

	xt_ok(store(8));
	xt_ok(store(9));
	ck_assert_int_eq(load(), 1);
	assert_got(9, 3);
}
END_TEST

START_TEST(latch_tells_a_value_that_was_loaded_before)
{
	xt_ok(store(7));
	ck_assert_int_eq(load(), 1);

	memset(&got, 0, sizeof(got));
	ck_assert_int_eq(load(), 0);
	assert_got(7, 1);
	ck_assert_int_eq(isr_latch_load(&latch, &got, NULL), 0);
}
END_TEST

START_TEST(latch_of_any_size_keeps_its_neighbours)
{
	static const size_t sizes[] = {1, 3, 8, 4000};
	unsigned char value[BIG_BYTES], back[BIG_BYTES];
	size_t size = sizes[_i], i;
	unsigned int n;

	isr_latch_done(&latch);
	memset(big_slots, 0x55, sizeof(big_slots));
	xt_ok(isr_latch_init(&latch, NULL, big_slots, size));
	for (n = 1; n < 10; n++) {
		memset(value, (int)n, sizeof(value));
		memset(back, 0, sizeof(back));
		xt_ok(isr_latch_store(&latch, value));
		ck_assert_int_eq(isr_latch_load(&latch, back, NULL), 1);
		ck_assert_mem_eq(back, value, size);
		for (i = size; i < sizeof(back); i++)
			ck_assert_uint_eq(back[i], 0);
	}
	for (i = 3 * size; i < sizeof(big_slots); i++)
		ck_assert_uint_eq(big_slots[i], 0x55);
}
END_TEST

/* The number of stores is modulo 2^32; none of them reads as "never". */
START_TEST(latch_generation_wraps)
{
	latch.generation = UINT32_MAX - 1;
	xt_ok(store(1));
	ck_assert_int_eq(load(), 1);
	assert_got(1, UINT32_MAX);

	xt_ok(store(2));
	ck_assert_int_eq(load(), 1);
	assert_got(2, 0);
	ck_assert_int_eq(load(), 0);
	assert_got(2, 0);
}
END_TEST

/* What handlers in MicroPython need machine code for. */
START_TEST(latch_carries_floating_point_values_exactly)
{
	const double values[][2] = {
		{0.1, -0.0}, {INFINITY, 1e-320}, {NAN, 3.0}};
	double latch_slots[3][2], back[2];
	unsigned int i;

	isr_latch_done(&latch);
	xt_ok(isr_latch_init(&latch, NULL, latch_slots, sizeof(back)));
	for (i = 0; i < 3; i++) {
		xt_ok(isr_latch_store(&latch, values[i]));
		ck_assert_int_eq(isr_latch_load(&latch, back, NULL), 1);
		ck_assert_mem_eq(back, values[i], sizeof(back));
	}
}
END_TEST

static uint32_t n_sets, n_calls;

static void count_sets(struct isr_flag *flag, uint32_t count, void *arg)
{
	(void)flag;
	(void)arg;
	n_sets += count;
	n_calls++;
}

START_TEST(latch_tells_its_loop_the_number_of_stores)
{
	n_sets = n_calls = 0;
	xt_ok(isr_flag_set_cb(&latch.updated, count_sets, NULL));
	xt_ok(store(1));
	xt_ok(store(2));
	xt_ok(store(3));

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(n_calls, 1);
	ck_assert_uint_eq(n_sets, 3);
}
END_TEST

START_TEST(latch_without_loop_sets_no_flag)
{
	isr_latch_done(&latch);
	xt_ok(isr_latch_init(&latch, NULL, slots, sizeof(got)));

	xt_ok(store(1));

	ck_assert_uint_eq(isr_flag_peek(&latch.updated), 0);
	ck_assert_int_eq(load(), 1);
}
END_TEST

START_TEST(latch_outlives_its_loop)
{
	xt_ok(store(1));
	xt_ok(isr_loop_free(loop));
	loop = NULL;

	xt_ok(store(2));

	ck_assert_int_eq(load(), 1);
	assert_got(2, 2);
	xt_ok(isr_latch_done(&latch));
}
END_TEST

START_TEST(latch_begins_anew)
{
	xt_ok(store(1));
	ck_assert_int_eq(load(), 1);
	xt_ok(isr_latch_done(&latch));
	xt_ok(isr_latch_done(&latch));

	xt_ok(isr_latch_init(&latch, loop, slots, sizeof(got)));

	xt_fails_with(ENODATA, load());
	ck_assert_uint_eq(isr_flag_peek(&latch.updated), 0);
}
END_TEST

START_TEST(latch_refuses_bad_arguments)
{
	struct isr_latch other = {0};

	xt_fails_with(EINVAL, isr_latch_init(NULL, loop, slots, 8));
	xt_fails_with(EINVAL, isr_latch_init(&other, loop, NULL, 8));
	xt_fails_with(EINVAL, isr_latch_init(&other, loop, slots, 0));
	xt_fails_with(EINVAL,
		      isr_latch_init(&other, loop, slots, SIZE_MAX / 3 + 1));
	xt_ok(isr_latch_done(NULL));
	xt_ok(isr_latch_done(&other));
}
END_TEST

static void *begin_elsewhere(void *arg)
{
	static struct isr_latch other;

	xt_fails_with(EPERM, isr_latch_init(&other, loop, big_slots, 8));
	xt_fails_with(EPERM, isr_latch_done(&latch));
	return arg;
}

START_TEST(latch_begins_and_ends_on_the_loops_thread)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, begin_elsewhere, NULL),
			 0);
	pthread_join(thread, NULL);

	xt_ok(store(1));
	ck_assert_int_eq(load(), 1);
}
END_TEST

START_TEST(latch_neither_begins_nor_ends_in_isr_context)
{
	static struct isr_latch other;
	struct isri_frame frame;

	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, loop, NULL);
	xt_fails_with(EPERM, isr_latch_init(&other, NULL, big_slots, 8));
	xt_fails_with(EPERM, isr_latch_init(&other, loop, big_slots, 8));
	xt_fails_with(EPERM, isr_latch_done(&latch));
	xt_ok(store(1));
	ck_assert_int_eq(load(), 1);
	isri_context_leave(&frame);
}
END_TEST

/* Check's assertions write and lock: a handler only counts. */
static atomic_uint n_faults;

/* Generations only grow; the value is whole and the one of its generation. */
static uint32_t check_load(uint32_t last)
{
	struct value value, right;
	uint32_t now = 0;
	int r;

	r = isr_latch_load(&latch, &value, &now);
	if (r == -ENODATA) {
		n_faults += last != 0;
		return 0;
	}
	right = made_of(now);
	n_faults += r < 0 || (r ? now <= last : now != last) ||
		    memcmp(&value, &right, sizeof(value)) != 0;
	return now;
}

static uint32_t last_stored;

static void store_next(void)
{
	n_faults += store(++last_stored) != 0;
}

START_TEST(latch_is_never_torn_by_a_handler_that_stores)
{
	uint32_t last = 0;

	last_stored = n_faults = 0;
	flood_start(store_next);
	while (!flood_is_over())
		last = check_load(last);
	flood_end();

	ck_assert_uint_eq(check_load(last), FLOOD_SIGNALS);
	ck_assert_uint_eq(n_faults, 0);
}
END_TEST

static uint32_t last_in_handler;

static void load_in_handler(void)
{
	last_in_handler = check_load(last_in_handler);
}

START_TEST(latch_is_never_torn_in_a_handler_that_loads)
{
	last_stored = last_in_handler = n_faults = 0;
	flood_start(load_in_handler);
	while (!flood_is_over())
		store_next();
	flood_end();

	ck_assert_uint_eq(check_load(last_in_handler), last_stored);
	ck_assert_uint_eq(n_faults, 0);
}
END_TEST

#define STORES 100000U

static void *store_many(void *arg)
{
	uint32_t i;

	for (i = 0; i < STORES; i++)
		store_next();
	return arg;
}

START_TEST(latch_is_never_torn_between_threads)
{
	uint32_t last = 0;
	pthread_t thread;

	last_stored = n_faults = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, store_many, NULL), 0);
	while (last != STORES)
		last = check_load(last);
	pthread_join(thread, NULL);

	ck_assert_uint_eq(n_faults, 0);
}
END_TEST

static void load_updated(struct isr_flag *flag, uint32_t count, void *arg)
{
	uint32_t *last = arg;

	(void)flag;
	n_sets += count;
	*last = check_load(*last);
	if (*last == STORES)
		isr_loop_stop(loop);
}

/* However many are overwritten: the last one is told. */
START_TEST(latch_never_leaves_a_value_with_its_loop_asleep)
{
	uint32_t last = 0;
	pthread_t thread;

	last_stored = n_faults = n_sets = 0;
	xt_ok(isr_flag_set_cb(&latch.updated, load_updated, &last));
	ck_assert_int_eq(pthread_create(&thread, NULL, store_many, NULL), 0);

	xt_ok(isr_loop_run(loop));

	pthread_join(thread, NULL);
	n_sets += isr_flag_peek(&latch.updated);
	ck_assert_uint_eq(n_sets, STORES);
	ck_assert_uint_eq(n_faults, 0);
}
END_TEST

#define WRITERS 2

static atomic_uint n_stored, n_refused, n_writers;

static void *store_or_be_refused(void *arg)
{
	uint32_t i;
	int r;

	for (i = 0; i < STORES; i++) {
		r = store(i);
		n_stored += r == 0;
		n_refused += r == -EBUSY;
	}
	n_writers--;
	return arg;
}

START_TEST(latch_refuses_and_counts_a_second_writer)
{
	pthread_t threads[WRITERS];
	unsigned int i;
	int r;

	n_stored = n_refused = n_faults = 0;
	n_writers = WRITERS;
	for (i = 0; i < WRITERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
						store_or_be_refused, NULL),
				 0);
	do {
		r = load();
		n_faults += r != -ENODATA && !is_whole(&got);
	} while (n_writers);
	for (i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);

	load();
	ck_assert_uint_eq(generation, n_stored);
	ck_assert_uint_eq(n_stored + n_refused, WRITERS * STORES);
	ck_assert_uint_eq(isr_latch_get_refused(&latch), n_refused);
	ck_assert_uint_eq(n_faults, 0);
}
END_TEST

static volatile uint64_t plain[WORDS];

static void store_plain(void)
{
	static uint64_t number;
	struct value value = made_of(++number);
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		plain[i] = value.words[i];
}

static void load_plain(void)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++) {
		got.words[i] = plain[i];
		if (i == 0)
			flood_let_in();
	}
}

/* The power of the tests above: they would see it. */
START_TEST(latch_broken_twin_a_plain_copy_is_torn)
{
	unsigned int n_torn = 0;

	store_plain();
	flood_start_by_hand(store_plain);
	while (!flood_is_over()) {
		load_plain();
		n_torn += !is_whole(&got);
	}
	flood_end();

	ck_assert_uint_gt(n_torn, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("latch");
	TCase *tc = xt_case(suite, "contract");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, latch_has_no_value_at_first);
	tcase_add_test(tc, latch_gives_the_latest_value_and_its_generation);
	tcase_add_test(tc, latch_tells_a_value_that_was_loaded_before);
	tcase_add_loop_test(tc, latch_of_any_size_keeps_its_neighbours, 0, 4);
	tcase_add_test(tc, latch_generation_wraps);
	tcase_add_test(tc, latch_carries_floating_point_values_exactly);
	tcase_add_test(tc, latch_tells_its_loop_the_number_of_stores);
	tcase_add_test(tc, latch_without_loop_sets_no_flag);
	tcase_add_test(tc, latch_outlives_its_loop);
	tcase_add_test(tc, latch_begins_anew);
	tcase_add_test(tc, latch_refuses_bad_arguments);
	tcase_add_test(tc, latch_begins_and_ends_on_the_loops_thread);
	tcase_add_test(tc, latch_neither_begins_nor_ends_in_isr_context);

	tc = xt_case(suite, "races");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, latch_is_never_torn_by_a_handler_that_stores);
	tcase_add_test(tc, latch_is_never_torn_in_a_handler_that_loads);
	tcase_add_test(tc, latch_is_never_torn_between_threads);
	tcase_add_test(tc, latch_never_leaves_a_value_with_its_loop_asleep);
	tcase_add_test(tc, latch_refuses_and_counts_a_second_writer);
	tcase_add_test(tc, latch_broken_twin_a_plain_copy_is_torn);
	return xt_main(suite);
}
