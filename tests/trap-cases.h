/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Calls of the functions that libisrloop-guard.so traps. */
#ifndef TRAP_CASES_H
#define TRAP_CASES_H

struct trap_case {
	const char *name;
	void (*call)(void);
};

/** One for each trapped function, ended by a name of NULL. */
extern const struct trap_case trap_cases[];

/** Make what the cases use: in them, only the function itself is called. */
void trap_cases_prepare(void);

/** Call what is legal in ISR context, and what only looks as if it waited. */
void trap_call_allowed(void);

#endif /* TRAP_CASES_H */
