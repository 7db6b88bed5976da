/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Interruption at every instruction: emergency records, frames. */
#include <errno.h>
#include <string.h>

#include "context.h"
#include "emerg.h"
#include "step.h"

enum {
	ONE = 1,    /* a record is there */
	FULL = 2,   /* no more will fit */
	SOURCE = 4, /* a handler of a source runs */
	LONG = 8,   /* longer texts than fit */
	ARMED = 16  /* the loop sleeps, or is about to */
};

struct isr_source {
	const char *name;
};

static struct isr_source source = {.name = "the source"};
static unsigned int fails[2], taken;
static int result;
/* Of a record: who wrote it. */
#define CODE_BEFORE (-1)
#define CODE_OPERATION (-2)
#define CODE_HANDLER (-3)
static unsigned int seen[4];

static const char long_text[] =
	"0123456789012345678901234567890123456789012345678901234567890123456789";

uint16_t isr_source_get_id(const struct isr_source *which)
{
	return which == &source ? 7 : 0;
}

const char *isr_source_get_name(const struct isr_source *which)
{
	return which->name;
}

static bool is(int variant)
{
	return step_now->variant & variant;
}

static struct isr_loop *loop(void)
{
	return (struct isr_loop *)&step_head;
}

/* In a frame of its own: as a handler that fails. */
static void fail(int code)
{
	const char *text = is(LONG) ? long_text : "it failed";
	struct isri_frame frame;

	fails[step_is_handler()]++;
	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, loop(),
			   is(SOURCE) ? &source : NULL);
	step_equal(isr_fail_at(code, text, text), code);
	step_equal(frame.failed, code);
	step_expect(isri_context_get_frame() == &frame);
	isri_context_leave(&frame);
}

/* A record is whole, and its writer's. */
static void look_at(const struct isr_emerg *record)
{
	const char *message = is(LONG) ? long_text : "it failed";
	const char *where = is(LONG) ? long_text + strlen(long_text) -
					       (ISR_EMERG_TEXT_BYTES - 1)
				     : "it failed";

	taken++;
	step_expect(record->code <= CODE_BEFORE &&
		    record->code >= CODE_HANDLER);
	if (record->code <= CODE_BEFORE && record->code >= CODE_HANDLER)
		seen[-record->code]++;
	step_equal(record->kind, ISR_EMERG_FAIL);
	step_equal(record->context, ISR_CONTEXT_SIGNAL);
	step_equal(record->source, is(SOURCE) ? 7 : 0);
	step_expect(
		!strcmp(record->source_name, is(SOURCE) ? source.name : ""));
	step_expect(
		!strncmp(record->message, message, ISR_EMERG_TEXT_BYTES - 1));
	step_expect(!strcmp(record->where, where));
	step_equal(record->n_frames, ISR_EMERG_FRAMES_MAX);
	step_expect(record->frames[ISR_EMERG_FRAMES_MAX - 1] == &step_head);
	step_expect(record->tid > 0 && record->t_ns > 0);
}

static void take_all(void)
{
	struct isr_emerg record;

	while (isr_emerg_take(loop(), &record) == 1)
		look_at(&record);
}

static void on_ready(struct isr_flag *flag, uint32_t count, void *arg)
{
	(void)flag;
	(void)count;
	(void)arg;
	take_all();
}

static void reset(void)
{
	int i;

	step_loop_init();
	isr_flag_set_cb(&step_head.emerg.ready, on_ready, NULL);
	fails[0] = fails[1] = taken = 0;
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < (is(FULL) ? ISR_EMERG_RECORDS : is(ONE) ? 1 : 0); i++)
		fail(CODE_BEFORE);
	if (is(ARMED))
		step_loop_arm();
}

/* Each is delivered or counted, and the first ones are kept. */
static void check(void)
{
	uint64_t lost;

	step_loop_settle();
	lost = isr_emerg_get_lost(loop());
	step_equal(taken + lost, fails[0] + fails[1]);
	step_equal(seen[-CODE_BEFORE], is(FULL) ? ISR_EMERG_RECORDS : is(ONE));
	step_expect(!isri_emerg_is_pending(&step_head.emerg));
	step_expect(!isri_context_get_frame());

	fail(CODE_OPERATION);
	step_loop_settle();
	step_equal(taken + lost, fails[0] + fails[1]);
}

static void handler_fails(void)
{
	fail(CODE_HANDLER);
}

static void handler_fails_often(void)
{
	int i;

	for (i = 0; i < ISR_EMERG_RECORDS + 1; i++)
		fail(CODE_HANDLER);
}

static void run_fail(void)
{
	fail(CODE_OPERATION);
}

static void run_take(void)
{
	struct isr_emerg record;

	result = isr_emerg_take(loop(), &record);
	if (result == 1)
		look_at(&record);
}

static void check_take(void)
{
	step_expect(result == 1 || (result == 0 && !is(ONE | FULL)));
	check();
}

static void run_is_pending(void)
{
	result = isri_emerg_is_pending(&step_head.emerg);
}

static void check_is_pending(void)
{
	step_expect(result || !is(ONE));
	check();
}

/* Failures that are nobody's, and the questions that may be asked. */
static void run_refused(void)
{
	struct isr_emerg record;
	struct isri_frame frame;
	int n = 0;

	n += isr_fail_at(-EIO, "outside", NULL) == -EIO;
	n += isr_emerg_take(NULL, &record) == -EINVAL;
	n += isr_emerg_take(loop(), NULL) == -EINVAL;
	n += isr_emerg_get_lost(NULL) == 0;
	n += isr_emerg_get_lost(loop()) == 0;
	n += isr_context_get_source() == NULL;
	isri_context_enter(&frame, ISR_CONTEXT_IRQ_THREAD, NULL, &source);
	n += isr_fail_at(-EIO, NULL, NULL) == -EIO;
	n += frame.failed == -EIO;
	/* The first one stays. */
	n += isr_fail_at(-EPERM, NULL, NULL) == -EPERM;
	n += frame.failed == -EIO;
	n += isr_context_get_source() == &source;
	isri_context_leave(&frame);
	isri_context_enter(&frame, ISR_CONTEXT_IRQ_THREAD, NULL, NULL);
	n += isr_fail_at(5, NULL, NULL) == 5;
	n += frame.failed == -EIO;
	isri_context_leave(&frame);
	result = n;
}

static void check_refused(void)
{
	step_equal(result, 13);
	check();
}

#define check_fail check

#define SCENARIO(text, operation, by, what, ...)                           \
	{                                                                  \
		.name = "emerg: " text, .reset = reset,                    \
		.run = run_##operation, .handler = by,                     \
		.check = check_##operation, .variant = (what), __VA_ARGS__ \
	}

const struct step_scenario step_emerg_scenarios[] = {
	SCENARIO("fail over fail", fail, handler_fails, 0),
	SCENARIO("fail over fail, armed", fail, handler_fails, ARMED),
	SCENARIO("fail over fail, of a source", fail, handler_fails,
		 SOURCE | ONE),
	SCENARIO("fail over fail, long texts", fail, handler_fails, LONG),
	SCENARIO("fail over fail, full", fail, handler_fails, FULL),
	SCENARIO("fails over fail", fail, handler_fails_often, ONE),
	SCENARIO("loop over fail", fail, step_loop_turn, 0, .is_thread = true),
	SCENARIO("loop over fail, full", fail, step_loop_turn, FULL,
		 .is_thread = true),
	SCENARIO("fail over take, none", take, handler_fails, 0),
	SCENARIO("fail over take", take, handler_fails, ONE),
	SCENARIO("fail over take, full", take, handler_fails, FULL),
	SCENARIO("fails over take, full", take, handler_fails_often, FULL),
	SCENARIO("fail over is_pending", is_pending, handler_fails, ONE),
	SCENARIO("fail over what is refused", refused, handler_fails, ONE),
	{.name = NULL},
};
