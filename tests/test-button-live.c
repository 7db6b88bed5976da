/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Buttons on the simulated chip, with a clock that is set by hand: what a pin,
 * the loop's alarms and a loop that is late make of the same scripts.
 */
#include <stdatomic.h>

#include "device.h"
#include "switch.h"
#include "xt-button.h"
#include "xt-pin.h"

#define END_MS 2600
#define STEP_MS 10

/* When the loop runs: always, not for 200 ms from here on, or at last. */
#define IN_TIME (-1)
#define AT_LAST (-2)
#define LATE_MS 200

static struct isr_button button;
static struct isr_button_config config;
static struct xt_trace trace;
/* 0: the clock goes by itself. */
static _Atomic uint64_t hand_ns;
static unsigned int n_edges;
static bool bounces;

uint64_t __real_isr_now_ns(void);
uint64_t __wrap_isr_now_ns(void);

uint64_t __wrap_isr_now_ns(void)
{
	uint64_t now_ns = hand_ns;

	return now_ns ? now_ns : __real_isr_now_ns();
}

/* Close it with the event of that kind. */
static enum isr_button_kind close_at;

static void on_button(struct isr_button *b,
		      const struct isr_button_event *event, void *arg)
{
	ck_assert(!isr_in_context());
	xt_trace(&trace, event);
	ck_assert_uint_eq(event->flags & ISR_EVENT_FLAG_SIMULATED,
			  chip.event_flags);
	/* Nothing is told before it is true. */
	ck_assert_uint_ge(isr_now_ns(), event->t_ns);
	if (event->kind == close_at) {
		xt_ok(isr_button_close(b));
		isr_loop_stop(loop);
	}
}

static void setup(void)
{
	/* Whole ms, for the trace. */
	hand_ns = __real_isr_now_ns() / MS * MS;
	xt_chip_setup();
	memset(&button, 0, sizeof(button));
	memset(&trace, 0, sizeof(trace));
	close_at = 0;
	bounces = false;
	config = (struct isr_button_config){
		.sz = sizeof(config),
		.contact.sz = sizeof(config.contact),
		.cb = on_button,
	};
}

static void teardown(void)
{
	xt_ok(isr_button_close(&button));
	hand_ns = 0;
	xt_chip_teardown();
}

static void set_at(uint64_t t_ns, bool level)
{
	ck_assert_int_eq(isr_chip_sim_set(chip.chip, 0, level, t_ns), 1);
	n_edges++;
}

/* With chatter, which ends at that level. */
static void move_at(uint64_t t_ns, bool level)
{
	unsigned int i;

	set_at(t_ns, level);
	for (i = 1; bounces && i <= 4; i++)
		set_at(t_ns + i * 700000, level ^ (i & 1));
}

static uint64_t get_due_ns(void)
{
	struct isri_device *device = isri_switch_get_device(&button.contact);

	return device->ops->get_due_ns(device);
}

/* All has come, and nothing is due any more. */
static void settle(void)
{
	struct isr_switch_stats stats;

	do {
		xt_settle();
		xt_ok(isr_switch_get_stats(&button.contact, &stats));
	} while (stats.edges < n_edges || get_due_ns() != ISRI_DEVICE_NEVER);
}

static bool is_late(unsigned int ms, int late_ms)
{
	return late_ms == AT_LAST || (late_ms >= 0 && (int)ms >= late_ms &&
				      (int)ms < late_ms + LATE_MS);
}

static void play(const unsigned int *script, int late_ms)
{
	unsigned int ms, next_ms = 0;
	bool level = true;

	for (ms = 0; ms <= END_MS; ms += STEP_MS) {
		hand_ns = trace.base_ns + ms * MS;
		/* Its bounce comes a little later than it is stamped. */
		if (ms == next_ms) {
			if (bounces)
				hand_ns += 3 * MS;
			move_at(trace.base_ns + ms * MS, level);
			level = !level;
			next_ms = *script ? ms + *script++ : 0;
		}
		if (!is_late(ms, late_ms))
			xt_settle();
	}
	settle();
}

static void run(const unsigned int *script, enum xt_mode reader, int late_ms)
{
	config.contact.pin = xt_pin("A", reader);
	trace.length = 0;
	trace.text[0] = '\0';
	n_edges = 0;
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	trace.base_ns = hand_ns + MS;
	play(script, late_ms);
	xt_ok(isr_button_close(&button));
}

static void assert_tells(const unsigned int *script, enum xt_mode reader,
			 const char *told)
{
	static const int late_ms[] = {IN_TIME, AT_LAST, 0,   50,  150,
				      250,     350,	900, 1900};
	unsigned int i;

	for (i = 0; i < 2 * sizeof(late_ms) / sizeof(*late_ms); i++) {
		bounces = i % 2;
		run(script, reader, late_ms[i / 2]);
		ck_assert_msg(!strcmp(trace.text, told),
			      "late at %d%s: %s, not %s", late_ms[i / 2],
			      bounces ? ", bounces" : "", trace.text, told);
	}
}

static const enum xt_mode readers[] = {XT_SOFT, XT_LOOP};

START_TEST(vectors_hold_on_a_pin_however_late_the_loop_is)
{
	const struct xt_vector *v = &xt_vectors[_i / 2];
	unsigned int column;

	for (column = 0; column < XT_COLUMNS; column++) {
		if (!v->told[column])
			continue;
		xt_set_column(&config, column);
		assert_tells(v->script, readers[_i % 2], v->told[column]);
	}
}
END_TEST

START_TEST(repeats_hold_on_a_pin_however_late_the_loop_is)
{
	static const unsigned int script[] = {2000, 0};

	config.repeat_ns = 300 * MS;
	assert_tells(script, readers[_i],
		     "P:0/0 L:1000/0 r1:1300/0 r2:1600/0 r3:1900/0 "
		     "R:2000/2000");
}
END_TEST

START_TEST(contact_that_must_rest_decides_on_its_first_edge)
{
	static const unsigned int script[] = {100, 290, 100, 0};

	config.contact.mode = ISR_SWITCH_STABLE;
	config.suppress = ISR_BUTTON_SUPPRESS_SHORT;
	assert_tells(script, readers[_i], "x2:390/390 R:490/490");
}
END_TEST

/* What is due is due already: the loop is late for all of it. */
START_TEST(button_on_a_pin_may_close_in_its_callback)
{
	static const enum isr_button_kind kinds[] = {
		ISR_BUTTON_PRESS, ISR_BUTTON_RELEASE, ISR_BUTTON_CLICKS,
		ISR_BUTTON_LONG,  ISR_BUTTON_REPEAT,
	};
	uint64_t base_ns = hand_ns + MS;

	close_at = kinds[_i / 2];
	config.contact.pin = xt_pin("A", readers[_i % 2]);
	config.repeat_ns = 100 * MS;
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	trace.base_ns = base_ns;
	hand_ns = base_ns + 5000 * MS;
	move_at(base_ns, true);
	move_at(base_ns + 100 * MS, false);
	move_at(base_ns + 200 * MS, true);
	move_at(base_ns + 300 * MS, false);
	move_at(base_ns + 700 * MS, true);
	xt_ok(isr_loop_run(loop));

	ck_assert(
		!isri_device_is_open(isri_switch_get_device(&button.contact)));
	/* The line is free again. */
	close_at = 0;
	xt_ok(isr_button_open(&button, loop, &config, NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("button-live");
	TCase *tc = xt_case(suite, "live");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 240);
	tcase_add_loop_test(tc, vectors_hold_on_a_pin_however_late_the_loop_is,
			    0, 2 * (int)XT_VECTORS);
	tcase_add_loop_test(tc, repeats_hold_on_a_pin_however_late_the_loop_is,
			    0, 2);
	tcase_add_loop_test(
		tc, contact_that_must_rest_decides_on_its_first_edge, 0, 2);
	tcase_add_loop_test(tc, button_on_a_pin_may_close_in_its_callback, 0,
			    10);
	return xt_main(suite);
}
