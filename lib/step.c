/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: the run queue: a list for each band.
 */
#include <stddef.h>

#include "loop.h"
#include "step.h"

static void list_init(struct isri_step_list *list)
{
	*list = (struct isri_step_list){.end = &list->first};
}

static void append(struct isri_step_list *list, struct isri_step *step)
{
	step->next = NULL;
	step->prev = list->end;
	*list->end = step;
	list->end = &step->next;
	list->n++;
}

static void unlink_step(struct isri_step_list *list, struct isri_step *step)
{
	*step->prev = step->next;
	if (step->next)
		step->next->prev = step->prev;
	else
		list->end = step->prev;
	step->next = NULL;
	step->prev = NULL;
	list->n--;
}

void isri_steps_init(struct isri_steps *steps)
{
	unsigned int band;

	/* Nothing was done: the first time, too, it may spin. */
	*steps = (struct isri_steps){.spin_steps = UINT64_MAX};
	for (band = 0; band < ISRI_BANDS; band++)
		list_init(&steps->of[band]);
}

void isri_step_queue(struct isr_loop *loop, struct isri_step *step,
		     enum isri_band band)
{
	struct isri_steps *steps = &isri_loop_base(loop)->steps;

	if (step->prev) {
		if (step->band <= band)
			return;
		unlink_step(&steps->of[step->band], step);
	}
	step->band = band;
	step->turn = steps->turn + isri_pass_is_flag_next(loop);
	append(&steps->of[band], step);
	if (isri_wake_is_armed(isri_wake_of(loop)))
		isri_wake_rouse(isri_wake_of(loop));
}

void isri_step_unqueue(struct isr_loop *loop, struct isri_step *step)
{
	struct isri_steps *steps = &isri_loop_base(loop)->steps;

	if (step->prev)
		unlink_step(&steps->of[step->band], step);
	isri_pass_forget(loop, step);
}

struct isri_step *isri_step_take(struct isr_loop *loop, enum isri_band band)
{
	struct isri_steps *steps = &isri_loop_base(loop)->steps;
	struct isri_step *step = steps->of[band].first;

	if (step)
		unlink_step(&steps->of[band], step);
	return step;
}

void isri_steps_hasten(struct isr_loop *loop)
{
	struct isri_step *step;

	while ((step = isri_step_take(loop, ISRI_BAND_AGAIN)))
		isri_step_queue(loop, step, ISRI_BAND_URGENT);
}

bool isri_steps_are_due(struct isr_loop *loop)
{
	const struct isri_steps *steps = &isri_loop_base(loop)->steps;

	return steps->of[ISRI_BAND_URGENT].first ||
	       steps->of[ISRI_BAND_ORDINARY].first || isri_wake_of(loop)->ready;
}
