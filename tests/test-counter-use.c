/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * How counters are used: reports, a loop that is late, the count that others
 * take, what is legal where.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "counter-core.h"
#include "xt-counter.h"

static uint64_t state;

static uint64_t chance(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

/*
 * Reports
 */

START_TEST(counter_reports_at_multiples_until_the_input_stops)
{
	static const uint64_t at_ms[] = {300, 400, 500, 600, 700, 720};
	unsigned int i;

	xt_open((struct isr_counter_config){.report_ns = 100 * MS,
					    .stop_ns = 200 * MS});
	xt_idle(DAY + 230 * MS);
	xt_wave(DAY + 230 * MS, 10 * MS, MS, 30);
	xt_idle(DAY + 60 * SECOND);

	ck_assert_uint_eq(n_reports, 6);
	for (i = 0; i < 6; i++)
		ck_assert_uint_eq(reports[i].t_ns, DAY + at_ms[i] * MS);
	ck_assert(reports[2].frequency_hz == 100);
	ck_assert_int_eq(reports[4].state, ISR_COUNTER_SLOWING);
	ck_assert_int_eq(reports[5].state, ISR_COUNTER_STOPPED);
}
END_TEST

/* What comes at its very time is not in it. */
START_TEST(counter_reports_before_it_looks_at_a_later_edge)
{
	xt_open((struct isr_counter_config){.report_ns = 100 * MS});
	xt_rise(DAY + 50 * MS);
	xt_fall(DAY + 60 * MS);
	xt_rise(DAY + 100 * MS);

	ck_assert_uint_eq(n_reports, 1);
	ck_assert_uint_eq(reports[0].t_ns, DAY + 100 * MS);
	ck_assert_uint_eq(reports[0].pulses, 1);
	ck_assert_int_eq(reports[0].count, 1);
}
END_TEST

START_TEST(counter_that_stops_at_a_multiple_reports_once)
{
	xt_open((struct isr_counter_config){.report_ns = 100 * MS,
					    .stop_ns = 100 * MS});
	xt_rise(DAY);
	xt_idle(DAY + SECOND);

	ck_assert_uint_eq(n_reports, 1);
	ck_assert_uint_eq(reports[0].t_ns, DAY + 100 * MS);
	ck_assert_int_eq(reports[0].state, ISR_COUNTER_STOPPED);
}
END_TEST

START_TEST(counter_reports_again_after_a_restart)
{
	xt_open((struct isr_counter_config){.report_ns = 100 * MS,
					    .stop_ns = 50 * MS});
	xt_rise(DAY);
	xt_fall(DAY + MS);
	xt_rise(DAY + 410 * MS);
	xt_idle(DAY + SECOND);

	ck_assert_uint_eq(n_reports, 2);
	ck_assert_uint_eq(reports[0].t_ns, DAY + 50 * MS);
	ck_assert_uint_eq(reports[1].t_ns, DAY + 460 * MS);
}
END_TEST

START_TEST(counter_without_reports_is_silent)
{
	xt_open((struct isr_counter_config){0});
	xt_wave(DAY, MS, MS / 2, 5000);
	xt_idle(DAY + 60 * SECOND);

	ck_assert_uint_eq(n_reports, 0);
	ck_assert_uint_eq(isr_flag_peek(&counter.updated), 0);
}
END_TEST

START_TEST(counter_sets_its_flag_once_a_report)
{
	xt_open((struct isr_counter_config){.report_ns = 100 * MS});
	xt_wave(DAY, 10 * MS, MS, 35);
	ck_assert_uint_eq(isr_flag_peek(&counter.updated), 3);

	ck_assert_int_eq(isr_flag_take(&counter.updated), 3);
}
END_TEST

START_TEST(counter_flag_has_the_mode_asked_for)
{
	xt_open((struct isr_counter_config){.report_ns = 100 * MS,
					    .flag_mode = ISR_FLAG_STICKY});
	xt_wave(DAY, 10 * MS, MS, 35);

	ck_assert_int_eq(isr_flag_take(&counter.updated), 3);
	ck_assert_int_eq(isr_flag_take(&counter.updated), 3);
}
END_TEST

/*
 * When it is to be woken
 */

static void feed_core(struct isri_counter_core *core, uint8_t kind,
		      uint64_t t_ns)
{
	const struct isr_event event = {.kind = kind, .t_ns = t_ns};

	ck_assert(isri_counter_core_feed(core, &event));
}

/* An alarm that each edge puts off would be a system call each time. */
START_TEST(counter_of_a_steady_input_keeps_its_alarm)
{
	const struct isr_counter_config config = {.stop_ns = 100 * MS};
	struct isri_counter_core core;
	struct isr_word count = ISR_WORD_INIT(0);
	uint64_t t_ns;

	isri_counter_core_init(&core, &config);
	core.count = &count;
	ck_assert(isri_counter_core_get_due_ns(&core) == UINT64_MAX);
	for (t_ns = DAY; t_ns < DAY + 100 * MS; t_ns += MS) {
		feed_core(&core, ISR_EVENT_RISING, t_ns);
		ck_assert_uint_eq(isri_counter_core_get_due_ns(&core),
				  DAY + 100 * MS);
		feed_core(&core, ISR_EVENT_FALLING, t_ns + MS / 2);
	}
	feed_core(&core, ISR_EVENT_IDLE, t_ns);
	ck_assert_uint_eq(isri_counter_core_get_due_ns(&core), DAY + 199 * MS);
	feed_core(&core, ISR_EVENT_IDLE, DAY + 199 * MS);

	ck_assert(isri_counter_core_get_due_ns(&core) == UINT64_MAX);
}
END_TEST

/*
 * A loop that is late
 */

#define LATE_EDGES 4000
#define REPORT_NS (50 * MS)

static struct isr_event late_edges[LATE_EDGES];
static struct isr_counter_reading in_time[XT_REPORTS];

/*
 * Jitter, pauses and losses. But no report is due while edges are lost: one
 * that is made in time cannot know of it, and one that is late does.
 */
static void make_late_edges(void)
{
	uint64_t t_ns = DAY, before_ns;
	unsigned int i;

	for (i = 0; i < LATE_EDGES; i++) {
		before_ns = t_ns;
		t_ns += MS + chance(9 * MS) + (chance(100) ? 0 : SECOND);
		late_edges[i] = (struct isr_event){
			.kind = i % 2 ? ISR_EVENT_FALLING : ISR_EVENT_RISING,
			.t_ns = t_ns,
			.lost = chance(20) || before_ns / REPORT_NS !=
							t_ns / REPORT_NS
					? 0
					: 2,
		};
	}
}

/* Time is told: every tick_ns; or, 0, whenever chance has it; or never. */
static void feed_late_edges(uint64_t tick_ns)
{
	uint64_t told_ns = DAY;
	unsigned int i;

	xt_open((struct isr_counter_config){.report_ns = REPORT_NS,
					    .window_ns = 300 * MS,
					    .stop_ns = 800 * MS});
	for (i = 0; i < LATE_EDGES; i++) {
		while (tick_ns && told_ns < late_edges[i].t_ns - tick_ns)
			xt_idle(told_ns += tick_ns);
		if (!tick_ns && chance(2))
			xt_idle(late_edges[i].t_ns - chance(MS));
		xt_feed(late_edges[i]);
	}
	xt_idle(late_edges[LATE_EDGES - 1].t_ns + 10 * SECOND);
	xt_ok(isr_counter_close(&counter));
}

START_TEST(counter_reports_the_same_however_late_the_loop_is)
{
	static const uint64_t ticks_ns[] = {200 * MS, 0, 0, SECOND * 3600};
	unsigned int n, i;

	state = 4711;
	make_late_edges();
	feed_late_edges(MS);
	n = n_reports;
	ck_assert_uint_gt(n, 100);
	memcpy(in_time, reports, sizeof(reports));

	for (i = 0; i < sizeof(ticks_ns) / sizeof(ticks_ns[0]); i++) {
		memset((void *)reports, 0, sizeof(reports));
		feed_late_edges(ticks_ns[i]);
		ck_assert_uint_eq(n_reports, n);
		ck_assert_mem_eq(reports, in_time, n * sizeof(reports[0]));
	}
}
END_TEST

/*
 * The count that others take
 */

START_TEST(counter_exchange_gives_the_count_before)
{
	xt_open((struct isr_counter_config){0});
	xt_wave(DAY, MS, MS / 2, 3);

	ck_assert_int_eq(isr_counter_exchange(&counter, 100), 3);
	xt_wave(DAY + 3 * MS, MS, MS / 2, 2);

	ck_assert_int_eq(isr_counter_get_count(&counter), 102);
	ck_assert_int_eq(xt_read().count, 102);
	ck_assert_uint_eq(xt_read().pulses, 5);
}
END_TEST

START_TEST(counter_count_goes_on_at_the_other_end)
{
	xt_open((struct isr_counter_config){0});
	isr_counter_exchange(&counter, INT64_MAX);

	xt_rise(DAY);

	ck_assert_int_eq(isr_counter_get_count(&counter), INT64_MIN);
}
END_TEST

static atomic_bool is_over;

static void *take_counts(void *arg)
{
	int64_t *sum = arg;

	while (!atomic_load(&is_over))
		*sum += isr_counter_exchange(&counter, 0);
	return arg;
}

START_TEST(counter_exchange_loses_nothing_to_a_thread)
{
	const unsigned int n = 300000;
	int64_t sums[2] = {0, 0};
	pthread_t threads[2];
	int i;

	atomic_store(&is_over, false);
	xt_open((struct isr_counter_config){0});
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_counts,
						&sums[i]),
				 0);
	xt_wave(DAY, MS, MS / 2, n);
	atomic_store(&is_over, true);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);

	ck_assert_int_eq(sums[0] + sums[1] + isr_counter_get_count(&counter),
			 n);
	ck_assert_uint_eq(xt_read().pulses, n);
}
END_TEST

/*
 * What is legal where
 */

/* Several reports are due at once. */
START_TEST(counter_may_be_closed_in_its_report)
{
	xt_open((struct isr_counter_config){.report_ns = 100 * MS,
					    .cb = xt_close_in_report,
					    .arg = _i ? &counter : NULL});
	xt_rise(DAY);
	xt_idle(DAY + SECOND);

	ck_assert_uint_eq(n_reports, 1);
	memset((void *)&counter, 0, sizeof(counter));
}
END_TEST

static void free_loop_in_report(struct isr_counter *c,
				const struct isr_counter_reading *reading,
				void *arg)
{
	n_reports++;
	xt_ok(isr_loop_free(loop));
	loop = NULL;
	memset((void *)c, 0xff, sizeof(*c));
}

START_TEST(counter_may_free_its_loop)
{
	struct isr_event event = {.kind = ISR_EVENT_IDLE, .t_ns = DAY + SECOND};

	xt_open((struct isr_counter_config){.report_ns = 100 * MS,
					    .cb = free_loop_in_report});
	xt_rise(DAY);
	xt_ok(isr_counter_feed(&counter, &event));

	ck_assert_uint_eq(n_reports, 1);
	memset((void *)&counter, 0, sizeof(counter));
}
END_TEST

static void use_in_report(struct isr_counter *c,
			  const struct isr_counter_reading *reading, void *arg)
{
	struct isr_event event = {.kind = ISR_EVENT_IDLE, .t_ns = DAY + SECOND};
	struct isr_counter_reading r;

	n_reports++;
	ck_assert_ptr_eq(arg, &n_reports);
	xt_ok(isr_counter_read(c, &r));
	ck_assert_mem_eq(&r, reading, sizeof(r));
	xt_fails_with(EBUSY, isr_counter_feed(c, &event));
	ck_assert_int_eq(isr_counter_exchange(c, 0), 1);
}

START_TEST(counter_may_be_read_and_not_fed_in_its_report)
{
	xt_open((struct isr_counter_config){
		.report_ns = 100 * MS, .cb = use_in_report, .arg = &n_reports});
	xt_rise(DAY);
	xt_idle(DAY + 100 * MS);

	ck_assert_uint_eq(n_reports, 1);
}
END_TEST

static unsigned int n_logged;

static void on_log(enum isr_log_level level, const char *message, void *arg)
{
	ck_assert_int_eq(level, ISR_LOG_WARNING);
	ck_assert_ptr_nonnull(strstr(message, "chip is gone"));
	n_logged++;
}

START_TEST(counter_ends_with_its_chip)
{
	struct isr_counter_reading r;

	n_logged = 0;
	isr_loop_set_log_cb(loop, on_log, NULL);
	xt_open((struct isr_counter_config){.report_ns = 100 * MS});
	xt_wave(DAY, 10 * MS, MS, 8);
	xt_feed((struct isr_event){.kind = ISR_EVENT_CHIP_LOST,
				   .t_ns = DAY + 90 * MS,
				   .value = -ENODEV});
	xt_rise(DAY + 91 * MS);
	xt_idle(DAY + SECOND);
	r = xt_read();

	ck_assert_uint_eq(n_logged, 1);
	ck_assert_uint_eq(n_reports, 1);
	ck_assert_uint_eq(reports[0].t_ns, DAY + 90 * MS);
	ck_assert(reports[0].chip_lost);
	ck_assert(r.chip_lost);
	ck_assert_int_eq(r.state, ISR_COUNTER_STOPPED);
	ck_assert_uint_eq(r.pulses, 8);
}
END_TEST

START_TEST(counter_knows_what_was_lost_before_the_end)
{
	xt_open((struct isr_counter_config){0});
	xt_wave(DAY, 10 * MS, MS, 8);
	xt_feed((struct isr_event){.kind = ISR_EVENT_CHIP_LOST,
				   .t_ns = DAY + 90 * MS,
				   .lost = 3});

	ck_assert_uint_eq(xt_read().lost, 3);
}
END_TEST

static void refuse(int error, struct isr_counter_config config)
{
	struct isr_error why = {0};

	xt_fails_with(error, isr_counter_open(&counter, loop, &config, &why));
	ck_assert_int_eq(why.code, -error);
	ck_assert_str_ne(why.message, "");
	xt_fails_with(EINVAL, isr_counter_read(&counter, NULL));
}

START_TEST(counter_refuses_bad_configurations)
{
	struct isr_counter_config config = {.sz = sizeof(config)};
	struct {
		struct isr_counter_config config;
		uint64_t more;
	} later = {.config.sz = sizeof(later), .more = 1};
	struct isr_error why = {0};

	refuse(EINVAL, (struct isr_counter_config){.sz = 8});
	config.pin.edge = (enum isr_edge)3;
	refuse(EINVAL, config);
	config.pin.line = "A";
	xt_fails_with(EINVAL, isr_counter_open(&counter, loop, &config, &why));
	ck_assert_str_eq(why.message,
			 "counter A: it counts rising, falling or both edges");
	config.pin.line = NULL;
	config.pin.edge = ISR_EDGE_BOTH;
	config.report_ns = ISR_COUNTER_REPORT_MIN_NS - 1;
	refuse(EINVAL, config);
	config.report_ns = 0;
	config.flag_mode = 77;
	refuse(EINVAL, config);
	config.flag_mode = 0;
	config.reserved[7] = 1;
	refuse(E2BIG, config);
	xt_fails_with(E2BIG,
		      isr_counter_open(&counter, loop, &later.config, NULL));
	xt_fails_with(EINVAL, isr_counter_open(NULL, loop, &config, NULL));
	xt_fails_with(EINVAL, isr_counter_open(&counter, NULL, &config, &why));
	ck_assert_ptr_nonnull(strstr(why.message, "a loop"));
	xt_fails_with(EINVAL, isr_counter_open(&counter, loop, NULL, NULL));
}
END_TEST

START_TEST(counter_that_is_open_is_not_opened_again)
{
	struct isr_event event = {.kind = ISR_EVENT_RISING, .t_ns = DAY};
	struct isr_counter_config config = {.sz = sizeof(config)};
	struct isr_error why = {0};

	xt_open(config);
	xt_feed(event);

	xt_fails_with(EBUSY, isr_counter_open(&counter, loop, &config, &why));

	ck_assert_ptr_nonnull(strstr(why.message, "close it first"));
	ck_assert_int_eq(isr_counter_get_count(&counter), 1);
	xt_ok(isr_counter_close(&counter));
	xt_ok(isr_counter_open(&counter, loop, &config, NULL));
}
END_TEST

START_TEST(counter_refuses_what_is_no_event_of_its_line)
{
	struct isr_event event = {.kind = ISR_EVENT_TIMER, .t_ns = DAY};

	xt_open((struct isr_counter_config){0});
	xt_fails_with(EINVAL, isr_counter_feed(&counter, &event));
	event.kind = ISR_EVENT_RISING;
	event.source = 1;
	xt_fails_with(EINVAL, isr_counter_feed(&counter, &event));
	xt_fails_with(EINVAL, isr_counter_feed(&counter, NULL));
	xt_fails_with(EINVAL, isr_counter_feed(NULL, &event));
	xt_fails_with(EINVAL, isr_counter_read(&counter, NULL));

	ck_assert_uint_eq(xt_read().pulses, 0);
	ck_assert_ptr_null(isr_counter_get_source(&counter));
}
END_TEST

START_TEST(counter_that_is_closed_keeps_its_count)
{
	struct isr_event event = {.kind = ISR_EVENT_RISING, .t_ns = DAY};
	struct isr_counter_reading r;

	xt_open((struct isr_counter_config){0});
	xt_feed(event);
	xt_ok(isr_counter_close(&counter));

	ck_assert_int_eq(isr_counter_get_count(&counter), 1);
	xt_fails_with(EINVAL, isr_counter_feed(&counter, &event));
	xt_fails_with(EINVAL, isr_counter_read(&counter, &r));
	ck_assert_ptr_null(isr_counter_get_source(&counter));
	xt_ok(isr_counter_close(&counter));
	xt_ok(isr_counter_close(NULL));
	xt_open((struct isr_counter_config){0});
	ck_assert_int_eq(isr_counter_get_count(&counter), 0);
}
END_TEST

START_TEST(counter_ends_with_its_loop)
{
	struct isr_event event = {.kind = ISR_EVENT_RISING, .t_ns = DAY};

	xt_open((struct isr_counter_config){0});
	xt_ok(isr_loop_free(loop));
	loop = NULL;

	xt_fails_with(EINVAL, isr_counter_feed(&counter, &event));
	xt_ok(isr_counter_close(&counter));
}
END_TEST

static void add_reports(Suite *suite)
{
	TCase *tc = xt_case(suite, "reports");

	tcase_add_checked_fixture(tc, xt_loop_setup, xt_counter_teardown);
	tcase_add_test(tc, counter_reports_at_multiples_until_the_input_stops);
	tcase_add_test(tc, counter_reports_before_it_looks_at_a_later_edge);
	tcase_add_test(tc, counter_that_stops_at_a_multiple_reports_once);
	tcase_add_test(tc, counter_reports_again_after_a_restart);
	tcase_add_test(tc, counter_without_reports_is_silent);
	tcase_add_test(tc, counter_sets_its_flag_once_a_report);
	tcase_add_test(tc, counter_flag_has_the_mode_asked_for);
	tcase_add_test(tc, counter_of_a_steady_input_keeps_its_alarm);
	tcase_add_test(tc, counter_reports_the_same_however_late_the_loop_is);
}

static void add_count(Suite *suite)
{
	TCase *tc = xt_case(suite, "count");

	tcase_add_checked_fixture(tc, xt_loop_setup, xt_counter_teardown);
	tcase_add_test(tc, counter_exchange_gives_the_count_before);
	tcase_add_test(tc, counter_count_goes_on_at_the_other_end);
	tcase_add_test(tc, counter_exchange_loses_nothing_to_a_thread);
}

static void add_rules(Suite *suite)
{
	TCase *tc = xt_case(suite, "rules");

	tcase_add_checked_fixture(tc, xt_loop_setup, xt_counter_teardown);
	tcase_add_loop_test(tc, counter_may_be_closed_in_its_report, 0, 2);
	tcase_add_test(tc, counter_may_free_its_loop);
	tcase_add_test(tc, counter_may_be_read_and_not_fed_in_its_report);
	tcase_add_test(tc, counter_ends_with_its_chip);
	tcase_add_test(tc, counter_knows_what_was_lost_before_the_end);
	tcase_add_test(tc, counter_refuses_bad_configurations);
	tcase_add_test(tc, counter_that_is_open_is_not_opened_again);
	tcase_add_test(tc, counter_refuses_what_is_no_event_of_its_line);
	tcase_add_test(tc, counter_that_is_closed_keeps_its_count);
	tcase_add_test(tc, counter_ends_with_its_loop);
}

int main(void)
{
	Suite *suite = suite_create("counter use");

	add_reports(suite);
	add_count(suite);
	add_rules(suite);
	return xt_main(suite);
}
