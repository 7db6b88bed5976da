/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: how what was fired at a source with a hard handler reaches its IRQ
 * thread, where it is handled in turn with the source's other events.
 */
#ifndef ISRI_FIRED_H
#define ISRI_FIRED_H

#include "bell.h"
#include "watch.h"

struct isri_fired {
	struct isri_bell bell;
	struct isri_watch watch;
};

/*
 * Loop thread. Of a source whose ring is there already; it may be called with
 * zeroed memory in place of a started one. Returns 0 or what eventfd and
 * isri_watch_init() say.
 */
int isri_fired_init(struct isri_fired *fired, struct isr_source *source);
void isri_fired_done(struct isri_fired *fired);

#endif /* ISRI_FIRED_H */
