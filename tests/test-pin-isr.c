/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Hard handlers of pins, on a simulated chip or on the kernel's: where they
 * run, what they see, what their failure does and leaves alone, priorities,
 * and their end under a flood.
 *
 * Handlers assert nothing, they note. One that is held up waits for the test
 * to open its gate, never for a time.
 */
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "xt-pin.h"

/* Where the first handler that comes waits, if the gate is shut. */
struct gate {
	atomic_bool shut;
	sem_t entered;
	sem_t opened;
};

/* What a handler notes. */
struct notes {
	struct xt_sink sink;
	struct gate gate;
	int result; /* what the handler fails with, or 0 */
	/* Not in ISR context, on the loop's thread, or of another source. */
	atomic_uint n_misplaced;
	pid_t tid;
	uint64_t handled_ns[XT_SINK_EVENTS];
};

static struct notes a, b, c;
static struct isr_source *pin, *other;
static pthread_t loop_thread;
/* Hard handlers that run just now, and the most that did. */
static atomic_uint n_inside, most_inside;

static void notes_init(struct notes *notes)
{
	memset(notes, 0, sizeof(*notes));
	notes->sink.loop = loop;
	sem_init(&notes->gate.entered, 0, 0);
	sem_init(&notes->gate.opened, 0, 0);
}

static void setup(void)
{
	xt_chip_setup();
	notes_init(&a);
	notes_init(&b);
	notes_init(&c);
	loop_thread = pthread_self();
	n_inside = 0;
	most_inside = 0;
}

static void await(sem_t *sem)
{
	while (sem_wait(sem) < 0)
		ck_assert_int_eq(errno, EINTR);
}

static void gate_pass(struct gate *gate)
{
	if (!atomic_exchange(&gate->shut, false))
		return;
	sem_post(&gate->entered);
	while (sem_wait(&gate->opened) < 0)
		;
}

static void enter(void)
{
	unsigned int n = atomic_fetch_add(&n_inside, 1) + 1;
	unsigned int most = atomic_load(&most_inside);

	while (n > most &&
	       !atomic_compare_exchange_weak(&most_inside, &most, n))
		;
}

static void leave(void)
{
	/* Whoever might come meanwhile gets the chance. */
	sched_yield();
	atomic_fetch_sub(&n_inside, 1);
}

static bool is_misplaced(const struct isr_source *source)
{
	return !isr_in_context() ||
	       pthread_equal(pthread_self(), loop_thread) ||
	       isr_context_get_source() != source;
}

static int note(struct isr_source *source, const struct isr_event *event,
		void *arg)
{
	struct notes *notes = arg;
	int r;

	enter();
	if (is_misplaced(source))
		atomic_fetch_add(&notes->n_misplaced, 1);
	gate_pass(&notes->gate);
	notes->handled_ns[atomic_load(&notes->sink.n)] = isr_now_ns();
	r = xt_sink(source, event, &notes->sink);
	leave();
	return r;
}

static struct isr_source *open_with(const char *line, enum xt_mode mode,
				    int priority, isr_handler_cb *handler,
				    void *arg)
{
	struct isr_pin_config config = xt_pin(line, mode);
	struct isr_source *source;

	config.source.priority = priority;
	xt_ok(isr_pin_open(loop, &config, handler, arg, &source, NULL));
	return source;
}

static struct isr_source *open_hard(const char *line, int priority,
				    struct notes *notes)
{
	return open_with(line, XT_HARD, priority, note, notes);
}

/* All of them, in order, and none lost. */
static void assert_complete(const struct xt_sink *s, unsigned int n)
{
	unsigned int i;

	ck_assert_uint_eq(s->n, n);
	ck_assert_uint_eq(s->lost, 0);
	for (i = 1; i < n; i++) {
		ck_assert_uint_eq(s->events[i].line_seq,
				  s->events[i - 1].line_seq + 1);
		ck_assert_uint_ge(s->events[i].t_ns, s->events[i - 1].t_ns);
	}
}

/*
 * Context
 */

START_TEST(pin_hard_handler_gets_every_edge_in_isr_context_off_the_loop)
{
	pin = open_hard("A", 0, &a);
	xt_edges(0, 500);

	xt_sink_run(&a.sink, 500);

	assert_complete(&a.sink, 500);
	ck_assert_uint_eq(a.sink.events[0].line_seq, 1);
	ck_assert_uint_eq(a.n_misplaced, 0);
	ck_assert_uint_eq(xt_stats(pin).delivered, 500);
	ck_assert_uint_eq(xt_stamped(pin), 500);
}
END_TEST

START_TEST(pin_hard_handler_that_is_late_sees_when_the_edges_were)
{
	uint64_t start_ns, end_ns;
	unsigned int i;

	pin = open_hard("A", 0, &a);
	atomic_store(&a.gate.shut, true);
	start_ns = isr_now_ns();
	xt_edges(0, 100);
	await(&a.gate.entered);
	end_ns = isr_now_ns();
	sem_post(&a.gate.opened);

	xt_sink_run(&a.sink, 100);

	assert_complete(&a.sink, 100);
	ck_assert_uint_ge(a.sink.events[0].t_ns, start_ns);
	ck_assert_uint_le(a.sink.events[99].t_ns, end_ns);
	for (i = 0; i < 100; i++)
		ck_assert_uint_ge(a.handled_ns[i], end_ns);
	ck_assert_uint_ge(isr_hist_get_max_ns(isr_source_get_latency(pin)),
			  end_ns - a.sink.events[1].t_ns);
}
END_TEST

/*
 * Failure
 */

static int failure_line;

static int note_and_fail(struct isr_source *source,
			 const struct isr_event *event, void *arg)
{
	struct notes *notes = arg;
	int r = notes->result;

	notes->tid = gettid();
	xt_sink(source, event, &notes->sink);
	if (!r)
		return 0;
	failure_line = __LINE__ + 1;
	return isr_fail(r, "it did not answer");
}

static struct isr_emerg records[ISR_EMERG_RECORDS];
static unsigned int n_records;

static void keep_record(const struct isr_emerg *record, void *arg)
{
	(void)arg;
	if (n_records < ISR_EMERG_RECORDS)
		records[n_records] = *record;
	n_records++;
}

static void setup_failure(void)
{
	setup();
	memset(records, 0, sizeof(records));
	n_records = 0;
	xt_ok(isr_emerg_set_cb(loop, keep_record, NULL));
}

static void count_failed(struct isr_flag *flag, uint32_t count, void *arg)
{
	(void)flag;
	*(unsigned int *)arg += count;
	isr_loop_stop(loop);
}

static void run_until(unsigned int *n, unsigned int at_least)
{
	while (*n < at_least)
		xt_ok(isr_loop_run(loop));
	xt_settle();
}

START_TEST(pin_handler_that_fails_runs_once_for_100_edges)
{
	unsigned int failures = 0;

	a.result = -EIO;
	pin = open_with("A", _i, 0, note_and_fail, &a);
	other = open_with("B", _i, 0, xt_sink, &b.sink);
	xt_ok(isr_flag_set_cb(isr_source_get_failed_flag(pin), count_failed,
			      &failures));

	xt_edges(0, 50);
	xt_edges(1, 100);
	xt_edges(0, 50);
	run_until(&failures, 1);
	xt_sink_run(&b.sink, 100);

	ck_assert_uint_eq(a.sink.n, 1);
	ck_assert_uint_eq(failures, 1);
	ck_assert_uint_eq(xt_stats(pin).failed, 1);
	ck_assert_int_eq(xt_stats(pin).last_error, -EIO);
	ck_assert_uint_eq(xt_stats(pin).delivered, 1);
	ck_assert_uint_eq(xt_stats(pin).discarded, 99);
	assert_complete(&b.sink, 100);
	ck_assert_uint_eq(xt_stats(other).failed, 0);
	ck_assert_uint_eq(xt_stamped(other), 100);

	a.result = 0;
	xt_ok(isr_source_arm(pin));
	xt_edges(0, 20);
	xt_sink_run(&a.sink, 21);

	ck_assert_uint_eq(a.sink.events[1].line_seq, 101);
	ck_assert_uint_eq(a.sink.lost, 0);
	ck_assert_uint_eq(failures, 1);
	ck_assert_uint_eq(xt_stats(pin).delivered, 21);
	ck_assert_uint_eq(xt_stamped(pin), 120);
}
END_TEST

START_TEST(pin_handler_that_fails_leaves_a_complete_record)
{
	uint64_t start_ns = isr_now_ns();
	unsigned int failures = 0;
	char where[64];

	a.result = -EIO;
	pin = open_with("A", _i, 0, note_and_fail, &a);
	xt_ok(isr_flag_set_cb(isr_source_get_failed_flag(pin), count_failed,
			      &failures));

	xt_edges(0, 100);
	run_until(&failures, 1);

	ck_assert_uint_eq(n_records, 1);
	ck_assert_uint_eq(isr_emerg_get_lost(loop), 0);
	ck_assert_uint_eq(records[0].kind, ISR_EMERG_FAIL);
	ck_assert_int_eq(records[0].code, -EIO);
	ck_assert_uint_eq(records[0].source, isr_source_get_id(pin));
	ck_assert_str_eq(records[0].source_name, "A");
	ck_assert_str_eq(records[0].message, "it did not answer");
	snprintf(where, sizeof(where), "test-pin-isr.c:%d", failure_line);
	ck_assert_msg(strstr(records[0].where, where), "%s: no %s",
		      records[0].where, where);
	ck_assert_uint_eq(records[0].context, _i == XT_HARD
						      ? ISR_CONTEXT_IRQ_THREAD
						      : ISR_CONTEXT_LOOP);
	ck_assert_int_eq(records[0].tid, a.tid);
	ck_assert_int_eq(a.tid != gettid(), _i == XT_HARD);
	ck_assert_uint_ge(records[0].t_ns, start_ns);
	ck_assert_uint_ge(records[0].t_ns, a.sink.events[0].t_ns);
	ck_assert_uint_le(records[0].t_ns, isr_now_ns());
	ck_assert_uint_gt(records[0].n_frames, 0);
	ck_assert_ptr_nonnull(records[0].frames[0]);
}
END_TEST

START_TEST(pin_handler_that_fails_and_is_kept_goes_on)
{
	struct isr_pin_config config = xt_pin("A", _i);
	unsigned int failures = 0;

	config.source.on_fail = ISR_ON_FAIL_KEEP;
	a.result = -EIO;
	xt_ok(isr_pin_open(loop, &config, note_and_fail, &a, &pin, NULL));
	xt_ok(isr_flag_set_cb(isr_source_get_failed_flag(pin), count_failed,
			      &failures));

	xt_edges(0, 100);
	run_until(&failures, 100);

	assert_complete(&a.sink, 100);
	ck_assert_uint_eq(failures, 100);
	ck_assert_uint_eq(xt_stats(pin).failed, 100);
	ck_assert_uint_eq(xt_stats(pin).discarded, 0);
	ck_assert_uint_eq(xt_stamped(pin), 100);
	ck_assert_uint_eq(n_records + isr_emerg_get_lost(loop), 100);
}
END_TEST

/*
 * Priorities
 */

static const struct {
	int low;
	int high;
} priorities[] = {{0, 1}, {0, ISR_PRIORITY_MAX}, {1, 2}};

START_TEST(pin_of_high_priority_is_handled_while_a_low_one_is_held_up)
{
	pin = open_hard("A", priorities[_i].low, &a);
	other = open_hard("B", priorities[_i].high, &b);
	atomic_store(&a.gate.shut, true);
	xt_edges(0, 10);
	await(&a.gate.entered);

	xt_edges(1, 100);
	xt_sink_run(&b.sink, 100);
	ck_assert_uint_eq(a.sink.n, 0);
	sem_post(&a.gate.opened);
	xt_sink_run(&a.sink, 10);

	assert_complete(&a.sink, 10);
	assert_complete(&b.sink, 100);
	ck_assert_uint_eq(a.n_misplaced + b.n_misplaced, 0);
	ck_assert(!pthread_equal(a.sink.thread, b.sink.thread));
	ck_assert_uint_eq(most_inside, 2);
}
END_TEST

START_TEST(pin_handlers_of_one_priority_run_one_at_a_time)
{
	unsigned int i;

	pin = open_hard("A", _i, &a);
	other = open_hard("B", _i, &b);

	for (i = 0; i < 10; i++) {
		atomic_store(&a.gate.shut, true);
		xt_edges(0, 1);
		await(&a.gate.entered);
		xt_edges(1, 10);
		ck_assert_uint_eq(b.sink.n, 10 * i);
		xt_edges(0, 9);
		sem_post(&a.gate.opened);
		xt_sink_run(&a.sink, 10 * (i + 1));
		xt_sink_run(&b.sink, 10 * (i + 1));
	}

	assert_complete(&a.sink, 100);
	assert_complete(&b.sink, 100);
	ck_assert(pthread_equal(a.sink.thread, b.sink.thread));
	ck_assert_uint_eq(most_inside, 1);
}
END_TEST

/* Readers have threads of their own: see irq-thread.c. */
START_TEST(pin_soft_is_read_while_a_hard_handler_is_held_up)
{
	pin = open_hard("A", 0, &a);
	other = open_with("B", XT_SOFT, 0, xt_sink, &b.sink);
	atomic_store(&a.gate.shut, true);
	xt_edges(0, 1);
	await(&a.gate.entered);

	xt_edges_read(other, 1, 1500);
	xt_sink_run(&b.sink, 1500);
	ck_assert_uint_eq(a.sink.n, 0);
	sem_post(&a.gate.opened);
	xt_sink_run(&a.sink, 1);

	assert_complete(&b.sink, 1500);
	ck_assert_uint_eq(xt_stats(other).lost_ring, 0);
}
END_TEST

/*
 * End, under a flood
 */

static atomic_bool flooding;
static pthread_t flooder;

static void *flood(void *arg)
{
	(void)arg;
	while (atomic_load(&flooding)) {
		xt_toggle(0);
		xt_toggle(1);
	}
	return NULL;
}

/* Within a test: it asserts. */
static void start_flood(void)
{
	atomic_store(&flooding, true);
	ck_assert_int_eq(pthread_create(&flooder, NULL, flood, NULL), 0);
}

static void end_flood(void)
{
	atomic_store(&flooding, false);
	pthread_join(flooder, NULL);
}

static int count(struct isr_source *source, const struct isr_event *event,
		 void *arg)
{
	(void)source;
	(void)event;
	atomic_fetch_add((atomic_uint *)arg, 1);
	return 0;
}

static void wait_for(atomic_uint *n, unsigned int at_least)
{
	xt_wait_until(atomic_load(n) >= at_least);
}

/* The memory is ours again, at once: a late handler would write to it. */
static void close_and_free(struct isr_source *source, atomic_uint *n)
{
	unsigned int seen;

	xt_ok(isr_source_close(source));
	seen = atomic_load(n);
	xt_settle();
	ck_assert_uint_eq(atomic_load(n), seen);
	free(n);
}

START_TEST(pin_disarmed_and_closed_while_its_handler_floods)
{
	unsigned int i, seen;

	start_flood();
	for (i = 0; i < 12; i++) {
		atomic_uint *n = calloc(1, sizeof(*n));
		atomic_uint *m = calloc(1, sizeof(*m));

		pin = open_with("A", XT_HARD, 0, count, n);
		other = open_with("B", XT_HARD, (int)(i % 2), count, m);
		wait_for(n, 10);
		wait_for(m, 10);

		xt_ok(isr_source_disarm(pin));
		seen = atomic_load(n);
		wait_for(m, atomic_load(m) + 10);
		ck_assert_uint_eq(atomic_load(n), seen);

		xt_ok(isr_source_arm(pin));
		wait_for(n, seen + 10);
		close_and_free(i % 4 < 2 ? pin : other, i % 4 < 2 ? n : m);
		close_and_free(i % 4 < 2 ? other : pin, i % 4 < 2 ? m : n);
	}
	end_flood();
}
END_TEST

START_TEST(pin_ends_with_its_loop_while_its_handler_floods)
{
	atomic_uint *n = calloc(1, sizeof(*n));

	start_flood();
	pin = open_with("A", XT_HARD, 0, count, n);
	other = open_with("B", XT_HARD, ISR_PRIORITY_MAX, count, n);
	wait_for(n, 50);

	xt_ok(isr_loop_free(loop));
	loop = NULL;
	free(n);
	end_flood();
}
END_TEST

static TCase *pin_case(Suite *suite, const char *name)
{
	TCase *tcase = xt_case(suite, name);

	tcase_add_checked_fixture(tcase, setup, xt_chip_teardown);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("pin-isr");
	TCase *tcase;

	tcase = pin_case(suite, "context");
	tcase_add_test(
		tcase,
		pin_hard_handler_gets_every_edge_in_isr_context_off_the_loop);
	tcase_add_test(tcase,
		       pin_hard_handler_that_is_late_sees_when_the_edges_were);

	tcase = xt_case(suite, "failure");
	tcase_add_checked_fixture(tcase, setup_failure, xt_chip_teardown);
	tcase_add_loop_test(tcase,
			    pin_handler_that_fails_runs_once_for_100_edges, 0,
			    XT_MODES);
	tcase_add_loop_test(tcase,
			    pin_handler_that_fails_leaves_a_complete_record, 0,
			    XT_MODES);
	tcase_add_loop_test(tcase, pin_handler_that_fails_and_is_kept_goes_on,
			    0, XT_MODES);

	tcase = pin_case(suite, "priority");
	tcase_add_loop_test(
		tcase,
		pin_of_high_priority_is_handled_while_a_low_one_is_held_up, 0,
		sizeof(priorities) / sizeof(*priorities));
	tcase_add_loop_test(tcase,
			    pin_handlers_of_one_priority_run_one_at_a_time, 0,
			    ISR_PRIORITY_MAX + 1);
	tcase_add_test(tcase, pin_soft_is_read_while_a_hard_handler_is_held_up);

	tcase = pin_case(suite, "end");
	tcase_add_test(tcase, pin_disarmed_and_closed_while_its_handler_floods);
	tcase_add_test(tcase, pin_ends_with_its_loop_while_its_handler_floods);

	return xt_main(suite);
}
