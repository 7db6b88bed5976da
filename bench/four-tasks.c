/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * four-tasks: four tasks use the loop for 50, 30, 25 and 10 ms at a time, and
 * each is ready again at once; a fifth waits for an interrupt.
 *
 *  latency_*  from the interrupt, which a thread fires at any point of what
 *             the four do, to the fifth's next instruction
 *  handler_*  to the hard handler of the same interrupt, which has to get the
 *             CPU of the four, and sets the flag that the fifth waits for
 *  step_max_ms  how long one of the four really had the loop: more than 50 ms
 *               when the machine gave the CPU to somebody else meanwhile
 *
 * Each of the four uses its time by the clock, and to its end.
 *
 * libev: watchers in place of tasks, an ev_idle for each of the four and an
 * ev_async for the interrupt. Their order is libev's own.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <ev.h>
#include <isrloop.h>

#include "bench.h"
#include "cpu.h"
#include "stat.h"

enum { N_EVENTS = 240, N_BLOCKERS = 4 };

static const unsigned int steps_ms[N_BLOCKERS] = {50, 30, 25, 10};

struct four {
	const char *subject;
	/* open and run on the loop's thread */
	void (*open)(void);
	void (*run)(void);
	void (*stop)(void);
	/* from another thread */
	void (*fire)(void);
};

static const struct four *four;
/* Constant in a run. */
static unsigned int n_wanted;
static uint64_t ms_ns;
/* Of the interrupt that is on its way; its thread waits for the fifth. */
static uint64_t fired_ns;
static sem_t served;
/* The loop's. */
static double latencies[N_EVENTS];
static unsigned int n_latencies;
static uint64_t step_max_ns;
/* The handler's. */
static double handler_latencies[N_EVENTS];
static unsigned int n_handled;
static _Atomic bool done;

static double ms_since_fired(void)
{
	return (double)(clock_ns() - fired_ns) / (double)ms_ns;
}

static void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(EXIT_FAILURE);
}

static void check(int r, const char *what)
{
	if (r < 0)
		die(what);
}

static void block_ms(unsigned int ms)
{
	uint64_t start_ns = clock_ns(), span_ns;

	do {
		span_ns = clock_ns() - start_ns;
	} while (span_ns < ms * ms_ns);
	if (span_ns > step_max_ns)
		step_max_ns = span_ns;
}

static void serve(void)
{
	latencies[n_latencies++] = ms_since_fired();
	if (n_latencies == n_wanted) {
		atomic_store_explicit(&done, true, memory_order_release);
		four->stop();
	}
	sem_post(&served);
}

/* Up to a little more than all four take once: any point of it. */
static void sleep_to_any_point(void)
{
	static uint32_t random = 2463534242U;
	struct timespec ts = {0};
	uint64_t ns;

	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	ns = random % (125 * ms_ns);
	ts.tv_sec = (time_t)(ns / 1000000000U);
	ts.tv_nsec = (long)(ns % 1000000000U);
	nanosleep(&ts, NULL);
}

static void *interrupt(void *arg)
{
	unsigned int i;

	cpu_pin(CPU_PRODUCER);
	for (i = 0; i < n_wanted; i++) {
		sleep_to_any_point();
		fired_ns = clock_ns();
		four->fire();
		while (sem_wait(&served) < 0)
			;
	}
	return NULL;
}

static void four_child(const void *arg, double *ret_values)
{
	pthread_t thread;

	four = arg;
	n_wanted = bench_scale(N_EVENTS);
	ms_ns = bench_quick ? 20000 : 1000000;
	cpu_pin(CPU_LOOP);
	sem_init(&served, 0, 0);
	four->open();
	if (pthread_create(&thread, NULL, interrupt, NULL) != 0)
		die("no thread");
	four->run();
	pthread_join(thread, NULL);
	ret_values[0] = percentile(latencies, n_latencies, 0);
	ret_values[1] = percentile(latencies, n_latencies, 50);
	ret_values[2] = percentile(latencies, n_latencies, 99);
	ret_values[3] = percentile(latencies, n_latencies, 100);
	ret_values[4] = (double)step_max_ns / (double)ms_ns;
	if (!n_handled)
		return;
	ret_values[5] = percentile(handler_latencies, n_handled, 50);
	ret_values[6] = percentile(handler_latencies, n_handled, 100);
}

/*
 * isrloop: four tasks, a hard source and a flag.
 */

static struct isr_loop *loop;
static struct isr_source *source;
static struct isr_flag flag;

static int block(void *arg)
{
	const unsigned int *ms = arg;

	do {
		block_ms(*ms);
	} while (!atomic_load_explicit(&done, memory_order_acquire) &&
		 isr_yield() == 0);
	return 0;
}

static int on_interrupt(struct isr_source *s, const struct isr_event *event,
			void *arg)
{
	handler_latencies[n_handled++] = ms_since_fired();
	isr_flag_set(&flag);
	return 0;
}

static int wait_for_interrupts(void *arg)
{
	while (n_latencies < n_wanted && isr_wait(&flag, ISR_FOREVER) > 0)
		serve();
	return 0;
}

static void open_isrloop(void)
{
	const struct isr_source_options options = {.hard = true};
	unsigned int i;

	check(isr_loop_new(NULL, &loop), "isr_loop_new");
	check(isr_flag_init(&flag, loop, ISR_FLAG_AUTO), "isr_flag_init");
	check(isr_user_open(loop, &options, on_interrupt, NULL, &source),
	      "isr_user_open");
	check(isr_spawn(loop, NULL, wait_for_interrupts, NULL, NULL),
	      "isr_spawn");
	for (i = 0; i < N_BLOCKERS; i++)
		check(isr_spawn(loop, NULL, block, (void *)&steps_ms[i], NULL),
		      "isr_spawn");
}

static void run_isrloop(void)
{
	check(isr_loop_run(loop), "isr_loop_run");
}

static void stop_isrloop(void)
{
	isr_loop_stop(loop);
}

static void fire_isrloop(void)
{
	const struct isr_event event = {.kind = ISR_EVENT_USER};

	check(isr_source_fire(source, &event), "isr_source_fire");
}

/*
 * libev
 */

static struct ev_loop *ev;
static ev_async async;

static void on_idle(struct ev_loop *l, ev_idle *w, int revents)
{
	const unsigned int *ms = w->data;

	block_ms(*ms);
}

static void on_async(struct ev_loop *l, ev_async *w, int revents)
{
	serve();
}

static void open_libev(void)
{
	static ev_idle idles[N_BLOCKERS];
	unsigned int i;

	ev = ev_loop_new(EVBACKEND_EPOLL);
	if (!ev)
		die("ev_loop_new");
	for (i = 0; i < N_BLOCKERS; i++) {
		ev_idle_init(&idles[i], on_idle);
		idles[i].data = (void *)&steps_ms[i];
		ev_idle_start(ev, &idles[i]);
	}
	ev_async_init(&async, on_async);
	ev_async_start(ev, &async);
}

static void run_libev(void)
{
	ev_run(ev, 0);
}

static void stop_libev(void)
{
	ev_break(ev, EVBREAK_ALL);
}

static void fire_libev(void)
{
	ev_async_send(ev, &async);
}

static const struct four fours[] = {
	{"isrloop", open_isrloop, run_isrloop, stop_isrloop, fire_isrloop},
	{"libev", open_libev, run_libev, stop_libev, fire_libev},
};

void bench_four_tasks(void)
{
	static const char *const metrics[] = {
		"latency_min_ms", "latency_p50_ms", "latency_p99_ms",
		"latency_max_ms", "step_max_ms",    "handler_p50_ms",
		"handler_max_ms",
	};
	double v[CHILD_VALUES_MAX];
	size_t i, k;

	for (i = 0; i < sizeof(fours) / sizeof(fours[0]); i++) {
		child_run(four_child, &fours[i], 120, v);
		for (k = 0; k < sizeof(metrics) / sizeof(metrics[0]); k++)
			result_add("four-tasks", fours[i].subject, metrics[k],
				   "ms", v[k]);
	}
}
