/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Helpers of the tests of sources: a loop, and a handler that writes down
 * what it gets.
 */
#ifndef XT_SOURCE_H
#define XT_SOURCE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <isrloop.h>

#include "xt.h"

#define XT_SINK_EVENTS 8192

/* Zeroed but for loop. What n counts may be read, in any thread. */
struct xt_sink {
	struct isr_loop *loop;
	atomic_uint stop_at; /* stops the loop with this many events */
	int result;	     /* of the handler */
	/* Events; reports (lost, chip lost) are counted apart. */
	atomic_uint n;
	unsigned int n_reports;
	uint64_t lost; /* sum, reports included */
	bool in_isr;   /* where it ran the last time */
	pthread_t thread;
	struct isr_event last_report;
	struct isr_event events[XT_SINK_EVENTS];
};

/* Options of a source whose handler is hard. */
extern const struct isr_source_options xt_hard;

/* Made and ended by the fixtures. */
extern struct isr_loop *loop;
extern struct xt_sink sink;

void xt_loop_setup(void);
/* A test that has ended the loop sets it to NULL. */
void xt_loop_teardown(void);

/* An isr_handler_cb; arg is a sink. Hard or soft. */
int xt_sink(struct isr_source *source, const struct isr_event *event,
	    void *arg);

/* Run the loop until the sink has n events in all, and not more. */
void xt_sink_run(struct xt_sink *sink, unsigned int n);

/* Run what is due, until a flag set now has been delivered. */
void xt_settle(void);

/* Without running the loop: until the source's reader saw this edge. */
void xt_wait_read(struct isr_source *source, uint32_t line_seq);

/* Until its handler has failed, in whatever thread. */
void xt_wait_failed(struct isr_source *source);

struct isr_source_stats xt_stats(struct isr_source *source);

/* delivered + lost_kernel + lost_ring + discarded */
uint64_t xt_stamped(struct isr_source *source);

#endif /* XT_SOURCE_H */
