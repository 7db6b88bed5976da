/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Helpers of the unit tests: descriptors counted, errors of the library
 * noticed. tests/test-harness shows that they do.
 */
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "xt.h"

#define FDS_MAX 4096
/* So long that only what hangs takes it, on whatever machine. */
#define HANG_S 300

/* Written by the fixture, in the process that runs the test. */
static bool open_before[FDS_MAX];

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

static void fds_setup(void)
{
	list_fds(open_before);
}

static void fds_teardown(void)
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

TCase *xt_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	if (!getenv("CK_DEFAULT_TIMEOUT"))
		tcase_set_timeout(tcase, HANG_S);
	tcase_add_checked_fixture(tcase, fds_setup, fds_teardown);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int xt_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	/* A crash without fork must not take the lines before it along. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

void xt_log(enum isr_log_level level, const char *message, void *arg)
{
	ck_assert_msg(level > ISR_LOG_ERROR, "the library says: %s", message);
}
