/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * malloc(3) and its kin. dlsym(3), which finds the real ones, may allocate:
 * what it gets meanwhile is cut from a fixed arena and never given back.
 */
#include "headers.h"

#include <errno.h>

#include "guard.h"

#define ALIGN _Alignof(max_align_t)

static _Alignas(max_align_t) unsigned char arena[8192];
static size_t arena_used;

static bool is_from_arena(const void *p)
{
	return (uintptr_t)p - (uintptr_t)arena < sizeof(arena);
}

/* Zeroed: nothing of it is used twice. */
static void *cut_arena(size_t n)
{
	size_t at;

	if (n > sizeof(arena))
		goto full;
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	at = __atomic_fetch_add(&arena_used, n, __ATOMIC_RELAXED);
	if (at + n <= sizeof(arena))
		return arena + at;
full:
	errno = ENOMEM;
	return NULL;
}

GUARD_EXPORT void *malloc(size_t n)
{
	void *(*real)(size_t);
	struct guard_call call;
	void *p;

	if (guard_is_resolving())
		return cut_arena(n);
	real = guard_real(GUARD_malloc);
	call = guard_enter(GUARD_malloc, __builtin_return_address(0));
	p = real(n);
	guard_leave(&call);
	return p;
}

GUARD_EXPORT void *calloc(size_t count, size_t n)
{
	void *(*real)(size_t, size_t);
	size_t all;
	struct guard_call call;
	void *p;

	if (guard_is_resolving()) {
		if (__builtin_mul_overflow(count, n, &all))
			all = SIZE_MAX;
		return cut_arena(all);
	}
	real = guard_real(GUARD_calloc);
	call = guard_enter(GUARD_calloc, __builtin_return_address(0));
	p = real(count, n);
	guard_leave(&call);
	return p;
}

/* What is from the arena moves out of it; how long it was is not known. */
static void *move_from_arena(const void *p, size_t n)
{
	size_t rest = arena + sizeof(arena) - (const unsigned char *)p;
	void *moved = guard_is_resolving() ? cut_arena(n) : malloc(n);

	if (moved)
		memcpy(moved, p, n < rest ? n : rest);
	return moved;
}

GUARD_EXPORT void *realloc(void *p, size_t n)
{
	void *(*real)(void *, size_t);
	struct guard_call call;
	void *q;

	if (is_from_arena(p))
		return move_from_arena(p, n);
	if (guard_is_resolving() && !p)
		return cut_arena(n);
	real = guard_real(GUARD_realloc);
	call = guard_enter(GUARD_realloc, __builtin_return_address(0));
	q = real(p, n);
	guard_leave(&call);
	return q;
}

GUARD_EXPORT void *reallocarray(void *p, size_t count, size_t n)
{
	void *(*real)(void *, size_t, size_t);
	size_t all;
	struct guard_call call;
	void *q;

	if (is_from_arena(p)) {
		if (__builtin_mul_overflow(count, n, &all))
			all = SIZE_MAX;
		return move_from_arena(p, all);
	}
	real = guard_real(GUARD_reallocarray);
	call = guard_enter(GUARD_reallocarray, __builtin_return_address(0));
	q = real(p, count, n);
	guard_leave(&call);
	return q;
}

GUARD_EXPORT void free(void *p)
{
	void (*real)(void *);
	struct guard_call call;

	if (is_from_arena(p))
		return;
	real = guard_real(GUARD_free);
	call = guard_enter(GUARD_free, __builtin_return_address(0));
	real(p);
	guard_leave(&call);
}
