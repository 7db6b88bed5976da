/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The functions that the guard puts before those of the C library, made from
 * the list of trapped.h, and exit(3), which does not return.
 */
#include "headers.h"

#include "guard.h"

static inline bool guard_waits(const struct timespec *timeout)
{
	return !timeout || timeout->tv_sec || timeout->tv_nsec;
}

/* First all declarations: of these, no header has some. */
#define TRAP(family, type, name, params, args) GUARD_EXPORT type name params;
#define TRAP_IF(family, type, name, params, args, condition) \
	GUARD_EXPORT type name params;
#define TRAP_FORMAT(family, type, name, twin, params, last, args) \
	GUARD_EXPORT type name params;
#define TRAP_OWN(family, name)
#include "trapped.h"

#define TRAP(family, type, name, params, args)                 \
	type name params                                       \
	{                                                      \
		type(*real) params = guard_real(GUARD_##name); \
		GUARD_CALL(GUARD_##name);                      \
		return real args;                              \
	}
#define TRAP_IF(family, type, name, params, args, condition)   \
	type name params                                       \
	{                                                      \
		type(*real) params = guard_real(GUARD_##name); \
		GUARD_CALL_IF(GUARD_##name, condition);        \
		return real args;                              \
	}
#define TRAP_FORMAT(family, type, name, twin, params, last, args)  \
	type name params                                           \
	{                                                          \
		__typeof__(&twin) real = guard_real(GUARD_##twin); \
		type result;                                       \
		va_list ap;                                        \
		GUARD_CALL(GUARD_##name);                          \
		va_start(ap, last);                                \
		result = real args;                                \
		va_end(ap);                                        \
		return result;                                     \
	}
#define TRAP_OWN(family, name)
#include "trapped.h"

GUARD_EXPORT void syslog(int level, const char *format, ...)
{
	__typeof__(&vsyslog) real = guard_real(GUARD_vsyslog);
	va_list ap;
	GUARD_CALL(GUARD_syslog);

	va_start(ap, format);
	real(level, format, ap);
	va_end(ap);
}

GUARD_EXPORT void __syslog_chk(int level, int flag, const char *format, ...);
void __syslog_chk(int level, int flag, const char *format, ...)
{
	__typeof__(&__vsyslog_chk) real = guard_real(GUARD___vsyslog_chk);
	va_list ap;
	GUARD_CALL(GUARD___syslog_chk);

	va_start(ap, format);
	real(level, flag, format, ap);
	va_end(ap);
}

GUARD_EXPORT void exit(int status)
{
	void (*real)(int) __attribute__((noreturn)) = guard_real(GUARD_exit);
	GUARD_CALL(GUARD_exit);

	real(status);
}
