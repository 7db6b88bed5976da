/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: a line of a simulated chip and the request that holds it, perhaps with
 * others. All of it is guarded by the chip's lock.
 */
#ifndef ISRI_SIM_LINE_H
#define ISRI_SIM_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "chip.h"

#define ISRI_SIM_NEVER_NS UINT64_MAX

struct isri_sim_pattern;
struct isri_sim_request;

struct isri_sim_line {
	const char *name;
	struct isri_sim_pattern *pattern; /* the chip's; NULL: idle */
	struct isri_sim_request *request; /* NULL: free */
	uint16_t index;			  /* in the request */
	uint8_t level;			  /* physical */
	bool is_driven;	       /* set by hand once: the bias moves it no more */
	uint8_t settled_level; /* debounced: what was reported last */
	uint64_t settle_ns;    /* ISRI_SIM_NEVER_NS: nothing to settle */
};

struct isri_sim_request {
	struct isri_chip_request base;
	struct isri_sim_line *lines[ISR_PIN_LINES_MAX]; /* config.n_lines */
	struct isri_chip_request_config config; /* consumer: see below */
	char consumer[ISR_NAME_BYTES];
	uint32_t next_seq;
	/* Free-running; head - tail events are there. */
	uint32_t head;
	uint32_t tail;
	struct isr_event fifo[];
};

/* CLOCK_MONOTONIC */
uint64_t isri_sim_now_ns(void);

/*
 * On no line yet, and without ops; chip_lines are all of the chip's. Returns
 * 0; -ENOMEM; -EMFILE, ...
 */
int isri_sim_request_new(struct isri_sim_line *chip_lines,
			 const struct isri_chip_request_config *config,
			 struct isri_sim_request **ret_request);
void isri_sim_request_free(struct isri_sim_request *request);

/* Events out of the FIFO; their number. */
int isri_sim_request_take(struct isri_sim_request *request,
			  struct isr_event *ret_events, size_t max_events);

/* The logical levels, debounced if that was asked for: bit i is line i. */
int isri_sim_request_get_values(const struct isri_sim_request *request);

/* The request holds the line number index of its own, or none does. */
void isri_sim_line_hold(struct isri_sim_line *line,
			struct isri_sim_request *request, uint16_t index);
void isri_sim_line_let_go(struct isri_sim_line *line);

/* The level was stable for the debounce period: report it if it is new. */
void isri_sim_line_settle(struct isri_sim_line *line);

/* True when that is a change: an edge at t_ns (CLOCK_MONOTONIC). */
bool isri_sim_line_change(struct isri_sim_line *line, uint8_t level,
			  uint64_t t_ns);

#endif /* ISRI_SIM_LINE_H */
