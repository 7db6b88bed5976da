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
#include <limits.h>
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
			  struct isri_sim_line **ret_line)
{
	uint64_t due_ns = ISRI_SIM_NEVER_NS;
	uint32_t i;

	*ret_pattern = NULL;
	*ret_line = NULL;
	for (i = 0; i < chip->base.num_lines; i++) {
		struct isri_sim_line *line = &chip->lines[i];

		if (line->request && line->settle_ns < due_ns) {
			due_ns = line->settle_ns;
			*ret_line = line;
		}
	}
	for (i = 0; i < chip->config.num_patterns; i++) {
		struct isri_sim_pattern *pattern = &chip->patterns[i];

		if (pattern->watched &&
		    chip->start_ns + pattern->next.t_ns < due_ns) {
			due_ns = chip->start_ns + pattern->next.t_ns;
			*ret_pattern = pattern;
			*ret_line = NULL;
		}
	}
	return due_ns;
}

/* Make at most max_edges of what is due by until_ns; when the next one is. */
static uint64_t run_until(struct sim_chip *chip, uint64_t until_ns,
			  unsigned int max_edges)
{
	struct isri_sim_pattern *pattern;
	struct isri_sim_line *line;
	uint64_t due_ns;

	for (;;) {
		due_ns = first_due(chip, &pattern, &line);
		if (due_ns > until_ns || max_edges-- == 0)
			return due_ns;
		if (pattern)
			run_pattern(chip, pattern);
		else
			isri_sim_line_settle(line);
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
	uint64_t now_ns = isri_sim_now_ns(), due_ns;
	int n;

	/* Not only what the generator was in time for; others may have more. */
	do {
		pthread_mutex_lock(&chip->lock);
		due_ns = run_until(chip, now_ns, BATCH_EDGES);
		n = isri_sim_request_take(request, ret_events, max_events);
		pthread_mutex_unlock(&chip->lock);
	} while (n == 0 && due_ns <= now_ns);
	return n;
}

static int sim_get_values(struct isri_chip_request *base, int *ret_values)
{
	struct isri_sim_request *request = (struct isri_sim_request *)base;
	struct sim_chip *chip = (struct sim_chip *)base->chip;

	pthread_mutex_lock(&chip->lock);
	/* As of now, whatever the generator was in time for. */
	run_until(chip, isri_sim_now_ns(), UINT_MAX);
	*ret_values = isri_sim_request_get_values(request);
	pthread_mutex_unlock(&chip->lock);
	return 0;
}

static void sim_release(struct isri_chip_request *base)
{
	struct isri_sim_request *request = (struct isri_sim_request *)base;
	struct sim_chip *chip = (struct sim_chip *)base->chip;
	uint32_t i;

	pthread_mutex_lock(&chip->lock);
	for (i = 0; i < request->config.n_lines; i++) {
		struct isri_sim_line *line = request->lines[i];

		isri_sim_line_let_go(line);
		if (line->pattern)
			line->pattern->watched--;
	}
	pthread_cond_signal(&chip->changed);
	pthread_mutex_unlock(&chip->lock);
	isri_sim_request_free(request);
}

static const struct isri_chip_request_ops sim_request_ops = {
	.read = sim_read,
	.get_values = sim_get_values,
	.release = sim_release,
};

/* With the chip's lock: the first line that somebody holds, or NULL. */
static const struct isri_sim_line *
find_held(const struct isri_sim_request *request)
{
	uint32_t i;

	for (i = 0; i < request->config.n_lines; i++)
		if (request->lines[i]->request)
			return request->lines[i];
	return NULL;
}

static bool needs_generator(const struct isri_sim_request *request)
{
	uint32_t i;

	for (i = 0; i < request->config.n_lines; i++)
		if (request->lines[i]->pattern)
			return true;
	return request->config.debounce_ns;
}

static void attach_line(struct sim_chip *chip, struct isri_sim_request *request,
			uint16_t index)
{
	struct isri_sim_line *line = request->lines[index];

	if (line->pattern)
		watch_pattern(chip, line->pattern);
	else if (!line->is_driven && request->config.bias >= ISR_BIAS_PULL_UP)
		line->level = request->config.bias == ISR_BIAS_PULL_UP;
	isri_sim_line_hold(line, request, index);
}

/* With the chip's lock; no line is held. */
static int attach(struct sim_chip *chip, struct isri_sim_request *request)
{
	uint16_t i;
	int r;

	if (needs_generator(request)) {
		r = start_generator(chip);
		if (r < 0)
			return r;
	}
	if (chip->start_ns == 0)
		chip->start_ns = isri_sim_now_ns();
	/* What was due before is not this request's to see. */
	run_until(chip, isri_sim_now_ns(), UINT32_MAX);
	for (i = 0; i < request->config.n_lines; i++)
		attach_line(chip, request, i);
	pthread_cond_signal(&chip->changed);
	return 0;
}

/* holder: its consumer, "" when it is not busy. */
static int explain(const struct sim_chip *chip, uint32_t offset, int code,
		   const char *holder, struct isr_error *reterr_error)
{
	char text[ISRI_CHIP_LINE_TEXT_BYTES];

	isri_chip_line_text(&chip->base, offset, chip->lines[offset].name, text,
			    sizeof(text));
	if (code == -EBUSY)
		return isri_error_set(reterr_error, code,
				      "%s: busy, held by \"%s\"; close that "
				      "one first or use another line",
				      text, holder);
	return isri_error_set(reterr_error, code, "%s: %s", text,
			      strerror(-code));
}

static int check_settings(const struct sim_chip *chip,
			  const struct isri_chip_request_config *config,
			  struct isr_error *reterr_error)
{
	uint32_t offset = config->offsets[0];
	char text[ISRI_CHIP_LINE_TEXT_BYTES];
	const char *fault;

	if (config->clock == ISR_CLOCK_HTE)
		fault = "a simulated chip has no hardware timestamp engine; "
			"use clock monotonic";
	else if (config->debounce_ns && chip->config.no_debounce)
		fault = "this simulated chip cannot debounce; ask for no "
			"debounce";
	else
		return 0;
	isri_chip_line_text(&chip->base, offset, chip->lines[offset].name, text,
			    sizeof(text));
	return isri_error_set(reterr_error, -EOPNOTSUPP, "%s: %s", text, fault);
}

/* All of its lines or none. */
static int attach_or_explain(struct sim_chip *chip,
			     struct isri_sim_request *request,
			     struct isr_error *reterr_error)
{
	uint32_t offset = request->config.offsets[0];
	char holder[ISR_NAME_BYTES] = "";
	const struct isri_sim_line *held;
	int r;

	pthread_mutex_lock(&chip->lock);
	held = find_held(request);
	if (held) {
		r = -EBUSY;
		offset = held - chip->lines;
		memcpy(holder, held->request->consumer, sizeof(holder));
	} else {
		r = attach(chip, request);
	}
	pthread_mutex_unlock(&chip->lock);
	return r < 0 ? explain(chip, offset, r, holder, reterr_error) : 0;
}

static int sim_request_lines(struct isr_chip *base,
			     const struct isri_chip_request_config *config,
			     struct isri_chip_request **ret_request,
			     struct isr_error *reterr_error)
{
	struct sim_chip *chip = (struct sim_chip *)base;
	struct isri_sim_request *request;
	int r;

	r = check_settings(chip, config, reterr_error);
	if (r < 0)
		return r;
	r = isri_sim_request_new(chip->lines, config, &request);
	if (r < 0)
		return explain(chip, config->offsets[0], r, "", reterr_error);
	request->base.ops = &sim_request_ops;

	r = attach_or_explain(chip, request, reterr_error);
	if (r < 0) {
		isri_sim_request_free(request);
		return r;
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
	.request = sim_request_lines,
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
