/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The benches. Each call is one round over all peers, so that what
 * the machine does meanwhile falls on all of them alike.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>

/* Smoke run: everything is exercised, no figure means anything. */
extern bool bench_quick;

/* How often to do what would be done @n times. */
static inline unsigned int bench_scale(unsigned int n)
{
	unsigned int few = n / 100;

	if (!bench_quick)
		return n;
	return few > 20 ? few : 20;
}

void bench_set(void);
void bench_wake(void);
void bench_ring(void);
void bench_pipeline(void);
void bench_timer(void);
void bench_schedule(void);
void bench_bridge(void);
void bench_four_tasks(void);
void bench_task(void);
void bench_see(void);

/* Parts of wake and ring with a file of their own. */
void bench_lost(void);
void bench_nest(void);

#endif /* BENCH_BENCH_H */
