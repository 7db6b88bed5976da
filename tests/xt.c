/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Helpers of the unit tests: descriptors counted, errors of the library
 * noticed, hangs ended. tests/test-harness shows that they do.
 */
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "xt.h"

#define FDS_MAX 4096
/* So long that only what hangs takes it, on whatever machine. */
#define HANG_S 300
/* Without fork, as no case's own time is known there. */
#define HANG_NO_FORK_S 600

const struct isr_loop_config xt_patient = {
	.sz = sizeof(xt_patient),
	.urgent_ns = UINT64_MAX,
	.mask_warn_ns = UINT64_MAX,
};

/* Check looks after tests that it forks. */
static bool is_watched_by_check = true;
static timer_t hang_timer;

/* Written by the fixture, in the process that runs the test. */
static bool open_before[FDS_MAX];

/* No handler: a program that hangs may never come to run one. */
static void make_hang_timer(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGABRT,
	};

	is_watched_by_check = false;
	if (timer_create(CLOCK_MONOTONIC, &event, &hang_timer) < 0) {
		perror("timer_create");
		exit(EXIT_FAILURE);
	}
}

/* Anew for each test. */
static void start_hang_timer(void)
{
	const char *given_s = getenv("CK_DEFAULT_TIMEOUT");
	struct itimerspec value = {
		.it_value.tv_sec = given_s ? 1 + atoi(given_s) : HANG_NO_FORK_S,
	};

	if (!is_watched_by_check)
		ck_assert_int_eq(timer_settime(hang_timer, 0, &value, NULL), 0);
}

static void list_fds(bool *fds)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	ck_assert_msg(dir, "/proc/self/fd: %s", strerror(errno));
	memset(fds, 0, FDS_MAX * sizeof(*fds));
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(dir) && fd < FDS_MAX)
			fds[fd] = true;
	}
	closedir(dir);
}

static void test_setup(void)
{
	start_hang_timer();
	list_fds(open_before);
}

static void test_teardown(void)
{
	char path[32], target[PATH_MAX];
	bool fds[FDS_MAX];
	int fd;

	list_fds(fds);
	for (fd = 0; fd < FDS_MAX; fd++) {
		ssize_t n;

		if (fds[fd] == open_before[fd])
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		ck_abort_msg("the test %s descriptor %d %s",
			     fds[fd] ? "leaks" : "closed", fd, target);
	}
}

uint64_t xt_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool xt_is_in_vain(uint64_t since_ns)
{
	return xt_now_ns() - since_ns > XT_IN_VAIN_S * UINT64_C(1000000000);
}

TCase *xt_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	if (!getenv("CK_DEFAULT_TIMEOUT"))
		tcase_set_timeout(tcase, HANG_S);
	tcase_add_checked_fixture(tcase, test_setup, test_teardown);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int xt_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	/* A crash without fork must not take the lines before it along. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (srunner_fork_status(runner) == CK_NOFORK)
		make_hang_timer();
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

void xt_log(enum isr_log_level level, const char *message, void *arg)
{
	ck_assert_msg(level > ISR_LOG_ERROR, "the library says: %s", message);
}
