/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F5: from quarter steps to the values of an encoder; see encoder-scale.c. */
#ifndef ISRI_ENCODER_SCALE_H
#define ISRI_ENCODER_SCALE_H

#include <stdbool.h>
#include <stdint.h>

/* Movements that the velocity is taken from. */
#define ISRI_ENCODER_MOVEMENTS 8

/* Loop only. */
struct isri_encoder_scale {
	/* constant from init: quarter steps a counted step, those a value */
	int64_t quarters, divider;
	/* INT64_MIN and INT64_MAX: no limits; modulo 0: none */
	int64_t min, max, modulo;

	int64_t position; /* in quarter steps */
	int64_t detent;	  /* the value, had it no limits and began with 0 */
	int64_t value;	  /* within the limits, before modulo */
};

/* All members but the last three set; at that value. */
void isri_encoder_scale_init(struct isri_encoder_scale *scale, int64_t value);
/* The value is that one here. False: it is outside of the limits. */
bool isri_encoder_scale_set(struct isri_encoder_scale *scale, int64_t value);
void isri_encoder_scale_move(struct isri_encoder_scale *scale, int64_t moved);
/* It has moved before the value was set. */
void isri_encoder_scale_shift(struct isri_encoder_scale *scale, int64_t moved);
/* What is told. */
int64_t isri_encoder_scale_get(const struct isri_encoder_scale *scale);

/* Where it was after a movement. */
struct isri_encoder_sample {
	uint64_t t_ns;
	int64_t position;
};

/* Loop only; begins zeroed. */
struct isri_encoder_speed {
	struct isri_encoder_sample samples[ISRI_ENCODER_MOVEMENTS + 1];
	unsigned int n; /* of all since it stood still */
};

static inline void isri_encoder_speed_stop(struct isri_encoder_speed *speed)
{
	speed->n = 0;
}

/* Stamps do not step back. */
void isri_encoder_speed_add(struct isri_encoder_speed *speed, uint64_t t_ns,
			    int64_t position);
/*
 * Values a second, as of now_ns: until then nothing came but the last movement,
 * and missing edges.
 */
double isri_encoder_speed_get(const struct isri_encoder_speed *speed,
			      const struct isri_encoder_scale *scale,
			      uint64_t now_ns, uint64_t missing);

#endif /* ISRI_ENCODER_SCALE_H */
