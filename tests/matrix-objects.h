/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The objects that test-matrix.c calls with: how they are made. */
#ifndef MATRIX_OBJECTS_H
#define MATRIX_OBJECTS_H

#include "matrix.h"

static inline void matrix_make_objects(struct matrix_objects *o)
{
	xt_ok(isr_flag_init(&o->flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_ring_init(&o->ring, loop, o->slots, 2, ISR_RING_DROP_NEW));
	xt_ok(isr_latch_init(&o->latch, loop, o->latch_slots,
			     sizeof(o->latch_slots[0])));
	xt_ok(isr_byte_ring_init(&o->byte_ring, loop, o->bytes,
				 sizeof(o->bytes)));
	xt_ok(isr_delay_init(&o->delay, loop, ISR_FLAG_AUTO));
	isr_word_store(&o->word, 5);
	o->expected = 5;
	isr_hist_record(&o->hist, 100);
	memset(o->scratch, 0x5a, sizeof(o->scratch));
}

/* Devices that are fed. */
static inline void matrix_make_devices(struct matrix_world *w)
{
	struct matrix_objects *o = &w->objects;

	w->edge.kind = ISR_EVENT_RISING;
	w->switch_config.sz = sizeof(w->switch_config);
	xt_ok(isr_switch_open(&o->sw, loop, &w->switch_config, NULL));
	w->counter_config.sz = sizeof(w->counter_config);
	xt_ok(isr_counter_open(&o->counter, loop, &w->counter_config, NULL));
	w->button_config.sz = sizeof(w->button_config);
	w->button_config.contact = w->switch_config;
	xt_ok(isr_button_open(&o->button, loop, &w->button_config, NULL));
}

#endif /* MATRIX_OBJECTS_H */
