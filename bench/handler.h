/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* A signal handler that interrupts one thread after a given time. */
#ifndef BENCH_HANDLER_H
#define BENCH_HANDLER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Install @fn and make a timer whose signal goes to the calling thread. */
void handler_open(void (*fn)(int), timer_t *ret_timer);

/* Fire once after @after_ns; again each @every_ns unless 0. */
void handler_arm(timer_t timer, uint64_t after_ns, uint64_t every_ns);

/* Make every system call of this thread a call of nothing but a count. */
bool syscalls_trap(void);

/* Calls since syscalls_trap(). */
unsigned int syscalls_seen(void);

#endif /* BENCH_HANDLER_H */
