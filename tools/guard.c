/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isrmon guard: sets what libisrloop-guard(7) reads and becomes the program,
 * so that signals, descriptors and the exit status are the program's own.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "options.h"
#include "parse.h"

#define GUARD_LIBRARY ISRMON_PKGLIBDIR "/libisrloop-guard.so"

/* As env(1) and the shell have it. */
#define STATUS_NO_EXEC 126
#define STATUS_NOT_FOUND 127

static const char help_text[] =
	"Usage: isrmon guard [--mode=MODE] [--] PROGRAM [ARGUMENT]...\n"
	"\n"
	"Run PROGRAM and report what its handlers call in ISR context that does\n"
	"not belong there: allocation, stdio, locks and whatever waits. Reports\n"
	"go to standard error; the exit status is the program's.\n"
	"\n"
	"Options:\n"
	"      --mode MODE  'report' (default): tell, and go on\n"
	"                   'disarm': the handler has failed, too\n"
	"                   'abort': end the program at once\n"
	"  -h, --help       show this help and exit\n";

static int fail(int status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(int status, const char *format, ...)
{
	va_list ap;

	fputs("isrmon guard: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

/* Returns as options_parse(). */
static int parse(int argc, char **argv, const char **ret_mode)
{
	static const struct option long_options[] = {
		{"help", no_argument, NULL, 'h'},
		{"mode", required_argument, NULL, 'm'},
		{0},
	};
	static const char *const modes[] = {"report", "disarm", "abort", NULL};
	int option;

	opterr = 0;
	/* +: what is behind PROGRAM is the program's */
	while ((option = getopt_long(argc, argv, "+:h", long_options, NULL)) >=
	       0) {
		switch (option) {
		case 'h':
			fputs(help_text, stdout);
			return STATUS_OK;
		case 'm':
			if (parse_word(optarg, modes) < 0)
				return fail(
					STATUS_USAGE,
					"--mode takes 'report', 'disarm' or 'abort', not '%s'",
					optarg);
			*ret_mode = optarg;
			break;
		case ':':
			return fail(STATUS_USAGE, "option '%s' needs a value",
				    argv[optind - 1]);
		default:
			return fail(
				STATUS_USAGE,
				"unknown option '%s': see 'isrmon guard --help'",
				argv[optind - 1]);
		}
	}
	if (optind == argc)
		return fail(STATUS_USAGE, "name the program to run");
	return -1;
}

const char *guard_library(void)
{
	const char *name = getenv("ISRLOOP_GUARD_LIB");

	return name && *name ? name : GUARD_LIBRARY;
}

/* Absolute, because the program or its children may change directory. */
static int find_library(char **ret_path)
{
	const char *name = guard_library();
	char *path = realpath(name, NULL);

	if (!path || access(path, R_OK) < 0) {
		free(path);
		return fail(
			STATUS_FAILED,
			"no guard library %s: %s; ISRLOOP_GUARD_LIB may name another",
			name, strerror(errno));
	}
	if (strpbrk(path, " :")) {
		fail(STATUS_FAILED,
		     "%s cannot be preloaded: no space or colon may be in its path",
		     path);
		free(path);
		return STATUS_FAILED;
	}
	*ret_path = path;
	return -1;
}

/* Before what is preloaded already. */
static int set_preload(const char *library)
{
	const char *before = getenv("LD_PRELOAD");
	char *value;
	int r;

	if (!before || !*before)
		return setenv("LD_PRELOAD", library, 1);
	if (asprintf(&value, "%s:%s", library, before) < 0)
		return -1;
	r = setenv("LD_PRELOAD", value, 1);
	free(value);
	return r;
}

/* The guard tells this process, and no child of it, that it is inert. */
static int set_pid(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	return setenv("ISRLOOP_GUARD_PID", pid, 1);
}

int guard_run(int argc, char **argv)
{
	const char *mode = NULL;
	char *library = NULL;
	int status;

	status = parse(argc, argv, &mode);
	if (status >= 0)
		return status;
	status = find_library(&library);
	if (status >= 0)
		return status;

	if (set_preload(library) < 0 || set_pid() < 0 ||
	    (mode && setenv("ISRLOOP_GUARD", mode, 1) < 0)) {
		free(library);
		return fail(STATUS_FAILED, "no memory");
	}
	free(library);
	execvp(argv[optind], argv + optind);
	return fail(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_NO_EXEC,
		    "cannot run %s: %s", argv[optind], strerror(errno));
}
