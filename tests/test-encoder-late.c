/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A loop that is late, on a clock that is set by hand: an encoder on a pin
 * tells the same values with the same stamps when the loop looks at every
 * edge, when it is blocked for 200 ms in the middle, and when it looks only
 * after all is over. All three are also what the same stamps tell where there
 * is no loop at all, only an encoder that is fed. Whoever asks for the velocity
 * meanwhile hears that of the time, though the loop does not run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "xt-encoder.h"
#include "xt-pin.h"

#define SCRIPTS 60
#define EDGES 400

/* From then to then the loop does not run. */
struct blocked {
	uint64_t from_ns, to_ns;
};

struct result {
	struct isr_encoder_event told[2 * EDGES];
	unsigned int n_told;
	struct isr_encoder_stats stats;
	double velocity;
};

/* 0: the clock goes by itself. */
static uint64_t hand_ns;
static struct isr_event script[EDGES];
static uint64_t script_ns;
static unsigned int n_raw;

uint64_t __real_isr_now_ns(void);
uint64_t __wrap_isr_now_ns(void);

uint64_t __wrap_isr_now_ns(void)
{
	return hand_ns ? hand_ns : __real_isr_now_ns();
}

static uint32_t draw(unsigned int *state, uint32_t n)
{
	*state = *state * 1103515245 + 12345;
	return (*state >> 8) % n;
}

/* Turns, trembles, rests: from a script's beginning, which is 0. */
static void write_script(unsigned int seed)
{
	unsigned int i;
	int direction = 1;

	memset(&encoder, 0, sizeof(encoder));
	shaft = 0;
	now_ns = 0;
	for (i = 0; i < EDGES; i++) {
		if (draw(&seed, 10) == 0)
			direction = -direction;
		now_ns += draw(&seed, 20) ? draw(&seed, 3000) * US
					  : 1 + draw(&seed, 300) * MS;
		script[i] = turn_unseen(direction);
	}
	script_ns = now_ns;
}

static struct isr_encoder_config scripted(unsigned int seed)
{
	struct isr_encoder_config config = xt_encoder_config();

	config.report_ns = seed % 3 * 7 * MS;
	config.divider = 1 + seed % 4;
	config.stop_ns = 20 * MS;
	config.tell_stop = seed % 2;
	return config;
}

/* Times from the script's beginning. simulated: what all shall have. */
static void take_result(struct result *result, uint64_t start_ns,
			uint8_t simulated)
{
	unsigned int i;

	memset(result, 0, sizeof(*result));
	ck_assert_uint_le(n_told, 2 * EDGES);
	result->n_told = n_told;
	memcpy(result->told, told, n_told * sizeof(told[0]));
	for (i = 0; i < n_told; i++) {
		result->told[i].t_ns -= start_ns;
		ck_assert_int_eq(result->told[i].flags & simulated, simulated);
		result->told[i].flags &= (uint8_t)~simulated;
	}
	result->stats = stats_now();
	result->velocity = velocity_now();
	xt_ok(isr_encoder_close(&encoder));
}

/* Somewhere on the way to an edge. */
static uint64_t get_middle(unsigned int i)
{
	uint64_t before_ns = i ? script[i - 1].t_ns : 0;

	return before_ns + (script[i].t_ns - before_ns) / 2;
}

/* No loop, no clock. */
static void run_fed(unsigned int seed, struct result *result)
{
	struct isr_event event;
	unsigned int i;

	open_encoder(scripted(seed));
	for (i = 0; i < EDGES; i++) {
		event = script[i];
		event.t_ns += now_ns;
		feed_event(event);
	}
	now_ns += script_ns;
	pass(1000 * MS);
	take_result(result, 1000 * MS, 0);
}

static int on_raw(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	if (++n_raw == EDGES)
		isr_loop_stop(loop);
	return 0;
}

/* The loop runs what is due at that time, and what has come. */
static void look(uint64_t t_ns, const struct blocked *blocked)
{
	hand_ns = t_ns;
	if (t_ns < blocked->from_ns || t_ns >= blocked->to_ns)
		xt_ok(isr_loop_dispatch(loop));
}

static void run_on_pin(unsigned int seed, enum xt_mode mode,
		       struct blocked blocked, struct result *result)
{
	struct isr_encoder_config config = scripted(seed);
	uint64_t start_ns = __real_isr_now_ns(), before_ns = start_ns;
	unsigned int i;

	hand_ns = start_ns;
	blocked.from_ns += start_ns;
	blocked.to_ns += start_ns;
	n_told = 0;
	n_raw = 0;
	config.pin = xt_pin("A", mode);
	config.line_b = "B";
	config.raw_cb = on_raw;
	xt_ok(isr_encoder_open(&encoder, loop, &config, NULL));
	for (i = 0; i < EDGES; i++) {
		uint64_t t_ns = start_ns + script[i].t_ns;

		/* Somewhere on the way, so that silence is told early. */
		look(before_ns + (t_ns - before_ns) / 2, &blocked);
		hand_ns = t_ns;
		ck_assert_int_eq(
			isr_chip_sim_set(chip.chip, script[i].source,
					 script[i].kind == ISR_EVENT_RISING,
					 t_ns),
			1);
		look(t_ns, &blocked);
		before_ns = t_ns;
	}
	while (n_raw < EDGES)
		xt_ok(isr_loop_run(loop));
	hand_ns = start_ns + script_ns + 1000 * MS;
	xt_settle();
	take_result(result, start_ns, ISR_EVENT_FLAG_SIMULATED);
	/* Where the next one begins. */
	xt_ok(isr_chip_sim_set(chip.chip, 0, 0, 0));
	xt_ok(isr_chip_sim_set(chip.chip, 1, 0, 0));
	hand_ns = 0;
}

static void compare(unsigned int seed, const char *how,
		    const struct result *fed, const struct result *run)
{
	unsigned int i;

	for (i = 0; i < fed->n_told && i < run->n_told; i++)
		ck_assert_msg(!memcmp(&fed->told[i], &run->told[i],
				      sizeof(fed->told[i])),
			      "seed %u, %s: event %u is %lld at %llu, not "
			      "%lld at %llu",
			      seed, how, i, (long long)run->told[i].value,
			      (unsigned long long)run->told[i].t_ns,
			      (long long)fed->told[i].value,
			      (unsigned long long)fed->told[i].t_ns);
	ck_assert_msg(fed->n_told == run->n_told,
		      "seed %u, %s: %u events, not "
		      "%u",
		      seed, how, run->n_told, fed->n_told);
	ck_assert_msg(!memcmp(&fed->stats, &run->stats, sizeof(fed->stats)),
		      "seed %u, %s: another account", seed, how);
	ck_assert(fed->velocity == run->velocity);
}

START_TEST(loop_that_is_late_changes_nothing)
{
	static const enum xt_mode modes[] = {XT_SOFT, XT_LOOP};
	static const struct blocked never, always = {0, UINT64_MAX / 2};
	static struct result fed, run;
	struct blocked middle;
	unsigned int seed;

	for (seed = 0; seed < SCRIPTS; seed++) {
		write_script(seed);
		run_fed(seed, &fed);
		ck_assert_uint_gt(fed.n_told, 0);
		ck_assert_uint_eq(fed.stats.edges, EDGES);
		middle.from_ns = script_ns / 2;
		middle.to_ns = middle.from_ns + 200 * MS;

		run_on_pin(seed, modes[_i], never, &run);
		compare(seed, "in time", &fed, &run);
		run_on_pin(seed, modes[_i], middle, &run);
		compare(seed, "blocked", &fed, &run);
		run_on_pin(seed, modes[_i], always, &run);
		compare(seed, "after all", &fed, &run);
	}
}
END_TEST

static void ask_fed(unsigned int seed, double *velocities)
{
	struct isr_event event;
	unsigned int i;

	open_encoder(scripted(seed));
	for (i = 0; i < EDGES; i++) {
		event = make_event(ISR_EVENT_IDLE, 0);
		event.t_ns = now_ns + get_middle(i);
		feed_event(event);
		velocities[i] = velocity_now();
		event = script[i];
		event.t_ns += now_ns;
		feed_event(event);
	}
	xt_ok(isr_encoder_close(&encoder));
}

/* The loop never runs. */
static void ask_on_pin(unsigned int seed, double *velocities)
{
	struct isr_encoder_config config = scripted(seed);
	uint64_t start_ns = __real_isr_now_ns();
	unsigned int i;

	hand_ns = start_ns;
	n_told = 0;
	config.pin = xt_pin("A", XT_LOOP);
	config.line_b = "B";
	xt_ok(isr_encoder_open(&encoder, loop, &config, NULL));
	for (i = 0; i < EDGES; i++) {
		hand_ns = start_ns + get_middle(i);
		velocities[i] = velocity_now();
		ck_assert_int_eq(
			isr_chip_sim_set(chip.chip, script[i].source,
					 script[i].kind == ISR_EVENT_RISING,
					 start_ns + script[i].t_ns),
			1);
	}
	xt_ok(isr_encoder_close(&encoder));
	xt_ok(isr_chip_sim_set(chip.chip, 0, 0, 0));
	xt_ok(isr_chip_sim_set(chip.chip, 1, 0, 0));
	hand_ns = 0;
}

/*
 * With the loop as its reader: what a thread has read waits for the loop, and
 * then the velocity is as of what was handled.
 */
START_TEST(velocity_is_that_of_the_time_at_which_it_is_asked_for)
{
	static double fed[EDGES], run[EDGES];
	unsigned int seed, i;

	for (seed = 0; seed < SCRIPTS; seed++) {
		write_script(seed);
		ask_fed(seed, fed);
		ask_on_pin(seed, run);
		for (i = 0; i < EDGES; i++)
			ck_assert_msg(fed[i] == run[i],
				      "seed %u, before edge %u: %g, not %g",
				      seed, i, run[i], fed[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encoder-late");
	TCase *tc = xt_case(suite, "late");

	tcase_set_timeout(tc, 600);
	tcase_add_checked_fixture(tc, xt_chip_setup, xt_chip_teardown);
	tcase_add_loop_test(tc, loop_that_is_late_changes_nothing, 0, 2);
	tcase_add_test(tc,
		       velocity_is_that_of_the_time_at_which_it_is_asked_for);
	return xt_main(suite);
}
