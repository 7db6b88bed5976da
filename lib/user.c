/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: user sources: nothing but what the program itself fires, a software
 * interrupt.
 */
#include <errno.h>
#include <stdlib.h>

#include "source.h"

static void set_armed(struct isr_source *source, bool armed)
{
	isri_watch_lock(&source->fired.watch);
	isri_source_set_armed(source, armed);
	isri_watch_unlock(&source->fired.watch);
}

static int arm_user(struct isr_source *source)
{
	set_armed(source, true);
	return 0;
}

static void disarm_user(struct isr_source *source)
{
	set_armed(source, false);
}

static void release_user(struct isr_source *source)
{
	isri_source_done(source);
	free(source);
}

static const struct isri_source_ops user_ops = {
	.arm = arm_user,
	.disarm = disarm_user,
	.release = release_user,
};

int isr_user_open(struct isr_loop *loop,
		  const struct isr_source_options *options,
		  isr_handler_cb *handler, void *arg,
		  struct isr_source **ret_source)
{
	const struct isri_source_setup setup = {
		.ops = &user_ops,
		.loop = loop,
		.options = options,
		.kind = "user",
		.number = -1,
		.ring_events = ISR_SOURCE_RING_EVENTS,
		.handler = handler,
		.arg = arg,
	};
	struct isr_source *source;
	int r;

	r = isri_source_check_setup(&setup, ret_source);
	if (r < 0)
		return r;

	source = isri_source_alloc(sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->measured = true;
	source->numbers_fired = true;
	r = isri_source_init(source, &setup);
	if (r < 0) {
		release_user(source);
		return r;
	}

	*ret_source = source;
	return arm_user(source);
}
