/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * An encoder that a test feeds, what it tells, and a shaft that turns by
 * quarter steps: each one edge, a microsecond after the one before.
 */
#ifndef XT_ENCODER_H
#define XT_ENCODER_H

#include <math.h>

#include <isrloop/encoder.h>

#include "xt-source.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define TOLD_MAX 4096

static struct isr_encoder encoder;
static struct isr_encoder_event told[TOLD_MAX];
static unsigned int n_told;
/* The stream's time, and where the shaft really is. */
static uint64_t now_ns;
static int64_t shaft;
/* Where the shaft is at (0,0). */
static int64_t zero;

static inline void on_told(struct isr_encoder *enc,
			   const struct isr_encoder_event *event, void *arg)
{
	double velocity;

	ck_assert_ptr_eq(enc, &encoder);
	ck_assert(!isr_in_context());
	xt_ok(isr_encoder_read_velocity(enc, &velocity));
	ck_assert(event->velocity == velocity);
	ck_assert_int_eq(event->value, isr_encoder_get_value(enc));
	ck_assert_uint_lt(n_told, TOLD_MAX);
	told[n_told++] = *event;
}

/* Fed; the rest is the test's. */
static inline struct isr_encoder_config xt_encoder_config(void)
{
	return (struct isr_encoder_config){
		.sz = sizeof(struct isr_encoder_config),
		.cb = on_told,
	};
}

/* The level of a line where the shaft is: 0 A, 1 B. */
static inline int level_of(unsigned int line)
{
	static const int levels[4][2] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};

	return levels[((shaft - zero) % 4 + 4) % 4][line];
}

static inline struct isr_event make_event(uint8_t kind, unsigned int line)
{
	return (struct isr_event){
		.kind = kind,
		.source = (uint16_t)line,
		.t_ns = now_ns,
	};
}

static inline void feed_event(struct isr_event event)
{
	xt_ok(isr_encoder_feed(&encoder, &event));
}

static inline void feed_level(unsigned int line)
{
	struct isr_event event = make_event(ISR_EVENT_INITIAL, line);

	event.value = level_of(line);
	feed_event(event);
}

static inline void feed_levels(void)
{
	feed_level(0);
	feed_level(1);
}

/* Nothing comes for that long. */
static inline void pass(uint64_t ns)
{
	now_ns += ns;
	feed_event(make_event(ISR_EVENT_IDLE, 0));
}

/* Turn by a quarter step; the line that has another level now. */
static inline unsigned int turn_shaft(int direction)
{
	int before = level_of(0);

	shaft += direction;
	return level_of(0) == before;
}

/* The edge of that. */
static inline struct isr_event turn_unseen(int direction)
{
	unsigned int line = turn_shaft(direction);

	now_ns += US;
	return make_event(level_of(line) ? ISR_EVENT_RISING : ISR_EVENT_FALLING,
			  line);
}

static inline void turn(int quarters)
{
	for (; quarters > 0; quarters--)
		feed_event(turn_unseen(1));
	for (; quarters < 0; quarters++)
		feed_event(turn_unseen(-1));
}

static inline void open_encoder(struct isr_encoder_config config)
{
	struct isr_error error;
	int r;

	memset(&encoder, 0, sizeof(encoder));
	n_told = 0;
	now_ns = 1000 * MS;
	shaft = 0;
	r = isr_encoder_open(&encoder, loop, &config, &error);
	ck_assert_msg(r == 0, "%s", r < 0 ? error.message : "");
	feed_levels();
}

static inline struct isr_encoder_stats stats_now(void)
{
	struct isr_encoder_stats stats;

	xt_ok(isr_encoder_get_stats(&encoder, &stats));
	return stats;
}

static inline double velocity_now(void)
{
	double velocity;

	xt_ok(isr_encoder_read_velocity(&encoder, &velocity));
	return velocity;
}

static inline void assert_told(unsigned int i, int64_t value, int64_t delta)
{
	ck_assert_uint_lt(i, n_told);
	ck_assert_int_eq(told[i].value, value);
	ck_assert_int_eq(told[i].delta, delta);
}

#endif /* XT_ENCODER_H */
