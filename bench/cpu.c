/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The machine under the benchmarks.
 *
 * Every measurement runs in a child of its own: no library sees the threads,
 * handlers or memory of the one before, and a peer that hangs (one of them
 * does, which is the point of that measurement) ends by its time limit.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu.h"
#include "stat.h"

static double ns_per_tick = 1.0;
static uint64_t overhead_ticks;
/* The CPUs that are ours, as the process found them. */
static cpu_set_t cpus_allowed;

static uint64_t measure_overhead(void)
{
	enum { N = 10001 };
	static double spans[N];
	unsigned int i;

	for (i = 0; i < N; i++) {
		uint64_t start = tick_now();

		spans[i] = (double)(tick_now() - start);
	}
	return (uint64_t)percentile(spans, N, 50);
}

void cpu_calibrate(void)
{
	uint64_t ns = clock_ns();
	uint64_t ticks = tick_now();

	if (sched_getaffinity(0, sizeof(cpus_allowed), &cpus_allowed) < 0)
		CPU_ZERO(&cpus_allowed);
	while (clock_ns() - ns < 50000000)
		cpu_relax();
	ticks = tick_now() - ticks;
	ns = clock_ns() - ns;
	ns_per_tick = (double)ns / (double)ticks;
	overhead_ticks = measure_overhead();
}

double tick_to_ns(uint64_t ticks)
{
	return (double)ticks * ns_per_tick;
}

uint64_t ns_to_tick(double ns)
{
	return (uint64_t)(ns / ns_per_tick);
}

double tick_span_ns(uint64_t start, uint64_t end)
{
	uint64_t span = end - start;

	return span > overhead_ticks ? tick_to_ns(span - overhead_ticks) : 0;
}

unsigned int cpu_count(void)
{
	return (unsigned int)CPU_COUNT(&cpus_allowed);
}

void cpu_pin(unsigned int nth)
{
	unsigned int seen = 0;
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &cpus_allowed) && seen++ == nth)
			CPU_SET(cpu, &set);
	/* With one CPU there is no second: all stay where they are. */
	if (CPU_COUNT(&set) > 0)
		(void)sched_setaffinity(0, sizeof(set), &set);
}

static void *nothing(void *arg)
{
	return arg;
}

void cpu_be_threaded(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		pthread_join(thread, NULL);
}

/*
 * Keep other people's processes off the CPUs, as far as one may. Real-time
 * priority would do more, but then a peer that waits for a thread by
 * yielding waits for ever.
 */
static void be_greedy(void)
{
	int fd;

	/* Without the right to do so the neighbours stay audible: no error. */
	(void)setpriority(PRIO_PROCESS, 0, -20);
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	/* Sessions are weighed before processes: have one, and weigh it. */
	(void)setsid();
	fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!write(fd, "-20", 3);
	close(fd);
}

pid_t thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

bool thread_is_blocked(pid_t tid)
{
	char path[64], line[256];
	const char *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	line[n > 0 ? n : 0] = '\0';
	/* "TID (NAME) S ...": the name may hold anything but the last ')'. */
	state = strrchr(line, ')');
	return !state || state[1] != ' ' || state[2] != 'R';
}

void thread_wait_blocked(pid_t tid)
{
	while (!thread_is_blocked(tid))
		sched_yield();
}

static void child_main(child_fn *fn, const void *arg, double *values)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	be_greedy();
	fn(arg, values);
	_exit(0);
}

/* Returns whether the child let go of its end of the pipe in time. */
static bool child_wait(int fd, unsigned int timeout_s)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r;

	do {
		r = poll(&p, 1, (int)timeout_s * 1000);
	} while (r < 0 && errno == EINTR);
	return r != 0;
}

void child_run(child_fn *fn, const void *arg, unsigned int timeout_s,
	       double *ret_values)
{
	const size_t size = CHILD_VALUES_MAX * sizeof(double);
	double *values;
	int fds[2], status = 0, i;
	bool in_time;
	pid_t pid;

	values = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (values == MAP_FAILED || pipe(fds) < 0) {
		perror("bench: no memory or pipe for a run");
		exit(EXIT_FAILURE);
	}
	for (i = 0; i < CHILD_VALUES_MAX; i++)
		values[i] = NAN;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("bench: fork");
		exit(EXIT_FAILURE);
	}
	if (pid == 0) {
		close(fds[0]);
		child_main(fn, arg, values);
	}
	close(fds[1]);
	in_time = child_wait(fds[0], timeout_s);
	close(fds[0]);
	if (!in_time)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	memcpy(ret_values, values, size);
	munmap(values, size);
	if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	fprintf(stderr, "bench: a run %s (wait status 0x%x), not counted\n",
		in_time ? "died" : "took too long", (unsigned int)status);
	for (i = 0; i < CHILD_VALUES_MAX; i++)
		ret_values[i] = NAN;
}

/* A word that goes there and back, and the clock of whoever had it last. */
struct bounce {
	_Alignas(128) _Atomic uint32_t turn;
	_Alignas(128) uint64_t tick_remote;
	_Alignas(128) uint32_t n;
};

static void *bounce_back(void *arg)
{
	struct bounce *b = arg;
	uint32_t i;

	cpu_pin(CPU_LOOP);
	for (i = 0; i < b->n; i++) {
		while (atomic_load_explicit(&b->turn, memory_order_acquire) !=
		       2 * i + 1)
			;
		b->tick_remote = tick_now();
		atomic_store_explicit(&b->turn, 2 * i + 2,
				      memory_order_release);
	}
	return NULL;
}

static void bounce_there(struct bounce *b, double *trips, double *skews)
{
	uint32_t i;

	for (i = 0; i < b->n; i++) {
		uint64_t start = tick_now(), end;

		atomic_store_explicit(&b->turn, 2 * i + 1,
				      memory_order_release);
		while (atomic_load_explicit(&b->turn, memory_order_acquire) !=
		       2 * i + 2)
			;
		end = tick_now();
		trips[i] = tick_to_ns(end - start);
		skews[i] = (double)(int64_t)(b->tick_remote - start) -
			   (double)(end - start) / 2;
	}
}

void cpu_measure_line(double *ret_line_ns, double *ret_skew_ns)
{
	enum { N = 5000 };
	static double trips[N], skews[N];
	static struct bounce b;
	pthread_t thread;

	b = (struct bounce){.n = N};
	cpu_pin(CPU_PRODUCER);
	if (pthread_create(&thread, NULL, bounce_back, &b) != 0)
		return;
	bounce_there(&b, trips, skews);
	pthread_join(thread, NULL);
	/* Two transfers of the word and one of the clock reading. */
	*ret_line_ns = percentile(trips, N, 50) / 2;
	*ret_skew_ns = percentile(skews, N, 50) * ns_per_tick;
}

static _Alignas(128) _Atomic uint32_t xchg_word;

static __attribute__((noinline)) void xchg_call(uint32_t value)
{
	atomic_exchange_explicit(&xchg_word, value, memory_order_seq_cst);
}

void cpu_measure_xchg(unsigned int n, double *ret_inline_ns,
		      double *ret_call_ns)
{
	uint64_t start = tick_now();
	unsigned int i;

	for (i = 0; i < n; i++)
		atomic_exchange_explicit(&xchg_word, i, memory_order_seq_cst);
	*ret_inline_ns = tick_span_ns(start, tick_now()) / n;
	start = tick_now();
	for (i = 0; i < n; i++)
		xchg_call(i);
	*ret_call_ns = tick_span_ns(start, tick_now()) / n;
}
