/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: chips.
 *
 * A spec says which backend makes the chip; what is common to all of them is
 * here: references, checks of arguments and requests. Lines are found by name
 * in line.c.
 *
 * ORDERING
 *   chip:A (unref, any acq_rel decrement) <-> chip:B (unref, the acq_rel
 *          decrement that reaches 0)   last use before free
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chip-gpiod.h"
#include "chip-sim.h"
#include "chip.h"
#include "context.h"
#include "error.h"

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

int isr_chip_open(const char *spec, struct isr_chip **ret_chip,
		  struct isr_error *reterr_error)
{
	struct isr_error ignored;
	int r;

	if (!reterr_error)
		reterr_error = &ignored;
	r = isri_error_refuse_isr(reterr_error, __func__);
	if (r < 0)
		return r;
	if (!ret_chip || !spec || !*spec)
		return isri_error_set(reterr_error, -EINVAL,
				      "no chip given; name one, like "
				      "gpiochip0, or sim:");

	if (has_prefix(spec, "sim:"))
		return isri_chip_sim_open(spec, ret_chip, reterr_error);
	if (has_prefix(spec, "replay:") || has_prefix(spec, "isrloopd:"))
		return isri_error_set(reterr_error, -EOPNOTSUPP,
				      "chip %s: this version of isrloop has no "
				      "such kind of chip",
				      spec);
	return isri_chip_gpiod_open(spec, ret_chip, reterr_error);
}

int isri_chip_init(struct isr_chip *chip, const struct isri_chip_ops *ops,
		   const char *name, const char *label, uint32_t num_lines)
{
	chip->name = strdup(name);
	chip->label = strdup(label);
	if (!chip->name || !chip->label) {
		isri_chip_done(chip);
		return -ENOMEM;
	}
	chip->ops = ops;
	chip->num_lines = num_lines;
	/* relaxed: nobody else has the chip yet */
	atomic_store_explicit(&chip->refs, 1, memory_order_relaxed);
	return 0;
}

void isri_chip_done(struct isr_chip *chip)
{
	free(chip->name);
	free(chip->label);
}

struct isr_chip *isr_chip_ref(struct isr_chip *chip)
{
	if (isri_context_refuse_isr(__func__) < 0)
		return NULL;
	/* relaxed: the caller has a reference, so nothing ends meanwhile */
	if (chip)
		atomic_fetch_add_explicit(&chip->refs, 1, memory_order_relaxed);
	return chip;
}

bool isri_chip_try_ref(struct isr_chip *chip)
{
	/* relaxed: the caller's lock keeps the chip's memory */
	unsigned int refs =
		atomic_load_explicit(&chip->refs, memory_order_relaxed);

	while (refs > 0)
		/* relaxed: as above */
		if (atomic_compare_exchange_weak_explicit(
			    &chip->refs, &refs, refs + 1, memory_order_relaxed,
			    memory_order_relaxed))
			return true;
	return false;
}

struct isr_chip *isr_chip_unref(struct isr_chip *chip)
{
	if (isri_context_refuse_isr(__func__) < 0)
		return NULL;
	/* chip:A chip:B */
	if (chip && atomic_fetch_sub_explicit(&chip->refs, 1,
					      memory_order_acq_rel) == 1)
		chip->ops->free(chip);
	return NULL;
}

const char *isr_chip_get_name(const struct isr_chip *chip)
{
	return isri_context_refuse_isr(__func__) < 0 ? NULL : chip->name;
}

const char *isr_chip_get_label(const struct isr_chip *chip)
{
	return isri_context_refuse_isr(__func__) < 0 ? NULL : chip->label;
}

uint32_t isr_chip_get_num_lines(const struct isr_chip *chip)
{
	return isri_context_refuse_isr(__func__) < 0 ? 0 : chip->num_lines;
}

bool isr_chip_is_simulated(const struct isr_chip *chip)
{
	return isri_context_refuse_isr(__func__) < 0
		       ? false
		       : chip->ops->sim_set != NULL;
}

int isr_chip_get_line_info(struct isr_chip *chip, uint32_t offset,
			   struct isr_line_info *ret_info)
{
	int r = isri_context_refuse_isr(__func__);

	if (r < 0)
		return r;
	if (!chip || !ret_info || offset >= chip->num_lines)
		return -EINVAL;
	return chip->ops->get_line_info(chip, offset, ret_info);
}

int isr_chip_sim_set(struct isr_chip *chip, uint32_t offset, int value,
		     uint64_t t_ns)
{
	int r = isri_context_refuse_isr(__func__);

	if (r < 0)
		return r;
	if (!chip || offset >= chip->num_lines || (value != 0 && value != 1))
		return -EINVAL;
	if (!chip->ops->sim_set)
		return -EOPNOTSUPP;
	return chip->ops->sim_set(chip, offset, value, t_ns);
}

int isr_chip_sim_set_line_seq(struct isr_chip *chip, uint32_t offset,
			      uint32_t line_seq)
{
	int r = isri_context_refuse_isr(__func__);

	if (r < 0)
		return r;
	if (!chip || offset >= chip->num_lines)
		return -EINVAL;
	if (!chip->ops->sim_set_line_seq)
		return -EOPNOTSUPP;
	return chip->ops->sim_set_line_seq(chip, offset, line_seq);
}

int isr_chip_list(char ***ret_specs)
{
	int r = isri_context_refuse_isr(__func__);

	if (r < 0)
		return r;
	if (!ret_specs)
		return -EINVAL;
	return isri_chip_gpiod_list(ret_specs);
}

void isr_chip_list_free(char **specs)
{
	char **s;

	if (!specs || isri_context_refuse_isr(__func__) < 0)
		return;
	for (s = specs; *s; s++)
		free(*s);
	free(specs);
}

/*
 * gpiolib-cdev.c: at most 64 lines of 16 events for a request, whatever the
 * number of its lines; kfifo_alloc() rounds up to a power of two. Less than
 * 16 for a line is possible there, but 16 is its default, and a FIFO of one
 * event fails.
 */
uint32_t isri_chip_fifo_events(uint32_t asked_events)
{
	uint32_t depth = ISRI_CHIP_FIFO_EVENTS_MIN;

	if (asked_events == 0)
		return ISRI_CHIP_FIFO_EVENTS_MAX;
	while (depth < asked_events && depth < ISRI_CHIP_FIFO_EVENTS_MAX)
		depth *= 2;
	return depth;
}

void isri_chip_line_text(const struct isr_chip *chip, uint32_t offset,
			 const char *name, char *buffer, size_t size_bytes)
{
	if (*name)
		snprintf(buffer, size_bytes, "%s [%s], line %u \"%s\"",
			 chip->name, chip->label, offset, name);
	else
		snprintf(buffer, size_bytes, "%s [%s], line %u", chip->name,
			 chip->label, offset);
}

static bool is_config_valid(const struct isri_chip_request_config *config)
{
	return (unsigned int)config->edge <= ISR_EDGE_NONE &&
	       (unsigned int)config->bias <= ISR_BIAS_PULL_DOWN &&
	       (unsigned int)config->clock <= ISR_CLOCK_HTE;
}

/* What the kernel can count, in us: without a limit it would wrap. */
static bool is_debounce_valid(const struct isri_chip_request_config *config)
{
	return config->debounce_ns <= UINT32_MAX * UINT64_C(1000);
}

static bool has_line_before(const struct isri_chip_request_config *config,
			    uint32_t index)
{
	uint32_t i;

	for (i = 0; i < index; i++)
		if (config->offsets[i] == config->offsets[index])
			return true;
	return false;
}

static int check_lines(const struct isr_chip *chip,
		       const struct isri_chip_request_config *config,
		       struct isr_error *reterr_error)
{
	uint32_t i;

	if (config->n_lines < 1 || config->n_lines > ISR_PIN_LINES_MAX)
		return isri_error_set(reterr_error, -EINVAL,
				      "%s [%s]: a request has 1 to %d lines, "
				      "not %u",
				      chip->name, chip->label,
				      ISR_PIN_LINES_MAX, config->n_lines);
	for (i = 0; i < config->n_lines; i++) {
		if (config->offsets[i] >= chip->num_lines)
			return isri_error_set(
				reterr_error, -EINVAL,
				"%s [%s] has no line %u; its lines are 0 to %u",
				chip->name, chip->label, config->offsets[i],
				chip->num_lines - 1);
		if (has_line_before(config, i))
			return isri_error_set(
				reterr_error, -EINVAL,
				"%s [%s], line %u: named twice; the lines of a "
				"request differ",
				chip->name, chip->label, config->offsets[i]);
	}
	return 0;
}

int isri_chip_request(struct isr_chip *chip,
		      const struct isri_chip_request_config *config,
		      struct isri_chip_request **ret_request,
		      struct isr_error *reterr_error)
{
	struct isri_chip_request_config exact = *config;
	struct isri_chip_request *request;
	struct isr_error ignored;
	int r;

	if (!reterr_error)
		reterr_error = &ignored;
	r = check_lines(chip, config, reterr_error);
	if (r < 0)
		return r;
	if (!is_config_valid(config))
		return isri_error_set(reterr_error, -EINVAL,
				      "%s [%s], line %u: unknown edge, bias or "
				      "clock",
				      chip->name, chip->label,
				      exact.offsets[0]);
	if (!is_debounce_valid(config))
		return isri_error_set(reterr_error, -EINVAL,
				      "%s [%s], line %u: debounce_ns is 71 "
				      "minutes at most",
				      chip->name, chip->label,
				      exact.offsets[0]);

	exact.fifo_events = isri_chip_fifo_events(config->fifo_events);
	if (!exact.consumer)
		exact.consumer = "isrloop";

	r = chip->ops->request(chip, &exact, &request, reterr_error);
	if (r < 0)
		return r;

	request->chip = isr_chip_ref(chip);
	*ret_request = request;
	return 0;
}

int isri_chip_request_read(struct isri_chip_request *request,
			   struct isr_event *ret_events, size_t max_events)
{
	return request->ops->read(request, ret_events, max_events);
}

int isri_chip_request_get_values(struct isri_chip_request *request,
				 int *ret_values)
{
	return request->ops->get_values(request, ret_values);
}

void isri_chip_request_release(struct isri_chip_request *request)
{
	struct isr_chip *chip;

	if (!request)
		return;
	chip = request->chip;
	request->ops->release(request);
	isr_chip_unref(chip);
}
