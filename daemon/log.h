/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The daemon's log: stderr, one message a line, each with its level. */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <isrloop/loop.h>

/* Says what the journal understands when stderr leads there. */
void log_init(void);

void log_message(enum isr_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_message(ISR_LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(ISR_LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_message(ISR_LOG_NOTICE, __VA_ARGS__)

/* Where a loop's messages go: isr_loop_set_log_cb(). */
void log_loop_message(enum isr_log_level level, const char *message, void *arg);

#endif /* DAEMON_LOG_H */
