/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Calls that isr_schedule() makes may do all that the loop's thread may: make
 * tasks and cancel them, while others run, without harm to what the loop
 * knows of them; and they wake it, however long its tasks would sleep.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include <isrloop/emerg.h>

#include "loop.h"
#include "task.h"
#include "xt-task.h"

/*
 * What must be true of the run queue and of the lists of tasks
 */

static bool is_band_sound(enum isri_band band)
{
	const struct isri_step_list *list =
		&isri_loop_base(loop)->steps.of[band];
	struct isri_step *const *end = &list->first;
	const struct isri_step *step;
	uint64_t n = 0;

	for (step = list->first; step; step = step->next, n++) {
		if (step->prev != end || step->band != band || !step->run)
			return false;
		end = &step->next;
	}
	return list->end == end && list->n == n;
}

static bool is_list_sound(struct isr_task *const *list, bool has_ended,
			  uint64_t *ret_n)
{
	struct isr_task *const *prev = list;
	const struct isr_task *task;

	*ret_n = 0;
	for (task = *list; task; task = task->next) {
		if (task->prev != prev || task->loop != loop)
			return false;
		if (task->has_ended != has_ended || !task->stack != has_ended)
			return false;
		prev = &task->next;
		++*ret_n;
	}
	return true;
}

static bool is_sound(void)
{
	const struct isri_tasks *tasks = isri_loop_base(loop)->tasks;
	uint64_t n_alive, n_ended;

	if (!is_band_sound(ISRI_BAND_URGENT) ||
	    !is_band_sound(ISRI_BAND_ORDINARY))
		return false;
	if (!tasks)
		return true;
	return is_list_sound(&tasks->alive, false, &n_alive) &&
	       is_list_sound(&tasks->ended, true, &n_ended) &&
	       n_alive == count_alive();
}

/*
 * Load
 */

#define N_SLOTS 16
#define N_CALLS 5000

static struct isr_flag flag;
static struct isr_task *slots[N_SLOTS];
static unsigned int n_calls, n_made, n_cancelled, n_ended;
static uint32_t random_state;

/* The same ones each time. */
static unsigned int pick(unsigned int n)
{
	random_state = random_state * 1664525U + 1013904223U;
	return (random_state >> 16) % n;
}

static int do_anything(void *arg)
{
	int r;

	do {
		ck_assert(is_sound());
		switch (pick(4)) {
		case 0:
			r = isr_wait(&flag, 1000);
			break;
		case 1:
			r = isr_sleep(1000);
			break;
		case 2:
			isr_flag_set(&flag);
			/* fall through */
		default:
			r = isr_yield();
		}
	} while (r != -ECANCELED && pick(20));
	n_ended++;
	return 0;
}

static void spawn_and_cancel(void *arg)
{
	unsigned int i = pick(N_SLOTS);

	ck_assert(is_sound());
	if (!slots[i]) {
		xt_ok(isr_spawn(loop, NULL, do_anything, NULL, &slots[i]));
		n_made++;
	} else {
		n_cancelled += isr_cancel(slots[i]) == 1;
		xt_ok(isr_detach(slots[i]));
		slots[i] = NULL;
	}
	ck_assert(is_sound());
	if (++n_calls < N_CALLS)
		xt_ok(isr_schedule(loop, spawn_and_cancel, NULL));
	else
		isr_loop_stop(loop);
}

static void setup(void)
{
	task_setup();
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	memset(slots, 0, sizeof(slots));
	n_calls = n_made = n_cancelled = n_ended = 0;
	random_state = 1;
}

START_TEST(scheduled_calls_spawn_and_cancel_under_load)
{
	int i;

	for (i = 0; i < 4; i++) {
		spawn(do_anything, NULL);
		n_made++;
	}
	xt_ok(isr_schedule(loop, spawn_and_cancel, NULL));
	xt_ok(isr_loop_run(loop));
	for (i = 0; i < N_SLOTS; i++) {
		if (!slots[i])
			continue;
		xt_ok(isr_cancel(slots[i]));
		xt_ok(isr_detach(slots[i]));
	}
	run_all();
	ck_assert(is_sound());

	ck_assert_uint_gt(n_cancelled, 0);
	ck_assert_uint_gt(n_ended, 0);
	ck_assert_uint_ge(n_made, N_CALLS / 2);
}
END_TEST

/* What must not be overlooked. */
START_TEST(harm_to_the_run_queue_is_seen)
{
	struct isri_step_list *list;
	struct isr_task *task;

	spawn(do_anything, NULL);
	task = spawn_named("last", do_anything, NULL);
	list = &isri_loop_base(loop)->steps.of[ISRI_BAND_ORDINARY];
	ck_assert(is_sound());

	list->end = &list->first;
	ck_assert(!is_sound());
	list->end = &task->step.next;
	list->n--;
	ck_assert(!is_sound());
	list->n++;
	task->step.band = ISRI_BAND_URGENT;
	ck_assert(!is_sound());
	task->step.band = ISRI_BAND_ORDINARY;
	task->has_ended = true;
	ck_assert(!is_sound());
	task->has_ended = false;

	ck_assert(is_sound());
	xt_ok(isr_detach(task));
}
END_TEST

/*
 * A loop that sleeps
 */

static int sleep_long(void *arg)
{
	return isr_sleep(3600 * SECOND) == -ECANCELED ? 0 : -EBADE;
}

static struct isr_task *sleeper;

static void cancel_and_stop(void *arg)
{
	ck_assert_int_eq(isr_cancel(sleeper), 1);
	spawn(stop_at_the_end, NULL);
}

static atomic_bool is_asleep;

static void *schedule_in_thread(void *arg)
{
	xt_wait_until(is_asleep);
	xt_ok(isr_schedule(loop, cancel_and_stop, NULL));
	return NULL;
}

/* The last that runs before the loop has nothing else to do. */
static int tell_thread(void *arg)
{
	is_asleep = true;
	return 0;
}

/* There it is noticed when the sleep is over. */
START_TEST(scheduled_call_wakes_a_loop_whose_tasks_sleep)
{
	pthread_t thread;
	int result;

	is_asleep = false;
	sleeper = spawn_named("sleeper", sleep_long, NULL);
	spawn(tell_thread, NULL);
	ck_assert_int_eq(
		pthread_create(&thread, NULL, schedule_in_thread, NULL), 0);
	xt_ok(isr_loop_run(loop));
	pthread_join(thread, NULL);
	result = sleeper->result;

	ck_assert(sleeper->has_ended);
	ck_assert_int_eq(result, 0);
	xt_ok(isr_detach(sleeper));
}
END_TEST

/*
 * In ISR context
 */

static int refuse(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	int *results = arg;

	results[0] = isr_spawn(loop, NULL, sleep_long, NULL, NULL);
	results[1] = isr_cancel(sleeper);
	results[2] = isr_detach(sleeper);
	return 0;
}

static int yield_once(void *arg)
{
	return isr_yield();
}

START_TEST(tasks_are_not_touched_in_isr_context)
{
	const struct isr_source_options hard = {.hard = true};
	struct isr_source *source;
	struct isr_emerg emerg;
	int results[3] = {0}, i;

	sleeper = spawn_named("kept", yield_once, NULL);
	xt_ok(isr_signal_open(loop, SIGUSR1, &hard, refuse, results, &source));
	raise(SIGUSR1);

	ck_assert(is_sound());
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(results[i], -EPERM);
	ck_assert_uint_eq(count_alive(), 1);
	/* Each was told. */
	while (isr_emerg_take(loop, &emerg) == 1)
		;
	run_all();
	xt_ok(isr_detach(sleeper));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("semantics of tasks");
	TCase *tcase = xt_case(suite, "semantics");

	tcase_add_checked_fixture(tcase, setup, task_teardown);
	tcase_add_test(tcase, scheduled_calls_spawn_and_cancel_under_load);
	tcase_add_test(tcase, harm_to_the_run_queue_is_seen);
	tcase_add_test(tcase, scheduled_call_wakes_a_loop_whose_tasks_sleep);
	tcase_add_test(tcase, tasks_are_not_touched_in_isr_context);
	return xt_main(suite);
}
