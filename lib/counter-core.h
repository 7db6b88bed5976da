/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F5: measuring pulses by their stamps, without a clock, a pin or a loop. */
#ifndef ISRI_COUNTER_CORE_H
#define ISRI_COUNTER_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/counter.h>

#define ISRI_COUNTER_NEVER UINT64_MAX

/* What ended in one part of the window. All zero: nothing did. */
struct isri_counter_part {
	/* which part of all time; see part_of() */
	uint64_t number;
	/* where the first span began */
	uint64_t from_ns;
	uint64_t spans;
	/* pulses in them, their ends included: at least, at most */
	uint64_t min, max;
	/* spans in which nothing is missing: periods */
	uint64_t periods;
	uint64_t period_ns; /* the sum */
	uint64_t period_min_ns, period_max_ns;
	/* Welford's: the mean, and the sum of the squares of what is off */
	double mean_ns, squares;
	/* of both edges */
	uint64_t high_ns;
	uint64_t high_min_ns, high_max_ns;
	uint64_t low_min_ns, low_max_ns;
};

struct isri_counter_core {
	/* constant from init */
	enum isr_edge edge;
	uint64_t part_ns;
	uint64_t stop_ns;
	uint64_t report_ns; /* 0: none */
	/* Something is to be told as of now_ns; false: the core is gone */
	bool (*report)(struct isri_counter_core *core);
	/* of the user's; others change it as well */
	struct isr_word *count;

	/* the stream's time; never steps back */
	uint64_t now_ns;
	/* the latest edge's stamp; later ones are not before it */
	uint64_t edge_ns;
	/* the level after the latest event; -1: unknown */
	int8_t level;
	/* the latest event told the level, and by that an edge */
	bool is_told, is_evidence;
	bool is_gone;
	/* told by ISR_EVENT_LOST, before the next edge */
	uint64_t n_lost;
	/* lost at some time until the event that is being fed */
	uint64_t n_coming;

	/* a pulse has begun a span, which is open */
	bool is_open;
	/* not a period: something is missing in it */
	bool is_dirty;
	/* the pulse that began it may come a moment later */
	bool is_doubtful;
	/* levels may be those of the next edge */
	bool is_late;
	uint64_t pulse_ns;
	uint64_t fall_ns;
	/* edges after that, but for n_lost */
	uint64_t edges_min, edges_max;

	/* deadlines; NEVER */
	uint64_t stop_at_ns;
	uint64_t report_at_ns;
	/* what get_due_ns() said */
	uint64_t wake_ns;

	/* since open */
	uint64_t pulses, lost, merged;

	/* the latest span, by itself; none since a stop */
	struct isri_counter_part last;
	struct isri_counter_part parts[ISR_COUNTER_PARTS];
};

/* config has been checked; report and count are still to be set. */
void isri_counter_core_init(struct isri_counter_core *core,
			    const struct isr_counter_config *config);
/* False: a report has ended the core's life. */
bool isri_counter_core_feed(struct isri_counter_core *core,
			    const struct isr_event *event);
void isri_counter_core_read(const struct isri_counter_core *core,
			    struct isr_counter_reading *ret_reading);
/* Silence must be told then at the latest. */
uint64_t isri_counter_core_get_due_ns(const struct isri_counter_core *core);

/* A pulse at t_ns ends the open span. */
void isri_counter_core_end_span(struct isri_counter_core *core, uint64_t t_ns);

#endif /* ISRI_COUNTER_CORE_H */
