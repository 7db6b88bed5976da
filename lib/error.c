/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F2: filling an isr_error. */
#include <stdarg.h>
#include <stdio.h>

#include "error.h"

int isri_error_set(struct isr_error *reterr_error, int code, const char *format,
		   ...)
{
	va_list args;

	if (!reterr_error)
		return code;

	reterr_error->code = code;
	va_start(args, format);
	vsnprintf(reterr_error->message, sizeof(reterr_error->message), format,
		  args);
	va_end(args);
	return code;
}
