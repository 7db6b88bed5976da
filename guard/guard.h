/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Inside libisrloop-guard.so. Whatever runs from a trapped call is in a
 * signal handler, maybe one that interrupted malloc(3): nothing here
 * allocates, takes a lock or calls stdio, and errno is kept.
 */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isrloop/isr.h>

/*
 * Weak: a program without libisrloop has none of them, and the guard is
 * inert in it.
 */
#pragma weak isr_in_context
#pragma weak isr_context_get_source
#pragma weak isr_source_get_name
#pragma weak isr_fail_at

/** A trapped function: an index into its table. */
enum guard_trap {
#define TRAP_OWN(family, name) GUARD_##name,
#include "trapped.h"
	GUARD_TRAPS
};

/** What is done about a trapped call, besides the report. */
enum guard_mode { GUARD_REPORT, GUARD_DISARM, GUARD_ABORT };

/** One call of a trapped function, while it is carried out. */
struct guard_call {
	bool trapped;
	const void *before; /* of guard_busy, to put back */
};

/* trap.c: the decision */

/** The call as a handler made it: reports it and does what the mode says. */
void guard_trap(enum guard_trap trap, const void *caller,
		struct guard_call *ret_call);
void guard_leave_trap(const void *before);

/** The function of the next library; the program ends when there is none. */
void *guard_resolve(enum guard_trap trap);

/** guard_resolve() runs in this thread: what it allocates is not real yet. */
bool guard_is_resolving(void);

extern void *guard_functions[GUARD_TRAPS];

static inline void *guard_real(enum guard_trap trap)
{
	void *function =
		__atomic_load_n(&guard_functions[trap], __ATOMIC_RELAXED);

	return function ? function : guard_resolve(trap);
}

static inline bool guard_in_context(void)
{
	return isr_in_context && isr_in_context();
}

static inline struct guard_call guard_enter(enum guard_trap trap,
					    const void *caller)
{
	struct guard_call call = {.trapped = false};

	if (__builtin_expect(guard_in_context(), 0))
		guard_trap(trap, caller, &call);
	return call;
}

static inline void guard_leave(struct guard_call *call)
{
	if (__builtin_expect(call->trapped, 0))
		guard_leave_trap(call->before);
}

/*
 * First line of a wrapper: traps the call, and ends that when the wrapper
 * returns, or is unwound because its thread is cancelled.
 */
#define GUARD_CALL(trap)                                                       \
	__attribute__((cleanup(guard_leave), unused)) struct guard_call call = \
		guard_enter(trap, __builtin_return_address(0))

#define GUARD_CALL_IF(trap, condition)                                       \
	__attribute__((cleanup(guard_leave),                                 \
		       unused)) struct guard_call call = {.trapped = false}; \
	if (condition)                                                       \
	call = guard_enter(trap, __builtin_return_address(0))

#define GUARD_EXPORT __attribute__((visibility("default")))

/* place.c: where an address is */

struct guard_place {
	const char *module;   /* path; "" when not known */
	const char *function; /* exported one; NULL: none known */
	uintptr_t module_offset;
	uintptr_t function_offset;
};

/** Learn the program's own path; in the constructor. */
void guard_place_init(void);
void guard_locate(const void *address, struct guard_place *ret_place);

/* text.c: formatting without stdio */

struct guard_text {
	size_t length;
	char bytes[2048];
};

void guard_put(struct guard_text *text, const char *s);
void guard_put_number(struct guard_text *text, uint64_t number);
void guard_put_hex(struct guard_text *text, uintptr_t number);
/** MODULE(+0xOFFSET) or MODULE(FUNCTION+0xOFFSET); base: MODULE only a name */
void guard_put_place(struct guard_text *text, const void *address, bool base);
/** Begin a message: "isrloop-guard[PID]: ". */
void guard_begin(struct guard_text *text);
/** Write all of it at once; what a descriptor refuses is gone. */
void guard_write(const struct guard_text *text);
/** Where guard_write() writes from now on; in the constructor. */
void guard_set_fd(int fd);

/* report.c: each place once, and the count */

/** Report a call; source NULL: of no source. */
void guard_report(enum guard_trap trap, const void *caller,
		  const struct isr_source *source);
/** At the end of the program: how many, and which places again. */
void guard_summarize(void);
/** In a forked child: what its parent did is not its own. */
void guard_forget(void);
/** Load what backtrace(3) loads at its first call. */
void guard_report_init(void);

extern const char *const guard_names[GUARD_TRAPS];

#endif /* GUARD_GUARD_H */
