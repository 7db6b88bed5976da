/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The sources of test-teardown: of every kind, each with bridges of its own
 * that its handler leads to.
 */
#ifndef TEARDOWN_H
#define TEARDOWN_H

#include "xt-pin.h"

enum kind {
	PIN_SOFT,
	PIN_LOOP,
	PIN_HARD,
	PIN_HIGH,
	SIGNAL_SOFT,
	SIGNAL_HARD,
	QUEUED_SOFT,
	QUEUED_HARD,
	TIMER_SOFT,
	TIMER_HARD,
	TIMER_HIGH,
	FD_SOFT,
	FD_HARD,
	USER_SOFT,
	USER_HARD,
	KINDS
};

/* The signals of those kinds. */
extern const int signals[];

struct thing {
	enum kind kind;
	struct isr_source *source;
	int fds[2];
	unsigned int fails_at;
	atomic_bool is_closed;
	/* expirations of a timer one by one; and what was fired */
	atomic_uint n_handled, n_fired;
	atomic_uint lost;
	struct isr_flag flag;
	struct isr_ring ring;
	struct isr_event slots[8];
	struct thing *next;
};

/* The loop of the round; NULL once it is freed. */
extern struct isr_loop *flooded;
/*
 * Who may touch what is about to go, the loop and its sources: the flood
 * tries, the test holds.
 */
extern struct isr_guard gate;
/* Held while the flood's thread must not get signals. */
extern struct isr_guard quiet;
extern struct thing *things[KINDS]; /* NULL: closed; behind the gate */
/* Handlers that ran after close, and all, by kind. */
extern atomic_uint n_late, n_seen[KINDS];

void hold_gate(void);
void drop_gate(void);

/* Print a seed, and begin with it. */
void sow(void);
/* 0 to n - 1; for the loop's thread, outside its signal handlers. */
uint32_t any(uint32_t n);
/* The same, of a state that is not 0. */
uint32_t choose(uint32_t *random, uint32_t n);

bool is_fd(enum kind kind);
/* Its place is empty. */
void open_thing(enum kind kind);
/* Perhaps checks its account, unless its handler is the caller. */
void close_thing(struct thing *thing, bool from_its_handler);
/* One by chance, or none; running: whose handler the caller is. */
void close_any(struct thing *running);

/* With the loop all are gone: a handler is late from now on. */
void mark_all_closed(void);
/* After that, and after the flood. */
void bury_all(void);
void empty_graveyard(void);

#endif /* TEARDOWN_H */
