/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F0: hints to the CPU. They change how long things take, and no more. */
#ifndef ISRI_CPU_H
#define ISRI_CPU_H

#include "hot.h"

/* In a loop that only looks. */
static ISRI_INLINE void isri_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Asks for a line that will be written soon. Any address is legal. */
static ISRI_INLINE void isri_cpu_fetch(const void *address)
{
#if defined(__x86_64__)
	/*
	 * The builtin would ask for reading unless told that the CPU knows
	 * this one. Every 64-bit x86 decodes it; the oldest do nothing.
	 */
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
#else
	__builtin_prefetch(address, 1);
#endif
}

#endif /* ISRI_CPU_H */
