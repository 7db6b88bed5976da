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
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
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
 * What another thread does, or a process: a test that waits for it in vain
 * fails. Not where a failure cannot end, as in a signal handler.
 */
#define xt_wait_until(condition)                                   \
	do {                                                       \
		uint64_t xt_since_ns = xt_now_ns();                \
		while (!(condition)) {                             \
			ck_assert_msg(!xt_is_in_vain(xt_since_ns), \
				      "in vain: %s", #condition);  \
			sched_yield();                             \
		}                                                  \
	} while (0)

/* The machine's clock, whatever a test makes of isr_now_ns(). */
uint64_t xt_now_ns(void);

/*
 * Seconds: nothing that happens at all takes as long, on whatever machine.
 * Less than what a test that hangs has, so that it is told what was in vain.
 */
#define XT_IN_VAIN_S 20
bool xt_is_in_vain(uint64_t since_ns);

/*
 * Of a loop whose urgent steps have time without end, and critical sections
 * too: for a test that counts what one run does, or what is told. On a busy
 * machine a step, or a section, may take longer than the defaults allow.
 */
extern const struct isr_loop_config xt_patient;

/*
 * Add a test case whose tests must each close what they opened, and end some
 * time; one that hangs without fork takes the program along. A fixture of your
 * own, added after this, runs inside that check.
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
