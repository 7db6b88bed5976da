/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The stream of events that devices are fed, seen by a device that only writes
 * down what it is fed, with a deadline and levels that the test sets.
 */
#include <errno.h>

#include "device.h"
#include "pin.h"
#include "xt-pin.h"

#define FED_MAX 4096
#define MS 1000000ULL

struct recorder {
	struct isri_device device; /* first */
	struct isr_event fed[FED_MAX];
	unsigned int lines[FED_MAX];
	unsigned int n;
	uint64_t due_ns;
	int levels;
	/* Close it, or stop the loop, when that many have been fed. */
	unsigned int close_at, stop_at;
	uint64_t suspect_ns; /* the device's, when it was stopped */
	unsigned int raw;
	bool raw_closes;
	bool was_closed;
};

static struct recorder rec;

/* So many edges come after a pin was opened, and before anybody goes on. */
static unsigned int n_early;

int __real_isr_pin_open(struct isr_loop *l, const struct isr_pin_config *config,
			isr_handler_cb *cb, void *arg,
			struct isr_source **ret_source,
			struct isr_error *reterr_error);
int __wrap_isr_pin_open(struct isr_loop *l, const struct isr_pin_config *config,
			isr_handler_cb *cb, void *arg,
			struct isr_source **ret_source,
			struct isr_error *reterr_error);

int __wrap_isr_pin_open(struct isr_loop *l, const struct isr_pin_config *config,
			isr_handler_cb *cb, void *arg,
			struct isr_source **ret_source,
			struct isr_error *reterr_error)
{
	int r = __real_isr_pin_open(l, config, cb, arg, ret_source,
				    reterr_error);

	if (r == 0 && n_early)
		xt_edges(0, n_early);
	return r;
}

/* What the next so many reads of a pin's level fail with; 0: they do not. */
static unsigned int n_unread;
static int unread_error;
static unsigned int n_warnings;

int __real_isr_pin_get_value(struct isr_source *source, int *ret_value);
int __wrap_isr_pin_get_value(struct isr_source *source, int *ret_value);

/* A port expander whose bus is disturbed. */
int __wrap_isr_pin_get_value(struct isr_source *source, int *ret_value)
{
	if (!n_unread)
		return __real_isr_pin_get_value(source, ret_value);
	n_unread--;
	return unread_error;
}

static void on_log(enum isr_log_level level, const char *message, void *arg)
{
	ck_assert_ptr_nonnull(strstr(message, "cannot be read"));
	n_warnings++;
}

/* Its due time is over once silence was fed that long. */
static bool feed(struct isri_device *device, const struct isr_event *event,
		 unsigned int line)
{
	struct recorder *r = (struct recorder *)device;

	ck_assert_uint_lt(r->n, FED_MAX);
	r->lines[r->n] = line;
	r->fed[r->n++] = *event;
	if (event->kind == ISR_EVENT_IDLE && event->t_ns >= r->due_ns)
		r->due_ns = ISRI_DEVICE_NEVER;
	if (r->n == r->stop_at) {
		r->suspect_ns = device->suspect_ns;
		isr_loop_stop(loop);
	}
	if (r->n != r->close_at)
		return true;
	isri_device_close(device);
	isr_loop_stop(loop);
	return false;
}

static uint64_t get_due_ns(const struct isri_device *device)
{
	return ((const struct recorder *)device)->due_ns;
}

static int get_levels(const struct isri_device *device)
{
	return ((const struct recorder *)device)->levels;
}

static void close_recorder(struct isri_device *device)
{
	((struct recorder *)device)->was_closed = true;
	isri_device_close(device);
}

static int on_raw(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	rec.raw++;
	if (rec.raw_closes) {
		isri_device_close(&rec.device);
		/* Its memory is the program's again: nobody writes there. */
		memset(&rec.device, 0, sizeof(rec.device));
		xt_ok(isr_source_mask(source));
		xt_ok(isr_source_unmask(source));
		isr_loop_stop(loop);
	}
	return 0;
}

static const struct isri_device_ops ops = {
	.feed = feed,
	.get_due_ns = get_due_ns,
	.get_levels = get_levels,
	.close = close_recorder,
};

static void open_with(const struct isr_pin_config *pin, uint64_t poll_ns)
{
	const struct isri_device_setup setup = {
		.ops = &ops,
		.loop = loop,
		.pin = pin,
		.n_lines = 1,
		.raw_cb = pin->line ? on_raw : NULL,
		.poll_ns = poll_ns,
	};

	memset(&rec, 0, sizeof(rec));
	rec.due_ns = ISRI_DEVICE_NEVER;
	rec.levels = -1;
	xt_ok(isri_device_open(&rec.device, &setup, NULL));
}

static void open_on_pin(enum xt_mode mode)
{
	struct isr_pin_config pin = xt_pin("A", mode);

	open_with(&pin, 0);
}

static void open_fed(void)
{
	struct isr_pin_config pin = {.sz = sizeof(pin)};

	open_with(&pin, 0);
}

/* Until n events have been fed. */
static void run_until_fed(unsigned int n)
{
	rec.stop_at = n;
	if (rec.n < n)
		xt_ok(isr_loop_run(loop));
	ck_assert_uint_ge(rec.n, n);
}

static void close_device(void)
{
	isri_device_close(&rec.device);
}

static const enum xt_mode soft_modes[] = {XT_SOFT, XT_LOOP};

START_TEST(level_is_fed_first)
{
	open_on_pin(soft_modes[_i]);

	ck_assert_uint_eq(rec.n, 1);
	ck_assert_int_eq(rec.fed[0].kind, ISR_EVENT_INITIAL);
	ck_assert_int_eq(rec.fed[0].value, chip.level[0]);
	ck_assert_uint_eq(rec.fed[0].flags, chip.event_flags);
	close_device();
}
END_TEST

START_TEST(edges_are_fed_in_order_and_to_the_raw_handler)
{
	unsigned int i;

	open_on_pin(soft_modes[_i]);
	xt_edges(0, 200);
	run_until_fed(201);

	ck_assert_uint_eq(rec.raw, 200);
	for (i = 1; i <= 200; i++)
		ck_assert_uint_eq(rec.fed[i].line_seq, i);
	close_device();
}
END_TEST

/*
 * The deadline is over before the loop looks at all; edges that came before
 * it lie in the chip, more than one pass of the loop delivers.
 */
START_TEST(silence_is_fed_behind_the_edges_before_it)
{
	unsigned int i;

	open_on_pin(soft_modes[_i]);
	xt_edges(0, 600);
	rec.due_ns = isr_now_ns();
	/* As an edge would that sets a deadline: it is over already. */
	ck_assert(isri_device_catch_up(&rec.device));
	run_until_fed(602);

	for (i = 1; i <= 600; i++)
		ck_assert_int_le(rec.fed[i].kind, ISR_EVENT_FALLING);
	ck_assert_int_eq(rec.fed[601].kind, ISR_EVENT_IDLE);
	ck_assert_uint_ge(rec.fed[601].t_ns, rec.fed[600].t_ns);
	close_device();
}
END_TEST

START_TEST(silence_is_fed_once_a_deadline)
{
	unsigned int n;

	open_on_pin(XT_SOFT);
	rec.due_ns = isr_now_ns() + 5 * MS;
	xt_edges(0, 1);
	run_until_fed(3);
	n = rec.n;

	ck_assert_int_eq(rec.fed[2].kind, ISR_EVENT_IDLE);
	ck_assert_uint_ge(rec.fed[2].t_ns, rec.fed[1].t_ns);
	/* Nothing is due any more: no alarm is set. */
	ck_assert(!isri_alarm_is_set(&rec.device.alarm));
	ck_assert_uint_eq(rec.n, n);
	close_device();
}
END_TEST

START_TEST(catch_up_feeds_all_until_now)
{
	open_on_pin(soft_modes[_i]);
	xt_edges(0, 3);
	/* With a thread they wait in the ring: the loop delivers them. */
	if (soft_modes[_i] == XT_SOFT)
		run_until_fed(4);
	ck_assert(isri_device_catch_up(&rec.device));

	ck_assert_uint_eq(rec.n, 5);
	ck_assert_int_eq(rec.fed[4].kind, ISR_EVENT_IDLE);
	close_device();
}
END_TEST

/* Whoever moved the line without an edge: here the device is what is wrong. */
START_TEST(another_level_at_rest_is_fed)
{
	open_on_pin(XT_SOFT);
	rec.levels = !chip.level[0];
	rec.due_ns = isr_now_ns();
	rec.stop_at = 0;
	ck_assert(isri_device_catch_up(&rec.device));
	ck_assert_uint_eq(rec.n, 2);
	ck_assert(isri_alarm_is_set(&rec.device.alarm));
	while (rec.fed[rec.n - 1].kind != ISR_EVENT_INITIAL)
		run_until_fed(rec.n + 1);

	ck_assert_int_eq(rec.fed[rec.n - 1].value, chip.level[0]);
	close_device();
}
END_TEST

START_TEST(an_edge_ends_the_suspicion)
{
	open_on_pin(XT_SOFT);
	rec.levels = !chip.level[0];
	ck_assert(isri_device_catch_up(&rec.device));
	ck_assert_uint_ne(rec.device.suspect_ns, 0);
	xt_edges(0, 1);
	run_until_fed(3);

	ck_assert_int_le(rec.fed[2].kind, ISR_EVENT_FALLING);
	ck_assert_uint_eq(rec.suspect_ns, 0);
	ck_assert_int_eq(rec.levels, chip.level[0]);
	ck_assert(isri_device_catch_up(&rec.device));
	ck_assert_uint_eq(rec.device.suspect_ns, 0);
	close_device();
}
END_TEST

/* They are in the level; the handler of the program's gets them. */
START_TEST(edges_from_before_the_first_level_are_not_fed)
{
	n_early = 3;
	open_on_pin(soft_modes[_i]);
	n_early = 0;
	ck_assert_uint_eq(rec.n, 1);
	ck_assert_int_eq(rec.fed[0].kind, ISR_EVENT_INITIAL);
	ck_assert_int_eq(rec.fed[0].value, chip.level[0]);
	xt_edges(0, 2);
	run_until_fed(3);

	ck_assert_uint_eq(rec.raw, 5);
	ck_assert_int_ne(rec.fed[1].value, rec.fed[0].value);
	ck_assert_int_eq(rec.fed[2].value, rec.fed[0].value);
	ck_assert_uint_gt(rec.fed[1].t_ns, rec.device.begin_ns);
	close_device();
}
END_TEST

/* Of a clock that is coarse: it may have come just after. */
START_TEST(edge_with_the_stamp_of_the_first_level_is_fed)
{
	open_on_pin(XT_LOOP);
	ck_assert_int_eq(isr_chip_sim_set(chip.chip, 0, !chip.level[0],
					  rec.device.begin_ns),
			 1);
	ck_assert_int_eq(isri_pin_collect(rec.device.source), 0);

	ck_assert_uint_eq(rec.n, 2);
	ck_assert_uint_eq(rec.fed[1].t_ns, rec.device.begin_ns);
	ck_assert_int_ne(rec.fed[1].value, rec.fed[0].value);
	close_device();
}
END_TEST

START_TEST(levels_are_polled)
{
	struct isr_pin_config pin = xt_pin("A", XT_SOFT);

	open_with(&pin, MS);
	rec.levels = !chip.level[0];
	run_until_fed(5);

	ck_assert_int_eq(rec.fed[1].kind, ISR_EVENT_INITIAL);
	ck_assert_int_eq(rec.fed[1].value, chip.level[0]);
	/* That is no evidence against it. */
	ck_assert_uint_eq(rec.device.suspect_ns, 0);
	close_device();
}
END_TEST

/* As good as never; to add it to the time must not make that the past. */
START_TEST(level_need_not_be_polled_soon)
{
	struct isr_pin_config pin = xt_pin("A", XT_SOFT);

	open_with(&pin, UINT64_MAX - _i);

	ck_assert_uint_gt(rec.device.next_poll_ns, isr_now_ns());
	ck_assert(isri_device_catch_up(&rec.device));
	ck_assert_uint_eq(rec.fed[rec.n - 1].kind, ISR_EVENT_IDLE);
	close_device();
}
END_TEST

/* Three reads fail, as many do not, and one more fails. */
static void poll_through_failures(int error)
{
	struct isr_pin_config pin = xt_pin("A", XT_SOFT);

	unread_error = error;
	n_warnings = 0;
	open_with(&pin, MS);
	isr_loop_set_log_cb(loop, on_log, NULL);
	n_unread = 3;
	run_until_fed(rec.n + 5);
	ck_assert_uint_eq(n_unread, 0);
	n_unread = 1;
	run_until_fed(rec.n + 2);
	ck_assert_uint_eq(n_unread, 0);
	close_device();
}

START_TEST(level_that_cannot_be_read_is_told_once)
{
	poll_through_failures(-EIO);

	ck_assert_uint_eq(n_warnings, 2);
}
END_TEST

/* CHIP_LOST is what tells, and comes by itself. */
START_TEST(level_of_a_chip_that_is_gone_is_not_told)
{
	poll_through_failures(-ENODEV);

	ck_assert_uint_eq(n_warnings, 0);
}
END_TEST

START_TEST(masked_pin_tells_no_silence)
{
	open_on_pin(soft_modes[_i]);
	xt_ok(isr_source_mask(rec.device.source));
	xt_edges(0, 2);
	rec.due_ns = isr_now_ns();
	ck_assert(isri_device_catch_up(&rec.device));
	ck_assert_uint_eq(rec.n, 1);
	xt_ok(isr_source_unmask(rec.device.source));
	run_until_fed(3);

	ck_assert_int_le(rec.fed[1].kind, ISR_EVENT_FALLING);
	ck_assert_int_le(rec.fed[2].kind, ISR_EVENT_FALLING);
	close_device();
}
END_TEST

START_TEST(device_may_close_in_its_callback)
{
	open_on_pin(soft_modes[_i]);
	rec.close_at = 3;
	xt_edges(0, 10);
	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(rec.n, 3);
	ck_assert(!isri_device_is_open(&rec.device));
	/* The line is free again. */
	open_on_pin(XT_SOFT);
	close_device();
}
END_TEST

START_TEST(device_may_close_on_silence)
{
	open_on_pin(soft_modes[_i]);
	rec.close_at = 3;
	rec.due_ns = isr_now_ns() + 1;
	xt_edges(0, 1);
	xt_ok(isr_loop_run(loop));

	ck_assert_int_eq(rec.fed[2].kind, ISR_EVENT_IDLE);
	ck_assert(!isri_device_is_open(&rec.device));
}
END_TEST

START_TEST(device_may_close_in_the_raw_handler)
{
	static const struct isri_device zeroed;

	open_on_pin(soft_modes[_i]);
	rec.raw_closes = true;
	xt_edges(0, 2);
	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(rec.n, 1);
	ck_assert_uint_eq(rec.raw, 1);
	ck_assert_mem_eq(&rec.device, &zeroed, sizeof(zeroed));
}
END_TEST

START_TEST(loops_end_closes_the_device)
{
	open_on_pin(XT_SOFT);
	xt_ok(isr_loop_free(loop));

	ck_assert(rec.was_closed);
	ck_assert(!isri_device_is_open(&rec.device));
	loop = NULL;
}
END_TEST

START_TEST(fed_device_is_fed_by_the_program_alone)
{
	struct isr_event event = {.kind = ISR_EVENT_RISING, .t_ns = 7};

	open_fed();
	xt_ok(isri_device_feed(&rec.device, &event));
	ck_assert_uint_eq(rec.n, 1);
	ck_assert_uint_eq(rec.fed[0].t_ns, 7);
	ck_assert(isri_device_catch_up(&rec.device));
	ck_assert_uint_eq(rec.n, 1);

	event.source = 1;
	ck_assert_int_eq(isri_device_feed(&rec.device, &event), -EINVAL);
	event.source = 0;
	event.kind = ISR_EVENT_SIGNAL;
	ck_assert_int_eq(isri_device_feed(&rec.device, &event), -EINVAL);
	ck_assert_int_eq(isri_device_feed(&rec.device, NULL), -EINVAL);
	close_device();
	event.kind = ISR_EVENT_RISING;
	ck_assert_int_eq(isri_device_feed(&rec.device, &event), -EINVAL);
	close_device();
}
END_TEST

START_TEST(device_with_a_pin_is_not_fed)
{
	const struct isr_event event = {.kind = ISR_EVENT_RISING, .t_ns = 7};

	open_on_pin(XT_SOFT);
	ck_assert_int_eq(isri_device_feed(&rec.device, &event), -EBUSY);
	close_device();
}
END_TEST

START_TEST(pin_that_no_device_can_have_is_refused)
{
	struct isr_pin_config pin = xt_pin("A", XT_HARD);
	struct isri_device_setup setup = {
		.ops = &ops,
		.loop = loop,
		.pin = &pin,
		.n_lines = 1,
	};
	struct isr_error error = {0};
	const char *more = "B";

	memset(&rec, 0, sizeof(rec));
	ck_assert_int_eq(isri_device_open(&rec.device, &setup, &error),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, "hard"));

	pin = xt_pin("A", XT_SOFT);
	pin.clock = ISR_CLOCK_REALTIME;
	ck_assert_int_eq(isri_device_open(&rec.device, &setup, &error),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, "monotonic"));

	pin = xt_pin("A", XT_SOFT);
	pin.more_lines = &more;
	pin.n_more_lines = 1;
	ck_assert_int_eq(isri_device_open(&rec.device, &setup, &error),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, "more_lines"));

	pin = (struct isr_pin_config){.sz = sizeof(pin)};
	setup.raw_cb = on_raw;
	ck_assert_int_eq(isri_device_open(&rec.device, &setup, &error),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, "raw_cb"));
	setup.raw_cb = NULL;

	/* It would wait for a program to feed it. */
	pin = xt_pin(NULL, XT_SOFT);
	ck_assert_int_eq(isri_device_open(&rec.device, &setup, &error),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, "no line"));

	pin = xt_pin("NONE", XT_SOFT);
	ck_assert_int_eq(isri_device_open(&rec.device, &setup, &error),
			 -ENOENT);
	ck_assert(!isri_device_is_open(&rec.device));
	isri_device_close(&rec.device);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("device");
	TCase *tcase = xt_case(suite, "stream");

	tcase_add_checked_fixture(tcase, xt_chip_setup, xt_chip_teardown);
	tcase_add_loop_test(tcase, level_is_fed_first, 0, 2);
	tcase_add_loop_test(
		tcase, edges_are_fed_in_order_and_to_the_raw_handler, 0, 2);
	tcase_add_loop_test(tcase, silence_is_fed_behind_the_edges_before_it, 0,
			    2);
	tcase_add_test(tcase, silence_is_fed_once_a_deadline);
	tcase_add_test(tcase, edge_with_the_stamp_of_the_first_level_is_fed);
	tcase_add_loop_test(tcase, catch_up_feeds_all_until_now, 0, 2);
	tcase_add_test(tcase, another_level_at_rest_is_fed);
	tcase_add_test(tcase, an_edge_ends_the_suspicion);
	tcase_add_loop_test(
		tcase, edges_from_before_the_first_level_are_not_fed, 0, 2);
	tcase_add_test(tcase, levels_are_polled);
	tcase_add_loop_test(tcase, level_need_not_be_polled_soon, 0, 2);
	tcase_add_test(tcase, level_that_cannot_be_read_is_told_once);
	tcase_add_test(tcase, level_of_a_chip_that_is_gone_is_not_told);
	tcase_add_loop_test(tcase, masked_pin_tells_no_silence, 0, 2);
	tcase_add_loop_test(tcase, device_may_close_in_its_callback, 0, 2);
	tcase_add_loop_test(tcase, device_may_close_on_silence, 0, 2);
	tcase_add_loop_test(tcase, device_may_close_in_the_raw_handler, 0, 2);
	tcase_add_test(tcase, loops_end_closes_the_device);
	tcase_add_test(tcase, fed_device_is_fed_by_the_program_alone);
	tcase_add_test(tcase, device_with_a_pin_is_not_fed);
	tcase_add_test(tcase, pin_that_no_device_can_have_is_refused);
	return xt_main(suite);
}
