/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * task: what tasks cost, beside what else gives turns to code.
 *
 *  switch     a turn of one of two that are always ready
 *  spawn      make one, let it run to its end, have its memory again
 *  bytes      memory of each of 10 000 that wait
 *  wake_few   from a set to the task that waits for it
 *  wake_10k   the same beside 10 000 others that wait
 *  sleep_10k  CPU time of one sleep of up to 200 ms, of 10 000 at a time
 *  gap_max    the longest that ordinary work waits for its turn while urgent
 *             work, 20 us at a time, never ends
 *
 * ucontext is a pair of coroutines and no more: no queue, no clock; its spawn
 * maps a stack with a guard. pthread is a thread for each. Loops that have no
 * tasks call functions: idle handlers, timers.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <isrloop.h>

#include "bench.h"
#include "cpu.h"
#include "stat.h"
#include "task.h"

enum {
	N_TURNS = 1000000,
	N_SPAWNS = 20000,
	N_SLEEPS = 50000,
	N_WAKES = 2000,
	STACK_BYTES = 65536,
	GUARD_BYTES = 4096,
	FLOOD_NS = 100000000
};

/* Constant in a run. */
static unsigned int n_wanted, flood_ns;
/* Turns that are not measured: each has begun, and has its memory. */
static unsigned int n_first;
static unsigned int n_turns;
static uint64_t began, cpu_began_ns;

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

void task_begin(void)
{
	began = tick_now();
	cpu_began_ns = cpu_ns();
}

bool task_turn(void)
{
	if (++n_turns == n_first)
		cpu_began_ns = cpu_ns();
	return n_turns >= n_wanted;
}

unsigned int task_sleep_ms(void)
{
	static uint32_t random = 2463534242U;

	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	return 1 + random % TASK_SLEEP_MAX_MS;
}

void task_die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(EXIT_FAILURE);
}

static void check(int r, const char *what)
{
	if (r < 0)
		task_die(what);
}

/*
 * Urgent work that never ends, and the ordinary work's turns
 */

static uint64_t flood_began_ns, last_turn_ns;
static double gap_max_us;

static void note_gap(void)
{
	uint64_t now_ns = clock_ns();
	double gap_us = (double)(now_ns - last_turn_ns) / 1000;

	if (gap_us > gap_max_us)
		gap_max_us = gap_us;
	last_turn_ns = now_ns;
}

void task_ordinary(void)
{
	if (flood_began_ns)
		note_gap();
}

bool task_flood(void)
{
	uint64_t start_ns = clock_ns();

	if (!flood_began_ns)
		flood_began_ns = last_turn_ns = start_ns;
	while (clock_ns() - start_ns < TASK_BURN_NS)
		;
	if (start_ns - flood_began_ns < flood_ns)
		return false;
	note_gap();
	return true;
}

/*
 * isrloop
 */

static struct isr_loop *loop;

static void open_loop(void)
{
	check(isr_loop_new(NULL, &loop), "isr_loop_new");
}

static void spawn(isr_task_cb *fn)
{
	check(isr_spawn(loop, NULL, fn, NULL, NULL), "isr_spawn");
}

static void run_loop(void)
{
	task_begin();
	check(isr_loop_run(loop), "isr_loop_run");
}

static int take_turns(void *arg)
{
	while (!task_turn())
		if (isr_yield() < 0)
			return 0;
	isr_loop_stop(loop);
	return 0;
}

static void isrloop_turns(void)
{
	open_loop();
	spawn(take_turns);
	spawn(take_turns);
	run_loop();
}

static int end_at_once(void *arg)
{
	return 0;
}

static int spawn_all(void *arg)
{
	struct isr_task *task;

	do {
		check(isr_spawn(loop, NULL, end_at_once, NULL, &task),
		      "isr_spawn");
		check(isr_join(task, NULL, ISR_FOREVER), "isr_join");
	} while (!task_turn());
	isr_loop_stop(loop);
	return 0;
}

static void isrloop_spawns(void)
{
	open_loop();
	spawn(spawn_all);
	run_loop();
}

static int sleep_again(void *arg)
{
	while (isr_sleep((int64_t)task_sleep_ms() * 1000000) == 0)
		if (task_turn())
			isr_loop_stop(loop);
	return 0;
}

static void isrloop_sleeps(void)
{
	unsigned int i;

	open_loop();
	for (i = 0; i < TASK_N_ALIVE; i++)
		spawn(sleep_again);
	run_loop();
}

static void flood_cb(struct isr_flag *flag, uint32_t count, void *arg)
{
	if (task_flood())
		isr_loop_stop(loop);
	else
		isr_flag_set(flag);
}

static int be_ordinary(void *arg)
{
	do {
		task_ordinary();
	} while (isr_yield() == 0);
	return 0;
}

static void isrloop_flood(void)
{
	static struct isr_flag flag;

	open_loop();
	check(isr_flag_init(&flag, loop, ISR_FLAG_AUTO), "isr_flag_init");
	check(isr_flag_set_cb(&flag, flood_cb, NULL), "isr_flag_set_cb");
	isr_flag_set(&flag);
	spawn(be_ordinary);
	run_loop();
}

static const struct task_peer task_isrloop = {
	.subject = "isrloop",
	.turns = isrloop_turns,
	.spawns = isrloop_spawns,
	.sleeps = isrloop_sleeps,
	.flood = isrloop_flood,
};

/*
 * 10 000 that wait, and one that is woken
 */

static struct isr_flag never, often;
static uint64_t set_at;
static double wakes[N_WAKES];
static unsigned int n_wakes;

static double resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%*u %lu", &pages) != 1)
		task_die("/proc/self/statm");
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static int wait_for_ever(void *arg)
{
	isr_wait(&never, ISR_FOREVER);
	return 0;
}

static int set_often(void *arg)
{
	do {
		set_at = tick_now();
		isr_flag_set(&often);
	} while (isr_yield() == 0);
	return 0;
}

static int wait_often(void *arg)
{
	while (n_wakes < n_wanted && isr_wait(&often, ISR_FOREVER) > 0)
		wakes[n_wakes++] = tick_span_ns(set_at, tick_now());
	isr_loop_stop(loop);
	return 0;
}

static void alive_child(const void *arg, double *ret_values)
{
	const unsigned int *n_alive = arg;
	double before;
	unsigned int i;

	n_wanted = bench_scale(N_WAKES);
	cpu_pin(CPU_LOOP);
	open_loop();
	check(isr_flag_init(&never, loop, ISR_FLAG_AUTO), "isr_flag_init");
	check(isr_flag_init(&often, loop, ISR_FLAG_AUTO), "isr_flag_init");
	before = resident_bytes();
	for (i = 0; i < *n_alive; i++)
		spawn(wait_for_ever);
	spawn(wait_often);
	spawn(set_often);
	run_loop();
	ret_values[0] = percentile(wakes, n_wakes, 50);
	if (*n_alive)
		ret_values[1] = (resident_bytes() - before) / *n_alive;
}

/*
 * ucontext, pthread
 */

static ucontext_t scheduler, coroutines[2];

static void *map_stack(void)
{
	char *stack =
		mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (stack == MAP_FAILED || mprotect(stack, GUARD_BYTES, PROT_NONE) < 0)
		task_die("no stack");
	return stack;
}

static void make_coroutine(ucontext_t *context, char *stack, void (*fn)(void))
{
	getcontext(context);
	context->uc_stack.ss_sp = stack + GUARD_BYTES;
	context->uc_stack.ss_size = STACK_BYTES;
	context->uc_link = &scheduler;
	makecontext(context, fn, 0);
}

static void switch_for_ever(void)
{
	unsigned int other = 1;

	/* The first goes to the second; who runs next runs here as well. */
	while (!task_turn()) {
		other = !other;
		swapcontext(&coroutines[other], &coroutines[!other]);
	}
	setcontext(&scheduler);
}

static void ucontext_turns(void)
{
	make_coroutine(&coroutines[0], map_stack(), switch_for_ever);
	make_coroutine(&coroutines[1], map_stack(), switch_for_ever);
	task_begin();
	swapcontext(&scheduler, &coroutines[0]);
}

static void end(void)
{
}

static void ucontext_spawns(void)
{
	void *stack;

	task_begin();
	do {
		stack = map_stack();
		make_coroutine(&coroutines[0], stack, end);
		swapcontext(&scheduler, &coroutines[0]);
		munmap(stack, GUARD_BYTES + STACK_BYTES);
	} while (!task_turn());
}

static const struct task_peer task_ucontext = {
	.subject = "ucontext",
	.turns = ucontext_turns,
	.spawns = ucontext_spawns,
};

static void *end_thread(void *arg)
{
	return arg;
}

static void pthread_spawns(void)
{
	pthread_t thread;

	task_begin();
	do {
		if (pthread_create(&thread, NULL, end_thread, NULL) != 0)
			task_die("no thread");
		pthread_join(thread, NULL);
	} while (!task_turn());
}

static const struct task_peer task_pthread = {
	.subject = "pthread",
	.spawns = pthread_spawns,
};

/*
 * The runs
 */

static void turns_child(const void *arg, double *ret_values)
{
	const struct task_peer *peer = arg;

	n_wanted = bench_scale(N_TURNS);
	cpu_pin(CPU_LOOP);
	peer->turns();
	ret_values[0] = tick_span_ns(began, tick_now()) / n_turns;
}

static void spawns_child(const void *arg, double *ret_values)
{
	const struct task_peer *peer = arg;

	n_wanted = bench_scale(N_SPAWNS);
	cpu_pin(CPU_LOOP);
	peer->spawns();
	ret_values[0] = tick_span_ns(began, tick_now()) / n_turns;
}

static void sleeps_child(const void *arg, double *ret_values)
{
	const struct task_peer *peer = arg;

	n_first = TASK_N_ALIVE;
	n_wanted = n_first + bench_scale(N_SLEEPS);
	cpu_pin(CPU_LOOP);
	peer->sleeps();
	ret_values[0] = (double)(cpu_ns() - cpu_began_ns) / (n_turns - n_first);
}

static void flood_child(const void *arg, double *ret_values)
{
	const struct task_peer *peer = arg;

	flood_ns = bench_scale(FLOOD_NS);
	cpu_pin(CPU_LOOP);
	peer->flood();
	ret_values[0] = gap_max_us;
}

static void measure(const struct task_peer *p, bool has, child_fn *fn,
		    const char *metric, const char *unit)
{
	double v[CHILD_VALUES_MAX];

	if (!has)
		return;
	child_run(fn, p, 60, v);
	result_add("task", p->subject, metric, unit, v[0]);
}

static void task_measure(const struct task_peer *p)
{
	measure(p, p->turns, turns_child, "switch", "ns");
	measure(p, p->spawns, spawns_child, "spawn", "ns");
	measure(p, p->sleeps, sleeps_child, "sleep_10k", "ns");
	measure(p, p->flood, flood_child, "gap_max", "us");
}

void bench_task(void)
{
	static const struct task_peer *const tasks[] = {
		&task_isrloop, &task_ucontext, &task_pthread, &task_libev,
#ifdef HAVE_LIBUV
		&task_libuv,
#endif
#ifdef HAVE_GLIB
		&task_glib,
#endif
	};
	const unsigned int few = 0, many = TASK_N_ALIVE;
	double v[CHILD_VALUES_MAX];
	size_t i;

	for (i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
		task_measure(tasks[i]);
	child_run(alive_child, &few, 60, v);
	result_add("task", "isrloop", "wake_few", "ns", v[0]);
	child_run(alive_child, &many, 60, v);
	result_add("task", "isrloop", "wake_10k", "ns", v[0]);
	result_add("task", "isrloop", "bytes", "bytes", v[1]);
}
