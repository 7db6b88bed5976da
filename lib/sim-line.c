/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: a line of a simulated chip and the request that holds it.
 *
 * Towards its user a request is what the kernel makes of real lines
 * (gpiolib-cdev.c): a FIFO that drops its oldest event when it is full, a
 * sequence from 1 that counts what was dropped too but not what the edge
 * filter took out, software debounce that stamps the settled time. The FIFO
 * and the sequence are those of all lines of the request.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "sim-line.h"

#define SECOND_NS 1000000000U

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + ts.tv_nsec;
}

uint64_t isri_sim_now_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

static uint64_t stamp(const struct isri_sim_request *request, uint64_t t_ns)
{
	if (request->config.clock != ISR_CLOCK_REALTIME)
		return t_ns;
	return t_ns + now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC);
}

static void push(struct isri_sim_request *request,
		 const struct isr_event *event)
{
	const uint64_t one = 1;
	uint32_t depth = request->base.fifo_events;

	if (request->head - request->tail == depth)
		request->tail++;
	request->fifo[request->head++ & (depth - 1)] = *event;
	/* Cannot fail: it counts to 1 and is read back to 0. */
	if (request->head - request->tail == 1)
		(void)!write(request->base.fd, &one, sizeof(one));
}

static bool is_filtered(enum isr_edge edge, bool active)
{
	return edge == ISR_EDGE_NONE ||
	       edge == (active ? ISR_EDGE_FALLING : ISR_EDGE_RISING);
}

static void emit(struct isri_sim_line *line, uint8_t level, uint64_t t_ns)
{
	struct isri_sim_request *request = line->request;
	bool active = level != request->config.active_low;
	struct isr_event event = {0};

	if (is_filtered(request->config.edge, active))
		return;

	event.t_ns = stamp(request, t_ns);
	event.line_seq = request->next_seq++;
	event.source = line->index;
	event.kind = active ? ISR_EVENT_RISING : ISR_EVENT_FALLING;
	event.value = active;
	event.flags = ISR_EVENT_FLAG_SIMULATED;
	if (request->config.debounce_ns)
		event.flags |= ISR_EVENT_FLAG_DEBOUNCED;
	push(request, &event);
}

void isri_sim_line_hold(struct isri_sim_line *line,
			struct isri_sim_request *request, uint16_t index)
{
	line->request = request;
	line->index = index;
	line->settled_level = line->level;
	line->settle_ns = ISRI_SIM_NEVER_NS;
}

void isri_sim_line_let_go(struct isri_sim_line *line)
{
	line->request = NULL;
}

void isri_sim_line_settle(struct isri_sim_line *line)
{
	uint64_t t_ns = line->settle_ns;

	line->settle_ns = ISRI_SIM_NEVER_NS;
	if (line->settled_level == line->level)
		return;
	line->settled_level = line->level;
	emit(line, line->settled_level, t_ns);
}

bool isri_sim_line_change(struct isri_sim_line *line, uint8_t level,
			  uint64_t t_ns)
{
	struct isri_sim_request *request = line->request;

	if (line->level == level)
		return false;
	/* A stamp by hand may be ahead of the generator. */
	if (request && line->settle_ns <= t_ns)
		isri_sim_line_settle(line);
	line->level = level;
	if (request && request->config.debounce_ns)
		line->settle_ns = t_ns + request->config.debounce_ns;
	else if (request)
		emit(line, level, t_ns);
	return true;
}

/* With its FIFO, all of it touched. */
int isri_sim_request_new(struct isri_sim_line *chip_lines,
			 const struct isri_chip_request_config *config,
			 struct isri_sim_request **ret_request)
{
	size_t size_bytes = sizeof(struct isri_sim_request) +
			    config->fifo_events * sizeof(struct isr_event);
	struct isri_sim_request *request;
	uint32_t i;
	int r;

	request = malloc(size_bytes);
	if (!request)
		return -ENOMEM;
	memset(request, 0, size_bytes);

	request->base.fifo_events = config->fifo_events;
	request->base.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (request->base.fd < 0) {
		r = -errno;
		free(request);
		return r;
	}
	for (i = 0; i < config->n_lines; i++)
		request->lines[i] = &chip_lines[config->offsets[i]];
	request->config = *config;
	snprintf(request->consumer, sizeof(request->consumer), "%s",
		 config->consumer);
	request->config.consumer = request->consumer;
	request->next_seq = 1;
	*ret_request = request;
	return 0;
}

void isri_sim_request_free(struct isri_sim_request *request)
{
	close(request->base.fd);
	free(request);
}

int isri_sim_request_take(struct isri_sim_request *request,
			  struct isr_event *ret_events, size_t max_events)
{
	uint32_t mask = request->base.fifo_events - 1;
	uint64_t count;
	size_t n = 0;

	while (n < max_events && request->head != request->tail)
		ret_events[n++] = request->fifo[request->tail++ & mask];
	if (n > 0 && request->head == request->tail)
		(void)!read(request->base.fd, &count, sizeof(count));
	return n;
}

int isri_sim_request_get_values(const struct isri_sim_request *request)
{
	int values = 0;
	uint32_t i;

	for (i = 0; i < request->config.n_lines; i++) {
		const struct isri_sim_line *line = request->lines[i];
		uint8_t level = request->config.debounce_ns
					? line->settled_level
					: line->level;

		values |= (level != request->config.active_low) << i;
	}
	return values;
}
