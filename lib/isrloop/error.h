/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F0: isr_error, what a person needs to know when something could not be
 * opened: which chip, which line, what is wrong and what to do about it.
 */
#ifndef ISRLOOP_ERROR_H
#define ISRLOOP_ERROR_H

#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/** Bytes of a message, its NUL included. */
#define ISR_ERROR_MESSAGE_BYTES 512

/** The caller's memory; written only when a call fails. */
struct isr_error {
	/** Negative errno, the same that the call returned. */
	int code;
	/** One or two sentences without newline, always terminated. */
	char message[ISR_ERROR_MESSAGE_BYTES];
};

ISR_END_DECLS

#endif /* ISRLOOP_ERROR_H */
