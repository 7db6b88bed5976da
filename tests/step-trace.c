/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Interruption at every instruction: what a tracer does. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "step-trace.h"

#if defined(__x86_64__)
#define REGS_PC rip
static const unsigned char break_bytes[] = {0xcc};
/* Where the CPU stands after a breakpoint, and must to go on. */
#define PC_AFTER_BREAK 1
#define PC_TO_GO_ON 1
#elif defined(__aarch64__)
#define REGS_PC pc
static const unsigned char break_bytes[] = {0x00, 0x00, 0x20, 0xd4};
#define PC_AFTER_BREAK 0
#define PC_TO_GO_ON 4
#endif

#define HANG_STEPS 20000 /* a handler's work is far less */
/* When to begin to count them. */
#define LOOK_US 100000
#define LOOKS_MAX 100
#define LONG_NS 100000000

struct step_site step_sites[STEP_SITES_MAX];
size_t step_n_sites;
char step_verdict[512];

/* The bytes from the first site to behind the last. */
static unsigned char *text, *text_planted;
static size_t text_bytes;

static pid_t child;
static int child_mem = -1;

void step_die(const char *what)
{
	fprintf(stderr, "step: %s: %s\n", what, strerror(errno));
	exit(1);
}

uintptr_t step_get_pc(void)
{
	struct user_regs_struct regs;
	struct iovec io = {&regs, sizeof(regs)};

	if (ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &io) < 0)
		step_die("PTRACE_GETREGSET");
	return regs.REGS_PC;
}

static void move_pc(long bytes)
{
	struct user_regs_struct regs;
	struct iovec io = {&regs, sizeof(regs)};

	if (!bytes)
		return;
	if (ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &io) < 0)
		step_die("PTRACE_GETREGSET");
	regs.REGS_PC += bytes;
	if (ptrace(PTRACE_SETREGSET, child, NT_PRSTATUS, &io) < 0)
		step_die("PTRACE_SETREGSET");
}

static void write_text(uintptr_t pc, const void *bytes, size_t n)
{
	if (pwrite(child_mem, bytes, n, (off_t)pc) != (ssize_t)n)
		step_die("/proc/PID/mem");
}

static void read_text(uintptr_t pc, void *bytes, size_t n)
{
	if (pread(child_mem, bytes, n, (off_t)pc) != (ssize_t)n)
		step_die("/proc/PID/mem");
}

struct step_site *step_find_site(uintptr_t pc)
{
	size_t low = 0, high = step_n_sites;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (step_sites[middle].pc < pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low < step_n_sites && step_sites[low].pc == pc ? &step_sites[low]
							      : NULL;
}

void step_fail_at(uintptr_t pc, const char *what)
{
	const struct step_site *site = step_find_site(pc);

	if (site)
		snprintf(step_verdict, sizeof(step_verdict), "%s: %s",
			 site->what, what);
	else
		snprintf(step_verdict, sizeof(step_verdict), "at %#lx: %s",
			 (unsigned long)pc, what);
}

/* False: it is gone or stopped by a signal that is none of ours. */
static bool judge_stop(int status)
{
	char what[100];

	if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP)
		return true;
	if (WIFSTOPPED(status))
		snprintf(what, sizeof(what), "stopped by %s",
			 strsignal(WSTOPSIG(status)));
	else
		snprintf(what, sizeof(what), "ended, status %#x", status);
	step_fail_at(WIFSTOPPED(status) ? step_get_pc() : 0, what);
	return false;
}

static int wait_child(void)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			step_die("waitpid");
	}
	return status;
}

/* Of look_for_hang(). */
static bool is_late_stop(int status)
{
	return WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP;
}

bool step_once(void)
{
	int status;

	if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) < 0)
		step_die("PTRACE_SINGLESTEP");
	status = wait_child();
	if (is_late_stop(status))
		return step_once();
	return judge_stop(status);
}

/* It runs for long: does it get anywhere? True: at a mark or breakpoint. */
static bool look_for_hang(void)
{
	unsigned char bytes[sizeof(break_bytes)];
	int status, n;

	kill(child, SIGSTOP);
	status = wait_child();
	/* It may just have got there, and will see the stop later. */
	if (!is_late_stop(status))
		return judge_stop(status);
	for (n = 0; n < HANG_STEPS; n++) {
		read_text(step_get_pc(), bytes, sizeof(bytes));
		if (!memcmp(bytes, break_bytes, sizeof(bytes)))
			return step_go_on(0);
		if (!step_once())
			return false;
	}
	step_fail_at(step_get_pc(), "hangs");
	return false;
}

/* A sandbox does not let us: the test cannot be made here. */
static void refused(const char *what)
{
	printf("step: skipped: %s: %s\n", what, strerror(errno));
	exit(77);
}

static uint64_t child_cpu_ns(void)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(child, &clock) != 0 ||
	    clock_gettime(clock, &used) < 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* As waitpid(2), but gives up when the child runs for long: -1, EINTR. */
static pid_t wait_for_long(int *ret_status)
{
	const struct itimerval look = {
		.it_value.tv_usec = LOOK_US,
		.it_interval.tv_usec = LOOK_US,
	};
	const struct itimerval off = {.it_value.tv_usec = 0};
	uint64_t since_ns = 0;
	unsigned int looks = 0;
	pid_t r;

	setitimer(ITIMER_REAL, &look, NULL);
	while ((r = waitpid(child, ret_status, 0)) < 0 && errno == EINTR) {
		if (!looks)
			since_ns = child_cpu_ns();
		/* It may be that it sleeps, or that others have the CPU. */
		if (++looks >= LOOKS_MAX ||
		    child_cpu_ns() - since_ns > LONG_NS) {
			errno = EINTR;
			break;
		}
	}
	setitimer(ITIMER_REAL, &off, NULL);
	return r;
}

/* Waits for its next mark or breakpoint. */
static bool await(void)
{
	int status;
	pid_t r = wait_for_long(&status);

	if (r < 0 && errno == EINTR)
		return look_for_hang();
	if (r < 0)
		step_die("waitpid");
	if (is_late_stop(status))
		return step_go_on(0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		errno = step_shared->trace_errno;
		refused("ptrace");
	}
	return judge_stop(status);
}

/* Lets it go on, with a signal or 0, to its next mark or breakpoint. */
bool step_go_on(int signo)
{
	if (ptrace(PTRACE_CONT, child, NULL, (void *)(intptr_t)signo) < 0)
		step_die("PTRACE_CONT");
	return await();
}

/* At a mark: which, and ready to go on. At a breakpoint: none. */
enum step_mark step_take_mark(void)
{
	enum step_mark what = step_shared->mark;

	step_shared->mark = STEP_MARK_NONE;
	if (what)
		move_pc(PC_TO_GO_ON - PC_AFTER_BREAK);
	return what;
}

/* Goes on to that mark and to no other, nor a breakpoint. */
bool step_go_on_to(enum step_mark what, int signo)
{
	if (!step_go_on(signo))
		return false;
	if (step_take_mark() == what)
		return true;
	step_fail_at(step_get_pc(), "not where it should be");
	return false;
}

bool step_run_to(uintptr_t pc)
{
	unsigned char bytes[sizeof(break_bytes)];
	bool ok;

	if (step_get_pc() == pc)
		return true;
	read_text(pc, bytes, sizeof(bytes));
	write_text(pc, break_bytes, sizeof(break_bytes));
	ok = step_go_on(0);
	if (ok && (step_shared->mark || step_get_pc() != pc + PC_AFTER_BREAK)) {
		step_fail_at(pc, "not reached again");
		ok = false;
	}
	if (ok)
		move_pc(-PC_AFTER_BREAK);
	write_text(pc, bytes, sizeof(bytes));
	return ok;
}

/*
 * Many breakpoints
 */

void step_plant(void)
{
	size_t i;

	if (!step_n_sites)
		return;
	memcpy(text_planted, text, text_bytes);
	for (i = 0; i < step_n_sites; i++) {
		if (!step_sites[i].is_planned)
			memcpy(text_planted +
				       (step_sites[i].pc - step_sites[0].pc),
			       break_bytes, sizeof(break_bytes));
	}
	write_text(step_sites[0].pc, text_planted, text_bytes);
}

void step_unplant(void)
{
	if (step_n_sites)
		write_text(step_sites[0].pc, text, text_bytes);
}

struct step_site *step_pluck(void)
{
	struct step_site *site;

	move_pc(-PC_AFTER_BREAK);
	site = step_find_site(step_get_pc());
	if (!site || site->is_planned) {
		step_fail_at(step_get_pc(), "a stop for no reason");
		return NULL;
	}
	write_text(site->pc, text + (site->pc - step_sites[0].pc),
		   sizeof(break_bytes));
	return site;
}

static void read_image(void)
{
	if (text || !step_n_sites)
		return;
	/* Behind the last there is a whole instruction, at most 15 bytes. */
	text_bytes = step_sites[step_n_sites - 1].pc - step_sites[0].pc + 16;
	text = malloc(text_bytes);
	text_planted = malloc(text_bytes);
	if (!text || !text_planted)
		step_die("malloc");
	read_text(step_sites[0].pc, text, text_bytes);
}

/*
 * The beginning and the end
 */

void step_read_sites(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned long pc;

	if (!f)
		step_die(path);
	while (step_n_sites < STEP_SITES_MAX &&
	       fscanf(f, "%lx %99[^\n]", &pc, step_sites[step_n_sites].what) ==
		       2)
		step_sites[step_n_sites++].pc = pc;
	if (!feof(f) || ferror(f) || !step_n_sites) {
		fprintf(stderr, "step: %s: cannot be used\n", path);
		exit(1);
	}
	fclose(f);
}

static void start_child(void)
{
	fflush(stdout);
	child = fork();
	if (child < 0)
		step_die("fork");
	if (child == 0)
		step_run_child();
}

void step_end(void)
{
	if (child_mem >= 0)
		close(child_mem);
	child_mem = -1;
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The first stop of a child: it may be that tracing is not allowed. */
static bool meet_child(void)
{
	char path[40];

	if (!await())
		return false;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)child);
	child_mem = open(path, O_RDWR | O_CLOEXEC);
	if (child_mem < 0)
		refused(path);
	if (ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_EXITKILL) < 0)
		step_die("PTRACE_SETOPTIONS");
	if (step_take_mark() == STEP_MARK_BEGIN)
		return true;
	step_fail_at(step_get_pc(), "does not begin");
	return false;
}

bool step_start(void)
{
	start_child();
	if (!meet_child())
		return false;
	read_image();
	return true;
}

static void on_alarm(int signo)
{
	(void)signo;
}

/* A stop and a go cost ten times as much from one CPU to another. */
static void stay_on_one_cpu(unsigned int worker)
{
	cpu_set_t any, one;
	int cpu;

	if (sched_getaffinity(0, sizeof(any), &any) < 0)
		return;
	worker %= (unsigned int)CPU_COUNT(&any);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &any) && worker-- == 0)
			break;
	}
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

void step_trace_init(unsigned int worker)
{
	const struct sigaction action = {.sa_handler = on_alarm};

	stay_on_one_cpu(worker);
	sigaction(SIGALRM, &action, NULL);
}
