/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Chips of gpio-sim, for tests on a real kernel: as root, in the machine of
 * scripts/vm-run.
 */
#ifndef XT_GPIO_SIM_H
#define XT_GPIO_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/chip.h>

/* ISRLOOP_TEST_CHIP=gpio-sim: take real chips where there is the choice. */
bool xt_gpio_sim_is_asked_for(void);

/*
 * A chip of this label with n lines of these names (NULL: unnamed), plugged
 * in. chip is its name in configfs; one that a crashed test has left behind
 * is removed first.
 */
void xt_gpio_sim_new(const char *chip, const char *label,
		     const char *const *lines, unsigned int n);
void xt_gpio_sim_free(const char *chip);

void xt_gpio_sim_plug(const char *chip);
void xt_gpio_sim_unplug(const char *chip);

/* gpiochipN; it may be another one after each plug. */
void xt_gpio_sim_get_name(const char *chip, char *ret_name, size_t size_bytes);

/* The path of the attribute that pulls a line: PATH_MAX bytes. */
void xt_gpio_sim_get_pull(const char *chip, uint32_t offset, char *ret_path);

/* Set the pull of a line, and wait for nothing. */
void xt_gpio_sim_pull(const char *chip, uint32_t offset, int value);

/*
 * Toggle a line n times; each edge is stamped before the next. The line is
 * held for these edges, on the only chip whose lines are held.
 */
void xt_gpio_sim_toggle(const char *chip, uint32_t offset, unsigned int n,
			enum isr_edge edge);

#endif /* XT_GPIO_SIM_H */
