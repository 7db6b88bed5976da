/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Interruption at every instruction: the pending list and the loop's sleep. */
#include "step.h"

enum {
	ARMED = 1,   /* the loop sleeps, or is about to */
	PENDING = 2, /* flags are on the list */
	MANY = 4     /* some more of them */
};

#define FLAGS 4

/* By the handler, by reset() (or the operation), and the rest. */
static struct isr_flag by_handler, flags[FLAGS];
static unsigned int delivered, delivered_by_handler, sets;
static bool result;

static void on_flag(struct isr_flag *flag, uint32_t count, void *arg)
{
	unsigned int *counter = arg;

	(void)flag;
	*counter += count;
}

static void set(struct isr_flag *flag)
{
	isr_flag_set(flag);
	sets++;
}

static void reset(void)
{
	struct isr_loop *loop = step_loop_init();
	int i;

	delivered = delivered_by_handler = sets = 0;
	isr_flag_init(&by_handler, loop, ISR_FLAG_AUTO);
	isr_flag_set_cb(&by_handler, on_flag, &delivered_by_handler);
	for (i = 0; i < FLAGS; i++) {
		isr_flag_init(&flags[i], loop, ISR_FLAG_AUTO);
		isr_flag_set_cb(&flags[i], on_flag, &delivered);
	}
	if (step_now->variant & PENDING)
		set(&flags[1]);
	if (step_now->variant & MANY) {
		set(&flags[2]);
		set(&flags[3]);
	}
	if (step_now->variant & ARMED)
		step_loop_arm();
}

static void handler_sets(void)
{
	(isr_flag_set)(&by_handler);
}

/* Everything that was set is delivered, once; nobody is left behind. */
static void check(void)
{
	unsigned int sets_over = 0;

	if (step_now->handler == handler_sets)
		sets_over = step_handled();
	step_loop_settle();
	step_equal(delivered, sets);
	step_equal(delivered_by_handler, sets_over);
	step_equal(atomic_load(&step_wake.kickers), 0);
	step_expect(!step_wake.ready);

	isr_flag_set(&by_handler);
	isr_flag_set(&flags[0]);
	step_loop_settle();
	step_equal(delivered, sets + 1);
	step_equal(delivered_by_handler, sets_over + 1);
}

static void run_arm(void)
{
	result = step_loop_arm();
}

/* The loop blocks only on an empty list. */
static void check_arm(void)
{
	if (step_now->variant & PENDING)
		step_expect(!result);
	check();
}

static void run_disarm(void)
{
	result = isri_wake_disarm(&step_wake);
}

static void check_disarm(void)
{
	if (!(step_now->variant & ARMED))
		step_expect(!result);
	/* As the loop goes on. */
	step_loop_turn();
	check();
}

static void run_collect(void)
{
	result = isri_wake_collect(&step_wake);
}

static void check_collect(void)
{
	struct isr_flag *flag = step_wake.ready;
	struct isr_flag **end = &step_wake.ready;

	/* Oldest first. */
	if (step_now->variant & MANY) {
		step_expect(flag == &flags[1]);
		step_expect(flag->next == &flags[2]);
		step_expect(flag->next->next == &flags[3]);
	}
	while (*end)
		end = &(*end)->next;
	step_expect(step_wake.ready_end == end);
	step_equal(result, step_wake.ready != NULL);
	step_loop_turn();
	check();
}

static void run_push(void)
{
	/* The setter's second half. */
	flags[0].word = 1;
	sets++;
	isri_wake_push(&step_wake, &flags[0]);
}

static void check_push(void)
{
	/* At most one write a sleep; none while it is awake. */
	if (!step_now->is_thread)
		step_equal(step_loop_kicks(), step_now->variant & ARMED);
	check();
}

static void run_turn(void)
{
	step_loop_turn();
}

static void run_kick(void)
{
	isri_wake_kick(&step_wake);
}

static void check_kick(void)
{
	step_equal(step_loop_kicks(), 1 + (step_handled() > 0));
	step_loop_turn();
	check();
}

/* A child that was forked leaves its parent's eventfd alone. */
static void run_kick_abroad(void)
{
	step_wake.generation++;
	isri_wake_kick(&step_wake);
	step_wake.generation--;
}

static void check_kick_abroad(void)
{
	step_expect(step_loop_kicks() <= (step_handled() > 0));
	step_loop_turn();
	check();
}

#define SCENARIO(text, operation, ...)                                         \
	{                                                                      \
		.name = "wake: " text, .reset = reset, .run = run_##operation, \
		.check = check_##operation, __VA_ARGS__                        \
	}
#define SET_OVER(text, operation, ...)                                 \
	SCENARIO("set over " text, operation, .handler = handler_sets, \
		 __VA_ARGS__)

#define check_turn check

const struct step_scenario step_wake_scenarios[] = {
	SET_OVER("arm", arm, .variant = 0),
	SET_OVER("arm, armed already", arm, .variant = ARMED),
	SET_OVER("arm, set already", arm, .variant = PENDING),
	SET_OVER("disarm", disarm, .variant = ARMED),
	SET_OVER("disarm, not armed", disarm, .variant = 0),
	SET_OVER("collect, nothing", collect, .variant = 0),
	SET_OVER("collect, armed", collect, .variant = ARMED),
	SET_OVER("collect, one", collect, .variant = PENDING),
	SET_OVER("collect, three", collect, .variant = PENDING | MANY),
	SET_OVER("push", push, .variant = 0),
	SET_OVER("push, armed", push, .variant = ARMED),
	SET_OVER("push, behind another", push, .variant = PENDING),
	SCENARIO("loop over push", push, .handler = step_loop_turn,
		 .is_thread = true, .variant = 0),
	SCENARIO("loop over push, armed", push, .handler = step_loop_turn,
		 .is_thread = true, .variant = ARMED),
	SCENARIO("loop over push, behind another", push,
		 .handler = step_loop_turn, .is_thread = true,
		 .variant = PENDING),
	SET_OVER("a turn of the loop", turn, .variant = 0),
	SET_OVER("a turn of the loop, awoken", turn, .variant = ARMED),
	SET_OVER("a turn of the loop, work", turn, .variant = PENDING | MANY),
	SET_OVER("kick", kick, .variant = ARMED),
	SET_OVER("kick in a child", kick_abroad, .variant = ARMED),
	{.name = NULL},
};
