/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Chips of gpio-sim, through configfs, and edges on them. That an edge was
 * stamped is hard to know from outside of the kernel: edge-gen does.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xt-gpio-sim.h"
#include "xt.h"

#define CONFIG "/sys/kernel/config/gpio-sim"

bool xt_gpio_sim_is_asked_for(void)
{
	const char *chip = getenv("ISRLOOP_TEST_CHIP");

	return chip && strcmp(chip, "gpio-sim") == 0;
}

static void format_path(char *path, const char *format, va_list ap)
{
	int n = vsnprintf(path, PATH_MAX, format, ap);

	ck_assert_int_lt(n, PATH_MAX);
}

static void write_attribute(const char *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void write_attribute(const char *text, const char *format, ...)
{
	char path[PATH_MAX];
	va_list ap;
	int fd;

	va_start(ap, format);
	format_path(path, format, ap);
	va_end(ap);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_msg(write(fd, text, strlen(text)) == (ssize_t)strlen(text),
		      "%s: %s", path, strerror(errno));
	close(fd);
}

static void read_attribute(char *ret_text, size_t size_bytes,
			   const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void read_attribute(char *ret_text, size_t size_bytes,
			   const char *format, ...)
{
	char path[PATH_MAX];
	va_list ap;
	ssize_t n;
	int fd;

	va_start(ap, format);
	format_path(path, format, ap);
	va_end(ap);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	n = read(fd, ret_text, size_bytes - 1);
	ck_assert_msg(n >= 0, "%s: %s", path, strerror(errno));
	ret_text[n] = '\0';
	ret_text[strcspn(ret_text, "\n")] = '\0';
	close(fd);
}

static void make_folder(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static void make_folder(const char *format, ...)
{
	char path[PATH_MAX];
	va_list ap;

	va_start(ap, format);
	format_path(path, format, ap);
	va_end(ap);
	ck_assert_msg(mkdir(path, 0755) == 0, "%s: %s", path, strerror(errno));
}

void xt_gpio_sim_plug(const char *chip)
{
	write_attribute("1", CONFIG "/%s/live", chip);
}

void xt_gpio_sim_unplug(const char *chip)
{
	write_attribute("0", CONFIG "/%s/live", chip);
}

static bool exists(const char *chip)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), CONFIG "/%s", chip);
	return access(path, F_OK) == 0;
}

void xt_gpio_sim_new(const char *chip, const char *label,
		     const char *const *lines, unsigned int n)
{
	char number[16];
	unsigned int i;

	if (exists(chip))
		xt_gpio_sim_free(chip);
	make_folder(CONFIG "/%s", chip);
	make_folder(CONFIG "/%s/bank", chip);
	write_attribute(label, CONFIG "/%s/bank/label", chip);
	snprintf(number, sizeof(number), "%u", n);
	write_attribute(number, CONFIG "/%s/bank/num_lines", chip);
	for (i = 0; i < n; i++) {
		if (!lines[i])
			continue;
		make_folder(CONFIG "/%s/bank/line%u", chip, i);
		write_attribute(lines[i], CONFIG "/%s/bank/line%u/name", chip,
				i);
	}
	xt_gpio_sim_plug(chip);
}

void xt_gpio_sim_free(const char *chip)
{
	char path[PATH_MAX], lines[16];
	unsigned int i;

	read_attribute(lines, sizeof(lines), CONFIG "/%s/bank/num_lines", chip);
	xt_gpio_sim_unplug(chip);
	for (i = 0; i < (unsigned int)atoi(lines); i++) {
		snprintf(path, sizeof(path), CONFIG "/%s/bank/line%u", chip, i);
		rmdir(path); /* an unnamed one is not there */
	}
	snprintf(path, sizeof(path), CONFIG "/%s/bank", chip);
	ck_assert_msg(rmdir(path) == 0, "%s: %s", path, strerror(errno));
	snprintf(path, sizeof(path), CONFIG "/%s", chip);
	ck_assert_msg(rmdir(path) == 0, "%s: %s", path, strerror(errno));
}

void xt_gpio_sim_get_name(const char *chip, char *ret_name, size_t size_bytes)
{
	read_attribute(ret_name, size_bytes, CONFIG "/%s/bank/chip_name", chip);
}

void xt_gpio_sim_get_pull(const char *chip, uint32_t offset, char *ret_path)
{
	char device[64], name[64];

	read_attribute(device, sizeof(device), CONFIG "/%s/dev_name", chip);
	xt_gpio_sim_get_name(chip, name, sizeof(name));
	snprintf(ret_path, PATH_MAX,
		 "/sys/devices/platform/%s/%s/sim_gpio%u/pull", device, name,
		 offset);
}

void xt_gpio_sim_pull(const char *chip, uint32_t offset, int value)
{
	char path[PATH_MAX];

	xt_gpio_sim_get_pull(chip, offset, path);
	write_attribute(value ? "pull-up" : "pull-down", "%s", path);
}

static void run_edge_gen(char *const *argv)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	/* What it did is known; what it could not do goes to stderr. */
	if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
		execvp(argv[0], argv);
	_exit(127);
}

void xt_gpio_sim_toggle(const char *chip, uint32_t offset, unsigned int n,
			enum isr_edge edge)
{
	static const char *const edges[] = {
		[ISR_EDGE_BOTH] = "both",
		[ISR_EDGE_RISING] = "rising",
		[ISR_EDGE_FALLING] = "falling",
	};
	char pull[PATH_MAX], count[16], edges_of[16];
	char *argv[] = {
		(char *)"edge-gen",
		(char *)"--closed-loop",
		(char *)"--count",
		count,
		(char *)"--edges",
		edges_of,
		(char *)"--pull",
		pull,
		NULL,
	};
	int status;
	pid_t pid;

	xt_gpio_sim_get_pull(chip, offset, pull);
	snprintf(count, sizeof(count), "%u", n);
	snprintf(edges_of, sizeof(edges_of), "%s", edges[edge]);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		run_edge_gen(argv);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		      "edge-gen on %s: status %#x", pull, status);
}
