/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The daemon's log.
 *
 * A message is one line and goes out with one write, so that the lines of
 * two processes on one stderr do not mix. In the journal the level is the
 * prefix "<N>" of sd-daemon(3), on a terminal it is a word.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static bool to_journal;

/*
 * $JOURNAL_STREAM names the journal's stream as DEVICE:INODE. It is
 * inherited by every child, so it holds only if stderr really is that stream.
 */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	if (sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) != 2)
		return false;
	return st.st_dev == device && st.st_ino == inode;
}

void log_init(void)
{
	to_journal = stderr_is_journal();
}

static const char *level_word(enum isr_log_level level)
{
	switch (level) {
	case ISR_LOG_ERROR:
		return "error: ";
	case ISR_LOG_WARNING:
		return "warning: ";
	case ISR_LOG_DEBUG:
		return "debug: ";
	case ISR_LOG_NOTICE:
		break;
	}
	return "";
}

void log_message(enum isr_log_level level, const char *format, ...)
{
	char text[1024], line[1100];
	va_list args;
	int length;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	if (to_journal)
		length = snprintf(line, sizeof(line), "<%d>%s\n", level, text);
	else
		length = snprintf(line, sizeof(line), "isrloopd: %s%s\n",
				  level_word(level), text);
	/* Nobody is left to be told when stderr fails. */
	(void)!write(STDERR_FILENO, line, (size_t)length);
}

void log_loop_message(enum isr_log_level level, const char *message, void *arg)
{
	if (level != ISR_LOG_DEBUG)
		log_message(level, "%s", message);
}
