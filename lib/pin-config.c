/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F3: what a pin is asked to be: checked, and requested of its chip. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "pin.h"
#include "size.h"
#include "source.h"

static int check_size(const struct isr_pin_config *config,
		      struct isr_error *reterr_error)
{
	int r = isri_check_size(config, config->sz, sizeof(*config));

	if (r == -EINVAL)
		return isri_error_set(reterr_error, r,
				      "the pin's configuration says that it "
				      "has %zu bytes; set sz to sizeof(struct "
				      "isr_pin_config)",
				      config->sz);
	if (r == 0)
		r = isri_source_check_options(&config->source);
	if (r == -E2BIG)
		return isri_error_set(reterr_error, r,
				      "the pin's configuration asks for "
				      "something that this version of "
				      "libisrloop does not know; update the "
				      "library");
	if (r < 0)
		return isri_error_set(reterr_error, r,
				      "unknown on_fail, or priority, of the "
				      "source; the highest is %d",
				      ISR_PRIORITY_MAX);
	return 0;
}

static bool is_ring_size(uint32_t n)
{
	return n >= 2 && n <= ISR_RING_SLOTS_MAX && !(n & (n - 1));
}

static const char *find_fault(const struct isr_pin_config *config)
{
	uint32_t i;

	if (!config->line || !*config->line)
		return "no line is named; give its name or offset";
	if (config->n_more_lines >= ISR_PIN_LINES_MAX)
		return "more_lines are too many; a pin has 16 lines at most";
	for (i = 0; i < config->n_more_lines; i++)
		if (!config->more_lines || !config->more_lines[i] ||
		    !*config->more_lines[i])
			return "one of more_lines is not named; give its name "
			       "or offset";
	if (config->edge > ISR_EDGE_NONE)
		return "unknown edge";
	if (config->bias > ISR_BIAS_PULL_DOWN)
		return "unknown bias";
	if (config->clock > ISR_CLOCK_HTE)
		return "unknown event clock";
	if (config->reader > ISR_READER_LOOP)
		return "unknown reader";
	if (config->find_flags &
	    ~(uint32_t)(ISR_LINE_FIND_BY_NAME | ISR_LINE_FIND_STRICT))
		return "unknown find flags";
	if (config->source.hard && config->reader == ISR_READER_LOOP)
		return "a hard handler runs in the IRQ thread; use "
		       "ISR_READER_THREAD";
	if (config->ring_events && !is_ring_size(config->ring_events))
		return "ring_events is a power of two, 2 to 2^24, or 0";
	return NULL;
}

int isri_pin_check_config(const struct isr_pin_config *config,
			  struct isr_error *reterr_error)
{
	const char *fault;
	int r;

	r = check_size(config, reterr_error);
	if (r < 0)
		return r;

	fault = find_fault(config);
	if (fault)
		return isri_error_set(reterr_error, -EINVAL, "line %s: %s",
				      config->line ? config->line : "", fault);
	return 0;
}

/* On the chip of the first. */
static int find_more_lines(const struct isr_pin_config *config,
			   struct isri_pin_lines *lines,
			   struct isr_error *reterr_error)
{
	struct isr_chip *chip;
	uint32_t i;
	int r;

	for (i = 0; i < config->n_more_lines; i++) {
		r = isr_line_find(isr_chip_get_name(lines->chip),
				  config->more_lines[i], config->find_flags,
				  &chip, &lines->offsets[i + 1], reterr_error);
		if (r < 0)
			return r;
		isr_chip_unref(chip);
	}
	lines->n_lines = 1 + config->n_more_lines;
	return 0;
}

static int find_lines(const struct isr_pin_config *config,
		      struct isri_pin_lines *lines,
		      struct isr_error *reterr_error)
{
	int r;

	r = isr_line_find(config->chip, config->line, config->find_flags,
			  &lines->chip, &lines->offsets[0], reterr_error);
	return r < 0 ? r : find_more_lines(config, lines, reterr_error);
}

int isri_pin_lines_request(struct isri_pin_lines *lines,
			   const struct isr_pin_config *config,
			   struct isr_error *reterr_error)
{
	struct isri_chip_request_config request = {
		.edge = config->edge,
		.bias = config->bias,
		.clock = config->clock,
		.active_low = config->active_low,
		.debounce_ns = config->debounce_ns,
		.fifo_events = config->fifo_events,
		.consumer = config->consumer,
	};
	int r;

	r = find_lines(config, lines, reterr_error);
	if (r < 0)
		return r;
	request.n_lines = lines->n_lines;
	memcpy(request.offsets, lines->offsets, sizeof(request.offsets));
	r = isri_chip_request(lines->chip, &request, &lines->request,
			      reterr_error);
	if (r < 0)
		return r;

	/* Only for its name; without one it has none. */
	if (isr_chip_get_line_info(lines->chip, lines->offsets[0],
				   &lines->first) < 0)
		lines->first.offset = lines->offsets[0];
	return 0;
}

void isri_pin_lines_release(struct isri_pin_lines *lines)
{
	isri_chip_request_release(lines->request);
	isr_chip_unref(lines->chip);
}
