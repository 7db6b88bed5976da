/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * timer: how late a timer of 1 kHz is, against the grid on which it was
 * started.
 *
 *  loop_idle  a callback of a loop that sleeps between them
 *  loop_busy  the same, while the loop runs callbacks of 0 to 600 us all the
 *             time
 *  isr_busy   in ISR context (a thread of real-time priority, or a signal
 *             handler) on the CPU of that busy loop
 *
 * Of each: p50 and _p99 of the lateness, _rate of the callbacks, _rate_off
 * by which that is not 1000 Hz, _missed expirations, which had no callback
 * of their own.
 */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "cpu.h"
#include "stat.h"
#include "timer.h"

enum { N_TICKS = 2000, BURN_MAX_NS = 600000 };

static const struct timer_peer *const timers[] = {
	&timer_isrloop, &timer_isrloop_task, &timer_timerfd,
	&timer_sigev,	&timer_libev,	     &timer_libev_timerfd,
#ifdef HAVE_LIBUV
	&timer_libuv,
#endif
};

enum value { P50, P99, RATE, RATE_OFF, MISSED, N_VALUES };

static const struct {
	const char *metrics[N_VALUES];
} modes[TIMER_N_MODES] = {
#define MODE(name)                                                         \
	{                                                                  \
		{                                                          \
			name, name "_p99", name "_rate", name "_rate_off", \
				name "_missed"                             \
		}                                                          \
	}
	[TIMER_LOOP_IDLE] = MODE("loop_idle"),
	[TIMER_LOOP_BUSY] = MODE("loop_busy"),
	[TIMER_ISR_BUSY] = MODE("isr_busy"),
};

static const char *const units[N_VALUES] = {"us", "us", "Hz", "Hz", "ticks"};

/* Constant in a run. */
static unsigned int n_wanted;
/* The callback's; others read them when it is done. */
static uint64_t due_ns, began_ns, ended_ns;
static double late_us[N_TICKS];
static unsigned int n_ticks;
static uint64_t n_missed;
static _Atomic bool done;

void timer_begin(uint64_t first_ns)
{
	due_ns = first_ns;
}

/*
 * Expirations that this callback answers, where nobody counts them: one, but
 * two periods late is the most that a timer of the grid can be; it has left
 * out those before.
 */
static uint64_t guess(uint64_t now_ns)
{
	if (now_ns < due_ns + 2 * (uint64_t)TIMER_PERIOD_NS)
		return 1;
	return (now_ns - due_ns) / TIMER_PERIOD_NS;
}

bool timer_tick(uint64_t n)
{
	uint64_t now_ns = clock_ns();

	if (n_ticks == n_wanted)
		return true;
	if (n_ticks == 0)
		began_ns = now_ns;
	/* The one that has waited longest is how late the timer was. */
	if (n == 0) {
		n = guess(now_ns);
		due_ns += (n - 1) * TIMER_PERIOD_NS;
		late_us[n_ticks] = (double)(int64_t)(now_ns - due_ns) / 1000;
		due_ns += TIMER_PERIOD_NS;
	} else {
		late_us[n_ticks] = (double)(int64_t)(now_ns - due_ns) / 1000;
		due_ns += n * TIMER_PERIOD_NS;
	}
	n_missed += n - 1;
	ended_ns = now_ns;
	if (++n_ticks < n_wanted)
		return false;
	atomic_store_explicit(&done, true, memory_order_release);
	return true;
}

bool timer_is_done(void)
{
	return atomic_load_explicit(&done, memory_order_acquire);
}

void timer_burn(void)
{
	static uint32_t random = 2463534242U;
	uint64_t start_ns = clock_ns(), burn_ns;

	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	burn_ns = random % BURN_MAX_NS;
	while (clock_ns() - start_ns < burn_ns)
		;
}

void timer_die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void timer_child(const void *arg, double *ret_values)
{
	void (*const *run)(void) = arg;
	double rate;

	n_wanted = bench_scale(N_TICKS);
	cpu_pin(CPU_LOOP);
	(*run)();
	if (!timer_is_done())
		return;
	rate = (n_ticks - 1) * 1e9 / (double)(ended_ns - began_ns);
	ret_values[P50] = percentile(late_us, n_ticks, 50);
	ret_values[P99] = percentile(late_us, n_ticks, 99);
	ret_values[RATE] = rate;
	ret_values[RATE_OFF] = fabs(rate - 1e9 / TIMER_PERIOD_NS);
	ret_values[MISSED] = (double)n_missed;
}

static void timer_measure(const struct timer_peer *p, enum timer_mode mode)
{
	double v[CHILD_VALUES_MAX];
	unsigned int i;

	child_run(timer_child, &p->run[mode], 30, v);
	for (i = 0; i < N_VALUES; i++)
		result_add("timer", p->subject, modes[mode].metrics[i],
			   units[i], v[i]);
}

void bench_timer(void)
{
	enum timer_mode mode;
	size_t i;

	for (mode = 0; mode < TIMER_N_MODES; mode++)
		for (i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
			if (timers[i]->run[mode])
				timer_measure(timers[i], mode);
}
