/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Whether what the keys of a line say of its device makes sense: faults are
 * told here, at the key, which the library could only tell of the whole line
 * once it is opened. A value that is a fault by itself has been told, and is
 * not judged once more.
 */
#include <string.h>

#include <isrloop/counter.h>

#include "config-key.h"

#define REPORT_NS ISR_COUNTER_WINDOW_NS
#define MS UINT64_C(1000000)

/* Faults are those of @key from now on, of the section when it is not set. */
static void go_to(struct config_reader *reader, const struct config_line *line,
		  const char *key)
{
	const struct config_place *place = config_key_place(line, key);

	config_go_to(reader, place ? place : &line->place);
}

static bool is_set(const struct config_line *line, const char *key)
{
	return config_key_place(line, key);
}

static bool has_value(const struct config_line *line, const char *key)
{
	const struct config_place *place = config_key_place(line, key);

	return place && !place->is_faulty;
}

static bool is_faulty(const struct config_line *line, const char *key)
{
	return is_set(line, key) && !has_value(line, key);
}

static void set_defaults(struct config_line *line)
{
	struct config_device *device = &line->device;

	if (!has_value(line, "long"))
		device->long_ns = ISR_BUTTON_LONG_NS;
	if (!device->click_ns)
		device->click_ns = ISR_BUTTON_CLICK_NS;
	if (!device->clicks)
		device->clicks = 2;
	if (!device->steps)
		device->steps = 4;
	if (!device->divider)
		device->divider = 1;
	if (!has_value(line, "min"))
		device->min = INT64_MIN;
	if (!has_value(line, "max"))
		device->max = INT64_MAX;
	if (!device->window_ns)
		device->window_ns = ISR_COUNTER_WINDOW_NS;
	if (device->type == CONFIG_DEVICE_COUNTER && !is_set(line, "report"))
		device->report_ns = REPORT_NS;
}

/* What all devices ask of their line. */
static void check_line(struct config_reader *reader,
		       const struct config_line *line)
{
	enum config_device_type type = line->device.type;

	if (line->edge != ISR_EDGE_BOTH && type != CONFIG_DEVICE_COUNTER) {
		go_to(reader, line, "edges");
		config_fault(reader, "%s needs edges = both, not %s",
			     config_device_text(type),
			     config_edge_word(line->edge));
	}
	if (line->clock != ISR_CLOCK_MONOTONIC) {
		go_to(reader, line, "clock");
		config_fault(reader, "%s needs clock = monotonic, not %s",
			     config_device_text(type),
			     config_clock_word(line->clock));
	}
}

/*
 * Of the chip a contact wants what it would do itself, and only where it would
 * do the same: the first edge and the bounces are behind the chip.
 */
static void check_debounce(struct config_reader *reader,
			   const struct config_line *line)
{
	const struct config_device *device = &line->device;
	bool is_contact = device->type == CONFIG_DEVICE_SWITCH ||
			  device->type == CONFIG_DEVICE_BUTTON;

	if (!line->debounce_ns)
		return;
	go_to(reader, line, "debounce");
	if (!is_contact)
		config_fault(reader, "debounce does not fit %s",
			     config_device_text(device->type));
	else if (device->contact != ISR_SWITCH_STABLE &&
		 !is_faulty(line, "contact"))
		config_fault(
			reader,
			"debounce is the chip's and needs contact = stable; hold-off does without the chip");
	else if (is_set(line, "hold-off"))
		config_fault(
			reader,
			"debounce and hold-off exclude each other: by the chip, or without it");
}

static void check_contact(struct config_reader *reader,
			  const struct config_line *line)
{
	const struct config_device *device = &line->device;

	if (device->contact == ISR_SWITCH_RAW && is_set(line, "hold-off")) {
		go_to(reader, line, "hold-off");
		config_fault(reader, "contact = raw has no hold-off");
	}
	if (device->contact != ISR_SWITCH_POLLED && is_set(line, "poll") &&
	    !is_faulty(line, "contact")) {
		go_to(reader, line, "poll");
		config_fault(reader, "poll needs contact = polled");
	} else if (device->poll_ns < MS && has_value(line, "poll")) {
		go_to(reader, line, "poll");
		config_fault(reader, "poll is at least 1ms");
	}
}

/* Some periods are either 0 or at least 1 ms. */
static void check_period(struct config_reader *reader,
			 const struct config_line *line, const char *key,
			 uint64_t ns)
{
	if (ns == 0 || ns >= MS)
		return;
	go_to(reader, line, key);
	config_fault(reader, "%s is 0 or at least 1ms", key);
}

static void check_button(struct config_reader *reader,
			 const struct config_line *line)
{
	const struct config_device *device = &line->device;

	check_period(reader, line, "repeat", device->repeat_ns);
	if (!device->long_ns && device->repeat_ns) {
		go_to(reader, line, "repeat");
		config_fault(
			reader,
			"repeat follows a long press, and long = 0 has none");
	}
	if (device->clicks == 1 && is_set(line, "click")) {
		go_to(reader, line, "click");
		config_fault(
			reader,
			"click is the time of several clicks, and clicks = 1 has none");
	}
}

static void check_encoder(struct config_reader *reader,
			  const struct config_line *line)
{
	const struct config_device *device = &line->device;

	if (!is_set(line, "line-b")) {
		go_to(reader, line, "device");
		config_fault(reader,
			     "an encoder needs line-b, its second line");
	} else if (device->line_b && strcmp(device->line_b, line->line) == 0) {
		go_to(reader, line, "line-b");
		config_fault(reader, "line-b is the same line as line");
	}
	if (device->min >= device->max) {
		go_to(reader, line, is_set(line, "max") ? "max" : "min");
		config_fault(reader, "max is not above min");
	}
	if (device->modulo < 1 && has_value(line, "modulo")) {
		go_to(reader, line, "modulo");
		config_fault(reader, "modulo is not above 0");
	}
}

void config_device_check(struct config_reader *reader, struct config_line *line)
{
	enum config_device_type type = line->device.type;

	/* Another word than those of devices has been told, and is enough. */
	if (type == CONFIG_DEVICE_NONE && is_set(line, "device"))
		return;
	config_key_check_device(reader, line);
	if (type == CONFIG_DEVICE_NONE)
		return;
	set_defaults(line);
	check_line(reader, line);
	check_debounce(reader, line);
	if (type == CONFIG_DEVICE_ENCODER)
		check_encoder(reader, line);
	else if (type == CONFIG_DEVICE_COUNTER)
		check_period(reader, line, "report", line->device.report_ns);
	else
		check_contact(reader, line);
	if (type == CONFIG_DEVICE_BUTTON)
		check_button(reader, line);
}
