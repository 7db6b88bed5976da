/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: the kernel's chips, through libgpiod. The only file that knows it.
 *
 * Each request has a FIFO of its own, so a noisy line cannot evict the edges
 * of a quiet one that is not of the same request. Its depth is the largest
 * that the kernel gives. The kernel does not tell the depth (its uAPI has no
 * getter; what is asked is "a suggested value", which it rounds up or caps):
 * fifo_events is what its rule says, see isri_chip_fifo_events().
 *
 * The sequence is the request's: of one line it is the line's, of several it
 * is counted in the interrupt itself, before the kernel's threads put their
 * events into the FIFO.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gpiod.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chip-gpiod-error.h"
#include "chip-gpiod.h"
#include "error.h"

/* The kernel's own, which some drivers leak to user space. */
#define KERNEL_ENOTSUPP 524

/*
 * Events of one read(2). More would save system calls only under a flood,
 * and the buffer has to stay in the cache.
 */
#define READ_EVENTS 64

struct gpiod_backend_chip {
	struct isr_chip base;
	struct gpiod_chip *gpiod;
};

struct gpiod_backend_request {
	struct isri_chip_request base;
	struct gpiod_line_request *gpiod;
	struct gpiod_edge_event_buffer *buffer;
	uint32_t n_lines;
	unsigned int offsets[ISR_PIN_LINES_MAX];
	uint8_t event_flags;
};

/*
 * What libgpiod and the kernel said; never 0, which would be success.
 */
static int last_error(void)
{
	if (errno == KERNEL_ENOTSUPP || errno == ENOTSUP)
		return -EOPNOTSUPP;
	return errno > 0 ? -errno : -EIO;
}

/*
 * Listing.
 */

static int is_chip_entry(const struct dirent *entry)
{
	char path[sizeof("/dev/") + NAME_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
	/* A link is another name of a chip that is listed already. */
	return lstat(path, &st) == 0 && S_ISCHR(st.st_mode) &&
	       gpiod_is_gpiochip_device(path);
}

int isri_chip_gpiod_list(char ***ret_specs)
{
	struct dirent **entries;
	char **specs;
	int i, num, r;

	/* versionsort: gpiochip2 stands before gpiochip10. */
	num = scandir("/dev", &entries, is_chip_entry, versionsort);
	if (num < 0)
		return last_error();

	r = num;
	specs = calloc(num + 1, sizeof(*specs));
	for (i = 0; i < num; i++) {
		if (specs && r >= 0) {
			specs[i] = strdup(entries[i]->d_name);
			if (!specs[i])
				r = -ENOMEM;
		}
		free(entries[i]);
	}
	free(entries);

	if (!specs || r < 0) {
		isr_chip_list_free(specs);
		return -ENOMEM;
	}
	*ret_specs = specs;
	return r;
}

/*
 * Opening.
 */

static const struct isri_chip_ops gpiod_chip_ops;

static int wrap_chip(struct gpiod_chip *gpiod, struct isr_chip **ret_chip)
{
	struct gpiod_backend_chip *chip;
	struct gpiod_chip_info *info;
	int r;

	chip = calloc(1, sizeof(*chip));
	if (!chip)
		return -ENOMEM;
	info = gpiod_chip_get_info(gpiod);
	if (!info) {
		r = last_error();
		goto out_free;
	}
	r = isri_chip_init(&chip->base, &gpiod_chip_ops,
			   gpiod_chip_info_get_name(info),
			   gpiod_chip_info_get_label(info),
			   gpiod_chip_info_get_num_lines(info));
	gpiod_chip_info_free(info);
	if (r < 0)
		goto out_free;

	chip->gpiod = gpiod;
	*ret_chip = &chip->base;
	return 0;

out_free:
	free(chip);
	return r;
}

static int open_path(const char *path, struct isr_chip **ret_chip,
		     struct isr_error *reterr_error)
{
	struct gpiod_chip *gpiod;
	int r;

	gpiod = gpiod_chip_open(path);
	if (!gpiod)
		return isri_chip_gpiod_explain_open(path, last_error(),
						    reterr_error);

	r = wrap_chip(gpiod, ret_chip);
	if (r < 0) {
		gpiod_chip_close(gpiod);
		return isri_chip_gpiod_explain_open(path, r, reterr_error);
	}
	return 0;
}

/* "gpiochip0 [pinctrl-rp1], gpiochip1 [...]" of those in specs, or nothing. */
struct chip_names {
	char text[300];
	int num;
	struct isr_error refused; /* of the first that could not be opened */
};

static void add_name(struct chip_names *names, const char *name,
		     const char *label)
{
	size_t len = strlen(names->text);

	names->num++;
	snprintf(names->text + len, sizeof(names->text) - len, "%s%s%s%s%s",
		 len ? ", " : "", name, label ? " [" : "", label ? label : "",
		 label ? "]" : "");
}

/*
 * All chips, and those with this label among them; *ret_chip is the first
 * of these or NULL. Chips are opened for it: only they know their labels.
 */
static int scan_labels(const char *label, struct isr_chip **ret_chip,
		       struct chip_names *all, struct chip_names *matches)
{
	char path[PATH_MAX];
	char **specs;
	int i, r;

	*ret_chip = NULL;
	r = isri_chip_gpiod_list(&specs);
	if (r < 0)
		return r;

	for (i = 0; specs[i]; i++) {
		struct isr_chip *chip;
		struct isr_error error;

		snprintf(path, sizeof(path), "/dev/%s", specs[i]);
		if (open_path(path, &chip, &error) < 0) {
			add_name(all, specs[i], NULL);
			if (!all->refused.code)
				all->refused = error;
			continue;
		}
		add_name(all, chip->name, chip->label);
		if (!strcmp(chip->label, label)) {
			add_name(matches, chip->name, NULL);
			if (!*ret_chip)
				*ret_chip = isr_chip_ref(chip);
		}
		isr_chip_unref(chip);
	}
	isr_chip_list_free(specs);
	return 0;
}

static int explain_missing(const char *spec, const struct chip_names *all,
			   struct isr_error *reterr_error)
{
	if (all->num == 0)
		return isri_error_set(reterr_error, -ENODEV,
				      "no chip \"%s\": no GPIO chips on this "
				      "machine; try sim:",
				      spec);
	if (all->refused.code)
		return isri_error_set(reterr_error, all->refused.code,
				      "no chip \"%s\" among those that can be "
				      "opened; %s",
				      spec, all->refused.message);
	return isri_error_set(reterr_error, -ENODEV,
			      "no chip \"%s\"; this machine has %s", spec,
			      all->text);
}

static int open_label(const char *label, struct isr_chip **ret_chip,
		      struct isr_error *reterr_error)
{
	struct chip_names all = {0};
	struct chip_names matches = {0};
	struct isr_chip *chip;
	int r;

	r = scan_labels(label, &chip, &all, &matches);
	if (r < 0)
		return isri_error_set(reterr_error, r,
				      "cannot list the chips: %s",
				      strerror(-r));
	if (!chip)
		return explain_missing(label, &all, reterr_error);
	if (matches.num > 1) {
		isr_chip_unref(chip);
		return isri_error_set(reterr_error, -ENOTUNIQ,
				      "label \"%s\" is that of %s; name one of "
				      "them",
				      label, matches.text);
	}
	*ret_chip = chip;
	return 0;
}

static bool is_number(const char *s)
{
	return s[strspn(s, "0123456789")] == '\0';
}

int isri_chip_gpiod_open(const char *spec, struct isr_chip **ret_chip,
			 struct isr_error *reterr_error)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s",
		 strchr(spec, '/') ? ""
		 : is_number(spec) ? "/dev/gpiochip"
				   : "/dev/",
		 spec);
	/* What exists is opened, so that its own fault is told. */
	if (access(path, F_OK) == 0 &&
	    (strchr(spec, '/') || gpiod_is_gpiochip_device(path)))
		return open_path(path, ret_chip, reterr_error);
	return open_label(spec, ret_chip, reterr_error);
}

static void gpiod_backend_free(struct isr_chip *base)
{
	struct gpiod_backend_chip *chip = (struct gpiod_backend_chip *)base;

	gpiod_chip_close(chip->gpiod);
	isri_chip_done(base);
	free(chip);
}

/*
 * Line information.
 */

static enum isr_bias convert_bias(enum gpiod_line_bias bias)
{
	switch (bias) {
	case GPIOD_LINE_BIAS_DISABLED:
		return ISR_BIAS_DISABLED;
	case GPIOD_LINE_BIAS_PULL_UP:
		return ISR_BIAS_PULL_UP;
	case GPIOD_LINE_BIAS_PULL_DOWN:
		return ISR_BIAS_PULL_DOWN;
	default:
		return ISR_BIAS_AS_IS;
	}
}

static void convert_info(struct gpiod_line_info *line,
			 struct isr_line_info *ret_info)
{
	const char *name = gpiod_line_info_get_name(line);
	const char *consumer = gpiod_line_info_get_consumer(line);

	memset(ret_info, 0, sizeof(*ret_info));
	ret_info->offset = gpiod_line_info_get_offset(line);
	ret_info->used = gpiod_line_info_is_used(line);
	ret_info->active_low = gpiod_line_info_is_active_low(line);
	ret_info->direction = gpiod_line_info_get_direction(line) ==
					      GPIOD_LINE_DIRECTION_OUTPUT
				      ? ISR_DIRECTION_OUTPUT
				      : ISR_DIRECTION_INPUT;
	ret_info->bias = convert_bias(gpiod_line_info_get_bias(line));
	ret_info->debounce_us = gpiod_line_info_get_debounce_period_us(line);
	snprintf(ret_info->name, sizeof(ret_info->name), "%s",
		 name ? name : "");
	snprintf(ret_info->consumer, sizeof(ret_info->consumer), "%s",
		 consumer ? consumer : "");
}

static int gpiod_backend_get_line_info(struct isr_chip *base, uint32_t offset,
				       struct isr_line_info *ret_info)
{
	struct gpiod_backend_chip *chip = (struct gpiod_backend_chip *)base;
	struct gpiod_line_info *line;

	line = gpiod_chip_get_line_info(chip->gpiod, offset);
	if (!line)
		return last_error();
	convert_info(line, ret_info);
	gpiod_line_info_free(line);
	return 0;
}

/*
 * Requests.
 */

static const enum gpiod_line_edge edges[] = {
	[ISR_EDGE_BOTH] = GPIOD_LINE_EDGE_BOTH,
	[ISR_EDGE_RISING] = GPIOD_LINE_EDGE_RISING,
	[ISR_EDGE_FALLING] = GPIOD_LINE_EDGE_FALLING,
	[ISR_EDGE_NONE] = GPIOD_LINE_EDGE_NONE,
};

static const enum gpiod_line_bias biases[] = {
	[ISR_BIAS_AS_IS] = GPIOD_LINE_BIAS_AS_IS,
	[ISR_BIAS_DISABLED] = GPIOD_LINE_BIAS_DISABLED,
	[ISR_BIAS_PULL_UP] = GPIOD_LINE_BIAS_PULL_UP,
	[ISR_BIAS_PULL_DOWN] = GPIOD_LINE_BIAS_PULL_DOWN,
};

static const enum gpiod_line_clock clocks[] = {
	[ISR_CLOCK_MONOTONIC] = GPIOD_LINE_CLOCK_MONOTONIC,
	[ISR_CLOCK_REALTIME] = GPIOD_LINE_CLOCK_REALTIME,
	[ISR_CLOCK_HTE] = GPIOD_LINE_CLOCK_HTE,
};

static int apply_settings(struct gpiod_line_settings *settings,
			  const struct isri_chip_request_config *config)
{
	/* The kernel counts in us; a shorter time must not become none. */
	uint64_t debounce_us = (config->debounce_ns + 999) / 1000;

	gpiod_line_settings_set_active_low(settings, config->active_low);
	gpiod_line_settings_set_debounce_period_us(settings, debounce_us);
	if (gpiod_line_settings_set_direction(settings,
					      GPIOD_LINE_DIRECTION_INPUT) < 0 ||
	    gpiod_line_settings_set_edge_detection(settings,
						   edges[config->edge]) < 0 ||
	    gpiod_line_settings_set_bias(settings, biases[config->bias]) < 0)
		return -1;
	return gpiod_line_settings_set_event_clock(settings,
						   clocks[config->clock]);
}

/* Returns NULL with errno set, as libgpiod does. */
static struct gpiod_line_request *
request_lines(struct gpiod_chip *gpiod,
	      const struct isri_chip_request_config *config)
{
	struct gpiod_line_settings *settings = gpiod_line_settings_new();
	struct gpiod_line_config *line = gpiod_line_config_new();
	struct gpiod_request_config *how = gpiod_request_config_new();
	struct gpiod_line_request *request = NULL;
	int saved;

	if (!settings || !line || !how) {
		errno = ENOMEM;
		goto out;
	}
	if (apply_settings(settings, config) < 0 ||
	    gpiod_line_config_add_line_settings(line, config->offsets,
						config->n_lines, settings) < 0)
		goto out;
	gpiod_request_config_set_consumer(how, config->consumer);
	gpiod_request_config_set_event_buffer_size(how, config->fifo_events);
	request = gpiod_chip_request_lines(gpiod, how, line);

out:
	saved = errno;
	gpiod_request_config_free(how);
	gpiod_line_config_free(line);
	gpiod_line_settings_free(settings);
	errno = saved;
	return request;
}

/*
 * The buffer is libgpiod's to allocate and nobody else's to write, so its
 * pages cannot be touched through it. Memory that was just touched and freed
 * is what malloc gives next: the first edge takes no page fault.
 */
static struct gpiod_edge_event_buffer *new_touched_buffer(void)
{
	const size_t size_bytes = READ_EVENTS * 256;
	char *heap = malloc(size_bytes);

	if (heap)
		explicit_bzero(heap, size_bytes);
	free(heap);
	return gpiod_edge_event_buffer_new(READ_EVENTS);
}

static void gpiod_backend_release(struct isri_chip_request *base)
{
	struct gpiod_backend_request *request =
		(struct gpiod_backend_request *)base;

	if (request->gpiod)
		gpiod_line_request_release(request->gpiod);
	gpiod_edge_event_buffer_free(request->buffer);
	free(request);
}

static const struct isri_chip_request_ops gpiod_request_ops;

static int open_request(struct gpiod_backend_request *request,
			struct gpiod_chip *gpiod,
			const struct isri_chip_request_config *config)
{
	int fd;

	request->buffer = new_touched_buffer();
	if (!request->buffer)
		return -ENOMEM;
	request->gpiod = request_lines(gpiod, config);
	if (!request->gpiod)
		return last_error();

	/* The kernel made it O_CLOEXEC, but it blocks. */
	fd = gpiod_line_request_get_fd(request->gpiod);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return last_error();

	request->base.ops = &gpiod_request_ops;
	request->base.fd = fd;
	request->base.fifo_events = config->fifo_events;
	request->n_lines = config->n_lines;
	memcpy(request->offsets, config->offsets, sizeof(request->offsets));
	if (config->debounce_ns)
		request->event_flags = ISR_EVENT_FLAG_DEBOUNCED;
	return 0;
}

static int gpiod_backend_request(struct isr_chip *base,
				 const struct isri_chip_request_config *config,
				 struct isri_chip_request **ret_request,
				 struct isr_error *reterr_error)
{
	struct gpiod_backend_chip *chip = (struct gpiod_backend_chip *)base;
	struct gpiod_backend_request *request;
	int r;

	request = calloc(1, sizeof(*request));
	if (!request)
		return isri_error_set(reterr_error, -ENOMEM, "out of memory");

	r = open_request(request, chip->gpiod, config);
	if (r < 0) {
		gpiod_backend_release(&request->base);
		return isri_chip_gpiod_explain_request(base, config, r,
						       reterr_error);
	}
	*ret_request = &request->base;
	return 0;
}

static uint16_t find_index(const struct gpiod_backend_request *request,
			   unsigned int offset)
{
	uint16_t i = 0;

	while (i < request->n_lines - 1 && request->offsets[i] != offset)
		i++;
	return i;
}

static void convert_event(const struct gpiod_backend_request *request,
			  struct gpiod_edge_event *from, struct isr_event *to)
{
	bool rising = gpiod_edge_event_get_event_type(from) ==
		      GPIOD_EDGE_EVENT_RISING_EDGE;

	memset(to, 0, sizeof(*to));
	to->t_ns = gpiod_edge_event_get_timestamp_ns(from);
	to->line_seq = gpiod_edge_event_get_global_seqno(from);
	to->source =
		find_index(request, gpiod_edge_event_get_line_offset(from));
	to->kind = rising ? ISR_EVENT_RISING : ISR_EVENT_FALLING;
	to->value = rising;
	to->flags = request->event_flags;
}

static int gpiod_backend_read(struct isri_chip_request *base,
			      struct isr_event *ret_events, size_t max_events)
{
	struct gpiod_backend_request *request =
		(struct gpiod_backend_request *)base;
	int i, num;

	if (max_events > READ_EVENTS)
		max_events = READ_EVENTS;
	num = gpiod_line_request_read_edge_events(request->gpiod,
						  request->buffer, max_events);
	if (num < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : last_error();

	for (i = 0; i < num; i++)
		convert_event(
			request,
			gpiod_edge_event_buffer_get_event(request->buffer, i),
			&ret_events[i]);
	return num;
}

static int gpiod_backend_get_values(struct isri_chip_request *base,
				    int *ret_values)
{
	struct gpiod_backend_request *request =
		(struct gpiod_backend_request *)base;
	enum gpiod_line_value values[ISR_PIN_LINES_MAX];
	uint32_t i;

	if (gpiod_line_request_get_values_subset(request->gpiod,
						 request->n_lines,
						 request->offsets, values) < 0)
		return last_error();
	*ret_values = 0;
	for (i = 0; i < request->n_lines; i++)
		*ret_values |= (values[i] == GPIOD_LINE_VALUE_ACTIVE) << i;
	return 0;
}

static const struct isri_chip_ops gpiod_chip_ops = {
	.get_line_info = gpiod_backend_get_line_info,
	.request = gpiod_backend_request,
	.free = gpiod_backend_free,
};

static const struct isri_chip_request_ops gpiod_request_ops = {
	.read = gpiod_backend_read,
	.get_values = gpiod_backend_get_values,
	.release = gpiod_backend_release,
};
