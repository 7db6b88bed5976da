/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What tests of simulated chips share: an open chip and its requests. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "xt-chip.h"

struct isr_chip *chip;

void xt_chip_setup(void)
{
	xt_ok(isr_chip_open("sim:", &chip, NULL));
}

void xt_chip_teardown(void)
{
	chip = isr_chip_unref(chip);
}

struct isri_chip_request *
xt_chip_request_with(struct isri_chip_request_config config)
{
	struct isri_chip_request *request;
	struct isr_error error;
	int r = isri_chip_request(chip, &config, &request, &error);

	ck_assert_msg(r == 0, "%s", error.message);
	return request;
}

struct isri_chip_request *xt_chip_request(uint32_t offset)
{
	return xt_chip_request_with((struct isri_chip_request_config){
		.n_lines = 1, .offsets = {offset}});
}

bool xt_chip_is_readable(const struct isri_chip_request *request)
{
	struct pollfd pfd = {.fd = request->fd, .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

void xt_chip_read(struct isri_chip_request *request,
		  struct isr_event *ret_events, int num)
{
	struct pollfd pfd = {.fd = request->fd, .events = POLLIN};
	int r;

	while (num > 0) {
		ck_assert_int_eq(poll(&pfd, 1, -1), 1);
		r = isri_chip_request_read(request, ret_events, num);
		ck_assert_int_gt(r, 0);
		ret_events += r;
		num -= r;
	}
}

struct isr_event xt_chip_read_one(struct isri_chip_request *request)
{
	struct isr_event event;

	ck_assert_int_eq(isri_chip_request_read(request, &event, 1), 1);
	return event;
}

void xt_chip_toggle(uint32_t offset, int times)
{
	int i;

	for (i = 0; i < times; i++)
		ck_assert_int_eq(
			isr_chip_sim_set(chip, offset, (i + 1) & 1, 1000 + i),
			1);
}

static char path[] = "xt-chip-XXXXXX";

void xt_chip_open_file(const char *text)
{
	char spec[sizeof("sim:") + sizeof(path)];
	struct isr_error error;
	int fd, r;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	xt_chip_teardown();
	snprintf(spec, sizeof(spec), "sim:%s", path);
	r = isr_chip_open(spec, &chip, &error);
	unlink(path);
	ck_assert_msg(r == 0, "%s", error.message);
}
