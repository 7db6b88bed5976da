/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5: an encoder's value: divide, then clamp, then modulo; and its velocity.
 *
 * DIVIDE. The count of steps is that of a cycle's 1, 2 or 4 edges, rounded up:
 * the first edge of a cycle counts. Divided by the divider it has a detent k
 * at k * divider, and halfway to the next one the nearest detent is
 * floor((count + divider / 2) / divider), for all k alike; to round half to
 * even, as others do, gives detents of different widths. A shaft that trembles
 * halfway would have the value tremble with it: so there is a hysteresis of
 * half a detent. The value changes a quarter of a detent beyond halfway, which
 * is where the count is three quarters of a detent away from that of the value.
 * Then it is the nearest one.
 *
 * CLAMP. What moves is the value: by as many detents as the shaft, and to its
 * limit at most. So what is turned beyond a limit does not add up, and the
 * first detent back is one.
 *
 * SILENCE. The velocity is the mean of the last movements; two cycles of them,
 * so that quarters of a cycle that are not equally wide make no difference. A
 * shaft that slows down shows in that mean only with its next movement. But
 * that it has not come yet says something: since the last one the shaft has
 * turned by less than a step, so it was slower than one step by that silence,
 * and the velocity is no more than that. How wide a step is, which has not been
 * made? As wide as its like was one cycle before, by the time that it took of
 * that cycle, where it was more than a quarter: else a steady shaft would seem
 * to slow down in each wide quarter. Edges that are missing may have been a
 * step each.
 */
#include "encoder-scale.h"
#include "encoder-core.h"

#define SECOND_NS 1e9
#define ROOM (ISRI_ENCODER_MOVEMENTS + 1)

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t ceil_div(int64_t a, int64_t b)
{
	return a / b + (a % b > 0);
}

/* No sum leaves the limits, nor the numbers there are. */
static int64_t add_within(int64_t a, int64_t b, int64_t min, int64_t max)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? min : max;
	return sum < min ? min : sum > max ? max : sum;
}

/* Small numbers stay small. */
static int64_t reduce(const struct isri_encoder_scale *scale, int64_t value)
{
	int64_t rest;

	if (!scale->modulo)
		return value;
	rest = value % scale->modulo;
	return rest < 0 ? rest + scale->modulo : rest;
}

static bool has_limits(const struct isri_encoder_scale *scale)
{
	return scale->min != INT64_MIN || scale->max != INT64_MAX;
}

bool isri_encoder_scale_set(struct isri_encoder_scale *scale, int64_t value)
{
	if (value < scale->min || value > scale->max)
		return false;
	scale->value = has_limits(scale) ? value : reduce(scale, value);
	return true;
}

void isri_encoder_scale_init(struct isri_encoder_scale *scale, int64_t value)
{
	scale->position = 0;
	scale->detent = 0;
	isri_encoder_scale_set(scale, value);
}

static int64_t find_detent(const struct isri_encoder_scale *scale)
{
	int64_t count = ceil_div(scale->position, scale->quarters);
	int64_t away = count - scale->detent * scale->divider;

	if (4 * (away < 0 ? -away : away) < 3 * scale->divider)
		return scale->detent;
	return floor_div(count + scale->divider / 2, scale->divider);
}

void isri_encoder_scale_move(struct isri_encoder_scale *scale, int64_t moved)
{
	int64_t detent;

	scale->position += moved;
	detent = find_detent(scale);
	scale->value = add_within(scale->value, detent - scale->detent,
				  scale->min, scale->max);
	if (!has_limits(scale))
		scale->value = reduce(scale, scale->value);
	scale->detent = detent;
}

void isri_encoder_scale_shift(struct isri_encoder_scale *scale, int64_t moved)
{
	int64_t value = scale->value;

	isri_encoder_scale_move(scale, moved);
	scale->value = value;
}

int64_t isri_encoder_scale_get(const struct isri_encoder_scale *scale)
{
	return reduce(scale, scale->value);
}

void isri_encoder_speed_add(struct isri_encoder_speed *speed, uint64_t t_ns,
			    int64_t position)
{
	struct isri_encoder_sample *sample = &speed->samples[speed->n++ % ROOM];

	sample->t_ns = t_ns;
	sample->position = position;
	/* The place of the next one is kept, the number is not. */
	if (speed->n == 4 * ROOM)
		speed->n -= 2 * ROOM;
}

/* The one that is back movements before the last. */
static const struct isri_encoder_sample *
get_sample(const struct isri_encoder_speed *speed, unsigned int back)
{
	return &speed->samples[(speed->n - 1 - back) % ROOM];
}

/* Quarter steps a second. */
static double get_mean(const struct isri_encoder_speed *speed)
{
	const struct isri_encoder_sample *last = get_sample(speed, 0);
	const struct isri_encoder_sample *first =
		get_sample(speed, speed->n > ROOM ? ROOM - 1 : speed->n - 1);

	if (last->t_ns == first->t_ns)
		return 0;
	return (double)(last->position - first->position) * SECOND_NS /
	       (double)(last->t_ns - first->t_ns);
}

/* See SILENCE: of the step that has not come yet, 1 to 4. */
static double get_width(const struct isri_encoder_speed *speed)
{
	const struct isri_encoder_sample *last, *from, *to;
	int64_t moved;
	double width;

	if (speed->n <= ISRI_ENCODER_CYCLE)
		return 1;
	last = get_sample(speed, 0);
	to = get_sample(speed, ISRI_ENCODER_CYCLE - 1);
	from = get_sample(speed, ISRI_ENCODER_CYCLE);
	moved = last->position - from->position;
	if ((moved != ISRI_ENCODER_CYCLE && moved != -ISRI_ENCODER_CYCLE) ||
	    last->t_ns == from->t_ns)
		return 1;
	width = ISRI_ENCODER_CYCLE * (double)(to->t_ns - from->t_ns) /
		(double)(last->t_ns - from->t_ns);
	return width > 1 ? width : 1;
}

double isri_encoder_speed_get(const struct isri_encoder_speed *speed,
			      const struct isri_encoder_scale *scale,
			      uint64_t now_ns, uint64_t missing)
{
	uint64_t silence_ns;
	double mean, most;

	if (speed->n < 2)
		return 0;
	mean = get_mean(speed);
	silence_ns = now_ns - get_sample(speed, 0)->t_ns;
	if (silence_ns) {
		most = (get_width(speed) + (double)missing) * SECOND_NS /
		       (double)silence_ns;
		if (mean > most)
			mean = most;
		if (mean < -most)
			mean = -most;
	}
	return mean / (double)(scale->quarters * scale->divider);
}
