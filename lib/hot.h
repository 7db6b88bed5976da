/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F0: where code lies. A handler comes from the kernel and finds few of the
 * library's pages in the CPU's tables; what it calls first shares them.
 */
#ifndef ISRI_HOT_H
#define ISRI_HOT_H

/* Laid together with all others of its kind. */
#define ISRI_HOT __attribute__((hot))
/* Not inlined: its registers are not saved by callers that do without it. */
#define ISRI_APART __attribute__((noinline))
/* Inlined into more than one caller, as it would be into one. */
#define ISRI_INLINE inline __attribute__((always_inline))

#endif /* ISRI_HOT_H */
