/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What the parts of the task bench share: who runs counts its turns. */
#ifndef BENCH_TASK_H
#define BENCH_TASK_H

#include <stdbool.h>
#include <stdint.h>

enum { TASK_N_ALIVE = 10000, TASK_SLEEP_MAX_MS = 200, TASK_BURN_NS = 20000 };

/* Each is a run of its own, on the loop's CPU. NULL: has no such thing. */
struct task_peer {
	const char *subject;
	/* Two that are always ready: task_begin(), then turns. */
	void (*turns)(void);
	/* Makes one after the other, as above. */
	void (*spawns)(void);
	/* Many that sleep for task_sleep_ms() each. */
	void (*sleeps)(void);
	/* task_flood() by urgent work, task_ordinary() by ordinary work. */
	void (*flood)(void);
};

/* The loop runs now. */
void task_begin(void);
/* One turn was taken; true: it was the last one wanted. */
bool task_turn(void);
unsigned int task_sleep_ms(void);
/* Urgent work: it takes its time. True: the run is over. */
bool task_flood(void);
void task_ordinary(void);

void task_die(const char *what);

extern const struct task_peer task_libev;
extern const struct task_peer task_libuv;
extern const struct task_peer task_glib;

#endif /* BENCH_TASK_H */
