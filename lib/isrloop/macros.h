/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F0: what every public header needs: export, C++ guards, counters. */
#ifndef ISRLOOP_MACROS_H
#define ISRLOOP_MACROS_H

#include <stdint.h>

#if defined(__GNUC__)
#define ISR_API __attribute__((visibility("default")))
/* A counter of 64 bits that is atomic: i386 would align it to 4 bytes. */
#define ISR_COUNTER __attribute__((aligned(8))) uint64_t
#else
#define ISR_API
#define ISR_COUNTER uint64_t
#endif

/** The place in the source, "file.c:12". */
#define ISR_STRINGIFY_1(x) #x
#define ISR_STRINGIFY(x) ISR_STRINGIFY_1(x)
#define ISR_HERE __FILE__ ":" ISR_STRINGIFY(__LINE__)

#ifdef __cplusplus
#define ISR_BEGIN_DECLS extern "C" {
#define ISR_END_DECLS }
#else
#define ISR_BEGIN_DECLS
#define ISR_END_DECLS
#endif

#endif /* ISRLOOP_MACROS_H */
