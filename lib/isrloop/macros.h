/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F0: what every public header needs: export, C++ guards and nothing else. */
#ifndef ISRLOOP_MACROS_H
#define ISRLOOP_MACROS_H

#if defined(__GNUC__)
#define ISR_API __attribute__((visibility("default")))
#else
#define ISR_API
#endif

#ifdef __cplusplus
#define ISR_BEGIN_DECLS extern "C" {
#define ISR_END_DECLS }
#else
#define ISR_BEGIN_DECLS
#define ISR_END_DECLS
#endif

#endif /* ISRLOOP_MACROS_H */
