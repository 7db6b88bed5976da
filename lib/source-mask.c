/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: one source is masked: what comes waits.
 *
 * It waits where it is: in the kernel when a hard handler or the loop would
 * read it, else in the source's ring, which a reader goes on filling. What is
 * left of a batch that was being delivered stays there too.
 */
#include <errno.h>

#include "source.h"

static int mask_watch(struct isri_watch *watch, bool masked)
{
	int r;

	isri_watch_lock(watch);
	r = isri_watch_mask(watch, masked);
	isri_watch_unlock(watch);
	return r;
}

static int set_masked(struct isr_source *source, bool masked)
{
	int r = 0;

	/* Not a reader: what it reads goes to the ring. */
	if (source->watch && (source->hard || !source->watch->thread))
		r = mask_watch(source->watch, masked);
	if (r == 0 && source->fired.watch.thread)
		r = mask_watch(&source->fired.watch, masked);
	if (r == 0 && source->ops->mask)
		source->ops->mask(source, masked);
	return r;
}

int isr_source_mask(struct isr_source *source)
{
	int r;

	r = isri_source_check(source);
	if (r < 0)
		return r;

	/* To wait for less cannot fail. */
	if (!source->masked++)
		set_masked(source, true);
	return 0;
}

int isr_source_unmask(struct isr_source *source)
{
	int r;

	r = isri_source_check(source);
	if (r < 0)
		return r;
	if (!source->masked)
		return -EINVAL;
	if (source->masked > 1) {
		source->masked--;
		return 0;
	}

	r = set_masked(source, false);
	if (r < 0) {
		set_masked(source, true);
		return r;
	}
	source->masked = 0;
	/* What waits in the ring, or in a batch. */
	if (!source->hard)
		isr_flag_set(&source->ring.ready);
	isri_source_tell_resumed(source);
	return 0;
}
