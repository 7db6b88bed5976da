/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Interruption at every instruction: calls on the loop. */
#include <errno.h>
#include <stddef.h>

#include <isrloop/mask.h>

#include "step.h"

enum {
	ARMED = 1, /* the loop sleeps, or is about to */
	TWO = 2,   /* calls wait */
	FULL = 4,
	AGAIN = 8,    /* a call makes another one */
	FORGETS = 32, /* a call masks, and does not unmask */
	TOLD = 16,    /* that it is full, a moment ago */
	OTHERS = 64   /* come first, after every other call */
};

#define DEPTH 4

enum who { BEFORE, OPERATION, HANDLER, FROM_CALL, WHO_MAX };

/* Accepted, refused, made: of each. */
static unsigned int accepted[WHO_MAX], refused[WHO_MAX], made[WHO_MAX];
static int result;
/* What a call gets says whose and which it is; they are made in order. */
static char calls[WHO_MAX][100];

static bool is(int variant)
{
	return step_now->variant & variant;
}

static struct isr_loop *loop(void)
{
	return (struct isr_loop *)&step_head;
}

static void post(enum who who);

static void on_call(void *arg)
{
	enum who who = (enum who)(((char *)arg - calls[0]) / 100);

	step_expect(who < WHO_MAX);
	step_expect(arg == &calls[who][made[who]]);
	made[who]++;
	if (is(FORGETS) && who == BEFORE)
		step_equal(isr_mask(loop()), 0);
	if (is(AGAIN) && who == BEFORE)
		post(FROM_CALL);
}

/* A call that was refused takes no number. */
static void post(enum who who)
{
	int r = isr_schedule(loop(), on_call, &calls[who][accepted[who]]);

	step_expect(r == 0 || r == -EAGAIN);
	if (r == 0)
		accepted[who]++;
	else
		refused[who]++;
}

/* How often the calls asked. */
static unsigned int n_asked;

static bool goes_on(struct isr_loop *asking)
{
	(void)asking;
	step_expect(asking == loop());
	return n_asked++ % 2;
}

static void reset(void)
{
	int i;

	n_asked = 0;
	step_head.schedule.goes_on = is(OTHERS) ? goes_on : NULL;
	isri_schedule_done(&step_head.schedule);
	step_loop_init();
	for (i = 0; i < WHO_MAX; i++)
		accepted[i] = refused[i] = made[i] = 0;
	step_head.schedule.told_ns = 0;
	isri_schedule_init(&step_head.schedule, loop(), DEPTH);
	for (i = 0; i < (is(FULL) ? DEPTH : is(TWO) ? 2 : 0); i++)
		post(BEFORE);
	if (is(TOLD)) {
		post(BEFORE);
		step_equal(refused[BEFORE], 1);
	}
	if (is(ARMED))
		step_loop_arm();
}

static unsigned int sum(const unsigned int *of)
{
	return of[BEFORE] + of[OPERATION] + of[HANDLER] + of[FROM_CALL];
}

/* Each call that was accepted is made, once and in order. */
static void check(void)
{
	struct isr_emerg record;
	unsigned int records = 0;
	int i;

	step_loop_settle();
	for (i = 0; i < WHO_MAX; i++)
		step_equal(made[i], accepted[i]);
	step_equal(isr_ring_get_lost_total(&step_head.schedule.ring),
		   sum(refused));
	while (isr_emerg_take(loop(), &record) == 1) {
		if (record.kind == ISR_EMERG_MASK && is(FORGETS))
			continue;
		step_equal(record.kind, ISR_EMERG_SCHEDULE_FULL);
		records++;
	}
	/* All within a second. */
	step_equal(records, sum(refused) > 0);

	post(OPERATION);
	step_loop_settle();
	step_equal(made[OPERATION], accepted[OPERATION]);
}

static void handler_posts(void)
{
	post(HANDLER);
}

/* The operation plays a child that was forked. */
static void handler_posts_at_home(void)
{
	if (isri_wake_is_at_home(&step_wake))
		post(HANDLER);
}

static void handler_posts_five(void)
{
	int i;

	for (i = 0; i < DEPTH + 1; i++)
		post(HANDLER);
}

static void run_post(void)
{
	post(OPERATION);
}

static void run_turn(void)
{
	step_loop_turn();
}

static void make_calls(void)
{
	struct isr_ring *ring = &step_head.schedule.ring;

	ring->ready.cb(&ring->ready, 1, &step_head.schedule);
}

/* A call has stopped the loop; also, a ring larger than there can be. */
static void run_halted(void)
{
	uint32_t mask = step_head.schedule.ring.mask;

	step_wake.halted = true;
	make_calls();
	step_head.schedule.ring.mask = UINT32_MAX;
	make_calls();
	step_head.schedule.ring.mask = mask;
	step_wake.halted = false;
}

static void run_refused(void)
{
	int n = 0;

	n += isr_schedule(NULL, on_call, NULL) == -EINVAL;
	n += isr_schedule(loop(), NULL, NULL) == -EINVAL;
	step_wake.generation++;
	n += isr_schedule(loop(), on_call, NULL) == -EPERM;
	step_wake.generation--;
	result = n;
}

static void check_refused(void)
{
	step_equal(result, 3);
	check();
}

#define check_post check
#define check_turn check
#define check_halted check

#define SCENARIO(text, operation, by, what, ...)                           \
	{                                                                  \
		.name = "schedule: " text, .reset = reset,                 \
		.run = run_##operation, .handler = by,                     \
		.check = check_##operation, .variant = (what), __VA_ARGS__ \
	}

const struct step_scenario step_schedule_scenarios[] = {
	SCENARIO("schedule over schedule", post, handler_posts, 0),
	SCENARIO("schedule over schedule, armed", post, handler_posts, ARMED),
	SCENARIO("schedule over schedule, full", post, handler_posts, FULL),
	SCENARIO("schedule over schedule, told full", post, handler_posts,
		 FULL | TOLD),
	SCENARIO("schedules over schedule", post, handler_posts_five, 0),
	SCENARIO("schedules over schedule, two", post, handler_posts_five, TWO),
	SCENARIO("loop over schedule", post, step_loop_turn, 0,
		 .is_thread = true),
	SCENARIO("loop over schedule, full", post, step_loop_turn, FULL,
		 .is_thread = true),
	SCENARIO("schedule over the calls", turn, handler_posts, TWO),
	SCENARIO("schedule over the calls, with others", turn, handler_posts,
		 FULL | OTHERS),
	SCENARIO("schedule over the calls, none", turn, handler_posts, 0),
	SCENARIO("schedule over the calls, that schedule", turn, handler_posts,
		 TWO | AGAIN),
	SCENARIO("schedules over the calls, full", turn, handler_posts_five,
		 FULL | AGAIN),
	SCENARIO("schedule over the calls, that forget to unmask", turn,
		 handler_posts, TWO | FORGETS),
	SCENARIO("schedule over the calls, stopped", halted, handler_posts,
		 TWO),
	SCENARIO("schedule over what is refused", refused,
		 handler_posts_at_home, TWO),
	{.name = NULL},
};
