/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: simulated chips.
 *
 * Edges come from patterns (sim-pattern.h) or by hand. One thread a chip
 * sleeps until the next edge of a pattern that anybody watches, or the next
 * settling; with neither it sleeps for good. A stamp is the time when the
 * edge was due, so a late thread changes no event. The chip's time starts
 * with its first request; a pattern that nobody watched meanwhile is where
 * it would have been.
 *
 * Locks: registry_lock, then nothing; a chip's lock guards its lines,
 * patterns and requests. It inherits priority: an IRQ thread may wait
 * for it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "chip-sim.h"
#include "error.h"
#include "sim-config.h"
#include "sim-line.h"
#include "thread.h"

/* Edges made before the lock is given up for others. */
#define BATCH_EDGES 64

#define SECOND_NS 1000000000U

struct isri_sim_pattern {
	const struct isri_pattern *config;
	struct isri_sim_line *lines[ISRI_PATTERN_CHANNELS];
	unsigned int watched; /* lines that are requested; 0: it rests */
	struct isri_pattern_cursor cursor;
	struct isri_pattern_edge next; /* valid while it is watched */
};

struct sim_chip {
	struct isr_chip base;
	struct sim_chip *next; /* under registry_lock */
	struct isri_sim_config config;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* what is due next, or stop */
	pthread_t generator;
	bool has_generator;
	bool stop;
	uint64_t start_ns; /* 0: not yet */
	struct isri_sim_line lines[ISRI_SIM_LINES_MAX];
	struct isri_sim_pattern patterns[ISRI_SIM_LINES_MAX];
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sim_chip *registry;

/*
 * Patterns and the generator. All with the chip's lock.
 */

static void watch_pattern(struct sim_chip *chip,
			  struct isri_sim_pattern *pattern)
{
	uint8_t levels[ISRI_PATTERN_CHANNELS];
	int i;

	if (pattern->watched++ > 0)
		return;
	isri_pattern_seek(pattern->config, isri_sim_now_ns() - chip->start_ns,
			  &pattern->cursor, levels);
	isri_pattern_next(pattern->config, &pattern->cursor, &pattern->next);
	for (i = 0; i < ISRI_PATTERN_CHANNELS; i++)
		if (pattern->lines[i])
			pattern->lines[i]->level = levels[i];
}

static void run_pattern(struct sim_chip *chip, struct isri_sim_pattern *pattern)
{
	const struct isri_pattern_edge *edge = &pattern->next;

	isri_sim_line_change(pattern->lines[edge->channel], edge->level,
			     chip->start_ns + edge->t_ns);
	isri_pattern_next(pattern->config, &pattern->cursor, &pattern->next);
}

/* What is due first: one of both results, or neither and ISRI_SIM_NEVER_NS. */
static uint64_t first_due(struct sim_chip *chip,
			  struct isri_sim_pattern **ret_pattern,
			  struct isri_sim_request **ret_request)
{
	uint64_t due_ns = ISRI_SIM_NEVER_NS;
	uint32_t i;

	*ret_pattern = NULL;
	*ret_request = NULL;
	for (i = 0; i < chip->base.num_lines; i++) {
		struct isri_sim_request *request = chip->lines[i].request;

		if (request && request->settle_ns < due_ns) {
			due_ns = request->settle_ns;
			*ret_request = request;
		}
	}
	for (i = 0; i < chip->config.num_patterns; i++) {
		struct isri_sim_pattern *pattern = &chip->patterns[i];

		if (pattern->watched &&
		    chip->start_ns + pattern->next.t_ns < due_ns) {
			due_ns = chip->start_ns + pattern->next.t_ns;
			*ret_pattern = pattern;
			*ret_request = NULL;
		}
	}
	return due_ns;
}

/* Make at most max_edges of what is due by until_ns; when the next one is. */
static uint64_t run_until(struct sim_chip *chip, uint64_t until_ns,
			  unsigned int max_edges)
{
	struct isri_sim_pattern *pattern;
	struct isri_sim_request *request;
	uint64_t due_ns;

	for (;;) {
		due_ns = first_due(chip, &pattern, &request);
		if (due_ns > until_ns || max_edges-- == 0)
			return due_ns;
		if (pattern)
			run_pattern(chip, pattern);
		else
			isri_sim_request_settle(request);
	}
}

static void wait_until(struct sim_chip *chip, uint64_t due_ns)
{
	struct timespec ts;

	if (due_ns == ISRI_SIM_NEVER_NS) {
		pthread_cond_wait(&chip->changed, &chip->lock);
		return;
	}
	ts.tv_sec = due_ns / SECOND_NS;
	ts.tv_nsec = due_ns % SECOND_NS;
	pthread_cond_timedwait(&chip->changed, &chip->lock, &ts);
}

static void *generate(void *arg)
{
	struct sim_chip *chip = arg;
	uint64_t due_ns;

	/* The default slack of 50 us is more than the edges' distance. */
	prctl(PR_SET_TIMERSLACK, 1);
	prctl(PR_SET_NAME, "isrloop-sim");

	pthread_mutex_lock(&chip->lock);
	while (!chip->stop) {
		due_ns = run_until(chip, isri_sim_now_ns(), BATCH_EDGES);
		if (due_ns > isri_sim_now_ns()) {
			wait_until(chip, due_ns);
			continue;
		}
		/* Behind: let the readers in before the next batch. */
		pthread_mutex_unlock(&chip->lock);
		pthread_mutex_lock(&chip->lock);
	}
	pthread_mutex_unlock(&chip->lock);
	return NULL;
}

static int start_generator(struct sim_chip *chip)
{
	int r;

	if (chip->has_generator)
		return 0;
	r = isri_thread_create(&chip->generator, NULL, generate, chip);
	chip->has_generator = r == 0;
	return r;
}

/*
 * Requests.
 */

static int sim_read(struct isri_chip_request *base,
		    struct isr_event *ret_events, size_t max_events)
{
	struct isri_sim_request *request = (struct isri_sim_request *)base;
	struct sim_chip *chip = (struct sim_chip *)base->chip;
	int n;

	pthread_mutex_lock(&chip->lock);
	n = isri_sim_request_take(request, ret_events, max_events);
	pthread_mutex_unlock(&chip->lock);
	return n;
}

static int sim_get_value(struct isri_chip_request *base, int *ret_value)
{
	struct isri_sim_request *request = (struct isri_sim_request *)base;
	struct sim_chip *chip = (struct sim_chip *)base->chip;

	pthread_mutex_lock(&chip->lock);
	*ret_value = isri_sim_request_is_active(request);
	pthread_mutex_unlock(&chip->lock);
	return 0;
}

static void sim_release(struct isri_chip_request *base)
{
	struct isri_sim_request *request = (struct isri_sim_request *)base;
	struct sim_chip *chip = (struct sim_chip *)base->chip;

	pthread_mutex_lock(&chip->lock);
	request->line->request = NULL;
	if (request->line->pattern)
		request->line->pattern->watched--;
	pthread_cond_signal(&chip->changed);
	pthread_mutex_unlock(&chip->lock);
	isri_sim_request_free(request);
}

static const struct isri_chip_request_ops sim_request_ops = {
	.read = sim_read,
	.get_value = sim_get_value,
	.release = sim_release,
};

/* With the chip's lock. */
static int attach(struct sim_chip *chip, struct isri_sim_request *request)
{
	struct isri_sim_line *line = request->line;
	int r;

	if (line->request)
		return -EBUSY;
	if (line->pattern || request->config.debounce_ns) {
		r = start_generator(chip);
		if (r < 0)
			return r;
	}
	if (chip->start_ns == 0)
		chip->start_ns = isri_sim_now_ns();
	/* What was due before is not this request's to see. */
	run_until(chip, isri_sim_now_ns(), UINT32_MAX);
	if (line->pattern)
		watch_pattern(chip, line->pattern);
	else if (!line->is_driven && request->config.bias >= ISR_BIAS_PULL_UP)
		line->level = request->config.bias == ISR_BIAS_PULL_UP;
	request->settled_level = line->level;
	line->request = request;
	pthread_cond_signal(&chip->changed);
	return 0;
}

/* holder: its consumer, "" when it is not busy. */
static int explain(const struct isr_chip *chip,
		   const struct isri_sim_line *line, uint32_t offset, int code,
		   const char *holder, struct isr_error *reterr_error)
{
	char text[ISRI_CHIP_LINE_TEXT_BYTES];

	isri_chip_line_text(chip, offset, line->name, text, sizeof(text));
	if (code == -EBUSY)
		return isri_error_set(reterr_error, code,
				      "%s: busy, held by \"%s\"; close that "
				      "one first or use another line",
				      text, holder);
	if (code == -EOPNOTSUPP)
		return isri_error_set(reterr_error, code,
				      "%s: a simulated chip has no hardware "
				      "timestamp engine; use clock monotonic",
				      text);
	return isri_error_set(reterr_error, code, "%s: %s", text,
			      strerror(-code));
}

static int sim_request_line(struct isr_chip *base,
			    const struct isri_chip_request_config *config,
			    struct isri_chip_request **ret_request,
			    struct isr_error *reterr_error)
{
	struct sim_chip *chip = (struct sim_chip *)base;
	struct isri_sim_line *line = &chip->lines[config->offset];
	char holder[ISR_NAME_BYTES] = "";
	struct isri_sim_request *request;
	int r;

	if (config->clock == ISR_CLOCK_HTE)
		return explain(base, line, config->offset, -EOPNOTSUPP, "",
			       reterr_error);
	r = isri_sim_request_new(line, config, &request);
	if (r < 0)
		return explain(base, line, config->offset, r, "", reterr_error);
	request->base.ops = &sim_request_ops;

	pthread_mutex_lock(&chip->lock);
	r = attach(chip, request);
	if (r == -EBUSY)
		memcpy(holder, line->request->consumer, sizeof(holder));
	pthread_mutex_unlock(&chip->lock);
	if (r < 0) {
		isri_sim_request_free(request);
		return explain(base, line, config->offset, r, holder,
			       reterr_error);
	}
	*ret_request = &request->base;
	return 0;
}

/*
 * The rest of a chip.
 */

static int sim_get_line_info(struct isr_chip *base, uint32_t offset,
			     struct isr_line_info *ret_info)
{
	struct sim_chip *chip = (struct sim_chip *)base;
	const struct isri_sim_line *line = &chip->lines[offset];
	const struct isri_sim_request *request;

	memset(ret_info, 0, sizeof(*ret_info));
	ret_info->offset = offset;
	ret_info->direction = ISR_DIRECTION_INPUT;
	snprintf(ret_info->name, sizeof(ret_info->name), "%s", line->name);

	pthread_mutex_lock(&chip->lock);
	request = line->request;
	if (request) {
		ret_info->used = true;
		ret_info->active_low = request->config.active_low;
		ret_info->bias = request->config.bias;
		ret_info->debounce_us = request->config.debounce_ns / 1000;
		memcpy(ret_info->consumer, request->consumer,
		       sizeof(ret_info->consumer));
	}
	pthread_mutex_unlock(&chip->lock);
	return 0;
}

static int sim_set(struct isr_chip *base, uint32_t offset, int value,
		   uint64_t t_ns)
{
	struct sim_chip *chip = (struct sim_chip *)base;
	bool changed;

	pthread_mutex_lock(&chip->lock);
	chip->lines[offset].is_driven = true;
	changed = isri_sim_line_change(&chip->lines[offset], value,
				       t_ns ? t_ns : isri_sim_now_ns());
	/* It may have to settle. */
	if (changed && chip->has_generator)
		pthread_cond_signal(&chip->changed);
	pthread_mutex_unlock(&chip->lock);
	return changed;
}

static int sim_set_line_seq(struct isr_chip *base, uint32_t offset,
			    uint32_t line_seq)
{
	struct sim_chip *chip = (struct sim_chip *)base;
	struct isri_sim_request *request;

	pthread_mutex_lock(&chip->lock);
	request = chip->lines[offset].request;
	if (request)
		request->next_seq = line_seq;
	pthread_mutex_unlock(&chip->lock);
	return request ? 0 : -EINVAL;
}

static void unregister(struct sim_chip *chip)
{
	struct sim_chip **link;

	pthread_mutex_lock(&registry_lock);
	for (link = &registry; *link != chip; link = &(*link)->next)
		;
	*link = chip->next;
	pthread_mutex_unlock(&registry_lock);
}

static void sim_free(struct isr_chip *base)
{
	struct sim_chip *chip = (struct sim_chip *)base;

	unregister(chip);
	if (chip->has_generator) {
		pthread_mutex_lock(&chip->lock);
		chip->stop = true;
		pthread_cond_signal(&chip->changed);
		pthread_mutex_unlock(&chip->lock);
		pthread_join(chip->generator, NULL);
	}
	pthread_cond_destroy(&chip->changed);
	pthread_mutex_destroy(&chip->lock);
	isri_chip_done(base);
	free(chip);
}

static const struct isri_chip_ops sim_chip_ops = {
	.get_line_info = sim_get_line_info,
	.request = sim_request_line,
	.sim_set = sim_set,
	.sim_set_line_seq = sim_set_line_seq,
	.free = sim_free,
};

static void init_lines(struct sim_chip *chip)
{
	uint32_t i;

	for (i = 0; i < chip->config.num_patterns; i++)
		chip->patterns[i].config = &chip->config.patterns[i];
	for (i = 0; i < chip->config.num_lines; i++) {
		const struct isri_sim_line_config *config =
			&chip->config.lines[i];
		struct isri_sim_line *line = &chip->lines[i];

		line->name = config->name;
		if (config->pattern < 0)
			continue;
		line->pattern = &chip->patterns[config->pattern];
		line->pattern->lines[config->channel] = line;
	}
}

/* None of these can fail on Linux with these arguments. */
static void init_locks(struct sim_chip *chip)
{
	pthread_condattr_t changed;

	isri_lock_init(&chip->lock);

	pthread_condattr_init(&changed);
	pthread_condattr_setclock(&changed, CLOCK_MONOTONIC);
	pthread_cond_init(&chip->changed, &changed);
	pthread_condattr_destroy(&changed);
}

static int new_chip(const char *spec, struct sim_chip **ret_chip,
		    struct isr_error *reterr_error)
{
	const char *file = spec + strlen("sim:");
	struct sim_chip *chip;
	int r;

	chip = calloc(1, sizeof(*chip));
	if (!chip)
		return isri_error_set(reterr_error, -ENOMEM, "out of memory");
	r = isri_sim_config_read(*file ? file : NULL, &chip->config,
				 reterr_error);
	if (r < 0)
		goto out_free;
	r = isri_chip_init(&chip->base, &sim_chip_ops, spec, chip->config.label,
			   chip->config.num_lines);
	if (r < 0) {
		isri_error_set(reterr_error, r, "out of memory");
		goto out_free;
	}
	init_lines(chip);
	init_locks(chip);
	*ret_chip = chip;
	return 0;

out_free:
	free(chip);
	return r;
}

int isri_chip_sim_open(const char *spec, struct isr_chip **ret_chip,
		       struct isr_error *reterr_error)
{
	struct sim_chip *chip;
	int r = 0;

	pthread_mutex_lock(&registry_lock);
	for (chip = registry; chip; chip = chip->next)
		/* One that is about to end stays out of it. */
		if (!strcmp(chip->base.name, spec) &&
		    isri_chip_try_ref(&chip->base))
			break;
	if (!chip) {
		r = new_chip(spec, &chip, reterr_error);
		if (r >= 0) {
			chip->next = registry;
			registry = chip;
		}
	}
	pthread_mutex_unlock(&registry_lock);
	if (r >= 0)
		*ret_chip = &chip->base;
	return r;
}
