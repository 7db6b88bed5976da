/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F0: which sanitizers this is built with; gcc and clang say it differently. */
#ifndef ISRI_SANITIZE_H
#define ISRI_SANITIZE_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ISRI_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define ISRI_TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define ISRI_ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define ISRI_TSAN 1
#endif

#endif /* ISRI_SANITIZE_H */
