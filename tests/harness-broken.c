/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Tests that must be reported as failures, one a run, for
 * tests/test-harness. The argument is the name of the case.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "xt.h"

START_TEST(good)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	xt_ok(close(fd));
	xt_fails_with(EINVAL, -EINVAL);
	xt_log(ISR_LOG_WARNING, "only a warning", NULL);
}
END_TEST

START_TEST(leaking)
{
	ck_assert_int_ge(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
}
END_TEST

START_TEST(closing)
{
	xt_ok(close(STDIN_FILENO));
}
END_TEST

START_TEST(failing)
{
	xt_ok(-ENOENT);
}
END_TEST

START_TEST(succeeding)
{
	xt_fails_with(EINVAL, 0);
}
END_TEST

START_TEST(logging)
{
	xt_log(ISR_LOG_ERROR, "something broke", NULL);
}
END_TEST

START_TEST(crashing)
{
	raise(SIGKILL);
}
END_TEST

START_TEST(hanging)
{
	const struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	for (;;)
		pause();
}
END_TEST

int main(int argc, char **argv)
{
	/* Automatic: a START_TEST name is no constant expression. */
	const struct {
		const char *name;
		const TTest *test;
	} cases[] = {
		/* clang-format off */
		{ "good", good },
		{ "leaking", leaking },
		{ "closing", closing },
		{ "failing", failing },
		{ "succeeding", succeeding },
		{ "logging", logging },
		{ "crashing", crashing },
		{ "hanging", hanging },
		/* clang-format on */
	};
	Suite *suite = suite_create("broken");
	TCase *tcase = xt_case(suite, "broken");
	size_t i;

	/* The others may take their time. */
	if (argc == 2 && strcmp(argv[1], "hanging") == 0)
		tcase_set_timeout(tcase, 1);
	for (i = 0; argc == 2 && i < sizeof(cases) / sizeof(*cases); i++)
		if (strcmp(cases[i].name, argv[1]) == 0)
			tcase_add_test(tcase, cases[i].test);
	return xt_main(suite);
}
