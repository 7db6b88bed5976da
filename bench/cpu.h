/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The machine under the benchmarks: a cycle clock, pinning, and runs in a
 * child process that cannot hang the whole.
 */
#ifndef BENCH_CPU_H
#define BENCH_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* The loop runs here, whoever sets, puts or pushes runs there. */
enum { CPU_PRODUCER = 0, CPU_LOOP = 1 };

static inline uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

/*
 * One reading of the cycle clock that nothing moves across: what came
 * before is done, what follows has not begun.
 */
static inline uint64_t tick_now(void)
{
#if defined(__x86_64__)
	uint32_t low, high;

	__asm__ volatile("lfence\n\trdtsc\n\tlfence"
			 : "=a"(low), "=d"(high)
			 :
			 : "memory");
	return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
	uint64_t t;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb"
			 : "=r"(t)
			 :
			 : "memory");
	return t;
#else
	return clock_ns();
#endif
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

/* Must run once, before the first fork. */
void cpu_calibrate(void);

double tick_to_ns(uint64_t ticks);
uint64_t ns_to_tick(double ns);

/* A timed interval without the cost of the clock itself, in ns. */
double tick_span_ns(uint64_t start, uint64_t end);

/* Pin the calling thread to the @nth CPU that the process may use. */
void cpu_pin(unsigned int nth);

unsigned int cpu_count(void);

/*
 * The C library leaves the locked instruction of a mutex out while a process
 * has had one thread only; no real user of a mutex has.
 */
void cpu_be_threaded(void);

/* Wait until thread @tid of this process sleeps in the kernel. */
void thread_wait_blocked(pid_t tid);

/* One look: does it sleep? */
bool thread_is_blocked(pid_t tid);

pid_t thread_id(void);

/* Numbers a child may hand back. */
enum { CHILD_VALUES_MAX = 16 };

typedef void child_fn(const void *arg, double *ret_values);

/*
 * Run @fn in a child and wait at most @timeout_s. A value that it did not
 * write, or all of them when it died or took too long, is NaN.
 */
void child_run(child_fn *fn, const void *arg, unsigned int timeout_s,
	       double *ret_values);

/* One way a cache line takes from CPU to CPU, and the skew of their clocks. */
void cpu_measure_line(double *ret_line_ns, double *ret_skew_ns);

/*
 * What an uncontended locked exchange costs, ns: in place, and in a function
 * that is called. The call waits for the exchange and the exchange for the
 * call, so on some CPUs it nearly doubles.
 */
void cpu_measure_xchg(unsigned int n, double *ret_inline_ns,
		      double *ret_call_ns);

#endif /* BENCH_CPU_H */
