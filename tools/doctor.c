/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isrmon doctor: looks at what isrloop depends on and cannot change itself,
 * and says of each what follows from it and what helps. Every answer comes
 * from trying the thing, as this user, and not from a file that says so,
 * wherever it can be tried without a trace.
 */
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <grp.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <isrloop/chip.h>

#include "doctor.h"
#include "guard.h"
#include "options.h"
#include "varlink-client.h"

/* The first that numbers the edges of a line. */
#define KERNEL_MAJOR_MIN 5
#define KERNEL_MINOR_MIN 10

/* Of IRQ threads: that of sources of priority 0, and the highest. */
#define REAL_TIME_MIN 40
#define REAL_TIME_MAX 43

#define GOVERNORS "/sys/devices/system/cpu/cpufreq/policy*/scaling_governor"

#define ANSWER_TIMEOUT_MS 5000

enum verdict {
	VERDICT_OK,
	VERDICT_NOTE, /* works, with less than there could be */
	VERDICT_BAD   /* something does not work */
};

struct doctor {
	const char *socket;
	enum verdict worst;
};

static const char help_text[] =
	"Usage: isrmon doctor [--socket PATH]\n"
	"\n"
	"Look at what isrloop needs of this machine, and say what is missing:\n"
	"'ok', 'note' for what works with less than there could be, and 'bad'.\n"
	"\n"
	"Options:\n"
	"      --socket PATH  the socket of isrloopd\n"
	"  -h, --help         show this help and exit\n";

static void tell(struct doctor *d, enum verdict verdict, const char *what,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));

static void tell(struct doctor *d, enum verdict verdict, const char *what,
		 const char *format, ...)
{
	static const char *const words[] = {
		[VERDICT_OK] = "ok",
		[VERDICT_NOTE] = "note",
		[VERDICT_BAD] = "bad",
	};
	va_list ap;

	printf("%-5s %-10s ", words[verdict], what);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	if (verdict > d->worst)
		d->worst = verdict;
}

/* What helps, under what was told last. */
static void advise(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static void advise(const char *format, ...)
{
	va_list ap;

	printf("%17s", "");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
}

static void check_kernel(struct doctor *d)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;
	bool is_enough;

	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	is_enough = major > KERNEL_MAJOR_MIN ||
		    (major == KERNEL_MAJOR_MIN && minor >= KERNEL_MINOR_MIN);
	tell(d, is_enough ? VERDICT_OK : VERDICT_BAD, "kernel", "%s %s on %s",
	     name.sysname, name.release, name.machine);
	if (!is_enough)
		advise("lines can be watched from %d.%d on", KERNEL_MAJOR_MIN,
		       KERNEL_MINOR_MIN);
}

/* Whom to ask for access: the group that owns the device, if not root. */
static void advise_group(const char *path)
{
	struct group *group = NULL;
	struct stat st;

	if (stat(path, &st) == 0 && st.st_gid && (st.st_mode & S_IRGRP))
		group = getgrgid(st.st_gid);
	if (group)
		advise("'usermod -aG %s USER' as root, then log in again",
		       group->gr_name);
	else
		advise("only root may use %s: let a udev rule give it to a group",
		       path);
}

static void check_chip(struct doctor *d, const char *spec)
{
	struct isr_error error = {0};
	struct isr_chip *chip;
	char path[256];
	int r = isr_chip_open(spec, &chip, &error);

	if (r < 0) {
		tell(d, VERDICT_BAD, "chip", "%s: %s", spec, error.message);
		snprintf(path, sizeof(path), "/dev/%s", spec);
		if (r == -EACCES)
			advise_group(path);
		return;
	}
	tell(d, VERDICT_OK, "chip", "%s [%s], %u lines",
	     isr_chip_get_name(chip), isr_chip_get_label(chip),
	     isr_chip_get_num_lines(chip));
	isr_chip_unref(chip);
}

static void check_chips(struct doctor *d)
{
	char **specs, **spec;
	int n = isr_chip_list(&specs);

	if (n < 0) {
		tell(d, VERDICT_BAD, "chip", "cannot list chips: %s",
		     strerror(-n));
		return;
	}
	if (n == 0) {
		tell(d, VERDICT_NOTE, "chip", "this machine has none");
		advise("a simulated one: isrmon --direct -c sim: BUTTON");
	}
	for (spec = specs; *spec; spec++)
		check_chip(d, *spec);
	isr_chip_list_free(specs);
}

static void *try_real_time(void *arg)
{
	struct sched_param param = {.sched_priority = *(int *)arg};

	*(int *)arg = pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
	return NULL;
}

/* In a thread of its own, as the library has it. */
static bool gets_real_time(int priority)
{
	int r = priority;
	pthread_t thread;

	if (pthread_create(&thread, NULL, try_real_time, &r) != 0)
		return false;
	pthread_join(thread, NULL);
	return r == 0;
}

static void check_real_time(struct doctor *d)
{
	if (gets_real_time(REAL_TIME_MAX)) {
		tell(d, VERDICT_OK, "real time",
		     "hard handlers go before all other programs");
		return;
	}
	if (gets_real_time(REAL_TIME_MIN))
		tell(d, VERDICT_NOTE, "real time",
		     "priority %d at most: sources of higher priority do not go before others",
		     REAL_TIME_MIN);
	else
		tell(d, VERDICT_NOTE, "real time",
		     "not permitted: under load hard handlers wait as any program does");
	advise("permit rtprio %d in limits.conf(5), or LimitRTPRIO=%d in a unit",
	       REAL_TIME_MAX, REAL_TIME_MAX);
}

static void check_timers(struct doctor *d)
{
	struct timespec resolution = {0};

	clock_getres(CLOCK_MONOTONIC, &resolution);
	if (resolution.tv_sec == 0 && resolution.tv_nsec == 1) {
		tell(d, VERDICT_OK, "timers", "high resolution");
		return;
	}
	tell(d, VERDICT_NOTE, "timers", "late by up to %ld us",
	     resolution.tv_nsec / 1000);
	advise("the kernel was started with highres=off, or has no such clock");
}

static void check_barrier(struct doctor *d)
{
	const int needed = MEMBARRIER_CMD_PRIVATE_EXPEDITED |
			   MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
	long found = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	if (found >= 0 && (found & needed) == needed) {
		tell(d, VERDICT_OK, "barrier", "membarrier(2) is there");
		return;
	}
	tell(d, VERDICT_NOTE, "barrier",
	     "no membarrier(2): each record put into a ring costs a barrier");
	advise("a filter of system calls, or the kernel's configuration");
}

/* The first that is not "performance"; empty: none. */
static size_t find_governor(const glob_t *paths, char *ret_word, int size)
{
	FILE *file;
	size_t i;

	for (i = 0; i < paths->gl_pathc; i++) {
		ret_word[0] = '\0';
		file = fopen(paths->gl_pathv[i], "re");
		if (!file)
			continue;
		if (fgets(ret_word, size, file))
			ret_word[strcspn(ret_word, "\n")] = '\0';
		fclose(file);
		if (strcmp(ret_word, "performance") != 0)
			break;
	}
	return i;
}

static void check_frequency(struct doctor *d)
{
	char word[32] = "";
	glob_t paths;
	size_t i;

	if (glob(GOVERNORS, 0, NULL, &paths) != 0) {
		tell(d, VERDICT_OK, "frequency", "Linux does not change it");
		return;
	}
	i = find_governor(&paths, word, sizeof(word));
	if (i == paths.gl_pathc) {
		tell(d, VERDICT_OK, "frequency", "governor performance");
	} else {
		tell(d, VERDICT_NOTE, "frequency",
		     "governor %s: a CPU that was idle is slow at first",
		     word[0] ? word : "unknown");
		advise("where latency matters: write 'performance' to scaling_governor");
	}
	globfree(&paths);
}

static int ask_version(struct doctor *d, char *ret_version, size_t size)
{
	struct varlink_client client;
	const char *version;
	json_t *reply;
	int r;

	r = varlink_connect(&client, d->socket);
	if (r >= 0)
		r = varlink_send(&client, "org.varlink.service.GetInfo",
				 json_object(), false);
	if (r >= 0)
		r = varlink_wait(&client, ANSWER_TIMEOUT_MS, &reply);
	varlink_close(&client);
	if (r < 0)
		return r;

	version = json_string_value(json_object_get(
		json_object_get(reply, "parameters"), "version"));
	if (version)
		snprintf(ret_version, size, "%s", version);
	else
		r = -EBADMSG;
	json_decref(reply);
	return r;
}

static void check_daemon(struct doctor *d)
{
	char version[64];
	int r = ask_version(d, version, sizeof(version));

	if (r == -ENOENT || r == -ECONNREFUSED) {
		tell(d, VERDICT_NOTE, "isrloopd", "does not run at %s",
		     d->socket);
		advise("'systemctl start isrloopd', or do without: isrmon --direct");
	} else if (r < 0) {
		tell(d, VERDICT_BAD, "isrloopd", "%s: %s", d->socket,
		     strerror(-r));
		if (r == -EACCES)
			advise_group(d->socket);
	} else if (strcmp(version, PACKAGE_VERSION) != 0) {
		tell(d, VERDICT_NOTE, "isrloopd",
		     "version %s answers; this is isrmon " PACKAGE_VERSION,
		     version);
		advise("'systemctl restart isrloopd' after an update");
	} else {
		tell(d, VERDICT_OK, "isrloopd", "version %s answers", version);
	}
}

static void check_guard(struct doctor *d)
{
	const char *name = guard_library();

	if (access(name, R_OK) == 0) {
		tell(d, VERDICT_OK, "guard", "%s", name);
		return;
	}
	tell(d, VERDICT_NOTE, "guard", "%s: %s", name, strerror(errno));
	advise("'isrmon guard' needs it; ISRLOOP_GUARD_LIB may name another");
}

static int fail_usage(const char *format, const char *word)
{
	fputs("isrmon doctor: ", stderr);
	fprintf(stderr, format, word);
	fputs(": see 'isrmon doctor --help'\n", stderr);
	return STATUS_USAGE;
}

/* Returns as options_parse(). */
static int parse(int argc, char **argv, const char **ret_socket)
{
	static const struct option long_options[] = {
		{"help", no_argument, NULL, 'h'},
		{"socket", required_argument, NULL, 's'},
		{0},
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) >=
	       0) {
		switch (option) {
		case 'h':
			fputs(help_text, stdout);
			return STATUS_OK;
		case 's':
			*ret_socket = optarg;
			break;
		case ':':
			return fail_usage("option '%s' needs a value",
					  argv[optind - 1]);
		default:
			return fail_usage("unknown option '%s'",
					  argv[optind - 1]);
		}
	}
	if (optind < argc)
		return fail_usage("'%s' is one word too many", argv[optind]);
	return -1;
}

int doctor_run(int argc, char **argv)
{
	static void (*const checks[])(struct doctor * d) = {
		check_kernel,  check_chips,	check_real_time, check_timers,
		check_barrier, check_frequency, check_daemon,	 check_guard,
	};
	struct doctor doctor = {.worst = VERDICT_OK};
	const char *given = NULL;
	unsigned int i;
	int status;

	status = parse(argc, argv, &given);
	if (status >= 0)
		return status;
	doctor.socket = options_socket(given);

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](&doctor);
	return doctor.worst == VERDICT_BAD ? STATUS_FAILED : STATUS_OK;
}
