/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The daemon's configuration: isrloopd.conf(5). Reading it finds every
 * fault, not only the first.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isrloop/button.h>
#include <isrloop/source.h>
#include <isrloop/switch.h>

#include "config-value.h"

#define CONFIG_PATH_DEFAULT ISRLOOPD_SYSCONFDIR "/isrloop/isrloopd.conf"
#define CONFIG_SOCKET_DEFAULT "/run/isrloop/io.isrloop"

/* Keys of one section at most; see config-key.c. */
#define CONFIG_KEYS_MAX 32

/* Where a section's keys were set, to name the first of a duplicate. */
struct config_place {
	const char *file; /* NULL: not set; lives with the config */
	unsigned int line;
	bool is_faulty; /* of a key: its value was told as a fault */
};

/* What the daemon makes of a line's edges. */
enum config_device_type {
	CONFIG_DEVICE_NONE = 0,
	CONFIG_DEVICE_SWITCH,
	CONFIG_DEVICE_BUTTON,
	CONFIG_DEVICE_ENCODER,
	CONFIG_DEVICE_COUNTER
};

/* The keys of devices; defaults are filled in. Times of 0: never. */
struct config_device {
	enum config_device_type type;
	/* a switch's or button's */
	enum isr_switch_mode contact;
	uint64_t hold_off_ns; /* 0: the library's default */
	uint64_t poll_ns;     /* 0: the library's default */
	/* a button's */
	uint64_t long_ns;
	uint64_t click_ns;
	uint64_t repeat_ns;
	uint32_t clicks;
	enum isr_button_suppress suppress;
	/* an encoder's */
	char *line_b;
	int steps;
	uint32_t divider;
	int64_t min;
	int64_t max;
	int64_t modulo;
	/* a counter's */
	uint64_t window_ns;
	/* an encoder's or counter's */
	uint64_t report_ns;
};

/* [line NAME] */
struct config_line {
	char *name;
	char *chip; /* NULL: the line is found by name */
	char *line; /* a name or an offset */
	enum isr_edge edge;
	enum isr_bias bias;
	enum isr_clock clock;
	enum isr_reader reader;
	bool active_low;
	uint64_t debounce_ns;
	struct config_device device;
	struct config_place place;
	struct config_place keys[CONFIG_KEYS_MAX];
};

/* [daemon] */
struct config_daemon {
	char *socket;
	char *socket_group; /* NULL: as the kernel gives it */
	uint32_t socket_mode;
	uint32_t max_clients;
	uint32_t client_queue_events;
	struct config_place keys[CONFIG_KEYS_MAX];
};

/* Single owner; config_free(). */
struct config {
	struct config_daemon daemon;
	struct config_line *lines;
	size_t n_lines;
	/* "FILE:LINE: MESSAGE", in the order of the files */
	char **faults;
	size_t n_faults;
	/* names of the files read, which places point to */
	char **files;
	size_t n_files;
};

/*
 * Read PATH and then every PATH.d/NAME.conf in the order of their names. A
 * config with faults is a config too; whoever wants to use it looks at
 * n_faults. Returns 0 or -ENOMEM.
 */
int config_load(const char *path, struct config **ret_config);

/* NULL is legal. */
void config_free(struct config *config);

/* Words of the configuration file, as the enums of the library have them. */
extern const struct config_choice config_edges[];
const char *config_edge_word(enum isr_edge edge);
const char *config_bias_word(enum isr_bias bias);
const char *config_clock_word(enum isr_clock clock);
const char *config_reader_word(enum isr_reader reader);
/* NULL: none */
const char *config_device_word(enum config_device_type type);

#endif /* DAEMON_CONFIG_H */
