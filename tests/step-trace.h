/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Interruption at every instruction: what the machinery is made of. The child
 * runs a scenario for ever, and stops at marks; the parent traces it.
 */
#ifndef STEP_TRACE_H
#define STEP_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The breakpoint that is a mark. */
#if defined(__x86_64__)
#define STEP_BREAK "int3"
#elif defined(__aarch64__)
#define STEP_BREAK "brk #0"
#else
#error "which instruction is a breakpoint here?"
#endif

#define STEP_SITES_MAX 20000

enum step_mark {
	STEP_MARK_NONE = 0,
	STEP_MARK_BEGIN,   /* the operation comes next */
	STEP_MARK_HANDLED, /* the handler is about to return */
	STEP_MARK_END	   /* the check comes next */
};

/* Child and parent see it. */
struct step_shared {
	enum step_mark mark;
	unsigned int handled;
	int trace_errno;
	/* The first expectation that did not hold; empty: all did. */
	char failure[256];
};
extern volatile struct step_shared *step_shared;

/* An instruction that must be interrupted. */
struct step_site {
	uintptr_t pc;
	char what[100];
	/* In this scenario: interrupted or about to be. */
	bool is_planned;
};
/* By address. */
extern struct step_site step_sites[];
extern size_t step_n_sites;

/* Why the last of the functions below that return bool said false. */
extern char step_verdict[512];
void step_fail_at(uintptr_t pc, const char *what);

/* In the child, after the fork; for ever. */
void step_run_child(void);

/* For the machinery's own failures: prints errno and exits. */
void step_die(const char *what);

/* Once. A line of the file: an address in hexadecimal, and what is there. */
void step_read_sites(const char *path);
/* By number, from 0 on: child and parent stay on one CPU. */
void step_trace_init(unsigned int worker);
/* NULL: none. */
struct step_site *step_find_site(uintptr_t pc);

/*
 * One child at a time. step_start() brings it to its first STEP_MARK_BEGIN;
 * the program exits with 77 when tracing is not allowed.
 */
bool step_start(void);
void step_end(void);

uintptr_t step_get_pc(void);
/* One instruction. */
bool step_once(void);
/* With a signal or 0, to the next mark or breakpoint. */
bool step_go_on(int signo);
/* At a mark: which, and ready to go on. At a breakpoint: none. */
enum step_mark step_take_mark(void);
/* To that mark and to no other, nor a breakpoint. */
bool step_go_on_to(enum step_mark what, int signo);
/* Until just before that instruction. */
bool step_run_to(uintptr_t pc);

/* Breakpoints on all sites that are not planned; and on none. */
void step_plant(void);
void step_unplant(void);
/* At one of them: stands before it, and it is no breakpoint any more. */
struct step_site *step_pluck(void);

#endif /* STEP_TRACE_H */
