/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* A button that is fed scripts, by a loop that is in time or late. */
#ifndef XT_FED_BUTTON_H
#define XT_FED_BUTTON_H

#include <isrloop.h>

#include "xt-button.h"

#define FIRST_NS (1000 * MS)
#define END_MS 6000

/* Silence is told each 10 ms, but not in the 200 ms from here on. */
#define NEVER_LATE (-1)
/* It is not told at all, but in the end. */
#define ALWAYS_LATE (-2)
#define LATE_MS 200

static struct isr_loop *loop;
static struct isr_button button;
static struct isr_button_config config;
static struct xt_trace trace;
static int late_ms;
static bool bounces;
/* What the contact does, for one that is polled. */
static bool is_closed;
/* Of the events. */
static uint32_t n_bounces;

/* Close it with the event of that kind. */
static enum isr_button_kind close_at;

static inline void on_button(struct isr_button *b,
			     const struct isr_button_event *event, void *arg)
{
	ck_assert_ptr_eq(b, &button);
	ck_assert_ptr_eq(arg, &config);
	ck_assert(!isr_in_context());
	n_bounces += event->bounces;
	xt_trace(&trace, event);
	if (event->kind == close_at)
		xt_ok(isr_button_close(b));
}

static inline void setup(void)
{
	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
	memset(&button, 0, sizeof(button));
	memset(&trace, 0, sizeof(trace));
	trace.base_ns = FIRST_NS;
	late_ms = NEVER_LATE;
	bounces = false;
	is_closed = false;
	close_at = 0;
	config = (struct isr_button_config){
		.sz = sizeof(config),
		.contact.sz = sizeof(config.contact),
		.cb = on_button,
		.arg = &config,
	};
}

static inline void teardown(void)
{
	xt_ok(isr_button_close(&button));
	isr_loop_free(loop);
}

static inline void feed_at(uint64_t t_ns, enum isr_event_kind kind)
{
	const struct isr_event event = {
		.t_ns = t_ns,
		.kind = kind,
		.value = kind == ISR_EVENT_RISING ||
			 (kind == ISR_EVENT_INITIAL && is_closed),
	};
	int r = isr_button_feed(&button, &event);

	/* Once it has closed itself. */
	if (close_at)
		ck_assert(r == 0 || r == -EINVAL);
	else
		xt_ok(r);
}

/* Chatter around an edge at t_ns, which ends at that level. */
static inline void feed_edge(uint64_t t_ns, bool level)
{
	static const unsigned int chatter_us[] = {400, 900, 2100, 2700};
	unsigned int i;

	is_closed = level;
	if (config.contact.mode == ISR_SWITCH_POLLED) {
		feed_at(t_ns, ISR_EVENT_INITIAL);
		return;
	}
	feed_at(t_ns, level ? ISR_EVENT_RISING : ISR_EVENT_FALLING);
	for (i = 0; bounces && i < 4; i++) {
		level = !level;
		feed_at(t_ns + chatter_us[i] * 1000,
			level ? ISR_EVENT_RISING : ISR_EVENT_FALLING);
	}
}

/* The loop's side: silence, as it would tell of it. */
static inline void pass(unsigned int from_ms, unsigned int to_ms)
{
	unsigned int ms;

	/* Behind the chatter. */
	for (ms = (from_ms + 9) / 10 * 10 + 10; ms < to_ms; ms += 10) {
		if (late_ms == ALWAYS_LATE ||
		    (late_ms >= 0 && ms >= (unsigned int)late_ms &&
		     ms < (unsigned int)late_ms + LATE_MS))
			continue;
		feed_at(trace.base_ns + ms * MS,
			config.contact.mode == ISR_SWITCH_POLLED
				? ISR_EVENT_INITIAL
				: ISR_EVENT_IDLE);
	}
}

static inline void play(const unsigned int *script)
{
	unsigned int ms = 0;
	bool level = true;

	feed_at(trace.base_ns - 500 * MS, ISR_EVENT_INITIAL);
	for (;; script++) {
		feed_edge(trace.base_ns + ms * MS, level);
		pass(ms, ms + *script);
		if (!*script)
			break;
		ms += *script;
		level = !level;
	}
	pass(ms, END_MS);
	feed_at(trace.base_ns + END_MS * MS, ISR_EVENT_IDLE);
}

/* The script, by a button of that config. */
static inline void run(const unsigned int *script)
{
	trace.length = 0;
	trace.text[0] = '\0';
	n_bounces = 0;
	xt_ok(isr_button_open(&button, loop, &config, NULL));
	play(script);
	xt_ok(isr_button_close(&button));
}

#endif /* XT_FED_BUTTON_H */
