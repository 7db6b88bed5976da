/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Interruption at every instruction: the machinery (step.h says what a
 * scenario is).
 *
 * A parent traces the child that runs the scenario. First it steps through
 * the operation and notes each instruction. Then, for each of them, the child
 * starts anew, runs up to that instruction (a breakpoint, because a step of
 * the CPU may cost as much as a thousand instructions), takes the signal
 * there, and goes on to its check. What an operation does only because it was
 * interrupted, such as a second try, lies on no path without interruption: so
 * after the handler there are breakpoints on all instructions that have not
 * been interrupted yet, and what is met there is interrupted as well, in a
 * trial of its own.
 *
 * A child that does not come to its end is let go on by a limited number of
 * steps; then it hangs. So a slow machine is no hang.
 *
 * usage: step SITES [PATTERN...]      only scenarios that match
 *   SITES has a line for each instruction that must be interrupted: its
 *   address in hexadecimal and what it is. Those that were not are printed.
 */
#include <fnmatch.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "step-trace.h"
#include "step.h"

#define TRACE_MAX 20000 /* instructions of an operation */
#define EXTRA_MAX 3	/* interruptions after the first */
#define PLANS_MAX 40000
/* Of an instruction in a loop: the first rounds, and the last. */
#define ROUNDS_FIRST 3

/* One trial: where to interrupt. */
struct plan {
	unsigned int first;
	unsigned int n_extra;
	uintptr_t extra[EXTRA_MAX];
};

static struct plan plans[PLANS_MAX];
static size_t n_plans;
static uintptr_t trace[TRACE_MAX];
static size_t n_trace;
/* Of this worker. */
static unsigned long n_injections;

/* The workers together. */
static struct together {
	_Atomic unsigned int next, n_run, n_failed;
	_Atomic unsigned long n_injections;
	_Atomic bool is_covered[STEP_SITES_MAX];
} * together;

static const struct step_scenario *const all[] = {
	step_flag_scenarios,  step_wake_scenarios,	step_wait_scenarios,
	step_ring_scenarios,  step_byte_ring_scenarios, step_latch_scenarios,
	step_guard_scenarios, step_word_scenarios,	step_schedule_scenarios,
	step_emerg_scenarios, step_mask_scenarios,	step_delay_scenarios,
};

/* To the end of a trial: from run() through check() to the next begin. */
static bool finish_trial(void)
{
	uintptr_t pc = step_get_pc();

	if (!step_go_on_to(STEP_MARK_BEGIN, 0))
		return false;
	if (!step_shared->failure[0])
		return true;
	step_fail_at(pc, (const char *)step_shared->failure);
	return false;
}

static void plan(const struct plan *what)
{
	if (n_plans == PLANS_MAX) {
		fprintf(stderr, "step: PLANS_MAX\n");
		exit(1);
	}
	plans[n_plans++] = *what;
}

extern const char __executable_start[], etext[];

/*
 * All of the library and of what it calls, but not the scenario's own code,
 * nor each round of a loop.
 */
static bool is_worth_it(size_t at)
{
	uintptr_t pc = trace[at];
	unsigned int before = 0;
	size_t i;

	if (pc >= (uintptr_t)__executable_start && pc < (uintptr_t)etext &&
	    !step_find_site(pc))
		return false;
	for (i = 0; i < at; i++)
		before += trace[i] == pc;
	if (before < ROUNDS_FIRST)
		return true;
	for (i = at + 1; i < n_trace; i++) {
		if (trace[i] == pc)
			return false;
	}
	return true;
}

/* Steps through the operation once, with no interruption. */
static bool record(void)
{
	struct step_site *site;
	size_t i;

	for (n_trace = 0; n_trace < TRACE_MAX; n_trace++) {
		trace[n_trace] = step_get_pc();
		if (!step_once())
			return false;
		if (step_shared->mark)
			break;
	}
	/* The mark is written, and the breakpoint comes next. */
	if (step_shared->mark && !step_go_on(0))
		return false;
	for (i = 0; i < n_trace; i++) {
		site = step_find_site(trace[i]);
		if (site)
			site->is_planned = true;
		if (is_worth_it(i))
			plan(&(struct plan){.first = (unsigned int)i});
	}
	if (step_take_mark() != STEP_MARK_END) {
		step_fail_at(step_get_pc(), "takes too many instructions");
		return false;
	}
	return finish_trial();
}

/* To the first instruction that is to be interrupted. */
static bool run_to_first(unsigned int first)
{
	uintptr_t pc = trace[first];
	unsigned int i, before = 0;

	for (i = 0; i < first; i++)
		before += trace[i] == pc;
	for (i = 0; i < before; i++) {
		if (!step_run_to(pc) || !step_once())
			return false;
	}
	return step_run_to(pc);
}

static bool inject(void)
{
	struct step_site *site = step_find_site(step_get_pc());

	n_injections++;
	if (site)
		together->is_covered[site - step_sites] = true;
	return step_go_on_to(STEP_MARK_HANDLED, SIGUSR1);
}

/* After the interruptions: what is met that was not interrupted yet? */
static bool go_on_and_look(const struct plan *done)
{
	struct plan next = *done;
	struct step_site *site;

	step_plant();
	for (;;) {
		if (!step_go_on(0))
			return false;
		if (step_shared->mark)
			break;
		site = step_pluck();
		if (!site)
			return false;
		site->is_planned = done->n_extra < EXTRA_MAX;
		if (site->is_planned) {
			next.n_extra = done->n_extra + 1;
			next.extra[done->n_extra] = site->pc;
			plan(&next);
		}
	}
	step_unplant();
	if (step_take_mark() == STEP_MARK_END)
		return true;
	step_fail_at(step_get_pc(), "not where it should be");
	return false;
}

static bool try(const struct plan *what)
{
	char where[200] = "";
	unsigned int i;

	if (!run_to_first(what->first) || !inject())
		return false;
	for (i = 0; i < what->n_extra; i++) {
		if (!step_run_to(what->extra[i]) || !inject())
			return false;
	}
	if (go_on_and_look(what) && finish_trial())
		return true;
	snprintf(where, sizeof(where), "%s", step_verdict);
	step_fail_at(what->n_extra ? what->extra[what->n_extra - 1]
				   : trace[what->first],
		     where);
	return false;
}

static bool run_scenario(const struct step_scenario *scenario)
{
	unsigned long before = n_injections;
	bool ok;
	size_t i;

	step_now = scenario;
	n_plans = 0;
	memset((void *)step_shared, 0, sizeof(*step_shared));
	step_verdict[0] = '\0';
	for (i = 0; i < step_n_sites; i++)
		step_sites[i].is_planned = false;

	ok = step_start() && record();
	for (i = 0; ok && i < n_plans; i++)
		ok = try(&plans[i]);
	step_end();

	if (ok)
		printf("ok: %s: %zu instructions, %lu interruptions\n",
		       scenario->name, n_trace, n_injections - before);
	else
		printf("FAILED: %s: %s\n", scenario->name, step_verdict);
	/* Workers share it. */
	fflush(stdout);
	return ok;
}

static bool print_coverage(void)
{
	size_t i, covered = 0;

	for (i = 0; i < step_n_sites; i++) {
		covered += together->is_covered[i];
		if (!together->is_covered[i])
			printf("never interrupted: %s\n", step_sites[i].what);
	}
	printf("single-step: %lu interruptions\n", together->n_injections);
	printf("single-step: %zu of %zu instructions\n", covered, step_n_sites);
	return covered == step_n_sites;
}

static bool is_wanted(const char *name, char **wanted)
{
	if (!*wanted)
		return true;
	for (; *wanted; wanted++) {
		if (!fnmatch(*wanted, name, 0))
			return true;
	}
	return false;
}

static void *map_shared(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		step_die("mmap");
	return memory;
}

/* One worker a CPU; each takes the next scenario that nobody has taken. */
static void work(unsigned int worker, char **wanted)
{
	const struct step_scenario *scenario;
	unsigned int n = 0, mine;
	size_t i;

	step_trace_init(worker);
	step_shared = map_shared(sizeof(*step_shared));
	mine = together->next++;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (scenario = all[i]; scenario->name; scenario++) {
			if (!is_wanted(scenario->name, wanted) || n++ != mine)
				continue;
			together->n_failed += !run_scenario(scenario);
			together->n_run++;
			mine = together->next++;
		}
	}
	together->n_injections += n_injections;
	fflush(stdout);
}

static bool work_in_parallel(char **wanted)
{
	long i, n = sysconf(_SC_NPROCESSORS_ONLN);
	bool ok = true;
	int status;

	fflush(stdout);
	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			step_die("fork");
		if (pid == 0) {
			work((unsigned int)i, wanted);
			_exit(0);
		}
	}
	while (wait(&status) > 0) {
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			exit(77);
		ok &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	return ok && !together->n_failed;
}

int main(int argc, char **argv)
{
	bool ok;

	if (argc < 2) {
		fprintf(stderr, "usage: step SITES [PATTERN...]\n");
		return 2;
	}
	step_read_sites(argv[1]);
	together = map_shared(sizeof(*together));
	ok = work_in_parallel(argv + 2);
	if (!argv[2])
		ok &= print_coverage();
	/* A pattern that is none proves nothing. */
	if (!together->n_run)
		puts("no scenario has such a name; patterns are globs, as "
		     "'guard*', and match whole names");
	return ok && together->n_run ? 0 : 1;
}
