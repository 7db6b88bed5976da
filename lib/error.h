/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F2: filling an isr_error. */
#ifndef ISRI_ERROR_H
#define ISRI_ERROR_H

#include <isrloop/error.h>

/*
 * Fills reterr_error, when there is one, and returns code, so that a caller
 * says both in one return statement. What does not fit is cut.
 */
int isri_error_set(struct isr_error *reterr_error, int code, const char *format,
		   ...) __attribute__((format(printf, 3, 4)));

/* The same without a format; signal class. */
int isri_error_copy(struct isr_error *reterr_error, int code,
		    const char *message);

/*
 * For functions that are legal everywhere but in ISR context: 0, or -EPERM, a
 * record that names the function, and reterr_error filled. Signal class.
 */
int isri_error_refuse_isr(struct isr_error *reterr_error, const char *function);

#endif /* ISRI_ERROR_H */
