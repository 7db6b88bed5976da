/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Tasks whose waits are over at once, again and again, or who wake each other:
 * they do not keep the loop for themselves. Time is the program's own, see
 * xt-trace.h.
 */
#include <fcntl.h>
#include <unistd.h>

#include <isrloop/stream.h>
#include <isrloop/task.h>

#include "xt-trace.h"

#define US INT64_C(1000)
#define TURNS 4

static struct isr_flag own, second, other;

static void setup(void)
{
	trace_setup();
	xt_ok(isr_flag_init(&own, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&second, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&other, loop, ISR_FLAG_AUTO));
}

/*
 * All that waits
 */

enum kind { FLAG, ANY, ALL, UNTIL, FD, READ, READ_EXACT, LINE, WRITE, KINDS };

static enum kind kind;
static int64_t timeout_ns;
static int fds[2];
static unsigned char buffer[64];
static struct isr_stream in, out;

static void open_streams(void)
{
	char lines[] = "a\nb\nc\nd\n";

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(write(fds[1], lines, 2 * TURNS), 2 * TURNS);
	xt_ok(isr_stream_init(&in, fds[0], buffer, sizeof(buffer)));
	xt_ok(isr_stream_init(&out, fds[1], NULL, 0));
}

static void close_streams(void)
{
	close(fds[0]);
	close(fds[1]);
}

static bool is_true(void *arg)
{
	return true;
}

/* Over at once; what a success returns. */
static int wait_once(void)
{
	struct isr_flag *flags[] = {&own, &second};
	char line[8];

	isr_flag_set(&own);
	isr_flag_set(&second);
	switch (kind) {
	case FLAG:
		return isr_wait(&own, timeout_ns) - 1;
	case ANY:
		return isr_wait_any(flags, 2, timeout_ns);
	case ALL:
		return isr_wait_all(flags, 2, timeout_ns);
	case UNTIL:
		return isr_wait_until(is_true, NULL, 0, timeout_ns);
	case FD:
		return isr_wait_fd(fds[0], ISR_FD_READ, timeout_ns) -
		       ISR_FD_READ;
	case READ:
		return isr_stream_read(&in, line, 2, timeout_ns) - 2;
	case READ_EXACT:
		return isr_stream_read_exact(&in, line, 2, timeout_ns) - 2;
	case LINE:
		return isr_stream_get_line(&in, line, 8, timeout_ns) - 2;
	default:
		return isr_stream_write(&out, "a", 1, timeout_ns, NULL);
	}
}

static int wait_four_times(void *arg)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		ck_assert_int_eq(wait_once(), 0);
		say("h%d", i);
		if (i == 1)
			isr_flag_set(&other);
	}
	return 0;
}

static int wait_for_other(void *arg)
{
	ck_assert_int_eq(isr_wait(&other, ISR_FOREVER), 1);
	say("w");
	return 0;
}

/* It is always ready, but no flag has woken it. */
static int spin(void *arg)
{
	int i;

	for (i = 0; i < 3; i++) {
		yield();
		say("s");
	}
	return 0;
}

static int wait_beside_others(void *arg)
{
	struct isr_task *waiter = create(wait_for_other, NULL), *hog;

	yield();
	hog = create(wait_four_times, NULL);
	go(spin, NULL);
	ck_assert_int_eq(await_task(hog), 0);
	return await_task(waiter);
}

START_TEST(go_on_after_those_who_are_due)
{
	kind = (enum kind)_i;
	timeout_ns = ISR_FOREVER;
	open_streams();

	run_main(wait_beside_others, NULL);
	ck_assert_str_eq(trace, "h0 h1 w h2 h3");

	close_streams();
}
END_TEST

START_TEST(go_on_after_a_mere_look)
{
	kind = (enum kind)_i;
	timeout_ns = 0;
	open_streams();

	run_main(wait_beside_others, NULL);
	ck_assert_str_eq(trace, "h0 h1 h2 h3 w");

	close_streams();
}
END_TEST

/*
 * What a wait consumes is its own when it gives way. What it finds true is
 * everybody's: it must be so when the wait is over, not before others ran.
 */

static bool truth;

static bool is_truth(void *arg)
{
	return truth;
}

static void take_truth(void)
{
	char byte;

	ck_assert(truth);
	truth = false;
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	say("take");
}

static void give_truth(void)
{
	truth = true;
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	say("give");
}

static int take_first(void *arg)
{
	ck_assert_int_eq(isr_wait(&other, ISR_FOREVER), 1);
	take_truth();
	return 0;
}

static int give_again(void *arg)
{
	while (truth)
		yield();
	give_truth();
	return 0;
}

static int take_what_is_there(void *arg)
{
	isr_flag_set(&other);
	if (kind == FD)
		ck_assert_int_eq(isr_wait_fd(fds[0], ISR_FD_READ, ISR_FOREVER),
				 ISR_FD_READ);
	else
		xt_ok(isr_wait_until(is_truth, NULL, 0, ISR_FOREVER));
	take_truth();
	return 0;
}

static int compete(void *arg)
{
	struct isr_task *waiter = create(take_first, NULL), *hog;

	yield();
	hog = create(take_what_is_there, NULL);
	go(give_again, NULL);
	ck_assert_int_eq(await_task(hog), 0);
	return await_task(waiter);
}

START_TEST(go_on_with_what_is_true_then)
{
	kind = _i ? FD : UNTIL;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	give_truth();

	run_main(compete, NULL);
	ck_assert_str_eq(trace, "give take give take");

	close_streams();
}
END_TEST

/*
 * The flag is set whenever it looks, and nobody else is woken by one.
 */

static int take_and_compute(void *arg)
{
	const int64_t *work_ns = arg;

	while (isr_wait(&own, ISR_FOREVER) > 0) {
		say("h");
		clock_ns += (uint64_t)*work_ns;
	}
	return 0;
}

static int spin_beside_a_hog(void *arg)
{
	struct isr_task *hog = create(take_and_compute, arg), *spinner;

	yield();
	spinner = create(spin, NULL);
	ck_assert_int_eq(await_task(spinner), 0);
	isr_cancel(hog);
	return await_task(hog);
}

START_TEST(go_on_for_no_more_than_urgent_work_may)
{
	const struct isr_loop_config config = {
		.sz = sizeof(config),
		.urgent_ns = 200 * US,
	};
	int64_t work_ns = 40 * US;

	trace_teardown();
	trace_setup_with(&config);
	xt_ok(isr_flag_init(&own, loop, ISR_FLAG_STICKY));
	isr_flag_set(&own);

	/* Three times 40 us are more than 100, two such turns than 200. */
	run_main(spin_beside_a_hog, &work_ns);
	ck_assert_str_eq(trace, "h h h h h h h h h h h h h h h h h h h h h "
				"s h h h h h h s h h h h h h s h");
}
END_TEST

static int stop_later(void *arg)
{
	doze(MS);
	isr_loop_stop(loop);
	return 0;
}

static unsigned int n_taken;

static int take_for_long(void *arg)
{
	while (n_taken < 10000 && isr_wait(&own, ISR_FOREVER) > 0) {
		n_taken++;
		clock_ns += 10 * US;
		isr_flag_set(&own);
	}
	return 0;
}

START_TEST(go_on_no_longer_than_to_a_stop)
{
	n_taken = 0;
	isr_flag_set(&own);
	go(stop_later, NULL);
	go(take_for_long, NULL);

	xt_ok(isr_loop_run(loop));
	/* 1 ms is 100 turns; what urgent steps may take comes on top. */
	ck_assert_uint_ge(n_taken, 90);
	ck_assert_uint_lt(n_taken, 1000);
}
END_TEST

/*
 * Tasks that are woken by tasks, and by no flag
 */

static struct isr_flag balls[2];

/* It ends the flag that the other one waits for, and waits for its own. */
static int play(void *arg)
{
	int mine = *(const int *)arg, i;

	for (i = 0; i < TURNS; i++) {
		ck_assert_int_eq(isr_wait(&balls[mine], ISR_FOREVER),
				 -ECANCELED);
		say("%d", mine);
		if (i == 1 && mine == 0)
			isr_flag_set(&other);
		xt_ok(isr_flag_init(&balls[mine], loop, ISR_FLAG_AUTO));
		xt_ok(isr_flag_done(&balls[!mine]));
	}
	return 0;
}

static int throw_first(void *arg)
{
	static const int players[] = {0, 1};
	struct isr_task *tasks[2], *waiter = create(wait_for_other, NULL);
	int i;

	for (i = 0; i < 2; i++) {
		xt_ok(isr_flag_init(&balls[i], loop, ISR_FLAG_AUTO));
		tasks[i] = create(play, (void *)(uintptr_t)&players[i]);
	}
	yield();
	xt_ok(isr_flag_done(&balls[0]));
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(await_task(tasks[i]), 0);
	xt_ok(isr_flag_done(&balls[0]));
	return await_task(waiter);
}

START_TEST(go_on_by_turns_with_flags_when_tasks_wake_each_other)
{
	run_main(throw_first, NULL);

	ck_assert_str_eq(trace, "0 1 0 1 w 0 1 0 1");
}
END_TEST

#define N_LINKS 5

static struct isr_task *links[N_LINKS];

/* Each waits for the end of the one before. */
static int be_a_link(void *arg)
{
	struct isr_task **mine = arg;
	int i = (int)(mine - links);

	if (i > 0)
		ck_assert_int_eq(await_task(links[i - 1]), 0);
	else
		isr_flag_set(&other);
	say("%d", i);
	return 0;
}

static int make_a_chain(void *arg)
{
	struct isr_task *waiter = create(wait_for_other, NULL);
	int i;

	yield();
	for (i = N_LINKS - 1; i >= 0; i--)
		links[i] = create(be_a_link, &links[i]);
	ck_assert_int_eq(await_task(links[N_LINKS - 1]), 0);
	return await_task(waiter);
}

START_TEST(go_on_by_turns_with_flags_when_tasks_join)
{
	run_main(make_a_chain, NULL);

	ck_assert_str_eq(trace, "0 1 w 2 3 4");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("task go on");
	TCase *tc = xt_case(suite, "due");

	tcase_add_checked_fixture(tc, setup, trace_teardown);
	tcase_add_loop_test(tc, go_on_after_those_who_are_due, 0, KINDS);
	tcase_add_loop_test(tc, go_on_after_a_mere_look, 0, KINDS);
	tcase_add_loop_test(tc, go_on_with_what_is_true_then, 0, 2);

	tc = xt_case(suite, "time");
	tcase_add_checked_fixture(tc, setup, trace_teardown);
	tcase_add_test(tc, go_on_for_no_more_than_urgent_work_may);
	tcase_add_test(tc, go_on_no_longer_than_to_a_stop);

	tc = xt_case(suite, "turns");
	tcase_add_checked_fixture(tc, setup, trace_teardown);
	tcase_add_test(tc,
		       go_on_by_turns_with_flags_when_tasks_wake_each_other);
	tcase_add_test(tc, go_on_by_turns_with_flags_when_tasks_join);

	return xt_main(suite);
}
