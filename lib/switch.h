/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5: what a switch is made of (switch-core.c decides, switch-loop.c connects
 * it with a pin and the program), and what a button needs of it.
 */
#ifndef ISRI_SWITCH_H
#define ISRI_SWITCH_H

#include <isrloop/switch.h>

#include "device.h"

/*
 * Whoever decides on the events of a switch, in the time of their first edges:
 * a button. Called before the user's callback. False: it has closed the
 * switch, which is not touched any more.
 */
struct isri_switch_listener {
	bool (*event)(struct isri_switch_listener *listener,
		      const struct isr_switch_event *event);
	/*
	 * Every CLOSED and OPENED with t_first_ns < t_ns has been told. Never
	 * goes back, and always comes before an event with that t_first_ns;
	 * only one whose edge the chip told late has an earlier one.
	 */
	bool (*advance)(struct isri_switch_listener *listener, uint64_t t_ns);
	/* Till when it wants to hear from advance(); ISRI_DEVICE_NEVER. */
	uint64_t (*get_due_ns)(const struct isri_switch_listener *listener);
};

/*
 * As isr_switch_open(), once the caller has checked pointers and the loop;
 * listener lives as long as the switch, or is NULL.
 */
int isri_switch_open(struct isr_switch *sw, struct isr_loop *loop,
		     const struct isr_switch_config *config,
		     struct isri_switch_listener *listener,
		     struct isr_error *reterr_error);

/* What isr_switch_is_closed() says. */
void isri_switch_publish(struct isr_switch *sw, bool closed);

/* Its first member is the stream that it is fed. */
static inline struct isri_device *
isri_switch_get_device(const struct isr_switch *sw)
{
	return (struct isri_device *)(void *)sw->rest.bytes;
}

/*
 * lib/switch-core.c
 */

enum isri_switch_phase {
	ISRI_SWITCH_UNKNOWN = 0, /* no level was told yet */
	ISRI_SWITCH_REST,
	ISRI_SWITCH_BUSY, /* an edge, and what follows it is not yet decided */
	ISRI_SWITCH_ENDED /* the chip is gone */
};

struct isri_switch_core {
	/*
	 * Constant. All state is as it will be when they are called; false:
	 * the core is gone.
	 */
	bool (*tell)(struct isri_switch_core *core,
		     const struct isr_switch_event *event);
	/* Every change whose first edge is before t_ns has been told. */
	bool (*pass)(struct isri_switch_core *core, uint64_t t_ns);
	uint64_t debounce_ns;
	uint64_t chatter_ns;
	enum isr_switch_mode mode;
	bool filtered; /* by the chip: each edge counts */

	enum isri_switch_phase phase;
	bool closed; /* as told */
	bool level;  /* as the last edge or sample said */
	bool gap;    /* edges were lost since: perhaps another one */
	bool guess;  /* STABLE: BUSY began with an edge that only a gap explains
		      */
	bool away;   /* away_ns is valid */

	/* The stream's time; never goes back. */
	uint64_t now_ns;
	/* What pass() was called with. */
	uint64_t known_ns;
	/* BUSY: of the first edge: when it was decided on, its stamp. */
	uint64_t begin_ns;
	uint64_t first_ns;
	/* The last edge. */
	uint64_t last_ns;
	/* The stamp of the first edge to !closed since it last rested. */
	uint64_t away_ns;
	/* Of the last level. */
	uint64_t sampled_ns;
	/* Look at the level then: there is a gap; ISRI_DEVICE_NEVER. */
	uint64_t look_ns;
	/* BUSY: the first one included. */
	uint32_t edges;
	/* Not yet told. */
	uint32_t lost;
	uint8_t merged_flag;
	/* SIMULATED and so on, of the last edge. */
	uint8_t origin_flags;
	struct isr_switch_stats stats;
};

/* In zeroed memory, the constants filled in. */
void isri_switch_core_init(struct isri_switch_core *core);
/* False: a callback has closed it. */
bool isri_switch_core_feed(struct isri_switch_core *core,
			   const struct isr_event *event);
/* When silence is to be told; ISRI_DEVICE_NEVER. */
uint64_t isri_switch_core_get_due_ns(const struct isri_switch_core *core);
/* What is told next may have its first edge in the past: pass() waits. */
static inline bool
isri_switch_core_holds_time(const struct isri_switch_core *core)
{
	return core->phase == ISRI_SWITCH_BUSY && (core->away || core->guess);
}

#endif /* ISRI_SWITCH_H */
