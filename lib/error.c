/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F2: filling an isr_error. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "context.h"
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

int isri_error_copy(struct isr_error *reterr_error, int code,
		    const char *message)
{
	if (!reterr_error)
		return code;

	reterr_error->code = code;
	strncpy(reterr_error->message, message,
		sizeof(reterr_error->message) - 1);
	reterr_error->message[sizeof(reterr_error->message) - 1] = '\0';
	return code;
}

int isri_error_refuse_isr(struct isr_error *reterr_error, const char *function)
{
	int r = isri_context_refuse_isr(function);

	if (r < 0)
		isri_error_copy(reterr_error, r,
				"chips and lines are not for hard handlers; "
				"have the loop do it, with isr_schedule()");
	return r;
}
