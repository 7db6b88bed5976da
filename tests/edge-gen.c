// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright the isrloop authors
/*
 * Make edges on lines of gpio-sim, by writing to their pull attributes.
 *
 * Open loop: at absolute deadlines (--rate), or as fast as the kernel lets
 * (default). The kernel then merges edges that come faster than the IRQ thread
 * of their line runs; no sequence number tells.
 *
 * Closed loop: no line gets an edge before its last one has been stamped, that
 * is, before the IRQ thread of gpiolib-cdev has given it a sequence number and
 * put it into the FIFO of the request. Two ways to know that:
 *
 * --closed-loop asks the kernel. This program puts itself and the IRQ threads
 * of the lines on one processor. gpio-sim raises the interrupt through an
 * irq_work on the processor that wrote the attribute, so once the interrupt's
 * count (per_cpu_count) has grown, the hard handler has returned and has woken
 * the line's thread. That thread is SCHED_FIFO and this program is not: it can
 * only go on when the thread cannot, which is when the thread waits, for the
 * chip's mutex ('D' in /proc/TID/stat) or for the next interrupt ('S').
 *
 * The one processor is what makes 'S' true. On another one, the thread can be
 * seen at 'S' before it has done anything: it wakes up, says once more that it
 * will sleep, and only then looks whether there is work. Seen to give a false
 * sign once in some 10 000 edges on a busy host.
 *
 * --wait-fd takes the word of an observer that reads the lines' events: one
 * text line for each event, its first word the line's name.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_LINES 64
#define NSEC_PER_SEC 1000000000ULL
/* An edge that is not stamped by then never will be. */
#define STAMP_LIMIT_NS (10 * NSEC_PER_SEC)

#define IRQS "/sys/kernel/irq"

/* In /proc/TID/stat: processor, priority and policy. */
#define STAT_PROCESSOR 39

enum edges {
	EDGES_FALLING = 1 << 0,
	EDGES_RISING = 1 << 1,
	EDGES_BOTH = EDGES_FALLING | EDGES_RISING,
};

struct line {
	char name[64];
	const char *pull;
	unsigned int offset;
	int pull_fd;
	bool level;
	bool first_level;
	uint64_t rising;
	uint64_t falling;

	/* Edges that the kernel is asked to detect, and those known stamped. */
	uint64_t detected;
	uint64_t stamped;

	/* --closed-loop: the interrupt's count and the state of its thread. */
	int count_fd;
	int stat_fd;
	pid_t tid;
	uint64_t count_start;
};

static struct line lines[MAX_LINES];
static unsigned int num_lines;
static uint64_t arg_count;
static double arg_rate_hz;
static enum edges arg_edges = EDGES_BOTH;
static const char *arg_consumer;
static bool arg_closed_loop;
static int arg_wait_fd = -1;

/* --closed-loop: where this program and the IRQ threads run. */
static int processor;

static void die(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

static void die(const char *fmt, ...)
{
	va_list ap;

	fputs("edge-gen: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* Read an attribute anew; sysfs and procfs make it up at each read from 0. */
static const char *read_attribute(int fd, const char *what)
{
	static char buf[512];
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	if (n <= 0)
		die("cannot read %s: %s", what, strerror(n ? errno : ENODATA));
	buf[n] = '\0';
	return buf;
}

static int open_attribute(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		die("cannot open %s: %s", path, strerror(errno));
	return fd;
}

/* The attribute has a figure for each processor, with commas between. */
static uint64_t irq_count(const struct line *line)
{
	const char *p = read_attribute(line->count_fd, "per_cpu_count");
	uint64_t sum = 0;
	char *end;

	for (;; p = end + 1) {
		sum += strtoull(p, &end, 10);
		if (*end != ',')
			return sum;
	}
}

static void stay_on_processor(pid_t tid)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)processor, &set);
	if (sched_setaffinity(tid, sizeof(set), &set) < 0)
		die("cannot put thread %d on processor %d: %s", (int)tid,
		    processor, strerror(errno));
}

/*
 * The kernel gives a new IRQ thread its policy and its processors only after
 * the request has returned: not to be relied on before they are seen here.
 */
static bool irq_thread_sleeps(const struct line *line)
{
	/* "TID (NAME) STATE ...", and the name may hold anything. */
	const char *p = strrchr(read_attribute(line->stat_fd, "stat"), ')');
	const char *state = p ? p + 2 : "";
	int field, cpu, policy;

	for (field = 2; p && field < STAT_PROCESSOR; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, "%d %*d %d", &cpu, &policy) != 2)
		die("%s: cannot make out the state of its IRQ thread",
		    line->name);
	if (cpu != processor)
		stay_on_processor(line->tid);
	return cpu == processor && policy == SCHED_FIFO && *state == 'S';
}

static bool irq_attribute_is(const char *irq, const char *name,
			     const char *wanted)
{
	char path[PATH_MAX], buf[128];
	FILE *f;
	bool is;

	snprintf(path, sizeof(path), IRQS "/%s/%s", irq, name);
	f = fopen(path, "re");
	if (!f)
		return false;
	is = fgets(buf, sizeof(buf), f) != NULL;
	fclose(f);
	if (!is)
		return false;
	buf[strcspn(buf, "\n")] = '\0';
	return !strcmp(buf, wanted);
}

static bool irq_is_of(const char *irq, const struct line *line)
{
	char hwirq[16];

	snprintf(hwirq, sizeof(hwirq), "%u", line->offset);
	return irq_attribute_is(irq, "chip_name", "irq_sim") &&
	       irq_attribute_is(irq, "hwirq", hwirq) &&
	       !irq_attribute_is(irq, "actions", "") &&
	       (!arg_consumer ||
		irq_attribute_is(irq, "actions", arg_consumer));
}

/*
 * The thread is called "irq/NUMBER-CONSUMER", cut to fifteen characters. The
 * last one is it: that of an earlier request may not have gone altogether.
 */
static void take_irq_thread(struct line *line, const char *irq)
{
	char prefix[32], path[PATH_MAX], comm[32];
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		die("cannot read /proc: %s", strerror(errno));
	snprintf(prefix, sizeof(prefix), "irq/%s-", irq);
	while ((entry = readdir(proc))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(comm, sizeof(comm), f) &&
		    !strncmp(comm, prefix, strlen(prefix)))
			line->tid = atoi(entry->d_name);
		fclose(f);
	}
	closedir(proc);
	if (!line->tid)
		die("interrupt %s has no thread", irq);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)line->tid);
	line->stat_fd = open_attribute(path, O_RDONLY);
	stay_on_processor(line->tid);
}

static void find_irq(struct line *line)
{
	char path[PATH_MAX], found[16] = "";
	struct dirent *entry;
	DIR *irqs = opendir(IRQS);

	if (!irqs)
		die("cannot read %s: %s", IRQS, strerror(errno));
	while ((entry = readdir(irqs))) {
		if (!irq_is_of(entry->d_name, line))
			continue;
		if (found[0])
			die("%s: interrupts %s and %s both match: say which "
			    "with --consumer",
			    line->name, found, entry->d_name);
		snprintf(found, sizeof(found), "%.15s", entry->d_name);
	}
	closedir(irqs);
	if (!found[0])
		die("%s: nobody waits for its edges", line->name);

	take_irq_thread(line, found);
	snprintf(path, sizeof(path), IRQS "/%s/per_cpu_count", found);
	line->count_fd = open_attribute(path, O_RDONLY);
	line->count_start = irq_count(line);
}

static void poll_kernel(struct line *line)
{
	if (irq_count(line) - line->count_start == line->detected &&
	    irq_thread_sleeps(line))
		line->stamped = line->detected;
	else
		sched_yield();
}

static void count_event(const char *text)
{
	size_t len = strcspn(text, " \t\n");
	unsigned int i;

	for (i = 0; i < num_lines; i++) {
		if (strlen(lines[i].name) == len &&
		    !strncmp(lines[i].name, text, len)) {
			lines[i].stamped++;
			return;
		}
	}
}

/* Take what the observer has written; waits for it, but not for ever. */
static void read_observer(void)
{
	struct pollfd pfd = {.fd = arg_wait_fd, .events = POLLIN};
	static char text[65536];
	static size_t used;
	char *start = text, *end;
	ssize_t n;

	if (poll(&pfd, 1, (int)(STAMP_LIMIT_NS / 1000000)) <= 0)
		return;
	n = read(arg_wait_fd, text + used, sizeof(text) - used);
	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0)
		die("the observer ended before the last edge%s%s",
		    n ? ": " : "", n ? strerror(errno) : "");
	used += (size_t)n;
	while ((end = memchr(start, '\n', used - (size_t)(start - text)))) {
		count_event(start);
		start = end + 1;
	}
	used -= (size_t)(start - text);
	if (used == sizeof(text))
		die("the observer writes no lines");
	memmove(text, start, used);
}

static void wait_stamped(struct line *line)
{
	uint64_t limit = now_ns() + STAMP_LIMIT_NS;

	while (line->stamped < line->detected) {
		if (arg_closed_loop)
			poll_kernel(line);
		else
			read_observer();
		if (now_ns() > limit)
			die("%s: %llu edges made, %llu stamped, no more come",
			    line->name, (unsigned long long)line->detected,
			    (unsigned long long)line->stamped);
	}
}

static void make_edge(struct line *line)
{
	const char *pull = line->level ? "pull-down" : "pull-up";
	bool detected =
		arg_edges & (line->level ? EDGES_FALLING : EDGES_RISING);

	if (pwrite(line->pull_fd, pull, strlen(pull), 0) < 0)
		die("cannot write %s: %s", line->pull, strerror(errno));
	line->level = !line->level;
	if (line->level)
		line->rising++;
	else
		line->falling++;
	if (detected)
		line->detected++;
}

/*
 * A deadline that is over is not slept for: without high resolution timers,
 * even that would last until the next tick.
 */
static void wait_deadline(uint64_t start_ns, uint64_t edge)
{
	double after_ns = (double)edge * (double)NSEC_PER_SEC / arg_rate_hz;
	uint64_t t_ns = start_ns + (uint64_t)after_ns;
	struct timespec ts = {
		.tv_sec = (time_t)(t_ns / NSEC_PER_SEC),
		.tv_nsec = (long)(t_ns % NSEC_PER_SEC),
	};

	while (now_ns() < t_ns &&
	       clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
		       EINTR)
		;
}

/* The lines take turns; returns how long it took. */
static uint64_t generate(void)
{
	bool wait = arg_closed_loop || arg_wait_fd >= 0;
	uint64_t start_ns = now_ns();
	uint64_t i;

	for (i = 0; i < arg_count; i++) {
		struct line *line = &lines[i % num_lines];

		if (wait)
			wait_stamped(line);
		if (arg_rate_hz > 0)
			wait_deadline(start_ns, i);
		make_edge(line);
	}
	for (i = 0; wait && i < num_lines; i++)
		wait_stamped(&lines[i]);
	return now_ns() - start_ns;
}

static void print_summary(uint64_t elapsed_ns)
{
	unsigned int i;

	printf("{\"generated\":%llu,\"elapsed_ns\":%llu,\"mode\":\"%s\","
	       "\"rate_hz\":%g,\"lines\":[",
	       (unsigned long long)arg_count, (unsigned long long)elapsed_ns,
	       arg_closed_loop || arg_wait_fd >= 0 ? "closed-loop"
						   : "open-loop",
	       arg_rate_hz);
	for (i = 0; i < num_lines; i++) {
		const struct line *l = &lines[i];

		printf("%s{\"line\":\"%s\",\"edges\":%llu,\"rising\":%llu,"
		       "\"falling\":%llu,\"first_level\":%d,"
		       "\"last_level\":%d}",
		       i ? "," : "", l->name,
		       (unsigned long long)(l->rising + l->falling),
		       (unsigned long long)l->rising,
		       (unsigned long long)l->falling, l->first_level,
		       l->level);
	}
	puts("]}");
	if (fflush(stdout) || ferror(stdout))
		die("cannot write the summary: %s", strerror(errno));
}

static void usage(FILE *f)
{
	fputs("usage: edge-gen --pull [NAME=]FILE... --count N [OPTION]...\n"
	      "\n"
	      "  --pull [NAME=]FILE  pull attribute of a gpio-sim line; the\n"
	      "                      lines take turns\n"
	      "  --count N           edges in all\n"
	      "  --rate HZ           edges per second in all, at absolute\n"
	      "                      deadlines (default: as fast as possible)\n"
	      "  --closed-loop       wait until the kernel has stamped an edge\n"
	      "                      before the next one on its line\n"
	      "  --consumer NAME     of the lines, when several chips are there\n"
	      "  --wait-fd N         the same, by an observer's word: a text\n"
	      "                      line per event, its first word the NAME\n"
	      "  --wait-stdin        --wait-fd 0\n"
	      "  --edges both|rising|falling\n"
	      "                      what the lines' owner has asked for\n"
	      "\n"
	      "Prints what it did as one JSON object.\n",
	      f);
}

static void add_line(char *arg)
{
	struct line *line = &lines[num_lines];
	char *equals = strchr(arg, '=');
	const char *offset;

	if (num_lines++ == MAX_LINES)
		die("more than %d lines", MAX_LINES);
	line->pull = equals ? equals + 1 : arg;
	offset = strstr(line->pull, "/sim_gpio");
	if (!offset || sscanf(offset, "/sim_gpio%u/", &line->offset) != 1)
		die("%s is no pull attribute of gpio-sim", line->pull);
	if (equals)
		snprintf(line->name, sizeof(line->name), "%.*s",
			 (int)(equals - arg), arg);
	else
		snprintf(line->name, sizeof(line->name), "%u", line->offset);
	if (strpbrk(line->name, "\"\\ \t\n"))
		die("%s is no name for a line here", line->name);
	line->pull_fd = open_attribute(line->pull, O_RDWR);
	line->level =
		!strcmp(read_attribute(line->pull_fd, line->pull), "pull-up\n");
	line->first_level = line->level;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-')
		die("%s is no number", text);
	return n;
}

static enum edges edges(const char *text)
{
	if (!strcmp(text, "both"))
		return EDGES_BOTH;
	if (!strcmp(text, "rising"))
		return EDGES_RISING;
	if (!strcmp(text, "falling"))
		return EDGES_FALLING;
	die("%s is none of both, rising, falling", text);
}

static double rate(const char *text)
{
	char *end;
	double hz = strtod(text, &end);

	if (end == text || *end || !(hz > 0) || hz > 1e9)
		die("%s is no rate", text);
	return hz;
}

static void parse_option(int c)
{
	switch (c) {
	case 'p':
		add_line(optarg);
		break;
	case 'n':
		arg_count = number(optarg);
		break;
	case 'r':
		arg_rate_hz = rate(optarg);
		break;
	case 'c':
		arg_closed_loop = true;
		break;
	case 'C':
		arg_consumer = optarg;
		break;
	case 'w':
		arg_wait_fd = (int)number(optarg);
		break;
	case 'W':
		arg_wait_fd = STDIN_FILENO;
		break;
	case 'e':
		arg_edges = edges(optarg);
		break;
	case 'h':
		usage(stdout);
		exit(0);
	default:
		usage(stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"pull", required_argument, NULL, 'p'},
		{"count", required_argument, NULL, 'n'},
		{"rate", required_argument, NULL, 'r'},
		{"closed-loop", no_argument, NULL, 'c'},
		{"consumer", required_argument, NULL, 'C'},
		{"wait-fd", required_argument, NULL, 'w'},
		{"wait-stdin", no_argument, NULL, 'W'},
		{"edges", required_argument, NULL, 'e'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	unsigned int i;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
		parse_option(c);
	if (optind != argc || !num_lines || !arg_count ||
	    (arg_closed_loop && arg_wait_fd >= 0)) {
		usage(stderr);
		return 2;
	}
	if (arg_closed_loop) {
		processor = sched_getcpu();
		stay_on_processor(0);
		for (i = 0; i < num_lines; i++)
			find_irq(&lines[i]);
	}
	print_summary(generate());
	return 0;
}
