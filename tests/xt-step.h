/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * For tests of what runs in which order: everything that runs leaves its
 * letter in a trace. Each test program includes it once.
 */
#ifndef XT_STEP_H
#define XT_STEP_H

#include <string.h>
#include <unistd.h>

#include <isrloop.h>

#include "loop.h"
#include "xt.h"

#define XT_TRACE_BYTES 256

static struct isr_loop *loop;
static char trace[XT_TRACE_BYTES];
static size_t trace_end;

/* A trace that is full ends the run. */
static inline void leave_letter(char letter)
{
	if (trace_end < sizeof(trace) - 1)
		trace[trace_end++] = letter;
	if (trace_end >= sizeof(trace) - 1)
		isr_loop_stop(loop);
}

/* A step that leaves its letter, then does what it is told to. */
struct xt_step {
	struct isri_step step;
	char letter;
	void (*then)(struct xt_step *step);
	void *arg;
};

static inline void xt_step_run(struct isri_step *step)
{
	struct xt_step *s = (struct xt_step *)step;

	leave_letter(s->letter);
	if (s->then)
		s->then(s);
}

static inline struct xt_step xt_step(char letter,
				     void (*then)(struct xt_step *step))
{
	return (struct xt_step){
		.step = {.run = xt_step_run, .name = "a step"},
		.letter = letter,
		.then = then,
	};
}

static inline void xt_urgent(struct xt_step *step)
{
	isri_step_queue(loop, &step->step, ISRI_BAND_URGENT);
}

static inline void xt_ordinary(struct xt_step *step)
{
	isri_step_queue(loop, &step->step, ISRI_BAND_ORDINARY);
}

/* Both ends are always ready: one has a byte, the other has room. */
static inline void xt_open_pipe(int fds[2])
{
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
}

static inline void xt_close_pipe(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static inline void xt_step_setup_with(const struct isr_loop_config *config)
{
	xt_ok(isr_loop_new(config, &loop));
	xt_ok(isr_loop_set_log_cb(loop, xt_log, NULL));
	memset(trace, 0, sizeof(trace));
	trace_end = 0;
}

static inline void xt_step_setup(void)
{
	xt_step_setup_with(&xt_patient);
}

/* A test that has ended the loop sets it to NULL. */
static inline void xt_step_teardown(void)
{
	xt_ok(isr_loop_free(loop));
}

static inline struct isr_loop_stats xt_loop_stats(void)
{
	struct isr_loop_stats stats;

	xt_ok(isr_loop_get_stats(loop, &stats));
	return stats;
}

#endif /* XT_STEP_H */
