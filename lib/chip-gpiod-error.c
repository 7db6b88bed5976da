/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F2: what is wrong with a chip or line of the kernel, and what to do. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chip-gpiod-error.h"
#include "error.h"

/* Room for an entry's strings; a group with more members goes by number. */
#define NSS_BYTES 4096

/* Any thread may ask, so not by getgrgid(), whose result all of them share. */
static void describe_group(gid_t gid, char *buffer, size_t size_bytes)
{
	char strings[NSS_BYTES];
	struct group entry, *group = NULL;

	if (getgrgid_r(gid, &entry, strings, sizeof(strings), &group) == 0 &&
	    group)
		snprintf(buffer, size_bytes, "%s", group->gr_name);
	else
		snprintf(buffer, size_bytes, "%u", gid);
}

static void describe_user(char *buffer, size_t size_bytes)
{
	char strings[NSS_BYTES];
	struct passwd entry, *user = NULL;

	if (getpwuid_r(geteuid(), &entry, strings, sizeof(strings), &user) ==
		    0 &&
	    user)
		snprintf(buffer, size_bytes, "%s", user->pw_name);
	else
		snprintf(buffer, size_bytes, "USER");
}

static int explain_denied(const char *path, int code,
			  struct isr_error *reterr_error)
{
	struct stat st;
	char group[ISR_NAME_BYTES];
	char user[ISR_NAME_BYTES];

	if (stat(path, &st) < 0 || st.st_gid == 0 || !(st.st_mode & S_IRGRP))
		return isri_error_set(reterr_error, code,
				      "%s: permission denied; only root may "
				      "open it: run as root, or install "
				      "isrloop's udev rule, which gives it to "
				      "group gpio",
				      path);

	describe_group(st.st_gid, group, sizeof(group));
	describe_user(user, sizeof(user));
	return isri_error_set(reterr_error, code,
			      "%s: permission denied; add yourself to group "
			      "%s: sudo adduser %s %s, then log in again",
			      path, group, user, group);
}

int isri_chip_gpiod_explain_open(const char *path, int code,
				 struct isr_error *reterr_error)
{
	switch (code) {
	case -EACCES:
	case -EPERM:
		return explain_denied(path, code, reterr_error);
	case -ENOTTY:
	case -ENODEV:
	case -EINVAL:
		return isri_error_set(reterr_error, -ENODEV,
				      "%s is not a GPIO chip", path);
	case -EMFILE:
	case -ENFILE:
		return isri_error_set(reterr_error, code,
				      "%s: too many open files; raise the "
				      "limit (ulimit -n)",
				      path);
	default:
		return isri_error_set(reterr_error, code, "cannot open %s: %s",
				      path, strerror(-code));
	}
}

static int explain_unsupported(const char *line,
			       const struct isri_chip_request_config *config,
			       struct isr_error *reterr_error)
{
	if (config->clock == ISR_CLOCK_HTE)
		return isri_error_set(reterr_error, -EOPNOTSUPP,
				      "%s: no hardware timestamp engine (the "
				      "kernel needs CONFIG_HTE and the chip a "
				      "provider); use clock monotonic",
				      line);
	if (config->debounce_ns)
		return isri_error_set(reterr_error, -EOPNOTSUPP,
				      "%s: the chip cannot debounce this line; "
				      "ask for no debounce",
				      line);
	return isri_error_set(reterr_error, -EOPNOTSUPP,
			      "%s: the chip cannot do this edge or bias; try "
			      "bias as-is",
			      line);
}

static int explain_busy(const char *line, const struct isr_line_info *info,
			struct isr_error *reterr_error)
{
	/* Not used, and yet busy: its interrupt is (some STM32 share one). */
	if (!info->used)
		return isri_error_set(reterr_error, -EBUSY,
				      "%s: its interrupt is in use by another "
				      "line or a driver; use another line",
				      line);
	if (!*info->consumer)
		return isri_error_set(reterr_error, -EBUSY,
				      "%s: busy, the kernel holds it; use "
				      "another line",
				      line);
	return isri_error_set(reterr_error, -EBUSY,
			      "%s: busy, held by \"%s\"; end that program or "
			      "use another line",
			      line, info->consumer);
}

/* The line that is in use; else the first one. */
static uint32_t find_culprit(struct isr_chip *chip,
			     const struct isri_chip_request_config *config,
			     struct isr_line_info *ret_info)
{
	uint32_t i;

	for (i = 0; i < config->n_lines; i++)
		if (isr_chip_get_line_info(chip, config->offsets[i],
					   ret_info) == 0 &&
		    ret_info->used)
			return config->offsets[i];
	if (isr_chip_get_line_info(chip, config->offsets[0], ret_info) < 0)
		memset(ret_info, 0, sizeof(*ret_info));
	return config->offsets[0];
}

/* What the kernel does not tell: which of several lines it is. */
static void name_lines(struct isr_chip *chip,
		       const struct isri_chip_request_config *config, int code,
		       struct isr_line_info *ret_info, char *line,
		       size_t size_bytes)
{
	uint32_t offset = find_culprit(chip, config, ret_info);
	size_t len;

	isri_chip_line_text(chip, offset, ret_info->name, line, size_bytes);
	len = strlen(line);
	if (config->n_lines > 1 && (code != -EBUSY || !ret_info->used))
		snprintf(line + len, size_bytes - len, ", or one of %u more",
			 config->n_lines - 1);
}

int isri_chip_gpiod_explain_request(
	struct isr_chip *chip, const struct isri_chip_request_config *config,
	int code, struct isr_error *reterr_error)
{
	char line[ISRI_CHIP_LINE_TEXT_BYTES + sizeof(", or one of 15 more")];
	struct isr_line_info info;

	name_lines(chip, config, code, &info, line, sizeof(line));

	switch (code) {
	case -EBUSY:
		return explain_busy(line, &info, reterr_error);
	case -EOPNOTSUPP:
		return explain_unsupported(line, config, reterr_error);
	case -ENXIO:
		return isri_error_set(reterr_error, code,
				      "%s: this line cannot interrupt; use "
				      "another line",
				      line);
	case -ENODEV:
		return isri_error_set(reterr_error, code,
				      "%s: the chip is gone, or this line "
				      "cannot interrupt",
				      line);
	case -EINVAL:
		return isri_error_set(reterr_error, code,
				      "%s: the kernel refuses these settings "
				      "(edges, bias, debounce or clock)",
				      line);
	default:
		return isri_error_set(reterr_error, code, "%s: %s", line,
				      strerror(-code));
	}
}
