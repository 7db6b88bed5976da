/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F0: C11 atomics on members of public structs.
 *
 * Public headers compile as C99 and C++, so their members are plain
 * integers. ATOMIC() views one as its atomic twin, which has the same size
 * and representation on every compiler that this builds with (asserted).
 * Only the _explicit functions are used: a plain operator would hide its
 * memory order.
 */
#ifndef ISRI_ATOMIC_H
#define ISRI_ATOMIC_H

#include <stdatomic.h>
#include <stdint.h>

#define ATOMIC(p) ((_Atomic __typeof__(*(p)) *)(p))

_Static_assert(sizeof(_Atomic uint32_t) == sizeof(uint32_t), "ATOMIC()");
_Static_assert(sizeof(_Atomic uint64_t) == sizeof(uint64_t), "ATOMIC()");
_Static_assert(sizeof(_Atomic(void *)) == sizeof(void *), "ATOMIC()");

/* All of them are used in signal handlers. */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "no lock-free int");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit counter");
_Static_assert(ATOMIC_POINTER_LOCK_FREE == 2, "no lock-free pointer");

#endif /* ISRI_ATOMIC_H */
