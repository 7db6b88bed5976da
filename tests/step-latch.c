/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Interruption at every instruction: latches. */
#include <errno.h>
#include <string.h>

#include "latch.h"
#include "step.h"

enum {
	LOOP = 1,
	ARMED = 2,    /* the loop sleeps, or is about to */
	STORED = 4,   /* there is a value */
	LOADED = 8,   /* and it was loaded */
	AGAIN = 16,   /* and there is another one */
	STORING = 32, /* another thread is in a store */
	LOADING = 64  /* or in a load */
};

/* A value is one number, many times: torn when they differ. */
#define WORDS 9

static struct isr_latch latch;
static uint64_t slots[3][WORDS];
static unsigned int stores[2], busy[2], delivered;
/* Of the last load. */
static uint32_t generation;
static int result;
static uint64_t n_values[2];
/* The operation is a load: a nested one may know more than it. */
static bool in_load;
/* What another thread has taken. */
static uint32_t own;

static bool is(int variant)
{
	return step_now->variant & variant;
}

static unsigned int sum(const unsigned int *of)
{
	return of[0] + of[1];
}

static void on_updated(struct isr_flag *flag, uint32_t count, void *arg)
{
	(void)flag;
	(void)arg;
	delivered += count;
}

static void store(void)
{
	unsigned int who = step_is_handler();
	uint64_t value[WORDS];
	int i, r;

	n_values[who]++;
	for (i = 0; i < WORDS; i++)
		value[i] = (2 * n_values[who] + who) * 0x0101010101010101ULL;
	r = isr_latch_store(&latch, value);
	step_expect(r == 0 || r == -EBUSY);
	if (r == 0)
		stores[who]++;
	else
		busy[who]++;
}

/* Whole, and never older than what was loaded before. */
static int load(void)
{
	uint64_t value[WORDS];
	uint32_t got = 0;
	int i, r;

	memset(value, 0, sizeof(value));
	r = isr_latch_load(&latch, value, &got);
	if (r == -EBUSY) {
		return r;
	}
	if (r == -ENODATA) {
		step_equal(generation, 0);
		return r;
	}
	step_expect(r == 0 || r == 1);
	step_expect(value[0] != 0);
	for (i = 1; i < WORDS; i++)
		step_equal(value[i], value[0]);
	/* One may be about to be counted. */
	step_expect(got <= sum(stores) + 1);
	if (in_load) {
		/* The other one may have been the first, or be. */
		if ((int32_t)(got - generation) > 0)
			generation = got;
		return r;
	}
	if (r == 1)
		step_expect((int32_t)(got - generation) > 0);
	else
		step_equal(got, generation);
	generation = got;
	return r;
}

static void reset(void)
{
	struct isr_loop *loop = step_loop_init();

	memset(stores, 0, sizeof(stores));
	memset(busy, 0, sizeof(busy));
	memset(n_values, 0, sizeof(n_values));
	delivered = 0;
	generation = 0;
	in_load = false;
	latch.slots = NULL;
	isr_latch_init(&latch, is(LOOP) ? loop : NULL, slots, sizeof(slots[0]));
	if (is(LOOP))
		isr_flag_set_cb(&latch.updated, on_updated, NULL);
	if (is(STORED | LOADED))
		store();
	if (is(LOADED))
		load();
	if (is(AGAIN))
		store();
	own = is(STORING) ? latch.back : latch.front;
	if (is(STORING))
		latch.back = ISRI_LATCH_TAKEN;
	if (is(LOADING))
		latch.front = ISRI_LATCH_TAKEN;
	if (is(ARMED))
		step_loop_turn();
}

/* The last value that was not refused is there. */
static void check(void)
{
	int r = load();

	in_load = false;
	step_expect(r >= 0 || (r == -ENODATA && sum(stores) == 0));
	step_equal(generation, sum(stores));
	step_equal(isr_latch_get_refused(&latch), sum(busy));
	if (is(LOOP)) {
		step_loop_settle();
		step_equal(delivered, sum(stores));
	}

	store();
	step_equal(load(), 1);
	step_equal(generation, sum(stores));
	step_equal(load(), 0);
}

static void run_store(void)
{
	store();
}

#define check_store check

static void run_load(void)
{
	in_load = true;
	result = load();
}

static void check_load(void)
{
	step_expect(result != -EBUSY);
	check();
}

static void run_load_plain(void)
{
	uint64_t value[WORDS] = {0};

	/* Who does not ask for the generation. */
	in_load = true;
	result = isr_latch_load(&latch, value, NULL);
}

#define check_load_plain check_load

/* Somebody else is at it: refused, and counted. */
static void check_store_refused(void)
{
	step_expect(sum(busy) > 0);
	latch.back = own;
	check();
}

#define run_store_refused run_store

static void check_load_refused(void)
{
	step_equal(result, -EBUSY);
	latch.front = own;
	check();
}

#define run_load_refused run_load

static void run_get_refused(void)
{
	result = (int)isr_latch_get_refused(&latch);
}

static void check_get_refused(void)
{
	step_expect(result <= (int)sum(busy));
	latch.back = own;
	check();
}

static void handler_stores(void)
{
	store();
}

/* Through all slots, and once more. */
static void handler_stores_four(void)
{
	int i;

	for (i = 0; i < 4; i++)
		store();
}

static void handler_loads(void)
{
	load();
}

static void handler_loads_and_stores(void)
{
	load();
	store();
	load();
}

#define SCENARIO(text, operation, by, what)                      \
	{                                                        \
		.name = "latch: " text, .reset = reset,          \
		.run = run_##operation, .handler = handler_##by, \
		.check = check_##operation, .variant = (what)    \
	}

const struct step_scenario step_latch_scenarios[] = {
	SCENARIO("store over store", store, stores, 0),
	SCENARIO("store over store, stored", store, stores, STORED),
	SCENARIO("store over store, with a loop", store, stores, LOOP),
	SCENARIO("store over store, armed", store, stores, LOOP | ARMED),
	SCENARIO("stores over store", store, stores_four, LOADED),
	SCENARIO("load over store", store, loads, 0),
	SCENARIO("load over store, stored", store, loads, STORED),
	SCENARIO("load over store, loaded", store, loads, LOADED),
	SCENARIO("load over store, stored again", store, loads, LOADED | AGAIN),
	SCENARIO("load and store over store", store, loads_and_stores, LOADED),
	SCENARIO("store over load, empty", load, stores, 0),
	SCENARIO("store over load", load, stores, STORED),
	SCENARIO("stores over load", load, stores_four, STORED),
	SCENARIO("stores over load, loaded", load, stores_four, LOADED),
	SCENARIO("stores over load, stored again", load, stores_four,
		 LOADED | AGAIN),
	SCENARIO("store over load, no generation", load_plain, stores, STORED),
	SCENARIO("load over load", load, loads, STORED),
	SCENARIO("load over load, loaded", load, loads, LOADED),
	SCENARIO("load and store over load", load, loads_and_stores,
		 LOADED | AGAIN),
	SCENARIO("store over store, refused", store_refused, stores,
		 STORED | STORING),
	SCENARIO("store over load, refused", load_refused, stores,
		 STORED | LOADING),
	SCENARIO("store over get_refused", get_refused, stores, STORING),
	{.name = NULL},
};
