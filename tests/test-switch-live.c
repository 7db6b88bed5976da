/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Switches on the pins of a simulated chip. The clock is set by hand, and edges
 * are stamped by hand: so the loop is as late as a test wants. All is in the
 * past of the real clock, which is the chip's.
 */
#include <stdatomic.h>

#include "device.h"
#include "error.h"
#include "switch.h"
#include "xt-pin.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
/* The chip's clock is ahead by that; the machine may just have started. */
#define PAST (10 * 1000 * MS)
#define TOLD_MAX 64

static struct isr_switch sw;
static struct isr_switch_config config;
static struct isr_switch_event told[TOLD_MAX];
static unsigned int n_told, n_set, n_raw;
static bool closes_in_callback, opens_again, refuses_debounce;
static uint64_t base_ns;
/* 0: the clock goes by itself. */
static _Atomic uint64_t hand_ns;

uint64_t __real_isr_now_ns(void);
uint64_t __wrap_isr_now_ns(void);

uint64_t __wrap_isr_now_ns(void)
{
	uint64_t now_ns = hand_ns;

	return now_ns ? now_ns : __real_isr_now_ns();
}

int __real_isr_pin_open(struct isr_loop *loop, const struct isr_pin_config *pin,
			isr_handler_cb *handler, void *arg,
			struct isr_source **ret_source,
			struct isr_error *reterr_error);
int __wrap_isr_pin_open(struct isr_loop *loop, const struct isr_pin_config *pin,
			isr_handler_cb *handler, void *arg,
			struct isr_source **ret_source,
			struct isr_error *reterr_error);

/* A chip that cannot debounce. */
int __wrap_isr_pin_open(struct isr_loop *on_loop,
			const struct isr_pin_config *pin,
			isr_handler_cb *handler, void *arg,
			struct isr_source **ret_source,
			struct isr_error *reterr_error)
{
	if (refuses_debounce && pin->debounce_ns)
		return isri_error_copy(reterr_error, -EOPNOTSUPP,
				       "the chip cannot debounce");
	return __real_isr_pin_open(on_loop, pin, handler, arg, ret_source,
				   reterr_error);
}

static void on_switch(struct isr_switch *self,
		      const struct isr_switch_event *event, void *arg)
{
	ck_assert(!isr_in_context());
	ck_assert_uint_lt(n_told, TOLD_MAX);
	ck_assert_int_eq(isr_switch_is_closed(self), event->closed);
	/* Nothing is told before it is true. */
	ck_assert_uint_ge(isr_now_ns(), event->t_settled_ns);
	told[n_told++] = *event;
	if (opens_again) {
		xt_ok(isr_switch_close(self));
		xt_ok(isr_switch_open(self, loop, &config, NULL));
	}
	if (closes_in_callback) {
		xt_ok(isr_switch_close(self));
		isr_loop_stop(loop);
	}
}

static int on_raw(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	ck_assert_ptr_eq(source, isr_switch_get_source(&sw));
	n_raw++;
	return 0;
}

static void setup(void)
{
	base_ns = __real_isr_now_ns() - PAST;
	hand_ns = base_ns;
	xt_chip_setup();
	memset(&sw, 0, sizeof(sw));
	n_told = n_set = n_raw = 0;
	closes_in_callback = opens_again = refuses_debounce = false;
	config = (struct isr_switch_config){
		.sz = sizeof(config),
		.cb = on_switch,
		.raw_cb = on_raw,
	};
}

static void teardown(void)
{
	xt_ok(isr_switch_close(&sw));
	hand_ns = 0;
	xt_chip_teardown();
}

static void open_on(enum isr_switch_mode mode, enum xt_mode reader)
{
	struct isr_error error = {0};

	config.mode = mode;
	config.pin = xt_pin("A", reader);
	xt_ok(isr_switch_open(&sw, loop, &config, &error));
	ck_assert_int_eq(error.code, 0);
}

static uint64_t at(uint64_t us)
{
	return base_ns + us * US;
}

static void set_at(uint64_t us, int level)
{
	ck_assert_int_eq(isr_chip_sim_set(chip.chip, 0, level, at(us)), 1);
	n_set++;
}

static struct isr_switch_stats get_stats(void)
{
	struct isr_switch_stats stats;

	xt_ok(isr_switch_get_stats(&sw, &stats));
	return stats;
}

static uint64_t get_due_ns(void)
{
	struct isri_device *device = isri_switch_get_device(&sw);

	return device->ops->get_due_ns(device);
}

/* The loop runs all that there is at that time; the edges have all come. */
static void run_at(uint64_t us)
{
	hand_ns = at(us);
	do
		xt_settle();
	while (get_stats().edges < n_set || get_due_ns() <= hand_ns);
}

static void assert_told(unsigned int i, enum isr_switch_kind kind,
			uint64_t first_us, uint64_t settled_us,
			uint32_t bounces, unsigned int flags)
{
	ck_assert_uint_gt(n_told, i);
	ck_assert_int_eq(told[i].kind, kind);
	ck_assert_uint_eq(told[i].t_first_ns, at(first_us));
	ck_assert_uint_eq(told[i].t_settled_ns,
			  settled_us ? at(settled_us) : 0);
	ck_assert_uint_eq(told[i].bounces, bounces);
	ck_assert_uint_eq(told[i].flags, flags | ISR_EVENT_FLAG_SIMULATED);
}

/*
 * A click of 20 ms and a press of 200 ms, with their bounces; the loop runs
 * every ms, or is blocked for 200 ms from each of their first edges on.
 */
static const struct {
	uint64_t us;
	int level;
} clicks[] = {
	{100000, 1}, {100300, 0}, {101100, 1}, {120000, 0}, {120200, 1},
	{121000, 0}, {300000, 1}, {304000, 0}, {309000, 1}, {500000, 0},
};

static void play_clicks(bool is_blocked)
{
	uint64_t us = 0;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		for (; !is_blocked && us < clicks[i].us; us += 1000)
			run_at(us);
		set_at(clicks[i].us, clicks[i].level);
		if (is_blocked && i == 5)
			run_at(299999);
		if (is_blocked && i == 8)
			run_at(499999);
	}
	run_at(1000000);
}

/* Bit 0 of a test's _i; bit 1: the loop is blocked. */
static enum xt_mode get_reader(int i)
{
	return i & 1 ? XT_LOOP : XT_SOFT;
}

START_TEST(eager_switch_tells_clicks_however_late_the_loop_is)
{
	open_on(ISR_SWITCH_EAGER, get_reader(_i));
	play_clicks(_i & 2);

	ck_assert_uint_eq(n_told, 6);
	assert_told(0, ISR_SWITCH_CLOSED, 100000, 0, 0, 0);
	assert_told(1, ISR_SWITCH_OPENED, 120000, 150000, 4, 0);
	assert_told(2, ISR_SWITCH_CLOSED, 300000, 0, 0, 0);
	assert_told(3, ISR_SWITCH_SETTLED, 300000, 350000, 2, 0);
	assert_told(4, ISR_SWITCH_OPENED, 500000, 0, 0, 0);
	assert_told(5, ISR_SWITCH_SETTLED, 500000, 550000, 0, 0);
	ck_assert_uint_eq(n_raw, 10);
	ck_assert_uint_eq(get_due_ns(), ISRI_DEVICE_NEVER);
}
END_TEST

START_TEST(stable_switch_tells_presses_however_late_the_loop_is)
{
	open_on(ISR_SWITCH_STABLE, get_reader(_i));
	play_clicks(_i & 2);

	ck_assert_uint_eq(n_told, 2);
	assert_told(0, ISR_SWITCH_CLOSED, 300000, 359000, 2, 0);
	assert_told(1, ISR_SWITCH_OPENED, 500000, 550000, 0, 0);
	ck_assert_uint_eq(get_stats().glitches, 1);
}
END_TEST

START_TEST(raw_switch_tells_every_edge_however_late_the_loop_is)
{
	unsigned int i;

	open_on(ISR_SWITCH_RAW, get_reader(_i));
	play_clicks(_i & 2);

	ck_assert_uint_eq(n_told, 10);
	for (i = 0; i < 10; i++)
		assert_told(i,
			    clicks[i].level ? ISR_SWITCH_CLOSED
					    : ISR_SWITCH_OPENED,
			    clicks[i].us, 0, 0, 0);
}
END_TEST

START_TEST(chip_that_debounces_is_asked_to)
{
	config.chip_debounces = true;
	config.mode = ISR_SWITCH_STABLE;
	config.pin = xt_pin("A", get_reader(_i));
	xt_ok(isr_switch_open(&sw, loop, &config, NULL));
	/* No bounces: to the chip, whose clock is ahead, they have settled. */
	set_at(300000, 1);
	set_at(500000, 0);
	run_at(1000000);

	ck_assert_uint_eq(n_told, 2);
	assert_told(0, ISR_SWITCH_CLOSED, 350000, 350000, 0,
		    ISR_EVENT_FLAG_DEBOUNCED);
	assert_told(1, ISR_SWITCH_OPENED, 550000, 550000, 0,
		    ISR_EVENT_FLAG_DEBOUNCED);
}
END_TEST

START_TEST(chip_that_cannot_debounce_need_not)
{
	refuses_debounce = true;
	config.chip_debounces = true;
	open_on(ISR_SWITCH_STABLE, get_reader(_i));
	play_clicks(_i & 2);

	ck_assert_uint_eq(n_told, 2);
	assert_told(0, ISR_SWITCH_CLOSED, 300000, 359000, 2, 0);
}
END_TEST

START_TEST(line_is_polled)
{
	uint64_t us = 0;

	open_on(ISR_SWITCH_POLLED, get_reader(_i));
	isr_chip_sim_set(chip.chip, 0, 1, at(1));
	for (; us < 30000; us += 10000)
		run_at(us);
	isr_chip_sim_set(chip.chip, 0, 0, at(25000));
	for (; us <= 200000; us += 10000)
		run_at(us);

	ck_assert_uint_eq(n_told, 2);
	assert_told(0, ISR_SWITCH_CLOSED, 10000, 0, 0, 0);
	assert_told(1, ISR_SWITCH_OPENED, 30000, 60000, 0, 0);
	ck_assert_uint_eq(get_stats().corrected, 0);
	/* It has no edges. */
	ck_assert_uint_eq(n_raw, 0);
}
END_TEST

START_TEST(line_is_polled_as_often_as_asked)
{
	config.poll_ns = 7 * MS;
	open_on(ISR_SWITCH_POLLED, XT_SOFT);
	isr_chip_sim_set(chip.chip, 0, 1, at(1));

	run_at(6999);
	ck_assert_uint_eq(n_told, 0);
	run_at(7000);
	ck_assert_uint_eq(n_told, 1);
}
END_TEST

START_TEST(line_that_is_polled_may_be_asked_for_no_edges)
{
	config.mode = ISR_SWITCH_POLLED;
	config.pin = xt_pin("A", XT_SOFT);
	config.pin.edge = ISR_EDGE_NONE;
	xt_ok(isr_switch_open(&sw, loop, &config, NULL));
	isr_chip_sim_set(chip.chip, 0, 1, at(1));

	run_at(10000);

	ck_assert_uint_eq(n_told, 1);
	assert_told(0, ISR_SWITCH_CLOSED, 10000, 0, 0, 0);
}
END_TEST

START_TEST(state_that_is_found_is_no_event)
{
	isr_chip_sim_set(chip.chip, 0, 1, at(0));
	open_on(ISR_SWITCH_EAGER, get_reader(_i));
	run_at(1000000);

	ck_assert(isr_switch_is_closed(&sw));
	ck_assert_ptr_nonnull(isr_switch_get_source(&sw));
	ck_assert_uint_eq(n_told, 0);
}
END_TEST

START_TEST(switch_to_ground_is_active_low)
{
	config.pin = xt_pin("A", get_reader(_i));
	config.pin.active_low = true;
	xt_ok(isr_switch_open(&sw, loop, &config, NULL));

	ck_assert(isr_switch_is_closed(&sw));
	set_at(1000, 1);
	run_at(2000);
	ck_assert(!isr_switch_is_closed(&sw));
	assert_told(0, ISR_SWITCH_OPENED, 1000, 0, 0, 0);
}
END_TEST

START_TEST(change_without_an_edge_is_found)
{
	open_on(ISR_SWITCH_EAGER, get_reader(_i));
	set_at(1000, 1);
	run_at(2000);
	/* Its release is not delivered. */
	xt_ok(isr_source_disarm(isr_switch_get_source(&sw)));
	isr_chip_sim_set(chip.chip, 0, 0, at(3000));
	xt_ok(isr_source_arm(isr_switch_get_source(&sw)));

	run_at(51000);
	ck_assert_uint_eq(n_told, 2);
	assert_told(1, ISR_SWITCH_SETTLED, 1000, 51000, 0, 0);
	run_at(53000);
	ck_assert_uint_eq(n_told, 3);
	assert_told(2, ISR_SWITCH_OPENED, 53000, 0, 0, ISR_EVENT_FLAG_MERGED);
	ck_assert_uint_eq(get_stats().corrected, 1);
}
END_TEST

/* No edge has to come after it. */
START_TEST(switch_that_is_armed_takes_the_level_of_its_line)
{
	open_on(ISR_SWITCH_EAGER, get_reader(_i));
	xt_ok(isr_source_disarm(isr_switch_get_source(&sw)));
	isr_chip_sim_set(chip.chip, 0, 1, at(1000));
	hand_ns = at(2000);
	xt_ok(isr_source_arm(isr_switch_get_source(&sw)));
	xt_settle();
	ck_assert_uint_eq(n_told, 0);
	hand_ns = at(4000);
	xt_settle();

	ck_assert_uint_eq(n_told, 1);
	assert_told(0, ISR_SWITCH_CLOSED, 4000, 0, 0, ISR_EVENT_FLAG_MERGED);
	ck_assert_uint_eq(get_stats().corrected, 1);
}
END_TEST

/* Meanwhile nobody looks again and again whether it is. */
START_TEST(switch_that_is_unmasked_tells_what_is_due)
{
	const struct isri_device *device = isri_switch_get_device(&sw);

	open_on(ISR_SWITCH_EAGER, get_reader(_i));
	set_at(1000, 1);
	run_at(2000);
	xt_ok(isr_source_mask(isr_switch_get_source(&sw)));
	hand_ns = at(60000);
	xt_settle();
	ck_assert_uint_eq(n_told, 1);
	ck_assert(!isri_alarm_is_set(&device->alarm));
	xt_ok(isr_source_unmask(isr_switch_get_source(&sw)));
	xt_settle();

	ck_assert_uint_eq(n_told, 2);
	assert_told(1, ISR_SWITCH_SETTLED, 1000, 51000, 0, 0);
}
END_TEST

START_TEST(loss_is_told_with_the_press_behind_it)
{
	open_on(ISR_SWITCH_EAGER, get_reader(_i));
	xt_ok(isr_chip_sim_set_line_seq(chip.chip, 0, 42));
	set_at(1000, 1);
	run_at(2000);

	ck_assert_uint_eq(n_told, 1);
	ck_assert_uint_eq(told[0].lost, 41);
	ck_assert_uint_eq(get_stats().lost, 41);
}
END_TEST

START_TEST(switch_may_close_in_its_callback)
{
	closes_in_callback = true;
	open_on(_i & 2 ? ISR_SWITCH_STABLE : ISR_SWITCH_EAGER, get_reader(_i));
	set_at(1000, 1);
	hand_ns = at(1000000);
	while (!n_told)
		xt_settle();
	xt_settle();

	ck_assert_uint_eq(n_told, 1);
	xt_fails_with(EINVAL, isr_flag_take(&sw.close));
}
END_TEST

/* Whether an edge has decided or silence. */
START_TEST(switch_may_be_opened_again_in_its_callback)
{
	opens_again = true;
	open_on(_i & 2 ? ISR_SWITCH_STABLE : ISR_SWITCH_EAGER, get_reader(_i));
	set_at(1000, 1);
	hand_ns = at(200000);
	while (n_told < 1)
		xt_settle();
	ck_assert(isr_switch_is_closed(&sw));
	set_at(300000, 0);
	hand_ns = at(500000);
	while (n_told < 2)
		xt_settle();
	xt_settle();

	ck_assert_uint_eq(n_told, 2);
	assert_told(0, ISR_SWITCH_CLOSED, 1000, _i & 2 ? 51000 : 0, 0, 0);
	assert_told(1, ISR_SWITCH_OPENED, 300000, _i & 2 ? 350000 : 0, 0, 0);
}
END_TEST

START_TEST(loops_end_closes_the_switch)
{
	open_on(ISR_SWITCH_EAGER, get_reader(_i));
	set_at(1000, 1);
	run_at(2000);
	isr_loop_free(loop);
	loop = NULL;

	ck_assert_ptr_null(isr_switch_get_source(&sw));
	xt_ok(isr_switch_close(&sw));
}
END_TEST

START_TEST(pins_that_no_switch_can_have_are_refused)
{
	struct isr_event edge = {.kind = ISR_EVENT_RISING};
	struct isr_error error = {0};

	config.pin = xt_pin("A", XT_HARD);
	xt_fails_with(EINVAL, isr_switch_open(&sw, loop, &config, &error));
	ck_assert_ptr_nonnull(strstr(error.message, "hard"));
	config.pin = xt_pin("A", XT_SOFT);
	config.pin.clock = ISR_CLOCK_REALTIME;
	xt_fails_with(EINVAL, isr_switch_open(&sw, loop, &config, &error));
	ck_assert_ptr_nonnull(strstr(error.message, "monotonic"));
	config.pin = xt_pin("A", XT_SOFT);
	config.pin.debounce_ns = MS;
	xt_fails_with(EINVAL, isr_switch_open(&sw, loop, &config, &error));
	ck_assert_ptr_nonnull(strstr(error.message, "pin.debounce_ns"));
	config.pin = xt_pin("NONE", XT_SOFT);
	xt_fails_with(ENOENT, isr_switch_open(&sw, loop, &config, &error));
	ck_assert_ptr_nonnull(strstr(error.message, "NONE"));
	xt_fails_with(EINVAL, isr_flag_take(&sw.close));
	xt_fails_with(EINVAL, isr_flag_take(&sw.open));

	open_on(ISR_SWITCH_EAGER, XT_SOFT);
	xt_fails_with(EBUSY, isr_switch_feed(&sw, &edge));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("switch-live");
	TCase *tcase = xt_case(suite, "live");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase,
			    eager_switch_tells_clicks_however_late_the_loop_is,
			    0, 4);
	tcase_add_loop_test(
		tcase, stable_switch_tells_presses_however_late_the_loop_is, 0,
		4);
	tcase_add_loop_test(
		tcase, raw_switch_tells_every_edge_however_late_the_loop_is, 0,
		4);
	tcase_add_loop_test(tcase, chip_that_debounces_is_asked_to, 0, 2);
	tcase_add_loop_test(tcase, chip_that_cannot_debounce_need_not, 0, 4);
	tcase_add_loop_test(tcase, line_is_polled, 0, 2);
	tcase_add_test(tcase, line_is_polled_as_often_as_asked);
	tcase_add_test(tcase, line_that_is_polled_may_be_asked_for_no_edges);
	tcase_add_loop_test(tcase, state_that_is_found_is_no_event, 0, 2);
	tcase_add_loop_test(tcase, switch_to_ground_is_active_low, 0, 2);
	tcase_add_loop_test(tcase, change_without_an_edge_is_found, 0, 2);
	tcase_add_loop_test(
		tcase, switch_that_is_armed_takes_the_level_of_its_line, 0, 2);
	tcase_add_loop_test(tcase, switch_that_is_unmasked_tells_what_is_due, 0,
			    2);
	tcase_add_loop_test(tcase, loss_is_told_with_the_press_behind_it, 0, 2);
	tcase_add_loop_test(tcase, switch_may_close_in_its_callback, 0, 4);
	tcase_add_loop_test(tcase, switch_may_be_opened_again_in_its_callback,
			    0, 4);
	tcase_add_loop_test(tcase, loops_end_closes_the_switch, 0, 2);
	tcase_add_test(tcase, pins_that_no_switch_can_have_are_refused);
	return xt_main(suite);
}
