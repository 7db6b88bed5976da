/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Helpers of the tests of pins. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "xt-gpio-sim.h"
#include "xt-pin.h"

static const char chip_text[] = "[chip]\nlabel = by-hand\n"
				"[line A]\npattern = idle\n"
				"[line B]\npattern = idle\n"
				"[line C]\npattern = idle\n"
				"[line D]\npattern = idle\n";
static const char *const names[] = {"A", "B", "C", "D"};

struct xt_chip chip;

static void write_chip_file(void)
{
	int fd;

	strcpy(chip.path, "xt-source-XXXXXX");
	fd = mkstemp(chip.path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, chip_text, strlen(chip_text)),
			 (int)strlen(chip_text));
	close(fd);
	snprintf(chip.spec, sizeof(chip.spec), "sim:%s", chip.path);
}

void xt_chip_setup(void)
{
	xt_loop_setup();
	memset(&chip, 0, sizeof(chip));
	chip.is_real = xt_gpio_sim_is_asked_for();
	if (chip.is_real) {
		xt_gpio_sim_new("xt", "by-hand", names, 4);
		xt_gpio_sim_get_name("xt", chip.spec, sizeof(chip.spec));
	} else {
		write_chip_file();
		chip.event_flags = ISR_EVENT_FLAG_SIMULATED;
	}
	xt_ok(isr_chip_open(chip.spec, &chip.chip, NULL));
}

void xt_chip_teardown(void)
{
	xt_loop_teardown();
	chip.chip = isr_chip_unref(chip.chip);
	if (chip.is_real)
		xt_gpio_sim_free("xt");
	else
		unlink(chip.path);
}

static void set_by_hand(uint32_t line)
{
	ck_assert_int_eq(isr_chip_sim_set(chip.chip, line, chip.level[line], 0),
			 1);
}

void xt_toggle(uint32_t line)
{
	chip.level[line] = !chip.level[line];
	if (chip.is_real)
		xt_gpio_sim_pull("xt", line, chip.level[line]);
	else
		set_by_hand(line);
}

void xt_edges(uint32_t line, unsigned int n)
{
	if (chip.is_real) {
		xt_gpio_sim_toggle("xt", line, n, chip.edge[line]);
		chip.level[line] ^= n & 1;
		return;
	}
	while (n--)
		xt_toggle(line);
}

void xt_edges_read(struct isr_source *source, uint32_t line, unsigned int n)
{
	uint32_t seq = xt_stats(source).line_seq;
	unsigned int part;

	/* Parts that the chip's FIFO holds. */
	for (; n; n -= part) {
		part = n < 500 ? n : 500;
		xt_edges(line, part);
		seq += part;
		xt_wait_read(source, seq);
	}
}

struct isr_pin_config xt_pin(const char *line, enum xt_mode mode)
{
	return (struct isr_pin_config){
		.sz = sizeof(struct isr_pin_config),
		.chip = chip.spec,
		.line = line,
		.reader = mode == XT_LOOP ? ISR_READER_LOOP : ISR_READER_THREAD,
		.source.hard = mode == XT_HARD,
	};
}

struct isr_source *xt_pin_open(const char *line, enum xt_mode mode)
{
	struct isr_pin_config config = xt_pin(line, mode);
	struct isr_source *pin;

	xt_ok(isr_pin_open(loop, &config, xt_sink, &sink, &pin, NULL));
	return pin;
}
