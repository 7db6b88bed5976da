/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What every unit test needs beside Check. Helpers fail the test themselves,
 * so that a test reads as arrange, act, assert.
 */
#ifndef XT_H
#define XT_H

#ifdef NDEBUG
#error "tests must not be built with NDEBUG"
#endif

#include <check.h>
#include <errno.h>
#include <string.h>

#include <isrloop/loop.h>

/* A negative errno fails the test, by name. */
#define xt_ok(call)                                                         \
	do {                                                                \
		int xt_r = (call);                                          \
		ck_assert_msg(xt_r >= 0, "%s: %s", #call, strerror(-xt_r)); \
	} while (0)

/* Anything but this negative errno fails the test. */
#define xt_fails_with(error, call)                                       \
	do {                                                             \
		int xt_r = (call);                                       \
		ck_assert_msg(xt_r == -(error), "%s: %d instead of -%s", \
			      #call, xt_r, #error);                      \
	} while (0)

/*
 * Add a test case whose tests must each close what they opened. A fixture of
 * your own, added after this, runs inside that check.
 */
TCase *xt_case(Suite *suite, const char *name);

/*
 * A program's main: run the suite, print each failure and one line of
 * counts. CK_FORK=no (thread sanitizer) and Check's other variables work.
 * Returns the exit status.
 */
int xt_main(Suite *suite);

/* An isr_log_cb: an error of the library fails the test. */
void xt_log(enum isr_log_level level, const char *message, void *arg);

#endif /* XT_H */
