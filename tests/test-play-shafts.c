/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Encoders and counters on edges that a kernel makes, or the simulated chip:
 * one by one nothing is missing; as fast as the chip takes them, edges merge
 * and are lost, and then the position is off by no more than is said. All is
 * as when the same events are fed.
 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <isrloop/counter.h>

#include "device.h"
#include "xt-encoder-pin.h"
#include "xt-gpio-sim.h"

#define STEPS 120
/* It ends where the levels are others than at the beginning. */
#define FLOOD 4001
#define TAPE_EVENTS (FLOOD + 64)
#define EDGES 1000
#define BLOCK_NS (200 * MS)

/* What the pin told. */
static struct isr_event tape[TAPE_EVENTS];
static unsigned int n_tape;
static uint64_t opened_ns;
static bool sleeps;
static atomic_bool is_flooded;
/* On a kernel, and kept open: so that edges come faster. */
static int pull_fds[2];

static void sleep_for(uint64_t ns)
{
	struct timespec ts = {.tv_nsec = (long)ns};

	ck_assert_int_eq(nanosleep(&ts, NULL), 0);
}

static int on_raw(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	ck_assert_uint_lt(n_tape, TAPE_EVENTS);
	tape[n_tape] = *event;
	tape[n_tape++].source =
		(uint16_t)(event->source - isr_source_get_id(source));
	add_seen(event);
	/* In the middle, once. */
	if (sleeps && n_tape == 20) {
		sleeps = false;
		sleep_for(BLOCK_NS);
	}
	return 0;
}

static void open_taped(const struct isr_encoder_config *config)
{
	n_tape = 0;
	open_on_pin(config);
	opened_ns = isr_now_ns();
}

static void see(unsigned int n)
{
	while (atomic_load(&n_seen) < n) {
		xt_ok(isr_loop_dispatch(loop));
		sched_yield();
	}
	xt_settle();
	ck_assert_uint_eq(atomic_load(&n_seen), n);
}

/*
 * All edges were made, and the encoder rests where the shaft does. A kernel may
 * give two edges one number: the later one is dropped as one of those that were
 * lost, and it is the lines' levels that tell of it, once the shaft rests.
 */
static bool is_at_rest(void)
{
	const struct isri_device *device =
		(const struct isri_device *)(void *)encoder.rest.bytes;

	return atomic_load(&is_flooded) &&
	       device->ops->get_levels(device) ==
		       (level_of(0) | level_of(1) << 1);
}

static void see_rest(void)
{
	while (!is_at_rest()) {
		xt_ok(isr_loop_dispatch(loop));
		sched_yield();
	}
}

static void setup(void)
{
	char path[PATH_MAX];
	unsigned int i;

	xt_chip_setup();
	for (i = 0; chip.is_real && i < 2; i++) {
		xt_gpio_sim_get_pull("xt", i, path);
		pull_fds[i] = open(path, O_WRONLY | O_CLOEXEC);
		ck_assert_int_ge(pull_fds[i], 0);
	}
}

static void teardown(void)
{
	unsigned int i;

	for (i = 0; chip.is_real && i < 2; i++)
		close(pull_fds[i]);
	xt_chip_teardown();
}

static void pull(unsigned int line, int level)
{
	const char *text = level ? "pull-up" : "pull-down";

	ck_assert_int_eq(pwrite(pull_fds[line], text, strlen(text), 0),
			 (int)strlen(text));
}

/* The shaft drives the lines. */
static void drive(int direction)
{
	unsigned int line = turn_shaft(direction);

	if (chip.is_real)
		pull(line, level_of(line));
	else
		xt_toggle(line);
}

static int direction_at(unsigned int i)
{
	/* Forward, back, and trembling. */
	if (i < STEPS / 3)
		return 1;
	if (i < 2 * STEPS / 3)
		return -1;
	return i & 1 ? -1 : 1;
}

/* The events told live are those of an encoder that is fed the tape. */
static void assert_as_fed(struct isr_encoder_config config)
{
	static struct isr_encoder_event live[TOLD_MAX];
	unsigned int i, n_live = n_told;
	struct isr_encoder_stats stats = stats_now(), fed;

	memcpy(live, told, n_live * sizeof(live[0]));
	xt_ok(isr_encoder_close(&encoder));
	config.pin.chip = config.pin.line = config.line_b = NULL;
	config.raw_cb = NULL;
	memset(&encoder, 0, sizeof(encoder));
	n_told = 0;
	xt_ok(isr_encoder_open(&encoder, loop, &config, NULL));
	now_ns = opened_ns;
	shaft = 0;
	feed_levels();
	for (i = 0; i < n_tape; i++)
		feed_event(tape[i]);
	fed = stats_now();

	ck_assert_uint_eq(n_told, n_live);
	for (i = 0; i < n_live; i++) {
		/* Told of silence first: an edge that a kernel stored late. */
		ck_assert_uint_ge(live[i].t_ns, told[i].t_ns);
		if (!chip.is_real)
			ck_assert_uint_eq(told[i].t_ns, live[i].t_ns);
		assert_told(i, live[i].value, live[i].delta);
		ck_assert_uint_eq(told[i].lost, live[i].lost);
		ck_assert_uint_eq(told[i].uncertain, live[i].uncertain);
		ck_assert_uint_eq(told[i].flags, live[i].flags);
	}
	ck_assert_int_eq(fed.position, stats.position);
	ck_assert_uint_eq(fed.lost, stats.lost);
	ck_assert_uint_eq(fed.invalid, stats.invalid);
	ck_assert_uint_eq(fed.uncertain, stats.uncertain);
	xt_ok(isr_encoder_close(&encoder));
}

START_TEST(turned_step_by_step_it_knows_where_it_is)
{
	struct isr_encoder_config config = on_pin(soft_modes[_i], on_raw);
	int64_t wanted = 0;
	unsigned int i;

	open_taped(&config);
	for (i = 0; i < STEPS; i++) {
		drive(direction_at(i));
		see(i + 1);
		wanted += direction_at(i);
		ck_assert_msg(n_told == i + 1,
			      "step %u: %u told; line %u rose: %d, flags %u, "
			      "lost %u, invalid %u",
			      i, n_told, tape[n_tape - 1].source,
			      tape[n_tape - 1].kind == ISR_EVENT_RISING,
			      tape[n_tape - 1].flags, tape[n_tape - 1].lost,
			      (unsigned int)stats_now().invalid);
		assert_told(i, wanted, direction_at(i));
	}

	ck_assert_uint_eq(stats_now().lost, 0);
	ck_assert_uint_eq(stats_now().invalid, 0);
	ck_assert_uint_eq(stats_now().uncertain, 0);
	assert_as_fed(config);
}
END_TEST

/*
 * gpio-sim interrupts the processor that pulls: on one processor it has been
 * interrupted before it pulls again, so that no edge merges with another one
 * where nobody counts.
 */
static void stay_on_a_processor(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
}

static void *flood(void *arg)
{
	unsigned int i;

	if (chip.is_real)
		stay_on_a_processor();
	/* A long way forward, a short way back. */
	for (i = 0; i < FLOOD; i++)
		drive(i % 100 < 70 ? 1 : -1);
	atomic_store(&is_flooded, true);
	return NULL;
}

/* Bit 0: who reads; bit 1: the loop is blocked. */
START_TEST(turned_faster_than_edges_are_told_it_says_so)
{
	struct isr_encoder_config config = on_pin(soft_modes[_i & 1], on_raw);
	struct isr_encoder_stats stats;
	pthread_t thread;

	config.stop_ns = 100 * MS;
	sleeps = _i & 2;
	atomic_store(&is_flooded, false);
	open_taped(&config);
	ck_assert_int_eq(pthread_create(&thread, NULL, flood, NULL), 0);
	see_rest();
	pthread_join(thread, NULL);

	stats = stats_now();
	printf("# %s%s: %u edges seen, %u lost, %u invalid, %u "
	       "corrected: off by %lld, "
	       "uncertain %u\n",
	       _i & 1 ? "loop" : "thread", _i & 2 ? ", blocked" : "",
	       (unsigned int)stats.edges, (unsigned int)stats.lost,
	       (unsigned int)stats.invalid, (unsigned int)stats.corrected,
	       (long long)(stats.position - shaft),
	       (unsigned int)stats.uncertain);
	/*
	 * The kernel counts each edge in its interrupt, also a merged one. One
	 * that comes while its thread reads the last one's stamp it may count
	 * again.
	 */
	if (!chip.is_real)
		ck_assert_uint_eq(stats.edges + stats.lost, FLOOD);
	/*
	 * The kernel's numbers are not always right, see above: then how far
	 * off it may be cannot be said exactly, but that it may.
	 */
	if (!chip.is_real)
		ck_assert_uint_le((uint64_t)llabs(stats.position - shaft),
				  stats.uncertain);
	if (stats.position != shaft) {
		ck_assert_uint_gt(stats.uncertain, 0);
		ck_assert_uint_gt(stats.lost + stats.invalid, 0);
	}
	ck_assert_int_eq((stats.position - shaft) % 4, 0);
	/* What the levels told is not on the tape. */
	if (stats.corrected == 0)
		assert_as_fed(config);
}
END_TEST

/*
 * Counters
 */

static struct isr_counter counter;

static struct isr_counter_reading read_counter(void)
{
	struct isr_counter_reading reading;

	xt_ok(isr_counter_read(&counter, &reading));
	return reading;
}

static void feed_counter(struct isr_counter_config config)
{
	struct isr_event level = {.kind = ISR_EVENT_INITIAL, .t_ns = opened_ns};
	unsigned int i;

	config.pin.line = NULL;
	config.pin.chip = NULL;
	config.raw_cb = NULL;
	xt_ok(isr_counter_open(&counter, loop, &config, NULL));
	xt_ok(isr_counter_feed(&counter, &level));
	for (i = 0; i < n_tape; i++)
		xt_ok(isr_counter_feed(&counter, &tape[i]));
}

static void assert_same_reading(const struct isr_counter_reading *live,
				const struct isr_counter_reading *fed)
{
	ck_assert_uint_eq(live->pulses, fed->pulses);
	ck_assert_uint_eq(live->periods, fed->periods);
	ck_assert_uint_eq(live->from_ns, fed->from_ns);
	ck_assert_uint_eq(live->to_ns, fed->to_ns);
	ck_assert_uint_eq(live->period_min_ns, fed->period_min_ns);
	ck_assert_uint_eq(live->period_max_ns, fed->period_max_ns);
	ck_assert(live->period_mean_ns == fed->period_mean_ns);
	ck_assert(live->period_stddev_ns == fed->period_stddev_ns);
	ck_assert(live->duty == fed->duty);
	ck_assert_uint_eq(live->high_max_ns, fed->high_max_ns);
	ck_assert_uint_eq(live->low_min_ns, fed->low_min_ns);
}

/* Whoever makes an edge waits for its stamp; the loop has to wait as well. */
START_TEST(counter_counts_each_edge_that_is_stamped)
{
	struct isr_counter_config config = {
		.sz = sizeof(config),
		.pin = xt_pin("A", soft_modes[_i]),
		.window_ns = HOUR_NS,
		.stop_ns = 24 * HOUR_NS,
		.raw_cb = on_raw,
	};
	struct isr_counter_reading live, fed;
	unsigned int made;

	n_tape = 0;
	atomic_store(&n_seen, 0);
	xt_ok(isr_counter_open(&counter, loop, &config, NULL));
	opened_ns = isr_now_ns();
	for (made = 0; made < EDGES; made += EDGES / 2) {
		xt_edges(0, EDGES / 2);
		see(made + EDGES / 2);
	}

	live = read_counter();
	ck_assert_uint_eq(live.pulses, EDGES / 2);
	ck_assert_int_eq(isr_counter_get_count(&counter), EDGES / 2);
	ck_assert_uint_eq(live.lost, 0);
	ck_assert_uint_eq(live.merged, 0);
	ck_assert_uint_eq(live.periods, EDGES / 2 - 1);
	ck_assert_uint_eq(live.from_ns, tape[0].t_ns);
	ck_assert_uint_eq(live.to_ns, tape[EDGES - 2].t_ns);
	xt_ok(isr_counter_close(&counter));

	feed_counter(config);
	fed = read_counter();
	assert_same_reading(&live, &fed);
	xt_ok(isr_counter_close(&counter));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("play-shafts");
	TCase *tc = xt_case(suite, "encoders");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 240);
	tcase_add_loop_test(tc, turned_step_by_step_it_knows_where_it_is, 0, 2);

	tc = xt_case(suite, "floods");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 240);
	tcase_add_loop_test(tc, turned_faster_than_edges_are_told_it_says_so, 0,
			    4);

	tc = xt_case(suite, "counters");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 240);
	tcase_add_loop_test(tc, counter_counts_each_edge_that_is_stamped, 0, 2);
	return xt_main(suite);
}
