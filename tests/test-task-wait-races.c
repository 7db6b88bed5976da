/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The races of tasks that wait: all of them, as far as they are short. What is
 * set, taken, cancelled, over in time or ended while two tasks wait, at each
 * turn of the loop and in each order; and a handler that sets a flag at each
 * test point that there is on the way.
 */
#include "race.h"
#include "xt-task-wait.h"

static struct isr_flag a, b;
/* one waits for a, or for both; two waits for a. */
static struct xt_wait one, two;

static void setup(void)
{
	task_setup();
}

/*
 * What is done, by a task that begins before those two.
 */

enum action {
	SET_A,
	SET_B,
	TAKE_A,
	CANCEL_ONE,
	CANCEL_TWO,
	TIME_OUT_ONE,
	TIME_OUT_TWO,
	END_A,
	ACTIONS
};

#define KINDS 3
#define LENGTH 3
#ifdef __SANITIZE_THREAD__
/* Of what it sees more turns have no more, and each task takes it long. */
#define TURNS 3
#else
#define TURNS 5
#endif

static struct script {
	enum action what[LENGTH];
	/* At which of its turns. */
	unsigned int at[LENGTH];
} script;

/* What came of it. */
static struct {
	unsigned int set_a, set_b, taken_a;
	bool is_cancelled[2], is_over[2];
	bool has_ended_a;
} done;

static void cancel_one(unsigned int i, struct xt_wait *wait)
{
	bool has_ended = wait->task->has_ended;
	int r = isr_cancel(wait->task);

	ck_assert_int_eq(r, !has_ended);
	done.is_cancelled[i] |= r;
}

static void time_out_one(unsigned int i, struct xt_wait *wait)
{
	if (!wait->has_begun || wait->has_ended)
		return;
	time_out(wait);
	done.is_over[i] = true;
}

static void act(enum action what)
{
	switch (what) {
	case SET_A:
		isr_flag_set(&a);
		done.set_a += !done.has_ended_a;
		break;
	case SET_B:
		isr_flag_set(&b);
		done.set_b++;
		break;
	case TAKE_A:
		if (!done.has_ended_a)
			done.taken_a += (unsigned int)isr_flag_take(&a);
		break;
	case CANCEL_ONE:
		cancel_one(0, &one);
		break;
	case CANCEL_TWO:
		cancel_one(1, &two);
		break;
	case TIME_OUT_ONE:
		time_out_one(0, &one);
		break;
	case TIME_OUT_TWO:
		time_out_one(1, &two);
		break;
	default:
		xt_ok(isr_flag_done(&a));
		done.has_ended_a = true;
	}
}

static int run_script(void *arg)
{
	unsigned int turn, i;

	for (turn = 0; turn < TURNS; turn++) {
		for (i = 0; i < LENGTH; i++) {
			if (script.at[i] == turn)
				act(script.what[i]);
		}
		xt_ok(isr_yield());
	}
	return 0;
}

static void prepare(enum wait_kind kind)
{
	memset(&done, 0, sizeof(done));
	n_ended = 0;
	xt_ok(isr_flag_init(&a, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_init(&b, loop, ISR_FLAG_AUTO));
	one = (struct xt_wait){
		.kind = kind,
		.flags = {&a, &b},
		.n = 2,
		.timeout_ns = ISR_FOREVER,
	};
	two = (struct xt_wait){.flags = {&a}, .timeout_ns = ISR_FOREVER};
}

/* A task that was cancelled before it began has no wait. */
static bool is_over(const struct xt_wait *wait)
{
	return wait->has_ended || wait->task->has_ended;
}

static bool has_won(const struct xt_wait *wait)
{
	return wait->has_ended && wait->result >= 0;
}

/* How much of a flag the first one may have had. */
static bool has_consumed_a(void)
{
	return has_won(&one) && (one.kind != WAIT_ANY || one.result == 0);
}

static bool has_consumed_b(void)
{
	return has_won(&one) && (one.kind == WAIT_ALL ||
				 (one.kind == WAIT_ANY && one.result == 1));
}

/* What the first one has, and may give back. */
static unsigned int count_latched(const struct isr_flag *flag)
{
	const struct isri_waiter *latched = waits()->latched;

	return latched && latched->flag == flag ? (unsigned int)latched->result
						: 0;
}

/* No more and no less than there was. */
static void check_counts(void)
{
	unsigned int used_a, used_b;

	used_b = done.set_b - isr_flag_peek(&b) - count_latched(&b);
	ck_assert_int_eq(used_b > 0, has_consumed_b());
	if (done.has_ended_a)
		return;

	used_a = done.set_a - done.taken_a - isr_flag_peek(&a) -
		 count_latched(&a) -
		 (has_won(&two) ? (unsigned int)two.result : 0);
	ck_assert_int_eq(used_a > 0, has_consumed_a());
	if (one.kind == WAIT_ONE && used_a)
		ck_assert_uint_eq(used_a, (unsigned int)one.result);
}

/* Nobody waits for what is there, or for what will not be. */
static void check_rest(void)
{
	if (done.has_ended_a)
		ck_assert(is_over(&two));
	else
		ck_assert(!isr_flag_peek(&a) || !count_waiting(&a));
	ck_assert(!isr_flag_peek(&b) || !count_waiting(&b));
	if (done.has_ended_a && one.kind != WAIT_ALL)
		ck_assert(is_over(&one));
}

static void check_result(unsigned int i, const struct xt_wait *wait)
{
	if (done.is_cancelled[i]) {
		ck_assert(is_over(wait));
		ck_assert(!wait->has_begun || wait->result == -ECANCELED);
	} else if (done.is_over[i]) {
		ck_assert(wait->has_ended);
	}
	if (!wait->has_ended || wait->result >= 0)
		return;
	if (wait->result == -ETIMEDOUT)
		ck_assert(done.is_over[i]);
	else
		ck_assert(wait->result == -ECANCELED &&
			  (done.is_cancelled[i] || done.has_ended_a));
}

static void end(struct xt_wait *wait)
{
	isr_cancel(wait->task);
	run_dry();
	xt_ok(isr_detach(wait->task));
}

static void check(void)
{
	bool in_order =
		!has_won(&one) || !has_won(&two) || one.place < two.place;

	check_rest();
	check_counts();
	check_result(0, &one);
	check_result(1, &two);
	/* The first to wait is the first to be served. */
	ck_assert(one.kind != WAIT_ONE || in_order);

	/* What those two leave when they are cancelled is as it was. */
	end(&one);
	end(&two);
	ck_assert_ptr_null(waits()->latched);
	check_counts();
	xt_ok(isr_flag_done(&a));
	xt_ok(isr_flag_done(&b));
}

static void run_one_script(enum wait_kind kind)
{
	prepare(kind);
	spawn(run_script, NULL);
	spawn_wait(&one);
	spawn_wait(&two);
	run_dry();
	check();
}

/* Every order of turns. */
static void run_scripts(enum wait_kind kind)
{
	unsigned int i, j, k;

	for (i = 0; i < TURNS; i++) {
		for (j = i; j < TURNS; j++) {
			for (k = j; k < TURNS; k++) {
				script.at[0] = i;
				script.at[1] = j;
				script.at[2] = k;
				run_one_script(kind);
			}
		}
	}
}

START_TEST(race_of_three_actions_in_each_order_at_each_turn)
{
	unsigned int i;

	script.what[0] = (enum action)(_i % ACTIONS);
	for (i = 0; i < ACTIONS * ACTIONS; i++) {
		script.what[1] = (enum action)(i % ACTIONS);
		script.what[2] = (enum action)(i / ACTIONS);
		run_scripts((enum wait_kind)(_i / ACTIONS));
	}
}
END_TEST

#ifdef ISR_TEST_POINTS

/*
 * A handler at each test point: it sets a flag, and the rest is as above.
 */

static struct isr_flag *handlers_flag;
static unsigned int n_points, handler_at;
static bool in_handler;

static void set_at_a_point(const char *point)
{
	if (in_handler || ++n_points != handler_at)
		return;
	in_handler = true;
	if (handlers_flag == &a)
		act(SET_A);
	else
		act(SET_B);
	in_handler = false;
}

/* Both wait; something happens; and one set more. */
static void run_with_handler(enum wait_kind kind, enum action what)
{
	prepare(kind);
	n_points = 0;
	isri_test_point_hook = set_at_a_point;
	spawn_wait(&one);
	spawn_wait(&two);
	run_dry();
	act(what);
	run_dry();
	act(SET_A);
	run_dry();
	isri_test_point_hook = NULL;
	check();
}

START_TEST(race_of_a_handler_at_each_point)
{
	enum wait_kind kind = (enum wait_kind)(_i % KINDS);
	enum action what = (enum action)(_i / KINDS % ACTIONS);

	handlers_flag = _i / KINDS / ACTIONS ? &b : &a;
	handler_at = 0;
	do {
		handler_at++;
		run_with_handler(kind, what);
	} while (n_points >= handler_at);
	ck_assert_uint_gt(handler_at, 10);
}
END_TEST

static void set_both(void)
{
	isr_flag_set(&a);
	isr_flag_set(&b);
}

static void set_both_at_the_next(void)
{
	race_at(0, "task-wait:look", set_both);
}

/* a was set before b, so b is not the one, wherever it looks just then. */
START_TEST(race_of_both_set_while_any_looks)
{
	prepare(WAIT_ANY);
	race_at(0, "task-wait:look", _i ? set_both_at_the_next : set_both);
	spawn_wait(&one);
	run_dry();

	assert_raced(_i ? 2 : 1);
	assert_ends(&one, 0);
	ck_assert_uint_eq(isr_flag_peek(&b), 1);
	forget_races();
}
END_TEST

#endif

int main(void)
{
	Suite *suite = suite_create("task wait races");
	TCase *tc = xt_case(suite, "script");

	tcase_add_checked_fixture(tc, setup, task_teardown);
	tcase_add_loop_test(tc,
			    race_of_three_actions_in_each_order_at_each_turn, 0,
			    KINDS * ACTIONS);

#ifdef ISR_TEST_POINTS
	tc = xt_case(suite, "point");
	tcase_add_checked_fixture(tc, setup, task_teardown);
	tcase_add_loop_test(tc, race_of_a_handler_at_each_point, 0,
			    2 * KINDS * ACTIONS);

	tc = xt_case(suite, "look");
	tcase_add_checked_fixture(tc, setup, task_teardown);
	tcase_add_loop_test(tc, race_of_both_set_while_any_looks, 0, 2);
#endif
	return xt_main(suite);
}
